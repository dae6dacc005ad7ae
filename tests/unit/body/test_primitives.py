"""Simple meshes: size, place, parts."""

import numpy as np
import pytest

from bodydouble.body.parts import Part, label_faces, part_of_bone
from bodydouble.body.primitives import box, ellipsoid, frame_along, lathe, merge, tube


def test_an_ellipsoid_has_the_asked_extent_and_place():
    mesh = ellipsoid([1, 2, 3], [0.5, 0.25, 1.0], np.eye(3), Part.HAT, segments=32)
    assert np.allclose(mesh.vertices_m.min(0), [0.5, 1.75, 2.0], atol=1e-5)
    assert np.allclose(mesh.vertices_m.max(0), [1.5, 2.25, 4.0], atol=1e-5)


def test_a_box_fills_more_of_its_extent_than_an_ellipsoid():
    def volume(mesh) -> float:
        a, b, c = (mesh.vertices_m[mesh.faces[:, k]] for k in range(3))
        return abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6)

    round_, square = (make([0, 0, 0], [1, 1, 1], np.eye(3), Part.BAG) for make in (ellipsoid, box))
    assert volume(round_) == pytest.approx(4 / 3 * np.pi, rel=0.15)
    assert volume(square) > 1.5 * volume(round_)


def test_a_lathe_follows_its_rings():
    mesh = lathe([[0, 0, 0], [0, 0, -1]], [[1, 2], [3, 4]], np.eye(3), Part.SKIRT, segments=64)
    top, hem = mesh.vertices_m[:65], mesh.vertices_m[65:]
    assert np.allclose(np.abs(top).max(0), [1, 2, 0], atol=1e-4)
    assert np.allclose(np.abs(hem[:, :2]).max(0), [3, 4], atol=1e-4)
    assert np.all(hem[:, 2] == -1)
    assert mesh.faces.max() == len(mesh.vertices_m) - 1


def test_an_open_lathe_leaves_a_gap():
    mesh = lathe([[0, 0, 0], [0, 0, 1]], [[1, 1]] * 2, np.eye(3), Part.SKIRT, from_angle_rad=0.5, to_angle_rad=5.0)
    angle = np.arctan2(mesh.vertices_m[:, 1], mesh.vertices_m[:, 0]) % (2 * np.pi)
    assert angle.min() == pytest.approx(0.5, abs=1e-4)
    assert angle.max() == pytest.approx(5.0, abs=1e-4)


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0, 0), (-1, 0, 0), (0, -1, 0), (0.3, -0.2, 0.9)])
def test_a_frame_is_a_rotation_along_its_direction(direction: tuple[float, ...]):
    frame = frame_along(direction)
    assert np.allclose(frame.T @ frame, np.eye(3), atol=1e-5)
    assert np.linalg.det(frame) == pytest.approx(1, abs=1e-5)
    assert np.allclose(frame[:, 2], np.array(direction) / np.linalg.norm(direction), atol=1e-5)


def test_a_tube_keeps_its_radius():
    mesh = tube([[0, 0, 0], [0, 0, 1], [0, 0, 2]], 0.1, Part.BAG)
    assert np.allclose(np.linalg.norm(mesh.vertices_m[:, :2], axis=1), 0.1, atol=1e-6)


def test_merging_keeps_every_triangle_and_refuses_a_mix():
    a, b = (ellipsoid([x, 0, 0], [1, 1, 1], np.eye(3), Part.BAG) for x in (0, 5))
    both = merge([a, b])
    assert np.array_equal(both.vertices_m[both.faces[len(a.faces) :]], b.vertices_m[b.faces])
    with pytest.raises(ValueError, match="cannot merge 2 meshes"):
        merge([a, ellipsoid([0, 0, 0], [1, 1, 1], np.eye(3), Part.HAT)])
    with pytest.raises(ValueError, match="cannot merge 0 meshes"):
        merge([])


def test_bones_have_parts_and_unknown_ones_do_not():
    assert part_of_bone("lowerarm02.R") is Part.FOREARM
    assert part_of_bone("toe3-2.L") is Part.FOOT
    with pytest.raises(ValueError, match="'tail01'"):
        part_of_bone("tail01")


def test_a_face_takes_the_part_of_its_majority():
    parts = np.array([3, 3, 7, 9], np.uint8)
    faces = np.array([[0, 1, 2], [2, 0, 1], [0, 2, 3]], np.int32)
    assert label_faces(parts, faces).tolist() == [3, 3, 3]
