"""Faces that are left: found in the result where the original has one, and looking the same.

The detector is YuNet (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector"; OpenCV's model zoo, MIT). Looks
are compared without any network: patches aligned by the eyes and corners of the mouth, normalised correlation. Chance is
how often the faces of other people of the original look as alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodydouble.errors import MissingWeights
from bodydouble.evaluation.matching import match, overlaps
from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import spread
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.remembered import Memo, digest_of

PATCH_PX: Final[int] = 32
ALIKE: Final[float] = 0.8
"""Correlation from which two patches look the same. Even strangers' aligned faces correlate: see the chance level."""
_SAME_PLACE: Final[float] = 0.3
"""Intersection over union."""
_WORKING_PIXELS: Final[int] = 1_800_000
"""Frames are enlarged to about this many pixels, at most twice: faces of 8 px are found at twice their size."""
_MOST_FRAMES: Final[int] = 60
_MOST_OTHERS: Final[int] = 200
_LANDMARKS: Final = np.array([[0.31, 0.38], [0.69, 0.38], [0.50, 0.58], [0.35, 0.78], [0.65, 0.78]])
"""Right eye, left eye, nose, corners of the mouth (YuNet's order; the first is on the picture's left), as shares of a
patch that holds eyes, nose and mouth."""
_KEY: Final[str] = "privacy.faces.left"
_KEY_PLACE: Final[str] = "privacy.faces.same_place"


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """One face in one picture."""

    box_xyxy_px: tuple[float, float, float, float]
    patch: npt.NDArray[np.float32]
    """(32, 32): aligned, grey, mean 0, length 1; zeros where it is plain."""


def likeness(one: Face, other: Face) -> float:
    """Normalised correlation of the patches, -1 to 1."""
    return float(np.sum(one.patch * other.patch))


class FaceFinder:
    """YuNet."""

    def __init__(self, model_path: Path, *, score: float = 0.6) -> None:
        """Load the model.

        Args:
            model_path: ``yunet_n_dynamic.onnx`` or ``face_detection_yunet_*.onnx``.
            score: lowest score of a face, 0 to 1.

        Raises:
            MissingWeights: there is no such file.
        """
        import cv2

        if not model_path.is_file():
            raise MissingWeights(f"the face detector's model is not there; name its file: {model_path}")
        self._network = cv2.FaceDetectorYN.create(str(model_path), "", (320, 320), score, 0.3, 500)

    def find(self, rgb: npt.NDArray[np.uint8]) -> list[Face]:
        """Faces of a picture (height, width, 3), best first."""
        import cv2

        height, width = rgb.shape[:2]
        scale = min(2.0, float(np.sqrt(_WORKING_PIXELS / (height * width))))
        # Sides that are multiples of 32 keep all strides of the network whole.
        size = (max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32))
        picture = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
        self._network.setInputSize(size)
        # None where there is no face, though OpenCV's types deny it.
        answer: Any = self._network.detect(np.ascontiguousarray(picture))[1]
        found = np.zeros((0, 15), np.float32) if answer is None else answer
        factors = np.array([width / size[0], height / size[1]])
        faces = []
        for row in found:
            left, top = row[:2] * factors
            right, bottom = (row[:2] + row[2:4]) * factors
            landmarks = row[4:14].reshape(5, 2) * factors
            faces.append(
                Face(
                    box_xyxy_px=(float(left), float(top), float(right), float(bottom)),
                    patch=aligned_patch(rgb, landmarks),
                )
            )
        return faces


