"""Frames: what is whole is read, and nothing else is."""

import pytest

from casemate.warden.log.frames import HEADER_BYTES, MOST_BYTES, Kind, decode, encode, walk

FRAMES = (
    encode(Kind.HEAD, b"casemate-log/v1\norigin\n0\n")
    + encode(Kind.RECORD, b'{"seq":0}')
    + encode(Kind.RECORD, b"")
    + encode(Kind.CHECKPOINT, b"note")
)


def test_frames_are_read_as_they_were_written():
    found = list(walk(FRAMES))
    assert [(one.kind, one.payload) for one in found] == [
        (Kind.HEAD, b"casemate-log/v1\norigin\n0\n"),
        (Kind.RECORD, b'{"seq":0}'),
        (Kind.RECORD, b""),
        (Kind.CHECKPOINT, b"note"),
    ]
    assert [one.end for one in found][:-1] == [one.start for one in found][1:]
    assert found[-1].end == len(FRAMES)


def test_a_frame_that_is_cut_short_is_none():
    frame = encode(Kind.RECORD, b'{"seq":12}')
    assert decode(frame) is not None
    assert all(decode(frame[:size]) is None for size in range(len(frame)))


def test_a_frame_with_any_flipped_bit_is_none():
    frame = encode(Kind.RECORD, b'{"seq":12}')
    longer = frame + encode(Kind.RECORD, b"x" * 70_000)
    for bit in range(len(frame) * 8):
        flipped = bytearray(longer)
        flipped[bit // 8] ^= 1 << bit % 8
        assert decode(bytes(flipped)) is None, bit


def test_zeros_are_no_frame():
    assert decode(bytes(4096)) is None


def test_a_payload_has_a_largest_size():
    assert decode(encode(Kind.RECORD, bytes(MOST_BYTES))) is not None
    with pytest.raises(ValueError, match="are accepted"):
        encode(Kind.RECORD, bytes(MOST_BYTES + 1))


def test_nothing_is_read_before_the_beginning():
    assert decode(FRAMES, -HEADER_BYTES) is None
