"""Who passes behind a thing is not seen there; who stands still, or is seen, is."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.assemble import with_hidden_steps
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.tracking.base import Fragment


def reading_of(*, speed=6.0, motion=0.05, pause=(8, 14), steps=20):
    """Somebody 40 px wide; not detected in a pause, where as much differs from the plate as told."""
    x = 100 + speed * np.arange(steps)
    boxes = np.stack([x, np.full(steps, 50.0), x + 40, np.full(steps, 150.0)], axis=1)
    scores = np.ones(steps, np.float32)
    scores[slice(*pause)] = 0
    share = np.where(scores > 0, 0.9, motion)
    part = Fragment(frames=np.arange(steps), boxes=boxes, scores=scores)
    return part, TrackReading(boxes=list(boxes), visible=[1.0] * steps, motion=share.tolist())


def hidden(part, reading):
    return np.flatnonzero(np.array(with_hidden_steps(part, reading).visible) == 0).tolist()


def test_who_passes_behind_a_thing_is_hidden_there():
    assert hidden(*reading_of()) == list(range(8, 14))


@pytest.mark.parametrize(
    "change",
    [{"speed": 0.5}, {"motion": 0.5}, {"motion": np.nan}, {"pause": (14, 20)}, {"pause": (0, 5)}, {"pause": (0, 20)}],
    ids=["stands", "is seen", "nobody can tell", "is lost", "is not yet there", "was never seen"],
)
def test_all_others_count_as_seen(change):
    part, reading = reading_of(**change)
    assert hidden(part, reading) == []
    assert with_hidden_steps(part, reading).visible == reading.visible
