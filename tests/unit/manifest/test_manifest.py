"""The manifest tells how a run ended, and hashes tell inputs apart."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bodydouble.errors import BundleError, Interrupted, OutputError, PolicyStop
from bodydouble.manifest import Manifest, RunIdentity, WeightRecord, hash_path, read_manifest


def make(**changes: Any) -> Manifest:
    return Manifest(
        **{
            "identity": RunIdentity(version="1", input_sha256="2", config_sha256="3"),
            "seed": 0,
            "config": {"seed": 0, "output": {"codec": "png"}},
            "input_name": "street.mp4",
            "output_name": "street.bodydouble.mp4",
            "weights": (WeightRecord(name="a.onnx", sha256="4", num_bytes=5),),
            **changes,
        }
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    manifest = make(num_frames=30)
    with manifest.stage("perception", path, details := {}):
        details["tracks"] = 3
    assert read_manifest(path) == manifest
    assert manifest.stages[0].details == {"tracks": 3}
    assert manifest.stages[0].frames == 30
    assert read_manifest(path).is_done("perception")
    assert not read_manifest(path).is_done("generation")


def test_a_stage_that_fails_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    manifest = make()
    with pytest.raises(ValueError, match="broken"), manifest.stage("perception", path, {}):
        raise ValueError("broken")
    assert not manifest.is_done("perception")
    assert not path.exists()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "done"),
        (PolicyStop("no"), "stopped"),
        (KeyboardInterrupt(), "interrupted"),
        (Interrupted("x"), "interrupted"),
        (OutputError("full"), "failed"),
        (RuntimeError("bug"), "failed"),
        (MemoryError(), "failed"),
    ],
)
def test_every_end_has_a_state_and_its_reason(tmp_path: Path, error: BaseException | None, state: str) -> None:
    manifest = make()
    manifest.close(tmp_path / "manifest.json", error)
    data = json.loads((tmp_path / "manifest.json").read_text())
    assert data["state"] == state
    assert data["error_type"] == ("" if error is None else type(error).__name__)
    assert bool(data["error"]) == (error is not None)
    assert data["finished"]


def test_it_names_packages_and_memory_but_no_path(tmp_path: Path) -> None:
    make().save(tmp_path / "manifest.json")
    text = (tmp_path / "manifest.json").read_text()
    data = json.loads(text)
    assert {"python", "numpy", "torch", "anny", "onnxruntime"} <= set(data["environment"])
    assert data["peak_memory_bytes"] > 1_000_000
    assert str(tmp_path) not in text


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "seed": 3}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(BundleError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)


def test_hash_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert hash_path(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_hash_of_a_folder_sees_names_and_content_and_nothing_else(tmp_path: Path) -> None:
    def make_folder(name: str, files: dict[str, bytes]) -> str:
        for file, data in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_bytes(data)
        return hash_path(tmp_path / name)

    one = make_folder("one", {"a.png": b"1", "sub/b.png": b"2"})
    assert make_folder("two", {"sub/b.png": b"2", "a.png": b"1"}) == one
    assert make_folder("three", {"a.png": b"1", "sub/c.png": b"2"}) != one
    assert make_folder("four", {"a.png": b"1", "sub/b.png": b"3"}) != one
    assert make_folder("five", {"a.png": b"1"}) != one
