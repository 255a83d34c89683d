"""What the cluster says now of those who decide: one question each, and nothing remembered."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from casemate.api.agreement import Approvals, UsageAgreementSpec
from casemate.api.v1alpha1 import GROUP
from casemate.cluster.client import Client
from casemate.cluster.errors import Transient
from casemate.cluster.kinds import ACCESS_REVIEW, APPROVAL_DECISION, USAGE_AGREEMENT
from casemate.core import agreements
from casemate.core.quorum import Rights

Json = Mapping[str, Any]
VERB = "approve"


class Electorate:
    """Asks the API server who may approve what, and under which terms."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def decisions(self, namespace: str, request: str) -> list[Json]:
        """Return what was said about a request so far.

        Raises:
            Error: The API server does not tell.
        """
        chosen = {"fieldSelector": f"spec.request.name={request}"}
        path = APPROVAL_DECISION.path(namespace)
        return list((await self._client.request("GET", path, chosen))["items"])

    async def rights(self, agreement: str, decisions: Iterable[Json]) -> Rights:
        """Return what counts now; whatever stops is left to who asks.

        Args:
            agreement: Name of the UsageAgreement.
            decisions: All that were made about a request.

        Raises:
            Error: The API server does not tell, or the agreement cannot be understood.
        """
        found = await self._client.get(USAGE_AGREEMENT, None, agreement)
        if found is None:
            # No terms have this digest: the request is denied.
            return Rights({}, "none: it is gone", Approvals())
        try:
            spec = UsageAgreementSpec.model_validate(found["spec"])
        except ValidationError as error:
            raise Transient(f"UsageAgreement {agreement}: {error}") from error
        approvers = {
            one["spec"]["approver"]["username"]: one["spec"]["approver"]
            for one in decisions
            if one["spec"]["verdict"] == "Approve"
        }
        said = await asyncio.gather(*(self.refusal(who, agreement) for who in approvers.values()))
        return Rights(
            dict(zip(approvers, said, strict=True)), agreements.digest(spec), spec.approvals
        )

    async def refusal(self, who: Json, agreement: str) -> str:
        """Return why somebody may not approve under an agreement, or nothing.

        Args:
            who: An approver, as objects have them: username, uid, groups.
            agreement: Name of the UsageAgreement.

        Raises:
            Error: The API server does not tell.
        """
        asked = {"verb": VERB, "group": GROUP, "resource": "usageagreements", "name": agreement}
        spec = {"user": who["username"], "resourceAttributes": asked}
        spec |= {key: who[key] for key in ("uid", "groups") if who.get(key)}
        kind = {"apiVersion": ACCESS_REVIEW.api_version, "kind": ACCESS_REVIEW.kind}
        body = {**kind, "metadata": {}, "spec": spec}
        status = (await self._client.create(ACCESS_REVIEW, body)).get("status") or {}
        if status.get("allowed") is True:
            return ""
        return str(status.get("reason") or f"no RBAC verb {VERB} on usageagreements {agreement}")
