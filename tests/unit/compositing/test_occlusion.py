"""Things in front of people: walkers behind and in front of a drawn pole."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest

from bodydouble.compositing import CompositingConfig, LightConfig, OcclusionConfig, SensorConfig, ShadowConfig
from bodydouble.compositing.background import BackgroundEvidence
from bodydouble.compositing.compose import Compositor, composite
from bodydouble.compositing.paint_out import judge_plate, person_area
from bodydouble.compositing.survey import Survey, survey_clip
from bodydouble.compositing.windows import Window
from bodydouble.errors import ConfigError
from bodydouble.scene import JOINT_INDEX, CameraMotion, Frame

POLE = (slice(0, 66), slice(45, 49))
"""Its base is at row 66: walkers with their feet above it are behind it, others in front."""
OFF = {
    "light": LightConfig(
        exposure_strength=0, local_strength=0, white_balance_strength=0, tone_strength=0, toe_strength=0, saturation=1
    )
}
CONFIG = CompositingConfig(
    sensor=SensorConfig(blur_strength=0, noise_strength=0, chroma_strength=0),
    shadow=ShadowConfig(strength=0),
    occlusion=OcclusionConfig(every_frames=1, min_frames=3),
    **OFF,
)
FRAMES = 60
SIZE = (36, 14)


def with_joints(track):
    """The same track with a stick figure in each box."""
    place = {
        "nose": (0.5, 0.1), "neck": (0.5, 0.2), "right_shoulder": (0.3, 0.3), "left_shoulder": (0.7, 0.3),
        "right_hip": (0.35, 0.6), "left_hip": (0.65, 0.6), "right_knee": (0.4, 0.75), "left_knee": (0.6, 0.75),
        "right_ankle": (0.45, 0.92), "left_ankle": (0.55, 0.92),
    }  # fmt: skip
    joints = np.full((len(track), 18, 2), np.nan, dtype=np.float32)
    box = track.boxes_xyxy_px
    for name, (x, y) in place.items():
        joints[:, JOINT_INDEX[name], 0] = box[:, 0] + x * (box[:, 2] - box[:, 0])
        joints[:, JOINT_INDEX[name], 1] = box[:, 1] + y * (box[:, 3] - box[:, 1])
    return replace(track, joints_xy_px=joints)


@pytest.fixture
def passing(street, walker, double):
    """Two people pass behind the pole (feet at rows 54 and 56), two in front of it (feet at 78 and 80)."""
    tops = {1: 18, 2: 20, 3: 42, 4: 44}

    class Passing(street):
        def rgb(self, index):
            picture = self.ground.copy()
            for person in sorted(self.walkers, key=lambda w: tops[w.track_id]):
                behind = tops[person.track_id] + SIZE[0] < POLE[0].stop
                mask = self.mask_of(person, index)
                if behind:
                    mask[POLE] = False
                picture[mask] = person.rgb
            return picture

        @property
        def bundle(self):
            plain = super().bundle
            return replace(plain, tracks=tuple(with_joints(track) for track in plain.tracks))

    def places(number):
        return {f: (8 + ((f + 15 * number) % FRAMES), tops[number]) for f in range(FRAMES)}

    people = [walker(n, places(n), size=SIZE, rgb=(250, 10 * n, 240)) for n in tops]
    scene = Passing(width=96, height=84, frames_count=FRAMES, walkers=people)
    scene.ground[POLE] = (20, 60, 200)
    scene.sprites = {
        f: [(n, double(*places(n)[f], size=SIZE, rgb=(230, 220 - 20 * n, 30))) for n in tops] for f in range(FRAMES)
    }
    return scene


def occluders_in(scene, bundle=None, config=CONFIG):
    """What stands in front of people."""
    return survey_clip(scene, bundle or scene.bundle, scene, config).occluders


def run(scene, config=CONFIG, start=0):
    return (frame.rgb for frame in composite(scene, scene.bundle, scene, scene, config, start=start))


def shots(scene, frames, config=CONFIG):
    """Some frames of the result, by index."""
    bundle = scene.bundle
    survey = Survey(occluders=occluders_in(scene, bundle, config))
    compositor = Compositor(bundle, scene, config, survey=survey)
    return {
        f: compositor.compose(Frame(index=f, pts_ticks=f, rgb=scene.rgb(f)), *scene.at(f), scene.sprites_at(f)).rgb
        for f in frames
    }


def covering(scene, track_id):
    """Frames in which a double's middle is on the pole and no other double is near it."""
    middle = {f: {n: s.left_px + s.rgba.shape[1] // 2 for n, s in pairs} for f, pairs in scene.sprites.items()}
    return [
        f
        for f, at in middle.items()
        if 45 <= at[track_id] <= 48 and all(abs(x - 47) > 14 for n, x in at.items() if n != track_id)
    ]


@pytest.mark.parametrize("track_id", [1, 2])
def test_a_double_behind_the_pole_is_cut_by_it(passing, track_id):
    frames = covering(passing, track_id)
    results, without = (
        shots(passing, frames),
        shots(passing, frames, replace(CONFIG, occlusion=OcclusionConfig(enabled=False))),
    )
    assert frames
    body = (slice(28, 44), slice(45, 49))
    for f in frames:
        np.testing.assert_array_equal(results[f][body], passing.ground[body])
        assert np.abs(without[f][body].astype(int) - passing.ground[body]).max(axis=2).min() > 100
        # Beside the pole the double is all there.
        np.testing.assert_array_equal(results[f][30:40, 51:52], without[f][30:40, 51:52])


@pytest.mark.parametrize("track_id", [3, 4])
def test_a_double_in_front_of_the_pole_is_whole(passing, track_id):
    frames = covering(passing, track_id)
    results, without = (
        shots(passing, frames),
        shots(passing, frames, replace(CONFIG, occlusion=OcclusionConfig(enabled=False))),
    )
    assert frames
    for f in frames:
        np.testing.assert_array_equal(results[f][50:66, 45:49], without[f][50:66, 45:49])


def test_the_map_is_the_pole_and_nothing_else(passing):
    found = occluders_in(passing)
    hides = found.base_y_px > -np.inf
    pole = np.zeros_like(hides)
    pole[POLE] = True
    assert not (hides & ~pole).any()
    assert hides[28:44, 45:49].all()
    assert np.all((found.base_y_px[hides] >= 56) & (found.base_y_px[hides] < 78))


def test_nobody_comes_back_where_doubles_are_cut(passing):
    """With other colours on the people not one pixel of the result changes."""
    frames = [*covering(passing, 1)[:2], *covering(passing, 4)[:2]]
    one, other = shots(passing, frames), shots(passing.recoloured((10, 250, 0)), frames)
    for f in frames:
        np.testing.assert_array_equal(one[f], other[f])


def test_a_run_taken_up_in_the_middle_gives_the_same_frames(passing):
    frames = covering(passing, 1)[-2:]
    alone = shots(passing, frames)
    rest = list(islice(run(passing, start=frames[0]), frames[-1] - frames[0] + 1))
    for f in frames:
        np.testing.assert_array_equal(rest[f - frames[0]], alone[f])


def test_one_person_alone_is_no_evidence(passing):
    passing.walkers = [w for w in passing.walkers if w.track_id == 1]
    assert occluders_in(passing).is_empty


def test_clothes_that_look_like_the_ground_are_no_occluder(passing):
    """Legs in the colour of the ground, on everybody: no pole stands there."""
    plain = passing.ground.copy()
    plain[:] = (60, 60, 60)
    passing.ground = plain
    for person in passing.walkers:
        person.rgb = (78, 60, 60)
    assert occluders_in(passing).is_empty


def test_nothing_is_looked_for_when_off_or_moving_or_without_people(passing, street):
    bundle = passing.bundle
    moved = bundle.camera.to_reference.copy()
    moved[3, 0, 2] = 5.0
    moving = replace(bundle, camera=CameraMotion(to_reference=moved))
    assert occluders_in(passing, moving) is None
    assert occluders_in(passing, config=replace(CONFIG, occlusion=OcclusionConfig(enabled=False))) is None
    empty = street()
    assert occluders_in(empty) is None


def test_people_without_joints_and_beyond_the_frame_say_nothing(street, walker):
    scene = street(walkers=[walker(1, {0: (-50, -50), 1: (40, 20)}), walker(2, {1: (90, 60)})])
    assert occluders_in(scene).is_empty


@pytest.mark.parametrize("name", ["every_frames", "min_frames", "same_differs_by_at_most"])
def test_settings_out_of_range_are_named(name):
    with pytest.raises(ConfigError, match=f"occlusion.{name}"):
        OcclusionConfig(**{name: 0})


def test_a_double_in_the_dark_half_is_darker_than_in_the_bright_half(street, walker, double):
    """Both stand on the same bright ground; what is around their bodies differs."""
    people = [walker(1, {0: (20, 20)}), walker(2, {0: (70, 20)})]
    scene = street(walkers=people, frames_count=1)
    scene.ground[:, :48], scene.ground[:, 48:] = 30, 180
    scene.ground[48:] = 180
    grey = (150, 150, 150)
    scene.sprites = {0: [(1, double(20, 20, rgb=grey)), (2, double(70, 20, rgb=grey))]}
    plain = replace(CONFIG, light=LightConfig())
    (rgb,) = run(scene, plain)
    dark, bright = int(rgb[34, 25, 0]), int(rgb[34, 75, 0])
    assert dark < 0.8 * bright
    (feet_only,) = run(scene, replace(plain, light=LightConfig(body_share=0.0)))
    assert int(feet_only[34, 25, 0]) > dark


@pytest.fixture
def pillar(street, walker, double):
    """Two people pass behind a pillar wider than they are: for some frames nothing of them is seen, nor detected."""

    class Behind(street):
        def rgb(self, index):
            picture = self.ground.copy()
            for person in self.walkers:
                mask = self.mask_of(person, index)
                mask[WIDE] = False
                picture[mask] = person.rgb
            return picture

        @property
        def bundle(self):
            plain = super().bundle
            tracks = []
            for person, track in zip(self.walkers, plain.tracks, strict=True):
                unseen = np.array([not self.mask_of(person, f)[:, UNHIDDEN].any() for f in track.frame_indices])
                scores, visible = track.box_scores.copy(), track.visible_fraction.copy()
                scores[unseen], visible[unseen] = 0.0, 0.0
                tracks.append(replace(with_joints(track), box_scores=scores, visible_fraction=visible))
            return replace(plain, tracks=tuple(tracks))

    people = [
        walker(n, {f: (5 + (f + 9 * n) % FRAMES, 16 + n) for f in range(FRAMES)}, size=SIZE, rgb=(250, 20 * n, 240))
        for n in (1, 2)
    ]
    scene = Behind(width=96, height=84, frames_count=FRAMES, walkers=people)
    scene.ground[WIDE] = (20, 60, 200)
    return scene


WIDE = (slice(0, 66), slice(36, 60))
UNHIDDEN = np.r_[0:36, 60:96]


def test_a_pillar_wider_than_people_is_found_from_those_who_vanish_behind_it(pillar):
    found = occluders_in(pillar)
    hides = found.base_y_px >= 54
    middle = np.zeros_like(hides)
    middle[26:44, 40:56] = True
    assert hides[middle].mean() > 0.9
    assert not hides[:, UNHIDDEN].any()


def test_who_is_not_seen_and_was_never_there_before_hides_behind_nothing(pillar):
    """Tracks of nobody, that look like the ground all the time, teach nothing."""
    pillar.rgb = lambda index: pillar.ground.copy()
    found = occluders_in(pillar)
    assert found.is_empty


def test_where_a_thing_hides_somebody_the_plate_is_trusted(passing):
    """Known to be the thing, though the frame looks like the plate there; elsewhere that would be a person on the plate."""
    track = next(t for t in passing.bundle.tracks if t.track_id == 1)
    frame = covering(passing, 1)[0]
    step = track.step_of(frame)
    area = person_area(track, step, Window(0, 0, passing.width, passing.height), CONFIG.paint_out)
    same = passing.ground.copy()
    never = BackgroundEvidence(passing.bundle, same, CONFIG.paint_out).known()
    box = track.boxes_xyxy_px[step]
    without = judge_plate(area, box, same, same, 0.5, never)
    found = judge_plate(area, box, same, same, 0.5, never, occluders_in(passing))
    assert without.distrusted[area.silhouette].all()
    hidden = occluders_in(passing).hides(area.window, float(box[3]))
    assert hidden.any()
    assert not found.distrusted[cv2.erode(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0].any()
