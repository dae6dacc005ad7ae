"""What users import is a short list on purpose; it changes only together with this test."""

from __future__ import annotations

import subprocess
import sys

import bodydouble

PUBLIC = [
    "Appearance", "BodyDoubleError", "Cast", "PersonTrack", "RunConfig", "RunResult", "SceneBundle", "Sprite",
    "TrackWindow", "VideoGeometry", "__version__", "anonymize", "composite", "evaluate", "generate", "perceive", "preset",
]  # fmt: skip


def test_public_names() -> None:
    assert bodydouble.__all__ == PUBLIC
    assert dir(bodydouble) == sorted(PUBLIC)


def test_every_public_name_can_be_had_and_is_documented() -> None:
    for name in PUBLIC:
        value = getattr(bodydouble, name)
        if name != "__version__":
            assert value.__doc__, name


def test_other_names_are_an_attribute_error() -> None:
    assert not hasattr(bodydouble, "anonymise")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, bodydouble; print([m for m in ('numpy', 'torch', 'cv2', 'av', 'tyro') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
