"""The page in a real browser: it runs its script, asks nobody for anything, and sorts. Skipped where there is none."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.evaluation.report.test_page import page

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
SECONDS = 240
"""A browser that hangs is killed; a busy machine may take a minute."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser (chromium)")

PROBE = """
<script>
const said = [];
addEventListener("error", (event) => said.push("error: " + event.message));
addEventListener("securitypolicyviolation", (event) => said.push("refused: " + event.blockedURI + event.violatedDirective));
addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.sortable");
  const order = () => [...table.querySelectorAll("tr[data-key]")].map((row) => row.dataset.key).join(" ");
  const head = [...table.tHead.rows[0].cells].find((cell) => cell.textContent.includes("ours"));
  said.push("before: " + order());
  head.querySelector("button").click();
  said.push("rising: " + order() + " / " + head.getAttribute("aria-sort"));
  head.querySelector("button").click();
  said.push("falling: " + order() + " / " + head.getAttribute("aria-sort"));
  const player = document.querySelector(".player");
  const time = player.querySelector("input.time"), cell = player.querySelector(".cell");
  const first = cell.style.backgroundPosition;
  time.value = "7"; time.dispatchEvent(new Event("input"));
  said.push("moved: " + (first !== cell.style.backgroundPosition) + " " + player.querySelector("output").textContent);
  const side = player.querySelector("select");
  side.selectedIndex = side.options.length - 1; side.dispatchEvent(new Event("change"));
  said.push("chosen: " + player.querySelector(".tag.left").textContent);
  said.push("asked: " + performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length);
  said.push("wide: " + (document.documentElement.scrollWidth > innerWidth));
  const note = document.createElement("pre");
  note.id = "said"; note.textContent = said.join("\\n"); document.body.append(note);
});
</script>
"""


def browse(path: Path, profile: Path, *options: str) -> str:
    assert BROWSER is not None
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
        "--v=0", f"--user-data-dir={profile}", *options, "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not console, console
    return done.stdout


@pytest.mark.parametrize("width", [1280, 500])
def test_in_a_browser(width: int, tmp_path: Path) -> None:
    # The page allows its own script only; the probe is let in beside it.
    text = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", page())
    path = tmp_path / "report.html"
    path.write_text(text.replace("</head>", f"{PROBE}</head>"), encoding="utf-8")
    dom = browse(path, tmp_path / "profile", f"--window-size={width},900")
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None, "the probe did not come to its end"
    said = dict(line.split(": ", 1) for line in found[1].splitlines())
    assert said.keys() == {"before", "rising", "falling", "moved", "chosen", "asked", "wide"}, said
    assert said["before"].split()[:3] == ["privacy.coverage.truth", "privacy.reid.net.rank1", "privacy.reid.weak.rank1"]
    rising, falling = said["rising"].split(" / "), said["falling"].split(" / ")
    assert rising[1] == "ascending"
    assert falling[1] == "descending"
    assert rising[0].split()[:3] == ["privacy.reid.weak.rank1", "privacy.reid.net.rank1", "privacy.coverage.truth"]
    assert falling[0].split()[:3] == ["privacy.coverage.truth", "privacy.reid.net.rank1", "privacy.reid.weak.rank1"]
    assert sorted(rising[0].split()[3:]) == sorted(said["before"].split()[3:]), "other groups stay where they are"
    assert said["moved"] == "true frame 14"
    assert said["chosen"] == "ours"
    assert said["asked"] == "0"
    assert said["wide"] == "false", "the page itself never scrolls sideways"


def test_the_page_as_it_is_runs_its_script_and_complains_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    dom = browse(path, tmp_path / "profile")
    assert re.search(r'<html[^>]*class="js"', dom), "its own policy lets its own script run"
