"""What others do to people in videos: a mask over the head, blur, blocks. To be compared with, not to be relied on.

They work on the same scene as doubles do, so that a comparison compares methods and not detectors. Importing the package
loads nothing heavy; ``painter`` does.
"""

from bodydouble.baselines.config import BaselineConfig, BlurConfig, ObscureConfig, PixelateConfig, RegionConfig

__all__ = ["BaselineConfig", "BlurConfig", "ObscureConfig", "PixelateConfig", "RegionConfig"]
