"""Trains the people finder. ``python -m training.train_finder``; stop it and start it again as you like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor, nn

from training.backgrounds import Backgrounds
from training.loop import LoopConfig, fixed_seed, single_threaded, to_input, train
from training.nets import FINDER_STRIDE, Finder, decode_boxes
from training.scenes import Scene, make_scene
from training.shards import RenderLibrary

Floats = NDArray[np.float32]

_POSITIVE_FROM: Final[float] = 0.75
"""Cells of the Gaussian from this height on are asked to fire."""
_CENTRE_SHARE: Final[float] = 3.0
"""Total weight of a person's cells that are asked to fire: small people count as much as large ones."""
_BOX_SHARE: Final[float] = 6.0
"""Total weight of a person's cells that are asked for the box."""
_REFRESH_EVERY: Final[int] = 400
"""Scenes between two looks for new shards."""


def targets(scene: Scene) -> dict[str, NDArray[Any]]:
    """What the network should answer.

    Returns:
        ``heat`` ``(h, w)``, -1 where nothing is asked; ``fire`` ``(h, w)``, weight of the cells that should fire;
        ``boxes`` ``(4, h, w)`` and their ``weight`` ``(h, w)``; ``rgb``.
    """
    height, width = (n // FINDER_STRIDE for n in scene.rgb.shape[:2])
    heat, fire, weight = (np.zeros((height, width), np.float32) for _ in range(3))
    boxes = np.zeros((4, height, width), np.float32)
    ignore = np.zeros((height, width), bool)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    for box, sure in zip(scene.boxes_xyxy_px, scene.sure, strict=True):
        x0, y0, x1, y1 = box / FINDER_STRIDE
        sigma_x, sigma_y = max(0.8, 0.19 * (x1 - x0)), max(0.9, 0.15 * (y1 - y0))
        bump = np.exp(-(((xs + 0.5 - (x0 + x1) / 2) / sigma_x) ** 2 + ((ys + 0.5 - (y0 + y1) / 2) / sigma_y) ** 2) / 2)
        if not sure:
            ignore |= bump > 0.3
            continue
        bump /= max(float(bump.max()), 1e-6)
        mine = (bump > 0.35) & (bump > heat)
        heat = np.maximum(heat, bump)
        boxes[:, mine] = box[:, None]
        weight[mine] = bump[mine] * min(2.0, _BOX_SHARE / float(bump[bump > 0.35].sum()))
        top = np.clip((bump - _POSITIVE_FROM) / (1 - _POSITIVE_FROM), 0, 1)
        fire = np.maximum(fire, top * min(2.0, _CENTRE_SHARE / float(top.sum())))
    heat[ignore & (heat < _POSITIVE_FROM)] = -1
    return {"rgb": scene.rgb, "heat": heat, "fire": fire, "boxes": boxes, "weight": weight}


def loss_of(net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Focal loss of the centres (Law & Deng 2018, as used by Zhou et al. 2019) and two box losses."""
    assert isinstance(net, Finder)
    with torch.autocast("cpu", torch.bfloat16):
        raw = net.raw(to_input(batch["rgb"]))
    raw = raw.float()
    heat, positive, weight = batch["heat"], batch["fire"], batch["weight"]
    p = torch.sigmoid(raw[:, 0]).clamp(1e-4, 1 - 1e-4)
    negative = (heat >= 0).float() * (heat < _POSITIVE_FROM) * (1 - heat.clamp(0, 1)) ** 4
    focal = positive * (1 - p) ** 2 * p.log() + negative * p**2 * (1 - p).log()
    centre = -focal.sum() / (positive.sum() + 8)
    found, truth = decode_boxes(raw), batch["boxes"]
    total = weight.sum() + 1
    giou = (weight * (1 - _giou(found, truth))).sum() / total
    size = torch.stack([truth[:, 2] - truth[:, 0], truth[:, 3] - truth[:, 1]], 1).clamp(min=2)
    apart = (found - truth).abs() / size.repeat(1, 2, 1, 1)
    smooth = torch.nn.functional.smooth_l1_loss(apart, torch.zeros_like(apart), reduction="none", beta=0.1)
    edges = (weight[:, None] * smooth).sum() / total
    return {"centre": centre, "giou": giou, "edges": edges}


def _giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU (Rezatofighi et al. 2019) of boxes ``(N, 4, h, w)``: ``(N, h, w)``."""
    wide = (torch.minimum(a[:, 2], b[:, 2]) - torch.maximum(a[:, 0], b[:, 0])).clamp(min=0)
    high = (torch.minimum(a[:, 3], b[:, 3]) - torch.maximum(a[:, 1], b[:, 1])).clamp(min=0)
    both = wide * high
    either = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]) + (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) - both
    hull = (torch.maximum(a[:, 2], b[:, 2]) - torch.minimum(a[:, 0], b[:, 0])) * (
        torch.maximum(a[:, 3], b[:, 3]) - torch.minimum(a[:, 1], b[:, 1])
    )
    return both / either.clamp(min=1e-3) - (hull - either) / hull.clamp(min=1e-3)


