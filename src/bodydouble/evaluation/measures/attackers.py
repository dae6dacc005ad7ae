"""Attackers turn pictures of people into features that are near for the same person; those here need no fitting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.errors import MissingWeights
from bodydouble.evaluation.measures.crops import Crops
from bodydouble.evaluation.measures.remembered import Memo, digest_of
from bodydouble.evaluation.measures.retrieval import Features, unit


class Attacker(Protocol):
    """Somebody who wants to know whether two pictures show the same person."""

    @property
    def name(self) -> str:
        """Part of keys: letters and underscores."""

    @property
    def label(self) -> str:
        """For people: a few words."""

    def embed(self, crops: Crops) -> Features:
        """Features of crops (n, 128, 64, 3): (n, size), near for the same person."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """What an attacker learns from; rows belong together."""

    original: Crops
    result: Crops
    people: npt.NDArray[np.int64]
    """(n,): who it is."""
    sightings: npt.NDArray[np.int64]
    """(n,): when; a person's rows with different numbers lie apart in time."""


class TrainableAttacker(Protocol):
    """Somebody who can be taught."""

    @property
    def name(self) -> str:
        """Part of keys."""

    @property
    def label(self) -> str:
        """For people."""

    def fit(self, lesson: Lesson, seed: int) -> Attacker:
        """Learn; returns who looks at originals and results."""


class RememberingAttacker:
    """An attacker who looks at each crop once: originals come again with every result, and in every lesson."""

    def __init__(self, attacker: Attacker, *, capacity: int = 30_000) -> None:
        """Wrap an attacker.

        Args:
            attacker: whose features are kept.
            capacity: crops; a kilobyte each.
        """
        self._attacker = attacker
        self._memo: Memo[npt.NDArray[np.float32]] = Memo(capacity)

    @property
    def name(self) -> str:
        """Of the attacker."""
        return self._attacker.name

    @property
    def label(self) -> str:
        """Of the attacker."""
        return self._attacker.label

    def embed(self, crops: Crops) -> Features:
        """Features of crops (n, 128, 64, 3)."""
        if not len(crops):
            return self._attacker.embed(crops)
        return np.stack([self._look(crop) for crop in crops])

    def _look(self, crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return self._memo.get(digest_of(crop), lambda: self._attacker.embed(crop[None])[0])


_STRIPES: Final[int] = 6
"""As in colour descriptors of re-identification (Gray and Tao 2008, "Viewpoint Invariant Pedestrian Recognition")."""
_HUES, _SATURATIONS, _VALUES = 12, 3, 6
_DARK, _PALE = 40, 40
"""Below these values (of 255) hue means nothing."""


class ColourHistograms:
    """Colours of six horizontal stripes of the middle of the box; no weights."""

    name: Final = "colours"
    label: Final = "colour histograms"

    def embed(self, crops: Crops) -> Features:
        """Features of crops (n, 128, 64, 3): square roots of histograms, so that distance is Hellinger's."""
        import cv2

        rows = []
        for crop in crops:
            hsv = cv2.cvtColor(np.ascontiguousarray(crop[:, 12:52]), cv2.COLOR_RGB2HSV).astype(np.int64)
            hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
            coloured = (saturation >= _PALE) & (value >= _DARK)
            # Hue runs from 0 to 179 in OpenCV.
            colour = (hue * _HUES // 180) * _SATURATIONS + saturation * _SATURATIONS // 256
            bins = np.where(coloured, _VALUES + colour, value * _VALUES // 256)
            size = _VALUES + _HUES * _SATURATIONS
            histograms = [np.bincount(part.ravel(), minlength=size) for part in np.array_split(bins, _STRIPES)]
            rows.append(np.sqrt(np.concatenate(histograms).astype(np.float64)))
        return unit(np.array(rows)) if rows else np.zeros((0, 1), np.float32)


class RetailNetwork:
    """person-reidentification-retail-0248 of OpenVINO's model zoo (Apache-2.0), as ONNX; a path is given.

    Input NHWC 256x128, BGR 0 to 255; 256 features, compared by angle (its documentation).
    """

    name: Final = "network"
    label: Final = "given network (retail-0248)"

    def __init__(self, model_path: Path, *, threads: int = 2) -> None:
        """Load the model.

        Raises:
            MissingWeights: there is no such file.
        """
        import onnxruntime

        if not model_path.is_file():
            raise MissingWeights(f"the re-identification network is not there; name its file: {model_path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        self._input_name = self._session.get_inputs()[0].name

    def embed(self, crops: Crops) -> Features:
        """Features of crops (n, 128, 64, 3): (n, 256), of length 1."""
        import cv2

        rows: list[npt.NDArray[np.float32]] = []
        for crop in crops:
            # The network takes one picture at a time: its batch is fixed.
            large = cv2.resize(crop, (128, 256), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
            feed = {self._input_name: np.ascontiguousarray(large[None], dtype=np.float32)}
            rows.append(self._session.run(None, feed)[0][0])
        return unit(np.array(rows)) if rows else np.zeros((0, 256), np.float32)
