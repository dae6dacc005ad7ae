"""Samples of the background: frames in which some pixels are free of people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.relight import SPARSE, LightFit, fit_light, thumbnail
from bodydouble.perception.plate.schedule import KeyPlan
from bodydouble.scene import Frame

Occupied = Callable[[Frame], tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]]
"""Where somebody may be in a frame, (H, W) each: inside boxes, inside silhouettes, both generous, and inside outlines, which
are close and may miss a part of somebody."""
SAMPLE_CHANNELS: Final = 6
"""Bytes a pixel of a sample: three colours and three masks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One frame that serves as a sample."""

    frame_index: int
    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    outside_boxes: NDArray[np.bool_]
    """(H, W)."""
    outside_silhouettes: NDArray[np.bool_]
    """(H, W)."""
    outside_outlines: NDArray[np.bool_]
    """(H, W)."""
    thumb: NDArray[np.uint8]
    """Every fourth pixel, for comparing light."""

    @property
    def thumb_free(self) -> NDArray[np.bool_]:
        """Pixels of the thumbnail outside of silhouettes."""
        return self.outside_silhouettes[::SPARSE, ::SPARSE]

    def fit_to(self, other: Sample) -> LightFit:
        """How to bring this sample to the light of another."""
        return fit_light(self.thumb, other.thumb, self.thumb_free & other.thumb_free, is_same=self is other)


def take_sample(frame: Frame, occupied: Occupied) -> Sample:
    """A frame and where it is free."""
    in_boxes, in_silhouettes, in_outlines = occupied(frame)
    return Sample(
        frame_index=frame.index,
        rgb=frame.rgb.copy(),
        outside_boxes=~in_boxes,
        outside_silhouettes=~in_silhouettes,
        outside_outlines=~in_outlines,
        thumb=thumbnail(frame.rgb),
    )


def windows(
    samples: Iterable[Sample], keys: tuple[KeyPlan, ...], *, split_at_steps: bool
) -> Iterator[tuple[KeyPlan, list[Sample]]]:
    """Hand out each key with its samples as soon as the last of them is there; old samples are let go.

    Args:
        samples: ascending by frame.
        keys: ascending by frame.
        split_at_steps: where the light changes at once, one key right before and one right after are added, so that
            the plate changes as fast as the picture.
    """
    held: list[Sample] = []
    pending = list(keys)
    known = {key.frame_index for key in keys}
    quiet_until = -1
    for sample in samples:
        if split_at_steps and held and sample.frame_index > quiet_until and sample.fit_to(held[-1]).is_step:
            before, after = held[-1].frame_index, sample.frame_index
            reach = max((key.last_sample - key.first_sample) // 2 for key in keys)
            if before not in known:
                earlier = [one for one in held if one.frame_index >= before - reach]
                plan = KeyPlan(frame_index=before, first_sample=earlier[0].frame_index, last_sample=before)
                known.add(before)
                yield plan, earlier
            if after not in known:
                known.add(after)
                pending.append(KeyPlan(frame_index=after, first_sample=after, last_sample=after + reach))
            # A flickering lamp must not make a key of every sample.
            quiet_until = after + max(1, reach // 4)
        held.append(sample)
        pending.sort(key=lambda key: (key.last_sample, key.frame_index))
        while pending and pending[0].last_sample <= sample.frame_index:
            key = pending.pop(0)
            yield key, _within(held, key)
        oldest = min((key.first_sample for key in pending), default=sample.frame_index)
        while len(held) > 1 and held[0].frame_index < oldest:
            del held[0]
    for key in pending:
        # Only keys after a step reach beyond the last sample.
        yield key, _within(held, key)


def _within(held: list[Sample], key: KeyPlan) -> list[Sample]:
    return [sample for sample in held if key.first_sample <= sample.frame_index <= key.last_sample]
