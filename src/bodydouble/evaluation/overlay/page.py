"""The page: one HTML file that needs no network and no script; only the video lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from bodydouble.evaluation.overlay.charts import histograms, timeline
from bodydouble.evaluation.overlay.facts import GUESSED, PAINTED_OUT, PLAYED, STATE_NAMES, WEAK, gather, summarize
from bodydouble.evaluation.overlay.people import WARNING
from bodydouble.evaluation.overlay.plates import PlateView
from bodydouble.scene import SceneBundle


@dataclass(frozen=True, kw_only=True)
class Still:
    """A frame of the overlay video on the page."""

    frame_index: int
    seconds: float
    picture: str
    """Data URI."""


def render_page(bundle: SceneBundle, *, plates: Sequence[PlateView], stills: Sequence[Still], video_name: str) -> str:
    """Write the page.

    Args:
        bundle: what perception made of the clip.
        plates: pictures of the background.
        stills: frames of the video.
        video_name: file name of the video, which lies beside the page.

    Returns:
        HTML; everything that comes from file names or from the bundle is escaped.
    """
    facts = gather(bundle)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        resources.files("bodydouble.evaluation.overlay").joinpath("page.html.j2").read_text(encoding="utf-8")
    )
    start = bundle.video.pts_seconds(0)
    return template.render(
        warning=WARNING,
        facts=facts,
        sentences=summarize(facts),
        plates=plates,
        # Players count from the first frame, clips need not.
        stills=[(still, max(0.0, still.seconds - start)) for still in stills],
        video_url=quote(video_name),
        video_name=video_name,
        timeline=timeline(facts, bundle),
        histograms=histograms(bundle),
        state_classes={number: name.replace(" ", "-") for number, name in enumerate(STATE_NAMES)},
        legend=[PLAYED, GUESSED, WEAK, PAINTED_OUT],
    )
