"""Nobody plays: every person is replaced by the clean plate alone."""

from __future__ import annotations

from bodydouble.generation.base import CannotPlay
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import Cast, SceneBundle, TrackWindow


class PaintOutGenerator:
    """Plays nobody; `bodydouble.generation.plan_windows` plans no window for it either."""

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        """Nothing to prepare."""

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Refuse.

        Raises:
            CannotPlay: always.
        """
        raise CannotPlay(plan.track_id, "the backend is 'paint-out'")
