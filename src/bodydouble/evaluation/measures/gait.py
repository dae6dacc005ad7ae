"""An attacker who sees skeletons only: proportions, habits of the joints and the rhythm of the walk.

Bodies and walks are told apart by skeletons alone ("skeleton only" is not anonymous by itself), so this is measured
three ways: on skeletons seen in the result, on the bundle that generation is given (the ceiling), and, when the original
is attacked, on skeletons seen there. Features after gait work on skeletons: static limb lengths (BenAbdelkader et al. 2002,
"Stride and Cadence as a Biometric"), distributions of joint angles, strength of the first harmonics of the swing
(Cunado et al. 2003, "Automatic extraction and description of human gait models for recognition purposes").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.identities import Identity, KnownPeople, identities
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.retrieval import rank
from bodydouble.evaluation.measures.seen_again import tracks_seen_again
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.skeleton import JOINT_INDEX

LEAST_STEPS: Final[int] = 12
"""Frames with a usable skeleton that half a track needs."""
_SURE: Final[float] = 0.3
_HARMONICS: Final[int] = 3
_STRIDES_HZ: Final[tuple[float, float]] = (0.5, 3.0)
"""Where steps of walking people lie (two steps a stride)."""
_LIMBS: Final[tuple[tuple[str, str], ...]] = (
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("shoulder", "hip"),
)
_ANGLES: Final[tuple[tuple[str, str, str], ...]] = (
    ("shoulder", "elbow", "wrist"),
    ("hip", "knee", "ankle"),
    ("shoulder", "hip", "knee"),
    ("hip", "shoulder", "elbow"),
)
_ABSENT: Final[str] = f"fewer than two people with {LEAST_STEPS} frames of skeleton in each half of their track"

Series2d = npt.NDArray[np.float64]
"""(time, 18, 2): px, NaN where a joint was not found or is not sure."""


def gait_features(joints_xy_px: Series2d, rate_hz: float) -> npt.NDArray[np.float64] | None:
    """What a walk looks like: (size,), NaN where nothing could be measured; None with too few frames.

    Lengths are in torso lengths, so distance from the camera does not count.
    """
    torso = _length(joints_xy_px, "neck", "middle_hip")
    steps = np.flatnonzero(np.isfinite(torso) & (torso > 1.0))
    if len(steps) < LEAST_STEPS:
        return None
    places = joints_xy_px[steps[0] : steps[-1] + 1]
    scale = float(np.median(torso[steps]))
    static, moving = [], []
    for start, stop in _LIMBS:
        lengths = np.concatenate([_length(places, f"{side}_{start}", f"{side}_{stop}") for side in ("left", "right")])
        # People turn and swing; the longest a limb is seen is nearest to what it is.
        static += [_quantile(lengths / scale, 0.5), _quantile(lengths / scale, 0.9)]
    for name in ("shoulder", "hip"):
        static.append(_quantile(_length(places, f"left_{name}", f"right_{name}") / scale, 0.9))
    for names in _ANGLES:
        angles = np.concatenate([_angle(places, *(f"{side}_{name}" for name in names)) for side in ("left", "right")])
        moving += [_quantile(angles, 0.5), _quantile(angles, 0.9) - _quantile(angles, 0.1)]
    for name in ("ankle", "wrist"):
        moving += _swing(_length(places, f"left_{name}", f"right_{name}") / scale, rate_hz)
    return np.array(static + moving)


def _point(joints: Series2d, name: str) -> npt.NDArray[np.float64]:
    if name == "middle_hip":
        return (joints[:, JOINT_INDEX["left_hip"]] + joints[:, JOINT_INDEX["right_hip"]]) / 2
    return joints[:, JOINT_INDEX[name]]


def _length(joints: Series2d, start: str, stop: str) -> npt.NDArray[np.float64]:
    return np.asarray(np.hypot(*(_point(joints, start) - _point(joints, stop)).T))


def _angle(joints: Series2d, start: str, middle: str, stop: str) -> npt.NDArray[np.float64]:
    """(time,): angle at a joint in radians, 0 to pi."""
    one, other = _point(joints, start) - _point(joints, middle), _point(joints, stop) - _point(joints, middle)
    lengths = np.maximum(np.hypot(*one.T) * np.hypot(*other.T), 1e-6)
    return np.asarray(np.arccos(np.clip(np.sum(one * other, axis=1) / lengths, -1.0, 1.0)))


def _quantile(values: npt.NDArray[np.float64], share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")


def _swing(apart: npt.NDArray[np.float64], rate_hz: float) -> list[float]:
    """Rhythm of a distance that opens and closes with the steps: frequency, and strength of its first harmonics."""
    nothing = [float("nan")] * (1 + _HARMONICS)
    known = np.flatnonzero(np.isfinite(apart))
    if len(known) < LEAST_STEPS:
        return nothing
    values = np.interp(np.arange(known[0], known[-1] + 1), known, apart[known])
    values = (values - values.mean()) * np.hanning(len(values))
    size = 8 * len(values)
    strength, hertz = np.abs(np.fft.rfft(values, size)) / len(values), np.fft.rfftfreq(size, 1.0 / rate_hz)
    band = np.flatnonzero((hertz >= _STRIDES_HZ[0]) & (hertz <= _STRIDES_HZ[1]))
    if not len(band):
        return nothing
    first = int(band[np.argmax(strength[band])])
    harmonics = [strength[first * k] if first * k < len(strength) else 0.0 for k in range(1, _HARMONICS + 1)]
    return [float(hertz[first]), *(float(value) for value in harmonics)]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Half:
    """Features of half a track, first or second."""

    person: str
    track_id: int
    frame_index: int
    """Its first frame."""
    features: npt.NDArray[np.float64]


class Gait:
    """Finds the halves of tracks that show the same person, by skeletons."""

    name: Final = "gait"

    def __init__(self, *, known: Mapping[str, KnownPeople] | None = None) -> None:
        """Take, by name of the clip, who came in more than once."""
        self.known = dict(known or {})

    def start(self, clip: PairedClip) -> _Walks:
        """Begin with a clip."""
        return _Walks(clip, identities(clip, self.known.get(clip.name)))

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Rank-1 on skeletons of the result, and on the skeletons that generation is given."""
        absent = _ABSENT
        if tally.counts.get("clips", 0) > 0 and not tally.counts.get("with_result", 0):
            absent = "nobody looked for skeletons in the result"
        return (
            share_figure(
                tally,
                "privacy.gait.seen.rank1",
                label="gait, skeletons seen in the result: rank-1",
                group="privacy",
                better="chance",
                absent=absent,
            ),
            share_figure(
                tally,
                "privacy.gait.bundle.rank1",
                label="gait, skeletons of the scene bundle: rank-1",
                group="privacy",
                better="chance",
                absent=_ABSENT,
                note="a ceiling: what generation is told, whatever it makes of it",
            ),
        )


