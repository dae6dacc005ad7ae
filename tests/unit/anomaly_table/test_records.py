"""Runs as files, settings as words, scores as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodydouble.anomaly.config import DETECTORS, preset
from bodydouble.anomaly.overrides import configs, detector_names
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.score_files import write_scores
from bodydouble.anomaly.scores import VideoTerms, combined
from bodydouble.anomaly.table.record import Job, check_same, made_of, read_record, write_record
from bodydouble.anomaly.table.variants import parse_variants
from bodydouble.errors import ConfigError, InputError, OutputError, UsageError
from tests.unit.anomaly_table.helpers import record


def test_a_run_is_read_as_it_was_written_to_the_last_bit(tmp_path: Path) -> None:
    # What a detector gives: float32, in all orders of magnitude.
    values = np.exp(np.random.default_rng(0).uniform(-30, 3, 4)).astype(np.float32).astype(np.float64)
    made = record("ours", 3, raw=values, own=values[::-1])
    made = replace(made, tests={**made.tests, "raw": {"a": replace(made.tests["raw"]["a"], feature=values)}})
    write_record(tmp_path / "run.json", made)
    found = read_record(tmp_path / "run.json", made.job)
    assert found.job == made.job
    assert (found.seconds, found.parameters, found.made_of) == (1.5, 7, made.made_of)
    for test, videos in made.tests.items():
        for name, terms in videos.items():
            again = found.tests[test][name]
            assert again.first == 1
            for part in ("labels", "frame", "patch", "feature"):
                before, after = getattr(terms, part), getattr(again, part)
                assert (before is None and after is None) or np.array_equal(before, after)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"labels"', '"lables"'),
        lambda text: text.replace("0011", "001"),
        lambda text: text.replace("bodydouble-anomaly-run 1", "bodydouble-anomaly-run 0"),
        lambda text: text.replace('"seed": 0', '"seed": 1'),
    ],
)
def test_damaged_and_exchanged_runs_are_refused(spoil: object, tmp_path: Path) -> None:
    made = record("ours", 0, raw=[1, 2, 3, 4])
    path = tmp_path / "run.json"
    write_record(path, made)
    text = path.read_text()
    path.write_text(spoil(text))  # type: ignore[operator]
    with pytest.raises(InputError, match=r"run\.json"):
        read_record(path, made.job)


def test_a_run_of_other_settings_names_them_and_ignores_where_it_ran() -> None:
    job = Job(seed=0, detector="lntra", variant="ours")
    config = preset("lntra", "cpu")
    protocol = Protocol().resolved("lntra")
    made = replace(record("ours", 0), job=job, made_of=made_of(job, config, protocol, "t", {"raw": "r"}))
    here = replace(config, device="cuda", threads=7, save_every_steps=9)
    check_same(made, made_of(job, here, protocol, "t", {"raw": "r"}), Path("run.json"))
    other = made_of(job, replace(config, epochs=99, jumps=(2,)), protocol, "u", {"raw": "r", "own": "o"})
    with pytest.raises(UsageError) as caught:
        check_same(made, other, Path("run.json"))
    for part in (
        f"epochs {config.epochs} (now 99)",
        "jumps [3, 4, 5] (now [2])",
        "training_footage t (now u)",
        "own None (now o)",
    ):
        assert part in str(caught.value)


def test_what_the_memory_does_while_tested_is_part_of_a_run() -> None:
    job, config = Job(seed=0, detector="mnad-pred", variant="ours"), preset("mnad-pred", "cpu")
    ways = [
        made_of(job, config, Protocol(memory_update=way, update_threshold=at).resolved("mnad-pred"), "t", {})
        for way, at in (("off", 0.1), ("off", 0.2), ("per-video", 0.1), ("per-video", 0.2))
    ]  # type: ignore[arg-type]
    assert ways[0] == ways[1]
    assert ways[2] != ways[3]
    assert ways[0] != ways[2]


def test_settings_in_words() -> None:
    found = configs(
        ("lntra", "lgn-net", "flow"), "cpu",
        ["epochs=3", "lntra.epochs=2", "jumps=2,7", "precision=float32", "lgn-net.detach_addressing=true", "channels=3"],
        threads=2, device="cuda",
    )  # fmt: skip
    assert (found["lntra"].epochs, found["lgn-net"].epochs, found["flow"].epochs) == (2, 3, 0)
    assert found["lntra"].jumps == (2, 7)  # type: ignore[attr-defined]
    assert found["lgn-net"].detach_addressing is True  # type: ignore[attr-defined]
    assert {config.channels for config in found.values()} == {3}
    assert {(config.threads, config.device) for config in found.values()} == {(2, "cuda")}
    assert configs(DETECTORS, "paper") == {name: preset(name, "paper") for name in DETECTORS}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["epochs"], "sets nothing"),
        (["=3"], "'' is no setting"),
        (["mpn.epochs=3"], "no detector 'mpn' is to be run"),
        (["lntra.patch_px=3"], "'patch_px' is no setting of lntra"),
        (["precision=float16"], "allowed is float32, bfloat16"),
        (["size_px=65"], "multiple of 16"),
        (["widths=a"], "widths cannot be 'a'"),
    ],
)
def test_settings_that_make_no_sense(settings: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configs(("lntra", "flow"), "cpu", settings)


def test_names_of_detectors() -> None:
    assert detector_names("all") == DETECTORS
    assert detector_names(" lntra , mnad-pred,lntra") == ("mnad-pred", "lntra")
    for text in ("", ",", "all,lntra", "MPN"):
        with pytest.raises(ConfigError, match="there are mnad-pred"):
            detector_names(text)
    with pytest.raises(ConfigError, match="no preset 'gpu'"):
        configs(("flow",), "gpu")


def test_names_of_variants() -> None:
    found = parse_variants("original, ours=a=b/c ,blurred=d", Path("data"))
    assert [(variant.name, str(variant.path)) for variant in found] == [
        ("original", "data"), ("ours", "a=b/c"), ("blurred", "d"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="bodydouble baseline blur data"):
        parse_variants("original,blurred", Path("data"))


def test_scores_of_videos_with_odd_names_and_without_features(tmp_path: Path) -> None:
    made = record("original", 0, raw=[1, 2, 3, 4]).tests["raw"]["a"]
    normal = VideoTerms(
        first=1, labels=np.zeros(3, np.bool_), frame=np.array([1.0, 2, 4]), patch=np.ones(3), feature=None
    )
    scores = combined("unet", {"Test 1/a": made, "b": normal}, Protocol())
    write_scores(scores, tmp_path / "scores", remarks=("half of it",))
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["Test_1_a.csv", "b.csv", "scores.json"]
    assert (tmp_path / "scores" / "Test_1_a.csv").read_text().splitlines()[1] == "1,0,0,1,1,"
    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert summary["without_own_auc"] == ["b"]
    assert summary["remarks"] == ["half of it"]
    assert summary["videos"]["Test 1/a"] == {"auc": 1.0, "first_scored_frame": 1, "frames": 4, "abnormal": 2}
    with pytest.raises(OutputError, match="exists already"):
        write_scores(scores, tmp_path / "scores")
    write_scores(scores, tmp_path / "scores", overwrite=True)
    with pytest.raises(OutputError, match="create it first"):
        write_scores(scores, tmp_path / "no" / "scores")
