"""From a track to a motion: the whole fit of one person, from noisy joints to bones in every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.contacts import planted_feet
from bodydouble.generation.avatar.evidence import Evidence, gather
from bodydouble.generation.avatar.first_guess import FirstGuess, first_guess
from bodydouble.generation.avatar.lift import Lifter
from bodydouble.generation.avatar.lost import lost_steps
from bodydouble.generation.avatar.private_motion import Played, play_privately
from bodydouble.generation.avatar.refine import Fit, refine
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats, Pose, Skeleton, forward
from bodydouble.generation.avatar.smooth import smooth_robust
from bodydouble.generation.avatar.view import in_picture, projection
from bodydouble.scene import MIRRORED, PersonTrack, SceneBundle
from bodydouble.scene.view import View

_GRID_RAD: Final = 1e-5
_GRID_PX: Final = 1e-3
"""Results are rounded to this grid, far below what can be seen, so that libraries which differ in the last bit between
processors do not make different pictures."""
_FIRST_REACH_M: Final = 0.7
_EXACT: Final = 0.3
"""Share of the joints' noise that an exact motion believes in; all priors weigh that much less."""
_FREE_ROUNDS: Final = (2, 1, 1, 1)
_ROUNDS: Final = (1, 5)
"""Steps of the fit between which the scale is settled again, first without stances, then with them."""
_STATED_SCALE_M2: Final = 0.1
"""How much the scale that boxes and chains of joints state counts beside that of the posed body, see `_rescale`."""
_SCALE_S: Final = 0.5
_SCALE_SPREAD: Final = 0.08
"""Of the logarithm of the scale: what is further off counts less and less."""
_SCALE_RANGE: Final = (0.6, 1.6)
_UPPER: Final = np.array([2, 3, 4, 5, 6, 7, 14, 15, 16, 17])
_LEGS: Final = np.array([8, 9, 10, 11, 12, 13])


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """A double's motion over a whole track, one row per step."""

    angles: Floats
    """(T, 25)."""
    root_px: Floats
    """(T, 2)."""
    scale_px_per_m: Floats
    """(T,)."""
    elevation_rad: Floats
    """(T,)."""
    planted: Floats
    """(T, 2): how surely the left and right foot are on the ground."""
    ankle_rad: Floats
    """(T, 2): angle of the ankles while off the ground."""
    error_m: Floats
    """(T, 18): see `bodydouble.generation.avatar.refine.Fit`."""
    lost: NDArray[np.bool_]
    """(T,): where the double is not to be drawn; see `bodydouble.generation.avatar.lost`."""


Style = Literal["exact", "natural", "private"]
"""See `bodydouble.generation.config.AvatarConfig.motion`."""


def fit_motion(
    track: PersonTrack, bundle: SceneBundle, view: View, skeleton: Skeleton, *, noise_m: float,
    style: Style = "natural", seed: int = 0, strength: float = 1.0,
) -> Motion:  # fmt: skip
    """Fit the whole track at once, so that windows cut from it meet without a seam.

    Args:
        track: whom to fit.
        bundle: the clip.
        view: of its camera.
        skeleton: the double's bones.
        noise_m: spread of the joints.
        style: how close to what was filmed.
        seed: of the habits of a ``private`` motion.
        strength: of those habits; see `bodydouble.generation.config.AvatarConfig.private_strength`.

    Raises:
        FloatingPointError: boxes or the fit are not finite.
    """
    if not np.isfinite(track.boxes_xyxy_px).all():
        raise FloatingPointError("a box is not finite")
    evidence = gather(track, bundle.video, bundle.camera, view, skeleton)
    first = first_guess(Lifter.load(), evidence, skeleton)
    evidence, guess = _exchange(evidence, first), first.guess
    # With a long reach first, so that a raised arm, far from the guess, is no outlier.
    free = replace(guess, stance=np.zeros_like(guess.stance))
    stated = evidence.scale_px_per_m
    fit = refine(skeleton, evidence, free, noise_m=noise_m, reach_m=_FIRST_REACH_M, rounds=_FREE_ROUNDS[0])
    # A body of the wrong size bends to reach the joints, and so hides its size: pose and scale are settled in turn.
    for rounds in _FREE_ROUNDS[1:]:
        evidence = _rescale(evidence, stated, fit, skeleton)
        fit = refine(skeleton, evidence, free, noise_m=noise_m, reach_m=_FIRST_REACH_M, rounds=rounds, start=fit)
    guess = replace(guess, stance=planted_feet(skeleton, evidence, fit.angles, fit.root_px, guess.stance))
    believed_m = noise_m * _EXACT if style == "exact" else noise_m
    for rounds in _ROUNDS:
        evidence = _rescale(evidence, stated, fit, skeleton)
        fit = refine(skeleton, evidence, guess, noise_m=believed_m, reach_m=2.5 * noise_m, rounds=rounds, start=fit)
    lost = lost_steps(evidence, forward(skeleton, fit.angles).joints_m, fit.error_m)
    played = Played(angles=fit.angles, planted=guess.stance, ankle_rad=first.ankle_rad)
    if style == "private":
        moved = np.concatenate([np.zeros((1, 2)), np.cumsum(evidence.ground_shift_px[:-1], 0)])
        played = play_privately(
            skeleton, played, times_s=evidence.times_s, root_px=fit.root_px, scale_px_per_m=evidence.scale_px_per_m,
            elevation_rad=evidence.elevation_rad, ground_px=moved, seed=seed, strength=strength,
        )  # fmt: skip
    return Motion(
        angles=np.round(played.angles / _GRID_RAD) * _GRID_RAD,
        root_px=np.round(fit.root_px / _GRID_PX) * _GRID_PX,
        scale_px_per_m=np.round(evidence.scale_px_per_m / _GRID_PX) * _GRID_PX,
        elevation_rad=np.round(evidence.elevation_rad / _GRID_RAD) * _GRID_RAD,
        planted=np.round(played.planted / _GRID_RAD) * _GRID_RAD,
        ankle_rad=np.round(played.ankle_rad / _GRID_RAD) * _GRID_RAD,
        error_m=fit.error_m,
        lost=lost,
    )


