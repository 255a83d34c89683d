"""The console's certificate: for the pods of its Deployment, and for nobody who looks like them."""

from functools import partial
from typing import Any

import pytest
from cryptography import x509

from api.operator.test_certificates import _answer
from support import certificates as by_hand
from support.operators import SYSTEM, Api, Operator

Json = dict[str, Any]
CONSOLE = "casemate-console"
_pod = partial(by_hand.plain_pod, account=CONSOLE)


def _deployment(api: Api, namespace: str, name: str = CONSOLE) -> Json:
    labels = {"app": name}
    pod = {"containers": [{"name": "c", "image": "c"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template, "replicas": 0}
    meta = {"name": name, "namespace": namespace}
    return api.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    )


@pytest.fixture(scope="module")
def console(api: Api) -> Json:
    """The ReplicaSet of the console's Deployment."""
    return by_hand.replica_set(api, SYSTEM, _deployment(api, SYSTEM), "console-1")


def test_the_consoles_pod_gets_a_certificate_in_its_name(
    api: Api, operator: Operator, console: Json
) -> None:
    asked = by_hand.request(api, _pod(api, SYSTEM, "console-a", console), by_hand.elliptic())
    assert _answer(api, asked)["type"] == "Issued"
    chain = by_hand.status(api, asked)["certificateChain"]
    certificate = x509.load_pem_x509_certificate(chain.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName)[0] == f"{CONSOLE}.{SYSTEM}.svc"


def test_whoever_only_looks_like_the_console_gets_none(
    api: Api, operator: Operator, console: Json, namespace: str
) -> None:
    another = by_hand.replica_set(api, SYSTEM, _deployment(api, SYSTEM, "another"), "another-1")
    alone = by_hand.replica_set(api, SYSTEM, None, "alone-1")
    abroad = by_hand.replica_set(api, namespace, _deployment(api, namespace), "abroad-1")
    looks_alike = [
        _pod(api, SYSTEM, "console-of-nobody", None),
        _pod(api, SYSTEM, "console-of-another", another),
        _pod(api, SYSTEM, "console-of-a-set-alone", alone),
        _pod(api, SYSTEM, "console-with-another-account", console, account="default"),
        _pod(api, SYSTEM, "console-as-the-warden", console, account="casemate-warden"),
        _pod(api, namespace, "console-of-another-namespace", abroad),
    ]
    for body in looks_alike:
        answer = _answer(api, by_hand.request(api, body, by_hand.elliptic()))
        assert (answer["type"], answer["reason"]) == ("Denied", "PodNotOurs"), body["metadata"]
