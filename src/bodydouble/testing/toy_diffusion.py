"""The diffusion generator's networks at toy size: the same classes and folders, random weights, a few megabytes.

Pictures are meaningless, but everything that loads, prompts, windows, decodes and cuts runs as it does with the public
weights. Needs the extra ``diffusion``.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any, Final

WIDTHS: Final = (16, 32)
"""Channels of the blocks of UNet and ControlNet."""
TEXT_SIZE: Final = 32
LONGEST_WINDOW: Final = 32

_START: Final = "<|startoftext|>"
_END: Final = "<|endoftext|>"


def make_toy_diffusion(folder: Path, *, seed: int = 0) -> Path:
    """Make the weights and save them in diffusers' layout, in folders named as pipelines name their parts.

    Args:
        folder: made if need be.
        seed: of the weights.

    Returns:
        The folder, for ``--generation.weights``.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, network in _networks().items():
            network.save_pretrained(folder / name, safe_serialization=True)
    save_toy_tokenizer(folder / "tokenizer")
    return folder


def save_toy_tokenizer(folder: Path) -> None:
    """A tokenizer that spells: one token a character, as CLIP's would do with an empty list of merges."""
    vocabulary = _vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    settings = {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "bos_token": _START, "eos_token": _END,
        "pad_token": _END, "unk_token": _END, "do_lower_case": True,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _vocabulary() -> dict[str, int]:
    characters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*characters, *(f"{character}</w>" for character in characters), _START, _END]
    return {token: number for number, token in enumerate(tokens)}


def _networks() -> dict[str, Any]:
    from diffusers import AutoencoderKL, ControlNetModel, MotionAdapter, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    shared: dict[str, Any] = {
        "block_out_channels": WIDTHS, "layers_per_block": 1, "in_channels": 4, "cross_attention_dim": TEXT_SIZE,
        "norm_num_groups": 8, "attention_head_dim": 4, "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    }  # fmt: skip
    vocabulary = _vocabulary()
    text = CLIPTextConfig(
        bos_token_id=vocabulary[_START], eos_token_id=vocabulary[_END], pad_token_id=vocabulary[_END],
        hidden_size=TEXT_SIZE, intermediate_size=2 * TEXT_SIZE, num_attention_heads=4, num_hidden_layers=2,
        vocab_size=len(vocabulary),
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 16, 16), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, norm_num_groups=8, sample_size=64,
    )  # fmt: skip
    _calm(vae)
    controlnet = ControlNetModel(conditioning_embedding_out_channels=(8, 8, 16, 16), **shared)
    _open_zero_convolutions(controlnet)
    return {
        "unet": UNet2DConditionModel(
            sample_size=8, out_channels=4, up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), **shared
        ),
        "motion_adapter": MotionAdapter(
            block_out_channels=WIDTHS, motion_layers_per_block=1, motion_norm_num_groups=8, motion_num_attention_heads=4,
            motion_max_seq_length=LONGEST_WINDOW, use_motion_mid_block=True,
        ),
        "controlnet": controlnet,
        "vae": vae,
        "text_encoder": CLIPTextModel(text),
    }  # fmt: skip


def _calm(vae: Any) -> None:
    """Random decoders answer in glaring patches everywhere; with less contrast a cutter finds somebody in about a third."""
    vae.decoder.conv_out.weight.data.mul_(0.6)


def _open_zero_convolutions(controlnet: Any) -> None:
    """A fresh ControlNet begins with zeros on purpose and would change nothing; toy skeletons are to be felt."""
    import torch

    drawing = controlnet.controlnet_cond_embedding.conv_out
    for block in [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block, drawing]:
        torch.nn.init.normal_(block.weight, std=0.2)
