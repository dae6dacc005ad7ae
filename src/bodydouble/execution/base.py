"""The contract between a job made of independent items and whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[Item], Result]
"""Does one item. Must depend on nothing but the item and what it was set up with: any worker may get any item."""

Setup = Callable[[], Work[Item, Result]]
"""Makes a `Work`; called once in each process. Must be picklable and small (paths and settings, not arrays)."""


def resolve_workers(workers: int, num_items: int) -> int:
    """Number of processes that make sense: 0 stands for one per core, and never more than there are items."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(workers or cores, num_items))


def run_all(
    setup: Setup[Item, Result], items: Sequence[Item], *, workers: int = 1
) -> Generator[tuple[Item, Result], None, None]:
    """Do every item, in this process for one worker, in worker processes for more.

    Yields:
        Pairs of item and result as they are done.

    Raises:
        WorkerCrashed: a worker process died.
        Exception: whatever the work raised, with the traceback of where it was raised.
    """
    from bodydouble.execution.processes import run_processes
    from bodydouble.execution.serial import run_serial

    count = resolve_workers(workers, len(items))
    if count == 1:
        return run_serial(setup, items)
    return run_processes(setup, items, workers=count)
