"""The ``clean`` plate: per pixel the median over samples in which nobody was there.

Where boxes leave a pixel free often enough, only those samples count. Where people are always about, the samples in
which the pixel is outside of their silhouettes do; what silhouettes never leave free is guessed from its surroundings.

Works for moving cameras too: samples are warped into the reference picture first, and what lies outside a sample's
view is as little free as what a person hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PlateConfig
from bodydouble.perception.plate.masked_median import masked_median, masked_median_at
from bodydouble.perception.plate.schedule import KeyPlan, Schedule, plan_keys
from bodydouble.scene import Frame, FrameSource, Progress
from bodydouble.scene.plate_files import PlateWriter

_TRUSTED_COUNT: Final = 3
"""A pixel seen free in fewer samples may show somebody who was not found in them."""
_TELLING_CHANGE: Final = 22
"""Difference, in any channel, between free and occupied samples that shows that free means free."""
_NEIGHBOUR_KEYS: Final = 8
"""Holes of a key are filled from at most this many other keys."""
_INPAINT_RADIUS_PX: Final = 4

Occupied = Callable[[Frame], tuple[NDArray[np.bool_], NDArray[np.bool_]]]
"""Where somebody may be in a frame, (H, W) each: inside boxes, and inside silhouettes; both generous."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    frame_index: int
    rgb: NDArray[np.uint8]
    outside_boxes: NDArray[np.bool_]
    outside_silhouettes: NDArray[np.bool_]


def build_plate(
    source: FrameSource,
    to_reference: NDArray[np.float64],
    occupied: Occupied,
    config: PlateConfig,
    *,
    canvas_size_px: tuple[int, int],
    work_dir: Path,
    plate_dir: Path,
    evidence_dir: Path,
    progress: Progress,
) -> None:
    """Make and write all key plates of a clip.

    Args:
        source: the clip.
        to_reference: (frames, 3, 3) homographies from frames to the canvas.
        occupied: where people are, generously.
        config: lengths and limits.
        canvas_size_px: width and height of the plate.
        work_dir: takes unfinished keys while the clip is read.
        plate_dir: takes the plate.
        evidence_dir: takes the plate that motion is measured against: the same, but what people never leave free is
            the plain median over all samples instead of a guess, so that furniture taken for a person does not move.
        progress: told about every sample and key.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        OutputError: the plate cannot be written.
    """
    width, height = canvas_size_px
    moving = not bool(np.all(to_reference == np.eye(3)))
    geometry = source.geometry
    schedule = plan_keys(
        geometry.num_frames,
        float(geometry.average_rate),
        config,
        sample_bytes=5 * width * height,
        camera_moves=moving,
    )
    progress.start("plate", len(schedule.sample_frames) + len(schedule.keys))
    work_dir.mkdir(parents=True, exist_ok=True)
    _first_keys(source, to_reference, occupied, schedule, canvas_size_px, work_dir, progress)
    writer, evidence = PlateWriter(plate_dir, width, height), PlateWriter(evidence_dir, width, height)
    for number, key in enumerate(schedule.keys):
        rgb, seen, guessed, plain = _completed(number, len(schedule.keys), work_dir)
        writer.add_key(key.frame_index, rgb, seen)
        rgb[guessed] = plain[guessed]
        evidence.add_key(key.frame_index, rgb, seen)
        progress.advance()
    writer.commit()
    evidence.commit()
    for number in range(len(schedule.keys)):
        _key_path(work_dir, number).unlink()
    progress.finish()


def _first_keys(
    source: FrameSource,
    to_reference: NDArray[np.float64],
    occupied: Occupied,
    schedule: Schedule,
    canvas_size_px: tuple[int, int],
    work_dir: Path,
    progress: Progress,
) -> None:
    """Read the clip once; each key is made as soon as its last sample is there, and old samples are let go."""
    wanted = set(schedule.sample_frames.tolist())
    samples: list[_Sample] = []
    pending = list(enumerate(schedule.keys))
    for frame in source.frames(0, int(schedule.sample_frames[-1]) + 1):
        if frame.index not in wanted:
            continue
        samples.append(_sample(frame, occupied(frame), to_reference[frame.index], canvas_size_px))
        progress.advance()
        while pending and pending[0][1].last_sample <= frame.index:
            number, key = pending.pop(0)
            _make_key(number, key, samples, work_dir)
            oldest = pending[0][1].first_sample if pending else frame.index + 1
            while samples and samples[0].frame_index < oldest:
                del samples[0]


