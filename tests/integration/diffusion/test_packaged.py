"""The small diffusion model that comes with the package: floors that a broken file, or another model, would not reach."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.config import preset
from bodydouble.generation import GenerationConfig, make_generator, plan_windows
from bodydouble.generation.animatediff.loader import load_models
from bodydouble.generation.diffusion.skeleton_drawing import draw_skeleton
from bodydouble.model_store.packaged import PACKAGED, SMALL_DIFFUSION
from bodydouble.scene import JOINT_INDEX, MIRRORED, SceneBundle, Sprite
from bodydouble.testing.bundles import make_bundle

FOLDER = PACKAGED[SMALL_DIFFUSION]
_TORSO = [JOINT_INDEX[name] for name in ("right_shoulder", "left_shoulder", "left_hip", "right_hip")]


def settings(**diffusion: object) -> GenerationConfig:
    """The preset's; what the avatar would have to play instead is a failure here."""
    generation = preset("diffusion-small").generation
    options = dataclasses.replace(generation.animatediff, **diffusion)  # type: ignore[arg-type]
    return dataclasses.replace(generation, fallback="paint-out", animatediff=options)


def played(bundle: SceneBundle, config: GenerationConfig, *pins: str, seed: int = 1) -> dict[tuple[int, int], Sprite]:
    generator = make_generator(config)
    generator.prepare(bundle, cast_tracks(bundle, CastingConfig(pin=pins), seed), config, seed)
    return {
        (window.track_id, int(frame)): sprite
        for plan in plan_windows(bundle, config)
        for window in (generator.play(plan),)
        for frame, sprite in zip(window.frame_indices, window.sprites, strict=True)
    }


@pytest.fixture(scope="module")
def street() -> SceneBundle:
    return make_bundle(num_frames=8, width_px=320, height_px=240)


@pytest.fixture(scope="module")
def red(street: SceneBundle) -> dict[tuple[int, int], Sprite]:
    return played(street, settings(), *PINS, "top_colour=red")


PINS = ("top=T-shirt", "bottom=jeans", "headwear=none", "bag=none", "top_pattern=plain", "age_years=30")


def on_frame(sprite: Sprite, bundle: SceneBundle) -> NDArray[np.float32]:
    """(height, width, 4) of the frame, 0 to 1."""
    frame = np.zeros((bundle.video.height_px, bundle.video.width_px, 4), np.float32)
    height, width = sprite.rgba.shape[:2]
    top, left = max(0, sprite.top_px), max(0, sprite.left_px)
    part = sprite.rgba[top - sprite.top_px : height, left - sprite.left_px : width].astype(np.float32) / 255
    window = frame[top : top + part.shape[0], left : left + part.shape[1]]
    window[:] = part[: window.shape[0], : window.shape[1]]
    return frame


