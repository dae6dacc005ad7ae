"""The diffusion generator with the real classes at toy size: prompting, windows, decoding, cutting, failing, resuming."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.config import RunConfig
from bodydouble.errors import PolicyStop
from bodydouble.generation import (
    SCRATCH_FOLDER,
    CannotPlay,
    GenerationConfig,
    WindowPlan,
    make_generator,
    plan_windows,
    read_remarks,
)
from bodydouble.generation.animatediff.denoise import denoise_run
from bodydouble.generation.animatediff.loader import load_models, make_sampler
from bodydouble.pipeline.single import generate
from bodydouble.scene import SceneBundle, TrackWindow
from bodydouble.scene.bundle_files import write_bundle
from bodydouble.scene.performance_files import PerformanceReader
from bodydouble.testing import check_generator
from bodydouble.testing.bundles import make_bundle, window_differences
from tests.integration.diffusion.playing import by_frame, made, play_all


def _no_denoising(*given: Any, num_frames: int, shape: tuple[int, int, int], **options: Any) -> Any:
    """Latents of zeros."""
    stored = type("Stored", (), {})()
    stored.read = lambda start, stop: np.zeros((stop - start, *shape), np.float32)
    return stored


def test_doubles_are_drawn_and_belong_to_their_place(street: SceneBundle, played: list[TrackWindow]) -> None:
    assert len(played) == 2
    for window in played:
        track = next(t for t in street.tracks if t.track_id == window.track_id)
        drawn = [sprite for sprite in window.sprites if sprite.rgba.size]
        assert len(drawn) > 0.8 * len(track)
        for sprite, box in zip(window.sprites, track.boxes_xyxy_px, strict=True):
            if sprite.rgba.size:
                height, width = sprite.rgba.shape[:2]
                across, down = box[2] - box[0], box[3] - box[1]
                assert box[0] - 2 * across <= sprite.left_px <= sprite.left_px + width <= box[2] + 2 * across
                assert box[1] - down <= sprite.top_px <= sprite.top_px + height <= box[3] + down


def test_pieces_of_work_change_nothing(
    street: SceneBundle, played: list[TrackWindow], config: Callable[..., GenerationConfig]
) -> None:
    assert by_frame(play_all(street, config(window_frames=7))) == by_frame(played)


def test_another_seed_is_another_double(config: Callable[..., GenerationConfig]) -> None:
    bundle = make_bundle(num_frames=3, num_people=1)
    assert by_frame(play_all(bundle, config(), seed=2)) != by_frame(play_all(bundle, config(), seed=1))


def test_order_of_work_changes_nothing(config: Callable[..., GenerationConfig]) -> None:
    bundle, options = make_bundle(num_frames=20), config(window_frames=8)

    def make() -> Callable[[WindowPlan], TrackWindow]:
        generator = make_generator(options)
        generator.prepare(bundle, cast_tracks(bundle, CastingConfig(), 0), options, 0)
        return generator.play

    check_generator(make, plan_windows(bundle, options))


def test_workers_change_nothing(tmp_path: Path, config: Callable[..., GenerationConfig]) -> None:
    bundle = make_bundle(num_frames=20)
    write_bundle(bundle, tmp_path / "scene")
    for workers in (1, 2):
        run = RunConfig(generation=config(window_frames=8))
        run = dataclasses.replace(run, execution=dataclasses.replace(run.execution, workers=workers))
        generate(tmp_path / "scene", tmp_path / str(workers), config=run)
    one, two = (PerformanceReader(tmp_path / name) for name in ("1", "2"))
    for frame in range(20):
        for (track, a), (other, b) in zip(one.sprites_at(frame), two.sprites_at(frame), strict=True):
            assert track == other
            assert np.array_equal(a.rgba, b.rgba)
    assert not (tmp_path / "1" / SCRATCH_FOLDER).exists(), "work in progress is removed"
    prompts = json.loads((tmp_path / "1" / "prompts.json").read_text())
    assert set(prompts["prompts"]) == {"1", "2"}
    assert prompts["prompts"]["1"] != prompts["prompts"]["2"]


def test_a_killed_track_goes_on_where_it_was(
    street: SceneBundle, played: list[TrackWindow], config: Callable[..., GenerationConfig], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from bodydouble.generation.animatediff.models import ControlledDenoiser, Models
    from bodydouble.generation.animatediff.windows import plan_windows_over, shift_of

    own = config().animatediff
    windows = {"length": own.window_frames, "overlap": own.overlap_frames}
    second_step = len(plan_windows_over(34, **windows, shift=shift_of(1, own.steps, **windows)))
    expected = by_frame(played)
    folder = made(tmp_path / "killed")
    calls: list[str] = []
    predict, decode = ControlledDenoiser.predict, Models.decode

    def counted(kind: str, function: Any, die_at: int) -> Any:
        def call(*words: Any, **options: Any) -> Any:
            calls.append(kind)
            if calls.count(kind) == die_at:
                raise KeyboardInterrupt
            return function(*words, **options)

        return call

    monkeypatch.setattr(ControlledDenoiser, "predict", counted("predict", predict, 6))
    with pytest.raises(KeyboardInterrupt):
        play_all(street, config(), folder=folder)
    assert list((folder / SCRATCH_FOLDER).glob("*.step001.f32")), "the first step of the first track was finished"
    calls.clear()
    monkeypatch.setattr(ControlledDenoiser, "predict", counted("predict", predict, 0))
    monkeypatch.setattr(Models, "decode", counted("decode", decode, 3))
    with pytest.raises(KeyboardInterrupt):
        play_all(street, config(), folder=folder)
    assert calls.count("predict") == second_step, "the first track's second step only"
    calls.clear()
    monkeypatch.setattr(Models, "decode", counted("decode", decode, 0))
    assert by_frame(play_all(street, config(), folder=folder)) == expected
    assert calls.count("decode") == 1 + 3, "the last block of the first track, and the second track"


def test_guidance_follows_both_prompts(config: Callable[..., GenerationConfig]) -> None:
    bundle = make_bundle(num_frames=2, num_people=1)
    guided = {"sampler": "standard", "guidance": 5.0, "window_frames": 2, "overlap_frames": 1}
    together = play_all(bundle, config(diffusion=guided))[0]
    plain = play_all(bundle, config(diffusion={**guided, "guidance": 1.0}))[0]
    negative = play_all(bundle, config(diffusion={**guided, "negative": "red"}))[0]
    assert window_differences(together, plain)
    assert window_differences(together, negative), "the negative prompt is read"
    alone = {"guidance": 1.0, "negative": "red"}
    assert not window_differences(plain, play_all(bundle, config(diffusion={**guided, **alone}))[0])


@pytest.mark.parametrize(
    ("guidance", "together", "batches"), [(5.0, True, [2]), (5.0, False, [1, 1]), (1.0, True, [1])]
)
def test_guidance_doubles_the_batch_unless_memory_is_short(
    config: Callable[..., GenerationConfig], guidance: float, together: bool, batches: list[int]
) -> None:
    import torch

    from bodydouble.generation.animatediff.models import ControlledDenoiser
    from bodydouble.generation.animatediff.words import embed

    models = load_models(config())
    seen: list[tuple[int, int]] = []
    models.unet.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape[:3:2])))
    words, negative = embed(models, "tall man", "red" if guidance > 1 else None)
    latents = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 4, 8, 4), dtype=np.float32))

    def predicted(joined: bool) -> torch.Tensor:
        denoiser = ControlledDenoiser(
            models, words=words, negative_words=negative, guidance=guidance, control_strength=1.0, together=joined,
            drawings=lambda start, stop: np.zeros((stop - start, 64, 32, 3), np.uint8),
        )  # fmt: skip
        with torch.inference_mode():
            return denoiser.predict(latents, 0, 3, torch.tensor(500))

    answer = predicted(together)
    assert seen == [(batch, 3) for batch in batches], "batch and frames of each look"
    assert torch.allclose(answer, predicted(not together), atol=1e-4)


def test_pictures_are_decoded_one_by_one_and_in_tiles_if_memory_is_short(
    config: Callable[..., GenerationConfig],
) -> None:
    models = load_models(config())
    tile = models.vae.tile_latent_min_size
    shapes: list[tuple[int, ...]] = []
    models.vae.decoder.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    latents = np.random.default_rng(0).standard_normal((2, 4, 3 * tile, 2 * tile), dtype=np.float32)
    whole = models.decode(latents, tiled=False)
    assert shapes == [(1, 4, 3 * tile, 2 * tile)] * 2, "one picture at a time, each as a whole"
    shapes.clear()
    tiled = models.decode(latents, tiled=True)
    assert len(shapes) > 2 * 6
    assert all(shape[0] == 1 and max(shape[2:]) <= tile for shape in shapes)
    # Random networks normalise every tile differently; trained ones do so less.
    assert tiled.shape == whole.shape
    assert not np.array_equal(tiled, whole)
    assert np.abs(tiled - whole).mean() < 0.4 * whole.std()
    assert np.corrcoef(tiled.ravel(), whole.ravel())[0, 1] > 0.9
    assert np.array_equal(models.decode(latents[1:], tiled=False), whole[1:]), "tiling is switched off again"


def test_a_short_budget_reaches_the_decoder(config: Callable[..., GenerationConfig], tmp_path: Path) -> None:
    """From ``memory_mb`` to tiles: what the layout says is what is done, and is on record."""
    from bodydouble.generation.animatediff.memory import choose_layout
    from bodydouble.generation.animatediff.models import Models
    from bodydouble.generation.animatediff.sizes import sizes_of

    bundle = make_bundle(num_frames=3, num_people=1)
    large = {"canvas_px": 2_000_000, "window_frames": 6, "overlap_frames": 2}
    free = choose_layout(sizes_of(load_models(config())), config(diffusion=large))
    budget = free.bytes_needed // 1_000_000 - 1
    assert not free.tiled
    asked: list[bool] = []

    class Stop(Exception):
        pass

    def decode(self: Models, latents: Any, *, tiled: bool) -> Any:
        asked.append(tiled)
        raise Stop

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Models, "decode", decode)
        patched.setattr("bodydouble.generation.animatediff.generator.denoise_run", _no_denoising)
        with pytest.raises(Stop):
            play_all(bundle, config(diffusion=large, memory_mb=budget), folder=made(tmp_path / "p"))
    record = json.loads((tmp_path / "p" / "prompts.json").read_text())["layout"]
    assert asked == [record["tiled"]]
    assert record["tiled"]
    assert record["bytes_needed"] <= budget * 1_000_000


def test_nan_is_painted_out_or_played_by_the_avatar(
    config: Callable[..., GenerationConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bodydouble.generation.animatediff.models import ControlledDenoiser

    predict = ControlledDenoiser.predict

    def sick(self: Any, latents: Any, start: int, stop: int, timestep: Any) -> Any:
        return predict(self, latents, start, stop, timestep) * (np.nan if start == 0 else 1)

    monkeypatch.setattr(ControlledDenoiser, "predict", sick)
    bundle = make_bundle(num_frames=48, num_people=1)
    one = {"steps": 1}
    window = play_all(bundle, config(diffusion=one), folder=made(tmp_path / "out"))[0]
    assert [bool(sprite.rgba.size) for sprite in window.sprites[:16]] == [False] * 16
    assert any(sprite.rgba.size for sprite in window.sprites[32:])
    remarks = read_remarks(tmp_path / "out")
    assert (remarks[0].first_frame, remarks[0].last_frame, remarks[0].instead) == (0, 15, "paint-out")
    assert "NaN" in remarks[0].reason
    window = play_all(bundle, config(diffusion=one, fallback="avatar"), folder=made(tmp_path / "avatar"))[0]
    assert all(sprite.rgba.size for sprite in window.sprites[:16])
    assert read_remarks(tmp_path / "avatar")[0].instead == "avatar"


def test_an_all_plain_picture_is_nobody(
    config: Callable[..., GenerationConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bodydouble.generation.animatediff.models import Models

    monkeypatch.setattr(
        Models, "decode", lambda self, latents, tiled: np.full((len(latents), 64, 32, 3), 0.5, np.float32)
    )
    bundle = make_bundle(num_frames=4, num_people=1)
    write_bundle(bundle, tmp_path / "scene")
    run = RunConfig(generation=config())
    outcome = generate(tmp_path / "scene", tmp_path / "performance", config=run)
    assert [(f.first_frame, f.last_frame, f.reason) for f in outcome.failures] == [(0, 3, "the diffusion drew nobody")]
    strict = dataclasses.replace(run, policy=dataclasses.replace(run.policy, on_failure="stop"))
    with pytest.raises(PolicyStop, match="drew nobody"):
        generate(tmp_path / "scene", tmp_path / "stopped", config=strict)


def test_filtered_stretches_are_played_by_the_avatar_if_wanted(
    config: Callable[..., GenerationConfig], tmp_path: Path
) -> None:
    bundle = make_bundle(num_frames=12, num_people=1)
    play = np.arange(12) >= 5
    track = dataclasses.replace(bundle.tracks[0], play=play, reason="mean joint score below 0.35")
    bundle = dataclasses.replace(bundle, tracks=(track,))
    assert len(play_all(bundle, config())) == 1
    windows = play_all(bundle, config(fallback="avatar"), folder=made(tmp_path / "p"))
    assert [len(window.sprites) for window in windows] == [5, 7]
    assert all(sprite.rgba.size for sprite in windows[0].sprites)
    (remark,) = read_remarks(tmp_path / "p")
    assert (remark.first_frame, remark.last_frame, remark.instead) == (0, 4, "avatar")
    assert "below 0.35" in remark.reason


def test_what_is_asked_of_networks_follows_skeleton_and_words(config: Callable[..., GenerationConfig]) -> None:
    """Another pose or look gives another picture; another silhouette or light none."""
    bundle = make_bundle(num_frames=6, num_people=1)
    (track,) = bundle.tracks
    plain = play_all(bundle, config())[0]

    def with_track(**changes: Any) -> TrackWindow:
        changed = dataclasses.replace(track, **changes)
        return play_all(dataclasses.replace(bundle, tracks=(changed,)), config())[0]

    moved = track.joints_xy_px.copy()
    moved[:, 4] += 6
    assert window_differences(plain, with_track(joints_xy_px=moved))
    assert not window_differences(plain, with_track(box_scores=track.box_scores * 0.5))
    dim = dataclasses.replace(bundle, light=dataclasses.replace(bundle.light, ambient_rgb=(0.1, 0.1, 0.1)))
    assert not window_differences(plain, play_all(dim, config())[0])


def test_long_prompts_are_embedded_whole(config: Callable[..., GenerationConfig]) -> None:
    import torch

    from bodydouble.generation.animatediff.words import embed

    models = load_models(config())
    long = "tall man, " * 20
    words, negative = embed(models, f"{long}(red coat)1.3", "blue")
    assert negative is not None
    assert words.shape == negative.shape
    assert words.shape[1] > 77
    other, _ = embed(models, f"{long}(green coat)1.3", "blue")
    weaker, _ = embed(models, f"{long}(red coat)1.0", "blue")
    assert not torch.allclose(words, other), "the end of a long prompt is read"
    assert not torch.allclose(words, weaker), "weights are felt"


@pytest.mark.parametrize(("sampler", "guidance"), [("lightning", 1.0), ("standard", 6.0)])
def test_one_window_is_what_the_librarys_pipeline_makes(
    config: Callable[..., GenerationConfig], tmp_path: Path, sampler: str, guidance: float
) -> None:
    """For a clip of one window, our loop and diffusers' `AnimateDiffControlNetPipeline` give the same latents."""
    import torch
    from diffusers import AnimateDiffControlNetPipeline
    from PIL import Image

    from bodydouble.generation.animatediff.models import ControlledDenoiser
    from bodydouble.generation.animatediff.words import embed

    options = config(diffusion={"sampler": sampler, "steps": 3, "guidance": guidance})
    models = load_models(options)
    words, negative = embed(models, "tall man in a (red coat)1.3", "blue" if guidance > 1 else None)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((6, 4, 8, 4), dtype=np.float32)
    drawings = rng.integers(0, 256, (6, 64, 32, 3), np.uint8)
    denoiser = ControlledDenoiser(
        models, words=words, negative_words=negative, drawings=lambda start, stop: drawings[start:stop],
        guidance=guidance, control_strength=0.8, together=True,
    )  # fmt: skip
    own = make_sampler(options.animatediff)
    ours = denoise_run(
        denoiser, own, folder=tmp_path, name="run", num_frames=6, shape=(4, 8, 4),
        noise=lambda start, stop: noise[start:stop], window_frames=16, overlap_frames=4,
    ).read(0, 6)  # fmt: skip
    pipeline = AnimateDiffControlNetPipeline(
        vae=models.vae, text_encoder=models.text_encoder, tokenizer=models.tokenizer, unet=models.unet,
        motion_adapter=None, controlnet=models.controlnet, scheduler=make_sampler(options.animatediff).scheduler,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        prompt_embeds=words, negative_prompt_embeds=negative, num_frames=6, height=64, width=32, num_inference_steps=3,
        guidance_scale=guidance, controlnet_conditioning_scale=0.8, output_type="latent",
        conditioning_frames=[Image.fromarray(drawing) for drawing in drawings],
        latents=torch.from_numpy(noise).transpose(0, 1)[None],
    ).frames  # fmt: skip
    assert np.allclose(ours, theirs[0].transpose(0, 1).numpy(), atol=1e-4)


def test_nobody_cast_is_nobody_played(config: Callable[..., GenerationConfig]) -> None:
    bundle = make_bundle(num_frames=3, num_people=1)
    generator = make_generator(config())
    generator.prepare(bundle, dataclasses.replace(cast_tracks(bundle, CastingConfig(), 0), parts=()), config(), 0)
    with pytest.raises(CannotPlay, match="nobody was cast"):
        generator.play(WindowPlan(track_id=1, step_start=0, step_stop=3))
