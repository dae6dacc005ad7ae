"""The pieces of perception one by one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.errors import MissingWeights, OutputError
from bodydouble.perception import write_mot
from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.config import PeopleConfig, PerceptionConfig, PlateConfig, PoseConfig, TrackingConfig
from bodydouble.perception.crops import crop_of, cut, paste
from bodydouble.perception.following import make_tracks
from bodydouble.perception.geometry import iou, suppress, transform
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.rendered import working_scale
from bodydouble.perception.plate.canvas import fit_canvas
from bodydouble.perception.plate.masked_median import masked_median, masked_median_at
from bodydouble.perception.plate.schedule import plan_keys
from bodydouble.perception.pose.decode import decode
from bodydouble.perception.pose.temporal import refine_joints
from bodydouble.perception.quality import sequence_filter, visible_fractions
from bodydouble.perception.stages import load_networks
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.botsort import BotSortSettings
from bodydouble.perception.tracking.heights import complete_heights
from bodydouble.perception.tracking.linking import LinkLimits, drop_doubles, extend
from bodydouble.scene import MIRRORED
from bodydouble.testing.bundles import random_bundle

LIMITS = LinkLimits.at_rate(10.0, extend_seconds=0.3)


def fragment(start: int, stop: int, left: float, step: float, *, height: float = 80.0, score: float = 0.8) -> Fragment:
    frames = np.arange(start, stop)
    x = left + step * (frames - start)
    boxes = np.stack([x, np.full(len(x), 100.0), x + 30, np.full(len(x), 100.0 + height)], axis=1)
    return Fragment(frames=frames, boxes=boxes, scores=np.full(len(frames), score, np.float32))


def test_suppress_keeps_the_stronger_and_the_apart() -> None:
    boxes = np.array([[0, 0, 10, 20], [1, 0, 11, 20], [30, 0, 40, 20]], np.float32)
    assert suppress(boxes, np.array([0.5, 0.9, 0.3], np.float32), 0.5).tolist() == [1, 2]


def test_iou_by_hand() -> None:
    ratio = iou(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10], [20.0, 0, 30, 10]]))
    np.testing.assert_allclose(ratio, [[50 / 150, 0]])


def test_transform_moves_and_scales_boxes() -> None:
    matrix = np.array([[2.0, 0, 5], [0, 2.0, -3], [0, 0, 1]])
    np.testing.assert_allclose(transform(np.array([[10.0, 10, 20, 30]]), matrix), [[25, 17, 45, 57]])


@pytest.mark.parametrize(
    ("size", "scale"), [((768, 576), 1.0), ((360, 240), 2.0), ((1, 1), 2.0), ((3, 5000), 2048 / 5000)]
)
def test_working_scale(size: tuple[int, int], scale: float) -> None:
    assert working_scale(*size, PeopleConfig()) == pytest.approx(scale)


@pytest.mark.parametrize("box", [(10, 20, 50, 120), (-30, -20, 40, 90), (5, 5, 6, 6), (20, 0, 420, 600)])
def test_crop_and_paste_are_inverse(box: tuple[int, int, int, int]) -> None:
    crop = crop_of(np.array(box, np.float32))
    points = np.array([[0, 0], [96, 128], [48, 64]], np.float32)
    frame = crop.to_frame(points)
    np.testing.assert_allclose(frame[2], [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], atol=1e-3)
    assert frame[1, 1] - frame[0, 1] >= 1.25 * (box[3] - box[1]) - 1e-3
    assert (frame[1] - frame[0])[0] / (frame[1] - frame[0])[1] == pytest.approx(0.75, abs=1e-4)
    ones = paste(np.ones((128, 96), np.float32), crop, (0, 0, 200, 200))
    rows, columns = np.mgrid[:200, :200] + 0.5
    inside = (
        (columns > frame[0, 0] + 1) & (columns < frame[1, 0] - 1) & (rows > frame[0, 1] + 1) & (rows < frame[1, 1] - 1)
    )
    assert (ones[inside] > 0.99).all()


def test_cut_of_a_large_person_averages() -> None:
    """A fine checkerboard made small must turn grey, not into an alias pattern."""
    board = ((np.indices((900, 700)).sum(axis=0) % 2) * 255).astype(np.uint8)
    small = cut(np.repeat(board[..., None], 3, axis=2), crop_of(np.array([100, 100, 500, 800], np.float32)))
    assert abs(small.astype(int) - 127).max() < 20


def test_decode_finds_a_gaussian_to_a_tenth_of_a_cell() -> None:
    rows, columns = np.mgrid[:32, :24] + 0.5
    truth = [(13.3, 20.8), (5.0, 3.5), (0.6, 31.2)]
    maps = [0.9 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.2**2)) for x, y in truth]
    points, scores = decode(np.array(maps, np.float32)[None])
    np.testing.assert_allclose(points[0, :2], np.array(truth)[:2] * 4, atol=0.4)
    # At the border there is no neighbour to interpolate with: half a cell is allowed.
    np.testing.assert_allclose(points[0, 2], np.array(truth[2]) * 4, atol=2.1)
    assert scores.min() > 0.75


def test_decode_of_nobody() -> None:
    points, scores = decode(np.zeros((0, 18, 32, 24), np.float32))
    assert points.shape == (0, 18, 2)
    assert scores.shape == (0, 18)


def walking_joints(steps: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Somebody who comes towards the camera: the right side is on the left of the picture."""
    rng = np.random.default_rng(3)
    base = rng.uniform(0.1, 0.9, (18, 2)) * [30, 100]
    for joint in range(18):
        if joint < MIRRORED[joint]:
            base[MIRRORED[joint]] = base[joint] + [14, 0]
    times = np.arange(steps)[:, None, None]
    joints = base[None] + times * np.array([0.3, 2.0]) + np.array([100.0, 50.0])
    swing = 3 * np.sin(np.arange(steps) / 3)
    joints[:, [4, 10], 0] += swing[:, None]
    boxes = np.stack(
        [np.full(steps, 100.0), 50 + 2.0 * times[:, 0, 0], np.full(steps, 130.0), 150 + 2.0 * times[:, 0, 0]], 1
    )
    return joints.astype(np.float32), boxes


