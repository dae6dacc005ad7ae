"""Rendered streets: the same every time, and the truth beside them is true."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bodydouble.errors import OutputError, UsageError
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.synth import Street, StreetFrame, render_street
from bodydouble.synth.behaviour import Stand, Walk
from bodydouble.testing import RecordingProgress

SIZE = {"width_px": 160, "height_px": 90}


def _frames(seed: int, *, num_frames: int = 3, **changes: object) -> tuple[Street, list[StreetFrame]]:
    options: dict[str, object] = {**SIZE, "num_people": 3, "fps": 10, "num_frames": num_frames, "seed": seed}
    street = Street(**(options | changes))  # type: ignore[arg-type]
    return street, list(street.frames())


@pytest.fixture(scope="module")
def quiet() -> tuple[Street, list[StreetFrame]]:
    """A street without sensor noise."""
    return _frames(4, num_frames=4, num_people=5, noise_levels=0.0)


def test_the_seed_decides_everything() -> None:
    _, first = _frames(1)
    _, second = _frames(1)
    _, other = _frames(2)
    for one, same, different in zip(first, second, other, strict=True):
        assert np.array_equal(one.rgb, same.rgb)
        assert np.array_equal(one.labels, same.labels)
        assert not np.array_equal(one.rgb, different.rgb)


def test_people_differ_from_the_plate_and_nothing_else_does_but_the_pavement(
    quiet: tuple[Street, list[StreetFrame]],
) -> None:
    street, frames = quiet
    plate = street.plate_rgb().astype(int)
    wall_and_sky = slice(0, 45)
    for frame in frames:
        changed = np.abs(frame.rgb - plate).max(2)
        seen = frame.labels > 0
        assert seen.sum() > 200
        assert (changed[seen] > 20).mean() > 0.8
        near = cv2.dilate(seen.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        assert not changed[wall_and_sky][~near[wall_and_sky]].any()
        # Shadows only ever darken.
        away = ~near
        assert np.all(frame.rgb[away] <= plate[away])
        assert (changed[away] > 0).any()


def test_sightings_say_what_labels_show(quiet: tuple[Street, list[StreetFrame]]) -> None:
    _, frames = quiet
    for frame in frames:
        assert set(np.unique(frame.labels)) - {0} <= {s.track_id for s in frame.sightings}
        for sighting in frame.sightings:
            rows, columns = np.nonzero(frame.labels == sighting.track_id)
            left, top, right, bottom = sighting.box_xyxy_px
            if len(rows):
                assert left - 1 <= columns.min() <= columns.max() <= right + 1
                assert top - 1 <= rows.min() <= rows.max() <= bottom + 1
            assert 0 < sighting.visible_fraction <= 1
            x, y = sighting.joints_xy_px.T
            assert left - 1 < x.min() < x.max() < right + 1
            assert top - 1 < y.min() < y.max() < bottom + 1
            # Head above neck above hips above ankles.
            assert y[0] < y[1] < y[8] < y[10]


def test_the_nearer_hides_the_farther_and_the_border_cuts() -> None:
    place = (1.2, 10.0)
    behind = Stand(place_xy_m=(place[0], place[1] + 1.0), facing_rad=np.pi)
    at_border = Stand(place_xy_m=(-9.35, 10.0), facing_rad=np.pi)
    parts = (behind, Stand(place_xy_m=place, facing_rad=np.pi), at_border)
    _, (frame,) = _frames(3, num_frames=1, parts=parts, width_px=256)
    sightings = {s.track_id: s for s in frame.sightings}
    assert sightings[2].visible_fraction > 0.8
    assert sightings[1].visible_fraction < 0.6 * sightings[2].visible_fraction
    assert 3 not in sightings or sightings[3].box_xyxy_px[0] < 0


def test_the_lamp_post_hides_whoever_is_behind_it() -> None:
    street, _ = _frames(3, num_frames=1, parts=())
    post = street._scenery.depth_m[100, :]
    column = int(np.argmin(post))
    ray = street._canvas_camera.rays(slice(100, 101))[0, column]
    x = float(ray[0] / ray[1] * 10.5)
    _, (frame,) = _frames(3, num_frames=1, parts=(Stand(place_xy_m=(x, 10.5), facing_rad=np.pi),))
    assert 0.2 < frame.sightings[0].visible_fraction < 0.9


def test_people_come_and_go() -> None:
    way = ((-1.0, 9.0), (-0.3, 9.0))
    _, frames = _frames(1, num_frames=12, parts=(Walk(way_xy_m=way, speed_mps=1.4),))
    present = [bool(frame.sightings) for frame in frames]
    assert present[0]
    assert not present[-1]
    assert np.array_equal(frames[-1].labels, np.zeros((90, 160), np.uint8))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (33, 91), (401, 17)])
def test_odd_sizes_and_nobody(width: int, height: int) -> None:
    street, frames = _frames(0, num_frames=1, num_people=0, width_px=width, height_px=height, noise_levels=0.0)
    assert frames[0].rgb.shape == (height, width, 3)
    assert np.array_equal(frames[0].rgb, street.plate_rgb())
    assert not frames[0].labels.any()


def test_grey_has_three_equal_channels() -> None:
    street, frames = _frames(0, num_frames=1, num_people=1, is_gray=True)
    for rgb in (frames[0].rgb, street.plate_rgb()):
        assert np.array_equal(rgb[..., 0], rgb[..., 1])
        assert np.array_equal(rgb[..., 0], rgb[..., 2])


def _decode(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_files_hold_the_truth(tmp_path: Path) -> None:
    progress = RecordingProgress()
    files = render_street(
        tmp_path / "street.mkv", seed=5, num_frames=4, num_people=3, fps=10, codec="lossless", progress=progress, **SIZE
    )
    _, frames = _frames(5, num_frames=4)
    assert all(np.array_equal(a, b.rgb) for a, b in zip(_decode(files.video), frames, strict=True))
    with np.load(files.masks) as archive:
        assert archive.files == ["labels"]
        assert np.array_equal(archive["labels"], np.stack([frame.labels for frame in frames]))
    rows = np.loadtxt(files.mot, delimiter=",")
    assert len(rows) == sum(len(frame.sightings) for frame in frames)
    assert rows[:, 0].min() == 1
    bundle = read_bundle(files.scene)
    assert bundle.video.num_frames == 4
    for track in bundle.tracks:
        for step, index in enumerate(track.frame_indices.tolist()):
            canvas = np.zeros((90, 160), bool)
            track.silhouettes.paint(step, canvas)
            assert np.array_equal(canvas, frames[index].labels == track.track_id)
    plate = cv2.imread(str(files.plate))
    assert plate is not None
    assert plate.shape == (90, 160, 3)
    events = json.loads(files.events.read_text())
    assert {person["behaviour"] for person in events["people"]} <= {"walk", "stand"}
    assert all(not person["abnormal_frames"] for person in events["people"])
    assert progress.stages == [("render", 4, 4)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["street.mkv", "street.truth"]


def test_h264_is_the_same_file_every_time_and_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "street.mp4"
    options = {"seed": 1, "num_frames": 2, "num_people": 1, **SIZE}
    files = render_street(path, **options)
    first = path.read_bytes(), files.masks.read_bytes(), files.mot.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        render_street(path, **options)
    render_street(path, overwrite=True, **options)
    assert (path.read_bytes(), files.masks.read_bytes(), files.mot.read_bytes()) == first
    assert len(_decode(path)) == 2


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("a.mp4", {"codec": "lossless"}, "lossless goes into"),
        ("a.png", {}, "h264 goes into"),
        ("a.mp4", {"codec": "av1"}, "unknown"),
        ("a.mp4", {"width_px": 161}, "even sides"),
        ("a.mp4", {"num_frames": 0}, "0 frames"),
        ("a.mp4", {"num_people": 201}, "201 people"),
        ("a.mp4", {"height_px": 2}, "2 px high"),
        ("a.mp4", {"fps": 0}, "0 frames a second"),
    ],
)
def test_impossible_streets(tmp_path: Path, name: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        render_street(tmp_path / name, **({"num_frames": 1, **SIZE} | changes))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_no_folder_to_write_into(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        render_street(tmp_path / "no" / "a.mp4", num_frames=1, **SIZE)
    with pytest.raises(ValueError, match="cannot render"):
        Street(seed=0, num_frames=0, num_people=0, fps=25, **SIZE)
