"""One person on the street: body, clothes, walk, and the place they have got to; played a few frames at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel, PosedBody, RestBody, vertex_normals
from bodydouble.body.outfit import anchors
from bodydouble.body.parts import Part
from bodydouble.synth.behaviour import Behaviour
from bodydouble.synth.gait import STRIDE_PER_HEIGHT, draw_manner, plant, rotations
from bodydouble.synth.props import Prop
from bodydouble.synth.wardrobe import draw_look, reference_vertices

_FINGER_BEND_RAD: Final[float] = 0.5
_SOLE_BELOW_M: Final[float] = 0.06
"""Vertices of the feet this near the lowest one of the unposed body make the soles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A dressed body in the world at one moment: all that drawing needs."""

    vertices_m: NDArray[np.float32]
    """``(V, 3)`` in the world: the body's vertices, cloth included, then those of the extras."""
    normals: NDArray[np.float32]
    """``(V, 3)``."""
    faces: NDArray[np.int32]
    albedo: NDArray[np.float32]
    """``(F, 3)`` linear, per face."""
    num_body_faces: int
    """Faces before this one are the body's own, those after it the extras'."""
    joints_m: NDArray[np.float32]
    """``(18, 3)`` in the world."""
    ground_xy_m: tuple[float, float]
    """Where the person stands."""
    thing: Thing | None = None
    """What the person has thrown, on its own way."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Thing:
    """A mesh in the world that is nobody's body."""

    vertices_m: NDArray[np.float32]
    """``(V, 3)``."""
    normals: NDArray[np.float32]
    """``(V, 3)``."""
    faces: NDArray[np.int32]
    albedo: NDArray[np.float32]
    """``(F, 3)`` linear."""


class Person:
    """Plays a behaviour; ask for frames in order."""

    def __init__(self, model: BodyModel, behaviour: Behaviour, *, num_frames: int, fps: float, seed: int) -> None:
        self.behaviour = behaviour
        self.look = draw_look(model, seed)
        self.reference_m = reference_vertices(model)
        self._model = model
        self._manner = draw_manner(seed)
        self._rest = model.rest(self.look.phenotype)
        unposed = self._rest.vertices_m[0].numpy()
        self.stature_m = float(np.ptp(unposed[:, 2]))
        feet = model.vertex_parts == Part.FOOT
        self._soles = np.flatnonzero(feet & (unposed[:, 2] < unposed[:, 2].min() + _SOLE_BELOW_M))
        script = behaviour.script(
            np.arange(num_frames) / fps,
            stature_m=self.stature_m,
            stride_m=STRIDE_PER_HEIGHT * self.stature_m * self._manner.stride,
        )
        self._rotations = rotations(script.doing, self._manner, model.bone_index)
        _close_hands(self._rotations, model, self._rest)
        self._script, self._frame_seconds = script, 1 / fps
        self._facing = script.facing_rad
        self._walking = script.doing.walking
        self._path = script.path_xy_m
        self._advance_m = 0.0
        self._usual_m = 0.0
        self._last_soles: NDArray[np.float32] | None = None

    def play(self, frames: range) -> list[Figure | None]:
        """Figures of the next frames; None once the way is walked to its end."""
        posed = self._model.pose(self._rotations[frames.start : frames.stop], self._rest)
        dressed = posed.vertices_m + self.look.inflation_m[:, None] * vertex_normals(
            posed.vertices_m, self._model.faces
        )
        normals = vertex_normals(dressed, self._model.faces)
        return [self._figure(i, frame, posed, dressed, normals) for i, frame in enumerate(frames)]

    def _steady(self, advance_m: float, frame: int) -> float:
        """What the feet say, but for the moment in which the toes of one leave and the heel of the other arrives."""
        if self._walking[frame] > 0.7 and advance_m < 0.45 * self._usual_m:
            return self._usual_m
        advance_m = max(advance_m, 0.0)
        share = 0.25 if self._usual_m > 0 else 1.0
        self._usual_m += share * (advance_m - self._usual_m)
        return advance_m

    def _figure(
        self, i: int, frame: int, posed: PosedBody, dressed: NDArray[np.float32], normals: NDArray[np.float32]
    ) -> Figure | None:
        soles = dressed[i, self._soles]
        previous = soles if self._last_soles is None else self._last_soles
        rise, advance = plant(np.stack([previous, soles]))
        self._last_soles = soles
        script = self._script
        if script.doing.act is not None:
            # A body that falls or rides need not touch the ground with its soles.
            lift = 0.0 if script.lift_m is None else float(script.lift_m[frame])
            rise = lift - float(dressed[i, :, 2].min())
        if script.speed_mps is None:
            self._advance_m += self._steady(advance, frame)
        else:
            self._advance_m += float(script.speed_mps[frame]) * self._frame_seconds
        on_way = _on_way(self._path, self._advance_m)
        if on_way is None:
            return None
        place, heading = on_way
        if self._facing is not None:
            heading = float(self._facing[frame])
        turn = _turn_to(heading)
        offset = np.array([*place, rise], np.float32)
        vertices, facing = [dressed[i] @ turn.T + offset], [normals[i] @ turn.T]
        faces, albedo = [self._model.faces], [self.look.face_albedo]
        count = len(dressed[i])
        held = [(mesh, colour, offset) for mesh, colour in self.look.worn(anchors(self._model, self._rest, posed, i))]
        ground = np.array([*place, 0], np.float32)
        prop = script.prop
        if prop is not None and prop.kind != "ball":
            held += [(mesh, colour, ground) for mesh, colour in prop.meshes(frame)]
        for mesh, colour, at in held:
            vertices.append(mesh.vertices_m @ turn.T + at)
            facing.append(vertex_normals(mesh.vertices_m[None], mesh.faces)[0] @ turn.T)
            faces.append(mesh.faces + count)
            albedo.append(np.tile(colour, (len(mesh.faces), 1)))
            count += len(mesh.vertices_m)
        return Figure(
            vertices_m=np.concatenate(vertices).astype(np.float32),
            normals=np.concatenate(facing).astype(np.float32),
            faces=np.concatenate(faces).astype(np.int32),
            albedo=np.concatenate(albedo).astype(np.float32),
            num_body_faces=len(self._model.faces),
            joints_m=np.asarray(posed.joints_m[i] @ turn.T + offset, np.float32),
            ground_xy_m=place,
            thing=_thing(prop, frame, turn, ground) if prop is not None and prop.kind == "ball" else None,
        )


