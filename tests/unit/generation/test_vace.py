"""Wan2.1-VACE: spans, conditions, blending, what happens when it fails, and the real classes at toy size."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers")

from bodydouble.errors import BundleError, ConfigError, MissingWeights
from bodydouble.generation import GenerationConfig, WindowPlan, plan_windows, read_remarks
from bodydouble.generation.config import VaceConfig
from bodydouble.generation.diffusion import generator as diffusion_generator
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.view import view_of
from bodydouble.generation.vace import generator as vace_generator
from bodydouble.generation.vace.components import find_parts
from bodydouble.generation.vace.conditions import SIDE_MULTIPLE_PX, Conditions, widened
from bodydouble.generation.vace.generator import VaceGenerator
from bodydouble.generation.vace.memory import PUBLISHED, bytes_needed, choose_window, sizes_in
from bodydouble.generation.vace.models import VaceModels, load_vace
from bodydouble.generation.vace.pictures import WindowPictures
from bodydouble.generation.vace.plate import open_plate
from bodydouble.generation.vace.spans import Span, plan_spans
from bodydouble.scene import Cast, MaskStack, PersonTrack, SceneBundle
from bodydouble.scene.plate_files import PlateWriter
from bodydouble.testing import make_bundle, window_differences
from bodydouble.testing.toy_vace import make_toy_vace

SMALL = VaceConfig(steps=2, window_frames=9, overlap_frames=1, canvas_px=4096, background="green")
BACKGROUND = (70, 170, 80)
PERSON = (200, 40, 40)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_vace(tmp_path_factory.mktemp("vace"))


@pytest.mark.parametrize(("frames", "length", "overlap"), [(1, 9, 1), (9, 9, 5), (10, 9, 1), (200, 49, 5), (23, 13, 5)])
def test_spans_cover_every_frame_and_have_lengths_that_the_autoencoder_takes(
    frames: int, length: int, overlap: int
) -> None:
    spans = plan_spans(frames, length=length, overlap=overlap)
    assert spans[0].start == 0
    assert spans[-1].stop == frames
    for span in spans:
        assert span.length % 4 == 1
        assert span.stop - span.start <= span.length <= length
        assert len(span.latent_frames()) == span.num_latents
        assert span.latent_frames()[-1] < span.start + span.length
    for before, after in pairwise(spans):
        assert before.stop - after.start == after.known == overlap
        assert after.stop > before.stop


@pytest.mark.parametrize("changed", [{"window_frames": 16}, {"overlap_frames": 4}, {"window_frames": 9, "overlap_frames": 5},
                                     {"steps": 0}, {"canvas_px": 10}])  # fmt: skip
def test_windows_of_other_lengths_are_refused(changed: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        VaceConfig(**changed)  # type: ignore[arg-type]


def test_a_plate_cannot_be_cut_off_by_its_colour() -> None:
    with pytest.raises(ConfigError, match="plain background"):
        GenerationConfig(backend="vace", vace=VaceConfig(plate="run/plate"))


def conditions_of(track: PersonTrack, **options: Any) -> Conditions:
    run = PlayedRun(track_id=track.track_id, start=0, stop=len(track))
    config = dataclasses.replace(SMALL, **options)
    view = widened(view_of(track, run, canvas_px=config.canvas_px, margin=config.margin, joint_score=0.1))
    return Conditions(track=track, run=run, view=view, options=config, background_rgb=BACKGROUND)


def test_canvas_sides_are_whole_patches_and_show_the_same_place() -> None:
    track = make_bundle(num_frames=6, num_people=1).tracks[0]
    run = PlayedRun(track_id=1, start=0, stop=6)
    before = view_of(track, run, canvas_px=5000, margin=0.1, joint_score=0.1)
    after = widened(before)
    assert after.width_px % SIDE_MULTIPLE_PX == after.height_px % SIDE_MULTIPLE_PX == 0
    middle = [np.array([[v.width_px / 2, v.height_px / 2]]) / v.zoom[0] + v.origin_px[0] for v in (before, after)]
    np.testing.assert_allclose(middle[0], middle[1])


@pytest.mark.parametrize("mask", ["box", "silhouette", "everything"])
def test_outside_the_mask_there_is_nothing_but_the_plain_background(mask: str) -> None:
    track = make_bundle(num_frames=6, num_people=1).tracks[0]
    rgb, generated = conditions_of(track, mask=mask).at(3)
    assert rgb.shape == (*generated.shape, 3)
    assert generated.any()
    assert (rgb[~generated] == BACKGROUND).all()
    assert rgb[generated].any(), "no skeleton was drawn"
    assert generated.all() == (mask == "everything")
    if mask != "everything":
        assert not generated[0].any(), "the upper border is to stay plain"
        assert not generated[:, 0].any()


def test_only_the_silhouette_mask_depends_on_the_silhouette() -> None:
    track = make_bundle(num_frames=4, num_people=1).tracks[0]
    empty = MaskStack.pack(np.zeros((4, 4), np.int32), [np.zeros((0, 0), bool)] * 4)
    bare = dataclasses.replace(track, silhouettes=empty)
    for mask, equal in (("box", True), ("everything", True), ("silhouette", False)):
        with_it, without = conditions_of(track, mask=mask).at(2), conditions_of(bare, mask=mask).at(2)
        assert all(np.array_equal(a, b) for a, b in zip(with_it, without, strict=True)) == equal


def test_someone_without_joints_is_a_black_hole_and_no_error() -> None:
    track = make_bundle(num_frames=4, num_people=1).tracks[0]
    blind = dataclasses.replace(
        track, joints_xy_px=np.full_like(track.joints_xy_px, np.nan), joint_scores=np.zeros_like(track.joint_scores)
    )
    rgb, generated = conditions_of(blind).at(0)
    assert generated.any()
    assert not rgb[generated].any()


def test_windows_are_blended_and_a_broken_one_is_not(tmp_path: Path) -> None:
    spans = [Span(start=0, stop=9, known=0), Span(start=6, stop=12, known=3)]
    pictures = WindowPictures(tmp_path, "run", spans)
    pictures.write(0, np.zeros((9, 2, 2, 3), np.float32))
    pictures.write(1, np.ones((6, 2, 2, 3), np.float32))
    film = pictures.read(0, 12)[:, 0, 0, 0]
    np.testing.assert_allclose(film, [0] * 6 + [0.25, 0.5, 0.75] + [1] * 3)
    np.testing.assert_array_equal(pictures.read(5, 8)[:, 0, 0, 0], film[5:8])
    pictures.write(1, np.full((6, 2, 2, 3), np.nan, np.float32))
    np.testing.assert_array_equal(np.isnan(pictures.read(0, 12)[:, 0, 0, 0]), [False] * 9 + [True] * 3)
    pictures.remove()
    assert not list(tmp_path.iterdir())
    with pytest.raises(IndexError):
        pictures.read(12, 13)


def test_no_seam_where_windows_disagree(tmp_path: Path) -> None:
    """Windows that answer with a level of their own: across borders the level moves in equal small steps."""
    overlap = 5
    spans = plan_spans(60, length=17, overlap=overlap)
    pictures = WindowPictures(tmp_path, "run", spans)
    levels = [float(number % 2) for number in range(len(spans))]
    for number, (span, level) in enumerate(zip(spans, levels, strict=True)):
        pictures.write(number, np.full((span.stop - span.start, 2, 2, 3), level, np.float32))
    jumps = np.abs(np.diff(pictures.read(0, 60)[:, 0, 0, 0]))
    assert len(spans) > 3
    assert jumps.max() <= 1 / (overlap + 1) + 1e-6
    # Each change of level is spread over the frames that neighbours share, and none of it is lost.
    assert abs(jumps.sum() - (len(spans) - 1)) < 1e-5
    assert np.count_nonzero(jumps) == (len(spans) - 1) * (overlap + 1)


def test_memory_does_not_grow_with_the_length(faked: Callable[..., Any], tmp_path: Path) -> None:
    def peak(num_frames: int) -> int:
        bundle = make_bundle(num_frames=num_frames, num_people=1)
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        generator, models, config = faked(bundle, folder)
        # Not to remember what it was given.
        models.calls = type("Calls", (), {"append": lambda self, call: None, "__len__": lambda self: 1})()
        plans = plan_windows(bundle, dataclasses.replace(config, window_frames=16))
        tracemalloc.start()
        try:
            for plan in plans:
                generator.play(plan)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(30)
    short, long = peak(30), peak(120)
    assert long < 1.1 * short, (short, long)


def test_a_budget_shortens_windows_until_nothing_fits() -> None:
    def config(**options: Any) -> GenerationConfig:
        return GenerationConfig(backend="vace", device="cuda", **options)

    whole = bytes_needed(PUBLISHED, config(), window_frames=49)
    assert choose_window(PUBLISHED, config()) == 49
    assert choose_window(PUBLISHED, config(memory_mb=whole // 1_000_000 + 1)) == 49
    assert bytes_needed(PUBLISHED, config(offload=True), window_frames=49) < whole
    assert bytes_needed(PUBLISHED, config(dtype="float32"), window_frames=49) > whole
    large = VaceConfig(canvas_px=2_000_000)
    budget = bytes_needed(PUBLISHED, config(vace=large), window_frames=21) // 1_000_000 + 1
    assert choose_window(PUBLISHED, config(vace=large, memory_mb=budget)) == 21
    with pytest.raises(ConfigError, match="are needed"):
        choose_window(PUBLISHED, config(memory_mb=1000))


class FakeModels:
    """Draws somebody in one colour where it may, keeps the rest; remembers what it was given."""

    latent_channels = 16
    latent_stride_px = 8
    pipeline = None
    text_encoder = None

    def __init__(self, broken: set[int]) -> None:
        self.calls: list[dict[str, Any]] = []
        self.broken = broken

    def embed(self, prompt: str, negative: str | None) -> str:
        return prompt

    def generate(self, words: str, video: Any, mask: Any, noise: Any, **options: Any) -> Any:
        self.calls.append({"words": words, "video": video, "mask": mask, "noise": noise})
        made = np.where(mask[..., None], np.array(PERSON, np.float32) / 255, video).astype(np.float32)
        return made * np.float32(np.nan) if len(self.calls) - 1 in self.broken else made


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch, cast_of: Callable[..., Cast]) -> Callable[..., Any]:
    def make(bundle: SceneBundle, folder: Path, *, broken: set[int] = frozenset(), **options: Any) -> Any:  # type: ignore[assignment]
        models = FakeModels(broken)
        monkeypatch.setattr(vace_generator, "load_vace", lambda config: models)
        monkeypatch.setattr(vace_generator, "_sizes_of", lambda models: PUBLISHED)
        config = GenerationConfig(backend="vace", vace=SMALL, **options)
        generator = VaceGenerator(config)
        generator.keep_in(folder)
        generator.prepare(bundle, cast_of(bundle), config, 5)
        return generator, models, config

    return make


def test_each_window_goes_on_from_the_last_and_all_share_prompt_and_seed(
    faked: Callable[..., Any], tmp_path: Path
) -> None:
    bundle = make_bundle(num_frames=20, num_people=1)
    generator, models, config = faked(bundle, tmp_path)
    (plan,) = plan_windows(bundle, config)
    window = generator.play(plan)
    assert len(models.calls) == 3
    assert len({call["words"] for call in models.calls}) == 1
    first, second = models.calls[:2]
    assert first["mask"][0].any()
    assert not second["mask"][0].any(), "the first frame of the second window is known"
    np.testing.assert_allclose(second["video"][0], np.where(
        first["mask"][8][..., None], np.array(PERSON) / 255, first["video"][8]), atol=1e-3)  # fmt: skip
    # Frame 8 begins the second window and ends the first: as it is the first frame of a latent of both, noise is shared.
    assert second["noise"].shape == (3, 16, second["video"].shape[1] // 8, second["video"].shape[2] // 8)
    assert all(sprite.rgba.size for sprite in window.sprites)
    colours = np.concatenate([s.rgba[s.rgba[..., 3] > 250][:, :3] for s in window.sprites])
    assert np.abs(np.median(colours, axis=0) - PERSON).max() <= 2
    assert read_remarks(tmp_path) == ()
    assert not list((tmp_path / "scratch").glob("*.npy")), "pictures are thrown away when all is drawn"


def test_the_networks_are_told_geometry_alone(faked: Callable[..., Any], tmp_path: Path) -> None:
    """Whatever reaches the networks has the colours of the drawing, of the background, or of what they made."""
    bundle = make_bundle(num_frames=9, num_people=1)
    generator, models, config = faked(bundle, tmp_path)
    generator.play(plan_windows(bundle, config)[0])
    (call,) = models.calls
    from bodydouble.generation.diffusion.skeleton_drawing import COLOURS

    allowed = {BACKGROUND, (0, 0, 0), *COLOURS, *(tuple(int(v * 0.6) for v in colour) for colour in COLOURS)}
    seen = {tuple(int(v) for v in colour) for colour in np.unique(np.rint(call["video"].reshape(-1, 3) * 255), axis=0)}
    assert seen <= allowed


def test_windows_that_fail_are_painted_out_and_the_next_begins_anew(faked: Callable[..., Any], tmp_path: Path) -> None:
    bundle = make_bundle(num_frames=40, num_people=1)
    generator, models, config = faked(bundle, tmp_path, broken={1})
    window = generator.play(plan_windows(bundle, config)[0])
    assert models.calls[2]["mask"][0].any(), "nothing is known after a window that failed"
    (remark,) = read_remarks(tmp_path)
    assert "NaN" in remark.reason
    assert (remark.first_frame, remark.last_frame, remark.instead) == (0, 15, "paint-out")
    assert [bool(sprite.rgba.size) for sprite in window.sprites] == [False] * 16 + [True] * 24


def test_memory_that_runs_out_says_what_to_do(faked: Callable[..., Any], tmp_path: Path) -> None:
    import torch

    bundle = make_bundle(num_frames=3, num_people=1)
    generator, models, config = faked(bundle, tmp_path)

    def burst(*given: Any, **options: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    models.generate = burst
    with pytest.raises(ConfigError, match=r"--generation\.memory-mb.*--generation\.vace\.canvas-px"):
        generator.play(plan_windows(bundle, config)[0])


def test_work_that_was_done_before_a_kill_is_not_done_again(faked: Callable[..., Any], tmp_path: Path) -> None:
    bundle = make_bundle(num_frames=20, num_people=1)
    (tmp_path / "one").mkdir()
    generator, models, config = faked(bundle, tmp_path / "one")
    whole = generator.play(plan_windows(bundle, config)[0])
    (tmp_path / "two").mkdir()
    killed, models, _ = faked(bundle, tmp_path / "two")
    real = models.generate

    def die(*given: Any, **options: Any) -> Any:
        if len(models.calls) == 2:
            raise KeyboardInterrupt
        return real(*given, **options)

    models.generate = die
    with pytest.raises(KeyboardInterrupt):
        killed.play(plan_windows(bundle, config)[0])
    resumed, models, _ = faked(bundle, tmp_path / "two")
    again = resumed.play(plan_windows(bundle, config)[0])
    assert len(models.calls) == 1
    assert window_differences(whole, again) == []


def test_the_plate_comes_in_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cast_of: Callable[..., Cast]
) -> None:
    bundle = make_bundle(num_frames=9, num_people=1)
    writer = PlateWriter(tmp_path / "plate", bundle.video.width_px, bundle.video.height_px)
    shape = (bundle.video.height_px, bundle.video.width_px)
    writer.add_key(0, np.full((*shape, 3), (12, 34, 56), np.uint8), np.ones(shape, bool))
    writer.commit()
    models = FakeModels(set())
    monkeypatch.setattr(vace_generator, "load_vace", lambda config: models)
    monkeypatch.setattr(vace_generator, "_sizes_of", lambda models: PUBLISHED)
    monkeypatch.setattr(diffusion_generator, "make_cutter", lambda config: FlatCutter())
    options = dataclasses.replace(SMALL, plate=str(tmp_path / "plate"))
    config = GenerationConfig(backend="vace", vace=options, cutting=_clipseg())
    generator = VaceGenerator(config)
    generator.prepare(bundle, cast_of(bundle), config, 5)
    generator.play(plan_windows(bundle, config)[0])
    around = models.calls[0]["video"][~models.calls[0]["mask"]]
    np.testing.assert_allclose(np.rint(around * 255), np.broadcast_to((12, 34, 56), around.shape))


def test_a_plate_that_may_show_people_is_refused(tmp_path: Path, cast_of: Callable[..., Cast]) -> None:
    """The paper's median keeps whoever stood still, and the model is to see no picture of people."""
    bundle = make_bundle(num_frames=3, num_people=1)
    size = (bundle.video.height_px, bundle.video.width_px)
    writer = PlateWriter(tmp_path / "plate", *size[::-1])
    writer.add_key(0, np.zeros((*size, 3), np.uint8), np.ones(size, bool))
    writer.commit()
    assert open_plate(bundle, tmp_path / "plate")(0).shape == (*size, 3), "nobody says how it was made"
    for kind, words in (("clean", None), ("median", "people who stand still"), ("", "does not say")):
        written = f'[perception.plate]\nkind = "{kind}"\n' if kind else "seed = 1\n"
        (tmp_path / "config.toml").write_text(written)
        if words is None:
            open_plate(bundle, tmp_path / "plate")
        else:
            with pytest.raises((ConfigError, BundleError), match=words):
                open_plate(bundle, tmp_path / "plate")


