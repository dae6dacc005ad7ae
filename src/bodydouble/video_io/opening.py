"""The ways in: a source for a path, a sink for a path or a job. PyAV and OpenCV are loaded when one is called."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from bodydouble.errors import OutputError, UnreadableVideo
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io.clips import ClipJob
from bodydouble.video_io.codecs import checked_quality

if TYPE_CHECKING:
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.image_sink import ImageFolderSink
    from bodydouble.video_io.video_file import VideoFile
    from bodydouble.video_io.video_sink import VideoSink


def open_source(path: Path) -> VideoFile | ImageFolder:
    """Open a video file, or a folder of images as one clip.

    Raises:
        UnreadableVideo: missing, no video, truncated, no frames, or a frame that cannot be decoded.
        UnreadableImage: a file of the folder that is no image, or of another size.
    """
    try:
        if not path.exists():
            raise UnreadableVideo(f"there is no such file or folder; check the name: {path}")
        is_folder = path.is_dir()
    except OSError as error:
        raise UnreadableVideo(f"cannot read the input: {error.strerror or error}: {path}") from error
    if is_folder:
        from bodydouble.video_io.image_folder import ImageFolder

        return ImageFolder(path)
    from bodydouble.video_io.video_file import VideoFile

    return VideoFile(path)


def open_sink(
    path: Path,
    geometry: VideoGeometry,
    *,
    codec: str = "h264",
    quality: int | None = None,
    overwrite: bool = False,
    audio_from: Path | None = None,
    image_names: Sequence[str] | None = None,
    work_dir: Path | None = None,
    resume: bool = False,
    sample_aspect_ratio: Fraction = Fraction(1),
) -> VideoSink | ImageFolderSink:
    """Open a sink; nothing appears under ``path`` before ``commit``.

    Args:
        path: file to write, or folder for ``png`` and for named images; its parent must exist.
        geometry: size and times of the frames that will come.
        codec: ``h264``, ``lossless`` or ``png``.
        quality: crf of ``h264`` (0 best to 51), or JPEG quality of named images (1 to 100 best); None is the default.
        overwrite: replace what is at ``path``.
        audio_from: file whose sound is copied into a video.
        image_names: write a folder of images with these names, formats by suffix, whatever the codec.
        work_dir: keeps what is finished, so that a killed run can go on; see ``next_frame_index`` of the sinks.
        resume: go on with what is in ``work_dir``.
        sample_aspect_ratio: width of a pixel over its height; video files only.

    Raises:
        OutputError: the output exists, cannot be written, or the options do not fit.
    """
    quality = checked_quality(codec, quality, jpeg=image_names is not None)
    if image_names is None and codec != "png":
        from bodydouble.video_io.video_sink import VideoSink

        return VideoSink(
            path,
            geometry,
            codec=codec,
            quality=quality,
            overwrite=overwrite,
            audio_from=audio_from,
            work_dir=work_dir,
            resume=resume,
            sample_aspect_ratio=sample_aspect_ratio,
        )
    if audio_from is not None:
        raise OutputError(f"a folder of images holds no sound; drop the sound or write a video: {path}")
    from bodydouble.video_io.image_sink import ImageFolderSink, numbered_names

    return ImageFolderSink(
        path,
        geometry,
        names=numbered_names(geometry.num_frames) if image_names is None else image_names,
        jpeg_quality=quality,
        overwrite=overwrite,
        work_dir=work_dir,
        resume=resume,
    )


def open_job_sink(
    job: ClipJob,
    source: VideoFile | ImageFolder,
    *,
    crf: int | None = None,
    jpeg_quality: int | None = None,
    overwrite: bool = False,
    keep_audio: bool = False,
    work_dir: Path | None = None,
    resume: bool = False,
) -> VideoSink | ImageFolderSink:
    """Open the sink of a job, making the folders of a tree.

    Args:
        job: from ``discover_clips``.
        source: the opened ``job.source``.
        crf: quality of ``h264``.
        jpeg_quality: quality of .jpg images.
        overwrite: replace what is there.
        keep_audio: copy the sound of a video source into a video output; a source without sound has none to copy.
        work_dir: see ``open_sink``.
        resume: see ``open_sink``.

    Raises:
        OutputError: the output exists, cannot be written, or the options do not fit.
    """
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.image_sink import png_names

    if job.output_root is not None:
        _make_tree_folders(job.output_root, job.output.parent)
    names: Sequence[str] | None = None
    if job.image_names in ("kept", "png") and isinstance(source, ImageFolder):
        names = source.image_names if job.image_names == "kept" else png_names(source.image_names)
    as_images = job.image_names is not None
    return open_sink(
        job.output,
        source.geometry,
        codec="png" if as_images else job.codec,
        quality=jpeg_quality if names is not None else crf,
        overwrite=overwrite,
        audio_from=job.source if keep_audio and not isinstance(source, ImageFolder) else None,
        image_names=names,
        work_dir=work_dir,
        resume=resume,
        sample_aspect_ratio=source.sample_aspect_ratio,
    )


def _make_tree_folders(root: Path, folder: Path) -> None:
    if not root.absolute().parent.is_dir():
        raise OutputError(
            f"the output folder does not exist; create it (mkdir -p) or choose another: {root.absolute().parent}"
        )
    if folder.absolute() != root.absolute() and root.absolute() not in folder.absolute().parents:
        return
    from bodydouble.video_io.guard import writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
