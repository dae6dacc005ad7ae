"""The page: complete without network or script, nothing of the run can break out of it, originals only on request."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bodydouble.evaluation.report.page import ORIGINALS_WARNING, Gallery, Pictures, render_page, withheld_columns
from bodydouble.evaluation.report.strips import Collector, fit, plan_case, plan_scene, plan_track
from bodydouble.evaluation.report.table import make_table
from bodydouble.testing.walkers import make_walker_clip
from tests.unit.evaluation.report import fakes

CLIP = make_walker_clip(num_frames=fakes.FRAMES, width_px=161, height_px=121)
VOID = {"meta", "link", "img", "input", "br", "hr"}


def gallery(shown: Pictures = "results") -> Gallery:
    evaluation = fakes.make_evaluation()
    withheld = withheld_columns(evaluation, make_table(evaluation, fakes.by_name(), {}), shown)
    plans = (
        plan_scene("street.mp4", CLIP.bundle),
        plan_track("street.mp4", CLIP.bundle, CLIP.bundle.tracks[0], around_frame=5, why="a <worst> case"),
    )
    case = plan_case("ours", "ssim", fakes.tally("ssim", 0.5, "street.mp4").cases[0], CLIP.bundle)
    collector = Collector(strips=plans, cases=(case,))
    for column in evaluation.columns:
        if column.label not in withheld:
            for frame in CLIP.frames():
                if frame.index in collector.wanted(column.label):
                    collector.see(column.label, frame.index, frame.rgb)
    strips, cases = collector.finish()
    return Gallery(shown=shown, strips=strips, cases=cases, withheld=withheld)


def page(pictures: Gallery | None = None) -> str:
    evaluation = fakes.make_evaluation()
    table = make_table(evaluation, fakes.by_name(), {})
    return render_page(evaluation, table, fakes.entries(), pictures or gallery())


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def test_every_element_is_closed() -> None:
    parser = Balanced()
    parser.feed(page())
    assert not parser.open


def test_nothing_is_loaded_from_anywhere() -> None:
    text = page()
    for address in re.findall(r"""(?:src|href)=["']([^"']*)""", text) + re.findall(r"url\(([^)]*)\)", text):
        assert address.startswith(("data:", "#")), address
    assert "http" not in text.replace("http-equiv", "")


def test_only_its_own_script_may_run() -> None:
    text = page()
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert not re.search(r"\son\w+=", text), "handlers in attributes would need unsafe-inline"


def test_names_and_notes_cannot_break_out() -> None:
    evaluation = fakes.make_evaluation("<script>alert(1)</script>.mp4")
    hostile = replace(
        evaluation.columns[2],
        label="</style><b>x",
        missing={"ssim": ('"><img src=x>',)},
        method={"what": ("<i>",)},
    )
    evaluation = replace(evaluation, columns=(*evaluation.columns[:2], hostile))
    text = render_page(evaluation, make_table(evaluation, fakes.by_name(), {}), fakes.entries(), Gallery(shown="none"))
    assert "<script>alert" not in text
    assert "</style><b>" not in text
    assert "<img src=x" not in text
    assert "<i>" not in text


def test_originals_are_shown_on_request_only_and_with_a_warning() -> None:
    shown = gallery("results")
    assert "original" in shown.withheld
    assert all("original" not in strip.sheets for strip in shown.strips)
    assert ORIGINALS_WARNING not in page(shown)
    on_request = gallery("originals")
    assert all("original" in strip.sheets for strip in on_request.strips)
    text = page(on_request)
    assert ORIGINALS_WARNING in text
    assert "<title>NOT FOR PUBLICATION" in text


def test_a_result_that_leaves_people_visible_is_not_shown() -> None:
    evaluation = fakes.make_evaluation()
    copy = replace(evaluation.columns[0], label="copy")
    unknown = replace(evaluation.columns[2], label="unknown", tallies={})
    evaluation = replace(evaluation, columns=(*evaluation.columns, copy, unknown))
    withheld = withheld_columns(evaluation, make_table(evaluation, fakes.by_name(), {}), "results")
    assert set(withheld) == {"original", "copy", "unknown"}
    assert "leaves people visible" in withheld["copy"]


def test_pictures_that_do_not_fit_are_left_out() -> None:
    full = gallery()
    size = len(full.cases[0].picture or "") + sum(map(len, full.strips[0].sheets.values()))
    strips, cases = fit(full.strips, full.cases, size)
    assert [strip.plan for strip in strips] == [full.strips[0].plan]
    assert cases[0].picture is not None
    strips, cases = fit(full.strips, full.cases, 0)
    assert not strips
    assert cases[0].picture is None


def test_players_show_the_frames_they_say() -> None:
    strip = gallery().strips[1]
    assert len(strip.plan.windows) == len(CLIP.bundle.tracks[0])
    sizes = {(right - left, bottom - top) for left, top, right, bottom in strip.plan.windows.values()}
    assert len(sizes) == 1, "nobody is stretched"


@pytest.mark.parametrize("num_frames", [1, 2])
def test_tiny_clips(num_frames: int) -> None:
    clip = make_walker_clip(num_frames=num_frames, width_px=31, height_px=17)
    plans = [plan_scene("c", clip.bundle)]
    plans += [plan_track("c", clip.bundle, track, around_frame=None, why="") for track in clip.bundle.tracks]
    collector = Collector(strips=tuple(plans), cases=())
    for frame in clip.frames():
        collector.see("ours", frame.index, frame.rgb)
    strips, _ = collector.finish()
    assert all(strip.sheets["ours"].startswith("data:image/webp;base64,") for strip in strips)


def test_a_report_without_pictures_still_has_everything_else() -> None:
    text = page(Gallery(shown="none", note="no pictures"))
    for part in ("verdict", "table", "distributions", "timelines", "method", "limits"):
        assert f'id="{part}"' in text, part
    assert "no pictures" in text


def test_a_section_on_anomaly_detection_is_there_only_if_given() -> None:
    evaluation = fakes.make_evaluation()
    table = make_table(evaluation, fakes.by_name(), {})
    section = '<section id="anomaly"><h2>Unusual events</h2></section>'
    text = render_page(evaluation, table, fakes.entries(), Gallery(shown="none"), anomaly=section)
    assert text.count(section) == 1
    assert text.index('id="table"') < text.index(section) < text.index('id="limits"')
    assert 'href="#anomaly"' in text
    assert "anomaly" not in page()
