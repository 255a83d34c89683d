"""Adam (Kingma and Ba, 2015), the decay of weights apart from it (Loshchilov and Hutter, 2019)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_MEANS, _SQUARES, _LEAST = 0.9, 0.999, np.float32(1e-8)


class Adam:
    """Moves arrays in place against their slopes; biases do not decay."""

    def __init__(
        self, parts: Sequence[Floats], decay: float, home: Sequence[Floats] | None = None
    ) -> None:
        """Begin at rest.

        Args:
            parts: What is moved.
            decay: How fast weights go home when nothing else moves them, of the rate.
            home: Where to; by default to zero.
        """
        self._parts, self._home, self._decay = parts, home, np.float32(decay)
        self._means = [np.zeros_like(each) for each in parts]
        self._squares = [np.zeros_like(each) for each in parts]
        self._count = 0

    def step(self, slopes: Sequence[Floats], rate: float) -> None:
        """Move all arrays one step."""
        self._count += 1
        first, second = (np.float32(1 - one**self._count) for one in (_MEANS, _SQUARES))
        for at, (part, slope) in enumerate(zip(self._parts, slopes, strict=True)):
            self._means[at] += (slope - self._means[at]) * np.float32(1 - _MEANS)
            self._squares[at] += (slope * slope - self._squares[at]) * np.float32(1 - _SQUARES)
            move = self._means[at] / first
            move /= np.sqrt(self._squares[at] / second) + _LEAST
            if part.ndim > 1:
                away = part - self._home[at] if self._home else part
                move += self._decay * away
            np.subtract(part, np.float32(rate) * move, out=part)


__all__ = ["Adam"]
