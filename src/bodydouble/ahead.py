"""Work on a few frames at the same time, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], work: Callable[[Item], Result], *, workers: int) -> Iterator[tuple[Item, Result]]:
    """Each item with what ``work`` makes of it, in order.

    Networks on one thread each, on as many frames as there are cores, keep the cores busier than one network on all
    of them; and a network on one thread always adds up in the same order.

    Args:
        items: at most ``workers + 1`` of them are held at a time.
        work: safe to call from several threads at once; what it raises is raised here, at its item.
        workers: threads; with 1 no thread is started.
    """
    if workers <= 1:
        for item in items:
            yield item, work(item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > workers:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()


def read_ahead(items: Iterable[Item], *, workers: int) -> Generator[Item, None, None]:
    """The same items; the next is made in a thread while one is worked on. To be closed, which ends the thread.

    Args:
        items: none is None.
        workers: with 1 no thread is started.
    """
    if workers <= 1:
        yield from items
        return
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, iterator, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, iterator, None)
            yield item
