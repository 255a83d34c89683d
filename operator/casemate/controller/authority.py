"""Keeps the gateways' CA: a Secret in the system namespace, and its public half as trust bundle."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from casemate import telemetry
from casemate.api.conditions import Reason
from casemate.cluster.client import Client
from casemate.cluster.errors import Stalled
from casemate.cluster.kinds import SECRET, TRUST_BUNDLE
from casemate.core import names, pki
from casemate.core.pki import Authority

SECRET_NAME = "casemate-gateway-ca"  # noqa: S105 - a name, no secret

CHECK_SECONDS = 60.0
"""How often rotation is considered and the trust bundle looked at: two requests each time."""


class AuthorityKeeper:
    """Loads, renews and publishes the CA."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._authorities: list[Authority] = []

    def signing(self, now: datetime) -> Authority:
        """The CA that signs at this moment; `refresh` must have run."""
        return pki.signing(self._authorities, now)

    def chain_pem(self) -> bytes:
        """All CAs that clients should trust."""
        return b"".join(authority.pem for authority in self._authorities)

    async def refresh(self) -> float:
        """Loads the CA, renews it when due, publishes it; returns seconds until the next look.

        Raises:
            Error: the Secret or the bundle could not be read or written.
            ValueError: the Secret holds no valid CA; it is not replaced, since pods trust it.
        """
        now = datetime.now(UTC)
        stored = await self._client.get(SECRET, self._namespace, SECRET_NAME)
        # A Secret that vanishes under a running operator comes back as it was: pods trust that CA.
        known = pki.alive(_parse(stored) if stored else self._authorities, now)
        due = pki.needs_renewal(known, now)
        if due:
            known = [*known, Authority.create(now)]
        if due or stored is None:
            await self._store(known, stored)
        self._authorities = known
        newest = known[-1].certificate.not_valid_after_utc
        telemetry.CA_EXPIRY.set(newest.timestamp())
        await self._publish()
        return CHECK_SECONDS

    async def _store(self, known: list[Authority], stored: Mapping[str, Any] | None) -> None:
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET_NAME, "namespace": self._namespace},
            "type": "Opaque",
            "data": _format(known),
        }
        # Created or replaced at a version, never applied: of two operators only one may win.
        if stored is None:
            await self._client.create(SECRET, body)
        else:
            body["metadata"] = stored["metadata"]
            await self._client.replace(SECRET, body)

    async def _publish(self) -> None:
        text = self.chain_pem().decode()
        current = await self._client.get(TRUST_BUNDLE, None, names.TRUST_BUNDLE)
        if current is not None and current["spec"].get("trustBundle") == text:
            return
        body = {
            "apiVersion": TRUST_BUNDLE.api_version,
            "kind": TRUST_BUNDLE.kind,
            "metadata": {
                "name": names.TRUST_BUNDLE,
                "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY},
            },
            "spec": {"signerName": names.SIGNER, "trustBundle": text},
        }
        await self._client.apply(TRUST_BUNDLE, body)


def _parse(secret: Mapping[str, Any]) -> list[Authority]:
    try:
        data = {k: base64.b64decode(v) for k, v in (secret.get("data") or {}).items()}
        stems = sorted(key.removesuffix(".crt") for key in data if key.endswith(".crt"))
        return [Authority.load(data[f"{one}.crt"], data.get(f"{one}.key", b"")) for one in stems]
    except ValueError as error:
        # Not replaced on its own: pods trust what it held, and it can be restored from a backup.
        raise Stalled(
            Reason.APPLY_REFUSED,
            f"the Secret {SECRET_NAME} holds no valid CA ({error}): restore it, "
            "or replace the CA as docs/operations.md says",
        ) from error


def _format(authorities: list[Authority]) -> dict[str, str]:
    data: dict[str, str] = {}
    for authority in authorities:
        start = authority.certificate.not_valid_before_utc.strftime("%Y%m%dT%H%M%SZ")
        data[f"{start}.crt"] = base64.b64encode(authority.pem).decode()
        data[f"{start}.key"] = base64.b64encode(authority.key_pem).decode()
    return data
