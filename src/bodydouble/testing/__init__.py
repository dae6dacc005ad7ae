"""Fakes, tiny clips and conformance checks for our tests and those of whoever writes a backend. Needs no torch."""

from bodydouble.testing.bundles import bundle_differences, make_bundle, random_bundle, random_window, window_differences
from bodydouble.testing.conformance import check_frame_sink, check_frame_source, check_generator
from bodydouble.testing.fakes import FakeFinder, MemorySink, RecordingProgress
from bodydouble.testing.walkers import Walker, WalkerClip, make_walker_clip

__all__ = [
    "FakeFinder",
    "MemorySink",
    "RecordingProgress",
    "Walker",
    "WalkerClip",
    "bundle_differences",
    "check_frame_sink",
    "check_frame_source",
    "check_generator",
    "make_bundle",
    "make_walker_clip",
    "random_bundle",
    "random_window",
    "window_differences",
]
