"""The shipped networks on a rendered street: the number of threads changes no bit of what perception says."""

from __future__ import annotations

from pathlib import Path

from bodydouble.perception import perceive
from bodydouble.perception.config import PerceptionConfig, TrackingConfig
from bodydouble.scene import SilentProgress
from bodydouble.scene.bundle_files import write_bundle
from bodydouble.synth import render_street
from bodydouble.video_io import open_source


def test_one_thread_and_two_make_the_same_bundle_and_plate(tmp_path: Path) -> None:
    street = render_street(
        tmp_path / "street.mkv", seed=5, num_frames=6, width_px=320, height_px=180, num_people=3, codec="lossless"
    )
    made: dict[int, dict[str, bytes]] = {}
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        with open_source(street.video) as source:
            bundle = perceive(
                source,
                PerceptionConfig(threads=threads, tracking=TrackingConfig(min_seconds=0.0)),
                work_dir=tmp_path / f"{threads}.work",
                plate_dir=folder / "plate",
                producer="test",
                progress=SilentProgress(),
            )
        assert bundle.tracks, "an empty bundle would be the same for any reason"
        write_bundle(bundle, folder / "scene")
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        made[threads] = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    assert made[1] == made[2]
