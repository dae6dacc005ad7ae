"""Re-identification: scores against independent computations, and results with known answers, bad ones among them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bodydouble.errors import InputError, MissingWeights
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox
from bodydouble.evaluation.measures.attackers import ColourHistograms, Lesson, RememberingAttacker, RetailNetwork
from bodydouble.evaluation.measures.attackers_trained import TrainedAttacker
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import CropKeeper, cut_crop, spread, usable_steps
from bodydouble.evaluation.measures.identities import KnownPeople, identities, read_people
from bodydouble.evaluation.measures.reidentification import ReIdentification
from bodydouble.evaluation.measures.retrieval import average_precision, expected_precision, rank
from tests.unit.evaluation.measures.street import PERSON_H, Street, Walker, run

WIDTH, HEIGHT, FRAMES = 360, 300, 40


@pytest.fixture(scope="module")
def street() -> Street:
    """Eight people, four seconds, nobody in front of anybody."""
    walkers = [Walker(left=10 + 85 * (n % 4), top=10 + 75 * (n // 4), step=1) for n in range(8)]
    return Street(walkers, FRAMES, width=WIDTH, height=HEIGHT)


def table(measure: ReIdentification, tally: Tally) -> dict[str, Figure]:
    return {figure.key.removeprefix("privacy.reid."): figure for figure in measure.figures(tally)}


def scores(street: Street, result=None, **options) -> dict[str, Figure]:
    measure = ReIdentification([ColourHistograms()], **options)
    return table(measure, run(measure, street, result))


def truth_of(street: Street, ids: dict[int, int]) -> GroundTruth:
    rows: dict[int, list[TruthBox]] = {}
    for track in street.bundle.tracks:
        for frame, (left, top, right, bottom) in zip(track.frame_indices, track.boxes_xyxy_px, strict=True):
            box = TruthBox(person_id=ids[track.track_id], left_px=float(left), top_px=float(top),
                           width_px=float(right - left), height_px=float(bottom - top), counts=True)  # fmt: skip
            rows.setdefault(int(frame), []).append(box)
    return GroundTruth(boxes={frame: tuple(row) for frame, row in rows.items()})


# Scores


def test_average_precision_is_sklearns():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    for _ in range(50):
        right = rng.random(int(rng.integers(2, 40))) < 0.3
        right[0] |= not right.any()
        distances = rng.permutation(len(right)) / len(right)
        got = rank(np.zeros(1, np.float32), np.sqrt(distances)[:, None].astype(np.float32), right, right | True)
        if got is None:
            continue
        assert got.average_precision == pytest.approx(metrics.average_precision_score(right, -distances), abs=1e-9)
        assert got.is_first_right == right[np.argmin(distances)]
        assert got.first == np.argmin(distances)


def test_average_precision_by_hand():
    assert average_precision(np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([False, False])) == 0.0


@pytest.mark.parametrize(("right", "count"), [(1, 2), (1, 7), (3, 10), (9, 10)])
def test_chance_is_what_random_orders_give(right, count):
    rng, order = np.random.default_rng(1), np.arange(count) < right
    drawn = np.mean([average_precision(rng.permutation(order)) for _ in range(20000)])
    assert expected_precision(right, count) == pytest.approx(drawn, abs=0.01)


def test_what_is_taken_out_counts_for_nothing():
    gallery = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    right = np.array([True, False, True, False])
    in_play = np.array([False, True, True, True])
    got = rank(np.zeros(1, np.float32), gallery, right, in_play)
    assert got is not None
    assert (got.is_first_right, got.average_precision, got.chance_first) == (False, 0.5, 1 / 3)
    assert rank(np.zeros(1, np.float32), gallery, right, np.array([True, False, True, False])) is None
    assert rank(np.zeros(1, np.float32), gallery, ~right & right, in_play) is None


def test_equal_features_are_no_luck_for_the_attacker():
    got = rank(np.zeros(2, np.float32), np.zeros((4, 2), np.float32), np.arange(4) == 0, np.ones(4, bool))
    assert got is not None
    assert not got.is_first_right


# Known answers


def test_the_original_itself_is_found_again_and_a_copy_is_no_better(street):
    original, copy = scores(street), scores(street, lambda i: street.frame(i).copy())
    assert original["colours.rank1"].value > 0.95
    assert original["colours.map"].value > 0.9
    assert original["colours.track_rank1"].value == 1.0
    assert {key: one.value for key, one in copy.items()} == {key: one.value for key, one in original.items()}
    assert original["colours.rank1"].chance == pytest.approx(1 / 15, abs=0.02)
    assert original["colours.rank1"].trials >= 8 * 16


@pytest.mark.parametrize("result", ["noise", "double"])
def test_noise_and_strangers_are_at_chance(street, result):
    got = scores(street, getattr(street, result))
    for key in ("colours.rank1", "colours.map"):
        assert got[key].value < got[key].chance + 0.2, key
        low, high = got[key].interval
        assert low <= got[key].value <= high


def test_swapped_identities_lead_to_the_wrong_person(street):
    got = scores(street, lambda i: street.frame(i, look=101))
    assert got["colours.rank1"].value < 0.02
    assert got["colours.track_rank1"].value == 0.0


def test_a_frame_is_never_compared_with_itself(street):
    """Each person changes everything half-way: nothing is left to find, though every frame has its exact copy."""

    def changing(index: int) -> np.ndarray:
        return street.frame(index, look=100 if index < FRAMES // 2 else 300)

    measure = ReIdentification([ColourHistograms()])
    work = measure.start(street.clip())
    for index in range(FRAMES):
        picture = changing(index)
        work.see(FramePair(index=index, original_rgb=picture, result_rgb=picture))
    assert table(measure, work.finish())["colours.rank1"].value < 0.3


# People


def test_entrances_of_one_person_are_looked_for_in_one_another(street):
    ids = {track.track_id: 10 * track.track_id for track in street.bundle.tracks}
    known = KnownPeople(person_of={10 * n: "AB" if n <= 2 else str(n) for n in range(1, 9)})
    clip = replace(street.clip(), truth=truth_of(street, ids))
    who = identities(clip, known)
    assert who[1].person == who[2].person == "street:AB"
    assert (who[1].entrance, who[2].entrance, who[3].person) == ("street:10", "street:20", "street:3")
    measure = ReIdentification([ColourHistograms()], known={"street": known})
    work = measure.start(clip)
    for pair in street.pairs():
        work.see(pair)
    got = table(measure, work.finish())
    # Tracks 1 and 2 look nothing alike, so that person is not found, in 2 of 14 sightings.
    assert got["colours.track_rank1"].value == pytest.approx(12 / 14)


def test_tracks_that_follow_nobody_or_several_are_left_out(street):
    truth = truth_of(street, {track.track_id: track.track_id for track in street.bundle.tracks})
    boxes = {
        frame: tuple(replace(box, person_id=50 + frame) if box.person_id == 2 else box for box in row if box.person_id != 1)
        for frame, row in truth.boxes.items()
    }  # fmt: skip
    who = identities(replace(street.clip(), truth=GroundTruth(boxes=boxes)))
    assert sorted(who) == [3, 4, 5, 6, 7, 8]


def test_other_clothes_are_not_applicable_unless_somebody_says_so(street):
    plain = scores(street)
    assert plain["colours.clothes_rank1"].value is None
    assert "not applicable" in plain["colours.clothes_rank1"].note
    known = KnownPeople(
        person_of={n: "AB" if n <= 2 else str(n) for n in range(1, 9)},
        outfit_of={n: f"outfit {n}" for n in range(1, 9)},
    )
    changed = scores(street, known={"street": known})
    assert changed["colours.clothes_rank1"].value == 0.0
    assert changed["colours.clothes_rank1"].trials > 20
    assert changed["colours.clothes_rank1"].chance > 0.05


def test_the_list_of_people_is_read_strictly(tmp_path):
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"groups": {"A": [1, 19], "B": [2]}, "outfits": {"1": "red"}}))
    assert read_people(path) == KnownPeople(person_of={1: "A", 19: "A", 2: "B"}, outfit_of={1: "red"})
    for bad in ('{"groups": {"A": [1], "B": [1]}}', '{"groups": [1]}', "{", '{"A": [1]}'):
        path.write_text(bad)
        with pytest.raises(InputError, match="list of people"):
            read_people(path)


# The attacker who learns


def test_a_method_that_is_a_fixed_recipe_is_learnt():
    """The result only turns colours round: histograms find nobody, who was shown examples finds people."""
    walkers = [Walker(left=10 + 60 * (n % 5), top=8 + 72 * (n // 5), step=1) for n in range(20)]
    street = Street(walkers, 24, width=400, height=300)

    def recipe(index: int) -> np.ndarray:
        return street.changed(index, lambda crop: 255 - crop)

    measure = ReIdentification([ColourHistograms()], trainable=[TrainedAttacker(steps=40)])
    got = table(measure, run(measure, street, recipe))
    noise = table(measure, run(measure, street, street.noise))
    assert got["colours.rank1"].value < 0.3
    assert got["trained.rank1"].value > 0.6
    assert noise["trained.rank1"].value < noise["trained.rank1"].chance + 0.2
    assert got["trained.rank1"].chance == pytest.approx(1 / 19, abs=0.03)


def test_the_trained_attacker_starts_from_what_others_see_and_is_reproducible(street):
    measure = ReIdentification([], trainable=[TrainedAttacker([ColourHistograms()], steps=8)])
    first, second = (table(measure, run(measure, street)) for _ in range(2))
    assert first == second
    assert first["trained.rank1"].value > 0.9


def test_too_few_people_to_learn_from(street):
    few = Street(street.walkers[:3], FRAMES, width=WIDTH, height=HEIGHT)
    got = scores(few, trainable=[TrainedAttacker(steps=2)])
    assert got["trained.rank1"].value is None
    assert "learn" in got["trained.rank1"].note
    assert got["colours.rank1"].value > 0.9
    crops = np.zeros((2, 128, 64, 3), np.uint8)
    lesson = Lesson(original=crops, result=crops, people=np.array([0, 0]), sightings=np.array([0, 1]))
    with pytest.raises(ValueError, match="1 people"):
        TrainedAttacker(steps=1).fit(lesson, 0)


# Odd inputs


@pytest.mark.parametrize(
    "walkers", [[], [Walker()], [Walker(last=0), Walker(left=90, last=0)], [Walker(height=10), Walker(left=500)]]
)
def test_nothing_to_find(walkers):
    measure = ReIdentification([ColourHistograms()], trainable=[TrainedAttacker(steps=2)])
    got = table(measure, run(measure, Street(walkers, 12)))
    assert {figure.value for figure in got.values()} == {None}
    assert all(figure.note for figure in got.values())


def test_no_tally_gives_no_values():
    measure = ReIdentification([ColourHistograms()])
    assert {figure.value for figure in measure.figures(Tally(measure=measure.name))} == {None}


def test_tallies_add_up_in_any_order(street):
    measure = ReIdentification([ColourHistograms()])
    parts = [run(measure, street, name="a"), run(measure, street, street.double, name="b")]
    one, other = (table(measure, sum(order[1:], order[0]))["colours.rank1"] for order in (parts, parts[::-1]))
    assert one == other
    alone = [table(measure, part)["colours.rank1"].value for part in parts]
    assert one.value == pytest.approx(sum(alone) / 2)


def test_cases_name_who_is_found_where(street):
    tally = run(ReIdentification([ColourHistograms()]), street)
    assert {case.track_id for case in tally.cases} == set(range(1, 9))
    assert all(0 <= case.frame_index < FRAMES and "colour histograms" in case.what for case in tally.cases)


# Crops


def test_memory_is_bounded_by_tracks(street):
    keeper = CropKeeper(street.bundle.tracks, WIDTH, HEIGHT, most_of_track=4, most_of_clip=24)
    for pair in street.pairs():
        keeper.see(pair)
    crops = keeper.pairs()
    assert np.bincount(crops.track_ids).tolist() == [0] + [3] * 8
    assert crops.original.shape == (24, 128, 64, 3)
    assert crops.frame_indices[:3].tolist() == [0, 20, 39]


def test_crops_show_the_box(street):
    track = street.bundle.tracks[0]
    crop = cut_crop(street.frame(0), track.boxes_xyxy_px[0])
    box = street.frame(0)[10 : 10 + PERSON_H, 10:34]
    assert np.abs(crop.mean(axis=(0, 1)) - box.mean(axis=(0, 1))).max() < 6
    assert cut_crop(street.frame(0), np.array([-500.0, -500.0, -400.0, -300.0])).shape == (128, 64, 3)
    large = np.random.default_rng(0).integers(0, 256, (900, 500, 3)).astype(np.uint8)
    assert cut_crop(large, np.array([0.0, 0.0, 500.0, 900.0])).std() < 30  # averaged, not picked


def test_steps_that_show_nobody_are_not_used():
    bundle = Street([Walker(left=-20, step=2)], 30).bundle
    track = replace(bundle.tracks[0], visible_fraction=np.where(np.arange(30) < 20, 1.0, 0.2).astype(np.float32))
    steps = usable_steps(track, 200, 120)
    assert steps.min() >= 8  # left of that more than a fifth lies beyond the border
    assert steps.max() == 19
    assert usable_steps(track, 1, 1).size == 0


def test_spread():
    assert spread(0, 5).tolist() == []
    assert spread(3, 5).tolist() == [0, 1, 2]
    assert spread(100, 3).tolist() == [0, 50, 99]


# The given network


def test_weights_that_are_absent_are_named(tmp_path):
    with pytest.raises(MissingWeights, match="re-identification"):
        RetailNetwork(tmp_path / "no.onnx")


def test_each_crop_is_looked_at_once():
    class Counting(ColourHistograms):
        calls = 0

        def embed(self, crops: np.ndarray) -> np.ndarray:
            Counting.calls += len(crops)
            return super().embed(crops)

    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 64, 3)).astype(np.uint8)
    attacker = RememberingAttacker(Counting())
    first, again = attacker.embed(crops), attacker.embed(crops[::-1])
    np.testing.assert_array_equal(first, again[::-1])
    np.testing.assert_array_equal(first, ColourHistograms().embed(crops))
    assert Counting.calls == 3
    assert (attacker.name, attacker.embed(crops[:0]).shape[0]) == ("colours", 0)


@pytest.mark.real_data
def test_the_given_network_reads_crops(real_data_dir, street):
    attacker = RetailNetwork(real_data_dir / "models" / "person-reidentification-retail-0248.onnx", threads=1)
    crops = np.stack([cut_crop(street.frame(0), track.boxes_xyxy_px[0]) for track in street.bundle.tracks[:2]])
    features = attacker.embed(crops)
    assert features.shape == (2, 256)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1.0, rtol=1e-5)
    assert features[0] @ features[1] < 0.99
    assert attacker.embed(crops[:0]).shape == (0, 256)


def test_a_clip_without_frames_seen(street):
    measure = ReIdentification([ColourHistograms()])
    tally = measure.start(PairedClip(name="x", bundle=street.bundle)).finish()
    assert table(measure, tally)["colours.rank1"].value is None
