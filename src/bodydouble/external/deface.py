"""deface (https://github.com/ORB-HD/deface): faces in images and videos, MIT. Facts are of release 1.5.0."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from bodydouble.external.base import Launch
from bodydouble.external.config import DefaceOptions
from bodydouble.external.process import ask_version, find_program
from bodydouble.scene import VideoGeometry

_INSTALL: Final = (
    "install it into an environment of its own, `python -m venv ENV && ENV/bin/pip install deface onnxruntime`, and name it "
    "by --program ENV/bin/deface"
)
_QUALITY: Final = 18
"""x264's constant rate factor, as our own results have it, so that a comparison does not compare encoders."""


class Deface:
    """Drives deface."""

    name = "deface"

    def __init__(self, options: DefaceOptions) -> None:
        """Keep the options; nothing is started."""
        self._options = options

    def version(self) -> str:
        """The installed version, such as ``1.5.0``.

        Raises:
            MissingDependency: it is not installed.
        """
        return ask_version(self._program(), "--version")

    def settings(self) -> Mapping[str, str | int | float | bool]:
        """What decides the result."""
        options = self._options
        return {
            "threshold": options.threshold,
            "mask_scale": options.mask_scale,
            "replace_with": options.replace_with,
        }

    def _program(self) -> str:
        return find_program(self._options.program, name=self.name, how_to_install=_INSTALL)

    def _options_of_faces(self) -> tuple[str, ...]:
        options = self._options
        return (
            *("--thresh", str(options.threshold)),
            *("--mask-scale", str(options.mask_scale)),
            *("--replacewith", options.replace_with),
        )

    def on_video(self, exchange: Path, source: str, target: str, geometry: VideoGeometry) -> Launch:
        """How a video is worked on; see `ExternalProgram`.

        Left alone, its writer scales frames to multiples of 16 px (imageio's ``macro_block_size``); that is switched off. A
        frame with an odd side cannot be stored with shared chroma, so its chroma is stored in full.
        """
        writing: dict[str, object] = {
            "codec": "libx264",
            "macro_block_size": 1,
            "ffmpeg_params": ["-crf", str(_QUALITY)],
        }
        if geometry.width_px % 2 or geometry.height_px % 2:
            writing["pixelformat"] = "yuv444p"
        return Launch(
            command=(
                self._program(),
                *self._options_of_faces(),
                *("--ffmpeg-config", json.dumps(writing)),
                *("--output", str(exchange / target)),
                str(exchange / source),
            )
        )

    def on_images(self, exchange: Path, names: Sequence[str]) -> Launch:
        """How images are worked on: it is given their folder, and writes beside each."""
        return Launch(command=(self._program(), *self._options_of_faces(), str(exchange / "images")))

    def image_result(self, exchange: Path, name: str) -> Path:
        """Where the result of an image is: ``NAME_anonymized.png``."""
        path = PurePath(name)
        return exchange / "images" / f"{path.stem}_anonymized{path.suffix}"
