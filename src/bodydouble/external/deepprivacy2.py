"""DeepPrivacy2 (https://github.com/hukkelas/deep_privacy2): people replaced by a GAN, Apache-2.0, checkpoints by data set.

Facts are of its repository at commit 13eb422 (``anonymize.py``, ``docs/anonymization.md``, ``docs/QUICKSTART.md``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bodydouble.errors import MissingDependency, UsageError
from bodydouble.external.base import Launch
from bodydouble.external.config import DeepPrivacy2Options
from bodydouble.external.process import find_program
from bodydouble.scene import VideoGeometry

_SCRIPT: Final = "anonymize.py"
_INSTALL: Final = "clone its repository, install it by its own instructions (docs/external.md here has the pitfalls)"
_IN_CONTAINER: Final = {"home": "/deep_privacy2", "exchange": "/exchange", "weights": "/torch_home"}
"""Where folders are mounted."""


class DeepPrivacy2:
    """Drives DeepPrivacy2's ``anonymize.py``."""

    name = "DeepPrivacy2"

    def __init__(self, options: DeepPrivacy2Options) -> None:
        """Keep the options; nothing is started."""
        self._options = options

    def version(self) -> str:
        """The commit of the checkout, as far as a plain clone tells; it has no releases.

        Raises:
            UsageError: no checkout is named.
            MissingDependency: the checkout, the configuration, Python or Docker is not there.
        """
        home = self._home()
        self._launcher()
        head = home / ".git" / "HEAD"
        text = head.read_text(encoding="utf-8").strip() if head.is_file() else ""
        if text.startswith("ref: "):
            reference = home / ".git" / text.removeprefix("ref: ")
            text = reference.read_text(encoding="utf-8").strip() if reference.is_file() else ""
        return text

    def settings(self) -> Mapping[str, str | int | float | bool]:
        """What decides the result."""
        options = self._options
        return {
            "model": options.model,
            "track": options.track,
            "detection_threshold": options.detection_threshold,
            "seed": options.seed,
            "container": options.container,
        }

    def _home(self) -> Path:
        home = self._options.home
        if home is None:
            raise UsageError(f"name the checkout of {self.name} by --home; if there is none: {_INSTALL}")
        for name in (_SCRIPT, self._options.model):
            if not (home / name).is_file():
                raise MissingDependency(f"this is no checkout of {self.name}, it has no {name}; {_INSTALL}: {home}")
        weights = self._options.weights
        if weights is not None and not weights.is_dir():
            raise MissingDependency(f"the folder of weights is not there; it holds hub/checkpoints/: {weights}")
        return home.resolve()

    def _launcher(self) -> str:
        program = self._options.docker if self._options.container else self._options.python
        return find_program(program, name=f"{program.name}, which runs {self.name},", how_to_install=_INSTALL)

    def on_video(self, exchange: Path, source: str, target: str, geometry: VideoGeometry) -> Launch:
        """How a video is worked on; see `ExternalProgram`.

        The target ends in ``.mp4``: its way of renaming ``.avi`` makes it fail after all frames are done.
        """
        return self._launch(exchange, source, target)

    def on_images(self, exchange: Path, names: Sequence[str]) -> Launch:
        """How images are worked on: a folder becomes a folder with the same names. Looks are drawn anew in each image."""
        return self._launch(exchange, "images", "results")

    def image_result(self, exchange: Path, name: str) -> Path:
        """Where the result of an image is."""
        return exchange / "results" / name

    def _launch(self, exchange: Path, source: str, target: str) -> Launch:
        options = self._options
        home = self._home()
        place = _IN_CONTAINER["exchange"] if options.container else str(exchange.resolve())
        words = [
            *(_SCRIPT, options.model),
            *("-i", f"{place}/{source}"),
            *("-o", f"{place}/{target}"),
            *("--detection-score-threshold", str(options.detection_threshold)),
            *("--seed", str(options.seed)),
            *(["--track"] if options.track and source != "images" else []),
        ]
        if not options.container:
            weights = {"TORCH_HOME": str(options.weights.resolve())} if options.weights is not None else {}
            return Launch(command=(self._launcher(), *words), cwd=home, environment=weights)
        mounts = [(home, "home"), (exchange.resolve(), "exchange")]
        if options.weights is not None:
            mounts.append((options.weights.resolve(), "weights"))
        return Launch(
            command=(
                *(self._launcher(), "run", "--rm", "--init", "--gpus", "all", "--ipc=host"),
                # Its results would belong to root otherwise.
                *("--user", f"{os.getuid()}:{os.getgid()}"),
                *(word for path, key in mounts for word in ("--volume", f"{path}:{_IN_CONTAINER[key]}")),
                *(("--env", f"TORCH_HOME={_IN_CONTAINER['weights']}") if options.weights is not None else ()),
                *("--workdir", _IN_CONTAINER["home"]),
                options.container,
                str(options.python),
                *words,
            )
        )
