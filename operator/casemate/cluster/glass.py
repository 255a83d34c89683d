"""Uses of break-glass that children showed, each told once while its note stands."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from casemate.cluster.keys import Key
from casemate.core.names import BREAK_GLASS_ANNOTATION
from casemate.core.observed import Ref


class Use(NamedTuple):
    """One use: the child, and the note `USER: REASON` as admission accepted it."""

    ref: Ref
    note: str


class Ledger:
    """What notes there are, and which of them nobody has told of yet.

    A note is a use when it is first seen, not when it is healed: a repair that something refuses
    must not keep it from being told. Healing takes the note away, so the same one is a use again.
    """

    def __init__(self) -> None:
        self._standing: dict[tuple[str, Ref], tuple[str, str]] = {}
        self._fresh: dict[Key, list[Use]] = {}

    def look(self, key: Key, ref: Ref, meta: Mapping[str, Any]) -> None:
        """Takes in the metadata of a child of a deployment, the last one at its end included."""
        note = meta.get("annotations", {}).get(BREAK_GLASS_ANNOTATION)
        if note is None:
            self.forget(key, ref)
        elif self._standing.get((key.namespace, ref)) != (meta["uid"], note):
            self._standing[key.namespace, ref] = meta["uid"], note
            self._fresh.setdefault(key, []).append(Use(ref, note))

    def retell(self) -> None:
        """Takes in that others told what there was to tell: only what still stands is news."""
        standing = {(where, note) for where, (_, note) in self._standing.items()}
        told = self._fresh
        self._fresh = {}
        for key, uses in told.items():
            for use in dict.fromkeys(uses):
                if ((key.namespace, use.ref), use.note) in standing:
                    self._fresh.setdefault(key, []).append(use)

    def forget(self, key: Key, ref: Ref) -> None:
        """Takes in that a child is gone, or carries no note any more."""
        self._standing.pop((key.namespace, ref), None)

    def has_news(self, key: Key) -> bool:
        """Whether a use of a deployment's children was not yet told."""
        return key in self._fresh

    def take(self, key: Key) -> list[Use]:
        """The uses that were not yet told, which they are from now on."""
        return self._fresh.pop(key, [])
