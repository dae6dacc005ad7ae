"""The table of weights that can be fetched. Nothing in it is guessed: what is not known is None.

Where revisions and hashes come from (looked up 2026-11, without access to the hosts themselves):

* YOLOX: files of release ``0.1.1rc0``. Their sizes and hashes agree in at least three independent public projects each
  that pin the same file of the same release.
* YOLOv8: files of release ``v8.4.0`` of ultralytics/assets, hashes as GitHub's interface states them for the release,
  read from a public project that pins them; that of ``yolov8n.pt`` agrees with many others.
* RF-DETR: a commit of the Hugging Face repository, named alike by three independent public projects; the hash of the
  weights comes from one of them, those of the two small text files are not known.
* ViTPose: the commit and the hash of the weights are named alike by two independent public projects; the file list is
  that of the Hugging Face page at this commit.
* SAM 2.1: the commit is named by more than five independent public projects, size and hash of the weights and the hash
  of the configuration by one and two of them.
* CLIPSeg: the commit as Hugging Face's pages show it, the first with the right ``preprocessor_config.json``; weights
  are the PyTorch file, for which no hash is known.
* epiCRealism, Stable Diffusion 1.5, the OpenPose ControlNet, the standard motion adapter: commits as Hugging Face's pages
  show them or several independent public projects name them alike; no hashes are known.
* AnimateDiff-Lightning: the commit that added the files, with hashes and sizes as its page shows them; the hash of the
  four-step file comes from a copy of it elsewhere, that of the eight-step file is not known.
* sd-vae-ft-mse: commit, hash and size are named alike by two independent public projects.
* BiRefNet: the commit, and hashes and sizes of all four files, are named alike by more than five independent public
  projects; one of them resolved ``main`` to it on 2026-05-28, after the repair for transformers 5 (2026-02-04).
* Wan2.1-VACE: the commit is named alike by more than five independent public projects, exact sizes of the weights by one;
  hashes of transformer and autoencoder are those that the Hugging Face pages show, those of the text encoder are not known.
* RTMPose: the archive that rtmlib 0.0.16 names for ``balanced``; no hash is known (the one in its name is not the
  archive's).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bodydouble.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a model."""

    name: str
    """Its name in the model's folder."""
    url: str
    """Where it is fetched; ``https``, ``http`` or ``file``."""
    sha256: str | None = None
    """64 hexadecimal digits; None: not known, the first one seen is recorded."""
    num_bytes: int | None = None
    """Exact size; None: not known."""


@dataclass(frozen=True, kw_only=True)
class RemoteModel:
    """Weights that somebody else publishes, at one pinned revision."""

    name: str
    """In options and commands, and of its folder in the store."""
    summary: str
    """What it is, in a few words."""
    licence: str
    """Of the weights."""
    source: str
    """Page that describes them."""
    revision: str
    """Commit (40 hexadecimal digits) or release."""
    files: tuple[RemoteFile, ...]
    """All are needed."""
    size_mb: int
    """About how much is fetched, for people to decide."""
    is_folder: bool = False
    """Loaded as a folder (transformers) instead of as its only file."""

    @property
    def unknown_hashes(self) -> tuple[str, ...]:
        """Files of which no sha256 is known: the first content seen is recorded, and must stay."""
        return tuple(file.name for file in self.files if file.sha256 is None)

    def __post_init__(self) -> None:
        """Check the shape of the row.

        Raises:
            ValueError: no files, or several where one is to be loaded.
        """
        if not self.files or (len(self.files) > 1 and not self.is_folder):
            raise ValueError(f"model {self.name!r} has {len(self.files)} files; is_folder is {self.is_folder}")


_YOLOX: Final = "https://github.com/Megvii-BaseDetection/YOLOX"
_ULTRALYTICS: Final = "https://github.com/ultralytics/assets/releases/download/v8.4.0"


def _yolox(size: str, sha256: str, num_bytes: int) -> RemoteModel:
    file = f"yolox_{size}.onnx"
    return RemoteModel(
        name=f"yolox-{size}",
        summary="COCO detector, exported to ONNX by its authors",
        licence="Apache-2.0",
        source=_YOLOX,
        revision="0.1.1rc0",
        files=(
            RemoteFile(
                name=file, url=f"{_YOLOX}/releases/download/0.1.1rc0/{file}", sha256=sha256, num_bytes=num_bytes
            ),
        ),
        size_mb=max(1, round(num_bytes / 1e6)),
    )


