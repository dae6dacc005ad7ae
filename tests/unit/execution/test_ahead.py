"""Work on several frames at a time keeps order, hands errors on, and holds few items."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from bodydouble.ahead import ahead, read_ahead


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_order_however_long_each_takes(workers: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(ahead(range(20), work, workers=workers)) == [(n, n * n) for n in range(20)]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_is_raised_at_its_item(workers: int) -> None:
    def work(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    results = ahead(range(20), work, workers=workers)
    assert [next(results)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)


def test_few_items_are_held_at_a_time() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    for count, (item, _) in enumerate(ahead(items(), lambda n: n, workers=3), start=1):
        assert item == count - 1
        assert taken - count <= 3


def test_one_worker_starts_no_thread() -> None:
    here = threading.get_ident()
    assert [thread for _, thread in ahead(range(3), lambda _: threading.get_ident(), workers=1)] == [here] * 3
    assert list(ahead([], lambda n: n, workers=4)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_read_ahead_comes_in_order_and_what_reading_raises_at_its_place(workers: int) -> None:
    def torn() -> Iterator[int]:
        yield from range(3)
        raise OSError("torn tape")

    assert list(read_ahead(range(7), workers=workers)) == list(range(7))
    items = read_ahead(torn(), workers=workers)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="torn tape"):
        next(items)


def test_the_next_is_read_while_one_is_worked_on_and_closing_ends_it() -> None:
    read = threading.Semaphore(0)

    def items() -> Iterator[int]:
        for number in range(5):
            read.release()
            yield number

    ahead_of_us = read_ahead(items(), workers=2)
    next(ahead_of_us)
    assert read.acquire(timeout=5)
    assert read.acquire(timeout=5), "the second is read before it is asked for"
    ahead_of_us.close()
    assert not read.acquire(blocking=False), "and no more than that"
