"""What compositing promises for every frame, on drawn streets."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bodydouble.compositing import (
    CompositingConfig,
    CoverageAudit,
    LightConfig,
    PaintOutConfig,
    SensorConfig,
    ShadowConfig,
    composite,
)
from bodydouble.compositing import compose as compose_module
from bodydouble.errors import BundleError
from bodydouble.scene import Sprite

PLAIN = CompositingConfig(
    light=LightConfig(
        exposure_strength=0, local_strength=0, white_balance_strength=0, tone_strength=0, toe_strength=0, saturation=1
    ),
    sensor=SensorConfig(blur_strength=0, noise_strength=0, chroma_strength=0),
    shadow=ShadowConfig(strength=0),
)
"""Everything that alters a double's colours is off."""


def run(scene, config=None, *, performance=True, seed=0, start=0):
    return list(
        composite(
            scene,
            scene.bundle,
            scene,
            scene if performance else None,
            config or CompositingConfig(),
            seed=seed,
            start=start,
        )
    )


@pytest.fixture
def crossing(street, walker, double):
    """Three people, two of them overlapping, one cut by the border; all have doubles in all frames."""
    people = [
        walker(track_id=1, places={i: (20 + 4 * i, 20) for i in range(3)}),
        walker(track_id=2, places={i: (30 - 2 * i, 26) for i in range(3)}, rgb=(255, 255, 0)),
        walker(track_id=5, places={i: (88, -6 + i) for i in range(3)}, rgb=(0, 255, 255)),
    ]
    scene = street(walkers=people, noise=2.0, plate_offset=5)
    for index in range(3):
        scene.sprites[index] = [
            (5, double(86, -10 + index)),
            (1, double(20 + 4 * index, 22, rgb=(200, 30, 30))),
            (2, double(32 - 2 * index, 30)),
        ]
    return scene


def test_pixels_outside_the_changed_mask_are_the_input_to_the_bit(crossing):
    for frame, original in zip(run(crossing), crossing.frames(), strict=True):
        assert frame.changed.any()
        assert not frame.changed.all()
        np.testing.assert_array_equal(frame.rgb[~frame.changed], original.rgb[~frame.changed])


