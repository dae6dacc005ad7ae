"""One plain person for tests of heads, clothes and wardrobes."""

from __future__ import annotations

from functools import cache

from bodydouble.body.model import BodyModel
from bodydouble.generation.avatar.physique import Physique, build_physique, phenotype_of
from bodydouble.scene import Appearance

PLAIN = Appearance(
    ethnicity="Mixed-heritage", gender="man", age_years=40, body_type="average", height_class="medium",
    hair_colour="brown", hair_type="short", occupation="chef", top="jumper", bottom="trousers", shoes="trainers",
    skin_rgb=(203, 158, 123), hair_rgb=(58, 40, 30), top_rgb=(82, 98, 122), bottom_rgb=(44, 54, 78),
    shoes_rgb=(104, 104, 106), prompt="-",
)  # fmt: skip


@cache
def body_of(look: Appearance) -> Physique:
    """The body of a look, always of the same seed."""
    return build_physique(BodyModel.load(), phenotype_of(look, 1))
