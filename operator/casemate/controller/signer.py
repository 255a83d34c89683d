"""Answers PodCertificateRequests for gateways: gathers facts, asks `core.signing`, writes."""

import base64
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from casemate import telemetry
from casemate.cluster.client import Client
from casemate.cluster.keys import Key
from casemate.cluster.kinds import (
    CERTIFICATE_REQUEST,
    CHILDREN,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
    Kind,
)
from casemate.cluster.store import Store
from casemate.controller.authority import AuthorityKeeper
from casemate.core import names, pki, signing
from casemate.core.observed import Ref
from casemate.core.signing import Denial, Request

logger = logging.getLogger(__name__)


class Signer:
    """Issues or denies one request at a time."""

    def __init__(
        self, client: Client, store: Store, keeper: AuthorityKeeper, namespace: str
    ) -> None:
        self._client, self._store, self._keeper = client, store, keeper
        self._namespace = namespace

    async def __call__(self, key: Key) -> None:
        """Answers the request called `key`, unless it has its answer."""
        body = await self._client.get(CERTIFICATE_REQUEST, key.namespace, key.name)
        if body is None or signing.settled(body):
            return
        now = datetime.now(UTC)
        outcome = signing.examine(await self._gather(body))
        public = outcome or signing.public_key(base64.b64decode(body["spec"]["stubPKCS10Request"]))
        if isinstance(public, Denial):
            logger.warning("%s: certificate denied: %s", key, public.message)
            telemetry.CERTIFICATES.labels("denied").inc()
            await self._answer(body, signing.denied(public, now))
            return
        authority = self._keeper.signing(now)
        certificate = pki.issue(
            authority, public, self._hosts(body, key), now, signing.lifetime(body)
        )
        chain = pki.pem(certificate)
        telemetry.CERTIFICATES.labels("issued").inc()
        await self._answer(body, signing.issued(certificate, chain, now))

    @staticmethod
    def _hosts(body: Mapping[str, Any], key: Key) -> tuple[str, ...]:
        # `examine` has made sure that it is the warden, or NAME-model of the very deployment.
        account = body["spec"]["serviceAccountName"]
        hosts = names.service_hosts(account.removesuffix("-model"), key.namespace)
        if account != names.WARDEN:
            return hosts
        # Each replica by its own name too: no other can answer in its place.
        return hosts + names.service_hosts(body["spec"]["podName"], key.namespace)

    async def _gather(self, body: Mapping[str, Any]) -> Request:
        namespace = body["metadata"]["namespace"]
        pod = await self._client.get(POD, namespace, body["spec"]["podName"])
        meta = pod["metadata"] if pod else {}
        owners = [o for o in meta.get("ownerReferences", []) if o["kind"] == "ReplicaSet"]
        replica_set = (
            await self._client.get(REPLICA_SET, namespace, owners[0]["name"]) if owners else None
        )
        name = meta.get("labels", {}).get(names.NAME_LABEL, "")
        uid = self._deployment_uid(Key(namespace, name))
        warden = await self._own_uid(body, STATEFUL_SET, names.WARDEN)
        console = await self._own_uid(body, CHILDREN["Deployment"], names.CONSOLE)
        return Request(body, pod, replica_set, uid, warden, console)

    async def _own_uid(self, body: Mapping[str, Any], kind: Kind, name: str) -> str | None:
        """UID of an object of the chart's, where a request is for a pod of the account of its name.

        Any other request is for no pod of that object, and None.
        """
        account = body["spec"]["serviceAccountName"]
        if (body["metadata"]["namespace"], account) != (self._namespace, name):
            return None
        found = await self._client.get(kind, self._namespace, name)
        return found["metadata"]["uid"] if found else None

    def _deployment_uid(self, key: Key) -> str | None:
        """UID of the Deployment that we made; one that only wears our labels does not count."""
        observed = self._store.gather(key)
        live = observed.children.get(Ref("Deployment", key.name)) if observed else None
        if observed is None or live is None or not signing.made_here(observed, live):
            return None
        return live.uid

    async def _answer(self, body: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        meta = {k: body["metadata"][k] for k in ("name", "namespace", "uid")}
        answer = {
            "apiVersion": CERTIFICATE_REQUEST.api_version,
            "kind": CERTIFICATE_REQUEST.kind,
            "metadata": meta,
            "status": status,
        }
        await self._client.apply(CERTIFICATE_REQUEST, answer, sub="status")
