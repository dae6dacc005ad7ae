"""The whole stage on rectangles: tracks, plate, silhouettes, motion, and inputs that hurt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.compositing import CompositingConfig, composite
from bodydouble.perception import perceive
from bodydouble.perception.config import MotionConfig, PerceptionConfig
from bodydouble.perception.occupancy import somebody_is_gone, somebody_new_keeps_still
from bodydouble.perception.people.base import Detections
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import Frame, PersonTrack, SceneBundle, SilentProgress
from bodydouble.scene.plate_files import PlateReader
from bodydouble.testing.bundles import bundle_differences
from tests.unit.perception.fakes import BLUE, GREEN, PINK, RED, Box, ColourFinder, RectClip, fakes, walk


def run(
    clip: RectClip,
    folder: Path,
    *,
    workers: int = 1,
    looks: ColourFinder | None = None,
    config: PerceptionConfig | None = None,
    **finder: object,
) -> SceneBundle:
    networks = replace(fakes(**finder), workers=workers)
    return perceive(
        clip,
        config or PerceptionConfig(),
        work_dir=folder / "work",
        plate_dir=folder / "plate",
        producer="test",
        progress=SilentProgress(),
        networks=networks if looks is None else replace(networks, finder=looks),
    )


def mask_of(track: PersonTrack, frame: int, clip: RectClip) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((clip.geometry.height_px, clip.geometry.width_px), bool)
    step = track.step_of(frame)
    if step is not None:
        track.silhouettes.paint(step, canvas)
    return canvas


def everybody(bundle: SceneBundle, frame: int, clip: RectClip) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((clip.geometry.height_px, clip.geometry.width_px), bool)
    for track in bundle.tracks:
        canvas |= mask_of(track, frame, clip)
    return canvas


def covered(bundle: SceneBundle, clip: RectClip, frame: int, box: Box) -> float:
    """Share of a rectangle's visible pixels inside anybody's silhouette."""
    part = everybody(bundle, frame, clip)[max(box[1], 0) : max(box[3], 0), max(box[0], 0) : max(box[2], 0)]
    return float(part.mean()) if part.size else 1.0


def test_walker_is_one_track_with_whole_silhouettes(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 40, 10, 3)}, num_frames=40)
    bundle = run(clip, tmp_path)
    assert len(bundle.tracks) == 1
    track = bundle.tracks[0]
    assert track.frame_indices.tolist() == list(range(40))
    assert track.play.all()
    assert track.reason == ""
    assert min(covered(bundle, clip, f, clip.people[RED][f]) for f in range(40)) > 0.97
    outside = mask_of(track, 20, clip).sum() - 16 * 44
    assert outside < 0.25 * 16 * 44
    assert np.isfinite(track.joints_xy_px).all()
    plate, valid = PlateReader(tmp_path / "plate").at(20)
    assert valid.all()
    assert np.abs(plate.astype(int) - clip.empty_rgb(20)).max() <= 4


def test_person_who_stands_still_is_not_in_the_plate(tmp_path: Path) -> None:
    standing = dict.fromkeys(range(50), (70, 40, 86, 84))
    clip = RectClip({RED: standing, GREEN: walk(0, 50, 5, 1)}, num_frames=50)
    bundle = run(clip, tmp_path)
    plate, valid = PlateReader(tmp_path / "plate").at(25)
    place = (slice(40, 84), slice(70, 86))
    assert not valid[place].any(), "never seen free, so it must be marked as a guess"
    # Grey ground all around: nothing red may be left.
    assert int(np.ptp(plate[place].astype(int), axis=2).max()) < 30
    assert covered(bundle, clip, 25, standing[25]) > 0.97


def test_person_who_stands_and_leaves_is_filled_from_later(tmp_path: Path) -> None:
    boxes = dict.fromkeys(range(60), (70, 40, 86, 84)) | walk(60, 90, 70, 3)
    clip = RectClip({RED: boxes}, num_frames=90)
    run(clip, tmp_path)
    plate, valid = PlateReader(tmp_path / "plate").at(10)
    assert valid[45:80, 72:84].all()
    assert np.abs(plate[45:80, 72:84].astype(int) - clip.empty_rgb(0)[45:80, 72:84]).max() <= 6


def test_two_who_cross_keep_their_ids(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 40, 10, 3, top=38), GREEN: walk(0, 40, 130, -3, top=46)}, num_frames=40)
    bundle = run(clip, tmp_path)
    people = [t for t in bundle.tracks if len(t) > 30]
    assert len(people) == 2
    for track in people:
        direction = np.sign(track.boxes_xyxy_px[-1, 0] - track.boxes_xyxy_px[0, 0])
        steps = np.diff(track.boxes_xyxy_px[:, 0])
        assert np.sign(np.median(steps)) == direction
        assert abs(track.boxes_xyxy_px[-1, 0] - track.boxes_xyxy_px[0, 0]) > 90, "turned round where they met"


def test_gap_in_detections_is_bridged(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 40, 10, 3)}, num_frames=40)
    bundle = run(clip, tmp_path, miss=dict.fromkeys(range(15, 24), (RED,)))
    assert len([t for t in bundle.tracks if t.play.any()]) == 1
    track = bundle.tracks[0]
    assert track.frame_indices.tolist() == list(range(40))
    # Motion stands in for the finder, at the score of motion alone.
    assert 0 <= track.box_scores[16:23].max() < 0.5 < track.box_scores[10]
    assert min(covered(bundle, clip, f, clip.people[RED][f]) for f in range(40)) > 0.95


def test_mover_that_nobody_detected_is_painted_out(tmp_path: Path) -> None:
    clip = RectClip({PINK: walk(5, 35, 10, 3)}, num_frames=40)
    bundle = run(clip, tmp_path)
    assert bundle.tracks, "somebody moved and nobody was found: must be a track"
    assert not any(track.play.any() for track in bundle.tracks)
    assert all("motion" in track.reason for track in bundle.tracks)
    assert min(covered(bundle, clip, f, clip.people[PINK][f]) for f in range(6, 34)) > 0.95


def test_mover_is_painted_out_before_and_after_it_is_noticed_and_in_pauses(tmp_path: Path) -> None:
    from bodydouble.perception.blobs import BlobTrack, without_pauses

    mask = np.packbits(np.eye(10, dtype=bool).ravel())
    seen = BlobTrack(
        frames=(4, 5, 8),
        windows_xyxy_px=((0, 40, 10, 50), (2, 38, 12, 48), (8, 30, 18, 40)),
        bits=(mask, mask, mask),
    )
    whole = without_pauses(seen, reach_frames=3, num_frames=10, frame_size_px=(60, 50))
    assert whole.frames == tuple(range(1, 10)), "from three frames before to the end of the clip"
    assert [whole.windows_xyxy_px[f - 1] for f in seen.frames] == list(seen.windows_xyxy_px)
    for frame, (left, top, right, bottom) in zip(whole.frames, whole.windows_xyxy_px, strict=True):
        assert 0 <= left < right <= 60
        assert 0 <= top < bottom <= 50
        if frame not in seen.frames:
            full = np.unpackbits(whole.bits[frame - 1])[: (right - left) * (bottom - top)]
            assert full.all()
    assert whole.windows_xyxy_px[0][1] < 40, "grown"
    assert whole.guessed == {1, 2, 3, 6, 7, 9}


def test_carried_thing_belongs_to_the_person(tmp_path: Path) -> None:
    person = walk(0, 40, 10, 3)
    bag = {f: (x1 - 1, 60, x1 + 5, 70) for f, (_, _, x1, _) in person.items()}
    clip = RectClip({RED: person, PINK: bag}, num_frames=40)
    bundle = run(clip, tmp_path)
    assert min(covered(bundle, clip, f, bag[f]) for f in range(2, 38)) > 0.8


def test_light_switch_does_not_swallow_the_frame(tmp_path: Path) -> None:
    gains = dict.fromkeys(range(25, 50), 1.3)
    clip = RectClip({RED: walk(0, 50, 10, 2)}, num_frames=50, gains=gains)
    bundle = run(clip, tmp_path)
    for frame in (10, 24, 25, 30, 45):
        assert everybody(bundle, frame, clip).mean() < 0.2
        assert covered(bundle, clip, frame, clip.people[RED][frame]) > 0.95


def test_cut_by_the_border(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 60, -14, 3)}, num_frames=60)
    bundle = run(clip, tmp_path)
    for frame in range(1, 58):
        assert covered(bundle, clip, frame, clip.people[RED][frame]) > 0.9, frame
    assert bundle.tracks[0].visible_fraction.max() <= 1.0


def test_panning_camera_follows_and_plate_is_free(tmp_path: Path) -> None:
    clip = RectClip({BLUE: walk(0, 60, 60, 0.2)}, num_frames=60, pan_px=2.0)
    bundle = run(clip, tmp_path)
    assert not bundle.camera.is_static
    moved = bundle.camera.to_reference[59, 0, 2] - bundle.camera.to_reference[0, 0, 2]
    assert moved == pytest.approx(118, abs=4)
    assert covered(bundle, clip, 30, clip.people[BLUE][30]) > 0.95
    reader = PlateReader(tmp_path / "plate", bundle.camera, frame_size_px=(160, 120))
    for frame in (5, 30, 55):
        plate, _ = reader.at(frame)
        assert int(np.ptp(plate.astype(int), axis=2).max()) < 40, "somebody blue is in the plate"


def test_static_camera_is_exactly_the_identity(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 30, 10, 4)}, num_frames=30, noise=4.0)
    assert run(clip, tmp_path).camera.is_static


def test_nobody(tmp_path: Path) -> None:
    bundle = run(RectClip({}, num_frames=30), tmp_path)
    assert bundle.tracks == ()
    _, valid = PlateReader(tmp_path / "plate").at(0)
    assert valid.all()


def test_one_frame_with_a_person(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 1, 60, 0)}, num_frames=1)
    bundle = run(clip, tmp_path)
    assert len(bundle.tracks) == 1
    assert covered(bundle, clip, 0, clip.people[RED][0]) > 0.95


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (17, 33)])
def test_tiny_and_odd_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    bundle = run(RectClip({}, num_frames=3, size=size), tmp_path)
    assert bundle.tracks == ()


def test_same_input_same_bundle_on_any_number_of_threads(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 40, 10, 3), GREEN: walk(3, 38, 130, -3, top=50)}, num_frames=40)
    first, second = run(clip, tmp_path / "a"), run(clip, tmp_path / "b", workers=3)
    assert bundle_differences(first, second) == []
    for name in sorted(p.name for p in (tmp_path / "a" / "plate").iterdir()):
        assert (tmp_path / "a" / "plate" / name).read_bytes() == (tmp_path / "b" / "plate" / name).read_bytes()


def test_scratch_is_left_empty(tmp_path: Path) -> None:
    run(RectClip({RED: walk(0, 20, 10, 3)}, num_frames=20), tmp_path)
    assert list((tmp_path / "work").iterdir()) == []


def test_who_is_never_detected_for_sure_is_covered_and_claimed_by_nobody(tmp_path: Path) -> None:
    seat = (70, 30, 92, 86)
    clip = RectClip({RED: dict.fromkeys(range(8, 40), seat)}, num_frames=40)
    bundle = run(clip, tmp_path, score=0.3)
    (track,) = [track for track in bundle.tracks if track.reason == "never detected for sure"]
    assert not track.play.any()
    assert not track.box_scores.any()
    assert min(covered(bundle, clip, frame, seat) for frame in range(9, 40)) > 0.95
    weaker = run(clip, tmp_path / "weaker", score=0.15)
    assert all(other.reason != "never detected for sure" for other in weaker.tracks)


class _SeesAPoster(ColourFinder):
    """Takes a patch of bare wall for somebody, weakly, in frames 20 to 35."""

    def find(self, rgb: npt.NDArray[np.uint8]) -> Detections:
        found = super().find(rgb)
        if not 20 < self.calls <= 36:
            return found
        return Detections(
            boxes_xyxy_px=np.concatenate([found.boxes_xyxy_px, np.array([[130, 40, 146, 84]], np.float32)]),
            scores=np.append(found.scores, np.float32(0.45)),
        )


def test_plate_is_not_guessed_where_nobody_was_after_all(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 90, 2, 1)}, num_frames=90)
    bundle = run(clip, tmp_path, looks=_SeesAPoster())
    poster = [track for track in bundle.tracks if not track.box_scores.any()]
    assert poster, "what is found weakly for so long is covered"
    assert max(len(track) for track in poster) < 45, "the still picture alone is nobody"
    plate, valid = PlateReader(tmp_path / "plate").at(45)
    place = (slice(40, 84), slice(130, 146))
    assert valid[place].all()
    assert np.abs(plate[place].astype(int) - clip.empty_rgb(0)[place]).max() <= 4


def _standing(first: int, last: int, *, left: float = 10.0, wide: float = 20.0) -> Fragment:
    frames = np.arange(first, last + 1)
    boxes = np.tile([left, 10.0, left + wide, 60.0], (len(frames), 1))
    return Fragment(frames=frames, boxes=boxes, scores=np.ones(len(frames), np.float32))


@pytest.mark.parametrize(
    ("after", "gone"),
    [
        ([_standing(0, 50)], False),
        ([_standing(0, 20), _standing(21, 50, left=12)], False),
        ([_standing(0, 41)], False),
        ([_standing(0, 40)], True),
        ([_standing(0, 50, left=25)], True),
        ([], True),
    ],
)
def test_somebody_is_gone_if_a_place_is_free_for_a_second(after: list[Fragment], gone: bool) -> None:
    assert somebody_is_gone([_standing(0, 50)], after, 10.0) is gone
    assert not somebody_is_gone([], after, 10.0)


@pytest.mark.parametrize(
    ("after", "new"),
    [
        ([_standing(0, 50)], False),
        ([_standing(0, 50), _standing(21, 50, left=12)], False),
        ([_standing(0, 60)], False),
        ([_standing(0, 62)], True),
        ([_standing(0, 50), _standing(0, 50, left=25)], True),
        ([_standing(0, 50), _standing(20, 29, left=25)], False),
        ([], False),
    ],
)
def test_somebody_new_is_at_a_free_place_a_second_later(after: list[Fragment], new: bool) -> None:
    assert somebody_new_keeps_still([_standing(0, 50)], after, 10.0) is new


def test_somebody_new_who_walks_is_on_no_plate() -> None:
    walks = _standing(0, 50)
    walks.boxes[:, [0, 2]] += 3.0 * np.arange(len(walks))[:, None]
    assert not somebody_new_keeps_still([], [walks], 10.0)


class SunnyClip(RectClip):
    """Everybody casts a faint shadow to the right, fainter than what counts as motion."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Render frames."""
        for frame in super().frames(start, stop):
            shade = self.shade(frame.index)[..., None]
            yield replace(frame, rgb=np.where(shade, np.rint(frame.rgb * 0.88), frame.rgb).astype(np.uint8))

    def shade(self, index: int) -> npt.NDArray[np.bool_]:
        """Where the shadows lie on the ground."""
        canvas = np.zeros((self.geometry.height_px, self.geometry.width_px), bool)
        here = [boxes[index] for boxes in self.people.values() if index in boxes]
        for _, _, right, bottom in here:
            canvas[max(bottom - 10, 0) : max(bottom, 0), max(right, 0) : max(right + 30, 0)] = True
        for left, top, right, bottom in here:
            canvas[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
        return canvas


def test_faint_shadows_go_with_people_and_after_them_in_the_end(tmp_path: Path) -> None:
    clip = SunnyClip({RED: walk(0, 60, -10, 3), GREEN: walk(0, 60, 150, -3)}, num_frames=120)
    bundle = run(clip, tmp_path)
    assert all(track.shadows is not None for track in bundle.tracks if track.play.any())
    plate = PlateReader(tmp_path / "plate")
    filmed, left = np.zeros(120), np.zeros(120)
    made = composite(clip, bundle, plate, None, CompositingConfig(threads=1))
    for frame, done in zip(clip.frames(), made, strict=True):
        shade, empty = clip.shade(frame.index), clip.empty_rgb(frame.index).astype(float)
        filmed[frame.index] = (empty - frame.rgb)[shade].sum()
        left[frame.index] = (empty - done.rgb)[shade].sum()
    # Whoever walks to the left has left at frame 56, their shadow four frames later.
    assert clip.people[GREEN][56][2] < 0
    assert filmed[:60].min() > 5000
    assert np.abs(left[:60] / filmed[:60]).max() < 0.1


def test_shadows_are_looked_for_only_where_asked_and_before_a_still_camera(tmp_path: Path) -> None:
    people = {RED: walk(0, 40, 10, 3)}
    for name, clip, config in (
        ("off", SunnyClip(people, num_frames=40), PerceptionConfig(motion=MotionConfig(cast_shadows=False))),
        ("pan", SunnyClip(people, num_frames=40, pan_px=1.0), PerceptionConfig()),
    ):
        assert all(track.shadows is None for track in run(clip, tmp_path / name, config=config).tracks), name
