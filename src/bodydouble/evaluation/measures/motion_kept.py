"""Does the double move as the person did: key points of the result against those of the original.

Both are found by a network that made neither (MoveNet), in the same box, so what is compared is what an outside observer
sees. OKS as COCO defines it (Lin et al. 2014; https://cocodataset.org/#keypoints-eval): ``exp(-d² / (2 a k²))`` averaged
over the key points, with the person's area ``a`` in px² and ``k`` twice the deviation of human annotators. Here ``a`` is
the area of the person's silhouette. Some papers put in the area of the whole picture, which flatters.

The bundle has the 18 joints of OpenPose, COCO has 17 key points: all but the neck correspond by name; the neck is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import Person, RatioFigure, Timeline, TrackSums, people_at
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.remembered import Memo, digest_of
from bodydouble.evaluation.pose_agreement import SURE_SCORE, agreement
from bodydouble.scene.skeleton import JOINT_INDEX

Joints = npt.NDArray[np.float64]
Found = tuple[Joints, npt.NDArray[np.float64]]

_ANNOTATOR_DEVIATION: Final[Mapping[str, float]] = MappingProxyType({
    "nose": 0.026, "left_eye": 0.025, "right_eye": 0.025, "left_ear": 0.035, "right_ear": 0.035,
    "left_shoulder": 0.079, "right_shoulder": 0.079, "left_elbow": 0.072, "right_elbow": 0.072,
    "left_wrist": 0.062, "right_wrist": 0.062, "left_hip": 0.107, "right_hip": 0.107,
    "left_knee": 0.087, "right_knee": 0.087, "left_ankle": 0.089, "right_ankle": 0.089,
})  # fmt: skip
"""Deviation of human annotators from each other, in square roots of the person's area (COCO, key point evaluation)."""
_COCO: Final[npt.NDArray[np.int64]] = np.array([JOINT_INDEX[name] for name in _ANNOTATOR_DEVIATION])
_K: Final[npt.NDArray[np.float64]] = 2.0 * np.array(list(_ANNOTATOR_DEVIATION.values()))
_MIN_SILHOUETTE_SHARE: Final[float] = 0.1
"""Of the box. With less silhouette the person is mostly hidden, and its area is no scale."""


class JointFinder(Protocol):
    """Finds the joints of one person; `evaluation.movenet.MoveNet` is one."""

    def joints(self, rgb: npt.NDArray[np.uint8], box_xyxy_px: npt.NDArray[np.float64]) -> Found:
        """(18, 2) in px, NaN for joints that it does not know, and (18,) scores, 0 for those."""


def oks(joints: Joints, reference: Joints, reference_scores: npt.NDArray[np.float64], area_px: float) -> float | None:
    """Object key point similarity, 0 to 1, over the COCO key points of which the reference is sure.

    Args:
        joints: (18, 2), to be judged; NaN counts as wrong.
        reference: (18, 2).
        reference_scores: (18,), sure from ``SURE_SCORE`` on.
        area_px: of the person, in px².

    Returns:
        None where the reference is sure of nothing.
    """
    sure = reference_scores[_COCO] >= SURE_SCORE
    if not sure.any() or area_px <= 0.0:
        return None
    squared = np.sum((joints[_COCO] - reference[_COCO]) ** 2, axis=1)
    similarity = np.exp(-squared / (2.0 * area_px * _K**2))
    return float(np.nan_to_num(similarity[sure], nan=0.0).mean())


