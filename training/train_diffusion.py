"""Trains the small diffusion model, stage by stage; stop it and start it again as you like.

::

    python -m training.diffusion_renders
    python -m training.train_diffusion --stage all

Stages: ``vae`` (pictures to latents), ``text`` (words), ``words`` and ``latents`` (everything encoded once), ``image``
(UNet, ControlNet), ``again`` (the same from where ``image``, or an earlier pass, ended, at a rate that only falls; as
often as wanted, with ``--again-from`` and ``--again-to``), ``motion`` (motion modules; the rest stays as it is), ``export``.
Each goes on where it was stopped. A longer ``image`` run (``--image-steps``) may be asked for as long as its rate has not
begun to fall. ``all`` leaves out ``again`` where ``--again-steps`` is 0.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro

from training.diffusion_data import corpus, read_clips, read_looks, seed_of, shards_in, wordings
from training.diffusion_export import export
from training.diffusion_loop import Plan, train_stage
from training.diffusion_nets import SCHEDULE, Size, make_networks, save_tokenizer
from training.diffusion_sheets import paint_sheet, vae_sheet
from training.diffusion_stages import (
    Painter,
    PaintLoss,
    WordsLoss,
    WordsProbe,
    crowd_of,
    embed_prompts,
    encode_shard,
    phrases_of,
    read_store,
)
from training.diffusion_vae import DecoderLoss, Patches, prepare_vae

log = logging.getLogger(__name__)

Stage = Literal["vae", "text", "words", "latents", "image", "again", "motion", "export"]
STAGES: tuple[Stage, ...] = ("vae", "text", "words", "latents", "image", "again", "motion", "export")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run."""

    stage: Literal["all", "vae", "text", "words", "latents", "image", "again", "motion", "export"] = "all"
    renders: Path = Path("/tmp/training/diffusion/renders")
    most_shards: int = 39
    """Shards that are trained on, as far as there are so many; the first one is kept for measuring."""
    work: Path = Path("/tmp/training/diffusion/ckpt")
    """Checkpoints, latents, logs and sample sheets, outside the repository."""
    out: Path = Path("/tmp/training/diffusion/weights")
    """For the weights, in diffusers' layout."""
    size: Size = field(default_factory=Size)
    seed: int = 20261123
    vae_steps: int = 2000
    vae_batch: int = 16
    text_steps: int = 700
    text_crowds: int = 96
    """Crowds of 24 whose prompts are read, and whose words the tokenizer learns."""
    image_steps: int = 6800
    image_batch: int = 16
    image_rate: float = 8e-4
    again_steps: int = 1900
    again_rate: float = 5e-4
    again_from: str = "image"
    """The stage, or the pass of ``again``, whose averaged weights ``again`` begins with."""
    again_to: str = "again"
    """Name of this pass."""
    limb_weight: float = 0.0
    """How much more errors on thin limbs, hands and feet count, beside 4 on the rest of a person and 1 on the background."""
    motion_steps: int = 1000
    motion_batch: int = 1
    motion_shared_noise: float = 1.0
    """As ``shared_noise`` of the generator's settings, with which the motion modules are to be used."""
    frames: int = 16
    threads: int = 1
    """Of the processor. Sums depend on it in their last bits, so a run that is to be repeated exactly keeps its number."""
    stop_after: int = 0
    """Stop a stage after this step, as a kill would; 0 never."""


