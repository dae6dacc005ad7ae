"""Wan2.1-VACE at toy size: the same classes and folders, random weights, about a megabyte.

Pictures are meaningless, but everything that loads, prompts, windows, decodes and cuts runs as it does with the public
weights. Needs the extra ``diffusion``.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any, Final

TEXT_SIZE: Final = 16
LATENT_CHANNELS: Final = 16

_PAD: Final = "<pad>"
_END: Final = "</s>"
_UNKNOWN: Final = "<unk>"


def make_toy_vace(folder: Path, *, seed: int = 0) -> Path:
    """Make ``transformer``, ``vae``, ``text_encoder``, ``tokenizer`` and ``scheduler`` in diffusers' layout.

    Args:
        folder: made if need be.
        seed: of the weights.

    Returns:
        The folder, for ``--generation.weights``.
    """
    import torch
    from diffusers import UniPCMultistepScheduler

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, network in _networks().items():
            network.save_pretrained(folder / name, safe_serialization=True)
    # The published one; https://huggingface.co/Wan-AI/Wan2.1-VACE-1.3B-diffusers, scheduler_config.json.
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    scheduler.save_pretrained(folder / "scheduler")
    save_toy_t5_tokenizer(folder / "tokenizer")
    return folder


def save_toy_t5_tokenizer(folder: Path) -> None:
    """A tokenizer that spells: one token a character."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = _vocabulary()
    spelling = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    spelling.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    spelling.post_processor = processors.TemplateProcessing(
        single=f"$A {_END}", special_tokens=[(_END, vocabulary[_END])]
    )
    folder.mkdir(parents=True, exist_ok=True)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=spelling, pad_token=_PAD, eos_token=_END, unk_token=_UNKNOWN, model_max_length=512
    )
    wrapped.save_pretrained(folder)


def _vocabulary() -> dict[str, int]:
    tokens = [_PAD, _END, _UNKNOWN, *string.ascii_letters, *string.digits, *string.punctuation, " "]
    return {token: number for number, token in enumerate(tokens)}


def _networks() -> dict[str, Any]:
    from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
    from transformers import UMT5Config, UMT5EncoderModel

    text = UMT5Config(
        vocab_size=len(_vocabulary()), d_model=TEXT_SIZE, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
        relative_attention_num_buckets=8, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    vae = AutoencoderKLWan(
        base_dim=4, z_dim=LATENT_CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        temperal_downsample=[False, True, True],
    )  # fmt: skip
    transformer = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS, text_dim=TEXT_SIZE, freq_dim=32, ffn_dim=32, num_layers=2, rope_max_seq_len=64,
        vace_layers=[0, 1], vace_in_channels=2 * LATENT_CHANNELS + 64,
    )  # fmt: skip
    _open_outputs(transformer, vae)
    return {"transformer": transformer, "vae": vae, "text_encoder": UMT5EncoderModel(text)}


def _open_outputs(transformer: Any, vae: Any) -> None:
    """Random networks of these classes answer in one grey and hardly hear their conditions; toy ones are to be felt."""
    import torch

    vae.decoder.conv_out.weight.data.mul_(8)
    for block in transformer.vace_blocks:
        torch.nn.init.normal_(block.proj_out.weight, std=0.5)
