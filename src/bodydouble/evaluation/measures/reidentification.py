"""Re-identification: somebody knows people from the original and looks for them in the result.

Probes are crops of the original, the gallery crops of the result, at the same boxes. A person who came in several times is
looked for in their other visits; one who came once, in the other half of the visit, half a second left out between the
halves. So a frame is never compared with itself, and the same holds when the original is attacked for comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.attackers import Attacker, Lesson, TrainableAttacker
from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import CropKeeper, CropPairs
from bodydouble.evaluation.measures.identities import Identity, KnownPeople, identities
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.retrieval import Features, Ranked, rank, unit
from bodydouble.seeds import derive_seed

_APART_SECONDS: Final[float] = 0.5
_FOLDS: Final[int] = 2
"""More would leave too few people to be confused with."""
_KEY: Final[str] = "privacy.reid"
_ABSENT: Final[str] = "nobody was seen twice beside somebody else: nothing to find again"
_ABSENT_CLOTHES: Final[str] = "not applicable: no list of people tells who changed clothes"
_ABSENT_TRAINED: Final[str] = (
    "not enough people to learn from some and attack others: four, seen twice each, are needed"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sightings:
    """Who is on the crops of a clip, and in which visit or half of one; rows as those of the crops."""

    people: npt.NDArray[np.int64]
    """(n,): numbers of ``names``."""
    sightings: npt.NDArray[np.int64]
    """(n,): numbers of visits or halves."""
    outfits: npt.NDArray[np.int64]
    """(n,): numbers of outfits, -1 where it is not known."""
    names: tuple[str, ...]


def sightings_of(crops: CropPairs, who: Mapping[int, Identity], seconds: npt.NDArray[np.float64]) -> Sightings:
    """Cut what was seen of each person into sightings.

    Args:
        crops: their rows.
        who: identity by track id; -1 is nobody's, and so is the middle of a visit.
        seconds: (n,), when each crop was filmed.

    Returns:
        Rows as in ``crops``; -1 for people and sightings where a row is left out.
    """
    names = sorted({one.person for one in who.values()})
    visits = sorted({one.entrance for one in who.values()})
    worn = sorted({one.outfit for one in who.values() if one.outfit is not None})
    people, visit, outfits = (np.full(len(crops), -1, dtype=np.int64) for _ in range(3))
    for row, track_id in enumerate(crops.track_ids.tolist()):
        if track_id in who:
            one = who[track_id]
            people[row], visit[row] = names.index(one.person), visits.index(one.entrance)
            outfits[row] = -1 if one.outfit is None else worn.index(one.outfit)
    sightings = np.full(len(crops), -1, dtype=np.int64)
    for person in range(len(names)):
        rows = np.flatnonzero(people == person)
        if len(np.unique(visit[rows])) > 1:
            sightings[rows] = 2 * visit[rows]
        elif len(rows):
            middle = (seconds[rows].min() + seconds[rows].max()) / 2
            late, early = seconds[rows] >= middle + _APART_SECONDS / 2, seconds[rows] <= middle - _APART_SECONDS / 2
            sightings[rows[early]] = 2 * visit[rows[early]]
            sightings[rows[late]] = 2 * visit[rows[late]] + 1
    people[sightings < 0] = -1
    return Sightings(people=people, sightings=sightings, outfits=outfits, names=tuple(names))


class ReIdentification:
    """Several attackers on the same crops."""

    name: Final = "reidentification"

    def __init__(
        self,
        attackers: Sequence[Attacker],
        *,
        trainable: Sequence[TrainableAttacker] = (),
        known: Mapping[str, KnownPeople] | None = None,
    ) -> None:
        """Choose attackers.

        Args:
            attackers: that need no fitting.
            trainable: that learn from one half of the people and attack the other, and the other way round.
            known: by name of the clip, who came in more than once and who wears what.
        """
        self.attackers = tuple(attackers)
        self.trainable = tuple(trainable)
        self.known = dict(known or {})

    def start(self, clip: PairedClip) -> _Attack:
        """Begin with a clip."""
        return _Attack(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Rank-1 and mAP of each attacker by crops, rank-1 by whole sightings, and both where clothes changed."""
        found: list[Figure] = []
        people = f"{round(tally.counts.get('people', 0))} people seen twice"
        halves = f"{people}; learns from half of those of a clip, finds the others among one another"
        everybody = [(one.name, one.label, _ABSENT, people) for one in self.attackers]
        everybody += [(one.name, one.label, _ABSENT_TRAINED, halves) for one in self.trainable]
        for name, who, absent, note in everybody:
            for part, label, missing in (
                ("rank1", "rank-1", absent),
                ("map", "mAP", absent),
                ("track_rank1", "rank-1 by tracks", absent),
                ("clothes_rank1", "rank-1, other clothes", _ABSENT_CLOTHES),
                ("clothes_map", "mAP, other clothes", _ABSENT_CLOTHES),
            ):
                found.append(
                    share_figure(
                        tally,
                        f"{_KEY}.{name}.{part}",
                        label=f"re-identification, {who}: {label}",
                        group="privacy",
                        better="chance",
                        absent=missing,
                        note=note,
                    )
                )
        return tuple(found)


