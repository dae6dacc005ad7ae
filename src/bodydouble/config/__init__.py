"""What a run does: a tree of frozen dataclasses, presets, and strict TOML. Imports nothing heavy."""

from bodydouble.config.presets import PRESET_SUMMARIES, preset
from bodydouble.config.toml import fingerprint, read_config, to_mapping, to_toml, write_config
from bodydouble.config.tree import ExecutionConfig, OutputConfig, PolicyConfig, RunConfig

__all__ = [
    "PRESET_SUMMARIES",
    "ExecutionConfig",
    "OutputConfig",
    "PolicyConfig",
    "RunConfig",
    "fingerprint",
    "preset",
    "read_config",
    "to_mapping",
    "to_toml",
    "write_config",
]
