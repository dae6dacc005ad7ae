"""Data sets of anomaly detection: a folder in, footage with labels out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bodydouble.anomaly.data.avenue import open_avenue
from bodydouble.anomaly.data.base import DataSet, Footage, TestClips, TestVideo, TrainingClips
from bodydouble.anomaly.data.shanghaitech import open_shanghaitech
from bodydouble.anomaly.data.synth import open_synth
from bodydouble.anomaly.data.ucsd import open_ucsd
from bodydouble.errors import InputError, UsageError

__all__ = ["DataSet", "Footage", "Kind", "TestClips", "TestVideo", "TrainingClips", "open_dataset"]

Kind = Literal["avenue", "ucsd", "shanghaitech", "synth", "auto"]

_READERS: dict[str, Callable[..., DataSet]] = {
    "avenue": open_avenue,
    "ucsd": open_ucsd,
    "shanghaitech": open_shanghaitech,
    "synth": open_synth,
}


def open_dataset(path: Path, kind: Kind | str = "auto", *, labels_from: Path | None = None) -> DataSet:
    """Open a data set.

    Args:
        path: its folder; which layouts each kind may have is said in the modules here.
        kind: which data set; ``auto`` tries them all: the size of the frames sets them apart, and what is none of the
            recorded ones is ``synth``.
        labels_from: folder of the same data set that has labels, for a copy (anonymized, say) that has none.

    Raises:
        UsageError: there is no such kind.
        InputError: the folder does not hold it, or parts do not fit each other.
    """
    if kind in _READERS:
        return _READERS[kind](path, labels_from=labels_from)
    if kind != "auto":
        raise UsageError(f"no data set kind {kind!r}; there are auto, {', '.join(_READERS)}")
    if not path.is_dir():
        raise InputError(f"there is no such folder: {path}")
    refused = []
    for name, reader in _READERS.items():
        try:
            return reader(path, labels_from=labels_from)
        except InputError as error:
            refused.append(f"{name}: {error}")
    raise InputError("is none of the known data sets;\n  " + "\n  ".join(refused))
