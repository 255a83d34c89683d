"""Who gets a certificate: one case is granted, and every doubt about it is a denial."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from casemate.core import pki, signing
from casemate.core.names import NAME_LABEL
from casemate.core.observed import Ref
from casemate.core.signing import Denial, Request, examine
from unit.core.world import ready

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def owned(uid: str, kind: str, by: str) -> dict[str, Any]:
    reference = {"kind": kind, "uid": by, "controller": True}
    return {"metadata": {"uid": uid, "labels": {NAME_LABEL: "m"}, "ownerReferences": [reference]}}


BODY = {"spec": {"podUID": "pod", "serviceAccountName": "m-model", "maxExpirationSeconds": 86_400}}
GRANTED = Request(
    BODY, owned("pod", "ReplicaSet", "set"), owned("set", "Deployment", "deployment"), "deployment"
)


def doubt(change: Callable[[Request], object]) -> Request:
    request = deepcopy(GRANTED)
    changed = change(request)
    return changed if isinstance(changed, Request) else request


def _owner(body: Any) -> Any:
    return body["metadata"]["ownerReferences"][0]


DOUBTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "the pod is gone": (lambda r: replace(r, pod=None), "PodUnknown"),
    "another pod has its name": (lambda r: r.pod["metadata"].update(uid="x"), "PodUnknown"),
    "the pod has no label": (lambda r: r.pod["metadata"].pop("labels"), "PodNotOurs"),
    "the pod wears another label": (
        lambda r: r.pod["metadata"]["labels"].update({NAME_LABEL: "x"}),
        "PodNotOurs",
    ),
    "the pod has no owner": (lambda r: r.pod["metadata"].pop("ownerReferences"), "PodNotOurs"),
    "its owner does not control it": (lambda r: _owner(r.pod).pop("controller"), "PodNotOurs"),
    "its owner is of another kind": (lambda r: _owner(r.pod).update(kind="Job"), "PodNotOurs"),
    "its ReplicaSet is gone": (lambda r: replace(r, replica_set=None), "PodNotOurs"),
    "another ReplicaSet has that name": (lambda r: _owner(r.pod).update(uid="x"), "PodNotOurs"),
    "the ReplicaSet has no owner": (
        lambda r: r.replica_set["metadata"].pop("ownerReferences"),
        "PodNotOurs",
    ),
    "the ReplicaSet is of another Deployment": (
        lambda r: _owner(r.replica_set).update(uid="x"),
        "PodNotOurs",
    ),
    "the operator made no such Deployment": (
        lambda r: replace(r, deployment_uid=None),
        "PodNotOurs",
    ),
    "the UIDs are both empty": (
        lambda r: (_owner(r.replica_set).update(uid=""), replace(r, deployment_uid=""))[1],
        "PodNotOurs",
    ),
    "the pod runs as another account": (
        lambda r: r.body["spec"].update(serviceAccountName="default"),
        "PodNotOurs",
    ),
    "the request carries annotations": (
        lambda r: r.body["spec"].update(unverifiedUserAnnotations={"casemate.dev/x": "y"}),
        "UnknownAnnotations",
    ),
}


def test_a_pod_of_our_own_deployment_is_granted_its_certificate() -> None:
    assert examine(GRANTED) is None


@pytest.mark.parametrize("case", DOUBTS.values(), ids=DOUBTS)
def test_every_doubt_is_a_denial(case: tuple[Callable[[Any], object], str]) -> None:
    change, reason = case
    denial = examine(doubt(change))
    assert denial is not None
    assert denial.reason == reason


def test_the_wardens_own_pod_is_granted_and_one_that_only_runs_as_it_is_not() -> None:
    body = {"spec": {"podUID": "pod", "serviceAccountName": "casemate-warden"}}
    pod = owned("pod", "StatefulSet", "warden")
    assert examine(Request(body, pod, None, None, warden_uid="warden")) is None
    others: dict[str, Request] = {
        "no StatefulSet": Request(body, pod, None, None, warden_uid=None),
        "another": Request(body, owned("pod", "StatefulSet", "x"), None, None, "warden"),
        "a Deployment": Request(body, owned("pod", "ReplicaSet", "warden"), None, None, "warden"),
        "a bare pod": Request(body, {"metadata": {"uid": "pod"}}, None, None, "warden"),
    }
    for name, request in others.items():
        denial = examine(request)
        assert denial is not None, name
        assert denial.reason == "PodNotOurs"


def test_the_consoles_own_pod_is_granted_and_one_that_only_runs_as_it_is_not() -> None:
    body = {"spec": {"podUID": "pod", "serviceAccountName": "casemate-console"}}
    pod, over = owned("pod", "ReplicaSet", "set"), owned("set", "Deployment", "console")
    assert examine(Request(body, pod, over, None, console_uid="console")) is None
    others: dict[str, Request] = {
        "no Deployment": Request(body, pod, over, None, console_uid=None),
        "another": Request(body, pod, owned("set", "Deployment", "x"), None, console_uid="console"),
        "a StatefulSet": Request(
            body, owned("pod", "StatefulSet", "console"), over, None, console_uid="console"
        ),
        "a ReplicaSet alone": Request(
            body, pod, {"metadata": {"uid": "set"}}, None, console_uid="console"
        ),
        "another ReplicaSet": Request(
            body, pod, owned("x", "Deployment", "console"), None, console_uid="console"
        ),
        "a bare pod": Request(
            body, {"metadata": {"uid": "pod"}}, None, None, console_uid="console"
        ),
        "a model's": Request(body, pod, over, "console", console_uid=None),
    }
    for name, request in others.items():
        denial = examine(request)
        assert denial is not None, name
        assert denial.reason == "PodNotOurs"


def test_a_deployment_is_ours_if_we_applied_it_for_this_very_model_deployment() -> None:
    observed = ready().observed()
    live = observed.children[Ref("Deployment", "m")]
    assert signing.made_here(observed, live)
    assert not signing.made_here(observed, replace(live, applied=False))
    world = ready()
    world.deployment["metadata"]["ownerReferences"][0]["uid"] = "x"
    observed = world.observed()
    assert not signing.made_here(observed, observed.children[Ref("Deployment", "m")])


def csr(key: Any, curve: Any = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return bytes(builder.sign(key, curve or hashes.SHA256()).public_bytes(Encoding.DER))


KEY = ec.generate_private_key(ec.SECP256R1())


def test_a_p256_key_is_taken_from_its_request() -> None:
    assert signing.public_key(csr(KEY)) == KEY.public_key()


def _tampered() -> bytes:
    text = csr(KEY)
    return text[:-1] + bytes([text[-1] ^ 1])


@pytest.mark.parametrize(
    ("request_der", "reason"),
    [
        (b"", "Malformed"),
        (b"no request", "Malformed"),
        (_tampered(), "Malformed"),
        (csr(ec.generate_private_key(ec.SECP384R1())), "UnsupportedKeyType"),
        (csr(rsa.generate_private_key(65537, 2048)), "UnsupportedKeyType"),
    ],
    ids=["nothing", "something else", "signed by no key", "another curve", "RSA"],
)
def test_any_other_key_is_denied(request_der: bytes, reason: str) -> None:
    found = signing.public_key(request_der)
    assert isinstance(found, Denial)
    assert found.reason == reason


def test_the_answer_repeats_the_certificate_and_renews_after_two_thirds() -> None:
    authority = pki.Authority.create(NOW)
    lifetime = signing.lifetime(BODY)
    leaf = pki.issue(authority, KEY.public_key(), ("m",), NOW, lifetime)
    status = signing.issued(leaf, pki.pem(leaf), NOW)
    moments = {
        key: datetime.fromisoformat(status[key])
        for key in ("notBefore", "beginRefreshAt", "notAfter")
    }
    assert moments["notBefore"] == leaf.not_valid_before_utc
    assert moments["notAfter"] - moments["notBefore"] == timedelta(days=1)
    assert moments["beginRefreshAt"] - moments["notBefore"] == timedelta(hours=16)
    assert x509.load_pem_x509_certificate(status["certificateChain"].encode()) == leaf
    assert signing.settled({"status": status})


def test_a_denial_settles_a_request_too() -> None:
    status = signing.denied(Denial("PodNotOurs", "why"), NOW)
    assert status["conditions"][0]["type"] == "Denied"
    assert status["conditions"][0]["lastTransitionTime"] == "2026-03-01T12:00:00Z"
    assert signing.settled({"status": status})
    assert not signing.settled({"status": {}})
    assert not signing.settled({})
