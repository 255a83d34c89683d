from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from casemate.guard.bundle import Bundle, BundleError
from casemate.guard.container import pack, unpack
from casemate.guardfiles import shipped

RAW = shipped()


def test_the_shipped_bundle_is_named_by_the_digest_of_its_bytes():
    bundle = Bundle.from_bytes(RAW)
    assert bundle.digest.startswith("sha256:")
    assert bundle.lines == ("domestic-mass-surveillance", "use-of-force")
    assert bundle.version >= 20260101
    assert bundle.languages


def test_the_shipped_bundle_is_small_enough_for_a_repository_and_an_image():
    assert len(RAW) <= 3 * 2**20


@pytest.mark.parametrize("at", [-1, -5000])
def test_one_changed_byte_of_a_weight_gives_another_digest(at: int):
    changed = bytearray(RAW)
    changed[len(RAW) // 2 + at] ^= 1
    assert Bundle.from_bytes(bytes(changed)).digest != Bundle.from_bytes(RAW).digest


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("linear.grams", lambda each: each[:-1]),
        ("linear.pairs", lambda each: each[:, :1]),
        ("vector.bias", lambda each: each[:-1]),
        ("vector.hidden", lambda each: each[:-1]),
        ("vector.outputs", lambda each: each[:, :-1]),
        ("lexicon", lambda each: each[:-9]),
        ("words", lambda each: each[4:]),
        ("linear.triples", lambda _: np.zeros(0, np.int8)),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(
    name: str, change: Callable[[NDArray[np.int8]], NDArray[np.int8]]
):
    meta, arrays = unpack(RAW)
    assert Bundle.from_bytes(pack(meta, arrays)).version == meta["version"]
    arrays[name] = change(arrays[name])
    with pytest.raises(BundleError, match=r"^The bundle is not complete: .*\.$"):
        Bundle.from_bytes(pack(meta, arrays))


def test_how_far_the_encoder_was_moved_is_kept_as_small_integers_and_what_one_is():
    meta, arrays = unpack(RAW)
    arrays["encoder.d0"] = np.array([[-2, 0], [1, 127]], np.int8)
    meta["scales"]["encoder.d0"] = 0.5
    change = Bundle.from_bytes(pack(meta, arrays)).encoder["d0"]

    assert change.shape == (2, 2)
    moved = change.applied(np.ones((2, 2), np.float32))
    assert moved.dtype == np.float32
    assert moved.tolist() == [[0.0, 1.0], [1.5, 64.5]]

    del meta["scales"]["encoder.d0"]
    with pytest.raises(BundleError, match=r"encoder\.d0"):
        Bundle.from_bytes(pack(meta, arrays))


@pytest.mark.parametrize("name", ["version", "lines", "levels", "scales", "concepts", "languages"])
def test_a_description_with_a_part_missing_is_refused(name: str):
    meta, arrays = unpack(RAW)
    del meta[name]
    with pytest.raises(BundleError):
        Bundle.from_bytes(pack(meta, arrays))


def test_what_is_no_bundle_is_refused_in_a_sentence():
    with pytest.raises(BundleError, match=r"^The bundle cannot be read: .*\.$"):
        Bundle.from_bytes(b"nonsense")
