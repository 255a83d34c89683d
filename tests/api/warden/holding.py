"""A warden that holds requests, the gateway that asks it, and the people who decide."""

import asyncio
import base64
import hashlib
import json
import ssl
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from api.warden.accounts import pod, token
from api.warden.looking import ended, looked
from casemate import guardfiles
from casemate.api.approval import Verdict
from casemate.audit import sealing
from casemate.audit.records import parse
from casemate.audit.verify import Report, verify
from casemate.cli.bundles import opened
from casemate.cli.export import export
from casemate.cluster.client import Client
from casemate.core.names import NAME_LABEL
from casemate.holds import CONSUME_PATH, HOLDS_PATH
from casemate.ports import serve
from casemate.warden.answers import Answers
from casemate.warden.archive import Archive
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.consume import Consumption
from casemate.warden.contents import Contents
from casemate.warden.desk import Desk, Locks
from casemate.warden.ended import Ended
from casemate.warden.evidence import Evidence
from casemate.warden.holds import Holds
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log, Options
from casemate.warden.proofs import Ledger
from casemate.warden.register import Clerk, Register
from casemate.warden.rights import Electorate
from casemate.warden.rounds import Rounds
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects
from casemate.warden.switches import Switches
from casemate.warden.terms import Terms
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi
from support.approvals import decision
from support.operators import SYSTEM, Api
from unit.isolation.place import free_port

Json = dict[str, Any]
HOST, NAME = "127.0.0.1", "casemate-warden-0"
ORIGIN = f"casemate.dev/warden/0b6c/{NAME}"
GUARD = {
    "bundle": guardfiles.identity(guardfiles.shipped())[0],
    "policy": f"sha256:{'b1' * 32}",
}
MARKER = "the bridge at Kestrel Ford"
CONTENT = json.dumps({"messages": [{"content": MARKER, "role": "user"}], "model": "m"})
DOMAIN = "/apis/casemate.dev/v1alpha1"
RBAC = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
LINE = "use-of-force"
ADA, BOB, CY = "ada", "bob@example.org", "cy"
"""Who may approve."""
ANN = {"username": "ann", "uid": "u-ann"}


def intent(caller: Json | None = None, **changed: Any) -> Json:
    """What a gateway says of a request that its guard holds."""
    finding = {"line": LINE, "sub": "tasking", "tier": "linear", "score": 900}
    finding |= {"surface": "messages[0]", "views": ["plain"]}
    return {
        "caller": caller or ANN,
        "route": "/v1/chat/completions",
        "model": "m",
        "guard": GUARD,
        "request": {"sha256": "b" * 64, "bytes": 20, "stream": False},
        "verdict": {"verdict": "hold", "line": LINE, "tier": "linear", "findings": [finding]},
        **changed,
    }


def digest(content: str = CONTENT) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


