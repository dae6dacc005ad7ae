"""Writing so that nothing half done is ever seen, and reading as if the file came from somebody hostile.

Shared by the files of bundles, plates and performances. Archives hold plain arrays only: no pickles, every array's
name, type and rank known beforehand, sizes checked before anything of that size is allocated.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from bodydouble.errors import BundleError, OutputError

MAX_ARCHIVE_BYTES: Final[int] = 4 << 30
"""Most bytes that one archive may hold, unpacked: over ten hours of one person of 100x250 px at 25 frames/s."""

MAX_PACKED_MEMBER_BYTES: Final[int] = 64 << 20
"""A member that unpacks to more than this must be stored as it is, so that a small file cannot fill the memory."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES: Final[int] = 1 << 20
_MAX_HEADER_BYTES: Final[int] = 4096
_MAX_MEMBERS: Final[int] = 100_000
_MAGIC: Final[bytes] = b"\x93NUMPY\x01\x00"
_HEADER: Final = re.compile(
    rb"\{'descr': '(?P<descr>[<>|=]?[a-z?][0-9]*)', 'fortran_order': False, 'shape': \((?P<shape>[0-9, ]*)\), \} *\n"
)
"""The header that numpy writes for plain C-ordered arrays, version 1.0 (numpy.lib.format); nothing is evaluated."""

_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError, struct.error,
    OverflowError,
)  # fmt: skip
"""What ``zipfile`` is known to raise for damaged, encrypted or exotic archives."""


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """What an array of an archive must be."""

    dtype: str
    """Exact type as numpy spells it with byte order, such as ``<f4``."""
    shape: tuple[int | None, ...]
    """Length of each axis; None where any length is allowed."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; a file or folder made under it takes the place of ``path`` at the end.

    When the block raises, what was made is removed and ``path`` is as it was.

    Raises:
        OutputError: the file system refuses (no such folder, permission, disk full).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _swap_in(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}: {path}") from error
    finally:
        _remove(temporary)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: the file system refuses.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_npz(target: Path | IO[bytes], arrays: Mapping[str, npt.NDArray[Any]], *, level: int) -> None:
    """Write arrays as an ``.npz`` whose bytes depend on nothing but the arrays (and the zlib at work).

    Args:
        target: path or binary stream.
        arrays: array by name, written in this order.
        level: zlib level 1 to 9; 0 stores, and so are arrays that `check_members` would refuse packed.
    """
    with zipfile.ZipFile(target, "w", compresslevel=level or None) as archive:
        for name, array in arrays.items():
            packed = level > 0 and array.nbytes < MAX_PACKED_MEMBER_BYTES - _MAX_HEADER_BYTES
            info = member_info(f"{name}.npy", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
            with archive.open(info, "w", force_zip64=array.nbytes > 1 << 30) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)


def member_info(name: str, kind: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """A zip member with a fixed date and fixed rights, so that equal content makes equal files."""
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = kind
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return info


def read_npz(data: bytes, specs: Mapping[str, ArraySpec], *, where: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an ``.npz``: exactly those named, each exactly as specified.

    Args:
        data: the archive.
        specs: what is allowed, by array name; all must be there and nothing else may.
        where: name of the archive for messages.

    Raises:
        BundleError: the archive is damaged, holds something else, or claims an absurd size.
    """
    with open_archive(data, where=where) as archive:
        members = check_members(archive, where=where)
        expected = {f"{name}.npy" for name in specs}
        if set(members) != expected:
            raise BundleError(_difference("arrays", expected, set(members), where))
        return {name: _read_array(archive, members[f"{name}.npy"], spec, where) for name, spec in specs.items()}