def _thing(prop: Prop, frame: int, turn: NDArray[np.float32], ground: NDArray[np.float32]) -> Thing | None:
    if not prop.is_there(frame):
        return None
    ((mesh, colour),) = prop.meshes(frame)
    vertices = np.asarray(mesh.vertices_m @ turn.T + ground, np.float32)
    return Thing(
        vertices_m=vertices,
        normals=np.asarray(vertex_normals(vertices[None], mesh.faces)[0], np.float32),
        faces=mesh.faces,
        albedo=np.tile(colour, (len(mesh.faces), 1)),
    )


def _on_way(path: NDArray[np.float64], advance_m: float) -> tuple[tuple[float, float], float] | None:
    """Place and heading after some metres of a way, its corners rounded; None behind its end."""
    legs = np.diff(path, axis=0)
    lengths = np.hypot(*legs.T)
    ends = np.cumsum(lengths)
    if advance_m > ends[-1]:
        return None

    def at(metres: float) -> NDArray[np.float64]:
        metres = float(np.clip(metres, 0, ends[-1]))
        k = min(int(np.searchsorted(ends, metres)), len(legs) - 1)
        return np.asarray(path[k] + legs[k] / lengths[k] * (metres - (ends[k] - lengths[k])))

    # A mean over a metre rounds the corners; the heading is where that mean goes.
    offsets = np.linspace(-0.5, 0.5, 9)
    near_end = min(advance_m, ends[-1] - advance_m)
    reach = np.clip(near_end / 0.5, 0, 1)
    place = np.mean([at(advance_m + o * reach) for o in offsets], axis=0)
    ahead = at(advance_m + 0.5) - at(advance_m - 0.5)
    return (float(place[0]), float(place[1])), float(np.arctan2(ahead[0], ahead[1]))


def _close_hands(rotvecs_rad: NDArray[np.float32], model: BodyModel, rest: RestBody) -> None:
    """Bend the fingers, which the template spreads, about the line of the knuckles; in place."""
    heads = rest.bone_poses[0, :, :3, 3].numpy()
    for suffix, side in (("L", 1.0), ("R", -1.0)):
        knuckles = heads[model.bone_index[f"finger5-1.{suffix}"]] - heads[model.bone_index[f"finger2-1.{suffix}"]]
        bend = side * _FINGER_BEND_RAD * knuckles / np.linalg.norm(knuckles)
        for finger in range(2, 6):
            for segment in range(1, 4):
                rotvecs_rad[:, model.bone_index[f"finger{finger}-{segment}.{suffix}"]] = bend


def _turn_to(heading_rad: float) -> NDArray[np.float32]:
    """Rotation from the body frame (face along -y, left along x) to the world for a heading; 0 is away from the camera."""
    dx, dy = np.sin(heading_rad), np.cos(heading_rad)
    return np.array([[-dy, -dx, 0], [dx, -dy, 0], [0, 0, 1]], np.float32)
