"""What skeletons of the doubles give away of a walk, and what other habits cost: fits every track, renders nothing.

    python benchmarks/gait_privacy.py RUN_FOLDER [--truth gt.txt] [--people merge.json] [--seeds 3] [--json FILE]

The attacker of `bodydouble evaluate` (measure ``gait``) knows the skeletons of the bundle and looks for them among
those of the doubles, which are the doubles' own joints as projected: no perception stands between, to its advantage.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from perception.table import Row

from bodydouble.body.model import BodyModel
from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.evaluation.ground_truth import GroundTruth
from bodydouble.evaluation.measures.base import PairedClip
from bodydouble.evaluation.measures.gait import Gait
from bodydouble.evaluation.measures.identities import KnownPeople
from bodydouble.evaluation.measures.motion_kept import oks
from bodydouble.evaluation.pose_agreement import agreement, summarise
from bodydouble.generation.avatar.motion import Motion, Style, fit_motion
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import Skeleton, forward
from bodydouble.generation.avatar.view import projection
from bodydouble.generation.config import AvatarConfig, GenerationConfig
from bodydouble.generation.plan import plan_windows
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.view import estimate_view
from bodydouble.seeds import derive_seed

STYLES = ("exact", "natural", "private", "private:1.5", "private:2", "path")
"""``private:2`` is that style at twice its strength. ``path``: walkers of the book who go the same way, made from boxes
alone: what the way gives away, whoever goes it and however."""
_LEAST_HEIGHT_PX = 60.0
_ANKLES = (13, 10)
_PLANTED = 0.9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Told:
    """Of one style of motion; ``bundle`` for the skeletons that generation is given."""

    style: str
    rank1: float | None
    chance: float | None
    trials: int
    oks: float | None = None
    pck: float | None = None
    slide_cm: float | None = None
    """Median over planted feet: how far an ankle moves in the picture between frames, centimetres on the body."""
    slide_90_cm: float | None = None


def played_joints_px(skeleton: Skeleton, motion: Motion) -> Floats:
    """(T, 18, 2): the double's own joints in the picture."""
    flat = np.einsum("tij,tkj->tki", projection(motion.elevation_rad), forward(skeleton, motion.angles).joints_m)
    return np.asarray(flat * motion.scale_px_per_m[:, None, None] + motion.root_px[:, None])


def _doubles(bundle: SceneBundle, style: str, seed: int) -> tuple[SceneBundle, list[float]]:
    parts, view, model = cast_tracks(bundle, CastingConfig(), seed), estimate_view(bundle), BodyModel.load()
    tracks, slides = [], []
    for track in bundle.tracks:
        if not track.play.any():
            continue
        own = derive_seed(seed, "avatar", bundle.clip_name, track.track_id)
        skeleton = build_physique(model, phenotype_of(parts.appearance_of(track.track_id), own)).skeleton
        told = track
        if style == "path":
            told = dataclasses.replace(track, joint_scores=np.zeros_like(track.joint_scores))
        way, _, strength = style.partition(":")
        motion = fit_motion(
            told, bundle, view, skeleton, noise_m=AvatarConfig().joint_noise_m, seed=derive_seed(own, "motion"),
            style=cast(Style, "natural" if style == "path" else way), strength=float(strength or 1),
        )  # fmt: skip
        joints = played_joints_px(skeleton, motion)
        moved = np.linalg.norm(np.diff(joints[:, _ANKLES], axis=0), axis=2) / motion.scale_px_per_m[1:, None]
        slides += moved[np.minimum(motion.planted[1:], motion.planted[:-1]) > _PLANTED].tolist()
        seen = np.ones_like(track.joint_scores)
        tracks.append(dataclasses.replace(track, joints_xy_px=joints.astype(np.float32), joint_scores=seen))
    return dataclasses.replace(bundle, tracks=tuple(tracks)), slides


