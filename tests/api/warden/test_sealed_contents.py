"""Contents that the agreement wants: sealed on their way, on the disk and in a bundle."""

import base64
import hashlib
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from prometheus_client import generate_latest

from api.warden.holding import ANN, HOST, Etcd, Warden, intent
from api.warden.test_evidence import INTENT, outcome
from casemate.audit import sealing
from casemate.cli.collect import unpack
from casemate.cli.main import main
from casemate.cluster.client import Client
from casemate.evidence import RECORDS_PATH
from casemate.holds import HOLDS_PATH
from casemate.warden.copy import copy
from casemate.warden.metrics import REGISTRY
from support.attacks import Layer, attack
from support.operators import Api, model_deployment
from support.terms import agreement
from unit.gateway.test_sealing import pem

Json = dict[str, Any]
KEY = X25519PrivateKey.generate()
MARKER = "the-marker-of-a-secret-question"
SALT = b"s" * 32
ASKED = json.dumps({"model": "m", "messages": [{"role": "user", "content": MARKER}]}).encode()
ANSWERED = f"an answer about {MARKER}".encode()


@pytest.fixture(scope="module")
def deployed(guarded: Api, namespace: str) -> None:
    audit = {"record": "Sealed", "publicKey": pem(KEY), "retentionDays": 30}
    guarded.create(agreement("sealing", audit=audit))
    guarded.create(model_deployment("s", namespace, agreementRef={"name": "sealing"}))


@pytest.fixture
async def warden(
    guarded: Api, namespace: str, client: Client, deployed: None, tmp_path: Path
) -> AsyncIterator[Warden]:
    made = Warden(guarded, namespace, client, tmp_path)
    await made.fresh()
    yield made
    await made.close()


def with_content(record: Json, part: str, body: bytes, to: X25519PrivateKey = KEY) -> Json:
    """A record and its content, as a gateway sends them."""
    content = sealing.seal(SALT + body, to.public_key())
    said = {
        **record[part],
        "sha256": hashlib.sha256(SALT + body).hexdigest(),
        "sealed": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    return {**record, part: said, "sealed": base64.b64encode(content).decode()}


async def answered(warden: Warden, key: str) -> tuple[str, str]:
    """Record a request and its answer; return the names of both records."""
    status, said = await warden.post(key, RECORDS_PATH, with_content(INTENT, "request", ASKED))
    assert status == 200, said
    end = with_content(outcome(said["id"]), "response", ANSWERED)
    status, ended = await warden.post(key, RECORDS_PATH, end)
    assert status == 200, ended
    return said["id"], ended["id"]


def audit(*argv: str) -> int:
    return main(["audit", *argv])


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@attack("evidence", "a marker of a request, looked for in all that is kept", Layer.WARDEN)
async def test_contents_are_kept_exported_and_opened_and_are_in_clear_nowhere(
    warden: Warden,
    guarded: Api,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    caplog.set_level(logging.DEBUG)
    key = warden.pod("s-1", "s")
    asked, ended = await answered(warden, key)
    held = with_content(intent(ANN), "request", ASKED)
    sealed = held.pop("sealed")
    content = ASKED.decode()
    digest = hashlib.sha256(ASKED).hexdigest()
    body = {"intent": held, "digest": digest, "content": content, "sealed": sealed}
    status, waits = await warden.post(key, HOLDS_PATH, body)
    assert status == 200, waits

    marker = MARKER.encode()
    assert marker in files(tmp_path) + sealing.open(base64.b64decode(sealed), KEY), "control"
    assert marker not in files(tmp_path)
    assert marker not in Etcd(guarded.plane).everything()
    assert marker not in generate_latest(REGISTRY)
    assert MARKER not in caplog.text
    await warden.close()
    copied, out = tmp_path / "copied", tmp_path / "evidence"
    stream = io.BytesIO()
    copy(tmp_path / "log", stream)
    stream.seek(0)
    unpack(stream, copied)
    await warden.open()
    assert audit("export", str(copied), str(out)) == 0
    assert marker not in files(out)

    capsysbinary.readouterr()
    assert audit("verify", str(out), "-o", "json") in {0, 3}
    told = json.loads(capsysbinary.readouterr().out)
    assert told["verdict"] != "broken", told
    assert not [one for one in told["findings"] if "sealed" in one["field"]], told
    assert told["logs"][0]["contents"] == 3
    private = tmp_path / "key.pem"
    private.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for name, text in ((asked, ASKED), (ended, ANSWERED), (waits["id"], ASKED)):
        assert audit("show", str(out), name, "--identity", str(private)) == 0
        assert capsysbinary.readouterr().out == text


async def test_what_was_deleted_is_missed_unless_it_was_left_out(
    warden: Warden, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, ended = await answered(warden, warden.pod("s-2", "s"))
    await warden.close()
    (file,) = (tmp_path / "log" / "contents").iterdir()
    file.unlink()
    with_all, without = tmp_path / "all", tmp_path / "without"
    assert audit("export", str(tmp_path / "log"), str(with_all)) == 0
    assert audit("export", str(tmp_path / "log"), str(without), "--without-contents") == 0
    await warden.open()

    for out, missed in ((with_all, {"request.sealed", "response.sealed"}), (without, set())):
        capsys.readouterr()
        audit("verify", str(out), "-o", "json")
        told = json.loads(capsys.readouterr().out)
        assert {one["field"] for one in told["findings"] if "sealed" in one["field"]} == missed
        assert told["verdict"] != "broken"
    assert ended


@attack("evidence", "a content that is not the one that its record names", Layer.WARDEN)
async def test_another_content_is_refused_and_leaves_no_record(
    warden: Warden, tmp_path: Path
) -> None:
    key = warden.pod("s-3", "s")
    good = with_content(INTENT, "request", ASKED)
    other = with_content(INTENT, "request", ASKED)
    clear = base64.b64encode(SALT + ASKED).decode()
    named = {"sealed": f"sha256:{hashlib.sha256(SALT + ASKED).hexdigest()}"}
    wrong = [
        {**good, "sealed": other["sealed"]},
        {name: value for name, value in good.items() if name != "sealed"},
        {**INTENT, "sealed": good["sealed"]},
        {**good, "sealed": clear},
        {**good, "request": {**good["request"], **named}, "sealed": clear},
    ]
    for body in wrong:
        status, said = await warden.post(key, RECORDS_PATH, body)
        assert (status, said["reason"]) == (400, "bad_report"), said
    assert MARKER.encode() not in files(tmp_path)
    assert warden.records("intent") == []
    assert (await warden.post(key, RECORDS_PATH, good))[0] == 200, "control"


async def test_a_content_of_the_largest_size_is_taken(warden: Warden) -> None:
    key = warden.pod("s-4", "s")
    large = with_content(INTENT, "request", b"x" * (4 << 20))
    url = f"http://{HOST}:{warden.port}{RECORDS_PATH}"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = io.BytesIO(json.dumps(large).encode())
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=data, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
    (end,) = warden.records("intent")
    assert end["request"]["sealed"] == large["request"]["sealed"]
