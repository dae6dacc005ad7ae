"""The table "paper says, we do": what it points at is there."""

from __future__ import annotations

import ast
import dataclasses
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from bodydouble.config import RunConfig

REPOSITORY = Path(__file__).resolve().parents[3]
TABLE = REPOSITORY / "docs" / "paper_table.md"
TEXT = TABLE.read_text(encoding="utf-8")
QUOTED = re.compile(r"`([^`]+)`")
PLACE = re.compile(r"([a-z0-9_]+(?:/[a-z0-9_]+)*(?:\.py|/))(?:: ([A-Za-z0-9_.]+))?")

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| Paper says")
]
PLACES = sorted({quoted for row in ROWS for quoted in QUOTED.findall(row[2])})
OPTIONS = sorted({option for quoted in QUOTED.findall(TEXT) for option in re.findall(r"--([a-z0-9.-]+)", quoted)})


def names_in(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """Functions, classes, methods and constants, such as ``Models.decode``."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.ClassDef):
            found |= {prefix + node.name} | names_in(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            found.add(prefix + node.name)
        elif isinstance(node, ast.Assign):
            found |= {prefix + target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(prefix + node.target.id)
    return found


def test_every_row_has_three_cells_and_a_place() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        assert len(row) == 3, row
        assert all(row), row
        assert row[2] == "-" or QUOTED.search(row[2]), f"nobody can look this up: {row}"


@pytest.mark.parametrize("place", PLACES)
def test_places_in_the_code_exist(place: str) -> None:
    match = PLACE.fullmatch(place)
    assert match, f"a path below src/bodydouble, and what to look for behind a colon: {place}"
    path, name = REPOSITORY / "src" / "bodydouble" / match[1], match[2]
    assert path.exists(), path
    if name is not None:
        assert name in names_in(ast.parse(path.read_text(encoding="utf-8")).body), f"{name} is not in {match[1]}"


@pytest.mark.parametrize("option", OPTIONS)
def test_options_exist(option: str) -> None:
    if option == "preset":
        return
    kind: Any = RunConfig
    for part in option.split("."):
        fields = {field.name: field for field in dataclasses.fields(kind)}
        name = part.removeprefix("no-").replace("-", "_")
        assert name in fields, f"--{option}: {kind.__name__} has no {name}"
        kind = typing.get_type_hints(kind)[name]


def test_what_was_not_checked_is_named() -> None:
    missing = TEXT.split("## Not checked")[1]
    for word in ("Lightning", "ControlNet", "sd-vae-ft-mse", "BiRefNet", "VACE", "YOLOv8", "CLIPSeg", "OpenPose", "float16",
                 "offload", "sha256", "8-step"):  # fmt: skip
        assert word in missing, word
