"""Everything in this process, one item after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from bodydouble.execution.base import Item, Result, Setup


def run_serial(setup: Setup[Item, Result], items: Sequence[Item]) -> Generator[tuple[Item, Result], None, None]:
    """Do the items in order; ``setup`` is not called when there are none.

    Yields:
        Pairs of item and result.
    """
    if not items:
        return
    work = setup()
    for item in items:
        yield item, work(item)