class Warden:
    """One replica, over one folder, on a real API server."""

    def __init__(self, api: Api, namespace: str, client: Client, folder: Path) -> None:
        self.api, self.namespace, self.client, self.folder = api, namespace, client, folder
        self.name = NAME
        self.log: Log

    async def open(self) -> None:
        self.register = Register(self.name)
        ended = Ended(self.name)

        def seen(leaf: bytes) -> None:
            self.register.read(leaf)
            ended.read(leaf)

        options = Options(seen=seen)
        self.log = await Log.open(self.folder / "log", ORIGIN, SystemClock(), options)
        callers = Callers(self.client, SYSTEM)
        subjects = Subjects(self.client, Terms(self.folder / "log"))
        self.stops = Stops(Switches(self.client), self.log)
        self.looking = asyncio.create_task(self.stops.run())
        await looked(self.stops)
        self.archive = Archive(self.folder / "log")
        self.evidence = Evidence(
            self.log, self.name, callers, subjects, self.stops, archive=self.archive, ended=ended
        )
        self.desk = Desk(
            self.client,
            self.name,
            Clerk(self.evidence.append, self.register),
            Contents(self.folder / "held"),
            Electorate(self.client),
            self.stops.reason,
            Locks(),
        )
        self.rounds = Rounds(self.desk)
        further = (
            self.evidence.route(),
            Holds(self.desk, callers, subjects, self.evidence).route(),
            Consumption(self.desk, callers, subjects, self.evidence).route(),
        )
        answers = Answers(Canary(), callers, Ledger(), meet=subjects.stamped)
        app = answers.app(*further)
        self.port = free_port()
        self.runner = await serve(app, self.port, host=HOST)

    async def fresh(self) -> None:
        """Open it, and end what other tests have left waiting: the same person asks in all."""
        await self.open()
        await self.rounds.once()

    async def close(self) -> None:
        await ended(self.looking)
        await self.runner.cleanup()
        await self.archive.close()
        await self.log.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    def pod(self, name: str, deployment: str = "m", terms: str = "") -> str:
        """Make a model pod; return its token."""
        made = pod(self.api, self.namespace, name, {NAME_LABEL: deployment}, HOST, terms=terms)
        return token(self.api, self.namespace, made)

    async def post(self, key: str, path: str, body: Any) -> tuple[int, Json]:
        url = f"http://{HOST}:{self.port}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def hold(
        self, key: str, content: str = CONTENT, caller: Json | None = None, **changed: Any
    ) -> Json:
        """Hold a request; return the ApprovalRequest."""
        body = {"intent": intent(caller, **changed), "digest": digest(content), "content": content}
        status, said = await self.post(key, HOLDS_PATH, body)
        assert status == 200, said
        return self.request(said["approval"]["name"])

    async def retry(
        self,
        key: str,
        name: str,
        content: str = CONTENT,
        caller: Json | None = None,
        **changed: Any,
    ) -> tuple[int, str]:
        """Send it again with the approval; return status and reason, or the record."""
        body = {"intent": intent(caller, **changed), "digest": digest(content), "approval": name}
        status, said = await self.post(key, CONSUME_PATH, body)
        return status, said["id"] if status == 200 else said["reason"]

    def request(self, name: str) -> Json:
        where = f"{DOMAIN}/namespaces/{self.namespace}/approvalrequests/{name}"
        found: Json = self.api.client.request("GET", where)
        return found

    async def phase(self, name: str) -> str:
        """Make a round; return where a request stands then."""
        await self.rounds.once()
        return str(self.request(name)["status"]["phase"])

    def records(self, *kinds: str) -> list[Json]:
        """What the log holds of some kinds, or all, each read again as an inspector would."""
        leaves = [entry.record for entry in self.log.read(0, self.log.size)]
        for leaf in leaves:
            parse(leaf)
        found = map(json.loads, leaves)
        return [one for one in found if not kinds or one["kind"] in kinds]

    async def inspect(self, *agreements: Json) -> Report:
        """End the warden, and inspect what its volume holds as one would far away."""
        await self.close()
        listed = self.folder / "agreements.json"
        path = f"{DOMAIN}/usageagreements"
        items = [*self.api.client.request("GET", path)["items"], *agreements]
        listed.write_text(json.dumps({"items": items}))
        out = self.folder / "evidence"
        export([self.folder / "log"], listed, out)
        with opened(out) as bundle:
            report = verify(bundle, bundle.policy)
        await self.open()
        return report


