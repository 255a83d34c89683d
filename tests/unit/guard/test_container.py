from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from casemate.guard.container import MAGIC, ContainerError, pack, unpack

ARRAYS: dict[str, NDArray[Any]] = {
    "a": np.arange(6, dtype=np.int8).reshape(2, 3),
    "b": np.array([1.5, -2.5], np.float32),
    "c": np.zeros((0, 4), np.uint8),
}
RAW = pack({"version": 3}, ARRAYS)


def test_what_was_packed_is_unpacked():
    meta, arrays = unpack(RAW)
    assert meta == {"version": 3}
    assert list(arrays) == ["a", "b", "c"]
    for name, each in ARRAYS.items():
        assert arrays[name].dtype == each.dtype
        np.testing.assert_array_equal(arrays[name], each)


def test_equal_arrays_give_equal_bytes():
    assert pack({"version": 3}, {name: each.copy() for name, each in ARRAYS.items()}) == RAW
    assert pack({"version": 4}, ARRAYS) != RAW


def test_arrays_begin_at_multiples_of_64_bytes():
    _, arrays = unpack(RAW)
    begin = np.frombuffer(RAW, np.uint8, 1).ctypes.data
    assert [(each.ctypes.data - begin) % 64 for each in arrays.values()] == [0, 0, 0]


def test_no_array_can_be_written_to():
    _, arrays = unpack(RAW)
    with pytest.raises(ValueError, match="read-only"):
        arrays["a"][0, 0] = 1


def header(text: str) -> bytes:
    return MAGIC + len(text).to_bytes(4, "little") + text.encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not begin"),
        (b"PK" + RAW[2:], "does not begin"),
        (RAW[:-1], "ends after the file"),
        (RAW[:20], "longer than the file"),
        (RAW + b"\0", "follow the last array"),
        (MAGIC + b"\xff\xff\xff\xff", "longer than the file"),
        (header("{"), "cannot be read"),
        (header("[" * 9000), "cannot be read"),
        (header('{"meta": {}}'), "cannot be read"),
        (header('{"meta": {}, "arrays": [["a", "object", [1]]]}'), "not accepted"),
        (header('{"meta": {}, "arrays": [["a", "int8", [-1]]]}'), "not accepted"),
        (header('{"meta": {}, "arrays": [["a", "int8", [99999999999]]]}'), "ends after"),
        (header('{"meta": {}, "arrays": [["a", "int8", [0]], ["a", "int8", [0]]]}'), "same name"),
    ],
)
def test_bytes_that_are_no_container_are_refused_with_the_reason(raw: bytes, why: str):
    with pytest.raises(ContainerError, match=why):
        unpack(raw)


def test_more_bytes_than_the_limit_are_refused():
    assert unpack(RAW, len(RAW))[0] == {"version": 3}
    with pytest.raises(ContainerError, match="more than"):
        unpack(RAW, len(RAW) - 1)
