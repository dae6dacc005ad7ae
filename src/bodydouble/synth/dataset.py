"""A rendered data set for anomaly detection, laid out as the recorded ones are, with exact labels.

::

    OUT/training/frames/01/0001.png    only ordinary traffic
    OUT/testing/frames/01/0001.png     with an event in each clip
    OUT/frame_labels.json              {"01": [0, 0, 1, ...]} of the test clips: 1 where something unusual is seen
    OUT/masks/01.npz                   masks_packed: (frames, H, W / 8) bits of what is unusual; height, width
    OUT/truth/testing/01/gt.txt        MOTChallenge boxes; events.json beside it: who does what, and when it is unusual
    OUT/dataset.json                   how it was made
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np

from bodydouble.errors import OutputError, UsageError
from bodydouble.scene import Progress, SilentProgress, strict_files
from bodydouble.seeds import derive_seed
from bodydouble.synth.files import mot_row, write_png
from bodydouble.synth.painter import THING
from bodydouble.synth.street import Street, StreetFrame, camera_of_place
from bodydouble.synth.unusual_day import LEVELS, Difficulty, event_parts, ordinary_parts

Split = Literal["training", "testing"]
_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """What is rendered; the same plan gives the same files on the same machine."""

    seed: int = 0
    """Decides the place, and with the number of a clip the people in it."""
    train_clips: int = 8
    test_clips: int = 8
    frames: int = 120
    """Of each clip."""
    width_px: int = 320
    height_px: int = 180
    fps: int = 12
    difficulty: Difficulty = "medium"
    gray: bool = False

    def check(self) -> None:
        """Check ranges.

        Raises:
            UsageError: a number is impossible.
        """
        limits = {
            "training clips": (self.train_clips, 0, 999),
            "test clips": (self.test_clips, 0, 999),
            "frames a clip": (self.frames, 1, 100_000),
            "px wide": (self.width_px, 16, 4096),
            "px high": (self.height_px, 16, 4096),
            "frames a second": (self.fps, 1, 240),
        }
        for name, (value, low, high) in limits.items():
            if not low <= value <= high:
                raise UsageError(f"{value} {name} cannot be rendered; allowed is {low} to {high}")
        if self.train_clips + self.test_clips == 0:
            raise UsageError("a data set needs at least one clip; give --train-clips or --test-clips")
        if self.difficulty not in LEVELS:
            raise UsageError(f"difficulty {self.difficulty!r} is unknown; choose one of {', '.join(LEVELS)}")


def render_dataset(
    out: Path, plan: DatasetPlan, *, overwrite: bool = False, resume: bool = False, progress: Progress | None = None
) -> Path:
    """Render a data set; it appears under its name only when it is complete.

    Args:
        out: folder to make.
        plan: what to render.
        overwrite: replace what is there.
        resume: keep the clips that an interrupted run of the same plan has finished.
        progress: told of each frame.

    Raises:
        UsageError: an impossible plan.
        OutputError: something is there already, the place cannot be written, or what is to be resumed had another plan.
    """
    plan.check()
    if out.exists() and not overwrite:
        raise OutputError(f"exists already; remove it, choose another name, or allow overwriting: {out}")
    if not out.parent.is_dir():
        raise OutputError(f"the folder to write into does not exist; make it first: {out.parent}")
    partial = out.with_name(f".{out.name}.partial")
    _prepare(partial, plan, resume=resume)
    progress = progress or SilentProgress()
    progress.start("render", (plan.train_clips + plan.test_clips) * plan.frames)
    labels: dict[str, list[int]] = {}
    for split, count in (("training", plan.train_clips), ("testing", plan.test_clips)):
        for number in range(count):
            name = f"{number + 1:02d}"
            done = partial / "truth" / split / name / "labels.json"
            if done.exists():
                progress.advance(plan.frames)
            else:
                _render_clip(partial, plan, cast(Split, split), number, progress)
            if split == "testing":
                labels[name] = json.loads(done.read_text())
    (partial / "frame_labels.json").write_text(json.dumps(labels) + "\n")
    if overwrite:
        _remove(out)
    partial.rename(out)
    progress.finish()
    return out


def clip_street(plan: DatasetPlan, split: Split, number: int) -> Street:
    """The street of one clip: the place of the data set, with this clip's people in it.

    Training clips are ordinary; test clip ``number`` has the kind of event whose turn it is.
    """
    level = LEVELS[plan.difficulty]
    seed = derive_seed(plan.seed, split, number)
    seconds = plan.frames / plan.fps
    camera = camera_of_place(plan.seed, width_px=plan.width_px, height_px=plan.height_px)
    parts = ordinary_parts(camera, num_people=level.num_people, seconds=seconds, seed=seed)
    if split == "testing":
        event = level.events[number % len(level.events)]
        parts += event_parts(camera, event, level=level, seconds=seconds, seed=seed)
    return Street(
        seed=seed,
        place_seed=plan.seed,
        num_frames=plan.frames,
        width_px=plan.width_px,
        height_px=plan.height_px,
        num_people=len(parts),
        fps=plan.fps,
        is_gray=plan.gray,
        noise_levels=level.noise_levels,
        parts=parts,
    )


def _prepare(partial: Path, plan: DatasetPlan, *, resume: bool) -> None:
    record = partial / "dataset.json"
    wanted = json.dumps({"version": _VERSION, "made_by": "bodydouble synth", **asdict(plan)}, indent=1) + "\n"
    if not resume:
        _remove(partial)
    if record.exists() and record.read_text() != wanted:
        raise OutputError(f"what was rendered so far had another plan; start without --resume: {record}")
    try:
        partial.mkdir(exist_ok=True)
        record.write_text(wanted)
    except OSError as error:
        raise OutputError(f"cannot write ({error.strerror}): {partial}") from error


def _render_clip(root: Path, plan: DatasetPlan, split: Split, number: int, progress: Progress) -> None:
    """Frames, boxes, masks and last of all the labels, which mark the clip as finished."""
    name = f"{number + 1:02d}"
    street = clip_street(plan, split, number)
    frames_dir, truth_dir = root / split / "frames" / name, root / "truth" / split / name
    for folder in (frames_dir, truth_dir):
        _remove(folder)
        folder.mkdir(parents=True)
    mot, labels, masks = [], [], []
    unusual: dict[int, list[int]] = {}
    for frame in street.frames():
        write_png(frames_dir / f"{frame.index + 1:04d}.png", frame.rgb)
        mask = unusual_pixels(frame)
        labels.append(int(mask.any()))
        masks.append(np.packbits(mask, axis=-1))
        for sighting in frame.sightings:
            mot.append(mot_row(frame.index, sighting))
            if not sighting.is_normal:
                unusual.setdefault(sighting.track_id, []).append(frame.index)
        progress.advance()
    people = [
        {"track_id": i + 1, "behaviour": part.name, "abnormal_frames": unusual.get(i + 1, [])}
        for i, part in enumerate(street.behaviours)
    ]
    (truth_dir / "gt.txt").write_text("".join(mot))
    (truth_dir / "events.json").write_text(json.dumps({"people": people}, indent=1) + "\n")
    if split == "testing":
        (root / "masks").mkdir(exist_ok=True)
        packed = {
            "masks_packed": np.stack(masks),
            "height": np.array(plan.height_px),
            "width": np.array(plan.width_px),
        }
        strict_files.write_npz(root / "masks" / f"{name}.npz", packed, level=6)
    (truth_dir / "labels.json").write_text(json.dumps(labels) + "\n")


def unusual_pixels(frame: StreetFrame) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """``(H, W)``: where somebody who does something unusual, or a thing in flight, is seen."""
    ids = [sighting.track_id for sighting in frame.sightings if not sighting.is_normal]
    return np.asarray(np.isin(frame.labels, [*ids, THING]))


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
