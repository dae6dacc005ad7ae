"""The network, its weights' files, and the way from a crop to joints in the crop."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from bodydouble.errors import MissingWeights, OutputError
from bodydouble.perception.pose.openpose import OpenPoseEstimator
from bodydouble.perception.pose.openpose.estimator import enlarge, network_input
from bodydouble.perception.pose.openpose.files import PUBLISHED_SHA256, find_weights
from bodydouble.perception.pose.openpose.network import BodyNetwork
from bodydouble.perception.pose.openpose.weights import convert, load_weights
from bodydouble.scene import NUM_JOINTS
from tests.unit.perception.openpose_fields import Points, only, render, standing

State = dict[str, Tensor]


def meta_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in BodyNetwork().state_dict().items()}


def light_state() -> State:
    """Tensors of the right names and shapes that take no room in a file."""
    return {key: torch.zeros(1).expand(shape) for key, shape in meta_shapes().items()}


@pytest.fixture(scope="module")
def network() -> BodyNetwork:
    torch.manual_seed(7)
    return BodyNetwork().eval()


@pytest.fixture(scope="module")
def pth(network: BodyNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random weights in a file such as the published one."""
    path = tmp_path_factory.mktemp("openpose") / "body_pose_model.pth"
    torch.save(network.state_dict(), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def light_pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file that passes for weights, for tests that put something else in the network's place."""
    path = tmp_path_factory.mktemp("openpose") / "body_pose_model.pth"
    torch.save(light_state(), path)
    return path


@pytest.fixture(scope="module")
def estimator(light_pth: Path) -> OpenPoseEstimator:
    return OpenPoseEstimator(light_pth, 1, sha256=None)


@pytest.fixture(scope="module")
def real(pth: Path) -> OpenPoseEstimator:
    """With random weights, and small enough an input to run here."""
    return OpenPoseEstimator(str(pth), 1, sha256=None, network_heights_px=(24,))


class TestNetwork:
    def test_has_the_published_number_of_parameters(self) -> None:
        # 52,311,446 is what summaries of the same network by others say (Keras and PyTorch ports of the Caffe model).
        with torch.device("meta"):
            assert sum(value.numel() for value in BodyNetwork().parameters()) == 52_311_446
        assert len(meta_shapes()) == 2 * 92
        # The published file is that many float32 and 22 kB of names and padding.
        assert 0 < 209_267_595 - 4 * 52_311_446 < 30_000

    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            ("conv1_1", (64, 3, 3, 3)),
            ("conv3_4", (256, 256, 3, 3)),
            ("conv4_2", (512, 512, 3, 3)),
            ("conv4_3_CPM", (256, 512, 3, 3)),
            ("conv4_4_CPM", (128, 256, 3, 3)),
            ("conv5_4_CPM_L2", (512, 128, 1, 1)),
            ("conv5_5_CPM_L1", (38, 512, 1, 1)),
            ("conv5_5_CPM_L2", (19, 512, 1, 1)),
            ("Mconv1_stage2_L1", (128, 185, 7, 7)),
            ("Mconv5_stage4_L2", (128, 128, 7, 7)),
            ("Mconv6_stage6_L2", (128, 128, 1, 1)),
            ("Mconv7_stage6_L1", (38, 128, 1, 1)),
            ("Mconv7_stage6_L2", (19, 128, 1, 1)),
        ],
    )
    def test_layers_have_the_names_and_shapes_of_the_caffe_model(self, layer: str, shape: tuple[int, ...]) -> None:
        assert meta_shapes()[f"{layer}.weight"] == shape
        assert meta_shapes()[f"{layer}.bias"] == shape[:1]

    def test_stages_are_wired_as_in_the_paper(self, network: BodyNetwork) -> None:
        inputs: dict[str, Tensor] = {}
        outputs: dict[str, Tensor] = {}

        def watch(name: str) -> Callable[[object, tuple[Tensor, ...], Tensor], None]:
            def hook(_: object, given: tuple[Tensor, ...], result: Tensor) -> None:
                inputs[name], outputs[name] = given[0], result

            return hook

        handles = [layer.register_forward_hook(watch(name)) for name, layer in network.named_children()]
        with torch.inference_mode():
            fields, heatmaps = network(torch.rand(1, 3, 24, 16) - 0.5)
        for handle in handles:
            handle.remove()
        assert fields.shape == (1, 38, 3, 2)
        assert heatmaps.shape == (1, 19, 3, 2)
        features = outputs["conv4_4_CPM"].relu()
        last = ("conv5_5_CPM_L1", "conv5_5_CPM_L2")
        for stage in range(2, 7):
            state = torch.cat([outputs[last[0]], outputs[last[1]], features], dim=1)
            for branch in ("L1", "L2"):
                torch.testing.assert_close(inputs[f"Mconv1_stage{stage}_{branch}"], state)
                for number in range(2, 8):
                    before = outputs[f"Mconv{number - 1}_stage{stage}_{branch}"].relu()
                    torch.testing.assert_close(inputs[f"Mconv{number}_stage{stage}_{branch}"], before)
            last = (f"Mconv7_stage{stage}_L1", f"Mconv7_stage{stage}_L2")
        # Nothing cuts off what is negative in the end: fields point anywhere.
        torch.testing.assert_close(fields, outputs[last[0]])
        torch.testing.assert_close(heatmaps, outputs[last[1]])
        for branch in ("L1", "L2"):
            torch.testing.assert_close(inputs[f"conv5_1_CPM_{branch}"], features)


