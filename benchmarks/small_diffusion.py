"""Bars of the small diffusion model: does it keep skeletons, words, time, seeds; and would this script notice if it did not.

    python -m training.diffusion_renders        # once; the first shard is for the bars, the others train the judge
    PYTHONPATH=src:. python benchmarks/small_diffusion.py [--weights DIR] [--people 24] [--json FILE] [--sheet FILE]

Everything is measured on people and movements that neither the model nor the judge was trained on. Each bar is also measured
on the avatar's renders of the same skeletons (``of renders``): what a perfect generator would score with these judges.
Sabotage repeats the bars with mirrored skeletons, exchanged prompts, a ControlNet without effect and shuffled frames; each
has to fail.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import common
import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(common.REPOSITORY))

BARS = {
    "pck_person_network": 0.80, "pck_movenet": 0.70, "top": 0.80, "bottom": 0.80, "skirt": 0.80, "coat": 0.80,
    "hair": 0.80, "emphasis": 0.90,
}  # fmt: skip
"""At least so much (issue 8)."""
FLOORS = {"pck_person_network": 0.60, "pck_movenet": 0.45}
"""What the shipped model reaches, less some: where it misses a bar, whoever is worse must be noticed all the same."""
RATIO_BARS = {"warp_error": 1.5, "identity_drift": 1.5, "seams": 1.2}
"""At most so many times that of the avatar's renders; seams: of the places between them."""
FRAMES = 16
NECK, HIPS = 1, (8, 11)
BODY = range(14)


