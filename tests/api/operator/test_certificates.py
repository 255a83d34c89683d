"""Gateway certificates: for pods of the operator's own Deployments, and for nobody else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.operator.test_children import create
from casemate.cluster.client import Client
from casemate.controller.authority import SECRET_NAME, AuthorityKeeper
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError
from support import certificates as by_hand
from support.operators import GROUPS, SYSTEM, USER, Api, Operator, eventually

Json = dict[str, Any]


def _answer(api: Api, asked: Json) -> Json:
    """The one condition with which a request was answered."""
    find = partial(by_hand.status, api, asked)
    eventually(lambda: bool(find().get("conditions")), "the request was never answered")
    (condition,) = find()["conditions"]
    return dict(condition)


def _ours(api: Api, namespace: str) -> Json:
    """The ReplicaSet of the operator's own Deployment, with the Deployment there."""
    create(api, namespace)
    return by_hand.replica_set(api, namespace, api.get("Deployment", namespace, "m"))


def test_a_pod_of_our_own_gets_a_certificate_for_its_service(
    api: Api, operator: Operator, namespace: str
) -> None:
    issued = operator.metric('casemate_certificates_total{result="issued"}')
    body = by_hand.pod(api, namespace, "p", _ours(api, namespace))
    key = by_hand.elliptic()

    asked = by_hand.request(api, body, key)

    assert _answer(api, asked)["type"] == "Issued"
    status = by_hand.status(api, asked)
    certificate = x509.load_pem_x509_certificate(status["certificateChain"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"m.{namespace}.svc" in names.get_values_for_type(x509.DNSName)
    assert certificate.public_key() == key.public_key()
    certificate.verify_directly_issued_by(_authority(api))
    now = datetime.now(UTC)
    assert certificate.not_valid_before_utc <= now
    assert now < certificate.not_valid_after_utc <= now + timedelta(days=1)
    assert operator.metric('casemate_certificates_total{result="issued"}') == issued + 1


def _authority(api: Api) -> x509.Certificate:
    bundle = api.client.request("GET", by_hand.bundle_path())
    assert bundle["spec"]["signerName"] == by_hand.SIGNER
    return x509.load_pem_x509_certificate(bundle["spec"]["trustBundle"].encode())


def _no_owner(api: Api, namespace: str, _: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", None)
    return by_hand.request(api, body, by_hand.elliptic())


def _loose_replica_set(api: Api, namespace: str, _: Json) -> Json:
    loose = by_hand.replica_set(api, namespace, None, "loose")
    body = by_hand.pod(api, namespace, "intruder", loose)
    return by_hand.request(api, body, by_hand.elliptic())


def _deployment_of_somebody_else(api: Api, namespace: str, _: Json) -> Json:
    """One that wears our labels, beside ours."""
    ours = api.get("Deployment", namespace, "m")
    assert ours is not None
    meta = {"name": "twin", "namespace": namespace, "labels": ours["metadata"]["labels"]}
    twin = api.create({**ours, "metadata": meta | by_hand.owned_by(None), "status": {}})
    theirs = by_hand.replica_set(api, namespace, twin, "theirs")
    body = by_hand.pod(api, namespace, "intruder", theirs)
    return by_hand.request(api, body, by_hand.elliptic())


def _replica_set_that_was_made_anew(api: Api, namespace: str, ours: Json) -> Json:
    """The pod's owner has the right name, but is another object."""
    earlier = {**ours, "metadata": {**ours["metadata"], "uid": "an-earlier-one"}}
    body = by_hand.pod(api, namespace, "intruder", earlier)
    return by_hand.request(api, body, by_hand.elliptic())


def _another_account(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours, account="default")
    return by_hand.request(api, body, by_hand.elliptic())


def _another_pod_of_that_name(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours)
    return by_hand.request(api, body, by_hand.elliptic(), podUID="an-earlier-one")


def _no_pod(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours)
    api.delete("Pod", namespace, "intruder")
    return by_hand.request(api, body, by_hand.elliptic())


def _user_annotations(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours)
    annotations = {"example.org/host": "other.svc"}
    key = by_hand.elliptic()
    return by_hand.request(api, body, key, unverifiedUserAnnotations=annotations)


def _weak_curve(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours)
    return by_hand.request(api, body, ec.generate_private_key(ec.SECP384R1()))


def _rsa(api: Api, namespace: str, ours: Json) -> Json:
    body = by_hand.pod(api, namespace, "intruder", ours)
    return by_hand.request(api, body, rsa.generate_private_key(65_537, 3072))


DENIED: dict[str, tuple[Callable[[Api, str, Json], Json], str]] = {
    "a pod of nobody": (_no_owner, "PodNotOurs"),
    "a pod of a loose ReplicaSet": (_loose_replica_set, "PodNotOurs"),
    "a pod of somebody else's Deployment": (_deployment_of_somebody_else, "PodNotOurs"),
    "a pod of an earlier ReplicaSet": (_replica_set_that_was_made_anew, "PodNotOurs"),
    "a pod with another account": (_another_account, "PodNotOurs"),
    "a later pod of that name": (_another_pod_of_that_name, "PodUnknown"),
    "a pod that is gone": (_no_pod, "PodUnknown"),
    "annotations of the user": (_user_annotations, "UnknownAnnotations"),
    "another curve": (_weak_curve, "UnsupportedKeyType"),
    "another kind of key": (_rsa, "UnsupportedKeyType"),
}


@pytest.mark.parametrize("who", DENIED)
def test_anybody_else_is_denied_beside_a_pod_that_is_not(
    api: Api, operator: Operator, namespace: str, who: str
) -> None:
    ask, reason = DENIED[who]
    ours = _ours(api, namespace)
    denied = operator.metric('casemate_certificates_total{result="denied"}')

    answer = _answer(api, asked := ask(api, namespace, ours))

    assert (answer["type"], answer["reason"]) == ("Denied", reason)
    assert "certificateChain" not in by_hand.status(api, asked)
    assert operator.metric('casemate_certificates_total{result="denied"}') == denied + 1
    body = by_hand.pod(api, namespace, "p", ours)
    control = _answer(api, by_hand.request(api, body, by_hand.elliptic()))
    assert control["type"] == "Issued"


def test_requests_to_other_signers_are_none_of_our_business(
    api: Api, operator: Operator, namespace: str
) -> None:
    ours = _ours(api, namespace)
    first, second = (by_hand.pod(api, namespace, name, ours) for name in ("first", "second"))
    theirs = by_hand.request(api, first, by_hand.elliptic(), signer="example.org/other")

    assert _answer(api, by_hand.request(api, second, by_hand.elliptic()))["type"] == "Issued"
    assert "conditions" not in by_hand.status(api, theirs)
    ends = [call["requestURI"].partition("?")[0] for call in api.calls()]
    ends = [one for one in ends if f"/{namespace}/podcertificaterequests/" in one]
    assert any(one.endswith("/for-second") for one in ends), "control: ours was read"
    assert not any("for-first" in one for one in ends)


async def test_a_ca_that_vanishes_comes_back_as_it_was(
    plane: ControlPlane, api: Api, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next look of a keeper that knew it; the operator's own looks are a minute apart."""
    monkeypatch.setenv("KUBECONFIG", str(plane.client_config_for(USER, GROUPS)))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    read = partial(api.get, "Secret", SYSTEM, SECRET_NAME)
    client = await Client.connect()
    try:
        keeper = AuthorityKeeper(client, SYSTEM)
        await keeper.refresh()
        before, bundle = read(), _bundle(api)
        assert before is not None
        assert bundle

        api.delete("Secret", SYSTEM, SECRET_NAME)
        api.client.request("DELETE", by_hand.bundle_path())
        assert (read(), _bundle(api)) == (None, ""), "control: both are gone"
        await keeper.refresh()
    finally:
        await client.close()

    after = read()
    assert after is not None
    assert after["data"] == before["data"]
    assert _bundle(api) == bundle


def _bundle(api: Api) -> str:
    try:
        return str(api.client.request("GET", by_hand.bundle_path())["spec"]["trustBundle"])
    except ApiError as error:
        assert error.status == 404  # noqa: PT017 - any other refusal is a broken test
        return ""
