"""The people finder that a configuration names."""

from __future__ import annotations

from bodydouble.model_store import locate
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.extras import need
from bodydouble.perception.networks import weights_folder
from bodydouble.perception.people.base import PeopleFinder
from bodydouble.perception.person import PersonReader
from bodydouble.perception.person_backends import make_rendered_reader, rendered_part


def make_finder(config: PerceptionConfig, reader: PersonReader | None = None) -> PeopleFinder:
    """The configured finder; only its own libraries are imported.

    Args:
        config: names the finder.
        reader: the reader of the same configuration; where the project's own network is in it, the project's own finder
            asks that for a second opinion.

    Raises:
        MissingDependency: the extra that it needs is not installed.
        MissingWeights: its weights are not there, or not usable.
    """
    people, threads = config.people, config.threads
    if people.backend == "rendered":
        from bodydouble.perception.people.rendered import RenderedPeopleFinder

        judge = None
        if people.second_look:
            judge = rendered_part(reader) or make_rendered_reader(config)
        return RenderedPeopleFinder(people, folder=weights_folder(config.weights_dir), judge=judge)
    finder: PeopleFinder
    if people.backend == "yolox":
        from bodydouble.perception.people.yolox import YoloxPeopleFinder

        path = locate(people.yolox.weights, default="yolox-s", option="perception.people.yolox.weights")
        finder = YoloxPeopleFinder(path, people, threads=threads)
    elif people.backend == "rfdetr":
        need("transformers", extra="transformers", backend="perception.people backend 'rfdetr'")
        from bodydouble.perception.people.rfdetr import RfDetrPeopleFinder

        path = locate(people.rfdetr.weights, default="rfdetr-medium", option="perception.people.rfdetr.weights")
        finder = RfDetrPeopleFinder(path, people, threads=threads)
    else:
        need("ultralytics", extra="yolov8", backend="perception.people backend 'yolov8'")
        from bodydouble.perception.people.yolov8 import Yolov8PeopleFinder

        path = locate(people.yolov8.weights, default="yolov8n", option="perception.people.yolov8.weights")
        finder = Yolov8PeopleFinder(path, people, threads=threads)
    if people.tiles:
        from bodydouble.perception.people.tiles import TiledFinder

        return TiledFinder(finder=finder, nms_overlap=people.nms_overlap)
    return finder
