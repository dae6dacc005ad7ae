"""What goes wrong with a detector that no option caused."""

from __future__ import annotations

from bodydouble.errors import BodyDoubleError


class DetectorFailed(BodyDoubleError):
    """A training that diverged, or scores that are not finite or all the same: there is no figure to report."""

    exit_code = 1