def distances(found: NDArray[np.float64], asked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the body joints of one picture, in torsos (neck to the middle of the hips)."""
    torso = np.linalg.norm(asked[NECK] - asked[list(HIPS)].mean(0))
    return np.asarray(np.linalg.norm(found - asked, axis=1)[list(BODY)] / torso)


def box_of(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """A box around a person whose joints are known."""
    low, high = joints.min(0), joints.max(0)
    tall = high[1] - low[1]
    return np.array(
        [low[0] - 0.08 * tall, low[1] - 0.1 * tall, high[0] + 0.08 * tall, high[1] + 0.06 * tall], np.float32
    )


class Seers:
    """The two who look for joints."""

    def __init__(self) -> None:
        import bodydouble.perception
        from bodydouble.evaluation.movenet import MoveNet
        from bodydouble.perception.person import RenderedPersonReader

        weights = Path(bodydouble.perception.__file__).parent / "weights"
        self._network = RenderedPersonReader(folder=weights, batch=16)
        self._movenet = MoveNet(common.data_dir() / "models" / "movenet_singlepose_lightning_int8_4.tflite")

    def pck(self, pictures: NDArray[np.float32], joints: NDArray[np.float32]) -> dict[str, float]:
        """Share of joints within a fifth of the torso, over all frames."""
        close: dict[str, list[float]] = defaultdict(list)
        for picture, asked in zip(pictures, joints, strict=True):
            rgb, box = np.round(picture * 255).astype(np.uint8), box_of(asked)
            found = self._network.joints(rgb, box[None]).xy_px[0].astype(np.float64)
            close["pck_person_network"].append(float((distances(found, asked.astype(float)) < 0.2).mean()))
            seen, _ = self._movenet.joints(rgb, box.astype(float))
            far = distances(seen, asked.astype(float))
            close["pck_movenet"].append(float((far[np.isfinite(far)] < 0.2).mean()))
        return {name: float(np.mean(values)) for name, values in close.items()}


def warp_error(pictures: NDArray[np.float32]) -> float:
    """What is left between neighbours in time when the flow between them is undone, where there is a person."""
    total = []
    for one, two in pairwise(pictures):
        grey = [cv2.cvtColor(np.round(p * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY) for p in (two, one)]
        flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], None, 0.5, 3, 11, 3, 5, 1.1, 0)
        height, width = grey[0].shape
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), 2).astype(np.float32) + flow
        back = cv2.remap(one, grid, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        person = np.abs(two - np.median(two[:4].reshape(-1, 3), axis=0)).max(2) > 0.08
        if person.any():
            total.append(float(np.abs(back - two)[person].mean()))
    return float(np.mean(total)) if total else 0.0


class Measures:
    """Everything that is said about generated clips of some askings."""

    def __init__(self, judge: Any) -> None:
        self._judge, self._seers = judge, Seers()

    def of(self, askings: list[Any], clips: list[NDArray[np.float32]]) -> dict[str, float]:
        """Averages over people; every fourth frame is looked at for joints and words."""
        from small_diffusion_parts.judge import identity, right_answers

        joints: dict[str, list[float]] = defaultdict(list)
        words: dict[str, list[bool]] = defaultdict(list)
        warps, drifts = [], []
        for asking, pictures in zip(askings, clips, strict=True):
            some = slice(None, None, 4)
            for name, value in self._seers.pck(pictures[some], asking.joints_px[some]).items():
                joints[name].append(value)
            for name, rights in right_answers(self._judge, pictures[some], asking.look).items():
                words[name] += rights
            warps.append(warp_error(pictures))
            inside = identity(self._judge, pictures)
            drifts.append(float(np.linalg.norm(np.diff(inside, axis=0), axis=1).mean()))
        return {
            **{name: float(np.mean(values)) for name, values in joints.items()},
            **{name: float(np.mean(values)) for name, values in words.items()},
            "warp_error": float(np.mean(warps)), "identity_drift": float(np.mean(drifts)),
        }  # fmt: skip


def emphasis(player: Any, judge: Any, askings: list[Any]) -> float:
    """Share of people whose top looks more like its colour with (colour)1.5 than with (colour)0.5, in the same noise."""
    from small_diffusion_parts.judge import QUESTIONS, answers, can_be_told

    moved = []
    for number, asking in enumerate(askings):
        if not can_be_told("top", asking.look):
            continue
        believed = []
        for weight in (0.5, 1.5):
            pictures = player.play(
                asking.drawings[:4], asking.look, seed=number, reword=lambda prompt, w=weight: weighed(prompt, w)
            )
            believed.append(answers(judge, pictures)["top"][:, QUESTIONS["top"][1](asking.look)].mean())
        moved.append(believed[1] > believed[0])
    return float(np.mean(moved))


def weighed(prompt: str, weight: float) -> str:
    """A prompt with another weight on the words of the top."""
    return re.sub(r"wearing an? (.+?),", lambda said: f"wearing a ({said[1]}){weight},", prompt, count=1)


def seams(player: Any, asking: Any, frames: int = 120) -> float:
    """Change between neighbours where a window begins or ends, over that elsewhere, with one pose for the whole time."""
    from bodydouble.generation.animatediff.windows import plan_windows_over, shift_of

    options = player.config.animatediff
    drawings = np.repeat(asking.drawings[:1], frames, axis=0)
    pictures = player.play(drawings, asking.look, seed=3)
    change = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    length, overlap = options.window_frames, options.overlap_frames
    step = options.num_steps - 1
    shift = shift_of(step, options.num_steps, length=length, overlap=overlap)
    edges = {e for window in plan_windows_over(frames, length=length, overlap=overlap, shift=shift) for e in window}
    at_border = np.array([place + 1 in edges for place in range(frames - 1)])
    return float(change[at_border].mean() / change[~at_border].mean())


def seeds_kept(player: Any, asking: Any) -> dict[str, bool]:
    """Same seed, same frames; another seed, others."""
    one, again, other = (player.play(asking.drawings[:6], asking.look, seed=seed) for seed in (1, 1, 2))
    return {"same_seed_same_frames": bool((one == again).all()), "other_seed_other_frames": bool((one != other).any())}


def verdicts(measured: dict[str, float], of_renders: dict[str, float]) -> dict[str, bool]:
    """Which bars are met."""
    met = {name: measured[name] >= bar for name, bar in BARS.items() if name in measured}
    for name, bar in RATIO_BARS.items():
        if name in measured:
            met[name] = measured[name] <= bar * of_renders.get(name, 1.0)
    return met


def sabotaged(player: Any, measures: Measures, askings: list[Any], clips: list[Any], of_renders: Any) -> dict[str, Any]:
    """What the bars say of generators that are wrong; each must fail at one bar at least that the sound one is judged by."""
    from small_diffusion_parts.play import mirrored

    few = askings[: max(4, len(askings) // 3)]
    turned = [*few[1:], few[0]]
    order = np.random.default_rng(0).permutation(FRAMES)
    wrong = {
        "mirrored skeletons": [player.play(mirrored(a).drawings, a.look, seed=n) for n, a in enumerate(few)],
        "exchanged prompts": [
            player.play(a.drawings, b.look, seed=n) for n, (a, b) in enumerate(zip(few, turned, strict=True))
        ],
        "ControlNet without effect": [player.play(a.drawings, a.look, seed=n, strength=0.0) for n, a in enumerate(few)],
        "shuffled frames": [clip[order] for clip in clips[: len(few)]],
    }
    record = {}
    sound = measures.of(few, clips[: len(few)])
    for name, pictures in wrong.items():
        measured = measures.of(few, pictures)
        met, met_soundly = verdicts(measured, of_renders), verdicts(sound, of_renders)
        # A bar that the sound generator misses too proves nothing.
        noticed = [bar for bar in met if not met[bar] and met_soundly[bar]]
        noticed += [f"floor of {bar}" for bar, floor in FLOORS.items() if measured[bar] < floor <= sound[bar]]
        record[name] = {"measured": measured, "noticed_by": noticed, "noticed": bool(noticed)}
    return record


def write_sheet(path: Path, askings: list[Any], clips: list[Any]) -> None:
    """Skeleton, generated, rendered: three frames of each person."""
    from training.diffusion_sheets import cell

    columns = []
    for asking, pictures in list(zip(askings, clips, strict=True))[:8]:
        for step in (0, 5, 10):
            parts = (asking.drawings[step].astype(np.float32) / 255, pictures[step], asking.rendered[step])
            columns.append(np.concatenate([cell(part) for part in parts]))
    cv2.imwrite(str(path), np.ascontiguousarray(np.concatenate(columns, axis=1)[..., ::-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="")
    parser.add_argument("--renders", type=Path, default=Path("/tmp/training/diffusion/renders"))
    parser.add_argument("--judge", type=Path, help="keep the trained judge in this file, and take it from there")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=0.0)
    parser.add_argument("--shared-noise", type=float, help="in place of the preset's")
    parser.add_argument("--skip", nargs="*", default=[], choices=["sabotage", "emphasis", "seams"])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    import dataclasses

    import torch
    from small_diffusion_parts.judge import trained_judge
    from small_diffusion_parts.play import Player, read_askings

    from bodydouble.config import preset

    torch.set_num_threads(1)
    generation = preset("diffusion-small").generation
    options = dataclasses.replace(
        generation.animatediff, steps=given.steps or generation.animatediff.steps,
        guidance=given.guidance or generation.animatediff.guidance,
        shared_noise=generation.animatediff.shared_noise if given.shared_noise is None else given.shared_noise,
    )  # fmt: skip
    generation = dataclasses.replace(generation, weights=given.weights or generation.weights, animatediff=options)
    record: dict[str, Any] = {"origin": common.origin(), "people": given.people, "steps": options.num_steps}
    askings = read_askings(given.renders, given.people)
    measures = Measures(trained_judge(given.renders, given.judge))
    player = Player(generation)
    of_renders = measures.of(askings, [asking.rendered for asking in askings])
    begin = time.process_time()
    clips = [player.play(asking.drawings, asking.look, seed=number) for number, asking in enumerate(askings)]
    record["cpu_seconds_per_frame"] = (time.process_time() - begin) / (len(clips) * FRAMES)
    measured = measures.of(askings, clips)
    if given.sheet:
        write_sheet(given.sheet, askings, clips)
    if "emphasis" not in given.skip:
        measured["emphasis"] = emphasis(player, measures._judge, askings)
    if "seams" not in given.skip:
        measured["seams"] = seams(player, askings[0])
    met = verdicts(measured, of_renders)
    record |= {"measured": measured, "of_renders": of_renders, "seeds": seeds_kept(player, askings[0]), "met": met}
    if "sabotage" not in given.skip:
        record["sabotage"] = sabotaged(player, measures, askings, clips, of_renders)
    common.finish(record, given.json)
    _print_verdicts(record)


def _print_verdicts(record: dict[str, Any]) -> None:
    measured, of_renders = record["measured"], record["of_renders"]
    for name, value in measured.items():
        sound = of_renders.get(name, 1.0)
        bar = BARS[name] if name in BARS else RATIO_BARS[name] * sound
        print(f"{_word(record['met'][name])}  {name}: {value:.3f} (bar {bar:.3f}, of renders {sound:.3f})")
    for name, row in record.get("sabotage", {}).items():
        print(f"{_word(row['noticed'])}  sabotage noticed: {name} ({', '.join(row['noticed_by']) or 'by no bar'})")
    for name, kept in record["seeds"].items():
        print(f"{_word(kept)}  {name}")


def _word(met: bool) -> str:
    return "PASS" if met else "FAIL"


if __name__ == "__main__":
    main()
