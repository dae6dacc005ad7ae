"""Programs of others are driven as their documentation says; here stand-ins take their place, which do as they are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.external import DeepPrivacy2, DeepPrivacy2Options
from bodydouble.manifest import read_manifest
from bodydouble.scene import VideoGeometry
from bodydouble.video_io import open_sink, open_source
from tests.integration.conftest import NUM_FRAMES, RATE, SIZE, frame_rgb, read_clip

Run = Callable[..., int]

DEFACE = """#!{python}
import json, os, pathlib, shutil, sys
words = sys.argv[1:]
if words == ["--version"]:
    print("1.5.0")
    raise SystemExit
pathlib.Path(os.environ["TOLD"]).write_text(json.dumps(words))
assert "PYTHONPATH" not in os.environ
source = pathlib.Path(words[-1])
if os.environ.get("MOOD") == "fails":
    raise SystemExit("ModuleNotFoundError: no module named onnx")
if os.environ.get("MOOD") == "skips":
    print("Could not open file. Skipping file...")
elif source.is_dir():
    for path in sorted(source.iterdir())[: int(os.environ.get("AT_MOST", "999"))]:
        shutil.copyfile(os.environ["RESULT"], path.with_name(path.stem + "_anonymized.png"))
else:
    shutil.copyfile(os.environ["RESULT"], words[words.index("--output") + 1])
"""

ANONYMIZE = """
import json, os, pathlib, shutil, sys
words = sys.argv[1:]
told = {"words": words, "cwd": os.getcwd(), "TORCH_HOME": os.environ.get("TORCH_HOME")}
pathlib.Path(os.environ["TOLD"]).write_text(json.dumps(told))
source, target = (pathlib.Path(words[words.index(name) + 1]) for name in ("-i", "-o"))
if source.is_dir():
    target.mkdir()
    for path in source.iterdir():
        shutil.copyfile(os.environ["RESULT"], target / path.name)
else:
    shutil.copyfile(os.environ["RESULT"], target)
"""

DOCKER = """#!{python}
import json, os, pathlib, shutil, sys
words = sys.argv[1:]
pathlib.Path(os.environ["TOLD"]).write_text(json.dumps({"words": words}))
mounts = dict(reversed(words[i + 1].split(":")) for i, word in enumerate(words) if word == "--volume")
target = words[words.index("-o") + 1].replace("/exchange", mounts["/exchange"])
shutil.copyfile(os.environ["RESULT"], target)
"""


def executable(path: Path, text: str) -> Path:
    path.write_text(text.replace("{python}", sys.executable))
    path.chmod(0o755)
    return path


def write_video(path: Path, *, num_frames: int = NUM_FRAMES, rate: int = RATE, size: tuple[int, int] = SIZE) -> Path:
    geometry = VideoGeometry(
        width_px=size[0],
        height_px=size[1],
        time_base=Fraction(1, rate),
        average_rate=Fraction(rate),
        pts_ticks=tuple(range(num_frames)),
    )
    with open_sink(path, geometry, codec="h264") as sink:
        for index in range(num_frames):
            sink.write(255 - np.ascontiguousarray(frame_rgb(index)[: size[1], : size[0]]))
        sink.commit()
    return path


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File in which a stand-in writes what it was told."""
    monkeypatch.setenv("TOLD", str(tmp_path / "told.json"))
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    return tmp_path / "told.json"


@pytest.fixture
def deface(tmp_path: Path) -> Path:
    return executable(tmp_path / "deface", DEFACE)