class _Walks:
    def __init__(self, clip: PairedClip, who: Mapping[int, Identity]) -> None:
        self._clip = clip
        self._who = who

    def see(self, pair: FramePair) -> None:
        """Pictures do not matter here."""

    def finish(self) -> Tally:
        shares = Shares(measure=Gait.name)
        shares.count("clips")
        original = _halves(self._clip.bundle, self._own_tracks(), self._who)
        self._attack(shares, "privacy.gait.bundle.rank1", original, original)
        if self._clip.result_bundle is not None:
            shares.count("with_result")
            again = tracks_seen_again(self._clip.bundle, self._clip.result_bundle)
            result = _halves(self._clip.result_bundle, again, self._who)
            self._attack(shares, "privacy.gait.seen.rank1", original, result)
        return shares.tally()

    def _own_tracks(self) -> dict[int, list[tuple[int, int, int]]]:
        """Every row of a track is seen in itself."""
        return {
            track.track_id: [(step, index, step) for step in range(len(track))]
            for index, track in enumerate(self._clip.bundle.tracks)
        }

    def _attack(self, shares: Shares, key: str, probes: list[list[_Half]], galleries: list[list[_Half]]) -> None:
        """First halves of the one are looked for among second halves of the other, and the other way round."""
        for early, late in ((0, 1), (1, 0)):
            known, looked_at = probes[early], galleries[late]
            if not known or not looked_at:
                continue
            scaled, gallery = _comparable(known, looked_at)
            for row, half in enumerate(known):
                right = np.array([other.person == half.person for other in looked_at])
                ranked = rank(scaled[row], gallery, right, np.ones(len(looked_at), dtype=np.bool_))
                if ranked is None:
                    continue
                shares.add(key, half.person, float(ranked.is_first_right), chance=ranked.chance_first)
                if ranked.is_first_right and probes is not galleries:
                    found = looked_at[ranked.first]
                    shares.cases.append(
                        Case(
                            clip=self._clip.name,
                            frame_index=found.frame_index,
                            track_id=found.track_id,
                            badness=1.0 - ranked.chance_first,
                            what=f"the walk seen from frame {half.frame_index} of the original (track {half.track_id}) "
                            f"is found again here among {len(looked_at)}",
                        )
                    )


def _halves(
    bundle: SceneBundle, rows_of: Mapping[int, list[tuple[int, int, int]]], who: Mapping[int, Identity]
) -> list[list[_Half]]:
    """First and second halves of each track of the original, as seen in a bundle.

    Args:
        bundle: where skeletons are taken from.
        rows_of: by track id of the original: its row, index of the track in ``bundle``, row there.
        who: identities by track id of the original.
    """
    halves: list[list[_Half]] = [[], []]
    rate = float(bundle.video.average_rate)
    for track_id, rows in rows_of.items():
        if track_id not in who or not rows:
            continue
        frames = [int(bundle.tracks[index].frame_indices[step]) for _, index, step in rows]
        joints = np.full((frames[-1] - frames[0] + 1, *bundle.tracks[rows[0][1]].joints_xy_px.shape[1:]), np.nan)
        for frame, (_, index, step) in zip(frames, rows, strict=True):
            joints[frame - frames[0]] = sure_joints(bundle.tracks[index], step)
        middle = len(joints) // 2
        for half, part in enumerate((joints[:middle], joints[middle:])):
            features = gait_features(part, rate)
            if features is not None:
                halves[half].append(
                    _Half(
                        person=who[track_id].person,
                        track_id=track_id,
                        frame_index=frames[0] + half * middle,
                        features=features,
                    )
                )
    return halves


def sure_joints(track: PersonTrack, step: int) -> npt.NDArray[np.float64]:
    """(18, 2): joints of a row, NaN where the estimator is not sure."""
    joints = track.joints_xy_px[step].astype(np.float64)
    return np.where((track.joint_scores[step] >= _SURE)[:, None], joints, np.nan)


def _comparable(probes: list[_Half], gallery: list[_Half]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Features in units of how much they differ between people, each side by itself; unknown ones are average.

    An attacker who sees many people of each side can remove what the method does to everybody alike.
    """
    sides = []
    for halves in (probes, gallery):
        rows = np.stack([half.features for half in halves])
        known = np.isfinite(rows)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, rows, 0.0).sum(axis=0) / counts
        centred = np.where(known, rows - means, 0.0)
        spread = np.sqrt((centred**2).sum(axis=0) / counts)
        sides.append((centred / np.maximum(spread, 1e-6)).astype(np.float32))
    return sides[0], sides[1]
