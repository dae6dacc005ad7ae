"""Imports point one way: scene <- body <- stages <- pipeline <- cli. Read from the source, so nothing is imported."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bodydouble

PACKAGE = Path(bodydouble.__file__).parent

FOUNDATION = {"errors", "seeds", "ahead", "runs", "__init__"}
"""May be imported by everybody. `__init__` is the version; its public names are loaded on first use."""

STAGES = {
    "video_io",
    "perception",
    "casting",
    "generation",
    "compositing",
    "baselines",
    "external",
    "evaluation",
    "anomaly",
}
"""Stages; none imports another."""

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "seeds": set(),
    "ahead": set(),
    "runs": set(),
    "__init__": {"config", "errors", "pipeline", "scene"},
    "scene": {"errors"},
    "body": {"scene", *FOUNDATION},
    "model_store": FOUNDATION,
    **{stage: {"scene", "body", "model_store", *FOUNDATION} for stage in STAGES},
    # It sees bundles and casts only. `body` is its material; that it cannot reach footage is tested below as well.
    "ledger": {"scene", *FOUNDATION},
    "synth": {"scene", "body", "casting", "generation", "video_io", *FOUNDATION},
    "testing": {"scene", *FOUNDATION},
    "execution": FOUNDATION,
    "backends": {"model_store", *FOUNDATION},
    "manifest": {"scene", *FOUNDATION},
}
"""Part of the package: what of ours it may import besides itself."""

LIBRARY = {
    "scene",
    "body",
    *STAGES,
    "ledger",
    "execution",
    "backends",
    "manifest",
    "model_store",
    "synth",
    "testing",
    "pipeline",
    "demo",
}


def files() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 40
    return found


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def own_imports(tree: ast.AST, path: Path) -> list[tuple[int, str]]:
    """Line and part of each import of ours, also those inside functions and for type checkers only."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            if module == "bodydouble":
                found += [
                    (node.lineno, alias.name if (PACKAGE / alias.name).is_dir() else "__init__") for alias in node.names
                ]
            elif module.startswith("bodydouble."):
                found.append((node.lineno, module.split(".")[1]))
        elif isinstance(node, ast.Import):
            found += [
                (node.lineno, alias.name.split(".")[1] if "." in alias.name else "__init__")
                for alias in node.names
                if alias.name.split(".")[0] == "bodydouble"
            ]
    return found


def violations(source: str, part: str, path: Path) -> list[str]:
    if part not in ALLOWED:
        return []
    return [
        f"{path}:{line}: {part} imports {other}"
        for line, other in own_imports(ast.parse(source), path)
        if other != part and other not in ALLOWED[part]
    ]


def test_every_part_of_the_package_has_its_place() -> None:
    known = set(ALLOWED) | {"config", "pipeline", "demo", "cli", "__main__"}
    assert {part_of(path) for path in files()} <= known


def test_imports_point_one_way() -> None:
    found = [v for path in files() for v in violations(path.read_text(), part_of(path), path)]
    assert not found, "\n".join(found)


def test_generation_cannot_reach_footage() -> None:
    for forbidden in ("video_io", "perception", "compositing"):
        assert forbidden not in ALLOWED["generation"] | ALLOWED["casting"] | ALLOWED["body"] | ALLOWED["scene"]
    modules = {"av", "imageio", "PIL"}
    for path in [*(PACKAGE / "generation").rglob("*.py"), *(PACKAGE / "casting").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not modules & {name.split(".")[0] for name in names}, f"{path} reads pictures"
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in {"cv2.imread", "cv2.VideoCapture", "cv2.imdecode"}, f"{path} reads pictures"


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("scene", "from bodydouble.video_io import open_source"),
        ("generation", "def f():\n    from bodydouble.perception.config import PerceptionConfig"),
        ("generation", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bodydouble.compositing.base"),
        ("perception", "import bodydouble.casting"),
        ("compositing", "from bodydouble.pipeline import anonymize"),
        ("execution", "from bodydouble.scene import Progress"),
        ("video_io", "from bodydouble import perception"),
    ],
)
def test_the_rule_notices(part: str, source: str) -> None:
    assert violations(source, part, Path("x.py"))


def test_the_library_neither_prints_nor_exits_nor_swallows() -> None:
    found = []
    for path in files():
        if part_of(path) not in LIBRARY:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "exit", "sys.exit", "os._exit"}:
                found.append(f"{path}:{node.lineno}: {ast.unparse(node.func)}()")
            if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises(node):
                found.append(f"{path}:{node.lineno}: catches everything and goes on")
    assert not found, "\n".join(found)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    names = ast.unparse(handler.type) if handler.type else ""
    return handler.type is None or bool({"Exception", "BaseException"} & set(names.strip("()").split(", ")))


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def test_files_and_functions_stay_readable() -> None:
    found = []
    for path in files():
        source = path.read_text()
        if source.count("\n") > 500:
            found.append(f"{path}: {source.count(chr(10))} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 100:
                    found.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    assert not found, "\n".join(found)
