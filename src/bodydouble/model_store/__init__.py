"""Weights that are not part of the package: what there is, where they lie, how they are fetched.

A network's weights are looked for in this order:

1. the path that an option names (``perception.people.weights``): used as it is, nothing is compared with the table;
2. the store: the folder of the environment variable ``BODYDOUBLE_MODELS``, else ``~/.cache/bodydouble/models``. A model
   has a folder of its own there, ``STORE/yolox-s/yolox_s.onnx``; files may be put there by hand;
3. the network, and only when it is asked for: ``bodydouble models fetch NAME``, or ``--download`` with a command.

Loading never downloads. Files are compared with the sha256 of the table; where the table knows none, with the one that
was recorded (``sha256.json`` beside the file) when the file was first seen.
"""

from bodydouble.model_store.download import DownloadProgress, SilentDownload
from bodydouble.model_store.store import MODELS_VARIABLE, fetch_model, find_model, is_present, locate, store_folder
from bodydouble.model_store.table import MODELS, RemoteFile, RemoteModel, model_named

__all__ = [
    "MODELS",
    "MODELS_VARIABLE",
    "DownloadProgress",
    "RemoteFile",
    "RemoteModel",
    "SilentDownload",
    "fetch_model",
    "find_model",
    "is_present",
    "locate",
    "model_named",
    "store_folder",
]
