"""Several worker processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final

from bodydouble.errors import WorkerCrashed
from bodydouble.execution.base import Item, Result, Setup, Work

_AHEAD: Final = 2
"""Items handed out per worker: one at work and one waiting, so that memory is bounded and nobody idles."""

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Each worker has one core: libraries that start a thread per core would get in each other's way."""

_work: Work[Any, Any] | None = None
"""What this worker process was set up with; None in the parent."""


def run_processes(
    setup: Setup[Item, Result], items: Sequence[Item], *, workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Do the items in fresh processes (``spawn``: nothing is inherited by accident, and threads cannot deadlock).

    Leaving the iterator early, by an error, an interruption or ``close()``, ends the workers.

    Yields:
        Pairs of item and result, in the order in which they are done.

    Raises:
        WorkerCrashed: a worker died without a word (killed, out of memory, crash in native code).
        Exception: whatever the work raised; its cause shows the worker's traceback.
    """
    remaining = iter(items)
    pending: dict[Future[Result], Item] = {}
    with _pool(workers) as pool:

        def hand_out(count: int) -> None:
            # The count goes first: zip would take an item more from the other before it stops.
            for _, item in zip(range(count), remaining, strict=False):
                pending[pool.submit(_do, setup, item)] = item

        try:
            hand_out(workers * _AHEAD)
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    item = pending.pop(future)
                    result = future.result()
                    hand_out(1)
                    yield item, result
        except BrokenProcessPool as error:
            raise WorkerCrashed(
                "a worker process died without an error of its own (killed, out of memory, or a crash in native code); "
                "what is done is kept: run again with --resume, with fewer --workers if memory is short"
            ) from error


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    with _one_thread_each():
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)
        finished = False
        try:
            yield pool
            finished = True
        finally:
            if not finished:
                # `shutdown` alone would wait for items at work, which may take minutes.
                for process in list((pool._processes or {}).values()):
                    process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside begin with one thread per library; this process keeps what it has."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker() -> None:
    # Ctrl-C reaches the whole group of processes; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do(setup: Setup[Item, Result], item: Item) -> Result:
    # Set up with the first item rather than in the initializer: what an initializer raises is lost.
    global _work
    if _work is None:
        _work = setup()
    result: Result = _work(item)
    return result
