"""Bars against the referee, where there is no ground truth: Avenue, the crowd, Ped2; and who is left on the plates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodydouble.evaluation.claims import FrameClaims, claims_of
from bodydouble.evaluation.matching import found, overlaps
from bodydouble.scene.plate_files import PlateReader
from perception.clips import Perceived
from perception.referee_looks import Looks, RefereeLook
from perception.table import Row

FOUND_OVERLAP = 0.3
_FOUND_LEAST = 0.95
_PLATE_MOST = 0.02
PED2_ENLARGED = 3
"""Ped2's people are about 29 px tall; the referee's smallest are 50 px and more after its own resizing."""
PED2_LEAST_HEIGHT_PX = 24.0
PED2_EVERY = 15
_PED2_LEAST = 0.90
_SURE = 0.5
_BORDER_PX = 3.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """Referee people of one clip; one row each."""

    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    confirmed: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    """Found at IoU 0.3 by a track of its own."""
    touched: NDArray[np.bool_]
    """Some track, or a mover without a detected person, covers it at IoU 0.1 at least."""
    num_frames: int
    """Frames looked at."""

    def share(self, chosen: NDArray[np.bool_]) -> float | None:
        return float(self.hit[chosen].mean()) if chosen.any() else None


def tally(looks: list[RefereeLook], people: list[FrameClaims], everything: list[FrameClaims], least_px: float) -> Tally:
    """Match the referee's people, if taller than ``least_px``, with the tracks of their frames."""
    parts: list[tuple[Any, ...]] = []
    for look in looks:
        tall = look.boxes_xyxy_px[:, 3] - look.boxes_xyxy_px[:, 1] > least_px
        # All of them take part in the matching, so that a track on a small neighbour is not counted for a tall one.
        hit = found(look.boxes_xyxy_px, people[look.frame_index].boxes_xyxy_px, FOUND_OVERLAP)
        near = overlaps(look.boxes_xyxy_px, everything[look.frame_index].boxes_xyxy_px).max(axis=1, initial=0.0) >= 0.1
        frame = np.full(int(tall.sum()), look.frame_index)
        parts.append((frame, look.boxes_xyxy_px[tall], look.scores[tall], look.confirmed[tall], hit[tall], near[tall]))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    frames, boxes, scores, confirmed, hit, touched = columns
    return Tally(
        frames=frames.astype(np.int64),
        boxes=boxes,
        scores=scores,
        confirmed=confirmed,
        hit=hit,
        touched=touched,
        num_frames=len(looks),
    )


def _missed(counted: Tally, size_px: tuple[int, int]) -> dict[str, Any]:
    """Who is missed, by what they look like."""
    boxes, lost = counted.boxes, ~counted.hit
    heights = boxes[:, 3] - boxes[:, 1]
    cut = (boxes[:, :2] < _BORDER_PX).any(axis=1) | (boxes[:, 2:] > np.array(size_px) - _BORDER_PX).any(axis=1)
    crowded = np.zeros(len(boxes), dtype=np.bool_)
    for frame in np.unique(counted.frames):
        rows = np.flatnonzero(counted.frames == frame)
        between = overlaps(boxes[rows], boxes[rows])
        np.fill_diagonal(between, 0.0)
        crowded[rows] = between.max(axis=1, initial=0.0) > 0.1
    kinds = {
        "under 40 px": heights < 40,
        "40 to 80 px": (heights >= 40) & (heights < 80),
        "80 to 160 px": (heights >= 80) & (heights < 160),
        "160 px and more": heights >= 160,
        "cut by the border": cut,
        "overlapping somebody": crowded,
        "alone and whole": ~crowded & ~cut,
        "referee's score under 0.5": counted.scores < _SURE,
        "not seen again by the referee": ~counted.confirmed,
        "touched by some track": counted.touched,
    }
    by_kind = {name: [int((lost & chosen).sum()), int(chosen.sum())] for name, chosen in kinds.items()}
    where = [
        (int(f), [round(float(v)) for v in b], round(float(s), 2))
        for f, b, s in zip(counted.frames[lost], boxes[lost], counted.scores[lost], strict=True)
    ]
    return {"missed_of_all_by_kind": by_kind, "missed": where}


