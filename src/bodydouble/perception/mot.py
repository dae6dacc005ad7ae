"""All tracks of a bundle as MOTChallenge rows."""

from __future__ import annotations

from pathlib import Path

from bodydouble.errors import OutputError
from bodydouble.scene import SceneBundle


def write_mot(bundle: SceneBundle, path: Path) -> None:
    """Write one row per person and frame: frame (from 1), id, left, top, width, height, score, -1, -1, -1.

    Rows are ordered by frame, then id (MOTChallenge 2D format, motchallenge.net/instructions).

    Raises:
        OutputError: the file cannot be written.
    """
    rows: list[tuple[int, int, str]] = []
    for track in bundle.tracks:
        for frame, box, score in zip(track.frame_indices, track.boxes_xyxy_px, track.box_scores, strict=True):
            left, top, right, bottom = (float(v) for v in box)
            numbers = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},{float(score):.4f}"
            text = f"{int(frame) + 1},{track.track_id},{numbers},-1,-1,-1\n"
            rows.append((int(frame), track.track_id, text))
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text("".join(text for _, _, text in sorted(rows)), encoding="ascii")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"the MOT rows cannot be written ({error.strerror}): {path}") from error
