"""Pictures to look at while the small diffusion model is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.diffusion_data import (
    Clip,
    draw_joints,
    over_background,
    read_clips,
    read_looks,
    seed_of,
    shards_in,
    wordings,
)
from training.diffusion_nets import SCHEDULE

if TYPE_CHECKING:
    from training.train_diffusion import TrainConfig

_CELL_HW = (168, 112)
_STEPS = 6


def vae_sheet(vae: Any, clips: list[Clip], folder: Path, step: int) -> None:
    """Renders above what the autoencoder makes of them."""
    columns = []
    for clip in clips[:: max(1, len(clips) // 12)][:12]:
        rgb = over_background(clip.rgba[:1], "white")
        with torch.no_grad():
            pictures = torch.from_numpy(rgb.transpose(0, 3, 1, 2).copy()) * 2 - 1
            again = vae.decode(vae.encode(pictures).latent_dist.mean).sample[0].permute(1, 2, 0).numpy()
        columns.append(np.concatenate([cell(rgb[0]), cell(again / 2 + 0.5)]))
    write(folder / "sheets" / f"vae_{step:05d}.png", np.concatenate(columns, axis=1))


def paint_sheet(painter: Any, vae: Any, config: TrainConfig, name: str, frames: int = 1) -> None:
    """Skeleton, generated and rendered, of looks that were not trained on; for clips some frames side by side."""
    shard = shards_in(config.renders)[0]
    looks, clips = read_looks(config.renders, shard), read_clips(config.renders, shard)
    wanted = [c for c in clips if len(c.rgba) >= frames][:: 1 if frames > 1 else 11]
    columns = []
    for number, clip in enumerate(wanted[: 4 if frames > 1 else 14]):
        way = wordings(looks[clip.look], seed_of(config.seed, "wordings", shard, clip.look))[0]
        words = embed_prompt(config.work, way.prompt)
        height, width = clip.rgba.shape[1:3]
        drawings = draw_joints(clip.joints_px[:frames], width, height, None)
        pictures = sample(painter, vae, drawings, words, seed=number)
        truth = over_background(clip.rgba[:frames], way.background)
        for step in range(0, frames, max(1, frames // 4)):
            cells = [cell(drawings[step].astype(np.float32) / 255), cell(pictures[step]), cell(truth[step])]
            columns.append(np.concatenate(cells))
    write(config.work / "sheets" / f"{name}.png", np.concatenate(columns, axis=1))


def embed_prompt(work: Path, prompt: str) -> torch.Tensor:
    """(1, tokens, width): as the generator embeds it."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    from bodydouble.generation.animatediff.models import Models
    from bodydouble.generation.animatediff.words import embed

    text = CLIPTextModel(CLIPTextConfig.from_pretrained(work / "config" / "text_encoder")).eval()
    text.load_state_dict(torch.load(work / "text_encoder.done.pt", weights_only=True))
    models = Models(
        unet=None, controlnet=None, vae=None, text_encoder=text, schedule={},
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer"), device=torch.device("cpu"), dtype=torch.float32,
        offload=False,
    )  # fmt: skip
    return embed(models, prompt, None)[0].clone()


@torch.no_grad()
def sample(painter: Any, vae: Any, drawings: NDArray[np.uint8], words: torch.Tensor, seed: int) -> NDArray[np.float32]:
    """(time, height, width, 3): frames of one window, in few steps and without guidance."""
    from diffusers import DDIMScheduler

    frames, height, width = drawings.shape[:3]
    scheduler = DDIMScheduler.from_config(SCHEDULE)
    scheduler.set_timesteps(_STEPS)
    chance = np.random.default_rng(seed)
    shape = (frames, vae.config.latent_channels, height // 4, width // 4)
    latents = torch.from_numpy(chance.standard_normal(shape, dtype=np.float32))
    control = torch.from_numpy(drawings).permute(0, 3, 1, 2).float() / 255
    said = words.expand(frames, -1, -1)
    for time in scheduler.timesteps:
        down, middle = painter.controlnet(
            latents, time, encoder_hidden_states=said, controlnet_cond=control, return_dict=False
        )
        given = latents if frames == 1 else latents.transpose(0, 1)[None]
        answer = painter.unet(
            given, time, encoder_hidden_states=said, down_block_additional_residuals=down,
            mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        velocity = answer if frames == 1 else answer[0].transpose(0, 1)
        latents = scheduler.step(velocity, time, latents).prev_sample
    pictures = vae.decode(latents).sample / 2 + 0.5
    return np.asarray(pictures.clamp(0, 1).permute(0, 2, 3, 1).numpy())


def cell(rgb: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture in the middle of a cell of fixed size."""
    out = np.zeros((*_CELL_HW, 3), np.uint8)
    part = np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)[: _CELL_HW[0], : _CELL_HW[1]]
    out[: part.shape[0], : part.shape[1]] = part
    return out


def write(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))
