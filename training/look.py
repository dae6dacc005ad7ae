"""Draws what the exported networks see in frames of a clip, for looking at. Pictures only go where ``--out`` says.

``python -m training.look --clip CLIP --frames 0 100 --out /tmp/training/look.png``: boxes of the finder, and below them the
person crops with mask outline and joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime
import tyro
from numpy.typing import NDArray

from bodydouble.scene.skeleton import LIMBS
from training.crops import CROP_HW_PX, ENLARGED
from training.train_finder import peaks

_RIGHT: Final[frozenset[int]] = frozenset((2, 3, 4, 8, 9, 10))


@dataclass(frozen=True, kw_only=True)
class LookConfig:
    """What to look at."""

    clip: Path
    """Video file."""
    out: Path
    """Picture to write."""
    frames: tuple[int, ...] = (0,)
    """Frames of the clip."""
    scale: float = 1.0
    """Enlargement before the finder."""
    score: float = 0.35
    """Lowest score shown."""
    models: Path = Path("/tmp/training/export")
    """Folder with the ONNX files."""


def find(
    session: onnxruntime.InferenceSession, rgb: NDArray[np.uint8], scale: float, score: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes and scores in pixels of ``rgb``."""
    image = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    height, width = (-(-n // 32) * 32 for n in image.shape[:2])
    padded = cv2.copyMakeBorder(
        image, 0, height - image.shape[0], 0, width - image.shape[1], cv2.BORDER_REPLICATE
    )  # fmt: skip
    scores, boxes = session.run(None, {"rgb": padded[None]})
    found, values = peaks(scores[0, 0], boxes[0], lowest=score)
    return found / scale, values


def cut(rgb: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The crop that the person network takes."""
    height, width = CROP_HW_PX
    tall = max(box[3] - box[1], (box[2] - box[0]) * height / width) * ENLARGED
    wide = tall * width / height
    rows = np.round((box[1] + box[3]) / 2 + np.array([-tall, tall]) / 2).astype(int)
    columns = np.round((box[0] + box[2]) / 2 + np.array([-wide, wide]) / 2).astype(int)
    # Repeating the border's pixels by indexing, so that the reduction below can average areas.
    ys = np.arange(*rows).clip(0, rgb.shape[0] - 1)
    xs = np.arange(*columns).clip(0, rgb.shape[1] - 1)
    region = np.ascontiguousarray(rgb[ys][:, xs])
    how = cv2.INTER_AREA if tall > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(region, (width, height), interpolation=how), np.uint8)


def draw_person(
    crop: NDArray[np.uint8], heat: NDArray[np.float32], mask: NDArray[np.float32], zoom: int = 2
) -> NDArray[np.uint8]:
    """Outline and skeleton on an enlarged crop; the person's right side in red."""
    picture = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    large = cv2.resize(mask, (picture.shape[1], picture.shape[0]))
    outline, _ = cv2.findContours((large > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outline, -1, (0, 255, 0), 1)
    rows, columns = np.unravel_index(heat.reshape(len(heat), -1).argmax(1), heat.shape[1:])
    points = np.stack([columns + 0.5, rows + 0.5], 1) * 4 * zoom
    for a, b in LIMBS:
        if min(heat[a].max(), heat[b].max()) > 0.2:
            colour = (255, 60, 60) if a in _RIGHT or b in _RIGHT else (90, 160, 255)
            cv2.line(picture, points[a].astype(int).tolist(), points[b].astype(int).tolist(), colour, 2, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def main(config: LookConfig) -> None:
    """Draw."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    finder, person = (
        onnxruntime.InferenceSession(config.models / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
        for name in ("people_finder", "person")
    )
    capture, wide, rows = cv2.VideoCapture(str(config.clip)), 1536, []
    for index in config.frames:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        read, frame = capture.read()
        if not read:
            raise SystemExit(f"no frame {index}: {config.clip}")
        rgb = np.ascontiguousarray(frame[..., ::-1], np.uint8)
        boxes, scores = find(finder, rgb, config.scale, config.score)
        picture, crops = rgb.copy(), [cut(rgb, box) for box in boxes[:16]]
        for box, value in zip(boxes, scores, strict=True):
            left, top, right, bottom = (round(float(v)) for v in box)
            cv2.rectangle(picture, (left, top), (right, bottom), (0, 255, 0), 2)
            cv2.putText(picture, f"{value:.2f}", (left, top - 2), 0, 0.45, (255, 255, 0), 1)
        rows.append(cv2.resize(picture, (wide, round(picture.shape[0] * wide / picture.shape[1]))))
        if crops:
            asked = {"rgb": np.stack(crops), "detail": np.array(2, np.int64)}
            heat, mask = person.run(["joint_heatmaps", "mask"], asked)
            zoom = 1 if len(crops) > 8 else 2
            shown = [draw_person(c, h, m[0], zoom) for c, h, m in zip(crops, heat, mask, strict=True)]
            strip = np.hstack(shown)[:, :wide]
            rows.append(np.pad(strip, ((0, 0), (0, wide - strip.shape[1]), (0, 0))))
    cv2.imwrite(str(config.out), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main(tyro.cli(LookConfig))