class _Attack:
    def __init__(self, measure: ReIdentification, clip: PairedClip) -> None:
        self._measure = measure
        self._clip = clip
        self._who = identities(clip, measure.known.get(clip.name))
        tracks = [track for track in clip.bundle.tracks if track.track_id in self._who]
        self._keeper = CropKeeper(tracks, clip.bundle.video.width_px, clip.bundle.video.height_px)

    def see(self, pair: FramePair) -> None:
        self._keeper.see(pair)

    def finish(self) -> Tally:
        crops = self._keeper.pairs()
        video = self._clip.bundle.video
        seconds = np.array([video.pts_seconds(frame) for frame in crops.frame_indices.tolist()], dtype=np.float64)
        seen = sightings_of(crops, self._who, seconds)
        shares = Shares(measure=self._measure.name)
        twice = [person for person in range(len(seen.names)) if _times(seen, person) >= 2]
        shares.count("people", len(twice))
        everybody = np.flatnonzero(seen.people >= 0)
        for attacker in self._measure.attackers:
            self._score(
                shares,
                attacker.name,
                attacker.label,
                (attacker.embed(crops.original[everybody]), attacker.embed(crops.result[everybody])),
                (crops, seen, everybody),
            )
        for learner in self._measure.trainable:
            self._attack_by_folds(shares, learner, crops, seen, twice)
        return shares.tally()

    def _attack_by_folds(
        self, shares: Shares, learner: TrainableAttacker, crops: CropPairs, seen: Sightings, twice: list[int]
    ) -> None:
        """Learn from the people of one fold, attack those of the other: nobody it attacks was in its lesson."""
        if len(twice) < 2 * _FOLDS:
            return
        seed = derive_seed(self._clip.seed, "evaluation", learner.name, self._clip.name)
        order = np.random.default_rng(seed).permutation(twice)
        for fold in range(_FOLDS):
            attacked = order[fold::_FOLDS]
            learnt = np.flatnonzero(np.isin(seen.people, np.setdiff1d(order, attacked)))
            lesson = Lesson(
                original=crops.original[learnt],
                result=crops.result[learnt],
                people=seen.people[learnt],
                sightings=seen.sightings[learnt],
            )
            taught = learner.fit(lesson, derive_seed(seed, fold))
            rows = np.flatnonzero(np.isin(seen.people, attacked))
            features = (taught.embed(crops.original[rows]), taught.embed(crops.result[rows]))
            self._score(shares, learner.name, learner.label, features, (crops, seen, rows))

    def _score(
        self,
        shares: Shares,
        name: str,
        label: str,
        features: tuple[Features, Features],
        shown: tuple[CropPairs, Sightings, npt.NDArray[np.int64]],
    ) -> None:
        """Rank for every probe among ``rows`` (the last of ``shown``); features have one row for each of them."""
        crops, seen, rows = shown
        if not len(rows):
            return
        probes, gallery = features
        people, sightings, outfits = seen.people[rows], seen.sightings[rows], seen.outfits[rows]
        key = f"{_KEY}.{name}"
        best: dict[int, tuple[float, int, int]] = {}
        for row in range(len(rows)):
            same = people == people[row]
            ranked = rank(probes[row], gallery, same, ~(same & (sightings == sightings[row])))
            person = seen.names[people[row]]
            if ranked is not None:
                _add(shares, f"{key}.rank1", f"{key}.map", person, ranked)
                leak = (ranked.average_precision, row, ranked.first)
                if ranked.is_first_right and leak > best.get(int(sightings[row]), (0.0, 0, 0)):
                    best[int(sightings[row])] = leak
            if outfits[row] >= 0:
                ranked = rank(probes[row], gallery, same, ~(same & ((outfits == outfits[row]) | (outfits < 0))))
                if ranked is not None:
                    _add(shares, f"{key}.clothes_rank1", f"{key}.clothes_map", person, ranked)
        self._score_tracks(shares, key, (probes, gallery), (people, sightings), seen.names)
        shares.cases += [
            Case(
                clip=self._clip.name,
                frame_index=int(crops.frame_indices[rows[first]]),
                track_id=int(crops.track_ids[rows[first]]),
                badness=precision,
                what=f"{label}: who is known from frame {crops.frame_indices[rows[probe]]} of the original (track "
                f"{crops.track_ids[rows[probe]]}) is found first here, average precision {precision:.2f}",
            )
            for precision, probe, first in best.values()
        ]

    @staticmethod
    def _score_tracks(
        shares: Shares,
        key: str,
        features: tuple[Features, Features],
        shown: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
        names: tuple[str, ...],
    ) -> None:
        """The same with one entry a sighting, the mean of its crops: many pictures know more than one."""
        people, sightings = shown
        ones, first = np.unique(sightings, return_index=True)
        owners = people[first]
        probes, gallery = (unit(np.stack([side[sightings == one].mean(axis=0) for one in ones])) for side in features)
        for row, owner in enumerate(owners.tolist()):
            same = owners == owner
            ranked = rank(probes[row], gallery, same, np.arange(len(ones)) != row)
            if ranked is not None:
                shares.add(f"{key}.track_rank1", names[owner], float(ranked.is_first_right), chance=ranked.chance_first)


def _times(seen: Sightings, person: int) -> int:
    return len(np.unique(seen.sightings[seen.people == person]))


def _add(shares: Shares, first_key: str, precision_key: str, person: str, ranked: Ranked) -> None:
    shares.add(first_key, person, float(ranked.is_first_right), chance=ranked.chance_first)
    shares.add(precision_key, person, ranked.average_precision, chance=ranked.chance_precision)
