"""``bodydouble doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bodydouble.cli.options import RunOptions, parse
from bodydouble.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from bodydouble.pipeline.doctor import Diagnosis, Expectation


@dataclass(frozen=True, kw_only=True)
class Doctor(RunOptions):
    """Say whether a configuration can run here: packages, weights, licences, devices, memory, disk.

    With a clip it also says about how long each stage will take, and by which formula. Nothing is worked on or written.
    Ends with 0 if the configuration can run, with 4 if something is missing.
    """

    input: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="INPUT")] = None
    """A video or a folder of images to estimate the cost for."""
    people: float = 5.0
    """Average number of people in view, for the estimate: nobody knows before perception."""


def run(words: Sequence[str]) -> None:
    """Run the command.

    Raises:
        MissingDependency: something is missing; the report says what.
        ConfigError: the number of people makes no sense.
        InputError: the clip cannot be read.
    """
    command = parse(Doctor, "doctor", words)
    if not 0 <= command.people <= 1000:
        raise ConfigError(f"people is {command.people:g}; allowed is 0 to 1000")
    from bodydouble.pipeline.doctor import examine

    found = examine(command.run, command.input, people_in_view=command.people)
    print("\n".join(report(found)))
    if found.problems:
        count = len(found.problems)
        raise MissingDependency(
            f"this configuration cannot run here: {count} thing{'s' * (count > 1)} to do, listed above"
        )


def report(found: Diagnosis) -> list[str]:
    """What was found, line by line."""
    lines = ["backends of this configuration"]
    for backend in found.backends:
        missing = backend.missing_modules()
        state = f"needs {', '.join(missing)}" if missing else "installed"
        lines.append(f"  {backend.stage:<24}{backend.name:<14}{state}; licence {backend.licence}")
    lines += ["", "weights"]
    for model in found.models:
        state = "here" if model.present else "MISSING"
        lines.append(f"  {model.name:<30}{state:<9}{model.size_mb:>6} MB  {model.licence}  {model.folder}")
    if not found.models:
        lines.append("  none but those that come with the package, or that options name by path")
    lines += ["", "machine"]
    for device in found.devices:
        memory = f", {device.memory_bytes / 1e9:.1f} GB" if device.memory_bytes else ""
        lines.append(f"  {device.name:<6}{device.summary}{memory}")
    lines.append(f"  disk  {found.store_free_bytes / 1e9:.1f} GB free where weights are kept")
    if found.memory is not None:
        whose = "published networks" if found.memory.published else "weights named"
        lines += ["", "memory of the generator (estimate, never compared with a GPU)"]
        lines.append(f"  about {found.memory.num_bytes / 1e9:.1f} GB: {found.memory.formula}; for the {whose}")
    if found.expectation is not None:
        lines += ["", *_expected(found.expectation)]
    lines += ["", "to do" if found.problems else "this configuration can run here"]
    return [*lines, *(f"  - {problem}" for problem in found.problems)]


def _expected(expectation: Expectation) -> list[str]:
    from bodydouble.pipeline.estimates import USED_SHARE, in_words

    footage = expectation.footage
    lines = [
        f"time (rough estimate, measured on one machine only) for {footage.num_frames} frames of "
        f"{footage.width_px}x{footage.height_px} px with {footage.people_in_view:g} people in view (--people)",
        f"  operations / ({expectation.flops_per_second / 1e9:.0f} G/s [{expectation.measured_on}] x {USED_SHARE})",
    ]
    for stage in expectation.stages:
        lines.append(f"  {stage.stage:<12}{in_words(stage.seconds):<16}{stage.formula}")
    lines.append(f"  disk        up to {expectation.output_bytes / 1e9:.2f} GB for run folder and result")
    return lines
