"""How well doubles' poses are told from joints in the picture, where the truth is known: people of `bodydouble synth`.

    python benchmarks/pose_lifting.py [--acts walk fall ...] [--seeds 2] [--seconds 4] [--json FILE]

Bodies play acts of the synthetic street (code of motion that neither fit nor its training shares), and sit, crouch and
stoop (`doubles/low_acts.py`); a camera that looks down by 0 to 35 degrees sees their 18 joints with noise of 2.5 cm, a
tenth of them missing, every twelfth frame mirrored, in stretches. Then a double of the same shape is fitted. Reported in
the frame of the camera: mean error of the joints about the root (cm), of the directions of limbs and trunk (degrees),
median error of the facing (degrees), share of frames that face the wrong way (more than 90 degrees off), share of frames
in which left and right of arms and legs lie nearer to each other's truth, and how far feet that stand in truth slide in a
frame (cm, median).
"""

from __future__ import annotations

import argparse
import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import common
import numpy as np
import numpy.typing as npt
from doubles.low_acts import GoDown

from bodydouble.body.model import BodyModel
from bodydouble.generation.avatar.motion import Style, fit_motion
from bodydouble.generation.avatar.physique import build_physique
from bodydouble.generation.avatar.skeleton import Skeleton, forward
from bodydouble.generation.avatar.view import projection
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import MIRRORED, CameraMotion, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry
from bodydouble.scene.view import View
from bodydouble.synth.behaviour import Behaviour, Stand, Walk
from bodydouble.synth.figure import Person
from bodydouble.synth.unusual import Cycle, Fall, Fight, Run, Throw

Floats = npt.NDArray[np.float64]
RATE = 12
_SIZE = (1280, 720)
_FOCAL_PX = 1400.0
_LIMBS = ((2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13))
_PAIRS = ((3, 6), (4, 7), (9, 12), (10, 13))