def main(config: TrainConfig) -> None:
    """Run the stages asked for."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(config.threads)
    every = [stage for stage in STAGES if stage != "again" or config.again_steps]
    stages = every if config.stage == "all" else [config.stage]
    for stage in stages:
        log.info("stage %s", stage)
        {
            "vae": run_vae, "text": run_text, "words": run_words, "latents": run_latents, "image": run_image,
            "again": run_again, "motion": run_motion, "export": run_export,
        }[stage](config)  # fmt: skip


def training_shards(config: TrainConfig) -> list[int]:
    """The first is kept for measuring."""
    return shards_in(config.renders)[1 : config.most_shards + 1]


def networks(config: TrainConfig) -> dict[str, Any]:
    """All networks with their first weights; the same at every start."""
    folder = config.work / "tokenizer"
    if not (folder / "vocab.json").exists():
        save_tokenizer(
            folder,
            corpus([look for n in range(config.text_crowds) for look in crowd_of(seed_of(config.seed, "corpus", n))]),
        )
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    torch.manual_seed(seed_of(config.seed, "weights") % 2**31)
    return make_networks(config.size, vocabulary)


def trained(config: TrainConfig, name: str) -> Any:
    """A finished part, as its stage left it."""
    net = networks(config)[name]
    net.load_state_dict(torch.load(config.work / f"{name}.done.pt", weights_only=True))
    return net.eval()


def decoder_so_far(config: TrainConfig) -> Any:
    """To show pictures with; nothing that is trained on latents depends on the decoder."""
    if (config.work / "vae.done.pt").exists():
        return trained(config, "vae")
    vae = networks(config)["vae"]
    prepare_vae(vae, patches_of(config))
    return vae.eval()


def finish(config: TrainConfig, **parts: Any) -> None:
    """Keep finished parts for the stages that follow."""
    for name, net in parts.items():
        net.save_config(config.work / "config" / name) if hasattr(net, "save_config") else net.config.save_pretrained(
            config.work / "config" / name
        )
        torch.save(net.state_dict(), config.work / f"{name}.done.pt")


def patches_of(config: TrainConfig) -> Patches:
    """The map between patches and latents, from the first shard that is trained on."""
    clips = read_clips(config.renders, training_shards(config)[0])
    return Patches.fitted(clips, config.size.latent_channels, config.seed)


def run_vae(config: TrainConfig) -> None:
    """Latents to pictures; the other way is computed."""
    vae, patches = networks(config)["vae"].to(memory_format=torch.channels_last), patches_of(config)
    prepare_vae(vae, patches)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    clips = [clip for shard in training_shards(config) for clip in read_clips(config.renders, shard)]
    plan = Plan(name="vae", steps=config.vae_steps, peak_rate=2e-3, stop_after=config.stop_after)
    loss = DecoderLoss(clips, patches, config.seed, config.vae_batch)
    best = train_stage(vae, plan, config.work, loss, lambda net, step: vae_sheet(net, clips, config.work, step))
    if not config.stop_after:
        finish(config, vae=best)


def run_text(config: TrainConfig) -> None:
    """Words: what they say of colours and clothes, before any picture is seen."""
    from transformers import CLIPTokenizer

    probe = WordsProbe(networks(config)["text_encoder"])
    tokenizer = CLIPTokenizer.from_pretrained(config.work / "tokenizer")
    plan = Plan(name="text", steps=config.text_steps, peak_rate=2e-3, averaging=0.99, stop_after=config.stop_after)
    best = train_stage(probe, plan, config.work, WordsLoss(tokenizer, config.seed, 48, config.text_crowds))
    if not config.stop_after:
        finish(config, text_encoder=best.text_encoder)


def run_words(config: TrainConfig) -> None:
    """Prompts of all shards, embedded once and as the generator embeds them; the text encoder does not change any more."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(config.work / "tokenizer")
    text_encoder, folder = trained(config, "text_encoder"), config.work / "words"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "empty.npy", embed_prompts(tokenizer, text_encoder, [""]).half().numpy())
    for shard in training_shards(config):
        prompts = [
            way.prompt
            for number, look in enumerate(read_looks(config.renders, shard))
            for way in wordings(look, seed_of(config.seed, "wordings", shard, number))
        ]
        np.save(folder / f"shard_{shard:03d}.npy", embed_prompts(tokenizer, text_encoder, prompts).half().numpy())
        np.save(folder / f"shard_{shard:03d}.phrases.npy", phrases_of(tokenizer, prompts))


def run_latents(config: TrainConfig) -> None:
    """Latents of all shards."""
    patches, folder = patches_of(config), config.work / "latents"
    for shard in training_shards(config):
        if not (folder / f"shard_{shard:03d}.npz").exists():
            encode_shard(patches, config.renders, shard, folder, config.seed)


def _paint_loss(config: TrainConfig, batch: int, frames: int, *draws: str) -> PaintLoss:
    from diffusers import DDIMScheduler

    store = read_store(
        config.renders, config.work / "latents", config.work / "words", training_shards(config),
        config.size.latent_channels,
    )  # fmt: skip
    return PaintLoss(
        store, DDIMScheduler.from_config(SCHEDULE), seed_of(config.seed, *draws) if draws else config.seed, batch, frames,
        shared_noise=config.motion_shared_noise, limb_weight=config.limb_weight,
    )  # fmt: skip


