"""The fit: joint angles over the whole track that agree with the joints seen, move smoothly and keep feet planted.

Unknowns per frame are 25 angles, as departures from the coarse motion, and the root's place. All frames are solved
together by damped Gauss-Newton steps with robust weights (Cauchy); since only frames next to each other and next but
one are coupled, each step is one banded Cholesky solve, linear in the length of the track.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solveh_banded

from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.skeleton import (
    ANGLES,
    NUM_ANGLES,
    Floats,
    Pose,
    Skeleton,
    forward,
    joint_jacobian,
)
from bodydouble.generation.avatar.view import in_picture, projection
from bodydouble.scene import JOINT_NAMES

UNKNOWNS: Final = NUM_ANGLES + 2
_BAND: Final = 3 * UNKNOWNS - 1
_ANKLES: Final = (13, 10)

_PRIOR_DEG: Final[dict[str, float]] = {
    "yaw": 40, "tilt": 8, "tilt_side": 5, "bend": 10, "bend_side": 6, "twist": 10, "nod": 12, "nod_side": 10, "turn": 35,
    "arm_swing": 64, "arm_out": 28, "arm_twist": 40, "elbow": 64, "leg_swing": 34, "leg_out": 12, "leg_twist": 12,
    "knee": 40,
}  # fmt: skip
"""How far people depart from what the lifting network makes of them (one standard deviation). Limbs may depart far: their
joints tell more than the network, which gives the mean of what is possible. Trunk and nod are held, for how far a body
leans along the line of sight is hardly seen."""

_LIMITS_DEG: Final[dict[str, tuple[float, float]]] = {
    "tilt": (-100, 100), "tilt_side": (-95, 95), "bend": (-20, 75), "bend_side": (-25, 25), "twist": (-40, 40),
    "nod": (-40, 45), "nod_side": (-25, 25), "turn": (-70, 70), "arm_swing": (-50, 175), "arm_out": (-8, 130),
    "arm_twist": (-70, 45), "elbow": (3, 145), "leg_swing": (-25, 115), "leg_out": (-4, 40), "leg_twist": (-15, 30),
    "knee": (1, 135),
}  # fmt: skip
"""Ranges of healthy joints, a little inside of clinical figures (AAOS 1965): doubles do no gymnastics. The whole body
(tilt) may lie on any side, for people fall."""

_ACCELERATION: Final[dict[str, float]] = {
    "yaw": 12, "tilt": 5, "tilt_side": 4, "bend": 6, "bend_side": 4, "twist": 8, "nod": 8, "nod_side": 4, "turn": 10,
    "arm_swing": 26, "arm_out": 14, "arm_twist": 14, "elbow": 26, "leg_swing": 22, "leg_out": 8, "leg_twist": 6,
    "knee": 30,
}  # fmt: skip
"""Usual angular acceleration of departures, radians per second squared."""
_ROOT_ACCELERATION: Final = 2.5
"""Metres per second squared."""
_STATED_SCORE: Final = 0.88
"""Of joints whose spread is the one stated."""
_SCORE_POWER: Final = 1.5
"""How what a joint tells falls with its score. By trial on recorded clips: more than in proportion follows sure joints
closer, at less jitter."""
_SHARPER: Final = np.array([3.0 if name.endswith(("nose", "eye", "ear")) else 1.0 for name in JOINT_NAMES])
"""How much more nose, eyes and ears tell than other joints: they are small. Those who mark them differ by a third of what
they differ by at limbs (COCO's key point similarity), so nine times would be due; from four on heads begin to tremble."""
_LIMIT_SPREAD: Final = 0.04
_CONTACT_M: Final = 0.010
_LEVEL_M: Final = 0.03
_ANCHOR_M: Final = np.array([0.12, 0.14])
_HEADING_SPREAD: Final = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class Guess:
    """Where the fit starts, and what it falls back to."""

    angles: Floats
    """(T, 25)."""
    stance: Floats
    """(T, 2): how surely the left and right foot are planted."""
    standing: Floats
    """(T,): 1 where both feet carry a person who takes no steps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A fitted motion."""

    angles: Floats
    """(T, 25)."""
    root_px: Floats
    """(T, 2): the root bone's head in the picture."""
    error_m: Floats
    """(T, 18): distance of the joints from where they were seen, metres on the body; NaN where not seen."""


def per_angle(table: dict[str, float]) -> Floats:
    """(25,) values for all angles from a table that names both sides at once."""
    return np.array([table[name.partition(".")[0]] for name in ANGLES])


def limits_rad() -> tuple[Floats, Floats]:
    """Lowest and highest value of each angle; yaw has none."""
    pairs = [_LIMITS_DEG.get(name.partition(".")[0], (-np.inf, np.inf)) for name in ANGLES]
    low, high = np.deg2rad(np.array(pairs)).T
    return low, high


def refine(
    skeleton: Skeleton, evidence: Evidence, guess: Guess, *, noise_m: float, reach_m: float, rounds: int,
    start: Fit | None = None,
) -> Fit:  # fmt: skip
    """Fit a motion.

    Args:
        skeleton: the double's bones.
        evidence: what was seen.
        guess: the coarse motion, towards which the fit is drawn.
        noise_m: spread of the joints.
        reach_m: joints farther off than this count less and less.
        rounds: Gauss-Newton steps at most.
        start: an earlier fit to begin with, instead of the guess.

    Raises:
        FloatingPointError: the system cannot be solved or the result is not finite.
    """
    return _Solver(skeleton, evidence, guess, noise_m, reach_m).run(rounds, start)


class _Solver:
    def __init__(self, skeleton: Skeleton, evidence: Evidence, guess: Guess, noise_m: float, reach_m: float) -> None:
        self._skeleton, self._evidence, self._guess = skeleton, evidence, guess
        self._noise_m, self._reach_m = noise_m, reach_m
        self._flat = projection(evidence.elevation_rad)
        self._trust = _SHARPER * (evidence.weights / _STATED_SCORE) ** _SCORE_POWER
        self._seen_m = evidence.joints_px / evidence.scale_px_per_m[:, None, None]
        self._anchor_m = evidence.pelvis_px / evidence.scale_px_per_m[:, None]
        self._prior = np.concatenate([1 / np.deg2rad(per_angle(_PRIOR_DEG)) ** 2, [0.0, 0.0]])
        step = evidence.step_s
        sharp = np.concatenate([per_angle(_ACCELERATION), [_ROOT_ACCELERATION] * 2])
        self._smooth = 1 / (sharp * step**2) ** 2
        self._low, self._high = limits_rad()

    def run(self, rounds: int, start: Fit | None) -> Fit:
        count = len(self._guess.angles)
        state = np.zeros((count, UNKNOWNS))
        if start is not None:
            state[:, :NUM_ANGLES] = start.angles - self._guess.angles
            state[:, NUM_ANGLES:] = start.root_px / self._evidence.scale_px_per_m[:, None]
        pose = self._pose(state)
        if start is None:
            state[:, NUM_ANGLES:] = self._place(pose)
        damping, cost = 1e-3, self._cost(state, pose)
        for _ in range(rounds):
            bands, slope = self._normal_equations(state, pose)
            for _ in range(4):
                change = _solve(bands, slope, damping)
                tried = state + change
                tried_pose = self._pose(tried)
                tried_cost = self._cost(tried, tried_pose)
                if tried_cost <= cost:
                    break
                damping *= 10
            else:
                break
            gain, cost, state, pose = cost - tried_cost, tried_cost, tried, tried_pose
            damping = max(damping / 5, 1e-6)
            if gain < 1e-4 * cost:
                break
        angles = np.clip(self._guess.angles + state[:, :NUM_ANGLES], self._low, self._high)
        root = state[:, NUM_ANGLES:] * self._evidence.scale_px_per_m[:, None]
        if not (np.isfinite(angles).all() and np.isfinite(root).all()):
            raise FloatingPointError("the fit of the pose is not finite")
        error = np.linalg.norm(self._residual_m(state, pose), axis=2)
        return Fit(angles=angles, root_px=root, error_m=np.where(self._evidence.weights > 0, error, np.nan))

    def _pose(self, state: Floats) -> Pose:
        return forward(self._skeleton, self._guess.angles + state[:, :NUM_ANGLES])

    def _place(self, pose: Pose) -> Floats:
        """Root in metres of the picture, from the joints of the first guess, or from the box where few are seen."""
        weight = self._evidence.weights
        offset = self._seen_m - in_picture(self._flat, pose.joints_m)
        total = weight.sum(1)
        by_joints = (weight[..., None] * offset).sum(1) / np.maximum(total, 1e-6)[:, None]
        share = np.clip(total / 4, 0, 1)[:, None]
        return np.asarray(share * by_joints + (1 - share) * self._anchor_m)

    def _residual_m(self, state: Floats, pose: Pose) -> Floats:
        flat = in_picture(self._flat, pose.joints_m)
        return np.asarray(flat + state[:, None, NUM_ANGLES:] - self._seen_m)

    def _joint_weight(self, residual: Floats) -> Floats:
        """(T, 18): information of each joint over the noise, with outliers robustly weighted down."""
        reach = self._reach_m
        robust = 1 / (1 + (residual**2).sum(2) / reach**2)
        return np.asarray(self._trust * robust / self._noise_m**2)

    def _cost(self, state: Floats, pose: Pose) -> float:
        reach = self._reach_m
        square = (self._residual_m(state, pose) ** 2).sum(2) / reach**2
        total = (self._trust * np.log1p(square)).sum() * (reach / self._noise_m) ** 2
        total += (self._prior * state**2).sum()
        beyond = self._beyond(state)
        total += (beyond**2).sum() / _LIMIT_SPREAD**2
        total += (self._anchor_weight() * (state[:, NUM_ANGLES:] - self._anchor_m) ** 2).sum()
        yaw = self._yaw_error(state)
        total += (self._evidence.heading_weight * yaw**2).sum() / _HEADING_SPREAD**2
        if len(state) > 2:
            total += (self._smooth * np.diff(state, 2, axis=0) ** 2).sum()
        slide = self._slide_m(state, pose)
        total += (self._contact()[..., None] * slide**2).sum() / _CONTACT_M**2
        level = np.subtract(*(pose.joints_m[:, a, 2] for a in _ANKLES))
        return float(total + (self._guess.standing * level**2).sum() / _LEVEL_M**2)

    def _beyond(self, state: Floats) -> Floats:
        angles = self._guess.angles + state[:, :NUM_ANGLES]
        return np.asarray(np.maximum(angles - self._high, 0) + np.minimum(angles - self._low, 0))

    def _anchor_weight(self) -> Floats:
        return np.asarray(self._evidence.pelvis_weight / _ANCHOR_M**2)

    def _yaw_error(self, state: Floats) -> Floats:
        yaw = self._guess.angles[:, 0] + state[:, 0] - self._evidence.heading_rad
        return np.asarray(np.sin(yaw))

    def _contact(self) -> Floats:
        """(T-1, 2): both frames of a pair must be in stance."""
        return np.minimum(self._guess.stance[:-1], self._guess.stance[1:])

    def _slide_m(self, state: Floats, pose: Pose) -> Floats:
        """(T-1, 2, 2): how far each ankle moves against the ground from frame to frame."""
        flat = in_picture(self._flat, pose.joints_m[:, _ANKLES]) + state[:, None, NUM_ANGLES:]
        scale = self._evidence.scale_px_per_m[:, None, None]
        px = flat * scale
        return np.asarray((np.diff(px, axis=0) - self._evidence.ground_shift_px[:-1, None]) / scale[:-1])

    def _normal_equations(self, state: Floats, pose: Pose) -> tuple[Floats, Floats]:
        """Upper bands of the normal matrix, and minus half the gradient, (T, 27)."""
        count = len(state)
        jacobian = joint_jacobian(pose)
        full = np.zeros((count, 18, 2, UNKNOWNS))
        full[..., :NUM_ANGLES] = self._flat[:, None] @ jacobian
        full[..., 0, NUM_ANGLES], full[..., 1, NUM_ANGLES + 1] = 1, 1
        residual = self._residual_m(state, pose)
        weight = self._joint_weight(residual)
        weighted = (weight[..., None, None] * full).reshape(count, 36, UNKNOWNS)
        rows = full.reshape(count, 36, UNKNOWNS)
        own = np.matmul(weighted.transpose(0, 2, 1), rows)
        slope = -np.matmul(weighted.transpose(0, 2, 1), residual.reshape(count, 36, 1))[..., 0]
        diagonal = np.tile(self._prior, (count, 1))
        slope -= self._prior * state
        beyond = self._beyond(state)
        diagonal[:, :NUM_ANGLES] += (beyond != 0) / _LIMIT_SPREAD**2
        slope[:, :NUM_ANGLES] -= beyond / _LIMIT_SPREAD**2
        anchor = self._anchor_weight()
        diagonal[:, NUM_ANGLES:] += anchor
        slope[:, NUM_ANGLES:] -= anchor * (state[:, NUM_ANGLES:] - self._anchor_m)
        heading = self._evidence.heading_weight / _HEADING_SPREAD**2
        yaw = self._yaw_error(state)
        diagonal[:, 0] += heading
        slope[:, 0] -= heading * yaw * np.sqrt(1 - np.minimum(yaw**2, 1))
        level = np.subtract(*(pose.joints_m[:, a, 2] for a in _ANKLES))
        lean = np.subtract(*(jacobian[:, a, 2] for a in _ANKLES))
        strength = self._guess.standing / _LEVEL_M**2
        own[:, :NUM_ANGLES, :NUM_ANGLES] += strength[:, None, None] * lean[:, :, None] * lean[:, None, :]
        slope[:, :NUM_ANGLES] -= (strength * level)[:, None] * lean
        own[:, range(UNKNOWNS), range(UNKNOWNS)] += diagonal
        next_to = np.zeros((count, UNKNOWNS, UNKNOWNS))
        self._add_contacts(state, pose, full[:, _ANKLES], own, next_to, slope)
        bands = _to_bands(own, next_to)
        self._add_smoothness(state, bands, slope)
        return bands, slope

    def _add_contacts(
        self, state: Floats, pose: Pose, feet: Floats, own: Floats, next_to: Floats, slope: Floats
    ) -> None:
        """``feet`` (T, 2 feet, 2, 27)."""
        if len(state) < 2:
            return
        ratio = (self._evidence.scale_px_per_m[1:] / self._evidence.scale_px_per_m[:-1])[:, None, None, None]
        here, there = feet[:-1], feet[1:] * ratio
        weight = (self._contact() / _CONTACT_M**2)[..., None, None]
        slide = self._slide_m(state, pose)
        own[:-1] += _squares(weight * here, here)
        own[1:] += _squares(weight * there, there)
        next_to[:-1] -= _squares(weight * here, there)
        slope[:-1] += np.einsum("tfia,tfi->ta", weight * here, slide)
        slope[1:] -= np.einsum("tfia,tfi->ta", weight * there, slide)

    def _add_smoothness(self, state: Floats, bands: Floats, slope: Floats) -> None:
        count = len(state)
        if count < 3:
            return
        second = np.array([1.0, -2.0, 1.0])
        bend = self._smooth * np.diff(state, 2, axis=0)
        for k in range(3):
            slope[k : count - 2 + k] -= second[k] * bend
        for shift in range(3):
            for k in range(3 - shift):
                rows = slice(k + shift, k + shift + count - 2)
                bands[rows, :, _BAND - shift * UNKNOWNS] += second[k] * second[k + shift] * self._smooth


def _squares(left: Floats, right: Floats) -> Floats:
    """(T, 27, 27): products of rows (T, 2 feet, 2, 27), summed over the feet."""
    count = len(left)
    return np.asarray(left.reshape(count, 4, UNKNOWNS).transpose(0, 2, 1) @ right.reshape(count, 4, UNKNOWNS))


def _to_bands(own: Floats, next_to: Floats) -> Floats:
    """(T, 27, 81): each unknown's column of LAPACK's upper banded storage, from blocks on and beside the diagonal."""
    bands = np.zeros((len(own), UNKNOWNS, _BAND + 1))
    for column in range(UNKNOWNS):
        bands[:, column, _BAND - column :] = own[:, : column + 1, column]
        # Unknowns of frame t against unknown ``column`` of frame t + 1.
        before = _BAND - UNKNOWNS - column
        bands[1:, column, before : before + UNKNOWNS] = next_to[:-1, :, column]
    return bands


def _solve(bands: Floats, slope: Floats, damping: float) -> Floats:
    damped = bands.reshape(-1, _BAND + 1).copy()
    damped[:, -1] *= 1 + damping
    try:
        change: NDArray[np.float64] = solveh_banded(damped.T, slope.ravel(), overwrite_ab=True, check_finite=True)
    except (LinAlgError, ValueError) as error:
        raise FloatingPointError("the fit of the pose has no solution") from error
    return change.reshape(slope.shape)
