"""Items are done once each, anywhere; errors and crashes are seen; nothing is left running."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bodydouble.errors import UsageError, WorkerCrashed
from bodydouble.execution import run_all
from bodydouble.execution.base import resolve_workers


@dataclass(frozen=True)
class Squares:
    """Squares numbers; what goes wrong at which number is said beforehand."""

    fail_at: int = -1
    die_at: int = -1
    log: Path | None = None

    def __call__(self) -> Callable[[int], int]:
        if self.log is not None:
            with self.log.open("a") as stream:
                stream.write(f"{os.getpid()}\n")
        return self._square

    def _square(self, number: int) -> int:
        if number == self.fail_at:
            raise UsageError(f"{number} is not allowed")
        if number == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number


@dataclass(frozen=True)
class BrokenSetup:
    def __call__(self) -> Callable[[int], int]:
        raise UsageError("cannot be set up")


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_item_is_done_once_whatever_the_number_of_workers(workers: int, count: int) -> None:
    items = list(range(count))
    assert sorted(run_all(Squares(), items, workers=workers)) == [(n, n * n) for n in items]


def test_setup_happens_once_per_process_and_not_without_items(tmp_path: Path) -> None:
    log = tmp_path / "setups"
    assert list(run_all(Squares(log=log), [], workers=2)) == []
    assert not log.exists()
    assert len(list(run_all(Squares(log=log), list(range(20)), workers=2))) == 20
    processes = log.read_text().split()
    assert len(processes) == len(set(processes)) <= 2
    assert str(os.getpid()) not in processes


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_arrives_with_its_type_message_and_origin(workers: int) -> None:
    with pytest.raises(UsageError, match="3 is not allowed") as caught:
        list(run_all(Squares(fail_at=3), list(range(20)), workers=workers))
    if workers > 1:
        assert "_square" in str(caught.value.__cause__)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_setup_is_not_lost(workers: int) -> None:
    with pytest.raises(UsageError, match="cannot be set up"):
        list(run_all(BrokenSetup(), [1, 2, 3], workers=workers))


def test_a_worker_that_dies_is_a_clear_error() -> None:
    with pytest.raises(WorkerCrashed, match="--resume"):
        list(run_all(Squares(die_at=2), list(range(8)), workers=2))
    assert multiprocessing.active_children() == []


def test_leaving_early_ends_the_workers() -> None:
    results = run_all(Squares(), list(range(1000)), workers=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_environment_is_as_before() -> None:
    before = dict(os.environ)
    list(run_all(Squares(), [1, 2], workers=2))
    assert dict(os.environ) == before


def test_workers_are_bounded_by_items_and_zero_means_all_cores() -> None:
    assert resolve_workers(8, 3) == 3
    assert resolve_workers(0, 1000) >= 1
    assert resolve_workers(4, 0) == 1
