"""The stages of training the small diffusion model: pictures to latents, words, pictures, movement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from bodydouble.casting import CastingConfig, cast_tracks, palette
from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS
from bodydouble.scene import Appearance, SceneBundle
from training.diffusion_data import (
    VARIANTS,
    draw_joints,
    fragments,
    limbs_of,
    mirrored,
    over_background,
    plain,
    read_clips,
    read_looks,
    seed_of,
    wordings,
)
from training.diffusion_nets import WORDS_LENGTH
from training.diffusion_vae import Patches

_EMPHASIS_SHARE: Final = 0.5
"""Prompts of which one phrase is emphasised, which changes nothing of the picture: strong words must not be strange."""
_EMPHASIS: Final = (0.95, 1.65)
_EMPTY_SHARE: Final = 0.06
"""Pictures that are asked for without words, so that guidance can be used."""
_PURE_NOISE_SHARE: Final = 0.12
"""Pictures that begin at the last time step: the first of few steps decides most."""
_CLIP_WEIGHT: Final = 4.0
"""A clip of 16 frames counts like so many single pictures."""
_PERSON_WEIGHT: Final = 3.0
"""How much more errors on a person count than those on the plain background, which is learnt in minutes. What is best to
predict at a pixel does not depend on it."""


@contextmanager
def autocast(*, plain_attention: bool) -> Iterator[None]:
    """Products in bfloat16 on the CPU.

    Attention over pictures is several times faster in plain products; over frames, of which there are few, it is not.
    """
    backends = [SDPBackend.MATH] if plain_attention else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(backends):
        yield


def encode_shard(patches: Patches, renders: Path, shard: int, out: Path, seed: int) -> None:
    """Latents of a shard, as rendered and mirrored, each on the background that its wording asks for."""
    looks = read_looks(renders, shard)
    ways = [wordings(look, seed_of(seed, "wordings", shard, number)) for number, look in enumerate(looks)]
    latents, variants = [], []
    for number, clip in enumerate(read_clips(renders, shard)):
        for flip in (False, True):
            rng = np.random.default_rng(seed_of(seed, "variant", shard, number, int(flip)))
            variant = int(rng.integers(len(ways[clip.look])))
            rgb = over_background(clip.rgba, ways[clip.look][variant].background)
            encoded = patches.encode(rgb[:, :, ::-1] if flip else rgb)
            latents.append(encoded.astype(np.float16).reshape(-1))
            variants.append(variant)
    out.mkdir(parents=True, exist_ok=True)
    part = out / f"shard_{shard:03d}.part.npz"
    np.savez(part, latents=np.concatenate(latents), variants=np.array(variants, np.int16))
    part.rename(out / f"shard_{shard:03d}.npz")


# Words


class WordsProbe(nn.Module):
    """Text encoder, and queries that read attributes off its tokens as cross attention will."""

    def __init__(self, text_encoder: Any) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        width = text_encoder.config.hidden_size
        names = list(attribute_sizes())
        self.queries = nn.Parameter(torch.randn(len(names), 32) * 0.3)
        self.keys, self.values = nn.Linear(width, 32), nn.Linear(width, 32)
        self.heads = nn.ModuleList([nn.Linear(32, attribute_sizes()[name]) for name in names])

    def forward(self, tokens: Tensor) -> list[Tensor]:
        words = self.text_encoder(tokens).last_hidden_state
        looked = torch.softmax(self.queries @ self.keys(words).transpose(1, 2) / 32**0.5, dim=-1) @ self.values(words)
        return [head(looked[:, number]) for number, head in enumerate(self.heads)]


_COLOURS: Final = ("skin_rgb", "hair_rgb", "top_rgb", "bottom_rgb", "shoes_rgb")
_WORN_COLOURS: Final = {"headwear_rgb": "headwear", "bag_rgb": "bag"}
"""Colours that are said only of who wears the thing; black is asked for otherwise."""
_KINDS: Final = (
    "top", "bottom", "shoes", "hair_type", "gender", "body_type", "height_class", "facial_hair", "top_pattern", "headwear",
    "eyewear", "bag",
)  # fmt: skip


def attribute_sizes() -> dict[str, int]:
    """What is read off the words, and how many numbers each takes."""
    kinds = {name: len(palette.VOCABULARY[name]) for name in _KINDS}
    return {**dict.fromkeys((*_COLOURS, *_WORN_COLOURS), 3), **kinds, "background": len(BACKGROUNDS), "age": 1}


class WordsLoss:
    """Attributes of looks drawn for it, read off their prompts."""

    def __init__(self, tokenizer: Any, seed: int, batch: int, crowds: int) -> None:
        self._tokenizer, self._batch = tokenizer, batch
        looks = [look for number in range(crowds) for look in crowd_of(seed_of(seed, "crowd", number))]
        said = [(look, way) for n, look in enumerate(looks) for way in wordings(look, seed_of(seed, "said", n))[:2]]
        texts = [plain(way.prompt) for _, way in said]
        encoded = tokenizer(texts, padding="max_length", max_length=WORDS_LENGTH, truncation=True, return_tensors="pt")
        self._tokens = encoded.input_ids
        self._targets = self._targets_of([look for look, _ in said], [way.background for _, way in said])
        self._seed = seed

    @staticmethod
    def _targets_of(looks: list[Appearance], backgrounds: list[str]) -> list[Tensor]:
        targets = [torch.tensor([getattr(look, name) for look in looks]).float() / 255 for name in _COLOURS]
        for name, thing in _WORN_COLOURS.items():
            worn = [getattr(look, name) if getattr(look, thing) != "none" else (0, 0, 0) for look in looks]
            targets.append(torch.tensor(worn).float() / 255)
        targets += [
            torch.tensor([palette.VOCABULARY[name].index(getattr(look, name)) for look in looks]) for name in _KINDS
        ]
        names = [*BACKGROUNDS]
        ages = torch.tensor([[look.age_years / 80] for look in looks])
        return [*targets, torch.tensor([names.index(name) for name in backgrounds]), ages]

    def __call__(self, probe: nn.Module, step: int) -> dict[str, Tensor]:
        rows = np.random.default_rng(seed_of(self._seed, "text", step)).integers(len(self._tokens), size=self._batch)
        colours, kinds = [], []
        with autocast(plain_attention=True):
            answers = probe(self._tokens[rows])
        for answer, target in zip(answers, self._targets, strict=True):
            wanted = target[rows]
            if wanted.is_floating_point():
                colours.append(((answer.float() - wanted) ** 2).mean())
            else:
                kinds.append(functional.cross_entropy(answer.float(), wanted))
        colour, kind = torch.stack(colours).mean(), torch.stack(kinds).mean()
        return {"loss": 10 * colour + 0.3 * kind, "colour_mse": colour, "kind_nats": kind}


@torch.no_grad()
def embed_prompts(tokenizer: Any, text_encoder: Any, prompts: list[str]) -> Tensor:
    """(prompts, tokens, width): what `bodydouble.generation.animatediff.words.embed` gives, many at a time.

    Only for prompts of one piece and emphasis of 1 or more: Compel then moves each token away from the empty prompt.
    """
    begin, end, length = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.model_max_length
    ids, weights = [], []
    for prompt in ["", *prompts]:
        own, factors = [begin], [1.0]
        for text, weight in fragments(prompt):
            found = tokenizer(text, add_special_tokens=False).input_ids
            own, factors = own + found, factors + [weight] * len(found)
        if len(own) >= length or min(factors) < 1:
            raise ValueError(f"this prompt must go through Compel: {prompt}")
        missing = length - len(own)
        ids.append(own + [end] + [tokenizer.pad_token_id] * (missing - 1))
        weights.append(factors + [1.0] * missing)
    said = text_encoder(torch.tensor(ids)).last_hidden_state
    return said[:1] + (said[1:] - said[:1]) * torch.tensor(weights)[1:, :, None]


def phrases_of(tokenizer: Any, prompts: list[str]) -> NDArray[np.uint8]:
    """(prompts, tokens): to which phrase between commas each token belongs, from 1; 0 for marks, commas and padding."""
    comma = tokenizer(",", add_special_tokens=False).input_ids[0]
    rows = np.zeros((len(prompts), tokenizer.model_max_length), np.uint8)
    for row, prompt in zip(rows, prompts, strict=True):
        ids = np.array(
            [i for text, _ in fragments(prompt) for i in tokenizer(text, add_special_tokens=False).input_ids]
        )
        inside = row[1 : 1 + len(ids)]
        inside[:] = np.where(ids == comma, 0, 1 + np.cumsum(ids == comma))
    return rows


def crowd_of(seed: int, people: int = 24) -> list[Appearance]:
    """Looks of a clip's people, some of them children."""
    from types import SimpleNamespace

    rng = np.random.default_rng(seed)
    pins = tuple(f"{t}:age_years={int(rng.integers(5, 12))}" for t in range(1, people + 1) if rng.random() < 0.1)
    bundle = SimpleNamespace(clip_name="crowd", tracks=[SimpleNamespace(track_id=t) for t in range(1, people + 1)])
    drawn = cast_tracks(cast(SceneBundle, bundle), CastingConfig(child_height=False, pin=pins), seed)
    return [look for _, look in drawn.parts]


