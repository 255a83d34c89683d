"""Agreements and suppliers as a running operator carries them out, clock included."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from api.operator.test_children import create, ready
from casemate.api.terms import spelled
from casemate.cluster.client import Client
from casemate.cluster.index import Index
from casemate.controller.bundle import SHIPPED
from casemate.core.names import TERMS_INDEX
from support.operators import Api, Operator, eventually, model_deployment
from support.terms import AGREEMENT_SPEC, agreement, directive, supplier

Json = dict[str, Any]


@pytest.fixture
def makers(api: Api, namespace: str) -> Iterator[tuple[str, str]]:
    """An agreement and a supplier of the test's own: (agreement, supplier)."""
    name = namespace[-40:].strip("-")
    api.create(supplier(name))
    api.create(agreement(name, suppliers=[name]))
    yield name, name
    for body in api.items("ModelDeployment", namespace):
        api.delete("ModelDeployment", namespace, body["metadata"]["name"])
    api.delete("UsageAgreement", "", name)
    api.delete("Supplier", "", name)


def under(name: str, namespace: str, terms: tuple[str, str], **changed: Any) -> Json:
    body = model_deployment(name, namespace, agreementRef={"name": terms[0]}, **changed)
    body["spec"]["model"]["supplier"] = terms[1]
    return body


def replicas(api: Api, namespace: str, name: str = "m") -> int:
    found = api.get("Deployment", namespace, name)
    return int(found["spec"]["replicas"]) if found else -1


def reason(api: Api, namespace: str, name: str = "m") -> str:
    return str(ready(api, namespace, name).get("reason", ""))


def order(api: Api, name: str, *directives: Json) -> None:
    api.patch("Supplier", "", name, {"spec": {"directives": list(directives)}})


def status(api: Api, kind: str, name: str) -> Json:
    return dict((api.get(kind, "", name) or {}).get("status", {}))


def policy(api: Api, namespace: str) -> tuple[Json, str]:
    """The guard's policy, and the digest that new pods are made for."""
    found, made = api.get("ConfigMap", namespace, "m-guard"), api.get("Deployment", namespace, "m")
    assert found is not None
    assert made is not None
    text = found["data"]["policy.json"]
    template = made["spec"]["template"]
    digest: str = template["metadata"]["annotations"]["casemate.dev/guard-policy"]
    (gateway,) = (c for c in template["spec"]["initContainers"] if c["name"] == "gateway")
    assert f"--guard-policy-digest={digest}" in gateway["args"]
    told = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return json.loads(text), digest if digest == told else ""


