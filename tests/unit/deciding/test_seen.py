"""What cannot be seen is spelled out, and nothing else is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.deciding.seen import END, ISOLATE, hidden, isolated, plain, spans, unseen, width

HIDES = {
    "escape": "\x1b",
    "bell": "\x07",
    "carriage return": "\r",
    "C1 control sequence": "\x9b",
    "backspace": "\x08",
    "line separator": "\u2028",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "right-to-left mark": "\u200f",
    "tag": "\U000e0041",
    "variation selector": "\ufe0f",
    "variation selector supplement": "\U000e0100",
    "Hangul filler": "\u3164",
    "half-width Hangul filler": "\uffa0",
    "combining grapheme joiner": "\u034f",
    "Braille blank": "\u2800",
    "no-break space": "\u00a0",
    "private use": "\ue000",
    "unassigned": "\u0378",
    "surrogate": "\ud800",
}
SEEN = ["a", "é", "e\u0301", "漢", "한", "ش", "ש", "я", "😀", " ", "\t", "«"]


@pytest.mark.parametrize("character", HIDES.values(), ids=HIDES)
def test_what_cannot_be_seen_is_spelled_out(character: str):
    assert plain(f"a{character}b") == f"a⟦U+{ord(character):04X}⟧b"
    ((name, count),) = hidden([f"{character}b", f"{character}"]).items()
    assert name.startswith(f"U+{ord(character):04X} ")
    assert count == 2


@pytest.mark.parametrize("text", SEEN)
def test_letters_of_every_script_stay(text: str):
    assert plain(text) == text
    assert hidden([text]) == {}


def test_a_run_is_spelled_once_with_its_number():
    assert plain("a" + "\u200b" * 40 + "\u200c") == "a⟦U+200B*40⟧⟦U+200C⟧"


def test_nobody_spells_a_code_point_into_a_text_to_look_hidden():
    """Else a text could show a person what is not in it, or explain away what is."""
    assert plain("⟦U+202E⟧") == "⟦U+27E6⟧U+202E⟧"
    assert hidden(["⟦U+202E⟧"]) == {}, "it can be seen"


def test_marks_neither_climb_out_of_the_line_nor_over_its_beginning():
    assert plain("a" + "\u0301" * 9) == "a" + "\u0301" * 3 + "⟦U+0301*6⟧"
    assert plain("\u0335x") == "⟦U+0335⟧x"
    assert plain("\u200b\u0335") == "⟦U+200B⟧⟦U+0335⟧"


def test_lines_that_are_read_from_right_to_left_are_closed_off():
    assert isolated("abc") == "abc"
    assert isolated("abc שלום") == f"{ISOLATE}abc שלום{END}"


def test_width_is_never_less_than_what_a_terminal_takes():
    assert [width(one) for one in ("ab", "漢字", "e\u0301", "\t", "—")] == [2, 4, 1, 8, 2]


@given(st.text(st.characters()))
def test_nothing_that_could_move_a_cursor_or_hide_gets_out(text: str):
    shown = plain(text)
    assert not any(unseen(one) for one in shown)
    assert all(unicodedata.category(one)[0] != "C" or one == "\t" for one in shown)


@given(st.text(st.characters()))
def test_everything_is_still_there(text: str):
    """Spelled pieces name their code points and numbers, so that the text could be made again."""
    again = ""
    for span in spans(text):
        if not span.spelled:
            again += span.text
            continue
        point, _, times = span.text[3:-1].partition("*")
        again += chr(int(point, 16)) * int(times or 1)
    assert again == text
