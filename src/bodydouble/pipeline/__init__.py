"""The stages in order, over files. What they are made of is imported when they run."""

from bodydouble.pipeline.clips import anonymize
from bodydouble.pipeline.run import RunResult
from bodydouble.pipeline.single import composite, generate, perceive

__all__ = ["RunResult", "anonymize", "composite", "generate", "perceive"]