def test_changed_mask_reaches_no_further_than_people_doubles_and_their_margins(crossing):
    config = CompositingConfig()
    for frame in run(crossing, config):
        allowed = crossing.people(frame.index)
        for _, sprite in crossing.sprites_at(frame.index):
            h, w = sprite.rgba.shape[:2]
            x0, y0 = max(0, sprite.left_px), max(0, sprite.top_px)
            allowed[y0 : max(0, sprite.top_px + h), x0 : max(0, sprite.left_px + w)] = True
        # 28 px doubles: softening reaches 4 px, the shadow 3 px; people 30 px: 3 px.
        grown = cv2.dilate(allowed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        assert not (frame.changed & ~grown).any()


def test_every_silhouette_pixel_is_written(crossing):
    for frame in run(crossing, performance=False):
        assert frame.changed[crossing.people(frame.index)].all()


def test_recolouring_the_people_changes_not_one_pixel_inside_or_outside(crossing):
    for rgb in ((0, 0, 0), (130, 120, 110)):
        other = crossing.recoloured(rgb)
        for a, b in zip(run(crossing), run(other), strict=True):
            np.testing.assert_array_equal(a.rgb, b.rgb)


def test_painted_out_frames_show_the_ground(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    (frame,) = run(scene, PLAIN, performance=False)
    np.testing.assert_array_equal(frame.rgb, scene.ground)


def test_plate_of_another_brightness_is_fitted_to_the_frame(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1, plate_offset=9)
    (frame,) = run(scene, PLAIN, performance=False)
    difference = np.abs(frame.rgb.astype(int) - scene.ground)
    assert difference.max() <= 1
    without = replace(PLAIN, paint_out=PaintOutConfig(seam_max_offset=0))
    (frame,) = run(scene, without, performance=False)
    assert np.abs(frame.rgb.astype(int) - scene.ground).max() == 9


def test_seam_correction_is_limited_and_ignores_a_shadow_in_the_ring(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    dark = scene.ground.copy()
    scene.ground = scene.ground.copy()
    dark[44:52, 20:60] //= 2  # A cast shadow below the person, in the frame only.
    frame_ground, plate_ground = dark, scene.ground
    scene.at = lambda index: (plate_ground.copy(), scene.valid.copy())
    scene.ground = frame_ground
    (frame,) = run(scene, PLAIN, performance=False)
    head = (slice(20, 40), slice(42, 50))
    assert np.abs(frame.rgb[head].astype(int) - plate_ground[head]).max() <= 1


def test_nearer_double_is_drawn_over_farther_whatever_the_order_given(street, walker, double):
    people = [walker(track_id=t, places={0: (40, 20)}) for t in (1, 2)]
    far, near = double(40, 15, rgb=(255, 0, 0)), double(42, 20, rgb=(0, 0, 255))
    pictures = []
    for order in ([(2, far), (1, near)], [(1, near), (2, far)]):
        scene = street(walkers=people, frames_count=1, sprites={0: order})
        (frame,) = run(scene, PLAIN)
        pictures.append(frame.rgb)
        assert tuple(frame.rgb[34, 47]) == (0, 0, 255)
    np.testing.assert_array_equal(*pictures)


def test_doubles_on_the_same_row_are_ordered_by_track_id(street, walker, double):
    people = [walker(track_id=t, places={0: (40, 20)}) for t in (1, 2)]
    scene = street(walkers=people, frames_count=1)
    scene.sprites[0] = [(2, double(40, 20, rgb=(0, 0, 255))), (1, double(40, 20, rgb=(255, 0, 0)))]
    (frame,) = run(scene, PLAIN)
    assert tuple(frame.rgb[34, 45]) == (0, 0, 255)


def test_soft_edges_mix_double_and_ground_only(street, walker, double):
    """Alpha edges over a magenta person: no trace of magenta, which the ground and the double lack."""
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)}, rgb=(255, 0, 255))], frames_count=1)
    scene.ground[:] = (120, 110, 120)  # Not neutral, or the clip would be taken for a grey one.
    scene.sprites[0] = [(1, double(41, 21, rgb=(120, 200, 120)))]
    (frame,) = run(scene, PLAIN)
    assert set(np.unique(frame.rgb[:, :, 0])) == {120}
    assert set(np.unique(frame.rgb[:, :, 2])) == {120}
    greens = np.unique(frame.rgb[:, :, 1])
    assert greens.max() == 200
    assert len(greens) > 4


@pytest.mark.parametrize(("left", "top"), [(-6, 20), (91, 20), (40, -20), (40, 60), (-4, -20)])
def test_double_partly_outside_the_frame(street, walker, double, left, top):
    place = (min(max(left, 0), 84), min(max(top, 0), 42))
    scene = street(walkers=[walker(track_id=1, places={0: place})], frames_count=1)
    scene.sprites[0] = [(1, double(left, top))]
    (frame,) = run(scene)
    assert frame.outcomes[0].action == "replaced"
    assert frame.rgb.shape == (72, 96, 3)


@pytest.mark.parametrize(("left", "top"), [(-50, 20), (200, 20), (40, -60), (40, 200)])
def test_double_outside_the_frame_is_reported_as_painted_out(street, walker, double, left, top):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    scene.sprites[0] = [(1, double(left, top))]
    (frame,) = run(scene)
    assert frame.outcomes[0].action == "painted_out"
    assert "outside" in frame.outcomes[0].reason
    people = scene.people(0)
    np.testing.assert_allclose(frame.rgb[people].astype(int), scene.ground[people], atol=1)


