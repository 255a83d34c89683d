"""Hostile texts: nothing breaks, sizes are bounded, and a search that is not finished says so."""

import random

import pytest

from casemate.guard.views import canonical, views
from unit.guard.views.encoders import ALL, PLAIN, WORDS

SIGNS = (
    "ak1 0.-_=%&\\<>\"'*~|+/@$!\n\tхаи가监ا"
    "\u200b\u0301\u202e\x08\U000e0041\ufe0f\U000e0141\ufdfa⠁ɐ🅰"
)
UNITS = [
    *("a", " ", "k.", "1", "0x41,", "\\x41", "%41", "=41", "&#65;", "\\u0041", "U+0041 ", "QUJD"),
    *(".- ", "alfa ", "xn--a-", "<b>", "**", '" + "', "ɐ", "⠁", "\u0301", "\u200b", "\U000e0041"),
    *("аa", "가", "监", "\ufdfa", "\ud800", "1a$", "kk", "eht ", "gur ", "01000001", "65 ", "\b"),
]


def hostile(seed: int):
    rng = random.Random(seed)
    kind = seed % 4
    if kind == 0:
        return "".join(rng.choice(SIGNS) * rng.choice((1, 1, 2, 60)) for _ in range(300))
    if kind == 1:
        return "".join(rng.choices(UNITS, k=3)) * 150
    if kind == 2:
        return "".join(chr(rng.randrange(0x110000)) for _ in range(600))
    text = PLAIN + SIGNS
    for _ in range(rng.randint(1, 3)):
        try:
            text = rng.choice(list(ALL.values()))(text[:600])
        except ValueError:  # a Morse code has no such letter
            continue
    return text * rng.randint(1, 4)


@pytest.mark.parametrize("part", range(8))
def test_hostile_texts_break_nothing(part: int):
    for seed in range(part * 40, part * 40 + 40):
        text = hostile(seed)
        seen = views(text, WORDS)
        assert seen.views[0].text == canonical(text)
        assert len({view.text for view in seen.views}) == len(seen.views)
        assert all(len(view.how) <= 2 for view in seen.views)
        assert all(view.how for view in seen.views[1:])
        assert sum(len(view.text) for view in seen.views[1:]) <= 4 * len(text) + 16384


@pytest.mark.parametrize("unit", UNITS)
def test_long_runs_of_one_thing_are_searched_or_refused(unit: str):
    seen = views(unit * (20000 // len(unit)), WORDS)
    assert seen.views[0].text == canonical(unit * (20000 // len(unit)))


def test_an_end_of_a_tag_without_letters_is_no_word():
    # Letters that are spaced out, inside what looks like a tag, leave its end over.
    seen = views("I_~TS_7#t<f\\9|B6(1@U(O.U>N9", WORDS)
    assert any(view.how == ("markup",) and view.text.startswith("its_") for view in seen.views)


def test_a_text_full_of_disguises_is_called_unfinished():
    rng = random.Random(3)
    noise = "".join(rng.choices("".join(map(chr, range(32, 127))), k=32768))
    assert not views(noise, WORDS).complete
    assert views((PLAIN + ". ") * 430, WORDS).complete


def test_a_spent_budget_is_said_and_what_was_found_is_kept():
    made = ALL["base64"](PLAIN)
    assert views(made, WORDS, budget=0).complete is False
    assert [view.how for view in views(made, WORDS, budget=0).views] == [()]
    assert views(made, WORDS, budget=len(PLAIN)).complete is True


@pytest.mark.parametrize("name", ["base64", "rot13", "reversed", "hex", "tags", "leet", "percent"])
def test_a_long_disguised_text_is_searched_whole(name: str):
    made = ALL[name]((PLAIN + ". ") * 60)
    seen = views(made, WORDS)
    assert seen.complete
    assert any(f"{PLAIN}. {PLAIN}" in view.text for view in seen.views)


def test_an_empty_text_has_one_empty_view():
    assert [view.text for view in views("").views] == [""]
    assert [view.text for view in views("\u200b\n ").views] == [""]
