"""Compositing: frames, plate and doubles in, frames without the people who were filmed out.

Cast shadows of filmed people go as far as perception found them; doubles have a shadow right under their feet only. What
stands in front of people (a pole, a sign, a pillar) is learnt from the clip and hides doubles too, where the camera stands
still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bodydouble.compositing.base import (
    Action,
    ChangeCounts,
    CompositedFrame,
    PlateSource,
    SpriteSource,
    TrackOutcome,
)
from bodydouble.compositing.config import (
    CompositingConfig,
    LightConfig,
    OcclusionConfig,
    PaintOutConfig,
    SensorConfig,
    ShadowConfig,
)

if TYPE_CHECKING:
    from bodydouble.compositing.audit import AuditTotals, CoverageAudit
    from bodydouble.compositing.compose import Compositor, composite

__all__ = [
    "Action",
    "AuditTotals",
    "ChangeCounts",
    "CompositedFrame",
    "CompositingConfig",
    "Compositor",
    "CoverageAudit",
    "LightConfig",
    "OcclusionConfig",
    "PaintOutConfig",
    "PlateSource",
    "SensorConfig",
    "ShadowConfig",
    "SpriteSource",
    "TrackOutcome",
    "composite",
]

_HEAVY = {"AuditTotals": "audit", "CoverageAudit": "audit", "Compositor": "compose", "composite": "compose"}
"""Names whose modules load OpenCV; looked up when they are first used, so that ``--help`` need not wait for it."""


def __getattr__(name: str) -> object:
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HEAVY[name]}"), name)
