"""Pictures for the page: which people and moments are worth a look, and one more pass over the clips that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble.evaluation.measures.base import Case, Tally
from bodydouble.evaluation.measures.registry import MeasureEntry
from bodydouble.evaluation.report.model import ORIGINAL, Evaluation
from bodydouble.evaluation.report.page import Gallery, Pictures, withheld_columns
from bodydouble.evaluation.report.table import Table
from bodydouble.pipeline.evaluate_scene import cut_bundle
from bodydouble.scene import FrameSource, Progress, SceneBundle
from bodydouble.scene.bundle_files import read_bundle

if TYPE_CHECKING:
    from bodydouble.evaluation.report.strips import CasePlan, Collector, StripPlan

MOST_BYTES: Final = 11_000_000
"""Of all pictures in the page, as text; the page has to open on a phone."""
_PLAYERS: Final = 6
_WORST_PLAYERS: Final = 4
"""Of those, chosen by worst cases; the others are the people seen for longest."""
_SCENES: Final = 2
_CASES_PER_COLUMN: Final = 2


@dataclass(frozen=True, kw_only=True)
class ShownClip:
    """Where the pictures of a clip come from."""

    name: str
    original: FrameSource
    results: Mapping[str, FrameSource]
    """By label."""
    scene: Path
    num_frames: int


def make_gallery(
    evaluation: Evaluation,
    table: Table,
    entries: Sequence[MeasureEntry],
    clips: Sequence[ShownClip],
    shown: Pictures,
    progress: Progress,
) -> Gallery:
    """Choose and cut pictures.

    Args:
        evaluation: what was counted.
        table: figures read off it; what leaves people visible is not shown.
        entries: the measures.
        clips: footage of the clips.
        shown: what the page may show.
        progress: told how far it is.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
    """
    from bodydouble.evaluation.report.strips import CasePicture, Collector, Strip, fit

    withheld = withheld_columns(evaluation, table, shown)
    if shown == "none":
        return Gallery(shown=shown, note="Pictures were not asked for.")
    labels = [column.label for column in evaluation.columns if column.label not in withheld]
    cases = _worst_cases(evaluation, entries)
    # Who is left in somewhere in a result that is shown is played only where originals may be shown, too.
    left_in = frozenset[tuple[str, int]]() if shown == "originals" else _left_in(evaluation, entries, labels)
    tracks = _tracks_to_play(evaluation, entries, left_in)
    scenes: list[Strip] = []
    people: list[Strip] = []
    pictures: list[CasePicture] = []
    chosen = [clip for clip in clips if _is_wanted(clip, cases, tracks, clips)]
    progress.start("pictures", sum(clip.num_frames * max(1, len(labels)) for clip in chosen))
    for number, clip in enumerate(chosen):
        bundle = cut_bundle(read_bundle(clip.scene), clip.num_frames)
        plans = _plans(clip, bundle, tracks, left_in, with_scene=number < _SCENES, fill=len(chosen) == 1)
        case_plans, hidden = _case_plans(clip, bundle, cases, labels, shown, entries)
        collector = Collector(strips=plans, cases=case_plans)
        for label in labels:
            _collect(clip, label, collector, progress)
        strips, found = collector.finish()
        scenes += [strip for strip in strips if strip.plan.track_id is None]
        people += [strip for strip in strips if strip.plan.track_id is not None]
        pictures += [*found, *(CasePicture(plan=plan, picture=None) for plan in hidden)]
    progress.finish()
    strips_wanted = [strip for strip in (*scenes, *people) if strip.sheets]
    pictures.sort(key=lambda one: -one.plan.case.badness)
    kept_strips, kept_cases = fit(strips_wanted, pictures, MOST_BYTES)
    note = ""
    if left_in:
        note = f"{len(left_in)} people who show as filmed somewhere, or may, are not played. "
    if len(kept_strips) < len(strips_wanted):
        note += f"{len(strips_wanted) - len(kept_strips)} players were left out to keep this file small."
    return Gallery(shown=shown, strips=kept_strips, cases=kept_cases, withheld=withheld, note=note)


def _worst_cases(evaluation: Evaluation, entries: Sequence[MeasureEntry]) -> list[tuple[str, str, Case]]:
    """Label, measure and case: the worst of every measure and result."""
    return [
        (column.label, entry.name, case)
        for entry in entries
        for column in evaluation.results
        if entry.name in column.tallies
        for case in _apart(column.tallies[entry.name].cases)
    ]


def _apart(cases: Sequence[Case]) -> list[Case]:
    """The worst, no two of the same person: frames beside each other show the same thing."""
    found: list[Case] = []
    seen: set[tuple[str, int | None]] = set()
    for case in cases:
        who = (case.clip, case.track_id)
        if who not in seen or case.track_id is None:
            seen.add(who)
            found.append(case)
        if len(found) == _CASES_PER_COLUMN:
            break
    return found


def _left_in(
    evaluation: Evaluation, entries: Sequence[MeasureEntry], labels: Sequence[str]
) -> frozenset[tuple[str, int]]:
    """Clip and track of people who show as filmed in some frame of a result that has pictures."""
    return frozenset(
        (case.clip, case.track_id)
        for column in evaluation.results
        if column.label in labels
        for entry in entries
        if entry.cases_show_people
        for case in _cases_of(column.tallies, entry.name)
        if case.track_id is not None
    )


def _tracks_to_play(
    evaluation: Evaluation, entries: Sequence[MeasureEntry], left_in: frozenset[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, str]]:  # fmt: skip
    """By clip and track: the frame to show and why; the worst case of each measure, privacy first, results in turn."""
    chosen: dict[tuple[str, int], tuple[int, str]] = {}
    for rank in range(_CASES_PER_COLUMN):
        for entry in entries:
            # Results take turns, so that the first of them does not fill the page.
            turn = len(chosen) % len(evaluation.results)
            for column in (*evaluation.results[turn:], *evaluation.results[:turn]):
                cases = [
                    case
                    for case in _cases_of(column.tallies, entry.name)
                    if case.track_id is not None and (case.clip, case.track_id) not in left_in
                ]
                if rank >= len(cases) or len(chosen) >= _WORST_PLAYERS:
                    continue
                case = cases[rank]
                key = (case.clip, case.track_id or 0)
                chosen.setdefault(key, (case.frame_index, f"worst case of {entry.name} in {column.label}"))
                break
    return chosen


def _cases_of(tallies: Mapping[str, Tally], name: str) -> Sequence[Case]:
    return tallies[name].cases if name in tallies else ()


def _is_wanted(
    clip: ShownClip,
    cases: Sequence[tuple[str, str, Case]],
    tracks: Mapping[tuple[str, int], tuple[int, str]],
    clips: Sequence[ShownClip],
) -> bool:
    named = {name for name, _ in tracks} | {case.clip for _, _, case in cases}
    return clip.name in named or clip is clips[0]


def _plans(
    clip: ShownClip,
    bundle: SceneBundle,
    tracks: Mapping[tuple[str, int], tuple[int, str]],
    left_in: frozenset[tuple[str, int]],
    *,
    with_scene: bool,
    fill: bool,
) -> tuple[StripPlan, ...]:
    from bodydouble.evaluation.report.strips import plan_scene, plan_track

    plans = [plan_scene(clip.name, bundle)] if with_scene else []
    by_id = {track.track_id: track for track in bundle.tracks}
    for (name, track_id), (frame, why) in tracks.items():
        if name == clip.name and track_id in by_id:
            plans.append(plan_track(clip.name, bundle, by_id[track_id], around_frame=frame, why=why))
    if fill:
        planned = {plan.track_id for plan in plans}
        longest = sorted(bundle.tracks, key=lambda track: (-len(track), track.track_id))
        others = [
            track for track in longest if track.track_id not in planned and (clip.name, track.track_id) not in left_in
        ]
        room = max(0, _PLAYERS - len(planned - {None}))
        plans += [
            plan_track(clip.name, bundle, track, around_frame=None, why="long in view") for track in others[:room]
        ]
    return tuple(plans)


def _case_plans(
    clip: ShownClip,
    bundle: SceneBundle,
    cases: Sequence[tuple[str, str, Case]],
    labels: Sequence[str],
    shown: Pictures,
    entries: Sequence[MeasureEntry],
) -> tuple[tuple[CasePlan, ...], tuple[CasePlan, ...]]:
    """Cases of a clip: those that are shown, and those of which only the words are."""
    from bodydouble.evaluation.report.strips import plan_case

    private = {entry.name for entry in entries if entry.cases_show_people}
    plans = [plan_case(label, measure, case, bundle) for label, measure, case in cases if case.clip == clip.name]
    open_to_see = [
        plan for plan in plans if plan.label in labels and (shown == "originals" or plan.measure not in private)
    ]
    return tuple(open_to_see), tuple(plan for plan in plans if plan not in open_to_see)


def _collect(clip: ShownClip, label: str, collector: Collector, progress: Progress) -> None:
    source = clip.original if label == ORIGINAL else clip.results.get(label)
    wanted = collector.wanted(label)
    if source is None or not wanted:
        progress.advance(clip.num_frames)
        return
    first, last = min(wanted), max(wanted)
    progress.advance(first)
    for frame in source.frames(first, min(last + 1, clip.num_frames)):
        if frame.index in wanted:
            collector.see(label, frame.index, frame.rgb)
        progress.advance()
    progress.advance(max(0, clip.num_frames - last - 1))
