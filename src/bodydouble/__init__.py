"""Replaces every person in a video by a body double who moves the same way.

>>> import bodydouble
>>> bodydouble.anonymize  # doctest: +ELLIPSIS
<function anonymize at ...>

Names are loaded when they are first used: importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bodydouble.config import RunConfig, preset
    from bodydouble.errors import BodyDoubleError
    from bodydouble.pipeline import RunResult, anonymize, composite, generate, perceive
    from bodydouble.pipeline.evaluate import evaluate
    from bodydouble.scene import Appearance, Cast, PersonTrack, SceneBundle, Sprite, TrackWindow, VideoGeometry

__version__ = "0.1.0"

__all__ = [
    "Appearance",
    "BodyDoubleError",
    "Cast",
    "PersonTrack",
    "RunConfig",
    "RunResult",
    "SceneBundle",
    "Sprite",
    "TrackWindow",
    "VideoGeometry",
    "__version__",
    "anonymize",
    "composite",
    "evaluate",
    "generate",
    "perceive",
    "preset",
]

_HOME: Final[dict[str, str]] = {
    **dict.fromkeys(("RunConfig", "preset"), "bodydouble.config"),
    "BodyDoubleError": "bodydouble.errors",
    "evaluate": "bodydouble.pipeline.evaluate",
    **dict.fromkeys(("RunResult", "anonymize", "composite", "generate", "perceive"), "bodydouble.pipeline"),
    **dict.fromkeys(
        ("Appearance", "Cast", "PersonTrack", "SceneBundle", "Sprite", "TrackWindow", "VideoGeometry"),
        "bodydouble.scene",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bodydouble' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
