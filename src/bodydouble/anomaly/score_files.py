"""Scores as files: one CSV per video, one JSON with the figures and how they were made."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bodydouble.anomaly.scores import Scores, VideoScores, VideoTerms
from bodydouble.errors import OutputError
from bodydouble.scene.strict_files import replacing

SUMMARY = "scores.json"
COLUMNS = ("frame", "label", "score", "frame_error", "patch_error", "feature_distance")


def check_place(folder: Path, *, overwrite: bool) -> None:
    """See that a folder of scores may be written, before anything is computed.

    Raises:
        OutputError: it is there already, holds something else, or its parent is missing.
    """
    if not folder.absolute().parent.is_dir():
        raise OutputError(f"the folder of the output does not exist; create it first: {folder.absolute().parent}")
    if not folder.exists():
        return
    if not overwrite:
        raise OutputError(f"exists already; replace it by --overwrite, or choose another name: {folder}")
    if not (folder / SUMMARY).is_file():
        raise OutputError(f"holds no {SUMMARY}, so it is not replaced; choose another name: {folder}")


def write_scores(scores: Scores, folder: Path, *, remarks: Sequence[str] = (), overwrite: bool = False) -> None:
    """Write scores; the folder appears whole or not at all.

    Args:
        scores: what was found.
        folder: to be made.
        remarks: what a reader of the figures has to know about the data set.
        overwrite: replace an older one.

    Raises:
        OutputError: see `check_place`, or the file system refuses.
    """
    check_place(folder, overwrite=overwrite)
    summary = {
        "format": "bodydouble-anomaly-scores 1",
        "detector": scores.detector,
        "micro_auc": scores.micro_auc,
        "macro_auc": scores.macro_auc,
        "protocol": asdict(scores.protocol),
        "protocol_in_words": scores.protocol.described(),
        "videos": {
            name: {
                "auc": v.auc,
                "first_scored_frame": v.first,
                "frames": len(v.labels),
                "abnormal": int(v.labels.sum()),
            }
            for name, v in scores.videos.items()
        },
        "without_own_auc": list(scores.without_auc),
        "remarks": list(remarks),
    }
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name, video in scores.videos.items():
            (temporary / f"{file_name(name)}.csv").write_text(_rows(video, scores.terms[name]), encoding="utf-8")
        (temporary / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def file_name(video: str) -> str:
    """A video's name as part of a file name."""
    return re.sub(r"[^\w.-]", "_", video)


def _rows(video: VideoScores, terms: VideoTerms) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, score in enumerate(video.scores):
        feature = "" if terms.feature is None else f"{terms.feature[index]:.9g}"
        errors = (f"{terms.frame[index]:.9g}", f"{terms.patch[index]:.9g}", feature)
        writer.writerow([video.first + index, int(video.labels[index]), f"{score:.9g}", *errors])
    return text.getvalue()
