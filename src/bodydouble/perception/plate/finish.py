"""From what samples show at each key to finished plates: other keys, a second look for people, and filled holes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.fill import fill_holes
from bodydouble.perception.plate.relight import SPARSE, apply_table, fit_light
from bodydouble.perception.plate.static import KeyPicture

_NEIGHBOUR_KEYS: Final = 8
"""Holes of a key are filled from at most this many other keys on either side together."""
_SAME_CONTENT_LEVELS: Final = 25
"""What the second look finds on one key is there on another as well where they differ by less."""
_LOOKS: Final = 3
"""How often a filled key is looked at again; filling may uncover, or copy, what looks like somebody."""

SecondLook = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]
"""Where somebody seems to be on a picture (H, W, 3): (H, W), generous."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedKey:
    """A key without holes."""

    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    seen: NDArray[np.bool_]
    """(H, W), really seen free of people."""
    evidence: NDArray[np.uint8]
    """(H, W, 3), the plain median where ``rgb`` is a guess."""


class KeyStore:
    """Keys on disk while a clip is read and finished; memory holds a few at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._frames: list[int] = []

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames of the keys, ascending."""
        return tuple(sorted(self._frames))

    def put(self, frame_index: int, picture: KeyPicture) -> None:
        """Keep what samples show."""
        with self._path(frame_index).open("wb") as file:
            np.savez(file, rgb=picture.rgb, trusted=picture.trusted, plain=picture.plain)
        self._frames.append(frame_index)

    def get(self, frame_index: int) -> KeyPicture:
        """What was kept."""
        with np.load(self._path(frame_index), allow_pickle=False) as data:
            return KeyPicture(rgb=data["rgb"], trusted=data["trusted"], plain=data["plain"])

    def clear(self) -> None:
        """Remove all files."""
        for frame in self._frames:
            self._path(frame).unlink()
        self._frames = []

    def _path(self, frame_index: int) -> Path:
        return self._folder / f"plate_key_{frame_index:07d}.npz"


class Finisher:
    """Finishes the keys of one clip, in order."""

    def __init__(self, store: KeyStore, second_look: SecondLook | None) -> None:
        self._store = store
        self._look = second_look
        self._found: dict[int, NDArray[np.bool_]] = {}
        self._before: FinishedKey | None = None

    def finish(self, frame_index: int) -> FinishedKey:
        """A key with its holes filled; call in ascending order of the frames.

        Pixels come from other keys first, then from the guess of the key before, so that guesses do not flicker from
        key to key, then from the surroundings.
        """
        picture = self._store.get(frame_index)
        rgb, seen = picture.rgb.copy(), picture.trusted.copy()
        nearby = self._nearby(frame_index)
        for other in nearby:
            if seen.all():
                break
            theirs = self._store.get(other)
            holes = theirs.trusted & ~seen
            if holes.any():
                rgb[holes] = _relit(theirs.rgb, rgb, picture.trusted & theirs.trusted)[holes]
                seen |= holes
        if self._look is not None:
            seen &= ~self._seen_on_others(frame_index, picture, nearby)
        rgb = self._guess(rgb, seen)
        if self._look is not None:
            rgb, seen = self._look_again(rgb, seen, self._look)
        evidence = picture.plain.copy()
        evidence[seen] = rgb[seen]
        self._before = FinishedKey(rgb=rgb, seen=seen, evidence=evidence)
        return self._before

    def _nearby(self, frame_index: int) -> list[int]:
        frames = self._store.frames
        others = sorted((frame for frame in frames if frame != frame_index), key=lambda f: (abs(f - frame_index), f))
        return others[:_NEIGHBOUR_KEYS]

    def _guess(self, rgb: NDArray[np.uint8], seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
        holes = ~seen
        before = self._before
        if before is not None and holes.any():
            repeated = holes & ~before.seen
            if repeated.any():
                rgb = rgb.copy()
                rgb[repeated] = _relit(before.rgb, rgb, seen & before.seen)[repeated]
                holes &= ~repeated
        # What was guessed before may be gone on with, but is not copied elsewhere.
        return fill_holes(rgb, holes, seen)

    def _look_again(
        self, rgb: NDArray[np.uint8], seen: NDArray[np.bool_], look: SecondLook
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        for _ in range(_LOOKS):
            found = look(rgb)
            if not found.any():
                break
            seen = seen & ~found
            rgb = fill_holes(rgb, found, seen)
        return rgb, seen

    def _seen_on_others(self, frame_index: int, picture: KeyPicture, nearby: list[int]) -> NDArray[np.bool_]:
        """People whom the second look finds on this key's samples or on those of another, where both look alike."""
        somebody = np.zeros_like(picture.trusted)
        for frame in (frame_index, *nearby):
            found = self._people_on(frame)
            if frame == frame_index or not found.any():
                somebody |= found
                continue
            theirs = self._store.get(frame)
            lit = _relit(theirs.rgb, picture.rgb, picture.trusted & theirs.trusted)
            gap = np.abs(lit.astype(np.int16) - picture.rgb.astype(np.int16)).max(axis=2)
            somebody |= found & (gap < _SAME_CONTENT_LEVELS)
        for frame in [frame for frame in self._found if frame < min((frame_index, *nearby))]:
            del self._found[frame]
        return somebody

    def _people_on(self, frame_index: int) -> NDArray[np.bool_]:
        assert self._look is not None
        if frame_index not in self._found:
            picture = self._store.get(frame_index)
            # Holes hold the plain median: a person there is being filled anyway, and explains half a person beside.
            self._found[frame_index] = self._look(picture.plain) & picture.trusted
        return self._found[frame_index]


def _relit(other: NDArray[np.uint8], own: NDArray[np.uint8], common: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Another key's colours in this key's light, as far as pixels that both saw tell."""
    sparse = common[::SPARSE, ::SPARSE]
    if not sparse.any():
        return other
    fit = fit_light(other[::SPARSE, ::SPARSE], own[::SPARSE, ::SPARSE], sparse)
    return apply_table(other, fit.table)
