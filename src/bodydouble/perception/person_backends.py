"""The readers of silhouettes and joints that a configuration names; only their own libraries are imported."""

from __future__ import annotations

from bodydouble.model_store import locate, store_folder
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.extras import need
from bodydouble.perception.networks import weights_folder
from bodydouble.perception.person import (
    PersonReader,
    PoseReader,
    RenderedPersonReader,
    SeparateReaders,
    SilhouetteReader,
)


def make_reader(config: PerceptionConfig) -> PersonReader:
    """The configured reader; where both parts are ``rendered``, one network for both.

    Raises:
        MissingDependency: a package or a device is not there.
        MissingWeights: weights are absent, or not usable.
    """
    own = make_rendered_reader(config) if "rendered" in (config.silhouette.backend, config.pose.backend) else None
    if own is not None and config.silhouette.backend == config.pose.backend:
        return own
    return SeparateReaders(
        silhouettes=own if own is not None and config.silhouette.backend == "rendered" else _silhouettes(config),
        poses=own if own is not None and config.pose.backend == "rendered" else _poses(config),
    )


def make_rendered_reader(config: PerceptionConfig) -> RenderedPersonReader:
    """The project's own network.

    Raises:
        MissingWeights: it is not there, or not usable.
    """
    return RenderedPersonReader(folder=weights_folder(config.weights_dir), batch=config.batch_people)


def rendered_part(reader: PersonReader | None) -> RenderedPersonReader | None:
    """The project's own network where a reader is it, or has it for one of its parts; else None."""
    parts = (reader.silhouettes, reader.poses) if isinstance(reader, SeparateReaders) else (reader,)
    return next((part for part in parts if isinstance(part, RenderedPersonReader)), None)


def _silhouettes(config: PerceptionConfig) -> SilhouetteReader:
    own = config.silhouette
    need("transformers", extra="transformers", backend=f"perception.silhouette backend {own.backend!r}")
    if own.backend == "clipseg":
        from bodydouble.perception.silhouette.clipseg import ClipSegReader

        folder = locate(
            own.clipseg.weights, default="clipseg-rd64-refined", option="perception.silhouette.clipseg.weights"
        )
        return ClipSegReader(folder, own.clipseg, threads=config.threads, batch=config.batch_people)
    from bodydouble.perception.silhouette.sam2 import Sam2Reader

    folder = locate(own.sam2.weights, default="sam2.1-hiera-tiny", option="perception.silhouette.sam2.weights")
    return Sam2Reader(folder, own.sam2, threads=config.threads)


def _poses(config: PerceptionConfig) -> PoseReader:
    own = config.pose
    if own.backend == "vitpose":
        need("transformers", extra="transformers", backend="perception.pose backend 'vitpose'")
        from bodydouble.perception.pose.vitpose import VitPoseReader

        folder = locate(own.vitpose.weights, default="vitpose-base-simple", option="perception.pose.vitpose.weights")
        return VitPoseReader(folder, own.vitpose, threads=config.threads, batch=config.batch_people)
    if own.backend == "rtmpose":
        need("rtmlib", extra="rtmpose", backend="perception.pose backend 'rtmpose'")
        from bodydouble.perception.pose.rtmpose import RtmPoseReader

        return RtmPoseReader(locate(own.rtmpose.weights, default="rtmpose-m", option="perception.pose.rtmpose.weights"))
    from bodydouble.perception.pose.openpose import OpenPoseEstimator
    from bodydouble.perception.pose.openpose.files import find_weights
    from bodydouble.perception.pose.openpose_reader import OpenPoseReader

    # Never fetched: whoever uses these weights must have accepted their licence.
    path = own.openpose.weights or find_weights(store_folder())
    return OpenPoseReader(OpenPoseEstimator(path, config.threads))
