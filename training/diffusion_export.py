"""Writes the small diffusion model in diffusers' layout, in float16, for ``--generation.weights``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from training.diffusion_nets import SCHEDULE

PARTS = ("unet", "controlnet", "motion_adapter", "vae", "text_encoder")


def export(work: Path, out: Path) -> Path:
    """Write what the stages left in a folder of checkpoints.

    Args:
        work: folder of `training.train_diffusion`.
        out: made anew.
    """
    from safetensors.torch import save_file

    if out.exists():
        shutil.rmtree(out)
    for part in PARTS:
        shutil.copytree(work / "config" / part, out / part)
        state = torch.load(work / f"{part}.done.pt", weights_only=True)
        narrow = {name: _narrow(value).contiguous() for name, value in state.items()}
        stem = "model" if part == "text_encoder" else "diffusion_pytorch_model"
        file = out / part / f"{stem}.safetensors"
        save_file(narrow, file, metadata={"format": "pt"})
        file.chmod(0o644)  # The library makes it readable for its owner only.
    shutil.copytree(work / "tokenizer", out / "tokenizer")
    (out / "scheduler").mkdir()
    (out / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULE, indent=2) + "\n", encoding="utf-8")
    return out


def _narrow(value: Any) -> torch.Tensor:
    tensor: torch.Tensor = value
    return tensor.half() if tensor.is_floating_point() else tensor
