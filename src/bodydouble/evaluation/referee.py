"""An independent detector that counts people: YOLOX-nano, trained on COCO, never used by the default pipeline.

The model (Apache-2.0, https://github.com/Megvii-BaseDetection/YOLOX) is not part of the project; a path is given. Its
input is BGR 0 to 255 in a 416x416 letterbox, its output the raw head: per cell of the grids of stride 8, 16 and 32
the centre relative to the cell, the logarithm of the size in strides, objectness and 80 class scores (Ge et al. 2021,
"YOLOX: Exceeding YOLO Series in 2021", section 2.1). Person is class 0 of COCO.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import MissingWeights

INPUT_PX: Final[int] = 416
STRIDES: Final[tuple[int, ...]] = (8, 16, 32)
_PERSON_COLUMN: Final[int] = 5
_PADDING: Final[int] = 114
"""Grey of the letterbox that the network was trained with."""
_TILE_OVERLAP: Final[float] = 0.2
_CONTAINED_SHARE: Final[float] = 0.75
_HALVES_SHARE: Final[float] = 0.4
"""The same between two boxes that tiles have cut: the halves of one person overlap by what the tiles overlap."""
_CUT_SHARE: Final[float] = 0.03
"""A box that ends this close to an inner edge of its tile, as a share of the tile's side, is cut by it."""

Boxes = npt.NDArray[np.float32]
"""(n, 4): left, top, right, bottom in px."""
Scores = npt.NDArray[np.float32]
"""(n,): 0 to 1."""


def decode_head(raw: npt.NDArray[np.float32]) -> tuple[Boxes, Scores]:
    """Turn the raw head, (3549, 85), into boxes in input pixels and person scores."""
    cells, strides = [], []
    for stride in STRIDES:
        side = INPUT_PX // stride
        y, x = np.mgrid[0:side, 0:side]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full((side * side, 1), stride))
    cell, stride_px = np.concatenate(cells), np.concatenate(strides)
    centre = (raw[:, :2] + cell) * stride_px
    half = np.exp(raw[:, 2:4]) * stride_px / 2.0
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return boxes, raw[:, 4] * raw[:, _PERSON_COLUMN]


def suppress(
    boxes: Boxes,
    scores: Scores,
    overlap: float,
    contained: float = 1.1,
    last: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """Indices that are kept, best first: greedy non-maximum suppression.

    Args:
        boxes: (n, 4).
        scores: (n,).
        overlap: intersection over union above which the weaker box is dropped.
        contained: intersection over the smaller box above which the weaker box is dropped; above 1 is never. Needed
            where tiles cut people: half a person lies within the whole one.
        last: (n,) bool, boxes that come after all others whatever their score, as halves do after whole people.
    """
    order = np.lexsort((-scores, np.zeros(len(scores), dtype=np.bool_) if last is None else last))
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
    kept: list[int] = []
    while len(order) > 0:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.prod(np.maximum(high - low, 0.0), axis=1)
        union = np.maximum(area[best] + area[rest] - common, 1e-6)
        smaller = np.maximum(np.minimum(area[best], area[rest]), 1e-6)
        order = rest[(common / union <= overlap) & (common / smaller <= contained)]
    return np.array(kept, dtype=np.int64)


def cut_by(boxes: Boxes, view_xyxy_px: tuple[int, int, int, int], size_px: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(n,): boxes, (n, 4) in px of the picture, that end at an edge of their view which is not the picture's."""
    left, top, right, bottom = view_xyxy_px
    margin_x, margin_y = _CUT_SHARE * (right - left), _CUT_SHARE * (bottom - top)
    return np.asarray(
        ((left > 0) & (boxes[:, 0] <= left + margin_x))
        | ((top > 0) & (boxes[:, 1] <= top + margin_y))
        | ((right < size_px[0]) & (boxes[:, 2] >= right - margin_x))
        | ((bottom < size_px[1]) & (boxes[:, 3] >= bottom - margin_y))
    )


def without_halves(boxes: Boxes, scores: Scores, cut: npt.NDArray[np.bool_], overlap: float) -> npt.NDArray[np.int64]:
    """Indices that are kept, whole people first: one box a person, though some views saw only a part of them.

    Args:
        boxes: (n, 4), of all views.
        scores: (n,).
        cut: (n,), True where a tile has cut the person.
        overlap: intersection over union above which the weaker box is dropped.
    """
    kept = suppress(boxes, scores, overlap, _CONTAINED_SHARE, cut)
    halves = kept[cut[kept]]
    return np.concatenate([kept[~cut[kept]], halves[suppress(boxes[halves], scores[halves], overlap, _HALVES_SHARE)]])


class Referee:
    """Finds people in single pictures."""

    def __init__(self, model_path: Path, *, threads: int = 2) -> None:
        """Load the model.

        Raises:
            MissingWeights: there is no such file.
        """
        import onnxruntime

        if not model_path.is_file():
            raise MissingWeights(f"the referee's model is not there; it comes with the recorded clips: {model_path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        self._input_name = self._session.get_inputs()[0].name

    def _look(self, rgb: npt.NDArray[np.uint8], score: float) -> tuple[Boxes, Scores]:
        height, width = rgb.shape[:2]
        scale = min(INPUT_PX / width, INPUT_PX / height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        letterbox = np.full((INPUT_PX, INPUT_PX, 3), _PADDING, dtype=np.uint8)
        letterbox[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
        planes = np.ascontiguousarray(letterbox[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
        raw = self._session.run(None, {self._input_name: planes})[0][0]
        boxes, scores = decode_head(raw)
        sure = scores >= score
        return boxes[sure] / np.float32(scale), scores[sure]

    def find(
        self,
        rgb: npt.NDArray[np.uint8],
        *,
        score: float = 0.3,
        tiles: bool = True,
        overlap: float = 0.5,
        halves: bool = True,
    ) -> tuple[Boxes, Scores]:
        """Find people in a picture (height, width, 3) sRGB: the whole picture, and 2x2 overlapping tiles of it.

        Args:
            rgb: the picture.
            score: lowest score, 0 to 1.
            tiles: also look at the tiles; finds people who are small in the picture.
            overlap: intersection over union above which the weaker of two boxes is dropped.
            halves: also give the boxes of people whom no view saw whole; they end where a tile does, not where the
                person does. Right where somebody must not be missed, wrong where places of boxes are compared.

        Returns:
            Boxes in px of the picture and scores; people whom a tile has cut come last, otherwise best first.
        """
        height, width = rgb.shape[:2]
        views = [(0, 0, width, height)]
        if tiles and min(height, width) >= 4:
            tile_w = round(width * (0.5 + _TILE_OVERLAP / 2))
            tile_h = round(height * (0.5 + _TILE_OVERLAP / 2))
            views += [(x, y, x + tile_w, y + tile_h) for y in (0, height - tile_h) for x in (0, width - tile_w)]
        found = []
        for view in views:
            boxes, scores = self._look(rgb[view[1] : view[3], view[0] : view[2]], score)
            boxes = boxes + np.array([view[0], view[1], view[0], view[1]], dtype=np.float32)
            found.append((boxes, scores, cut_by(boxes, view, (width, height))))
        boxes, scores = (np.concatenate([parts[column] for parts in found]) for column in (0, 1))
        cut = np.concatenate([parts[2] for parts in found])
        kept = without_halves(boxes, scores, cut, overlap)
        if not halves:
            kept = kept[~cut[kept]]
        return boxes[kept], scores[kept]