def test_files_are_as_small_as_promised_and_float16() -> None:
    files = sorted(FOLDER.rglob("*.safetensors"))
    assert {file.parent.name for file in files} == {"unet", "controlnet", "motion_adapter", "vae", "text_encoder"}
    sizes = [file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(sizes) <= 40e6
    assert max(sizes) <= 20e6
    for file in files:
        with safe_open(file, framework="np") as tensors:
            kinds = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118
        assert "F16" in kinds, file
        assert kinds <= {"F16", "I64"}, file


def test_every_track_gets_doubles_of_its_size(street: SceneBundle, red: dict[tuple[int, int], Sprite]) -> None:
    assert len(red) == sum(len(track) for track in street.tracks)
    for track in street.tracks:
        for step, frame in enumerate(track.frame_indices.tolist()):
            tall = float(track.boxes_xyxy_px[step, 3] - track.boxes_xyxy_px[step, 1])
            assert 0.7 * tall < red[track.track_id, frame].rgba.shape[0] < 1.3 * tall


def test_doubles_lie_over_their_skeletons(street: SceneBundle, red: dict[tuple[int, int], Sprite]) -> None:
    """Limbs are inside the double, and more so than those of a mirrored skeleton."""
    inside, mirrored = [], []
    width, height = street.video.width_px, street.video.height_px
    for track in street.tracks:
        for step, frame in enumerate(track.frame_indices.tolist()):
            alpha = on_frame(red[track.track_id, frame], street)[..., 3]
            joints = track.joints_xy_px[step].astype(float)
            middle = (joints[JOINT_INDEX["right_hip"], 0] + joints[JOINT_INDEX["left_hip"], 0]) / 2
            turned = joints[list(MIRRORED)] * [-1, 1] + [2 * middle, 0]
            for pose, found in ((joints, inside), (turned, mirrored)):
                drawn = draw_skeleton(pose, np.ones(18, np.float32), width_px=width, height_px=height, lowest_score=0.1)
                bones = drawn.max(axis=2) > 128
                found.append(float((alpha[bones] > 0.5).mean()))
    assert np.mean(inside) > 0.8
    assert np.mean(inside) > np.mean(mirrored) + 0.03


def test_words_decide_colours(street: SceneBundle, red: dict[tuple[int, int], Sprite]) -> None:
    blue = played(street, settings(), *PINS, "top_colour=light blue")
    means = []
    for sprites in (red, blue):
        found = []
        for track in street.tracks:
            for step, frame in enumerate(track.frame_indices.tolist()):
                picture = on_frame(sprites[track.track_id, frame], street)
                torso = np.zeros(picture.shape[:2], np.uint8)
                cv2.fillConvexPoly(torso, np.round(track.joints_xy_px[step][_TORSO]).astype(np.int32), 1)
                found.append(picture[(torso > 0) & (picture[..., 3] > 0.9)][:, :3].mean(axis=0))
        means.append(np.mean(found, axis=0))
    assert means[0][0] - means[0][2] > 0.1, "red is redder than blue"
    assert means[1][2] - means[1][0] > 0.05, "and the other way round"


def test_without_the_skeleton_nothing_lies_over_it(street: SceneBundle) -> None:
    """Sabotage that the test above would notice."""
    alone = played(street, settings(control_strength=0.0), *PINS, "top_colour=red")
    track = street.tracks[0]
    shares = []
    for step, frame in enumerate(track.frame_indices.tolist()):
        alpha = on_frame(alone[track.track_id, frame], street)[..., 3]
        joints = np.round(track.joints_xy_px[step][2:14]).astype(int)
        shares += [
            float(alpha[y, x] > 0.5) for x, y in joints.tolist() if 0 <= y < len(alpha) and 0 <= x < len(alpha[0])
        ]
    assert np.mean(shares) < 0.8


def test_a_look_holds_together_over_time(red: dict[tuple[int, int], Sprite]) -> None:
    """Frames of a track share their noise: mean colours hardly move, unlike with noise of their own."""
    for track_id in {track for track, _ in red}:
        means = []
        for (track, _), sprite in sorted(red.items(), key=lambda row: row[0]):
            if track == track_id and sprite.rgba.size:
                means.append(sprite.rgba[sprite.rgba[..., 3] > 250][:, :3].mean(axis=0))
        assert np.abs(np.diff(means, axis=0)).max() < 12


def test_same_seed_same_frames_and_another_seed_other_people(
    street: SceneBundle, red: dict[tuple[int, int], Sprite]
) -> None:
    again = played(street, settings(), *PINS, "top_colour=red")
    assert all(np.array_equal(red[key].rgba, again[key].rgba) for key in red)
    other = played(street, settings(), *PINS, "top_colour=red", seed=2)
    assert not any(np.array_equal(red[key].rgba, other[key].rgba) for key in red)


def test_no_prompt_is_read_in_pieces() -> None:
    models = load_models(settings())
    assert models.tokenizer.model_max_length == models.text_encoder.config.max_position_embeddings > 77
    assert Path(FOLDER / "tokenizer" / "vocab.json").is_file()
