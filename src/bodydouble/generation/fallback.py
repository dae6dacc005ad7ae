"""What becomes of stretches that the generator of choice does not play."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.config import GenerationConfig
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.strict_files import write_bytes

REMARKS_FOLDER: Final = "remarks"
"""In a performance: one file for each stretch with something to say about it."""

DIFFUSION: Final = ("animatediff", "vace")
"""Backends whose stretches can fall back."""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A stretch of a track that was not played as asked for."""

    track_id: int
    first_frame: int
    """0-based."""
    last_frame: int
    """0-based, inclusive."""
    reason: str
    instead: Literal["paint-out", "avatar"]
    """What was done."""


def filtered_steps(track: PersonTrack) -> NDArray[np.bool_]:
    """Steps that the sequence filter (paper, section 3.3) took from a track that is played elsewhere.

    A track of which nothing is played may be no person at all, or has no skeleton anywhere: it is never filled in.
    """
    return ~track.play if bool(track.play.any()) else np.zeros(len(track), np.bool_)


def with_fallback(bundle: SceneBundle, config: GenerationConfig) -> SceneBundle:
    """The bundle as it is to be composited: steps that a fallback plays are played."""
    if config.backend not in DIFFUSION or config.fallback != "avatar":
        return bundle
    return replace(bundle, tracks=tuple(replace(t, play=t.play | filtered_steps(t)) for t in bundle.tracks))


def write_remarks(folder: Path, name: str, remarks: Sequence[Remark]) -> None:
    """Keep remarks in a performance; nothing is written for none.

    Raises:
        OutputError: they cannot be written.
    """
    if not remarks:
        return
    (folder / REMARKS_FOLDER).mkdir(exist_ok=True)
    rows = json.dumps([asdict(remark) for remark in remarks], indent=1)
    write_bytes(folder / REMARKS_FOLDER / f"{name}.json", (rows + "\n").encode())


def read_remarks(folder: Path) -> tuple[Remark, ...]:
    """Remarks of a performance, ordered by track and frame; those of resumed work included."""
    files = sorted((folder / REMARKS_FOLDER).glob("*.json"))
    remarks = [Remark(**row) for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
    return tuple(sorted(remarks, key=lambda r: (r.track_id, r.first_frame)))
