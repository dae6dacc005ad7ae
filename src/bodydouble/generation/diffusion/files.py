"""What files of weights say about themselves without being loaded. Imports nothing heavy: asked before a run begins."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from bodydouble.errors import MissingWeights

_LONGEST_HEADER_BYTES: Final = 100_000_000
"""The format's own limit."""


def count_parameters(file: Path) -> int:
    """Numbers in a safetensors file, by its header.

    Raises:
        MissingWeights: it is no such file.
    """
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > _LONGEST_HEADER_BYTES:
                raise ValueError("its header would be too long")
            header = json.loads(stream.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MissingWeights(f"this is no safetensors file ({error}): {file}") from error


def read_settings(folder: Path) -> dict[str, Any]:
    """``config.json`` of a part.

    Raises:
        MissingWeights: it is absent or no JSON object.
    """
    path = folder / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingWeights(f"the configuration of a part cannot be read ({error}): {path}") from error
    if not isinstance(settings, dict):
        raise MissingWeights(f"the configuration of a part is no table: {path}")
    return settings
