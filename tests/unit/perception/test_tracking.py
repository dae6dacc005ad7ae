"""Identities over a whole clip: crossings, occlusions, borders, and inputs that hurt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.config import PerceptionConfig, VerdictConfig
from bodydouble.perception.evidence import judge
from bodydouble.perception.following import make_tracks
from bodydouble.perception.motion import Foreground
from bodydouble.perception.people.base import Detections
from bodydouble.perception.tracking.association import Border, associate
from bodydouble.perception.tracking.base import Fragment, join
from bodydouble.perception.tracking.likeness import look_middle
from bodydouble.perception.tracking.linking import drop_composites, fill, without_invisible_ends
from bodydouble.perception.tracking.looks import NUM_LOOKS, looks_of
from bodydouble.perception.tracking.meetings import Piece, cut_at_meetings, without_parts
from bodydouble.perception.tracking.uncross import uncross
from bodydouble.perception.tracking.verdict import TrackEvidence, doubt_about

SIZE = (640, 480)
BORDER = Border(to_reference=np.repeat(np.eye(3)[None], 700, axis=0), width_px=640, height_px=480)


def look(seed: int) -> npt.NDArray[np.float32]:
    shares = np.sqrt(np.random.default_rng(seed).random(NUM_LOOKS) ** 6)
    return (shares / np.linalg.norm(shares)).astype(np.float32)


def fragment(
    start: int,
    stop: int,
    left: float,
    step: float,
    *,
    height: float = 80.0,
    score: float = 0.8,
    seed: int | None = None,
) -> Fragment:
    frames = np.arange(start, stop)
    x = left + step * (frames - start)
    boxes = np.stack([x, np.full(len(x), 100.0), x + 30, np.full(len(x), 100.0 + height)], axis=1)
    looks = None if seed is None else np.repeat(look(seed)[None], len(x), axis=0)
    return Fragment(frames=frames, boxes=boxes, scores=np.full(len(frames), score, np.float32), looks=looks)


def settle(fragments: list[Fragment], *, pauses: tuple[int, ...] = (5, 15, 40)) -> list[Fragment]:
    pieces = cut_at_meetings(fragments, 10.0)
    middle = look_middle(pieces)
    joined = associate(pieces, pauses_frames=list(pauses), frames_per_second=10.0, middle=middle, border=BORDER)
    return [piece.fragment for piece in uncross(joined, frames_per_second=10.0, middle=middle)]


def test_a_walk_goes_on_but_not_as_somebody_else() -> None:
    first, second = fragment(0, 20, 10, 3), fragment(26, 40, 88, 3)
    joined = settle([second, fragment(22, 40, 300, -3), first])
    assert [len(part) for part in joined] == [34, 18]
    whole = fill(joined[0])
    assert whole.frames.tolist() == list(range(40))
    np.testing.assert_allclose(np.diff(whole.boxes[:, 0]), 3, atol=0.2)
    assert (whole.scores[20:26] == 0).all()


def test_child_and_adult_stay_apart() -> None:
    assert len(settle([fragment(0, 20, 10, 3), fragment(23, 40, 79, 3, height=35)])) == 2


def test_tracker_that_switched_at_a_crossing_is_put_right() -> None:
    """Two meet and turn back, the case in which motion alone is wrong; the tracker let them pass through each other."""
    to_meeting, from_meeting = np.arange(0, 30), np.arange(30, 60)
    left_x = np.r_[100 + 4.0 * to_meeting, 220 - 4.0 * (from_meeting - 30)]
    right_x = np.r_[350 - 4.0 * to_meeting, 230 + 4.0 * (from_meeting - 30)]
    frames = np.arange(60)

    def walker(x: npt.NDArray[np.float64], looks: npt.NDArray[np.float32]) -> Fragment:
        boxes = np.stack([x, np.full(60, 100.0), x + 30, np.full(60, 180.0)], axis=1)
        return Fragment(frames=frames, boxes=boxes, scores=np.full(60, 0.8, np.float32), looks=looks)

    one, two = np.repeat(look(1)[None], 30, axis=0), np.repeat(look(2)[None], 30, axis=0)
    switched = [
        walker(np.r_[left_x[:30], right_x[30:]], np.concatenate([one, two])),
        walker(np.r_[right_x[:30], left_x[30:]], np.concatenate([two, one])),
    ]
    settled = settle(switched)
    assert len(settled) == 2
    ends = sorted((float(part.boxes[0, 0]), float(part.boxes[-1, 0])) for part in settled)
    assert ends == [(100.0, 104.0), (234.0, 346.0)] or ends == [(100.0, 104.0), (350.0, 346.0)]


def test_crossing_without_looks_keeps_the_tracker_s_opinion() -> None:
    settled = settle([fragment(0, 60, 100, 4), fragment(0, 60, 340, -4)])
    assert sorted(round(float(part.boxes[-1, 0] - part.boxes[0, 0])) for part in settled) == [-236, 236]


def test_long_pause_behind_something_but_not_across_the_border() -> None:
    hidden = [fragment(0, 30, 100, 3, seed=1), fragment(60, 90, 280, 3, seed=1)]
    assert len(settle(hidden)) == 1
    # Leaves on the left; half a minute later somebody in the same clothes comes in.
    gone = [fragment(0, 30, 87, -3, seed=1), fragment(55, 90, 0, 3, seed=1)]
    assert len(settle(gone)) == 2


@pytest.mark.parametrize("pause", [3, 4])
def test_who_is_there_in_the_next_frame_outweighs_what_the_tracker_picked_up_later(pause: int) -> None:
    """A tracker that lost somebody in a crowd took up a stray box beside them; another track found them at once."""
    stands, goes_on = fragment(0, 30, 100, 0, height=170), fragment(30, 60, 104, 0, height=165)
    stray = fragment(30 + pause, 36 + pause, 62, -2, height=160)
    pieces = [
        Piece(fragment=part, clear=np.zeros(len(part), bool), first_origin=origin, last_origin=origin)
        for part, origin in ((stands, 0), (goes_on, 1), (stray, 0))
    ]
    joined = associate(pieces, pauses_frames=[12, 38], frames_per_second=25.0, middle=0.05, border=BORDER)
    assert max(len(piece.fragment) for piece in joined) == 60


def test_a_stray_detection_does_not_take_somebody_s_track_away() -> None:
    """A boy passes somebody; one weak box over both is put into his track, and his goes on as the other's."""
    rate = 25.0
    before, after = fragment(0, 17, 100, -2, height=170, score=0.95), fragment(17, 31, 66, -2, height=170, score=0.95)
    stray = fragment(17, 18, 66, 0, height=180, score=0.42)
    neighbour, beside = fragment(2, 16, 96, 0, height=165), fragment(16, 17, 96, 0, height=165)
    pieces = [
        Piece(fragment=part, clear=np.zeros(len(part), bool), first_origin=origin, last_origin=origin)
        for part, origin in ((before, 0), (stray, 0), (neighbour, 1), (beside, 1), (after, 2))
    ]
    joined = associate(pieces, pauses_frames=[12, 38], frames_per_second=rate, middle=0.05, border=BORDER)
    assert max(len(piece.fragment) for piece in joined) == 31


