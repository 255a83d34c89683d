"""What this replica's log says of approvals: what was asked, said and spent, over all its starts.

etcd may be set back to a snapshot in which an approval is still there to be spent. The log may not:
so whatever it does not say was asked is unknown, and what it says is spent stays spent.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from casemate.audit.records import RecordId

Json = Mapping[str, Any]
REQUESTED, DECIDED, CONSUMED = "approval-requested", "approval-decided", "approval-consumed"
OVER, REVOKED = "approval-expired", "approval-revoked"
_INTENT, _OUTCOME = "intent", "outcome"
_REMEMBERED = timedelta(days=8)
"""How long after its expiry a request is known; afterwards it is unknown, and so is not let go."""


@dataclass
class Known:
    """One approval, as the log has it.

    Attributes:
        asked: Fields of its `approval-requested`.
        said: Verdict of each who decided, by user name.
        spent: The intent that it was, or may have been, spent on; empty: none.
        ended: How it ended without that: the kind of the record; empty: it has not.
    """

    asked: Json
    said: dict[str, str] = field(default_factory=dict)
    spent: str = ""
    ended: str = ""

    @property
    def denied(self) -> bool:
        """Whether somebody denied it, which is final."""
        return "deny" in self.said.values()


class Register:
    """Knows approvals by their UID; is told of every record in order."""

    def __init__(self, name: str) -> None:
        """Know nothing yet.

        Args:
            name: Of this replica's pod.
        """
        self._name = name
        self._known: dict[str, Known] = {}
        self._trying: dict[str, str] = {}
        """UID of the approval of each intent that was to spend one, until it is known to have."""
        self._latest: datetime | None = None

    def of(self, uid: str) -> Known | None:
        """Return what the log says of an approval."""
        return self._known.get(uid)

    def named(self, namespace: str, name: str) -> Known | None:
        """Return what it says of one by its name, for one that the API server has no more."""
        for one in self._known.values():
            approval = one.asked["approval"]
            if (approval["namespace"], approval["name"]) == (namespace, name):
                return one
        return None

    def read(self, leaf: bytes) -> None:
        """Take in a record that a start found."""
        ends = self._trying and b'"kind":"outcome"' in leaf
        if ends or b'"approval":{' in leaf:
            record = orjson.loads(leaf)
            self.note(record["kind"], record, str(RecordId(self._name, record["seq"])))

    def note(self, kind: str, fields: Json, name: str) -> None:
        """Take in a record.

        Args:
            kind: Its kind.
            fields: What it says.
            name: Its id.
        """
        if kind == REQUESTED:
            self._known[fields["approval"]["uid"]] = Known(fields)
            self._forget(datetime.fromisoformat(fields["expires"]))
        elif kind == _OUTCOME:
            self._failed(str(fields["intent"]))
        elif (known := self._known.get(fields.get("approval", {}).get("uid", ""))) is not None:
            self._noted(known, kind, fields, name)

    def _noted(self, known: Known, kind: str, fields: Json, name: str) -> None:
        if kind == DECIDED:
            known.said[fields["approver"]["username"]] = fields["verdict"]
        elif kind == _INTENT:
            # Until its end is known: a crash behind it may have spent it, so it counts as spent.
            known.spent = name
            self._trying[name] = fields["approval"]["uid"]
        elif kind == CONSUMED:
            known.spent = str(fields["intent"])
            self._trying.pop(known.spent, None)
        elif kind in {OVER, REVOKED}:
            known.ended = kind

    def _failed(self, intent: str) -> None:
        """An intent came to its end before its approval was spent, as the warden itself says."""
        known = self._known.get(self._trying.pop(intent, ""))
        if known is not None and known.spent == intent:
            known.spent = ""

    def _forget(self, expires: datetime) -> None:
        self._latest = max(self._latest or expires, expires)
        while self._known:
            uid, first = next(iter(self._known.items()))
            if datetime.fromisoformat(first.asked["expires"]) >= self._latest - _REMEMBERED:
                return
            del self._known[uid]


class Clerk:
    """Appends records of approvals, and tells the register."""

    def __init__(
        self, append: Callable[[str, dict[str, Any]], Awaitable[str]], register: Register
    ) -> None:
        self._append, self.register = append, register

    async def enter(self, kind: str, fields: dict[str, Any]) -> str:
        """Append a record; returns its id once it is on the disk.

        Raises:
            RefusedError: It cannot be kept.
        """
        name = await self._append(kind, fields)
        self.register.note(kind, fields, name)
        return name
