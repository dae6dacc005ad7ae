"""What the page says about a clip and the people in it: numbers and plain words, no picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.overlay.people import colour_of, hex_colour, verdict_of
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.skeleton import BODY_JOINTS

GAP, PLAYED, GUESSED, WEAK, PAINTED_OUT = range(5)
"""State of a track in a frame; where a stretch of time has several, the largest is shown."""

STATE_NAMES: Final = ("gap", "played", "guessed", "weak", "painted out")

WEAK_BELOW: Final = 0.5
"""A mean joint score, or a visible fraction, below this calls for a look."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Consecutive frames in which a track has one state."""

    first_frame: int
    last_frame: int
    state: int


@dataclass(frozen=True, kw_only=True)
class TrackFacts:
    """One row of the page's table."""

    track_id: int
    colour: str
    """As CSS spells it."""
    first_frame: int
    last_frame: int
    num_frames: int
    first_seconds: float
    last_seconds: float
    height_px: float
    """Median height of the box."""
    box_score: float
    """Mean over the frames with a detection; 0 if there is none."""
    guessed_share: float
    """Share of frames without a detection, 0 to 1."""
    joint_score: float
    """Mean over body joints and frames, 0 to 1."""
    visible: float
    """Mean visible fraction, 0 to 1."""
    played_share: float
    """Share of frames in which a double plays, 0 to 1."""
    verdict: str
    reason: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """All that the page says in numbers."""

    clip_name: str
    producer: str
    width_px: int
    height_px: int
    num_frames: int
    seconds: float
    rate: float
    is_gray: bool
    camera_moves: bool
    tracks: tuple[TrackFacts, ...]
    most_at_once: int
    busiest_frame: int
    empty_frames: int
    sightings: int
    """Frames of all tracks together."""
    played_sightings: int
    reasons: tuple[tuple[str, int], ...]
    """Why tracks are painted out, wholly or partly, and how many; the most frequent first."""

    def count(self, verdict: str) -> int:
        """Tracks with a verdict."""
        return sum(track.verdict == verdict for track in self.tracks)


def gather(bundle: SceneBundle) -> ClipFacts:
    """Look a bundle over."""
    video = bundle.video
    people = np.zeros(video.num_frames, np.int64)
    for track in bundle.tracks:
        people[track.frame_indices] += 1
    rate = float(video.average_rate)
    return ClipFacts(
        clip_name=bundle.clip_name,
        producer=bundle.producer,
        width_px=video.width_px,
        height_px=video.height_px,
        num_frames=video.num_frames,
        seconds=video.pts_seconds(video.num_frames - 1) - video.pts_seconds(0) + 1 / rate,
        rate=rate,
        is_gray=video.is_gray,
        camera_moves=not bundle.camera.is_static,
        tracks=tuple(_track_facts(track, bundle) for track in bundle.tracks),
        most_at_once=int(people.max()),
        busiest_frame=int(people.argmax()),
        empty_frames=int((people == 0).sum()),
        sightings=int(people.sum()),
        played_sightings=sum(int(track.play.sum()) for track in bundle.tracks),
        reasons=tuple(
            Counter(track.reason or "no reason given" for track in bundle.tracks if not track.play.all()).most_common()
        ),
    )


def _track_facts(track: PersonTrack, bundle: SceneBundle) -> TrackFacts:
    detected = track.box_scores[track.box_scores > 0]
    first, last = int(track.frame_indices[0]), int(track.frame_indices[-1])
    return TrackFacts(
        track_id=track.track_id,
        colour=hex_colour(colour_of(track.track_id)),
        first_frame=first,
        last_frame=last,
        num_frames=len(track),
        first_seconds=bundle.video.pts_seconds(first),
        last_seconds=bundle.video.pts_seconds(last),
        height_px=float(np.median(track.boxes_xyxy_px[:, 3] - track.boxes_xyxy_px[:, 1])),
        box_score=float(detected.mean()) if len(detected) else 0.0,
        guessed_share=1 - len(detected) / len(track),
        joint_score=track.mean_joint_score,
        visible=float(track.visible_fraction.mean()),
        played_share=float(track.play.mean()),
        verdict=verdict_of(track),
        reason=track.reason,
        runs=runs_of(states_of(track), first),
    )


def states_of(track: PersonTrack) -> npt.NDArray[np.int8]:
    """(last frame - first frame + 1,): the state of a track in every frame of its time."""
    first = int(track.frame_indices[0])
    states = np.full(int(track.frame_indices[-1]) - first + 1, GAP, np.int8)
    joint_scores = track.joint_scores[:, list(BODY_JOINTS)].mean(axis=1)
    weak = (joint_scores < WEAK_BELOW) | (track.visible_fraction < WEAK_BELOW)
    states[track.frame_indices - first] = np.select(
        [~track.play, weak, track.box_scores == 0], [PAINTED_OUT, WEAK, GUESSED], PLAYED
    )
    return states


def runs_of(states: npt.NDArray[np.int8], first_frame: int) -> tuple[Run, ...]:
    """Stretches of equal state that follow one another; gaps among them."""
    edges = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist(), len(states)]
    return tuple(
        Run(first_frame=first_frame + start, last_frame=first_frame + stop - 1, state=int(states[start]))
        for start, stop in pairwise(edges)
    )


def summarize(facts: ClipFacts) -> list[str]:
    """The clip in a few plain sentences."""
    tracks = len(facts.tracks)
    if tracks == 0:
        return [
            f"Nobody was found in {_count(facts.num_frames, 'frame')}. If there are people, all of them stay as filmed."
        ]
    sentences = [
        f"{_count(tracks, 'track')} in {_count(facts.num_frames, 'frame')} ({facts.seconds:.1f} s). A track is one person "
        f"from entering to leaving; who comes back, or is lost and found again, counts once more.",
        f"At most {_count(facts.most_at_once, 'person', 'people')} at once (frame {facts.busiest_frame}); "
        f"{_count(facts.empty_frames, 'frame')} without anybody.",
        f"{_count(facts.count('played'), 'track')} played by a double from beginning to end, "
        f"{facts.count('partly painted out')} only in part, {facts.count('painted out')} painted out whenever seen. "
        f"Counted by person and frame, {facts.played_sightings / facts.sightings:.0%} are played.",
    ]
    unseen = sum(track.guessed_share == 1 for track in facts.tracks)
    if unseen:
        sentences.append(
            f"{_count(unseen, 'track')} without a single detection: something moves there that nobody recognized; it may "
            f"be no person at all."
        )
    if facts.reasons:
        why = "; ".join(f"{reason} ({_count(number, 'track')})" for reason, number in facts.reasons)
        sentences.append(f"Why people are painted out: {why}.")
    guessed = sum(track.guessed_share * track.num_frames for track in facts.tracks)
    sentences.append(
        f"In {guessed / facts.sightings:.0%} of the person-frames nobody was detected and the box is a guess from before "
        f"and after, or is motion that no detection explains. Who was never found is not in here: look for people without "
        f"a box."
    )
    return sentences


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"
