"""Trains the person network: joints and mask of the person in the middle of a crop. ``python -m training.train_person``"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor, nn

from bodydouble.scene.skeleton import BODY_JOINTS, JOINT_INDEX, JOINT_NAMES
from training.backgrounds import Backgrounds
from training.crops import CROP_HW_PX, OUTSIDE, Crop, make_crop
from training.loop import LoopConfig, fixed_seed, single_threaded, to_input, train
from training.nets import PersonNet
from training.nobody import FalseFinds, make_nobody
from training.shards import RenderLibrary

STRIDE: Final[int] = 4
SIGMA_PX: Final[float] = 4.5
"""Width of a joint's peak."""
_HEAT_GAIN: Final[float] = 4.0
"""The network learns peaks this high inside (small targets learn slowly); the exported graph divides by it."""
_LIMBS: Final[float] = 1.5
"""Weight of elbows, wrists, knees and ankles: what a double's motion is made of, and what is told worst."""
_MASK_POSITIVE: Final[float] = 1.8
"""Leaving a bit of a person in is worse than taking a bit of background along."""
_NOBODY_SHARE: Final[float] = 0.22
"""Share of crops without a person in their middle."""
_NOBODY: Final[dict[str, NDArray[Any]]] = {
    "mask": np.zeros(CROP_HW_PX, np.uint8), "joints": np.zeros((18, 3), np.float32), "person": np.zeros((), np.float32),
}  # fmt: skip


def heat_maps(joints_px: Tensor) -> Tensor:
    """Peaks ``(N, 18, 32, 24)`` for joints ``(N, 18, 3)``."""
    height, width = (n // STRIDE for n in CROP_HW_PX)
    rows, columns = (torch.arange(n) * STRIDE + STRIDE / 2 for n in (height, width))
    down = (rows - joints_px[..., 1:2]) ** 2
    across = (columns - joints_px[..., 0:1]) ** 2
    bump = torch.exp(-(down[..., :, None] + across[..., None, :]) / (2 * SIGMA_PX**2))
    return bump * joints_px[..., 2, None, None]


def joint_weights() -> Tensor:
    """``(18, 1, 1)``, 1 on average."""
    limbs = [any(part in name for part in ("elbow", "wrist", "knee", "ankle")) for name in JOINT_NAMES]
    weights = torch.where(torch.tensor(limbs), _LIMBS, 1.0)
    return (weights / weights.mean())[:, None, None]


def loss_of(net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Squared error of the peaks; cross-entropy and Dice of the mask."""
    assert isinstance(net, PersonNet)
    with torch.autocast("cpu", torch.bfloat16):
        heat, mask, person = net.raw(to_input(batch["rgb"]))
    there = batch["person"] > 0.5
    known = torch.nn.functional.binary_cross_entropy_with_logits(person.float(), batch["person"])
    # Only people teach joints and mask: where the network doubts a person it must not leave half of them in.
    truth = heat_maps(batch["joints"][there])
    error = (heat[there].float() - truth * _HEAT_GAIN) ** 2
    joints = 3 * (error * (1 + 2 * truth) * joint_weights()).mean()
    cover, logits = batch["mask"][there][:, None].float() / 255, mask[there].float()
    weight = torch.tensor(_MASK_POSITIVE)
    crossed = torch.nn.functional.binary_cross_entropy_with_logits(logits, cover, pos_weight=weight)
    p = torch.sigmoid(logits)
    dice = 1 - ((2 * p * cover).sum((1, 2, 3)) + 20) / ((p + cover).sum((1, 2, 3)) + 20)
    return {"joints": joints, "mask": 0.5 * crossed, "dice": 0.3 * dice.mean(), "person": 0.2 * known}


class Exported(nn.Module):
    """The network with the outputs of its ONNX contract."""

    def __init__(self, net: PersonNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Peaks of about 1, and the probabilities of mask and person."""
        heat, mask, person = self.net(rgb)
        return heat / _HEAT_GAIN, mask, person


def peak_xy_px(heat: Tensor) -> tuple[Tensor, Tensor]:
    """Highest cell of each map ``(N, 18, h, w)``, moved by a quarter cell towards its higher neighbour.

    (Newell et al. 2016, section 3.2.)

    Returns:
        ``(N, 18, 2)`` x, y in crop pixels and ``(N, 18)`` the height.
    """
    n, k, _, width = heat.shape
    value, index = heat.flatten(2).max(-1)
    row, column = index // width, index % width
    padded = torch.nn.functional.pad(heat, (1, 1, 1, 1), mode="replicate")
    items, joints = torch.arange(n)[:, None], torch.arange(k)[None]
    right, left = padded[items, joints, row + 1, column + 2], padded[items, joints, row + 1, column]
    below, above = padded[items, joints, row + 2, column + 1], padded[items, joints, row, column + 1]
    x = column + 0.5 + 0.25 * torch.sign(right - left)
    y = row + 0.5 + 0.25 * torch.sign(below - above)
    return torch.stack([x, y], -1) * STRIDE, value


def measure(
    net: Callable[[Tensor], tuple[Tensor, ...]], crops: list[Crop], nobody: list[NDArray[np.uint8]]
) -> dict[str, float]:
    """PCK at 0.2 and 0.5 of the torso, the same if left and right may be swapped, mask IoU and recall.

    And of people and of crops without one, the share that is told rightly at a probability of 0.5.
    """
    from bodydouble.scene.skeleton import MIRRORED

    close: dict[str, list[float]] = {"pck20": [], "pck50": [], "pck20_either_side": []}
    overlaps, recalls, told = [], [], []
    body = list(BODY_JOINTS)
    for start in range(0, len(crops), 50):
        part = crops[start : start + 50]
        with torch.no_grad():
            heat, mask, person = net(to_input(torch.from_numpy(np.stack([crop.rgb for crop in part]))))
        told += (person > 0.5).tolist()
        found = peak_xy_px(heat)[0].numpy()
        for crop, points, probability in zip(part, found, mask[:, 0].numpy(), strict=True):
            torso = np.linalg.norm(
                crop.joints_px[JOINT_INDEX["neck"], :2]
                - crop.joints_px[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]], :2].mean(0)
            )
            away = np.linalg.norm(points - crop.joints_px[:, :2], axis=1) / max(6.0, float(torso))
            swapped = np.linalg.norm(points[list(MIRRORED)] - crop.joints_px[:, :2], axis=1) / max(6.0, float(torso))
            shown = np.array([j for j in body if crop.joints_px[j, 2] > OUTSIDE], int)
            close["pck20"] += (away[shown] < 0.2).tolist()
            close["pck50"] += (away[shown] < 0.5).tolist()
            better = swapped if swapped[shown].sum() < away[shown].sum() else away
            close["pck20_either_side"] += (better[shown] < 0.2).tolist()
            truth, answer = crop.mask > 127, probability > 0.5
            overlaps.append((truth & answer).sum() / max(1, (truth | answer).sum()))
            recalls.append((truth & answer).sum() / max(1, truth.sum()))
    measures = {name: float(np.mean(values)) for name, values in close.items()}
    with torch.no_grad():
        wrongly = net(to_input(torch.from_numpy(np.stack(nobody))))[2] > 0.5
    return measures | {
        "mask_iou": float(np.mean(overlaps)), "mask_recall": float(np.mean(recalls)),
        "people_told": float(np.mean(told)), "nobody_told": 1 - float(wrongly.float().mean()),
    }  # fmt: skip


