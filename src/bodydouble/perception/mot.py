"""All tracks of a bundle as MOTChallenge rows."""

from __future__ import annotations

from pathlib import Path

from bodydouble.errors import OutputError
from bodydouble.scene import SceneBundle


def write_mot(bundle: SceneBundle, path: Path) -> None:
    """Write one row per person and frame: frame (from 1), id, left, top, width, height, score, -1, -1, verdict.

    Rows are ordered by frame, then id (MOTChallenge 2D format, motchallenge.net/instructions). Left and top are measured
    from the frame's outer edge (0 is the left edge of the first pixel), in px with two decimals. The score is 0 where
    nobody was detected in that frame: the box is interpolated, or it is motion that no detection explains. The last of
    the three world coordinates, which 2D readers ignore, says what becomes of the person in the frame: -1 a double
    plays, 0 the person is painted out.

    Raises:
        OutputError: the file cannot be written.
    """
    rows: list[tuple[int, int, str]] = []
    for track in bundle.tracks:
        rows_of_track = zip(track.frame_indices, track.boxes_xyxy_px, track.box_scores, track.play, strict=True)
        for frame, box, score, play in rows_of_track:
            left, top, right, bottom = (float(v) for v in box)
            numbers = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},{float(score):.4f}"
            text = f"{int(frame) + 1},{track.track_id},{numbers},-1,-1,{-1 if play else 0}\n"
            rows.append((int(frame), track.track_id, text))
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text("".join(text for _, _, text in sorted(rows)), encoding="ascii")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"the MOT rows cannot be written ({error.strerror}): {path}") from error