class MotionKept:
    """OKS and PCK@0.2 of the torso between original and result, and between the bundle's joints and the result."""

    name = "motion_kept"

    def __init__(
        self, finder: JointFinder, *, min_height_px: float = 60.0, every: int = 1, remembered_people: int = 20_000
    ) -> None:
        """Set up.

        Args:
            finder: made neither the bundle nor the doubles.
            min_height_px: smaller people are left out; pose networks guess below about 60 px.
            every: measure every how many frames.
            remembered_people: persons in frames whose joints are kept, for pictures that come again (0.5 kB each).
        """
        self._finder = finder
        self.min_height_px = min_height_px
        self.every = every
        self._memo: Memo[Found] = Memo(remembered_people)

    def start(self, clip: PairedClip) -> _Motion:
        """Begin with a clip."""
        return _Motion(self, clip)

    def joints(self, rgb: npt.NDArray[np.uint8], digest: bytes, box_xyxy_px: npt.NDArray[np.float64]) -> Found:
        """Joints of the person in a box of a picture with a known digest."""
        return self._memo.get((digest, box_xyxy_px.tobytes()), lambda: self._finder.joints(rgb, box_xyxy_px))

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``utility.motion.oks``, ``.pck`` and ``.bundle_pck``, all 0 to 1."""
        missing = f"nobody of at least {self.min_height_px:g} px in whom the pose network is sure of a joint"
        small = round(tally.counts.get("too_small", 0.0))
        rest = f"people of at least {self.min_height_px:g} px ({small} smaller ones left out)"
        mean = RatioFigure(
            key="utility.motion.oks", label="motion kept, OKS", group="utility", better="high",
            part="oks", whole="people", trials="people", missing=missing, note=rest,
        )  # fmt: skip
        pck = RatioFigure(
            key="utility.motion.pck", label="motion kept, PCK@0.2 torso", group="utility", better="high",
            part="right", whole="joints", trials="joints", missing=missing, note=rest,
        )  # fmt: skip
        bundle = RatioFigure(
            key="utility.motion.bundle_pck", label="joints of the bundle found again, PCK@0.2 torso", group="utility",
            better="high", part="bundle_right", whole="bundle_joints", trials="bundle_joints", missing=missing,
            note=f"{rest}; joints of which the pose network is sure in the result",
        )  # fmt: skip
        return tuple(figure.read(tally) for figure in (mean, pck, bundle))


class _Motion:
    def __init__(self, measure: MotionKept, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        self._sums = TrackSums(clip.name, ("oks", "people", "right", "joints", "bundle_right", "bundle_joints"))
        self._timeline = Timeline(clip.name, "utility.motion.oks")
        self._counts = {"too_small": 0.0, "hidden": 0.0, "unsure": 0.0}

    def see(self, pair: FramePair) -> None:
        if pair.index % self._measure.every:
            return
        people = people_at(self._clip.bundle, pair.index)
        large = [person for person in people if person.height_px >= self._measure.min_height_px]
        self._counts["too_small"] += len(people) - len(large)
        if not large:
            return
        same = pair.result_rgb is pair.original_rgb
        before = digest_of(pair.original_rgb)
        after = before if same else digest_of(pair.result_rgb)
        part, whole = 0.0, 0
        for person in large:
            box = np.array(person.box_xyxy_px)
            filmed = self._measure.joints(pair.original_rgb, before, box)
            made = self._measure.joints(pair.result_rgb, after, box)
            similarity = self._add(person, pair.index, filmed, made)
            if similarity is not None:
                part, whole = part + similarity, whole + 1
        self._timeline.add(pair.index, part, whole)

    def _add(self, person: Person, frame_index: int, filmed: Found, made: Found) -> float | None:
        found = agreement(made[0], filmed[0], filmed[1])
        if found is not None:
            self._sums.add(person.track_id, right=found.right.sum(), joints=found.compared.sum())
        told = agreement(person.track.joints_xy_px[person.step].astype(np.float64), made[0], made[1])
        if told is not None:
            self._sums.add(person.track_id, bundle_right=told.right.sum(), bundle_joints=told.compared.sum())
        area = float(np.count_nonzero(person.track.silhouettes.mask(person.step)))
        left, top, right, bottom = person.box_xyxy_px
        if area < _MIN_SILHOUETTE_SHARE * (right - left) * (bottom - top):
            self._counts["hidden"] += 1
            return None
        similarity = oks(made[0], filmed[0], filmed[1], area)
        if similarity is None:
            self._counts["unsure"] += 1
            return None
        self._sums.add(person.track_id, oks=similarity, people=1)
        self._sums.note(person, frame_index, 1.0 - similarity, f"the pose is kept with an OKS of {similarity:.2f}")
        return similarity

    def finish(self) -> Tally:
        return self._sums.tally(MotionKept.name, counts=self._counts, series=self._timeline.series())
