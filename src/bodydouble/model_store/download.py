"""Fetching one file: under a temporary name, compared with what is expected of it, then moved into place."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from bodydouble.errors import MissingWeights
from bodydouble.model_store.table import RemoteFile

_CHUNK_BYTES: Final = 1 << 18
_TIMEOUT_SECONDS: Final = 30.0
"""Of silence, not of the whole download."""
_SCHEMES: Final = ("https", "http", "file")


class DownloadProgress(Protocol):
    """Is told how far a download is."""

    def start(self, file_name: str, num_bytes: int | None) -> None:
        """A file begins; its size is None where the server does not say."""

    def advance(self, num_bytes: int) -> None:
        """That many more bytes have come."""

    def finish(self) -> None:
        """The file is there, or will not come."""


class SilentDownload:
    """Tells nobody."""

    def start(self, file_name: str, num_bytes: int | None) -> None:
        """Say nothing."""

    def advance(self, num_bytes: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


def download(file: RemoteFile, target: Path, progress: DownloadProgress) -> str:
    """Fetch a file; what is wrong or incomplete never appears under its name.

    Args:
        file: what to fetch, and the size and hash it must have.
        target: where it goes; the folder exists.
        progress: told how far it is.

    Returns:
        The sha256 of what came.

    Raises:
        MissingWeights: no network, no such file there, a broken download, another size or hash than expected, or the
            folder cannot be written.
    """
    if urlsplit(file.url).scheme not in _SCHEMES:
        raise MissingWeights(f"{file.name} has an address that is none of {', '.join(_SCHEMES)}: {file.url}")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise MissingWeights(f"{file.name} cannot be saved ({error}): {target.parent}") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as sink:
            digest, received = _receive(file, sink, progress)
        _check(file, digest, received)
        # mkstemp makes files for their owner only; a store may be shared.
        temporary.chmod(0o644)
        temporary.replace(target)
    except urllib.error.HTTPError as error:
        error.close()  # It is a response as well, and holds the connection.
        raise MissingWeights(f"{file.name} cannot be fetched: HTTP {error.code} {error.reason}: {file.url}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise MissingWeights(
            f"{file.name} cannot be fetched ({reason}); without a network, put the file into {target.parent}: {file.url}"
        ) from error
    except OSError as error:
        raise MissingWeights(f"{file.name} cannot be saved ({error}): {target.parent}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return digest


def _receive(file: RemoteFile, sink: IO[bytes], progress: DownloadProgress) -> tuple[str, int]:
    request = urllib.request.Request(file.url, headers={"User-Agent": "bodydouble"})
    digest, received = hashlib.sha256(), 0
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        announced = response.headers.get("Content-Length")
        length = int(announced) if announced is not None and announced.isdigit() else file.num_bytes
        progress.start(file.name, length)
        try:
            while chunk := response.read(_CHUNK_BYTES):
                received += len(chunk)
                if file.num_bytes is not None and received > file.num_bytes:
                    break  # Already wrong; whoever answers may never end.
                digest.update(chunk)
                sink.write(chunk)
                progress.advance(len(chunk))
        finally:
            progress.finish()
    if length is not None and received < length:
        raise MissingWeights(f"{file.name} broke off after {received} of {length} bytes; try again: {file.url}")
    return digest.hexdigest(), received


def _check(file: RemoteFile, digest: str, received: int) -> None:
    if file.num_bytes is not None and received != file.num_bytes:
        raise MissingWeights(
            f"{file.name} should have {file.num_bytes} bytes, but other content came; nothing was kept: {file.url}"
        )
    if file.sha256 is not None and digest != file.sha256:
        raise MissingWeights(
            f"{file.name} came with sha256 {digest}, expected {file.sha256}; it was replaced by its publisher or "
            f"damaged on the way, nothing was kept: {file.url}"
        )
