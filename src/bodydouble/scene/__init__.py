"""The vocabulary: frozen types that stages exchange. Imports nothing else of ours but the errors."""

from bodydouble.scene.appearance import Appearance, Cast
from bodydouble.scene.bundle import SCHEMA_VERSION, CameraMotion, Light, SceneBundle, Sun
from bodydouble.scene.footage import Frame, FrameSink, FrameSource, Progress, SilentProgress, picked_frames
from bodydouble.scene.performance import Sprite, TrackWindow
from bodydouble.scene.silhouette import MaskStack
from bodydouble.scene.skeleton import JOINT_INDEX, JOINT_NAMES, LIMBS, MIRRORED, NUM_JOINTS
from bodydouble.scene.track import PersonTrack
from bodydouble.scene.video import VideoGeometry

__all__ = [
    "JOINT_INDEX",
    "JOINT_NAMES",
    "LIMBS",
    "MIRRORED",
    "NUM_JOINTS",
    "SCHEMA_VERSION",
    "Appearance",
    "CameraMotion",
    "Cast",
    "Frame",
    "FrameSink",
    "FrameSource",
    "Light",
    "MaskStack",
    "PersonTrack",
    "Progress",
    "SceneBundle",
    "SilentProgress",
    "Sprite",
    "Sun",
    "TrackWindow",
    "VideoGeometry",
    "picked_frames",
]
