"""Packages that only some backends need."""

from __future__ import annotations

import importlib.util

from bodydouble.errors import MissingDependency


def need(*modules: str, extra: str, backend: str) -> None:
    """See that packages are installed, before anything of them is imported.

    Args:
        modules: names as they are imported.
        extra: of our package that installs them.
        backend: that needs them, for the message, such as ``perception.people backend 'yolov8'``.

    Raises:
        MissingDependency: some are not installed.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"{backend} needs {', '.join(missing)}, which is not installed; install it with: "
            f"pip install 'bodydouble[{extra}]'"
        )
