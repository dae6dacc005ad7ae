"""OpenPose's COCO-18 body, our own implementation, written from the papers. It runs with weights of others only.

Cao, Simon, Wei, Sheikh: "Realtime multi-person 2D pose estimation using part affinity fields", CVPR 2017;
Cao, Hidalgo, Simon, Wei, Sheikh: "OpenPose", TPAMI 2019; Wei, Ramakrishna, Kanade, Sheikh: "Convolutional pose
machines", CVPR 2016.

The weights are licensed by Carnegie Mellon University for NON-COMMERCIAL use only. Whoever chooses this backend
provides them: ``BODYDOUBLE_MODELS/openpose/body_pose_model.pth`` (or ``.safetensors``).
"""

from __future__ import annotations

from bodydouble.perception.pose.openpose.estimator import OpenPoseEstimator
from bodydouble.perception.pose.openpose.grouping import Body, GroupingSettings

__all__ = ["Body", "GroupingSettings", "OpenPoseEstimator"]
