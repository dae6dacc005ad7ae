"""Posing: frames and signs, joints without skinning, left and right, gradients, refusals."""

import numpy as np
import pytest
import torch

from bodydouble.body import outfit
from bodydouble.body.model import BODY_TO_CAMERA, BodyModel, vertex_normals
from bodydouble.body.parts import BODY_PARTS
from bodydouble.scene.skeleton import JOINT_INDEX, MIRRORED


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def _rotations(body: BodyModel, **bones: tuple[float, float, float]) -> np.ndarray:
    rotvecs = np.zeros((1, len(body.bone_labels), 3), np.float32)
    for label, value in bones.items():
        rotvecs[0, body.bone_index[label.replace("__", ".")]] = value
    return rotvecs


def _joint(posed, name: str) -> np.ndarray:
    return posed.joints_m[0, JOINT_INDEX[name]]


def test_the_frame_is_x_left_y_back_z_up(body: BodyModel):
    posed = body.pose(_rotations(body), {})
    assert _joint(posed, "left_shoulder")[0] > 0.1 > -0.1 > _joint(posed, "right_shoulder")[0]
    assert _joint(posed, "nose")[1] < _joint(posed, "neck")[1]
    assert _joint(posed, "nose")[2] > _joint(posed, "left_hip")[2] > _joint(posed, "left_ankle")[2]
    seen = BODY_TO_CAMERA @ _joint(posed, "nose")
    assert seen[1] < 0, "up is negative in the camera's frame"


def test_the_body_is_symmetric_in_its_joints(body: BodyModel):
    joints = body.pose(_rotations(body), {}).joints_m[0]
    mirrored = joints[list(MIRRORED)] * [-1, 1, 1]
    assert np.allclose(joints, mirrored, atol=3e-3)


@pytest.mark.parametrize(
    ("bone", "rotation", "joint", "axis", "sign"),
    [
        ("upperleg01__L", (-0.6, 0, 0), "left_knee", 1, -1), ("upperarm01__L", (0, 0.6, 0), "left_wrist", 0, -1),
        ("upperarm01__R", (0, -0.6, 0), "right_wrist", 0, 1), ("lowerleg01__R", (0.8, 0, 0), "right_ankle", 1, 1),
        ("lowerarm01__R", (-0.8, 0, 0), "right_wrist", 2, 1), ("spine05", (0.5, 0, 0), "nose", 1, -1),
    ],
)  # fmt: skip
def test_a_rotation_moves_its_joint_the_documented_way(body: BodyModel, bone, rotation, joint, axis, sign):
    still, moved = body.pose(_rotations(body), {}), body.pose(_rotations(body, **{bone: rotation}), {})
    assert sign * (_joint(moved, joint)[axis] - _joint(still, joint)[axis]) > 0.05


def test_joints_by_kinematics_equal_joints_of_the_skin(body: BodyModel):
    rng = np.random.default_rng(3)
    rotvecs = rng.normal(0, 0.3, (4, len(body.bone_labels), 3)).astype(np.float32)
    rest = body.rest({"age": rng.uniform(0.3, 1, 4), "weight": 0.8})
    posed = body.pose(rotvecs, rest)
    weights, used = body._regression
    by_skin = torch.einsum("jv,nvk->njk", weights, torch.from_numpy(posed.vertices_m[:, used])).numpy()
    assert np.allclose(posed.joints_m, by_skin, atol=1e-5)
    assert np.allclose(body.joints(rest, torch.from_numpy(rotvecs)).numpy(), by_skin, atol=1e-5)


def test_joints_have_gradients(body: BodyModel):
    rotvecs = torch.zeros(2, len(body.bone_labels), 3, requires_grad=True)
    body.joints(body.rest({}).repeated(2), rotvecs)[:, JOINT_INDEX["left_wrist"], 1].sum().backward()
    assert rotvecs.grad is not None
    assert rotvecs.grad[:, body.bone_index["lowerarm01.L"]].abs().sum() > 0.1
    assert rotvecs.grad[:, body.bone_index["lowerarm01.R"]].abs().sum() == 0


def test_sliders_change_the_body(body: BodyModel):
    child, adult = body.rest({"age": [0.33, 0.67]}).vertices_m.numpy()
    assert np.ptp(child[:, 2]) < 0.85 * np.ptp(adult[:, 2])


def test_one_body_serves_many_poses(body: BodyModel):
    rotvecs = np.repeat(_rotations(body), 3, 0)
    posed = body.pose(rotvecs, body.rest({"height": 0.7}))
    assert posed.vertices_m.shape == (3, len(body.vertex_parts), 3)
    assert np.array_equal(posed.vertices_m[0], posed.vertices_m[2])


@pytest.mark.parametrize(
    ("phenotype", "message"),
    [({"hight": 0.5}, "unknown phenotype sliders"), ({"age": 1.2}, r"allowed is 0\.\.1"), ({"age": np.nan}, "allowed"),
     ({"age": [0.5, 0.6], "weight": [0.1, 0.2, 0.3]}, "lengths")],
)  # fmt: skip
def test_impossible_sliders_are_refused(body: BodyModel, phenotype, message: str):
    with pytest.raises(ValueError, match=message):
        body.rest(phenotype)


def test_mismatched_poses_are_refused(body: BodyModel):
    with pytest.raises(ValueError, match="2 bodies cannot take 3 poses"):
        body.pose(np.zeros((3, len(body.bone_labels), 3), np.float32), body.rest({}, batch=2))
    with pytest.raises(ValueError, match="expected"):
        body.pose(np.zeros((1, 5, 3), np.float32), {})


def test_every_vertex_has_a_part_on_its_own_side(body: BodyModel):
    assert set(body.vertex_parts.tolist()) == {int(part) for part in BODY_PARTS}
    assert len(body.face_parts) == len(body.faces) == len(body.face_uv_indices)
    assert body.face_uv_indices.max() < len(body.uv)


def test_normals_point_outwards(body: BodyModel):
    posed = body.pose(_rotations(body), {})
    normals = vertex_normals(posed.vertices_m, body.faces)
    assert np.allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-4)
    from_middle = posed.vertices_m[0] - posed.vertices_m[0].mean(0)
    torso = body.vertex_parts == 3
    assert (np.einsum("ij,ij->i", from_middle[:, :2], normals[0][:, :2])[torso] > 0).mean() > 0.8


def test_things_sit_where_they_belong(body: BodyModel):
    rotvecs = np.repeat(_rotations(body, spine05=(0.4, 0, 0.3)), 2, 0)
    rest = body.rest({"age": [0.35, 0.7]})
    posed = body.pose(rotvecs, rest)
    for index in range(2):
        on = outfit.anchors(body, rest, posed, index)
        hat, pack = outfit.hat(on, peak_m=0.08), outfit.backpack(on)
        assert hat.vertices_m[:, 2].max() > posed.vertices_m[index][:, 2].max()
        forward = on.chest_turn @ [0, -1, 0]
        assert ((pack.vertices_m - on.chest_m) @ forward).max() < 0.02
        knees = (on.joint("left_knee") + on.joint("right_knee"))[2] / 2
        skirt = outfit.skirt(on, length=1.0)
        assert skirt.vertices_m[:, 2].min() == pytest.approx(knees, abs=0.06)
        for side, sign in (("left", 1), ("right", -1)):
            bag = outfit.shoulder_bag(on, side=side)
            assert sign * (on.hips_turn.T @ (bag.vertices_m.mean(0) - on.chest_m))[0] > 0
