"""Pictures of the page: which are wanted, and sheets of them as data URIs. No picture is kept beyond what is shown.

A sheet holds the same person (or the whole scene) in frames that follow one another, as a grid of cells in one image. The
page shows one cell after the other, of all results at the same time: synchronized by construction, and nothing to decode.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import Case
from bodydouble.scene import PersonTrack, SceneBundle

Picture = npt.NDArray[np.uint8]
Window = tuple[int, int, int, int]
"""Left, top, right, bottom in px of the frame; may reach beyond it."""

CELLS_PER_ROW: Final = 6
TRACK_FRAMES: Final = 36
"""A second and a half at 25 frames a second: enough to see flicker and gait."""
SCENE_FRAMES: Final = 12
_TRACK_CELL_HEIGHT_PX: Final = 192
_TRACK_CELL_WIDTHS_PX: Final = (72, 192)
_SCENE_CELL_WIDTH_PX: Final = 480
_CASE_HEIGHT_PX: Final = 200
_CASE_WIDTHS_PX: Final = (90, 320)
_MARGIN: Final = 0.25
"""Around a track's largest box, as a share of it."""
_CASE_MARGIN: Final = 0.6
_QUALITY: Final = 72
"""Of WebP."""


@dataclass(frozen=True, kw_only=True)
class StripPlan:
    """What a player shows: one stretch of one clip."""

    clip: str
    track_id: int | None
    """None for the whole frame."""
    why: str
    """Why this one, in words."""
    windows: Mapping[int, Window]
    """By frame, all of one size."""
    cell_px: tuple[int, int]
    """Width and height of a cell."""
    frames_per_second: float
    """Of playing; the scene is shown as single pictures."""


