"""Lets the system have back what the judgement of a large text needed.

An array of a page is small; those of a text of 2 MB have 16 MB each. The C library learns from them
that such blocks are usual, and from then on keeps up to 64 MB of what is freed, in a heap for each
thread: one large request left a gateway with 100 MB more until it ended.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 1 << 20
"""From here on a block is its own mapping: it goes back when it is freed."""
_SPARE_BYTES = 4 << 20
"""What the heap may keep at its end, so that it does not grow and shrink for every text."""


def give_back() -> None:
    """Bound what is kept of freed memory; to be called before there are threads.

    Does nothing where the C library is another one than glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for what, value in (
        (_ARENA_MAX, 1),
        (_MMAP_THRESHOLD, _LARGE_BYTES),
        (_TRIM_THRESHOLD, _SPARE_BYTES),
    ):
        mallopt(what, value)
