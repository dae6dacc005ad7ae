"""Configurations survive the way to TOML and back; whatever is not exactly right is an error that names the key."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from bodydouble.config import RunConfig, fingerprint, preset, read_config, to_mapping, to_toml, write_config
from bodydouble.config.toml import overlay
from bodydouble.errors import ConfigError, MissingDependency, UsageError


@dataclass(frozen=True, kw_only=True)
class Box:
    kind: Literal["box"] = "box"
    side: int = 1


@dataclass(frozen=True, kw_only=True)
class Ball:
    kind: Literal["ball"] = "ball"
    radius: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Everything:
    number: float = 1.0
    count: int | None = None
    names: tuple[str, ...] = ()
    pair: tuple[int, float] = (1, 2.0)
    path: Path = Path("here")
    shape: Box | Ball = field(default_factory=Box)


def test_every_default_survives_the_way_through_a_file(tmp_path: Path) -> None:
    write_config(preset(), tmp_path / "run.toml")
    assert read_config(tmp_path / "run.toml") == RunConfig()


def test_changed_values_survive(tmp_path: Path) -> None:
    config = overlay(
        RunConfig(),
        {
            "seed": -3,
            "output": {"codec": "png", "quality": 7},
            "perception": {"silhouette": {"clipseg": {"prompts": ['a "quoted" wörd\n', "\\"]}}},
        },
    )
    write_config(config, tmp_path / "run.toml")
    assert read_config(tmp_path / "run.toml") == config != RunConfig()


def test_a_partial_file_keeps_the_rest_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "part.toml").write_text("[output]\nquality = 30\n")
    base = overlay(RunConfig(), {"seed": 5, "output": {"codec": "lossless"}})
    config = read_config(tmp_path / "part.toml", base)
    assert (config.seed, config.output.codec, config.output.quality) == (5, "lossless", 30)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"sed": 1}, ["sed", "did you mean seed"]),
        ({"output": {"zzz": 1}}, ["output.zzz", "codec", "quality"]),
        ({"seed": "one"}, ["seed", "'one'", "str", "whole number"]),
        ({"seed": True}, ["seed", "True", "whole number"]),
        ({"seed": 1.0}, ["seed", "1.0", "whole number"]),
        ({"policy": {"min_coverage": "high"}}, ["policy.min_coverage", "'high'", "number"]),
        ({"policy": {"min_coverage": float("nan")}}, ["policy.min_coverage", "number"]),
        ({"policy": {"min_coverage": 1.5}}, ["policy.min_coverage", "1.5", "0 to 1"]),
        ({"output": {"codec": "gif"}}, ["output.codec", "'gif'", '"h264" | "lossless" | "png"']),
        ({"output": {"keep_audio": 1}}, ["output.keep_audio", "true or false"]),
        ({"output": 3}, ["output", "a table"]),
        ({"casting": {"exclude": "coat"}}, ["casting.exclude", "a list"]),
        ({"casting": {"exclude": ["coat", 3]}}, ["casting.exclude[1]", "3", "a string"]),
        ({"compositing": {"paint_out": {"dilation_min_px": 0}}}, ["dilation_min_px", "0", "2 to 256"]),
    ],
)
def test_what_is_wrong_is_named(data: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        overlay(RunConfig(), data)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"), [("seed = ", "not valid TOML"), ("seed = 1\nseed = 2\n", "not valid TOML"), ("[a.b]\n", "a =")]
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=word) as caught:
        read_config(path)
    assert str(caught.value).endswith(str(path))


def test_missing_binary_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "binary.toml")


def test_other_field_types() -> None:
    changed = overlay(
        Everything(),
        {
            "number": 3,
            "count": 4,
            "names": ["a"],
            "pair": [7, 8],
            "path": "x/y",
            "shape": {"kind": "ball", "radius": 2},
        },
    )
    assert changed == Everything(
        number=3.0, count=4, names=("a",), pair=(7, 8.0), path=Path("x/y"), shape=Ball(radius=2.0)
    )
    assert isinstance(changed.number, float)
    assert isinstance(changed.pair[1], float)
    assert overlay(Everything(), to_mapping(changed)) == changed
    assert "count" not in to_mapping(Everything())


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"pair": [1]}, "a list of 2"),
        ({"count": "x"}, "a whole number"),
        ({"shape": {"kind": "cone"}}, '"ball" | "box"'),
        ({"shape": {"kind": "ball", "side": 3}}, "unknown key shape.side"),
        ({"path": 3}, "a path"),
    ],
)
def test_other_field_types_refuse_what_does_not_fit(data: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overlay(Everything(), data)
    assert word in str(caught.value)


def test_every_field_of_the_tree_is_in_the_file() -> None:
    def count(config: Any) -> int:
        return sum(
            count(value) if dataclasses.is_dataclass(value) else value is not None
            for value in (getattr(config, f.name) for f in dataclasses.fields(config))
        )

    assert sum(" = " in line for line in to_toml(RunConfig()).splitlines()) == count(RunConfig()) > 30


def test_fingerprint_sees_everything_but_where_the_work_runs() -> None:
    base = fingerprint(RunConfig())
    assert fingerprint(overlay(RunConfig(), {"execution": {"workers": 7}})) == base
    for change in ({"seed": 1}, {"output": {"quality": 19}}, {"perception": {"pose": {"joint_score": 0.2}}}):
        assert fingerprint(overlay(RunConfig(), change)) != base


@pytest.mark.parametrize("name", ["quality"])
def test_presets_of_other_versions_are_refused_not_replaced(name: str) -> None:
    with pytest.raises(MissingDependency, match="not in this version") as caught:
        preset(name)
    assert caught.value.exit_code == 4


def test_unknown_preset() -> None:
    with pytest.raises(UsageError, match="cpu, fast"):
        preset("slow")


def test_the_papers_numbers() -> None:
    paper = preset("paper")
    pose, tracking = paper.perception.pose, paper.perception.tracking
    assert (pose.filter_window_frames, pose.filter_missing_share, pose.filter_mean_score) == (30, 0.2, 0.35)
    assert (tracking.preset, paper.perception.people.backend, pose.backend) == ("paper", "yolov8", "openpose")
    assert (paper.perception.silhouette.backend, paper.perception.plate.kind) == ("clipseg", "clean")
    assert (paper.generation.backend, paper.generation.cutting.backend) == ("animatediff", "plain")
    assert (paper.generation.animatediff.num_steps, paper.generation.animatediff.guidance_scale) == (4, 1.0)


def test_presets_differ() -> None:
    assert preset("cpu") == RunConfig()
    assert preset("paper") != RunConfig()
    assert preset("fast") != RunConfig()
    small = preset("diffusion-small")
    assert small.perception == RunConfig().perception
    assert small.compositing == RunConfig().compositing
    assert small.generation.backend == "animatediff"
