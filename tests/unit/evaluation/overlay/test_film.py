"""Marks lie where people are, differ by verdict, and survive every kind of clip."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from bodydouble.evaluation.overlay.canvas import Layout
from bodydouble.evaluation.overlay.drawing import Sighting, draw_people
from bodydouble.evaluation.overlay.film import choose_frames, film
from bodydouble.evaluation.overlay.people import colour_of, shorten, verdict_of
from bodydouble.scene import CameraMotion, SceneBundle
from bodydouble.testing import WalkerClip, make_walker_clip, random_bundle
from tests.unit.evaluation.overlay.conftest import crowd, judged


def frames_of(clip: WalkerClip, bundle: SceneBundle) -> np.ndarray:
    return np.stack([frame.rgb for frame in film(clip, bundle, Layout.of(bundle.video))])


def has_colour(picture: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
    return np.asarray((picture == np.array(rgb, np.uint8)).all(axis=-1))


@pytest.mark.parametrize(
    ("width", "height", "scale", "size"),
    [
        (360, 240, 3, (1080, 780)),  # small: enlarged, so that marks do not hide people
        (768, 576, 1, (768, 620)),  # twice as large would be too high
        (161, 121, 3, (484, 408)),  # odd: h264 in a browser needs even sides
        (3840, 2160, 0.5, (1920, 1186)),
        (1, 1, 3, (480, 48)),
        (60, 2000, 0.54, (480, 1124)),
    ],
)
def test_layout(width: int, height: int, scale: float, size: tuple[int, int]) -> None:
    geometry = dataclasses.replace(random_bundle(0).video, width_px=width, height_px=height)
    layout = Layout.of(geometry)
    assert layout.scale == pytest.approx(scale)
    assert (layout.width_px, layout.height_px) == size
    assert layout.geometry(geometry).pts_ticks == geometry.pts_ticks


def test_the_clip_is_shown_unchanged_where_nobody_is_and_the_warning_is_in_every_frame(clip: WalkerClip) -> None:
    empty = dataclasses.replace(clip.bundle, tracks=())
    layout = Layout.of(clip.geometry)
    for frame in film(clip, empty, layout):
        picture = frame.rgb[layout.band_px : layout.band_px + 360, :480]
        assert np.array_equal(picture[::3, ::3], clip.rgb(frame.index))
        band = frame.rgb[: layout.band_px // 2].astype(int)
        assert (band[..., 0] > 100).mean() > 0.9
        assert (band.min(axis=-1) > 150).sum() > 300


def test_boxes_lie_where_people_are(clip: WalkerClip) -> None:
    bundle = judged(clip.bundle)
    layout = Layout.of(clip.geometry)
    shown = frames_of(clip, bundle)[5, layout.band_px :]
    for track in bundle.tracks:
        step = track.step_of(5)
        assert step is not None
        left, top, right, bottom = (round(float(v) * 3) for v in track.boxes_xyxy_px[step])
        found = has_colour(shown, colour_of(track.track_id))
        rows, columns = np.nonzero(found[:bottom, :right])
        assert found[(top + bottom) // 2, left - 2 : left + 3].any()
        assert found[(top + bottom) // 2, right - 3 : right + 2].any()
        assert rows.min() >= top - 30
        assert columns.min() >= left - 3


def test_played_painted_out_and_guessed_look_different(clip: WalkerClip) -> None:
    bundle = judged(clip.bundle)
    track = bundle.tracks[1]
    blank = np.full((360, 480, 3), 90, np.uint8)
    pictures = {}
    for name, step in {"played": 5, "guessed": 1, "out": 15}.items():
        picture = blank.copy()
        draw_people(picture, [Sighting(track=track, step=step)], 3.0)
        box = track.boxes_xyxy_px[step] * 3
        row, left = int(box[1] + box[3]) // 2, round(float(box[0]))
        column = has_colour(picture[int(box[1]) : int(box[3]), left - 2 : left + 3], colour_of(2))
        pictures[name] = column.sum(), column.any(axis=1).mean()
        assert row < 360
    # Guessed boxes are thinner, those of people who are painted out are dashed.
    assert pictures["guessed"][0] < 0.8 * pictures["played"][0]
    assert pictures["out"][1] < 0.8 < pictures["played"][1]


def test_sure_limbs_are_clearer_than_guessed_ones(clip: WalkerClip) -> None:
    track = clip.bundle.tracks[0]
    change = {}
    for score in (0.1, 0.3, 0.5, 0.9):
        scores = np.where(track.joint_scores > 0, score, 0).astype(np.float32)
        nobody = dataclasses.replace(
            track,
            joint_scores=scores,
            silhouettes=dataclasses.replace(
                track.silhouettes,
                windows_xyxy_px=np.zeros_like(track.silhouettes.windows_xyxy_px),
                bits=tuple(np.zeros(0, np.uint8) for _ in track.silhouettes.bits),
            ),
        )
        without = dataclasses.replace(nobody, joint_scores=np.zeros_like(scores))
        one, other = np.full((2, 360, 480, 3), 60, np.uint8)
        draw_people(one, [Sighting(track=nobody, step=8)], 3.0)
        draw_people(other, [Sighting(track=without, step=8)], 3.0)
        change[score] = np.abs(one.astype(int) - other).sum()
    assert 0 < change[0.1] < change[0.3] < change[0.5] < change[0.9]


def test_joints_that_cannot_be_seen_are_hollow(clip: WalkerClip) -> None:
    track = clip.bundle.tracks[0]
    x, y = np.rint((track.joints_xy_px[8, 3] + 0.5) * 6 - 0.5).astype(int)
    colours = {}
    for share in (1.0, 0.2):
        visibility = np.full_like(track.joint_visibility, share)
        picture = np.full((720, 960, 3), 60, np.uint8)
        draw_people(picture, [Sighting(track=dataclasses.replace(track, joint_visibility=visibility), step=8)], 6.0)
        colours[share] = int(picture[y, x].max())
    assert colours[1.0] > 200
    assert colours[0.2] < 40


@pytest.mark.parametrize("seed", range(6))
def test_bundles_as_odd_as_the_format_allows(seed: int) -> None:
    bundle = random_bundle(seed, num_frames=3, track_ids=(1, 5, 900_000))
    clip = make_walker_clip(num_frames=3, width_px=31, height_px=17)
    assert frames_of(clip, bundle).shape == (3, 44 + 52, 480, 3)


@pytest.mark.parametrize(("width", "height", "frames"), [(1, 1, 1), (161, 121, 2), (33, 200, 1), (160, 120, 1)])
@pytest.mark.parametrize("is_gray", [False, True])
def test_sizes_and_grey(width: int, height: int, frames: int, is_gray: bool) -> None:
    clip = make_walker_clip(num_frames=frames, width_px=width, height_px=height, is_gray=is_gray)
    assert len(frames_of(clip, clip.bundle)) == frames


def test_a_moving_camera_is_no_matter(clip: WalkerClip) -> None:
    motion = np.tile(np.eye(3), (24, 1, 1))
    motion[:, 0, 2] = np.arange(24)
    moved = dataclasses.replace(clip.bundle, camera=CameraMotion(to_reference=motion))
    assert np.array_equal(frames_of(clip, moved), frames_of(clip, clip.bundle))


def test_a_crowd(clip: WalkerClip) -> None:
    short = make_walker_clip(num_frames=24)
    bundle = crowd(clip.bundle, 300)
    first = next(film(short, bundle, Layout.of(bundle.video)))
    assert first.rgb.any()


def test_colours_are_stable_and_apart() -> None:
    colours = [colour_of(track_id) for track_id in range(1, 41)]
    assert colours == [colour_of(track_id) for track_id in range(1, 41)]
    assert len(set(colours)) == 40
    assert all(max(colour) >= 190 for colour in colours)
    neighbours = [np.abs(np.subtract(a, b)).sum() for a, b in itertools.pairwise(colours)]
    assert min(neighbours) > 100


def test_words(clip: WalkerClip) -> None:
    both = "skeleton missing in more than 20% of frames; mean joint score below 0.35"
    assert shorten(both) == "no skeleton, weak joints"
    assert shorten("motion without a detected person") == "unexplained motion"
    bundle = judged(clip.bundle)
    assert [verdict_of(track) for track in bundle.tracks] == ["played", "partly painted out"]
    assert verdict_of(judged(clip.bundle, out_from=0).tracks[1]) == "painted out"


def test_frames_of_the_page_are_spread_and_busy(clip: WalkerClip) -> None:
    chosen = choose_frames(clip.bundle, 12)
    assert len(chosen) == 12
    assert all(a < b for a, b in itertools.pairwise(chosen))
    assert choose_frames(dataclasses.replace(clip.bundle, tracks=()), 5) == [0, 5, 10, 15, 20]
    assert choose_frames(make_walker_clip(num_frames=1).bundle, 12) == [0]