def test_a_short_stray_on_somebody_s_legs_is_nobody() -> None:
    whole = fragment(0, 40, 100, 2, height=170)
    legs = fragment(31, 33, 165, 2, height=70)
    legs = replace(legs, boxes=legs.boxes + np.array([0, 95, -4, 95]))
    child = fragment(0, 40, 104, 2, height=90)
    child = replace(child, boxes=child.boxes + np.array([0, 75, -8, 75]))
    pieces = [
        Piece(fragment=part, clear=np.zeros(len(part), bool), first_origin=k, last_origin=k)
        for k, part in enumerate((whole, legs, child))
    ]
    # A child in front of somebody lasts, and a face in the crowd is within nobody's box.
    assert [piece.first_origin for piece in without_parts(pieces, 25.0)] == [0, 2]
    assert [piece.first_origin for piece in without_parts(pieces[1:2], 25.0)] == [1]
    assert without_parts([], 25.0) == []


def test_nobody_runs_as_far_as_the_pause_is_long() -> None:
    assert len(settle([fragment(0, 30, 10, 0, seed=1), fragment(60, 90, 500, 0, seed=1)])) == 2


def test_where_two_have_a_frame_in_common_the_better_detection_stays() -> None:
    whole = join([fragment(0, 10, 0, 1, score=0.4), fragment(8, 20, 8, 1, score=0.9)])
    assert whole.frames.tolist() == list(range(20))
    assert whole.scores[8] == pytest.approx(0.9)


