"""The look in words.

The order is the paper's (section 3.3): ethnicity, gender, body type and height, hair colour and type, occupation, clothing.
"""

from __future__ import annotations

from collections.abc import Mapping


def prompt_of(words: Mapping[str, str], *, age_years: int, colours: tuple[str, str, str]) -> str:
    """Describe a look.

    Args:
        words: the attributes of `bodydouble.scene.Appearance` that are words.
        age_years: age; said in words of decades.
        colours: of top, bottom and shoes.
    """
    top_colour, bottom_colour, shoes_colour = colours
    if words["hair_type"] == "bald":
        hair = "bald"
    else:
        hair = f"with {words['hair_type']} {words['hair_colour']} hair"
    top = _with_article(f"{top_colour} {words['top']}")
    bottom = f"{bottom_colour} {words['bottom']}"
    return (
        f"{words['ethnicity']} {words['gender']} {_age_words(age_years)}, {words['body_type']} build, "
        f"{words['height_class']} height, {hair}, {words['occupation']}, "
        f"wearing {top}, "
        f"{_with_article(bottom) if words['bottom'] in ('skirt', 'dress') else bottom} "
        f"and {shoes_colour} {words['shoes']}"
    )


def _age_words(age_years: int) -> str:
    return "in their late teens" if age_years < 20 else f"in their {age_years // 10 * 10}s"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
