"""Contact sheets and side-by-side videos of results, to be looked at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from common import REPOSITORY

from bodydouble.video_io import open_source

SECONDS = 10.0
_GAP_PX = 8

Picture = npt.NDArray[np.uint8]


def write_sheet(original: Path, result: Path, run: Path, output: Path) -> None:
    """Twelve frames, original above result; see `benchmarks/contact_sheet.py`."""
    script = REPOSITORY / "benchmarks" / "contact_sheet.py"
    subprocess.run([sys.executable, str(script), str(original), str(result), str(run), "-o", str(output)], check=True)


def _pairs(original: Path, result: Path, seconds: float) -> Iterator[tuple[Picture, Picture]]:
    with open_source(original) as filmed, open_source(result) as made:
        for one, two in zip(filmed.frames(), made.frames(), strict=True):
            if one.index >= seconds * float(filmed.geometry.average_rate):
                return
            yield one.rgb, two.rgb


def write_side_by_side(original: Path, result: Path, output: Path, seconds: float = SECONDS) -> int:
    """The first seconds, original at the left; H.264. Returns the number of frames."""
    with open_source(original) as source:
        rate = Fraction(source.geometry.average_rate)
    frames = 0
    with av.open(str(output), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        for filmed, made in _pairs(original, result, seconds):
            gap = np.full((filmed.shape[0], _GAP_PX, 3), 32, dtype=np.uint8)
            picture = np.concatenate([filmed, gap, made], axis=1)
            picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
            if frames == 0:
                # Later the codec is open, and even the same size may not be set any more.
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")):
                container.mux(packet)
            frames += 1
        for packet in stream.encode():
            container.mux(packet)
    return frames