def refine(
    joints: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], boxes: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    return refine_joints(joints, scores, boxes, lowest_score=0.15, max_gap=6, sigma_frames=0.8)


def test_swapped_sides_are_put_right() -> None:
    truth, boxes = walking_joints(40)
    swapped = truth.copy()
    flips = [3, 4, 11, 20, 21, 22, 39]
    swapped[flips] = swapped[flips][:, list(MIRRORED)]
    refined, _ = refine(swapped, np.full((40, 18), 0.8, np.float32), boxes)
    assert np.abs(refined - truth).max() < 3.0


def test_walking_direction_decides_when_most_frames_are_swapped() -> None:
    """Unless the network is surer than a direction can be, see `test_joints_over_time`."""
    truth, boxes = walking_joints(40)
    refined, _ = refine(truth[:, list(MIRRORED)], np.full((40, 18), 0.4, np.float32), boxes)
    assert np.abs(refined - truth).max() < 3.0


def test_legs_mixed_up_alone_are_put_right_for_whoever_walks_across() -> None:
    """Somebody walks to the right; most of the time the legs are told apart rightly."""
    rng = np.random.default_rng(5)
    base = rng.uniform(0.1, 0.9, (18, 2)) * [30, 100]
    for joint in range(18):
        if joint < MIRRORED[joint]:
            base[MIRRORED[joint]] = base[joint] - [3, 9]
    for right, left in ((2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13)):
        assert MIRRORED[right] == left
    steps = np.arange(40)
    truth = (base[None] + steps[:, None, None] * np.array([5.0, 0.0])).astype(np.float32)
    boxes = np.stack([5.0 * steps, np.zeros(40), 5.0 * steps + 30, np.full(40, 100.0)], axis=1)
    mixed = truth.copy()
    legs, other = [8, 9, 10, 11, 12, 13], [11, 12, 13, 8, 9, 10]
    for flips in (slice(5, 8), slice(20, 24)):
        mixed[flips, legs] = truth[flips, other]
    refined, _ = refine(mixed, np.full((40, 18), 0.8, np.float32), boxes)
    assert np.abs(refined - truth).max() < 3.0


