"""Casting depends on nothing but seed, clip name and track id, and is balanced."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.casting.palette import ETHNICITIES, GENDERS
from bodydouble.errors import ConfigError
from bodydouble.scene import CameraMotion, Cast, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry


def make_bundle(track_ids: list[int], clip_name: str = "street.mp4", box_side_px: float = 40) -> SceneBundle:
    """A clip of one frame; the geometry of its tracks varies with ``box_side_px``."""
    tracks = tuple(
        PersonTrack(
            track_id=track_id,
            frame_indices=np.array([0]),
            boxes_xyxy_px=np.array([[0, 0, box_side_px, 2 * box_side_px]], np.float32),
            box_scores=np.ones(1, np.float32),
            joints_xy_px=np.full((1, 18, 2), box_side_px, np.float32),
            joint_scores=np.ones((1, 18), np.float32),
            joint_visibility=np.ones((1, 18), np.float32),
            silhouettes=MaskStack.pack(np.zeros((1, 4), np.int32), [np.zeros((0, 0), bool)]),
            visible_fraction=np.ones(1, np.float32),
            play=np.ones(1, bool),
        )
        for track_id in track_ids
    )
    video = VideoGeometry(
        width_px=320, height_px=240, time_base=Fraction(1, 25), average_rate=Fraction(25), pts_ticks=(0,)
    )
    camera = CameraMotion(to_reference=np.eye(3)[None])
    return SceneBundle(
        video=video, tracks=tracks, camera=camera, light=Light(), clip_name=clip_name, producer="test"
    )  # fmt: skip


def cast(track_ids: list[int], *, seed: int = 1, config: CastingConfig | None = None, clip_name: str = "a.mp4") -> Cast:
    return cast_tracks(make_bundle(track_ids, clip_name), config or CastingConfig(), seed)


def test_a_look_does_not_depend_on_geometry_or_on_the_other_tracks() -> None:
    alone = cast_tracks(make_bundle([7], box_side_px=10), CastingConfig(), 5)
    among = cast_tracks(make_bundle([1, 2, 7, 30], box_side_px=90), CastingConfig(), 5)
    assert alone.appearance_of(7) == among.appearance_of(7)


@pytest.mark.parametrize("other", [{"seed": 2}, {"clip_name": "b.mp4"}])
def test_seed_and_clip_change_the_cast(other: dict[str, object]) -> None:
    assert cast([1, 2, 3]).parts != cast([1, 2, 3], **other).parts  # type: ignore[arg-type]


def test_attributes_are_balanced_over_consecutive_tracks() -> None:
    parts = [appearance for _, appearance in cast(list(range(1, 241))).parts]
    for attribute, count in (("gender", len(GENDERS)), ("ethnicity", len(ETHNICITIES))):
        tally = Counter(getattr(appearance, attribute) for appearance in parts)
        assert len(tally) == count
        assert max(tally.values()) - min(tally.values()) <= 2, tally


def test_attributes_are_independent_of_each_other() -> None:
    """Chi-square of gender against attributes with hints of stereotype stays below its 99.9 % point."""
    parts = [appearance for _, appearance in cast(list(range(1, 1201))).parts]
    for attribute in ("occupation", "bottom", "hair_type", "height_class", "body_type"):
        pairs = Counter((appearance.gender, getattr(appearance, attribute)) for appearance in parts)
        rows = Counter(appearance.gender for appearance in parts)
        columns = Counter(getattr(appearance, attribute) for appearance in parts)
        expected = {(r, c): rows[r] * columns[c] / len(parts) for r in rows for c in columns}
        statistic = sum((pairs[key] - value) ** 2 / value for key, value in expected.items())
        degrees = (len(rows) - 1) * (len(columns) - 1)
        assert statistic < degrees + 4.5 * np.sqrt(2 * degrees), (attribute, statistic, degrees)


def test_pins_and_exclusions_hold_for_everybody() -> None:
    config = CastingConfig(pin=("top=jacket", "top_colour=navy"), exclude=("dress", "skirt"))
    for _, appearance in cast(list(range(1, 60)), config=config).parts:
        assert appearance.top == "jacket"
        assert "navy jacket" in appearance.prompt
        assert appearance.bottom not in ("dress", "skirt")


def test_prompt_follows_the_order_of_the_paper() -> None:
    appearance = cast([3]).appearance_of(3)
    order = (appearance.ethnicity, appearance.gender, appearance.body_type, appearance.height_class,
             appearance.occupation, appearance.top, appearance.bottom, appearance.shoes)  # fmt: skip
    places = [appearance.prompt.index(word) for word in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "config",
    [
        CastingConfig(pin=("top",)),
        CastingConfig(pin=("hat=fedora",)),
        CastingConfig(pin=("top=toga",)),
        CastingConfig(exclude=GENDERS),
        CastingConfig(youngest_years=5),
        CastingConfig(youngest_years=60, oldest_years=30),
    ],
)
def test_impossible_wishes_are_config_errors(config: CastingConfig) -> None:
    with pytest.raises(ConfigError, match="casting"):
        cast([1], config=config)


def test_ages_stay_within_the_limits() -> None:
    config = replace(CastingConfig(), youngest_years=30, oldest_years=31)
    assert {appearance.age_years for _, appearance in cast(list(range(1, 50)), config=config).parts} == {30, 31}


def test_nobody_to_cast() -> None:
    assert cast([]).parts == ()
