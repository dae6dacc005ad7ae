"""The page says what is so, in any browser, without a network, whatever names come with the clip."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bodydouble.evaluation.overlay.charts import histograms, timeline
from bodydouble.evaluation.overlay.facts import GAP, GUESSED, PAINTED_OUT, PLAYED, WEAK, gather, states_of, summarize
from bodydouble.evaluation.overlay.page import Still, render_page
from bodydouble.evaluation.overlay.plates import jpeg_uri, mark_guessed, plate_views
from bodydouble.scene import CameraMotion, SceneBundle
from bodydouble.scene.plate_files import PlateReader
from bodydouble.testing import WalkerClip, make_walker_clip, random_bundle
from tests.unit.evaluation.overlay.conftest import crowd, judged

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes; complains about what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def count(self, tag: str, kind: str = "") -> int:
        return sum(name == tag and kind in [*(attrs.get("class") or "").split(), ""] for name, attrs in self.elements)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(bundle: SceneBundle, plate: Path | None = None, video_name: str = "look.mp4") -> Page:
    views = plate_views(PlateReader(plate), bundle.video) if plate else ()
    still = Still(frame_index=0, seconds=0.0, picture=jpeg_uri(np.zeros((4, 6, 3), np.uint8), most_width_px=3))
    return Page(render_page(bundle, plates=views, stills=[still], video_name=video_name))


def test_structure(clip: WalkerClip, plate: Path) -> None:
    page = page_of(judged(clip.bundle), plate)
    assert page.elements[0][0] == "html"
    ids = [attrs["id"] for tag, attrs in page.elements if tag == "section"]
    assert ids == ["summary", "film", "stills", "plates", "timeline", "histograms", "tracks"]
    assert page.count("tr") == 3
    assert page.count("div", "track") == 2
    assert page.count("div", "histogram") == 4
    assert page.count("img") == 1 + 2 * 2
    assert page.count("header", "alarm") == 1
    assert page.text.count("NOT ANONYMIZED") == 2  # title and header
    assert "50.0 % seen free of people, the striped rest is guessed" in page.text
    assert "100.0 % seen free of people" in page.text


def test_nothing_is_fetched_and_nothing_runs(clip: WalkerClip, plate: Path) -> None:
    bundle = dataclasses.replace(clip.bundle, clip_name="straße 1.mp4")
    page = page_of(bundle, plate, "straße #1?.mp4")
    assert page.count("script") == page.count("link") == page.count("iframe") == 0
    for tag, attrs in page.elements:
        for name in ("src", "href", "poster"):
            value = attrs.get(name)
            if value is not None:
                assert value.startswith(("data:image/jpeg;base64,", "stra%C3%9Fe%20%231%3F.mp4")), (tag, value[:60])
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    policy = [attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert str(policy[0]).startswith("default-src 'none'")


def test_names_from_outside_are_escaped(clip: WalkerClip) -> None:
    evil = "<script>alert(1)</script>\"'"
    bundle = dataclasses.replace(judged(clip.bundle), clip_name=evil, producer=evil)
    tracks = tuple(dataclasses.replace(t, reason=evil if not t.play.all() else "") for t in bundle.tracks)
    page = page_of(dataclasses.replace(bundle, tracks=tracks))
    assert page.count("script") == 0
    assert page.text.count("<script>alert(1)") == 5  # title, heading, producer, summary, table


def test_figures(clip: WalkerClip) -> None:
    facts = gather(judged(clip.bundle))
    one, two = facts.tracks
    assert (facts.num_frames, facts.most_at_once, facts.empty_frames) == (24, 2, 0)
    assert facts.seconds == pytest.approx(24 / 25)
    assert (one.verdict, two.verdict) == ("played", "partly painted out")
    assert two.played_share == pytest.approx(12 / two.num_frames)
    assert two.guessed_share == pytest.approx(3 / two.num_frames)
    assert two.box_score == pytest.approx(0.95)
    assert facts.reasons == (("mean joint score below 0.35", 1),)
    heights = np.diff(clip.bundle.tracks[0].boxes_xyxy_px[:, [1, 3]], axis=1)
    assert one.height_px == pytest.approx(np.median(heights))
    words = " ".join(summarize(facts))
    assert "2 tracks in 24 frames" in words
    assert "mean joint score below 0.35 (1 track)" in words


def test_states(clip: WalkerClip) -> None:
    track = judged(clip.bundle).tracks[1]
    hidden = dataclasses.replace(
        track, visible_fraction=np.where(np.arange(len(track)) == 6, 0.2, 1).astype(np.float32)
    )
    states = states_of(hidden)
    assert states[:3].tolist() == [GUESSED] * 3
    assert states[5:8].tolist() == [PLAYED, WEAK, PLAYED]
    assert set(states[12:].tolist()) == {PAINTED_OUT}


def test_gaps_stay_gaps(clip: WalkerClip) -> None:
    track = clip.bundle.tracks[0]
    late = np.where(np.arange(len(track)) >= 10, track.frame_indices + 10, track.frame_indices)
    video = make_walker_clip(num_frames=40).geometry
    camera = CameraMotion(to_reference=np.tile(np.eye(3), (40, 1, 1)))
    gappy = dataclasses.replace(
        clip.bundle, tracks=(dataclasses.replace(track, frame_indices=late),), video=video, camera=camera
    )
    facts = gather(gappy)
    assert [run.state for run in facts.tracks[0].runs] == [PLAYED, GAP, PLAYED]
    assert [run.last_frame - run.first_frame + 1 for run in timeline(facts, gappy).lines[0]] == [10, len(track) - 10]


def test_long_clips_make_no_wider_timeline_and_show_the_worst() -> None:
    frames = 6000
    base = make_walker_clip(num_frames=1).bundle
    track = base.tracks[0]
    repeated = {
        name: np.repeat(getattr(track, name), frames, axis=0)
        for name in (
            "boxes_xyxy_px",
            "box_scores",
            "joints_xy_px",
            "joint_scores",
            "joint_visibility",
            "visible_fraction",
            "play",
        )
    }
    repeated["play"][3333] = False
    long_track = dataclasses.replace(
        track,
        frame_indices=np.arange(frames, dtype=np.int64),
        silhouettes=dataclasses.replace(
            track.silhouettes,
            windows_xyxy_px=np.repeat(track.silhouettes.windows_xyxy_px, frames, axis=0),
            bits=track.silhouettes.bits * frames,
        ),
        **repeated,
    )
    video = dataclasses.replace(base.video, pts_ticks=tuple(range(frames)))
    camera = CameraMotion(to_reference=np.tile(np.eye(3), (frames, 1, 1)))
    bundle = dataclasses.replace(base, tracks=(long_track,), video=video, camera=camera)
    lines = timeline(gather(bundle), bundle)
    assert lines.columns == 600
    (out,) = [run for run in lines.lines[0] if run.state == PAINTED_OUT]
    assert (out.first_frame, out.last_frame) == (333, 333)
    assert len(page_of(bundle).text) < 5000


def test_histograms_count_everybody_once(clip: WalkerClip) -> None:
    charts = histograms(judged(clip.bundle))
    sightings = sum(len(track) for track in clip.bundle.tracks)
    totals = [sum(int(bar.title.rsplit(" ", 1)[1]) for bar in chart.bars) for chart in charts]
    assert totals == [sightings - 3, sightings, sightings, sightings]
    assert all(0 <= bar.x < 1 and 0 < bar.height <= 1 for chart in charts for bar in chart.bars)


def test_nobody_is_said_in_words(clip: WalkerClip) -> None:
    page = page_of(dataclasses.replace(clip.bundle, tracks=()))
    assert "Nobody was found in 24 frames" in page.text
    assert page.count("table") == 0


@pytest.mark.parametrize("seed", range(4))
def test_bundles_as_odd_as_the_format_allows(seed: int) -> None:
    page = page_of(random_bundle(seed, num_frames=1 + seed))
    assert page.count("tr") == 3
    assert not re.search(r"\bnan\b", page.text)


def test_a_crowd_stays_a_small_page(clip: WalkerClip) -> None:
    bundle = crowd(clip.bundle, 300)
    text = render_page(bundle, plates=(), stills=(), video_name="look.mp4")
    assert len(text) < 800_000
    assert Page(text).count("div", "track") == 300


def test_guessed_parts_are_marked_and_no_others() -> None:
    rgb = np.full((40, 60, 3), 120, np.uint8)
    valid = np.ones((40, 60), np.bool_)
    valid[10:30, 20:50] = False
    changed = (mark_guessed(rgb, valid) != rgb).any(axis=-1)
    assert not changed[valid].any()
    assert 0.4 < changed[~valid].mean() < 0.7
    assert (rgb == 120).all()
