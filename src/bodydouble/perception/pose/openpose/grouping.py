"""Which candidates belong to one body: line integrals over part affinity fields, matching per limb, assembly.

Cao et al. 2017, sections 2.3 and 2.4; the order of assembly is that of Cao et al. 2019 ("OpenPose", section 3.4,
redundant fields): connections are taken strongest first, and one that contradicts a stronger one is ignored.
Thresholds are those of the published decoder that ControlNet ships with the weights (``annotator/openpose/body.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bodydouble.perception.pose.openpose.layout import (
    FIELD_LIMBS,
    FIELD_X_CHANNELS,
    NUM_FIELD_CHANNELS,
    NUM_HEATMAPS,
    REDUNDANT_LIMBS,
)
from bodydouble.perception.pose.openpose.peaks import Peaks, find_peaks
from bodydouble.scene import NUM_JOINTS


@dataclass(frozen=True, kw_only=True)
class GroupingSettings:
    """Thresholds of the decoder."""

    peak_threshold: float = 0.1
    """Height of a heat map up to which a peak is noise."""
    smoothing_cells: float = 2.0
    """Sigma of the Gaussian over the heat maps before peaks are looked for, in cells of the map.

    The published decoder smooths by 3 pixels of the picture it was given: 1 to 3 cells here, where a cell is a pixel of
    the network's input. On synthetic maps with noise, all three find about the same joints.
    """
    samples: int = 10
    """Points of a limb at which the field is read."""
    sample_threshold: float = 0.05
    """What the field must give along the limb at a point for the point to count."""
    sample_share: float = 0.8
    """More than this share of the points must count: the first of the two criteria. The second: the mean is positive
    after limbs longer than half the picture were marked down."""
    min_parts: int = 4
    """Joints that a body must have."""
    min_mean_score: float = 0.4
    """Score per joint that a body must have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Connection:
    """Two candidates that one limb joins."""

    limb: int
    """Index into ``FIELD_LIMBS``."""
    first: int
    """Candidate of the limb's first joint."""
    second: int
    """Candidate of the limb's second joint."""
    score: float
    """Mean of the field along the limb, less what it was marked down for its length; 0 to about 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """One person."""

    joints: NDArray[np.float32]
    """(18, 3): x, y, score in the order of ``JOINT_NAMES``; zeros where the joint was not found."""
    score: float
    """Sum of the scores of its joints and of the connections that hold them together."""

    @property
    def num_parts(self) -> int:
        """Joints found."""
        return int((self.joints[:, 2] > 0).sum())


def group(
    heatmaps: NDArray[np.float32], fields: NDArray[np.float32], settings: GroupingSettings | None = None
) -> list[Body]:
    """All bodies of a picture.

    Args:
        heatmaps: (19, rows, columns), joints and background.
        fields: (38, rows, columns), the part affinity fields.
        settings: thresholds; the published ones if left out.

    Returns:
        Bodies in cells of the maps, counted from the centre of the first cell; the highest score first.

    Raises:
        ValueError: arrays of other shapes.
    """
    settings = settings or GroupingSettings()
    if heatmaps.ndim != 3 or len(heatmaps) != NUM_HEATMAPS or fields.shape != (NUM_FIELD_CHANNELS, *heatmaps.shape[1:]):
        raise ValueError(
            f"expected heat maps ({NUM_HEATMAPS}, rows, columns) and fields ({NUM_FIELD_CHANNELS}, rows, columns), "
            f"got {heatmaps.shape} and {fields.shape}"
        )
    peaks = find_peaks(
        heatmaps[:NUM_JOINTS], threshold=settings.peak_threshold, smoothing_cells=settings.smoothing_cells
    )
    return assemble(peaks, connect(peaks, fields, settings), settings)


def connect(peaks: Sequence[Peaks], fields: NDArray[np.float32], settings: GroupingSettings) -> list[Connection]:
    """For each limb, the pairs of candidates that the field supports; every candidate at most once per limb.

    Greedy: the pair with the highest score first (Cao et al. 2017, section 2.4, relaxes the matching of whole bodies
    to one bipartite matching per limb; the published decoder solves each greedily).
    """
    connections = []
    for limb, (start, end) in enumerate(FIELD_LIMBS):
        first, second = peaks[start], peaks[end]
        if not len(first.scores) or not len(second.scores):
            continue
        channel = FIELD_X_CHANNELS[limb]
        scores = limb_scores(first.xy, second.xy, fields[channel : channel + 2], settings)
        a, b = np.nonzero(scores > 0)
        places = np.concatenate([first.xy[a], second.xy[b]], axis=1)
        used_a, used_b = set[int](), set[int]()
        for index in np.lexsort((*places.T, -scores[a, b])):
            i, j = int(a[index]), int(b[index])
            if i not in used_a and j not in used_b:
                used_a.add(i)
                used_b.add(j)
                connections.append(Connection(limb=limb, first=i, second=j, score=float(scores[i, j])))
    return connections


def limb_scores(
    starts: NDArray[np.float64], ends: NDArray[np.float64], field: NDArray[np.float32], settings: GroupingSettings
) -> NDArray[np.float64]:
    """How well a field supports a limb from each start to each end.

    The line integral of Cao et al. 2017, equations 10 and 11, by sampling; a limb longer than half the height of the
    picture is marked down (published decoder). A pair that fails one of the two criteria has 0.

    Args:
        starts: (n, 2) x and y in cells.
        ends: (m, 2) x and y in cells.
        field: (2, rows, columns) x and y components.
        settings: number of samples and the criteria.

    Returns:
        (n, m) scores, never negative.
    """
    step = ends[None, :] - starts[:, None]
    length = np.linalg.norm(step, axis=2)
    direction = step / np.maximum(length, 1e-6)[..., None]
    share = np.linspace(0.0, 1.0, settings.samples)
    points = starts[:, None, None] + share[:, None] * step[:, :, None]
    where = [points[..., 1], points[..., 0]]
    along = sum(
        ndimage.map_coordinates(component, where, output=np.float64, order=1, mode="nearest")
        * direction[..., None, axis]
        for axis, component in enumerate(field)
    )
    prior = np.minimum(0.5 * field.shape[1] / np.maximum(length, 1e-6) - 1.0, 0.0)
    score = np.mean(along, axis=2) + prior
    enough = (along > settings.sample_threshold).sum(axis=2) > settings.sample_share * settings.samples
    return np.where(enough & (score > 0), score, 0.0)


class _Draft:
    """A body that is being put together."""

    def __init__(self) -> None:
        self.parts: dict[int, int] = {}
        """Joint: candidate."""
        self.score = 0.0


def assemble(peaks: Sequence[Peaks], connections: Sequence[Connection], settings: GroupingSettings) -> list[Body]:
    """Put connections together to bodies, drop the poor ones, highest score first.

    A connection adds its candidates to a body, or merges two bodies that share no joint, or is ignored: when it would
    give a body a second candidate of a joint, a stronger connection has decided otherwise.
    """

    def place(connection: Connection) -> tuple[float, ...]:
        start, end = FIELD_LIMBS[connection.limb]
        return (*peaks[start].xy[connection.first], *peaks[end].xy[connection.second])

    owners: dict[tuple[int, int], _Draft] = {}
    for connection in sorted(
        connections,
        key=lambda c: (FIELD_LIMBS[c.limb] in REDUNDANT_LIMBS, -c.score, c.limb, place(c)),
    ):
        start, end = FIELD_LIMBS[connection.limb]
        first, second = (start, connection.first), (end, connection.second)
        _join(owners, first, second, connection.score, may_start=FIELD_LIMBS[connection.limb] not in REDUNDANT_LIMBS)
    drafts = {id(draft): draft for draft in owners.values()}.values()
    bodies = [_finish(draft, peaks) for draft in drafts]
    kept = [
        body
        for body in bodies
        if body.num_parts >= settings.min_parts and body.score >= settings.min_mean_score * body.num_parts
    ]
    return sorted(kept, key=lambda body: (-body.score, body.joints.ravel().tolist()))


def _join(
    owners: dict[tuple[int, int], _Draft],
    first: tuple[int, int],
    second: tuple[int, int],
    score: float,
    *,
    may_start: bool,
) -> None:
    """Let two candidates, (joint, index), belong to one body, unless that contradicts what is there."""
    one, other = owners.get(first), owners.get(second)
    if one is None and other is None and not may_start:
        return
    if one is not None and one is other:
        return
    have = one.parts if one else dict([first])
    more = other.parts if other else dict([second])
    if have.keys() & more.keys():
        return
    merged = _Draft()
    merged.parts = {**have, **more}
    merged.score = score + (one.score if one else 0.0) + (other.score if other else 0.0)
    for part in merged.parts.items():
        owners[part] = merged


def _finish(draft: _Draft, peaks: Sequence[Peaks]) -> Body:
    joints = np.zeros((NUM_JOINTS, 3), np.float32)
    for joint, index in draft.parts.items():
        joints[joint] = (*peaks[joint].xy[index], peaks[joint].scores[index])
    return Body(joints=joints, score=draft.score + float(joints[:, 2].sum()))
