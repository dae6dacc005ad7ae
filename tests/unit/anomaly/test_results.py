"""Scores survive a file to the last bit; anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.results import read_scores, write_scores
from bodydouble.anomaly.scores import Scores, VideoTerms, combined
from bodydouble.errors import InputError


@pytest.fixture
def scores() -> Scores:
    rng = np.random.default_rng(0)

    def video(count: int, feature: bool) -> VideoTerms:
        return VideoTerms(
            first=4,
            labels=np.arange(count) % 3 == 0,
            frame=rng.random(count) / 3,
            patch=rng.random(count) / 7,
            feature=rng.random(count) if feature else None,
        )

    return combined("mpn", {"10": video(9, True), "2": video(7, True)}, Protocol(normalisation="global"))


def test_there_and_back(scores: Scores, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_scores(path, scores)
    back = read_scores(path)
    assert list(back.videos) == ["10", "2"]
    assert (back.detector, back.protocol) == (scores.detector, scores.protocol)
    assert (back.micro_auc, back.macro_auc, back.without_auc) == (scores.micro_auc, scores.macro_auc, ())
    for name in scores.videos:
        np.testing.assert_array_equal(back.videos[name].scores, scores.videos[name].scores)
        np.testing.assert_array_equal(back.videos[name].labels, scores.videos[name].labels)
        np.testing.assert_array_equal(back.terms[name].patch, scores.terms[name].patch)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda c: c.update(format=2),
        lambda c: c.pop("protocol"),
        lambda c: c["protocol"].update(unknown=1),
        lambda c: c["protocol"].update(frame_weight=2.0),
        lambda c: c["videos"]["2"]["frame"].pop(),
        lambda c: c["videos"]["2"]["frame"].__setitem__(0, float("nan")),
        lambda c: c["videos"]["2"]["frame"].__setitem__(0, "x"),
        lambda c: c.update(videos={}),
        lambda c: c.update(detector="gan"),
    ],
)
def test_refused(break_it, scores: Scores, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_scores(path, scores)
    content = json.loads(path.read_text())
    break_it(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"scores\.json"):
        read_scores(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scores"):
        read_scores(tmp_path / "absent.json")