def test_double_without_a_pixel_is_painted_out(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    nothing = Sprite(left_px=40, top_px=20, rgba=np.zeros((0, 0, 4), dtype=np.uint8), ground_y_px=50.0)
    scene.sprites[0] = [(1, nothing)]
    (frame,) = run(scene)
    assert frame.outcomes[0].action == "painted_out"


def test_frames_that_are_not_to_be_played_are_painted_out_even_with_a_double(street, walker, double):
    person = walker(track_id=1, places={0: (40, 20)}, plays=False, reason="no skeleton")
    scene = street(walkers=[person], frames_count=1, sprites={0: [(1, double(40, 20))]})
    (frame,) = run(scene, PLAIN)
    np.testing.assert_array_equal(frame.rgb, scene.ground)
    assert (frame.outcomes[0].action, frame.outcomes[0].reason) == ("painted_out", "no skeleton")


def test_missing_double_is_painted_out_with_a_reason(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    (frame,) = run(scene, PLAIN)
    np.testing.assert_array_equal(frame.rgb, scene.ground)
    assert (frame.outcomes[0].action, frame.outcomes[0].reason) == ("painted_out", "no double was generated")


def test_person_without_silhouette_is_painted_out_by_the_box(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)}, empty_silhouette=True)], frames_count=1)
    (frame,) = run(scene, PLAIN)
    np.testing.assert_array_equal(frame.rgb, scene.ground)


def test_frame_without_people_is_handed_on_untouched(street, walker, double):
    scene = street(walkers=[walker(track_id=1, places={2: (40, 20)})], sprites={2: [(1, double(40, 20))]}, noise=3.0)
    frames = run(scene)
    np.testing.assert_array_equal(frames[0].rgb, scene.rgb(0))
    assert not frames[0].changed.any()
    assert frames[0].outcomes == ()
    assert frames[2].changed.any()


def test_clip_without_any_track_is_handed_on_untouched(street):
    scene = street(noise=3.0)
    for frame in run(scene, performance=False):
        np.testing.assert_array_equal(frame.rgb, scene.rgb(frame.index))


def test_person_wholly_outside_the_frame_is_harmless(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (200, 20)})], frames_count=1)
    (frame,) = run(scene)
    assert not frame.changed.any()
    assert frame.outcomes[0].action == "painted_out"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 5), (5, 3), (17, 13), (2, 71), (97, 73)])
