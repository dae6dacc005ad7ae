"""What cameras do to pictures: light, blur, noise, low resolution, compression, infrared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def degrade(image: Floats, rng: np.random.Generator, *, lowest_scale: float) -> NDArray[np.uint8]:
    """Spoil a picture as a cheap camera would.

    Args:
        image: ``(H, W, 3)`` RGB in 0..1.
        rng: source of chance.
        lowest_scale: strongest reduction of the resolution, 0..1.

    Returns:
        ``(H, W, 3)`` RGB uint8.
    """
    height, width = image.shape[:2]
    if rng.random() < 0.6:
        scale = np.exp(rng.uniform(np.log(lowest_scale), 0))
        small = (max(8, round(width * scale)), max(8, round(height * scale)))
        back = int(rng.choice([cv2.INTER_CUBIC, cv2.INTER_LINEAR]))
        reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(reduced, (width, height), interpolation=back), np.float32)
    blur = rng.random()
    if blur < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4)), np.float32)
    elif blur < 0.38:
        kernel = np.zeros((7, 7), np.float32)
        cv2.line(kernel, (0, int(rng.integers(7))), (6, int(rng.integers(7))), 1.0)
        image = np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
    elif blur < 0.5:
        soft = cv2.GaussianBlur(image, (0, 0), 1.2)
        image = image + (image - soft) * np.float32(rng.uniform(0.3, 1.5))
    image = _tone(image, rng)
    strength = rng.uniform(0, 0.045) * (rng.random() < 0.45)
    if strength > 0.003:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(strength)
    spoiled = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.55:
        quality = int(rng.integers(22, 92))
        coded = cv2.imencode(".jpg", spoiled[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        spoiled = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)
    return spoiled


def _tone(image: Floats, rng: np.random.Generator) -> Floats:
    """Exposure, white balance, contrast, saturation, night and infrared."""
    gain = rng.uniform(0.75, 1.25)
    if rng.random() < 0.12:
        gain *= rng.uniform(0.3, 0.7)
    cast = 1 + rng.normal(0, 0.08, 3)
    image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25))) * (gain * cast).astype(np.float32)
    image = image + np.float32(rng.uniform(-0.06, 0.1))
    if rng.random() < 0.2:
        middle = np.float32(rng.uniform(0.2, 0.6))
        image = middle + (image - middle) * np.float32(rng.uniform(0.4, 1.4))
    grey = rng.random()
    if grey < 0.28:
        mean = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
        keep = 0.0 if grey < 0.08 else rng.uniform(0.1, 0.8)
        image = mean + (image - mean) * np.float32(keep)
    return np.asarray(image, np.float32)