@pytest.mark.parametrize("count", [0, 1])
def test_next_to_nothing(count: int) -> None:
    parts = [fragment(3, 4, 50, 0, seed=1)] * count
    assert [len(part) for part in settle(parts)] == [1] * count


def test_order_of_input_does_not_matter() -> None:
    parts = [fragment(0, 20, 10, 3, seed=1), fragment(24, 50, 82, 3, seed=1), fragment(5, 50, 300, -3, seed=2)]
    there, back = settle(parts), settle(parts[::-1])
    key = lambda part: part.boxes[0].tolist()  # noqa: E731
    for one, other in zip(sorted(there, key=key), sorted(back, key=key), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    return Detections(
        boxes_xyxy_px=np.array(boxes, np.float32).reshape(-1, 4), scores=np.full(len(boxes), 0.8, np.float32)
    )


def tracks_of(detections: list[Detections], to_reference: npt.NDArray[np.float64] | None = None) -> list[Fragment]:
    still = np.repeat(np.eye(3)[None], len(detections), axis=0)
    matrices = still if to_reference is None else to_reference
    return make_tracks(detections, matrices, PerceptionConfig(), frames_per_second=10.0, frame_size_px=SIZE)


def test_somebody_who_stands_for_a_minute_is_one_track() -> None:
    standing = [found((200, 100, 240, 200)) for _ in range(600)]
    tracks = tracks_of(standing)
    assert len(tracks) == 1
    assert len(tracks[0]) == 600


def test_empty_clip_and_a_single_frame() -> None:
    assert tracks_of([found() for _ in range(10)]) == []
    assert len(tracks_of([found((200, 100, 240, 200))])) == 1


def test_cut_by_the_border_all_the_time() -> None:
    tracks = tracks_of([found((-20, 100 + i, 20, 200 + i)) for i in range(30)])
    assert len(tracks) == 1
    assert tracks[0].boxes[:, 0].max() < -15


def test_moving_camera_hides_nobody() -> None:
    """The camera pans with the walker, who therefore stays in the middle of the frame, and is hidden for a second."""
    matrices = np.repeat(np.eye(3)[None], 60, axis=0)
    matrices[:, 0, 2] = 6.0 * np.arange(60)
    detections = [found() if 25 <= i < 35 else found((300, 100, 340, 200)) for i in range(60)]
    tracks = tracks_of(detections, matrices)
    assert len(tracks) == 1
    np.testing.assert_allclose(tracks[0].boxes[:, 0], 300, atol=2)


def test_looks_tell_colours_not_brightness() -> None:
    rgb = np.full((200, 300, 3), 110, np.uint8)
    for left, top_colour in ((20, (180, 40, 40)), (120, (40, 60, 170)), (220, (158, 36, 36))):
        rgb[40:100, left : left + 40] = top_colour
        rgb[100:160, left : left + 40] = (60, 60, 70)
    boxes = np.array([[20, 40, 60, 160], [120, 40, 160, 160], [220, 40, 260, 160], [400, 0, 450, 90]], np.float32)
    looks = looks_of(rgb, boxes)
    assert np.isnan(looks[3]).all(), "outside of the frame"
    np.testing.assert_allclose(np.linalg.norm(looks[:3], axis=1), 1, atol=1e-5)
    assert looks[0] @ looks[2] > looks[0] @ looks[1] + 0.05


def test_looks_leave_out_what_does_not_move() -> None:
    person = np.zeros((200, 100), bool)
    person[40:160, 42:58] = True
    one, two = np.full((200, 100, 3), (150, 120, 80), np.uint8), np.full((200, 100, 3), (70, 110, 150), np.uint8)
    one[person] = two[person] = (40, 160, 60)
    box = np.array([[30, 40, 70, 160]], np.float32)
    alike = float(looks_of(one, box, person)[0] @ looks_of(two, box, person)[0])
    assert alike > 0.97
    assert float(looks_of(one, box)[0] @ looks_of(two, box)[0]) < alike - 0.03


def test_grey_empty_and_cut_looks() -> None:
    grey = np.full((60, 60, 3), 90, np.uint8)
    assert looks_of(grey, np.zeros((0, 4), np.float32)).shape == (0, NUM_LOOKS)
    cut = looks_of(grey, np.array([[-30, -50, 10, 60], [50, 30, 90, 200]], np.float32))
    assert np.isfinite(cut).all()


def test_a_piece_that_nobody_crosses_is_not_cut() -> None:
    pieces: list[Piece] = cut_at_meetings([fragment(0, 40, 0, 3), fragment(0, 40, 400, 3)], 10.0)
    assert [len(piece.fragment) for piece in pieces] == [40, 40]


def test_a_track_is_cut_where_nobody_was_seen_for_long_enough_to_be_mistaken() -> None:
    before, after = fragment(0, 10, 0, 3), fragment(17, 30, 51, 3)
    shorter = fragment(15, 30, 45, 3)
    assert [len(piece.fragment) for piece in cut_at_meetings([join([before, after])], 25.0)] == [10, 13]
    assert [len(piece.fragment) for piece in cut_at_meetings([join([before, shorter])], 25.0)] == [25]


def test_a_box_over_two_people_goes_but_never_the_people() -> None:
    model = HeightModel(slope=0.0, offset=80.0, usual=80.0, reliable=True)
    near, far = fragment(0, 40, 100, 0), fragment(0, 40, 118, 0)
    far = replace(far, boxes=far.boxes - [0, 55, 0, 55])
    both = fragment(10, 16, 98, 0, height=80)
    both = replace(both, boxes=np.tile([98.0, 45, 150, 180], (6, 1)))
    assert len(drop_composites([near, far, both], model, 15)) == 2
    # Nobody else is there to answer for the people in the box.
    assert len(drop_composites([both], model, 15)) == 1
    assert len(drop_composites([near, both], model, 15)) == 2
    assert len(drop_composites([near, far, both], HeightModel(slope=0.0, offset=80.0, usual=80.0), 15)) == 3


def test_prolonged_steps_outside_of_the_frame_go() -> None:
    part = fragment(0, 20, 600, 2)
    scores = part.scores.copy()
    scores[12:] = 0
    shorter = without_invisible_ends(replace(part, scores=scores), 640, 480)
    assert shorter.frames[0] == 0
    assert shorter.frames[-1] == 16


FURNITURE = TrackEvidence(mean_score=0.5, joints=0.3, motion_swing=0.05, reach_heights=0.05)


def test_what_may_be_furniture_is_painted_out_and_what_moves_is_played() -> None:
    config = VerdictConfig()
    assert "furniture" in doubt_about(FURNITURE, config)
    assert "furniture" in doubt_about(replace(FURNITURE, motion_swing=None), config)
    assert doubt_about(replace(FURNITURE, motion_swing=0.4), config) == ""
    assert doubt_about(replace(FURNITURE, reach_heights=3.0), config) == ""


def test_who_stands_in_plain_view_plays() -> None:
    standing = replace(FURNITURE, mean_score=0.7, joints=0.5, motion_swing=None)
    assert doubt_about(standing, VerdictConfig()) == ""


TALL_HEIGHTS = HeightModel(slope=0.0, offset=60.0, usual=60.0, reliable=True)


def of_two_people(*, apart_px: int = 45, found: bool = True) -> tuple[Detections, Foreground]:
    """One box around two people, one above the other in the picture, and one around each if both are found."""
    mask = np.zeros((240, 320), bool)
    low, high = (
        np.array([150, 120, 172, 180], np.float32),
        np.array([152, 120 - apart_px, 174, 180 - apart_px], np.float32),
    )
    for left, top, right, bottom in (low.astype(int), high.astype(int)):
        mask[top + 3 : bottom - 3, left + 4 : right - 4] = True
    both = np.array([148, high[1] - 3, 176, 182], np.float32)
    boxes = [both, low, high] if found else [both, low]
    scores = [0.6, 0.8, 0.7][: len(boxes)]
    return (
        Detections(boxes_xyxy_px=np.stack(boxes), scores=np.array(scores, np.float32)),
        Foreground(mask=mask, shadow=np.zeros_like(mask), share=0.02),
    )


def test_a_box_around_two_people_goes_when_each_has_one() -> None:
    found, moving = of_two_people()
    left = judge(0, found, moving, TALL_HEIGHTS)
    assert len(left) == 2
    assert (left.boxes_xyxy_px[:, 3] - left.boxes_xyxy_px[:, 1]).max() <= 60


def test_a_box_around_two_people_stays_while_one_of_them_has_no_other() -> None:
    found, moving = of_two_people(found=False)
    tall = judge(0, found, moving, TALL_HEIGHTS).boxes_xyxy_px
    assert (tall[:, 3] - tall[:, 1]).max() > 100