@pytest.fixture
def gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Decide what a stand-in gives for a video."""

    def decide(**how: object) -> Path:
        path = write_video(tmp_path / "given.mp4", **how)  # type: ignore[arg-type]
        monkeypatch.setenv("RESULT", str(path))
        return path

    return decide


def test_a_video_goes_through(
    clip: Path,
    tmp_path: Path,
    run: Run,
    deface: Path,
    told: Path,
    gives: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = gives()
    output = tmp_path / "faces.mp4"
    assert run("external", "deface", clip, "-o", output, "--program", deface, "--threshold", "0.1", "--quiet") == 0
    assert output.read_bytes() == given.read_bytes()
    words = json.loads(told.read_text())
    assert words[words.index("--thresh") + 1] == "0.1"
    assert json.loads(words[words.index("--ffmpeg-config") + 1])["macro_block_size"] == 1
    assert "24 frames by deface 1.5.0" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "faces.bodydouble.run" / "manifest.json")
    assert manifest.config["external"]["program"] == "deface"
    assert manifest.config["external"]["threshold"] == 0.1
    assert [(stage.name, stage.frames) for stage in manifest.stages] == [("deface", NUM_FRAMES)]
    assert str(tmp_path) not in (tmp_path / "faces.bodydouble.run" / "manifest.json").read_text()
    assert run("external", "deface", clip, "-o", output, "--program", deface) == 2
    assert run("external", "deface", clip, "-o", output, "--program", deface, "--overwrite", "--quiet") == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"num_frames": NUM_FRAMES - 1}, "23 frames, the original 24"),
        ({"size": (144, 112)}, "144x112 px, the original 160x120"),
        ({"rate": 25}, "25 and 10 frames a second"),
    ],
)
def test_a_result_that_does_not_fit_gets_no_name(
    clip: Path,
    tmp_path: Path,
    run: Run,
    deface: Path,
    told: Path,
    gives: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    how: dict[str, object],
    words: str,
) -> None:
    gives(**how)
    assert run("external", "deface", clip, "-o", tmp_path / "o.mp4", "--program", deface, "--quiet") == 2
    message = capsys.readouterr().err
    assert words in message
    assert "--by-frames gets around it" in message
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.parametrize(("mood", "words"), [("fails", "exit code 1"), ("skips", "made no result for street.mkv")])
def test_a_program_that_fails_or_skips_is_an_error_that_says_why(
    clip: Path,
    tmp_path: Path,
    run: Run,
    deface: Path,
    told: Path,
    gives: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    mood: str,
    words: str,
) -> None:
    gives()
    monkeypatch.setenv("MOOD", mood)
    assert run("external", "deface", clip, "-o", tmp_path / "o.mp4", "--program", deface, "--quiet") == 2
    message = capsys.readouterr().err
    assert words in message
    assert {"fails": "onnx", "skips": "Skipping file"}[mood] in message
    assert not (tmp_path / "o.mp4").exists()
    monkeypatch.delenv("MOOD")
    assert run("external", "deface", clip, "-o", tmp_path / "o.mp4", "--program", deface, "--quiet", "--overwrite") == 0


def test_by_frames_times_are_the_originals_and_a_missing_frame_is_named(
    clip: Path,
    tmp_path: Path,
    run: Run,
    deface: Path,
    told: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "p.png"), picture)
    monkeypatch.setenv("RESULT", str(tmp_path / "p.png"))
    words = ("external", "deface", clip, "-o", tmp_path / "o.mp4", "--program", deface, "--by-frames", "--quiet")
    assert run(*words) == 0
    with open_source(tmp_path / "o.mp4") as result, open_source(clip) as source:
        seconds = [result.geometry.pts_seconds(i) for i in range(NUM_FRAMES)]
        assert seconds == pytest.approx([source.geometry.pts_seconds(i) for i in range(NUM_FRAMES)])
    assert np.abs(read_clip(tmp_path / "o.mp4").astype(int) - 90).max() <= 3
    monkeypatch.setenv("AT_MOST", "7")
    assert run(*words, "--overwrite") == 2
    assert "no result for frame 7 of street.mkv" in capsys.readouterr().err
    cv2.imwrite(str(tmp_path / "p.png"), picture[:50])
    monkeypatch.delenv("AT_MOST")
    assert run(*words, "--overwrite") == 2
    assert "160x50 px, the original has 160x120" in capsys.readouterr().err


def test_a_tree_of_images_keeps_its_names(
    tmp_path: Path, run: Run, deface: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "in"
    for name in ("01", "02"):
        (root / name).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(root / name / f"{index:04d}.jpg"), frame_rgb(index)[:, :, 0])
    cv2.imwrite(str(tmp_path / "p.png"), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    monkeypatch.setenv("RESULT", str(tmp_path / "p.png"))
    assert run("external", "deface", root, "-o", tmp_path / "out", "--program", deface, "--quiet") == 0
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))
    assert (tmp_path / "out.bodydouble.run" / "02" / "manifest.json").is_file()


def test_what_is_not_installed_is_exit_code_4(
    clip: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "o.mp4"
    assert run("external", "deface", clip, "-o", output, "--program", tmp_path / "none" / "deface") == 4
    assert "pip install deface" in capsys.readouterr().err
    assert run("external", "deepprivacy2", clip, "-o", output) == 2
    assert "--home" in capsys.readouterr().err
    assert run("external", "deepprivacy2", clip, "-o", output, "--home", tmp_path) == 4
    assert "no anonymize.py" in capsys.readouterr().err
    assert run("external") == 2
    assert "deface, deepprivacy2" in capsys.readouterr().err
    assert run("external", "--help") == 0
    assert not (tmp_path / "o.bodydouble.run").exists()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout of DeepPrivacy2, as far as it is looked at."""
    folder = tmp_path / "deep_privacy2"
    (folder / "configs" / "anonymizers").mkdir(parents=True)
    (folder / "configs" / "anonymizers" / "FB_cse.py").write_text("")
    (folder / "anonymize.py").write_text(ANONYMIZE)
    (folder / ".git" / "refs").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/main\n")
    (folder / ".git" / "refs" / "main").write_text("0123abcd\n")
    return folder


