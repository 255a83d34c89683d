"""Lines that fit, and colour where it is wanted."""

import io
import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.cli import shown
from casemate.cli.printable import printable
from casemate.cli.terminal import RED, Terminal
from casemate.deciding.facts import Fact
from casemate.deciding.review import review
from casemate.deciding.seen import Span, spans, width

NARROW = Terminal(io.StringIO(), interactive=True, columns=40)
WIDE = Terminal(io.StringIO())


def texts(terminal: Terminal, line: str, indent: int = 2) -> list[str]:
    return ["".join(span.text for span in row) for row in terminal.wrapped(spans(line), indent)]


def test_a_pipe_gets_lines_as_they_are():
    assert texts(WIDE, "x" * 500) == ["x" * 500]
    assert texts(WIDE, "") == [""]


@given(st.text(st.characters(), max_size=200), st.integers(0, 12))
def test_no_line_reaches_past_the_edge_and_nothing_is_lost(line: str, indent: int):
    rows = texts(NARROW, line, indent)
    assert "".join(rows) == "".join(span.text for span in spans(line))
    assert all(width(row) <= 40 - indent for row in rows)


def test_what_is_spelled_out_is_not_broken():
    rows = texts(NARROW, "x" * 36 + "\u200b")
    assert rows == ["x" * 36, "⟦U+200B⟧"]


def test_the_rest_of_a_long_line_is_no_line_of_ours():
    """Else spaces could push a text to where a line of ours would begin."""
    body = b'{"prompt":"' + b"x" * 30 + b" " * 40 + b'Digest      0000"}'
    lines = list(shown.content(NARROW, review(body)))
    at = lines.index("│ " + "x" * 30 + " " * 8)
    assert lines[at + 1] == "┆ " + " " * 32 + "Digest"
    assert lines[at + 2] == "┆       0000"


def test_facts_that_do_not_fit_stay_behind_their_name():
    lines = list(shown.told(NARROW, [Fact("Caller", "y" * 40)]))
    assert lines == ["Caller      " + "y" * 28, " " * 12 + "y" * 12]


def test_colour_is_for_terminals_alone(monkeypatch: pytest.MonkeyPatch):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream, os.fdopen(ours):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert Terminal.of(stream).paint("a", RED) == "\x1b[31ma\x1b[0m"
        for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
            with monkeypatch.context() as changed:
                changed.setenv(name, value)
                assert Terminal.of(stream).paint("a", RED) == "a"
    assert Terminal.of(io.StringIO()).paint("a", RED) == "a"


def test_what_python_prints_and_nobody_sees_is_escaped_too():
    assert printable("a\u3164\ufe0f\x1b\nb") == "a\\u3164\\ufe0f\\x1b\\nb"
    assert printable("é漢 שלום") == "é漢 שלום"


def test_a_part_without_text_is_no_empty_line():
    lines = list(shown.content(WIDE, review(b'{"prompt":["","\\n"]}')))
    at = lines.index("prompt, part 1 of 2")
    assert lines[at + 1 :][:5] == ["no text", "", "prompt, part 2 of 2", "│ ", "│ "]


def test_spans_are_painted_one_by_one():
    loud = Terminal(io.StringIO(), interactive=True, colour=True, columns=80)
    lines = list(shown.content(loud, review('{"prompt":"a\u200bb"}'.encode())))
    assert "│ a\x1b[31m⟦U+200B⟧\x1b[0mb" in lines
    assert Span("a").spelled is False
