"""The parametric body: shape sliders and joint rotations in, vertices and the 18 joints out.

Frames. *Body* frame: metres, x to the body's left, y backwards, z up; the face looks along -y. *Camera* frame: x right,
y down, z away from the camera, ``camera = BODY_TO_CAMERA @ body``.

Rotations are rotation vectors (radians) about the body frame's own axes, applied at each bone's head relative to its
parent (``anny``'s "local-ref" parameterisation): ``upperarm01.L`` by about +0.65 around y lets the arm hang (mirrored on
the right), ``upperleg01.*`` by -x swings a leg forward, ``lowerleg01.*`` by +x bends the knee, ``lowerarm01.*`` by -x
bends the elbow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bodydouble.body.parts import label_faces, label_vertices
from bodydouble.scene.skeleton import JOINT_NAMES

BODY_TO_CAMERA: Final[NDArray[np.float32]] = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
"""Turns body coordinates into camera coordinates of a camera that looks at the body's face."""

PHENOTYPE_NAMES: Final[tuple[str, ...]] = ("gender", "age", "muscle", "weight", "height", "proportions")
"""Shape sliders, each in 0..1. ``gender`` 0 male .. 1 female; ``age`` 0 newborn, 1/3 child, 2/3 young adult, 1 old."""

Phenotype = Mapping[str, ArrayLike]
"""Slider name to one value, or to ``(B,)`` values. Sliders not named are 0.5."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RestBody:
    """A batch of shaped bodies before posing: everything that depends on the phenotype only."""

    vertices_m: torch.Tensor
    """``(B, V, 3)`` in the body frame."""
    bone_poses: torch.Tensor
    """``(B, bones, 4, 4)`` rest pose of each bone in the body frame."""
    joint_moments: torch.Tensor
    """``(B, 18, bones, 4)``: a joint is the sum over bones of transform @ moment (linear blend skinning, summed
    beforehand over the vertices that regress the joint)."""

    def __len__(self) -> int:
        return int(self.vertices_m.shape[0])

    def repeated(self, count: int) -> RestBody:
        """The first body of the batch ``count`` times, as views that take no memory."""
        return RestBody(
            vertices_m=self.vertices_m[:1].expand(count, -1, -1),
            bone_poses=self.bone_poses[:1].expand(count, -1, -1, -1),
            joint_moments=self.joint_moments[:1].expand(count, -1, -1, -1),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PosedBody:
    """A batch of posed bodies."""

    vertices_m: NDArray[np.float32]
    """``(B, V, 3)`` in the body frame."""
    bone_poses: NDArray[np.float32]
    """``(B, bones, 4, 4)`` pose of each bone in the body frame."""
    joints_m: NDArray[np.float32]
    """``(B, 18, 3)`` in the order of `bodydouble.scene.skeleton.JOINT_NAMES`."""


class BodyModel:
    """`anny` with our vocabulary. Load it once per process with `BodyModel.load`; it holds about 100 MB."""

    def __init__(self, anny_model: Any) -> None:
        self._anny = anny_model
        self.bone_labels: tuple[str, ...] = tuple(anny_model.bone_labels)
        """Names of the bones, parents before children."""
        self.bone_index: dict[str, int] = {label: i for i, label in enumerate(self.bone_labels)}
        self.bone_parents: NDArray[np.int32] = np.array(anny_model.bone_parents, np.int32)
        """``(bones,)``; the root's parent is negative."""
        self.faces: NDArray[np.int32] = anny_model.get_triangular_faces().numpy().astype(np.int32)
        """``(F, 3)`` vertex indices, counter-clockwise seen from outside in the body frame."""
        self._regression = _joint_regression(anny_model)
        self._skin = _dense_skin(anny_model)

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> BodyModel:
        """The body of this process. Takes about 3 s; the very first time on a machine about 70 s (anny fills its cache)."""
        # anny computes with warp, which announces itself, and that there is no CUDA, unless told not to.
        import warp

        warp.config.log_level = warp.LOG_ERROR
        import anny

        return BodyModel(anny.Anny().float().eval())

    @cached_property
    def dominant_bones(self) -> list[str]:
        """V names: the bone that moves each vertex most."""
        return [self.bone_labels[i] for i in self._skin.argmax(1).tolist()]

    @cached_property
    def vertex_parts(self) -> NDArray[np.uint8]:
        """``(V,)`` values of `bodydouble.body.parts.Part`."""
        return label_vertices(self.dominant_bones, self._anny.template_vertices.numpy())

    @cached_property
    def face_parts(self) -> NDArray[np.uint8]:
        """``(F,)`` values of `bodydouble.body.parts.Part`."""
        return label_faces(self.vertex_parts, self.faces)

    @property
    def template_vertices_m(self) -> NDArray[np.float32]:
        """``(V, 3)`` vertices of the template body in the body frame, the same for everybody."""
        return np.asarray(self._anny.template_vertices.numpy())

    @property
    def uv(self) -> NDArray[np.float32]:
        """``(U, 2)`` texture coordinates in 0..1, v up."""
        return np.asarray(self._anny.texture_coordinates.numpy())

    @property
    def face_uv_indices(self) -> NDArray[np.int32]:
        """``(F, 3)`` rows of `uv` for the corners of each face."""
        return np.asarray(self._anny.face_texture_coordinate_indices.numpy(), np.int32)

    def rest(self, phenotype: Phenotype, *, batch: int = 1) -> RestBody:
        """Shape bodies.

        Args:
            phenotype: sliders; arrays must all have one length, which is then the batch.
            batch: number of bodies when every slider is a single value.

        Raises:
            ValueError: if a slider is unknown, outside 0..1, or of another length than the rest.
        """
        sliders = _slider_tensors(phenotype, batch)
        with torch.no_grad():
            size = next(iter(sliders.values())).shape[0]
            model = self._anny
            parameters = torch.stack([sliders[label] for label in model.phenotype_labels], -1)
            coefficients = model._get_phenotype_blendshape_coefficients(  # anny has no public name for it
                parameters, torch.zeros(size, len(model.local_change_labels)),
                torch.zeros(size, len(model.facial_action_labels)),
            )  # fmt: skip
            rest = model.get_rest_model(coefficients)
            vertices = rest["rest_vertices"]
            weights, indices = self._regression
            points = torch.cat([vertices[:, indices], torch.ones(size, len(indices), 1)], -1)
            moments = torch.einsum("jv,vb,nvk->njbk", weights, self._skin[indices], points)
        return RestBody(vertices_m=vertices, bone_poses=rest["rest_bone_poses"], joint_moments=moments)

    def bone_transforms(self, rest: RestBody, rotvecs_rad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Forward kinematics, differentiable in the rotations; no vertex is touched.

        Args:
            rest: B bodies (see `RestBody.repeated` for one body in many poses).
            rotvecs_rad: ``(B, bones, 3)``.

        Returns:
            Transforms from rest to pose and the bones' poses, each ``(B, bones, 4, 4)`` in the body frame.
        """
        import roma

        rotations = roma.rotvec_to_rotmat(rotvecs_rad)
        deltas = torch.nn.functional.pad(rotations, (0, 1, 0, 1))
        deltas = deltas + torch.nn.functional.pad(torch.ones(1, 1), (3, 0, 3, 0))
        transforms, poses = self._anny.get_bone_transforms(deltas, rest.bone_poses)
        return transforms, poses

    def joints(self, rest: RestBody, rotvecs_rad: torch.Tensor) -> torch.Tensor:
        """The 18 joints by forward kinematics alone, differentiable.

        Returns:
            ``(B, 18, 3)`` metres in the body frame: equal to regressing them from the skinned vertices.
        """
        transforms, _ = self.bone_transforms(rest, rotvecs_rad)
        return self.joints_from_transforms(rest, transforms)

    def joints_from_transforms(self, rest: RestBody, transforms: torch.Tensor) -> torch.Tensor:
        """The 18 joints ``(B, 18, 3)`` for bone transforms ``(B, bones, 4, 4)`` already at hand."""
        return torch.einsum("nbik,njbk->nji", transforms[..., :3, :], rest.joint_moments)

    def skin(self, rest: RestBody, transforms: torch.Tensor) -> torch.Tensor:
        """Vertices ``(B, V, 3)`` for bone transforms ``(B, bones, 4, 4)``."""
        vertices: torch.Tensor = self._anny.get_skinned_vertices(rest.vertices_m.contiguous(), transforms.contiguous())
        return vertices

    def pose(self, rotvecs_rad: NDArray[np.float32], phenotype: Phenotype | RestBody) -> PosedBody:
        """Pose a batch of bodies and skin them.

        Args:
            rotvecs_rad: ``(B, bones, 3)``.
            phenotype: sliders, or bodies shaped beforehand; a single one serves the whole batch.

        Raises:
            ValueError: if the shapes do not match.
        """
        rotations = torch.as_tensor(rotvecs_rad, dtype=torch.float32)
        if rotations.ndim != 3 or rotations.shape[1:] != (len(self.bone_labels), 3):
            raise ValueError(
                f"rotvecs_rad has shape {tuple(rotations.shape)}, expected (B, {len(self.bone_labels)}, 3)"
            )
        rest = phenotype if isinstance(phenotype, RestBody) else self.rest(phenotype)
        if len(rest) == 1 and len(rotations) > 1:
            rest = rest.repeated(len(rotations))
        if len(rest) != len(rotations):
            raise ValueError(f"{len(rest)} bodies cannot take {len(rotations)} poses; the counts must agree")
        with torch.no_grad():
            transforms, poses = self.bone_transforms(rest, rotations)
            vertices = self.skin(rest, transforms)
            joints = self.joints_from_transforms(rest, transforms)
        return PosedBody(vertices_m=vertices.numpy(), bone_poses=poses.numpy(), joints_m=joints.numpy())


def vertex_normals(vertices_m: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit normals ``(B, V, 3)`` of meshes ``(B, V, 3)`` with shared faces ``(F, 3)``, weighted by face area."""
    vertices, index = torch.from_numpy(np.ascontiguousarray(vertices_m)), torch.from_numpy(faces).long()
    a, b, c = (vertices[:, index[:, k]] for k in range(3))
    face_normals = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(1, index[:, corner], face_normals)
    return np.asarray(torch.nn.functional.normalize(normals, dim=-1).numpy())


def _slider_tensors(phenotype: Phenotype, batch: int) -> dict[str, torch.Tensor]:
    unknown = sorted(set(phenotype) - set(PHENOTYPE_NAMES))
    if unknown:
        raise ValueError(f"unknown phenotype sliders {unknown}; known: {list(PHENOTYPE_NAMES)}")
    values = {name: np.atleast_1d(np.asarray(phenotype.get(name, 0.5), np.float32)) for name in PHENOTYPE_NAMES}
    lengths = {len(value) for value in values.values() if len(value) != 1}
    if len(lengths) > 1:
        raise ValueError(
            f"phenotype sliders have lengths {sorted(lengths)}; give one value or the same number for each"
        )
    size = lengths.pop() if lengths else batch
    for name, value in values.items():
        if not (np.all(value >= 0) and np.all(value <= 1)):
            raise ValueError(f"phenotype slider {name} is {value.tolist()}; allowed is 0..1")
    return {name: torch.from_numpy(np.broadcast_to(value, size).copy()) for name, value in values.items()}


def _dense_skin(anny_model: Any) -> torch.Tensor:
    """``(V, bones)`` skinning weights; each row sums to one."""
    weights, indices = anny_model.vertex_bone_weights, anny_model.vertex_bone_indices
    dense = torch.zeros(weights.shape[0], len(anny_model.bone_labels))
    return dense.scatter_add_(1, indices, weights)


def _joint_regression(anny_model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights ``(18, S)`` and the S vertices they apply to.

    From anny's COCO keypoint regressors; the neck is the middle of the shoulders, as in OpenPose (Cao et al. 2017,
    trained on COCO, which annotates no neck).
    """
    from anny.keypoints import KeypointsRegressor

    coco = KeypointsRegressor.coco(anny_model)
    row = {f"{label}": coco.regression_weights[i] for i, label in enumerate(coco.labels)}
    row["neck"] = (row["right_shoulder"] + row["left_shoulder"]) / 2
    weights = torch.stack([row[name] for name in JOINT_NAMES])
    used = torch.nonzero(weights.abs().sum(0) > 1e-7).squeeze(1)
    return weights[:, used].contiguous(), used