def peaks(scores: Floats, boxes: Floats, *, lowest: float, overlap: float = 0.55) -> tuple[Floats, Floats]:
    """Local maxima ``(h, w)``, thinned by non-maximum suppression: boxes ``(N, 4)`` and scores ``(N,)``, best first."""
    import cv2

    top = cv2.dilate(scores, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((scores >= top) & (scores >= lowest))
    order = np.argsort(-scores[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    found, values = boxes[:, rows, columns].T, scores[rows, columns]
    kept: list[int] = []
    for i in range(len(found)):
        if all(iou(found[i], found[j]) < overlap for j in kept):
            kept.append(i)
    return found[kept].reshape(-1, 4), values[kept]


def iou(a: Floats, b: Floats) -> float:
    """Intersection over union of two boxes."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, float(wide)) * max(0.0, float(high))
    return both / max(1e-6, float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - both)


def measure(
    net: Callable[[Tensor], tuple[Tensor, ...]], scenes: list[Scene], threshold: float = 0.35
) -> dict[str, float]:
    """Average precision at IoU 0.5, and recall and precision at one threshold, over held-out scenes."""
    rows: list[tuple[float, bool]] = []
    people = 0
    for scene in scenes:
        with torch.no_grad():
            scores, boxes = net(to_input(torch.from_numpy(scene.rgb)[None]))
        found, values = peaks(scores[0, 0].numpy(), boxes[0].numpy(), lowest=0.05)
        people += int(scene.sure.sum())
        taken: set[int] = set()
        for box, value in zip(found, values, strict=True):
            overlaps = [(iou(box, truth), k) for k, truth in enumerate(scene.boxes_xyxy_px) if k not in taken]
            best, k = max(overlaps, default=(0.0, -1))
            if best >= 0.5:
                taken.add(k)
                if scene.sure[k]:
                    rows.append((float(value), True))
            else:
                rows.append((float(value), False))
    rows.sort(key=lambda row: -row[0])
    hits = np.cumsum([hit for _, hit in rows]) if rows else np.zeros(0)
    precision = hits / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    correct = np.array([hit for _, hit in rows], bool)
    above = int(sum(value >= threshold for value, _ in rows))
    at = float(hits[above - 1]) if above else 0.0
    return {
        "ap50": float(best_from_here[correct].sum() / max(1, people)), "recall": at / max(1, people),
        "precision": at / max(1, above),
    }  # fmt: skip


def validation_scenes(config: LoopConfig, count: int = 150) -> list[Scene]:
    """Scenes of renders that are never trained on, the same in every run over the same photographs."""
    rng = fixed_seed(config)
    held_out, backgrounds = RenderLibrary(config.shards, held_out=True), Backgrounds(rng, config.photographs, count=60)
    return [make_scene(held_out, backgrounds, rng) for _ in range(count)]


def main(config: LoopConfig) -> None:
    """Train."""
    single_threaded()

    def examples(seed: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        library, backgrounds = RenderLibrary(config.shards, held_out=False), Backgrounds(rng, config.photographs)
        for count in range(1 << 60):
            if count % _REFRESH_EVERY == 0:
                library.refresh()
            yield targets(make_scene(library, backgrounds, rng))

    scenes = validation_scenes(config)
    torch.manual_seed(config.seed)

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, Finder)
        return measure(net, scenes)

    train(Finder(), config, examples, loss_of, validate)


if __name__ == "__main__":
    main(tyro.cli(LoopConfig, default=replace(LoopConfig(name="finder"), batch=6)))