def poses_of(skeleton: Skeleton, motion: Motion) -> Pose:
    """Bones in every frame, with feet turned flat where they are planted."""
    pose = forward(skeleton, motion.angles)
    for column, side in enumerate(("L", "R")):
        foot = BONE_INDEX[f"foot.{side}"]
        turn = pose.rotations[:, foot]
        shin_m = float(np.linalg.norm(skeleton.heads_m[foot] - skeleton.heads_m[BONE_INDEX[f"lowerleg01.{side}"]]))
        ahead = -turn[:, :, 1]
        pitch = np.arcsin(np.clip(ahead[:, 2], -1, 1))
        free = pitch + np.clip(motion.ankle_rad[:, column], -0.65, 0.4)
        # A foot is flat below a shin that stands; those of people who lie point where they like.
        shin = pose.heads_m[:, BONE_INDEX[f"lowerleg01.{side}"], 2] - pose.heads_m[:, foot, 2]
        flat = motion.planted[:, column] * np.clip(shin / (0.5 * shin_m) - 0.4, 0, 1)
        wanted = np.clip((1 - flat) * free, pitch - 0.75, pitch + 0.5)
        pose.rotations[:, foot] = _feet(ahead, wanted, turn)
    return pose


def _feet(ahead: Floats, pitch_rad: Floats, turn: Floats) -> Floats:
    """(T, 3, 3): feet that point like ``ahead`` (T, 3) over the ground, raised by a pitch, without roll."""
    length = np.hypot(ahead[:, 0], ahead[:, 1])[:, None]
    over_ground = np.stack([ahead[:, 0], ahead[:, 1], np.zeros(len(ahead))], 1) / np.maximum(length, 1e-9)
    left = np.cross([0.0, 0.0, 1.0], over_ground)
    back = -(np.cos(pitch_rad)[:, None] * over_ground + np.sin(pitch_rad)[:, None] * [0.0, 0.0, 1.0])
    level = np.stack([left, back, np.cross(left, back)], 2)
    # A foot that points straight up or down keeps the shin's turn.
    return np.where(length[:, :, None] < 0.2, turn, level)


def _exchange(evidence: Evidence, first: FirstGuess) -> Evidence:
    """Joints with left and right put right."""
    joints, weights = evidence.joints_px.copy(), evidence.weights.copy()
    mirrored = np.array(MIRRORED)
    for swap, group in ((first.swap_upper, _UPPER), (first.swap_legs, _LEGS)):
        rows = np.flatnonzero(swap)
        joints[np.ix_(rows, group)] = evidence.joints_px[np.ix_(rows, mirrored[group])]
        weights[np.ix_(rows, group)] = evidence.weights[np.ix_(rows, mirrored[group])]
    return replace(evidence, joints_px=joints, weights=weights)


def _rescale(evidence: Evidence, stated_px_per_m: Floats, fit: Fit, skeleton: Skeleton) -> Evidence:
    """The scale again, now that the pose is known: the one that lays the posed body over the joints best.

    Args:
        evidence: what was seen.
        stated_px_per_m: (T,) as boxes and chains of joints have it, for where the joints tell little.
        fit: pose so far.
        skeleton: the double's bones.
    """
    joints = forward(skeleton, fit.angles).joints_m
    flat = in_picture(projection(evidence.elevation_rad), joints)
    close = np.where(np.isfinite(fit.error_m), 1 / (1 + (np.nan_to_num(fit.error_m) / 0.12) ** 2), 0)
    weight = evidence.weights * close
    total = np.maximum(weight.sum(1), 1e-6)[:, None]
    shape = flat - ((weight[..., None] * flat).sum(1) / total)[:, None]
    seen = evidence.joints_px - ((weight[..., None] * evidence.joints_px).sum(1) / total)[:, None]
    # In metres squared: a whole body with good scores has about 3.
    spread = (weight[..., None] * shape**2).sum((1, 2))
    scale = (weight[..., None] * shape * seen).sum((1, 2)) / np.maximum(spread, 1e-6)
    ratio = np.log(np.clip(scale / stated_px_per_m, *_SCALE_RANGE))
    mixed = (spread * ratio) / (spread + _STATED_SCALE_M2)
    change = smooth_robust(mixed, np.ones(len(mixed)), evidence.step_s, _SCALE_S, spread=_SCALE_SPREAD)
    return replace(evidence, scale_px_per_m=stated_px_per_m * np.exp(change))
