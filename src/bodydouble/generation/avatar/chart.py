"""The chart of a head: the skin of its front and sides unrolled, so that it can be painted finer than the mesh.

Columns go around the vertical through the middle of the head, rows go down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.generation.avatar import kernels
from bodydouble.generation.avatar.features import Features, is_inside_mouth, lip_seam_m
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import Floats

CHART_ROWS: Final = 320
CHART_COLUMNS: Final = 416
"""About 0.7 mm a texel on a usual head: half a pixel of a head of 150 px."""
_HALF_TURN_RAD: Final = 2.0
"""How far around the chart goes to either side: past the ears."""
_TOP_M, _BOTTOM_M = 0.105, -0.135
"""Its upper and lower edge over the eyes, on a usual head."""
_AWAY: Final = 9.0
"""Row of vertices that are not on the chart, in shares of it."""
_HOLLOW_M: Final = 0.007
"""Width of the hollows that are in the shade: beside the nose, eye sockets, under the lip."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart:
    """What lies where on the chart; rows and columns first."""

    points: Floats
    """(R, C, 3): rest position; of the nearest skin where there is none."""
    is_eye: NDArray[np.bool_]
    """(R, C): where an eyeball lies open."""
    hollow_m: Floats
    """(R, C): how far the skin lies below what is around it; negative on ridges."""
    texel_m: float
    """Side of a texel in the middle of the face."""


def places(figure: Figure, face: Features) -> Floats:
    """(V, 2): column and row of every vertex in shares of the chart; below it for what is not on the head."""
    points = figure.points
    # What the gap between the lips shows of the mouth is as dark as the line between them.
    inside = is_inside_mouth(face, points, figure.normals)
    x = np.clip(points[:, 0], -0.8 * face.mouth_corner[0], 0.8 * face.mouth_corner[0])
    turn = np.arctan2(points[:, 0], face.centre[1] - points[:, 1])
    turn = np.where(inside, np.arctan2(x, face.centre[1] - face.between_lips[1]), turn)
    z = np.where(inside, lip_seam_m(face, np.abs(x)), points[:, 2])
    top = face.eyeball[2] + _TOP_M * face.size
    place = np.stack([
        0.5 + 0.5 * turn / _HALF_TURN_RAD, (top - z) / ((_TOP_M - _BOTTOM_M) * face.size),
    ], 1)  # fmt: skip
    # Downwards out of the chart: faces across the border go the shortest way, those at the back of the head stay outside.
    away = ~figure.within(Part.FACE, Part.HAIR, Part.NECK) | (np.abs(turn) > 1.3 * _HALF_TURN_RAD)
    place[away, 1] = _AWAY
    return place


def chart_of(figure: Figure, face: Features) -> Chart:
    """Unroll a head."""
    place = places(figure, face)
    size = np.array([CHART_COLUMNS, CHART_ROWS])
    faces = figure.faces_of(Part.FACE, Part.HAIR, Part.NECK)
    faces = faces[(place[faces, 1] < 0.5 * _AWAY).all(1)]
    away = np.hypot(figure.points[:, 0], figure.points[:, 1] - face.centre[1])
    # The outermost skin is painted: lids over eyeballs, lips over teeth.
    flat = np.concatenate([place * size, -away[:, None] * size[1]], 1).astype(np.float32)
    depth = np.full((CHART_ROWS, CHART_COLUMNS), np.inf, np.float32)
    triangle = np.full(depth.shape, -1, np.int32)
    whole = np.ones(len(flat), np.float32)
    kernels.fill(flat[None], faces, whole, flat[:, :2], 0, 0.0, depth, triangle)
    row, column = np.mgrid[:CHART_ROWS, :CHART_COLUMNS] + 0.5
    corners = faces[np.maximum(triangle, 0)]
    a, b, c = (flat[corners[..., k], :2].astype(float) for k in range(3))
    first, second, here = b - a, c - a, np.stack([column, row], -1) - a
    area = first[..., 0] * second[..., 1] - second[..., 0] * first[..., 1]
    area = np.where(np.abs(area) < 1e-9, 1, area)
    w1 = (here[..., 0] * second[..., 1] - second[..., 0] * here[..., 1]) / area
    w2 = (first[..., 0] * here[..., 1] - here[..., 0] * first[..., 1]) / area
    # Bounded: faces that are seen edge-on would take a texel far away.
    weights = np.clip(np.stack([1 - w1 - w2, w1, w2], -1), 0, 1)
    weights = weights / weights.sum(-1, keepdims=True)
    points = np.einsum("rck,rckd->rcd", weights, figure.points[corners])
    if (triangle < 0).any():
        points = points[_nearest(triangle >= 0)]
    radius = np.hypot(points[..., 0], points[..., 1] - face.centre[1])
    texel = (_TOP_M - _BOTTOM_M) * face.size / CHART_ROWS
    around = cv2.GaussianBlur(radius, (0, 0), _HOLLOW_M * face.size / texel)
    return Chart(
        points=points, is_eye=(triangle >= 0) & figure.eyeballs[corners].all(-1), hollow_m=around - radius, texel_m=texel
    )  # fmt: skip


def _nearest(is_there: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(R, C) each: row and column of the nearest place that is there."""
    _, labels = cv2.distanceTransformWithLabels(
        (~is_there).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(is_there)
    order = np.zeros(labels.max() + 1, np.int64)
    order[labels[rows, columns]] = np.arange(len(rows))
    nearest = order[labels]
    return rows[nearest], columns[nearest]