# Pictures and movement


@dataclass(frozen=True, kw_only=True)
class Example:
    """A clip or single picture, as rendered or mirrored."""

    latents: NDArray[np.float16]
    """(time, channels, height, width)."""
    person: NDArray[np.uint8]
    """(time, height, width): how much of a latent is the person's, 255 is all."""
    joints_px: NDArray[np.float32]
    size_px: tuple[int, int]
    """Width and height of the canvas."""
    words: int
    """Row of the table of embedded prompts."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """All latents and words of the training shards, in memory."""

    examples: list[Example]
    words: NDArray[np.float16]
    """(prompts, tokens, width), as the generator embeds them; the last one is the empty prompt."""
    phrases: NDArray[np.uint8]
    """(prompts, tokens): see `phrases_of`."""

    def said(self, row: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """(tokens, width): a prompt, now and then with emphasis on one of its phrases, as Compel would put it."""
        words = self.words[row].astype(np.float32)
        if row == -1 or rng.random() >= _EMPHASIS_SHARE:
            return words
        phrase = int(rng.integers(1, int(self.phrases[row].max()) + 1))
        factor = np.exp(rng.uniform(*np.log(_EMPHASIS)))
        empty = self.words[-1].astype(np.float32)
        weight = np.where(self.phrases[row] == phrase, factor, 1.0)[:, None]
        return np.asarray(empty + weight * (words - empty), np.float32)


def read_store(renders: Path, latents: Path, words: Path, shards: list[int], channels: int) -> Store:
    """Read what `encode_shard` and `embed_shard` wrote."""
    examples, tables, phrases, row = [], [], [], 0
    for shard in shards:
        with np.load(latents / f"shard_{shard:03d}.npz") as file:
            values, variants = file["latents"], file["variants"]
        table = np.load(words / f"shard_{shard:03d}.npy")
        first, number = 0, 0
        for clip in read_clips(renders, shard):
            time, height, width = clip.rgba.shape[:3]
            shape = (time, channels, height // 4, width // 4)
            cover = clip.rgba[..., 3].reshape(time, height // 4, 4, width // 4, 4).mean(axis=(2, 4)).astype(np.uint8)
            for flip in (False, True):
                own = values[first : first + int(np.prod(shape))].reshape(shape)
                joints = mirrored(clip.joints_px, width) if flip else clip.joints_px
                place = row + clip.look * VARIANTS + int(variants[number])
                person = cover[:, :, ::-1] if flip else cover
                examples.append(
                    Example(latents=own, person=person, joints_px=joints, size_px=(width, height), words=place)
                )
                first, number = first + own.size, number + 1
        tables.append(table)
        phrases.append(np.load(words / f"shard_{shard:03d}.phrases.npy"))
        row += len(table)
    tables.append(np.load(words / "empty.npy"))
    phrases.append(np.zeros((1, phrases[0].shape[1]), np.uint8))
    return Store(examples=examples, words=np.concatenate(tables), phrases=np.concatenate(phrases))


class Painter(nn.Module):
    """UNet and ControlNet, trained together."""

    def __init__(self, unet: Any, controlnet: Any) -> None:
        super().__init__()
        self.unet, self.controlnet = unet, controlnet


class PaintLoss:
    """Noise in single pictures. With `frames` above 1, in clips, for the motion modules; the rest must be frozen."""

    def __init__(
        self, store: Store, scheduler: Any, seed: int, batch: int, frames: int, *, shared_noise: float = 0.0,
        limb_weight: float = 0.0,
    ) -> None:  # fmt: skip
        self._store, self._scheduler, self._seed = store, scheduler, seed
        self._batch, self._frames, self._shared_noise, self._limb_weight = batch, frames, shared_noise, limb_weight
        by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, example in enumerate(store.examples):
            if len(example.latents) >= frames:
                by_size[example.size_px].append(number)
        self._groups = list(by_size.values())
        weights = [
            np.array([_CLIP_WEIGHT if frames == 1 and len(store.examples[n].latents) > 1 else 1.0 for n in group])
            for group in self._groups
        ]
        totals = np.array([w.sum() for w in weights])
        self._group_chance = totals / totals.sum()
        self._chance = [w / w.sum() for w in weights]

    def __call__(self, painter: nn.Module, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(seed_of(self._seed, "movement" if self._frames > 1 else "pictures", step))
        latents, importance, drawings, words = self._draw(rng)
        rows = len(latents) // self._frames
        noise = torch.from_numpy(self._noise(rng, latents.shape))
        when = rng.integers(0, 1000, rows)
        when[rng.random(rows) < _PURE_NOISE_SHARE] = 999
        times = torch.from_numpy(np.repeat(when, self._frames))
        noisy = self._scheduler.add_noise(latents, noise, times)
        wanted = self._scheduler.get_velocity(latents, noise, times)
        with autocast(plain_attention=self._frames == 1):
            answer = self._predict(cast(Painter, painter), noisy, times, words, drawings).float()
        errors = (((answer - wanted) ** 2).mean(dim=1) * importance).mean(dim=(1, 2)) / importance.mean()
        thirds = {
            name: errors[(times >= low) & (times < high)].mean()
            for name, low, high in (("low", 0, 400), ("middle", 400, 800), ("high", 800, 999), ("pure", 999, 1000))
        }
        return {"loss": errors.mean(), **thirds}

    def _noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """As `bodydouble.generation.diffusion.noise.frame_noise`: frames of a clip share some of it."""
        own = rng.standard_normal(shape, dtype=np.float32)
        if self._frames == 1 or self._shared_noise == 0:
            return own
        clips = own.reshape(-1, self._frames, *shape[1:])
        common = rng.standard_normal(clips[:, :1].shape, dtype=np.float32)
        mixed = np.sqrt(self._shared_noise) * common + np.sqrt(1 - self._shared_noise) * clips
        return np.asarray(mixed.reshape(shape), np.float32)

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        group = int(rng.choice(len(self._groups), p=self._group_chance))
        chosen = rng.choice(self._groups[group], size=self._batch, p=self._chance[group])
        latents, importance, drawings, words = [], [], [], []
        for number in chosen.tolist():
            example = self._store.examples[number]
            first = int(rng.integers(len(example.latents) - self._frames + 1))
            part = slice(first, first + self._frames)
            latents.append(example.latents[part])
            importance.append(self._importance(example, part))
            drawings.append(draw_joints(example.joints_px[part], *example.size_px, rng))
            row = -1 if rng.random() < _EMPTY_SHARE else example.words
            words.append(np.repeat(self._store.said(row, rng)[None], self._frames, axis=0))
        # Channels last is faster for pictures; PyTorch 2.13 dies of it in the gradient of clips through frozen convolutions.
        order = torch.channels_last if self._frames == 1 else torch.contiguous_format
        pictures = torch.from_numpy(np.concatenate(drawings)).permute(0, 3, 1, 2).float() / 255
        return (
            torch.from_numpy(np.concatenate(latents)).float().contiguous(memory_format=order),
            torch.from_numpy(np.concatenate(importance)), pictures.contiguous(memory_format=order),
            torch.from_numpy(np.concatenate(words)).float(),
        )  # fmt: skip

    def _importance(self, example: Example, part: slice) -> NDArray[np.float32]:
        """(time, height, width): how much an error counts there."""
        counts = 1 + _PERSON_WEIGHT * (example.person[part].astype(np.float32) / 255)
        if self._limb_weight:
            counts += self._limb_weight * limbs_of(example.joints_px[part], *example.size_px)
        return np.asarray(counts, np.float32)

    def _predict(self, painter: Painter, noisy: Tensor, times: Tensor, words: Tensor, drawings: Tensor) -> Tensor:
        moving = self._frames > 1
        with torch.set_grad_enabled(not moving):
            down, middle = painter.controlnet(
                noisy, times, encoder_hidden_states=words, controlnet_cond=drawings, return_dict=False
            )
        if not moving:
            answer: Tensor = painter.unet(
                noisy, times, encoder_hidden_states=words, down_block_additional_residuals=down,
                mid_block_additional_residual=middle, return_dict=False,
            )[0]  # fmt: skip
            return answer
        # The motion UNet wants (batch, channels, frames, height, width) and one time for each of the batch.
        clips = noisy.reshape(-1, self._frames, *noisy.shape[1:]).transpose(1, 2)
        answer = painter.unet(
            clips, times[:: self._frames], encoder_hidden_states=words, down_block_additional_residuals=down,
            mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        return answer.transpose(1, 2).flatten(0, 1)
