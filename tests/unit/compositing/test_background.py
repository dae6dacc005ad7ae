"""Where the plate is known to be right, and what is made of it: nobody, somebody who stands still, somebody who left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.compositing import (
    CompositingConfig,
    CoverageAudit,
    PaintOutConfig,
    SensorConfig,
    composite,
)
from bodydouble.compositing.doubts import Doubts
from bodydouble.compositing.survey import survey_clip
from bodydouble.compositing.windows import Window
from bodydouble.scene import CameraMotion

CONFIG = CompositingConfig(sensor=SensorConfig(blur_strength=0, noise_strength=0, chroma_strength=0))
WITHOUT = replace(CONFIG, paint_out=PaintOutConfig(known_background=False))
FRAMES = 100
"""Four seconds: twenty spans."""


@pytest.fixture
def nobody(street, walker):
    """Somebody walks by; a box stands on bare ground for a while, as false finds do."""

    class Bare(street):
        def rgb(self, index):
            drawn = self.walkers
            self.walkers = [w for w in drawn if w.track_id != 2]
            picture = super().rgb(index)
            self.walkers = drawn
            return picture

    passer = walker(1, {f: (f - 12, 40) for f in range(FRAMES)})
    false = walker(2, dict.fromkeys(range(60, 71), (40, 8)), plays=False)
    return Bare(frames_count=FRAMES, walkers=[passer, false])


def results(scene, config=CONFIG):
    return {f.index: f for f in composite(scene, scene.bundle, scene, None, config)}


def outcome_of(frame, track_id):
    return next(o for o in frame.outcomes if o.track_id == track_id)


def test_a_box_without_anybody_shows_the_plate_and_counts_as_covered(nobody):
    audit = CoverageAudit()
    found = results(nobody)
    for frame in found.values():
        audit.add(frame.outcomes)
    for f in range(60, 71):
        np.testing.assert_array_equal(found[f].rgb[8:38, 40:52], nobody.ground[8:38, 40:52])
        assert not outcome_of(found[f], 2).plate_distrusted
    assert audit.coverage == 1.0


def test_without_it_made_up_colours_cover_the_box(nobody):
    found = results(nobody, WITHOUT)
    assert outcome_of(found[65], 2).plate_distrusted
    assert (found[65].rgb[8:38, 40:52] != nobody.ground[8:38, 40:52]).mean() > 0.5


def standing(street, walker, tracked):
    """Somebody stands there all the time, is tracked in some frames only, and is on the plate."""

    class Standing(street):
        def rgb(self, index):
            picture = super().rgb(index)
            picture[self.mask_of(self.whole, 0)] = self.whole.rgb
            return picture

        def at(self, frame_index):
            plate = self.ground.copy()
            plate[self.mask_of(self.whole, 0)] = self.whole.rgb
            return plate, self.valid.copy()

    scene = Standing(
        frames_count=FRAMES, walkers=[walker(n, dict.fromkeys(part, (40, 20))) for n, part in tracked.items()]
    )
    scene.whole = walker(9, {0: (40, 20)})
    return scene


@pytest.mark.parametrize(
    "tracked",
    [
        {1: [*range(5, 30), *range(45, 70), *range(85, 95)]},
        {1: range(30), 2: range(45, 70), 3: range(85, 100)},
    ],
    ids=["missed for 0.6 s", "found again as another"],
)
def test_who_stands_still_and_is_missed_now_and_then_is_not_taken_for_background(street, walker, tracked):
    scene = standing(street, walker, tracked)
    person = scene.mask_of(scene.whole, 0)
    for index, frame in results(scene).items():
        for outcome in frame.outcomes:
            assert outcome.plate_distrusted
            assert np.abs(frame.rgb[person].astype(int) - scene.whole.rgb).max(axis=1).min() > 60, index


def test_a_plate_that_holds_somebody_who_left_is_not_known_there(street, walker):
    """The clip contradicts it."""
    scene = standing(street, walker, {1: range(70, 75)})
    stays = scene.rgb
    scene.rgb = lambda index: stays(index) if index < 80 else scene.ground.copy()
    known = survey_clip(scene, scene.bundle, scene, CONFIG).background
    box = scene.bundle.tracks[0].boxes_xyxy_px[0]
    window = Window(0, 0, scene.width, scene.height)
    there = known.at(window, box, scene.at(0)[0])
    assert not there[scene.mask_of(scene.whole, 0)].any()
    assert there[0:15].all()


def test_another_plate_than_the_one_that_was_met_is_not_known(nobody):

    known = survey_clip(nobody, nobody.bundle, nobody, CONFIG).background
    window, box = Window(40, 8, 52, 38), nobody.bundle.tracks[1].boxes_xyxy_px[0]
    assert known.at(window, box, nobody.ground).all()
    assert not known.at(window, box, nobody.ground + np.uint8(40)).any()


def test_no_pixel_of_a_person_decides_what_is_written(nobody):
    one, other = results(nobody), results(nobody.recoloured((10, 250, 0)))
    for index, frame in one.items():
        np.testing.assert_array_equal(frame.rgb, other[index].rgb)


def test_a_run_taken_up_in_the_middle_gives_the_same_frames(nobody):
    whole = results(nobody)
    for frame in composite(nobody, nobody.bundle, nobody, None, CONFIG, start=64):
        np.testing.assert_array_equal(frame.rgb, whole[frame.index].rgb)


def test_where_the_camera_moves_or_nobody_is_there_nothing_is_known(nobody, street):
    moved = nobody.bundle.camera.to_reference.copy()
    moved[3, 0, 2] = 5.0
    moving = replace(nobody.bundle, camera=CameraMotion(to_reference=moved))
    for scene, bundle in ((nobody, moving), (street(), street().bundle)):
        found = survey_clip(scene, bundle, scene, CONFIG)
        assert found.background is None
        assert found.occluders is None
        assert not found.doubts.frames


def test_doubt_lasts_a_while_and_never_raises_the_limit():
    doubts = Doubts(frames={3: np.array([20, 60])}, remembered_frames=5)
    limits = {f: doubts.limit(3, f, 0.5) for f in (14, 15, 20, 25, 26, 58)}
    assert limits == {14: 0.5, 15: 0.3, 20: 0.3, 25: 0.3, 26: 0.5, 58: 0.3}
    assert doubts.limit(4, 20, 0.5) == 0.5


def test_distrust_does_not_flip_with_the_share(street, walker):
    """The plate holds the upper part of somebody; how much of them it shows goes up and down around one half."""
    scene = standing(street, walker, {1: range(FRAMES)})
    whole = scene.rgb

    def rgb(index):
        picture = whole(index)
        rows = slice(36 if index % 4 < 2 else 34, 50)
        picture[rows][scene.mask_of(scene.whole, 0)[rows]] = (0, 250, 90)
        return picture

    scene.rgb = rgb
    assert all(outcome_of(frame, 1).plate_distrusted for frame in results(scene).values())
    raised = survey_clip(scene, scene.bundle, scene, CONFIG).doubts.frames[1]
    assert 0 < len(raised) < FRAMES // 2 - 10


def pausing(street, walker, held_rows):
    """Somebody stands at a place for nearly two seconds and leaves; later a box stands there with nobody in it.

    The plate, and the clip all the time, hold those rows of them.
    """
    person = walker(1, dict.fromkeys(range(15, 59), (40, 20)))
    false = walker(2, dict.fromkeys(range(80, 90), (40, 20)), plays=False)

    class Pausing(street):
        def rgb(self, index):
            drawn = self.walkers
            self.walkers = [person] if index in person.places else []
            picture = super().rgb(index)
            self.walkers = drawn
            picture[self.held] = person.rgb
            return picture

        def at(self, frame_index):
            plate = self.ground.copy()
            plate[self.held] = person.rgb
            return plate, self.valid.copy()

    scene = Pausing(frames_count=FRAMES, walkers=[person, false])
    scene.held = scene.mask_of(person, 15)
    scene.held[: 20 + held_rows.start] = False
    scene.held[20 + held_rows.stop :] = False
    return scene


def test_who_stood_there_and_looks_otherwise_than_the_plate_is_not_on_it(street, walker):
    scene = pausing(street, walker, slice(0, 0))
    found = results(scene)
    for index in range(80, 90):
        np.testing.assert_array_equal(found[index].rgb[20:50, 40:52], scene.ground[20:50, 40:52])
        assert not outcome_of(found[index], 2).plate_distrusted


def test_who_stands_still_and_looks_like_the_plate_in_part_may_be_on_it(street, walker):
    scene = pausing(street, walker, slice(15, 30))
    found = results(scene)
    for index in range(80, 90):
        assert outcome_of(found[index], 2).plate_distrusted
        assert (found[index].rgb[35:50, 40:52] != scene.at(index)[0][35:50, 40:52]).mean() > 0.5


def test_a_guess_that_looks_like_the_frame_holds_nobody(street, walker):
    """It was made from other places: somebody there is covered by it, and it shows no smears."""
    scene = standing(street, walker, {1: range(FRAMES)})
    assert all(outcome_of(frame, 1).plate_distrusted for frame in results(scene).values())
    scene.never_seen = lambda: scene.mask_of(scene.whole, 0)
    for index, frame in results(scene).items():
        assert not outcome_of(frame, 1).plate_distrusted
        np.testing.assert_array_equal(frame.rgb[20:50, 40:52], scene.at(index)[0][20:50, 40:52])
