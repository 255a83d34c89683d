"""The warden's certificate: for the pod of its StatefulSet, and for nobody who looks like it."""

from functools import partial
from typing import Any

import pytest
from cryptography import x509

from api.operator.test_certificates import _answer
from support import certificates as by_hand
from support.operators import SYSTEM, Api, Operator

Json = dict[str, Any]
WARDEN = "casemate-warden"
_pod = partial(by_hand.plain_pod, account=WARDEN)


def _stateful_set(api: Api, namespace: str, name: str = WARDEN) -> Json:
    labels = {"app": name}
    pod = {"containers": [{"name": "c", "image": "c"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template, "replicas": 0}
    where = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    made: Json = api.client.request("POST", where, {"metadata": {"name": name}, "spec": spec})
    return made


@pytest.fixture(scope="module")
def warden(api: Api) -> Json:
    return _stateful_set(api, SYSTEM)


def test_the_wardens_pod_gets_a_certificate_in_its_names(
    api: Api, operator: Operator, warden: Json
) -> None:
    asked = by_hand.request(api, _pod(api, SYSTEM, "warden-0", warden), by_hand.elliptic())
    assert _answer(api, asked)["type"] == "Issued"
    chain = by_hand.status(api, asked)["certificateChain"]
    certificate = x509.load_pem_x509_certificate(chain.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = names.get_values_for_type(x509.DNSName)
    assert {f"{WARDEN}.{SYSTEM}.svc", f"warden-0.{SYSTEM}.svc"} <= set(found)
    assert all(name.startswith((WARDEN, "warden-0")) for name in found), "of no other replica"


def test_whoever_only_looks_like_the_warden_gets_none(
    api: Api, operator: Operator, warden: Json, namespace: str
) -> None:
    another = _stateful_set(api, SYSTEM, "another")
    abroad = _stateful_set(api, namespace)
    looks_alike = [
        _pod(api, SYSTEM, "of-nobody", None),
        _pod(api, SYSTEM, "of-another", another),
        _pod(api, SYSTEM, "with-another-account", warden, account="default"),
        _pod(api, namespace, "of-another-namespace", abroad),
    ]
    for body in looks_alike:
        answer = _answer(api, by_hand.request(api, body, by_hand.elliptic()))
        assert (answer["type"], answer["reason"]) == ("Denied", "PodNotOurs"), body["metadata"]
