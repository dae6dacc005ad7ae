"""The plate on disk: clean background pictures of a few key frames, and any frame between them.

``plate.json`` names the keys and the sha256 of each picture; it is written last, so a folder without it is unfinished.
Per key there are two PNG: the colours, and where they were really seen free of people (255) or guessed (0).

``space`` says where the pixels of a key lie when the camera moves: in one ``reference`` picture for the whole clip, in
those of the key's own ``frame``, or on the ``screen``, whatever the camera does.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import strict_files
from bodydouble.scene.bundle import CameraMotion
from bodydouble.scene.video import MAX_SIDE_PX

RgbImage = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_STRIP_ROWS: Final = 32
_CACHED_KEYS: Final[int] = 3
_JSON_LIMIT_BYTES: Final[int] = 64 << 20
_PNG_LEVEL: Final[int] = 3
Space = Literal["reference", "frame", "screen"]
_Side = Annotated[int, Field(ge=1, le=MAX_SIDE_PX)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _KeyModel(_Strict):
    frame_index: Annotated[int, Field(ge=0, lt=1 << 62)]
    rgb_sha256: _Sha256
    valid_sha256: _Sha256


class _PlateModel(_Strict):
    format: Literal["bodydouble-plate"]
    schema_version: Literal[1]
    width_px: _Side
    height_px: _Side
    space: Space = "reference"
    keys: Annotated[list[_KeyModel], Field(min_length=1)]


class PlateWriter:
    """Writes the plate of one clip. What an earlier, unfinished writer left in the folder is removed first."""

    def __init__(self, folder: Path, width_px: int, height_px: int, *, space: Space = "reference") -> None:
        """Start an empty plate.

        Args:
            folder: made if need be.
            width_px: width of every key picture (with a moving camera that of the reference, which may be wider
                than a frame).
            height_px: height of every key picture.
            space: where its pixels lie.

        Raises:
            OutputError: the folder cannot be written.
        """
        self._folder = folder
        self._size = (height_px, width_px)
        self._space: Space = space
        self._keys: dict[int, _KeyModel] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for stale in (folder / "plate.json", *folder.glob("key_*_rgb.png"), *folder.glob("key_*_valid.png")):
                stale.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"the plate cannot be written: {error.strerror or error}: {folder}") from error

    def add_key(self, frame_index: int, rgb: RgbImage, valid: Mask) -> None:
        """Write the plate as it is at a frame.

        Args:
            frame_index: 0-based source frame; each once, in any order.
            rgb: (H, W, 3) sRGB.
            valid: (H, W), True where the pixel was really seen free of people, False where it is guessed.

        Raises:
            ValueError: a size is wrong, or the frame has a key already.
            OutputError: the file system refuses.
        """
        if (
            rgb.shape != (*self._size, 3)
            or rgb.dtype != np.uint8
            or valid.shape != self._size
            or valid.dtype != np.bool_
        ):
            raise ValueError(
                f"key {frame_index}: rgb is {rgb.shape} {rgb.dtype}, valid {valid.shape} {valid.dtype}; the plate is "
                f"{(*self._size, 3)} uint8 and {self._size} bool"
            )
        if frame_index < 0 or frame_index in self._keys:
            raise ValueError(f"key {frame_index}: frames start at 0 and have one key each")
        pictures = {"rgb": _encode_png(rgb[:, :, ::-1]), "valid": _encode_png(valid.astype(np.uint8) * np.uint8(255))}
        for kind, data in pictures.items():
            strict_files.write_bytes(_picture_path(self._folder, frame_index, kind), data)
        self._keys[frame_index] = _KeyModel(
            frame_index=frame_index,
            rgb_sha256=hashlib.sha256(pictures["rgb"]).hexdigest(),
            valid_sha256=hashlib.sha256(pictures["valid"]).hexdigest(),
        )

    def commit(self) -> None:
        """Declare the plate complete.

        Raises:
            ValueError: no key was added.
            OutputError: the file system refuses.
        """
        if not self._keys:
            raise ValueError("a plate needs at least one key")
        model = _PlateModel(
            format="bodydouble-plate",
            schema_version=1,
            width_px=self._size[1],
            height_px=self._size[0],
            space=self._space,
            keys=[self._keys[index] for index in sorted(self._keys)],
        )
        text = json.dumps(model.model_dump(mode="json"), indent=1, sort_keys=True)
        strict_files.write_bytes(self._folder / "plate.json", f"{text}\n".encode())


class PlateReader:
    """The plate at any frame of the clip. Holds three key pictures at most."""

    def __init__(
        self, folder: Path, camera: CameraMotion | None = None, *, frame_size_px: tuple[int, int] | None = None
    ) -> None:
        """Open a committed plate.

        Args:
            folder: where a `PlateWriter` has committed.
            camera: motion of the camera; None or a static one leaves the plate where it is.
            frame_size_px: width and height of what `at` returns; None is the plate's own size.

        Raises:
            BundleError: no plate is there, it is unfinished or damaged.
        """
        self._folder = folder
        self._camera = None if camera is None or camera.is_static else camera
        self._model = _read_model(folder)
        if self._model.space == "screen":
            self._camera = None
        self.width_px, self.height_px = frame_size_px or (self._model.width_px, self._model.height_px)
        if self._camera is None and (self.width_px, self.height_px) != (self._model.width_px, self._model.height_px):
            raise BundleError(
                f"the plate is {self._model.width_px}x{self._model.height_px} px, the frame "
                f"{self.width_px}x{self.height_px}; they must be equal when the camera stands still: {folder}"
            )
        self._keys = {key.frame_index: key for key in self._model.keys}
        self._cache: OrderedDict[int, tuple[RgbImage, Mask]] = OrderedDict()

    @property
    def key_frames(self) -> tuple[int, ...]:
        """Frames that have a key, ascending."""
        return tuple(self._keys)

    def at(self, frame_index: int) -> tuple[RgbImage, Mask]:
        """The clean background of a frame, fresh arrays.

        Between two keys colours are blended linearly in time (in steps of 1/256) and a pixel is valid if it is in both;
        before the first and after the last key that key is taken. In the space of frames, keys are moved with the camera
        first, and where only one of the two reaches a pixel, that one is taken.

        Returns:
            rgb (H, W, 3) and valid (H, W), both in the frame's own pixels.

        Raises:
            BundleError: a picture is missing or damaged.
            IndexError: the camera's motion does not reach to the frame.
        """
        frames = self.key_frames
        after = bisect_right(frames, frame_index)
        earlier, later = frames[max(after - 1, 0)], frames[min(after, len(frames) - 1)]
        weight = 0 if later <= earlier else round(256 * (frame_index - earlier) / (later - earlier))
        if self._camera is not None and self._model.space == "frame":
            return self._between(earlier, later, weight, frame_index)
        rgb, valid = self._key(earlier)
        if weight:
            rgb_later, valid_later = self._key(later)
            rgb, valid = _blend(rgb, rgb_later, weight), valid & valid_later
        if self._camera is None:
            return rgb.copy(), valid.copy()
        return _warp(rgb, valid, self._camera.to_reference[frame_index], (self.width_px, self.height_px))

    def never_seen(self) -> Mask:
        """Where no key saw the background, (height, width): what `at` shows there was made from other places, in any frame.

        Nowhere if keys do not lie on one picture, or move with the camera: what was seen then moves over what was not.

        Raises:
            BundleError: a picture is missing or damaged.
        """
        if self._camera is not None or self._model.space != "reference":
            return np.zeros((self.height_px, self.width_px), dtype=np.bool_)
        unseen = np.ones((self.height_px, self.width_px), dtype=np.bool_)
        for frame_index in self.key_frames:
            unseen &= ~self._key(frame_index)[1]
        return unseen

    def _between(self, earlier: int, later: int, weight: int, frame_index: int) -> tuple[RgbImage, Mask]:
        rgb, valid, inside = self._moved(earlier, frame_index)
        if not weight:
            return rgb, valid
        rgb_later, valid_later, inside_later = self._moved(later, frame_index)
        both = _blend(rgb, rgb_later, weight)
        only_first, only_second = inside & ~inside_later, inside_later & ~inside
        both[only_first], both[only_second] = rgb[only_first], rgb_later[only_second]
        known = (valid & valid_later) | (valid & only_first) | (valid_later & only_second)
        return both, known

    def _moved(self, key_frame: int, frame_index: int) -> tuple[RgbImage, Mask, Mask]:
        """A key in another frame's pixels: colours, where they are valid, where the key reaches at all."""
        assert self._camera is not None
        rgb, valid = self._key(key_frame)
        if key_frame == frame_index:
            return rgb.copy(), valid.copy(), np.ones_like(valid)
        to_reference = self._camera.to_reference
        matrix = np.linalg.inv(to_reference[key_frame]) @ to_reference[frame_index]
        size = (self.width_px, self.height_px)
        moved, seen = _warp(rgb, valid, matrix, size)
        _, inside = _warp(rgb[:, :, :1], np.ones_like(valid), matrix, size)
        return moved, seen, inside

    def _key(self, frame_index: int) -> tuple[RgbImage, Mask]:
        if frame_index in self._cache:
            self._cache.move_to_end(frame_index)
            return self._cache[frame_index]
        key, size = self._keys[frame_index], (self._model.height_px, self._model.width_px)
        rgb = _decode_png(_picture_path(self._folder, frame_index, "rgb"), key.rgb_sha256, (*size, 3))
        valid = _decode_png(_picture_path(self._folder, frame_index, "valid"), key.valid_sha256, size)
        self._cache[frame_index] = (np.ascontiguousarray(rgb[:, :, ::-1]), valid >= 128)
        while len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return self._cache[frame_index]


