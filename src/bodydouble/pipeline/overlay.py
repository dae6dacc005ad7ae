"""What perception made of a clip, drawn on the clip: a video and a page that stay with the footage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble.errors import OutputError
from bodydouble.pipeline.compositing_stage import check_same_clip
from bodydouble.pipeline.folder import SUFFIX, disk_errors
from bodydouble.scene import Progress, SceneBundle, SilentProgress
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.plate_files import PlateReader
from bodydouble.scene.strict_files import replacing

if TYPE_CHECKING:
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile

NAME_ENDING: Final = ".overlay.not-anonymized.html"
"""Of the page where nobody chose a name: whoever finds the files knows what they are."""

_STILLS: Final = 12
_STILL_WIDTH_PX: Final = 720
_MADE_TO_BE_SHARED: Final = ("bundle.json", "plate.json", "made_from.json")
"""A folder with one of these is a scene, a plate or a performance."""


@dataclass(frozen=True)
class OverlayFiles:
    """The two files of an overlay."""

    page: Path
    """One HTML file."""

    @property
    def video(self) -> Path:
        """The video, beside the page."""
        return self.page.with_suffix(".mp4")

    def check(self, input_path: Path, *, overwrite: bool) -> None:
        """See, before any work is done, that both may be written, and that they are not where they must never be.

        Raises:
            OutputError: one exists and may not be replaced, the name or the folder is unsuitable, or the footage that
                they show would come to lie in something that is meant to be shared.
        """
        from bodydouble.video_io.output_paths import check_output

        if self.page.suffix.lower() != ".html":
            raise OutputError(f"the overlay is a page; give it a name that ends in .html: {self.page}")
        source, video = input_path.resolve(), self.video.resolve()
        if source == video:
            raise OutputError(f"the video of the overlay would replace the input; choose another name: {self.page}")
        for folder in video.parents:
            if folder == source:
                raise OutputError(f"the overlay would lie in the input, as one more clip; choose another: {self.page}")
            if folder.name.endswith(SUFFIX) or any((folder / name).is_file() for name in _MADE_TO_BE_SHARED):
                raise OutputError(
                    f"an overlay shows people as filmed and must not lie in what may be shared ({folder.name}); "
                    f"choose another place: {self.page}"
                )
        for path in (self.page, self.video):
            check_output(path, overwrite=overwrite, as_folder=False)


def draw_overlay(
    input_path: str | Path,
    scene: str | Path,
    page: str | Path,
    *,
    plate: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> OverlayFiles:
    """Show on the clip what `perceive` found in it. Nothing is perceived again.

    The result shows people as they were filmed. It is for whoever may see the footage, and is not to be shared.

    Args:
        input_path: the clip that the scene was made from.
        scene: what `perceive` wrote.
        page: HTML file to write; a video with the same name and ``.mp4`` comes beside it.
        plate: the clean background; where `perceive` put it if None.
        overwrite: replace what is there.
        progress: told how far it is.

    Raises:
        InputError: the files do not belong together, or the output cannot be written.
    """
    from bodydouble.pipeline.single import find_plate
    from bodydouble.video_io import open_source

    files = OverlayFiles(Path(page))
    bundle = read_bundle(Path(scene))
    with open_source(Path(input_path)) as source, disk_errors(files.page):
        check_same_clip(source, bundle)
        files.check(Path(input_path), overwrite=overwrite)
        write_overlay(
            source,
            bundle,
            Path(plate) if plate is not None else find_plate(Path(scene)),
            files,
            overwrite=overwrite,
            progress=progress or SilentProgress(),
        )
    return files


def write_overlay(
    source: VideoFile | ImageFolder,
    bundle: SceneBundle,
    plate: Path,
    files: OverlayFiles,
    *,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Write both files; neither has its final name before both are complete. The clip is read once, front to back.

    Args:
        source: the clip.
        bundle: what was found in it.
        plate: folder of its plate.
        files: where to.
        overwrite: replace what is there.
        progress: told how far it is.

    Raises:
        BundleError: the plate is missing or damaged.
        UnreadableVideo: a frame cannot be decoded.
        OutputError: a file cannot be written.
    """
    from bodydouble.evaluation.overlay.canvas import Layout
    from bodydouble.evaluation.overlay.film import choose_frames, film
    from bodydouble.evaluation.overlay.page import Still, render_page
    from bodydouble.evaluation.overlay.plates import jpeg_uri, plate_views
    from bodydouble.video_io import open_sink

    video = bundle.video
    layout = Layout.of(video)
    views = plate_views(PlateReader(plate), video)
    wanted = set(choose_frames(bundle, _STILLS))
    stills = []
    progress.start("overlay", video.num_frames)
    with open_sink(files.video, layout.geometry(video), overwrite=overwrite) as sink:
        for frame in film(source, bundle, layout):
            sink.write(frame.rgb)
            if frame.index in wanted:
                picture = jpeg_uri(frame.rgb, most_width_px=_STILL_WIDTH_PX)
                stills.append(Still(frame_index=frame.index, seconds=video.pts_seconds(frame.index), picture=picture))
            progress.advance()
        text = render_page(bundle, plates=views, stills=stills, video_name=files.video.name)
        with replacing(files.page) as temporary:
            temporary.write_text(text, encoding="utf-8")
            sink.commit()
    progress.finish()
