"""Every error bodydouble raises on purpose, and the exit code the command line gives it.

    BodyDoubleError                 1  (never raised itself)
    ├── UsageError                  2  bad option, bad combination of options
    │   └── ConfigError             2  unknown key or bad value in a configuration
    ├── InputError                  2  the input cannot be used; nothing was written
    │   ├── UnreadableVideo         2  not a video, truncated, no frames, a frame that cannot be decoded
    │   ├── UnreadableImage         2  an image of a folder cannot be used
    │   ├── BundleError             2  a scene bundle or performance that is malformed or of another version
    │   └── OutputError             2  the output exists, or cannot be written (permission, disk full)
    ├── PolicyStop                  3  coverage below the limit, or a person could not be replaced
    ├── MissingDependency           4  an optional extra is not installed
    │   └── MissingWeights          4  weights are absent or have another sha256
    ├── WorkerCrashed               1  a worker process died; what is done so far can be resumed
    └── Interrupted                 130  stopped by the user; what is done so far can be resumed

Messages say what is wrong, the value, what is allowed and what to do; a path comes last.
"""

from __future__ import annotations

from typing import ClassVar


class BodyDoubleError(Exception):
    """Base of all errors raised on purpose by bodydouble."""

    exit_code: ClassVar[int] = 1
    """What the command line returns for it."""


class UsageError(BodyDoubleError):
    """An option, or a combination of options, that makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """An unknown key or a bad value in a configuration."""


class InputError(BodyDoubleError):
    """The input cannot be used; nothing was written under the final name."""

    exit_code = 2


class UnreadableVideo(InputError):
    """A file that is no video, or a frame of it that cannot be decoded."""


class UnreadableImage(InputError):
    """An image of a folder that cannot be decoded, or does not belong to the others."""


class BundleError(InputError):
    """A scene bundle or a performance that is malformed, truncated or of another version."""


class OutputError(InputError):
    """The output exists already, or cannot be written."""


class PolicyStop(BodyDoubleError):
    """A person could not be replaced, or coverage is below the limit, and the policy is to stop."""

    exit_code = 3


class MissingDependency(BodyDoubleError):
    """An optional extra that the chosen backend needs is not installed."""

    exit_code = 4


class MissingWeights(MissingDependency):
    """Weights that the chosen backend needs are absent, or not the ones that were recorded."""


class WorkerCrashed(BodyDoubleError):
    """A worker process died without an error of its own; the run folder can be resumed."""


class Interrupted(BodyDoubleError):
    """Stopped by the user; the run folder can be resumed."""

    exit_code = 130