def _blend(earlier: RgbImage, later: RgbImage, weight: int) -> RgbImage:
    blended = np.empty_like(earlier)
    # In strips that stay in a processor's cache, which is ten times faster than whole pictures of 16 bits.
    for top in range(0, len(earlier), _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        # 255 * 256 + 128 is the largest sum and still fits 16 bits; equal values come out unchanged.
        mixed = np.multiply(earlier[strip], np.uint16(256 - weight), dtype=np.uint16)
        mixed += np.multiply(later[strip], np.uint16(weight), dtype=np.uint16)
        mixed += np.uint16(128)
        blended[strip] = mixed >> np.uint16(8)
    return blended


def _warp(
    rgb: RgbImage, valid: Mask, to_reference: npt.NDArray[np.float64], size_px: tuple[int, int]
) -> tuple[RgbImage, Mask]:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(rgb, to_reference, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpPerspective(
        valid.astype(np.uint8) * np.uint8(255),
        to_reference,
        size_px,
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    # Only where all pixels that were mixed are valid; a pixel beyond the plate is a guess.
    return np.asarray(warped, np.uint8), np.asarray(seen) == 255


def _read_model(folder: Path) -> _PlateModel:
    path = folder / "plate.json"
    data = strict_files.read_file(path, limit_bytes=_JSON_LIMIT_BYTES)
    try:
        model = _PlateModel.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"plate.json: {place}: {first['msg']}; make the plate again: {path}") from error
    frames = [key.frame_index for key in model.keys]
    if frames != sorted(set(frames)):
        raise BundleError(f"plate.json: the frames of its keys must increase strictly: {path}")
    return model


def _picture_path(folder: Path, frame_index: int, kind: str) -> Path:
    return folder / f"key_{frame_index:06d}_{kind}.png"


def _encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    done, data = cv2.imencode(".png", np.ascontiguousarray(image), [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    if not done:
        raise OutputError(f"a plate of {image.shape} cannot be encoded as PNG")
    return data.tobytes()


def _decode_png(path: Path, sha256: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    import cv2

    data = strict_files.read_file(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BundleError(f"the picture is not the one that was written (another sha256); make the plate again: {path}")
    # The checksum vouches for the file but not for who wrote plate.json: the size is compared before decoding.
    declared = (int.from_bytes(data[20:24]), int.from_bytes(data[16:20]))
    if data[:8] != b"\x89PNG\r\n\x1a\n" or declared != shape[:2]:
        raise BundleError(f"the picture is no PNG of {shape[1]}x{shape[0]} px; make the plate again: {path}")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape != shape or image.dtype != np.uint8:
        raise BundleError(f"the picture cannot be decoded as {shape} uint8; make the plate again: {path}")
    return image
