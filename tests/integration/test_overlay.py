"""What was found, drawn on the clip: with perception or later, never where things are shared, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bodydouble.cli.perceive import name_overlay
from bodydouble.perception import write_mot
from bodydouble.pipeline.overlay import draw_overlay
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.bundle_files import read_bundle, write_bundle
from bodydouble.scene.plate_files import PlateWriter
from bodydouble.testing import RecordingProgress, make_walker_clip, random_bundle
from bodydouble.video_io import open_sink, open_source
from tests.integration.conftest import NUM_FRAMES, frame_rgb, read_clip, write_clip
from tests.integration.test_trees import write_images

Run = Callable[..., int]


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def street_scene(clip: Path, finished: Path) -> Path:
    """The clip with scene and plate beside it, as `perceive` leaves them."""
    shutil.copytree(finished / "street.bodydouble.run" / "scene", clip.with_name("s"))
    shutil.copytree(finished / "street.bodydouble.run" / "plate", clip.with_name("s.plate"))
    return clip.with_name("s")


def test_with_perception(clip: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = clip.parent
    assert run("perceive", "--overlay", clip, "-o", folder / "s.zip", "--quiet") == 0
    said = capsys.readouterr()
    assert "NOT ANONYMIZED" in said.err
    assert "s.overlay.not-anonymized.html" in said.out
    left = {path.name for path in folder.iterdir()}
    assert left == {
        "street.mkv", "s.zip", "s.plate", "s.overlay.not-anonymized.html", "s.overlay.not-anonymized.mp4",
    }  # fmt: skip
    video = read_clip(folder / "s.overlay.not-anonymized.mp4")
    assert video.shape == (NUM_FRAMES, 360 + 44, 480, 3)
    page = (folder / "s.overlay.not-anonymized.html").read_text(encoding="utf-8")
    assert page.count('<div class="track">') == 2
    assert page.count("<figure><a href=") == 12


def test_scene_and_plate_do_not_depend_on_it(clip: Path, run: Run) -> None:
    folder = clip.parent
    assert run("perceive", clip, "-o", folder / "a", "--quiet") == 0
    assert run("perceive", clip, "-o", folder / "b", "--overlay", folder / "look.html", "--quiet") == 0
    for one, other in (("a", "b"), ("a.plate", "b.plate")):
        assert names(folder / one) == names(folder / other)
        for name in names(folder / one):
            assert (folder / one / name).read_bytes() == (folder / other / name).read_bytes(), name
    assert (folder / "look.mp4").is_file()


def test_later_nothing_is_perceived_again(
    clip: Path, street_scene: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", "/nowhere")
    page = clip.with_name("look.html")
    assert run("perceive", clip, "-o", street_scene, "--overlay") == 2
    assert "bodydouble overlay INPUT SCENE" in capsys.readouterr().err
    assert run("overlay", clip, street_scene, "-o", page, "--quiet") == 0
    assert len(read_clip(page.with_suffix(".mp4"))) == NUM_FRAMES
    before = page.read_bytes()
    assert run("overlay", clip, street_scene, "-o", page, "--quiet") == 2
    assert run("overlay", clip, street_scene, "-o", page, "--quiet", "--overwrite") == 0
    assert page.read_bytes() == before


def test_the_scene_of_a_run_folder_can_be_drawn_but_not_into_it(done: Path, clip: Path, run: Run) -> None:
    folder = clip.with_name("street.bodydouble.run")
    before = names(folder)
    for place in (folder / "look.html", folder / "scene" / "look.html", folder / "plate" / "look.html"):
        assert run("overlay", clip, folder / "scene", "-o", place, "--quiet") == 2
    assert run("overlay", clip, folder / "scene", "-o", clip.with_name("look.html"), "--quiet") == 0
    assert names(folder) == before


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("look.mp4", ".html"),
        ("look", ".html"),
        ("none/look.html", "does not exist"),
        ("s.plate/look.html", "must not lie in what may be shared"),
        ("s/look.html", "must not lie in what may be shared"),
    ],
)
def test_bad_places(
    clip: Path, street_scene: Path, run: Run, page: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(clip.parent)
    assert run("overlay", clip, street_scene, "-o", clip.parent / page, "--overwrite", "--quiet") == 2
    assert words in capsys.readouterr().err
    assert names(clip.parent) == before


def test_the_input_is_never_replaced(street_scene: Path, clip: Path, run: Run) -> None:
    mp4 = clip.with_name("filmed.mp4")
    write_clip(mp4, [frame_rgb(index) for index in range(NUM_FRAMES)], codec="h264")
    before = mp4.read_bytes()
    assert run("overlay", mp4, street_scene, "-o", clip.with_name("filmed.html"), "--overwrite", "--quiet") == 2
    images = clip.with_name("images")
    write_images(images, empty=True)
    assert run("overlay", images, street_scene, "-o", images / "look.html", "--quiet") == 2
    assert mp4.read_bytes() == before
    assert len(names(images)) == 6


def test_what_does_not_belong_together_is_refused(
    clip: Path, street_scene: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.mkv"
    write_clip(other, [frame_rgb(index) for index in range(5)])
    assert run("overlay", other, street_scene, "-o", tmp_path / "look.html", "--quiet") == 2
    assert "5 frames" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "s.plate")
    assert run("overlay", clip, street_scene, "-o", tmp_path / "look.html", "--quiet") == 2
    assert "--plate" in capsys.readouterr().err
    assert not (tmp_path / "look.html").exists()


def test_a_frame_that_cannot_be_read_leaves_nothing(street_scene: Path, tmp_path: Path, run: Run) -> None:
    images = tmp_path / "images"
    images.mkdir()
    write_images(images / "x", empty=False)
    for index in range(NUM_FRAMES):
        shutil.copyfile(images / "x" / "0000.png", images / f"{index:04d}.png")
    shutil.rmtree(images / "x")
    whole = (images / "0017.png").read_bytes()
    # The header stays readable, so that the damage is met in the middle of the work.
    (images / "0017.png").write_bytes(whole[: len(whole) // 2])
    before = names(tmp_path)
    assert run("overlay", images, street_scene, "-o", tmp_path / "look.html", "--quiet") == 2
    assert names(tmp_path) == before
    assert not list(tmp_path.glob(".look*"))


def test_nobody_one_frame_odd_and_grey(tmp_path: Path) -> None:
    clip = make_walker_clip(num_frames=1, width_px=161, height_px=121, num_people=0, is_gray=True)
    with open_sink(tmp_path / "c.mkv", clip.geometry, codec="lossless") as sink:
        for frame in clip.frames():
            sink.write(frame.rgb)
        sink.commit()
    write_bundle(clip.bundle, tmp_path / "s")
    writer = PlateWriter(tmp_path / "s.plate", 161, 121)
    writer.add_key(0, clip.plate_rgb, np.zeros((121, 161), np.bool_))
    writer.commit()
    progress = RecordingProgress()
    files = draw_overlay(tmp_path / "c.mkv", tmp_path / "s", tmp_path / "look.html", progress=progress)
    assert progress.stages == [("overlay", 1, 1)]
    assert "Nobody was found in 1 frame" in files.page.read_text(encoding="utf-8")
    with open_source(files.video) as source:
        assert source.geometry.num_frames == 1
        assert source.geometry.width_px % 2 == source.geometry.height_px % 2 == 0


def test_the_name_after_overlay_is_a_page_or_none_at_all() -> None:
    default = "SCENE.overlay.not-anonymized.html"
    assert name_overlay(["--overlay", "a.html", "c.mp4"]) == ["--overlay", "a.html", "c.mp4"]
    assert name_overlay(["c.mp4", "--overlay"]) == ["c.mp4", "--overlay", default]
    assert name_overlay(["--overlay", "-o", "x.html"]) == ["--overlay", default, "-o", "x.html"]
    assert name_overlay(["--overlay=a.html", "c.mp4"]) == ["--overlay=a.html", "c.mp4"]


@pytest.mark.parametrize("seed", range(3))
def test_mot_rows_as_a_mot_reader_sees_them(seed: int, tmp_path: Path) -> None:
    """Round trip through the reader of the package `trackers`: frames from 1, sub-pixel boxes, ids, scores."""
    from trackers.io.mot import load_mot_file

    bundle = random_bundle(seed, num_frames=9, track_ids=(2, 11, 300))
    write_mot(bundle, tmp_path / "rows.txt")
    frames = load_mot_file(tmp_path / "rows.txt")
    wanted = {int(index) + 1 for track in bundle.tracks for index in track.frame_indices}
    assert set(frames) == wanted
    for track in bundle.tracks:
        for step, index in enumerate(track.frame_indices.tolist()):
            data = frames[index + 1]
            (row,) = np.flatnonzero(data.ids == track.track_id)
            left, top, right, bottom = track.boxes_xyxy_px[step]
            np.testing.assert_allclose(data.boxes[row], (left, top, right - left, bottom - top), atol=0.0051)
            assert data.confidences[row] == pytest.approx(track.box_scores[step], abs=5.1e-5)


def test_mot_rows_tell_who_is_painted_out(street_scene: Path, tmp_path: Path) -> None:
    bundle: SceneBundle = read_bundle(street_scene)
    one: PersonTrack = bundle.tracks[0]
    one.play[3:] = False
    write_mot(bundle, tmp_path / "rows.txt")
    lines = (tmp_path / "rows.txt").read_text(encoding="ascii").splitlines()
    assert all(len(line.split(",")) == 10 for line in lines)
    rows = np.array([[float(value) for value in line.split(",")] for line in lines])
    assert len(rows) == sum(len(track) for track in bundle.tracks)
    assert np.all(rows[:, 7:9] == -1)
    mine = rows[rows[:, 1] == one.track_id]
    assert mine[:, 9].tolist() == [-1] * 3 + [0] * (len(one) - 3)
    assert np.all(rows[rows[:, 1] != one.track_id][:, 9] == -1)
