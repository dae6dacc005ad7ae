"""One root seed per run; everything random is derived from it by name, never by order of execution."""

from __future__ import annotations

import hashlib


def derive_seed(root: int, *parts: str | int) -> int:
    """Derive an independent 63-bit seed from the run's root seed and a path of names.

    The result depends on nothing but its arguments, so workers, chunks and order of work cannot change it.

    Args:
        root: the run's seed, any integer.
        parts: names of what the seed is for, such as ``("casting", clip_name, track_id)``. An integer and the
            string that spells it are different parts.

    Returns:
        A seed in ``[0, 2**63)``.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (root, *parts):
        text = f"{type(part).__name__}:{part}".encode()
        # The length goes first so that ("ab", "c") and ("a", "bc") differ.
        digest.update(len(text).to_bytes(4, "little") + text)
    return int.from_bytes(digest.digest(), "little") >> 1