class TestWeights:
    def test_save_and_load(self, network: BodyNetwork, pth: Path) -> None:
        loaded = load_weights(pth, sha256=None)
        for key, value in network.state_dict().items():
            assert torch.equal(loaded[key], value)
        size = pth.stat().st_size
        assert 0 < size - 4 * 52_311_446 < 100_000

    def test_convert(self, network: BodyNetwork, pth: Path, tmp_path: Path) -> None:
        target = tmp_path / "body_pose_model.safetensors"
        convert(pth, target, sha256=None)
        assert [path.name for path in tmp_path.iterdir()] == [target.name]
        with safe_open(target, "pt") as opened:
            assert "non-commercial" in opened.metadata()["license"]
        loaded = load_weights(target)
        assert all(torch.equal(loaded[key], value) for key, value in network.state_dict().items())
        with pytest.raises(OutputError, match="exists already"):
            convert(pth, target, sha256=None)
        with target.open("r+b") as file:
            file.truncate(5000)
        with pytest.raises(MissingWeights, match="cannot be read"):
            load_weights(target)

    def test_convert_writes_nothing_else(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"\.safetensors"):
            convert(tmp_path / "no.pth", tmp_path / "yes.pth")

    def test_names_below_a_module_and_half_floats_are_taken(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        torch.save({f"model{len(key) % 7}_1.{key}": value.half() for key, value in light_state().items()}, path)
        loaded = load_weights(path, sha256=None)
        assert {key: tuple(value.shape) for key, value in loaded.items()} == meta_shapes()
        assert {value.dtype for value in loaded.values()} == {torch.float32}

    def test_files_as_old_as_the_published_one_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        torch.save(light_state(), path, _use_new_zipfile_serialization=False)
        assert load_weights(path, sha256=None).keys() == meta_shapes().keys()

    @pytest.mark.parametrize("name", ["body_pose_model.pth", "body_pose_model.safetensors"])
    def test_absent(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(MissingWeights, match=r"NON-COMMERCIAL.*BODYDOUBLE_MODELS/openpose/body_pose_model\.pth"):
            OpenPoseEstimator(tmp_path / name, 1)

    def test_another_file_under_the_published_name(self, tmp_path: Path) -> None:
        path = tmp_path / "body_pose_model.pth"
        torch.save(light_state(), path)
        with pytest.raises(MissingWeights, match=f"expected {PUBLISHED_SHA256}"):
            OpenPoseEstimator(path, 1)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        assert load_weights(path, sha256=found).keys() == meta_shapes().keys()

    def test_other_endings(self, tmp_path: Path) -> None:
        path = tmp_path / "pose_iter_440000.caffemodel"
        path.write_bytes(b"caffe")
        with pytest.raises(MissingWeights, match="caffemodel"):
            load_weights(path)

    @pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 neither"])
    @pytest.mark.parametrize("ending", [".pth", ".safetensors"])
    def test_rubbish(self, tmp_path: Path, content: bytes, ending: str) -> None:
        path = tmp_path / f"weights{ending}"
        path.write_bytes(content)
        with pytest.raises(MissingWeights, match="cannot be read"):
            load_weights(path, sha256=None)

    def test_a_pickle_that_runs_something_is_refused(self, tmp_path: Path) -> None:
        path, witness = tmp_path / "weights.pth", tmp_path / "ran"

        class Bomb:
            def __reduce__(self) -> tuple[object, ...]:
                return (Path.touch, (witness,))

        torch.save({"conv1_1.weight": Bomb()}, path)
        with pytest.raises(MissingWeights, match="cannot be read"):
            load_weights(path, sha256=None)
        assert not witness.exists()

    def test_no_mapping(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        torch.save([torch.zeros(3)], path)
        with pytest.raises(MissingWeights, match="holds a list"):
            load_weights(path, sha256=None)

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda state: state.pop("conv1_2.bias"), r"1 missing tensors, first conv1_2\.bias"),
            (lambda state: state.update({"fc6.weight": torch.zeros(2)}), r"1 unknown tensors, first fc6\.weight"),
            (lambda state: state.update({"conv1_1.bias": torch.zeros(32)}), r"shape \(32,\), expected \(64,\)"),
            (lambda state: state.update({"conv1_1.bias": torch.full((64,), torch.nan)}), "not finite"),
            (lambda state: state.update({"conv1_1.bias": torch.full((64,), torch.inf)}), "not finite"),
            (lambda state: state.update({"conv1_1.bias": torch.zeros(64, dtype=torch.int64)}), "no tensor of real"),
            (lambda state: state.update({"conv1_1.bias": "zeros"}), "no tensor of real"),
            (lambda state: state.clear(), "184 missing tensors"),
        ],
    )
    def test_every_tensor_must_be_there_and_right(
        self, tmp_path: Path, spoil: Callable[[State], object], message: str
    ) -> None:
        state = light_state()
        spoil(state)
        path = tmp_path / "weights.pth"
        torch.save(state, path)
        with pytest.raises(MissingWeights, match=message):
            load_weights(path, sha256=None)

    def test_find_weights(self, tmp_path: Path) -> None:
        with pytest.raises(MissingWeights, match="NON-COMMERCIAL"):
            find_weights(tmp_path)
        (tmp_path / "openpose").mkdir()
        for name in ("body_pose_model.pth", "body_pose_model.safetensors"):
            (tmp_path / "openpose" / name).touch()
            assert find_weights(tmp_path).name == name


