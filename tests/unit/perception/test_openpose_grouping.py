"""Peaks, line integrals and assembly on maps and fields with known answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.perception.pose.openpose.grouping import Body, GroupingSettings, assemble, connect, group, limb_scores
from bodydouble.perception.pose.openpose.layout import FIELD_LIMBS, FIELD_X_CHANNELS, NUM_FIELD_CHANNELS
from bodydouble.perception.pose.openpose.peaks import MOST_PEAKS, Peaks, find_peaks
from bodydouble.scene import JOINT_INDEX, LIMBS, NUM_JOINTS
from tests.unit.perception.openpose_fields import Points, only, render, standing, without

ROWS, COLUMNS = 184, 150
PLAIN = GroupingSettings()


def assert_is(body: Body, person: Points, *, tolerance: float = 0.25) -> None:
    """The body has exactly the joints of the person, at their places."""
    seen = np.isfinite(person[:, 0])
    np.testing.assert_array_equal(body.joints[:, 2] > 0, seen)
    np.testing.assert_allclose(body.joints[seen, :2], person[seen], atol=tolerance)
    assert not body.joints[~seen].any()
    assert body.num_parts == seen.sum()


def assert_are(bodies: list[Body], people: list[Points], *, tolerance: float = 0.25) -> None:
    """The bodies are the people, in whatever order."""
    assert len(bodies) == len(people)
    for person in people:
        gaps = [
            np.nanmean(np.abs(np.where(body.joints[:, 2:] > 0, body.joints[:, :2], 1e6) - person)) for body in bodies
        ]
        assert_is(bodies[int(np.argmin(gaps))], person, tolerance=tolerance)


class TestLayout:
    def test_every_channel_of_the_fields_is_used_once(self) -> None:
        used = [channel + axis for channel in FIELD_X_CHANNELS for axis in (0, 1)]
        assert sorted(used) == list(range(NUM_FIELD_CHANNELS))
        assert NUM_FIELD_CHANNELS == 38

    def test_limbs_are_a_tree_over_all_joints_plus_two(self) -> None:
        assert FIELD_LIMBS[:17] == LIMBS
        assert {joint for limb in LIMBS for joint in limb} == set(range(NUM_JOINTS))
        assert len(LIMBS) == NUM_JOINTS - 1


class TestPeaks:
    @settings(deadline=None, max_examples=40)
    @given(x=st.floats(0.6, 28.4), y=st.floats(0.6, 18.4), height=st.floats(0.2, 1.0))
    def test_a_gaussian_is_found_between_cells(self, x: float, y: float, height: float) -> None:
        rows, columns = np.mgrid[:20, :30]
        bump = height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
        (found,) = find_peaks(bump[None].astype(np.float32), threshold=0.1, smoothing_cells=0.0)
        np.testing.assert_allclose(found.xy, [[x, y]], atol=0.01)
        assert height * 0.93 < found.scores[0] <= height + 1e-6

    def test_smoothing_does_not_move_it_and_removes_ripples(self) -> None:
        rows, columns = np.mgrid[:41, :37]
        bump = np.exp(-((columns - 17.3) ** 2 + (rows - 22.6) ** 2) / (2 * 3.0**2))
        ripples = 0.03 * np.random.default_rng(5).standard_normal(bump.shape)
        maps = (bump + ripples)[None].astype(np.float32)
        assert len(find_peaks(maps, threshold=0.1, smoothing_cells=0.0)[0].scores) > 1
        (found,) = find_peaks(maps, threshold=0.1, smoothing_cells=2.0)
        np.testing.assert_allclose(found.xy, [[17.3, 22.6]], atol=0.2)

    @pytest.mark.parametrize("place", [(0, 0), (0, 9), (12, 0), (12, 9), (5, 0), (0, 4), (12, 4), (5, 9)])
    def test_peaks_at_the_border_count(self, place: tuple[int, int]) -> None:
        rows, columns = np.mgrid[:13, :10]
        bump = np.exp(-((columns - place[1]) ** 2 + (rows - place[0]) ** 2) / (2 * 1.5**2))
        (found,) = find_peaks(bump[None].astype(np.float32), threshold=0.1, smoothing_cells=1.0)
        np.testing.assert_allclose(found.xy, [[place[1], place[0]]], atol=1e-4)
        assert found.scores[0] == pytest.approx(1.0)

    def test_a_plateau_is_one_peak_at_its_middle(self) -> None:
        maps = np.zeros((1, 11, 12), np.float32)
        maps[0, 3:6, 4:8] = 0.7
        (found,) = find_peaks(maps, threshold=0.1, smoothing_cells=0.0)
        np.testing.assert_allclose(found.xy, [[5.5, 4.0]])

    def test_same_place_in_two_maps_are_two_peaks(self) -> None:
        maps = np.zeros((3, 5, 5), np.float32)
        maps[0, 2, 2], maps[1, 2, 2] = 0.9, 0.8
        found = find_peaks(maps, threshold=0.1, smoothing_cells=0.0)
        assert [peaks.scores.round(3).tolist() for peaks in found] == [[0.9], [0.8], []]

    def test_threshold_is_not_enough(self) -> None:
        maps = np.full((1, 5, 5), 0.0, np.float32)
        maps[0, 2, 2] = 0.5
        assert len(find_peaks(maps, threshold=0.5, smoothing_cells=0.0)[0].scores) == 0
        assert len(find_peaks(maps, threshold=0.49, smoothing_cells=0.0)[0].scores) == 1

    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2)])
    def test_tiny_maps(self, shape: tuple[int, int]) -> None:
        maps = np.zeros((1, *shape), np.float32)
        maps[0, 0, 0] = 1.0
        (found,) = find_peaks(maps, threshold=0.1, smoothing_cells=0.0)
        assert found.xy.tolist() == [[0, 0]]

    def test_scores_stay_within_one(self) -> None:
        maps = np.zeros((1, 5, 5), np.float32)
        maps[0, 2, 2] = 1.3
        assert find_peaks(maps, threshold=0.1, smoothing_cells=0.0)[0].scores.tolist() == [1.0]

    def test_only_the_strongest_are_kept(self) -> None:
        maps = np.zeros((1, 41, 41), np.float32)
        maps[0, ::2, ::2] = np.linspace(0.2, 0.9, 21 * 21).reshape(21, 21)
        (found,) = find_peaks(maps, threshold=0.1, smoothing_cells=0.0)
        assert len(found.scores) == MOST_PEAKS
        assert found.scores[0] == pytest.approx(0.9)
        assert np.all(np.diff(found.scores) <= 0)

    def test_scores_and_places_must_agree(self) -> None:
        with pytest.raises(ValueError, match="3 scores"):
            Peaks(xy=np.zeros((2, 2)), scores=np.zeros(3))


class TestLimbScores:
    START, END = np.array([[5.0, 10.0]]), np.array([[25.0, 10.0]])

    def field(self, x: float, y: float) -> npt.NDArray[np.float32]:
        values = np.zeros((2, 60, 30), np.float32)
        values[0], values[1] = x, y
        return values

    @pytest.mark.parametrize(
        ("x", "y", "expected"), [(1, 0, 1.0), (0.5, 0.8, 0.5), (0, 1, 0), (-1, 0, 0), (0.04, 0, 0)]
    )
    def test_is_the_part_of_the_field_along_the_limb(self, x: float, y: float, expected: float) -> None:
        score = limb_scores(self.START, self.END, self.field(x, y), PLAIN)
        np.testing.assert_allclose(score, [[expected]], atol=1e-6)

    @pytest.mark.parametrize(("covered", "connected"), [(10, True), (9, True), (8, False), (5, False)])
    def test_more_than_eight_of_ten_samples_must_count(self, covered: int, connected: bool) -> None:
        # Samples lie at 5, 5 + 20/9, ..., 25; the field ends halfway between two of them.
        field = self.field(1, 0)
        field[:, :, int(5 + 20 / 9 * (covered - 0.5)) + 1 :] = 0
        score = limb_scores(self.START, self.END, field, PLAIN)[0, 0]
        assert bool(score > 0) is connected
        if connected:
            assert score == pytest.approx(covered / 10, abs=0.06)

    def test_limbs_longer_than_half_the_picture_are_marked_down(self) -> None:
        field = np.zeros((2, 30, 30), np.float32)
        field[0] = 1
        # Length 20 in a picture 30 high: 0.5 * 30 / 20 - 1 = -0.25.
        np.testing.assert_allclose(limb_scores(self.START, self.END, field, PLAIN), [[0.75]], atol=1e-6)
        np.testing.assert_allclose(limb_scores(self.START, self.END, 0.2 * field, PLAIN), [[0]])

    def test_both_ends_in_one_place_is_no_limb(self) -> None:
        assert limb_scores(self.START, self.START, self.field(1, 1), PLAIN) == 0

    def test_all_pairs_at_once(self) -> None:
        starts = np.array([[5.0, 10.0], [5.0, 20.0], [5.0, 29.0]])
        ends = np.array([[25.0, 10.0], [25.0, 20.0]])
        field = self.field(0, 0)
        field[0, 8:13] = 1
        score = limb_scores(starts, ends, field, PLAIN)
        assert score.shape == (3, 2)
        np.testing.assert_array_equal(score > 0, [[True, False], [False, False], [False, False]])


class TestGroup:
    def test_nobody(self) -> None:
        assert group(*render([], ROWS, COLUMNS)) == []

    def test_one_person(self) -> None:
        person = standing(70.3, 8.4, 160)
        (body,) = group(*render([person], ROWS, COLUMNS))
        assert_is(body, person)
        assert body.joints.dtype == np.float32
        # 18 joints and the 17 connections that hold them, each near 1.
        assert 30 < body.score <= 35

    @pytest.mark.parametrize("size", [(183, 151), (181, 93), (187, 77)])
    def test_odd_sizes(self, size: tuple[int, int]) -> None:
        person = standing(size[1] / 2, 9, 160)
        (body,) = group(*render([person], *size))
        assert_is(body, person)

    def test_two_people_side_by_side(self) -> None:
        people = [standing(40, 10, 150), standing(108, 20, 155)]
        assert_are(group(*render(people, ROWS, COLUMNS)), people)

    def test_arms_that_cross(self) -> None:
        one, other = standing(45, 12, 150), standing(95, 12, 150)
        # The left arm of the one reaches over the right arm of the other, and back.
        one[JOINT_INDEX["left_elbow"]], one[JOINT_INDEX["left_wrist"]] = (75, 52), (98, 84)
        other[JOINT_INDEX["right_elbow"]], other[JOINT_INDEX["right_wrist"]] = (66, 50), (42, 84)
        assert_are(group(*render([one, other], ROWS, COLUMNS)), [one, other])

    def test_legs_of_two_that_cross(self) -> None:
        one, other = standing(50, 12, 150), standing(92, 12, 150)
        # Same limb in both, so both write to the same field, with the mean where they meet.
        one[JOINT_INDEX["right_knee"]], one[JOINT_INDEX["right_ankle"]] = (52, 118), (92, 158)
        other[JOINT_INDEX["right_knee"]], other[JOINT_INDEX["right_ankle"]] = (92, 118), (52, 158)
        assert_are(group(*render([one, other], ROWS, COLUMNS)), [one, other])

    def test_missing_limbs(self) -> None:
        person = without(standing(70, 8, 160), "right_wrist", "left_knee", "left_ankle", "left_ear")
        (body,) = group(*render([person], ROWS, COLUMNS))
        assert_is(body, person)

    def test_joints_outside_the_picture(self) -> None:
        person = standing(70, 20, 190)
        outside = person[:, 1] > ROWS
        assert outside.sum() == 2
        heatmaps, fields = render([person], ROWS, COLUMNS)
        (body,) = group(heatmaps, fields)
        person[outside] = np.nan
        assert_is(body, person)

    def test_a_face_turned_away_hangs_on_by_the_ear(self) -> None:
        person = without(standing(70, 8, 160), "nose", "right_eye", "left_eye", "left_ear")
        (body,) = group(*render([person], ROWS, COLUMNS))
        assert_is(body, person)

    def test_shoulders_and_ears_alone_start_nobody(self) -> None:
        person = only(standing(70, 8, 160), "right_shoulder", "left_shoulder", "right_ear", "left_ear")
        loose = GroupingSettings(min_parts=2)
        heatmaps, fields = render([person], ROWS, COLUMNS)
        assert len(connect(find_peaks(heatmaps[:18], threshold=0.1, smoothing_cells=1.0), fields, loose)) == 2
        assert group(heatmaps, fields, loose) == []

    def test_fewer_than_four_parts_are_nobody(self) -> None:
        whole = standing(70, 8, 160)
        arm = only(whole, "right_shoulder", "right_elbow", "right_wrist")
        assert group(*render([arm], ROWS, COLUMNS)) == []
        longer = only(whole, "neck", "right_shoulder", "right_elbow", "right_wrist")
        (body,) = group(*render([longer], ROWS, COLUMNS))
        assert_is(body, longer)

    def test_a_tiny_score_is_nobody(self) -> None:
        heatmaps, fields = render([standing(70, 8, 160)], ROWS, COLUMNS)
        assert group(heatmaps * 0.09, fields) == []
        # Peaks of 0.15 pass; with fields of a tenth the mean over parts is about 0.25 and does not.
        assert group(heatmaps * 0.15, fields * 0.1) == []
        assert len(group(heatmaps * 0.15, fields)) == 1

    def test_best_of_many_comes_first(self) -> None:
        clear, faint = standing(40, 10, 150), standing(108, 20, 155)
        half = only(standing(108, 20, 155), "neck", "right_shoulder", "right_elbow", "right_wrist", "nose")
        first, second = group(*render([faint, clear], ROWS, COLUMNS, heights=[0.5, 0.9]))
        assert_is(first, clear)
        assert_is(second, faint)
        # A whole body is worth more than a fragment with clearer joints.
        first, second = group(*render([half, clear], ROWS, COLUMNS, heights=[1.0, 0.6]))
        assert_is(first, clear)
        assert_is(second, half)

    def test_of_two_peaks_for_a_joint_the_field_decides_not_the_height(self) -> None:
        person = standing(70, 8, 160)
        heatmaps, fields = render([person], ROWS, COLUMNS, heights=[0.7])
        stray, _ = render([only(standing(110, 8, 160), "right_wrist")], ROWS, COLUMNS)
        (body,) = group(np.maximum(heatmaps, stray), fields)
        assert_is(body, person)

    def test_a_lone_second_peak_on_the_limb_does_not_double_the_person(self) -> None:
        person = standing(70, 8, 160)
        heatmaps, fields = render([person], ROWS, COLUMNS)
        # A ghost of the wrist halfway down the forearm is supported by the field as well, though by fewer samples.
        elbow, wrist = person[JOINT_INDEX["right_elbow"]], person[JOINT_INDEX["right_wrist"]]
        ghost = without(person, *JOINT_INDEX)
        ghost[JOINT_INDEX["right_wrist"]] = elbow + 0.6 * (wrist - elbow)
        extra, _ = render([ghost], ROWS, COLUMNS, heights=[0.4])
        bodies = group(np.maximum(heatmaps, extra), fields)
        assert len(bodies) == 1
        assert bodies[0].num_parts == NUM_JOINTS

    def test_fields_that_point_the_wrong_way_connect_nothing(self) -> None:
        heatmaps, fields = render([standing(70, 8, 160)], ROWS, COLUMNS)
        assert group(heatmaps, -fields) == []
        peaks = find_peaks(heatmaps[:18], threshold=0.1, smoothing_cells=1.0)
        assert connect(peaks, -fields, PLAIN) == []
        assert len(connect(peaks, fields, PLAIN)) == len(FIELD_LIMBS)

    def test_no_fields_connect_nothing(self) -> None:
        heatmaps, fields = render([standing(70, 8, 160)], ROWS, COLUMNS)
        assert group(heatmaps, np.zeros_like(fields)) == []

    def test_a_candidate_serves_one_body_only(self) -> None:
        people = [standing(60, 10, 150), standing(84, 10, 150)]
        bodies = group(*render(people, ROWS, COLUMNS))
        for joint in range(NUM_JOINTS):
            places = [tuple(body.joints[joint, :2]) for body in bodies if body.joints[joint, 2] > 0]
            assert len(places) == len(set(places))

    @pytest.mark.parametrize(
        ("heatmaps", "fields"),
        [((18, 8, 8), (38, 8, 8)), ((19, 8, 8), (36, 8, 8)), ((19, 8, 8), (38, 8, 9)), ((19, 8), (38, 8))],
    )
    def test_other_shapes_are_refused(self, heatmaps: tuple[int, ...], fields: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="expected heat maps"):
            group(np.zeros(heatmaps, np.float32), np.zeros(fields, np.float32))


def shuffled(peaks: list[Peaks], random: np.random.Generator) -> list[Peaks]:
    orders = [random.permutation(len(each.scores)) for each in peaks]
    return [Peaks(xy=each.xy[order], scores=each.scores[order]) for each, order in zip(peaks, orders, strict=True)]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    people=st.lists(st.tuples(st.floats(10, 65), st.floats(-10, 30), st.floats(40, 90)), min_size=1, max_size=3),
    dropout=st.floats(0, 0.4),
)
def test_the_order_of_candidates_and_connections_never_matters(
    seed: int, people: list[tuple[float, float, float]], dropout: float
) -> None:
    random = np.random.default_rng(seed)
    figures = [standing(*each) for each in people]
    for figure in figures:
        figure += random.normal(0, 1, figure.shape)
        figure[random.random(NUM_JOINTS) < dropout] = np.nan
    heatmaps, fields = render(figures, 70, 76, sigma=2.0)
    fields += random.normal(0, 0.1, fields.shape).astype(np.float32)
    loose = GroupingSettings(min_parts=2, min_mean_score=0.1)
    peaks = find_peaks(heatmaps[:NUM_JOINTS], threshold=0.1, smoothing_cells=1.0)
    plain = assemble(peaks, connect(peaks, fields, loose), loose)
    other = shuffled(peaks, random)
    connections = connect(other, fields, loose)
    again = assemble(other, [connections[i] for i in random.permutation(len(connections))], loose)
    assert len(again) == len(plain)
    for one, same in zip(plain, again, strict=True):
        np.testing.assert_array_equal(one.joints, same.joints)
        assert one.score == pytest.approx(same.score)
    for body in plain:
        assert body.num_parts >= 2


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(3)))
def test_people_apart_are_all_found_whatever_the_order(seed: int, order: list[int]) -> None:
    random = np.random.default_rng(seed)
    people = [standing(30 + 60 * i, 8 + random.uniform(0, 8), random.uniform(120, 160)) for i in range(3)]
    bodies = group(*render([people[i] for i in order], ROWS, 190))
    # Small people's eyes and ears run into each other; what is found must be where it is.
    assert_are(bodies, people, tolerance=1.0)
