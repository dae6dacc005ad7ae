"""The look in words.

The order is the paper's (section 3.3): ethnicity, gender, body type and height, hair colour and type, occupation, clothing.
"""

from __future__ import annotations

from collections.abc import Mapping


def prompt_of(words: Mapping[str, str], *, age_years: int, colours: tuple[str, str, str]) -> str:
    """Describe a look.

    Args:
        words: the attributes of `bodydouble.scene.Appearance` that are words.
        age_years: age; said in words of decades for adults. The pronoun is everybody's.
        colours: of top, bottom and shoes.
    """
    top_colour, bottom_colour, shoes_colour = colours
    top = _with_article(f"{top_colour} {words['top']}")
    bottom = f"{bottom_colour} {words['bottom']}"
    return (
        f"{words['ethnicity']} {_person_words(words['gender'], age_years)}, {words['body_type']} build, "
        f"{words['height_class']} height, {_hair_words(words['hair_type'], words['hair_colour'])}, {words['occupation']}, "
        f"wearing {top}, "
        f"{_with_article(bottom) if words['bottom'] in ('skirt', 'dress') else bottom} "
        f"and {shoes_colour} {words['shoes']}"
    )


def _person_words(gender: str, age_years: int) -> str:
    if age_years < 18:
        young = {"woman": "girl", "man": "boy"}.get(gender, "child" if age_years < 13 else "teenager")
        return f"{young} of about {age_years} years"
    return f"{gender} in their late teens" if age_years < 20 else f"{gender} in their {age_years // 10 * 10}s"


def _hair_words(kind: str, colour: str) -> str:
    if kind == "bald":
        return "bald"
    if kind == "tied":
        return f"with {colour} hair tied back"
    return f"with {'medium-length' if kind == 'medium' else kind} {colour} hair"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