def test_outliers_go_and_short_gaps_are_closed_long_ones_not() -> None:
    truth, boxes = walking_joints(60)
    joints, scores = truth.copy(), np.full((60, 18), 0.8, np.float32)
    joints[10, 9] += 60
    scores[20:24, 9] = 0.05
    scores[30:50, 9] = 0.0
    refined, level = refine(joints, scores, boxes)
    assert np.abs(refined[10, 9] - truth[10, 9]).max() < 3.0
    assert np.abs(refined[20:24, 9] - truth[20:24, 9]).max() < 3.0
    assert (level[20:24, 9] < 0.8).all()
    assert np.isnan(refined[31:49, 9]).all()
    assert (level[31:49, 9] == 0).all()


def test_smoothing_has_no_lag() -> None:
    truth, boxes = walking_joints(50)
    noisy = truth + np.random.default_rng(0).normal(0, 1.5, truth.shape).astype(np.float32)
    refined, _ = refine(noisy, np.full((50, 18), 0.8, np.float32), boxes)
    error = refined - truth
    assert np.abs(error[5:-5].mean(axis=0)).max() < 0.6
    assert error.std() < 0.9 * 1.5


def test_boxes_that_tremble_leave_joints_alone() -> None:
    joints, boxes = walking_joints(60)
    scores = np.full((60, 18), 0.9, np.float32)
    steady, _ = refine(joints, scores, boxes)
    trembling = boxes + np.random.default_rng(3).normal(0, 4, boxes.shape)
    out, level = refine(joints, scores, trembling)
    assert (level > 0).all()
    assert np.abs(out - steady).max() < 0.5


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_very_short_tracks(steps: int) -> None:
    joints, boxes = walking_joints(steps)
    refined, level = refine(joints, np.full((steps, 18), 0.8, np.float32), boxes)
    assert np.isfinite(refined).all()
    assert (level > 0).all()


def test_sequence_filter() -> None:
    scores = np.full((96, 18), 0.6, np.float32)
    scores[32:40] = 0.0  # 8 of 32 frames without a skeleton
    scores[64:, :14] = 0.3  # a weak one
    play, reason = sequence_filter(scores, PoseConfig())
    assert play[:32].all()
    assert not play[32:].any()
    assert "20%" in reason
    assert "0.35" in reason


def test_a_poor_window_between_good_ones_is_played_where_somebody_is_seen() -> None:
    scores = np.full((160, 18), 0.6, np.float32)
    scores[32:50] = 0.0  # 14 of 32 frames have a skeleton
    scores[64:96] = 0.3  # weak, all the same a skeleton
    scores[96:122] = 0.0  # 6 of 32
    play, reason = sequence_filter(scores, PoseConfig())
    assert play[:96].all()
    assert not play[96:128].any()
    assert play[128:].all()
    assert "20%" in reason
    assert "0.35" not in reason, "only what is painted out is explained"
    play, reason = sequence_filter(scores, PoseConfig(filter_bridge_share=1.1))
    assert play.reshape(-1, 32)[:, 0].tolist() == [True, False, False, False, True]
    assert "0.35" in reason


def test_nothing_is_bridged_at_either_end() -> None:
    scores = np.full((96, 18), 0.6, np.float32)
    scores[:32] = scores[64:] = 0.3
    assert sequence_filter(scores, PoseConfig())[0].reshape(-1, 32).all(axis=1).tolist() == [False, True, False]
    assert not sequence_filter(np.full((96, 18), 0.3, np.float32), PoseConfig())[0].any()


