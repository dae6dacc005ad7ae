"""The paper's pairwise SSIM: against the formula written out, the crop rule, and what blur does to it."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from bodydouble.errors import ConfigError, MissingDependency
from bodydouble.evaluation.measures.pairwise_ssim import PairwiseSsim, SsimRule, similarity
from tests.unit.evaluation.measures.street import Street, Walker, run, texture, values, without_people


def ssim_of(street: Street, result=None, **rule) -> dict[str, float | None]:
    measure = PairwiseSsim(rule=SsimRule(**rule))
    return {key.split(".")[-1]: v for key, v in values(measure, run(measure, street, result)).items()}


def formula(first: np.ndarray, second: np.ndarray, window: int, data_range: float) -> float:
    """Wang et al. 2004, eq. 13, with a uniform window and sample covariance, over windows inside the picture."""
    x, y = first.astype(float), second.astype(float)
    count = window**2
    unbiased = count / (count - 1)

    def mean(picture: np.ndarray) -> np.ndarray:
        return uniform_filter(picture, window)

    vx = unbiased * (mean(x * x) - mean(x) ** 2)
    vy = unbiased * (mean(y * y) - mean(y) ** 2)
    vxy = unbiased * (mean(x * y) - mean(x) * mean(y))
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = ((2 * mean(x) * mean(y) + c1) * (2 * vxy + c2)) / ((mean(x) ** 2 + mean(y) ** 2 + c1) * (vx + vy + c2))
    half = window // 2
    return float(values[half:-half, half:-half].mean())


@pytest.mark.parametrize(("window", "data_range"), [(7, 255.0), (11, 255.0), (7, 128.0)])
def test_it_is_the_formula(window: int, data_range: float):
    first, second = texture(1, 40, 30), texture(2, 40, 30)
    second = ((first.astype(int) + second) // 2).astype(np.uint8)
    rule = SsimRule(window=window, data_range=data_range, colour="rgb")
    by_hand = np.mean([formula(first[..., c], second[..., c], window, data_range) for c in range(3)])
    assert similarity(first, second, rule) == pytest.approx(by_hand, abs=1e-6)
    grey = np.repeat(first[:, :, :1], 3, axis=2), np.repeat(second[:, :, :1], 3, axis=2)
    expected = formula(first[..., 0], second[..., 0], window, data_range)
    assert similarity(*grey, SsimRule(window=window, data_range=data_range)) == pytest.approx(expected, abs=1e-6)


def test_the_gaussian_window_is_that_of_wang():
    from skimage.metrics import structural_similarity

    first, second = texture(1, 40, 30)[..., 0], texture(2, 40, 30)[..., 0]
    expected = structural_similarity(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    crops = [np.repeat(one[:, :, None], 3, axis=2) for one in (first, second)]
    assert similarity(*crops, SsimRule(window="gaussian")) == pytest.approx(expected, abs=1e-9)
    assert similarity(*crops, SsimRule(window="gaussian")) != pytest.approx(similarity(*crops, SsimRule()), abs=1e-3)


def test_the_later_crop_takes_the_size_of_the_earlier():
    small, large = texture(1, 30, 20), texture(1, 60, 40)
    assert similarity(small, large, SsimRule()) is not None
    assert similarity(small, large, SsimRule()) != similarity(large, small, SsimRule())
    fixed = SsimRule(crop="fixed", fixed_px=(32, 48))
    assert similarity(small, large, fixed) == similarity(large, small, fixed)
    assert similarity(small, small, SsimRule()) == 1.0


def test_crops_smaller_than_the_window_have_no_ssim():
    assert similarity(texture(1, 6, 30), texture(1, 30, 30), SsimRule()) is None
    assert similarity(texture(1, 6, 30), texture(1, 30, 30), SsimRule(window=5)) is not None
    assert similarity(texture(1, 6, 30), texture(1, 30, 30), SsimRule(crop="fixed")) is not None
    assert similarity(texture(1, 9, 9), texture(1, 9, 9), SsimRule(window="gaussian")) is None


@pytest.mark.parametrize("wrong", [{"max_lag": 0}, {"window": 4}, {"window": 1}, {"data_range": 0.0}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(ConfigError):
        SsimRule(**wrong)


def test_a_person_who_stays_the_same_scores_one_and_noise_nothing():
    street = Street()
    assert ssim_of(street) == {"pairs": pytest.approx(1.0), "tracks": pytest.approx(1.0)}
    assert ssim_of(street, street.double)["pairs"] == pytest.approx(1.0)
    assert ssim_of(street, street.noise)["pairs"] < 0.1


def test_blur_and_blackout_win():
    street = Street()
    clean = street.frame

    def noisy(index: int) -> np.ndarray:
        rng = np.random.default_rng(index)
        return np.clip(clean(index) + rng.normal(scale=15, size=street.ground.shape), 0, 255).astype(np.uint8)

    street.frame = noisy
    filmed = ssim_of(street)["pairs"]
    assert ssim_of(street, street.blurred)["pairs"] > filmed + 0.1
    assert ssim_of(street, street.black)["pairs"] == pytest.approx(1.0)


def test_pairs_up_to_a_lag():
    street = Street(num_frames=6)
    for lag, pairs in ((1, 5), (2, 5 + 4), (99, 15)):
        measure = PairwiseSsim(rule=SsimRule(max_lag=lag))
        assert sum(run(measure, street).samples["pairs"]) == pairs
    assert ssim_of(street, street.flickering, max_lag=2)["pairs"] > ssim_of(street, street.flickering)["pairs"]


def test_somebody_who_is_away_is_not_compared_across_the_gap():
    track = Street(num_frames=6).bundle.tracks[0]
    street = Street(num_frames=6)
    measure = PairwiseSsim(rule=SsimRule(max_lag=2))
    work = measure.start(street.clip())
    for pair in street.pairs():
        if pair.index not in {2, 3, 4}:
            work.see(pair)
    assert sum(work.finish().samples["pairs"]) == 1  # Only frames 0 and 1.
    assert len(track) == 6


def test_long_and_short_tracks_weigh_differently():
    street = Street((Walker(), Walker(left=150, step=0, top=40, last=1)), 10)

    def one_flickers(index: int) -> np.ndarray:
        picture = street.frame(index)
        picture[40:104, 150:174] = street.noise(index)[40:104, 150:174]
        return picture

    found = ssim_of(street, one_flickers)
    assert found["pairs"] == pytest.approx(0.9, abs=0.03)  # 9 pairs of 1, one of about 0.
    assert found["tracks"] == pytest.approx(0.5, abs=0.06)


def test_the_worst_pair_is_named():
    street = Street()
    tally = run(PairwiseSsim(), street, lambda i: street.noise(6) if i == 6 else street.frame(i))
    assert tally.cases[0].frame_index in {6, 7}
    assert f"frame {tally.cases[0].frame_index - 1}" in tally.cases[0].what


def test_nobody_and_one_frame_have_no_value():
    for street in (without_people(Street(num_frames=3)), Street(num_frames=1), Street((Walker(height=5),), 3)):
        assert ssim_of(street) == {"pairs": None, "tracks": None}


def test_the_note_tells_the_rule():
    figure = PairwiseSsim().figures(run(PairwiseSsim(), Street()))[0]
    for word in ("grey", "window 7", "range 255", "lag up to 1", "blur"):
        assert word in figure.note


def test_without_scikit_image_it_is_refused_before_any_frame(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingDependency, match=r"bodydouble\[evaluate\]"):
        PairwiseSsim()