def test_a_changed_red_line_reaches_the_pods_and_no_other_word_does(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    api.create(under("m", namespace, makers))
    eventually(lambda: replicas(api, namespace) == 1, "it never started")
    text, before = policy(api, namespace)
    assert before
    assert text["lines"][1] == {"id": "use-of-force", "verdict": "Hold", "patterns": []}

    api.patch("UsageAgreement", "", makers[0], {"spec": {"reference": "another paper"}})
    digest = partial(status, api, "UsageAgreement", makers[0])
    told = digest()["termsDigest"]
    eventually(lambda: digest()["termsDigest"] != told, "the paper was never looked at")
    assert policy(api, namespace) == (text, before), "control: it says nothing of the guard"

    lines = [
        {"id": "domestic-mass-surveillance", "verdict": "Refuse", "patterns": ["(?i)dragnet"]},
        {"id": "use-of-force", "verdict": "Refuse"},
    ]
    api.patch("UsageAgreement", "", makers[0], {"spec": {"redLines": lines}})
    eventually(lambda: policy(api, namespace)[1] not in {"", before}, "no new policy")
    text, after = policy(api, namespace)
    assert [line["verdict"] for line in text["lines"]] == ["Refuse", "Refuse"]
    assert text["lines"][0]["patterns"] == ["(?i)dragnet"]
    eventually(lambda: _guard(api, namespace).get("policyDigest") == after, "the status lags")


def _guard(api: Api, namespace: str) -> Json:
    found = api.get("ModelDeployment", namespace, "m") or {}
    return dict(found.get("status", {}).get("guard", {}))


def test_a_guard_that_is_older_than_the_agreement_asks_stops_the_pods(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    api.create(under("m", namespace, makers))
    eventually(lambda: replicas(api, namespace) == 1, "it never started")

    newer: Json = {"minimumBundleVersion": SHIPPED.version + 10_000}
    api.patch("UsageAgreement", "", makers[0], {"spec": {"guard": newer}})
    eventually(lambda: reason(api, namespace) == "GuardOutdated", "it was not refused")
    assert replicas(api, namespace) == 0
    assert api.get("ConfigMap", namespace, "m-guard"), "everything else is kept"

    api.patch("UsageAgreement", "", makers[0], {"spec": {"guard": None}})
    eventually(lambda: replicas(api, namespace) == 1, "it never came back")


def test_a_deployment_waits_for_its_agreement_and_starts_when_it_is_made(
    api: Api, operator: Operator, namespace: str
) -> None:
    name = namespace[-40:].strip("-")
    api.create(model_deployment("m", namespace, agreementRef={"name": name}))
    eventually(lambda: reason(api, namespace) == "AgreementUnknown", "it was not refused")
    assert replicas(api, namespace) == 0

    api.create(agreement(name))
    eventually(lambda: replicas(api, namespace) == 1, "it never started")
    eventually(lambda: status(api, "UsageAgreement", name).get("deployments") == 1, "not counted")

    api.delete("UsageAgreement", "", name)
    eventually(lambda: replicas(api, namespace) == 0, "it runs under no agreement")


def test_agreements_and_suppliers_say_where_they_stand_and_the_index_repeats_it(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    api.create(under("m", namespace, makers, replicas=2))
    eventually(lambda: status(api, "UsageAgreement", makers[0]).get("replicasGranted") == 2, "")
    found = status(api, "UsageAgreement", makers[0])
    assert (found["phase"], found["deployments"], found["replicasUsed"]) == ("InForce", 1, 2)
    assert found["termsDigest"].startswith("sha256:")
    eventually(lambda: api.get("Deployment", namespace, "m") is not None, "it was never made")
    child = api.get("Deployment", namespace, "m")
    assert child is not None
    stamp = f"{makers[0]}@{found['termsDigest']}"
    assert child["metadata"]["annotations"]["casemate.dev/terms"] == stamp
    annotations = child["spec"]["template"]["metadata"]["annotations"]
    assert annotations["casemate.dev/terms"] == stamp

    eventually(lambda: status(api, "Supplier", makers[1]).get("deployments") == 1, "not counted")
    assert status(api, "Supplier", makers[1])["standing"] == "Approved"
    eventually(lambda: index(api).get(f"supplier.{makers[1]}") == "Approved", "not in the index")
    assert index(api)[f"agreement.{makers[0]}"] == "InForce"


def index(api: Api) -> dict[str, str]:
    return dict((api.get("TermsIndex", "", TERMS_INDEX) or {}).get("data", {}))


def test_an_order_runs_its_course_and_a_stay_brings_the_deployment_back(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    api.create(under("m", namespace, makers))
    eventually(lambda: replicas(api, namespace) == 1, "control: it never started")
    since = datetime.now(UTC)
    order(
        api, makers[1], directive(effectiveAt=spelled(since), phaseOutEndsAt="2096-01-01T00:00:00Z")
    )
    eventually(lambda: status(api, "Supplier", makers[1]).get("standing") == "PhasingOut", "")
    (inventory,) = status(api, "Supplier", makers[1])["inventory"]
    uid = (api.get("ModelDeployment", namespace, "m") or {})["metadata"]["uid"]
    assert [one["uid"] for one in inventory["deployments"]] == [uid]
    api.create(under("late", namespace, makers))
    eventually(lambda: reason(api, namespace, "late") == "NotInInventory", "a new one was let in")
    assert replicas(api, namespace, "late") == 0
    assert replicas(api, namespace) == 1, "control: what existed goes on"

    end = datetime.now(UTC) + timedelta(seconds=3)
    order(api, makers[1], directive(effectiveAt=spelled(since), phaseOutEndsAt=spelled(end)))
    eventually(lambda: replicas(api, namespace) == 0, "it outlived its deadline")
    assert datetime.now(UTC) >= end - timedelta(seconds=1), "it was stopped too early"
    assert api.get("Service", namespace, "m"), "everything else is kept"
    eventually(lambda: reason(api, namespace) == "SupplierBlocked", "")
    policy = api.get("NetworkPolicy", namespace, "m-allow") or {}
    ports = [rule["ports"][0]["port"] for rule in policy["spec"]["ingress"]]
    assert ports == [9090, 8443], "only monitoring and the warden get in"

    stay = {"from": spelled(datetime.now(UTC))}
    changed = {"effectiveAt": spelled(since), "phaseOutEndsAt": spelled(end)}
    order(api, makers[1], directive(**changed, state="Stayed", stays=[stay]))
    eventually(lambda: replicas(api, namespace) == 1, "it did not resume")
    history = [one["standing"] for one in status(api, "Supplier", makers[1])["history"]]
    assert history == ["Approved", "PhasingOut", "Blocked", "Approved"]


def test_a_term_ends_by_the_clock_alone(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    end = datetime.now(UTC) + timedelta(seconds=4)
    term = {"start": "2026-01-01T00:00:00Z", "end": spelled(end), "windDownDays": 0}
    api.patch("UsageAgreement", "", makers[0], {"spec": {"term": term}})
    api.create(under("m", namespace, makers))
    eventually(lambda: replicas(api, namespace) == 1, "control: it never started")
    eventually(lambda: replicas(api, namespace) == 0, "it outlived the agreement")
    eventually(lambda: reason(api, namespace) == "AgreementEnded", "")
    assert status(api, "UsageAgreement", makers[0])["phase"] == "Ended"


def test_capacity_that_becomes_free_goes_to_who_waited(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    api.patch("UsageAgreement", "", makers[0], {"spec": {"capacity": {"maxReplicas": 2}}})
    api.create(under("first", namespace, makers, replicas=2))
    eventually(lambda: replicas(api, namespace, "first") == 2, "control: it never started")
    made = datetime.now(UTC)
    # creationTimestamp has whole seconds: within one, nobody is older.
    eventually(lambda: datetime.now(UTC) > made + timedelta(seconds=1), "the clock stands still")
    api.create(under("second", namespace, makers, replicas=1))
    eventually(lambda: reason(api, namespace, "second") == "CapacityExceeded", "it was let in")
    assert replicas(api, namespace, "second") == 0

    api.patch("ModelDeployment", namespace, "first", {"spec": {"replicas": 1}})
    eventually(lambda: replicas(api, namespace, "second") == 1, "the free place was not given")


def test_what_others_write_into_the_index_goes_again(
    api: Api, operator: Operator, plane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually(api.counted, lambda: f"never complete: {api.uncounted()}")
    wanted = index(api)
    api.patch("TermsIndex", "", TERMS_INDEX, {"data": {"supplier.mine": "Approved"}})
    assert index(api) != wanted, "control: the edit was made"
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))

    async def restore() -> None:
        client = await Client.connect()
        keeper = Index(client)
        keeper._published = wanted
        await keeper.restore()
        await client.close()

    asyncio.run(restore())
    assert index(api) == wanted


def test_refusals_and_deadlines_are_metrics_and_events(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    order(api, makers[1], directive(phaseOutEndsAt="2096-01-01T00:00:00Z"))
    eventually(lambda: status(api, "Supplier", makers[1]).get("standing") == "PhasingOut", "")
    api.create(under("m", namespace, makers))
    eventually(lambda: reason(api, namespace) == "NotInInventory", "it was let in")
    eventually(
        lambda: "NotInInventory" in {one["reason"] for one in api.items("Event", namespace)},
        "no Event tells of it",
    )
    series = f'casemate_supplier_deadline_timestamp_seconds{{supplier="{makers[1]}"}}'
    assert operator.metric(series) == datetime(2096, 1, 1, tzinfo=UTC).timestamp()
    assert operator.metric('casemate_modeldeployments_refused{reason="NotInInventory"}') >= 1
    assert AGREEMENT_SPEC["term"]["end"] == "2096-01-01T00:00:00Z"
    series = f'casemate_agreement_end_timestamp_seconds{{agreement="{makers[0]}"}}'
    assert operator.metric(series) == datetime(2096, 1, 1, tzinfo=UTC).timestamp()
    other = partial(create, api, namespace, "control")
    other()
    assert replicas(api, namespace, "control") == 1, "control: another supplier's model runs"


def test_terms_that_change_for_many_crowd_out_no_report_of_an_edit(
    api: Api, operator: Operator, namespace: str, makers: tuple[str, str]
) -> None:
    names = [f"m{index}" for index in range(20)]
    for name in names:
        api.create(under(name, namespace, makers))
    for off, standing in (("Effective", "SupplierBlocked"), ("Revoked", "Approved")):
        order(api, makers[1], directive(phaseOutEndsAt="2026-03-02T00:00:00Z", state=off))
        eventually(partial(_all_stand, api, namespace, standing), f"not all are {standing}")
    notes = [event["reason"] for event in api.items("Event", namespace)]
    assert len(notes) < 2 * len(names), "control: not everything is told"

    api.patch("Service", namespace, "m0", {"spec": {"selector": {"app": "intruder"}}})
    eventually(
        lambda: "DriftRepaired" in {event["reason"] for event in api.items("Event", namespace)},
        "nothing tells of the edit",
    )


def _all_stand(api: Api, namespace: str, standing: str) -> bool:
    found = [one.get("status", {}) for one in api.items("ModelDeployment", namespace)]
    conditions = [c for status in found for c in status.get("conditions", [])]
    return {c["reason"] for c in conditions if c["type"] == "SupplierPermitted"} == {standing}
