"""Whether the other replicas go along with a key that took over: they know it, and have signed."""

import asyncio
from collections.abc import Mapping

import orjson

from casemate.audit.notes import SignatureError
from casemate.audit.vkeys import ROLES, public
from casemate.isolation.client import UnheardError
from casemate.warden.acquaintance import ASK_SECONDS, CHANGED_PATH
from casemate.warden.log.witness import Witness
from casemate.warden.peers import Peers
from casemate.warden.pins import LOG, Pins
from casemate.warden.witnessing import Witnessing

_OK = 200


class Following:
    """Tells the others of a change, and looks how far they are."""

    def __init__(self, peers: Peers, pins: Pins, witness: Witness, witnessing: Witnessing) -> None:
        """Prepare.

        Args:
            peers: The others.
            pins: Knows what their logs are called.
            witness: Knows what this replica signed of them.
            witnessing: Knows what they signed of this replica's log.
        """
        self._peers, self._pins = peers, pins
        self._witness, self._witnessing = witness, witnessing

    async def behind(self, role: str, new: str, index: int) -> dict[str, str]:
        """Return why each of the others does not go along yet; empty: all do.

        Args:
            role: Of the key that was changed.
            new: The key that took over.
            index: Of the record that says so.
        """
        names = self._peers.names()
        found = await asyncio.gather(*(self._why(one, role, new, index) for one in names))
        return {name: why for name, why in zip(names, found, strict=True) if why}

    async def _why(self, peer: str, role: str, new: str, index: int) -> str:
        try:
            heard = await self._peers.ask(peer, CHANGED_PATH, b"", ASK_SECONDS)
        except UnheardError as error:
            return f"does not answer: {error}"
        if heard.status != _OK:
            return f"does not take the new key on: {heard.status} {heard.text.strip()[:200]}"
        if new not in _known(heard.text).get(role, ()):
            return "does not know the new key"
        if role == LOG:
            signed = self._witnessing.signed(peer) > index
            return "" if signed else "has not signed the change yet"
        signed = await asyncio.to_thread(self._signed_by, peer, new)
        return "" if signed else "has not shown its log to the new key yet"

    def _signed_by(self, peer: str, new: str) -> bool:
        """Whether what was signed here last of a peer's log bears a key's signature."""
        try:
            note = self._witness.newest(self._pins.origin(peer))
            return note is not None and bool(note.verify([public(new, ROLES["witness"])]))
        except (SignatureError, ValueError, OSError):
            return False


def _known(text: str) -> Mapping[str, list[str]]:
    try:
        said = orjson.loads(text)
        return {role: [str(one) for one in keys] for role, keys in said.items()}
    except (ValueError, AttributeError, TypeError):
        return {}
