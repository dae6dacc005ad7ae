"""What can do the work of each stage: a table that is read without importing any of it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bodydouble.errors import MissingDependency
from bodydouble.model_store import is_present


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One way to do one stage."""

    stage: str
    """Such as ``generation``, or ``perception.people``: where its configuration is."""
    name: str
    """Value of the option that chooses it."""
    summary: str
    """What it is, in a few words."""
    licence: str
    """Of the code and the weights it brings."""
    modules: tuple[str, ...] = ()
    """Third-party modules it imports."""
    extra: str = ""
    """Extra of our package that installs them; empty: a plain install has them."""
    weights: tuple[str, ...] = ()
    """Files it loads, relative to the package."""
    models: tuple[str, ...] = ()
    """Models of the store that it can load; the first is taken unless the option ``weights`` names another."""
    parts: tuple[str, ...] = ()
    """Models of the store that it is put together from, unless its options name other weights."""

    def missing_modules(self) -> tuple[str, ...]:
        """Those of ``modules`` that are not installed."""
        return tuple(name for name in self.modules if importlib.util.find_spec(name) is None)

    def missing_weights(self) -> tuple[str, ...]:
        """Those of ``weights`` that are not there."""
        return tuple(name for name in self.weights if not (PACKAGE_DIR / name).is_file())

    def missing_models(self) -> tuple[str, ...]:
        """The models it takes by itself that the store has not got."""
        return tuple(name for name in (*self.models[:1], *self.parts) if not is_present(name))


PACKAGE_DIR: Final = Path(__file__).resolve().parent

PEOPLE_WEIGHTS: Final = "perception/weights/people_finder.onnx"
PERSON_WEIGHTS: Final = "perception/weights/person.onnx"

_OWN: Final = "Apache-2.0"

