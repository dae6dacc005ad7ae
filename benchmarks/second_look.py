"""How the finder's score and the per-person network's opinion are weighed: the numbers of `joint_score` and `sure_score`.

    python benchmarks/second_look.py

Candidates of single frames of the recorded clips are matched with the ground truth (PETS, TUD; IoU 0.5) or, where there
is none, with the referee's people (IoU 0.3), and a logistic regression says how probably a candidate is one of them. Every
clip weighs the same. The referee misses people and sees some who are not there, so on its clips the offset is a compromise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bodydouble.evaluation.ground_truth import read_mot
from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.referee import Referee
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.geometry import suppress
from bodydouble.perception.networks import weights_folder
from bodydouble.perception.people.judging import SURE_SCORE, joint_score, log_odds
from bodydouble.perception.people.rendered import RenderedPeopleFinder, distinct
from bodydouble.perception.person_backends import make_rendered_reader
from bodydouble.scene.skeleton import BODY_JOINTS
from bodydouble.video_io import open_source

CLIPS: dict[str, tuple[str, int]] = {
    "pets": ("pets09_s2l1/vtest.avi", 40), "tud": ("tud_campus/TUD-Campus.mp4", 3),
    "avenue 16": ("avenue/training_videos/16.avi", 40), "avenue 20": ("avenue/testing_videos/20.avi", 25),
    "avenue 21": ("avenue/testing_videos/21.avi", 10), "crowd": ("clips/swdee_people-walking.mp4", 25),
    "pan": ("clips/tvquynh_walking.mp4", 30), "indoor": ("clips/intel_one-by-one-person-detection.mp4", 60),
}  # fmt: skip
"""Clip and distance of its frames."""
_MOST_FRAMES = 26

Array = NDArray[np.float64]


def frames(data: Path, name: str, referee: Referee) -> Iterator[tuple[NDArray[np.uint8], Array, float]]:
    """Frames of a clip, the boxes of its people, and the overlap at which a candidate is one of them."""
    path, every = data / CLIPS[name][0], CLIPS[name][1]
    truth = read_mot(path.parent / "gt.txt") if (path.parent / "gt.txt").is_file() else None
    with open_source(path) as source:
        for frame in source.frames(0, min(_MOST_FRAMES * every, source.geometry.num_frames)):
            if frame.index % every:
                continue
            if truth is None:
                yield frame.rgb, referee.find(frame.rgb)[0].astype(np.float64), 0.3
            else:
                people = [(b.left_px, b.top_px, b.width_px, b.height_px) for b in truth.at(frame.index)]
                boxes = np.array(people, np.float64).reshape(-1, 4)
                yield frame.rgb, np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 0.5


def opinions(data: Path, name: str, referee: Referee) -> tuple[Array, NDArray[np.bool_]]:
    """Candidates ``(N, 4)`` of a clip: logits of finder and per-person network, mean joint score, 1; and who is one."""
    config = PerceptionConfig(threads=1)
    judge = make_rendered_reader(config)
    finder = RenderedPeopleFinder(replace(config.people, score=0.0), folder=weights_folder(""), judge=judge)
    rows, right = [np.zeros((0, 4))], [np.zeros(0, bool)]
    for rgb, people, least in frames(data, name, referee):
        boxes, scores = distinct(*finder.candidates(rgb))
        presence, joint_scores = judge.opinions(rgb, boxes)
        kept = suppress(boxes, joint_score(scores, presence, joint_scores), config.people.nms_overlap)
        shares = overlaps(boxes[kept].astype(np.float64), people)
        hits, taken = np.zeros(len(kept), bool), np.zeros(len(people), bool)
        for row in range(len(kept)):
            free = np.where(taken, 0.0, shares[row]) if len(people) else np.zeros(1)
            if free.max() >= least:
                hits[row] = taken[free.argmax()] = True
        joints = joint_scores[kept][:, list(BODY_JOINTS)].mean(axis=1)
        rows.append(np.c_[log_odds(scores[kept]), log_odds(presence[kept]), joints, np.ones(len(kept))])
        right.append(hits)
    return np.concatenate(rows), np.concatenate(right)


def fit(rows: Array, right: NDArray[np.bool_], weights: Array) -> Array:
    """Weights of the three opinions and the offset, ``(4,)``."""

    def loss(numbers: Array) -> float:
        value = rows @ numbers
        return float((weights * (np.logaddexp(0, value) - right * value)).mean() + 1e-3 * (numbers[:3] ** 2).sum())

    return np.asarray(minimize(loss, np.zeros(4)).x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data: Path = parser.parse_args().data
    referee = Referee(data / "models/yolox_nano_416x416.onnx")
    seen = {}
    for name in CLIPS:
        seen[name] = opinions(data, name, referee)
        print(f"{name}: {len(seen[name][1])} candidates", file=sys.stderr, flush=True)
    rows, right = (np.concatenate([pair[part] for pair in seen.values()]) for part in (0, 1))
    weights = np.concatenate([np.full(len(pair[1]), len(right) / len(seen) / len(pair[1])) for pair in seen.values()])
    numbers = fit(rows, right, weights)
    print("finder {:.2f}, person {:.2f}, joints {:.2f}, offset {:.2f}".format(*numbers))
    sure = rows[rows[:, 0] >= log_odds(np.array([SURE_SCORE], np.float32))[0]]
    said = sure @ numbers
    line = np.linalg.lstsq(sure[:, [0, 3]], said, rcond=None)[0]
    lowest = 1 / (1 + np.exp(-said.min()))
    print(
        f"where the finder is sure: finder {line[0]:.2f}, offset {line[1]:.2f}; the second look's lowest score "
        f"{lowest:.2f}, below 0.5 for {np.count_nonzero(said < 0)} of {len(said)}"
    )
    for name, (own, hits) in seen.items():
        sure = own @ numbers > 0
        others = np.concatenate([np.full(len(pair[1]), key != name) for key, pair in seen.items()])
        without = own @ fit(rows[others], right[others], weights[others]) > 0
        print(
            f"{name:10s} at 0.5: {hits[sure].sum() / max(hits.sum(), 1):.3f} of the people among the candidates, precision "
            f"{hits[sure].mean():.3f}; fitted without this clip: {hits[without].sum() / max(hits.sum(), 1):.3f}, "
            f"{hits[without].mean():.3f}"
        )


if __name__ == "__main__":
    main()
