"""An attacker who learns: fitted on this very method's results beside originals of other people.

What a determined attacker gets who can run the method on footage of volunteers. A small convolutional network (ours),
beside, where there are any, the features of attackers that need no fitting, as they are: linear maps of those were tried,
but with a handful of people they only learnt these by heart, and found fewer of the others than without. Contrastive
loss between the original of one sighting and the result of another of the same person (van den Oord et al. 2018,
"Representation Learning with Contrastive Predictive Coding", eq. 4; both ways as in Radford et al. 2021). Sightings lie
apart in time, so a shared background does not tell who it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bodydouble.evaluation.measures.attackers import Attacker, Lesson
from bodydouble.evaluation.measures.crops import Crops
from bodydouble.evaluation.measures.retrieval import Features, unit

_PEOPLE_PER_STEP: Final[int] = 24
_TEMPERATURE: Final[float] = 0.1
_SHIFT_PX: Final[int] = 3
_STRIPES: Final[int] = 4


class _Eye(nn.Module):
    """Convolutions on 64x32 px, four stripes, beside what other attackers see."""

    def __init__(self, size_of_priors: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((3, 24), (24, 48), (48, 96)):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.SiLU()]
        self.convolutions = nn.Sequential(*layers)
        self.projection = nn.Linear(96 * _STRIPES, 128)
        # With features of others there, the network starts as a small addition to them.
        self.share = nn.Parameter(torch.tensor(0.3 if size_of_priors else 1.0))

    def forward(self, pictures: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
        small = nn.functional.avg_pool2d(pictures, 2)
        stripes = nn.functional.adaptive_avg_pool2d(self.convolutions(small), (_STRIPES, 1)).flatten(1)
        own = nn.functional.normalize(self.projection(stripes), dim=1)
        return nn.functional.normalize(torch.cat([priors, self.share * own], dim=1), dim=1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order: figures must not depend on how many threads there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tensor(crops: Crops) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 127.5 - 1.0


class _Fitted:
    """What was learnt."""

    def __init__(self, network: _Eye, priors: Sequence[Attacker], name: str, label: str) -> None:
        self._network = network
        self._priors = priors
        self.name = name
        self.label = label

    def embed(self, crops: Crops) -> Features:
        with _one_thread(), torch.no_grad():
            known = torch.from_numpy(_known(self._priors, crops))
            rows = [self._network(_tensor(crops[at : at + 64]), known[at : at + 64]) for at in range(0, len(crops), 64)]
        return torch.cat(rows).numpy() if rows else np.zeros((0, 1), np.float32)


def _known(priors: Sequence[Attacker], crops: Crops) -> npt.NDArray[np.float32]:
    parts = [attacker.embed(crops) for attacker in priors]
    return unit(np.concatenate(parts, axis=1)) if parts else np.zeros((len(crops), 0), np.float32)


class TrainedAttacker:
    """The attacker of this module."""

    name: Final = "trained"
    label: Final = "trained attacker"

    def __init__(self, priors: Sequence[Attacker] = (), *, steps: int = 100) -> None:
        """Say how it learns.

        Args:
            priors: attackers whose features it starts from; none: from the pictures alone.
            steps: of the optimiser; each sees at most 24 people.
        """
        self._priors = tuple(priors)
        self._steps = steps

    def fit(self, lesson: Lesson, seed: int) -> Attacker:
        """Learn from people with at least two sightings, two people or more.

        Raises:
            ValueError: there are fewer.
        """
        rng = np.random.default_rng(seed)
        rows_of = _rows_by_person(lesson)
        if len(rows_of) < 2:
            raise ValueError(f"{len(rows_of)} people with two sightings; at least 2 are needed to learn from")
        pictures = (_tensor(lesson.original), _tensor(lesson.result))
        known = tuple(torch.from_numpy(_known(self._priors, crops)) for crops in (lesson.original, lesson.result))
        with _one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed % (1 << 31))
            network = _Eye(known[0].shape[1])
            optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=self._steps)
            for _ in range(self._steps):
                chosen = _draw(rows_of, rng)
                rows = [torch.from_numpy(chosen[:, column]) for column in range(3)]
                first, second, third = (
                    network(_varied(pictures[side][at], rng), known[side][at])
                    for at, side in zip(rows, (0, 1, 0), strict=True)
                )
                loss = _contrast(first, second) + 0.5 * _contrast(first, third)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        network.eval()
        return _Fitted(network, self._priors, self.name, self.label)


def _rows_by_person(lesson: Lesson) -> list[list[npt.NDArray[np.int64]]]:
    """Of each person with two sightings or more: the rows of each sighting."""
    people = []
    for person in np.unique(lesson.people):
        own = np.flatnonzero(lesson.people == person)
        sightings = [own[lesson.sightings[own] == one] for one in np.unique(lesson.sightings[own])]
        if len(sightings) >= 2:
            people.append(sightings)
    return people


def _draw(rows_of: list[list[npt.NDArray[np.int64]]], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(people, 3): rows of an original, of a result of another sighting, and of that sighting's original."""
    chosen = []
    for person in rng.permutation(len(rows_of))[:_PEOPLE_PER_STEP]:
        one, other = rng.permutation(len(rows_of[person]))[:2]
        first, second = rows_of[person][one], rows_of[person][other]
        chosen.append([rng.choice(first), rng.choice(second), rng.choice(second)])
    return np.array(chosen, dtype=np.int64)


def _varied(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Mirrored, shifted and lit a little differently, at random."""
    if rng.random() < 0.5:
        pictures = pictures.flip(3)
    dy, dx = (int(value) for value in rng.integers(-_SHIFT_PX, _SHIFT_PX + 1, 2))
    light = torch.from_numpy(rng.uniform(0.9, 1.1, (len(pictures), 1, 1, 1)).astype(np.float32))
    return pictures.roll((dy, dx), (2, 3)) * light


def _contrast(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Each row of one must find its own row of the other, and the other way round."""
    likeness = first @ second.T / _TEMPERATURE
    own = torch.arange(len(first))
    both = nn.functional.cross_entropy(likeness, own) + nn.functional.cross_entropy(likeness.T, own)
    return both / 2
