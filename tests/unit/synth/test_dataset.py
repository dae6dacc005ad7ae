"""A rendered data set for anomaly detection: laid out as promised, labelled truly, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.errors import OutputError, UsageError
from bodydouble.synth import DatasetPlan, Street, render_dataset
from bodydouble.synth.behaviour import Behaviour
from bodydouble.synth.dataset import clip_street, unusual_pixels
from bodydouble.synth.painter import THING
from bodydouble.synth.unusual import Cycle, Fall, Fight, Loiter, PushPram, Run, Throw, WrongWay
from bodydouble.synth.unusual_day import LEVELS
from bodydouble.testing import RecordingProgress

SMALL = DatasetPlan(seed=3, train_clips=1, test_clips=2, frames=6, width_px=97, height_px=54, fps=2, difficulty="easy")
WAY = ((-3.0, 10.0), (9.0, 10.0))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_dataset(tmp_path_factory.mktemp("data") / "street", SMALL)


def _play(*parts: Behaviour, num_frames: int = 8, fps: float = 4) -> list[object]:
    return list(
        Street(
            seed=1,
            num_frames=num_frames,
            width_px=160,
            height_px=90,
            num_people=0,
            fps=fps,
            parts=parts,
            noise_levels=0,
        ).frames()
    )


def test_layout_and_labels_agree(dataset: Path) -> None:
    assert sorted(p.name for p in dataset.iterdir()) == [
        "dataset.json", "frame_labels.json", "masks", "testing", "training", "truth",
    ]  # fmt: skip
    labels = json.loads((dataset / "frame_labels.json").read_text())
    assert sorted(labels) == ["01", "02"]
    for name, values in labels.items():
        frames = sorted((dataset / "testing" / "frames" / name).iterdir())
        assert [p.name for p in frames] == [f"{i:04d}.png" for i in range(1, 7)]
        image = cv2.imread(str(frames[0]))
        assert image is not None
        assert image.shape == (54, 97, 3)
        with np.load(dataset / "masks" / f"{name}.npz") as stored:
            masks = np.unpackbits(stored["masks_packed"], axis=-1)[..., : int(stored["width"])]
        assert masks.shape == (6, 54, 97)
        assert [int(mask.any()) for mask in masks] == values
    # Whatever the event, a test clip begins ordinarily and does not stay so.
    assert all(values[0] == 0 and max(values) == 1 for values in labels.values())


def test_training_clips_are_ordinary(dataset: Path) -> None:
    events = json.loads((dataset / "truth" / "training" / "01" / "events.json").read_text())
    assert len(events["people"]) == LEVELS["easy"].num_people
    assert all(not person["abnormal_frames"] for person in events["people"])
    assert not (dataset / "truth" / "training" / "01" / "labels.json").read_text().count("1")


def test_all_clips_show_one_place_with_other_people() -> None:
    first, second = (clip_street(SMALL, "training", number) for number in (0, 1))
    assert np.array_equal(first.plate_rgb(), second.plate_rgb())
    assert not np.array_equal(next(first.frames()).rgb, next(second.frames()).rgb)


def test_events_take_turns() -> None:
    for difficulty, level in LEVELS.items():
        plan = replace(SMALL, difficulty=difficulty)
        for number, event in enumerate(level.events):
            street = clip_street(plan, "testing", number)
            assert event in {part.name for part in street.behaviours}


def test_a_killed_rendering_goes_on_and_gives_the_same(dataset: Path, tmp_path: Path) -> None:
    class Killed(RecordingProgress):
        steps = 0

        def advance(self, steps: int = 1) -> None:
            self.steps += steps
            if self.steps > 8:
                raise KeyboardInterrupt

    out = tmp_path / "street"
    with pytest.raises(KeyboardInterrupt):
        render_dataset(out, SMALL, progress=Killed())
    assert not out.exists()
    with pytest.raises(OutputError, match="another plan"):
        render_dataset(out, replace(SMALL, seed=4), resume=True)
    render_dataset(out, SMALL, resume=True)
    files = sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(dataset) for p in dataset.rglob("*") if p.is_file())
    assert all((out / name).read_bytes() == (dataset / name).read_bytes() for name in files)


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"train_clips": 0, "test_clips": 0}, {"difficulty": "none"}, {"width_px": 9000}]
)
def test_impossible_plans(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        render_dataset(tmp_path / "out", replace(SMALL, **wrong))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(dataset: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        render_dataset(dataset, SMALL)


def test_who_falls_lies_on_the_ground() -> None:
    frames = _play(Fall(way_xy_m=WAY, falls_at_seconds=0.5), num_frames=10)
    boxes = [frame.sightings[0].box_xyxy_px for frame in frames]  # type: ignore[attr-defined]
    shapes = [(right - left) / (bottom - top) for left, top, right, bottom in boxes]
    assert shapes[0] < 0.7
    assert shapes[-1] > 1.3
    assert [f.sightings[0].is_normal for f in frames[:4]] == [True, True, False, False]  # type: ignore[attr-defined]
    # Feet and then the body rest on the same ground.
    assert abs(boxes[-1][3] - boxes[0][3]) < 0.35 * (boxes[0][3] - boxes[0][1])


def test_runners_and_riders_are_faster_than_walkers() -> None:
    def travelled(part: Behaviour) -> float:
        frames = _play(part, num_frames=5)
        middles = [np.mean(f.sightings[0].box_xyxy_px[::2]) for f in frames]  # type: ignore[attr-defined]
        return float(middles[-1] - middles[0])

    walking = travelled(PushPram(way_xy_m=WAY, speed_mps=1.3))
    assert walking > 3
    assert travelled(Run(way_xy_m=WAY, speed_mps=3.5)) > 2 * walking
    assert travelled(Cycle(way_xy_m=WAY, speed_mps=4.5)) > 2.5 * walking


def test_a_ball_flies_is_labelled_and_is_gone() -> None:
    throw = Throw(place_xy_m=(-1.0, 10.0), facing_rad=np.pi / 2, from_seconds=0.25, every_seconds=30)
    frames = _play(throw, num_frames=24, fps=10)
    flying = [bool((f.labels == THING).any()) for f in frames]  # type: ignore[attr-defined]
    assert not any(flying[:8])
    assert any(flying[9:20])
    first = flying.index(True)
    assert all(unusual_pixels(f).any() for f in frames[first : first + 3])  # type: ignore[arg-type]
    # The ball is nobody: it has no sighting of its own.
    assert all(len(f.sightings) == 1 for f in frames)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("part", "normal"),
    [
        (Fight(place_xy_m=(0.0, 10.0), facing_rad=0.0, from_seconds=1.0), [True, False]),
        (WrongWay(way_xy_m=WAY), [False, False]),
        (Loiter(way_xy_m=WAY), [False, False]),
        (PushPram(way_xy_m=WAY), [True, True]),
        (Throw(place_xy_m=(0, 10), facing_rad=0.0, from_seconds=0.5), [True, False]),
    ],
)
def test_what_is_unusual_when(part: Behaviour, normal: list[bool]) -> None:
    assert [part.is_normal_at(seconds) for seconds in (0.0, 1.1)] == normal
