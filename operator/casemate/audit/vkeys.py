"""Public keys in C2SP's form, by what they sign."""

from functools import lru_cache

from casemate.audit.notes import FormatError, Kind, Verifier

ROLES = {"log": Kind.NOTE, "witness": Kind.COSIGNATURE}
"""What the keys of a replica sign: one its own log, the other what it saw of others."""


@lru_cache(maxsize=1024)
def public(vkey: str, kind: Kind) -> Verifier:
    """Return a key.

    Raises:
        FormatError: It is none, or signs something else.
    """
    found = Verifier.parse(vkey)
    if found.kind is not kind:
        raise FormatError(f"key of {found.name!r} is one of {found.kind.name}, not {kind.name}")
    return found
