"""Makes a judge from the files that ship, and from what an agreement says."""

from pathlib import Path

from casemate import embedder, guardfiles
from casemate.guard.bundle import Bundle, BundleError
from casemate.guard.detect import Vectors
from casemate.guard.judge import Judge
from casemate.guard.types import BUILT_IN, Policy, PolicyError, Verdict
from casemate.policyfile import HOLD, PolicyFile

_VERDICTS = {HOLD: Verdict.HOLD}


class JudgeError(Exception):
    """No judge can be made; says of which file, and why."""


def policy_of(terms: PolicyFile) -> Policy:
    """Return the policy that a file asks for, on top of the built-in lines.

    Raises:
        JudgeError: It relaxes what cannot be relaxed.
    """
    verdicts = {**BUILT_IN, **{one.id: _verdict(one.verdict) for one in terms.lines}}
    patterns = {one.id: one.patterns for one in terms.lines if one.patterns}
    try:
        return Policy(verdicts, _verdict(terms.uncovered), patterns)
    except PolicyError as error:
        raise JudgeError(f"policy: {error}") from None


def bundle_of(raw: bytes) -> Bundle:
    """Read a bundle.

    Raises:
        JudgeError: It is none that this version can use.
    """
    try:
        return Bundle.from_bytes(raw)
    except BundleError as error:
        raise JudgeError(f"bundle: {error}") from None


def vectors(bundle: Bundle) -> Vectors:
    """Return what turns texts into vectors for the heads of a bundle.

    Raises:
        JudgeError: The encoder is not there, or the bundle was trained on another one.
    """
    try:
        encoder = embedder.load(embedder.prepared())
    except (embedder.EmbedderError, OSError) as error:
        raise JudgeError(f"sentence encoder: {error}") from None
    if bundle.embedder != encoder.digest:
        raise JudgeError(f"the bundle needs encoder {bundle.embedder}; there is {encoder.digest}")
    try:
        return encoder.tuned(bundle.encoder).embed
    except embedder.EmbedderError as error:
        raise JudgeError(f"bundle: {error}") from None


def judge(raw: bytes, terms: PolicyFile) -> tuple[Judge, Bundle]:
    """Return a judge with all tiers, and its bundle.

    Raises:
        JudgeError: A part of it cannot be used.
    """
    bundle = bundle_of(raw)
    try:
        return Judge(bundle, policy_of(terms), vectors(bundle)), bundle
    except PolicyError as error:
        raise JudgeError(f"policy: {error}") from None


def shipped(bundle: Path | None = None) -> bytes:
    """Return the content of a bundle: of a file, or the one that ships.

    Raises:
        JudgeError: It cannot be read.
    """
    try:
        return bundle.read_bytes() if bundle else guardfiles.shipped()
    except OSError as error:
        raise JudgeError(f"bundle: {error}") from None


def _verdict(text: str) -> Verdict:
    return _VERDICTS.get(text, Verdict.REFUSE)
