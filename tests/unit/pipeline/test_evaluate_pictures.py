"""Who is played in the report: nobody who shows as filmed, unless originals may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodydouble.evaluation.report.page import Gallery, Pictures
from bodydouble.evaluation.report.table import make_table
from bodydouble.pipeline.evaluate_pictures import ShownClip, make_gallery
from bodydouble.scene import SilentProgress
from bodydouble.scene.bundle_files import write_bundle
from bodydouble.testing.walkers import make_walker_clip
from tests.unit.evaluation.report import fakes


def gallery(folder: Path, shown: Pictures) -> Gallery:
    clip = make_walker_clip(num_frames=fakes.FRAMES)
    write_bundle(clip.bundle, folder / "scene")
    evaluation = fakes.make_evaluation()
    source = ShownClip(
        name="street.mp4",
        original=clip,
        results={"pixelated": clip, "ours": clip},
        scene=folder / "scene",
        num_frames=fakes.FRAMES,
    )
    table = make_table(evaluation, fakes.by_name(), {})
    return make_gallery(evaluation, table, fakes.entries(), [source], shown, SilentProgress())


def test_who_is_left_in_is_not_played(tmp_path: Path) -> None:
    made = gallery(tmp_path, "results")
    # The fakes say of person 1 that they are left in.
    assert {strip.plan.track_id for strip in made.strips} == {None, 2}
    assert all("original" not in strip.sheets for strip in made.strips)
    assert "not played" in made.note
    hidden = {case.plan.measure for case in made.cases if case.picture is None}
    assert hidden == {"coverage"}


def test_with_originals_everybody_is(tmp_path: Path) -> None:
    made = gallery(tmp_path, "originals")
    assert {strip.plan.track_id for strip in made.strips} == {None, 1, 2}
    assert all(case.picture is not None for case in made.cases)


@pytest.mark.parametrize("shown", ["none"])
def test_no_pictures(tmp_path: Path, shown: Pictures) -> None:
    made = gallery(tmp_path, shown)
    assert not made.strips
    assert not made.cases
