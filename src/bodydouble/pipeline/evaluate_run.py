"""The work of an evaluation: which tallies are wanted, which are there from an earlier run, and their sums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bodydouble import __version__
from bodydouble.config import RunConfig
from bodydouble.evaluation.measures.builders import Workshop, referees_folder
from bodydouble.evaluation.measures.identities import KnownPeople
from bodydouble.evaluation.measures.registry import MeasureEntry, Need, build_measures, entry_of
from bodydouble.evaluation.report.files import read_tally
from bodydouble.evaluation.report.model import ORIGINAL, Column, Evaluation, MeasuredClip
from bodydouble.execution import run_all
from bodydouble.manifest import hash_path
from bodydouble.model_store import store_folder
from bodydouble.pipeline.evaluate_clip import ClipWork, ColumnWork, MeasureClips, measure_clip
from bodydouble.pipeline.evaluate_inputs import NamedResult, ledger_of, method_of
from bodydouble.pipeline.evaluate_open import EvaluateOptions, OpenClip
from bodydouble.pipeline.evaluate_scene import FirstFrames, SceneFiles, find_scene, given_scene, perceive_once
from bodydouble.scene import FrameSource, Progress
from bodydouble.scene.bundle_files import read_bundle

_LACKS: Final[dict[Need, str]] = {
    "truth": "there is no ground truth (--truth)",
    "plate": "the background without people was not kept beside the scene",
    "result_bundle": "perception did not look at the result",
}


@dataclass(frozen=True, kw_only=True)
class EvaluationRun:
    """One evaluation at work."""

    options: EvaluateOptions
    names: tuple[str, ...]
    work: Path
    config: RunConfig
    known: Mapping[str, KnownPeople]
    progress: Progress

    @property
    def referees(self) -> Path:
        """Folder of the weights of detectors and attackers."""
        return referees_folder(self.options.referees, store_folder() / "referees")

    def scene_of(self, clip: OpenClip, *, is_tree: bool) -> SceneFiles:
        """The scene of an original: given, found beside a result, or perceived now.

        Raises:
            InputError: it cannot be read, or does not fit.
        """
        if self.options.scene is not None:
            return given_scene(self.options.scene, clip.name, clip.source, is_tree=is_tree)
        runs = [result.run for result, _ in clip.results.values() if result.run is not None]
        found = find_scene(clip.name, clip.source, clip.sha256, runs)
        return found or self._perceive(clip.source, clip.sha256, clip)

    def _perceive(self, source: FrameSource, sha256: str, clip: OpenClip) -> SceneFiles:
        first = FirstFrames(source, clip.num_frames) if clip.is_cut else source
        return perceive_once(first, self.config.perception, sha256, self.work / "scenes", self.progress)

    def measure(
        self, clips: Sequence[OpenClip], scenes: Mapping[str, SceneFiles], named: Sequence[NamedResult]
    ) -> Evaluation:
        """Make all tallies that are not there yet, and add them up.

        Args:
            clips: originals with their results.
            scenes: by name of the clip.
            named: the results, in the order of the columns.

        Raises:
            InputError: a frame cannot be decoded, or a tally not be written.
        """
        entries = [entry_of(name) for name in self.names]
        _, absent = build_measures(self.names, Workshop(folder=self.referees, known=self.known))
        usable = [entry for entry in entries if entry.name not in absent]
        labels = [ORIGINAL, *(result.label for result in named)]
        plans = {
            (clip.name, label): self._plan(clip, scenes[clip.name], label, usable) for clip in clips for label in labels
        }
        self._carry_out(clips, scenes, plans)
        columns = []
        for label in labels:
            parts = [self._column(clip, label, plans[clip.name, label], absent) for clip in clips]
            columns.append(_sum(parts))
        return Evaluation(
            version=__version__,
            seed=self.options.seed,
            measures=self.names,
            clips=tuple(sorted((_facts(clip, scenes[clip.name]) for clip in clips), key=lambda one: one.name)),
            columns=tuple(columns),
        )

    def _plan(self, clip: OpenClip, scene: SceneFiles, label: str, entries: Sequence[MeasureEntry]) -> _ColumnPlan:
        """Which measures apply to a result, where their tallies are, and what has to be perceived for them."""
        missing: dict[str, str] = {}
        apply = []
        for entry in entries:
            lacks = {
                "truth": clip.truth is None,
                "plate": scene.plate is None,
                "result_bundle": False,
            }
            reasons = [_LACKS[need] for need in sorted(entry.needs) if lacks[need]]
            if reasons:
                missing[entry.name] = "; ".join(reasons)
            else:
                apply.append(entry)
        result_scene = None
        result_sha256 = clip.sha256
        if label != ORIGINAL:
            result, source = clip.results[label]
            result_sha256 = hash_path(result.path)
            if any("result_bundle" in entry.needs for entry in apply):
                result_scene = self._perceive(source, result_sha256, clip).scene
        folder = self.work / "tallies" / self._digest(clip, scene, result_sha256, result_scene, label)
        tallies = {entry.name: folder / f"{entry.name}.json" for entry in apply}
        return _ColumnPlan(tallies=tallies, missing=missing, result_scene=result_scene)

    def _digest(
        self, clip: OpenClip, scene: SceneFiles, result_sha256: str, result_scene: Path | None, label: str
    ) -> str:  # fmt: skip
        """Stands for everything that a tally depends on, but the measure."""
        known = self.known.get(clip.name)
        boxes = clip.truth.boxes if clip.truth is not None else None
        run = clip.results[label][0].run if label != ORIGINAL else None
        facts = [
            __version__,
            clip.name,
            clip.sha256,
            result_sha256,
            hash_path(scene.scene),
            hash_path(scene.plate) if scene.plate is not None else None,
            hash_path(result_scene) if result_scene is not None else None,
            hashlib.sha256(repr(sorted(boxes.items())).encode()).hexdigest() if boxes is not None else None,
            sorted(known.person_of.items()) if known is not None else None,
            sorted(known.outfit_of.items()) if known is not None else None,
            hash_path(run.manifest) if run is not None else None,
            sorted((path.name, path.stat().st_size) for path in _weights(self.referees)),
            clip.num_frames,
            self.options.seed,
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]

    def _carry_out(
        self,
        clips: Sequence[OpenClip],
        scenes: Mapping[str, SceneFiles],
        plans: Mapping[tuple[str, str], _ColumnPlan],
    ) -> None:
        """Make the tallies that are not there yet."""
        works = []
        for clip in clips:
            columns = []
            for label in (ORIGINAL, *clip.results):
                column = self._column_work(clip, label, plans[clip.name, label])
                if column is not None:
                    columns.append(column)
            works += [
                _clip_work(clip, scenes[clip.name], part, self.options.seed)
                for part in self._share(columns, len(clips))
            ]
        self.progress.start("measuring", sum(work.num_frames * len(work.columns) for work in works))
        if self.options.workers == 1:
            workshop = Workshop(folder=self.referees, known=self.known)
            for work in works:
                measure_clip(work, workshop, self.progress.advance)
        else:
            setup = MeasureClips(referees=self.referees, known=self.known)
            with closing(run_all(setup, works, workers=self.options.workers)) as results:
                for _, frames in results:
                    self.progress.advance(frames)
        self.progress.finish()

    def _share(self, columns: Sequence[ColumnWork], num_clips: int) -> list[Sequence[ColumnWork]]:
        """All results of a clip in one pass, unless there are workers to spare."""
        if not columns:
            return []
        parts = 1 if self.options.workers == 1 or num_clips > 1 else min(len(columns), self.options.workers or 4)
        return [columns[number::parts] for number in range(parts)]

    def _column_work(self, clip: OpenClip, label: str, plan: _ColumnPlan) -> ColumnWork | None:
        todo = {name: path for name, path in plan.tallies.items() if not path.is_file()}
        if not todo:
            return None
        next(iter(todo.values())).parent.mkdir(parents=True, exist_ok=True)
        if label == ORIGINAL:
            return ColumnWork(label=label, result=None, tallies=todo)
        result, source = clip.results[label]
        return ColumnWork(
            label=label,
            result=source,
            tallies=todo,
            result_scene=plan.result_scene,
            performance=result.performance,
            cost=result.cost,
        )

    def _column(self, clip: OpenClip, label: str, plan: _ColumnPlan, absent: Mapping[str, str]) -> Column:
        result = clip.results[label][0] if label != ORIGINAL else None
        return Column(
            label=label,
            tallies={name: read_tally(path) for name, path in plan.tallies.items()},
            missing={name: (why,) for name, why in {**absent, **plan.missing}.items()},
            method=method_of(result) if result is not None else {},
            ledger=ledger_of(result) if result is not None else None,
        )


@dataclass(frozen=True, kw_only=True)
class _ColumnPlan:
    tallies: Mapping[str, Path]
    missing: Mapping[str, str]
    result_scene: Path | None


def _clip_work(clip: OpenClip, scene: SceneFiles, columns: Sequence[ColumnWork], seed: int) -> ClipWork:
    return ClipWork(
        name=clip.name,
        original=clip.source,
        scene=scene.scene,
        plate=scene.plate,
        truth=clip.truth,
        num_frames=clip.num_frames,
        seed=seed,
        columns=tuple(columns),
    )


def _facts(clip: OpenClip, scene: SceneFiles) -> MeasuredClip:
    bundle = read_bundle(scene.scene)
    return MeasuredClip(
        name=clip.name,
        num_frames=clip.num_frames,
        width_px=bundle.video.width_px,
        height_px=bundle.video.height_px,
        num_tracks=sum(int(track.frame_indices[0]) < clip.num_frames for track in bundle.tracks),
        truth_boxes=clip.truth.num_boxes if clip.truth is not None else None,
        scene_from=scene.origin,
        is_cut=clip.is_cut,
    )


def _sum(parts: Sequence[Column]) -> Column:
    """One column of several clips; a measure that only some clips lack says on how many."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    missing = {}
    for name, reasons in total.missing.items():
        lacking = sum(name in part.missing for part in parts)
        partly = 0 < lacking < len(parts)
        missing[name] = tuple(f"{lacking} of {len(parts)} clips: {why}" for why in reasons) if partly else reasons
    return replace(total, missing=missing)


def _weights(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
