"""Clips of other kinds run to the end: a dark crowded hall, a grey data set, empty frames, a moving camera, a crowd."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.ledger import read_ledger
from bodydouble.pipeline import anonymize

pytestmark = pytest.mark.real_data

COUNT = 24
"""Frames of each excerpt."""


def check_unchanged_outside_people(run) -> None:
    """Most of the picture is as filmed, and frames in which nobody was found are so to the bit."""
    bundle = run.bundle
    for index, (filmed, made) in enumerate(zip(run.filmed(), run.pictures(), strict=True)):
        assert filmed.shape == made.shape
        if all(track.step_of(index) is None for track in bundle.tracks):
            np.testing.assert_array_equal(filmed, made)


@pytest.mark.parametrize(
    ("name", "first", "camera_is_static"),
    [
        ("avenue/testing_videos/20.avi", 100, True),
        ("clips/tvquynh_walking.mp4", 60, False),
        ("clips/swdee_people-walking.mp4", 30, None),
        ("tud_campus/TUD-Campus.mp4", 20, None),
    ],
)
def test_clips_with_people(
    real_data_dir: Path, excerpt, run_default, name: str, first: int, camera_is_static: bool | None
):
    run = run_default(excerpt(real_data_dir / name, first, COUNT))
    assert run.result.num_frames == COUNT
    assert run.result.num_tracks > 0
    assert run.result.coverage > 0.9
    check_unchanged_outside_people(run)
    if camera_is_static is not None:
        assert run.bundle.camera.is_static == camera_is_static
    actions = {span.action for entry in read_ledger(run.result.run_folder / "ledger.jsonl") for span in entry.spans}
    assert actions <= {"replaced", "painted_out"}


def test_frames_without_people_pass_as_they_are(real_data_dir: Path, excerpt, run_default, record_property):
    run = run_default(excerpt(real_data_dir / "clips" / "intel_one-by-one-person-detection.mp4", 0, COUNT))
    check_unchanged_outside_people(run)
    bundle = run.bundle
    empty = [i for i in range(COUNT) if all(track.step_of(i) is None for track in bundle.tracks)]
    record_property("frames_without_anybody", f"{len(empty)} of {COUNT}")


def test_grey_images_come_out_grey_under_the_same_names(real_data_dir: Path, tmp_path: Path):
    source, target = tmp_path / "01", tmp_path / "doubles"
    source.mkdir()
    names = sorted(p.name for p in (real_data_dir / "ucsd_ped2" / "testing" / "frames" / "01").iterdir())[:COUNT]
    for name in names:
        (source / name).write_bytes((real_data_dir / "ucsd_ped2" / "testing" / "frames" / "01" / name).read_bytes())
    (result,) = anonymize(source, target)
    assert result.num_frames == COUNT
    made = sorted(p.name for p in target.iterdir())
    assert [Path(name).stem for name in made] == [Path(name).stem for name in names]
    for name in made:
        picture = cv2.imread(str(target / name), cv2.IMREAD_COLOR)
        assert picture is not None
        assert np.ptp(picture, axis=2).max() == 0
