"""Clips made on the spot, with contents from which every frame can be told."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

NTSC = Fraction(30000, 1001)


def picture(index: int, width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """A smooth picture whose mean brightness tells its index (steps of 8, so that no codec confuses neighbours)."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[..., 0] = np.linspace(0, 60, width, dtype=np.uint8)[None, :]
    rgb[..., 1] = np.linspace(0, 60, height, dtype=np.uint8)[:, None]
    rgb[..., 2] = 20
    return (rgb + np.uint8(8 * (index % 24))).astype(np.uint8)


def index_in(rgb: npt.NDArray[np.uint8]) -> int:
    """Index (modulo 24) of a picture made by ``picture``."""
    empty = picture(0, rgb.shape[1], rgb.shape[0]).astype(float).mean()
    return round((rgb.astype(float).mean() - empty) / 8)


def noise(index: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture no lossy codec gets right."""
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_video(
    path: Path,
    *,
    num_frames: int = 12,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: Fraction = Fraction(25),
    time_base: Fraction | None = None,
    ticks: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: tuple[float, bool, bool] | None = None,
    aspect: Fraction | None = None,
    pictures: Sequence[npt.NDArray[np.uint8]] | None = None,
    audio_seconds: float = 0.0,
) -> Path:
    """Encode ``picture(0)`` and on; ``ticks`` are in ``time_base`` (default: one per frame at ``rate``)."""
    base = time_base or 1 / rate
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = base
        stream.time_base = base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(*rotation)
        sound = container.add_stream("aac", rate=48000, layout="mono") if audio_seconds else None
        for index in range(num_frames):
            rgb = pictures[index] if pictures is not None else picture(index, *size)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)
            frame.pts = index if ticks is None else ticks[index]
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            for block in range(int(audio_seconds * 48000 / 1024)):
                tone = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                tone.planes[0].update(np.sin(np.arange(1024) * 0.05).astype(np.float32).tobytes())
                tone.sample_rate, tone.pts = 48000, block * 1024
                container.mux(sound.encode(tone))
            container.mux(sound.encode(None))
    return path


def make_images(folder: Path, names: Sequence[str], *, size: tuple[int, int] = (32, 24), gray: bool = False) -> Path:
    """Write ``picture(i)`` under each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        rgb = picture(index, *size)
        pixels = rgb[..., 0] if gray else rgb[..., ::-1]
        assert cv2.imwrite(str(folder / name), np.ascontiguousarray(pixels))
    return folder


def decode(path: Path) -> list[npt.NDArray[np.uint8]]:
    """All frames as RGB, by PyAV alone, without the code under test."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    """Exact presentation times in seconds, by PyAV alone."""
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
        assert base is not None
        return [(frame.pts or 0) * base for frame in container.decode(video=0)]
