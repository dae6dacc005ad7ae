"""Where runs live, what may be touched, and when a run is ended on purpose."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bodydouble.compositing import ChangeCounts, TrackOutcome
from bodydouble.config import PolicyConfig
from bodydouble.errors import OutputError, PolicyStop
from bodydouble.pipeline.clips import run_folder_of
from bodydouble.pipeline.folder import check_free, disk_errors, make_parents
from bodydouble.pipeline.policy import check_coverage, check_failures, check_outcomes, check_played
from bodydouble.pipeline.windows import Failure, read_failures, write_failures
from bodydouble.testing import make_bundle
from bodydouble.video_io import ClipJob

STOP, PAINT = PolicyConfig(on_failure="stop"), PolicyConfig()


@pytest.mark.parametrize(
    ("output", "root", "expected"),
    [
        ("out/a.mp4", None, "out/a.bodydouble.run"),
        ("out/a.bodydouble.mp4", None, "out/a.bodydouble.run"),
        ("out/frames.bodydouble", None, "out/frames.bodydouble.run"),
        ("out/01", "out", "out.bodydouble.run/01"),
        ("d/out/deep/01.mp4", "d/out", "d/out.bodydouble.run/deep/01.mp4"),
    ],
)
def test_run_folders(output: str, root: str | None, expected: str) -> None:
    job = ClipJob(
        source=Path("x"), output=Path(output), name="x", codec="h264", output_root=Path(root) if root else None
    )
    assert run_folder_of(job) == Path(expected)


def test_check_free(tmp_path: Path) -> None:
    check_free(tmp_path / "new", overwrite=False)
    (tmp_path / "old").touch()
    with pytest.raises(OutputError, match="exists"):
        check_free(tmp_path / "old", overwrite=False)
    check_free(tmp_path / "old", overwrite=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_free(tmp_path / "no" / "such", overwrite=True)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "full"), (errno.EDQUOT, "full"), (errno.EACCES, "permission"), (errno.EROFS, "permission")],
)
def test_what_the_disk_refuses_is_an_output_error_that_names_the_file(number: int, words: str) -> None:
    with pytest.raises(OutputError, match=words) as caught, disk_errors(Path("run")):
        raise OSError(number, "reason", "some/file")
    assert "some/file" in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_other_system_errors_are_left_alone() -> None:
    with pytest.raises(InterruptedError), disk_errors(Path("run")):
        raise InterruptedError


def test_parents_are_made(tmp_path: Path) -> None:
    make_parents(tmp_path / "a" / "b" / "c", tmp_path / "a" / "d" / "e")
    assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a" / "b" / "c").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        make_parents(tmp_path / "file" / "x" / "y")


def test_failures_survive_the_disk_in_order(tmp_path: Path) -> None:
    failures = [
        Failure(track_id=2, first_frame=0, last_frame=3, reason="b"),
        Failure(track_id=1, first_frame=8, last_frame=9, reason="a"),
    ]
    write_failures(failures, tmp_path)
    assert read_failures(tmp_path) == (failures[1], failures[0])


def test_coverage_at_the_limit_is_enough() -> None:
    check_coverage(0.9, PolicyConfig(min_coverage=0.9))
    with pytest.raises(PolicyStop, match=r"0\.8999.*0\.9"):
        check_coverage(0.8999, PolicyConfig(min_coverage=0.9))


def test_who_is_not_played_stops_the_run_only_if_asked() -> None:
    bundle = make_bundle(num_frames=4, num_people=3)
    for track in bundle.tracks:
        track.play[:] = True
    check_played(bundle, STOP)
    bundle.tracks[1].play[0] = False
    check_played(bundle, PAINT)
    with pytest.raises(PolicyStop, match=f"track {bundle.tracks[1].track_id} in 1 of"):
        check_played(bundle, STOP)


def test_failures_stop_the_run_only_if_asked() -> None:
    failures = [Failure(track_id=n, first_frame=0, last_frame=5, reason="why not") for n in range(1, 8)]
    check_failures(failures, PAINT)
    check_failures([], STOP)
    with pytest.raises(PolicyStop, match=r"track 3, frames 0 to 5 \(why not\), and 4 more") as caught:
        check_failures(failures, STOP)
    assert "track 4" not in str(caught.value)


def test_a_person_of_whom_nothing_is_seen_need_not_be_replaced() -> None:
    def outcome(pixels: int) -> TrackOutcome:
        return TrackOutcome(track_id=4, action="painted_out", reason="empty", change=ChangeCounts(silhouette_px=pixels))

    check_outcomes(7, [outcome(0)], STOP)
    check_outcomes(7, [outcome(5)], PAINT)
    with pytest.raises(PolicyStop, match="track 4, frame 7"):
        check_outcomes(7, [outcome(5)], STOP)
