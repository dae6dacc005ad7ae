"""Training of the small diffusion model at toy size: data by seed alone, resuming to the last bit, loading the result."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from training.diffusion_data import (
    VARIANTS,
    corpus,
    draw_joints,
    fragments,
    mirrored,
    over_background,
    plain,
    read_clips,
    wordings,
)
from training.diffusion_loop import Plan, rate_at
from training.diffusion_nets import TOY, WORDS_LENGTH, learn_merges, make_networks, save_tokenizer, words_of
from training.diffusion_poses import draw_clip, draw_moment
from training.diffusion_renders import CANVAS_PX, RenderConfig, looks_of, view_on
from training.diffusion_stages import PaintLoss, Store, crowd_of, embed_prompts, phrases_of
from training.diffusion_vae import prepare_vae
from training.train_diffusion import TrainConfig, main, networks, patches_of, trained

from bodydouble.generation import AnimateDiffConfig, GenerationConfig
from bodydouble.generation.animatediff.loader import load_models, make_sampler
from bodydouble.generation.animatediff.models import Models
from bodydouble.generation.animatediff.words import embed
from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS
from bodydouble.scene import MIRRORED
from bodydouble.testing.bundles import make_bundle
from tests.integration.diffusion.playing import play_all

STAGES = ("vae", "text", "words", "latents", "image", "again", "motion", "export")


def write_shard(folder: Path, shard: int) -> None:
    """A shard as `training.diffusion_renders` writes it, with blots instead of bodies."""
    looks = crowd_of(shard, people=2)
    pixels, joints, rows, offset = [], [], [], 0
    rng = np.random.default_rng(shard)
    for number in range(len(looks)):
        for length, height, width in ((4, 64, 32), (1, 64, 32), (1, 56, 40)):
            rgba = np.zeros((length, height, width, 4), np.uint8)
            rgba[:, 10:-10, 8:-8] = (*rng.integers(0, 255, 3), 255)
            rows.append((number, length, height, width, offset))
            pixels.append(rgba.reshape(-1))
            joints.append(rng.uniform(5, 30, (length, 18, 2)).astype(np.float32).reshape(-1))
            offset += rgba.size
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"shard_{shard:03d}.json").write_text(json.dumps([asdict(look) for look in looks]), encoding="utf-8")
    np.savez(
        folder / f"shard_{shard:03d}.npz", pixels=np.concatenate(pixels), joints_px=np.concatenate(joints),
        rows=np.array(rows, np.int64),
    )  # fmt: skip


def toy_config(folder: Path, **options: object) -> TrainConfig:
    settings = {
        "renders": folder / "renders", "work": folder / "work", "out": folder / "weights", "size": TOY, "vae_steps": 3,
        "vae_batch": 2, "text_steps": 2, "text_crowds": 2, "image_steps": 4, "image_batch": 2, "again_steps": 2,
        "motion_steps": 2, "frames": 4, **options,
    }  # fmt: skip
    return TrainConfig(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Every stage, a few steps each."""
    folder = tmp_path_factory.mktemp("training")
    for shard in (0, 1):
        write_shard(folder / "renders", shard)
    config = toy_config(folder)
    for stage in STAGES:
        main(dataclasses.replace(config, stage=stage))  # type: ignore[arg-type]
    return config


