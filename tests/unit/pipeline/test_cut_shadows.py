"""A scene cut to its first frames keeps the shadows of those frames."""

from __future__ import annotations

import pytest

from bodydouble.pipeline.evaluate_scene import cut_bundle
from bodydouble.testing import random_bundle


@pytest.mark.parametrize("seed", range(8))
def test_shadows_are_cut_with_their_tracks(seed: int) -> None:
    bundle = random_bundle(seed)
    whole = {track.track_id: track for track in bundle.tracks}
    for num_frames in range(1, bundle.video.num_frames):
        for track in cut_bundle(bundle, num_frames).tracks:
            uncut = whole[track.track_id].shadows
            assert (track.shadows is None) == (uncut is None)
            if track.shadows is not None and uncut is not None:
                assert [bits.tolist() for bits in track.shadows.bits] == [b.tolist() for b in uncut.bits[: len(track)]]
