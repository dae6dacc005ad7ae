"""Casting depends on nothing but seed, clip name and track id, and is balanced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.casting.palette import BARING, COLOURS_OF, ETHNICITIES, VOCABULARY
from bodydouble.casting.prompt import prompt_of
from bodydouble.errors import ConfigError
from bodydouble.scene import Appearance, CameraMotion, Cast, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry

ATTRIBUTES = (
    "ethnicity", "gender", "age_group", "body_type", "height_class", "hair_colour", "hair_type", "facial_hair", "occupation",
    "top", "bottom", "shoes", "top_pattern", "headwear", "eyewear", "bag",
)  # fmt: skip
WORN = ("top", "bottom", "shoes", "top_pattern", "top_rgb", "bottom_rgb", "shoes_rgb")


def make_track(track_id: int, rng: np.random.Generator | None = None) -> PersonTrack:
    """Three frames of somebody; with ``rng`` everything but the id is drawn anew."""
    steps = 3 if rng is None else int(rng.integers(1, 9))
    corner = np.zeros((steps, 2)) if rng is None else rng.uniform(0, 100, (steps, 2))
    size = np.full((steps, 2), 40.0) if rng is None else rng.uniform(2, 120, (steps, 2))
    joints = np.full((steps, 18, 2), 20.0) if rng is None else rng.uniform(0, 200, (steps, 18, 2))
    share = (lambda *shape: np.ones(shape)) if rng is None else (lambda *shape: rng.random(shape))
    masks = [np.ones((5, 4), bool) if rng is None else rng.random((5, 4)) > 0.5 for _ in range(steps)]
    return PersonTrack(
        track_id=track_id,
        frame_indices=np.arange(steps) if rng is None else np.sort(rng.choice(60, steps, replace=False)),
        boxes_xyxy_px=np.concatenate([corner, corner + size], 1).astype(np.float32),
        box_scores=share(steps).astype(np.float32),
        joints_xy_px=joints.astype(np.float32),
        joint_scores=share(steps, 18).astype(np.float32),
        joint_visibility=share(steps, 18).astype(np.float32),
        silhouettes=MaskStack.pack(np.tile(np.array([3, 3, 7, 8], np.int32), (steps, 1)), masks),
        visible_fraction=share(steps).astype(np.float32),
        play=share(steps) > 0.5,
    )


def make_bundle(
    track_ids: list[int], clip_name: str = "street.mp4", rng: np.random.Generator | None = None
) -> SceneBundle:
    video = VideoGeometry(
        width_px=320, height_px=240, time_base=Fraction(1, 25), average_rate=Fraction(25), pts_ticks=tuple(range(60))
    )
    camera = np.repeat(np.eye(3)[None], 60, 0)
    light = Light()
    if rng is not None:
        camera[:, :2, 2] += rng.normal(0, 3, (60, 2))
        light = Light(ambient_rgb=(rng.random(), rng.random(), rng.random()), key_strength=rng.random())
    return SceneBundle(
        video=video, tracks=tuple(make_track(i, rng) for i in track_ids), camera=CameraMotion(to_reference=camera),
        light=light, clip_name=clip_name, producer="test" if rng is None else str(rng.random()),
    )  # fmt: skip


def cast(track_ids: list[int], *, seed: int = 1, config: CastingConfig | None = None, clip_name: str = "a.mp4") -> Cast:
    return cast_tracks(make_bundle(track_ids, clip_name), config or CastingConfig(), seed)


@pytest.fixture(scope="module")
def many() -> list[Appearance]:
    """1920 looks, from eight clips."""
    return [look for i in range(8) for _, look in cast(list(range(1, 241)), clip_name=f"{i}.mp4", seed=i).parts]


@pytest.mark.parametrize("trial", range(5))
def test_a_look_depends_on_nothing_but_seed_clip_and_track_id(trial: int) -> None:
    rng = np.random.default_rng(trial)
    config = CastingConfig(child_height=False)
    plain = cast_tracks(make_bundle([7]), config, 5).appearance_of(7)
    others = sorted({7, *(int(i) for i in rng.integers(1, 400, 30))})
    assert cast_tracks(make_bundle(others, rng=rng), config, 5).appearance_of(7) == plain


@pytest.mark.parametrize("other", [{"seed": 2}, {"clip_name": "b.mp4"}])
def test_seed_and_clip_change_the_cast(other: dict[str, Any]) -> None:
    assert cast([1, 2, 3]).parts != cast([1, 2, 3], **other).parts


def test_a_child_differs_in_nothing_but_what_goes_with_age(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = cast(list(range(1, 60)))
    monkeypatch.setattr("bodydouble.casting.draw.children", lambda _: frozenset(range(1, 60)))
    small = cast(list(range(1, 60)))
    for (_, old), (_, young) in zip(grown.parts, small.parts, strict=True):
        assert (young.age_group, young.occupation) == ("child", "pupil")
        assert young.hair_type != "bald"
        assert young.hair_colour not in ("grey", "white")
        for attribute in ("ethnicity", "gender", "body_type", "height_class", "skin_rgb", *WORN):
            if attribute.startswith("shoes") and old.shoes == "heels":
                assert young.shoes != "heels"
                continue
            assert getattr(young, attribute) == getattr(old, attribute)
        assert (young.facial_hair, young.headwear == "hijab") == ("none", False)
    assert cast(list(range(1, 60)), config=CastingConfig(child_height=False)) == grown


@pytest.mark.parametrize("people", [1, 7, 24, 101])
def test_every_attribute_is_balanced_over_the_tracks_of_a_clip(people: int) -> None:
    looks = [look for _, look in cast(list(range(1, people + 1))).parts]
    for attribute in ("gender", "ethnicity", "body_type", "height_class", "occupation", "top"):
        tally = Counter(getattr(look, attribute) for look in looks)
        counts = [tally[value] for value in VOCABULARY[attribute]]
        assert sum(counts) == people
        assert max(counts) - min(counts) <= 1, (attribute, tally)


def test_missing_ids_cost_balance_no_more_than_their_number() -> None:
    kept = [i for i in range(1, 61) if i not in (3, 4, 17, 40)]
    for attribute in ("gender", "ethnicity", "top"):
        tally = Counter(getattr(look, attribute) for _, look in cast(kept).parts)
        counts = [tally[value] for value in VOCABULARY[attribute]]
        assert max(counts) - min(counts) <= 1 + 4, (attribute, tally)


def test_all_ages_of_adults_are_met(many: list[Appearance]) -> None:
    tally = Counter(look.age_group for look in many)
    assert set(tally) == {"young adult", "adult", "elder"}
    assert min(tally.values()) > 0.2 * len(many)
    assert {look.age_years for look in many} == set(range(18, 80))


def test_no_two_attributes_go_together(many: list[Appearance]) -> None:
    """Chi-square over every pair stays below its 99.99 % point: among 171 pairs one would exceed it in 58 trials."""
    columns = {name: [getattr(look, name) for look in many] for name in ATTRIBUTES}
    columns["skin_rgb"] = [sum(look.skin_rgb) // 100 for look in many]
    columns["top_rgb"] = [sum(look.top_rgb) // 100 for look in many]
    columns["shoes_rgb"] = [sum(look.shoes_rgb) // 200 for look in many]
    by_design = {
        ("ethnicity", "skin_rgb"), ("shoes", "shoes_rgb"), ("gender", "facial_hair"), ("gender", "headwear"),
        ("facial_hair", "headwear"), ("bottom", "headwear"),
    }  # fmt: skip
    for first, second in combinations(columns, 2):
        if (first, second) == ("top", "headwear"):
            # One top in six bares arms, and then there is no hijab: by design, and too weak to show for certain.
            continue
        statistic, limit = association(columns[first], columns[second])
        assert (statistic > limit) == ((first, second) in by_design), (first, second, statistic, limit)


def association(first: list[Any], second: list[Any]) -> tuple[float, float]:
    """Chi-square of independence, and its 99.99 % point."""
    pairs, rows, columns = Counter(zip(first, second, strict=True)), Counter(first), Counter(second)
    expected = {(r, c): rows[r] * columns[c] / len(first) for r in rows for c in columns}
    statistic = sum((pairs[key] - value) ** 2 / value for key, value in expected.items())
    return statistic, float(chi2.ppf(0.9999, (len(rows) - 1) * (len(columns) - 1)))


def test_beards_and_the_hijab_are_drawn_where_they_are_worn(many: list[Appearance]) -> None:
    bearded = Counter(look.gender for look in many if look.facial_hair != "none")
    veiled = Counter(look.gender for look in many if look.headwear == "hijab")
    assert set(bearded) == {"man", "non-binary person"}
    assert set(veiled) == {"woman", "non-binary person"}
    assert min(bearded.values()) > 20
    assert min(veiled.values()) > 5
    assert not any(look.facial_hair != "none" and look.headwear == "hijab" for look in many)
    assert not any({look.top, look.bottom} & set(BARING) for look in many if look.headwear == "hijab")
    # Neither goes with an ethnicity or an occupation: that is in the test above. Whoever is pinned gets them.
    pins = ("1:gender=woman", "1:facial_hair=beard", "2:gender=man", "2:headwear=hijab")
    one, two = (look for _, look in cast([1, 2], config=CastingConfig(pin=pins)).parts)
    assert (one.gender, one.facial_hair, two.gender, two.headwear) == ("woman", "beard", "man", "hijab")


@pytest.mark.parametrize(
    ("attribute", "word"),
    [
        (attribute, word)
        for attribute in ("facial_hair", "top_pattern", "headwear", "eyewear", "bag", "hair_type", "shoes")
        for word in VOCABULARY[attribute]
        if word != "none"
    ],
)
def test_every_word_can_be_excluded_and_pinned_and_is_said(attribute: str, word: str) -> None:
    ids = list(range(1, 40))
    without = cast(ids, config=CastingConfig(exclude=(f"{attribute}={word}",)))
    assert word not in {getattr(look, attribute) for _, look in without.parts}
    pinned = [look for _, look in cast(ids, config=CastingConfig(pin=(f"{attribute}={word}",))).parts]
    assert {getattr(look, attribute) for look in pinned} == {word}
    unsaid = word == "plain" or attribute == "hair_type"
    assert unsaid or all(word in look.prompt for look in pinned)


def test_when_all_but_one_word_is_excluded_everybody_has_it_after_all() -> None:
    config = CastingConfig(exclude=("headwear=none", "cap", "hat", "beanie"))
    assert {look.headwear for _, look in cast([1, 2, 3, 4], config=config).parts} == {"hijab"}


def test_clothes_come_in_their_own_colours(many: list[Appearance]) -> None:
    for look in many[:240]:
        for garment, colour in ((look.top, look.top_rgb), (look.bottom, look.bottom_rgb), (look.shoes, look.shoes_rgb)):
            nearest = min(np.abs(np.subtract(rgb, colour)).max() for _, rgb in COLOURS_OF[garment])
            assert nearest <= 12, (garment, colour)


def test_pins_and_exclusions_hold_for_everybody() -> None:
    config = CastingConfig(pin=("top=jacket", "top_colour=navy"), exclude=("dress", "skirt", "hair_colour=black"))
    for _, look in cast(list(range(1, 60)), config=config).parts:
        assert look.top == "jacket"
        assert "navy jacket" in look.prompt
        assert look.bottom not in ("dress", "skirt")
        assert look.hair_colour != "black"
    assert any("black" in look.prompt for _, look in cast(list(range(1, 60)), config=config).parts)


def test_the_narrower_pin_wins_and_leaves_others_alone() -> None:
    pins = ("3:top=hoodie", "top=coat", "a.mp4/3:top=shirt", "a.mp4/4:age_years=9", "4:gender=man")
    config = CastingConfig(pin=pins)
    here, there = cast([1, 3, 4], config=config), cast([1, 3, 4], config=config, clip_name="b.mp4")
    assert [look.top for _, look in here.parts] == ["coat", "shirt", "coat"]
    assert [look.top for _, look in there.parts] == ["coat", "hoodie", "coat"]
    assert (here.appearance_of(4).age_years, here.appearance_of(4).occupation) == (9, "pupil")
    assert " boy of about 9 years" in here.appearance_of(4).prompt
    assert there.appearance_of(4).age_years >= 18
    free = cast([1, 3, 4]).appearance_of(3)
    assert replace(here.appearance_of(3), top=free.top, top_rgb=free.top_rgb, prompt=free.prompt) == free


def test_what_is_pinned_wins_over_what_is_excluded_and_over_childrens_looks() -> None:
    config = CastingConfig(
        exclude=("coat",), pin=("2:top=coat", "2:age_years=8", "2:hair_type=bald", "2:occupation=juggler")
    )
    look = cast([1, 2], config=config).appearance_of(2)
    assert (look.top, look.age_years, look.hair_type, look.occupation) == ("coat", 8, "bald", "juggler")


def test_a_pinned_colour_chooses_garments_that_come_in_it() -> None:
    config = CastingConfig(pin=("bottom_colour=khaki", "shoes_colour=white"))
    for _, look in cast(list(range(1, 40)), config=config).parts:
        assert look.bottom != "jeans"
        assert look.shoes != "boots"
        assert "khaki" in look.prompt


def test_a_uniform_is_worn_by_everybody_and_nothing_else_is_shared() -> None:
    looks = [look for _, look in cast(list(range(1, 30)), config=CastingConfig(uniform=True)).parts]
    assert len({tuple(getattr(look, name) for name in WORN) for look in looks}) == 1
    assert len({(look.ethnicity, look.gender, look.hair_rgb, look.skin_rgb) for look in looks}) > 20
    outfits = {cast([1], config=CastingConfig(uniform=True), seed=seed).appearance_of(1).top_rgb for seed in range(6)}
    assert len(outfits) > 1


def test_own_occupations_are_drawn_in_balance() -> None:
    config = CastingConfig(occupations=("train conductor", "nurse", "juggler"))
    tally = Counter(look.occupation for _, look in cast(list(range(1, 31)), config=config).parts)
    assert tally == {"train conductor": 10, "nurse": 10, "juggler": 10}


def test_prompt_follows_the_order_of_the_paper() -> None:
    look = cast([3], config=CastingConfig(exclude=("hijab", "bald"))).appearance_of(3)
    order = (look.ethnicity, look.gender, look.body_type, look.height_class, look.hair_colour, look.occupation, look.top,
             look.bottom, look.shoes)  # fmt: skip
    places = [look.prompt.index(word) for word in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("gender", "age", "words"),
    [
        ("woman", 8, "girl of about 8 years"), ("man", 15, "boy of about 15 years"),
        ("non-binary person", 8, "child of about 8 years"), ("non-binary person", 16, "teenager of about 16 years"),
        ("man", 18, "man in their late teens"), ("woman", 74, "woman in their 70s"),
        ("non-binary person", 30, "non-binary person in their 30s"),
    ],
)  # fmt: skip
def test_people_are_called_what_they_would_be_called(gender: str, age: int, words: str) -> None:
    look = {name: values[0] for name, values in VOCABULARY.items()} | {"gender": gender}
    colours = dict.fromkeys(("top", "bottom", "shoes", "headwear", "bag"), "navy")
    prompt = prompt_of(look, age_years=age, colours=colours)
    assert prompt.startswith(f"White European {words}, slim build")


def test_wording_is_plain() -> None:
    """No word judges a body or an age, or makes a person a thing."""
    allowed = {word for values in VOCABULARY.values() for value in values for word in value.lower().split()}
    glue = {"in", "their", "late", "teens", "build", "height", "with", "hair", "back", "wearing", "and", "a", "an"}
    glue |= {"covered"}
    glue |= {"medium-length", *(f"{decade}s" for decade in range(20, 80, 10))}
    for _, look in cast(list(range(1, 400))).parts:
        assert set(look.prompt.lower().replace(",", "").split()) <= allowed | glue, look.prompt
    judging = {
        "fat",
        "obese",
        "skinny",
        "old",
        "elderly",
        "exotic",
        "normal",
        "beautiful",
        "ugly",
        "caucasian",
        "ethnic",
    }
    assert not allowed & judging


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CastingConfig(pin=("top",)), ["casting.pin", "'top'", "attribute=value"]),
        (lambda: CastingConfig(pin=("hat=fedora",)), ["hat=fedora", "no attribute 'hat'"]),
        (lambda: CastingConfig(pin=("tops=coat",)), ["did you mean 'top'"]),
        (lambda: CastingConfig(pin=("top=jackett",)), ["did you mean 'jacket'"]),
        (lambda: CastingConfig(pin=("top=toga",)), ["'toga'", "T-shirt, shirt"]),
        (lambda: CastingConfig(pin=("0:top=coat",)), ["start at 1"]),
        (lambda: CastingConfig(pin=("a/b/3:top=coat",)), ["casting.pin"]),
        (lambda: CastingConfig(pin=("age_years=3",)), ["4 to 100"]),
        (lambda: CastingConfig(pin=("age_years=old",)), ["4 to 100"]),
        (lambda: CastingConfig(pin=("occupation=(spy)",)), ["occupation", "letters"]),
        (lambda: CastingConfig(occupations=("",)), ["casting.occupations", "letters"]),
        (lambda: CastingConfig(occupations=("nurse",), exclude=("nurse",)), ["draw occupation", "nurse"]),
        (lambda: CastingConfig(pin=("bottom=jeans", "bottom_colour=khaki")), ["jeans comes in", "blue denim"]),
        (lambda: CastingConfig(pin=("bottom_colour=khaki", "2:bottom=jeans")), ["track 2", "jeans comes in"]),
        (lambda: CastingConfig(exclude=("caot",)), ["'caot'", "did you mean 'coat'"]),
        (lambda: CastingConfig(exclude=("top=trousers",)), ["top=trousers"]),
        (lambda: CastingConfig(exclude=VOCABULARY["gender"]), ["draw gender", "everybody"]),
        (lambda: CastingConfig(youngest_years=5), ["5", "18 to 100"]),
        (lambda: CastingConfig(youngest_years=60, oldest_years=30), ["60 to 30"]),
    ],
)
def test_impossible_wishes_are_named(make: Callable[[], CastingConfig], words: list[str]) -> None:
    with pytest.raises(ConfigError, match="casting") as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_skin_comes_with_ethnicity_in_every_tone(many: list[Appearance]) -> None:
    for ethnicity, tones in ETHNICITIES:
        lightness = {sum(look.skin_rgb) for look in many if look.ethnicity == ethnicity}
        assert len(lightness) > 3 * len(tones)


def test_ages_stay_within_the_limits() -> None:
    config = replace(CastingConfig(), youngest_years=30, oldest_years=31)
    assert {look.age_years for _, look in cast(list(range(1, 50)), config=config).parts} == {30, 31}


def test_nobody_to_cast() -> None:
    assert cast([]).parts == ()