def _way(rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    heading = rng.uniform(0, 2 * np.pi)
    return ((0.0, 0.0), (60 * float(np.sin(heading)), 60 * float(np.cos(heading))))


def _down(rng: np.random.Generator, how: Literal["sit", "crouch", "stoop"]) -> Behaviour:
    return GoDown(place_xy_m=(0.0, 0.0), facing_rad=float(rng.uniform(0, 6.28)), how=how)


ACTS: dict[str, Callable[[np.random.Generator], Behaviour]] = {
    "walk": lambda rng: Walk(
        way_xy_m=_way(rng), speed_mps=float(rng.uniform(0.9, 1.7)), first_turn=float(rng.random())
    ),
    "stand and talk": lambda rng: Stand(place_xy_m=(0.0, 0.0), facing_rad=float(rng.uniform(0, 6.28)), talks=True),
    "run": lambda rng: Run(way_xy_m=_way(rng), first_turn=float(rng.random())),
    "fall forwards": lambda rng: Fall(way_xy_m=_way(rng), falls_at_seconds=1.5),
    "fall backwards": lambda rng: Fall(way_xy_m=_way(rng), falls_at_seconds=1.5, backwards=True),
    "cycle": lambda rng: Cycle(way_xy_m=_way(rng)),
    "throw": lambda rng: Throw(place_xy_m=(0.0, 0.0), facing_rad=float(rng.uniform(0, 6.28))),
    "fight": lambda rng: Fight(place_xy_m=(0.0, 0.0), facing_rad=float(rng.uniform(0, 6.28)), from_seconds=1.0),
    "sit": lambda rng: _down(rng, "sit"),
    "crouch": lambda rng: _down(rng, "crouch"),
    "stoop": lambda rng: _down(rng, "stoop"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Filmed:
    """A person with the truth about them."""

    track: PersonTrack
    bundle: SceneBundle
    view: View
    skeleton: Skeleton
    joints_m: Floats
    """(T, 18, 3) about the middle of the hips, in the body frame of the fit: x right, y away, z up."""
    standing: npt.NDArray[np.bool_]
    """(T, 2): the left and right ankle hardly move."""


def film(model: BodyModel, act: str, seed: int, seconds: float) -> Filmed:
    """One person of the synthetic street before a camera of our own."""
    rng = np.random.default_rng([seed, zlib.crc32(act.encode())])
    frames = round(seconds * RATE)
    person = Person(model, ACTS[act](rng), num_frames=frames, fps=RATE, seed=seed)
    figures = [figure for figure in person.play(range(frames)) if figure is not None]
    world = np.stack([figure.joints_m for figure in figures]).astype(np.float64)
    truth = world - world[:, [8, 11]].mean(1, keepdims=True)
    # Far enough away that perspective within a body hardly matters; the camera follows nobody.
    down = np.deg2rad(rng.uniform(0, 35))
    flat = np.stack([world[..., 0], -np.sin(down) * world[..., 1] - np.cos(down) * world[..., 2]], -1)
    scale = rng.uniform(30, 70)
    seen = flat * scale
    middle = (seen.min((0, 1)) + seen.max((0, 1))) / 2
    seen = seen - middle + np.array(_SIZE) / 2
    boxes = np.concatenate([seen.min(1) - [0.08 * scale, 0.14 * scale], seen.max(1) + 0.09 * scale], 1)
    joints, scores = seen + rng.normal(0, 0.025 * scale, seen.shape), rng.uniform(0.5, 1, seen.shape[:2])
    scores[rng.random(scores.shape) < 0.1] = 0
    mirrored = np.zeros(len(seen), bool)
    for begin in rng.integers(0, len(seen), max(len(seen) // 36, 1)):
        mirrored[begin : begin + 3] = True
    joints[mirrored], scores[mirrored] = joints[mirrored][:, list(MIRRORED)], scores[mirrored][:, list(MIRRORED)]
    joints[scores == 0] = np.nan
    steps = len(seen)
    track = PersonTrack(
        track_id=1, frame_indices=np.arange(steps), boxes_xyxy_px=boxes.astype(np.float32),
        box_scores=np.full(steps, 0.8, np.float32), joints_xy_px=joints.astype(np.float32),
        joint_scores=scores.astype(np.float32), joint_visibility=(scores > 0).astype(np.float32),
        silhouettes=MaskStack.pack(np.zeros((steps, 4), np.int32), [np.zeros((0, 0), bool)] * steps),
        visible_fraction=np.ones(steps, np.float32), play=np.ones(steps, bool),
    )  # fmt: skip
    video = VideoGeometry(
        width_px=_SIZE[0], height_px=_SIZE[1], time_base=Fraction(1, RATE), average_rate=Fraction(RATE),
        pts_ticks=tuple(range(steps)),
    )  # fmt: skip
    bundle = SceneBundle(
        video=video, tracks=(track,), camera=CameraMotion(to_reference=np.repeat(np.eye(3)[None], steps, 0)),
        light=Light(), clip_name=act, producer="benchmark",
    )  # fmt: skip
    # The borders of the frame mean nothing here, so the view is told that the frame is larger.
    view = View(
        horizon_y_px=_SIZE[1] / 2 - _FOCAL_PX * float(np.tan(down)), focal_px=_FOCAL_PX, width_px=10**6, height_px=10**6
    )
    speed = np.linalg.norm(np.gradient(world[:, [13, 10]], axis=0), axis=2) * RATE
    return Filmed(
        track=track, bundle=bundle, view=view, skeleton=build_physique(model, person.look.phenotype).skeleton,
        joints_m=truth, standing=speed < 0.25,
    )  # fmt: skip


def facing(joints_m: Floats) -> Floats:
    """(T,): direction of the chest and hips over the ground, radians."""
    across = joints_m[:, 5] - joints_m[:, 2] + joints_m[:, 11] - joints_m[:, 8]
    return np.asarray(np.arctan2(across[:, 1], across[:, 0]))


@dataclass(frozen=True, kw_only=True)
class Told:
    """Of one act."""

    act: str
    frames: int
    joints_cm: float
    limbs_deg: float
    trunk_deg: float
    facing_deg: float
    wrong_way: float
    swapped: float
    slide_cm: float | None


def _directions(joints_m: Floats, pairs: tuple[tuple[int, int], ...]) -> Floats:
    limbs = np.stack([joints_m[:, b] - joints_m[:, a] for a, b in pairs], 1)
    return np.asarray(limbs / np.maximum(np.linalg.norm(limbs, axis=2, keepdims=True), 1e-9))


def _angle_deg(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.rad2deg(np.arccos(np.clip((one * other).sum(-1), -1, 1))))


def judge(act: str, filmed: list[Filmed], style: Style) -> Told:
    """Fit and compare."""
    parts: dict[str, list[Floats]] = {key: [] for key in ("joints", "limbs", "trunk", "facing", "swapped", "slide")}
    for one in filmed:
        motion = fit_motion(
            one.track, one.bundle, one.view, one.skeleton, noise_m=AvatarConfig().joint_noise_m, style=style, seed=1
        )
        joints = forward(one.skeleton, motion.angles).joints_m
        made = joints - joints[:, [8, 11]].mean(1, keepdims=True)
        parts["joints"].append(np.linalg.norm(made - one.joints_m, axis=2).mean(1))
        parts["limbs"].append(_angle_deg(_directions(made, _LIMBS), _directions(one.joints_m, _LIMBS)).mean(1))
        trunk = made[:, 1], one.joints_m[:, 1]
        unit = [t / np.linalg.norm(t, axis=1, keepdims=True) for t in trunk]
        parts["trunk"].append(_angle_deg(unit[0], unit[1]))
        turned = facing(made) - facing(one.joints_m)
        parts["facing"].append(np.abs(np.rad2deg(np.angle(np.exp(1j * turned)))))
        own = sum(np.linalg.norm(made[:, [a, b]] - one.joints_m[:, [a, b]], axis=2).sum(1) for a, b in _PAIRS)
        other = sum(np.linalg.norm(made[:, [a, b]] - one.joints_m[:, [b, a]], axis=2).sum(1) for a, b in _PAIRS)
        parts["swapped"].append(np.asarray(own > other, float))
        flat = np.einsum("tij,tkj->tki", projection(motion.elevation_rad), joints[:, [13, 10]])
        feet_px = flat * motion.scale_px_per_m[:, None, None] + motion.root_px[:, None]
        still = one.standing[1:] & one.standing[:-1]
        parts["slide"].append(
            (np.linalg.norm(np.diff(feet_px, axis=0), axis=2) / motion.scale_px_per_m[1:, None])[still]
        )
    whole = {key: np.concatenate(values) for key, values in parts.items()}
    return Told(
        act=act, frames=len(whole["joints"]), joints_cm=100 * float(whole["joints"].mean()),
        limbs_deg=float(whole["limbs"].mean()), trunk_deg=float(whole["trunk"].mean()),
        facing_deg=float(np.median(whole["facing"])), wrong_way=float((whole["facing"] > 90).mean()),
        swapped=float(whole["swapped"].mean()),
        slide_cm=100 * float(np.median(whole["slide"])) if len(whole["slide"]) else None,
    )  # fmt: skip


def as_text(rows: list[Told]) -> str:
    """A table in Markdown."""
    names = [field.name for field in dataclasses.fields(Told)]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = (getattr(row, name) for name in names)
        texts = ("-" if c is None else f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells)
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", nargs="+", choices=list(ACTS), default=list(ACTS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--style", choices=("exact", "natural"), default="natural")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model = BodyModel.load()
    rows = []
    for act in arguments.acts:
        filmed = [film(model, act, seed, arguments.seconds) for seed in range(1, arguments.seeds + 1)]
        rows.append(judge(act, filmed, arguments.style))
    print(as_text(rows))
    record = {"benchmark": "pose lifting", **common.origin(), "style": arguments.style}
    common.finish({**record, "rows": [dataclasses.asdict(row) for row in rows]}, arguments.json)


if __name__ == "__main__":
    main()
