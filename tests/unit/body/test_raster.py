"""The z-buffer: nearest wins, pixel centres, both projections, borders."""

import numpy as np
import pytest

from bodydouble.body.raster import interpolate, rasterise

FACE = np.array([[0, 1, 2]], np.int32)


def _square(x0: float, y0: float, x1: float, y1: float, z: float) -> tuple[np.ndarray, np.ndarray]:
    points = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)
    return points, np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_a_pixel_belongs_to_what_covers_its_centre():
    points, faces = _square(1.0, 2.0, 4.0, 3.0, 5.0)
    drawn = rasterise(points, faces, height=5, width=6)
    expected = np.zeros((5, 6), bool)
    expected[2, 1:4] = True
    assert np.array_equal(drawn.covered, expected)
    assert np.all(drawn.depth[expected] == 5)
    assert np.all(np.isinf(drawn.depth[~expected]))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_surface_is_seen_whatever_the_order(order: tuple[int, int]):
    near, faces = _square(0, 0, 4, 4, 1.0)
    far, _ = _square(0, 0, 4, 4, 2.0)
    layers = [near, far]
    points = np.concatenate([layers[order[0]], layers[order[1]]])
    drawn = rasterise(points, np.concatenate([faces, faces + 4]), height=4, width=4)
    assert np.all(drawn.depth == 1.0)
    assert np.all(drawn.triangle // 2 == order.index(0))


def test_back_faces_are_left_out_only_when_asked():
    points, faces = _square(0, 0, 4, 4, 1.0)
    assert rasterise(points, faces, height=4, width=4).covered.all()
    assert not rasterise(points, faces, height=4, width=4, cull_back_faces=True).covered.any()
    assert rasterise(points, faces[:, ::-1].copy(), height=4, width=4, cull_back_faces=True).covered.all()


def test_perspective_interpolation_follows_the_surface_and_not_the_screen():
    # A strip that goes from depth 1 to depth 3; the middle of the screen is nearer than its middle in space.
    points = np.array([[0, 0, 1], [8, 0, 3], [8, 8, 3], [0, 8, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    along = points[:, 2:].copy()
    flat = interpolate(rasterise(points, faces, height=8, width=8), faces, along)
    deep = interpolate(rasterise(points, faces, height=8, width=8, perspective=True), faces, along)
    x = (np.arange(8) + 0.5) / 8
    assert np.allclose(flat[4, :, 0], 1 + 2 * x, atol=1e-4)
    assert np.allclose(deep[4, :, 0], 1 / ((1 - x) / 1 + x / 3), atol=1e-4)


def test_what_lies_outside_or_has_no_area_is_not_drawn():
    outside = np.array([[-9, -9, 1], [-5, -9, 1], [-5, -2, 1]], np.float32)
    line = np.array([[0, 0, 1], [3, 3, 1], [6, 6, 1]], np.float32)
    for points in (outside, line):
        assert not rasterise(points, FACE, height=7, width=5).covered.any()
    assert not rasterise(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), height=1, width=1).covered.any()


def test_a_triangle_far_larger_than_the_picture_covers_it():
    points = np.array([[-1e4, -1e4, 2], [3e4, -1e4, 2], [-1e4, 3e4, 2]], np.float32)
    drawn = rasterise(points, FACE, height=3, width=9)
    assert drawn.covered.all()
    assert np.allclose(drawn.barycentric.sum(-1), 1, atol=1e-5)


def test_behind_the_camera_nothing_is_drawn_in_perspective():
    points = np.array([[0, 0, 1], [8, 0, 1], [0, 8, -1]], np.float32)
    assert not rasterise(points, FACE, height=8, width=8, perspective=True).covered.any()


def test_the_same_input_gives_the_same_picture():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 20, (300, 3)).astype(np.float32)
    faces = rng.integers(0, 300, (500, 3)).astype(np.int32)
    a, b = (rasterise(points, faces, height=20, width=20) for _ in range(2))
    assert np.array_equal(a.triangle, b.triangle)
    assert np.array_equal(a.depth, b.depth)


@pytest.mark.parametrize(("points", "faces", "size"), [((4, 2), (1, 3), 4), ((4, 3), (3,), 4), ((4, 3), (1, 3), 0)])
def test_wrong_shapes_are_refused(points: tuple[int, ...], faces: tuple[int, ...], size: int):
    with pytest.raises(ValueError, match=r"expected points|must be at least 1"):
        rasterise(np.zeros(points, np.float32), np.zeros(faces, np.int32), height=size, width=4)
