"""The look of compression: how coarsely a codec of 8x8 blocks stored fine detail, measured and given to doubles.

Motion JPEG and MPEG-4 part 2, which much surveillance footage was stored with, keep the coefficients of the discrete cosine
transform (DCT) of 8x8 blocks in steps. Small ones vanish, the others lie on a comb, and both survive decoding (Fan and de
Queiroz 2003, "Identification of bitmap compression history"). Where a clip shows no comb (later codecs smooth it away, and
so does scaling) nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

BLOCK_PX: Final[int] = 8
FINE_FROM: Final[int] = 5
"""Coefficients whose two frequencies sum to this or more are fine detail; coarser ones are stored with smaller steps."""
_LARGEST: Final[float] = 60.0
_BIN: Final[float] = 0.25
_TEETH: Final = range(round(3.0 / _BIN), round(20.0 / _BIN))
"""Bins in which the first tooth of a comb is looked for. Steps below 3/255 cannot be seen."""
_FEWEST: Final[int] = 50
"""Coefficients of one frame on a tooth, with fewer nothing is said; what stands still is the same in all frames."""
_CLEAR: Final[float] = 3.0
"""How many times more frequent than the rarest sizes on either side those on a tooth must be. Without a comb smaller sizes
are more frequent, so that nothing is above 1; Avenue reaches 30, TUD-Campus 20."""
_THRESHOLD: Final[float] = 0.25
"""Encoders round up to a tooth from this share of the spacing below it; small coefficients are cheaper left out."""


@dataclass(frozen=True, kw_only=True)
class Comb:
    """Sizes of the fine coefficients that a codec knows: 0, ``first``, and on from there in steps of ``spacing``."""

    first: float
    """In 1/255 of an orthonormal 8x8 DCT."""
    spacing: float

    @property
    def vanishes_below(self) -> float:
        """Size from which a coefficient is kept."""
        return self.first - _THRESHOLD * self.spacing


class CombEvidence:
    """How often fine DCT coefficients of which size occur outside people."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts, self._frames = np.zeros(round(_LARGEST / _BIN), dtype=np.int64), 0

    def add(self, frame_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]) -> None:
        """Count those of a frame's brightness.

        Args:
            frame_rgb: (height, width, 3).
            usable: (height, width): pixels outside all people; blocks with others are left out.
        """
        rows, columns = (side // BLOCK_PX for side in usable.shape)
        whole = usable[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
        luma = cv2.cvtColor(frame_rgb, cv2.COLOR_RGB2GRAY)[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float32)
        blocks = luma.reshape(rows, BLOCK_PX, columns, BLOCK_PX).swapaxes(1, 2)[whole.all(axis=(1, 3))]
        basis = dct_basis()
        fine = np.add.outer(np.arange(BLOCK_PX), np.arange(BLOCK_PX)) >= FINE_FROM
        places = (np.abs(basis @ blocks @ basis.T)[:, fine].ravel() / _BIN).astype(np.int64)
        self._counts += np.bincount(places[places < len(self._counts)], minlength=len(self._counts))
        self._frames += 1

    def comb(self) -> Comb | None:
        """The comb, or None where there is none."""
        first = next((place for place in _TEETH if self._is_tooth(place)), None)
        if first is None:
            return None
        beyond = range(first + first // 2, 2 * first + 2)
        second = next((place for place in beyond if self._is_tooth(place)), 2 * first)
        return Comb(first=(first + 0.5) * _BIN, spacing=(second - first) * _BIN)

    def _is_tooth(self, place: int) -> bool:
        """Whether sizes of a bin are the most frequent ones around, by far."""
        half = max(2, place // 2)
        around = self._counts[place - half : place + half + 1]
        if self._counts[place] < max(_FEWEST * self._frames, 1, int(self._counts[place - 2 : place + 3].max())):
            return False
        rarest = max(int(around[:half].min()), int(around[half + 1 :].min()), 1)
        return bool(self._counts[place] >= _CLEAR * rarest)


def dct_basis() -> npt.NDArray[np.float32]:
    """(8, 8): rows are the orthonormal DCT-II basis."""
    k, n = np.mgrid[:BLOCK_PX, :BLOCK_PX]
    basis = np.sqrt(2.0 / BLOCK_PX) * np.cos(np.pi * (2 * n + 1) * k / (2 * BLOCK_PX))
    basis[0] /= np.sqrt(2.0)
    return np.asarray(basis, np.float32)
