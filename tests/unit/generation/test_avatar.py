"""Doubles as pictures: repeatable to the bit, whole at every size, and made from the bundle alone."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodydouble.generation import CannotPlay, GenerationConfig, Generator, WindowPlan, make_generator, plan_windows
from bodydouble.scene import Cast, Light, PersonTrack, SceneBundle, Sprite, TrackWindow

CONFIG = GenerationConfig()


@pytest.fixture(scope="module")
def street(film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle]) -> SceneBundle:
    one = film(person(frames=20), track_id=1).track
    two = film(person(frames=20, yaw=-0.6, seed=4, start=(200.0, 250.0)), track_id=2).track
    return bundle_of(one, two)


def play_all(
    bundle: SceneBundle, cast: Cast, config: GenerationConfig, *, seed: int = 1, backwards: bool = False
) -> dict[tuple[int, int], Sprite]:
    generator = make_generator(config)
    generator.prepare(bundle, cast, config, seed)
    plans = plan_windows(bundle, config)
    windows = [generator.play(plan) for plan in (plans[::-1] if backwards else plans)]
    return {
        (window.track_id, int(frame)): sprite
        for window in windows
        for frame, sprite in zip(window.frame_indices, window.sprites, strict=True)
    }


def same(a: dict[tuple[int, int], Sprite], b: dict[tuple[int, int], Sprite]) -> bool:
    return a.keys() == b.keys() and all(
        (a[k].left_px, a[k].top_px, a[k].ground_y_px) == (b[k].left_px, b[k].top_px, b[k].ground_y_px)
        and np.array_equal(a[k].rgba, b[k].rgba)
        for k in a
    )


def test_windows_and_order_change_no_pixel_but_the_seed_does(street: SceneBundle, cast_of: Callable[..., Cast]) -> None:
    whole = play_all(street, cast_of(street), CONFIG)
    assert len(whole) == 40
    pieces = play_all(street, cast_of(street), GenerationConfig(window_frames=7), backwards=True)
    assert same(whole, pieces)
    others = play_all(street, cast_of(street, seed=2), CONFIG, seed=2)
    assert not same(whole, others)


def test_a_double_that_is_not_where_the_person_is_is_not_drawn(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], cast_of: Callable[..., Cast]
) -> None:
    """On the way between two people that one track took for one; compositing then paints out whoever is there."""
    filmed = film(person(frames=40, speed=0.0)).track
    joints, boxes = filmed.joints_xy_px.copy(), filmed.boxes_xyxy_px.copy()
    joints[20:, :, 0] += 110
    boxes[20:, ::2] += 110
    bundle = bundle_of(dataclasses.replace(filmed, joints_xy_px=joints, boxes_xyxy_px=boxes))
    sprites = play_all(bundle, cast_of(bundle), CONFIG)
    empty = {frame for (_, frame), sprite in sprites.items() if sprite.rgba.size == 0}
    assert {18, 19, 20, 21} <= empty
    assert len(sprites) == 40
    assert len(empty) <= 10


def test_another_process_draws_the_same(street: SceneBundle, cast_of: Callable[..., Cast], tmp_path: Path) -> None:
    """Written to disk and read by a process that has nothing else: no input path, no frames, no plate."""
    from bodydouble.scene.bundle_files import write_bundle
    from bodydouble.scene.performance_files import write_cast

    write_bundle(street, tmp_path / "scene")
    write_cast(cast_of(street), tmp_path / "cast.json")
    script = (
        "import sys, hashlib, pathlib\n"
        "from bodydouble.generation import GenerationConfig, WindowPlan, make_generator\n"
        "from bodydouble.scene.bundle_files import read_bundle\n"
        "from bodydouble.scene.performance_files import read_cast\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "config = GenerationConfig()\n"
        "generator = make_generator(config)\n"
        "generator.prepare(read_bundle(folder / 'scene'), read_cast(folder / 'cast.json'), config, 1)\n"
        "sprite = generator.play(WindowPlan(track_id=2, step_start=9, step_stop=10)).sprites[0]\n"
        "sys.stdout.write(hashlib.sha256(sprite.rgba.tobytes()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    import hashlib

    here = play_all(street, cast_of(street), CONFIG)[2, 9]
    assert done.stdout.split()[-1] == hashlib.sha256(here.rgba.tobytes()).hexdigest()


def test_the_generator_is_handed_no_picture_of_the_footage() -> None:
    """Nothing that `prepare` and `play` take can hold one: neither by name of a type nor by an array of its shape."""
    forbidden = ("Frame", "FrameSource", "Path", "Plate", "rgb")
    for method in (Generator.prepare, Generator.play):
        for name, hint in typing.get_type_hints(method).items():
            if name == "return":
                continue
            for field in _fields(hint):
                assert not any(word in field for word in forbidden), field
    from bodydouble.generation.avatar.generator import AvatarGenerator

    for name, contract in inspect.getmembers(Generator, inspect.isfunction):
        if name in ("prepare", "play"):
            assert (
                inspect.signature(getattr(AvatarGenerator, name)).parameters.keys()
                == inspect.signature(contract).parameters.keys()
            )


def _fields(hint: Any, prefix: str = "") -> list[str]:
    """Names and types of everything in a dataclass, down to the leaves; colours of looks are not of the footage."""
    if not dataclasses.is_dataclass(hint) or hint is Cast or hint is Light:
        return [f"{prefix}: {hint}"]
    hints = typing.get_type_hints(hint)
    names: list[str] = []
    for field in dataclasses.fields(hint):
        inner = hints[field.name]
        for part in (inner, *typing.get_args(inner)):
            names += _fields(part, f"{prefix}.{field.name}")
    return names


@pytest.mark.parametrize("scale", [7.0, 55.0, 870.0], ids=["12 px", "95 px", "1500 px"])
def test_people_of_every_size(
    scale: float,
    film: Callable[..., Any],
    person: Any,
    bundle_of: Callable[..., SceneBundle],
    cast_of: Callable[..., Cast],
) -> None:
    size = (1920, 1080)
    filmed = film(person(frames=3, scale=scale, start=(900.0, 520.0), speed=0.0), size=size)
    bundle = bundle_of(filmed.track, size=size)
    sprite = play_all(bundle, cast_of(bundle), CONFIG)[1, 1]
    height, width = sprite.rgba.shape[:2]
    assert height <= size[1] + 4
    assert width <= size[0] + 4
    alpha = sprite.rgba[..., 3]
    tall = float(np.ptp(np.flatnonzero((alpha > 127).any(1)))) + 1
    box = filmed.track.boxes_xyxy_px[1]
    assert tall == pytest.approx(min(float(box[3] - box[1]), size[1]), rel=0.12, abs=2.5)
    if scale < 300:
        assert abs(sprite.ground_y_px - box[3]) < 0.06 * (box[3] - box[1]) + 1
        assert (alpha == 255).any()
        assert ((alpha > 0) & (alpha < 255)).any()  # Edges are antialiased.


def test_one_frame_and_no_joint(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], cast_of: Callable[..., Cast]
) -> None:
    bundle = bundle_of(film(person(frames=1, missing=1.0)).track)
    sprite = play_all(bundle, cast_of(bundle), CONFIG)[1, 0]
    assert (sprite.rgba[..., 3] > 0).mean() > 0.15


@pytest.mark.parametrize(
    "start", [(5.0, 280.0), (764.0, 280.0), (380.0, 10.0), (380.0, 570.0)], ids=["left", "right", "top", "bottom"]
)
def test_people_cut_by_the_border_are_clipped_to_the_frame(
    start: tuple[float, float], film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle],
    cast_of: Callable[..., Cast],
) -> None:  # fmt: skip
    filmed = film(person(frames=6, start=start, speed=0.0))
    bundle = bundle_of(filmed.track)
    sprite = play_all(bundle, cast_of(bundle), CONFIG)[1, 3]
    height, width = sprite.rgba.shape[:2]
    assert sprite.left_px >= -8
    assert sprite.top_px >= -8
    assert sprite.left_px + width <= 768 + 8
    assert sprite.top_px + height <= 576 + 8
    inside = sprite.rgba[max(0, -sprite.top_px) :, max(0, -sprite.left_px) :, 3]
    assert (inside > 127).sum() > 0.15 * np.prod(np.diff(filmed.track.boxes_xyxy_px[3].reshape(2, 2), axis=0))


def test_light_of_the_scene_is_on_the_double(street: SceneBundle, cast_of: Callable[..., Cast]) -> None:
    def brightness(light: Light) -> float:
        bundle = dataclasses.replace(street, light=light)
        generator = make_generator(CONFIG)
        generator.prepare(bundle, cast_of(bundle), CONFIG, 1)
        rgba = generator.play(WindowPlan(track_id=1, step_start=3, step_stop=4)).sprites[0].rgba
        return float(rgba[rgba[..., 3] == 255][:, :3].mean())

    dark, usual, bright = (brightness(Light(ambient_rgb=(v, v, v))) for v in (0.02, 0.2, 0.6))
    assert dark < 0.75 * usual < 0.75 * bright


def test_looks_differ_and_do_not_depend_on_the_silhouette(street: SceneBundle, cast_of: Callable[..., Cast]) -> None:
    """The same joints with other masks give the same double."""
    plain = play_all(street, cast_of(street), CONFIG)
    from bodydouble.scene import MaskStack

    windows = np.tile(np.array([10, 10, 60, 60], np.int32), (20, 1))
    masks = MaskStack.pack(windows, [np.ones((50, 50), bool)] * 20)
    fat = dataclasses.replace(
        street, tracks=tuple(dataclasses.replace(track, silhouettes=masks) for track in street.tracks)
    )
    assert same(plain, play_all(fat, cast_of(fat), CONFIG))
    first, second = (plain[i, 0].rgba for i in (1, 2))
    colours = [rgba[rgba[..., 3] == 255][:, :3].mean(0) for rgba in (first, second)]
    assert np.abs(colours[0] - colours[1]).max() > 4


def test_who_cannot_be_played_is_reported(
    street: SceneBundle, cast_of: Callable[..., Cast], track_of: Callable[..., PersonTrack]
) -> None:
    broken = track_of(3, np.full((2, 4), np.nan), np.full((2, 18, 2), np.nan), np.zeros((2, 18)), np.ones(2))
    bundle = dataclasses.replace(street, tracks=(*street.tracks, broken))
    generator = make_generator(CONFIG)
    generator.prepare(bundle, cast_of(bundle), CONFIG, 1)
    with pytest.raises(CannotPlay, match="track 3"):
        generator.play(WindowPlan(track_id=3, step_start=0, step_stop=2))
    generator.prepare(bundle, Cast(seed=1, parts=()), CONFIG, 1)
    with pytest.raises(CannotPlay, match="cast"):
        generator.play(WindowPlan(track_id=1, step_start=0, step_stop=1))


def test_a_window_outside_the_track_is_a_programming_error(street: SceneBundle, cast_of: Callable[..., Cast]) -> None:
    generator = make_generator(CONFIG)
    with pytest.raises(RuntimeError, match="prepare"):
        generator.play(WindowPlan(track_id=1, step_start=0, step_stop=1))
    generator.prepare(street, cast_of(street), CONFIG, 1)
    with pytest.raises(ValueError, match="20 steps"):
        generator.play(WindowPlan(track_id=1, step_start=10, step_stop=21))


def test_every_garment_can_be_worn(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], cast_of: Callable[..., Cast]
) -> None:
    from bodydouble.casting.palette import BOTTOMS, HAIR_TYPES, SHOES, TOPS

    bundle = bundle_of(film(person(frames=2)).track)
    for kind, words in {"top": TOPS, "bottom": BOTTOMS, "hair_type": HAIR_TYPES, "shoes": SHOES}.items():
        for word in sorted(set(words)):
            window: TrackWindow
            generator = make_generator(CONFIG)
            generator.prepare(bundle, cast_of(bundle, pin=(f"{kind}={word}",)), CONFIG, 1)
            window = generator.play(WindowPlan(track_id=1, step_start=0, step_stop=1))
            assert (window.sprites[0].rgba[..., 3] == 255).sum() > 300, (kind, word)


@pytest.mark.parametrize("age_years", [8, 14])
def test_children_have_the_bodies_of_children(
    age_years: int, cast_of: Callable[..., Cast], street: SceneBundle
) -> None:
    from bodydouble.body.model import BodyModel
    from bodydouble.generation.avatar.physique import build_physique, phenotype_of

    model = BodyModel.load()
    adult = dataclasses.replace(cast_of(street).appearance_of(1), gender="man", age_years=30)
    child = dataclasses.replace(adult, age_years=age_years)
    tall, small = (
        float(np.ptp(build_physique(model, phenotype_of(one, 1)).vertices_m[:, 2])) for one in (adult, child)
    )
    assert small < (0.85 if age_years < 10 else 0.97) * tall
