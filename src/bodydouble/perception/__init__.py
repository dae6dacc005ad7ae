"""Perception: frames to a scene bundle and plate keys. The only stage that looks at people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bodydouble.perception.mot import write_mot
    from bodydouble.perception.stages import perceive

__all__ = ["perceive", "write_mot"]


def __getattr__(name: str) -> object:
    """Import the public functions when they are first asked for: they pull in OpenCV and ONNX Runtime."""
    if name == "perceive":
        from bodydouble.perception.stages import perceive

        return perceive
    if name == "write_mot":
        from bodydouble.perception.mot import write_mot

        return write_mot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
