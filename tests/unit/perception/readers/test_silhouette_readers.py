"""Silhouettes by models of others: the code that users run, on toys of the real classes, and known geometry."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import ClipSegConfig, PerceptionConfig, Sam2Config, SilhouetteConfig
from bodydouble.perception.crops import paste
from bodydouble.perception.person import SeparateReaders, SilhouetteReader, SoftMask
from bodydouble.perception.person_backends import make_reader
from bodydouble.perception.silhouette.clipseg import ClipSegReader, _square
from bodydouble.perception.silhouette.sam2 import Sam2Reader
from bodydouble.perception.torch_models import as_tensor
from tests.unit.perception.readers.test_pose_readers import HARD_BOXES, NOBODY, noise
from tests.unit.perception.readers.toys import save_clipseg, save_sam2, save_sam2_video

CPU = torch.device("cpu")


def silhouettes(config: SilhouetteConfig) -> SilhouetteReader:
    reader = make_reader(PerceptionConfig(silhouette=config, batch_people=7, threads=1))
    assert isinstance(reader, SeparateReaders)
    return reader.silhouettes


def check(masks: list[SoftMask], people: int) -> None:
    assert len(masks) == people
    for mask in masks:
        assert mask.probabilities.ndim == 2
        assert mask.probabilities.dtype == np.float32
        assert np.isfinite(mask.probabilities).all()
        assert 0 <= mask.probabilities.min(initial=0) <= mask.probabilities.max(initial=1) <= 1


def in_frame(mask: SoftMask, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """What the rest of perception makes of it, at one half."""
    return np.asarray(paste(mask.probabilities, mask.crop, (0, 0, rgb.shape[1], rgb.shape[0])) >= 0.5)


def with_red(place: tuple[int, int, int, int], *, height: int = 200, width: int = 321) -> npt.NDArray[np.uint8]:
    rgb = np.full((height, width, 3), 30, np.uint8)
    rgb[place[1] : place[3], place[0] : place[2], 0] = 255
    return rgb


def overlap(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


@pytest.fixture(scope="module")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sam2(tmp_path_factory.mktemp("sam2"))


@pytest.fixture(scope="module")
def clipseg_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clipseg(tmp_path_factory.mktemp("clipseg"))


@pytest.mark.parametrize("view", ["frame", "person"])
def test_sam2_as_users_load_it(sam2_folder: Path, view: Literal["frame", "person"]) -> None:
    reader = silhouettes(SilhouetteConfig(backend="sam2", sam2=Sam2Config(weights=str(sam2_folder), view=view)))
    for rgb in (noise(97, 131), noise(97, 131, grey=True), noise(1, 1)):
        check(reader.masks(rgb, HARD_BOXES.astype(np.float32)), 5)
    check(reader.masks(noise(97, 131), NOBODY), 0)
    first, again = (reader.masks(noise(97, 131), HARD_BOXES[:1].astype(np.float32))[0] for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert first.probabilities.size > 0
    # Wholly outside of the frame: nobody there.
    assert in_frame(reader.masks(noise(97, 131), HARD_BOXES[3:4].astype(np.float32))[0], noise(97, 131)).sum() == 0


def test_sam2_as_it_is_published(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import load_file

    folder = save_sam2_video(tmp_path)
    capfd.readouterr()
    reader = Sam2Reader(folder, Sam2Config(), threads=1)
    assert capfd.readouterr() == ("", "")
    saved, loaded = load_file(folder / "model.safetensors"), reader._model.state_dict()
    shared = [name for name in loaded if name in saved]
    assert len(shared) > 0.9 * len(loaded)
    assert all(torch.equal(saved[name], loaded[name]) for name in shared)
    check(reader.masks(noise(97, 131), HARD_BOXES.astype(np.float32)), 5)


class RedInTheBox:
    """Masks whatever is red, and remembers the prompts."""

    def __init__(self, side: int) -> None:
        self.side, self.prompts = side, list[npt.NDArray[np.float32]]()

    def __call__(
        self, pixel_values: torch.Tensor, input_boxes: torch.Tensor, multimask_output: bool
    ) -> SimpleNamespace:
        assert not multimask_output
        self.prompts.append(input_boxes[0].numpy())
        red = pixel_values[:, :1] * 0.229 + 0.485
        logits = (torch.nn.functional.interpolate(red, size=(self.side, self.side), mode="area") - 0.55) * 20
        return SimpleNamespace(pred_masks=logits[:, None].expand(-1, input_boxes.shape[1], 1, -1, -1))


@pytest.mark.parametrize("view", ["frame", "person"])
@pytest.mark.parametrize("place", [(100, 60, 140, 150), (0, 110, 30, 200), (290, 0, 321, 80)])
def test_sam2_mask_comes_back_to_its_place(
    sam2_folder: Path, view: Literal["frame", "person"], place: tuple[int, int, int, int]
) -> None:
    reader = Sam2Reader(sam2_folder, Sam2Config(view=view), threads=1)
    reader._model, reader._height_px, reader._width_px = RedInTheBox(256), 1024, 1024
    rgb = with_red(place)
    mask = in_frame(reader.masks(rgb, np.array([place], np.float32))[0], rgb)
    assert overlap(mask, rgb[..., 0] == 255) > 0.97


def test_sam2_is_asked_about_the_box_in_its_own_pixels(sam2_folder: Path) -> None:
    reader = Sam2Reader(sam2_folder, Sam2Config(), threads=1)
    stub: Any = RedInTheBox(16)
    reader._model = stub
    boxes = np.array([[32, 20, 96, 100], [-50, 150, 33, 260]], np.float32)
    reader.masks(np.zeros((200, 320, 3), np.uint8), boxes)
    # 320x200 becomes 64x64; SAM 2 adds half a pixel to what it is given. Beyond the frame is nothing to point at.
    expected = np.array([[6.4, 6.4, 19.2, 32], [0, 48, 6.6, 64]]) - 0.5
    np.testing.assert_allclose(stub.prompts[0], expected, atol=1e-4)


def test_clipseg_as_users_load_it(clipseg_folder: Path) -> None:
    reader = silhouettes(SilhouetteConfig(backend="clipseg", clipseg=ClipSegConfig(weights=str(clipseg_folder))))
    for rgb in (noise(97, 131), noise(97, 131, grey=True), noise(1, 1)):
        check(reader.masks(rgb, HARD_BOXES.astype(np.float32)), 5)
    check(reader.masks(noise(97, 131), NOBODY), 0)
    # The region is the box in whole pixels, inside the frame.
    shapes = [mask.probabilities.shape for mask in reader.masks(noise(97, 131), HARD_BOXES.astype(np.float32))]
    assert shapes == [(85, 30), (60, 25), (47, 31), (0, 0), (0, 0)]


def test_clipseg_answers_are_those_of_the_whole_model(clipseg_folder: Path) -> None:
    """We run its parts, so that five prompts cost one look; the model as a whole must say the same."""
    config = ClipSegConfig()
    reader = ClipSegReader(clipseg_folder, config, threads=1, batch=32)
    regions = [noise(85, 30), noise(40, 60)[::-1].copy()]
    own = reader._ask(regions)
    from transformers import CLIPTokenizer

    tokens = CLIPTokenizer.from_pretrained(clipseg_folder)(list(config.prompts), padding=True, return_tensors="pt")
    for region, answers in zip(regions, own, strict=True):
        pixels = as_tensor(np.stack([_square(region)] * len(config.prompts)), CPU)
        with torch.inference_mode():
            whole = reader._model(
                pixel_values=pixels, input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            ).logits.numpy()
        np.testing.assert_allclose(answers, whole, atol=1e-4)
    assert np.abs(own[:, 0] - own[:, 1]).max() > 1e-3, "another prompt must be another answer"
    assert reader._ask(regions[:1]).shape == (1, 5, 352, 352)


def test_clipseg_one_prompt_and_one_person(clipseg_folder: Path) -> None:
    reader = ClipSegReader(clipseg_folder, ClipSegConfig(prompts=("person",)), threads=1, batch=32)
    check(reader.masks(noise(50, 40), np.array([[1, 2, 20, 40]], np.float32)), 1)
    with pytest.raises(ValueError, match="prompts is empty"):
        ClipSegReader(clipseg_folder, ClipSegConfig(prompts=()), threads=1, batch=32)


@pytest.mark.parametrize("place", [(100, 60, 140, 150), (0, 110, 30, 200)])
def test_clipseg_mask_comes_back_to_its_place(
    clipseg_folder: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[int, int, int, int]
) -> None:
    reader = ClipSegReader(clipseg_folder, ClipSegConfig(), threads=1, batch=32)

    def red(regions: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        squares = np.stack([cv2.resize(r[..., 0].astype(np.float32), (352, 352)) for r in regions])
        return np.repeat(((squares - 140) / 10)[:, None], 5, axis=1)

    monkeypatch.setattr(reader, "_ask", red)
    rgb = with_red(place)
    box = np.array([[place[0] - 12.4, place[1] - 9.7, place[2] + 7.2, place[3] + 15.1]], np.float32)
    assert overlap(in_frame(reader.masks(rgb, box)[0], rgb), rgb[..., 0] == 255) > 0.97


def test_clipseg_takes_the_highest_answer(clipseg_folder: Path) -> None:
    reader = ClipSegReader(clipseg_folder, ClipSegConfig(), threads=1, batch=32)
    logits = np.full((2, 352, 352), -8, np.float32)
    logits[0, :176], logits[1, 300:] = 1.0, 2.0
    answer = reader._answer(logits, (30, 40))
    assert answer[5, 5] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5)
    assert answer[38, 5] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-5)
    assert answer[25, 5] < 0.001


def test_clipseg_stretched_as_the_authors_do(clipseg_folder: Path) -> None:
    logits = np.linspace(-6, -2, 352 * 352, dtype=np.float32).reshape(1, 352, 352)
    plain, stretched = (
        ClipSegReader(clipseg_folder, ClipSegConfig(stretch=value), threads=1, batch=8)._answer(logits, (352, 352))
        for value in (False, True)
    )
    assert plain.max() < 0.4
    # (p - lowest) / highest, which ends a little below 1.
    assert stretched.max() == pytest.approx(1 - plain.min() / plain.max(), abs=1e-5)
    assert stretched.min() == 0


def test_absent_or_broken_weights(clipseg_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "store"))
    for backend in ("clipseg", "sam2"):
        with pytest.raises(MissingWeights, match="bodydouble models fetch"):
            silhouettes(SilhouetteConfig(backend=backend))  # type: ignore[arg-type]
    with pytest.raises(MissingWeights, match="of type 'clipseg', not 'sam2'"):
        Sam2Reader(clipseg_folder, Sam2Config(), threads=1)
    speechless = tmp_path / "speechless"
    shutil.copytree(clipseg_folder, speechless)
    (speechless / "vocab.json").unlink()
    with pytest.raises(MissingWeights, match="tokenizer"):
        ClipSegReader(speechless, ClipSegConfig(), threads=1, batch=8)
