"""Cast lists become part of the configuration, and what is wrong in one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodydouble.casting import CastingConfig
from bodydouble.cli.generate import Generate
from bodydouble.cli.options import parse
from bodydouble.config import RunConfig, fingerprint, read_config, to_toml
from bodydouble.config.toml import overlay
from bodydouble.errors import ConfigError

TEXT = """
exclude = ["coat", "top_colour=red"]
occupations = ["nurse", "train conductor"]
uniform = true

[everyone]
shoes = "boots"

[tracks.3]
gender = "woman"
age_years = 67

[clips."street.v2.mp4".tracks.3]
top = "hoodie"
"""
PINS = ("shoes=boots", "3:gender=woman", "3:age_years=67", "street.v2.mp4/3:top=hoodie")


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "cast.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_content_is_taken_over_and_the_file_forgotten(tmp_path: Path) -> None:
    assert CastingConfig(list=write(tmp_path)) == CastingConfig(
        exclude=("coat", "top_colour=red"), occupations=("nurse", "train conductor"), uniform=True, pin=PINS
    )


def test_options_go_over_the_list(tmp_path: Path) -> None:
    config = CastingConfig(
        list=write(tmp_path), pin=("shoes=trainers",), exclude=("dress", "coat"), occupations=("juggler",)
    )
    assert config.pin == (*PINS, "shoes=trainers")
    assert config.exclude == ("coat", "top_colour=red", "dress")
    assert config.occupations == ("juggler",)


def test_a_run_is_recorded_with_the_content_and_repeats_without_the_file(tmp_path: Path) -> None:
    config = overlay(RunConfig(), {"casting": {"list": str(write(tmp_path))}})
    (tmp_path / "run.toml").write_text(to_toml(config), encoding="utf-8")
    (tmp_path / "cast.toml").unlink()
    again = read_config(tmp_path / "run.toml")
    assert again == config
    assert "cast.toml" not in to_toml(config)
    assert fingerprint(again) == fingerprint(config) != fingerprint(RunConfig())


def test_a_changed_list_is_another_configuration(tmp_path: Path) -> None:
    before = fingerprint(RunConfig(casting=CastingConfig(list=write(tmp_path))))
    assert fingerprint(RunConfig(casting=CastingConfig(list=write(tmp_path, TEXT + "# a remark\n")))) == before
    changed = write(tmp_path, TEXT.replace("hoodie", "jumper"))
    assert fingerprint(RunConfig(casting=CastingConfig(list=changed))) != before


def test_the_command_line_takes_a_list(tmp_path: Path) -> None:
    words = ["scene", "-o", "doubles", "--casting.list", str(write(tmp_path)), "--casting.pin", "top=shirt"]
    casting = parse(Generate, "generate", [*words, "--casting.no-child-height"]).run.casting
    assert casting == CastingConfig(list=tmp_path / "cast.toml", pin=("top=shirt",), child_height=False)


def test_an_empty_list_wishes_nothing(tmp_path: Path) -> None:
    assert CastingConfig(list=write(tmp_path, "")) == CastingConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exclude = [", ["not valid TOML"]),
        ("exclud = []", ["exclud", "did you mean exclude?"]),
        ("zzz = 1", ["zzz", "everyone"]),
        ("exclude = 'coat'", ["exclude", "list of strings"]),
        ("exclude = ['coat', 3]", ["exclude", "list of strings"]),
        ("exclude = ['caot']", ["caot", "did you mean 'coat'"]),
        ("uniform = 1", ["uniform", "true or false"]),
        ("everyone = 3", ["everyone", "a table"]),
        ("[everyone]\ntop = 3", ["everyone.top", "a string"]),
        ("[everyone]\ntop = 'toga'", ["everyone.top", "'toga'", "T-shirt"]),
        ("[everyone]\nhat = 'cap'", ["everyone.hat", "no attribute"]),
        ("[tracks.0]\ntop = 'coat'", ["tracks.0", "from 1"]),
        ("[tracks.x]\ntop = 'coat'", ["tracks.x", "whole number"]),
        ("[tracks]\n3 = 'coat'", ["tracks.3", "a table"]),
        ("[tracks.3]\nage_years = '9'", ["tracks.3.age_years", "whole number"]),
        ("[tracks.3]\nage_years = true", ["tracks.3.age_years", "whole number"]),
        ("[tracks.3]\nage_years = 2", ["tracks.3.age_years", "4 to 100"]),
        ("[tracks.3]\nbottom = 'jeans'\nbottom_colour = 'khaki'", ["track 3", "jeans comes in"]),
        ("[clips.'a/b.mp4'.tracks.3]\ntop = 'coat'", ["a/b.mp4", "without its path"]),
        ("[clips.'a.mp4'.track.3]\ntop = 'coat'", ["a.mp4", "did you mean", "tracks"]),
        ("clips = 3", ["clips", "a table"]),
        ("[clips]\n'a.mp4' = 3", ["a.mp4", "a table"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        CastingConfig(list=path)
    for word in words:
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such cast list"):
        CastingConfig(list=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        CastingConfig(list=tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"exclude = ['\xe4']")
    with pytest.raises(ConfigError, match="cannot be read"):
        CastingConfig(list=tmp_path / "latin.toml")
