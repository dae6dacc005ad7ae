"""Who is who: tracks of the bundle, entrances of the ground truth, and people who came in more than once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bodydouble.errors import InputError
from bodydouble.evaluation.claims import claims_of, is_person
from bodydouble.evaluation.ground_truth import TruthBox
from bodydouble.evaluation.matching import match, overlaps
from bodydouble.evaluation.measures.base import PairedClip

SAME_PERSON_OVERLAP: Final[float] = 0.5
"""Intersection over union from which a track's box is the ground truth's (MOTChallenge)."""
_MAJORITY: Final[float] = 0.5
"""Share of its matched frames that must belong to one id; other tracks hop between people and are nobody's."""


@dataclass(frozen=True, kw_only=True)
class KnownPeople:
    """What somebody who looked at a clip knows about its people.

    Ids are those of the ground truth where the clip has one, else those of the bundle's tracks.
    """

    person_of: Mapping[int, str] = field(default_factory=dict)
    """Name of the person behind an id; ids that are not named are people of their own."""
    outfit_of: Mapping[int, str] = field(default_factory=dict)
    """What the person wears under this id; needed for the clothes-changing setting only."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Of one track."""

    person: str
    entrance: str
    """One visit of the person: tracks of one entrance are one sighting that was broken."""
    outfit: str | None


def read_people(path: Path) -> KnownPeople:
    """Read a merge file: JSON with ``groups`` (name of a person: list of ids) and, if known, ``outfits`` (id: name).

    Raises:
        InputError: it cannot be read, or an id belongs to two people.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        pairs = [(int(one), str(name)) for name, ids in content["groups"].items() for one in ids]
        outfits = {int(one): str(name) for one, name in content.get("outfits", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the list of people cannot be read ({type(error).__name__}: {error}); it is JSON like "
            f'{{"groups": {{"A": [1, 19]}}}}: {path}'
        ) from error
    if len({one for one, _ in pairs}) != len(pairs):
        raise InputError(f"an id belongs to two people in the list of people: {path}")
    return KnownPeople(person_of=dict(pairs), outfit_of=outfits)


def truth_ids(clip: PairedClip) -> dict[int, int]:
    """Ground-truth id of each track of the bundle that has one; empty without a ground truth."""
    if clip.truth is None:
        return {}
    votes: dict[int, Counter[int]] = {}
    for frame, claims in enumerate(claims_of(clip.bundle, "people")):
        boxes = clip.truth.at(frame)
        if not boxes:
            continue
        there = np.array([xyxy(box) for box in boxes], dtype=np.float64)
        for row, column in zip(*match(overlaps(claims.boxes_xyxy_px, there), SAME_PERSON_OVERLAP), strict=True):
            votes.setdefault(int(claims.track_ids[row]), Counter())[boxes[column].person_id] += 1
    found = {}
    for track_id, counter in votes.items():
        person_id, hits = counter.most_common(1)[0]
        if hits > _MAJORITY * counter.total():
            found[track_id] = person_id
    return found


def identities(clip: PairedClip, known: KnownPeople | None = None) -> dict[int, Identity]:
    """Identity of each track that is a person's, by track id.

    With a ground truth, tracks that follow nobody of it are left out; without one each track is a person.
    """
    known = known or KnownPeople()
    if clip.truth is not None:
        ids = truth_ids(clip)
    else:
        ids = {track.track_id: track.track_id for track in clip.bundle.tracks if is_person(track)}
    return {
        track_id: Identity(
            person=f"{clip.name}:{known.person_of.get(one, str(one))}",
            entrance=f"{clip.name}:{one}",
            outfit=known.outfit_of.get(one),
        )
        for track_id, one in sorted(ids.items())
    }


def xyxy(box: TruthBox) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a ground-truth box, px."""
    return (box.left_px, box.top_px, box.left_px + box.width_px, box.top_px + box.height_px)
