"""The whole path as users get it: shipped networks, default doubles, on a rendered street whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bodydouble
from bodydouble.backends import BACKENDS
from bodydouble.config import preset
from bodydouble.config.toml import overlay
from bodydouble.synth import render_street
from tests.integration.conftest import read_clip


@pytest.mark.slow
def test_people_of_a_rendered_street_are_found_and_replaced(tmp_path: Path) -> None:
    missing = {name for backend in BACKENDS for name in backend.missing_weights()}
    assert not missing, f"not in the package: {missing}"
    street = render_street(
        tmp_path / "street.mkv", seed=5, num_frames=30, width_px=480, height_px=270, num_people=4, codec="lossless"
    )
    settings = overlay(preset(), {"output": {"codec": "lossless"}})
    (result,) = bodydouble.anonymize(street.video, config=settings)
    before, after = read_clip(street.video), read_clip(result.output)
    with np.load(street.masks) as masks:
        people = masks["labels"] > 0
    changed = (before != after).any(axis=-1)
    assert result.num_tracks >= 2
    # A floor, not a measure of quality: weights after some minutes of training reached 0.58 here.
    assert changed[people].mean() > 0.5
    assert changed[~people].mean() < 0.15
