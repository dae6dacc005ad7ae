"""What ran, on what, with what, and how it ended: ``manifest.json`` of a run folder."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Literal

from bodydouble import __version__
from bodydouble.errors import BundleError, Interrupted, PolicyStop
from bodydouble.scene.strict_files import write_bytes

SCHEMA_VERSION: Final = 1

State = Literal["running", "done", "stopped", "interrupted", "failed"]
"""``stopped``: by policy, on purpose. ``running`` in a file that nobody writes to any more: killed."""

_PACKAGES: Final = (
    *(
        "anny",
        "av",
        "compel",
        "diffusers",
        "numba",
        "numpy",
        "onnxruntime",
        "opencv-python",
        "rtmlib",
        "scipy",
        "torch",
    ),
    *("trackers", "transformers", "ultralytics"),
)
"""Packages whose version can change a pixel."""


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """What decides the result of a run. Equal identities give equal frames."""

    version: str
    """Of bodydouble."""
    input_sha256: str
    """Of the input's content, see `hash_path`."""
    config_sha256: str
    """Of the resolved configuration with the seed, see `bodydouble.config.fingerprint`."""


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """A stage that was finished."""

    name: str
    """``perception``, ``generation`` or ``compositing``."""
    seconds: float
    """Wall-clock time."""
    frames: int
    """Frames of the clip."""
    frames_per_second: float
    """Frames of the clip over wall-clock time."""
    details: Mapping[str, float] = field(default_factory=dict)
    """Counts by name, such as ``tracks`` or ``windows``."""


@dataclass(frozen=True, kw_only=True)
class WeightRecord:
    """A file of trained weights that the run used."""

    name: str
    sha256: str
    num_bytes: int


@dataclass(kw_only=True)
class Manifest:
    """The record of one run; `save` is called after every stage, so that a kill loses no finished work."""

    identity: RunIdentity
    seed: int
    config: Mapping[str, Any]
    """The resolved configuration."""
    input_name: str
    """File or folder name; the path stays out, it may tell who uses this."""
    output_name: str
    weights: tuple[WeightRecord, ...] = ()
    state: State = "running"
    error: str = ""
    """Message of what ended the run, empty when done."""
    error_type: str = ""
    stages: list[StageRecord] = field(default_factory=list)
    output_sha256: str = ""
    """Empty unless done."""
    num_frames: int = 0
    num_tracks: int = 0
    coverage: float | None = None
    """Share of person-frames that were covered; None before compositing."""
    peak_memory_bytes: int = 0
    """Largest resident size of the main process, and of the largest worker where there were any."""
    started: str = field(default_factory=lambda: _now())
    finished: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: describe_environment())

    def is_done(self, stage: str) -> bool:
        """True if the stage was finished."""
        return any(record.name == stage for record in self.stages)

    def taken_up_by(self, now: Manifest) -> Manifest:
        """This unfinished record, to be gone on with in the environment of ``now``."""
        return replace(self, environment=now.environment, weights=now.weights, state="running", error="", error_type="")

    def forget(self, stage: str) -> None:
        """Drop the record of a stage that is about to be done again."""
        self.stages = [record for record in self.stages if record.name != stage]

    def save(self, path: Path) -> None:
        """Write the manifest, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes())
        data = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        write_bytes(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())

    def close(self, path: Path, error: BaseException | None = None) -> None:
        """Note how the run ended and save.

        Raises:
            OutputError: it cannot be written.
        """
        self.finished = _now()
        self.state = _state_after(error)
        self.error = "" if error is None else str(error) or type(error).__name__
        self.error_type = "" if error is None else type(error).__name__
        self.save(path)

    @contextmanager
    def stage(self, name: str, path: Path, details: dict[str, float]) -> Iterator[None]:
        """Time a stage; it is recorded, and the manifest saved, only when the block ends without an error.

        Args:
            name: of the stage.
            path: where the manifest is saved.
            details: may be filled inside the block.
        """
        begin = perf_counter()
        yield
        seconds = perf_counter() - begin
        rate = self.num_frames / seconds if seconds > 0 else 0.0
        self.stages.append(
            StageRecord(
                name=name,
                seconds=round(seconds, 3),
                frames=self.num_frames,
                frames_per_second=round(rate, 3),
                details=dict(details),
            )
        )
        self.save(path)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BundleError: it is missing, malformed or of another version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise BundleError(f"the manifest has version {version}; this program reads {SCHEMA_VERSION}: {path}")
        data["identity"] = RunIdentity(**data["identity"])
        data["stages"] = [StageRecord(**stage) for stage in data["stages"]]
        data["weights"] = tuple(WeightRecord(**weight) for weight in data["weights"])
        return Manifest(**data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"the manifest cannot be read ({error}); start again with --overwrite: {path}") from error


def hash_path(path: Path) -> str:
    """sha256 of a file's bytes, or of the names and bytes of all files in a folder, whatever order they are stored in.

    Raises:
        OSError: something cannot be read.
    """
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{hash_path(file)}\n".encode())
    return digest.hexdigest()


def describe_environment() -> dict[str, str]:
    """Versions of Python, the system and the packages that can change a result."""
    versions = {"python": platform.python_version(), "system": f"{sys.platform} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def peak_memory_bytes() -> int:
    """Largest resident size of this process, plus that of its largest finished child; 0 where the system cannot tell."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * unit


def run_identity(input_path: Path, config_sha256: str) -> RunIdentity:
    """Identity of a run of this version.

    Raises:
        OSError: the input cannot be read.
    """
    return RunIdentity(version=__version__, input_sha256=hash_path(input_path), config_sha256=config_sha256)


def _state_after(error: BaseException | None) -> State:
    if error is None:
        return "done"
    if isinstance(error, PolicyStop):
        return "stopped"
    if isinstance(error, KeyboardInterrupt | Interrupted):
        return "interrupted"
    return "failed"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
