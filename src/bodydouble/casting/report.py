"""How balanced a cast came out: counts by attribute, written beside the cast of every run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from bodydouble.casting import palette
from bodydouble.scene import Appearance, Cast
from bodydouble.scene.strict_files import write_bytes

BALANCE_FILE: Final = "cast_balance.json"
AGE_GROUPS: Final = ("child", "teenager", "young adult", "adult", "elder")

_ATTRIBUTES: Final = (
    "ethnicity", "gender", "age_group", "body_type", "height_class", "hair_colour", "hair_type", "facial_hair",
    "occupation", "top", "top_pattern", "bottom", "shoes", "headwear", "eyewear", "bag",
)  # fmt: skip
"""In the paper's order; colours of clothes are too many to be of use."""


def balance(cast: Cast, track_ids: Collection[int] | None = None) -> Mapping[str, Mapping[str, int]]:
    """Count the values of every attribute.

    Args:
        cast: who plays whom.
        track_ids: tracks that count, such as those that a double plays; all if None.

    Returns:
        By attribute and value, values that nobody has at 0. Palettes name some values more than once, and these are
        drawn as much more often.
    """
    looks = [look for track_id, look in cast.parts if track_ids is None or track_id in track_ids]
    return {attribute: _counts(looks, attribute) for attribute in _ATTRIBUTES}


def write_balance(cast: Cast, path: Path, track_ids: Collection[int] | None = None) -> None:
    """Write the counts of `balance` as JSON.

    Raises:
        OutputError: the file system refuses.
    """
    counts = balance(cast, track_ids)
    data = {"format": "bodydouble-cast-balance", "people": sum(counts["gender"].values()), "counts": counts}
    write_bytes(path, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())


def _counts(looks: list[Appearance], attribute: str) -> dict[str, int]:
    found = Counter(getattr(look, attribute) for look in looks)
    known = AGE_GROUPS if attribute == "age_group" else palette.VOCABULARY[attribute]
    return {value: found[value] for value in (*known, *sorted(found.keys() - set(known)))}
