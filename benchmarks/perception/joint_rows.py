"""Bar of the joints: agreement with MoveNet on the people of PETS09-S2L1."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodydouble.evaluation.claims import claims_of
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox, read_mot
from bodydouble.evaluation.matching import match, overlaps
from bodydouble.evaluation.movenet import MoveNet
from bodydouble.evaluation.pose_agreement import PoseAgreement, agreement, summarise
from bodydouble.scene import JOINT_NAMES
from bodydouble.video_io import open_source
from perception.clips import Beginning, Clip, Perceived
from perception.table import Row

LEAST_HEIGHT_PX = 60.0
_MATCH_OVERLAP = 0.5
_ALONE_OVERLAP = 0.05
_PCK_LEAST = 0.80
_SIDE_LEAST = 0.95

Reading = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(18, 2) joints and (18,) scores."""


def _corners(box: TruthBox) -> NDArray[np.float64]:
    return np.array([box.left_px, box.top_px, box.left_px + box.width_px, box.top_px + box.height_px])


def _tall(truth: GroundTruth, frame: int) -> list[TruthBox]:
    return [box for box in truth.at(frame) if box.counts and box.height_px > LEAST_HEIGHT_PX]


def movenet_readings(
    clip: Clip, truth: GroundTruth, frames: list[int], model: Path, folder: Path
) -> dict[tuple[int, int], tuple[Reading, Reading]]:
    """MoveNet's joints of each person of the ground truth by frame and id, plain and by way of the mirrored crop.

    Kept beside the bundles: they never change.

    Raises:
        MissingDependency: MoveNet's runtime is not installed.
        MissingWeights: the model is absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{clip.name}_movenet.json"
    known: dict[str, Any] = {}
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
    lacking = {f for f in frames for box in _tall(truth, f) if f"{f} {box.person_id}" not in known}
    if lacking:
        network, begin = MoveNet(model), perf_counter()
        with open_source(clip.path) as source:
            for frame in Beginning(source, max(lacking) + 1).frames(min(lacking)):
                for box in _tall(truth, frame.index) if frame.index in lacking else ():
                    both = [network.joints(frame.rgb, _corners(box), mirrored=m) for m in (False, True)]
                    known[f"{frame.index} {box.person_id}"] = [
                        np.round(np.c_[np.nan_to_num(xy, nan=-1.0), s], 3).tolist() for xy, s in both
                    ]
        path.write_text(json.dumps(known), encoding="utf-8")
        print(f"  MoveNet on {len(lacking)} frames in {perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    readings = {}
    for index in frames:
        for box in _tall(truth, index):
            plain, back = (np.array(rows) for rows in known[f"{index} {box.person_id}"])
            readings[index, box.person_id] = ((plain[:, :2], plain[:, 2]), (back[:, :2], back[:, 2]))
    return readings


def joint_rows(seen: Perceived, model: Path, folder: Path, every: int) -> tuple[list[Row], dict[str, Any]]:
    """Agreement of the bundle's joints with MoveNet's."""
    assert seen.clip.truth is not None
    truth, claims = read_mot(seen.clip.truth), claims_of(seen.bundle, "people")
    tracks = {track.track_id: track for track in seen.bundle.tracks}
    frames = list(range(0, seen.bundle.video.num_frames, every))
    readings = movenet_readings(seen.clip, truth, frames, model, folder)
    ours: list[PoseAgreement] = []
    alone: list[PoseAgreement] = []
    missed: list[PoseAgreement] = []
    itself: list[PoseAgreement] = []
    trusted: list[PoseAgreement] = []
    nowhere = np.full((len(JOINT_NAMES), 2), np.nan)
    for frame in frames:
        boxes = np.array([_corners(box) for box in truth.at(frame)]).reshape(-1, 4)
        claim = claims[frame]
        rows, columns = match(overlaps(boxes, claim.boxes_xyxy_px), _MATCH_OVERLAP)
        owner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        between = overlaps(boxes, boxes)
        np.fill_diagonal(between, 0.0)
        for row, box in enumerate(truth.at(frame)):
            if (frame, box.person_id) not in readings:
                continue
            (joints, scores), (back, _) = readings[frame, box.person_id]
            if (doubt := agreement(back, joints, scores)) is None:
                continue
            itself.append(doubt)
            if row not in owner:
                lost = agreement(nowhere, joints, scores)
                missed += [lost] if lost is not None else []
                continue
            step = int(claim.steps[owner[row]])
            track = tracks[int(claim.track_ids[owner[row]])]
            result = agreement(track.joints_xy_px[step].astype(np.float64), joints, scores)
            if result is not None:
                ours.append(result)
                trusted += [result] if doubt.same_side else []
                if between[row].max(initial=0.0) < _ALONE_OVERLAP:
                    alone.append(result)
    scores_all, scores_alone, scores_self = summarise(ours), summarise(alone), summarise(itself)
    with_missed, scores_trusted = summarise([*ours, *missed]), summarise(trusted)
    name, who = "pets joints", f"every {every}th frame, GT boxes over 60 px matched at IoU 0.5"
    people = f"{scores_all.joints} joints of {scores_all.people} people where MoveNet scores 0.5; {who}"
    sided = f"{scores_all.sided} people whose left and right MoveNet tells apart"
    swap = "both sides may be swapped; nose and limbs"
    rows_out = [
        Row(clip=name, what="PCK@0.2 torso", value=scores_all.pck, how=people, least=_PCK_LEAST),
        Row(clip=name, what="left/right agreement", value=scores_all.same_side, how=sided, least=_SIDE_LEAST),
        Row(clip=name, what="PCK, sides may be swapped", value=scores_all.pck_if_swapped, how=swap),
        Row(clip=name, what="left/right, pair by pair", value=scores_all.pairs_agree, how=f"{scores_all.pairs} pairs"),
        Row(
            clip=name,
            what="left/right where MoveNet is of one mind",
            value=scores_trusted.same_side,
            how=f"{scores_trusted.sided} people whom it sees the same way round in the mirrored crop",
        ),
        Row(clip=name, what="PCK, isolated people", value=scores_alone.pck, how=f"{scores_alone.people} people"),
        Row(
            clip=name,
            what="left/right, isolated people",
            value=scores_alone.same_side,
            how=f"{scores_alone.sided} people",
        ),
        Row(
            clip=name,
            what="PCK, missed people as wrong",
            value=with_missed.pck,
            how=f"{len(missed)} people without a track of their own",
        ),
        Row(
            clip=name,
            what="MoveNet against itself, PCK",
            value=scores_self.pck,
            how="plain against mirrored crop: how far the reference can be trusted",
        ),
        Row(
            clip=name,
            what="MoveNet against itself, left/right",
            value=scores_self.same_side,
            how=f"{scores_self.sided} people",
        ),
    ]
    record = {
        "all": asdict(scores_all),
        "isolated": asdict(scores_alone),
        "movenet_against_itself": asdict(scores_self),
        "missed_people": len(missed),
    }
    return rows_out, record
