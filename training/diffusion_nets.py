"""The networks of the small diffusion model: those of Stable Diffusion 1.5, AnimateDiff and ControlNet, at small size."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

WORDS_LENGTH: Final = 96
"""Tokens of a piece of text: the first and last are marks. More than CLIP's 77, which the longest of casting's prompts
exceed; they would be read in two pieces that know nothing of each other."""
START, END = "<|startoftext|>", "<|endoftext|>"
_CHARACTERS: Final = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
SCHEDULE: Final[dict[str, Any]] = {
    "_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear",
    "num_train_timesteps": 1000, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": True, "steps_offset": 0,
}  # fmt: skip
"""AnimateDiff's betas, bent so that the last step is pure noise (Lin et al. 2023): the first of few steps then has to know
colours and pose from words and skeleton alone, as it must in use. Noise cannot be told from pure noise, so the networks
predict v (Salimans & Ho 2022)."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the networks are."""

    widths: tuple[int, ...] = (48, 96, 160)
    """Channels of the blocks of UNet and ControlNet; the first works on latents at full resolution, without attention."""
    text_width: int = 96
    text_layers: int = 2
    vae_widths: tuple[int, ...] = (16, 32, 48)
    """The picture is halved after each but the last."""
    latent_channels: int = 8
    layers: int = 1
    """Residual blocks of a block on the way down."""


TOY: Final = Size(widths=(16, 32), text_width=32, text_layers=1)
"""For tests."""


def make_networks(size: Size, vocabulary: dict[str, int]) -> dict[str, Any]:
    """All networks with random weights, by the name of their folder; the chance is torch's own."""
    return {
        "vae": _make_vae(size), "text_encoder": _make_text_encoder(size, vocabulary), "unet": _make_unet(size),
        "controlnet": _make_controlnet(size), "motion_adapter": _make_motion_adapter(size),
    }  # fmt: skip


def _make_vae(size: Size) -> Any:
    from diffusers import AutoencoderKL

    count = len(size.vae_widths)
    return AutoencoderKL(
        block_out_channels=size.vae_widths, down_block_types=("DownEncoderBlock2D",) * count,
        up_block_types=("UpDecoderBlock2D",) * count, latent_channels=size.latent_channels, norm_num_groups=4,
        sample_size=128, layers_per_block=1, mid_block_add_attention=False, scaling_factor=1.0,
    )  # fmt: skip


def _make_text_encoder(size: Size, vocabulary: dict[str, int]) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            bos_token_id=vocabulary[START], eos_token_id=vocabulary[END], pad_token_id=vocabulary[END],
            hidden_size=size.text_width, intermediate_size=2 * size.text_width, num_attention_heads=4,
            num_hidden_layers=size.text_layers, vocab_size=len(vocabulary), projection_dim=size.text_width,
            max_position_embeddings=WORDS_LENGTH,
        )
    )  # fmt: skip


def _shared(size: Size) -> dict[str, Any]:
    return {
        "block_out_channels": size.widths, "layers_per_block": size.layers, "in_channels": size.latent_channels,
        "cross_attention_dim": size.text_width, "norm_num_groups": 8, "attention_head_dim": 4,
    }  # fmt: skip


def _make_unet(size: Size) -> Any:
    from diffusers import UNet2DConditionModel

    deep = len(size.widths) - 1
    return UNet2DConditionModel(
        sample_size=16, out_channels=size.latent_channels,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * deep),
        up_block_types=(*("CrossAttnUpBlock2D",) * deep, "UpBlock2D"), **_shared(size),
    )  # fmt: skip


def _make_controlnet(size: Size) -> Any:
    """It reads no words: plain blocks, which is what skeletons need."""
    import torch
    from diffusers import ControlNetModel

    steps = len(size.vae_widths)
    net = ControlNetModel(
        down_block_types=("DownBlock2D",) * len(size.widths), mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=(8, 16, 48, 64)[:steps], **_shared(size),
    )  # fmt: skip
    # Zeros at the outlets protect a trained UNet from a new ControlNet; here both begin together.
    for outlet in [*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out]:
        torch.nn.init.xavier_uniform_(outlet.weight)
    return net


def _make_motion_adapter(size: Size) -> Any:
    import torch
    from diffusers import MotionAdapter

    adapter = MotionAdapter(
        block_out_channels=size.widths, motion_layers_per_block=1, motion_norm_num_groups=8,
        motion_num_attention_heads=4, motion_max_seq_length=32, use_motion_mid_block=True,
    )  # fmt: skip
    # They begin without any effect on the pictures, as in AnimateDiff (Guo et al. 2023).
    for name, parameter in adapter.named_parameters():
        if ".proj_out." in name:
            torch.nn.init.zeros_(parameter)
    return adapter


def words_of(text: str) -> list[str]:
    """Text as CLIP's tokenizer takes it apart before it looks for merges."""
    return re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower())


def learn_merges(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Byte-pair encoding (Sennrich et al. 2016) until every word of the texts is one token."""
    words = Counter(word for text in texts for word in words_of(text))
    split = {word: (*word[:-1], f"{word[-1]}</w>") for word in words}
    merges = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in split.items():
            for pair in pairwise(parts):
                pairs[pair] += words[word]
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        split = {word: _merged(parts, best) for word, parts in split.items()}


def _merged(parts: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return tuple(out)


def save_tokenizer(folder: Path, texts: Iterable[str]) -> dict[str, int]:
    """Write a tokenizer for the words of some texts, which spells all others; returns the vocabulary."""
    merges = learn_merges(texts)
    tokens = [*_CHARACTERS, *(f"{c}</w>" for c in _CHARACTERS), *(a + b for a, b in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": WORDS_LENGTH, "bos_token": START, "eos_token": END,
        "pad_token": END, "unk_token": END, "do_lower_case": True,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return vocabulary
