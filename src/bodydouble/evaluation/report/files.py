"""``results.json``: all that was counted, so that reports of shards can be added and read again by programs.

Figures are written beside the counts for whoever reads the file; when it is read here, they are made anew from the counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bodydouble.errors import BundleError
from bodydouble.evaluation.measures.base import Case, Figure, Series, Tally
from bodydouble.evaluation.report.model import Column, Evaluation, LedgerSums, MeasuredClip
from bodydouble.scene.strict_files import write_bytes

FORMAT: Final = "bodydouble-evaluation"
SCHEMA_VERSION: Final = 1
RESULTS_FILE: Final = "results.json"

_Count = Annotated[int, Field(ge=0, lt=1 << 62)]
_Words = dict[str, list[str]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Case(_Strict):
    clip: str
    frame_index: _Count
    track_id: int | None
    badness: float | None
    what: str
    box_xyxy_px: Annotated[list[float], Field(min_length=4, max_length=4)] | None


class _Series(_Strict):
    clip: str
    key: str
    frame_indices: list[_Count]
    values: list[float | None]


class _Tally(_Strict):
    measure: str
    counts: dict[str, float | None]
    samples: dict[str, list[float | None]]
    cases: list[_Case]
    series: list[_Series]

    def tally(self) -> Tally:
        return Tally(
            measure=self.measure,
            counts={name: _number(value) for name, value in self.counts.items()},
            samples={name: tuple(map(_number, values)) for name, values in self.samples.items()},
            cases=tuple(
                Case(
                    clip=case.clip,
                    frame_index=case.frame_index,
                    track_id=case.track_id,
                    badness=_number(case.badness),
                    what=case.what,
                    box_xyxy_px=(box[0], box[1], box[2], box[3]) if (box := case.box_xyxy_px) else None,
                )
                for case in self.cases
            ),
            series=tuple(
                Series(
                    clip=one.clip,
                    key=one.key,
                    frame_indices=tuple(one.frame_indices),
                    values=tuple(map(_number, one.values)),
                )
                for one in self.series
            ),
        )


class _Ledger(_Strict):
    people: dict[str, _Count]
    frames: dict[str, _Count]
    reasons: dict[str, _Count]


class _Column(_Strict):
    label: Annotated[str, Field(min_length=1)]
    tallies: dict[str, _Tally]
    missing: _Words
    method: _Words
    ledger: _Ledger | None
    figures: list[dict[str, Any]]


class _Clip(_Strict):
    name: str
    num_frames: _Count
    width_px: _Count
    height_px: _Count
    num_tracks: _Count
    truth_boxes: _Count | None
    scene_from: str
    is_cut: bool


class _Evaluation(_Strict):
    format: Literal["bodydouble-evaluation"]
    schema_version: Literal[1]
    version: str
    seed: int
    measures: list[str]
    verdict: list[str]
    limits: list[str]
    clips: list[_Clip]
    columns: Annotated[list[_Column], Field(min_length=1)]


def to_json(
    evaluation: Evaluation,
    figures: Mapping[str, Sequence[Figure]],
    *,
    verdict: Sequence[str] = (),
    limits: Sequence[str] = (),
) -> str:
    """Text of ``results.json``.

    Args:
        evaluation: what was counted.
        figures: by label of the column.
        verdict: what the figures say, in sentences.
        limits: what they do not say.
    """
    data = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "version": evaluation.version,
        "seed": evaluation.seed,
        "measures": evaluation.measures,
        "verdict": list(verdict),
        "limits": list(limits),
        "clips": [asdict(clip) for clip in evaluation.clips],
        "columns": [
            {**asdict(column), "figures": [asdict(figure) for figure in figures.get(column.label, ())]}
            for column in evaluation.columns
        ],
    }
    return json.dumps(_finite(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_evaluation(path: Path) -> Evaluation:
    """Read the ``results.json`` of a report.

    Args:
        path: the file, or the folder of the report.

    Raises:
        BundleError: it is missing, malformed or of another version.
    """
    path = path / RESULTS_FILE if path.is_dir() else path
    try:
        model = _Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BundleError(f"no report can be read there ({error.strerror or error}): {path}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"this is no {RESULTS_FILE} of this version ({place}: {first['msg']}): {path}") from error
    return Evaluation(
        version=model.version,
        seed=model.seed,
        measures=tuple(model.measures),
        clips=tuple(MeasuredClip(**clip.model_dump()) for clip in model.clips),
        columns=tuple(
            Column(
                label=column.label,
                tallies={name: tally.tally() for name, tally in column.tallies.items()},
                missing={name: tuple(values) for name, values in column.missing.items()},
                method={name: tuple(values) for name, values in column.method.items()},
                ledger=LedgerSums(**column.ledger.model_dump()) if column.ledger is not None else None,
            )
            for column in model.columns
        ),
    )


def write_tally(tally: Tally, path: Path) -> None:
    """Keep what one measure counted on one clip, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    text = json.dumps(_finite(asdict(tally)), ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def read_tally(path: Path) -> Tally:
    """Read what `write_tally` wrote.

    Raises:
        BundleError: it is missing or malformed.
    """
    try:
        return _Tally.model_validate_json(path.read_bytes()).tally()
    except (OSError, ValidationError) as error:
        raise BundleError(
            f"what was counted earlier cannot be read; remove the file, or start anew by --overwrite: {path}"
        ) from error


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):  # a NumPy scalar that a measure has handed on
        return _finite(value.item())
    return value
