"""Flicker of people's colour and drift of their looks, with results that must score badly."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.evaluation.measures.flicker import Flicker
from bodydouble.evaluation.measures.identity_drift import ColourLook, IdentityDrift
from tests.unit.evaluation.measures.street import Street, Walker, run, texture, values, without_people


def flicker_of(street: Street, result=None) -> dict[str, float | None]:
    return {key.split(".")[-1]: v for key, v in values(Flicker(), run(Flicker(), street, result)).items()}


def drift_of(street: Street, result=None, **options) -> list[float | None]:
    measure = IdentityDrift(**options)
    return list(values(measure, run(measure, street, result)).values())


def test_a_copy_does_not_flicker_more_than_the_original():
    street = Street()
    found = flicker_of(street)
    assert found["levels"] == pytest.approx(0.0, abs=1e-6)
    assert found["ratio"] == pytest.approx(1.0)
    assert flicker_of(street, street.double)["ratio"] == pytest.approx(1.0)


def test_a_result_that_flickers_is_found_out_in_levels():
    found = flicker_of(Street(), Street().flickering)
    assert found["levels"] == pytest.approx(30.0, abs=0.5)  # From -15 to +15: two steps of 30, halved.
    assert found["ratio"] > 100


def test_light_that_changes_steadily_is_no_flicker():
    street = Street()

    def dusk(index: int) -> np.ndarray:
        return street.changed(index, lambda crop: crop - np.uint8(2 * index))

    assert flicker_of(street, dusk)["levels"] < 0.1


def test_a_jump_that_stays_counts_less_than_one_that_comes_back():
    street = Street()
    stays = flicker_of(street, lambda i: street.black(i) if i >= 6 else street.frame(i))
    returns = flicker_of(street, lambda i: street.black(i) if i % 2 else street.frame(i))
    assert 0 < stays["levels"] < returns["levels"]


def test_the_frame_that_flickers_is_named():
    street = Street()
    tally = run(Flicker(), street, lambda i: street.black(i) if i == 5 else street.frame(i))
    assert (tally.cases[0].frame_index, tally.cases[0].track_id) == (5, 1)
    assert "levels" in tally.cases[0].what


def test_who_comes_out_from_behind_somebody_does_not_flicker():
    """The mean colour depends on how much of the person is seen."""
    street = Street((Walker(left=60, step=0), Walker(left=0, step=7, top=30)), 20)
    found = run(Flicker(), street)
    level, triples = (found.samples[name][0] for name in ("result", "triples"))
    assert 5 < triples < run(Flicker(), Street((Walker(left=60, step=0),), 20)).samples["triples"][0] == 18
    assert (level / triples) ** 0.5 < 3


def test_two_frames_have_no_flicker():
    for street in (Street(num_frames=2), without_people(Street()), Street((Walker(width=2, height=9),), 4)):
        assert flicker_of(street) == {"levels": None, "ratio": None}


def test_frames_left_out_are_not_neighbours():
    street = Street()
    work = Flicker().start(street.clip())
    for pair in street.pairs(street.flickering):
        if pair.index % 2:
            work.see(pair)
    assert work.finish().samples["triples"] == ()


@pytest.mark.parametrize("seed", range(3))
def test_looks_are_far_apart_when_colours_are_and_near_when_light_changes_a_little(seed: int):
    look, own = ColourLook(), np.ones((60, 24), bool)
    red = texture(seed, 60, 24) // np.array([1, 4, 4], np.uint8)
    blue = red[:, :, ::-1].copy()
    dimmed = (red * 0.93).astype(np.uint8)
    first = look.look(red, own)
    assert look.distance(first, first) == 0.0
    # Lightness is half of a look, and theirs is the same.
    assert 0.35 < look.distance(first, look.look(blue, own)) <= np.sqrt(0.5)
    assert look.distance(first, look.look(dimmed, own)) < 0.2
    assert np.sum(first**2) == pytest.approx(1.0)


def test_top_and_trousers_are_told_apart():
    look, own = ColourLook(), np.ones((60, 24), bool)
    person = np.zeros((60, 24, 3), np.uint8)
    person[:30], person[30:] = (200, 30, 30), (30, 30, 200)
    assert look.distance(look.look(person, own), look.look(person[::-1].copy(), own)) > 0.5


def test_only_the_persons_own_pixels_count():
    look = ColourLook()
    own = np.zeros((60, 24), bool)
    own[:, 6:18] = True
    person, elsewhere = texture(1, 60, 24), texture(2, 60, 24)
    elsewhere[own] = person[own]
    assert look.distance(look.look(person, own), look.look(elsewhere, own)) == 0.0


def test_a_person_of_one_pixel_has_a_look():
    look = ColourLook()
    own = np.zeros((5, 5), bool)
    own[2, 2] = True
    assert np.isfinite(look.look(np.zeros((5, 5, 3), np.uint8), own)).all()


def test_who_stays_the_same_does_not_drift_and_who_is_made_anew_does():
    street = Street(num_frames=60, walkers=(Walker(step=1),))
    same = drift_of(street)
    assert same == [pytest.approx(0.0, abs=1e-6)] * 3

    def other_person_after_a_window(index: int) -> np.ndarray:
        tint = ((255, 60, 60), (60, 255, 60), (60, 60, 255))[index // 20]
        return street.changed(index, lambda crop: (crop * (np.array(tint) / 255)).astype(np.uint8))

    short, second, long = drift_of(street, other_person_after_a_window)
    assert short < second < long
    assert long > 0.3


def test_noise_and_a_slow_change_differ_in_the_lag():
    street = Street(num_frames=50, walkers=(Walker(step=1),))

    def fades(index: int) -> np.ndarray:
        return street.changed(index, lambda crop: (crop * (1 - index / 60)).astype(np.uint8))

    short, _, long = drift_of(street, fades)
    assert long > 4 * short


def test_lags_follow_the_rate_and_lags_beyond_the_clip_have_no_value():
    street = Street(num_frames=12)  # 10 frames a second.
    measure = IdentityDrift(lags_seconds=(0.2, 1.0, 4.0), every_seconds=0.2)
    figures = {figure.key: figure for figure in measure.figures(run(measure, street))}
    assert figures["temporal.drift.colour.200ms"].trials == 5  # Looks at 0, 2, ..., 10.
    assert figures["temporal.drift.colour.1000ms"].trials == 1
    assert figures["temporal.drift.colour.4000ms"].value is None
    assert "4 s" in figures["temporal.drift.colour.4000ms"].note


def test_another_look_can_be_given():
    class Brightness:
        name = "brightness"

        def look(self, crop_rgb, own):
            return np.array([crop_rgb[own].mean()])

        def distance(self, first, second):
            return float(abs(first - second)[0])

    street = Street()
    measure = IdentityDrift(look=Brightness(), lags_seconds=(0.1,))
    tally = run(measure, street, street.flickering)
    assert values(measure, tally) == {"temporal.drift.brightness.100ms": pytest.approx(30, abs=0.5)}
    assert tally.measure == "identity_drift.brightness"


def test_nobody_does_not_drift():
    assert drift_of(without_people(Street())) == [None, None, None]
