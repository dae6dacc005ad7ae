"""Finding weights in the store, and putting them there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bodydouble.errors import MissingWeights
from bodydouble.model_store.download import DownloadProgress, SilentDownload, download
from bodydouble.model_store.packaged import PACKAGED
from bodydouble.model_store.table import MODELS, RemoteFile, RemoteModel, model_named

MODELS_VARIABLE: Final = "BODYDOUBLE_MODELS"
"""Environment variable that names the folder of the store."""
_RECORD_NAME: Final = "sha256.json"


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What was seen of a file; as long as size and time stay, it is not hashed again."""

    sha256: str
    num_bytes: int
    mtime_ns: int


def store_folder() -> Path:
    """The store: the folder of ``BODYDOUBLE_MODELS``, else ``bodydouble/models`` in the user's cache folder."""
    named = os.environ.get(MODELS_VARIABLE, "")
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "bodydouble" / "models"


def is_present(name: str) -> bool:
    """True if all files of a model are in the store; they are not looked into.

    Raises:
        UsageError: there is no model of that name.
    """
    folder = store_folder() / name
    return all((folder / file.name).is_file() for file in model_named(name).files)


def locate(weights: str, *, default: str, option: str) -> Path:
    """The file, or the folder, of the weights that a configuration asks for.

    Args:
        weights: value of the option: a model of the table, one that comes with the package, a path, or empty for the
            default.
        default: model that an empty value stands for.
        option: name of the option, for messages, such as ``perception.people.weights``.

    Raises:
        MissingWeights: nothing is at the path, or the store has not got the model, or another content.
    """
    known = {model.name for model in MODELS}
    if weights in PACKAGED:
        if not PACKAGED[weights].is_dir():
            raise MissingWeights(
                f"{weights!r} is not in this copy of bodydouble; train it (docs/small_diffusion.md) and name its folder in "
                f"{option}: {PACKAGED[weights]}"
            )
        return PACKAGED[weights]
    if weights and weights not in known:
        path = Path(weights)
        if not path.exists():
            raise MissingWeights(
                f"{option} is neither a file or folder, nor a model (there are {', '.join(sorted(known))}): {path}"
            )
        return path
    return find_model(weights or default, option=option)


def find_model(name: str, *, option: str = "") -> Path:
    """The file of a model in the store, or its folder for models that are loaded as such. Never downloads.

    Args:
        name: of the table.
        option: option that could name another path, for the message.

    Raises:
        UsageError: there is no model of that name.
        MissingWeights: it is not in the store, or not with the content that is expected; the message says what to do.
    """
    model = model_named(name)
    folder = store_folder() / name
    missing = [file for file in model.files if not (folder / file.name).is_file()]
    if missing:
        raise MissingWeights(_what_to_do(model, missing, folder, option))
    records = _read_records(folder)
    seen = {file.name: _verified(model, file, folder, records.get(file.name)) for file in model.files}
    if seen != records:
        _write_records(folder, seen)
    return folder if model.is_folder else folder / model.files[0].name


def fetch_model(name: str, progress: DownloadProgress | None = None) -> Path:
    """Put a model into the store, unless it is there; files that are there and right are not fetched again.

    Args:
        name: of the table.
        progress: told how far it is.

    Returns:
        What `find_model` returns.

    Raises:
        UsageError: there is no model of that name.
        MissingWeights: it cannot be fetched, comes with other content, or cannot be saved.
    """
    model = model_named(name)
    folder = store_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingWeights(f"the folder of the models cannot be made ({error}): {folder}") from error
    for file in model.files:
        target = folder / file.name
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            download(file, target, progress or SilentDownload())
    return find_model(name)


def _what_to_do(model: RemoteModel, missing: list[RemoteFile], folder: Path, option: str) -> str:
    files = ", ".join(f"{file.name} ({file.url})" for file in missing)
    instead = f", or name other weights with {option}" if option else ""
    return (
        f"the weights {model.name} are not there ({model.size_mb} MB, licence {model.licence}); get them with "
        f"`bodydouble models fetch {model.name}`, or the option --download; or put {files} into the folder below, "
        f"whose parent {MODELS_VARIABLE} sets{instead}: {folder}"
    )


def _verified(model: RemoteModel, file: RemoteFile, folder: Path, record: _Record | None) -> _Record:
    path = folder / file.name
    stat = path.stat()
    if record is not None and (record.num_bytes, record.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
        digest = record.sha256
    else:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if file.sha256 is not None and digest != file.sha256:
        raise MissingWeights(
            f"{file.name} has sha256 {digest}, but {model.name} at {model.revision} has {file.sha256}; delete it and "
            f"run `bodydouble models fetch {model.name}`: {path}"
        )
    if file.sha256 is None and record is not None and digest != record.sha256:
        raise MissingWeights(
            f"{file.name} has sha256 {digest}, but had {record.sha256} when it was first seen; delete it and "
            f"fetch it again, or delete {_RECORD_NAME} beside it to accept the change: {path}"
        )
    return _Record(sha256=digest, num_bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)


def _read_records(folder: Path) -> dict[str, _Record]:
    try:
        data = json.loads((folder / _RECORD_NAME).read_text(encoding="utf-8"))
        return {name: _Record(**fields) for name, fields in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise MissingWeights(
            f"the record of hashes cannot be read ({error}); delete it: {folder / _RECORD_NAME}"
        ) from error


def _write_records(folder: Path, records: Mapping[str, _Record]) -> None:
    text = json.dumps({name: asdict(record) for name, record in records.items()}, indent=2)
    temporary = folder / f".{_RECORD_NAME}.{os.getpid()}.part"
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(folder / _RECORD_NAME)
    except OSError as error:
        # A store that somebody else looks after may be read-only; its files are then hashed each time.
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise MissingWeights(
                f"the record of hashes cannot be written ({error}): {folder / _RECORD_NAME}"
            ) from error
