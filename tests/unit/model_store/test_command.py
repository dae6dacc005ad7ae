"""`bodydouble models`, `--download`, and what a run asks the store for before it begins."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from bodydouble import cli, model_store
from bodydouble.backends import BACKENDS, check_installed
from bodydouble.cli.options import RunOptions, parse
from bodydouble.config import RunConfig
from bodydouble.config.toml import overlay
from bodydouble.errors import MissingDependency, MissingWeights
from bodydouble.generation import AnimateDiffConfig, GenerationConfig
from bodydouble.generation.weights import store_models
from bodydouble.model_store import store, table
from bodydouble.model_store.table import RemoteFile, RemoteModel
from bodydouble.perception.extras import need
from bodydouble.pipeline.ready import check_ready, missing_models

CONTENT = b"weights of nobody" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


def config(backend: str, **sections: object) -> RunConfig:
    return overlay(RunConfig(), {"perception": {"people": {"backend": backend, **sections}}})


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`yolox-s` is a small file on this machine, and the store is empty."""
    (tmp_path / "yolox_s.onnx").write_bytes(CONTENT)
    url = (tmp_path / "yolox_s.onnx").as_uri()
    model = RemoteModel(
        name="yolox-s", summary="", licence="CC0-1.0", source="nowhere", revision="1", size_mb=1,
        files=(RemoteFile(name="yolox_s.onnx", url=url, sha256=SHA),),
    )  # fmt: skip
    rest = tuple(row for row in table.MODELS if row.name != "yolox-s")
    for module in (table, store):
        monkeypatch.setattr(module, "MODELS", (model, *rest))
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "yolox-s" / "yolox_s.onnx"


def test_fetch_says_what_comes_and_prints_where_it_is(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "fetch", "yolox-s"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{small}\n"
    assert "about 1 MB, licence CC0-1.0, from nowhere" in err
    assert small.read_bytes() == CONTENT
    assert cli.main(["models", "fetch", "yolox-s"]) == 0
    assert capsys.readouterr().err == "", "nothing is fetched twice"


def test_what_nobody_can_check_is_said_and_compared_from_then_on(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (known,) = (model for model in store.MODELS if model.name == "yolox-s")
    unknown = replace(known, files=(replace(known.files[0], sha256=None),))
    for module in (table, store):
        monkeypatch.setattr(module, "MODELS", (unknown,))
    assert cli.main(["models", "fetch", "yolox-s"]) == 0
    assert "no sha256 is known of yolox_s.onnx at 1" in capsys.readouterr().err
    small.write_bytes(b"something else")
    with pytest.raises(MissingWeights, match="when it was first seen"):
        model_store.find_model("yolox-s")
    assert table.model_named("yolox-s") is unknown


def test_the_eight_step_file_is_one_of_those() -> None:
    unknown = {model.name: model.unknown_hashes for model in table.MODELS}
    assert unknown["animatediff-lightning-8step"] == ("animatediff_lightning_8step_diffusers.safetensors",)
    assert unknown["animatediff-lightning-4step"] == ()


def test_list(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert all(model.name in out for model in table.MODELS)
    assert f"store: {small.parent.parent}" in out


@pytest.mark.parametrize("words", [[], ["fetch"], ["fetch", "--all"], ["remove", "yolox-s"], ["fetch", "yolox-99"]])
def test_bad_words(small: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", *words]) == 2
    assert not small.parent.exists()


def test_failure_has_exit_code_4(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yolox_s.onnx").write_bytes(b"replaced")
    assert cli.main(["models", "fetch", "yolox-s"]) == 4
    assert f"expected {SHA}" in capsys.readouterr().err


def test_download_with_a_command(small: Path) -> None:
    words = ["--perception.people.backend", "yolox", "--quiet"]
    parse(RunOptions, "test", words)
    assert not small.exists(), "nothing comes without being asked for"
    parse(RunOptions, "test", [*words, "--download"])
    assert small.read_bytes() == CONTENT


def test_what_a_configuration_lacks(small: Path, tmp_path: Path) -> None:
    assert missing_models(RunConfig()) == ()
    assert missing_models(config("yolox")) == ("yolox-s",)
    assert missing_models(config("yolox", yolox={"weights": "yolox-tiny"})) == ("yolox-tiny",)
    assert missing_models(config("yolox", yolox={"weights": str(tmp_path / "own.onnx")})) == ()


def test_a_run_records_the_weights_it_will_load(small: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="models fetch yolox-s"):
        check_ready(config("yolox"))
    model_store.fetch_model("yolox-s")
    records = {record.name: record.sha256 for record in check_ready(config("yolox"))}
    assert records["yolox_s.onnx"] == SHA
    assert "people_finder.onnx" not in records
    own = tmp_path / "own"
    own.mkdir()
    for name in ("config.json", "model.safetensors", "sha256.json", ".gitattributes"):
        (own / name).write_text(name)
    if importlib.util.find_spec("transformers") is not None:
        records = {record.name: record.sha256 for record in check_ready(config("rfdetr", rfdetr={"weights": str(own)}))}
        assert {"config.json", "model.safetensors"} <= set(records)
        assert not {"sha256.json", ".gitattributes"} & set(records)


def test_every_model_of_a_backend_is_in_the_table() -> None:
    names = {model.name for model in table.MODELS}
    for backend in BACKENDS:
        assert {*backend.models, *backend.parts} <= names, backend.name
    used = {name for backend in BACKENDS for name in (*backend.models, *backend.parts)}
    # Parts of generators that options choose.
    chosen = [AnimateDiffConfig(steps=steps) for steps in (1, 2, 8)]
    chosen += [AnimateDiffConfig(sampler="standard"), AnimateDiffConfig(base="stable-diffusion-v1-5")]
    for options in chosen:
        used |= set(store_models(GenerationConfig(backend="animatediff", animatediff=options)))
    assert used == names, "a model that no backend uses"


def test_defaults_of_table_and_adapters_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bodydouble.perception.people.factory import make_finder

    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path))
    for backend in BACKENDS:
        if backend.stage == "perception.people" and backend.models and not backend.missing_modules():
            with pytest.raises(MissingWeights, match=f"the weights {backend.models[0]} are not there"):
                make_finder(config(backend.name).perception)


def test_extra_that_is_not_installed() -> None:
    with pytest.raises(MissingDependency, match=r"needs no_such_module.*pip install 'bodydouble\[toys\]'"):
        need("json", "no_such_module", extra="toys", backend="toy")
    row = next(row for row in BACKENDS if row.name == "yolov8")
    with pytest.raises(MissingDependency, match=r"pip install 'bodydouble\[yolov8\]'"):
        check_installed(replace(row, modules=("no_such_module",)))
