"""A folder of images as a source of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from bodydouble.errors import UnreadableImage, UnreadableVideo
from bodydouble.scene.footage import Frame
from bodydouble.scene.video import MAX_SIDE_PX, VideoGeometry
from bodydouble.video_io.codecs import FOLDER_RATE, IMAGE_SUFFIXES, is_ignored
from bodydouble.video_io.guard import reading
from bodydouble.video_io.image_codec import read_image
from bodydouble.video_io.image_header import read_image_header
from bodydouble.video_io.natural_order import natural_key


def list_images(folder: Path) -> list[Path]:
    """Images of a folder in natural order; sub-folders and the litter of file managers do not count.

    Raises:
        UnreadableImage: the folder has a file that is no image.
        UnreadableVideo: the folder cannot be read.
    """
    with reading(folder, "cannot read the folder"):
        files = [entry for entry in folder.iterdir() if not is_ignored(entry.name) and not entry.is_dir()]
    images = sorted(files, key=lambda path: natural_key(path.name))
    for path in images:
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            raise UnreadableImage(
                f"a folder of images may hold nothing but images ({', '.join(sorted(IMAGE_SUFFIXES))}); "
                f"move this file away: {path}"
            )
    return images


class ImageFolder:
    """Images of one size, in natural order of their names, at 25 frames per second.

    Headers are read when the folder is opened, so that a wrong size is found before work begins; pictures are decoded
    one at a time when they are asked for. Holds no open file; can be pickled.
    """

    def __init__(self, path: Path) -> None:
        """List the folder and check every header.

        Raises:
            UnreadableVideo: the folder is missing, cannot be read, or is empty.
            UnreadableImage: a file that is no image, a damaged header, or sizes that differ.
        """
        self._path = path
        images = list_images(path)
        if not images:
            raise UnreadableVideo(f"the folder has no images ({', '.join(sorted(IMAGE_SUFFIXES))}) in it: {path}")
        self._images = tuple(images)
        self._headers = tuple(read_image_header(image) for image in images)
        size = self._headers[0].shown_size_px
        for image, header in zip(self._images, self._headers, strict=True):
            if header.shown_size_px != size:
                other = header.shown_size_px
                raise UnreadableImage(
                    f"images of a clip must have one size: {self._images[0].name} is {size[0]}x{size[1]} px, this one "
                    f"{other[0]}x{other[1]}; put them into separate folders: {image}"
                )
            if header.num_pages > 1:
                raise UnreadableImage(f"the tif holds several pages, only single ones are read; split it: {image}")
        if max(size) > MAX_SIDE_PX:
            raise UnreadableImage(f"images are {size[0]}x{size[1]} px; at most {MAX_SIDE_PX} a side: {path}")
        self._geometry = VideoGeometry(
            width_px=size[0],
            height_px=size[1],
            time_base=Fraction(1, FOLDER_RATE),
            average_rate=Fraction(FOLDER_RATE),
            pts_ticks=tuple(range(len(images))),
            is_gray=all(header.is_gray for header in self._headers),
        )

    @property
    def path(self) -> Path:
        """Where the images are."""
        return self._path

    @property
    def name(self) -> str:
        """Folder name without its path."""
        return self._path.resolve().name

    @property
    def geometry(self) -> VideoGeometry:
        """Size and timing; one tick per image."""
        return self._geometry

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width of a pixel over its height; images are taken as square."""
        return Fraction(1)

    @property
    def image_names(self) -> tuple[str, ...]:
        """File names in the order of the frames."""
        return tuple(image.name for image in self._images)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Decode frames ``start`` to ``stop`` (exclusive; None is the end).

        Raises:
            ValueError: the range is not within the clip.
            UnreadableImage: an image cannot be decoded.
        """
        last = len(self._images) if stop is None else stop
        if not 0 <= start <= last <= len(self._images):
            raise ValueError(f"frames {start} to {last} are not within 0 to {len(self._images)}")
        return self._frames(range(start, last))

    def picked(self, wanted: Callable[[int], bool]) -> Iterator[Frame]:
        """Decode the frames whose index is wanted.

        Raises:
            UnreadableImage: an image cannot be decoded.
        """
        return self._frames(filter(wanted, range(len(self._images))))

    def _frames(self, indices: Iterable[int]) -> Iterator[Frame]:
        for index in indices:
            try:
                rgb = read_image(self._images[index], self._headers[index])
            except UnreadableImage as error:
                raise UnreadableImage(f"frame {index}: {error}") from error
            yield Frame(index=index, pts_ticks=index, rgb=rgb)

    def close(self) -> None:
        """Nothing is held open; there for the contract."""

    def __enter__(self) -> ImageFolder:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
