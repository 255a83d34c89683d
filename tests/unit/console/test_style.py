"""Colours that people with weak sight can tell apart, by day and by night."""

import re
from importlib import resources

import pytest

STYLE = (resources.files("casemate") / "console" / "style.css").read_text("utf-8")
ON_BACK = ("text", "soft", "link", "good", "bad")
TEXTS = [*((one, "back") for one in ON_BACK), ("text", "field"), ("mark", "marked")]
EDGES = [("line", "back"), ("line", "field")]
"""Of fields and tables, which WCAG 2.2 asks less of than of text."""


def colours(block: str) -> dict[str, str]:
    found = dict(re.findall(r"--([a-z]+): #([0-9a-f]{3,6});", block))
    return {
        name: one if len(one) == 6 else "".join(digit * 2 for digit in one)
        for name, one in found.items()
    }


DAY, NIGHT = map(colours, re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [DAY, NIGHT], ids=["day", "night"])
def test_texts_and_edges_stand_out(palette: dict[str, str]) -> None:
    assert all(contrast(palette[one], palette[other]) >= 4.5 for one, other in TEXTS)
    assert all(contrast(palette[one], palette[other]) >= 3 for one, other in EDGES)


def test_the_measure_is_that_of_the_guidelines() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


def test_nothing_in_the_style_is_fetched_or_hides_the_keyboard() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "outline: none" not in STYLE
    assert ":focus-visible" in STYLE
    assert "prefers-color-scheme: dark" in STYLE