def found_rows(seen: Perceived, looks: Looks, every: int) -> tuple[list[Row], dict[str, Any]]:
    """Share of the referee's people that perception found, and who is on the plates."""
    bundle, name = seen.bundle, seen.clip.name
    sampled = looks.of(seen.clip, num_frames=bundle.video.num_frames, every=every)
    counted = tally(sampled, claims_of(bundle, "people"), claims_of(bundle, "everything"), 0.0)
    everyone = np.ones(len(counted.hit), dtype=np.bool_)
    again = counted.confirmed & (counted.scores >= _SURE)
    how = f"{int(counted.hit.sum())} of {len(counted.hit)} at IoU 0.3 in {counted.num_frames} frames (every {every}th)"
    sure = f"{int(counted.hit[again].sum())} of {int(again.sum())} whom it scores 0.5 and sees again 3 frames on"
    size = (bundle.video.width_px, bundle.video.height_px)
    rows = [
        Row(clip=name, what="found of referee's people", value=counted.share(everyone), how=how, least=_FOUND_LEAST),
        Row(clip=name, what="found of those it is sure of", value=counted.share(again), how=sure),
    ]
    plate = PlateReader(seen.plate, bundle.camera, frame_size_px=size)
    on_plates = {frame: looks.at(plate.at(frame)[0]) for frame in plate.key_frames}
    per_plate = sum(len(hits) for hits in on_plates.values()) / len(on_plates)
    per_frame = len(counted.hit) / counted.num_frames
    share = per_plate / per_frame if per_frame else None
    how = f"{per_plate:.2f} a plate ({len(on_plates)} plates), {per_frame:.2f} a frame, score 0.3"
    rows.append(Row(clip=name, what="referee's people on plates", value=share, how=how, most=_PLATE_MOST))
    record = {
        "referee_people": len(counted.hit),
        "found": int(counted.hit.sum()),
        **_missed(counted, size),
        "on_plates": {str(frame): np.round(hits, 2).tolist() for frame, hits in on_plates.items()},
    }
    return rows, record


def ped2_rows(clips: list[Perceived], looks: Looks) -> tuple[list[Row], dict[str, Any]]:
    """Ped2 has no boxes: the referee on three times enlarged frames stands in for them."""
    hits, whole, counts = 0, [], 0
    rows: list[Row] = []
    record: dict[str, Any] = {}
    for seen in clips:
        bundle = seen.bundle
        sampled = looks.of(seen.clip, num_frames=bundle.video.num_frames, every=PED2_EVERY, enlarge=PED2_ENLARGED)
        counted = tally(sampled, claims_of(bundle, "people"), claims_of(bundle, "everything"), PED2_LEAST_HEIGHT_PX)
        hits, counts = hits + int(counted.hit.sum()), counts + len(counted.hit)
        whole += [bool(counted.hit[counted.frames == look.frame_index].all()) for look in sampled]
        everyone = np.ones(len(counted.hit), dtype=np.bool_)
        how = f"{int(counted.hit.sum())} of {len(counted.hit)} person-frames in {counted.num_frames} frames"
        rows.append(Row(clip=seen.clip.name, what="people found", value=counted.share(everyone), how=how))
        record[seen.clip.name] = _missed(counted, (bundle.video.width_px, bundle.video.height_px))
    how = (
        f"{hits} of {counts} person-frames, over 24 px by the referee on 3x enlarged frames + tiles (score 0.3), found at "
        f"IoU 0.3; every {PED2_EVERY}th frame of {len(clips)} clips"
    )
    pooled = hits / counts if counts else None
    rows.append(Row(clip="ped2", what="people found", value=pooled, how=how, least=_PED2_LEAST))
    share = float(np.mean(whole)) if whole else None
    how = f"{sum(whole)} of {len(whole)} frames in which every one of them is found"
    rows.append(Row(clip="ped2", what="frames without a miss", value=share, how=how))
    return rows, record