class People:
    """Who decides: each with a client of their own."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace = api, namespace

    def client(self, user: str, *groups: str) -> KubeApi:
        groups = groups or ("system:authenticated",)
        return KubeApi.load(self.api.plane.client_config_for(user, groups))

    def let_approve(self, user: str) -> str:
        """Give somebody the role of approvers; returns the path of the binding."""
        return self.let("casemate-approver", user)

    def let_write(self, user: str) -> None:
        """Let somebody write what the warden writes, as far as RBAC goes."""
        where = ["approvalreviews", "approvalreviews/status"]
        rule = {"apiGroups": ["casemate.dev"], "resources": where, "verbs": ["*"]}
        role = {"metadata": {"name": "review-writer"}, "rules": [rule]}
        self.api.client.request("POST", RBAC.replace("bindings", "s"), role)
        self.let("review-writer", user)

    def let(self, role: str, user: str) -> str:
        """Give somebody a ClusterRole; returns the path of the binding."""
        spelled = quote(user, safe="").replace("%", "-").lower()
        name = f"{role}-{spelled}-{self.namespace}"
        group = "rbac.authorization.k8s.io"
        body = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        }
        with suppress(ApiError):  # another module has made it
            self.api.client.request("POST", RBAC, body)
        return f"{RBAC}/{name}"

    def say(
        self, user: str, held: Json, verdict: Verdict = "Approve", client: KubeApi | None = None,
        **changed: Any,
    ) -> str:  # fmt: skip
        """Decide; returns why the API server refuses, or ""."""
        where = f"{DOMAIN}/namespaces/{self.namespace}/approvaldecisions"
        body = decision(held, user, verdict, **changed)
        try:
            (client or self.client(user)).request("POST", where, body)
        except ApiError as error:
            return str(error)
        return ""

    async def approve(self, held: Json, *users: str) -> None:
        for user in users:
            # A policy sees a new request, and a new right, a moment late; later after a restart.
            for _ in range(400):
                said = self.say(user, held)
                if not said:
                    break
                await asyncio.sleep(0.1)
            assert said == "", said


class Reader:
    """A person's command that reads a held request."""

    def __init__(self, people: People, user: str) -> None:
        self.people, self.user = people, user
        self.key = X25519PrivateKey.generate()

    def body(self, held: Json, **changed: Any) -> Json:
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        spec = {
            "request": {"name": held["metadata"]["name"], "uid": held["metadata"]["uid"]},
            "agreement": held["spec"]["agreement"]["name"],
            "reviewer": {"username": self.user},
            "publicKey": pem.decode(),
        }
        return {
            "apiVersion": "casemate.dev/v1alpha1",
            "kind": "ApprovalReview",
            "metadata": {"generateName": "review-"},
            "spec": spec | changed,
        }

    @property
    def where(self) -> str:
        return f"{DOMAIN}/namespaces/{self.people.namespace}/approvalreviews"

    def ask(self, held: Json, **changed: Any) -> Json:
        made: Json = self.people.client(self.user).request(
            "POST", self.where, self.body(held, **changed)
        )
        return made

    def status(self, review: Json) -> Json:
        where = f"{self.where}/{review['metadata']['name']}"
        found: Json = self.people.api.client.request("GET", where)["status"]
        return found

    def open(self, status: Json) -> bytes:
        return sealing.open(base64.b64decode(status["sealed"]), self.key)


class Etcd:
    """The API server's store, as who holds its disk has it."""

    def __init__(self, plane: ControlPlane) -> None:
        credentials = plane._credentials
        folder, port = credentials.folder, credentials.endpoints.etcd
        self._url = f"https://127.0.0.1:{port}/v3/kv"
        self._context = ssl.create_default_context(cafile=str(folder / "etcd-ca.crt"))
        pair = folder / "kube-apiserver-etcd-client"
        self._context.load_cert_chain(pair.with_suffix(".crt"), pair.with_suffix(".key"))

    def _call(self, what: str, body: Json) -> Json:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/{what}", data)
        with urllib.request.urlopen(request, context=self._context, timeout=10) as answer:
            found: Json = json.load(answer)
        return found

    def read(self, key: str) -> bytes:
        (found,) = self._call("range", {"key": _b64(key.encode())})["kvs"]
        return base64.b64decode(found["value"])

    def write(self, key: str, value: bytes) -> None:
        self._call("put", {"key": _b64(key.encode()), "value": _b64(value)})

    def remove(self, key: str) -> None:
        self._call("deleterange", {"key": _b64(key.encode())})

    def everything(self) -> bytes:
        """All keys and values, one behind the other."""
        found = self._call("range", {"key": _b64(b"\0"), "range_end": _b64(b"\0")})["kvs"]
        return b"\n".join(base64.b64decode(one.get("value", "")) for one in found)


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def key_of(held: Json) -> str:
    """Where etcd has an ApprovalRequest."""
    meta = held["metadata"]
    return f"/registry/casemate.dev/approvalrequests/{meta['namespace']}/{meta['name']}"


async def spent(warden: Warden, people: People, key: str) -> str:
    """Have a request held, approved and sent; return its name."""
    held = await warden.hold(key)
    name = str(held["metadata"]["name"])
    await people.approve(held, ADA, BOB)
    assert await warden.phase(name) == "Approved"
    assert (await warden.retry(key, name))[0] == 200
    return name


async def asking(reader: Reader, held: Json) -> Json:
    """Ask to read; a policy sees a new request a moment late."""
    for _ in range(100):
        try:
            return reader.ask(held)
        except Exception as error:  # noqa: BLE001  the last one is raised
            last = error
        await asyncio.sleep(0.1)
    raise last


async def until_phase(warden: Warden, name: str, phase: str) -> None:
    """Wait until the API server shows what was written."""
    for _ in range(600):
        if warden.request(name)["status"]["phase"] == phase:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{name} never was {phase}")