def run_image(config: TrainConfig) -> None:
    """UNet and ControlNet, on single pictures."""
    nets = networks(config)
    painter = Painter(nets["unet"], nets["controlnet"]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plan = Plan(
        name="image", steps=config.image_steps, peak_rate=config.image_rate, averaging=0.997, stop_after=config.stop_after
    )  # fmt: skip
    vae = decoder_so_far(config)
    best = train_stage(
        painter, plan, config.work, _paint_loss(config, config.image_batch, 1),
        lambda net, step: paint_sheet(net, vae, config, f"image_{step:05d}"),
    )  # fmt: skip
    if not config.stop_after:
        finish(config, unet=best.unet, controlnet=best.controlnet)


def run_again(config: TrainConfig) -> None:
    """The finished UNet and ControlNet, on other draws of the same pictures, with a rate that falls from the beginning."""
    if not config.again_steps:
        raise ValueError("--again-steps is 0; say how many steps are wanted")
    name = config.again_to
    if name in (config.again_from, "image", "motion"):
        raise ValueError(f"--again-to {name}: a pass needs a name of its own, as its checkpoint is kept under it")
    nets = networks(config)
    painter = Painter(nets["unet"], nets["controlnet"]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # Not from `unet.done.pt`, which this stage writes anew: whatever is done twice must begin alike.
    painter.load_state_dict(torch.load(config.work / f"{config.again_from}.pt", weights_only=True)["averaged"])
    plan = Plan(
        name=name, steps=config.again_steps, peak_rate=config.again_rate, cool_down=1.0, averaging=0.997,
        stop_after=config.stop_after,
    )  # fmt: skip
    vae = decoder_so_far(config)
    best = train_stage(
        painter, plan, config.work, _paint_loss(config, config.image_batch, 1, name),
        lambda net, step: paint_sheet(net, vae, config, f"{name}_{step:05d}"),
    )  # fmt: skip
    if not config.stop_after:
        finish(config, unet=best.unet, controlnet=best.controlnet)


def run_motion(config: TrainConfig) -> None:
    """Motion modules on clips; nothing else is changed."""
    from diffusers import UNetMotionModel

    nets = networks(config)
    unet = UNetMotionModel.from_unet2d(trained(config, "unet"), nets["motion_adapter"])
    unet.freeze_unet2d_params()
    painter = Painter(unet, trained(config, "controlnet").requires_grad_(False))
    plan = Plan(
        name="motion", steps=config.motion_steps, peak_rate=6e-4, averaging=0.99, stop_after=config.stop_after
    )  # fmt: skip
    vae = decoder_so_far(config)
    best = train_stage(
        painter, plan, config.work, _paint_loss(config, config.motion_batch, config.frames),
        lambda net, step: paint_sheet(net, vae, config, f"motion_{step:05d}", frames=config.frames),
    )  # fmt: skip
    if not config.stop_after:
        adapter = nets["motion_adapter"]
        adapter.load_state_dict(motion_modules_of(best.unet))
        finish(config, motion_adapter=adapter)


def run_export(config: TrainConfig) -> None:
    """Write the weights. Of stages that are not finished: their averaged weights so far, motion modules without effect."""
    nets = networks(config)
    vae, text_encoder = decoder_so_far(config), trained(config, "text_encoder")
    painter = Painter(nets["unet"], nets["controlnet"])
    if (config.work / "unet.done.pt").exists():
        painter.unet.load_state_dict(torch.load(config.work / "unet.done.pt", weights_only=True))
        painter.controlnet.load_state_dict(torch.load(config.work / "controlnet.done.pt", weights_only=True))
    else:
        painter.load_state_dict(torch.load(config.work / "image.pt", weights_only=True)["averaged"])
    if (config.work / "motion_adapter.done.pt").exists():
        nets["motion_adapter"] = trained(config, "motion_adapter")
    parts = {
        "unet": painter.unet, "controlnet": painter.controlnet, "motion_adapter": nets["motion_adapter"], "vae": vae,
        "text_encoder": text_encoder,
    }  # fmt: skip
    export(parts, config.work / "tokenizer", config.out)


def motion_modules_of(unet: Any) -> dict[str, torch.Tensor]:
    """The motion modules inside a UNet, by the names that a motion adapter has for them."""
    return {name: value for name, value in unet.state_dict().items() if "motion_modules" in name}


if __name__ == "__main__":
    main(tyro.cli(TrainConfig))