def _yolov8(size: str, sha256: str, size_mb: int) -> RemoteModel:
    return RemoteModel(
        name=f"yolov8{size}",
        summary="COCO detector of ultralytics",
        licence="AGPL-3.0",
        source="https://github.com/ultralytics/ultralytics",
        revision="v8.4.0",
        files=(RemoteFile(name=f"yolov8{size}.pt", url=f"{_ULTRALYTICS}/yolov8{size}.pt", sha256=sha256),),
        size_mb=size_mb,
    )


def _lightning(steps: int, sha256: str | None) -> RemoteModel:
    return RemoteModel(
        name=f"animatediff-lightning-{steps}step",
        summary=f"motion module for {steps} denoising step{'s' if steps > 1 else ''}, the paper's",
        licence="CreativeML OpenRAIL-M",
        source="https://huggingface.co/ByteDance/AnimateDiff-Lightning",
        revision=_LIGHTNING,
        files=hub_files(
            "ByteDance/AnimateDiff-Lightning",
            _LIGHTNING,
            {f"animatediff_lightning_{steps}step_diffusers.safetensors": sha256},
            {f"animatediff_lightning_{steps}step_diffusers.safetensors": 907_702_248},
        ),
        size_mb=908,
    )


def _stable_diffusion(name: str, repository: str, revision: str, summary: str) -> RemoteModel:
    files = (
        "text_encoder/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt",
        "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json", "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    )  # fmt: skip
    return RemoteModel(
        name=name,
        summary=summary,
        licence="CreativeML OpenRAIL-M",
        source=f"https://huggingface.co/{repository}",
        revision=revision,
        files=hub_files(repository, revision, dict.fromkeys(files)),
        size_mb=3930,
        is_folder=True,
    )


def hub_files(
    repository: str, revision: str, hashes: dict[str, str | None], sizes: dict[str, int] | None = None
) -> tuple[RemoteFile, ...]:
    """Files of a Hugging Face repository at a commit.

    Args:
        repository: such as ``Roboflow/rf-detr-medium``.
        revision: commit, 40 hexadecimal digits.
        hashes: file name and its sha256, None where it is not known.
        sizes: exact sizes in bytes, as far as they are known.
    """
    return tuple(
        RemoteFile(
            name=name,
            url=f"https://huggingface.co/{repository}/resolve/{revision}/{name}",
            sha256=sha256,
            num_bytes=(sizes or {}).get(name),
        )
        for name, sha256 in hashes.items()
    )


_LIGHTNING: Final = "640952ed1da1bbb7bf78037c112d47cd668a9db9"
_OPENPOSE_CONTROLNET: Final = "9ae9f970358db89e211b87c915f9535c6686d5ba"
_MOTION_V1_5_2: Final = "6167b88ffe39b4441fdf2113e77b99a6f56b7906"
_VAE_FT_MSE: Final = "31f26fdeee1355a5c34592e401dd41e45d25a493"
_BIREFNET: Final = "e2bf8e4460fc8fa32bba5ea4d94b3233d367b0e4"
_VACE: Final = "ec4d2cb062b548996b179d493fdd05340de702a1"
_VACE_HASHES: Final[dict[str, str | None]] = {
    "model_index.json": None,
    "scheduler/scheduler_config.json": None,
    "text_encoder/config.json": None,
    "text_encoder/model-00001-of-00003.safetensors": None,
    "text_encoder/model-00002-of-00003.safetensors": None,
    "text_encoder/model-00003-of-00003.safetensors": None,
    "text_encoder/model.safetensors.index.json": None,
    "tokenizer/special_tokens_map.json": None,
    "tokenizer/spiece.model": None,
    "tokenizer/tokenizer.json": None,
    "tokenizer/tokenizer_config.json": None,
    "transformer/config.json": None,
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors":
        "192804a4e10b5bb0a13f5c224bc4ec9707b3b8cc0def8eea005dbce7c9d6752a",
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors":
        "dadaf1d5e9ccf826e2c497aa9fc2756a044f606d0aa919e5405a734a121bcf7e",
    "transformer/diffusion_pytorch_model.safetensors.index.json": None,
    "vae/config.json": None,
    "vae/diffusion_pytorch_model.safetensors": "d6e524b3fffede1787a74e81b30976dce5400c4439ba64222168e607ed19e793",
}  # fmt: skip
_VACE_SIZES: Final = {
    "text_encoder/model-00001-of-00003.safetensors": 4_935_812_536,
    "text_encoder/model-00002-of-00003.safetensors": 4_983_103_192,
    "text_encoder/model-00003-of-00003.safetensors": 1_442_935_480,
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors": 4_999_964_504,
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors": 2_146_103_400,
    "vae/diffusion_pytorch_model.safetensors": 507_591_892,
}
_CLIPSEG: Final = "583b388deb98a04feb3e1f816dcdb8f3062ee205"
_SAM2_TINY: Final = "de431c4043854a71d8101e17995dfe596bf101a5"
_VITPOSE_BASE: Final = "a93ac0c67e0b7e2c55287d21d4c460c8f3c54d45"
_RTMPOSE_M: Final = "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.zip"
_RFDETR_MEDIUM: Final = "1b5b672408f86dd38e05dd3cf3f2e0834e545a59"

MODELS: Final[tuple[RemoteModel, ...]] = (
    _yolox("nano", "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d", 3_659_407),
    _yolox("tiny", "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7", 20_219_662),
    _yolox("s", "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063", 35_858_002),
    _yolox("m", "21ff6cfdeb53b013bac2249599e55f00bff3cfdfdab37ed7a4620818c1d15b3f", 101_259_744),
    RemoteModel(
        name="rfdetr-medium",
        summary="COCO detector of Roboflow, for transformers",
        licence="Apache-2.0",
        source="https://huggingface.co/Roboflow/rf-detr-medium",
        revision=_RFDETR_MEDIUM,
        files=hub_files(
            "Roboflow/rf-detr-medium",
            _RFDETR_MEDIUM,
            {
                "config.json": None,
                "preprocessor_config.json": None,
                "model.safetensors": "e52098adc46969794fbdd16e0548a62b81ba0c0f4b14392676edba50be9a69f6",
            },
        ),
        size_mb=135,
        is_folder=True,
    ),
    RemoteModel(
        name="clipseg-rd64-refined",
        summary="segmentation by text, the paper's silhouettes, for transformers",
        licence="Apache-2.0 (model card; the authors' repository excludes weights from its MIT licence)",
        source="https://huggingface.co/CIDAS/clipseg-rd64-refined",
        revision=_CLIPSEG,
        files=hub_files(
            "CIDAS/clipseg-rd64-refined",
            _CLIPSEG,
            {
                "config.json": None,
                "merges.txt": None,
                "pytorch_model.bin": None,
                "special_tokens_map.json": None,
                "tokenizer_config.json": None,
                "vocab.json": None,
            },
        ),
        size_mb=605,
        is_folder=True,
    ),
    RemoteModel(
        name="sam2.1-hiera-tiny",
        summary="segmentation by boxes, for transformers",
        licence="Apache-2.0",
        source="https://huggingface.co/facebook/sam2.1-hiera-tiny",
        revision=_SAM2_TINY,
        files=hub_files(
            "facebook/sam2.1-hiera-tiny",
            _SAM2_TINY,
            {
                "config.json": "860aff9751b139d83a4ad7df1e5535416fded533e0ead02625edbefcb9953cce",
                "model.safetensors": "48c14467e5cf9e51870511feb72c89688e82dd74523142c0538b663e193ac2a7",
            },
            {"model.safetensors": 155_908_064},
        ),
        size_mb=156,
        is_folder=True,
    ),
    RemoteModel(
        name="vitpose-base-simple",
        summary="joints of a person in a crop, for transformers",
        licence="Apache-2.0",
        source="https://huggingface.co/usyd-community/vitpose-base-simple",
        revision=_VITPOSE_BASE,
        files=hub_files(
            "usyd-community/vitpose-base-simple",
            _VITPOSE_BASE,
            {
                "config.json": None,
                "model.safetensors": "85375373893ddd3641f3912821073e53f5435f9e966e1dca59d004454bfe4fdf",
            },
        ),
        size_mb=344,
        is_folder=True,
    ),
    RemoteModel(
        name="rtmpose-m",
        summary="joints of a person in a crop, for rtmlib",
        licence="Apache-2.0",
        source="https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
        revision="20230504",
        files=(
            RemoteFile(
                name=_RTMPOSE_M,
                url=f"https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/{_RTMPOSE_M}",
            ),
        ),
        size_mb=55,
    ),
    _stable_diffusion(
        "epicrealism",
        "emilianJR/epiCRealism",
        "6522cf856b8c8e14638a0aaa7bd89b1b098aed17",
        "photographs by Stable Diffusion 1.5, first choice of AnimateDiff-Lightning's authors",
    ),
    _stable_diffusion(
        "stable-diffusion-v1-5",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        "Stable Diffusion 1.5 as published",
    ),
    _lightning(1, "ca4ea6e68f4634d72c222de2b0187c3a31f00278a55868420b4e66b987bb7ccb"),
    _lightning(2, "fbd62904484d3e0842aa6c2f12d919ef91bacac45d36b1a13ae1ba10b5da4fdd"),
    _lightning(4, "8f3330914edd8fc2ee5659e6944323858feb0ec21cc913789202d043f69b5e17"),
    _lightning(8, None),
    RemoteModel(
        name="animatediff-motion-v1-5-2",
        summary="standard motion module, for 20 denoising steps with guidance",
        licence="Apache-2.0 (repository of AnimateDiff)",
        source="https://huggingface.co/guoyww/animatediff-motion-adapter-v1-5-2",
        revision=_MOTION_V1_5_2,
        files=hub_files(
            "guoyww/animatediff-motion-adapter-v1-5-2",
            _MOTION_V1_5_2,
            {"config.json": None, "diffusion_pytorch_model.safetensors": None},
        ),
        size_mb=1820,
        is_folder=True,
    ),
    RemoteModel(
        name="control-v11p-sd15-openpose",
        summary="ControlNet for OpenPose drawings, float16",
        licence="OpenRAIL (model card)",
        source="https://huggingface.co/lllyasviel/control_v11p_sd15_openpose",
        revision=_OPENPOSE_CONTROLNET,
        files=hub_files(
            "lllyasviel/control_v11p_sd15_openpose",
            _OPENPOSE_CONTROLNET,
            {"config.json": None, "diffusion_pytorch_model.fp16.safetensors": None},
        ),
        size_mb=723,
        is_folder=True,
    ),
    RemoteModel(
        name="sd-vae-ft-mse",
        summary="autoencoder of Stable Diffusion 1.5, fine-tuned on faces",
        licence="MIT (model card, not verified)",
        source="https://huggingface.co/stabilityai/sd-vae-ft-mse",
        revision=_VAE_FT_MSE,
        files=hub_files(
            "stabilityai/sd-vae-ft-mse",
            _VAE_FT_MSE,
            {
                "config.json": None,
                "diffusion_pytorch_model.safetensors": "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
            },
            {"config.json": 547, "diffusion_pytorch_model.safetensors": 334_643_276},
        ),
        size_mb=335,
        is_folder=True,
    ),
    RemoteModel(
        name="birefnet",
        summary="cuts out what is in front, the paper's; its Python code is run",
        licence="MIT",
        source="https://huggingface.co/ZhengPeng7/BiRefNet",
        revision=_BIREFNET,
        files=hub_files(
            "ZhengPeng7/BiRefNet",
            _BIREFNET,
            {
                "BiRefNet_config.py": "e7b8c2a74f6cea6a59553d517f71d47f2c1d90e670a13416af17c25fe2f3dc52",
                "birefnet.py": "208771ae626f653d64128fbf2d6ac9f8e645c5cc5e286258a73ec3322bbfe5ef",
                "config.json": "c97ea21569daf66b205491a4635147dd3bc42c7c168b89d7d75b53f67ef548ae",
                "model.safetensors": "9ab37426bf4de0567af6b5d21b16151357149139362e6e8992021b8ce356a154",
            },
            {"BiRefNet_config.py": 298, "birefnet.py": 91_896, "config.json": 405, "model.safetensors": 444_473_596},
        ),
        size_mb=445,
        is_folder=True,
    ),
    RemoteModel(
        name="wan2.1-vace-1.3b",
        summary="video from skeletons and masks: transformer, autoencoder and the text encoder UMT5-XXL",
        licence="Apache-2.0",
        source="https://huggingface.co/Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        revision=_VACE,
        files=hub_files("Wan-AI/Wan2.1-VACE-1.3B-diffusers", _VACE, _VACE_HASHES, _VACE_SIZES),
        size_mb=19_043,
        is_folder=True,
    ),
    _yolov8("n", "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36", 7),
    _yolov8("s", "1f47a78bf100391c2a140b7ac73a1caae18c32779be7d310658112f7ac9aa78a", 23),
    _yolov8("m", "5d4a90cdc7a21786cc59cd19778e9eafff836df9e2da32524737c7ee6efe4fe5", 52),
    _yolov8("x", "3df4ada6b4dad6d657868f2fdf7faecfb34dcfccf3a25c4b82079064718524c8", 137),
)
"""Every model that can be fetched."""


def model_named(name: str) -> RemoteModel:
    """The row of a model.

    Raises:
        UsageError: there is none of that name.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise UsageError(f"no model is called {name!r}; there are: {', '.join(model.name for model in MODELS)}")
