"""The diffusion generator at toy size: loading, what is wrong with weights, and what is said of them beforehand."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from bodydouble.config import RunConfig, preset
from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.generation import (
    AnimateDiffConfig,
    GenerationConfig,
)
from bodydouble.generation.animatediff.loader import load_models
from bodydouble.manifest import hash_path
from bodydouble.pipeline.ready import check_ready, missing_models
from bodydouble.testing.bundles import make_bundle
from tests.integration.diffusion.playing import play_all


def test_memory_budget_shrinks_windows_then_refuses(config: Callable[..., GenerationConfig]) -> None:
    from bodydouble.generation.animatediff.memory import choose_layout
    from bodydouble.generation.animatediff.sizes import PUBLISHED

    options = config(diffusion={"sampler": "standard", "canvas_px": 256_000})
    free = choose_layout(PUBLISHED, options)
    assert (free.window_frames, free.together, free.tiled) == (16, True, False)
    needed = [free]
    for _ in range(3):
        less = dataclasses.replace(options, memory_mb=needed[-1].bytes_needed // 1_000_000 - 1)
        needed.append(choose_layout(PUBLISHED, less))
    assert all(a.bytes_needed > b.bytes_needed for a, b in pairwise(needed))
    assert not needed[1].together
    assert needed[-1].window_frames < 16
    with pytest.raises(ConfigError, match=r"about \d+ are needed"):
        choose_layout(PUBLISHED, dataclasses.replace(options, memory_mb=1))


def test_sizes_in_files_are_those_of_what_is_loaded(config: Callable[..., GenerationConfig]) -> None:
    """What `doctor` says of a folder before anything is loaded."""
    from bodydouble.generation.animatediff.components import find_components
    from bodydouble.generation.animatediff.sizes import sizes_in, sizes_of

    assert sizes_in(find_components(config())) == sizes_of(load_models(config()))


def test_doctor_speaks_of_the_weights_named(config: Callable[..., GenerationConfig]) -> None:
    from bodydouble.pipeline.estimates import Footage, estimate_memory, estimate_stages

    public = RunConfig(generation=config(weights=""))
    named = RunConfig(generation=config())
    footage = Footage(width_px=64, height_px=64, num_frames=10, people_in_view=1)
    large, small = estimate_memory(public), estimate_memory(named)
    assert large is not None
    assert small is not None
    assert (large.published, small.published) == (True, False)
    assert large.num_bytes > 5_000_000_000 > 100_000_000 > small.num_bytes
    seconds = [estimate_stages(run, footage, flops_per_second=1e9)[1].seconds for run in (public, named)]
    assert seconds[0] > 1000 * seconds[1] > 0


def test_weights_are_in_the_manifest(config: Callable[..., GenerationConfig], toy: Path) -> None:
    records = {record.name: record for record in check_ready(RunConfig(generation=config()))}
    for part, file in (
        ("unet", "diffusion_pytorch_model"), ("motion_adapter", "diffusion_pytorch_model"), ("text_encoder", "model"),
        ("controlnet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"),
    ):  # fmt: skip
        name = f"{part}/{file}.safetensors"
        assert records[name].sha256 == hash_path(toy / name)


def test_public_weights_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path))
    paper = preset("paper")
    wanted = ("epicrealism", "animatediff-lightning-4step", "control-v11p-sd15-openpose", "sd-vae-ft-mse")
    assert missing_models(paper)[-4:] == wanted
    with pytest.raises(MissingWeights, match="bodydouble models fetch epicrealism") as caught:
        load_models(paper.generation)
    assert caught.value.exit_code == 4
    for steps, model in ((1, "1step"), (3, "2step"), (4, "4step"), (8, "8step"), (9, "8step")):
        generation = dataclasses.replace(paper.generation, animatediff=AnimateDiffConfig(steps=steps))
        asked = missing_models(dataclasses.replace(paper, generation=generation))
        assert f"animatediff-lightning-{model}" in asked


@pytest.mark.parametrize("part", ["unet", "motion_adapter", "controlnet", "vae", "text_encoder", "tokenizer"])
def test_a_missing_part_is_named(broken: Path, config: Callable[..., GenerationConfig], part: str) -> None:
    shutil.rmtree(broken / part)
    with pytest.raises(MissingWeights, match=f"{part}.*missing"):
        load_models(config(weights=str(broken)))


@pytest.mark.parametrize("part", ["unet", "motion_adapter", "controlnet", "vae", "text_encoder"])
def test_damaged_parts_are_refused(broken: Path, config: Callable[..., GenerationConfig], part: str) -> None:
    file = next((broken / part).glob("*.safetensors"))
    tensors = load_file(file)
    name = max(tensors, key=lambda key: tensors[key].numel())

    def refused(words: str) -> None:
        with pytest.raises(MissingWeights, match=words) as caught:
            load_models(config(weights=str(broken)))
        assert part in str(caught.value)

    save_file({**tensors, name: tensors[name] * np.nan}, file, metadata={"format": "pt"})
    refused("NaN")
    save_file({**tensors, name: tensors[name][:-1].contiguous()}, file, metadata={"format": "pt"})
    refused("cannot be used")
    save_file({key: value for key, value in tensors.items() if key != name}, file, metadata={"format": "pt"})
    refused("missing")
    file.write_bytes(b"no safetensors")
    refused("cannot be used")
    file.unlink()
    (broken / part / "pytorch_model.bin").write_bytes(b"x")
    refused("can run code")


def test_parts_that_do_not_fit_each_other_are_refused(
    toy: Path, tmp_path: Path, config: Callable[..., GenerationConfig]
) -> None:
    from diffusers import AutoencoderKL, ControlNetModel

    common: dict[str, Any] = {"layers_per_block": 1, "norm_num_groups": 8, "attention_head_dim": 4}
    ControlNetModel(
        block_out_channels=(16, 32), cross_attention_dim=64, conditioning_embedding_out_channels=(8, 8, 16, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), **common,
    ).save_pretrained(tmp_path / "controlnet")  # fmt: skip
    with pytest.raises(MissingWeights, match="size 64, the UNet cross attention of size 32"):
        load_models(config(diffusion={"controlnet": str(tmp_path / "controlnet")}))
    AutoencoderKL(block_out_channels=(8,), norm_num_groups=8, latent_channels=8).save_pretrained(tmp_path / "vae")
    with pytest.raises(MissingWeights, match="8 latent channels, the UNet 4"):
        load_models(config(diffusion={"vae": str(tmp_path / "vae")}))
    AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
    ).save_pretrained(tmp_path / "fine")  # fmt: skip
    with pytest.raises(MissingWeights, match="8 px of a drawing a latent, the autoencoder 2"):
        load_models(config(diffusion={"vae": str(tmp_path / "fine")}))
    AutoencoderKL(
        block_out_channels=(8,) * 5, down_block_types=("DownEncoderBlock2D",) * 5, up_block_types=("UpDecoderBlock2D",) * 5,
        norm_num_groups=8,
    ).save_pretrained(tmp_path / "coarse")  # fmt: skip
    with pytest.raises(MissingWeights, match="16 px a latent; the canvas is laid out for 8"):
        load_models(config(diffusion={"vae": str(tmp_path / "coarse")}))
    (tmp_path / "motion.ckpt").write_bytes(b"x")
    with pytest.raises(MissingWeights, match="safetensors only"):
        load_models(config(diffusion={"motion": str(tmp_path / "motion.ckpt")}))


def test_words_without_a_place_in_the_text_encoder_are_refused(
    broken: Path, config: Callable[..., GenerationConfig]
) -> None:
    file = broken / "tokenizer" / "vocab.json"
    vocabulary = json.loads(file.read_text())
    file.write_text(json.dumps({**vocabulary, "zebra</w>": len(vocabulary)}))
    with pytest.raises(MissingWeights, match=r"tokenizer .* knows \d+ words, the text encoder"):
        load_models(config(weights=str(broken)))


def test_motion_modules_may_be_inside_the_unet(broken: Path, config: Callable[..., GenerationConfig]) -> None:
    """As a network of one's own is saved that was trained as one."""
    bundle = make_bundle(num_frames=6, num_people=1)
    apart = play_all(bundle, config())[0]
    shutil.rmtree(broken / "unet")
    shutil.rmtree(broken / "motion_adapter")
    load_models(config()).unet.save_pretrained(broken / "unet")
    joined = play_all(bundle, config(weights=str(broken)))[0]
    # Not to the bit: tensors lie at other addresses in another file, and sums over them may be made in another order.
    for one, other in zip(apart.sprites, joined.sprites, strict=True):
        changed = np.abs(one.rgba.astype(int) - other.rgba).max(axis=-1)
        assert changed.max() <= 2


def test_a_device_that_is_not_there_is_refused(config: Callable[..., GenerationConfig]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is there")
    with pytest.raises(ConfigError, match="usable: cpu"):
        load_models(config(device="cuda"))


def test_windows_longer_than_the_motion_modules_are_refused(
    toy: Path, tmp_path: Path, config: Callable[..., GenerationConfig]
) -> None:
    from diffusers import MotionAdapter

    MotionAdapter(
        block_out_channels=(16, 32), motion_layers_per_block=1, motion_norm_num_groups=8, motion_num_attention_heads=4,
        motion_max_seq_length=12,
    ).save_pretrained(tmp_path / "short")  # fmt: skip
    with pytest.raises(ConfigError, match="end at 12"):
        play_all(make_bundle(num_frames=3), config(diffusion={"motion": str(tmp_path / "short")}))
