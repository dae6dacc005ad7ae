"""Scoring: which frame gets which score, what a memory may learn, and that a real anomaly is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bodydouble.anomaly.config import DETECTORS
from bodydouble.anomaly.data import TestClips, TestVideo, TrainingClips
from bodydouble.anomaly.detectors import kind_of
from bodydouble.anomaly.evaluate import score
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import combined
from bodydouble.anomaly.train import train
from bodydouble.errors import InputError
from tests.unit.anomaly.helpers import InMemory, tiny


def video(name: str, count: int = 30, fast_from: int = 20, seed: int = 7) -> TestVideo:
    footage = InMemory(name=name, count=count, fast_from=fast_from, seed=seed, size=(64, 64))
    return TestVideo(footage=footage, labels=np.arange(count) >= fast_from)


TRAINING = TrainingClips(videos=(InMemory(name="a", count=30, size=(64, 64)),))
TESTING = TestClips(videos=(video("x"), video("y", count=25, fast_from=25, seed=8)))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    work = tmp_path_factory.mktemp("checkpoints")
    return {
        name: train(name, tiny(name, clips_per_epoch=8), TRAINING, work / name, seed=1, cache=work / "cache")
        for name in DETECTORS
    }


@pytest.mark.parametrize("detector", DETECTORS)
def test_scores_lie_on_the_frames_they_belong_to(detector: str, checkpoints: dict[str, Path]) -> None:
    found = score(checkpoints[detector], TESTING)
    kind = kind_of(detector)
    assert list(found.videos) == ["x", "y"]
    for one in TESTING.videos:
        scored = found.videos[one.footage.name]
        assert scored.first == kind.scored_frame
        assert len(scored.scores) == len(one.labels) - kind.clip_frames + 1
        np.testing.assert_array_equal(scored.labels, one.labels[scored.first : scored.first + len(scored.scores)])
        assert np.isfinite(scored.scores).all()
    assert found.without_auc == ("y",)
    assert 0 <= found.micro_auc <= 1
    assert found.protocol == Protocol().resolved(detector)


def test_the_fast_one_is_found_without_training(checkpoints: dict[str, Path]) -> None:
    assert score(checkpoints["flow"], TESTING).macro_auc > 0.9


def test_twice_the_same(checkpoints: dict[str, Path]) -> None:
    first, second = (score(checkpoints["mnad-pred"], TESTING) for _ in range(2))
    for name in first.videos:
        np.testing.assert_array_equal(first.videos[name].scores, second.videos[name].scores)


def test_batches_do_not_matter(checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first = score(checkpoints["mpn"], TESTING)
    monkeypatch.setattr("bodydouble.anomaly.evaluate.BATCH", 3)
    second = score(checkpoints["mpn"], TESTING)
    for name in first.terms:
        np.testing.assert_allclose(first.terms[name].frame, second.terms[name].frame, rtol=1e-4)


def test_terms_serve_another_protocol(checkpoints: dict[str, Path]) -> None:
    other = Protocol(normalisation="global", smoothing_sigma_frames=1.0)
    first = score(checkpoints["lntra"], TESTING)
    again = combined("lntra", first.terms, other)
    direct = score(checkpoints["lntra"], TESTING, protocol=other)
    assert again.micro_auc == direct.micro_auc
    assert again.protocol == direct.protocol


def test_what_a_memory_learns_between_videos(checkpoints: dict[str, Path]) -> None:
    def features(order: tuple[int, ...], update: str) -> np.ndarray:
        testing = TestClips(videos=tuple(TESTING.videos[i] for i in order))
        chosen = Protocol(memory_update=update, update_threshold=1.0)  # type: ignore[arg-type]
        return score(checkpoints["mnad-pred"], testing, protocol=chosen).terms["x"].feature  # type: ignore[return-value]

    off, each, carried = (features((0, 1), update) for update in ("off", "per-video", "across-videos"))
    np.testing.assert_array_equal(each, carried)  # x comes first
    assert each[0] == pytest.approx(off[0], rel=1e-5)  # judged before it is learnt from
    assert not np.allclose(each[1:], off[1:], rtol=1e-6)
    np.testing.assert_array_equal(features((1, 0), "per-video"), each)
    assert not np.allclose(features((1, 0), "across-videos"), carried, rtol=1e-6)


def test_frames_above_the_threshold_are_not_learnt_from(checkpoints: dict[str, Path]) -> None:
    never = Protocol(memory_update="per-video", update_threshold=0.0)
    off = Protocol(memory_update="off")
    first, second = (score(checkpoints["mnad-pred"], TESTING, protocol=p).terms["x"].feature for p in (never, off))
    np.testing.assert_allclose(first, second, rtol=1e-4)


def test_labels_that_do_not_fit(checkpoints: dict[str, Path]) -> None:
    wrong = TestClips(videos=(replace(TESTING.videos[0], labels=np.arange(29) > 20),))
    with pytest.raises(InputError, match="x has 30 frames and 29 labels"):
        score(checkpoints["unet"], wrong)


def test_a_video_shorter_than_a_clip(checkpoints: dict[str, Path]) -> None:
    short = TestClips(videos=(*TESTING.videos, video("z", count=10, fast_from=5)))
    with pytest.raises(InputError, match="the video z has no frame"):
        score(checkpoints["lntra"], short)


def test_held_memory_does_not_grow_with_the_video(checkpoints: dict[str, Path]) -> None:
    # Clips alive at any time are those of one batch: the stream is never collected.
    import gc

    def clips_alive() -> int:
        return sum(isinstance(o, torch.Tensor) and o.ndim == 5 for o in gc.get_objects())

    most, before = 0, clips_alive()

    class Watched(InMemory):
        def frames(self):
            nonlocal most
            for index, frame in enumerate(super().frames()):
                if index % 20 == 0:
                    gc.collect()
                    most = max(most, clips_alive() - before)
                yield frame

    footage = Watched(name="long", count=120, fast_from=100, size=(64, 64))
    testing = TestClips(videos=(TestVideo(footage=footage, labels=np.arange(120) >= 100),))
    score(checkpoints["unet"], testing)
    assert most <= 2
