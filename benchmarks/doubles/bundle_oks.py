"""Do doubles stand as the bundle says: OKS between the bundle's joints and those that MoveNet sees, filmed and played.

COCO's object key point similarity (`bodydouble.evaluation.measures.motion_kept.oks`) with the bundle as the reference:
the key points of which perception is sure (score from 0.5) and that can be seen (`joint_visibility` from 0.5). Judged are
MoveNet's places whatever their score, on crops about the bundle's box. The area is COCO's, that of the silhouette;
since many programs put in a share of the box instead (0.53 is the mean of COCO's people), that figure stands beside it.

People: box of 60 px or more, at least 90 % visible, and no more than a tenth of the box covered by anybody else's box, for
MoveNet sees one person in a crop and may answer for the other. And not behind a thing: no more than a tenth of what must be
body (along its limbs, within its torso) where compositing found, on the original, that a thing hides whoever stands there.
Where nothing of somebody is to be seen, MoveNet makes joints up. The figure with them stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from perception.table import Row

from bodydouble.compositing.config import CompositingConfig
from bodydouble.compositing.occlusion import OccluderMap, body_core
from bodydouble.compositing.survey import survey_clip
from bodydouble.compositing.windows import Window
from bodydouble.evaluation.measures._tracks import Person, people_at
from bodydouble.evaluation.measures.motion_kept import JointFinder, oks
from bodydouble.evaluation.movenet import MoveNet
from bodydouble.evaluation.pose_agreement import SURE_SCORE
from bodydouble.scene import JOINT_NAMES, MIRRORED, SceneBundle
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.plate_files import PlateReader
from bodydouble.video_io import open_source

LEAST_HEIGHT_PX = 60.0
LEAST_VISIBLE = 0.9
MOST_COVERED = 0.1
MOST_HIDDEN = 0.1
BOX_SHARE = 0.53
_LEAST_SILHOUETTE = 0.1
"""Of the box; with less the area is no scale."""

Floats = npt.NDArray[np.float64]


@dataclass(kw_only=True)
class Seen:
    """Likeness of the people in one video."""

    by_silhouette: list[float] = field(default_factory=list)
    by_box: list[float] = field(default_factory=list)
    behind_things: list[float] = field(default_factory=list)
    """``by_silhouette`` of people behind things, who count nowhere else."""
    mirrored: list[float] = field(default_factory=list)
    """Gain in ``by_silhouette`` if MoveNet's left and right may be exchanged."""
    by_joint: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: Floats, reference: Floats, scores: Floats, silhouette_px: float, box_px: float) -> None:
        """Put down one person in one frame; ``found`` and ``reference`` (18, 2)."""
        like = oks(found, reference, scores, silhouette_px)
        in_box = oks(found, reference, scores, BOX_SHARE * box_px)
        turned = oks(found[list(MIRRORED)], reference, scores, silhouette_px)
        if like is None or in_box is None or turned is None:
            return
        self.by_silhouette.append(like)
        self.by_box.append(in_box)
        self.mirrored.append(max(turned - like, 0.0))
        for joint, name in enumerate(JOINT_NAMES):
            alone = np.where(np.arange(len(JOINT_NAMES)) == joint, scores, 0.0)
            single = oks(found, reference, alone, silhouette_px)
            if single is not None:
                self.by_joint[name.split("_")[-1]].append(single)


def comparable_people(bundle: SceneBundle, frame_index: int) -> list[tuple[Person, float]]:
    """People who can be compared, with the area of their silhouettes in px²."""
    everybody = people_at(bundle, frame_index)
    found = []
    for person in everybody:
        track, step = person.track, person.step
        if person.height_px < LEAST_HEIGHT_PX or track.visible_fraction[step] < LEAST_VISIBLE or not track.play[step]:
            continue
        left, top, right, bottom = person.box_xyxy_px
        whole = (right - left) * (bottom - top)
        covered = 0.0
        for other in everybody:
            if other.track_id != person.track_id:
                a, b, c, d = other.box_xyxy_px
                covered += max(0.0, min(right, c) - max(left, a)) * max(0.0, min(bottom, d) - max(top, b))
        area = float(np.count_nonzero(track.silhouettes.mask(step)))
        if covered <= MOST_COVERED * whole and area >= _LEAST_SILHOUETTE * whole:
            found.append((person, area))
    return found


