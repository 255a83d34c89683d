"""What a model pod stands for, as the API server has it: a gateway is not asked about itself."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.agreement import UsageAgreementSpec
from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import MODEL_DEPLOYMENT, USAGE_AGREEMENT
from casemate.core.findings import first
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.terms import Terms

KNOWN_SECONDS = 60.0
"""How long a deployment and its agreement are taken to be what they were."""
_MOST_KNOWN = 10_000


class Subject(NamedTuple):
    """A deployment and its terms.

    Attributes:
        about: What a record says of them: all that `intent` holds.
        model: The model's public name.
        terms: Spec of the agreement.
    """

    about: dict[str, Any]
    model: str
    terms: Mapping[str, Any]


class Subjects:
    """Looks up deployments and their terms."""

    def __init__(self, client: Client, terms: Terms) -> None:
        self._client, self._terms = client, terms
        self._known: dict[str, tuple[float, Subject]] = {}

    async def about(self, pod: Pod) -> dict[str, Any]:
        """Return what a record says of the pod that it is about: all that `intent` holds of it.

        Raises:
            RefusedError: There is no such deployment or agreement, or nobody knows.
        """
        until, known = self._known.get(pod.uid, (0.0, None))
        if known is None or time.monotonic() >= until:
            known = await self.newly(pod)
        return known.about

    async def terms(self, pod: Pod) -> Mapping[str, Any]:
        """Return the terms that a pod's requests were last recorded under, however long ago.

        Raises:
            RefusedError: There is no such deployment or agreement, or nobody knows.
        """
        _, known = self._known.get(pod.uid, (0.0, None))
        return (known or await self.newly(pod)).terms

    async def stamped(self, pod: Pod) -> Mapping[str, Any]:
        """Return the terms that a pod was made under, as its mark says; without one, the present.

        A pod of earlier terms goes on by these until it is replaced, whatever is in force since.

        Raises:
            RefusedError: This replica does not know them, and cannot learn them.
        """
        if not pod.terms:
            return await self.terms(pod)
        try:
            found = await self._terms.text(pod.terms)
            if found is None:
                await self.about(pod)
                found = await self._terms.text(pod.terms)
        except OSError as error:
            told = f"the terms cannot be read: {error.strerror}"
            raise RefusedError(503, "unchecked", told) from error
        if found is None:
            told = f"the terms {pod.terms}, which the pod was made under, are not known here"
            raise RefusedError(503, "unchecked", told)
        return found

    async def newly(self, pod: Pod) -> Subject:
        """Return what the API server says at this moment.

        Raises:
            RefusedError: There is no such deployment or agreement, or nobody knows.
        """
        found = await self._found(pod)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[pod.uid] = (time.monotonic() + KNOWN_SECONDS, found)
        return found

    async def _found(self, pod: Pod) -> Subject:
        try:
            deployment = await self._client.get(MODEL_DEPLOYMENT, pod.namespace, pod.deployment)
            if deployment is None:
                raise _gone(f"ModelDeployment {pod.namespace}/{pod.deployment}")
            name = deployment["spec"]["agreementRef"]["name"]
            agreement = await self._client.get(USAGE_AGREEMENT, None, name)
        except Error as error:
            raise RefusedError(503, "unchecked", f"the terms cannot be read: {error}") from error
        if agreement is None:
            raise _gone(f"UsageAgreement {name}")
        try:
            digest = await self._terms.keep(UsageAgreementSpec.model_validate(agreement["spec"]))
        except ValidationError as error:
            told = f"UsageAgreement {name} breaks a rule of this version: {first(error)}"
            raise RefusedError(403, "no_terms", told) from error
        except OSError as error:
            told = f"the terms cannot be kept: {error.strerror}"
            raise RefusedError(503, "log_unavailable", told) from error
        model = deployment["spec"]["model"]
        about = {
            "deployment": {
                "namespace": pod.namespace,
                "name": pod.deployment,
                "uid": deployment["metadata"]["uid"],
            },
            "pod": {"name": pod.name, "uid": pod.uid},
            "image": _image(model["source"]),
            "supplier": model["supplier"],
            "agreement": {"name": name, "digest": digest},
        }
        return Subject(about, str(model["name"]), agreement["spec"])


def _image(source: Mapping[str, Any]) -> str:
    """Return where the weights come from, in one text."""
    if "oci" in source:
        return str(source["oci"]["image"])
    claim = source["claim"]
    return f"claim:{claim['name']}/{claim.get('path', '')}"


def _gone(what: str) -> RefusedError:
    return RefusedError(403, "no_terms", f"there is no {what}")
