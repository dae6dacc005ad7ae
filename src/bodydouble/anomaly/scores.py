"""From error terms of frames to scores and areas under the curve; numpy only.

A score is larger where a frame is less normal. Frames that no clip could score (the first ones of a video for a detector
that predicts, the border for one that looks both ways) have no score, and their labels are left out with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.stats import rankdata

from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.anomaly.protocol import Protocol
from bodydouble.errors import InputError

LEAST_ERROR = 1e-12
"""Below it an error counts as this, so that a frame predicted exactly has a finite number of decibels."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VideoTerms:
    """Error terms of the scored frames of one video; all arrays have one length."""

    first: int
    """Frame of the video that the first term belongs to, from 0."""
    labels: npt.NDArray[np.bool_]
    """True: abnormal."""
    frame: FloatArray
    """Error of the whole frame."""
    patch: FloatArray
    """Error of the worst square."""
    feature: FloatArray | None
    """Distance of features; None where a detector has none."""

    def __post_init__(self) -> None:
        count = len(self.labels)
        for name in ("frame", "patch", "feature"):
            values = getattr(self, name)
            if values is not None and values.shape != (count,):
                raise InputError(f"{name} has shape {values.shape}; expected one value for each of {count} labels")


@dataclass(frozen=True, kw_only=True)
class VideoScores:
    """Scores of one video."""

    first: int
    """Frame of the video that the first score belongs to, from 0."""
    labels: npt.NDArray[np.bool_]
    """True: abnormal."""
    scores: FloatArray
    """Larger is less normal."""
    auc: float | None
    """Area under the curve of this video alone; None where it has no abnormal or no normal frame."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a detector makes of a test set."""

    detector: str
    protocol: Protocol
    """What was chosen, with nothing left open."""
    videos: Mapping[str, VideoScores]
    """By name, in the order of the data set."""
    terms: Mapping[str, VideoTerms]
    """What the scores were made of, so that another protocol needs no second run (`combined`)."""
    micro_auc: float
    """Area under the curve of all scored frames together, 0 to 1."""
    macro_auc: float | None
    """Mean of the videos' own areas, over those that have one; None where none has."""
    without_auc: tuple[str, ...]
    """Videos that `macro_auc` leaves out: all their scored frames are normal, or all are abnormal."""


def combined(detector: str, terms: Mapping[str, VideoTerms], protocol: Protocol) -> Scores:
    """Make scores under a protocol.

    Args:
        detector: whose terms they are; decides what the protocol leaves open.
        terms: error terms of each video.
        protocol: the choices; ``memory_update`` was made when the terms were.

    Raises:
        InputError: there is no video, a video without scored frames, or all labels are alike.
        DetectorFailed: a term is not finite, or all scores are the same.
    """
    chosen = protocol.resolved(detector)
    if not terms:
        raise InputError("there is no test video to score")
    for name, video in terms.items():
        _check(name, video)
    scores = _scores(terms, chosen)
    if len(terms) and max(s.max() for s in scores.values()) == min(s.min() for s in scores.values()):
        raise DetectorFailed(
            f"{detector} gives all frames the same score; it has learnt nothing, or its input is constant"
        )
    videos = {
        name: VideoScores(
            first=video.first, labels=video.labels, scores=scores[name], auc=auc_or_none(video.labels, scores[name])
        )
        for name, video in terms.items()
    }
    own = [video.auc for video in videos.values() if video.auc is not None]
    return Scores(
        detector=detector,
        protocol=chosen,
        videos=videos,
        terms=terms,
        micro_auc=auc(
            np.concatenate([v.labels for v in videos.values()]), np.concatenate([v.scores for v in videos.values()])
        ),
        macro_auc=float(np.mean(own)) if own else None,
        without_auc=tuple(name for name, video in videos.items() if video.auc is None),
    )


def _check(name: str, video: VideoTerms) -> None:
    if not len(video.labels):
        raise InputError(f"the video {name} has no frame that could be scored; it is shorter than a clip")
    for kind in ("frame", "patch", "feature"):
        values = getattr(video, kind)
        if values is not None and not np.isfinite(values).all():
            at = video.first + int(np.flatnonzero(~np.isfinite(values))[0])
            raise DetectorFailed(f"the {kind} error of frame {at} of the video {name} is {values[at - video.first]}")


def _scores(terms: Mapping[str, VideoTerms], protocol: Protocol) -> dict[str, FloatArray]:
    """Each video's scores: terms stretched, weighted, smoothed."""
    weight = protocol.frame_weight
    sigma = protocol.smoothing_sigma_frames
    assert weight is not None
    assert sigma is not None
    frame = {n: video.frame if protocol.frame_error == "mean" else video.patch for n, video in terms.items()}
    if protocol.frame_term == "psnr":
        frame = {name: -decibels(values) for name, values in frame.items()}
    total = stretched(frame, protocol.normalisation)
    feature = {name: video.feature for name, video in terms.items() if video.feature is not None}
    if feature and len(feature) != len(terms):
        raise InputError("some videos have a feature term and some have none")
    if feature and weight < 1:
        if protocol.feature_term == "psnr":
            feature = {name: -decibels(values) for name, values in feature.items()}
        other = stretched(feature, protocol.normalisation)
        total = {name: weight * values + (1 - weight) * other[name] for name, values in total.items()}
    if sigma > 0:
        total = {name: gaussian_filter1d(values, sigma, mode="nearest") for name, values in total.items()}
    return total


def decibels(squared_error: FloatArray) -> FloatArray:
    """PSNR of mean squared errors of pixels on 0..1."""
    return -10 * np.log10(np.maximum(squared_error, LEAST_ERROR))


def stretched(values: Mapping[str, FloatArray], over: str) -> dict[str, FloatArray]:
    """Shift and scale to 0..1, over each video or over all; values that are all alike become 0."""
    if over == "none":
        return dict(values)
    bounds = {name: (float(v.min()), float(v.max())) for name, v in values.items()}
    if over == "global":
        both = min(b[0] for b in bounds.values()), max(b[1] for b in bounds.values())
        bounds = dict.fromkeys(bounds, both)
    return {name: (v - bounds[name][0]) / (bounds[name][1] - bounds[name][0] or 1.0) for name, v in values.items()}


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often an abnormal frame scores above a normal one, ties counting half.

    Args:
        labels: True or 1 where abnormal.
        scores: as many.

    Raises:
        InputError: lengths differ, a label is neither 0 nor 1, or all are alike.
        DetectorFailed: a score is not finite.
    """
    truth, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.shape != values.shape or truth.ndim != 1:
        raise InputError(f"there are {truth.shape} labels and {values.shape} scores; expected one row of each")
    if not np.isin(truth, (0, 1)).all():
        raise InputError("labels must be 0 (normal) or 1 (abnormal)")
    if not np.isfinite(values).all():
        raise DetectorFailed(f"{int((~np.isfinite(values)).sum())} of {len(values)} scores are not finite")
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        raise InputError(
            f"{positive} of {len(truth)} frames are abnormal; the area under the curve needs normal and abnormal ones"
        )
    # Mann and Whitney: the sum of the ranks of the abnormal, less what it would be if they were all lowest.
    ranks = rankdata(values)
    return float((ranks[truth.astype(bool)].sum() - positive * (positive + 1) / 2) / (positive * negative))


def auc_or_none(labels: npt.NDArray[np.bool_], scores: FloatArray) -> float | None:
    """`auc`, or None where all labels are alike."""
    return None if labels.all() or not labels.any() else auc(labels, scores)
