"""Changes a key of this replica because somebody who may asks for it, and puts that on record."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from casemate.api.model import Reasoning
from casemate.audit.fields import Person
from casemate.audit.notes import Signer, Verifier
from casemate.warden.following import Following
from casemate.warden.log.errors import LogError
from casemate.warden.log.keys import Role, rotation, vkey
from casemate.warden.log.stamp import text
from casemate.warden.log.store import Log
from casemate.warden.metrics import KEY_CHANGES


class RotateError(Exception):
    """A key is not changed; says why."""


class Asked(NamedTuple):
    """What somebody asks for.

    Attributes:
        role: Which key is to be changed.
        old: Id of the key that they mean, in hexadecimal: no other one is changed.
        overlap: For how many seconds both keys are to sign.
        by: Who asks.
        reason: Why.
    """

    role: Role
    old: str
    overlap: float
    by: Person
    reason: Reasoning


_ASKED = TypeAdapter(Asked)


def asked(body: object) -> Asked:
    """Read what somebody asks for.

    Raises:
        RotateError: It is something else; names the field.
    """
    try:
        return _ASKED.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RotateError(f"{field}: {first['input']!r} was given; {first['msg']}") from error


class Rotating:
    """The keys of one replica, as who changes them sees them."""

    def __init__(self, log: Log, name: str, following: Following) -> None:
        """Change nothing yet.

        Args:
            log: Whose keys they are.
            name: Of this replica.
            following: Knows how far the others go along.
        """
        self._log, self._name, self._following = log, name, following

    def standing(self) -> dict[str, Any]:
        """Return which keys there are, and which of them are being changed."""
        return {"replica": self._name, "keys": {one.value: self._key(one) for one in Role}}

    async def rotate(self, wanted: Asked) -> dict[str, Any]:
        """Change a key; returns what is on record of it.

        Raises:
            RotateError: It is not the key that is meant, or it cannot be changed now.
        """
        key = self._log.keys.of(wanted.role)
        current = key_id(key.current)
        if wanted.old != current:
            told = f"old: {wanted.old} was given; the {wanted.role} key in use is {current}"
            raise RotateError(told)
        why = {"by": wanted.by.model_dump(), "reason": wanted.reason}
        try:
            entry = await self._log.rotate(wanted.role, wanted.overlap, why)
        except (LogError, ValueError) as error:
            raise RotateError(str(error)) from error
        KEY_CHANGES.labels(wanted.role.value).inc()
        return _shown(self._name, orjson.loads(entry.record))

    async def change(self, role: Role) -> dict[str, Any]:
        """Return the last change of a key, and which of the others do not go along yet.

        Raises:
            RotateError: It was never changed.
        """
        own = [one for one in self._log.rotations if rotation(one).role is role]
        if not own:
            raise RotateError(f"the {role} key of {self._name} was never changed")
        record = orjson.loads(own[-1])
        behind = await self._following.behind(role, record["new"], record["seq"])
        return {**_shown(self._name, record), "behind": behind}

    def _key(self, role: Role) -> dict[str, str]:
        key = self._log.keys.of(role)
        shown = {"id": key_id(key.current), "key": vkey(key.current)}
        successor = key.next
        if successor is not None and key.until:
            shown |= {"successor": key_id(successor), "until": text(key.until)}
        return shown


def key_id(signer: Signer) -> str:
    """Return the id of a key, as it stands in its public form."""
    return signer.verifier.key_id.hex()


def _shown(replica: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "replica": replica,
        "role": record["role"],
        "record": f"{replica}/{record['seq']}",
        "old": Verifier.parse(record["old"]).key_id.hex(),
        "new": Verifier.parse(record["new"]).key_id.hex(),
        "newKey": record["new"],
        "until": record["until"],
    }