def _likeness(filmed: PersonTrack, played: PersonTrack) -> tuple[list[float], list[object]]:
    similar, agree = [], []
    for step in range(len(filmed)):
        left, top, right, bottom = (float(v) for v in filmed.boxes_xyxy_px[step])
        area = float(np.count_nonzero(filmed.silhouettes.mask(step)))
        if bottom - top < _LEAST_HEIGHT_PX or area < 0.1 * (right - left) * (bottom - top):
            continue
        reference, scores = filmed.joints_xy_px[step].astype(float), filmed.joint_scores[step].astype(float)
        made = played.joints_xy_px[step].astype(float)
        likeness, same = oks(made, reference, scores, area), agreement(made, reference, scores)
        if likeness is not None:
            similar.append(likeness)
        if same is not None:
            agree.append(same)
    return similar, agree


def told(
    bundle: SceneBundle, seeds: int, truth: GroundTruth | None, people: KnownPeople | None, styles: tuple[str, ...]
) -> list[Told]:
    """A row for the bundle and one for each style, trials of all seeds together."""
    gait = Gait(known={bundle.clip_name: people} if people else {})
    rows: list[Told] = []
    for style in styles:
        tally = None
        similar: list[float] = []
        agree: list[object] = []
        slides: list[float] = []
        for seed in range(1, seeds + 1):
            result, moved = _doubles(bundle, style, seed)
            slides += moved
            clip = PairedClip(name=bundle.clip_name, bundle=bundle, truth=truth, result_bundle=result)
            one = gait.start(clip).finish()
            tally = one if tally is None else tally + one
            filmed = {track.track_id: track for track in bundle.tracks}
            for track in result.tracks:
                more, same = _likeness(filmed[track.track_id], track)
                similar, agree = similar + more, agree + same
        if tally is None:
            continue
        seen, ceiling = gait.figures(tally)
        if not rows:
            rows.append(
                Told(style="bundle", rank1=ceiling.value, chance=ceiling.chance, trials=ceiling.trials // seeds)
            )
        rows.append(
            Told(
                style=style, rank1=seen.value, chance=seen.chance, trials=seen.trials,
                oks=float(np.mean(similar)) if similar else None, pck=summarise(agree).pck,  # type: ignore[arg-type]
                slide_cm=100 * float(np.median(slides)) if slides else None,
                slide_90_cm=100 * float(np.percentile(slides, 90)) if slides else None,
            )
        )  # fmt: skip
    return rows


def as_text(rows: list[Told]) -> str:
    """A table in Markdown."""
    names = [field.name for field in dataclasses.fields(Told)]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = (getattr(row, name) for name in names)
        lines.append(
            "| "
            + " | ".join("-" if c is None else f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells)
            + " |"
        )
    return "\n".join(lines)


def border_row(clip: str, run: Path, seed: int, window_frames: int = 64) -> Row:
    """Do joints of the doubles jump where windows meet: second differences, centimetres on the body."""
    bundle = run_bundle(run)
    played, _ = _doubles(bundle, "natural", seed)
    plans = plan_windows(bundle, GenerationConfig(window_frames=window_frames))
    starts = {(plan.track_id, plan.step_start) for plan in plans if plan.step_start > 0}
    inside: list[float] = []
    across: list[float] = []
    for track in played.tracks:
        if len(track) < 3:
            continue
        height = np.maximum(track.boxes_xyxy_px[1:-1, 3] - track.boxes_xyxy_px[1:-1, 1], 1.0)
        bend = np.linalg.norm(np.diff(track.joints_xy_px, 2, axis=0), axis=2).mean(1) / height * 172
        for step, value in enumerate(bend.tolist(), start=1):
            if track.play[step - 1 : step + 2].all():
                border = any((track.track_id, start) in starts for start in (step, step + 1))
                (across if border else inside).append(value)
    what = "window borders above the 95th percentile inside: joints, cm"
    if not across or not inside:
        return Row(clip=clip, what=what, value=None, how="no two windows meet")
    return Row(
        clip=clip, what=what, value=float(np.mean(np.array(across) > np.percentile(inside, 95))), most=0.1,
        how=f"mean second difference of 18 joints, the box taken as 172 cm; {len(across)} at borders, {len(inside)} inside, "
        f"medians {np.median(across):.2f} and {np.median(inside):.2f}",
    )  # fmt: skip


def run_bundle(run: Path) -> SceneBundle:
    """The scene of a run folder."""
    from bodydouble.scene.bundle_files import read_bundle

    return read_bundle(run / "scene")
