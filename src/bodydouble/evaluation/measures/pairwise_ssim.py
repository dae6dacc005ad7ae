"""The paper's temporal consistency: SSIM between pictures of one pedestrian's sequence (section 5, table 2).

What the paper says: sequences of pedestrians are detected, the boxes are cut out of the original and of each result, and
SSIM is computed "between each two images in a sequence"; higher is more consistent. What it leaves open is an option:

==================  =====================================================  =============================================
open in the paper   option                                                 default
==================  =====================================================  =============================================
whose boxes         none: those of the original's bundle, in all results   the paper cuts all with boxes of the original
which pairs         ``max_lag``: frames between the two, 1 to ``max_lag``  1: neighbours ("sequential anonymizations")
boxes differ in     ``crop``: ``second_to_first`` resizes the later crop   ``second_to_first``
size                to the earlier; ``fixed`` both to ``fixed_px``
colour              ``colour``: ``grey`` or ``rgb`` (mean of channels)     ``grey``
window              ``window``: side of the uniform window, odd; or        7 (default of scikit-image)
                    ``gaussian`` (sigma 1.5, Wang et al. 2004)
data range          ``data_range``                                         255
averaging           both: over pairs, and over sequences
==================  =====================================================  =============================================

Blur, pixelation and blackout win this figure: whatever has no detail cannot differ from itself. It is here because the
paper has it; read it beside warp error over contrast, drift and flicker.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import ConfigError, MissingDependency
from bodydouble.evaluation.measures._tracks import Person, RatioFigure, Timeline, TrackSums, people_at
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

_GAUSSIAN_SIGMA: Final[float] = 1.5
_GAUSSIAN_SIDE: Final[int] = 11


@dataclass(frozen=True, kw_only=True)
class SsimRule:
    """How two crops of one person are compared."""

    max_lag: int = 1
    """Pairs of frames up to so far apart; a whole sequence needs its length."""
    crop: Literal["second_to_first", "fixed"] = "second_to_first"
    """Crops of different size: the later is resized to the earlier, or both to ``fixed_px``."""
    fixed_px: tuple[int, int] = (64, 128)
    """Width and height of crops with ``fixed``."""
    colour: Literal["grey", "rgb"] = "grey"
    """``grey``: luma of BT.601."""
    window: int | Literal["gaussian"] = 7
    """Side of the uniform window in px, odd, or a Gaussian of sigma 1.5 (11 px)."""
    data_range: float = 255.0
    """Difference between white and black."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        if self.max_lag < 1:
            raise ConfigError(f"max_lag is {self.max_lag}; it must be 1 or more")
        if self.window != "gaussian" and (self.window < 3 or self.window % 2 == 0):
            raise ConfigError(f"window is {self.window}; it must be odd and at least 3, or 'gaussian'")
        if self.data_range <= 0:
            raise ConfigError(f"data_range is {self.data_range}; it must be more than 0")

    @property
    def side_px(self) -> int:
        """Least side of a crop."""
        return _GAUSSIAN_SIDE if self.window == "gaussian" else self.window


def similarity(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], rule: SsimRule) -> float | None:
    """SSIM of two crops, (height, width, 3) of any size; None where they are smaller than the window."""
    from skimage.metrics import structural_similarity

    size = rule.fixed_px if rule.crop == "fixed" else (first.shape[1], first.shape[0])
    if min(size) < rule.side_px:
        return None
    crops = []
    for crop in (first, second):
        if (crop.shape[1], crop.shape[0]) != size:
            smaller = crop.shape[0] * crop.shape[1] > size[0] * size[1]
            crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))
        crops.append(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY) if rule.colour == "grey" else crop)
    gaussian = rule.window == "gaussian"
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            crops[0],
            crops[1],
            win_size=None if gaussian else rule.side_px,
            gaussian_weights=gaussian,
            sigma=_GAUSSIAN_SIGMA,
            use_sample_covariance=not gaussian,
            data_range=rule.data_range,
            channel_axis=None if rule.colour == "grey" else 2,
        )
    )


