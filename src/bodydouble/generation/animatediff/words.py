"""Embedding prompts with Compel."""

from __future__ import annotations

from typing import Any

import torch

from bodydouble.generation.animatediff.models import Models
from bodydouble.generation.diffusion.quiet import quiet


def embed(models: Models, prompt: str, negative: str | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Embed a weighted prompt; longer ones than the 77 tokens of CLIP are embedded in several pieces.

    Args:
        models: text encoder and tokenizer.
        prompt: in Compel's syntax.
        negative: what must not be seen; None without guidance.

    Returns:
        (1, tokens, size) for the prompt, and the same number of tokens for the negative one or None.
    """
    # `Compel` itself, not its wrappers for pipelines: it is all that they use, and needs no pipeline. The last hidden state
    # is what Stable Diffusion 1.5 was trained with, and clip skip fails with transformers 5.6 and later.
    with models.at_work(models.text_encoder), torch.inference_mode(), quiet():
        from compel import Compel

        compel: Any = Compel(
            tokenizer=models.tokenizer, text_encoder=models.text_encoder, truncate_long_prompts=False,
            dtype_for_device_getter=lambda device: models.dtype, device=str(models.device),
        )  # fmt: skip
        words = compel([prompt])
        if negative is None:
            return words, None
        words, negative_words = compel.pad_conditioning_tensors_to_same_length([words, compel([negative])])
    return words, negative_words
