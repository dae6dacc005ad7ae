"""Writes the small diffusion model in diffusers' layout, in float16, for ``--generation.weights``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from training.diffusion_nets import SCHEDULE


def export(parts: Mapping[str, Any], tokenizer: Path, out: Path) -> Path:
    """Write the parts of a model.

    Args:
        parts: networks by the names of their folders.
        tokenizer: folder of the tokenizer.
        out: made anew.
    """
    from safetensors.torch import save_file

    if out.exists():
        shutil.rmtree(out)
    for name, net in parts.items():
        if hasattr(net, "save_config"):
            net.save_config(out / name)
        else:
            net.config.save_pretrained(out / name)
        narrow = {key: _narrow(value).contiguous() for key, value in net.state_dict().items()}
        file = out / name / f"{'model' if name == 'text_encoder' else 'diffusion_pytorch_model'}.safetensors"
        save_file(narrow, file, metadata={"format": "pt"})
        file.chmod(0o644)  # The library makes it readable for its owner only.
    shutil.copytree(tokenizer, out / "tokenizer")
    (out / "scheduler").mkdir()
    (out / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULE, indent=2) + "\n", encoding="utf-8")
    return out


def _narrow(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value