@contextmanager
def open_archive(data: bytes, *, where: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip; whatever its reading raises becomes a `BundleError`.

    Raises:
        BundleError: the archive is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except _BROKEN as error:
        raise BundleError(f"damaged or truncated archive ({error}); make it anew: {where}") from error


def check_members(archive: zipfile.ZipFile, *, where: str) -> dict[str, zipfile.ZipInfo]:
    """Look at the table of contents before anything is unpacked.

    Returns:
        Members by name.

    Raises:
        BundleError: a name leaves the archive or comes twice, a link, encryption, too many or too large members.
    """
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise BundleError(f"holds {len(infos)} members; allowed are {_MAX_MEMBERS}: {where}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        # zipfile turns backslashes into slashes on some systems only, so the name as stored is looked at as well.
        stored = info.orig_filename.replace("\\", "/")
        if stored.startswith("/") or ".." in stored.split("/") or ":" in stored or "\0" in stored:
            raise BundleError(f"member {stored!r} points outside the archive; such files are refused: {where}")
        if info.filename in members:
            raise BundleError(f"member {info.filename!r} is there twice: {where}")
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise BundleError(f"member {info.filename!r} is a link; only plain files are allowed: {where}")
        if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"member {info.filename!r} is encrypted or packed in an unknown way: {where}")
        if info.file_size > MAX_PACKED_MEMBER_BYTES and info.compress_type != zipfile.ZIP_STORED:
            raise BundleError(
                f"member {info.filename!r} unpacks from {info.compress_size} to {info.file_size} bytes; above "
                f"{MAX_PACKED_MEMBER_BYTES} bytes only stored members are allowed: {where}"
            )
        members[info.filename] = info
    total = sum(info.file_size for info in infos)
    if total > MAX_ARCHIVE_BYTES:
        raise BundleError(f"unpacks to {total} bytes; allowed are {MAX_ARCHIVE_BYTES}: {where}")
    return members


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, where: str) -> bytes:
    """Unpack a member whose size `check_members` has accepted.

    Raises:
        BundleError: it does not unpack to the size it claims.
    """
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise BundleError(f"member {info.filename!r} has {len(data)} of {info.file_size} bytes: {where}")
    return data


def read_file(path: Path, *, limit_bytes: int = MAX_ARCHIVE_BYTES) -> bytes:
    """Read a plain file that is part of one of our folders.

    Raises:
        BundleError: it is missing, a link, no plain file, too large, or cannot be read.
    """
    try:
        if path.is_symlink() or not path.is_file():
            kind = "a link" if path.is_symlink() else "missing" if not path.exists() else "not a plain file"
            raise BundleError(f"{kind}; a plain file is needed: {path}")
        size = path.stat().st_size
        if size > limit_bytes:
            raise BundleError(f"has {size} bytes; allowed are {limit_bytes}: {path}")
        with path.open("rb") as stream:
            return stream.read(limit_bytes)
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}: {path}") from error


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, spec: ArraySpec, where: str) -> npt.NDArray[Any]:
    name = info.filename
    with archive.open(info) as member:
        start = member.read(len(_MAGIC) + 2)
        if not start.startswith(_MAGIC) or len(start) != len(_MAGIC) + 2:
            raise BundleError(f"{name!r} is no array of numpy format 1.0: {where}")
        length = int.from_bytes(start[-2:], "little")
        header = _HEADER.fullmatch(member.read(length))
        if header is None:
            raise BundleError(f"{name!r} has a header that plain arrays do not have: {where}")
        descr = header["descr"].decode()
        shape = tuple(int(part) for part in header["shape"].decode().split(",") if part.strip())
        if descr != spec.dtype or not _fits(shape, spec.shape):
            wanted = "x".join("any" if axis is None else str(axis) for axis in spec.shape) or "scalar"
            raise BundleError(f"{name!r} is {descr} {shape}; expected is {spec.dtype}, shape {wanted}: {where}")
        dtype = np.dtype(spec.dtype)
        num_bytes = dtype.itemsize
        for axis in shape:
            num_bytes *= axis
        if len(start) + length + num_bytes != info.file_size:
            raise BundleError(f"{name!r} claims {num_bytes} bytes of data but has another size: {where}")
        out = np.empty(shape, dtype)
        _read_into(member, out.reshape(-1).view(np.uint8), name, where)
    return out


def _read_into(member: IO[bytes], target: npt.NDArray[np.uint8], name: str, where: str) -> None:
    done = 0
    while done < len(target):
        piece = member.read(min(_CHUNK_BYTES, len(target) - done))
        if not piece:
            raise BundleError(f"{name!r} ends after {done} of {len(target)} bytes: {where}")
        target[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
    # Reading past the end makes zipfile compare the checksum.
    if member.read(1):
        raise BundleError(f"{name!r} is longer than it claims: {where}")


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(b is None or a == b for a, b in zip(shape, wanted, strict=True))


def _difference(what: str, expected: set[str], actual: set[str], where: str) -> str:
    parts = []
    if actual - expected:
        parts.append(f"unexpected {what} {sorted(actual - expected)[:5]}")
    if expected - actual:
        parts.append(f"missing {what} {sorted(expected - actual)[:5]}")
    return f"{' and '.join(parts)}; nothing but what the format names is allowed: {where}"


def _swap_in(temporary: Path, path: Path) -> None:
    """Put ``temporary`` in the place of ``path``; a folder cannot be replaced in one step, so the old one steps aside."""
    if not (path.is_dir() and not path.is_symlink()):
        temporary.replace(path)
        return
    aside = temporary.with_name(f"{temporary.name}.old")
    path.rename(aside)
    try:
        temporary.rename(path)
    except OSError:
        aside.rename(path)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
