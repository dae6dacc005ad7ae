"""Twelve frames of a result to look at: original over result, with one person of each at twice the size.

    python benchmarks/contact_sheet.py ORIGINAL RESULT RUN_FOLDER -o SHEET.png [--frames 12]

The sheet shows the people who were filmed: keep it where the footage is kept.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.scene import SceneBundle
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.video_io import open_source

_COLUMNS = 3
_CROP_PX = (128, 192)
"""Width and height of the window around a person, before it is enlarged."""
_GAP_PX = 8

Picture = npt.NDArray[np.uint8]


def most_people(bundle: SceneBundle, count: int) -> list[int]:
    """Frames spread over the clip; in each stretch the one with most people."""
    present = np.zeros(bundle.video.num_frames, dtype=np.int64)
    for track in bundle.tracks:
        present[track.frame_indices] += 1
    edges = np.linspace(0, bundle.video.num_frames, min(count, bundle.video.num_frames) + 1).astype(int)
    return [int(first + np.argmax(present[first:last])) for first, last in pairwise(edges)]


def _crop(picture: Picture, bundle: SceneBundle, index: int, turn: int) -> Picture:
    """Window around one of the people of a frame, at twice the size; another one each turn."""
    boxes = [track.boxes_xyxy_px[step] for track in bundle.tracks if (step := track.step_of(index)) is not None]
    width, height = _CROP_PX
    centre = (picture.shape[1] / 2, picture.shape[0] / 2)
    if boxes:
        left, top, right, bottom = (float(v) for v in boxes[turn % len(boxes)])
        centre = ((left + right) / 2, (top + bottom) / 2)
    x = int(np.clip(centre[0] - width / 2, 0, max(0, picture.shape[1] - width)))
    y = int(np.clip(centre[1] - height / 2, 0, max(0, picture.shape[0] - height)))
    window = np.zeros((height, width, 3), dtype=np.uint8)
    part = picture[y : y + height, x : x + width]
    window[: part.shape[0], : part.shape[1]] = part
    return np.asarray(cv2.resize(window, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _tile(original: Picture, result: Picture, bundle: SceneBundle, index: int, turn: int) -> Picture:
    rows = []
    for name, picture in (("original", original), ("result", result)):
        crop = _crop(picture, bundle, index, turn)
        height = max(picture.shape[0], crop.shape[0])
        row = np.full((height, picture.shape[1] + _GAP_PX + crop.shape[1], 3), 32, dtype=np.uint8)
        row[: picture.shape[0], : picture.shape[1]] = picture
        row[: crop.shape[0], picture.shape[1] + _GAP_PX :] = crop
        place, font = (8, 20), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(row, f"{name} {index}", place, font, 0.6, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(row, f"{name} {index}", place, font, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
        rows.append(row)
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("run", type=Path, help="run folder of the result")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    bundle = read_bundle(arguments.run / "scene")
    wanted = most_people(bundle, arguments.frames)
    tiles: list[Picture] = []
    with open_source(arguments.original) as original, open_source(arguments.result) as result:
        for filmed, made in zip(original.frames(), result.frames(), strict=True):
            if filmed.index in wanted:
                tiles.append(_tile(filmed.rgb, made.rgb, bundle, filmed.index, len(tiles)))
    blank = np.full_like(tiles[0], 32)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.concatenate(tiles[i : i + _COLUMNS], axis=1) for i in range(0, len(tiles), _COLUMNS)]
    sheet = np.concatenate(rows)
    if not cv2.imwrite(str(arguments.output), sheet[:, :, ::-1]):
        sys.exit(f"the sheet cannot be written: {arguments.output}")
    print(f"{len(wanted)} frames: {arguments.output}")


if __name__ == "__main__":
    main()