class TestEnlarge:
    @pytest.mark.parametrize("size", [(80, 30), (30, 80), (655, 367), (1, 1), (333, 333), (79, 31)])
    def test_sides_reach_what_the_paper_asks_for(self, size: tuple[int, int]) -> None:
        rows, columns = enlarge(np.zeros((*size, 3), np.uint8)).shape[:2]
        assert max(rows, columns) >= 656
        assert min(rows, columns) >= 368
        assert rows / columns == pytest.approx(size[0] / size[1], rel=0.01)

    @pytest.mark.parametrize("size", [(656, 368), (368, 656), (700, 900)])
    def test_large_crops_stay(self, size: tuple[int, int]) -> None:
        crop = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
        assert enlarge(crop) is crop

    @pytest.mark.parametrize("size", [(1, 300), (300, 1), (2, 5000)])
    def test_slivers_do_not_explode(self, size: tuple[int, int]) -> None:
        assert enlarge(np.zeros((*size, 3), np.uint8)).size < 3 * 5000 * 200


def test_network_input_is_bgr_padded_with_grey_at_the_end() -> None:
    rgb = np.zeros((9, 14, 3), np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = 255, 128, 0
    tensor = network_input(rgb)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor[0, :, 0, 0], [-0.5, 0.0, 255 / 256 - 0.5])
    np.testing.assert_allclose(tensor[0, :, 8, 13], tensor[0, :, 0, 0])
    assert not tensor[0, :, 9:].any()
    assert not tensor[0, :, :, 14:].any()
    assert network_input(np.zeros((16, 8, 3), np.uint8)).shape == (1, 3, 16, 8)


class Scripted:
    """In the place of the network: answers as a perfect one would for people at known places of the crop."""

    def __init__(self, people: list[Points], crop_size: tuple[int, int], heights: list[float] | None = None) -> None:
        self.people, self.size, self.heights = people, crop_size, heights
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, tensor: Tensor) -> tuple[Tensor, Tensor]:
        self.seen.append(tuple(tensor.shape))
        rows, columns = tensor.shape[2] // 8, tensor.shape[3] // 8
        # The scale is one for both directions; the padding is less than 8 px, at the right and the bottom.
        scale = self.scale(tensor) / 8
        people = [person * scale - 0.5 for person in self.people]
        heatmaps, fields = render(people, rows, columns, sigma=1.0, limb_width=1.0, heights=self.heights)
        return torch.from_numpy(fields)[None], torch.from_numpy(heatmaps)[None]

    def scale(self, tensor: Tensor) -> float:
        # What is not padding is not grey.
        used = (tensor[0] != 0).any(dim=0).any(dim=1)
        return float(used.sum()) / self.size[0]


