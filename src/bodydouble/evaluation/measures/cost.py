"""What making the result took, by its own record. Nothing is timed here: machines differ, and the clip is made already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

_MEBIBYTE: Final[float] = 1024.0**2


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """What the manifest of a run says of its cost."""

    num_frames: int
    """Frames of the clip."""
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall-clock time of each stage that was finished."""
    peak_memory_bytes: int = 0
    """Largest resident size; 0 where it is not known."""


class Cost:
    """Frames a second and peak memory of the runs that made the results."""

    name = "cost"

    def __init__(self, runs: Mapping[str, RunCost] | None = None) -> None:
        """Set up.

        Args:
            runs: by the clip's name; clips without an entry, such as results made elsewhere, add nothing.
        """
        self.runs = dict(runs or {})

    def start(self, clip: PairedClip) -> _Cost:
        """Begin with a clip."""
        return _Cost(self.runs.get(clip.name))

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``cost.frames_per_second``, ``cost.peak_memory_mb`` and ``cost.STAGE.seconds_per_frame``."""
        frames, seconds = tally.counts.get("frames", 0.0), tally.counts.get("seconds", 0.0)
        peaks = [peak for peak in tally.samples.get("peak_bytes", ()) if peak > 0.0]
        clips = round(tally.counts.get("clips", 0.0))
        without = round(tally.counts.get("clips_without_record", 0.0))
        note = f"{clips} clips, {without} without a record" if clips else "no record of the run"
        shown: list[tuple[str, str, float | None]] = [
            ("frames_per_second", "speed, frames/s", frames / seconds if seconds > 0.0 else None),
            ("peak_memory_mb", "peak memory, MiB", max(peaks) / _MEBIBYTE if peaks else None),
        ]
        for key in sorted(tally.counts):
            if key.startswith("seconds."):
                stage = key.removeprefix("seconds.")
                value = tally.counts[key] / frames if frames > 0.0 else None
                shown.append((f"{stage}.seconds_per_frame", f"{stage}, seconds a frame", value))
        return tuple(
            Figure(
                key=f"cost.{key}",
                label=label,
                group="cost",
                better="high" if key == "frames_per_second" else "low",
                value=value,
                trials=round(frames),
                note=note,
            )
            for key, label, value in shown
        )


class _Cost:
    def __init__(self, run: RunCost | None) -> None:
        self._run = run

    def see(self, pair: FramePair) -> None:
        """Pictures tell nothing of cost."""

    def finish(self) -> Tally:
        run = self._run
        if run is None or not run.stage_seconds:
            return Tally(measure=Cost.name, counts={"clips_without_record": 1.0})
        return Tally(
            measure=Cost.name,
            counts={
                "clips": 1.0,
                "frames": float(run.num_frames),
                "seconds": float(sum(run.stage_seconds.values())),
                **{f"seconds.{stage}": float(seconds) for stage, seconds in run.stage_seconds.items()},
            },
            samples={"peak_bytes": (float(run.peak_memory_bytes),)},
        )
