"""People of the demonstration, with client certificates that the cluster itself has signed."""

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.cluster import Cluster
from demo.progress import DemoError
from enclave.waiting import until

GROUP = "duty-officers"
"""Whom examples/40-people.yaml binds."""
_SIGNED_SECONDS = 30.0
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Person:
    """Somebody with a kubeconfig of their own.

    Attributes:
        name: User name.
        kubeconfig: Their credentials.
    """

    name: str
    kubeconfig: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `kubectl casemate`, not on a terminal; whatever comes of it."""
        program = Path(sys.executable).with_name("kubectl-casemate")
        return subprocess.run(
            [str(program), *command, "--kubeconfig", str(self.kubeconfig)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
            stdin=subprocess.DEVNULL,
        )

    def casemate(self, *command: str) -> str:
        """Run a command of `kubectl casemate`; return what it prints.

        Raises:
            DemoError: It failed.
        """
        done = self.run(*command)
        if done.returncode:
            words = " ".join(command[:3])
            raise DemoError(
                f"kubectl casemate {words} … ended with {done.returncode}: {done.stderr}"
            )
        return done.stdout


@contextmanager
def people(cluster: Cluster, *names: str) -> Iterator[list[Person]]:
    """Give people of the group; their credentials are gone afterwards.

    Raises:
        DemoError: The cluster did not sign a certificate.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield [_person(cluster, name, Path(folder)) for name in names]


def _person(cluster: Cluster, name: str, folder: Path) -> Person:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [
        x509.NameAttribute(NameOID.COMMON_NAME, name),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, GROUP),
    ]
    wanted = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    asked = wanted.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    admin: dict[str, Any] = json.loads(
        cluster.kubectl("config", "view", "--minify", "--flatten", "--output=json")
    )
    user = {
        "client-certificate-data": _signed(cluster, name, asked),
        "client-key-data": base64.b64encode(private).decode(),
    }
    admin["users"] = [{"name": admin["users"][0]["name"], "user": user}]
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(json.dumps(admin))
    return Person(name, path)


def _signed(cluster: Cluster, name: str, asked: bytes) -> str:
    """Return a certificate for a request, in base64; the cluster signs it as the administrator."""
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": f"{name}-"},
        "spec": {
            "request": base64.b64encode(asked).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "expirationSeconds": 3600,
            "usages": ["client auth"],
        },
    }
    made = cluster.kubectl(
        "create", "--filename=-", "--output=name", stdin=json.dumps(body)
    ).strip()
    cluster.kubectl("certificate", "approve", made.rpartition("/")[2])

    def certificate() -> str:
        status: dict[str, str] = cluster.get(made).get("status", {})
        return status.get("certificate", "")

    until(
        lambda: bool(certificate()),
        _SIGNED_SECONDS,
        f"the cluster signed no certificate for {name}",
        every=0.2,
    )
    return certificate()
