"""What the small diffusion model is trained on: renders of `training.diffusion_renders`, their words and their skeletons."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.casting import palette
from bodydouble.generation.animatediff.prompts import weighted_prompt
from bodydouble.generation.config import AnimateDiffConfig
from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS, background_for
from bodydouble.generation.diffusion.skeleton_drawing import draw_skeleton
from bodydouble.scene import JOINT_INDEX, MIRRORED, Appearance
from bodydouble.seeds import derive_seed

VARIANTS: Final = 6
"""Wordings of a look: another occupation, which cannot be seen, and sometimes another background."""
_USUAL_BACKGROUND_SHARE: Final = 0.6
_FACE: Final = [JOINT_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
_JOINT_NOISE_PX: Final = 0.7
_LIMBS: Final = tuple(
    (JOINT_INDEX[f"{side}_{begin}"], JOINT_INDEX[f"{side}_{end}"], beyond)
    for side in ("right", "left")
    for begin, end, beyond in (("elbow", "wrist", 0.4), ("knee", "ankle", 0.15))
)
"""Ends of the thin limbs, and how far hand or foot reach beyond, in lengths of the limb."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip, or a single picture, of a shard."""

    shard: int
    look: int
    """Number in the shard."""
    rgba: NDArray[np.uint8]
    """(time, height, width, 4)."""
    joints_px: NDArray[np.float32]
    """(time, 18, 2)."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One way to ask for a look."""

    prompt: str
    """In Compel's syntax, as the generator writes it."""
    background: str


def read_looks(folder: Path, shard: int) -> list[Appearance]:
    """Looks of a shard."""
    rows = json.loads((folder / f"shard_{shard:03d}.json").read_text(encoding="utf-8"))
    return [
        Appearance(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()})
        for row in rows
    ]


def read_clips(folder: Path, shard: int) -> list[Clip]:
    """Clips and single pictures of a shard, in the order they were rendered."""
    with np.load(folder / f"shard_{shard:03d}.npz") as file:
        pixels, joints, rows = file["pixels"], file["joints_px"], file["rows"]
    clips, first = [], 0
    for look, length, height, width, offset in rows.tolist():
        shape = (length, height, width, 4)
        rgba = pixels[offset : offset + int(np.prod(shape))].reshape(shape)
        own = joints[first : first + length * 36].reshape(length, 18, 2)
        first += length * 36
        clips.append(Clip(shard=shard, look=look, rgba=rgba, joints_px=own))
    return clips


def shards_in(folder: Path) -> list[int]:
    """Numbers of the shards that are there."""
    return sorted(int(path.stem.split("_")[1]) for path in folder.glob("shard_???.npz"))


def wordings(look: Appearance, seed: int) -> list[Wording]:
    """Ways to ask for a look, as the generator would."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(VARIANTS):
        wanted = (
            "contrast" if number == 0 or rng.random() < _USUAL_BACKGROUND_SHARE else str(rng.choice([*BACKGROUNDS]))
        )
        occupation = look.occupation if number == 0 else str(rng.choice(palette.OCCUPATIONS))
        said = replace(look, prompt=look.prompt.replace(f", {look.occupation},", f", {occupation},"))
        options = AnimateDiffConfig(background=wanted)  # type: ignore[arg-type]
        prompt = weighted_prompt(said, options)
        found.append(Wording(prompt=prompt, background=background_for(look, wanted)))
    return found


def over_background(rgba: NDArray[np.uint8], background: str) -> NDArray[np.float32]:
    """(time, height, width, 3), 0 to 1: doubles on a plain background."""
    picture = rgba.astype(np.float32) / 255
    alpha = picture[..., 3:]
    plain = np.array(BACKGROUNDS[background], np.float32) / 255
    return np.asarray(picture[..., :3] * alpha + plain * (1 - alpha), np.float32)


def mirrored(joints_px: NDArray[np.float32], width_px: int) -> NDArray[np.float32]:
    """Joints of the mirrored picture."""
    swapped = joints_px[..., list(MIRRORED), :].copy()
    swapped[..., 0] = width_px - swapped[..., 0]
    return swapped


def draw_joints(
    joints_px: NDArray[np.float32], width_px: int, height_px: int, rng: np.random.Generator | None
) -> NDArray[np.uint8]:
    """Skeletons (time, height, width, 3) as the generator draws them; with chance, as found ones are.

    Found joints shake, some are missed, and faces are often not found at all, for as long as a clip lasts.
    """
    scores = np.ones(18, np.float32)
    joints = joints_px.astype(np.float64)
    if rng is not None:
        joints = joints + rng.normal(0, _JOINT_NOISE_PX, joints.shape)
        scores[rng.random(18) < 0.03] = 0
        if rng.random() < 0.1:
            scores[rng.permutation(_FACE)[: int(rng.integers(1, 6))]] = 0
    return np.stack(
        [draw_skeleton(pose, scores, width_px=width_px, height_px=height_px, lowest_score=0.1) for pose in joints]
    )


def limbs_of(joints_px: NDArray[np.float32], width_px: int, height_px: int, stride_px: int = 4) -> NDArray[np.float32]:
    """Where forearms, lower legs, hands and feet are: (time, height / stride, width / stride), 0 to 1.

    They are thin, so that little of a picture's error is theirs, and much of a movement.
    """
    found = np.zeros((len(joints_px), height_px // stride_px, width_px // stride_px), np.float32)
    for moment, joints in enumerate(joints_px):
        canvas = np.zeros((height_px, width_px), np.uint8)
        tall = float(np.ptp(joints[:, 1]))
        for begin, end, beyond in _LIMBS:
            # A hand goes on where the forearm points; a foot may point anywhere.
            tip = joints[end] + beyond * (joints[end] - joints[begin])
            ends = [tuple(np.round(point).astype(int).tolist()) for point in (joints[begin], tip)]
            cv2.line(canvas, ends[0], ends[1], 255, max(3, round(0.05 * tall)))
            cv2.circle(canvas, ends[1], max(2, round(0.035 * tall)), 255, -1)
        found[moment] = cv2.resize(canvas, found.shape[:0:-1], interpolation=cv2.INTER_AREA) / 255.0
    return found


def corpus(looks: list[Appearance]) -> list[str]:
    """Every word that the generator may write, for the tokenizer; without Compel's marks."""
    texts = [plain(wording.prompt) for number, look in enumerate(looks) for wording in wordings(look, number)]
    return [
        *texts,
        *(word for words in palette.VOCABULARY.values() for word in words),
        "teenager child years 0123456789",
    ]


def fragments(prompt: str) -> list[tuple[str, float]]:
    """Pieces of a prompt as the generator writes it, each with its emphasis."""
    return [(said[1] or said[0], float(said[2] or 1)) for said in re.finditer(r"\(([^()]*)\)([0-9.]+)|[^()]+", prompt)]


def plain(prompt: str) -> str:
    """A prompt without Compel's marks of emphasis."""
    return "".join(text for text, _ in fragments(prompt))


def seed_of(seed: int, *parts: Any) -> int:
    """Seed of anything about this training."""
    return derive_seed(seed, "small diffusion", *parts)
