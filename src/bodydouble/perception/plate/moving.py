"""The plate of a camera that moves: a picture for every few frames, from what was seen of the ground close in time.

One mosaic for the whole clip would be right for a camera that only turns. One that is carried sees near and far shift
against each other; there only frames close in time fit, and only after each part of them has been moved a little
further than the camera's motion says. That rest is dense optical flow, measured where nobody is in either picture and
continued smoothly behind people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PlateConfig
from bodydouble.perception.plate.alignment import Aligner, warped_by, warped_mask
from bodydouble.perception.plate.fill import fill_holes
from bodydouble.perception.plate.finish import SecondLook
from bodydouble.perception.plate.nearest_median import NearestMedian
from bodydouble.perception.plate.samples import SAMPLE_CHANNELS, Occupied, Sample, take_sample
from bodydouble.perception.plate.schedule import most_samples
from bodydouble.scene import FrameSource, Progress
from bodydouble.scene.plate_files import PlateWriter

_KEY_SECONDS: Final = 0.2
"""One key for each stretch of this length: between keys pictures are blended, and must fit."""
_ENOUGH: Final = 5
"""The nearest so many free samples of a pixel count: the farther in time, the worse they fit."""
_TRUSTED_COUNT: Final = 2
"""A pixel seen free in fewer samples may show somebody who was not found in them."""
_MOST_ALIGNED: Final = 20
"""Samples aligned for one key."""
_WORTHWHILE_SHARE: Final = 0.0005
"""A sample that shows less than this share of the picture for the first or second time is not aligned."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Key:
    frame_index: int
    rgb: NDArray[np.uint8]
    seen: NDArray[np.bool_]


def build_moving(
    source: FrameSource,
    to_reference: NDArray[np.float64],
    occupied: Occupied,
    config: PlateConfig,
    *,
    plate_dir: Path,
    evidence_dir: Path,
    progress: Progress,
    second_look: SecondLook | None,
) -> None:
    """Make and write the key plates of a clip whose camera moves, each in the pixels of its own frame.

    Args:
        source: the clip.
        to_reference: (frames, 3, 3) homographies to one common picture.
        occupied: where people are, generously.
        config: limits.
        plate_dir: takes the plate.
        evidence_dir: takes the same again; guesses are not valid in it, so that nothing moves there.
        progress: told about every sample and key.
        second_look: finds people on finished plates; None does without.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        OutputError: the plate cannot be written.
    """
    geometry = source.geometry
    width, height = geometry.width_px, geometry.height_px
    spacing = max(1, round(_KEY_SECONDS * float(geometry.average_rate)))
    # Every key is a sample, and every sample a key.
    keys = list(range(min(spacing // 2, geometry.num_frames - 1), geometry.num_frames, spacing))
    reach = max(1, (most_samples(config, SAMPLE_CHANNELS * width * height) - 1) // 2)
    progress.start("plate", 2 * len(keys))
    plate = PlateWriter(plate_dir, width, height, space="frame")
    evidence = PlateWriter(evidence_dir, width, height, space="frame")
    before: _Key | None = None
    for middle, held in _held_samples(source, occupied, keys, reach, progress):
        before = _make_key(middle, held, to_reference, before, second_look)
        for writer in (plate, evidence):
            writer.add_key(before.frame_index, before.rgb, before.seen)
        progress.advance()
    plate.commit()
    evidence.commit()
    progress.finish()


def _held_samples(
    source: FrameSource, occupied: Occupied, keys: list[int], reach: int, progress: Progress
) -> Iterator[tuple[Sample, list[Sample]]]:
    """Each key with up to ``reach`` samples before and after it, as soon as the last of them has been read."""
    held: list[Sample] = []
    wanted, first, done = set(keys), 0, 0
    for frame in source.frames(0, keys[-1] + 1):
        if frame.index not in wanted:
            continue
        held.append(take_sample(frame, occupied))
        progress.advance()
        while done < len(keys) and (done + reach < first + len(held) or frame.index == keys[-1]):
            low = max(0, done - reach)
            yield held[done - first], held[low - first : done + reach + 1 - first]
            done += 1
            stale = max(0, done - reach) - first
            del held[:stale]
            first += stale


def _make_key(
    middle: Sample,
    held: list[Sample],
    to_reference: NDArray[np.float64],
    before: _Key | None,
    second_look: SecondLook | None,
) -> _Key:
    index = middle.frame_index
    from_reference = np.linalg.inv(to_reference[index])
    aligner = Aligner(middle.rgb, middle.outside_silhouettes)
    median = NearestMedian(middle.rgb.shape[:2], _ENOUGH)
    nearest_first = sorted(held, key=lambda sample: (abs(sample.frame_index - index), sample.frame_index))
    aligned_count = 0
    for sample in nearest_first:
        if sample is middle:
            median.add(sample.rgb, sample.outside_silhouettes)
            continue
        to_key = from_reference @ to_reference[sample.frame_index]
        if aligned_count >= _MOST_ALIGNED:
            break
        # Once the nearest are in, only those count that see what the others do not.
        if aligned_count > _ENOUGH and not _uncovers(sample, to_key, median.counts < _TRUSTED_COUNT):
            continue
        aligned = aligner.align(sample.rgb, sample.outside_silhouettes, to_key)
        if aligned is not None:
            median.add(*aligned)
            aligned_count += 1
    rgb, counts = median.result()
    seen = counts >= min(_TRUSTED_COUNT, len(held))
    holes = ~seen
    if before is not None and holes.any():
        # What was guessed, or is out of reach by now, moves on with the camera instead of being guessed anew.
        matrix = from_reference @ to_reference[before.frame_index]
        earlier, inside = warped_by(before.rgb, np.ones_like(seen), matrix)
        carried = holes & inside
        rgb[carried] = earlier[carried]
        holes &= ~carried
    rgb = fill_holes(rgb, holes, seen)
    if second_look is not None:
        found = second_look(rgb)
        if found.any():
            seen = seen & ~found
            rgb = fill_holes(rgb, found, seen)
    return _Key(frame_index=index, rgb=rgb, seen=seen)


def _uncovers(sample: Sample, to_key: NDArray[np.float64], scarce: NDArray[np.bool_]) -> bool:
    free = warped_mask(sample.outside_silhouettes, to_key)
    return float((free & scarce).mean()) >= _WORTHWHILE_SHARE
