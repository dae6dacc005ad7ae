"""Variants in video files, and names of videos that try to be markup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.anomaly.config import preset
from bodydouble.anomaly.data import DataSet, TestClips, TestVideo, TrainingClips
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.table.figures import Figures
from bodydouble.anomaly.table.page import render_page, render_section
from bodydouble.anomaly.table.report import AboutData, Report, make_report
from bodydouble.anomaly.table.text import to_latex, to_markdown
from bodydouble.anomaly.table.variants import OpenVariants, Variant, digest_of, open_variants
from bodydouble.errors import InputError
from bodydouble.scene import SilentProgress
from tests.unit.anomaly.helpers import InMemory
from tests.unit.anomaly_table.helpers import LABELS, record, truth_of


def write_videos(root: Path, *, frames: int, labels: bool) -> Path:
    for half in ("training", "testing"):
        folder = root / half / "videos"
        folder.mkdir(parents=True)
        writer = cv2.VideoWriter(str(folder / "01.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for index in range(frames):
            writer.write(np.full((48, 64, 3), 10 * index, np.uint8))
        writer.release()
    if labels:
        (root / "frame_labels.json").write_text(json.dumps({"01": [0] * (frames - 2) + [1, 1]}))
    return root


class Counted(SilentProgress):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []

    def start(self, stage: str, total: int) -> None:
        self.stages.append((stage, total))


def opened(root: Path, progress: Counted) -> OpenVariants:
    return open_variants(
        root / "data",
        [Variant(name="original", path=root / "data"), Variant(name="ours", path=root / "ours")],
        kind="synth",
        labels_from=None,
        counts=root / "table.work" / "counts.json",
        progress=progress,
    )


def test_video_files_are_counted_once(tmp_path: Path) -> None:
    write_videos(tmp_path / "data", frames=6, labels=True)
    write_videos(tmp_path / "ours", frames=6, labels=False)
    first, second = Counted(), Counted()
    found = opened(tmp_path, first)
    assert first.stages == [("counting frames of original", 2), ("counting frames of ours", 2)]
    assert list(found.data) == ["original", "ours"]
    # The variant is judged by the labels of the original.
    assert found.data["ours"].testing.videos[0].labels.tolist() == [False] * 4 + [True] * 2
    assert digest_of(found.data["ours"].training) != digest_of(found.original.training)
    opened(tmp_path, second)
    assert not second.stages


def test_video_files_of_other_lengths(tmp_path: Path) -> None:
    write_videos(tmp_path / "data", frames=6, labels=True)
    write_videos(tmp_path / "ours", frames=5, labels=False)
    with pytest.raises(InputError, match="training clip 01 has 5 frames, not 6; test clip 01 has 5 frames, not 6"):
        opened(tmp_path, Counted())


def test_labels_are_part_of_what_a_run_was_made_of() -> None:
    assert digest_of(truth_of(LABELS)) == digest_of(truth_of(LABELS.copy()))
    assert digest_of(truth_of(LABELS)) != digest_of(truth_of(~LABELS))


def report_of(video: str) -> Report:
    figures = Figures(protocol=Protocol())
    for made in (record("original", 0, raw=[1, 2, 3, 4]), record("a_b", 0, raw=[1, 3, 2, 4], own=[4, 1, 2, 3])):
        tests = {test: {video: videos["a"]} for test, videos in made.tests.items()}
        figures.records[made.job] = replace(made, tests=tests)
    footage = InMemory(name=video, count=5)
    return make_report(
        figures,
        about=AboutData.of(
            DataSet(
                kind="synth",
                training=TrainingClips(videos=(footage,)),
                testing=TestClips(videos=(TestVideo(footage=footage, labels=LABELS),)),
                remarks=("half | of <it>",),
            )
        ),
        detectors=("unet",),
        variants=("original", "a_b"),
        seeds=1,
        preset="cpu",
        configs={"unet": preset("unet", "cpu")},
        failed=("unet.x.seed0: a & b",),
        checks=(),
    )


def test_names_are_no_markup() -> None:
    report = report_of("<script>1</script>")
    page = render_page(report)
    assert "<script>" not in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert render_section(report).strip() in page
    assert "| original | a\\_b |" in to_markdown(report)
    assert "half \\| of &lt;it>" in to_markdown(report)
    latex = to_latex(report)
    assert r"a\_b" in latex
    # Remarks are comments there, so that no character of theirs can break the table.
    assert all(line.startswith("%") for line in latex.splitlines() if "a & b" in line or "<it>" in line)


def test_the_best_anonymized_variant_is_bold_in_latex_and_never_the_original() -> None:
    rows = [line for line in to_latex(report_of("a")).splitlines() if line.startswith("plain U-Net")]
    assert len(rows) == 2
    for line, best in zip(rows, ("75.0", "50.0"), strict=True):
        original, variant = line.removesuffix(r" \\").split(" & ")[1:]
        assert original == "100.0"
        assert variant.startswith(rf"\textbf{{{best}")
