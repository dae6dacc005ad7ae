"""Where work runs: in this process, or in several. Results come as they are ready, in any order."""

from bodydouble.execution.base import Setup, Work, resolve_workers, run_all
from bodydouble.execution.processes import run_processes
from bodydouble.execution.serial import run_serial

__all__ = ["Setup", "Work", "resolve_workers", "run_all", "run_processes", "run_serial"]
