"""Things that people push, ride or throw: simple meshes in the frame of the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.body.primitives import Mesh, box, ellipsoid, lathe, tube

Kind = Literal["pram", "bicycle", "ball"]
Colour = tuple[float, float, float]

_WHEEL_M: Final = 0.33
_METAL: Final[Colour] = (0.10, 0.10, 0.11)
_RUBBER: Final[Colour] = (0.03, 0.03, 0.03)
_EYE: Final = np.eye(3, dtype=np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prop:
    """A thing and where it is, seen from the person: x left, y backwards, z up from the ground, metres."""

    kind: Kind
    colour: Colour
    """Linear, of the part that has one."""
    offset_m: NDArray[np.float64] | None = None
    """``(T, 3)`` where it moves against the person (a ball in flight); NaN where it is not there any more."""

    def meshes(self, frame: int) -> list[tuple[Mesh, NDArray[np.float32]]]:
        """The thing at a frame, with colours; on the ground below the person's origin unless it flies."""
        if self.kind == "ball":
            return [(ellipsoid(self._at(frame), (0.11, 0.11, 0.11), _EYE, Part.BAG), _rgb(self.colour))]
        return _pram(self.colour) if self.kind == "pram" else _bicycle(self.colour)

    def is_there(self, frame: int) -> bool:
        """False once it is gone."""
        return self.offset_m is None or bool(np.isfinite(self.offset_m[frame]).all())

    def _at(self, frame: int) -> NDArray[np.float64]:
        return np.zeros(3) if self.offset_m is None else self.offset_m[frame]


def _rgb(colour: Colour) -> NDArray[np.float32]:
    return np.array(colour, np.float32)


def _wheel(y_m: float, radius_m: float, x_m: float = 0.0) -> Mesh:
    """A tyre that rolls along y."""
    angle = np.linspace(0, 2 * np.pi, 17)
    ring = np.stack(
        [np.full(17, x_m), y_m + radius_m * np.cos(angle), radius_m + radius_m * 0.94 * np.sin(angle)], axis=1
    )
    return tube(ring, 0.025, Part.BAG, segments=5)


def _pram(colour: Colour) -> list[tuple[Mesh, NDArray[np.float32]]]:
    """Carriage, hood, four wheels and a handle at the hands; the person walks behind it."""
    hull = box((0.0, -0.85, 0.62), (0.2, 0.36, 0.15), _EYE, Part.BAG)
    hood = lathe(
        [(0.0, -1.0, 0.76), (0.0, -1.02, 0.9), (0.0, -1.04, 1.0), (0.0, -1.06, 1.04)],
        [(0.2, 0.2), (0.19, 0.19), (0.13, 0.13), (0.01, 0.01)],
        _EYE,
        Part.BAG,
        segments=12,
    )
    metal = [
        tube([(side, -0.28, 1.0), (side, -0.62, 0.68), (side, -1.12, 0.16)], 0.014, Part.BAG) for side in (-0.19, 0.19)
    ]
    metal.append(tube([(-0.19, -0.28, 1.0), (0.19, -0.28, 1.0)], 0.017, Part.BAG))
    wheels = [_wheel(y, 0.13, x) for x in (-0.22, 0.22) for y in (-0.58, -1.14)]
    return [
        *((mesh, _rgb(colour)) for mesh in (hull, hood)),
        *((mesh, _rgb(_METAL)) for mesh in metal),
        *((mesh, _rgb(_RUBBER)) for mesh in wheels),
    ]


def _bicycle(colour: Colour) -> list[tuple[Mesh, NDArray[np.float32]]]:
    """Two wheels, a frame, a bar; its saddle is under the person's origin."""
    rear, front, saddle, bar, pedals = (0.0, 0.42), (0.0, -0.63), (0.05, 0.86), (-0.48, 1.02), (-0.06, 0.3)
    points = {
        "rear": (0.0, rear[1], _WHEEL_M), "front": (0.0, front[1], _WHEEL_M), "saddle": (0.0, saddle[0], saddle[1]),
        "head": (0.0, bar[0], 0.82), "bar": (0.0, bar[0] + 0.03, bar[1]), "pedals": (0.0, pedals[0], pedals[1]),
    }  # fmt: skip
    pairs = (
        ("rear", "saddle"), ("rear", "pedals"), ("pedals", "saddle"), ("pedals", "head"), ("saddle", "head"),
        ("head", "front"), ("head", "bar"),
    )  # fmt: skip
    frame = [tube([points[a], points[b]], 0.02, Part.BAG) for a, b in pairs]
    metal = [
        tube([(-0.25, bar[0] + 0.08, bar[1]), (0.25, bar[0] + 0.08, bar[1])], 0.015, Part.BAG),
        box((0.0, saddle[0], saddle[1] + 0.02), (0.06, 0.12, 0.025), _EYE, Part.BAG),
    ]
    wheels = [_wheel(rear[1], _WHEEL_M), _wheel(front[1], _WHEEL_M)]
    return [
        *((mesh, _rgb(colour)) for mesh in frame),
        *((mesh, _rgb(_METAL)) for mesh in metal),
        *((mesh, _rgb(_RUBBER)) for mesh in wheels),
    ]
