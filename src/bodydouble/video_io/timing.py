"""From the time stamps a container carries to strictly increasing ones; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def are_strictly_increasing(ticks: Sequence[int | None]) -> bool:
    """Tell whether every stamp is there and later than the one before."""
    previous: int | None = None
    for tick in ticks:
        if tick is None or (previous is not None and tick <= previous):
            return False
        previous = tick
    return True


def frame_step_ticks(rate: Fraction, time_base: Fraction) -> int:
    """Ticks from one frame to the next at a constant rate, at least 1."""
    return max(1, round(1 / (rate * time_base)))


def presentation_ticks(
    stored: Sequence[int | None], packet_dts: Sequence[int | None], *, step_ticks: int, trust_stored: bool
) -> tuple[int, ...]:
    """Time stamps of the frames in the order in which they are shown.

    Stored stamps are taken as they are when they are complete and strictly increasing. Otherwise, in this order:

    - Containers without presentation times (AVI) number their packets in coding order, and FFmpeg puts those numbers on
      reordered frames. The i-th frame shown is then due at the i-th smallest packet time.
    - A missing stamp follows one frame step after the one before it, a repeated one a single tick after it, and
      a jump back starts a new stretch one frame step later (concatenated recordings).

    Args:
        stored: stamp of each frame, shown order, None where absent.
        packet_dts: decoding stamp of each packet that carries data.
        step_ticks: ticks of one frame at the stated rate.
        trust_stored: False for containers that have no presentation times.

    Returns:
        As many strictly increasing stamps as ``stored`` has.
    """
    if are_strictly_increasing(stored):
        return tuple(tick for tick in stored if tick is not None)
    if not trust_stored and len(packet_dts) == len(stored) and are_strictly_increasing(packet_dts):
        return tuple(tick for tick in packet_dts if tick is not None)
    if not trust_stored:
        return tuple(index * step_ticks for index in range(len(stored)))
    return _repaired(stored, step_ticks)


def _repaired(stored: Sequence[int | None], step_ticks: int) -> tuple[int, ...]:
    first = next((index for index, tick in enumerate(stored) if tick is not None), None)
    if first is None:
        return tuple(index * step_ticks for index in range(len(stored)))
    first_tick = stored[first]
    assert first_tick is not None
    ticks = [first_tick - (first - index) * step_ticks for index in range(first)]
    offset = 0
    last_stored: int | None = None
    for tick in stored[first:]:
        previous = ticks[-1] if ticks else None
        if previous is None:
            new = first_tick
        elif tick is None:
            new = previous + step_ticks
        elif last_stored is not None and tick == last_stored:
            new = previous + 1
        elif last_stored is not None and tick < last_stored:
            new = previous + step_ticks
            offset = new - tick
        else:
            new = max(tick + offset, previous + 1)
        ticks.append(new)
        last_stored = tick if tick is not None else last_stored
    return tuple(ticks)
