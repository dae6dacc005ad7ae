"""Where the sun stands, told from shadows: rendered streets that nothing was tuned on, whose sun is known.

    python benchmarks/sun_direction.py [--first-seed 901] [--streets 8] [--frames 60] [--json FILE]

Each street has a seed, a direction of the sun, and clouds of its own. Over every fourth clouds take all of its light, and no
sun must be claimed. Errors are in degrees on the ground and as a share of the true length of shadows.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import common
import numpy as np
from shadows_left import Clip, daylight

from bodydouble.perception import perceive
from bodydouble.perception.config import PerceptionConfig
from bodydouble.scene import SilentProgress, Sun
from bodydouble.synth.street import Street

_SIZE_PX = (640, 360)
_RATE = 25


def told(seed: int, frames: int) -> tuple[np.ndarray, float, Sun | None]:
    """A street: true shadow of somebody one unit tall (right, away), share of the sun that clouds take, what was told."""
    rng = np.random.default_rng(seed)
    around, high = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(20, 60))
    sun = (math.cos(around) * math.cos(high), math.sin(around) * math.cos(high), math.sin(high))
    veil = 1.0 if seed % 4 == 0 else float(rng.uniform(0, 0.5))
    street = Street(
        seed=seed, num_frames=frames, width_px=_SIZE_PX[0], height_px=_SIZE_PX[1], num_people=5, fps=_RATE,
        is_gray=False, light=daylight(sun, veil),
    )  # fmt: skip
    clip = Clip(name=f"street {seed}", rgb=np.stack([frame.rgb for frame in street.frames()]), is_gray=False)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = perceive(
            clip, PerceptionConfig(threads=1), work_dir=Path(scratch) / "work", plate_dir=Path(scratch) / "plate",
            producer="benchmark", progress=SilentProgress(),
        )  # fmt: skip
    return -np.array(sun[:2]) / sun[2], veil, bundle.light.sun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=901)
    parser.add_argument("--streets", type=int, default=8)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.streets):
        truth, veil, sun = told(seed, arguments.frames)
        length = float(np.hypot(*truth))
        row: dict[str, object] = {
            "seed": seed,
            "veil": round(veil, 2),
            "length": round(length, 2),
            "claimed": sun is not None,
        }
        if sun is not None:
            turn = math.atan2(sun.shadow_xz[1], sun.shadow_xz[0]) - math.atan2(truth[1], truth[0])
            row["direction_off_deg"] = round(abs(math.degrees((turn + math.pi) % (2 * math.pi) - math.pi)), 1)
            row["length_off_share"] = round(math.hypot(*sun.shadow_xz) / length - 1, 2)
            row["darkness"] = round(sun.darkness, 2)
        rows.append(row)
        print(row, flush=True)
    common.finish({"benchmark": "sun direction", **common.origin(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    main()
