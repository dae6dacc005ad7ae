"""Gaussian blur of whole people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.baselines.config import AUTHORS_BLUR_MIN_KERNEL_PX, AUTHORS_BLUR_SHARE, PAPER_REGION, BlurConfig
from bodydouble.baselines.region import region_of
from bodydouble.baselines.window import Person

_REACH_SIGMAS = 3
"""Where a Gaussian is cut off; beyond lies a quarter of a percent of it."""


def blur(original: npt.NDArray[np.uint8], people: Sequence[Person], config: BlurConfig) -> npt.NDArray[np.uint8]:
    """Blur people. Each is taken from the original, and where two overlap the stronger blur stays.

    Args:
        original: (height, width, 3) as filmed.
        people: who is in it.
        config: settings.

    Returns:
        A new picture of the same shape.
    """
    result = original.copy()
    size = (original.shape[1], original.shape[0])
    region = config.region if config.setting == "relative" else PAPER_REGION
    for kernel, sigma, person in sorted(
        ((*kernel_of(person, config), person) for person in people), key=lambda item: item[1]
    ):
        window, mask = region_of(person, size, region)
        if window.is_empty:
            continue
        # With its surroundings, so that the picture's content goes on beyond the window's edge.
        around = window.grown(kernel // 2, size)
        smooth = cv2.GaussianBlur(original[around.slices], (kernel, kernel), sigma)
        rows, columns = window.slices
        inner = smooth[
            rows.start - around.top : rows.stop - around.top, columns.start - around.left : columns.stop - around.left
        ]
        result[window.slices][mask] = inner[mask]
    return result


def kernel_of(person: Person, config: BlurConfig) -> tuple[int, float]:
    """Side of the kernel, odd, and standard deviation, both in px.

    The paper's settings give a kernel; its standard deviation is what OpenCV takes when none is named,
    ``0.3 ((side - 1) / 2 - 1) + 0.8``.
    """
    if config.setting == "relative":
        sigma = max(config.sigma_share * person.longer_side_px, config.sigma_min_px)
        return 2 * math.ceil(_REACH_SIGMAS * sigma) + 1, sigma
    if config.setting == "paper":
        measure = person.longer_side_px
    else:
        left, top, right, bottom = (float(v) for v in person.box_xyxy_px)
        measure = max((left + right) / 2, (top + bottom) / 2)
    side = max(AUTHORS_BLUR_MIN_KERNEL_PX, int(measure * AUTHORS_BLUR_SHARE))
    side += 1 - side % 2
    return side, 0.3 * ((side - 1) * 0.5 - 1) + 0.8
