"""Event streams: however they are cut, the same events come out, and only their data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.gateway.sse import EventParser, EventTooLargeError

STREAM = (
    b": comment\n\nevent: x\ndata: one\nid: 7\n\n"
    b"data:two\r\n\r\ndata: three\ndata: lines\n\nretry: 1\n\ndata: [DONE]\n\n"
)
EVENTS = [b"one", b"two", b"three\nlines", b"[DONE]"]


@given(st.integers(1, len(STREAM)))
def test_a_stream_cut_in_steps_gives_the_same_events(step: int) -> None:
    parser = EventParser(1000)
    pieces = [STREAM[at : at + step] for at in range(0, len(STREAM), step)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


@pytest.mark.parametrize("raw", [b"data: " + b"x" * 200, b"data: xxxxxxxxxxxxxxxx\n" * 10])
def test_an_event_beyond_the_limit_is_an_error(raw: bytes) -> None:
    with pytest.raises(EventTooLargeError):
        list(EventParser(100).feed(raw))


def test_many_events_below_the_limit_are_no_error() -> None:
    parser = EventParser(100)
    assert len(list(parser.feed(b"data: xxxxxxxxxxxxxxxx\n\n" * 100))) == 100
