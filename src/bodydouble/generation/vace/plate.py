"""The clean plate that the networks are shown around a person, if it is asked for."""

from __future__ import annotations

import tomllib
from pathlib import Path

from bodydouble.errors import BundleError, ConfigError
from bodydouble.generation.vace.conditions import PlateAt
from bodydouble.scene import SceneBundle
from bodydouble.scene.plate_files import PlateReader


def open_plate(bundle: SceneBundle, folder: Path) -> PlateAt:
    """Open a plate for the frames of a scene.

    A median over the clip keeps whoever stood still, and generation is shown no picture of people: a plate that was made
    so is refused, as far as the run folder around it tells. One that has left its run folder is taken as it is.

    Raises:
        BundleError: it cannot be read, or the run's configuration beside it cannot.
        ConfigError: it is a plain median.
    """
    if _kind_of(folder) == "median":
        raise ConfigError(
            "generation.vace.plate was made with --perception.plate.kind median, which keeps people who stand still, and "
            f"pictures of people are not for the model; make one of another kind, or leave the plate away: {folder}"
        )
    size = (bundle.video.width_px, bundle.video.height_px)
    reader = PlateReader(folder, bundle.camera, frame_size_px=size)
    return lambda frame: reader.at(frame)[0]


def _kind_of(folder: Path) -> str | None:
    """How the plate of a run folder was made; None if there is no run folder around it."""
    path = folder.absolute().parent / "config.toml"
    if not path.is_file():
        return None
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["perception"]["plate"]["kind"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BundleError(
            f"the configuration beside the plate does not say how it was made ({error!r}): {path}"
        ) from error
