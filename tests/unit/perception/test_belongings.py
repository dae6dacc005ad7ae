"""What touches a person goes with them, or is kept where it is surely no body; drawn people with known bodies."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bodydouble.config import RunConfig
from bodydouble.config.toml import overlay
from bodydouble.errors import ConfigError
from bodydouble.perception.config import SilhouetteConfig
from bodydouble.perception.crops import Crop
from bodydouble.perception.person import Joints, SoftMask
from bodydouble.perception.silhouette.compose import compose

WIDTH, HEIGHT = 240, 160
BOX = np.array([[100, 30, 130, 130]], np.float32)
SIZE = (WIDTH, HEIGHT)


def body_picture(boxes=BOX):
    """(H, W) true where bodies are: filled ellipses in their boxes."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, top, right, bottom in boxes.astype(int):
        middle = ((left + right) // 2, (top + bottom) // 2)
        cv2.ellipse(canvas, middle, ((right - left) // 2 - 2, (bottom - top) // 2), 0, 0, 360, 1, -1)
    return canvas > 0


def masks_of(boxes, picture):
    """What a perfect network says about each person: the body in its crop, which is the whole frame here."""
    return [SoftMask(probabilities=picture[i].astype(np.float32), crop=WHOLE) for i in range(len(boxes))]


WHOLE = Crop(left_px=0.0, top_px=0.0, scale=1.0)


def joints_of(boxes, score=0.9):
    """Eighteen joints down the middle line of each box."""
    xy = np.zeros((len(boxes), 18, 2), np.float32)
    for i, (left, top, right, bottom) in enumerate(boxes):
        xy[i, :, 0] = 0.5 * (left + right)
        xy[i, :, 1] = np.linspace(top + 5, bottom - 5, 18)
    return Joints(xy_px=xy, scores=np.full((len(boxes), 18), score, np.float32))


def outlines(moving, *, boxes=BOX, config=None, joints=None, shadow=None, bodies=None):
    pictures = [body_picture(boxes[i : i + 1]) for i in range(len(boxes))] if bodies is None else bodies
    return compose(
        boxes,
        masks_of(boxes, pictures),
        config or SilhouetteConfig(),
        frame_size_px=SIZE,
        moving=moving,
        joints=joints_of(boxes) if joints is None else joints,
        shadow=shadow,
    )


def painted(outline, mask=None):
    canvas = np.zeros((HEIGHT, WIDTH), bool)
    left, top, right, bottom = outline.window_xyxy_px
    part = outline.mask if mask is None else mask
    canvas[top:bottom, left:right] = part
    return canvas


def with_thing(x0, y0, x1, y1):
    thing = np.zeros((HEIGHT, WIDTH), bool)
    thing[y0:y1, x0:x1] = True
    return thing, body_picture() | thing


KEEP = SilhouetteConfig(belongings="keep")


@pytest.mark.parametrize("place", [(126, 80, 175, 120), (112, 4, 120, 34), (80, 120, 112, 146), (110, 120, 122, 159)])
def test_what_touches_a_person_goes_with_them_far_beyond_the_box(place):
    """A pram pushed half a height ahead, a raised hand, a foot swung back, legs below a box that ends at the knees."""
    thing, moving = with_thing(*place)
    (outline,) = outlines(moving)
    assert (painted(outline) & thing).sum() == thing.sum()
    assert painted(outline)[body_picture()].all()


def test_what_lies_apart_stays():
    thing, moving = with_thing(150, 80, 170, 95)
    (outline,) = outlines(moving)
    assert not (painted(outline) & thing).any()


def test_what_lies_loose_in_the_box_goes_even_if_it_reaches_far_out_of_it():
    """Below a short silhouette: a piece of motion, mostly beyond the box, that does not touch the body."""
    short = body_picture() & (np.arange(HEIGHT) < 100)[:, None]
    thing, moving = with_thing(104, 108, 175, 126)
    (outline,) = outlines(moving & (short | thing), bodies=[short.astype(np.float32)])
    inside = thing & (np.arange(WIDTH) < 130)[None]
    assert painted(outline)[inside].all()


def test_motion_that_reaches_another_person_is_theirs_beyond_ones_own_reach():
    boxes = np.array([[100, 30, 130, 130], [160, 30, 190, 130]], np.float32)
    bridge = np.zeros((HEIGHT, WIDTH), bool)
    bridge[80:84, 128:164] = True
    first, second = outlines(body_picture(boxes) | bridge, boxes=boxes)
    assert not painted(first)[:, 166:].any()
    assert not painted(second)[:, 124:].astype(int)[:, :0].any()
    everything = painted(first) | painted(second)
    assert everything[body_picture(boxes)].all()
    assert everything[bridge].mean() > 0.75


def test_belongings_are_kept_clear_of_the_body_only():
    thing, moving = with_thing(126, 70, 170, 110)
    (outline,) = outlines(moving, config=KEEP)
    assert outline.kept is not None
    kept = painted(outline, outline.kept)
    assert kept[70:110, 145:170].all()
    assert not (kept & painted(outline)).any()
    # Around the body nothing is kept, by five hundredths of the height.
    near = cv2.dilate(body_picture().astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert not (kept & near).any()
    assert painted(outline)[body_picture()].all()
    assert not (kept & ~thing).any()


def test_remove_is_the_default_and_keeps_nothing():
    _, moving = with_thing(126, 70, 170, 110)
    (outline,) = outlines(moving)
    assert outline.kept is None


@pytest.mark.parametrize("why", ["limbs unknown", "body unseen", "slightly likely", "shadow", "small", "along a limb"])
def test_in_doubt_nothing_is_kept(why):
    thing, moving = with_thing(126, 70, 170, 110)
    joints, bodies, shadow = joints_of(BOX), [body_picture().astype(np.float32)], None
    if why == "limbs unknown":
        joints = joints_of(BOX, score=0.1)
    elif why == "body unseen":
        bodies = [0.2 * bodies[0]]
    elif why == "slightly likely":  # The network half believes that it is an arm.
        bodies = [np.maximum(bodies[0], 0.05 * thing)]
    elif why == "shadow":
        shadow = thing
    elif why == "small":
        thing, moving = with_thing(126, 70, 143, 77)
    else:
        joints.xy_px[0, 3:5] = [(140, 90), (168, 90)]
        thing, moving = with_thing(126, 86, 174, 94)
    (outline,) = outlines(moving, config=KEEP, joints=joints, bodies=bodies, shadow=shadow)
    assert outline.kept is None
    assert (painted(outline) & thing).sum() == thing.sum()


def test_people_beyond_the_frame_and_without_motion():
    boxes = np.array([[-60, 30, -30, 130], [230, 100, 260, 200], [100, 30, 130, 130]], np.float32)
    for moving in (None, np.zeros((HEIGHT, WIDTH), bool), np.ones((HEIGHT, WIDTH), bool)):
        found = outlines(moving, boxes=boxes, config=KEEP)
        for outline in found:
            left, top, right, bottom = outline.window_xyxy_px
            assert outline.mask.shape == (bottom - top, right - left)
        assert not found[0].mask.any() or found[0].window_xyxy_px[2] > 0


def test_the_choice_is_checked():
    with pytest.raises(ConfigError, match="belongings"):
        overlay(RunConfig(), {"perception": {"silhouette": {"belongings": "perhaps"}}})
