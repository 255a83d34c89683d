"""A console as a process of its own, before a real API server, and people with tokens of theirs."""

import base64
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from api.admission_approvals.people import APPROVERS, DOMAIN, REQUESTER, Place
from api.deciding.warden import REVIEWS, Warden
from enclave import parts, pki
from enclave.controlplane import ControlPlane, free_ports
from enclave.waiting import until
from support.operators import model_deployment
from support.policies import ADMIN, ENCLAVE, World, bind, install, policies, prepare

Json = dict[str, Any]

ADA, BOB = APPROVERS
CAT, DAN, ELI = "cat", "dan", "eli"
"""Who only looks; who may do nothing; and who may decide in one namespace."""
PEOPLE = (ADA, BOB, REQUESTER, CAT, DAN, ELI)
DEPLOYMENTS = f"{DOMAIN}/namespaces/{ENCLAVE}/modeldeployments"


def token(person: str) -> str:
    """The token by which the API server knows somebody."""
    return f"token-of-{person}"


@dataclass
class House:
    """The console, and what is around it."""

    place: Place
    warden: Warden
    port: int
    certificate: x509.Certificate
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def decisions(self, name: str) -> list[Json]:
        """What is said about a request, as the API server keeps it."""
        found = self.place.world.as_user(ADMIN).request("GET", self.place.decisions)["items"]
        return [one for one in found if one["spec"]["request"]["name"] == name]


def certificate(folder: Path) -> tuple[Path, x509.Certificate, ssl.SSLContext]:
    """A bundle for the console, its certificate, and what trusts it."""
    authority = pki.Authority.at(folder, "console-ca")
    pair = authority.issue("console", hosts=("localhost", "127.0.0.1"))
    bundle = pki.write_private(folder / "bundle.pem", pair.key + pair.certificate)
    trust = ssl.create_default_context(cadata=authority.pair.certificate.decode())
    return bundle, x509.load_pem_x509_certificate(pair.certificate), trust


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """An API server with the chart's kinds, policies and roles, that knows people by tokens."""
    parts.ensure(["helm"])
    known = folder / "people.csv"
    rows = [f'{token(one)},{one},uid-of-{one},"people"\n' for one in PEOPLE]
    known.write_text("".join(rows))
    flags = ["--admission-control-config-file=", f"--token-auth-file={known}"]
    with ControlPlane(folder, audit_log=folder / "audit.jsonl", extra_args=flags) as plane:
        made = prepare(World(plane))
        # Before the policies: no operator judges agreements here, so none would be accepted later.
        made.make(ADMIN, DEPLOYMENTS, model_deployment("shown", ENCLAVE))
        install(made, policies())
        for person in (ADA, BOB, REQUESTER):
            bind(made, "casemate-approver", person)
        for person in (ADA, BOB, REQUESTER, CAT):
            bind(made, "casemate-viewer", person)
        for role in ("casemate-approver", "casemate-viewer"):
            bind(made, role, ELI, ENCLAVE)
        yield made


@contextmanager
def serving(folder: Path, made: World) -> Iterator[House]:
    """A console in a process of its own."""
    bundle, own, trust = certificate(folder)
    cluster = yaml.safe_load(made.plane.kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = folder / "api-ca.crt"
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    port, health = free_ports(2)
    command = [
        *(sys.executable, "-m", "casemate", "console", f"--tls-bundle={bundle}"),
        *(f"--api-server={made.plane.url}", f"--api-ca={authority}", "--listen=127.0.0.1"),
        *(f"--port={port}", f"--health-port={health}"),
    ]
    log = folder / "console.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={"PATH": "/usr/bin"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    place = Place(made)
    try:
        until(lambda: not made.call(ADMIN, "GET", REVIEWS), 30, "reviews never served")
        until(lambda: _ready(health), 30, lambda: f"no console: {log.read_text()}", every=0.1)
        with Warden(place).working() as warden:
            yield House(place, warden, port, own, trust)
    finally:
        process.terminate()
        assert process.wait(15) == 0, log.read_text()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
