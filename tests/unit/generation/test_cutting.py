"""Cutters: with networks at toy size, with foreign code and without consent, NaN, soft edges."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("transformers")

from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.generation import CuttingConfig, GenerationConfig
from bodydouble.generation.cutting import make_cutter
from bodydouble.generation.cutting.birefnet import SIDE_PX
from bodydouble.generation.cutting.clipseg import _answer
from bodydouble.generation.cutting.edges import SoftEdges, soften
from bodydouble.generation.weights import store_models, weight_files
from tests.unit.perception.readers.toys import save_clipseg

CODE = '''
import torch
from transformers import PreTrainedModel
from .BiRefNet_config import BiRefNetConfig

class BiRefNet(PreTrainedModel):
    """Says that whatever is red is in front."""
    config_class = BiRefNetConfig

    def __init__(self, config):
        super().__init__(config)
        self.mix = torch.nn.Conv2d(3, 1, 1)
        self.post_init()

    def forward(self, pictures):
        return [pictures[:, :1] * 0, self.mix(pictures)]
'''
SETTINGS = """
from transformers import PretrainedConfig

class BiRefNetConfig(PretrainedConfig):
    model_type = "SegformerForSemanticSegmentation"
"""
CONFIG = """{
 "architectures": ["BiRefNet"], "model_type": "SegformerForSemanticSegmentation",
 "auto_map": {"AutoConfig": "BiRefNet_config.BiRefNetConfig", "AutoModelForImageSegmentation": "birefnet.BiRefNet"}
}"""


def save_birefnet(folder: Path, *, scale: float = 50.0) -> Path:
    """A network with its code, in the files of the published one."""
    folder.mkdir()
    (folder / "birefnet.py").write_text(CODE)
    (folder / "BiRefNet_config.py").write_text(SETTINGS)
    (folder / "config.json").write_text(CONFIG)
    weight = torch.tensor([scale, -scale, -scale]).reshape(1, 3, 1, 1)
    save_file(
        {"mix.weight": weight, "mix.bias": torch.zeros(1)}, folder / "model.safetensors", metadata={"format": "pt"}
    )
    return folder


@pytest.fixture(autouse=True)
def own_modules_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers copies foreign code into a cache and imports it from there."""
    import transformers.dynamic_module_utils as dynamic

    monkeypatch.setattr(dynamic, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    for name in [name for name in sys.modules if name.split(".")[0] == "transformers_modules"]:
        monkeypatch.delitem(sys.modules, name)


def config(**cutting: object) -> GenerationConfig:
    return GenerationConfig(backend="animatediff", cutting=CuttingConfig(**cutting))  # type: ignore[arg-type]


def pictures(num: int, height: int = 60, width: int = 40) -> np.ndarray:
    """Somebody in red on green, another place in every picture."""
    rgb = np.full((num, height, width, 3), (60, 160, 60), np.uint8)
    for index in range(num):
        rgb[index, 10:50, 5 + index : 25 + index] = (220, 30, 30)
    return rgb


def test_birefnet_is_not_run_without_consent(tmp_path: Path) -> None:
    folder = save_birefnet(tmp_path / "net")
    (folder / "birefnet.py").write_text("raise SystemError('foreign code was run')")
    with pytest.raises(ConfigError, match="trust-remote-code"):
        make_cutter(config(backend="birefnet", weights=str(folder)))


def test_birefnet_finds_what_its_last_answer_says_whatever_the_batch(tmp_path: Path) -> None:
    folder = save_birefnet(tmp_path / "net")
    options = {"backend": "birefnet", "weights": str(folder), "trust_remote_code": True, "edge_blur": 0.0}
    rgb = pictures(3)
    alphas = make_cutter(config(**options, batch=2)).cut(rgb)
    assert alphas.shape == rgb.shape[:3]
    truth = rgb[..., 0] > 128
    assert (alphas[truth] > 0.5).all()
    assert (alphas[~truth] < 0.5).mean() > 0.99, f"edges are as coarse as a picture of {SIDE_PX} px brought back"
    np.testing.assert_allclose(alphas, make_cutter(config(**options, batch=1)).cut(rgb), atol=1e-6)
    assert make_cutter(config(**options)).cut(rgb[:0]).shape == (0, 60, 40)


def test_code_that_comes_with_weights_is_in_the_manifest(tmp_path: Path) -> None:
    from bodydouble.generation.weights import _cutter_files

    folder = save_birefnet(tmp_path / "net")
    names = [path.name for path in _cutter_files(config(backend="birefnet", weights=str(folder)))]
    assert names == ["BiRefNet_config.py", "birefnet.py", "model.safetensors"]
    assert "birefnet" in store_models(config(backend="birefnet"))
    assert "clipseg-rd64-refined" in store_models(config(backend="clipseg"))
    assert weight_files(GenerationConfig(cutting=CuttingConfig(backend="birefnet"))) == ()


def test_birefnet_without_its_weights_or_with_others_is_refused(tmp_path: Path) -> None:
    options = {"backend": "birefnet", "trust_remote_code": True}
    folder = save_birefnet(tmp_path / "net")
    save_file({"other": torch.zeros(1)}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingWeights, match=r"mix\.bias"):
        make_cutter(config(**options, weights=str(folder)))
    with pytest.raises(MissingWeights, match=r"generation\.cutting\.weights"):
        make_cutter(config(**options, weights=str(tmp_path / "nothing")))
    broken = save_birefnet(tmp_path / "nan", scale=float("nan"))
    with pytest.raises(MissingWeights, match="NaN"):
        make_cutter(config(**options, weights=str(broken)))


def test_clipseg_answers_for_each_picture_alone(tmp_path: Path) -> None:
    folder = save_clipseg(tmp_path)
    rgb = np.random.default_rng(0).integers(0, 256, (3, 48, 31, 3), np.uint8)
    one, many = (
        make_cutter(config(backend="clipseg", weights=str(folder), batch=batch, edge_blur=0.0)).cut(rgb)
        for batch in (1, 3)
    )
    assert one.shape == (3, 48, 31)
    assert set(np.unique(one)) <= {0.0, 1.0}
    assert (one != many).mean() < 0.01


def test_clipseg_is_stretched_and_cut_at_the_authors_threshold() -> None:
    def logit(probability: float) -> float:
        return float(np.log(probability / (1 - probability)))

    # 0.1, 0.3 and 0.5 become 0, 0.4 and 0.8.
    row = np.array([[logit(0.1), logit(0.3), logit(0.5)]], np.float32)
    np.testing.assert_array_equal(_answer(row, 3, 1), [[0.0, 1.0, 1.0]])
    assert np.isnan(_answer(row * np.nan, 3, 1)).all()


class Says:
    def __init__(self, alpha: np.ndarray) -> None:
        self.alpha = alpha

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        return self.alpha


def test_soft_edges_go_inwards_only() -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[20:40, 20:40] = 1
    soft = soften(alpha, 2.0)
    assert (soft[alpha == 0] == 0).all()
    assert soft[30, 30] == pytest.approx(1, abs=1e-3)
    assert 0 < soft[30, 20] < 0.5
    assert (np.diff(soft[30, 20:30]) >= 0).all()
    whole = np.ones((60, 60), np.float32)
    np.testing.assert_allclose(soften(whole, 2.0), 1, atol=1e-5)


def test_nan_of_a_cutter_is_handed_on_to_whoever_judges() -> None:
    alpha = np.full((2, 10, 10), np.nan, np.float32)
    assert np.isnan(SoftEdges(Says(alpha), 0.1).cut(np.zeros((2, 10, 10, 3), np.uint8))).all()