@dataclass(frozen=True, kw_only=True)
class CasePlan:
    """A picture of a worst case of one result."""

    label: str
    measure: str
    case: Case
    window: Window
    size_px: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A player with its sheets."""

    plan: StripPlan
    sheets: Mapping[str, str]
    """Data URI by label of the column."""


@dataclass(frozen=True, kw_only=True)
class CasePicture:
    """A worst case and what it looks like."""

    plan: CasePlan
    picture: str | None
    """Data URI; None where it is withheld."""


def plan_scene(clip: str, bundle: SceneBundle) -> StripPlan:
    """The whole frame at moments spread over the clip, each the one of its part with the most people."""
    video = bundle.video
    people = np.zeros(video.num_frames, np.int64)
    for track in bundle.tracks:
        people[track.frame_indices] += 1
    parts = np.array_split(np.arange(video.num_frames), min(SCENE_FRAMES, video.num_frames))
    frames = [int(part[np.argmax(people[part])]) for part in parts]
    width = min(_SCENE_CELL_WIDTH_PX, video.width_px)
    return StripPlan(
        clip=clip,
        track_id=None,
        why="whole frames, spread over the clip",
        windows=dict.fromkeys(frames, (0, 0, video.width_px, video.height_px)),
        cell_px=(width, max(1, round(width * video.height_px / video.width_px))),
        frames_per_second=2.0,
    )


def plan_track(clip: str, bundle: SceneBundle, track: PersonTrack, *, around_frame: int | None, why: str) -> StripPlan:
    """One person in consecutive frames.

    Args:
        clip: name of the clip.
        bundle: of the original.
        track: of that bundle.
        around_frame: frame in the middle; None takes the frame in which the person is largest.
        why: in words.
    """
    boxes = track.boxes_xyxy_px.astype(np.float64)
    if around_frame is None:
        middle = int(np.argmax(boxes[:, 3] - boxes[:, 1]))
    else:
        middle = int(np.argmin(np.abs(track.frame_indices - around_frame)))
    start = max(0, min(middle - TRACK_FRAMES // 2, len(track) - TRACK_FRAMES))
    steps = slice(start, min(start + TRACK_FRAMES, len(track)))
    shown = boxes[steps]
    size = (1 + _MARGIN) * np.maximum((shown[:, 2:] - shown[:, :2]).max(axis=0), 8.0)
    centres = _smoothed((shown[:, :2] + shown[:, 2:]) / 2)
    cell = _cell(size, _TRACK_CELL_HEIGHT_PX, _TRACK_CELL_WIDTHS_PX)
    windows = {
        int(frame): _window(centre, size, cell)
        for frame, centre in zip(track.frame_indices[steps].tolist(), centres, strict=True)
    }
    rate = min(max(float(bundle.video.average_rate), 1.0), 30.0)
    return StripPlan(
        clip=clip, track_id=track.track_id, why=why, windows=windows, cell_px=cell, frames_per_second=rate
    )  # fmt: skip


def plan_case(label: str, measure: str, case: Case, bundle: SceneBundle) -> CasePlan:
    """The surroundings of a case; the whole frame where it has no box."""
    if case.box_xyxy_px is None:
        video = bundle.video
        cell = _cell(np.array([video.width_px, video.height_px], np.float64), _CASE_HEIGHT_PX, _CASE_WIDTHS_PX)
        window = (0, 0, video.width_px, video.height_px)
        return CasePlan(label=label, measure=measure, case=case, window=window, size_px=cell)
    box = np.array(case.box_xyxy_px, np.float64)
    size = (1 + _CASE_MARGIN) * np.maximum(box[2:] - box[:2], 8.0)
    cell = _cell(size, _CASE_HEIGHT_PX, _CASE_WIDTHS_PX)
    window = _window((box[:2] + box[2:]) / 2, size, cell)
    return CasePlan(label=label, measure=measure, case=case, window=window, size_px=cell)


@dataclass(kw_only=True)
class Collector:
    """Takes frames of the columns of one clip, in any order, and keeps the cells that plans ask for."""

    strips: tuple[StripPlan, ...]
    cases: tuple[CasePlan, ...]
    _cells: dict[tuple[int, str], dict[int, Picture]] = field(default_factory=dict)
    _pictures: dict[int, Picture] = field(default_factory=dict)

    def wanted(self, label: str) -> frozenset[int]:
        """Frames that are needed of a column."""
        frames = {frame for plan in self.strips for frame in plan.windows}
        frames |= {plan.case.frame_index for plan in self.cases if plan.label == label}
        return frozenset(frames)

    def see(self, label: str, frame_index: int, rgb: Picture) -> None:
        """Cut what is needed out of a frame, (height, width, 3)."""
        for number, plan in enumerate(self.strips):
            if frame_index in plan.windows:
                cell = _cut(rgb, plan.windows[frame_index], plan.cell_px)
                self._cells.setdefault((number, label), {})[frame_index] = cell
        for number, case in enumerate(self.cases):
            if case.label == label and case.case.frame_index == frame_index:
                self._pictures[number] = _cut(rgb, case.window, case.size_px)

    def finish(self) -> tuple[tuple[Strip, ...], tuple[CasePicture, ...]]:
        """Sheets and pictures; a column of which a frame is missing has no sheet."""
        strips = []
        for number, plan in enumerate(self.strips):
            sheets = {
                label: webp_uri(_sheet([cells[frame] for frame in sorted(plan.windows)]))
                for (of, label), cells in self._cells.items()
                if of == number and cells.keys() == plan.windows.keys()
            }
            strips.append(Strip(plan=plan, sheets=sheets))
        cases = tuple(
            CasePicture(plan=plan, picture=webp_uri(self._pictures[number]) if number in self._pictures else None)
            for number, plan in enumerate(self.cases)
        )
        return tuple(strips), cases


def fit(
    strips: Iterable[Strip], cases: Iterable[CasePicture], limit_bytes: int
) -> tuple[list[Strip], list[CasePicture]]:
    """As many as fit, in the order given: pictures of cases first, then players."""
    kept_cases, kept_strips, used = [], [], 0
    for case in cases:
        used += len(case.picture or "")
        kept_cases.append(case if used <= limit_bytes else CasePicture(plan=case.plan, picture=None))
    for strip in strips:
        size = sum(map(len, strip.sheets.values()))
        if used + size <= limit_bytes:
            used += size
            kept_strips.append(strip)
    return kept_strips, kept_cases


def webp_uri(rgb: Picture) -> str:
    """A picture, (height, width, 3), as a data URI."""
    done, data = cv2.imencode(".webp", np.ascontiguousarray(rgb[:, :, ::-1]), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"a picture of {rgb.shape} cannot be encoded as WebP")
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"


def _sheet(cells: list[Picture]) -> Picture:
    height, width = cells[0].shape[:2]
    rows = -(-len(cells) // CELLS_PER_ROW)
    sheet = np.zeros((rows * height, CELLS_PER_ROW * width, 3), np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, CELLS_PER_ROW)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = cell
    return sheet


def _cell(size: npt.NDArray[np.float64], height_px: int, widths_px: tuple[int, int]) -> tuple[int, int]:
    width = round(height_px * float(size[0]) / max(float(size[1]), 1.0))
    return min(max(width, widths_px[0]), widths_px[1]), height_px


def _window(centre: npt.NDArray[np.float64], size: npt.NDArray[np.float64], cell: tuple[int, int]) -> Window:
    """Around a place, large enough for ``size`` and of the shape of the cell, so that nobody is stretched."""
    scale = max(float(size[0]) / cell[0], float(size[1]) / cell[1])
    width, height = max(1, round(scale * cell[0])), max(1, round(scale * cell[1]))
    left, top = round(float(centre[0]) - width / 2), round(float(centre[1]) - height / 2)
    return left, top, left + width, top + height


def _cut(rgb: Picture, window: Window, size_px: tuple[int, int]) -> Picture:
    """A window of a frame, its border repeated beyond, scaled to a size."""
    left, top, right, bottom = window
    height, width = rgb.shape[:2]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    crop = np.ascontiguousarray(rgb[rows[:, None], columns[None, :]])
    shrinks = size_px[0] < crop.shape[1]
    scaled = cv2.resize(crop, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, np.uint8)


def _smoothed(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over five frames: the window follows the person, not the jitter of the box, which is to be seen."""
    padded = np.pad(places, ((2, 2), (0, 0)), mode="edge")
    return np.stack([padded[i : i + 5].mean(axis=0) for i in range(len(places))])