def test_short_rest_is_judged_with_its_neighbour() -> None:
    scores = np.full((34, 18), 0.6, np.float32)
    scores[32:] = 0.0
    assert sequence_filter(scores, PoseConfig())[0].all()


def test_visible_fraction_of_cut_and_hidden() -> None:
    boxes = np.array([[-10, 0, 10, 40], [50, 0, 70, 40], [60, 10, 80, 50]], np.float64)
    np.testing.assert_allclose(visible_fractions(boxes, 100, 100), [0.5, 1 - 10 * 30 / 800, 1.0])


def test_extend_stays_in_the_clip() -> None:
    longer = extend(fragment(1, 20, 0, 3), LIMITS, 21)
    assert longer.frames.tolist() == list(range(21))
    np.testing.assert_allclose(longer.boxes[[0, -1], 0], [-3, 57], atol=0.1)


def test_second_track_on_the_same_person_goes() -> None:
    kept = drop_doubles([fragment(0, 30, 0, 3), fragment(5, 20, 16, 3, score=0.3), fragment(0, 30, 200, 0)])
    assert sorted(float(part.boxes[0, 0]) for part in kept) == [0.0, 200.0]


def test_half_hidden_person_is_completed_below_the_head() -> None:
    part = fragment(0, 30, 0, 3)
    boxes = part.boxes.copy()
    boxes[10:20, 3] = 140.0
    model = HeightModel(slope=0.0, offset=80.0, usual=80.0, reliable=True)
    completed = complete_heights(Fragment(frames=part.frames, boxes=boxes, scores=part.scores), model, 400)
    np.testing.assert_allclose(completed.boxes[:, 3], 180, atol=9)
    np.testing.assert_allclose(completed.boxes[:, 1], 100, atol=1)
    unsure = HeightModel(slope=0.0, offset=80.0, usual=80.0)
    assert complete_heights(part, unsure, 400) is part


def test_paper_thresholds_in_the_librarys_terms() -> None:
    settings = BotSortSettings.from_config(TrackingConfig(preset="paper"), 25.0)
    assert settings.lowest_score == 0.20
    assert settings.track_activation_threshold == 0.70
    assert settings.minimum_iou_threshold_first_assoc == 0.30
    # Ultralytics lets a lost track go one frame later than its buffer says.
    assert settings.lost_frames == 31


def test_masked_median_ignores_occupied_samples() -> None:
    rng = np.random.default_rng(5)
    samples = [rng.integers(0, 256, (7, 9, 3)).astype(np.uint8) for _ in range(8)]
    free = [rng.random((7, 9)) < 0.6 for _ in range(8)]
    free[0][0, 0] = False
    for mask in free:
        mask[3, 3] = False
    colours, counts = masked_median(samples, free)
    stack, open_ = np.stack(samples).astype(float), np.stack(free)
    np.testing.assert_array_equal(counts, open_.sum(axis=0))
    for y in range(7):
        for x in range(9):
            chosen = stack[open_[:, y, x], y, x]
            expected = np.floor(np.median(chosen, axis=0) + 0.5) if len(chosen) else np.zeros(3)
            np.testing.assert_array_equal(colours[y, x], expected)
    pixels = counts < 5
    at, number = masked_median_at(samples, free, pixels)
    np.testing.assert_array_equal(at, colours[pixels])
    np.testing.assert_array_equal(number, counts[pixels])


