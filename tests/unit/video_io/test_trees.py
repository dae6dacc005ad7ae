from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.errors import OutputError, UnreadableImage, UnreadableVideo
from bodydouble.video_io import copy_companions, discover_clips, discover_footage, open_job_sink, open_source
from tests.unit.video_io.making import make_images, make_video


def run(source: Path, output: Path, codec: str = "h264") -> None:
    tree = discover_footage(source, output, codec)
    for job in tree.jobs:
        with open_source(job.source) as clip, open_job_sink(job, clip) as sink:
            for frame in clip.frames():
                sink.write(frame.rgb)
            sink.commit()
    copy_companions(tree, overwrite=False)


def files_of(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((24, 32), np.uint8)
    pixels[5:10, 5:10] = 255
    cv2.imwrite(str(path), pixels)


def test_avenue(tmp_path: Path) -> None:
    root = tmp_path / "Avenue"
    for clip in ("01", "02", "10"):
        make_images(root / "training" / "frames" / clip, ["0000.jpg", "0001.jpg"])
    make_video(root / "testing_videos" / "20.avi", num_frames=3, codec="mpeg4")
    (root / "frame_labels.json").write_text("{}")
    (root / "training_vol").mkdir()
    (root / "training_vol" / "vol01.mat").write_bytes(b"the frames as an array")
    (root / "testing_label_mask").mkdir()
    (root / "testing_label_mask" / "1_label.mat").write_bytes(b"labels")
    (root / "Thumbs.db").write_bytes(b"")
    output = tmp_path / "doubles"
    tree = discover_footage(root, output)
    assert [job.name for job in tree.jobs] == [
        "testing_videos/20.avi",
        "training/frames/01",
        "training/frames/02",
        "training/frames/10",
    ]
    assert [path.name for path in tree.withheld] == ["vol01.mat"]  # footage in another form must not slip through
    run(root, output)
    expected = [f for f in files_of(root) if f not in ("training_vol/vol01.mat", "Thumbs.db")]
    assert files_of(output) == expected
    assert open_source(output / "testing_videos" / "20.avi").geometry.num_frames == 3


def test_ucsd(tmp_path: Path) -> None:
    root = tmp_path / "UCSDped2"
    make_images(root / "Train" / "Train001", ["001.tif", "002.tif"], gray=True)
    make_images(root / "Test" / "Test001", ["001.tif", "002.tif"], gray=True)
    for name in ("001.bmp", "002.bmp"):
        mask(root / "Test" / "Test001_gt" / name)
    (root / "Test" / "UCSDped2.m").write_text("TestVideoFile = {};")
    run(root, tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(root)
    for name in ("Train/Train001/002.tif", "Test/Test001/001.tif"):
        stored = cv2.imread(str(tmp_path / "out" / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(stored, cv2.imread(str(root / name), cv2.IMREAD_UNCHANGED))
        assert stored.ndim == 2
    copied = tmp_path / "out" / "Test" / "Test001_gt" / "001.bmp"
    assert copied.read_bytes() == (root / "Test" / "Test001_gt" / "001.bmp").read_bytes()


def test_shanghaitech(tmp_path: Path) -> None:
    root = tmp_path / "shanghaitech"
    make_images(root / "testing" / "frames" / "01_0014", ["000.jpg", "001.jpg"])
    make_video(root / "training" / "videos" / "01_001.avi", num_frames=3, codec="mpeg4")
    for kind in ("test_frame_mask", "test_pixel_mask"):
        (root / "testing" / kind).mkdir()
        np.save(root / "testing" / kind / "01_0014.npy", np.zeros(2))
    run(root, tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(root)


def test_part_of_a_tree(tmp_path: Path) -> None:
    """``anonymize Avenue/training/frames -o Avenue-doubles/training/frames``."""
    make_images(tmp_path / "Avenue" / "training" / "frames" / "01", ["0000.jpg"])
    make_images(tmp_path / "Avenue" / "training" / "frames" / "02", ["0000.jpg"])
    (tmp_path / "doubles" / "training").mkdir(parents=True)
    run(tmp_path / "Avenue" / "training" / "frames", tmp_path / "doubles" / "training" / "frames")
    assert files_of(tmp_path / "doubles") == ["training/frames/01/0000.jpg", "training/frames/02/0000.jpg"]


def test_tree_needs_the_parent_of_its_output(tmp_path: Path) -> None:
    make_images(tmp_path / "in" / "01", ["0000.jpg"])
    with pytest.raises(OutputError, match="output folder does not exist"):
        run(tmp_path / "in", tmp_path / "missing" / "out")
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("codec", "clip", "images"),
    [("h264", "1.mp4", "0.jpg"), ("lossless", "1.mp4", "0.png"), ("png", "1/000000.png", "0.png")],
)
def test_codecs_in_a_tree(tmp_path: Path, codec: str, clip: str, images: str) -> None:
    make_images(tmp_path / "in" / "a", ["0.jpg"])
    make_video(tmp_path / "in" / "b" / "1.webm", num_frames=1, codec="libvpx")
    run(tmp_path / "in", tmp_path / "out", codec)
    assert files_of(tmp_path / "out") == [f"a/{images}", f"b/{clip}"]


def test_two_clips_for_one_place(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("1.webm", "1.mp4"):
        (tmp_path / "in" / name).touch()
    with pytest.raises(OutputError, match=r"two clips would be written to one place \(1\.(mp4|webm), 1\."):
        discover_clips(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    ("codec", "expected"),
    [("h264", "walk.bodydouble.mp4"), ("lossless", "walk.bodydouble.mkv"), ("png", "walk.bodydouble")],
)
def test_default_output_of_a_file(tmp_path: Path, codec: str, expected: str) -> None:
    (tmp_path / "walk.mov").touch()
    (job,) = discover_clips(tmp_path / "walk.mov", None, codec)
    assert job.output == tmp_path / expected
    assert job.name == "walk.mov"
    (job,) = discover_clips(tmp_path / "walk.mov", tmp_path / "x.avi", codec)
    assert job.output == tmp_path / "x.avi"


def test_existing_folder_takes_the_file(tmp_path: Path) -> None:
    (tmp_path / "walk.mov").touch()
    (tmp_path / "results").mkdir()
    (job,) = discover_clips(tmp_path / "walk.mov", tmp_path / "results", "h264")
    assert job.output == tmp_path / "results" / "walk.bodydouble.mp4"


def test_folder_of_images(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "street", ["1.jpg", "2.jpg"])
    (job,) = discover_clips(folder, None)
    assert (job.output, job.image_names, job.output_root) == (tmp_path / "street.bodydouble", "kept", None)
    (job,) = discover_clips(folder, tmp_path / "street.mp4")
    assert (job.codec, job.image_names) == ("h264", None)
    (job,) = discover_clips(folder, None, "lossless")
    assert job.image_names == "png"
    run(folder, tmp_path / "clip.mp4")
    assert open_source(tmp_path / "clip.mp4").geometry.num_frames == 2


def test_images_beside_sub_folders_are_a_clip_of_their_own(tmp_path: Path) -> None:
    make_images(tmp_path / "in", ["1.jpg"])
    make_images(tmp_path / "in" / "sub", ["1.jpg"])
    run(tmp_path / "in", tmp_path / "out")
    assert files_of(tmp_path / "out") == ["1.jpg", "sub/1.jpg"]


def test_photographs_in_a_mask_folder_are_not_copied(tmp_path: Path) -> None:
    make_images(tmp_path / "in" / "01", ["1.png"])
    make_images(tmp_path / "in" / "01_gt", ["1.png"])  # a smooth picture with many levels
    (tmp_path / "in" / "labels.txt").write_text("x")
    tree = discover_footage(tmp_path / "in", tmp_path / "out")
    assert len(tree.jobs) == 1
    with pytest.raises(UnreadableImage, match="may be footage and is not copied"):
        copy_companions(tree, overwrite=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["frames.zip", "clip.npz", "poster.gif", "training.mat", "unknown", "a.h5"])
def test_what_is_not_known_is_withheld(tmp_path: Path, name: str) -> None:
    make_images(tmp_path / "in" / "01", ["1.png"])
    (tmp_path / "in" / name).write_bytes(b"?")
    tree = discover_footage(tmp_path / "in", tmp_path / "out")
    assert (tree.companions, [path.name for path in tree.withheld]) == ((), [name])


def test_copies_are_not_overwritten(tmp_path: Path) -> None:
    make_images(tmp_path / "in" / "01", ["1.png"])
    (tmp_path / "in" / "labels.txt").write_text("new")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.txt").write_text("old")
    tree = discover_footage(tmp_path / "in", tmp_path / "out")
    with pytest.raises(OutputError, match="exists already"):
        copy_companions(tree, overwrite=False)
    assert copy_companions(tree, overwrite=True) == 1
    assert (tmp_path / "out" / "labels.txt").read_text() == "new"


@pytest.mark.parametrize("output", ["in", "in/out", "."])
def test_output_apart_from_the_input(tmp_path: Path, output: str) -> None:
    make_images(tmp_path / "in" / "01", ["1.png"])
    if output == ".":
        tree = discover_footage(tmp_path / "in", tmp_path)  # beside it, under other names: fine
        assert tree.jobs[0].output == tmp_path / "01"
        return
    with pytest.raises(OutputError, match="in, on or around the input"):
        discover_clips(tmp_path / "in", tmp_path / output)


def test_links_in_a_circle(tmp_path: Path) -> None:
    make_images(tmp_path / "in" / "01", ["1.png"])
    (tmp_path / "in" / "01" / "up").symlink_to(tmp_path / "in")
    assert [job.name for job in discover_clips(tmp_path / "in", tmp_path / "out")] == ["01"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideo, match="no such file or folder"):
        discover_clips(tmp_path / "none", None)
    with pytest.raises(OutputError, match="unknown codec"):
        discover_clips(tmp_path, None, "vp9")
