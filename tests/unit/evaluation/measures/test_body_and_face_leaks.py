"""Leaks by walk, outline, clothes and face: results with known answers, bad ones among them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bodydouble.errors import MissingWeights
from bodydouble.evaluation.measures.attributes import Attributes, broadness, colour_name
from bodydouble.evaluation.measures.base import Figure, PairedClip, Tally
from bodydouble.evaluation.measures.faces import PATCH_PX, Face, FaceFinder, Faces, aligned_patch, likeness
from bodydouble.evaluation.measures.gait import LEAST_STEPS, Gait, gait_features
from bodydouble.evaluation.measures.seen_again import tracks_seen_again
from bodydouble.evaluation.measures.silhouettes import Silhouettes, aligned, overlap
from bodydouble.scene import MaskStack, PersonTrack, SceneBundle
from bodydouble.scene.skeleton import JOINT_INDEX, JOINT_NAMES
from tests.unit.evaluation.measures.street import PERSON_H, PERSON_W, Street, Walker, make_bundle, run

FRAMES = 48
BOXES = [Walker(left=6 + 48 * n, top=20, step=0) for n in range(4)]


def table(measure, tally: Tally) -> dict[str, Figure]:
    return {figure.key.removeprefix("privacy."): figure for figure in measure.figures(tally)}


def finished(measure, clip: PairedClip) -> dict[str, Figure]:
    return table(measure, measure.start(clip).finish())


# Walks


def walk(number: int, steps: int, *, phase: float = 0.0, noise: float = 0.3) -> np.ndarray:
    """(steps, 18, 2): joints of somebody whose limbs, pace and swing depend on their number."""
    rng = np.random.default_rng(number)
    arm, leg, swing, pace = rng.uniform(0.8, 1.3), rng.uniform(0.8, 1.3), rng.uniform(0.2, 0.6), rng.uniform(0.7, 1.6)
    time = np.arange(steps) / 10
    joints = np.full((steps, 18, 2), np.nan)
    middle = np.stack([np.full(steps, 50.0), np.full(steps, 40.0)], 1)
    joints[:, JOINT_INDEX["neck"]] = middle
    for side, sign in (("left", 1), ("right", -1)):
        angle = swing * np.sin(2 * np.pi * pace * time + phase) * sign
        shoulder, hip = middle + np.array([4.0 * sign, 0.0]), middle + np.array([3.0 * sign, 20.0])
        down = np.stack([np.sin(angle), np.cos(angle)], 1)
        for names, start, lengths, way in (
            (("shoulder", "elbow", "wrist"), shoulder, (9 * arm, 8 * arm), down * [-1, 1]),
            (("hip", "knee", "ankle"), hip, (13 * leg, 13 * leg), down),
        ):
            joints[:, JOINT_INDEX[f"{side}_{names[0]}"]] = start
            joints[:, JOINT_INDEX[f"{side}_{names[1]}"]] = start + lengths[0] * way
            joints[:, JOINT_INDEX[f"{side}_{names[2]}"]] = start + sum(lengths) * way
    return joints + np.random.default_rng(number + 1000).normal(0, noise, joints.shape)


def walkers_bundle(numbers: list[int], *, frames: int = FRAMES, scale: float = 1.0, phase: float = 0.0) -> SceneBundle:
    """People at the places of ``BOXES`` who walk as the numbers say."""
    bundle = make_bundle([replace(BOXES[n % 4], left=6 + 40 * n) for n in range(len(numbers))], frames, width=400)
    tracks = [
        replace(
            track,
            joints_xy_px=(scale * walk(number, frames, phase=phase)).astype(np.float32),
            joint_scores=np.full((frames, 18), 0.9, np.float32),
        )
        for track, number in zip(bundle.tracks, numbers, strict=True)
    ]
    return replace(bundle, tracks=tuple(tracks))


def test_walks_are_found_again_where_skeletons_are_kept():
    bundle = walkers_bundle([1, 2, 3, 4, 5, 6])
    kept = finished(Gait(), PairedClip(name="c", bundle=bundle, result_bundle=walkers_bundle([1, 2, 3, 4, 5, 6])))
    assert kept["gait.bundle.rank1"].value >= 10 / 12
    assert kept["gait.seen.rank1"].value == kept["gait.bundle.rank1"].value
    assert kept["gait.seen.rank1"].chance == pytest.approx(1 / 6)
    assert kept["gait.seen.rank1"].trials == 12


def test_other_walks_are_not_found_and_swapped_ones_lead_astray():
    bundle = walkers_bundle([1, 2, 3, 4, 5, 6])
    swapped = finished(Gait(), PairedClip(name="c", bundle=bundle, result_bundle=walkers_bundle([2, 3, 4, 5, 6, 1])))
    assert swapped["gait.seen.rank1"].value <= 2 / 12
    rates = [
        finished(Gait(), PairedClip(name="c", bundle=bundle, result_bundle=walkers_bundle(list(range(at, at + 6)))))
        ["gait.seen.rank1"].value
        for at in range(20, 68, 6)
    ]  # fmt: skip
    assert np.mean(rates) == pytest.approx(1 / 6, abs=0.15)


def test_features_do_not_depend_on_size_or_phase():
    near = gait_features(walk(3, 60, noise=0.0), 10.0)
    far = gait_features(0.3 * walk(3, 60, noise=0.0) + 7.0, 10.0)
    np.testing.assert_allclose(near, far, rtol=1e-5, atol=1e-6)
    later = gait_features(walk(3, 60, phase=1.0, noise=0.0), 10.0)
    assert np.nanmax(np.abs(near - later)) < 0.15
    assert np.nanmax(np.abs(near - gait_features(walk(9, 60, noise=0.0), 10.0))) > 0.2


def test_skeletons_that_are_short_or_absent():
    assert gait_features(walk(1, LEAST_STEPS - 1), 10.0) is None
    assert gait_features(np.full((50, 18, 2), np.nan), 10.0) is None
    holes = walk(1, 40)
    holes[5:9] = np.nan
    holes[:, [JOINT_INDEX[name] for name in JOINT_NAMES if "wrist" in name]] = np.nan
    features = gait_features(holes, 10.0)
    assert features is not None
    assert np.isnan(features).any()
    assert np.isfinite(features).sum() > 15
    for frames, numbers in ((FRAMES, []), (FRAMES, [1]), (LEAST_STEPS, [1, 2]), (1, [1, 2])):
        bundle = walkers_bundle(numbers, frames=frames)
        got = finished(Gait(), PairedClip(name="c", bundle=bundle, result_bundle=bundle))
        assert {figure.value for figure in got.values()} == {None}, (frames, numbers)


def test_nobody_looked_for_skeletons_in_the_result():
    got = finished(Gait(), PairedClip(name="c", bundle=walkers_bundle([1, 2, 3, 4])))
    assert got["gait.seen.rank1"].value is None
    assert "nobody looked" in got["gait.seen.rank1"].note
    assert got["gait.bundle.rank1"].value is not None


# Seen again


def test_people_are_matched_by_place_and_ids_do_not_matter():
    bundle = make_bundle(BOXES, 3)
    ids = [9, 4, 7, 5]
    tracks = [replace(track, track_id=i) for track, i in zip(bundle.tracks, ids, strict=True)]
    other = replace(bundle, tracks=tuple(sorted(tracks, key=lambda track: track.track_id)))
    again = tracks_seen_again(bundle, other)
    assert {one: other.tracks[rows[0][1]].track_id for one, rows in again.items()} == {1: 9, 2: 4, 3: 7, 4: 5}
    assert [(row[0], row[2]) for row in again[1]] == [(0, 0), (1, 1), (2, 2)]
    assert tracks_seen_again(bundle, replace(bundle, tracks=())) == {}


# Outlines


def outline(width: int, height: int = 60) -> np.ndarray:
    mask = np.zeros((height, 80), bool)
    mask[:, 40 - width // 2 : 40 + width // 2] = True
    return mask


def shaped(bundle: SceneBundle, masks: list[np.ndarray]) -> SceneBundle:
    def of(track: PersonTrack, mask: np.ndarray) -> MaskStack:
        resized = [cv2.resize(mask.astype(np.uint8), (PERSON_W, PERSON_H), interpolation=cv2.INTER_NEAREST) > 0]
        return MaskStack.pack(track.silhouettes.windows_xyxy_px, resized * len(track))

    tracks = [replace(track, silhouettes=of(track, mask)) for track, mask in zip(bundle.tracks, masks, strict=True)]
    return replace(bundle, tracks=tuple(tracks))


def test_alignment_takes_out_place_and_size():
    small, large = outline(20), np.kron(outline(20), np.ones((3, 3), bool))
    moved = np.roll(large, (0, 31), (0, 1))
    assert overlap(aligned(small), aligned(moved)) > 0.95
    assert overlap(aligned(outline(20)), aligned(outline(40))) == pytest.approx(0.5, abs=0.06)
    assert aligned(np.zeros((50, 50), bool)) is None
    assert aligned(np.ones((5, 5), bool)) is None
    assert aligned(np.ones((2, 300), bool)).shape == (64, 64)
    assert overlap(np.zeros((64, 64), bool), np.zeros((64, 64), bool)) == 0.0


def test_the_own_outline_leaks_and_one_outline_for_all_does_not():
    bundle = make_bundle(BOXES, 6)
    shapes = [outline(width) for width in (16, 30, 50, 78)]
    own = shaped(bundle, shapes)
    kept = finished(Silhouettes(), PairedClip(name="c", bundle=own, result_bundle=own))["silhouette.iou"]
    assert kept.value == 1.0
    assert kept.chance < 0.6
    same = shaped(bundle, [outline(40)] * 4)
    hidden = finished(Silhouettes(), PairedClip(name="c", bundle=own, result_bundle=same))["silhouette.iou"]
    assert hidden.value == pytest.approx(hidden.chance)


@pytest.mark.parametrize("people", [0, 1])
def test_outlines_need_two_people_and_somebody_who_looked(people):
    bundle = make_bundle(BOXES[:people], 4)
    got = finished(Silhouettes(), PairedClip(name="c", bundle=bundle, result_bundle=bundle))["silhouette.iou"]
    assert got.value is None
    got = finished(Silhouettes(), PairedClip(name="c", bundle=make_bundle(BOXES, 4)))["silhouette.iou"]
    assert (got.value, got.note) == (None, "nobody looked for people in the result")


# Attributes

COLOURS = {"red": (200, 30, 30), "blue": (30, 60, 190), "green": (40, 160, 60), "white": (235, 235, 235)}


@pytest.mark.parametrize(("name", "rgb"), [*COLOURS.items(), ("black", (15, 12, 10)), ("grey", (120, 118, 122)),
                                           ("yellow", (230, 220, 30)), ("orange or brown", (140, 80, 30))])  # fmt: skip
def test_colours_have_names(name, rgb):
    assert colour_name(np.full((6, 5, 3), rgb, np.uint8)) == name


def dressed(tops: list[str], bottoms: list[str], index: int = 0) -> np.ndarray:
    picture = np.full((120, 200, 3), 90, np.uint8)
    for box, top, bottom in zip(BOXES, tops, bottoms, strict=True):
        middle = box.top + PERSON_H // 2
        picture[box.top : middle, box.left : box.left + PERSON_W] = COLOURS[top]
        picture[middle : box.top + PERSON_H, box.left : box.left + PERSON_W] = COLOURS[bottom]
    return picture


class Dressed(Street):
    def frame(self, index: int, *, look: int = 0) -> np.ndarray:
        return dressed(list(COLOURS), list(COLOURS)[::-1])


def test_clothes_that_are_kept_are_told_and_swapped_ones_are_not():
    street, measure = Dressed(BOXES, 12), Attributes()
    kept = table(measure, run(measure, street))
    for name in ("upper", "lower", "brightness"):
        assert kept[f"attributes.{name}"].value == 1.0
        assert kept[f"attributes.{name}"].chance <= 1 / 3
    assert kept["attributes.build"].value is None
    assert "nobody looked" in kept["attributes.build"].note
    names = list(COLOURS)
    swapped = run(measure, street, lambda i: dressed(names[1:] + names[:1], names))
    assert table(measure, swapped)["attributes.upper"].value == 0.0
    assert not [case for case in swapped.cases if "upper" in case.what]


def test_everybody_in_one_colour_is_chance():
    street, measure = Dressed(BOXES, 12), Attributes()
    got = table(measure, run(measure, street, lambda i: dressed(["red"] * 4, ["red"] * 4)))
    assert (got["attributes.upper"].value, got["attributes.upper"].chance) == (0.25, 0.25)


def test_build_is_read_from_outlines():
    bundle = make_bundle(BOXES, 12)
    shapes = [outline(width) for width in (16, 30, 50, 78)]
    own = shaped(bundle, shapes)
    kept = finished(Attributes(), PairedClip(name="c", bundle=own, result_bundle=own))["attributes.build"]
    turned = shaped(bundle, shapes[::-1])
    other = finished(Attributes(), PairedClip(name="c", bundle=own, result_bundle=turned))["attributes.build"]
    assert (kept.value, other.value) == (1.0, 0.0)
    assert broadness(own.tracks[0], range(3)) < broadness(own.tracks[3], range(3))
    assert broadness(own.tracks[0], []) is None


@pytest.mark.parametrize(("people", "frames"), [(0, 12), (1, 12), (4, 1)])
def test_attributes_of_nobody(people, frames):
    measure = Attributes()
    got = table(measure, run(measure, Street(BOXES[:people], frames)))
    assert {figure.value for figure in got.values()} == {None}


# Faces


class Painted:
    """Finds a face in each bright square of 16 px that is there; the pixels in it are its look."""

    PLACES = ((10, 24), (58, 24), (106, 24))

    def __init__(self) -> None:
        self.calls = 0

    def find(self, rgb: np.ndarray) -> list[Face]:
        self.calls += 1
        faces = []
        for left, top in self.PLACES:
            part = rgb[top : top + 16, left : left + 16]
            if part.mean() > 100:
                patch = cv2.resize(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), (PATCH_PX, PATCH_PX)).astype(np.float32)
                patch -= patch.mean()
                norm = max(float(np.linalg.norm(patch)), 1e-3)
                faces.append(Face(box_xyxy_px=(left, top, left + 16, top + 16), patch=patch / norm))
        return faces


def with_faces(looks: list[int | None]) -> np.ndarray:
    picture = np.full((120, 200, 3), 40, np.uint8)
    for (left, top), look in zip(Painted.PLACES, looks, strict=True):
        if look is not None:
            picture[top : top + 16, left : left + 16] = np.random.default_rng(look).integers(60, 250, (16, 16, 1))
    return picture


class Faced(Street):
    def frame(self, index: int, *, look: int = 0) -> np.ndarray:
        return with_faces([1, 2, 3])


def test_faces_that_are_left_other_faces_and_no_faces():
    street, finder = Faced(BOXES, 4), Painted()
    measure = Faces(finder)
    kept = table(measure, run(measure, street))
    assert (kept["faces.left"].value, kept["faces.left"].chance) == (1.0, 0.0)
    assert kept["faces.left"].trials == 12
    assert finder.calls == 1  # equal pictures are looked at once
    others = table(measure, run(measure, street, lambda i: with_faces([7, 8, 9])))
    assert (others["faces.left"].value, others["faces.same_place"].value) == (0.0, 1.0)
    one = run(measure, street, lambda i: with_faces([None, 2 if i == 3 else None, None]))
    assert table(measure, one)["faces.left"].value == pytest.approx(1 / 12)
    assert [(case.frame_index, case.track_id) for case in one.cases] == [(3, 2)]
    assert "12 faces in the original, 1 in the result, in 4 frames" in table(measure, one)["faces.left"].note


def test_no_faces_in_the_original():
    measure, street = Faces(Painted()), Faced(BOXES, 2)
    street.frame = lambda index: with_faces([None] * 3)
    got = table(measure, run(measure, street))
    assert {figure.value for figure in got.values()} == {None}
    assert table(measure, Tally(measure=measure.name))["faces.left"].value is None


def test_patches_are_upright_and_of_one_size():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (80, 80, 3)).astype(np.uint8), (0, 0), 3)
    eyes = np.array([[30, 30], [50, 30], [40, 40], [32, 50], [48, 50]], float)
    turn = cv2.getRotationMatrix2D((40, 40), 25, 0.9)
    turned = cv2.warpAffine(picture, turn, (80, 80))
    there = eyes @ turn[:, :2].T + turn[:, 2]
    one, other = aligned_patch(picture, eyes), aligned_patch(turned, there)
    assert float(np.sum(one * other)) > 0.95
    assert float(np.sum(one * aligned_patch(picture[::-1].copy(), eyes))) < 0.6
    assert not aligned_patch(picture, np.full((5, 2), 3.0)).any()
    plain = aligned_patch(np.full((80, 80, 3), 128, np.uint8), eyes)
    assert likeness(Face(box_xyxy_px=(0, 0, 1, 1), patch=plain), Face(box_xyxy_px=(0, 0, 1, 1), patch=one)) == 0.0


def test_weights_that_are_absent_are_named(tmp_path):
    with pytest.raises(MissingWeights, match="face"):
        FaceFinder(tmp_path / "no.onnx")


@pytest.mark.real_data
def test_yunet_is_asked_rightly(real_data_dir):
    finder = FaceFinder(real_data_dir / "models" / "yunet_n_dynamic.onnx")
    assert finder.find(np.full((97, 131, 3), 90, np.uint8)) == []
    assert finder.find(np.full((8, 8, 3), 90, np.uint8)) == []