def crop_of(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.full((*size, 3), 10, np.uint8)


class TestEstimate:
    @pytest.mark.parametrize("size", [(160, 80), (91, 47), (368, 201), (700, 420), (60, 151)])
    def test_joints_come_back_in_pixels_of_the_crop(
        self, estimator: OpenPoseEstimator, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
    ) -> None:
        person = standing(size[1] * 0.52, size[0] * 0.06, size[0] * 0.9)
        scripted = Scripted([person], size)
        monkeypatch.setattr(estimator, "_network", scripted)
        joints = estimator.estimate(crop_of(size))
        assert joints.shape == (NUM_JOINTS, 3)
        assert joints.dtype == np.float32
        assert joints[:, 2].min() > 0
        # A cell of the network's maps is 8 of 184 rows; half of one in each direction at the worst.
        assert np.abs(joints[:, :2] - person).max() < 0.5 * 8 / 184 * size[0]
        assert np.abs((joints[:, :2] - person).mean(axis=0)).max() < 0.1 * 8 / 184 * size[0]
        assert scripted.seen[0][2] == 184
        assert scripted.seen[0][3] % 8 == 0

    def test_only_the_best_body_is_kept(self, estimator: OpenPoseEstimator, monkeypatch: pytest.MonkeyPatch) -> None:
        size = (200, 240)
        people = [
            standing(60, 10, 180),
            standing(180, 12, 180),
            only(standing(120, 10, 180), "nose", "neck", "left_eye"),
        ]
        monkeypatch.setattr(estimator, "_network", Scripted(people, size, heights=[0.6, 0.9, 1.0]))
        bodies = estimator.estimate_all(crop_of(size))
        assert len(bodies) == 2
        assert bodies[0].score > bodies[1].score
        np.testing.assert_allclose(bodies[0].joints[:, :2], people[1], atol=5)
        np.testing.assert_allclose(bodies[1].joints[:, :2], people[0], atol=5)
        np.testing.assert_array_equal(estimator.estimate(crop_of(size)), bodies[0].joints)

    def test_nobody_is_all_zeros(self, estimator: OpenPoseEstimator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(estimator, "_network", Scripted([], (50, 50)))
        joints = estimator.estimate(crop_of((50, 50)))
        assert joints.shape == (NUM_JOINTS, 3)
        assert not joints.any()

    def test_several_scales_agree(self, light_pth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        several = OpenPoseEstimator(light_pth, 1, sha256=None, network_heights_px=(96, 184, 277))
        size = (150, 70)
        person = standing(35, 9, 135)
        scripted = Scripted([person], size)
        monkeypatch.setattr(several, "_network", scripted)
        assert np.abs(several.estimate(crop_of(size))[:, :2] - person).max() < 5
        assert [shape[2] for shape in scripted.seen] == [280, 184, 96]

    def test_the_enlarged_crop_as_it_is(self, light_pth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = OpenPoseEstimator(light_pth, 1, sha256=None, network_heights_px=None)
        size = (80, 40)
        person = standing(20, 4, 72)
        scripted = Scripted([person], size)
        monkeypatch.setattr(whole, "_network", scripted)
        assert np.abs(whole.estimate(crop_of(size))[:, :2] - person).max() < 0.6
        assert scripted.seen == [(1, 3, 736, 368)]

    @pytest.mark.parametrize("size", [(1, 1), (3, 40), (33, 17), (40, 1)])
    def test_the_real_network_runs_on_any_size(self, real: OpenPoseEstimator, size: tuple[int, int]) -> None:
        threads = torch.get_num_threads()
        crop = np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8)
        joints = real.estimate(crop)
        assert joints.shape == (NUM_JOINTS, 3)
        assert np.isfinite(joints).all()
        np.testing.assert_array_equal(real.estimate(crop), joints)
        assert torch.get_num_threads() == threads

    def test_what_the_network_saw_is_what_it_says(self, network: BodyNetwork, real: OpenPoseEstimator) -> None:
        """The estimator's own network is the one that was saved."""
        tensor = torch.from_numpy(network_input(np.random.default_rng(4).integers(0, 256, (16, 24, 3), np.uint8)))
        with torch.inference_mode():
            for ours, theirs in zip(real._network(tensor), network(tensor), strict=True):
                assert torch.equal(ours, theirs)

    @pytest.mark.parametrize(
        "crop",
        [
            np.zeros((20, 10), np.uint8),
            np.zeros((20, 10, 4), np.uint8),
            np.zeros((20, 10, 3), np.float32),
            np.zeros((0, 10, 3), np.uint8),
            np.zeros((20, 0, 3), np.uint8),
        ],
    )
    def test_other_pictures_are_refused(self, estimator: OpenPoseEstimator, crop: npt.NDArray[np.uint8]) -> None:
        with pytest.raises(ValueError, match="expected a crop"):
            estimator.estimate(crop)

    @pytest.mark.parametrize("heights", [(), (0,), (184, -1)])
    def test_heights_must_be_heights(self, light_pth: Path, heights: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="network_heights_px"):
            OpenPoseEstimator(light_pth, 1, sha256=None, network_heights_px=heights)

    def test_threads_must_be_positive(self, light_pth: Path) -> None:
        with pytest.raises(ValueError, match="threads is 0"):
            OpenPoseEstimator(light_pth, 0)


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, bodydouble.perception.pose.openpose; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
