"""Frames per second end to end and per stage, and peak memory for a clip and for the same clip looped.

    python benchmarks/end_to_end.py [--clip CLIP] [--frames N] [--loops 1 4] [--work DIR] [--json FILE] [-- OPTIONS]

Both clips are written anew by the same encoder, so that nothing differs but the length. What follows `--` goes to
`bodydouble anonymize`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import common


def write_looped(clip: Path, frames: int | None, loops: int, path: Path) -> int:
    """Write the first frames of a clip several times over; returns the number of frames written."""
    count = 0
    with av.open(str(path), "w") as made:
        stream = None
        for _ in range(loops):
            with av.open(str(clip)) as source:
                for position, frame in enumerate(source.decode(video=0)):
                    if frames is not None and position >= frames:
                        break
                    if stream is None:
                        rate = source.streams.video[0].average_rate or Fraction(25)
                        stream = made.add_stream("libx264", rate=rate, options={"crf": "15", "preset": "veryfast"})
                        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                        stream.codec_context.time_base = 1 / rate
                    frame.pts = count
                    frame.time_base = stream.codec_context.time_base
                    made.mux(stream.encode(frame))
                    count += 1
        if stream is None:
            sys.exit(f"no frame in the clip: {clip}")
        made.mux(stream.encode(None))
    return count


def measure(clip: Path, frames: int | None, loops: int, work: Path, options: list[str]) -> dict[str, Any]:
    """Run the command on a clip looped, and read its manifest."""
    looped = work / f"looped_{loops}.mp4"
    count = write_looped(clip, frames, loops, looped)
    output = work / f"looped_{loops}.bodydouble.mp4"
    log = work / f"looped_{loops}.log"
    arguments = [*common.command(), "anonymize", str(looped), "-o", str(output), "--overwrite", *options]
    done = common.run_measured(arguments, log)
    record: dict[str, Any] = {
        "loops": loops,
        "frames": count,
        "exit_code": done.exit_code,
        "seconds": round(done.seconds, 2),
        "frames_per_second": round(count / done.seconds, 3),
        "peak_memory_mib": round(done.peak_memory_mib, 1),
    }
    manifests = sorted(work.glob(f"looped_{loops}*.run/manifest.json"))
    if done.exit_code != 0 or len(manifests) != 1:
        record["log"] = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        return record
    manifest = json.loads(manifests[0].read_text(encoding="utf-8"))
    record["tracks"] = manifest["num_tracks"]
    record["stages"] = {
        stage["name"]: {"seconds": stage["seconds"], "frames_per_second": stage["frames_per_second"]}
        for stage in manifest["stages"]
    }
    return record


def main() -> None:
    options: list[str] = []
    if "--" in sys.argv:
        cut = sys.argv.index("--")
        sys.argv, options = sys.argv[:cut], sys.argv[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="default: pets09_s2l1/vtest.avi of the recorded clips")
    parser.add_argument("--frames", type=int, help="only the first N frames")
    parser.add_argument("--loops", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--work", type=Path, help="folder for clips and results; a temporary one by default")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    clip = arguments.clip or common.data_dir() / "pets09_s2l1" / "vtest.avi"
    record: dict[str, Any] = {"benchmark": "end_to_end", "clip": clip.name, "options": options, **common.origin()}
    with tempfile.TemporaryDirectory(prefix="bodydouble-benchmark-") as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        record["runs"] = [measure(clip, arguments.frames, loops, work, options) for loops in arguments.loops]
    peaks = [run["peak_memory_mib"] for run in record["runs"]]
    record["peak_memory_largest_over_smallest"] = round(max(peaks) / min(peaks), 3)
    common.finish(record, arguments.json)
    if any(run["exit_code"] != 0 for run in record["runs"]):
        sys.exit("a run failed; see its log above")


if __name__ == "__main__":
    main()