BACKENDS: Final[tuple[Backend, ...]] = (
    Backend(
        stage="perception.people",
        name="rendered",
        summary="own network, trained on rendered bodies only",
        licence=_OWN,
        modules=("onnxruntime",),
        weights=(PEOPLE_WEIGHTS, PERSON_WEIGHTS),
    ),
    Backend(
        stage="perception.people",
        name="yolox",
        summary="YOLOX, any export to ONNX (COCO)",
        licence="Apache-2.0",
        modules=("onnxruntime",),
        models=("yolox-s", "yolox-nano", "yolox-tiny", "yolox-m"),
    ),
    Backend(
        stage="perception.people",
        name="rfdetr",
        summary="RF-DETR of transformers (COCO)",
        licence="Apache-2.0",
        modules=("torch", "transformers"),
        extra="transformers",
        models=("rfdetr-medium",),
    ),
    Backend(
        stage="perception.people",
        name="yolov8",
        summary="YOLOv8 of ultralytics (COCO), the paper's",
        licence="AGPL-3.0",
        modules=("torch", "ultralytics"),
        extra="yolov8",
        models=("yolov8n", "yolov8s", "yolov8m", "yolov8x"),
    ),
    Backend(
        stage="perception.tracking",
        name="botsort",
        summary="BoT-SORT, then linking and filling over the whole clip",
        licence=_OWN,
        modules=("trackers",),
    ),
    Backend(
        stage="perception.tracking",
        name="ultralytics-botsort",
        summary="BoT-SORT of the paper's library, then the same over the whole clip",
        licence="AGPL-3.0",
        modules=("ultralytics", "lap"),
        extra="yolov8",
    ),
    Backend(
        stage="perception.silhouette",
        name="rendered",
        summary="own network, completed by motion against the plate",
        licence=_OWN,
        modules=("onnxruntime",),
        weights=(PERSON_WEIGHTS,),
    ),
    Backend(
        stage="perception.silhouette",
        name="clipseg",
        summary="CLIPSeg rd64-refined, asked about each box by text (the paper's)",
        licence="Apache-2.0",
        modules=("torch", "transformers"),
        extra="transformers",
        models=("clipseg-rd64-refined",),
    ),
    Backend(
        stage="perception.silhouette",
        name="sam2",
        summary="SAM 2.1, prompted by each box",
        licence="Apache-2.0",
        modules=("torch", "transformers"),
        extra="transformers",
        models=("sam2.1-hiera-tiny",),
    ),
    Backend(
        stage="perception.pose",
        name="rendered",
        summary="own network (the silhouette's), smoothed over time",
        licence=_OWN,
        modules=("onnxruntime",),
        weights=(PERSON_WEIGHTS,),
    ),
    Backend(
        stage="perception.pose",
        name="vitpose",
        summary="ViTPose, one crop a person",
        licence="Apache-2.0",
        modules=("torch", "transformers"),
        extra="transformers",
        models=("vitpose-base-simple",),
    ),
    Backend(
        stage="perception.pose",
        name="rtmpose",
        summary="RTMPose through rtmlib, one crop a person",
        licence="Apache-2.0",
        modules=("onnxruntime", "rtmlib"),
        extra="rtmpose",
        models=("rtmpose-m",),
    ),
    Backend(
        stage="perception.pose",
        name="openpose",
        summary="own implementation of OpenPose for the CMU body network (the paper's)",
        licence="Apache-2.0, weights NON-COMMERCIAL (CMU)",
        modules=("torch",),
    ),
    Backend(
        stage="perception.plate",
        name="clean",
        summary="median over unoccupied samples in one light, rest filled with patches; moving where the camera moves",
        licence=_OWN,
        modules=("cv2", "numba"),
    ),
    Backend(
        stage="perception.plate",
        name="moving",
        summary="the same for every few frames, aligned part by part",
        licence=_OWN,
        modules=("cv2", "numba"),
    ),
    Backend(
        stage="perception.plate",
        name="median",
        summary="median over everything, people who stand still included (the paper's)",
        licence=_OWN,
        modules=("cv2",),
    ),
    Backend(
        stage="generation",
        name="avatar",
        summary="parametric body, dressed and rendered on the CPU",
        licence="Apache-2.0, body data CC0-1.0",
        modules=("anny", "torch", "numba"),
    ),
    Backend(
        stage="generation",
        name="animatediff",
        summary="diffusion from skeletons and prompts: SD 1.5, AnimateDiff-Lightning, OpenPose ControlNet (the paper's)",
        licence="Apache-2.0, weights CreativeML OpenRAIL-M (uses are restricted)",
        modules=("accelerate", "compel", "diffusers", "safetensors", "torch", "transformers"),
        extra="diffusion",
        parts=("epicrealism", "animatediff-lightning-4step", "control-v11p-sd15-openpose", "sd-vae-ft-mse"),
    ),
    Backend(
        stage="generation",
        name="vace",
        summary="diffusion from skeletons and masks: Wan2.1-VACE-1.3B",
        licence="Apache-2.0",
        modules=("accelerate", "diffusers", "safetensors", "torch", "transformers"),
        extra="diffusion",
        parts=("wan2.1-vace-1.3b",),
    ),
    Backend(
        stage="generation", name="paint-out", summary="nobody: the clean plate in each person's place", licence=_OWN
    ),
    Backend(
        stage="generation.cutting",
        name="plain",
        summary="generated people cut out by the distance to their plain background",
        licence=_OWN,
        modules=("cv2",),
    ),
    Backend(
        stage="generation.cutting",
        name="birefnet",
        summary="BiRefNet, the paper's; runs the Python code that comes with its weights",
        licence="MIT",
        modules=("einops", "kornia", "timm", "torch", "torchvision", "transformers"),
        extra="birefnet",
        parts=("birefnet",),
    ),
    Backend(
        stage="generation.cutting",
        name="clipseg",
        summary="CLIPSeg on generated people, as in the authors' program",
        licence="Apache-2.0",
        modules=("torch", "transformers"),
        extra="diffusion",
        parts=("clipseg-rd64-refined",),
    ),
    Backend(stage="execution", name="serial", summary="this process (--workers 1)", licence=_OWN),
    Backend(stage="execution", name="processes", summary="several processes (--workers N)", licence=_OWN),
)


def check_installed(backend: Backend) -> None:
    """See that the packages of a backend are installed.

    Raises:
        MissingDependency: some are not; the message says what to install.
    """
    missing = backend.missing_modules()
    if missing:
        what = f"bodydouble[{backend.extra}]" if backend.extra else "bodydouble"
        raise MissingDependency(
            f"{backend.stage} backend {backend.name!r} needs {', '.join(missing)}, which is not installed; "
            f"install it with: pip install '{what}'"
        )
