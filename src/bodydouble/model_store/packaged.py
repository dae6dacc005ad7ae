"""Weights that come with bodydouble itself and are named like models of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SMALL_DIFFUSION: Final = "small-diffusion"
"""Own diffusion model, trained on renders of the avatar only; see docs/small_diffusion.md."""

_PACKAGE: Final = Path(__file__).resolve().parent.parent

PACKAGED: Final[dict[str, Path]] = {SMALL_DIFFUSION: _PACKAGE / "generation" / "weights" / SMALL_DIFFUSION}
"""Names, and the folders that they stand for."""
