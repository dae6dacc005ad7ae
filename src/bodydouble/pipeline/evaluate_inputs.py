"""What is compared with what: labels, pairs of clips, and what run folders beside results tell of how they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bodydouble.errors import InputError, UsageError
from bodydouble.evaluation.report.model import ORIGINAL, LedgerSums
from bodydouble.ledger import read_ledger
from bodydouble.manifest import Manifest, hash_path, read_manifest
from bodydouble.pipeline.folder import SUFFIX, RunFolder, run_folder_for

if TYPE_CHECKING:
    from bodydouble.evaluation.measures.cost import RunCost

_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, kw_only=True)
class NamedResult:
    """A result and what it is called in the report."""

    label: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class ResultClip:
    """A clip of a result."""

    path: Path
    run: RunFolder | None
    """Where it was made, if it was made by this program and the folder is there."""

    @cached_property
    def manifest(self) -> Manifest | None:
        """The record of the run.

        Raises:
            BundleError: it cannot be read.
        """
        return read_manifest(self.run.manifest) if self.run is not None else None

    @property
    def performance(self) -> Path | None:
        """The doubles, where they were kept."""
        if self.run is None or not any(self.run.performance.glob("track_*.npz")):
            return None
        return self.run.performance

    @property
    def cost(self) -> RunCost | None:
        """What making it took."""
        from bodydouble.evaluation.measures.cost import RunCost

        if self.manifest is None:
            return None
        return RunCost(
            num_frames=self.manifest.num_frames,
            stage_seconds={stage.name: stage.seconds for stage in self.manifest.stages},
            peak_memory_bytes=self.manifest.peak_memory_bytes,
        )


def name_results(words: Sequence[str | Path]) -> tuple[NamedResult, ...]:
    """Results with their labels: ``NAME=PATH``, or a path whose name becomes the label.

    Raises:
        UsageError: there is none, a label is not usable, or two are the same.
    """
    if not words:
        raise UsageError("there is no result to evaluate; name one or more behind the original")
    named = []
    for word in map(str, words):
        label, separator, path = word.partition("=")
        if separator and label and not Path(word).exists():
            named.append(NamedResult(label=label.strip(), path=Path(path)))
        else:
            named.append(NamedResult(label=default_label(Path(word)), path=Path(word)))
    labels = [result.label for result in named]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise UsageError(f"two results would both be called {twice[0]!r}; give them names: NAME=PATH")
    for label in labels:
        if label == ORIGINAL or not label or len(label) > _LONGEST_LABEL:
            raise UsageError(
                f"a result cannot be called {label!r} (1 to {_LONGEST_LABEL} letters, and {ORIGINAL!r} is taken); "
                "give it a name: NAME=PATH"
            )
    return tuple(named)


def default_label(path: Path) -> str:
    """Name of a result without what says nothing.

    >>> default_label(Path("out/blurred/")), default_label(Path("street.bodydouble.mp4")), default_label(Path("a.b/c.avi"))
    ('blurred', 'street.bodydouble', 'c')
    """
    resolved = path.resolve() if path.name in ("", ".", "..") else path
    name = resolved.name if resolved.is_dir() or not resolved.suffix else resolved.stem
    return name[:_LONGEST_LABEL]


def result_clip(root: Path, path: Path) -> ResultClip:
    """A clip of a result with its run folder: beside a single clip, or in the tree beside a data set tree."""
    candidates = [run_folder_for(path)]
    if path != root:
        resolved = root.resolve()
        candidates.insert(0, resolved.with_name(resolved.name + SUFFIX) / path.relative_to(root))
    for candidate in candidates:
        if (candidate / "manifest.json").is_file():
            return ResultClip(path=path, run=RunFolder(candidate))
    return ResultClip(path=path, run=None)


def method_of(clip: ResultClip) -> dict[str, tuple[str, ...]]:
    """How a result was made, by topic, as its manifest has it; empty where there is none."""
    manifest = clip.manifest
    if manifest is None:
        return {}
    facts = {
        "made by": f"bodydouble {manifest.identity.version}",
        "what": _what(manifest.config),
        "seed": str(manifest.seed),
        "configuration": f"sha256 {manifest.identity.config_sha256[:16]}…",
        "stages": ", ".join(stage.name for stage in manifest.stages),
        "weights": ", ".join(f"{one.name} ({one.sha256[:8]}…)" for one in manifest.weights),
        "run ended": "as it should" if manifest.state == "done" else f"{manifest.state}: {manifest.error}",
        "result": _state_of_result(clip, manifest),
        "environment": ", ".join(
            f"{name} {manifest.environment[name]}"
            for name in ("python", "system", "torch", "onnxruntime", "numpy")
            if name in manifest.environment
        ),
    }
    return {topic: (text,) for topic, text in facts.items() if text}


def ledger_of(clip: ResultClip) -> LedgerSums | None:
    """Sums of the ledger of a run; None where there is none.

    Raises:
        InputError: it is malformed.
    """
    if clip.run is None or not clip.run.ledger.is_file():
        return None
    entries = read_ledger(clip.run.ledger)
    frames: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for entry in entries:
        for span in entry.spans:
            count = span.last_frame - span.first_frame + 1
            frames[span.action] += count
            if span.reason:
                reasons[span.reason] += count
    return LedgerSums(
        people=dict(sorted(Counter(entry.action for entry in entries).items())),
        frames=dict(sorted(frames.items())),
        reasons=dict(sorted(reasons.items())),
    )


def _what(config: Mapping[str, Any]) -> str:
    """Components of a run, in a few words."""
    parts = []
    for section, option in (
        ("perception.people", "backend"), ("perception.silhouette", "backend"), ("perception.pose", "backend"),
        ("perception.plate", "kind"), ("generation", "backend"), ("baseline", "method"), ("output", "codec"),
    ):  # fmt: skip
        node: Any = config
        for name in (*section.split("."), option):
            node = node.get(name) if isinstance(node, Mapping) else None
        if isinstance(node, str):
            parts.append(f"{section.rpartition('.')[2]}: {node}")
    return ", ".join(parts)


def _state_of_result(clip: ResultClip, manifest: Manifest) -> str:
    """Whether the file is still the one that the run made."""
    if not manifest.output_sha256:
        return ""
    same = hash_path(clip.path) == manifest.output_sha256
    return "as the run wrote it" if same else "CHANGED since the run wrote it"


def check_reports(paths: Sequence[Path]) -> None:
    """See that there are reports to add.

    Raises:
        UsageError: fewer than two.
        InputError: one is named twice.
    """
    if len(paths) < 2:
        raise UsageError("adding reports needs two or more: --merge REPORT1 REPORT2 -o REPORT")
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError("a report is named twice and would count twice")