@pytest.mark.parametrize("frames", [1, 2, 40, 795, 3180])
def test_every_key_has_samples_and_memory_is_bounded(frames: int) -> None:
    schedule = plan_keys(frames, 10.0, PlateConfig(), sample_bytes=6 * 768 * 576)
    assert schedule.sample_frames[0] >= 0
    assert schedule.sample_frames[-1] < frames
    assert [key.frame_index for key in schedule.keys] == sorted({key.frame_index for key in schedule.keys})
    for key in schedule.keys:
        within = (schedule.sample_frames >= key.first_sample) & (schedule.sample_frames <= key.last_sample)
        assert 1 <= within.sum() <= 2 * PlateConfig().max_samples
    held = [
        ((schedule.sample_frames >= a.first_sample) & (schedule.sample_frames <= b.last_sample)).sum()
        for a, b in zip(schedule.keys, schedule.keys[:1] + schedule.keys[:-1], strict=True)
    ]
    assert max(held) <= 3 * PlateConfig().max_samples


def test_canvas_holds_every_frame() -> None:
    rows = np.repeat(np.eye(3)[None], 5, axis=0)
    rows[:, 0, 2] = [0, -20, -40, 10, 30]
    moved, (width, height) = fit_canvas(rows, 100, 50)
    assert (width, height) == (170, 50)
    assert moved[2, 0, 2] == pytest.approx(0)
    still, size = fit_canvas(np.repeat(np.eye(3)[None], 3, axis=0), 100, 50)
    assert size == (100, 50)
    assert (still == np.eye(3)).all()


def test_height_model_by_hand() -> None:
    feet = np.linspace(100, 400, 200)
    model = HeightModel.fit(feet, 0.2 * feet + 10, 500)
    assert model.reliable
    assert model.expected(300) == pytest.approx(70, abs=0.5)
    assert not HeightModel.fit(np.zeros(0), np.zeros(0), 500).reliable


def test_mot_rows(tmp_path: Path) -> None:
    bundle = random_bundle(1)
    write_mot(bundle, tmp_path / "rows.txt")
    rows = np.loadtxt(tmp_path / "rows.txt", delimiter=",", ndmin=2)
    assert len(rows) == sum(len(track) for track in bundle.tracks)
    assert (np.diff(rows[:, 0]) >= 0).all()
    track = bundle.tracks[0]
    mine = rows[rows[:, 1] == track.track_id]
    np.testing.assert_array_equal(mine[:, 0], track.frame_indices + 1)
    np.testing.assert_allclose(mine[:, 4], track.boxes_xyxy_px[:, 2] - track.boxes_xyxy_px[:, 0], atol=0.02)


def test_mot_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="MOT rows"):
        write_mot(random_bundle(1), tmp_path / "none" / "rows.txt")


def test_missing_weights_name_the_folder_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"person\.onnx is missing.*BODYDOUBLE_WEIGHTS_DIR") as caught:
        load_networks(PerceptionConfig(weights_dir=str(tmp_path)))
    assert caught.value.exit_code == 4
    assert str(caught.value).endswith(str(tmp_path))


def test_damaged_weights(tmp_path: Path) -> None:
    for name in ("people_finder.onnx", "person.onnx"):
        (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(MissingWeights, match="cannot be loaded"):
        load_networks(PerceptionConfig(weights_dir=str(tmp_path)))


def test_config_imports_nothing_heavy() -> None:
    code = (
        "import sys; import bodydouble.perception.config, bodydouble.perception; "
        "bad = {'cv2', 'onnxruntime', 'torch', 'scipy', 'numpy'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_absurd_frame_rate_loses_nobody():
    # Some containers state the rate of their clock; a quarter of a second is then hundreds of frames.
    nobody = Detections(boxes_xyxy_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))
    found = [
        Detections(boxes_xyxy_px=np.array([[40.0 + i, 20, 60 + i, 80]], np.float32), scores=np.array([0.9], np.float32))
        for i in range(20)
    ]
    found += [nobody] * 10
    still = np.repeat(np.eye(3)[None], 30, axis=0)
    tracks = make_tracks(found, still, PerceptionConfig(), frames_per_second=2397.6, frame_size_px=(160, 120))
    assert len(tracks) == 1
    assert tracks[0].observed.sum() == 20
