"""What the referee sees in sampled frames of a clip, kept beside the bundles: it never changes."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.referee import Referee
from bodydouble.video_io import open_source
from perception.clips import Beginning, Clip

SCORE = 0.3
_METHOD = "whole people before halves"
"""Change it with the way the referee looks: what was kept is then looked at anew."""
_AGAIN_AFTER_FRAMES = 3
"""A hit is confirmed when the referee sees somebody there again so many frames later (0.1 s: nobody gets far)."""
_AGAIN_OVERLAP = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class RefereeLook:
    """One sampled frame."""

    frame_index: int
    boxes_xyxy_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    confirmed: NDArray[np.bool_]
    """(n,): seen again shortly after."""


class Looks:
    """The referee with a memory on disk."""

    def __init__(self, model: Path, folder: Path) -> None:
        self._referee = Referee(model, threads=1)
        self._digest = hashlib.sha256(model.read_bytes()).hexdigest()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def at(self, rgb: NDArray[np.uint8], enlarge: int = 1) -> NDArray[np.float64]:
        """People in a picture, (n, 5): box in its pixels and score; looked at enlarged, in full and in 2x2 tiles."""
        picture = rgb
        if enlarge > 1:
            picture = cv2.resize(rgb, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        boxes, scores = self._referee.find(picture, score=SCORE)
        return np.asarray(np.c_[boxes / enlarge, scores], dtype=np.float64)

    def of(self, clip: Clip, *, num_frames: int, every: int, enlarge: int = 1) -> list[RefereeLook]:
        """Every ``every``-th frame among the first ``num_frames``."""
        sampled = list(range(0, num_frames, every))
        again = {frame: _seen_again(frame, num_frames) for frame in sampled}
        hits = self._hits(clip, sorted({*sampled, *again.values()}), enlarge)
        looks = []
        for frame in sampled:
            here, later = hits[frame], hits[again[frame]]
            confirmed = overlaps(here[:, :4], later[:, :4]).max(axis=1, initial=0.0) >= _AGAIN_OVERLAP
            looks.append(
                RefereeLook(frame_index=frame, boxes_xyxy_px=here[:, :4], scores=here[:, 4], confirmed=confirmed)
            )
        return looks

    def _hits(self, clip: Clip, frames: list[int], enlarge: int) -> dict[int, NDArray[np.float64]]:
        path = self._folder / f"{clip.name}.json"
        known: dict[str, list[list[float]]] = {}
        kind = f"{self._digest[:16]} {SCORE} x{enlarge} {_METHOD}"
        if path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            known = kept["hits"] if kept["kind"] == kind else {}
        lacking = [frame for frame in frames if str(frame) not in known]
        if lacking:
            begin = perf_counter()
            with open_source(clip.path) as source:
                for frame in Beginning(source, max(lacking) + 1).frames(min(lacking)):
                    if frame.index in set(lacking):
                        known[str(frame.index)] = np.round(self.at(frame.rgb, enlarge), 3).tolist()
            path.write_text(json.dumps({"kind": kind, "hits": known}), encoding="utf-8")
            print(
                f"  referee on {clip.name}: {len(lacking)} frames in {perf_counter() - begin:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        return {frame: np.array(known[str(frame)], dtype=np.float64).reshape(-1, 5) for frame in frames}


def _seen_again(frame: int, num_frames: int) -> int:
    later = frame + _AGAIN_AFTER_FRAMES
    return later if later < num_frames else max(0, frame - _AGAIN_AFTER_FRAMES)