def validation_crops(config: LoopConfig, count: int = 500) -> tuple[list[Crop], list[NDArray[np.uint8]]]:
    """Crops of renders that are never trained on, and some without a person."""
    rng = fixed_seed(config)
    held_out, backgrounds = RenderLibrary(config.shards, held_out=True), Backgrounds(rng, config.photographs, count=60)
    crops = [make_crop(held_out, backgrounds, rng) for _ in range(count)]
    return crops, [make_nobody(held_out, backgrounds, FalseFinds.none(), rng) for _ in range(2 * count // 5)]


def main(config: LoopConfig) -> None:
    """Train."""
    single_threaded()

    def examples(seed: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        library, backgrounds = RenderLibrary(config.shards, held_out=False), Backgrounds(rng, config.photographs)
        mistakes = FalseFinds(config.photographs.parent / "false_finds.npy")
        for count in range(1 << 60):
            if count % 2000 == 0:
                library.refresh()
                mistakes.refresh()
            if rng.random() < _NOBODY_SHARE:
                yield {"rgb": make_nobody(library, backgrounds, mistakes, rng), **_NOBODY}
                continue
            crop = make_crop(library, backgrounds, rng)
            yield {"rgb": crop.rgb, "mask": crop.mask, "joints": crop.joints_px, "person": np.float32(1)}

    crops, nobody = validation_crops(config)
    torch.manual_seed(config.seed)

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, PersonNet)
        return measure(Exported(net), crops, nobody)

    train(PersonNet(), config, examples, loss_of, validate)


if __name__ == "__main__":
    main(tyro.cli(LoopConfig, default=replace(LoopConfig(name="person"), batch=32)))