def aligned_patch(rgb: npt.NDArray[np.uint8], landmarks_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """A face turned upright and to one size by its landmarks (5, 2): (32, 32), mean 0 and length 1.

    The similarity with the least squared distances, in closed form (points as complex numbers).
    """
    import cv2

    seen = landmarks_px[:, 0] + 1j * landmarks_px[:, 1]
    target = (_LANDMARKS[:, 0] + 1j * _LANDMARKS[:, 1]) * PATCH_PX
    around, spread_out = seen - seen.mean(), float(np.sum(np.abs(seen - seen.mean()) ** 2))
    if spread_out < 1.0:
        return np.zeros((PATCH_PX, PATCH_PX), np.float32)
    turn = np.sum(np.conj(around) * (target - target.mean())) / spread_out
    if abs(turn) < 1e-6:
        return np.zeros((PATCH_PX, PATCH_PX), np.float32)
    shift = target.mean() - turn * seen.mean()
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    patch = cv2.warpAffine(
        grey, matrix, (PATCH_PX, PATCH_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    patch -= patch.mean()
    return np.asarray(patch / max(float(np.linalg.norm(patch)), 1e-3), dtype=np.float32)


class Faces:
    """Share of the original's faces that are still there."""

    name: Final = "faces"

    def __init__(self, finder: FaceFinder) -> None:
        """Take a detector."""
        self._finder = finder
        self._memo: Memo[list[Face]] = Memo(2 * _MOST_FRAMES)

    def find(self, rgb: npt.NDArray[np.uint8]) -> list[Face]:
        """Faces of a picture; the original's are looked for once, however many results are measured against it."""
        return self._memo.get(digest_of(rgb), lambda: self._finder.find(rgb))

    def start(self, clip: PairedClip) -> _Looking:
        """Begin with a clip."""
        return _Looking(clip, self)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Faces that are left, and faces that are found at the same place whatever they look like."""
        absent = "no face was found in the frames of the original that were looked at"
        note = (
            f"{round(tally.counts.get('original', 0))} faces in the original, {round(tally.counts.get('result', 0))} in "
            f"the result, in {round(tally.counts.get('frames', 0))} frames"
        )
        return (
            share_figure(
                tally,
                _KEY,
                label="faces of the original left in the result, at their place and looking alike: share",
                group="privacy",
                better="low",
                absent=absent,
                note=note,
            ),
            share_figure(
                tally,
                _KEY_PLACE,
                label="faces of the original where the result shows a face as well: share",
                group="privacy",
                better="low",
                absent=absent,
                note="doubles have faces too",
            ),
        )


class _Looking:
    def __init__(self, clip: PairedClip, measure: Faces) -> None:
        self._clip = clip
        self._measure = measure
        self._frames = set(spread(clip.bundle.video.num_frames, _MOST_FRAMES).tolist())
        self._shares = Shares(measure=Faces.name)
        self._seen: list[tuple[str, Face, bool]] = []
        """Of each face of the original: whose, the face, whether it is left."""

    def see(self, pair: FramePair) -> None:
        if pair.index not in self._frames:
            return
        here, there = self._measure.find(pair.original_rgb), self._measure.find(pair.result_rgb)
        self._shares.count("frames")
        self._shares.count("original", len(here))
        self._shares.count("result", len(there))
        boxes = [
            np.array([face.box_xyxy_px for face in faces], dtype=np.float64).reshape(-1, 4) for faces in (here, there)
        ]
        same_place = dict(zip(*(side.tolist() for side in match(overlaps(*boxes), _SAME_PLACE)), strict=True))
        owners = _owners(self._clip, pair.index, boxes[0])
        for row, face in enumerate(here):
            track_id = owners.get(row)
            person = f"{self._clip.name}:{'nobody' if track_id is None else track_id}"
            other = there[same_place[row]] if row in same_place else None
            alike = likeness(face, other) if other is not None else -1.0
            self._shares.add(_KEY_PLACE, person, float(other is not None))
            self._seen.append((person, face, alike >= ALIKE))
            if alike >= ALIKE:
                self._shares.cases.append(
                    Case(
                        clip=self._clip.name,
                        frame_index=pair.index,
                        track_id=track_id,
                        badness=alike,
                        what=f"a face at the same place that looks alike (correlation {alike:.2f})",
                        box_xyxy_px=face.box_xyxy_px,
                    )
                )

    def finish(self) -> Tally:
        for person, face, is_left in self._seen:
            others = [other for whose, other, _ in self._seen if whose != person]
            some = [others[row] for row in spread(len(others), _MOST_OTHERS)]
            chance = float(np.mean([likeness(face, other) >= ALIKE for other in some])) if some else None
            self._shares.add(_KEY, person, float(is_left), chance=chance)
        return self._shares.tally()


def _owners(clip: PairedClip, frame_index: int, faces_xyxy_px: npt.NDArray[np.float64]) -> Mapping[int, int]:
    """Track id whose box holds the middle of each face; the smallest box where there are several."""
    owners: dict[int, int] = {}
    present = [(track, track.step_of(frame_index)) for track in clip.bundle.tracks]
    for row, (left, top, right, bottom) in enumerate(faces_xyxy_px.tolist()):
        x, y = (left + right) / 2, (top + bottom) / 2
        around = []
        for track, step in present:
            if step is not None:
                x0, y0, x1, y1 = (float(value) for value in track.boxes_xyxy_px[step])
                if x0 <= x <= x1 and y0 <= y <= y1:
                    around.append(((x1 - x0) * (y1 - y0), track.track_id))
        if around:
            owners[row] = min(around)[1]
    return owners
