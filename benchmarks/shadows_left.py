"""How much of people's shadows is left: rendered streets, each also rendered without shadows, so that all of it is known.

    python benchmarks/shadows_left.py --out shadows.json

Of the light that shadows of people take from the ground (summed over pixels at least 3 px away from people, mean of the
channels) it says which share is left in the result without doubles, which share was not painted at all, and which the run's
own plate holds, since whoever casts it stands there all along. Pixels painted far from shadows and people tell the price.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import common
import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing import CompositingConfig, composite
from bodydouble.perception import perceive
from bodydouble.perception.config import MotionConfig, PerceptionConfig
from bodydouble.scene import Frame, SilentProgress, VideoGeometry
from bodydouble.scene.plate_files import PlateReader
from bodydouble.synth.light import Daylight
from bodydouble.synth.street import Street

STREETS: dict[str, dict[str, Any]] = {
    "side": {"seed": 3, "sun": (0.7, -0.55, 0.9), "veil": 0.1},
    "low": {"seed": 5, "sun": (-0.9, -0.35, 0.45), "veil": 0.0},
    "front": {"seed": 7, "sun": (0.4, 0.6, 0.8), "veil": 0.3},
    "faint": {"seed": 9, "sun": (-0.6, -0.5, 0.9), "veil": 0.8},
    "grey": {"seed": 3, "sun": (0.7, -0.55, 0.9), "veil": 0.1, "is_gray": True},
    "overcast": {"seed": 11, "sun": (0.7, -0.55, 0.9), "veil": 1.0},
}
"""Direction towards the sun (right, away from the camera, up), and how much of its light clouds take, 0 to 1."""
_SIZE_PX = (640, 360)
_RATE = 25
_LEAST_LEVELS = 1.0
"""Less is no shadow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """Frames in memory."""

    name: str
    rgb: npt.NDArray[np.uint8]
    """(frames, H, W, 3)."""
    is_gray: bool

    @property
    def geometry(self) -> VideoGeometry:
        """Size and timing."""
        return VideoGeometry(
            width_px=self.rgb.shape[2],
            height_px=self.rgb.shape[1],
            time_base=Fraction(1, _RATE),
            average_rate=Fraction(_RATE),
            pts_ticks=tuple(range(len(self.rgb))),
            is_gray=self.is_gray,
        )

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Hand out frames."""
        for index in range(start, len(self.rgb) if stop is None else stop):
            yield Frame(index=index, pts_ticks=index, rgb=self.rgb[index])


def daylight(sun: tuple[float, float, float], veil: float) -> Daylight:
    """Sun and sky, as `bodydouble.synth.light.make_daylight` colours them."""
    towards = np.array(sun, np.float32)
    sun_rgb = np.array([1.02, 0.96, 0.86], np.float32) * np.float32(1.15 * (1 - veil))
    sky_rgb = np.array([0.40, 0.45, 0.52], np.float32) * np.float32(1.0 + 0.8 * veil)
    return Daylight(
        sun_xyz=np.asarray(towards / np.linalg.norm(towards), np.float32),
        sun_rgb=sun_rgb,
        sky_rgb=sky_rgb,
        ground_rgb=np.asarray(0.35 * sky_rgb + 0.16 * sun_rgb, np.float32),
    )


def measure(name: str, num_frames: int, work: Path, *, cast_shadows: bool) -> dict[str, float]:
    """Figures of one street; without ``cast_shadows`` as if nobody looked for them."""
    given = STREETS[name]
    is_gray = bool(given.get("is_gray", False))
    shared = {
        "seed": given["seed"],
        "num_frames": num_frames,
        "width_px": _SIZE_PX[0],
        "height_px": _SIZE_PX[1],
        "num_people": 5,
        "fps": _RATE,
        "is_gray": is_gray,
        "light": daylight(given["sun"], given["veil"]),
    }
    sunny = list(Street(**shared).frames())
    shadeless_street = Street(**shared, with_shadows=False)
    shadeless, empty = list(shadeless_street.frames()), shadeless_street.plate_rgb().astype(np.float32).mean(axis=2)
    clip = Clip(name=name, rgb=np.stack([frame.rgb for frame in sunny]), is_gray=is_gray)
    bundle = perceive(
        clip,
        PerceptionConfig(threads=1, motion=MotionConfig(cast_shadows=cast_shadows)),
        work_dir=work / "work",
        plate_dir=work / "plate",
        producer="benchmark",
        progress=SilentProgress(),
    )
    plate = PlateReader(work / "plate")
    total = left = unpainted = in_plate = 0.0
    beyond = people = 0
    for filmed, free, made in zip(
        sunny, shadeless, composite(clip, bundle, plate, None, CompositingConfig(threads=1)), strict=True
    ):
        near = cv2.dilate((filmed.labels > 0).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        light = free.rgb.astype(np.float32).mean(axis=2)
        missing = light - filmed.rgb.astype(np.float32).mean(axis=2)
        shadow = (missing > _LEAST_LEVELS) & ~near
        held = shadow & (empty - plate.at(filmed.index)[0].astype(np.float32).mean(axis=2) > 0.5 * missing)
        total += float(missing[shadow].sum())
        left += float((light - made.rgb.astype(np.float32).mean(axis=2))[shadow & ~held].sum())
        unpainted += float(missing[shadow & ~held & ~made.changed].sum())
        in_plate += float(missing[held].sum())
        around = cv2.dilate(shadow.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
        beyond += int((made.changed & ~near & ~around).sum())
        people += int((filmed.labels > 0).sum())
    rest = max(total - in_plate, 1.0)
    return {
        "levels_px_per_frame": total / num_frames,
        "share_in_plate": in_plate / max(total, 1.0),
        "share_left_of_rest": left / rest,
        "share_unpainted_of_rest": unpainted / rest,
        "px_painted_elsewhere_per_frame": beyond / num_frames,
        "px_of_people_per_frame": people / num_frames,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streets", nargs="+", choices=sorted(STREETS), default=list(STREETS))
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--not-looked-for", action="store_true", help="with perception.motion.cast_shadows off")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    figures = {}
    for name in options.streets:
        with tempfile.TemporaryDirectory() as folder:
            looks = not options.not_looked_for
            figures[name] = measure(name, options.frames, Path(folder), cast_shadows=looks)
        print(name, json.dumps({key: round(value, 3) for key, value in figures[name].items()}), flush=True)
    record = {"benchmark": "shadows left", **common.origin(), "streets": figures}
    common.finish(record, options.out)


if __name__ == "__main__":
    main()
