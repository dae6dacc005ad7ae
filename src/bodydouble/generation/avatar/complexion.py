"""The face of large heads: a chart of the skin, painted from the place of every texel on the head.

Every texel is a mixture of skin, blood, shade, hair and eyes, whose shares are densities over the face; see
`bodydouble.generation.avatar.features`. Pictures of people are not used.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar import surfaces
from bodydouble.generation.avatar.chart import Chart
from bodydouble.generation.avatar.features import (
    Features,
    brow_density,
    lip_borders_m,
    lip_density,
    lip_seam_m,
    root_density,
    whisker_density,
)
from bodydouble.generation.avatar.head import (
    BLUSH_TINT,
    LIP_TINT,
    ROOT_SHARE,
    ROOT_SOFT_M,
    STUBBLE_TINT,
    WHISKER_SOFT_M,
    Complexion,
)
from bodydouble.generation.avatar.skeleton import Floats

_SCLERA: Final = np.array([0.41, 0.385, 0.37])
_IRIS_M, _PUPIL_M = 0.0060, 0.0024
_LASH: Final = 0.14
"""Lid line and nostrils over the colour of skin."""
_SHADE_PER_M: Final = 75.0
"""How fast hollows of the skin grow dark."""
_EDGE_M: Final = 0.0012
"""Softness of brows and lips."""
_VEIN_TINT: Final = np.array([0.86, 0.80, 0.86])
"""Thin skin under the eyes."""


def paint_chart(chart: Chart, face: Features, paint: Complexion) -> NDArray[np.float32]:
    """(R, C, 3) linear colours of the skin of a head."""
    canvas = _Canvas(chart, face, paint)
    canvas.mottle()
    canvas.age()
    canvas.stubble()
    canvas.lids()
    canvas.lips()
    canvas.nostrils()
    canvas.hair()
    canvas.eyes()
    return np.clip(canvas.colour, 0.002, 1).astype(np.float32)


def _ramp(value: Floats, width: float) -> Floats:
    """From 0 at 0 to 1 at ``width``."""
    return np.asarray(np.clip(value / width, 0, 1))


def _over(place: Floats, up_m: float, out_m: float = 0.0) -> Floats:
    """(3,): a place above another and further from the middle of the face."""
    return np.asarray(place + np.array([out_m, 0.0, up_m]))


class _Canvas:
    """A chart being painted."""

    def __init__(self, chart: Chart, face: Features, paint: Complexion) -> None:
        self.chart, self.face, self.paint = chart, face, paint
        self.x, self.z = np.abs(chart.points[..., 0]), chart.points[..., 2]
        self.turn = face.turn_rad(chart.points)
        self.colour = np.tile(paint.skin, (*self.x.shape, 1))
        self.noises = 0

    def speckle(self, across_m: float, down_m: float | None = None) -> Floats:
        """(R, C): noise of about unit spread, with features of a size; always another one."""
        self.noises += 1
        size = self.face.size
        per_m = 1 / (np.array([across_m, across_m, across_m if down_m is None else down_m]) * size)
        out = np.empty(self.x.size)
        surfaces.speckle(self.chart.points.reshape(-1, 3), per_m, self.paint.seed + self.noises, out)
        return 2 * out.reshape(self.x.shape)

    def blend(self, share: Floats, goal: Floats) -> None:
        """Cover the colour; ``share`` (R, C), ``goal`` (3,) or (R, C, 3)."""
        amount = np.clip(share, 0, 1)[..., None]
        self.colour += amount * (goal - self.colour)

    def dim(self, share: Floats) -> None:
        """Take light away, from red least, as skin does; ``share`` (R, C)."""
        self.colour *= np.clip(1 - share[..., None] * [0.92, 1.0, 1.03], 0.05, 1.5)

    def spot(self, middle: Floats, wide_m: float, high_m: float) -> Floats:
        """(R, C): a soft spot on both sides of the face."""
        across = (self.x - middle[0]) / (wide_m * self.face.size)
        up = (self.z - middle[2]) / (high_m * self.face.size)
        return np.asarray(np.where(self.turn < 1.9, np.exp(-(across**2) - up**2), 0))

    def mottle(self) -> None:
        """Blood, pores, freckles, and shade in the hollows."""
        face, paint, size = self.face, self.paint, self.face.size
        spots = 0.035 * self.speckle(0.022) + 0.022 * self.speckle(0.0055) + 0.014 * self.speckle(0.0017)
        self.colour *= 1 + spots[..., None]
        cheek = np.array([face.outer_lid[0] - 0.004 * size, 0, face.nose[2] - 0.006 * size])
        red = 0.85 * self.spot(cheek, 0.020, 0.022) + 0.8 * self.spot(face.nose, 0.013, 0.011)
        red = red + 0.6 * np.clip((self.turn - 1.66) / 0.1, 0, 1) * self.spot(face.ear, 0.03, 0.035)
        red = red + 0.35 * self.spot(face.chin, 0.014, 0.010)
        self.colour *= (
            1 + (BLUSH_TINT - 1) * np.clip(paint.blush * red * (1 + 0.3 * self.speckle(0.006)), 0, 1.6)[..., None]
        )
        dots = np.clip(self.speckle(0.0024) - 0.7 + 0.3 * self.speckle(0.02), 0, 1) * _ramp(
            self.z - face.mouth_corner[2], 0.02 * size
        )
        dots *= _ramp(face.eyeball[2] + 0.01 * size - self.z, 0.01 * size)
        self.dim(paint.freckles * 0.5 * dots * np.exp(-((self.turn / 0.8) ** 2)))
        # Towards the crown the skin goes away from where it is seen from, which is no hollow.
        below = np.clip((face.eyeball[2] + 0.07 * size - self.z) / (0.03 * size), 0, 1)
        self.dim(below * np.clip(self.chart.hollow_m * _SHADE_PER_M / size, -0.10, 0.42))
        under = np.clip((face.chin[2] - 0.004 * size - self.z) / (0.03 * size), 0, 1)
        self.dim(0.24 * under)

    def age(self) -> None:
        """Lines beside the mouth, at the eyes and on the forehead; a trace of them is on every grown face."""
        face, size, lines = self.face, self.face.size, self.paint.lines
        down = np.clip((face.nose_wing[2] - self.z) / (face.nose_wing[2] - face.mouth_corner[2]), -0.2, 1.4)
        start, end = face.nose_wing[0] + 0.003 * size, face.mouth_corner[0] + 0.007 * size
        fold = start + (end - start) * down
        there = np.clip((down + 0.05) / 0.2, 0, 1) * np.clip((1.35 - down) / 0.4, 0, 1) * (self.turn < 1.2)
        self.dim((0.05 + 0.20 * lines) * there * np.exp(-(((self.x - fold) / (0.0022 * size)) ** 2)))
        if lines <= 0:
            return
        row = (self.z - face.eyeball[2]) / size + 0.0015 * self.speckle(0.02)
        brow = np.exp(-((self.turn / 0.55) ** 4)) * _ramp(row - 0.030, 0.006) * _ramp(0.062 - row, 0.006)
        self.dim(0.13 * lines * brow * np.clip(np.cos(2 * np.pi * row / 0.0085), 0, 1) ** 3)
        beyond = (self.x - face.outer_lid[0]) / size
        corner = _ramp(beyond, 0.004) * np.exp(-((beyond / 0.013) ** 2))
        fan = (self.z - face.outer_lid[2]) / size / np.maximum(beyond + 0.006, 0.002)
        self.dim(0.16 * lines * corner * np.clip(np.cos(6.5 * fan), 0, 1) ** 3 * np.exp(-((fan / 0.9) ** 4)))
        bag = self.spot(_over((face.inner_lid + face.outer_lid) / 2, -0.013 * size), 0.012, 0.0022)
        self.dim(0.13 * lines * bag)

    def stubble(self) -> None:
        """The shadow of a shaved beard."""
        if self.paint.stubble <= 0:
            return
        density = whisker_density(self.face, self.chart.points, "beard", 0.012)
        dots = 0.85 + 0.3 * self.speckle(0.0016)
        self.blend(0.8 * self.paint.stubble * density * dots, self.colour * STUBBLE_TINT)

    def lids(self) -> None:
        """Sockets, creases, lid lines and lashes around the open eyes."""
        face, paint, size = self.face, self.paint, self.face.size
        eye = (face.inner_lid + face.outer_lid) / 2
        self.dim(0.20 * self.spot(_over(eye, 0.006 * size), 0.019, 0.010))
        self.dim(0.12 * self.spot(_over(face.inner_lid, 0.004 * size, -0.004 * size), 0.006, 0.009))
        self.blend(0.32 * self.spot(_over(eye, -0.010 * size, -0.002 * size), 0.013, 0.0045), self.colour * _VEIN_TINT)
        distance = (
            cv2.distanceTransform((~self.chart.is_eye).astype(np.uint8), cv2.DIST_L2, 5) * self.chart.texel_m / size
        )
        near = distance < 0.03
        along = np.clip((self.x - face.inner_lid[0]) / (face.outer_lid[0] - face.inner_lid[0]), -0.3, 1.3)
        middle = face.inner_lid[2] + (face.outer_lid[2] - face.inner_lid[2]) * along
        upper = np.clip(0.5 + (self.z - middle) / (0.002 * size), 0, 1)
        # Lashes are longest towards the outer corner, where they go a little past it.
        width = 0.0024 * paint.lashes * (0.65 + 0.5 * np.clip(along, 0, 1.1)) * np.clip((1.28 - along) / 0.12, 0, 1)
        line = np.where(near, np.clip((width - distance) / 0.0009 + 0.5, 0, 1), 0)
        self.blend(0.95 * upper * line, paint.skin * _LASH * 0.45)
        lower = np.where(near, np.clip((0.0010 - distance) / 0.0009 + 0.5, 0, 1), 0)
        self.blend((1 - upper) * lower * 0.42, paint.skin * [0.42, 0.26, 0.22])
        crease = np.exp(-(((distance - 0.0055) / 0.0011) ** 2)) * upper * _ramp(along, 0.15) * _ramp(1.2 - along, 0.2)
        self.dim(0.36 * np.where(near, crease, 0))

    def eyes(self) -> None:
        """Eyeballs: white in the shade of the lid, iris, pupil and the lamp in it."""
        face, size, open_ = self.face, self.face.size, self.chart.is_eye
        inside = cv2.distanceTransform(open_.astype(np.uint8), cv2.DIST_L2, 5) * self.chart.texel_m / size
        side, up = (self.x - face.eyeball[0]) / size, (self.z - face.eyeball[2]) / size + 0.0004
        # Lids shade the ball from above; corners are red and darker.
        shade = np.clip(0.52 + inside / 0.0045, 0, 1) * np.interp(up, (-0.006, 0.001, 0.005), (1.0, 0.95, 0.55))
        colour = _SCLERA * shade[..., None] * np.where(np.abs(side)[..., None] > 0.009, [1.0, 0.86, 0.84], 1.0)
        radius = np.hypot(side, up)
        ray = 1 + 0.22 * np.sin(23 * np.arctan2(up, side) + 3 * self.speckle(0.004))
        ring = np.interp(radius, (_PUPIL_M, 0.6 * _IRIS_M, 0.82 * _IRIS_M, _IRIS_M), (0.8, 1.25, 0.95, 0.4))
        iris = self.paint.iris * (ring * ray * (0.45 + 0.55 * shade))[..., None]
        texel = self.chart.texel_m / size

        def disc(limit_m: float, away: Floats = radius) -> Floats:
            return np.asarray(np.clip((limit_m - away) / texel + 0.5, 0, 1)[..., None])

        colour = colour + disc(_IRIS_M) * (iris - colour)
        colour = colour + disc(_PUPIL_M) * (0.004 - colour)
        signed = self.chart.points[..., 0] - np.sign(self.chart.points[..., 0]) * face.eyeball[0]
        glint = np.hypot(signed / size + 0.0014, up - 0.0019)
        colour = colour + 0.8 * disc(0.0009, glint) * (0.6 - colour)
        edge = np.clip(inside / 0.0008, 0, 1)[..., None]
        lash = self.paint.skin * _LASH
        self.colour = np.where(open_[..., None], lash + edge * (colour - lash), self.colour)

    def lips(self) -> None:
        """Red of the lips, the dark line between them, and the shade under them."""
        face, size = self.face, self.face.size
        _, lower = lip_borders_m(face, self.x)
        seam = lip_seam_m(face, self.x)
        red = lip_density(face, self.chart.points, _EDGE_M * size)
        creases = 1 + 0.05 * self.speckle(0.0016, 0.02)
        part = np.where(self.z > seam, 0.80, 1.0)[..., None]
        goal = self.paint.skin * LIP_TINT * part * creases[..., None]
        self.blend(0.85 * self.paint.lip * red, goal)
        shine = np.exp(-(((self.z - 0.5 * (seam + lower)) / (0.0022 * size)) ** 2) - (self.x / (0.011 * size)) ** 2)
        self.dim(-0.12 * shine * red)
        across = np.clip(self.x / face.mouth_corner[0], 0, 1.2)
        end = np.clip((1.06 - across) / 0.1, 0, 1) * (self.turn < 1.0)
        # Wider below: the rim of the lower lip lies in the shade of the upper one.
        away = self.z - seam
        line = np.exp(-((away / (np.where(away > 0, 0.0011, 0.0017) * size * (1.1 - 0.35 * across))) ** 2))
        self.blend(0.88 * line * end, self.paint.skin * [0.16, 0.07, 0.06])
        self.dim(0.22 * self.spot(face.mouth_corner, 0.0035, 0.0035))
        self.dim(0.16 * self.spot(np.array([0, 0, face.lower_lip[2] - 0.004 * size]), 0.014, 0.0038))

    def nostrils(self) -> None:
        """Nostrils, wings of the nose and the furrow under it."""
        face, size = self.face, self.face.size
        hole = self.spot(_over(face.nostril, -0.0002 * size, 0.0005 * size), 0.0042, 0.0026)
        self.blend(0.85 * hole, self.paint.skin * [0.12, 0.06, 0.05])
        self.dim(0.20 * self.spot(_over(face.nose_wing, 0.002 * size, 0.0012 * size), 0.0020, 0.007))
        furrow = _ramp(face.under_nose[2] - self.z, 0.002 * size) * _ramp(self.z - face.upper_lip[2], 0.002 * size)
        self.dim(0.12 * furrow * np.exp(-((self.x / (0.0028 * size)) ** 2)))

    def hair(self) -> None:
        """Brows, whiskers, and the roots of the hair at the hairline, all in strands."""
        face, paint, size = self.face, self.paint, self.face.size
        strands = self.speckle(0.0014, 0.0022)
        brow = brow_density(face, self.chart.points, paint.brows, 0.0020 * size)
        # Strands of the brow lie across, and thin out where it is thin.
        self.blend(paint.brow_share * brow * (1.0 + 0.16 * strands), paint.brow * 0.9 + paint.skin * 0.04)
        if paint.facial_hair != "none":
            self._whiskers()
        if paint.has_roots:
            roots = root_density(face, self.chart.points, paint.recess_m, ROOT_SOFT_M)
            rough = roots + 1.1 * roots * (1 - roots) * self.speckle(0.0016, 0.012)
            self.blend(ROOT_SHARE * rough, 0.8 * paint.hair)

    def _whiskers(self) -> None:
        face, paint = self.face, self.paint
        density = whisker_density(face, self.chart.points, paint.facial_hair, WHISKER_SOFT_M)
        locks, strands = self.speckle(0.0050, 0.013), self.speckle(0.0015, 0.009)
        rough = density + (0.55 * strands + 0.45 * locks) * 1.1 * density * (1 - density)
        tone = np.clip(1 + 0.22 * strands + 0.24 * locks, 0.4, 1.7)[..., None]
        # Skin shows between strands; grey comes in single hairs.
        self.blend(
            np.clip(rough, 0, 1) * (0.93 + 0.07 * strands), paint.hair * tone * [1.06, 1.0, 0.97] + 0.03 * paint.skin
        )
