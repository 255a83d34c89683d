"""What callers and inspectors hold in their hands on a real node: receipts, and sealed contents."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.cli.main import main
from demo import deploy
from demo.callers import CA_FILE, HEADERS, KNOWN, SERVICE, token
from demo.cluster import Cluster
from e2e.model.conftest import Ask
from e2e.model.test_evidence import places
from support import wardens
from support.enclaves import Enclave

AGREEMENT = "logistics-2026"
KEY = X25519PrivateKey.generate()
READ = """
import json, ssl, sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], headers=HEADERS)
trust = ssl.create_default_context(cafile=CA)
try:
    with urllib.request.urlopen(request, context=trust) as answer:
        print(json.dumps({"status": answer.status, "text": answer.read().decode()}))
except urllib.error.HTTPError as error:
    print(json.dumps({"status": error.code, "text": error.read().decode()}))
""".replace("CA)", f"{CA_FILE!r})")


def exported(enclave: Enclave, cluster: Cluster, folder: Path) -> Path:
    """The evidence of all replicas, as an inspector carries it away."""
    out, listed = folder / "evidence", folder / "agreements.json"
    listed.write_text(cluster.kubectl("get", "usageagreements", "-o", "json"))
    copies = map(str, wardens.copies(enclave, folder / "copies"))
    assert main(["audit", "export", *copies, str(out), "--agreements", str(listed)]) == 0
    return out


def _receipt(cluster: Cluster, decision: str) -> dict[str, Any]:
    url = f"https://{SERVICE}/v1/casemate/receipts/{decision}"
    where = (deploy.CLIENTS, "analyst", "client", "python3.11", "-c")
    answer: dict[str, Any] = cluster.execute(*where, READ.replace("HEADERS", HEADERS), url)
    return answer


def test_a_caller_gets_a_receipt_that_an_inspector_accepts(
    ask: Ask, cluster: Cluster, enclave: Enclave, tmp_path: Path
) -> None:
    decision = ask()["decision"]
    file, out = tmp_path / "receipt", exported(enclave, cluster, tmp_path)
    check = ["audit", "proof", str(out), "--policy", str(out / "policy.json"), "--check", str(file)]

    def accepted() -> bool:
        receipt = _receipt(cluster, decision)
        assert receipt["status"] == 200, receipt
        file.write_text(receipt["text"])
        return main([*check, decision]) == 0

    enclave.eventually(accepted, "no receipt that a witness has signed too", 30)

    own = token(cluster, KNOWN)
    other = ask(key=own)["decision"]
    assert main([*check, other]) != 0, "a receipt is for one record"


@contextmanager
def sealing(cluster: Cluster) -> Iterator[None]:
    """The agreement asks for sealed records; the model's pods follow, and come back afterwards."""
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key().public_bytes(*form).decode()
    _change(cluster, {"record": "Sealed", "publicKey": public})
    try:
        yield
    finally:
        _change(cluster, {"record": "Digest", "publicKey": None})


def _change(cluster: Cluster, audit: dict[str, str | None]) -> None:
    patch = json.dumps({"spec": {"audit": audit}})
    models = ("--namespace", deploy.MODELS)
    before = cluster.get(*models, "deployment", deploy.MODEL)["metadata"]["generation"]
    cluster.kubectl("patch", "usageagreement", AGREEMENT, "--type=merge", f"--patch={patch}")
    newer = f"jsonpath={{.metadata.generation}}={before + 1}"
    wait = ("wait", f"deployment/{deploy.MODEL}", f"--for={newer}", "--timeout=60s")
    cluster.kubectl(*models, *wait)
    cluster.kubectl(*models, "rollout", "status", f"deployment/{deploy.MODEL}", "--timeout=90s")


def test_sealed_contents_open_by_the_agreements_key_and_are_nowhere_in_clear(
    ask: Ask,
    cluster: Cluster,
    enclave: Enclave,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    marker = f"marker{uuid4().hex}"
    with sealing(cluster):
        enclave.eventually(lambda: ask()["ok"], "it does not answer with sealed records", 60)
        answer = ask("--prompt", f"Say {marker} once.")
        assert answer["ok"], answer
        assert ask()["ok"], "a checkpoint covers it"
        found = {what for what, data in places(enclave, cluster) if marker.encode() in data}
        out = exported(enclave, cluster, tmp_path)
    assert not found

    pem = tmp_path / "key.pem"
    pem.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    capfdbinary.readouterr()
    assert main(["audit", "show", str(out), answer["decision"], "--identity", str(pem)]) == 0
    assert marker.encode() in capfdbinary.readouterr().out
    verified = main(
        ["audit", "verify", str(out), "--policy", str(out / "policy.json"), "-o", "json"]
    )
    told = json.loads(capfdbinary.readouterr().out)
    assert (verified in {0, 3}, told["counts"]["broken"]) == (True, 0), told["findings"]
