"""Readers: every layout, made here in miniature, and everything that must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from bodydouble.anomaly.data import TestClips, TestVideo, TrainingClips, open_dataset
from bodydouble.anomaly.data.frames import ImageFolder, VideoFile, footage_in, images_in
from bodydouble.anomaly.data.labels import from_ucsd_list
from bodydouble.errors import InputError, UnreadableImage, UnreadableVideo, UsageError
from tests.unit.anomaly.helpers import InMemory

PED2, AVENUE, SHANGHAI = (360, 240), (640, 360), (856, 480)


def write_frames(folder: Path, count: int, size: tuple[int, int], *, suffix: str = ".jpg", first: int = 1) -> Path:
    """Frames in one grey each, brighter by 10 from frame to frame."""
    folder.mkdir(parents=True)
    for index in range(count):
        picture = np.full((size[1], size[0]), 20 + 10 * index, np.uint8)
        assert cv2.imwrite(str(folder / f"{first + index:03d}{suffix}"), picture)
    return folder


def write_video(path: Path, count: int, size: tuple[int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, size)
    for index in range(count):
        writer.write(np.full((size[1], size[0], 3), 20 + 10 * index, np.uint8))
    writer.release()
    return path


@pytest.fixture
def repacked(tmp_path: Path) -> Path:
    """Two training and two test videos of Ped2 as the detectors' authors repack them."""
    for half, counts in (("training", (3, 4)), ("testing", (4, 5))):
        for number, count in enumerate(counts, start=1):
            write_frames(tmp_path / half / "frames" / f"{number:02d}", count, PED2)
    (tmp_path / "frame_labels.json").write_text(json.dumps({"01": [0, 0, 1, 1], "02": [0, 1, 1, 0, 0]}))
    return tmp_path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The same as the University of California published them."""
    for half, counts in (("Train", (3, 4)), ("Test", (4, 5))):
        for number, count in enumerate(counts, start=1):
            write_frames(tmp_path / half / f"{half}{number:03d}", count, PED2, suffix=".tif")
    (tmp_path / "Test" / "Test001" / "._001.tif").write_bytes(b"what macOS leaves behind")
    (tmp_path / "Test" / "UCSDped2.m").write_text(
        "TestVideoFile = {};\nTestVideoFile{end+1}.gt_frame = [3:4];\nTestVideoFile{end+1}.gt_frame = [2, 4:5];\n"
    )
    masks = tmp_path / "Test" / "Test001_gt"
    masks.mkdir()
    for index in range(4):
        mask = np.zeros((240, 360), np.uint8)
        mask[10:20, 30:50] = 255 * (index >= 2)
        cv2.imwrite(str(masks / f"{index + 1:03d}.bmp"), mask)
    return tmp_path


def labels_of(dataset) -> dict[str, list[int]]:
    return {video.footage.name: video.labels.astype(int).tolist() for video in dataset.testing.videos}


@pytest.mark.parametrize("kind", ["ucsd", "auto"])
def test_ped2_repacked(repacked: Path, kind: str) -> None:
    dataset = open_dataset(repacked, kind)
    assert dataset.kind == "ucsd-ped2"
    assert [video.name for video in dataset.training.videos] == ["01", "02"]
    assert labels_of(dataset) == {"01": [0, 0, 1, 1], "02": [0, 1, 1, 0, 0]}
    assert dataset.remarks == (
        "2 of the 16 training videos of ucsd-ped2: figures compare with no published ones",
        "2 of the 12 test videos of ucsd-ped2: figures compare with no published ones",
    )
    frames = list(dataset.testing.videos[1].footage.frames())
    assert [f.shape for f in frames] == [(240, 360, 3)] * 5
    assert [round(float(f.mean()), -1) for f in frames] == [20, 30, 40, 50, 60]


def test_ped2_published(published: Path) -> None:
    dataset = open_dataset(published, "ucsd")
    assert labels_of(dataset) == {"Test001": [0, 0, 1, 1], "Test002": [0, 1, 0, 1, 1]}
    first, second = dataset.testing.videos
    assert first.read_masks is not None
    masks = first.read_masks()
    assert masks.shape == (4, 240, 360)
    assert masks.any((1, 2)).tolist() == [False, False, True, True]
    assert masks[3].sum() == 200
    assert second.read_masks is None


def test_labels_from_masks_alone(published: Path) -> None:
    (published / "Test" / "UCSDped2.m").unlink()
    with pytest.raises(InputError, match="no labels for the test video Test002"):
        open_dataset(published, "ucsd")
    for path in (published / "Test" / "Test002").iterdir():
        path.unlink()
    (published / "Test" / "Test002").rmdir()
    assert labels_of(open_dataset(published, "ucsd")) == {"Test001": [0, 0, 1, 1]}


def test_one_row_of_labels_for_all_videos(repacked: Path) -> None:
    (repacked / "frame_labels.json").unlink()
    row = repacked / "frame_labels_ped2.npy"
    np.save(row, np.array([[0, 0, 0, 1, 1, 1, 0, 0, 0]], np.int8))
    assert labels_of(open_dataset(repacked, "ucsd")) == {"01": [0, 0, 0, 1], "02": [1, 1, 0, 0, 0]}
    np.save(row, np.zeros(8, np.int8))
    with pytest.raises(InputError, match="8 labels for 9 frames"):
        open_dataset(repacked, "ucsd")
    np.save(row, np.array([0, 1, "x"], object), allow_pickle=True)
    with pytest.raises(InputError, match="no plain array"):
        open_dataset(repacked, "ucsd")


def test_a_copy_borrows_labels(repacked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write_frames(copy / "training" / "frames" / "01", 3, PED2)
    for name, count in (("01", 4), ("02", 5)):
        write_frames(copy / "testing" / "frames" / name, count, PED2)
    with pytest.raises(InputError, match="no labels for the test video 01"):
        open_dataset(copy, "ucsd")
    assert labels_of(open_dataset(copy, "ucsd", labels_from=repacked)) == labels_of(open_dataset(repacked, "ucsd"))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"01": [0, 0, 1, 1]}, "no labels for 02"),
        ({"01": [0, 0, 1], "02": [0] * 5}, "01 has 4 frames and 3 labels"),
        ({"01": [0, 0, 2, 1], "02": [0] * 5}, "one row of 0"),
        ({"01": [], "02": [0] * 5}, "one row of 0"),
        ({"01": ["a"], "02": [0] * 5}, "one row of 0"),
        ([1, 2], "must map names"),
    ],
)
def test_labels_that_do_not_fit(repacked: Path, labels: object, words: str) -> None:
    (repacked / "frame_labels.json").write_text(json.dumps(labels))
    with pytest.raises(InputError, match=words):
        open_dataset(repacked, "ucsd")


def test_labels_that_are_no_json(repacked: Path) -> None:
    (repacked / "frame_labels.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        open_dataset(repacked, "ucsd")


def test_frames_that_do_not_fit(repacked: Path) -> None:
    odd = repacked / "training" / "frames" / "03"
    write_frames(odd, 2, (358, 240))
    with pytest.raises(InputError, match="03 is 358x240 px, but ucsd-ped2 is 360x240 px"):
        open_dataset(repacked, "ucsd")
    for path in odd.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no frames in 03"):
        open_dataset(repacked, "ucsd")


def test_another_size_is_not_ped(tmp_path: Path) -> None:
    for half in ("training", "testing"):
        write_frames(tmp_path / half / "frames" / "01", 2, (100, 80))
    with pytest.raises(InputError, match="100x80 px; UCSD Ped1 has 238x158"):
        open_dataset(tmp_path, "ucsd")


@pytest.mark.parametrize("row", ["[5:4]", "[0:2]", "[3:9]", "[a]", "[]"])
def test_ranges_that_make_no_sense(tmp_path: Path, row: str) -> None:
    path = tmp_path / "UCSDped2.m"
    path.write_text(f"TestVideoFile{{end+1}}.gt_frame = {row};")
    with pytest.raises(InputError, match="make no sense"):
        from_ucsd_list(path, [8])
    with pytest.raises(InputError, match="lists 1 test videos, but there are 2"):
        from_ucsd_list(path, [8, 8])


def test_ranges_are_read(tmp_path: Path) -> None:
    path = tmp_path / "UCSDped1.m"
    path.write_text("x.gt_frame = [1:2 , 4 : 5, 8];\n")
    assert from_ucsd_list(path, [8])[0].astype(int).tolist() == [1, 1, 0, 1, 1, 0, 0, 1]


def test_avenue_published(tmp_path: Path) -> None:
    write_video(tmp_path / "training_videos" / "01.avi", 3, AVENUE)
    write_video(tmp_path / "testing_videos" / "01.avi", 4, AVENUE)
    volume = np.empty((1, 4), object)
    for index in range(4):
        volume[0, index] = np.full((360, 640), index == 1, np.uint8)
    folder = tmp_path / "ground_truth_demo" / "testing_label_mask"
    folder.mkdir(parents=True)
    savemat(folder / "1_label.mat", {"volLabel": volume})
    dataset = open_dataset(tmp_path, "auto")
    assert dataset.kind == "avenue"
    assert labels_of(dataset) == {"01": [0, 1, 0, 0]}
    assert dataset.testing.videos[0].read_masks().shape == (4, 360, 640)  # type: ignore[misc]
    assert len(dataset.remarks) == 2
    frames = list(dataset.training.videos[0].frames())
    assert [f.shape for f in frames] == [(360, 640, 3)] * 3
    savemat(folder / "1_label.mat", {"other": 1})
    with pytest.raises(InputError, match="no volLabel"):
        open_dataset(tmp_path, "avenue")


def test_avenue_in_frames_with_packed_masks(tmp_path: Path) -> None:
    write_frames(tmp_path / "training" / "frames" / "01", 2, AVENUE, first=0)
    write_frames(tmp_path / "testing" / "frames" / "02", 3, AVENUE, first=0)
    (tmp_path / "masks").mkdir()
    masks = np.zeros((3, 360, 640), np.bool_)
    masks[2, 5, 633] = True
    np.savez(tmp_path / "masks" / "02.npz", masks_packed=np.packbits(masks, axis=-1))
    dataset = open_dataset(tmp_path, "avenue")
    assert labels_of(dataset) == {"02": [0, 0, 1]}
    np.testing.assert_array_equal(dataset.testing.videos[0].read_masks(), masks)  # type: ignore[misc]
    (tmp_path / "frame_labels.json").write_text('{"02": [0, 0, 1]}')
    np.savez(tmp_path / "masks" / "02.npz", masks_packed=np.packbits(masks[:2], axis=-1))
    with pytest.raises(InputError, match="02 has 3 labels and 2 masks"):
        open_dataset(tmp_path, "avenue").testing.videos[0].read_masks()  # type: ignore[misc]


def test_shanghaitech(tmp_path: Path) -> None:
    write_video(tmp_path / "training" / "videos" / "01_001.avi", 2, SHANGHAI)
    write_frames(tmp_path / "testing" / "frames" / "01_0014", 3, SHANGHAI, first=0)
    for folder in ("test_frame_mask", "test_pixel_mask"):
        (tmp_path / "testing" / folder).mkdir()
    np.save(tmp_path / "testing" / "test_frame_mask" / "01_0014.npy", np.array([0, 1, 1]))
    np.save(tmp_path / "testing" / "test_pixel_mask" / "01_0014.npy", np.zeros((3, 480, 856), np.uint8))
    dataset = open_dataset(tmp_path, "auto")
    assert dataset.kind == "shanghaitech"
    assert labels_of(dataset) == {"01_0014": [0, 1, 1]}
    assert dataset.testing.videos[0].read_masks().shape == (3, 480, 856)  # type: ignore[misc]
    assert dataset.training.videos[0].name == "01_001"


def test_rendered_streets(tmp_path: Path) -> None:
    write_video(tmp_path / "training" / "videos" / "a.avi", 2, (64, 48))
    write_video(tmp_path / "testing" / "videos" / "b.avi", 3, (64, 48))
    (tmp_path / "frame_labels.json").write_text('{"b": [0, 1, 1]}')
    dataset = open_dataset(tmp_path, "auto")
    assert dataset.kind == "synth"
    assert dataset.remarks == ()
    assert labels_of(dataset) == {"b": [0, 1, 1]}


def test_what_is_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(InputError, match="none of the known data sets"):
        open_dataset(tmp_path)
    with pytest.raises(UsageError, match="no data set kind 'ped2'"):
        open_dataset(tmp_path, "ped2")


def test_order_is_that_of_numbers(tmp_path: Path) -> None:
    for name in ("10", "2", "1"):
        write_frames(tmp_path / name, 1, (8, 8))
    assert [video.name for video in footage_in(tmp_path)] == ["1", "2", "10"]
    for name in ("frame10.png", "frame9.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4), np.uint8))
    assert [path.name for path in images_in(tmp_path)] == ["frame9.png", "frame10.png"]


def test_folders_and_files_do_not_mix(tmp_path: Path) -> None:
    write_frames(tmp_path / "1", 1, (8, 8))
    (tmp_path / "2.avi").write_bytes(b"")
    with pytest.raises(InputError, match="keep one kind"):
        footage_in(tmp_path)


def test_pictures_and_videos_that_cannot_be_decoded(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "a", 3, (8, 8))
    (folder / "002.jpg").write_bytes(b"")
    footage = ImageFolder(name="a", paths=images_in(folder))
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        list(footage.frames())
    cv2.imwrite(str(folder / "002.jpg"), np.zeros((8, 9), np.uint8))
    with pytest.raises(UnreadableImage, match="is 9x8 px, the first frame 8x8 px"):
        list(footage.frames())
    broken = tmp_path / "b.avi"
    broken.write_bytes(b"RIFF")
    with pytest.raises(UnreadableVideo):
        list(VideoFile(name="b", path=broken).frames())


def test_frames_are_rgb(tmp_path: Path) -> None:
    blue_green_red = np.zeros((8, 8, 3), np.uint8)
    blue_green_red[..., 2] = 255
    cv2.imwrite(str(tmp_path / "1.png"), blue_green_red)
    frame = next(ImageFolder(name="x", paths=images_in(tmp_path)).frames())
    assert frame[0, 0].tolist() == [255, 0, 0]


def test_identity_follows_the_files(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "a", 2, (8, 8))
    footage = ImageFolder(name="a", paths=images_in(folder))
    before = footage.identity
    assert ImageFolder(name="a", paths=images_in(folder)).identity == before
    (folder / "001.jpg").write_bytes((folder / "001.jpg").read_bytes() + b"\0")
    assert footage.identity != before


def test_names_are_unique_and_there_is_something() -> None:
    with pytest.raises(InputError, match="no training videos"):
        TrainingClips(videos=())
    twice = TestVideo(footage=InMemory(name="a"), labels=np.zeros(24, np.bool_))
    with pytest.raises(InputError, match="test videos are there twice: a"):
        TestClips(videos=(twice, twice))
    with pytest.raises(InputError, match="expected one per frame"):
        TestVideo(footage=InMemory(name="a"), labels=np.zeros(0, np.bool_))


@pytest.mark.real_data
def test_recorded_ped2(real_data_dir: Path) -> None:
    dataset = open_dataset(real_data_dir / "ucsd_ped2")
    assert dataset.kind == "ucsd-ped2"
    assert dataset.remarks == ()
    assert (len(dataset.training.videos), len(dataset.testing.videos)) == (16, 12)
    assert sum(len(video.labels) for video in dataset.testing.videos) == 2010
    for video in (dataset.testing.videos[0], dataset.testing.videos[8]):
        assert video.read_masks is not None
        agree = video.read_masks().any((1, 2)) == video.labels
        assert agree.mean() > 0.95


@pytest.mark.real_data
def test_recorded_avenue(real_data_dir: Path) -> None:
    dataset = open_dataset(real_data_dir / "avenue")
    assert dataset.kind == "avenue"
    assert len(dataset.remarks) == 2
    for video in dataset.testing.videos:
        assert sum(1 for _ in video.footage.frames()) == len(video.labels)
        assert video.read_masks is not None
        np.testing.assert_array_equal(video.read_masks().any((1, 2)), video.labels)
