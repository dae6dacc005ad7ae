"""What all benchmarks need: where the data is, which machine and commit a figure is from, and running the command."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
_PACKAGES = ("bodydouble", "anny", "av", "numba", "numpy", "onnxruntime", "opencv-python", "scipy", "torch", "trackers")


def data_dir() -> Path:
    """Folder of the recorded clips: BODYDOUBLE_DATA, else shared/data beside the checkout."""
    named = os.environ.get("BODYDOUBLE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        sys.exit(f"no recorded clips; name their folder in BODYDOUBLE_DATA: {folder}")
    return folder


def command() -> list[str]:
    """The installed `bodydouble` of this environment."""
    script = Path(sys.executable).parent / "bodydouble"
    if not script.is_file():
        sys.exit(f"bodydouble is not installed beside this Python; run `make install`: {script}")
    return [str(script)]


def _first_line(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "unknown")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def origin() -> dict[str, Any]:
    """Commit, machine and versions a figure belongs to."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "machine": {
            "cpu": _first_line("/proc/cpuinfo", "model name"),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory": _first_line("/proc/meminfo", "MemTotal"),
            "system": platform.platform(),
            "load_1_min_at_start": os.getloadavg()[0],
        },
        "python": platform.python_version(),
        "versions": versions,
    }


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A child process that has ended."""

    exit_code: int
    seconds: float
    peak_memory_mib: float
    """Largest resident size of the child or of any process it waited for."""


_LAUNCHER = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as file:
    json.dump([child.returncode, usage.ru_maxrss], file)
"""
"""Starts the command and measures it. Linux never states a smaller peak than the size of the process that started the
command, so that has to be a small one, which a benchmark with arrays in memory is not."""


def run_measured(arguments: list[str], log: Path) -> Finished:
    """Run a command to its end; its output goes to a file."""
    begin = perf_counter()
    with log.open("wb") as file, tempfile.TemporaryDirectory(prefix="bodydouble-measured-") as folder:
        answer = Path(folder) / "answer.json"
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(answer)]
        subprocess.run([*launcher, *arguments], stdout=file, stderr=subprocess.STDOUT, check=True)
        exit_code, peak = json.loads(answer.read_text(encoding="utf-8"))
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Finished(exit_code=exit_code, seconds=perf_counter() - begin, peak_memory_mib=peak / unit)


def finish(record: dict[str, Any], path: Path | None) -> None:
    """Print a record and write it where asked."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    print(text)
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")
