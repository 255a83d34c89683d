"""The warden's part, played: it holds requests, shows their content, and counts what people say."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from api.admission_approvals.people import WARDEN, Place
from casemate.api.agreement import Approvals
from casemate.api.approval import OPEN
from casemate.api.terms import spelled
from casemate.audit.canonical import canonical
from casemate.audit.sealing import recipient, seal
from casemate.core.approvals import approvers, decide, report
from casemate.core.quorum import Rights
from casemate.deciding.tables import phase
from enclave.kubeapi import ApiError, KubeApi
from support.approvals import TERMS, Json
from support.policies import ENCLAVE

_MERGE = "application/merge-patch+json"
REVIEWS = f"/apis/casemate.dev/v1alpha1/namespaces/{ENCLAVE}/approvalreviews"
_LOOK_SECONDS = 0.1


@dataclass
class Warden:
    """It answers as the warden's account, and decides by the warden's own functions.

    It asks ten times a second, so it rests unless a test wants it: it would take a whole processor
    from all tests that come after.

    Attributes:
        answers: What a review of a request is answered in place of its content, by name.
        silent: Requests whose reviews are not answered.
        lost: People who have lost the right to approve, and why.
    """

    place: Place
    answers: dict[str, bytes | str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    lost: dict[str, str] = field(default_factory=dict)
    _held: dict[str, bytes] = field(default_factory=dict)
    _wanted: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def hold(self, name: str, body: Json, minutes: float = 10, **changed: Any) -> Json:
        """Holds a request with a content, until it expires."""
        content = canonical(body)
        until = spelled(datetime.now(UTC) + timedelta(minutes=minutes))
        what = {"requestDigest": sha256(content).hexdigest(), "expiresAt": until}
        self._held[name] = content
        return self.place.hold(name, **{**what, **changed})

    @contextmanager
    def working(self) -> Iterator["Warden"]:
        """Works whenever a test wants it."""
        client = KubeApi.load(self.place.world.config(WARDEN))
        thread = threading.Thread(target=self._work, args=(client,))
        thread.start()
        yield self
        self._ended.set()
        self._wanted.set()
        thread.join()

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Works for as long as one test runs."""
        self._wanted.set()
        yield
        self._wanted.clear()

    def _work(self, client: KubeApi) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._wanted.wait()
            for review in client.request("GET", REVIEWS)["items"]:
                if "answeredAt" not in review.get("status", {}):
                    self._answer(client, review)
            for request in client.request("GET", self.place.requests)["items"]:
                self._count(client, request)

    def _answer(self, client: KubeApi, review: Json) -> None:
        name = review["spec"]["request"]["name"]
        answer = self.answers.get(name, self._held.get(name, "there is none"))
        if name in self.silent:
            return
        status: Json = {"answeredAt": spelled(datetime.now(UTC))}
        if isinstance(answer, str):
            status["message"] = answer
        else:
            sealed = seal(answer, recipient(review["spec"]["publicKey"]))
            status["sealed"] = base64.b64encode(sealed).decode()
            status["sha256"] = sha256(answer).hexdigest()
        self._write(client, f"{REVIEWS}/{review['metadata']['name']}", status)

    def _count(self, client: KubeApi, request: Json) -> None:
        name = request["metadata"]["name"]
        if phase(request) not in OPEN:
            return
        chosen = f"{self.place.decisions}?fieldSelector=spec.request.name={name}"
        decisions = client.request("GET", chosen)["items"]
        refusals = {who: self.lost.get(who, "") for who in approvers(decisions, name)}
        outcome = decide(
            request, decisions, Rights(refusals, TERMS, Approvals()), datetime.now(UTC)
        )
        status, news = request.get("status", {}), report(outcome)
        if any(status.get(key) != value for key, value in news.items()):
            self._write(client, f"{self.place.requests}/{name}", news)

    def _write(self, client: KubeApi, where: str, status: Json) -> None:
        try:
            client.request("PATCH", f"{where}/status", {"status": status}, _MERGE)
        except ApiError as error:
            # Gone, or ended by a test in the meantime.
            if error.status not in {404, 409, 422}:
                raise