def test_recipe_depends_on_the_seed_alone() -> None:
    config = RenderConfig(per_shard=5)
    assert looks_of(config, 2) == looks_of(config, 2) != looks_of(config, 3)
    assert looks_of(dataclasses.replace(config, seed=1), 2) != looks_of(config, 2)
    for draw in (draw_moment, lambda rng: draw_clip(rng, 16)):
        one, two, other = (draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(one.angles, two.angles)
        assert not np.array_equal(one.angles, other.angles)
        assert np.isfinite(one.angles).all()
    look = looks_of(config, 0)[0]
    assert wordings(look, 7) == wordings(look, 7)


def test_canvas_is_the_generators_own() -> None:
    joints = np.random.default_rng(0).uniform(0, 1, (3, 18, 2)) * (40, 170)
    view = view_on(joints, np.random.default_rng(1))
    assert abs(view.width_px * view.height_px / CANVAS_PX - 1) < 0.15
    inside = np.stack([view.to_canvas(step, joints[step].astype(np.float32)) for step in range(3)])
    assert (inside > 0).all()
    assert (inside < (view.width_px, view.height_px)).all()


def test_mirrored_twice_is_as_before() -> None:
    joints = np.random.default_rng(0).uniform(0, 60, (2, 18, 2)).astype(np.float32)
    assert np.allclose(mirrored(mirrored(joints, 64), 64), joints, atol=1e-4)
    assert np.allclose(mirrored(joints, 64)[:, 2, 0], 64 - joints[:, MIRRORED[2], 0])


def test_drawings_with_chance_are_those_of_the_generator_but_shaken() -> None:
    joints = np.random.default_rng(0).uniform(10, 50, (3, 18, 2)).astype(np.float32)
    still = draw_joints(joints, 64, 64, None)
    assert np.array_equal(still, draw_joints(joints, 64, 64, None))
    shaken = draw_joints(joints, 64, 64, np.random.default_rng(1))
    assert not np.array_equal(still, shaken)
    assert np.abs(still.astype(int) - shaken.astype(int)).mean() < 40


def test_doubles_lie_on_the_background_that_is_asked_for() -> None:
    rgba = np.zeros((1, 2, 2, 4), np.uint8)
    rgba[0, 0, 0] = (200, 100, 50, 255)
    picture = over_background(rgba, "green")[0]
    assert np.allclose(picture[0, 0] * 255, (200, 100, 50))
    assert np.allclose(picture[1, 1] * 255, BACKGROUNDS["green"])


def test_wordings_change_what_cannot_be_seen_and_say_the_background() -> None:
    looks = crowd_of(3, people=12)
    found = [way for number, look in enumerate(looks) for way in wordings(look, number)]
    assert len(found) == 12 * VARIANTS
    assert len({way.background for way in found}) > 1
    for way in found:
        assert f"plain uniform {way.background} background" in way.prompt
    for look in looks:
        said = [way.prompt for way in wordings(look, 1)]
        assert all(look.prompt.partition(", wearing ")[2] in prompt for prompt in said), "clothes stay"


def test_every_word_that_casting_may_say_is_one_token(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    looks = [look for seed in range(4) for look in crowd_of(seed)]
    save_tokenizer(tmp_path, corpus(looks))
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    for look in looks:
        prompt = plain(wordings(look, 0)[0].prompt)
        assert len(tokenizer(prompt, add_special_tokens=False).input_ids) == len(words_of(prompt))
        assert tokenizer(prompt).input_ids[1:-1] == tokenizer(prompt, add_special_tokens=False).input_ids
    spelled = tokenizer("zyzzyva", add_special_tokens=False).input_ids
    assert len(spelled) > 1, "other words are spelled"
    assert tokenizer.unk_token_id not in spelled


def test_no_prompt_of_casting_is_read_in_two_pieces() -> None:
    """Two pieces would know nothing of each other; with start and end marks the longest has to fit."""
    looks = [look for seed in range(40) for look in crowd_of(seed)]
    longest = max(len(words_of(plain(way.prompt))) for look in looks for way in wordings(look, 1))
    assert 77 < longest + 2 <= WORDS_LENGTH


def test_merges_end_with_whole_words() -> None:
    assert learn_merges([]) == []
    merges = learn_merges(["aa ab", "ab"])
    assert merges[0] == ("a", "b</w>")
    assert len(merges) == 2


def test_emphasis_is_read() -> None:
    assert fragments("one, (wearing a T-shirt)1.1, (plain)1.4") == [
        ("one, ", 1.0), ("wearing a T-shirt", 1.1), (", ", 1.0), ("plain", 1.4),
    ]  # fmt: skip
    assert plain("one, (wearing a T-shirt)1.1, (plain)1.4") == "one, wearing a T-shirt, plain"


def test_rate_rises_stays_and_falls() -> None:
    plan = Plan(name="x", steps=1000, peak_rate=1.0)
    rates = [rate_at(plan, step) for step in range(1000)]
    assert rates[0] < 0.05
    assert rates[100] == rates[600] == 1.0
    assert rates[999] < 0.01
    assert np.diff(rates[650:]).max() <= 0


def test_prompts_are_embedded_as_the_generator_does(toy: TrainConfig) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(toy.work / "tokenizer")
    text_encoder = trained(toy, "text_encoder")
    models = Models(
        unet=None, controlnet=None, vae=None, text_encoder=text_encoder, tokenizer=tokenizer, schedule={},
        device=torch.device("cpu"), dtype=torch.float32, offload=False,
    )  # fmt: skip
    prompts = [way.prompt for way in wordings(crowd_of(5)[0], 0)[:2]]
    ours = embed_prompts(tokenizer, text_encoder, [*prompts, ""])
    for prompt, own in zip([*prompts, ""], ours, strict=True):
        assert torch.allclose(embed(models, prompt, None)[0][0], own, atol=1e-4), prompt
    with pytest.raises(ValueError, match="through Compel"):
        embed_prompts(tokenizer, text_encoder, ["(less)0.5"])
    with pytest.raises(ValueError, match="through Compel"):
        embed_prompts(tokenizer, text_encoder, ["word " * 90])


def test_encoder_computes_the_patches_components(toy: TrainConfig) -> None:
    """The latents that are trained on are those that the network in the folder would give."""
    patches = patches_of(toy)
    vae = networks(toy)["vae"].eval()
    prepare_vae(vae, patches)
    rgb = np.random.default_rng(0).random((2, 16, 24, 3), dtype=np.float32) * 0.3 + 0.4
    latents = torch.from_numpy(patches.encode(rgb))
    assert latents.shape == (2, 8, 4, 6)
    with torch.no_grad():
        spread = vae.encode(torch.from_numpy(rgb.transpose(0, 3, 1, 2).copy()) * 2 - 1).latent_dist
    assert torch.allclose(spread.mean, latents, atol=0.03 * float(latents.abs().max()))
    assert float(spread.std.max()) < 0.01


def test_untrained_decoder_shows_the_patches_colours(toy: TrainConfig) -> None:
    patches = patches_of(toy)
    vae = networks(toy)["vae"].eval()
    prepare_vae(vae, patches)
    clip = read_clips(toy.renders, 1)[0]
    rgb = over_background(clip.rgba[:1], "white")
    with torch.no_grad():
        seen = vae.decode(torch.from_numpy(patches.encode(rgb))).sample[0].permute(1, 2, 0).numpy() / 2 + 0.5
    inside = (slice(24, 40), slice(14, 18))
    assert np.abs(seen[inside] - rgb[0][inside]).max() < 0.1
    assert np.abs(seen - rgb[0]).mean() < 0.08


def test_too_narrow_outlets_are_refused(toy: TrainConfig) -> None:
    patches = patches_of(toy)
    size = dataclasses.replace(TOY, vae_widths=(16, 32, 16))
    with pytest.raises(ValueError, match="do not hold"):
        prepare_vae(make_networks(size, {"<|startoftext|>": 0, "<|endoftext|>": 1})["vae"], patches)


@pytest.mark.parametrize("stage", ["vae", "image", "again", "motion"])
def test_a_killed_stage_goes_on_to_the_last_bit(toy: TrainConfig, tmp_path: Path, stage: str) -> None:
    import shutil

    work = tmp_path / "work"
    shutil.copytree(toy.work, work)
    (work / f"{stage}.pt").unlink()
    config = dataclasses.replace(toy, work=work, stage=stage)  # type: ignore[arg-type]
    main(dataclasses.replace(config, stop_after=1))
    assert torch.load(work / f"{stage}.pt", weights_only=True)["step"] == 1
    main(config)
    once, twice = (torch.load(folder / f"{stage}.pt", weights_only=True) for folder in (toy.work, work))
    assert once["step"] == twice["step"] > 1
    for part in ("net", "averaged"):
        assert all(torch.equal(once[part][name], twice[part][name]) for name in once[part])


def test_motion_modules_begin_without_effect_and_alone_are_trained(toy: TrainConfig) -> None:
    from diffusers import UNetMotionModel

    nets = networks(toy)
    moving = UNetMotionModel.from_unet2d(nets["unet"], nets["motion_adapter"]).eval()
    latents, words = torch.randn(3, 8, 16, 8), torch.randn(3, 77, TOY.text_width)
    with torch.no_grad():
        still = nets["unet"].eval()(latents, 10, encoder_hidden_states=words).sample
        moved = moving(latents.transpose(0, 1)[None], 10, encoder_hidden_states=words).sample[0].transpose(0, 1)
    assert torch.allclose(still, moved, atol=1e-4)
    before = torch.load(toy.work / "unet.done.pt", weights_only=True)
    after = torch.load(toy.work / "motion.pt", weights_only=True)["net"]
    kept = [name for name in before if f"unet.{name}" in after]
    assert len(kept) > 50
    assert all(torch.equal(before[name], after[f"unet.{name}"]) for name in kept)


def test_no_clip_is_too_short_for_a_batch_of_frames(toy: TrainConfig) -> None:
    from diffusers import DDIMScheduler
    from training.diffusion_nets import SCHEDULE
    from training.diffusion_stages import read_store

    store: Store = read_store(toy.renders, toy.work / "latents", toy.work / "words", [1], 8)
    assert len(store.examples) == 2 * 2 * 3
    assert len(store.words) == 2 * VARIANTS + 1
    clips = [clip for clip in read_clips(toy.renders, 1) for _ in (0, 1)]
    for example, clip in zip(store.examples, clips, strict=True):
        assert example.person.shape == example.latents.shape[:1] + example.latents.shape[2:]
        assert example.person.mean() == pytest.approx(clip.rgba[..., 3].mean(), abs=0.6)
    loss = PaintLoss(store, DDIMScheduler.from_config(SCHEDULE), 1, 2, 4)
    assert all(len(store.examples[n].latents) == 4 for group in loss._groups for n in group)


@pytest.mark.parametrize("limb_weight", [0.0, 3.0])
def test_errors_on_people_count_more_than_on_the_background(
    toy: TrainConfig, monkeypatch: pytest.MonkeyPatch, limb_weight: float
) -> None:
    from diffusers import DDIMScheduler
    from training.diffusion_data import limbs_of
    from training.diffusion_nets import SCHEDULE
    from training.diffusion_stages import read_store

    store = read_store(toy.renders, toy.work / "latents", toy.work / "words", [1], 8)
    scheduler = DDIMScheduler.from_config(SCHEDULE)
    loss = PaintLoss(store, scheduler, 1, 2, 1, limb_weight=limb_weight)
    example = store.examples[0]
    person = torch.from_numpy(example.person[:1] > 250).float()
    limbs = torch.from_numpy(limbs_of(example.joints_px[:1], *example.size_px))
    importance = torch.from_numpy(loss._importance(example, slice(0, 1)))
    monkeypatch.setattr(loss, "_predict", lambda painter, noisy, *_: torch.zeros_like(noisy))
    monkeypatch.setattr(
        loss, "_draw", lambda rng: (torch.zeros(1, 8, *person.shape[1:]), importance, torch.zeros(0), torch.zeros(0))
    )

    def loss_of(wrong: torch.Tensor) -> float:
        """Of a mistake by 1 at some places, for each of them."""
        monkeypatch.setattr(scheduler, "get_velocity", lambda *_: wrong[:, None].expand(1, 8, *wrong.shape[1:]))
        return float(loss(torch.nn.Identity(), 0)["loss"]) / float(wrong.mean())

    nobody = torch.from_numpy(example.person[:1] == 0).float() * (limbs == 0)
    trunk, limb = person * (limbs == 0), person * (limbs == 1)
    assert min(nobody.sum(), trunk.sum(), limb.sum()) > 0
    assert loss_of(trunk) == pytest.approx(4 * loss_of(nobody), rel=1e-3)
    assert loss_of(limb) == pytest.approx((4 + limb_weight) * loss_of(nobody), rel=1e-3)


def test_limbs_are_where_forearms_and_shins_are() -> None:
    from training.diffusion_data import limbs_of

    joints = np.full((1, 18, 2), 10.0, np.float32)
    joints[0, 3:5] = (20, 40), (20, 60)  # right elbow and wrist
    joints[0, 9:11] = (40, 80), (40, 100)  # right knee and ankle
    found = limbs_of(joints, 64, 128)
    assert found.shape == (1, 32, 16)
    assert found[0, 12, 5] > 0.7
    assert found[0, 16, 5] > 0.3, "the hand, beyond the wrist"
    assert found[0, 22, 10] > 0.7
    assert found[0, 24:, :8].max() == 0
    assert found[0, 14, 8:].max() == 0


def test_emphasis_in_training_is_compels_on_one_phrase(toy: TrainConfig) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(toy.work / "tokenizer")
    text_encoder = trained(toy, "text_encoder")
    plain_one, strong = "a man, (wearing a coat, boots)1.1", "a man, (wearing a coat)1.65(, boots)1.1"
    words = embed_prompts(tokenizer, text_encoder, [plain_one, strong, ""]).half().numpy()
    phrases = phrases_of(tokenizer, [plain_one, ""])
    spoken = [tokenizer.decode([i]).strip() for i in tokenizer(plain(plain_one)).input_ids]
    told = dict(zip(spoken, phrases[0].tolist(), strict=False))
    assert (told["a"], told["man"], told[","], told["coat"], told["boots"]) == (2, 1, 0, 2, 3)
    assert phrases[1].max() == 0
    store = Store(examples=[], words=words[[0, 2]], phrases=phrases)
    rng = np.random.default_rng(0)
    seen = [store.said(0, rng) for _ in range(400)]
    usual, empty = words[0].astype(np.float32), words[2].astype(np.float32)
    assert 0.35 < np.mean([np.array_equal(one, usual) for one in seen]) < 0.65
    # The emphasis that Compel gives is within reach: some draw is nearly that of the stronger prompt.
    assert min(float(np.abs(one - words[1].astype(np.float32)).max()) for one in seen) < 0.05 * float(
        np.abs(usual).max()
    )
    for one in seen:
        moved = np.flatnonzero(np.abs(one - usual).max(axis=1) > 1e-3)
        assert len(set(phrases[0][moved])) <= 1, "one phrase alone"
    assert np.array_equal(store.said(-1, rng), empty)


def test_frames_of_a_clip_share_noise_as_the_generators_do(toy: TrainConfig) -> None:
    from diffusers import DDIMScheduler
    from training.diffusion_nets import SCHEDULE
    from training.diffusion_stages import read_store

    store = read_store(toy.renders, toy.work / "latents", toy.work / "words", [1], 8)
    rng = np.random.default_rng(0)
    for shared in (0.0, 0.8, 1.0):
        loss = PaintLoss(store, DDIMScheduler.from_config(SCHEDULE), 1, 2, 4, shared_noise=shared)
        noise = loss._noise(rng, (8, 16, 40, 40))
        assert abs(float(noise.std()) - 1) < 0.02
        assert np.corrcoef(noise[0].ravel(), noise[3].ravel())[0, 1] == pytest.approx(shared, abs=0.02)
        assert abs(np.corrcoef(noise[0].ravel(), noise[4].ravel())[0, 1]) < 0.05, "the next clip has noise of its own"


def test_what_is_exported_is_loaded_by_the_code_for_public_weights(toy: TrainConfig) -> None:
    files = sorted(toy.out.rglob("*.safetensors"))
    assert len(files) == 5
    assert all(file.stat().st_mode & 0o044 for file in files)
    options = AnimateDiffConfig(sampler="standard", steps=2, canvas_px=2048, window_frames=4, overlap_frames=1)
    config = GenerationConfig(backend="animatediff", weights=str(toy.out), animatediff=options)
    models = load_models(config)
    sampler = make_sampler(options, models.schedule)
    assert sampler.scheduler.config.prediction_type == "v_prediction"
    assert float(sampler.scheduler.alphas_cumprod[-1]) == 0
    rgb = over_background(read_clips(toy.renders, 1)[0].rgba[:1], "blue")
    seen = models.decode(patches_of(toy).encode(rgb), tiled=False)
    assert np.abs(seen - rgb).mean() < 0.1, "latents have the scale that the decoder expects"
    stored = torch.load(toy.work / "unet.done.pt", weights_only=True)
    loaded = models.unet.state_dict()
    name = "conv_in.weight"
    assert torch.equal(stored[name].half().float(), loaded[name])
    windows = play_all(make_bundle(num_frames=6), config)
    assert windows
    assert windows[0].sprites
