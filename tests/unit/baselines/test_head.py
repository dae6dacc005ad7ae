"""The head is covered whole, wherever it is; where it is not known, more is covered, never less."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.baselines import ObscureConfig
from bodydouble.baselines.obscure import obscure
from bodydouble.baselines.window import Person
from tests.unit.baselines.conftest import FRAME_SIZE, make_person, noise, upright

Mask = npt.NDArray[np.bool_]
LEFT, TOP, HEIGHT = 50.0, 10.0, 100.0
BOX = (LEFT, TOP, LEFT + 0.4 * HEIGHT, TOP + HEIGHT)


def black(person: Person, config: ObscureConfig | None = None, size: tuple[int, int] = FRAME_SIZE) -> Mask:
    """What became black; everything else must be as it was."""
    original = noise(size)
    before = original.copy()
    result = obscure(original, [person], config or ObscureConfig())
    covered: Mask = (result == 0).all(axis=2)
    assert np.array_equal(original, before)
    assert np.array_equal(result[~covered], original[~covered])
    return covered


def head_of(left: float, top: float, height: float) -> Mask:
    """Where the head of somebody who stands upright is: 0.13 of their height, 0.11 wide."""
    rows, columns = np.mgrid[0 : FRAME_SIZE[1], 0 : FRAME_SIZE[0]]
    across = (columns + 0.5 - left - 0.2 * height) / (0.055 * height)
    along = (rows + 0.5 - top - 0.065 * height) / (0.065 * height)
    inside: Mask = across**2 + along**2 <= 1.0
    return inside


def test_the_whole_head_and_little_else() -> None:
    covered = black(make_person(BOX, upright(LEFT, TOP, HEIGHT)))
    head = head_of(LEFT, TOP, HEIGHT)
    assert covered[head].all()
    assert covered.sum() < 3.5 * head.sum()
    assert not covered[int(TOP + 0.3 * HEIGHT) :].any()


@pytest.mark.parametrize(
    "seen",
    [
        ("nose", "neck", "right_hip"),
        ("left_ear",),
        ("neck", "right_hip", "left_hip"),
        ("right_shoulder", "left_shoulder"),
        ("right_hip", "left_ankle"),
        (),
    ],
)
def test_missing_joints_never_uncover_the_head(seen: tuple[str, ...]) -> None:
    joints = {name: point for name, point in upright(LEFT, TOP, HEIGHT).items() if name in seen}
    covered = black(make_person(BOX, joints))
    head = head_of(LEFT, TOP, HEIGHT)
    assert covered[head].mean() > 0.97


def test_faint_joints_count_as_missing_and_far_ones_as_wrong() -> None:
    elsewhere = dict.fromkeys(("nose", "neck"), (5.0, 110.0))
    for person in (make_person(BOX, elsewhere, score=0.1), make_person(BOX, elsewhere)):
        covered = black(person)
        assert covered[head_of(LEFT, TOP, HEIGHT)].all()
        assert not covered[100:, :20].any()


def test_somebody_cut_below_is_known_by_the_shoulders() -> None:
    # Head and shoulders of somebody 200 px tall; the box shows 60 px of them.
    joints = {name: point for name, point in upright(40.0, 60.0, 200.0).items() if point[1] < 118}
    covered = black(make_person((45.0, 60.0, 115.0, 120.0), joints))
    assert covered[head_of(40.0, 60.0, 200.0)].mean() > 0.97
    blind = black(make_person((55.0, 60.0, 105.0, 120.0)))
    assert blind[head_of(40.0, 60.0, 200.0)].mean() > 0.97


def test_lying_people_without_joints_are_covered_whole() -> None:
    covered = black(make_person((20.0, 80.0, 120.0, 110.0)))
    assert covered[80:110, 20:120].all()


def test_lying_people_with_joints_are_covered_at_the_head() -> None:
    standing = upright(0.0, 0.0, 100.0)
    joints = {name: (20.0 + y, 70.0 + x) for name, (x, y) in standing.items()}
    covered = black(make_person((20.0, 70.0, 120.0, 110.0), joints))
    rows, columns = np.mgrid[0:120, 0:160]
    head = ((columns - 26.5) / 6.5) ** 2 + ((rows - 90) / 5.5) ** 2 <= 1.0
    assert covered[head].all()
    assert not covered[:, 60:].any()


def test_face_only_is_less_than_the_head_and_the_head_where_no_face_is_seen() -> None:
    joints = upright(LEFT, TOP, HEIGHT)
    head = black(make_person(BOX, joints))
    face = black(make_person(BOX, joints), ObscureConfig(part="face"))
    assert 0 < face.sum() < head.sum() / 2
    assert face[int(joints["nose"][1]), int(joints["nose"][0])]
    behind = {name: point for name, point in joints.items() if name not in ("nose", "right_eye", "left_eye")}
    assert np.array_equal(black(make_person(BOX, behind), ObscureConfig(part="face")), black(make_person(BOX, behind)))


def test_the_papers_mask_stays_on_the_person_and_is_never_empty() -> None:
    joints = upright(LEFT, TOP, HEIGHT)
    person = make_person(BOX, joints)
    ours, papers = black(person), black(person, ObscureConfig(setting="paper"))
    silhouette = np.zeros_like(ours)
    person.track.silhouettes.paint(0, silhouette)
    assert np.array_equal(papers, ours & silhouette)
    without = make_person(BOX, joints, filled=False)
    assert np.array_equal(black(without, ObscureConfig(setting="paper")), ours)


@pytest.mark.parametrize("box", [(-30.0, -20.0, 10.0, 60.0), (150.0, 90.0, 190.0, 170.0), (-90.0, 5.0, -20.0, 80.0)])
def test_people_at_and_beyond_the_border(box: tuple[float, float, float, float]) -> None:
    covered = black(make_person(box))
    left, top, right, bottom = (int(v) for v in box)
    assert covered[max(top, 0) : max(top + 5, 0), max(left, 0) : max(right, 0)].all()
    assert not covered[min(bottom, 119) + 1 :].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (31, 57)])
def test_tiny_and_odd_frames(size: tuple[int, int]) -> None:
    covered = black(make_person((0.0, 0.0, float(size[0]), float(size[1])), size=size), size=size)
    assert covered.any()