def test_odd_and_tiny_frames(street, walker, double, width, height):
    person = walker(track_id=1, places={0: (0, 0)}, size=(max(1, height // 2), max(1, width // 2)))
    scene = street(width=width, height=height, walkers=[person], frames_count=1, noise=2.0)
    scene.sprites[0] = [(1, double(-2, -2, size=(7, 5)))]
    (frame,) = run(scene)
    assert frame.rgb.shape == (height, width, 3)
    assert frame.changed[scene.people(0)].all()


def test_grey_stays_grey(street, walker, double):
    person = walker(track_id=1, places={0: (40, 20)}, rgb=(10, 10, 10))
    for is_flagged in (True, False):
        scene = street(walkers=[person], is_gray=True, noise=3.0, frames_count=1)
        if not is_flagged:
            # An mp4 of a grey scene says nothing; the plate shows it.
            plain, scene.is_gray = scene.rgb(0), False
            scene.rgb = lambda index, plain=plain: plain
        scene.sprites[0] = [(1, double(40, 20, rgb=(250, 20, 90)))]
        (frame,) = run(scene)
        assert frame.outcomes[0].action == "replaced"
        assert np.ptp(frame.rgb, axis=2).max() == 0


def test_same_inputs_same_frames_and_any_start(crossing):
    whole = run(crossing)
    for again, start in ((run(crossing), 0), (run(crossing, start=1), 1), (run(crossing, start=2), 2)):
        for a, b in zip(whole[start:], again, strict=True):
            assert a.index == b.index
            np.testing.assert_array_equal(a.rgb, b.rgb)
            assert a.outcomes == b.outcomes


@pytest.mark.parametrize("threads", [1, 3])
def test_frames_do_not_depend_on_how_many_are_composited_at_once(crossing, threads):
    whole = run(crossing)
    for a, b in zip(whole, run(crossing, CompositingConfig(threads=threads)), strict=True):
        assert a.index == b.index
        np.testing.assert_array_equal(a.rgb, b.rgb)
        assert a.outcomes == b.outcomes


def test_another_seed_gives_other_noise_in_the_changed_area_only(crossing):
    a, b = run(crossing, seed=1)[0], run(crossing, seed=2)[0]
    np.testing.assert_array_equal(a.changed, b.changed)
    assert (a.rgb != b.rgb).any()
    np.testing.assert_array_equal(a.rgb[~a.changed], b.rgb[~b.changed])


def test_noise_of_the_footage_is_given_to_the_double(street, walker, double):
    deviations = []
    for noise in (0.0, 6.0):
        scene = street(walkers=[walker(track_id=1, places={0: (30, 10)}, size=(50, 30))], noise=noise, frames_count=1)
        scene.sprites[0] = [(1, double(30, 10, size=(50, 30)))]
        (frame,) = run(scene)
        deviations.append(frame.rgb[25:45, 40:50, 1].std())
    assert deviations[0] < 0.5
    assert 3.0 < deviations[1] < 7.0


@pytest.mark.parametrize("steady", [0.0, 1.0])
def test_noise_of_a_double_boils_only_where_that_of_the_footage_does(street, walker, double, steady):
    places = dict.fromkeys(range(4), (30, 10))
    scene = street(walkers=[walker(track_id=1, places=places, size=(50, 30))], frames_count=4)
    film = scene.rgb
    rng = np.random.default_rng(9)
    noise = [rng.normal(0, 5, size=(scene.height, scene.width, 1)) for _ in range(4)]

    def noisy(index):
        grain = noise[0] if steady else noise[index]
        return np.clip(np.rint(film(index) + grain), 0, 255).astype(np.uint8)

    scene.rgb = noisy
    scene.sprites = {index: [(1, double(30, 10, size=(50, 30)))] for index in range(4)}
    frames = run(scene)
    body = [frame.rgb[25:45, 40:50, 1].astype(float) for frame in frames]
    assert body[0].std() > 2.0
    boiling = np.std(np.stack(body), axis=0).mean()
    assert boiling < 1.0 if steady else boiling > 2.0


def test_contact_shadow_darkens_the_ground_beside_the_feet_only(street, walker, double):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    scene.sprites[0] = [(1, double(40, 22))]
    (with_shadow,) = run(scene, replace(PLAIN, shadow=ShadowConfig(strength=0.5, reach_share=0.15)))
    (without,) = run(scene, PLAIN)
    difference = without.rgb.astype(int) - with_shadow.rgb
    assert difference.min() >= 0
    rows = np.flatnonzero(difference.any(axis=(1, 2)))
    assert difference.max() > 15
    assert rows.min() >= 22 + 28 - 6
    np.testing.assert_array_equal(with_shadow.rgb[~with_shadow.changed], scene.rgb(0)[~with_shadow.changed])


def test_contact_shadow_spares_what_stands_in_front_of_the_ground(street, walker, double):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    plate = scene.ground.copy()
    scene.at = lambda index: (plate, scene.valid)
    scene.ground = scene.ground.copy()
    scene.ground[53:, :] = 255  # Something that is in the frame and not on the plate.
    scene.sprites[0] = [(1, double(40, 26))]
    (frame,) = run(scene, replace(PLAIN, shadow=ShadowConfig(strength=0.5, reach_share=0.15)))
    sprite_bottom = 26 + 28
    assert (frame.rgb[sprite_bottom + 1 :] == 255).all()


def test_contact_shadow_has_no_specks_where_the_plate_was_never_seen(street, walker, double):
    """Unseen pixels of a plate are filled like the others, and so take the shadow; single odd pixels make no holes."""
    shadow = replace(PLAIN, shadow=ShadowConfig(strength=0.5, reach_share=0.15))
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    scene.sprites[0] = [(1, double(40, 22))]
    (seen,) = run(scene, shadow)
    scene.valid = scene.valid.copy()
    scene.valid[46:58, 38:62:3] = False
    (unseen,) = run(scene, shadow)
    (without,) = run(scene, PLAIN)
    dark, darker = (np.abs(without.rgb.astype(int) - frame.rgb).max(axis=2) for frame in (unseen, seen))
    inside = cv2.erode((darker > 3).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inside.sum() > 10
    assert (dark[inside] > 1).all()


def test_audit_counts_full_cover_and_a_sabotaged_paint_out_is_noticed(crossing, monkeypatch):
    audit = CoverageAudit()
    for frame in run(crossing, performance=False):
        audit.add(frame.outcomes)
    assert audit.coverage == 1.0
    assert audit.total.frames == 9
    assert audit.total.change.person_px > 0.9 * audit.total.change.silhouette_px

    monkeypatch.setattr(compose_module.Compositor, "_paint_out", lambda self, *args: None)
    sabotaged = CoverageAudit()
    for frame in run(crossing, performance=False):
        sabotaged.add(frame.outcomes)
    assert sabotaged.coverage == 0.0
    assert sabotaged.total.unchanged_share == 1.0


@pytest.fixture
def haunted(street, walker):
    """Two people; the plate holds the first, who was missed in the frames it was made of."""
    people = [walker(track_id=1, places={0: (20, 20)}), walker(track_id=2, places={0: (60, 20)}, rgb=(255, 255, 0))]
    scene = street(walkers=people, frames_count=1)
    plate = scene.ground.copy()
    plate[scene.mask_of(people[0], 0)] = (247, 12, 239)
    scene.at = lambda index: (plate.copy(), scene.valid.copy())
    return scene


def test_a_person_on_the_plate_is_not_left_in(haunted):
    audit = CoverageAudit()
    (frame,) = run(haunted, PLAIN, performance=False)
    audit.add(frame.outcomes)
    assert [outcome.plate_distrusted for outcome in frame.outcomes] == [True, False]
    assert audit.coverage == 1.0
    assert audit.by_track[1].frames_plate_distrusted == 1
    person = haunted.mask_of(haunted.walkers[0], 0)
    assert np.abs(frame.rgb[person].astype(int) - haunted.ground[person]).max() < 45
    other = haunted.mask_of(haunted.walkers[1], 0)
    np.testing.assert_array_equal(frame.rgb[other], haunted.ground[other])
    np.testing.assert_array_equal(frame.rgb[~frame.changed], haunted.rgb(0)[~frame.changed])


def test_audit_notices_a_person_on_the_plate(haunted, monkeypatch):
    monkeypatch.setattr(compose_module, "judge_plate", lambda area, *args: area)
    audit = CoverageAudit()
    for frame in run(haunted, PLAIN, performance=False):
        audit.add(frame.outcomes)
    assert audit.by_track[1].coverage == 0.0
    assert audit.by_track[2].coverage == 1.0


def test_sizes_that_do_not_fit_are_named(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})])
    other = street(width=90, walkers=[])
    with pytest.raises(BundleError, match=r"frame 0 is 90x72 px.*96x72"):
        list(composite(other, scene.bundle, scene, None, CompositingConfig()))
    with pytest.raises(BundleError, match="plate is 90x72"):
        list(composite(scene, scene.bundle, other, None, CompositingConfig()))


def test_clip_longer_than_its_bundle_is_refused(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})])
    longer = street(frames_count=4)
    with pytest.raises(BundleError, match="more frames than the 3"):
        list(composite(longer, scene.bundle, scene, None, CompositingConfig()))


