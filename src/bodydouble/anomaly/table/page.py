"""The table as one HTML file that needs no network and no script; its section can be put into another report."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from bodydouble.anomaly.table import quoted
from bodydouble.anomaly.table.curves import HEIGHT, WIDTH
from bodydouble.anomaly.table.figures import TITLES
from bodydouble.anomaly.table.report import Report
from bodydouble.anomaly.table.text import NOTHING, READING, show


def render_page(report: Report) -> str:
    """Write the page; names of folders and videos are escaped."""
    return _render("page.html.j2", report)


def render_section(report: Report) -> str:
    """Write the ``<section>`` alone, with its style, for another page."""
    return _render("section.html.j2", report)


def _render(template: str, report: Report) -> str:
    environment = Environment(
        loader=PackageLoader("bodydouble.anomaly.table", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        report=report,
        quoted=quoted,
        titles=TITLES,
        show=show,
        reading=READING,
        nothing=NOTHING,
        width=WIDTH,
        height=HEIGHT,
    )
