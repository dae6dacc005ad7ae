"""Skeleton drawings, the canvas they lie on, and the way back to the frame; prompts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.errors import ConfigError
from bodydouble.generation import AnimateDiffConfig, GenerationConfig, WindowPlan, plan_windows, with_fallback
from bodydouble.generation.animatediff.prompts import escaped, weighted_prompt
from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS, background_for
from bodydouble.generation.diffusion.runs import PlayedRun, run_of
from bodydouble.generation.diffusion.skeleton_drawing import COLOURS, draw_skeleton, stick_radius_px
from bodydouble.generation.diffusion.sprites import sprite_of
from bodydouble.generation.diffusion.view import View, view_of
from bodydouble.generation.fallback import Remark, read_remarks, write_remarks
from bodydouble.scene import JOINT_INDEX, LIMBS, NUM_JOINTS, PersonTrack, SceneBundle
from bodydouble.testing.bundles import make_bundle

STANDING = np.array(
    [
        (128, 60), (128, 100), (90, 100), (80, 160), (78, 220), (166, 100), (176, 160), (178, 220), (105, 230), (100, 330),
        (98, 430), (151, 230), (156, 330), (158, 430), (120, 52), (136, 52), (110, 56), (146, 56),
    ], np.float64,
)  # fmt: skip
ALL = np.ones(NUM_JOINTS, np.float32)


def draw(joints: np.ndarray = STANDING, scores: np.ndarray = ALL, *, size: tuple[int, int] = (256, 512)) -> np.ndarray:
    return draw_skeleton(joints, scores, width_px=size[0], height_px=size[1], lowest_score=0.1)


def test_joints_and_limbs_have_the_colours_of_training() -> None:
    picture = draw()
    for joint, (x, y) in enumerate(STANDING.astype(int)):
        assert tuple(picture[y, x]) == COLOURS[joint], joint
    for limb in (2, 4, 7, 8, 10, 11):
        x, y = STANDING[list(LIMBS[limb])].mean(axis=0).astype(int)
        assert tuple(picture[y, x]) == tuple(int(v * 0.6) for v in COLOURS[limb]), limb
    assert picture[5, 5].sum() == 0
    assert 0.01 < (picture.sum(axis=2) > 0).mean() < 0.1


def test_sticks_are_as_wide_as_in_training_and_grow_with_the_canvas() -> None:
    assert (stick_radius_px(512, 512), stick_radius_px(320, 800), stick_radius_px(1024, 1024)) == (4, 4, 8)
    assert stick_radius_px(16, 8) == 1


def test_what_is_not_found_is_not_drawn() -> None:
    wrist = JOINT_INDEX["right_wrist"]
    for joints, scores in (
        (np.where(np.arange(18)[:, None] == wrist, np.nan, STANDING), ALL),
        (STANDING, np.where(np.arange(18) == wrist, 0.05, 1).astype(np.float32)),
    ):
        picture = draw(joints, scores)
        assert picture[160:235, 60:90].any(), "the elbow stays"
        assert not picture[170:235, 60:90].any(), "neither the wrist nor the forearm"
    assert not draw(scores=np.zeros(18, np.float32)).any()
    assert not draw(np.full((18, 2), np.nan)).any()


def test_a_skeleton_that_leaves_the_canvas_is_cut_not_moved() -> None:
    assert np.array_equal(draw(STANDING - [100, 0])[:, :100], draw()[:, 100:200])
    assert not draw(STANDING + 1e7).any()


def walker(num_frames: int = 40) -> tuple[PersonTrack, PlayedRun]:
    track = make_bundle(num_frames=num_frames).tracks[0]
    return track, PlayedRun(track_id=track.track_id, start=0, stop=len(track))


def view(track: PersonTrack, run: PlayedRun, canvas_px: int = 256_000) -> View:
    return view_of(track, run, canvas_px=canvas_px, margin=0.12, joint_score=0.1)


def test_the_canvas_has_the_persons_proportions_and_holds_all_of_it() -> None:
    track, run = walker()
    seen = view(track, run)
    assert seen.width_px % 8 == 0 and seen.height_px % 8 == 0  # noqa: PT018
    assert 0.9 < seen.width_px * seen.height_px / 256_000 < 1.1
    assert seen.height_px > seen.width_px
    for step in range(len(run)):
        box = seen.to_canvas(step, track.boxes_xyxy_px[step].reshape(2, 2))
        assert np.all(box >= 0) and np.all(box <= [seen.width_px, seen.height_px])  # noqa: PT018


def test_a_person_who_comes_closer_stays_as_large_on_the_canvas() -> None:
    track, run = walker(60)
    growth = np.linspace(1, 3, len(track))[:, None]
    grown = dataclasses.replace(
        track, boxes_xyxy_px=(track.boxes_xyxy_px * growth).astype(np.float32),
        joints_xy_px=(track.joints_xy_px * growth[..., None]).astype(np.float32),
    )  # fmt: skip
    seen = view(grown, run)
    heights = (grown.boxes_xyxy_px[:, 3] - grown.boxes_xyxy_px[:, 1]) * seen.zoom / seen.height_px
    assert heights.min() > 0.45
    assert np.ptp(heights) < 0.25


def test_wide_people_get_wide_canvases() -> None:
    track, run = walker()
    wide = track.boxes_xyxy_px.copy()
    wide[:, 2] += 2 * (wide[:, 3] - wide[:, 1])
    assert view(dataclasses.replace(track, boxes_xyxy_px=wide), run).width_px > view(track, run).width_px * 1.5


def test_one_frame_without_joints_has_a_view() -> None:
    track, _ = walker()
    bare = dataclasses.replace(
        track, joints_xy_px=np.full_like(track.joints_xy_px, np.nan), joint_scores=np.zeros_like(track.joint_scores)
    )
    assert np.isfinite(view(bare, PlayedRun(track_id=1, start=3, stop=4)).zoom).all()


@pytest.mark.parametrize("zoom", [0.5, 1.0, 3.7, 8.0])
def test_sprites_lie_where_the_canvas_was(zoom: float) -> None:
    """A square on the canvas comes out in its place in the frame, to a fraction of a pixel, in its colour."""
    canvas = View(width_px=160, height_px=240, origin_px=np.array([[30.3, -12.6]]), zoom=np.array([zoom]))
    alpha = np.zeros((240, 160), np.float32)
    alpha[60:180, 40:120] = 1
    picture = np.where(alpha[..., None] > 0, [0.9, 0.2, 0.1], [0.0, 0.0, 1.0]).astype(np.float32)
    sprite = sprite_of(picture, alpha, canvas, 0, ground_y_px=55.5)
    weight = sprite.rgba[..., 3] / 255
    assert weight.sum() == pytest.approx(80 * 120 / zoom**2, rel=0.04)
    rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
    x = sprite.left_px + float((weight * (columns + 0.5)).sum() / weight.sum())
    y = sprite.top_px + float((weight * (rows + 0.5)).sum() / weight.sum())
    assert (x, y) == (pytest.approx(30.3 + 80 / zoom, abs=0.15), pytest.approx(-12.6 + 120 / zoom, abs=0.15))
    solid = sprite.rgba[weight > 0.3][:, :3].astype(int)
    assert np.abs(solid - [230, 51, 26]).max() <= 2, "no blue of the background at the edges"
    assert sprite.ground_y_px == 55.5


def test_nobody_is_an_empty_sprite() -> None:
    canvas = View(width_px=16, height_px=24, origin_px=np.zeros((1, 2)), zoom=np.ones(1))
    empty = sprite_of(np.ones((24, 16, 3), np.float32), np.zeros((24, 16), np.float32), canvas, 0, ground_y_px=1.0)
    assert empty.rgba.shape[:2] == (0, 0)


def test_runs_are_what_is_played_in_one_go() -> None:
    track, _ = walker(10)
    play = np.array([0, 1, 1, 1, 0, 0, 1, 1, 1, 1], bool)[: len(track)]
    track = dataclasses.replace(track, play=play)

    def run(start: int, stop: int) -> tuple[int, int]:
        found = run_of(track, WindowPlan(track_id=1, step_start=start, step_stop=stop))
        return found.start, found.stop

    assert run(2, 3) == run(1, 4) == (1, 4)
    assert run(7, 8) == (6, 10)
    assert run(4, 5) == (4, 6)
    for start, stop in ((3, 5), (5, 5), (8, 11)):
        with pytest.raises(ValueError, match="window"):
            run(start, stop)


def fallen(bundle: SceneBundle) -> SceneBundle:
    """Track 1 is filtered in the middle, track 2 throughout."""
    one, two = bundle.tracks
    play = np.ones(len(one), bool)
    play[5:9] = False
    return dataclasses.replace(
        bundle, tracks=(dataclasses.replace(one, play=play), dataclasses.replace(two, play=np.zeros(len(two), bool)))
    )


@pytest.mark.parametrize(
    ("backend", "fallback", "expected"),
    [
        ("avatar", "avatar", [(0, 5), (9, 14)]),
        ("animatediff", "paint-out", [(0, 5), (9, 14)]),
        ("animatediff", "avatar", [(0, 5), (5, 9), (9, 14)]),
    ],
)
def test_filtered_stretches_are_planned_only_for_a_stand_in(
    backend: str, fallback: str, expected: list[tuple[int, int]]
) -> None:
    config = GenerationConfig(backend=backend, fallback=fallback)  # type: ignore[arg-type]
    bundle = fallen(make_bundle(num_frames=14))
    assert [(p.track_id, p.step_start, p.step_stop) for p in plan_windows(bundle, config)] == [
        (1, *e) for e in expected
    ]
    played = with_fallback(bundle, config).tracks
    assert bool(played[0].play.all()) == (len(expected) == 3)
    assert not played[1].play.any(), "a track that is played nowhere may be no person at all"


def test_remarks_survive(tmp_path: Path) -> None:
    late = Remark(track_id=2, first_frame=5, last_frame=9, reason="NaN", instead="paint-out")
    early = Remark(track_id=1, first_frame=7, last_frame=7, reason="weak", instead="avatar")
    write_remarks(tmp_path, "b", [])
    assert read_remarks(tmp_path) == ()
    write_remarks(tmp_path, "a", [late])
    write_remarks(tmp_path, "b", [early])
    assert read_remarks(tmp_path) == (early, late)


def test_prompts_keep_the_papers_order_and_ask_for_a_plain_background() -> None:
    bundle = make_bundle(num_frames=2)
    cast = cast_tracks(bundle, CastingConfig(pin=("top=T-shirt", "body_type=heavy-set")), 5)
    look = cast.appearance_of(1)
    prompt = weighted_prompt(look, AnimateDiffConfig())
    parts = (
        look.ethnicity, look.gender, look.body_type, look.height_class, look.hair_type, look.occupation, look.top,
        look.bottom, look.shoes, "background",
    )  # fmt: skip
    places = [prompt.index(part) for part in parts]
    assert places == sorted(places)
    assert prompt.endswith(f"{background_for(look, 'contrast')} studio backdrop)1.4")
    emphasised = prompt[: prompt.index(")1.1")].rsplit("(", 1)[1]
    assert look.top in emphasised
    assert look.shoes in emphasised


def test_the_background_is_far_from_all_colours_of_the_look() -> None:
    look = cast_tracks(make_bundle(num_frames=2), CastingConfig(), 0).appearance_of(1)
    for name, colour in BACKGROUNDS.items():
        assert background_for(dataclasses.replace(look, top_rgb=colour), "contrast") != name
        assert background_for(look, name) == name


def test_brackets_and_signs_of_a_look_are_no_weights() -> None:
    assert escaped('a (very) tall+ man-- in a "T-shirt" {x}') == "a very tall man in a T-shirt x"


@pytest.mark.parametrize(
    "options",
    [
        {"steps": -1}, {"steps": 101}, {"guidance": 0.5}, {"window_frames": 33}, {"window_frames": 1},
        {"overlap_frames": 0}, {"overlap_frames": 9}, {"canvas_px": 100}, {"margin": 2.0}, {"joint_score": -0.1},
        {"background_weight": 3.0}, {"threads": 0},
    ],
)  # fmt: skip
def test_options_out_of_range_are_named(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"animatediff.{next(iter(options))}"):
        AnimateDiffConfig(**options)  # type: ignore[arg-type]
