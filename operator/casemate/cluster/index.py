"""The ConfigMap that tells admission which agreements and suppliers there are.

An admission policy that takes every agreement as parameter runs once for each that exists. It can
never see that none has the name given; a list of all names can.
"""

from casemate.cluster.client import Client
from casemate.cluster.kinds import CONFIG_MAP
from casemate.core import names

INDEX_NAME = "casemate-terms"


class Index:
    """Writes the index when it changed, and again when somebody else changed it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._published: dict[str, str] | None = None

    async def publish(self, data: dict[str, str]) -> None:
        """Makes the index say this, with no request when it already did.

        Raises:
            Error: the ConfigMap could not be read or written.
        """
        if data == self._published:
            return
        if self._published is None:
            found = await self._client.get(CONFIG_MAP, self._namespace, INDEX_NAME)
            self._published = None if found is None else found.get("data", {})
        if data != self._published:
            await self._write(data)
        self._published = data

    async def restore(self) -> None:
        """Looks at the ConfigMap, and undoes what somebody else did to it.

        Raises:
            Error: the ConfigMap could not be read or written.
        """
        wanted, self._published = self._published, None
        if wanted is not None:
            await self.publish(wanted)

    async def _write(self, data: dict[str, str]) -> None:
        meta = {
            "name": INDEX_NAME,
            "namespace": self._namespace,
            "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY},
        }
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        answer = await self._client.apply(CONFIG_MAP, body)
        if extra := set(answer.get("data", {})) - set(data):
            # An apply keeps what others added: a name of nobody's would pass admission.
            kept = {key: value for key, value in answer["data"].items() if key not in extra}
            await self._client.replace(CONFIG_MAP, {**answer, "data": kept})
