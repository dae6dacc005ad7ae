"""How far referees agree with themselves: the most that bars against a referee can ask for.

    python benchmarks/referee_agreement.py ORIGINAL SCENE --referees DIR [--frames 100]

The footage itself, half a pixel aside and with noise of two levels, takes the place of a result. Nobody is changed, so
whatever agreement is missing is the referees': AP50 of the detector, OKS and PCK of the network of joints.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import common
import cv2
import numpy as np

from bodydouble.video_io import open_sink, open_source

_ASIDE_PX = 0.5
_NOISE_LEVELS = 2.0
_KEYS = ("utility.detection.ap50", "utility.motion.oks", "utility.motion.bundle_pck")


def _disturbed(original: Path, to: Path, frames: int) -> None:
    rng = np.random.default_rng(1)
    with open_source(original) as source, open_sink(to, source.geometry, codec="lossless") as sink:
        for frame in source.frames():
            rgb = frame.rgb
            # What is not measured need not be disturbed.
            if frame.index < frames:
                shift = np.array([[1, 0, _ASIDE_PX], [0, 1, _ASIDE_PX]], np.float32)
                size = (rgb.shape[1], rgb.shape[0])
                moved = cv2.warpAffine(rgb.astype(np.float32), shift, size, borderMode=cv2.BORDER_REPLICATE)
                noisy = np.asarray(moved, np.float32) + rng.normal(0, _NOISE_LEVELS, rgb.shape)
                rgb = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
            sink.write(rgb)
        sink.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("scene", type=Path, help="what `bodydouble perceive` found, or a run folder's scene")
    parser.add_argument("--referees", type=Path, required=True, help="folder of networks that made no result")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        disturbed, report = Path(scratch) / "disturbed.mkv", Path(scratch) / "report"
        _disturbed(arguments.original, disturbed, arguments.frames)
        subprocess.run(
            [*common.command(), "evaluate", str(arguments.original), str(disturbed), "--scene", str(arguments.scene),
             "-o", str(report), "--measures", "detection_kept,motion_kept", "--no-pictures", "--quiet",
             "--referees", str(arguments.referees), "--max-frames", str(arguments.frames)],
            check=True,
        )  # fmt: skip
        figures = json.loads((report / "results.json").read_text(encoding="utf-8"))["columns"][-1]["figures"]
    found = {figure["key"]: figure["value"] for figure in figures if figure["key"] in _KEYS}
    record = {"benchmark": "referee agreement", "clip": arguments.original.stem, **common.origin(), "figures": found}
    common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
