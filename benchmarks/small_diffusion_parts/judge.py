"""A small network that says what doubles wear, trained on renders of the avatar; it judges generated ones."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from training.diffusion_data import over_background, read_clips, read_looks, shards_in

from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS
from bodydouble.scene import Appearance

SIDE_HW_PX: Final = (128, 64)
HUES: Final = ("dark", "grey", "white", "blue", "green", "red", "brown")
_NEUTRAL_CHROMA: Final = 10.0
_DARK_L, _WHITE_L = 28.0, 78.0


def hue_class(rgb: tuple[int, int, int]) -> int:
    """Row of `HUES` for a colour: near-black, grey and white by lightness, the others by the angle in CIELAB."""
    lightness, a, b = cv2.cvtColor(np.float32([[rgb]]) / 255, cv2.COLOR_RGB2LAB)[0, 0].tolist()
    chroma, angle = float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a))) % 360
    if chroma < _NEUTRAL_CHROMA:
        return 0 if lightness < _DARK_L else 2 if lightness > _WHITE_L else 1
    if angle < 45 or angle > 330:
        return HUES.index("red")
    if angle < 100:
        return HUES.index("brown")
    return HUES.index("green") if angle < 225 else HUES.index("blue")


HAIR: Final = {"bald": 0, "short": 0, "long": 1}
"""Close to the head or down to the shoulders; between these, and from in front, a hundred pixels do not tell."""
QUESTIONS: Final = {
    "top": (len(HUES), lambda look: hue_class(look.top_rgb)),
    "bottom": (len(HUES), lambda look: hue_class(look.bottom_rgb)),
    "skirt": (2, lambda look: int(look.bottom in ("skirt", "dress"))),
    "coat": (2, lambda look: int(look.top == "coat")),
    "hair": (2, lambda look: HAIR[look.hair_type]),
}
"""What the judge is asked, how many answers there are, and the right one."""


def can_be_told(question: str, look: Appearance) -> bool:
    """Whether the answer is to be seen at all: coats hide what is below them, hats hair, and a dress is all of one cloth."""
    if question in ("bottom", "skirt"):
        return look.top != "coat"
    if question == "hair":
        return look.headwear == "none" and look.hair_type in HAIR
    if question == "top":
        return not (look.bottom == "dress" and look.top in ("T-shirt", "shirt", "jumper"))
    return True


class JudgeNet(nn.Module):
    """Convolutions over the picture, one answer to each question."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 64, 64)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.within = nn.Sequential(nn.Flatten(), nn.Linear(64 * 8 * 4, 96), nn.ReLU())
        self.answers = nn.ModuleDict({name: nn.Linear(96, count) for name, (count, _) in QUESTIONS.items()})

    def features(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.within(self.body(pictures))
        return out

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        inside = self.features(pictures)
        return {name: answer(inside) for name, answer in self.answers.items()}


def as_input(rgb: NDArray[np.float32]) -> Tensor:
    """(time, height, width, 3) of any size, brought to the judge's."""
    sized = [cv2.resize(picture, SIDE_HW_PX[::-1], interpolation=cv2.INTER_AREA) for picture in rgb]
    return torch.from_numpy(np.stack(sized)).permute(0, 3, 1, 2).float() - 0.5


def trained_judge(
    renders: Path, kept: Path | None = None, *, steps: int = 3000, batch: int = 32, seed: int = 5
) -> JudgeNet:  # fmt: skip
    """Train on all shards but the first, backgrounds and blur by chance (so that softness alone does not mislead).

    Args:
        renders: folder of `training.diffusion_renders`.
        kept: file that the judge is written to, or read from if it is there.
        steps: of training.
        batch: pictures in a step.
        seed: of everything.
    """
    torch.manual_seed(seed)
    net, rng = JudgeNet(), np.random.default_rng(seed)
    if kept is not None and kept.exists():
        net.load_state_dict(torch.load(kept, weights_only=True))
        return net.eval()
    pool = [
        (clip.rgba, read)
        for shard in shards_in(renders)[1:]
        for looks in [read_looks(renders, shard)]
        for clip in read_clips(renders, shard)
        for read in [looks[clip.look]]
    ]
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, 4 * (1 - step / steps))
        rows = [pool[int(i)] for i in rng.integers(len(pool), size=batch)]
        pictures = as_input_of([_shown(rgba, rng) for rgba, _ in rows])
        loss = torch.zeros(())
        for name, answer in net(pictures).items():
            wanted = torch.tensor([
                QUESTIONS[name][1](look) if can_be_told(name, look) else -100 for _, look in rows
            ])  # fmt: skip
            if bool((wanted >= 0).any()):
                loss = loss + functional.cross_entropy(answer, wanted, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if kept is not None:
        torch.save(net.state_dict(), kept)
    return net.eval()


def as_input_of(pictures: list[NDArray[np.float32]]) -> Tensor:
    """Pictures of several sizes."""
    return torch.cat([as_input(picture[None]) for picture in pictures])


def _shown(rgba: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    frame = rgba[int(rng.integers(len(rgba)))][None]
    picture = over_background(frame, str(rng.choice([*BACKGROUNDS])))[0]
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.6)))
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    return np.clip(picture + rng.normal(0, 0.02, picture.shape), 0, 1).astype(np.float32)


@torch.no_grad()
def answers(net: JudgeNet, rgb: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Logarithms of probabilities (time, answers) by question."""
    return {name: torch.log_softmax(value, 1).numpy() for name, value in net(as_input(rgb)).items()}


@torch.no_grad()
def identity(net: JudgeNet, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """(time, 96): the judge's impression of a person."""
    return np.asarray(net.features(as_input(rgb)).numpy())


def right_answers(net: JudgeNet, rgb: NDArray[np.float32], look: Appearance) -> dict[str, list[bool]]:
    """By question, for every frame, whether the judge sees what was asked for."""
    found: dict[str, Any] = {}
    for name, values in answers(net, rgb).items():
        if can_be_told(name, look):
            found[name] = (values.argmax(1) == QUESTIONS[name][1](look)).tolist()
    return found
