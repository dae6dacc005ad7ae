"""RF-DETR of transformers at toy size: the real classes, random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from bodydouble.errors import MissingDependency, MissingWeights  # noqa: E402
from bodydouble.perception.config import PeopleConfig, PerceptionConfig, RfDetrConfig  # noqa: E402
from bodydouble.perception.people.factory import make_finder  # noqa: E402
from bodydouble.perception.people.rfdetr import RfDetrPeopleFinder  # noqa: E402

LABELS = {0: "N/A", 1: "person", 2: "bicycle"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    backbone = {
        "model_type": "rf_detr_dinov2", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 64, "patch_size": 8, "num_windows": 2, "out_features": ["stage1", "stage2"],
        "num_register_tokens": 0,
    }  # fmt: skip
    config = transformers.RfDetrConfig(
        backbone_config=backbone, d_model=32, num_queries=12, decoder_layers=1, decoder_ffn_dim=32, group_detr=1,
        decoder_self_attention_heads=2, decoder_cross_attention_heads=2, decoder_n_points=1, id2label=LABELS,
        label2id={name: index for index, name in LABELS.items()},
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.RfDetrForObjectDetection(config)
    path = tmp_path_factory.mktemp("rfdetr")
    model.save_pretrained(path)
    (path / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 96, "width": 64}}))
    return path


def config(**options: object) -> PeopleConfig:
    return PeopleConfig(backend="rfdetr", **options)  # type: ignore[arg-type]


def test_answers_are_the_library_s_own(folder: Path) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (48, 96, 3), dtype=np.uint8)
    finder = RfDetrPeopleFinder(folder, config(score=0.0), threads=1)
    found = finder.find(rgb)
    model = transformers.RfDetrForObjectDetection.from_pretrained(folder).eval()
    with torch.no_grad():
        output = model(pixel_values=finder.prepared(rgb))
    scores = output.logits[0, :, 1].sigmoid().numpy()
    order = np.argsort(-scores, kind="stable")
    x, y, w, h = output.pred_boxes[0].numpy()[order].T
    expected = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1) * [96, 48, 96, 48]
    assert len(found) == 12
    np.testing.assert_allclose(found.scores, scores[order], rtol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy_px, expected, rtol=1e-4, atol=1e-3)


def test_boxes_and_scores_are_read_as_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = RfDetrPeopleFinder(folder, config(score=0.3), threads=1)

    class Answer:
        logits = torch.tensor([[[9.0, 0.0, 0.0], [0.0, 2.0, 9.0], [0.0, -9.0, 9.0]]])
        pred_boxes = torch.tensor([[[0.5, 0.5, 0.5, 1.0], [0.25, 0.5, 0.1, 0.5], [0.5, 0.5, 1.0, 1.0]]])

    monkeypatch.setattr(finder, "_model", lambda pixel_values: Answer)
    found = finder.find(np.zeros((200, 400, 3), np.uint8))
    np.testing.assert_allclose(found.boxes_xyxy_px, [[80, 50, 120, 150], [100, 0, 300, 200]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-2)), 0.5], rtol=1e-5)


def test_picture_is_prepared_as_the_checkpoint_says(folder: Path) -> None:
    finder = RfDetrPeopleFinder(folder, config(), threads=1)
    tensor = finder.prepared(np.full((10, 30, 3), (255, 0, 51), np.uint8))
    assert tensor.shape == (1, 3, 96, 64)
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    np.testing.assert_allclose(tensor.mean(dim=(0, 2, 3)).numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (77, 31)])
def test_frames_of_any_size(folder: Path, shape: tuple[int, int]) -> None:
    people = config(score=0.0, rfdetr=RfDetrConfig(weights=str(folder)))
    finder = make_finder(PerceptionConfig(people=people, threads=1))
    assert np.isfinite(finder.find(np.zeros((*shape, 3), np.uint8)).boxes_xyxy_px).all()


def test_number_of_threads_is_put_back(folder: Path) -> None:
    before = torch.get_num_threads()
    RfDetrPeopleFinder(folder, config(), threads=before + 1).find(np.zeros((8, 8, 3), np.uint8))
    assert torch.get_num_threads() == before


def test_what_is_no_rfdetr_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="transformers' layout"):
        RfDetrPeopleFinder(tmp_path, config(), threads=1)
    data = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(data | {"model_type": "detr"}))
    with pytest.raises(MissingWeights, match="of type 'detr'"):
        RfDetrPeopleFinder(tmp_path, config(), threads=1)
    (tmp_path / "config.json").write_text(json.dumps(data))
    with pytest.raises(MissingWeights):
        RfDetrPeopleFinder(tmp_path, config(), threads=1)


def test_network_that_knows_no_people(folder: Path, tmp_path: Path) -> None:
    data = json.loads((folder / "config.json").read_text())
    data["id2label"] = {"0": "cat", "1": "dog", "2": "cow"}
    data["label2id"] = {"cat": 0, "dog": 1, "cow": 2}
    (tmp_path / "config.json").write_text(json.dumps(data))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(MissingWeights, match="cat, cow, dog, but no 'person'"):
        RfDetrPeopleFinder(tmp_path, config(), threads=1)


def test_cuda_that_is_not_there(folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(MissingDependency, match="sees no CUDA device"):
        RfDetrPeopleFinder(folder, config(rfdetr=RfDetrConfig(device="cuda")), threads=1)