def things_before_people(original: Path, bundle: SceneBundle, run: Path) -> OccluderMap | None:
    """What stands in front of people, as compositing finds it on the original; None where nobody can tell."""
    size = (bundle.video.width_px, bundle.video.height_px)
    with open_source(original) as source:
        plate = PlateReader(run / "plate", bundle.camera, frame_size_px=size)
        return survey_clip(source, bundle, plate, CompositingConfig()).occluders


def is_behind_a_thing(person: Person, things: OccluderMap | None) -> bool:
    """Whether more than a tenth of a body is where a thing hides whoever stands on its row."""
    if things is None:
        return False
    height, width = things.base_y_px.shape
    window, core = body_core(person.track, person.step, Window(0, 0, width, height))
    if window.is_empty or not core.any():
        return False
    hidden = things.hides(window, float(person.box_xyxy_px[3]))
    return bool(np.count_nonzero(core & hidden) > MOST_HIDDEN * np.count_nonzero(core))


def likeness(
    video: Path,
    bundle: SceneBundle,
    finder: JointFinder,
    *,
    things: OccluderMap | None = None,
    frames: int | None,
    every: int = 1,
) -> Seen:
    """Compare a video, original or result, with the bundle of the original."""
    seen = Seen()
    with open_source(video) as source:
        for frame in islice(source.frames(), frames):
            if frame.index % every:
                continue
            for person, area in comparable_people(bundle, frame.index):
                track, step = person.track, person.step
                left, top, right, bottom = person.box_xyxy_px
                found, _ = finder.joints(frame.rgb, np.array(person.box_xyxy_px))
                visible = track.joint_visibility[step] >= SURE_SCORE
                scores = np.where(visible, track.joint_scores[step], 0.0).astype(np.float64)
                reference = track.joints_xy_px[step].astype(np.float64)
                if is_behind_a_thing(person, things):
                    like = oks(found, reference, scores, area)
                    seen.behind_things += [] if like is None else [like]
                    continue
                seen.add(found, reference, scores, area, (right - left) * (bottom - top))
    return seen


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def bundle_oks_rows(
    clip: str, original: Path, result: Path, run: Path, model: Path, *, frames: int | None, every: int
) -> list[Row]:
    """The bar, the ceiling beside it, and where it is lost."""
    bundle, finder = read_bundle(run / "scene"), MoveNet(model)
    things = things_before_people(original, bundle, run)
    filmed, made = (
        likeness(video, bundle, finder, things=things, frames=frames, every=every) for video in (original, result)
    )
    ceiling, people = _mean(filmed.by_silhouette), len(made.by_silhouette)
    what = "OKS, bundle against MoveNet"
    rows = [
        Row(
            clip=clip, what=f"{what} on the result", value=_mean(made.by_silhouette), least=0.8,
            how=f"{people} people in frames, area of the silhouette"
            + ("" if ceiling is None else f"; ceiling, on the original: {ceiling:.3f}"),
        ),
        Row(
            clip=clip, what=f"{what} on the result, with people behind things",
            value=_mean(made.by_silhouette + made.behind_things),
            how=f"{len(made.behind_things)} people more; on the original: "
            f"{_mean(filmed.by_silhouette + filmed.behind_things) or 0:.3f}",
        ),
        Row(
            clip=clip, what=f"{what} on the result, area 0.53 of the box", value=_mean(made.by_box),
            how="" if not filmed.by_box else f"ceiling, on the original: {_mean(filmed.by_box):.3f}",
        ),
        Row(
            clip=clip, what="the same lost by MoveNet taking left for right", value=_mean(made.mirrored),
            how="" if not filmed.mirrored else f"on the original: {_mean(filmed.mirrored):.3f}",
        ),
    ]  # fmt: skip
    for name, values in made.by_joint.items():
        before = _mean(filmed.by_joint.get(name, []))
        rows.append(
            Row(
                clip=clip, what=f"{what} on the result: {name}", value=_mean(values),
                how=f"{len(values)} joints" + ("" if before is None else f"; on the original: {before:.3f}"),
            )
        )  # fmt: skip
    return rows
