"""Areas under the curve against scikit-learn, and each choice of the protocol on numbers done by hand."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bodydouble.anomaly.config import DETECTORS
from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.anomaly.protocol import UNIFORM, Protocol
from bodydouble.anomaly.scores import VideoTerms, auc, combined, decibels, stretched
from bodydouble.errors import ConfigError, InputError

PLAIN = Protocol(frame_term="error", frame_weight=1.0, normalisation="none", smoothing_sigma_frames=0.0)


def terms(labels, frame, *, feature=None, patch=None, first=0):
    frame = np.asarray(frame, float)
    return VideoTerms(
        first=first,
        labels=np.asarray(labels, bool),
        frame=frame,
        patch=frame if patch is None else np.asarray(patch, float),
        feature=None if feature is None else np.asarray(feature, float),
    )


@pytest.mark.parametrize("levels", [3, 10_000], ids=["many ties", "few ties"])
def test_as_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(levels)
    for count in (2, 3, 50, 1000):
        labels = rng.random(count) < 0.3
        labels[:2] = (True, False)
        scores = rng.integers(0, levels, count) + 0.7 * labels
        assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_labels_as_scores_and_shuffled_labels() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(2000) < 0.4
    assert auc(labels, labels) == 1.0
    assert auc(labels, ~labels) == 0.0
    assert abs(auc(rng.permutation(labels), labels) - 0.5) < 0.05


def test_constant_scores_are_worth_a_half() -> None:
    assert auc([0, 1, 1], [2.0, 2.0, 2.0]) == 0.5


@pytest.mark.parametrize(
    ("labels", "scores", "error", "words"),
    [
        ([0, 1], [0.0, np.nan], DetectorFailed, "1 of 2 scores are not finite"),
        ([0, 1], [0.0, np.inf], DetectorFailed, "not finite"),
        ([0, 0], [0.0, 1.0], InputError, "0 of 2 frames are abnormal"),
        ([1, 1], [0.0, 1.0], InputError, "2 of 2 frames are abnormal"),
        ([0, 2], [0.0, 1.0], InputError, "0 .normal. or 1"),
        ([0, 1, 1], [0.0, 1.0], InputError, "labels and"),
        ([], [], InputError, "0 of 0"),
    ],
)
def test_what_has_no_area(labels, scores, error, words) -> None:
    with pytest.raises(error, match=words):
        auc(labels, scores)


def test_micro_ranks_all_frames_and_macro_averages_videos() -> None:
    videos = {"a": terms([0, 0, 1], [1, 2, 3]), "b": terms([1, 0], [10, 11]), "c": terms([0, 0], [4, 5])}
    found = combined("unet", videos, PLAIN)
    # Abnormal 3 and 10 against normal 1, 2, 11, 4, 5: 3 beats two of five, 10 four of five.
    assert found.micro_auc == pytest.approx(6 / 10)
    assert {n: v.auc for n, v in found.videos.items()} == {"a": 1.0, "b": 0.0, "c": None}
    assert found.macro_auc == 0.5
    assert found.without_auc == ("c",)


def test_no_video_has_both_kinds() -> None:
    found = combined("unet", {"a": terms([0, 0], [1, 2]), "b": terms([1, 1], [3, 4])}, PLAIN)
    assert found.micro_auc == 1.0
    assert found.macro_auc is None
    assert found.without_auc == ("a", "b")


def test_stretching_over_each_video_or_over_all() -> None:
    values = {"a": np.array([1.0, 3.0, 2.0]), "b": np.array([5.0, 5.0])}
    each = stretched(values, "per-video")
    np.testing.assert_array_equal(each["a"], [0, 1, 0.5])
    np.testing.assert_array_equal(each["b"], [0, 0])  # all alike
    np.testing.assert_array_equal(stretched(values, "global")["a"], [0, 0.5, 0.25])
    np.testing.assert_array_equal(stretched(values, "global")["b"], [1, 1])
    np.testing.assert_array_equal(stretched(values, "none")["b"], [5, 5])


def test_weights_and_terms_by_hand() -> None:
    videos = {"a": terms([0, 1, 0], [0.1, 0.01, 0.001], feature=[0.0, 2.0, 1.0])}
    # PSNR is 10, 20, 30 dB: abnormality 1, 1/2, 0. The feature term is 0, 1, 1/2.
    found = combined("mnad-pred", videos, Protocol(frame_weight=0.6))
    np.testing.assert_allclose(found.videos["a"].scores, [0.6, 0.3 + 0.4, 0.2], atol=1e-12)
    raw = combined("mnad-pred", videos, Protocol(frame_weight=1.0, frame_term="error"))
    np.testing.assert_allclose(raw.videos["a"].scores, [1, 0.009 / 0.099, 0], atol=1e-12)


def test_features_in_decibels_keep_their_sign() -> None:
    videos = {"a": terms([0, 1, 0], [1e-3, 1e-3, 1e-2], feature=[1e-4, 1e-2, 1e-3])}
    found = combined("mpn", videos, Protocol(frame_weight=0.0, smoothing_sigma_frames=0.0))
    np.testing.assert_allclose(found.videos["a"].scores, [0, 1, 0.5], atol=1e-12)


def test_worst_patch_instead_of_the_whole_frame() -> None:
    videos = {"a": terms([0, 1], [2.0, 1.0], patch=[1.0, 3.0])}
    assert combined("unet", videos, PLAIN).micro_auc == 0.0
    assert combined("unet", videos, replace(PLAIN, frame_error="patch")).micro_auc == 1.0


def test_smoothing_stays_inside_a_video() -> None:
    videos = {"a": terms([0] * 20, [0.0] * 20), "b": terms([1] * 20, [1.0] * 20)}
    found = combined("unet", videos, replace(PLAIN, smoothing_sigma_frames=3.0))
    np.testing.assert_allclose(found.videos["a"].scores, 0, atol=1e-12)
    np.testing.assert_allclose(found.videos["b"].scores, 1, atol=1e-12)
    spike = {"a": terms([0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0])}
    smooth = combined("unet", spike, replace(PLAIN, smoothing_sigma_frames=1.0)).videos["a"].scores
    assert 0.3 < smooth[3] < 0.5
    assert smooth[2] == pytest.approx(smooth[4])


def test_exact_prediction_has_finite_decibels() -> None:
    assert decibels(np.array([0.0, 1.0])).tolist() == [120.0, 0.0]


def test_what_cannot_be_scored() -> None:
    with pytest.raises(InputError, match="no test video"):
        combined("unet", {}, PLAIN)
    with pytest.raises(InputError, match="the video a has no frame"):
        combined("unet", {"a": terms([], [])}, PLAIN)
    with pytest.raises(DetectorFailed, match="frame error of frame 5 of the video a is nan"):
        combined("unet", {"a": terms([0, 1], [1, np.nan], first=4)}, PLAIN)
    with pytest.raises(DetectorFailed, match="same score"):
        combined("unet", {"a": terms([0, 1], [1, 1])}, PLAIN)
    with pytest.raises(InputError, match="some have none"):
        combined("mpn", {"a": terms([0, 1], [1, 2], feature=[1, 2]), "b": terms([0, 1], [1, 2])}, Protocol())
    with pytest.raises(InputError, match="one value for each of 2 labels"):
        terms([0, 1], [1, 2, 3])


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_resolved_protocol_leaves_nothing_open(detector: str) -> None:
    found = Protocol().resolved(detector)
    assert all(getattr(found, field.name) is not None for field in fields(found))
    assert found.resolved(detector) == found
    assert found.normalisation == "per-video"
    assert "authors" not in found.described()


def test_a_stated_choice_is_kept() -> None:
    stated = Protocol(memory_update="off", frame_weight=0.0, smoothing_sigma_frames=0.0, update_threshold=0.0)
    found = stated.resolved("mnad-pred")
    assert (found.memory_update, found.frame_weight, found.update_threshold) == ("off", 0.0, 0.0)
    assert stated.resolved("mpn").smoothing_sigma_frames == 0.0


@pytest.mark.parametrize("detector", DETECTORS)
def test_one_protocol_alike_for_all(detector: str) -> None:
    assert UNIFORM.resolved(detector) == replace(UNIFORM, feature_term=Protocol().resolved(detector).feature_term)
    videos = {"a": terms([0, 1, 0], [0.1, 0.01, 0.001], feature=[0.0, 2.0, 1.0])}
    np.testing.assert_allclose(combined(detector, videos, UNIFORM).videos["a"].scores, [1, 0.5, 0], atol=1e-12)


def test_choices_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match=r"frame_weight is 1\.5"):
        Protocol(frame_weight=1.5)
    with pytest.raises(ConfigError, match="smoothing"):
        Protocol(smoothing_sigma_frames=-1)
    with pytest.raises(ConfigError, match="no detector 'mnad'"):
        Protocol().resolved("mnad")
