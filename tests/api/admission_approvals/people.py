"""Who asks, who decides, who stops, and what they write."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from enclave import parts
from enclave.kubeapi import ApiError
from enclave.waiting import until
from support.approvals import REQUESTER, Json, decision, request
from support.policies import ENCLAVE, World, message

WARDEN = "system:serviceaccount:casemate-system:casemate-warden"
APPROVERS = ("ada", "bob@example.org")
STOPPERS = ("eve", "ivy")
LIFTERS = ("ivy", "lou")

__all__ = ["APPROVERS", "LIFTERS", "REQUESTER", "STOPPERS", "WARDEN", "Place"]

DOMAIN = "/apis/casemate.dev/v1alpha1"
SWITCHES = f"{DOMAIN}/killswitches"


@dataclass
class Place:
    """The server, and where the objects of its enclave are."""

    world: World

    @property
    def requests(self) -> str:
        return f"{DOMAIN}/namespaces/{ENCLAVE}/approvalrequests"

    @property
    def decisions(self) -> str:
        return f"{DOMAIN}/namespaces/{ENCLAVE}/approvaldecisions"

    def hold(self, name: str, by: str = WARDEN, **changed: Any) -> Json:
        """Makes a held request, and waits until the policies know it."""
        made = self.world.make(by, self.requests, request(name, **changed))
        wrong = decision(made, APPROVERS[0], requestDigest="0" * 64)
        until(
            lambda: "spec.requestDigest" in self.tries(APPROVERS[0], wrong),
            20,
            f"request {name} never bound its decisions",
            every=0.1,
        )
        return made

    def tries(self, user: str, body: Json) -> str:
        """Why a decision of somebody is refused, or "" if it would be made."""
        return self.world.call(user, "POST", self.decisions, body)

    def acting(self, user: str, body: Json, *flags: str) -> str:
        """What kubectl says of an object that somebody would make with flags such as --as."""
        command = [
            str(parts.path_of("kubectl")),
            f"--kubeconfig={self.world.config(user)}",
            *("create", "--dry-run=server", "--validate=false", "--filename=-"),
            *(f"--namespace={ENCLAVE}", *flags),
        ]
        done = subprocess.run(
            command,
            input=json.dumps(body),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.stderr if done.returncode else ""

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the policies know what was written."""
        until(condition, 20, "the policies never knew", every=0.1)

    def judge(self, name: str, by: str = WARDEN, **status: Any) -> str:
        """Writes a request's status; returns why that is refused, or ""."""
        media = "application/merge-patch+json"
        where = f"{self.requests}/{name}/status"
        try:
            self.world.as_user(by).request("PATCH", where, {"status": status}, media)
        except ApiError as error:
            return message(error)
        return ""
