"""What perception would make of made-up motions: joints in the picture that are noisy, wrong, mirrored or missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.generation.avatar.evidence import body_height_m
from bodydouble.generation.avatar.lift import NORMAL_HEIGHT_M, RATE_HZ, features
from bodydouble.generation.avatar.physique import build_physique
from bodydouble.generation.avatar.skeleton import NUM_ANGLES, Floats, Skeleton
from bodydouble.scene import MIRRORED
from training.motions import curve, draw_angles, play

_MIRROR = np.array(MIRRORED)
_LEGS = np.array([8, 9, 10, 11, 12, 13])
_UPPER = np.array([2, 3, 4, 5, 6, 7, 14, 15, 16, 17])
_PAIRS = ((3, 6), (4, 7), (9, 12), (10, 13), (8, 11), (2, 5))


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One made-up motion, before a camera looks at it."""

    angles: Floats
    """(T, 25)."""
    places_m: Floats
    """(T, 18, 3) in the world, of a body of `NORMAL_HEIGHT_M`."""
    planted: Floats
    """(T, 2)."""
    act: str


def draw_skeletons(count: int, seed: int) -> list[Skeleton]:
    """Bodies from child to elder."""
    rng, model = np.random.default_rng(seed), BodyModel.load()
    names = ("gender", "age", "muscle", "weight", "height", "proportions")
    return [
        build_physique(model, {n: float(rng.uniform(0.35 if n == "age" else 0.1, 0.9)) for n in names}).skeleton
        for _ in range(count)
    ]


def draw_clips(rng: np.random.Generator, skeleton: Skeleton, count: int, steps: int) -> list[Clip]:
    """Motions of one body."""
    drawn = [draw_angles(rng, steps) for _ in range(count)]
    angles = np.stack([a for a, _ in drawn])
    motions = play(skeleton, angles, riding=np.array([act == "cycle" for _, act in drawn]), rng=rng)
    size = NORMAL_HEIGHT_M / body_height_m(skeleton)
    places = (motions.joints_m + motions.root_m[:, :, None]) * size
    return [
        Clip(angles=angles[i], places_m=places[i], planted=motions.planted[i], act=act)
        for i, (_, act) in enumerate(drawn)
    ]


def film(rng: np.random.Generator, clip: Clip) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (T, 95) and wanted answers (T, 28) as one camera would have them."""
    steps = len(clip.angles)
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    # A turn about the vertical by `turn` adds to the yaw.
    place = clip.places_m @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]).T
    elevation = np.full(steps, np.deg2rad(rng.uniform(0, 45) if rng.random() < 0.5 else rng.uniform(0, 20)))
    told = np.clip(elevation + rng.normal(0, 0.06), 0, 0.9)
    flat = np.stack(
        [place[..., 0], -np.sin(elevation)[:, None] * place[..., 1] - np.cos(elevation)[:, None] * place[..., 2]], -1
    )
    low = flat.min(1) - np.array([0.08, 0.14]) + rng.normal(0, 0.04, 2) + rng.normal(0, 0.015, (steps, 2))
    high = flat.max(1) + np.array([0.08, 0.09]) + rng.normal(0, 0.04, 2) + rng.normal(0, 0.015, (steps, 2))
    boxes = np.concatenate([low, high], 1)
    scale = np.exp(rng.normal(0, 0.08) + 0.03 * curve(rng, steps, 2.0))[:, None]
    joints, weights = _spoil(rng, flat)
    cut = np.where(_stretch(rng, steps, 0.12, 1.5), 0.0, 1.0)
    middle = flat[steps // 2].mean(0)
    told_joints, told_boxes = (joints - middle) * scale[..., None], (boxes - np.tile(middle, 2)) * scale
    inputs = features(told_joints, weights, told_boxes, cut, told)
    yaw = clip.angles[:, 0] + turn
    wanted = np.concatenate([np.sin(yaw)[:, None], np.cos(yaw)[:, None], clip.angles[:, 1:NUM_ANGLES], clip.planted], 1)
    return inputs, wanted.astype(np.float32)


def _stretch(rng: np.random.Generator, steps: int, share: float, seconds: float) -> NDArray[np.bool_]:
    """(T,) of which about ``share`` are True, in stretches of about ``seconds``."""
    length = max(int(rng.exponential(seconds) * RATE_HZ), 1)
    out = np.zeros(steps, bool)
    for _ in range(rng.poisson(share * steps / length)):
        begin = int(rng.integers(-length // 2, steps))
        out[max(begin, 0) : begin + length] = True
    return out


def _spoil(rng: np.random.Generator, flat: Floats) -> tuple[Floats, Floats]:
    """Joints as found (T, 18, 2) and their weights (T, 18)."""
    steps = len(flat)
    found = flat.copy()
    noise = rng.uniform(0.01, 0.05) * rng.uniform(0.6, 1.6, 18)
    slow = curve(rng, steps, 0.35, 36).reshape(flat.shape)
    found += noise[None, :, None] * (0.6 * rng.normal(size=flat.shape) + 0.9 * slow + rng.normal(0, 0.5, (18, 2)))
    weights = np.clip(rng.normal(0.8, 0.12, 18) + rng.normal(0, 0.1, (steps, 18)), 0.1, 1)
    often = rng.choice([0.02, 0.1, 0.25])
    for a, b in _PAIRS:  # Both found where one is.
        same = _stretch(rng, steps, often, 0.3)
        one, other = (a, b) if rng.random() < 0.5 else (b, a)
        found[same, one] = found[same, other] + rng.normal(0, 0.02, 2)
        weights[same, one] *= rng.uniform(0.4, 1)
    for joint in range(18):
        wild = _stretch(rng, steps, 0.03, 0.15)
        found[wild, joint] += rng.normal(0, 0.25, 2)
        weights[wild, joint] *= rng.uniform(0.3, 1)
        weights[_stretch(rng, steps, rng.choice([0.0, 0.05, 0.3]), 0.5), joint] = 0
    if rng.random() < 0.2:
        weights[np.ix_(_stretch(rng, steps, 0.4, 1.2), _LEGS)] = 0
    weights[_stretch(rng, steps, rng.choice([0.0, 0.05, 0.15]), 0.6)] = 0
    turned = rng.choice([0.0, 0.05, 0.2])
    for group in (np.arange(18), _UPPER, _LEGS):
        rows = np.flatnonzero(_stretch(rng, steps, turned if len(group) == 18 else turned / 3, 0.35))
        found[np.ix_(rows, group)] = found[np.ix_(rows, _MIRROR[group])]
        weights[np.ix_(rows, group)] = weights[np.ix_(rows, _MIRROR[group])]
    return found, weights