def test_deepprivacy2_in_an_environment(
    clip: Path,
    tmp_path: Path,
    run: Run,
    home: Path,
    told: Path,
    gives: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = gives()
    weights = tmp_path / "torch"
    weights.mkdir()
    output = tmp_path / "dp2.avi"
    words = ("external", "deepprivacy2", clip, "-o", output, "--home", home, "--python", sys.executable, "--quiet")
    assert run(*words, "--weights", weights, "--seed", "5") == 0
    assert not output.exists()
    assert output.with_suffix(".mp4").read_bytes() == given.read_bytes()
    call = json.loads(told.read_text())
    assert call["cwd"] == str(home)
    assert call["TORCH_HOME"] == str(weights)
    assert call["words"][0] == "configs/anonymizers/FB_cse.py"
    assert call["words"][call["words"].index("-o") + 1].endswith(".mp4")
    assert call["words"][call["words"].index("--seed") + 1] == "5"
    assert "--track" in call["words"]
    manifest = read_manifest(tmp_path / "dp2.bodydouble.run" / "manifest.json")
    assert manifest.config["external"]["version"] == "0123abcd"
    assert manifest.seed == 5
    cv2.imwrite(str(tmp_path / "p.png"), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    monkeypatch.setenv("RESULT", str(tmp_path / "p.png"))
    assert run(*words, "--by-frames", "--overwrite") == 0
    assert "--track" not in json.loads(told.read_text())["words"]
    assert np.abs(read_clip(output).astype(int) - 90).max() <= 3


def test_deepprivacy2_in_a_container(
    clip: Path, tmp_path: Path, run: Run, home: Path, told: Path, gives: Callable[..., Path]
) -> None:
    gives()
    docker = executable(tmp_path / "docker", DOCKER)
    weights = tmp_path / "torch"
    weights.mkdir()
    words = ("--home", home, "--container", "deep_privacy2", "--docker", docker, "--weights", weights, "--quiet")
    assert run("external", "deepprivacy2", clip, "-o", tmp_path / "o.mp4", *words) == 0
    call = json.loads(told.read_text())["words"]
    assert call[:2] == ["run", "--rm"]
    at = call.index("deep_privacy2")
    assert call[at + 1 : at + 4] == ["python3", "anonymize.py", "configs/anonymizers/FB_cse.py"]
    assert f"{home}:/deep_privacy2" in call[:at]
    assert "TORCH_HOME=/torch_home" in call[:at]
    assert not [word for word in call[at:] if str(tmp_path) in word]


def test_odd_sizes_are_stored_with_full_chroma(tmp_path: Path, home: Path, deface: Path) -> None:
    from bodydouble.external import Deface, DefaceOptions

    def geometry(width: int) -> VideoGeometry:
        return VideoGeometry(
            width_px=width, height_px=48, time_base=Fraction(1, 25), average_rate=Fraction(25), pts_ticks=(0,)
        )

    program = Deface(DefaceOptions(program=deface))
    for width, pixels in ((63, "yuv444p"), (64, None)):
        command = program.on_video(tmp_path, "a.avi", "b.mp4", geometry(width)).command
        assert json.loads(command[command.index("--ffmpeg-config") + 1]).get("pixelformat") == pixels
    missing = DeepPrivacy2(DeepPrivacy2Options(home=home, weights=tmp_path / "none", python=Path(sys.executable)))
    with pytest.raises(Exception, match="hub/checkpoints"):
        missing.version()
