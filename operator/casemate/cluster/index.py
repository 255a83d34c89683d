"""The object that tells admission which agreements and suppliers there are.

An admission policy that takes every agreement as parameter runs once for each that exists. It can
never see that none has the name given; a list of all names can. It is of a kind of ours: the API
server stops to follow built-in kinds for good when the last policy that uses them is removed.
"""

from casemate.cluster.client import Client
from casemate.cluster.kinds import TERMS_INDEX
from casemate.core import names


class Index:
    """Writes the index when it changed, and again when somebody else changed it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._published: dict[str, str] | None = None

    async def publish(self, data: dict[str, str]) -> None:
        """Makes the index say this, with no request when it already did.

        Raises:
            Error: the index could not be read or written.
        """
        if data == self._published:
            return
        if self._published is None:
            found = await self._client.get(TERMS_INDEX, None, names.TERMS_INDEX)
            self._published = None if found is None else found.get("data", {})
        if data != self._published:
            await self._write(data)
        self._published = data

    async def restore(self) -> None:
        """Looks at the stored index, and undoes what somebody else did to it.

        Raises:
            Error: the index could not be read or written.
        """
        wanted, self._published = self._published, None
        if wanted is not None:
            await self.publish(wanted)

    async def _write(self, data: dict[str, str]) -> None:
        meta = {
            "name": names.TERMS_INDEX,
            "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY},
        }
        body = {
            "apiVersion": TERMS_INDEX.api_version,
            "kind": TERMS_INDEX.kind,
            "metadata": meta,
            "data": data,
        }
        answer = await self._client.apply(TERMS_INDEX, body)
        if extra := set(answer.get("data", {})) - set(data):
            # An apply keeps what others added: a name of nobody's would pass admission.
            kept = {key: value for key, value in answer["data"].items() if key not in extra}
            await self._client.replace(TERMS_INDEX, {**answer, "data": kept})