class FlatCutter:
    """Finds a person in half of the canvas."""

    def cut(self, rgb: Any) -> Any:
        alpha = np.zeros(rgb.shape[:3], np.float32)
        alpha[:, : rgb.shape[1] // 2] = 1
        return alpha


def _clipseg() -> Any:
    from bodydouble.generation import CuttingConfig

    return CuttingConfig(backend="clipseg")


def test_the_real_classes_run_at_toy_size_in_any_order(toy: Path, tmp_path: Path, cast_of: Callable[..., Cast]) -> None:
    """Loading, prompts, windows, decoding and cutting; parts of a run asked for in any order are the same."""
    bundle = make_bundle(num_frames=11, num_people=1)
    config = GenerationConfig(backend="vace", weights=str(toy), vace=SMALL)
    windows = []
    for name, plans in (("whole", [(0, 11)]), ("parts", [(6, 11), (0, 6)])):
        (tmp_path / name).mkdir()
        generator = VaceGenerator(config)
        generator.keep_in(tmp_path / name)
        generator.prepare(bundle, cast_of(bundle), config, 5)
        windows.append(
            [generator.play(WindowPlan(track_id=1, step_start=first, step_stop=last)) for first, last in plans]
        )
    ((whole,), (late, early)) = windows
    joined = dataclasses.replace(
        whole, frame_indices=np.concatenate([early.frame_indices, late.frame_indices]),
        sprites=(*early.sprites, *late.sprites),
    )  # fmt: skip
    assert window_differences(whole, joined) == []
    assert "full body" in (tmp_path / "whole" / "prompts.json").read_text().lower()


def test_sizes_in_files_are_those_of_what_is_loaded(toy: Path) -> None:
    config = GenerationConfig(backend="vace", weights=str(toy))
    assert sizes_in(find_parts(config)) == vace_generator._sizes_of(load_vace(config))


def test_control_and_prompt_are_felt(toy: Path) -> None:
    models = load_vace(GenerationConfig(backend="vace", weights=str(toy)))
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 16, 4, 4), dtype=np.float32)
    mask = np.ones((5, 32, 32), bool)

    def made(models: VaceModels, *, prompt: str = "red coat", grey: float = 0.0, scale: float = 1.0) -> Any:
        words = models.embed(prompt, "blurry")
        video = np.full((5, 32, 32, 3), grey, np.float32)
        return models.generate(words, video, mask, noise, steps=2, guidance=5.0, control_strength=scale)

    base = made(models)
    assert base.shape == (5, 32, 32, 3)
    assert np.isfinite(base).all()
    assert base.min() >= 0
    assert base.max() <= 1
    np.testing.assert_array_equal(base, made(models))
    for other in (made(models, prompt="blue hat"), made(models, grey=1.0), made(models, scale=0.0)):
        assert not np.array_equal(base, other)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "vae has no weights"),
        (lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"no"), "vae cannot be used"),
        (lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(), "tokenizer is missing"),
        (lambda folder: (folder / "scheduler" / "scheduler_config.json").unlink(), "scheduler has no"),
        (lambda folder: _put_nan(folder / "transformer"), "NaN"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_weights_is_said(toy: Path, tmp_path: Path, spoil: Any, message: str) -> None:
    import shutil

    shutil.copytree(toy, tmp_path / "toy")
    spoil(tmp_path / "toy")
    with pytest.raises(MissingWeights, match=message):
        load_vace(GenerationConfig(backend="vace", weights=str(tmp_path / "toy")))


def _put_nan(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] * float("nan")
    save_file(tensors, file, metadata={"format": "pt"})
