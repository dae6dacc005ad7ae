"""The look in words.

The order is the paper's (section 3.3): ethnicity, gender, body type and height, hair colour and type, occupation, clothing.
A beard is said with the hair, headwear, glasses and bags with the clothing.
"""

from __future__ import annotations

from collections.abc import Mapping


def prompt_of(words: Mapping[str, str], *, age_years: int, colours: Mapping[str, str]) -> str:
    """Describe a look.

    Args:
        words: the attributes of `bodydouble.scene.Appearance` that are words.
        age_years: age; said in words of decades for adults. The pronoun is everybody's.
        colours: of ``top``, ``bottom``, ``shoes``, ``headwear`` and ``bag``.
    """
    return (
        f"{words['ethnicity']} {_person_words(words['gender'], age_years)}, {words['body_type']} build, "
        f"{words['height_class']} height, {_hair_words(words)}, {words['occupation']}, wearing {_clothing(words, colours)}"
    )


def _clothing(words: Mapping[str, str], colours: Mapping[str, str]) -> str:
    bottom = f"{colours['bottom']} {words['bottom']}"
    pattern = "" if words["top_pattern"] == "plain" else f"{words['top_pattern']} "
    parts = [
        _with_article(f"{pattern}{colours['top']} {words['top']}"),
        _with_article(bottom) if words["bottom"] in ("skirt", "dress") else bottom,
        f"{colours['shoes']} {words['shoes']}",
    ]
    if words["headwear"] != "none":
        parts.append(_with_article(f"{colours['headwear']} {words['headwear']}"))
    if words["eyewear"] != "none":
        parts.append(words["eyewear"])
    if words["bag"] != "none":
        parts.append(_with_article(f"{colours['bag']} {words['bag']}"))
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _person_words(gender: str, age_years: int) -> str:
    if age_years < 18:
        young = {"woman": "girl", "man": "boy"}.get(gender, "child" if age_years < 13 else "teenager")
        return f"{young} of about {age_years} years"
    return f"{gender} in their late teens" if age_years < 20 else f"{gender} in their {age_years // 10 * 10}s"


def _hair_words(words: Mapping[str, str]) -> str:
    kind, colour, beard = words["hair_type"], words["hair_colour"], words["facial_hair"]
    and_beard = "" if beard == "none" else f" and a {beard}"
    if words["headwear"] == "hijab":
        return f"with covered hair{and_beard}"
    if kind == "bald":
        return "bald" if beard == "none" else f"bald with a {beard}"
    if kind == "tied":
        return f"with {colour} hair tied back{and_beard}"
    return f"with {'medium-length' if kind == 'medium' else kind} {colour} hair{and_beard}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
