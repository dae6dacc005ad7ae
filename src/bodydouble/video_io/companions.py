"""Files of a data set that are no footage: which are safe to copy, and the copying.

A file is copied only when it is known to be no footage. Anything else stays behind and is reported, since data sets
also ship footage as arrays (Avenue's ``training_vol/*.mat`` are its frames) or archives, and a copy of one would
hand on everybody as filmed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from bodydouble.errors import OutputError, UnreadableImage
from bodydouble.video_io.codecs import IMAGE_SUFFIXES
from bodydouble.video_io.output_paths import remove

if TYPE_CHECKING:
    from bodydouble.video_io.clips import FootageTree

_TEXT_SUFFIXES: Final = frozenset(
    {".txt", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini", ".md", ".rst", ".m", ".py", ".srt"}
)
_ARRAY_SUFFIXES: Final = frozenset({".mat", ".npy", ".npz"})
"""Copied only where a name says that they are labels."""
_LABEL_WORDS: Final = re.compile(r"(^|[^a-z])(gt|mask|masks|label|labels|annotation|annotations|groundtruth)([^a-z]|$)")
_MASK_FOLDER: Final = re.compile(r"(^|[^a-z])(gt|mask|masks|groundtruth)([^a-z]|$)")
_MAX_MASK_LEVELS: Final = 16
"""A mask has two grey levels, a few more where its edges are soft or classes are numbered; a photograph has many."""


def is_mask_folder(relative: PurePath) -> bool:
    """Tell whether a folder of a tree holds masks (``Test001_gt``, ``test_pixel_mask``), itself or by a parent."""
    return any(_MASK_FOLDER.search(_words(part)) for part in relative.parts)


def is_label_file(relative: PurePath) -> bool:
    """Tell whether a file that is neither an image of a clip nor a video may be copied."""
    suffix = relative.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return is_mask_folder(relative.parent)
    named = any(_LABEL_WORDS.search(_words(part)) for part in relative.parts)
    return suffix in _TEXT_SUFFIXES or (suffix in _ARRAY_SUFFIXES and named)


def _words(part: str) -> str:
    return part.lower().replace("ground_truth", "groundtruth").replace("ground truth", "groundtruth")


def copy_companions(tree: FootageTree, *, overwrite: bool) -> int:
    """Copy label and mask files beside the clips; each appears under its name only when it is whole.

    Args:
        tree: what ``discover_footage`` found.
        overwrite: replace copies that are there.

    Returns:
        Number of files copied.

    Raises:
        UnreadableImage: an image in a mask folder has too many grey levels to be a mask.
        OutputError: a copy exists, or cannot be written.
    """
    from bodydouble.video_io.guard import writing

    # All are looked at before the first is written: a folder of photographs named "gt" must not be half copied.
    for source, target in tree.companions:
        if source.suffix.lower() in IMAGE_SUFFIXES:
            _check_mask(source)
        if target.exists() and not overwrite:
            raise OutputError(f"the output exists already; use --overwrite to replace it: {target}")
    for source, target in tree.companions:
        partial = target.with_name(f".{target.name}.partial")
        try:
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, partial)
                partial.replace(target)
        except OutputError:
            remove(partial)
            raise
    return len(tree.companions)


def _check_mask(path: Path) -> None:
    import numpy as np

    from bodydouble.video_io.image_codec import read_image
    from bodydouble.video_io.image_header import read_image_header

    rgb = read_image(path, read_image_header(path))
    num_levels = len(np.unique(rgb))
    if num_levels > _MAX_MASK_LEVELS:
        raise UnreadableImage(
            f"the image lies in a folder of masks but has {num_levels} levels (a mask has at most {_MAX_MASK_LEVELS}), "
            f"so it may be footage and is not copied; rename the folder or take the image out: {path}"
        )
