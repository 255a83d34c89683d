"""The engine's answers as bytes: a good one reads the same however it is cut, a bad one never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.gateway.wire import Decoder, EngineBrokenError

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN


def read(pieces: list[bytes]) -> tuple[bytes, Decoder]:
    decoder = Decoder()
    return b"".join([decoder.feed(piece) for piece in pieces]), decoder


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, INTERIM], ids=["plain", "chunked", "interim"])
def test_an_answer_cut_anywhere_in_three_reads_the_same(raw: bytes) -> None:
    for first in range(len(raw)):
        for second in range(first, len(raw), 3):
            body, decoder = read([raw[:first], raw[first:second], raw[second:]])
            assert (body, decoder.complete) == (b"hello world", True), (first, second)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 9))
def test_any_chunks_in_any_steps_read_as_their_bytes(chunks: list[bytes], step: int) -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    raw += b"".join(b"%X\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    body, decoder = read([raw[at : at + step] for at in range(0, len(raw), step)])
    assert body == b"".join(chunks)
    assert decoder.complete


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_no_shortened_answer_counts_as_complete(raw: bytes) -> None:
    for end in range(len(raw)):
        assert not read([raw[:end]])[1].complete


OK = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "another version": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "not HTTP": b"SSH-2.0-x\r\n\r\n",
    "no length": OK + b"\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a signed length": OK + b"Content-Length: +1\r\n\r\n",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a folded header": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": OK + b": b\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "a bare line feed in a header": OK + b"A: b\nC: d\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a header": OK + b"A: \x00\r\nContent-Length: 0\r\n\r\n",
    "more than its length": OK + b"Content-Length: 1\r\n\r\nab",
    "an answer behind an answer": PLAIN + PLAIN,
    "bytes behind the last chunk": CHUNKED + b"x",
    "a chunk size of letters": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a huge chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    "a chunk without its end": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
    "an endless head": OK + b"A: " + b"b" * 40_000,
    "an endless chunk line": OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 5_000,
    "endless trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 20,
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 6,
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_malformed_answer_is_broken(raw: bytes) -> None:
    with pytest.raises(EngineBrokenError):
        read([raw])