class PairwiseSsim:
    """SSIM between crops of the same person, over pairs and over sequences."""

    name = "pairwise_ssim"

    def __init__(self, *, rule: SsimRule | None = None, min_height_px: float = 0.0) -> None:
        """Set up.

        Args:
            rule: what the paper leaves open.
            min_height_px: smaller people are left out; the paper leaves out nobody.

        Raises:
            MissingDependency: scikit-image is not installed.
        """
        if find_spec("skimage") is None:
            raise MissingDependency(
                "SSIM needs scikit-image, which is not installed; install it with: pip install 'bodydouble[evaluate]'"
            )
        self.rule = rule or SsimRule()
        self.min_height_px = min_height_px

    def start(self, clip: PairedClip) -> _Ssim:
        """Begin with a clip."""
        return _Ssim(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``temporal.ssim.pairs`` and ``temporal.ssim.tracks``, -1 to 1."""
        missing = "no two pictures of one person"
        rule = self.rule
        crop = "x".join(str(side) for side in rule.fixed_px) if rule.crop == "fixed" else "the earlier crop's size"
        note = (
            f"{rule.colour}, window {rule.window}, range {rule.data_range:g}, lag up to {rule.max_lag}, "
            f"resized to {crop}; blur and blackout win this figure"
        )
        pairs = RatioFigure(
            key="temporal.ssim.pairs", label="pairwise SSIM (paper), mean of pairs", group="temporal", better="high",
            part="ssim", whole="pairs", trials="pairs", missing=missing, note=note,
        )  # fmt: skip
        tracks = RatioFigure(
            key="temporal.ssim.tracks", label="pairwise SSIM (paper), mean of people", group="temporal", better="high",
            part="track_mean", whole="track", trials="track", missing=missing, note=note,
        )  # fmt: skip
        return pairs.read(tally), tracks.read(tally)


class _Ssim:
    def __init__(self, measure: PairwiseSsim, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        self._sums = TrackSums(clip.name, ("ssim", "pairs", "track_mean", "track"))
        self._before: dict[int, deque[tuple[int, npt.NDArray[np.uint8]]]] = {}
        self._totals: dict[int, tuple[float, int]] = {}
        self._timeline = Timeline(clip.name, "temporal.ssim.pairs")

    def see(self, pair: FramePair) -> None:
        lag = self._measure.rule.max_lag
        part, whole = 0.0, 0
        for person in people_at(self._clip.bundle, pair.index, min_height_px=self._measure.min_height_px):
            crop = pair.result_rgb[person.rows, person.columns].copy()
            crops = self._before.setdefault(person.track_id, deque(maxlen=lag))
            for index, earlier in crops:
                if pair.index - index <= lag:
                    value = similarity(earlier, crop, self._measure.rule)
                    if value is not None:
                        self._add(person, pair.index, index, value)
                        part, whole = part + value, whole + 1
            crops.append((pair.index, crop))
        # Who is gone for longer than the lag needs no crops any more.
        gone = [track for track, crops in self._before.items() if crops[-1][0] <= pair.index - lag]
        for track in gone:
            del self._before[track]
        self._timeline.add(pair.index, part, whole)

    def _add(self, person: Person, frame_index: int, earlier: int, value: float) -> None:
        total, count = self._totals.get(person.track_id, (0.0, 0))
        self._totals[person.track_id] = (total + value, count + 1)
        self._sums.add(person.track_id, ssim=value, pairs=1)
        self._sums.note(
            person, frame_index, 1.0 - value, f"SSIM of {value:.2f} with the same person in frame {earlier}"
        )

    def finish(self) -> Tally:
        for track, (total, count) in self._totals.items():
            self._sums.add(track, track_mean=total / count, track=1)
        return self._sums.tally(PairwiseSsim.name, series=self._timeline.series())
