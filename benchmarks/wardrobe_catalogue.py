"""Sheets of doubles to look at: every garment, hair, headwear, beard and bag, from four sides, at several heights.

    python benchmarks/wardrobe_catalogue.py -o FOLDER [--heights 64 128 400] [--sheets tops heads ages]

Nobody filmed is in them. Each row is one double from the front, the side, the back and aslant; a sheet has the name of what
changes in it, and its rows are in the order of `bodydouble.casting.palette`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.body.model import BodyModel
from bodydouble.casting import palette
from bodydouble.generation.avatar.draw import Framing, draw, lamp_of
from bodydouble.generation.avatar.gait import gait_angles
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, forward
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Appearance, Light

_YAWS_RAD = (0.0, np.pi / 2, np.pi, -np.pi / 4)
_GREY = 140
_USUAL_M = 1.75
_BASE = Appearance(
    ethnicity="Mixed-heritage", gender="woman", age_years=32, body_type="average", height_class="medium",
    hair_colour="dark brown", hair_type="short", occupation="teacher", top="jumper", bottom="trousers", shoes="trainers",
    skin_rgb=(203, 158, 123), hair_rgb=(58, 40, 30), top_rgb=(82, 98, 122), bottom_rgb=(44, 54, 78),
    shoes_rgb=(104, 104, 106), prompt="-",
)  # fmt: skip

Picture = npt.NDArray[np.uint8]


def _words(attribute: str) -> Iterator[Appearance]:
    """One look for each word, with tones of skin, genders and colours in turn."""
    for index, word in enumerate(palette.VOCABULARY[attribute]):
        changes: dict[str, object] = {
            attribute: word,
            "skin_rgb": palette.SKIN_TONES[(2 * index + 1) % len(palette.SKIN_TONES)],
            "hair_rgb": palette.HAIR_COLOURS[index % len(palette.HAIR_COLOURS)][1],
            "top_rgb": palette.TOP_COLOURS[(5 * index + 3) % len(palette.TOP_COLOURS)][1],
            "headwear_rgb": palette.HEADWEAR_COLOURS[(3 * index) % len(palette.HEADWEAR_COLOURS)][1],
        }
        if attribute == "facial_hair":
            changes["gender"] = "man"
        elif attribute != "headwear" or word != "hijab":
            changes["gender"] = palette.GENDERS[index % 3]
        yield replace(_BASE, **changes)  # type: ignore[arg-type]


def _ages() -> Iterator[Appearance]:
    for index, age in enumerate((5, 8, 11, 15, 22, 45, 66, 79)):
        yield replace(
            _BASE, age_years=age, gender=palette.GENDERS[index % 3], top=palette.TOPS[index % 6],
            bottom=palette.VOCABULARY["bottom"][index % 6], hair_type=palette.VOCABULARY["hair_type"][index % 5],
            hair_rgb=(150, 146, 142) if age > 60 else (58, 40, 30),
            body_type=palette.BODY_TYPES[index % 4], top_rgb=palette.TOP_COLOURS[2 * index][1],
        )  # fmt: skip


SHEETS = ("top", "bottom", "shoes", "hair_type", "facial_hair", "top_pattern", "headwear", "eyewear", "bag", "age")


def views(look: Appearance, height_px: int, seed: int) -> Picture:
    """One row of a sheet: four sides of a double in mid-step."""
    model = BodyModel.load()
    physique = build_physique(model, phenotype_of(look, seed))
    outfit = dress(model, physique, look, seed)
    angles = gait_angles(np.full(4, 0.9), np.full(4, 0.5))
    angles[:, ANGLE_INDEX["yaw"]] = _YAWS_RAD
    poses = forward(physique.skeleton, angles)
    width, height, scale = int(height_px * 0.62), int(height_px * 1.2), height_px / _USUAL_M
    short = _USUAL_M - float(np.ptp(physique.vertices_m[:, 2]))
    lamp = lamp_of(Light(ambient_rgb=(0.3, 0.3, 0.3), key_direction_xyz=(-0.4, -0.7, -0.5), key_strength=0.45))
    tiles = []
    framing = Framing(
        elevation_rad=np.full(4, 0.2), scale_px_per_m=np.full(4, scale),
        root_px=np.tile([width / 2, height * 0.52 + short * scale / 2], (4, 1)),
    )  # fmt: skip
    for step in range(4):
        sprite = draw(
            outfit, physique.skeleton, poses, step, framing=framing, lamp=lamp, frame_size_px=(width, height),
            config=AvatarConfig(), seed=seed,
        )  # fmt: skip
        tile = np.full((height + 8, width + 8, 3), _GREY, float)
        rows, columns = sprite.rgba.shape[:2]
        top, left = sprite.top_px + 4, sprite.left_px + 4
        window = tile[top : top + rows, left : left + columns]
        part = sprite.rgba[: window.shape[0], : window.shape[1]].astype(float)
        alpha = part[..., 3:] / 255
        window[:] = window * (1 - alpha) + part[..., :3] * alpha
        tiles.append(tile)
    return np.concatenate(tiles, 1).astype(np.uint8)


def sheet(name: str, height_px: int) -> Picture:
    """All rows of a sheet, in as many columns as fit."""
    looks = list(_ages() if name == "age" else _words(name))
    rows = [views(look, height_px, index + 3) for index, look in enumerate(looks)]
    columns = max(1, min(4, 2000 // rows[0].shape[1]))
    rows += [np.full_like(rows[0], _GREY)] * (-len(rows) % columns)
    return np.concatenate([np.concatenate(rows[i : i + columns], 1) for i in range(0, len(rows), columns)], 0)


def main() -> None:
    """Draw and write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--heights", type=int, nargs="+", default=[64, 128, 400])
    parser.add_argument("--sheets", nargs="+", choices=SHEETS, default=list(SHEETS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sheets:
        for height in options.heights:
            cv2.imwrite(str(options.out / f"{name}_{height}.png"), sheet(name, height)[..., ::-1])


if __name__ == "__main__":
    main()
