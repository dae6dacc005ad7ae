"""What a bundle claims: people, played people, and everything that moves."""

from __future__ import annotations

import dataclasses

import numpy as np

from bodydouble.evaluation.claims import claims_of, is_person
from bodydouble.testing import make_bundle


def test_claims_follow_detections_and_verdicts():
    bundle = make_bundle(num_frames=6)
    first, *others = bundle.tracks
    play = np.ones(len(first), dtype=bool)
    play[0] = False
    tracks = [dataclasses.replace(first, play=play, box_scores=np.full(len(first), 0.5, np.float32))]
    tracks += [dataclasses.replace(t, box_scores=np.zeros(len(t), np.float32)) for t in others]
    bundle = dataclasses.replace(bundle, tracks=tuple(tracks))
    assert [is_person(track) for track in bundle.tracks] == [True] + [False] * len(others)
    counts = {
        claim: sum(len(frame.track_ids) for frame in claims_of(bundle, claim))
        for claim in ("people", "played", "everything")
    }
    assert counts["people"] == len(first)
    assert counts["played"] == len(first) - 1
    assert counts["everything"] == sum(len(track) for track in bundle.tracks)
    assert len(claims_of(bundle, "people")) == 6


def test_rows_of_a_frame_belong_together():
    bundle = make_bundle(num_frames=6)
    for frame, claim in enumerate(claims_of(bundle, "everything")):
        for track_id, step, box in zip(claim.track_ids, claim.steps, claim.boxes_xyxy_px, strict=True):
            track = next(t for t in bundle.tracks if t.track_id == track_id)
            assert track.frame_indices[step] == frame
            assert np.array_equal(track.boxes_xyxy_px[step], box.astype(np.float32))


def test_a_bundle_without_people():
    bundle = dataclasses.replace(make_bundle(num_frames=3), tracks=())
    assert [frame.boxes_xyxy_px.shape for frame in claims_of(bundle, "everything")] == [(0, 4)] * 3
