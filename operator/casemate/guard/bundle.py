"""A bundle: lexicon, weights, thresholds and languages of the guard as one file with a digest."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.guard.container import ContainerError, unpack
from casemate.guard.features import count_pairs, count_triples
from casemate.guard.heads import Change, LinearHead, VectorHead, dequantised
from casemate.guard.language import Languages
from casemate.guard.lexicon import Lexicon

_MAX_TEXT = 4 * 2**20
_ENCODER = "encoder."


class BundleError(ValueError):
    """The bytes are no bundle that this version can use; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How one line's numbers become a probability and a finding; all levels are probabilities."""

    linear: tuple[float, float]  # factor and shift of the linear head's number
    final: tuple[float, float, float]  # factors of the linear and the vector's number, shift
    floor: float  # below this the linear tier lets a text go without a vector
    alone: float  # from here on it is a finding where there is no vector
    certain: float  # from here on it is a finding whatever the vector says
    threshold: float  # of the combination


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that detection knows; immutable, shared by all checks."""

    digest: str
    version: int
    languages: frozenset[str]
    embedder: str  # digest of the encoder that the changes are of
    encoder: Mapping[str, Change]  # by the name of its weights
    lines: tuple[str, ...]
    subs: tuple[tuple[int, str], ...]  # line's number and sub-class, by output of the vector head
    levels: tuple[Levels, ...]
    lexicon: Lexicon
    real: frozenset[str]  # words that are not to be taken for misspelt ones
    identify: Languages
    linear: LinearHead
    vector: VectorHead

    @property
    def grams(self) -> int:
        """Return the number of n-gram buckets."""
        return int(self.linear.grams.shape[0])

    @staticmethod
    def from_bytes(raw: bytes) -> "Bundle":
        """Return the bundle in `raw`.

        Raises:
            BundleError: it is none, or does not fit together.
        """
        try:
            meta, arrays = unpack(raw)
            bundle = _assembled("sha256:" + sha256(raw).hexdigest(), meta, arrays)
            _check(bundle)
        except ContainerError as error:
            raise BundleError(f"The bundle cannot be read: {error}.") from error
        except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
            raise BundleError(f"The bundle is not complete: {error}.") from error
        return bundle


def _assembled(digest: str, meta: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Bundle:
    scales = meta["scales"]

    def weights(name: str) -> NDArray[np.float32]:
        return dequantised(arrays, scales, name)

    covered = frozenset(map(str, meta["languages"]))
    return Bundle(
        digest=digest,
        version=int(meta["version"]),
        languages=covered,
        embedder=str(meta["embedder"]),
        encoder={
            name.removeprefix(_ENCODER): Change(each, np.float32(scales[name]))
            for name, each in arrays.items()
            if name.startswith(_ENCODER)
        },
        lines=tuple(map(str, meta["lines"])),
        subs=tuple((int(line), str(sub)) for line, sub in meta["subs"]),
        levels=tuple(_levels(each) for each in meta["levels"]),
        lexicon=Lexicon(meta["concepts"], _text(arrays["lexicon"])),
        identify=Languages(covered, _text(arrays["words"])),
        real=frozenset(_text(arrays["real"])[""]),
        linear=LinearHead(*(weights(f"linear.{n}") for n in LinearHead.__slots__)),
        vector=VectorHead(*(weights(f"vector.{n}") for n in VectorHead.__slots__)),
    )


def _levels(item: Mapping[str, Any]) -> Levels:
    slope, shift = map(float, item["linear"])
    linear, vector, rest = map(float, item["final"])
    others = (float(item[name]) for name in ("floor", "alone", "certain", "threshold"))
    return Levels((slope, shift), (linear, vector, rest), *others)


def _text(packed: NDArray[Any]) -> dict[str, Any]:
    engine = zlib.decompressobj()
    text = engine.decompress(packed.tobytes(), _MAX_TEXT)
    if engine.unconsumed_tail or not engine.eof:
        raise ValueError("a word list is longer than its limit, or cut off")
    return dict(json.loads(text))


def _check(bundle: Bundle) -> None:
    lines, concepts = len(bundle.lines), len(bundle.lexicon.concepts)
    outputs, hidden = lines + len(bundle.subs), len(bundle.vector.hidden)
    size = bundle.grams
    wanted = {
        "linear.bias": (bundle.linear.bias.shape, (lines,)),
        "linear.concepts": (bundle.linear.concepts.shape, (concepts, lines)),
        "linear.pairs": (bundle.linear.pairs.shape, (count_pairs(concepts), lines)),
        "linear.triples": (bundle.linear.triples.shape, (count_triples(concepts), lines)),
        "linear.grams": (bundle.linear.grams.shape, (size, lines)),
        "vector.bias": (bundle.vector.bias.shape, (outputs,)),
        "vector.outputs": (bundle.vector.outputs.shape, (hidden, outputs)),
        "vector.vector": (bundle.vector.vector.shape[1:], (hidden,)),
        "vector.concepts": (bundle.vector.concepts.shape, (concepts, hidden)),
    }
    for name, (found, expected) in wanted.items():
        if found != expected:
            raise ValueError(f"{name} has shape {found}, not {expected}")
    if not lines or len(bundle.levels) != lines or size & (size - 1) or not bundle.languages:
        raise ValueError("lines, levels, languages and buckets do not fit together")
