"""From a look to the text that a diffusion model is given, in Compel's syntax."""

from __future__ import annotations

from typing import Final

from bodydouble.generation.config import AnimateDiffConfig
from bodydouble.generation.diffusion.backgrounds import background_for
from bodydouble.scene import Appearance

_FRAMING: Final = "full body photograph, one person, head to feet in view"
_WEARING: Final = ", wearing "


def weighted_prompt(appearance: Appearance, config: AnimateDiffConfig) -> str:
    """The whole prompt of a double.

    The order of what is said about the person is the paper's (section 3.3) and casting's; clothing and the plain
    background are emphasised, as the paper does with Compel.

    Args:
        appearance: the look; its ``prompt`` is used word by word.
        config: emphasis and background.
    """
    person, wearing, clothing = escaped(appearance.prompt).partition(_WEARING)
    look = f"{person}, ({wearing.lstrip(', ')}{clothing}){config.clothing_weight:g}" if wearing else person
    background = background_for(appearance, config.background)
    plain = f"(plain uniform {background} background, {background} studio backdrop){config.background_weight:g}"
    return f"{_FRAMING}, {look}, {plain}"


def escaped(text: str) -> str:
    """Text in which Compel finds no syntax of its own: no brackets, no quotes, no + or - at the end of a word.

    >>> escaped('heavy-set (tall) man, "boots"-- T-shirt')
    'heavy-set tall man, boots T-shirt'
    """
    words = text.translate(str.maketrans(dict.fromkeys('()"{}[]<>\\'))).split()
    return " ".join(stripped for word in words if (stripped := word.rstrip("+-")))
