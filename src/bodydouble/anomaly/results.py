"""Scores as a file, so that a table can be made again, or under another protocol, without scoring again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import Scores, VideoTerms, combined
from bodydouble.errors import BodyDoubleError, InputError
from bodydouble.scene.strict_files import write_bytes

FORMAT = 1
"""Of the file."""


def write_scores(path: Path, scores: Scores) -> None:
    """Write the error terms of each video and the protocol; numbers come back to the last bit.

    Raises:
        OutputError: the file system refuses.
    """
    content = {
        "format": FORMAT,
        "detector": scores.detector,
        "protocol": asdict(scores.protocol),
        "micro_auc": scores.micro_auc,
        "macro_auc": scores.macro_auc,
        "videos": {
            name: {
                "first": video.first,
                "labels": video.labels.astype(int).tolist(),
                "frame": video.frame.tolist(),
                "patch": video.patch.tolist(),
                "feature": None if video.feature is None else video.feature.tolist(),
            }
            for name, video in scores.terms.items()
        },
    }
    write_bytes(path, json.dumps(content).encode())


def read_scores(path: Path) -> Scores:
    """Read what `write_scores` wrote, and make the scores anew from their terms.

    Raises:
        InputError: the file is none of these, or its parts do not fit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"holds scores of another version; score anew: {path}")
        terms = {name: _terms(video) for name, video in content["videos"].items()}
        return combined(content["detector"], terms, Protocol(**content["protocol"]))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"holds no scores of a detector ({error}): {path}") from error
    except BodyDoubleError as error:
        raise InputError(f"{error}: {path}") from error


def _terms(video: dict[str, Any]) -> VideoTerms:
    feature = video["feature"]
    return VideoTerms(
        first=int(video["first"]),
        labels=np.asarray(video["labels"], np.bool_),
        frame=np.asarray(video["frame"], np.float64),
        patch=np.asarray(video["patch"], np.float64),
        feature=None if feature is None else np.asarray(feature, np.float64),
    )
