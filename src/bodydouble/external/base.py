"""What a program must be able to do, and how it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bodydouble.scene import VideoGeometry


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One call of a program."""

    command: tuple[str, ...]
    """Program and arguments; no shell is involved."""
    cwd: Path | None = None
    """Folder to start in; the present one if None."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of those of this process."""


class ExternalProgram(Protocol):
    """A program that takes a clip and gives one back."""

    @property
    def name(self) -> str:
        """For messages and records."""

    def version(self) -> str:
        """What is installed.

        Raises:
            MissingDependency: it is not installed, or not where the options say.
        """

    def settings(self) -> Mapping[str, str | int | float | bool]:
        """What decides the result, for records; no path, since paths tell who uses this."""

    def on_video(self, exchange: Path, source: str, target: str, geometry: VideoGeometry) -> Launch:
        """How a video is worked on.

        Args:
            exchange: folder of both files.
            source: name of the clip in there.
            target: name under which the result is expected; ends in ``.mp4``.
            geometry: size and timing of the clip.
        """

    def on_images(self, exchange: Path, names: Sequence[str]) -> Launch:
        """How images are worked on.

        Args:
            exchange: their folder is ``images`` in it.
            names: of the images, ending in ``.png``.
        """

    def image_result(self, exchange: Path, name: str) -> Path:
        """Where the result of an image is expected."""
