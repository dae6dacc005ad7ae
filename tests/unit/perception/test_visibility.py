"""Which joints of crossing and cut people are seen, and what people look like while nobody detects them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.pose.visibility import with_joint_visibility
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.silhouette.pauses import with_pauses_filled
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import PersonTrack
from bodydouble.testing.walkers import Walker, WalkerClip, make_walker_clip

_SIZE = (200, 150)


def crossing() -> WalkerClip:
    return make_walker_clip(num_frames=40, width_px=_SIZE[0], height_px=_SIZE[1], num_people=2, seed=3)


def test_joints_behind_the_nearer_of_two_who_cross_are_hidden() -> None:
    truth = crossing().bundle.tracks
    near, far = with_joint_visibility(
        [dataclasses.replace(t, joint_visibility=np.zeros_like(t.joint_scores)) for t in truth], frame_size_px=_SIZE
    )
    found = truth[1].joint_scores > 0
    assert (truth[1].joint_visibility[found] == 0).sum() > 40
    wrong = np.abs(far.joint_visibility - truth[1].joint_visibility)[found] > 0.5
    # Half a joint's disc is seen beside somebody's edge; its middle is not.
    assert wrong.mean() < 0.04
    assert near.joint_visibility[truth[0].joint_scores > 0].min() > 0.9
    assert (far.joint_visibility[~found] == 0).all()


def test_joints_at_and_beyond_the_border() -> None:
    walker = Walker(start_xz_m=(-4.2, 6.0), velocity_xz_m=(0.06, 0.0))
    clip = WalkerClip((walker,), num_frames=40, width_px=_SIZE[0], height_px=_SIZE[1], seed=1, is_gray=False)
    truth = clip.bundle.tracks[0]
    assert (truth.joint_scores[0] == 0).any()
    # A network guesses joints beyond the border; here it is right.
    guessed = dataclasses.replace(
        truth,
        joints_xy_px=np.where(np.isfinite(truth.joints_xy_px), truth.joints_xy_px, np.float32(-5.0)),
        joint_scores=np.full_like(truth.joint_scores, 0.4),
    )
    seen = with_joint_visibility([guessed], frame_size_px=_SIZE)[0].joint_visibility
    assert (seen[truth.joint_scores == 0] < 0.3).all()
    inside = np.nan_to_num(truth.joints_xy_px[..., 0], nan=-1.0) > 6
    assert (seen[inside] > 0.9).all()


def test_a_joint_without_any_own_pixel_around_is_not_seen() -> None:
    truth = crossing().bundle.tracks[0]
    joints = truth.joints_xy_px.copy()
    joints[:, 4] += np.array([0, -60], np.float32)
    moved = dataclasses.replace(truth, joints_xy_px=joints)
    assert (with_joint_visibility([moved], frame_size_px=_SIZE)[0].joint_visibility[:, 4] == 0).all()


def test_nobody_has_no_visibility() -> None:
    assert with_joint_visibility([], frame_size_px=_SIZE) == []


def reading_of(track: PersonTrack) -> TrackReading:
    return TrackReading(
        boxes=list(track.boxes_xyxy_px.astype(float)),
        windows=[(w[0], w[1], w[2], w[3]) for w in track.silhouettes.windows_xyxy_px.tolist()],
        bits=list(track.silhouettes.bits),
    )


def fragment_of(track: PersonTrack, missed: slice) -> Fragment:
    scores = np.full(len(track), 0.9, np.float32)
    scores[missed] = 0.0
    return Fragment(frames=track.frame_indices, boxes=track.boxes_xyxy_px.astype(float), scores=scores)


def full_mask(reading: TrackReading, row: int) -> npt.NDArray[np.bool_]:
    left, top, right, bottom = reading.windows[row]
    canvas = np.zeros(_SIZE[::-1], bool)
    size = (bottom - top) * (right - left)
    canvas[top:bottom, left:right] = np.unpackbits(reading.bits[row], count=size).reshape(bottom - top, right - left)
    return canvas


def emptied(reading: TrackReading, rows: range) -> TrackReading:
    windows, bits = list(reading.windows), list(reading.bits)
    for row in rows:
        windows[row], bits[row] = (0, 0, 0, 0), np.zeros(0, np.uint8)
    return dataclasses.replace(reading, windows=windows, bits=bits)


def one_walker() -> PersonTrack:
    walker = Walker(start_xz_m=(-1.0, 6.0), velocity_xz_m=(0.05, 0.0))
    clip = WalkerClip((walker,), num_frames=40, width_px=_SIZE[0], height_px=_SIZE[1], seed=1, is_gray=False)
    return clip.bundle.tracks[0]


def test_a_pause_is_filled_with_what_lies_between() -> None:
    track = one_walker()
    whole, rows = reading_of(track), range(15, 21)
    part = fragment_of(track, slice(rows.start, rows.stop))
    filled = with_pauses_filled([part], [emptied(whole, rows)], frame_size_px=_SIZE)[0]
    covered = []
    for row in rows:
        truth, mine = full_mask(whole, row), full_mask(filled, row)
        covered.append((truth & mine).sum() / truth.sum())
        assert mine.sum() < 1.8 * truth.sum()
    assert np.mean(covered) > 0.85
    assert min(covered) > 0.8
    for row in (*range(rows.start), *range(rows.stop, len(track))):
        assert filled.windows[row] == whole.windows[row]


def test_nothing_that_was_outlined_is_lost_and_ends_stay_as_they_are() -> None:
    track = one_walker()
    whole = reading_of(track)
    scores = np.full(len(track), 0.9, np.float32)
    scores[:4] = scores[10:16] = scores[-3:] = 0.0
    part = Fragment(frames=track.frame_indices, boxes=track.boxes_xyxy_px.astype(float), scores=scores)
    filled = with_pauses_filled([part], [whole], frame_size_px=_SIZE)[0]
    for row in range(len(track)):
        before, after = full_mask(whole, row), full_mask(filled, row)
        assert (after >= before).all()
        if not 10 <= row < 16:
            assert (after == before).all()


def test_whoever_stands_in_front_keeps_their_pixels() -> None:
    near, far = crossing().bundle.tracks
    rows = range(17, 23)
    empty = emptied(reading_of(far), rows)
    parts = [fragment_of(near, slice(0, 0)), fragment_of(far, slice(rows.start, rows.stop))]
    filled = with_pauses_filled(parts, [reading_of(near), empty], frame_size_px=_SIZE)[1]
    for row in rows:
        front = near.step_of(int(far.frame_indices[row]))
        assert front is not None
        assert not (full_mask(filled, row) & full_mask(reading_of(near), front)).any()


@pytest.mark.parametrize("steps", [1, 2])
def test_tracks_too_short_for_a_pause(steps: int) -> None:
    track = one_walker()
    reading = reading_of(track)
    short = dataclasses.replace(
        reading, boxes=reading.boxes[:steps], windows=reading.windows[:steps], bits=reading.bits[:steps]
    )
    part = fragment_of(track, slice(1, 2)).part(slice(0, steps))
    assert with_pauses_filled([part], [short], frame_size_px=_SIZE)[0].windows == short.windows


def test_people_of_whom_nothing_was_outlined_before_and_after() -> None:
    track = one_walker()
    empty = emptied(reading_of(track), range(len(track)))
    filled = with_pauses_filled([fragment_of(track, slice(5, 9))], [empty], frame_size_px=_SIZE)[0]
    assert not any(full_mask(filled, row).any() for row in range(len(track)))
