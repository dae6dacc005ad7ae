"""What every test gets: the recorded clips where there are any, and a clean state."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

# Before anything loads a threaded library: tests share two cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

# Threads of transformers outlive the loading of a model by a moment, and the tests look for threads that are left.
os.environ.setdefault("HF_DEACTIVATE_ASYNC_LOAD", "1")

_REPOSITORY = Path(__file__).resolve().parent.parent
_skipped_for_data = pytest.StashKey[list[str]]()


def _data_dir() -> Path | None:
    """Folder of the recorded clips, or None; an empty BODYDOUBLE_DATA switches them off."""
    named = os.environ.get("BODYDOUBLE_DATA")
    if named == "":
        return None
    folder = Path(named) if named else _REPOSITORY.parent / "shared" / "data"
    if named and not folder.is_dir():
        raise pytest.UsageError(f"BODYDOUBLE_DATA names no folder: {folder}")
    return folder.resolve() if folder.is_dir() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests on recorded clips where there are none, and remember their names."""
    skipped = config.stash.setdefault(_skipped_for_data, [])
    if _data_dir() is not None:
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason="no recorded clips (BODYDOUBLE_DATA)"))
            skipped.append(item.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name and count what was skipped for want of recorded clips."""
    skipped = [name for name in config.stash.get(_skipped_for_data, []) if name]
    if skipped:
        terminalreporter.section(f"{len(skipped)} tests need recorded clips and were skipped")
        for name in skipped:
            terminalreporter.line(name)


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """Folder of the recorded clips (see the README); the test is skipped where it is absent."""
    folder = _data_dir()
    if folder is None:
        pytest.skip("no recorded clips (BODYDOUBLE_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _same_state_after_each_test() -> Iterator[None]:
    """Put random generators, environment and working folder back; fail on threads left behind."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 (only to restore it)
    torch = sys.modules.get("torch")
    torch_state = torch.get_rng_state() if torch is not None else None
    environment, folder = dict(os.environ), Path.cwd()
    threads = {thread.ident for thread in threading.enumerate()}
    yield
    random.setstate(python_state)
    np.random.set_state(numpy_state)  # noqa: NPY002
    if torch is not None and torch_state is not None:
        torch.set_rng_state(torch_state)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    left = [t.name for t in threading.enumerate() if t.ident not in threads and not t.daemon and t.is_alive()]
    assert not left, f"threads still running after the test: {left}"
