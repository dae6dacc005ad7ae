"""When a run is ended on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from bodydouble.config import PolicyConfig
from bodydouble.errors import PolicyStop
from bodydouble.pipeline.windows import Failure
from bodydouble.scene import SceneBundle

if TYPE_CHECKING:
    from bodydouble.compositing import TrackOutcome

_NAMED: Final = 3
"""Tracks that a message names; the ledger and the bundle have all of them."""


def check_played(bundle: SceneBundle, policy: PolicyConfig) -> None:
    """See that everybody is to be played, when the policy asks for it.

    Raises:
        PolicyStop: somebody is to be painted out, and ``on_failure`` is ``stop``.
    """
    if policy.on_failure != "stop":
        return
    short = [
        f"track {track.track_id} in {int(np.count_nonzero(~track.play))} of {len(track)} frames ({track.reason})"
        for track in bundle.tracks
        if not track.play.all()
    ]
    _stop(short, len(bundle.tracks))


def check_failures(failures: Sequence[Failure], policy: PolicyConfig) -> None:
    """See that every window was played, when the policy asks for it.

    Raises:
        PolicyStop: somebody could not be played, and ``on_failure`` is ``stop``.
    """
    if policy.on_failure == "stop":
        left_out = [failure for failure in failures if failure.instead == "paint-out"]
        _stop([f"track {f.track_id}, frames {f.first_frame} to {f.last_frame} ({f.reason})" for f in left_out])


def check_outcomes(frame_index: int, outcomes: Sequence[TrackOutcome], policy: PolicyConfig) -> None:
    """See that everybody who is seen in a finished frame was replaced, when the policy asks for it.

    Raises:
        PolicyStop: somebody was painted out, and ``on_failure`` is ``stop``.
    """
    if policy.on_failure == "stop":
        _stop(
            [
                f"track {outcome.track_id}, frame {frame_index} ({outcome.reason})"
                for outcome in outcomes
                if outcome.action != "replaced" and outcome.change.silhouette_px > 0
            ]
        )


def check_coverage(coverage: float, policy: PolicyConfig) -> None:
    """See that enough of everybody changed.

    Raises:
        PolicyStop: the coverage is below the limit.
    """
    if coverage < policy.min_coverage:
        raise PolicyStop(
            f"coverage is {coverage:.4f}, below the limit of {policy.min_coverage} (--min-coverage): some people did "
            "not change enough; there is no final file, the ledger says who"
        )


def _stop(people: Sequence[str], total: int | None = None) -> None:
    if people:
        count = f"{len(people)} of {total} people" if total else "somebody"
        more = f", and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
        raise PolicyStop(
            f"{count} cannot be replaced and --on-failure is stop: {'; '.join(people[:_NAMED])}{more}; "
            "there is no final file; with --on-failure paint-out they are painted out"
        )