def _sample(
    frame: Frame,
    occupied: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    matrix: NDArray[np.float64],
    canvas_size_px: tuple[int, int],
) -> _Sample:
    height, width = frame.rgb.shape[:2]
    if np.array_equal(matrix, np.eye(3)) and canvas_size_px == (width, height):
        return _Sample(
            frame_index=frame.index,
            rgb=frame.rgb.copy(),
            outside_boxes=~occupied[0],
            outside_silhouettes=~occupied[1],
        )

    def free(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        open_ = (~mask).astype(np.uint8) * np.uint8(255)
        return np.asarray(cv2.warpPerspective(open_, matrix, canvas_size_px, flags=cv2.INTER_LINEAR) == 255)

    rgb = cv2.warpPerspective(
        frame.rgb, matrix, canvas_size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return _Sample(
        frame_index=frame.index,
        rgb=np.asarray(rgb, np.uint8),
        outside_boxes=free(occupied[0]),
        outside_silhouettes=free(occupied[1]),
    )


def _make_key(number: int, key: KeyPlan, samples: list[_Sample], work_dir: Path) -> None:
    chosen = [sample for sample in samples if key.first_sample <= sample.frame_index <= key.last_sample]
    pictures = [sample.rgb for sample in chosen]
    half = 0.5 * len(chosen)
    rgb, counts = masked_median(pictures, [sample.outside_boxes for sample in chosen])
    trusted = counts >= max(half, min(_TRUSTED_COUNT, len(chosen)))
    if not trusted.all():
        scarce = ~trusted
        outside = [sample.outside_silhouettes for sample in chosen]
        rgb[scarce], counts[scarce] = masked_median_at(pictures, outside, scarce)
        trusted = counts >= max(half, min(_TRUSTED_COUNT, len(chosen)))
        # Rarely free: either somebody stands there who was not found now and then, and the free samples show that
        # person as the others do, or the background comes into view and differs.
        rare = ~trusted & (counts >= min(_TRUSTED_COUNT, len(chosen)))
        if rare.any():
            occupied, _ = masked_median_at(pictures, [~mask for mask in outside], rare)
            change = np.abs(rgb[rare].astype(np.int16) - occupied.astype(np.int16)).max(axis=1)
            trusted[rare] = change > _TELLING_CHANGE
    untrusted = ~trusted
    plain = rgb.copy()
    if untrusted.any():
        everything = [np.ones_like(sample.outside_boxes) for sample in chosen]
        plain[untrusted], _ = masked_median_at(pictures, everything, untrusted)
    with _key_path(work_dir, number).open("wb") as file:
        np.savez(file, rgb=rgb, trusted=trusted, plain=plain)


def _key_path(work_dir: Path, number: int) -> Path:
    return work_dir / f"plate_key_{number:05d}.npz"


def _load_key(work_dir: Path, number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    with np.load(_key_path(work_dir, number), allow_pickle=False) as data:
        return data["rgb"], data["trusted"]


def _completed(
    number: int, count: int, work_dir: Path
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.uint8]]:
    """A key with its holes filled: from other keys, then from the surroundings.

    Returns:
        colours, where they were seen, where they are a guess, and the plain median.
    """
    rgb, seen = _load_key(work_dir, number)
    with np.load(_key_path(work_dir, number), allow_pickle=False) as data:
        plain = data["plain"]
    own = seen.copy()
    others = sorted((k for k in range(count) if k != number), key=lambda k: (abs(k - number), k))
    for other in others[:_NEIGHBOUR_KEYS]:
        if seen.all():
            break
        other_rgb, other_seen = _load_key(work_dir, other)
        holes = other_seen & ~seen
        if holes.any():
            rgb[holes] = _matched(other_rgb, rgb, own & other_seen)[holes]
            seen |= holes
    guess = ~seen
    if guess.all():
        # Nothing was ever free: one colour shows nobody.
        rgb[:] = np.median(plain.reshape(-1, 3), axis=0).astype(np.uint8)
    elif guess.any():
        rgb = np.asarray(cv2.inpaint(rgb, guess.astype(np.uint8), _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA), np.uint8)
    return rgb, seen, guess, plain


def _matched(other: NDArray[np.uint8], own: NDArray[np.uint8], common: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Another key's colours, shifted to this key's light by the median difference where both were seen."""
    if not common.any():
        return other
    sparse = common[::3, ::3]
    difference = own[::3, ::3][sparse].astype(np.int16) - other[::3, ::3][sparse].astype(np.int16)
    if len(difference) == 0:
        return other
    shift = np.round(np.median(difference, axis=0)).astype(np.int16)
    return np.asarray(np.clip(other.astype(np.int16) + shift, 0, 255), np.uint8)
