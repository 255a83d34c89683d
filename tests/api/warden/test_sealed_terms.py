"""Where a pod's own terms say `Sealed`, nothing of it goes on record without its content."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from api.warden.holding import ANN, CONTENT, Warden, digest, intent
from api.warden.test_evidence import INTENT, outcome
from api.warden.test_sealed_contents import ANSWERED, ASKED, KEY, with_content
from casemate.api.agreement import UsageAgreementSpec
from casemate.cluster.client import Client
from casemate.core import agreements
from casemate.evidence import RECORDS_PATH
from casemate.holds import HOLDS_PATH
from casemate.isolation.client import PROOFS_PATH
from casemate.warden.metrics import REGISTRY
from support.attacks import Layer, attack
from support.operators import Api, model_deployment
from support.terms import agreement
from unit.gateway.test_sealing import pem

Json = dict[str, Any]
PLAIN = {"record": "Digest", "retentionDays": 30}
SEALED = {"record": "Sealed", "publicKey": pem(KEY), "retentionDays": 30}
NAME = "sealing-terms"


def mark(body: Json, audit: Json) -> str:
    """The mark of a pod that was made under the agreement with these terms of the record."""
    spec = UsageAgreementSpec.model_validate(body["spec"] | {"audit": audit})
    return f"{NAME}@{agreements.digest(spec)}"


@pytest.fixture(scope="module")
def deployed(guarded: Api, namespace: str) -> Json:
    made = guarded.create(agreement(NAME, audit=PLAIN))
    guarded.create(model_deployment("t", namespace, agreementRef={"name": NAME}))
    return made


@pytest.fixture
async def warden(
    guarded: Api, namespace: str, client: Client, deployed: Json, tmp_path: Path
) -> AsyncIterator[Warden]:
    guarded.patch("UsageAgreement", "", NAME, {"spec": {"audit": {**PLAIN, "publicKey": None}}})
    made = Warden(guarded, namespace, client, tmp_path)
    await made.fresh()
    yield made
    await made.close()


def tighten(warden: Warden) -> None:
    warden.api.patch("UsageAgreement", "", NAME, {"spec": {"audit": SEALED}})


def refusals() -> float:
    said = {"reason": "not_sealed"}
    return REGISTRY.get_sample_value("casemate_warden_refusals_total", said) or 0.0


async def sent(warden: Warden, key: str, body: Json) -> tuple[int, Json]:
    return await warden.post(key, RECORDS_PATH, body)


def sealed_intent(to: X25519PrivateKey = KEY) -> Json:
    return with_content(INTENT, "request", ASKED, to)


@attack("evidence", "a record without its content, though the terms want it sealed", Layer.WARDEN)
async def test_a_pod_of_terms_that_seal_records_nothing_without_content(
    warden: Warden, deployed: Json
) -> None:
    tighten(warden)
    key, before = warden.pod("t-sealed", "t", mark(deployed, SEALED)), refusals()
    status, said = await sent(warden, key, INTENT)
    assert (status, said["reason"]) == (403, "not_sealed")
    assert "request.sealed: the terms of the pod say record Sealed" in said["message"]
    held = {"intent": intent(ANN), "digest": digest(), "content": CONTENT}
    assert (await warden.post(key, HOLDS_PATH, held))[1]["reason"] == "not_sealed"
    assert warden.records("intent") == []

    status, asked = await sent(warden, key, sealed_intent())
    assert status == 200, "control"
    end = outcome(asked["id"])
    assert end["response"], "control: something has left"
    assert (await sent(warden, key, end))[1]["reason"] == "not_sealed"
    assert refusals() == before + 3
    assert warden.records("outcome") == []
    assert (await sent(warden, key, with_content(end, "response", ANSWERED)))[0] == 200, "control"


async def test_where_nothing_left_there_is_nothing_to_seal(warden: Warden, deployed: Json) -> None:
    tighten(warden)
    key = warden.pod("t-nothing", "t", mark(deployed, SEALED))
    _, asked = await sent(warden, key, sealed_intent())
    end = outcome(asked["id"]) | {"response": None, "verdict": None, "status": 503}
    assert (await sent(warden, key, end))[0] == 200
    refused = {"kind": "refused", "caller": INTENT["caller"], "status": 403, "reason": "check"}
    assert (await sent(warden, key, refused))[0] == 200


@attack("evidence", "a content that is sealed to another key than that of the terms", Layer.WARDEN)
async def test_a_content_is_sealed_to_the_key_of_the_terms(warden: Warden, deployed: Json) -> None:
    tighten(warden)
    key = warden.pod("t-key", "t", mark(deployed, SEALED))
    status, said = await sent(warden, key, sealed_intent(X25519PrivateKey.generate()))
    assert (status, said["reason"]) == (403, "not_sealed")
    assert "of the terms" in said["message"]
    assert (await sent(warden, key, sealed_intent()))[0] == 200, "control"


async def test_a_pod_of_earlier_terms_goes_on_by_these(warden: Warden, deployed: Json) -> None:
    old = warden.pod("t-old", "t", mark(deployed, PLAIN))
    _, first = await sent(warden, old, INTENT)
    tighten(warden)
    await warden.restart()
    new = warden.pod("t-new", "t", mark(deployed, SEALED))
    assert (await sent(warden, new, INTENT))[1]["reason"] == "not_sealed"
    status, second = await sent(warden, old, INTENT)
    assert status == 200, "its own terms count, and a roll-out cuts nothing"
    for one in (first, second):
        assert (await sent(warden, old, outcome(one["id"])))[0] == 200


@attack("evidence", "a pod that goes on sealing nothing, once terms were loosened", Layer.WARDEN)
async def test_a_pod_of_terms_that_seal_seals_on_when_they_are_loosened(
    warden: Warden, deployed: Json
) -> None:
    tighten(warden)
    key = warden.pod("t-loose", "t", mark(deployed, SEALED))
    assert (await sent(warden, key, sealed_intent()))[0] == 200
    loosened = {"spec": {"audit": {**PLAIN, "publicKey": None}}}
    warden.api.patch("UsageAgreement", "", NAME, loosened)
    await warden.restart()
    assert (await sent(warden, key, INTENT))[1]["reason"] == "not_sealed"
    assert (await sent(warden, key, sealed_intent()))[0] == 200, "control"
    new = warden.pod("t-loosened", "t", mark(deployed, PLAIN))
    assert (await sent(warden, new, INTENT))[0] == 200, "control: one of the new terms"


async def test_terms_that_nobody_knows_are_refused(warden: Warden) -> None:
    for number, stamp in enumerate((f"{NAME}@sha256:{'0' * 64}", f"{NAME}@sha256:../../etc")):
        key = warden.pod(f"t-unknown-{number}", "t", stamp)
        for body in (INTENT, sealed_intent()):
            status, said = await sent(warden, key, body)
            assert (status, said["reason"]) == (503, "unchecked")
            assert "which the pod was made under, are not known here" in said["message"]


async def test_terms_are_learnt_before_anything_is_asked(warden: Warden, deployed: Json) -> None:
    key = warden.pod("t-early", "t", mark(deployed, PLAIN))
    proof = {"verdict": "Enforced", "message": "", "ports": [1]}
    assert (await warden.post(key, PROOFS_PATH, proof))[0] == 200
    tighten(warden)
    await warden.restart()
    assert (await sent(warden, key, INTENT))[0] == 200