def test_doubles_of_unknown_tracks_are_refused(street, walker, double):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], sprites={0: [(7, double(40, 20))]})
    with pytest.raises(BundleError, match="double for track 7 in frame 0"):
        run(scene)
    scene.sprites[0] = [(1, double(40, 20)), (1, double(40, 20))]
    with pytest.raises(BundleError, match="two doubles"):
        run(scene)


@pytest.mark.parametrize("seen", [True, False])
def test_a_precaution_where_nothing_is_seen_shows_the_plate_and_is_not_audited(street, walker, seen):
    scene = street(walkers=[walker(track_id=1, places={0: (20, 20)}, plays=False)])
    nobody = scene.track(walker(track_id=9, places={0: (60, 20)}, plays=False))
    nobody = replace(nobody, visible_fraction=np.full_like(nobody.visible_fraction, float(seen)))
    bundle = replace(scene.bundle, tracks=(*scene.bundle.tracks, nobody))
    frame = next(iter(composite(scene, bundle, scene, None, PLAIN, seed=0)))
    (outcome,) = [outcome for outcome in frame.outcomes if outcome.track_id == 9]
    place = (slice(20, 44), slice(60, 72))
    # Somebody whom the plate shows as well is filled in some other way; a precaution is the plate, which looks the same.
    assert outcome.plate_distrusted == seen
    assert bool((frame.rgb[place] == scene.ground[place]).all()) != seen
    assert (outcome.change.silhouette_px > 0) == seen
