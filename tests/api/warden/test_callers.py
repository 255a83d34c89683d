"""Who calls the warden, by tokens that a real API server made and reviews."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kubernetes.aio import client as kubernetes
from kubernetes.aio import config

from casemate.cluster.client import Client
from casemate.core.names import NAME_LABEL
from casemate.warden.callers import Callers, Pod, RefusedError
from enclave import parts
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi
from support.operators import GATEWAY_SIDECAR, SYSTEM, Api, install

Json = dict[str, Any]
ADDRESS, OTHER = "10.244.0.7", "10.244.0.8"
ACCOUNT = f"system:serviceaccount:{SYSTEM}:casemate-warden"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    parts.ensure(["helm"])
    with ControlPlane(tmp_path_factory.mktemp("warden-plane")) as plane:
        yield install(plane)


@pytest.fixture(scope="module")
def namespace(api: Api) -> str:
    name = api.namespace("models")
    for account in ("m-model", "casemate-operator"):
        for place in (name, SYSTEM):
            _account(api, place, account)
    return name


def _account(api: Api, namespace: str, name: str) -> None:
    meta = {"name": name, "namespace": namespace}
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


@pytest.fixture
async def callers(api: Api) -> AsyncIterator[Callers]:
    """With exactly the rights that the chart gives the warden."""
    configuration = kubernetes.Configuration()
    file = str(api.plane.client_config_for(ACCOUNT, GROUPS))
    await config.load_kube_config(file, client_configuration=configuration)
    client = Client(configuration)
    yield Callers(client, SYSTEM)
    await client.close()


def pod(api: Api, namespace: str, name: str, labels: Json | None = None) -> Json:
    """A pod with an address, as the kubelet would write it."""
    meta = {"name": name, "namespace": namespace, "labels": labels or {NAME_LABEL: "m"}}
    spec = {
        "containers": [{"name": "c", "image": "c"}],
        "initContainers": [GATEWAY_SIDECAR],
        "serviceAccountName": "m-model",
    }
    made = api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    status = {"status": {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}}
    api.patch("Pod", namespace, name, status, "status")
    return made


def token(
    api: Api, namespace: str, bound: Json | None, audience: str = "casemate-warden",
    account: str = "m-model",
) -> str:  # fmt: skip
    """A token as the kubelet asks for one, bound to a pod or to nothing."""
    spec: Json = {"audiences": [audience], "expirationSeconds": 600}
    if bound:
        meta = bound["metadata"]
        reference = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec["boundObjectRef"] = reference
    where = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    made: str = api.client.request("POST", where, {"spec": spec})["status"]["token"]
    return made


async def test_a_pod_is_known_by_its_token_and_its_address(
    api: Api, namespace: str, callers: Callers
) -> None:
    body = pod(api, namespace, "one")
    own = token(api, namespace, body)
    expected = Pod(namespace, "one", body["metadata"]["uid"], ADDRESS)
    assert await callers.pod(own, ADDRESS) == expected
    for _ in range(2):
        with pytest.raises(RefusedError, match=f"was used from {OTHER}") as caught:
            await callers.pod(own, OTHER)
        assert (caught.value.status, caught.value.reason) == (403, "foreign_token")


async def test_what_is_no_token_of_a_model_pod_is_refused(
    api: Api, namespace: str, callers: Callers
) -> None:
    body = pod(api, namespace, "two")
    plain = pod(api, namespace, "three", {"app": "client"})
    assert await callers.pod(token(api, namespace, body), ADDRESS), "control"
    refused = {
        "bad_token": ("nonsense", token(api, namespace, body, "casemate")),
        "unbound_token": (token(api, namespace, None),),
        "no_model": (token(api, namespace, plain),),
    }
    for reason, tokens in refused.items():
        for one in tokens:
            with pytest.raises(RefusedError) as caught:
                await callers.pod(one, ADDRESS)
            assert caught.value.reason == reason


async def test_the_token_of_a_pod_that_is_gone_is_refused(
    api: Api, namespace: str, callers: Callers
) -> None:
    old = token(api, namespace, pod(api, namespace, "four"))
    api.client.request(
        "DELETE", f"/api/v1/namespaces/{namespace}/pods/four", {"gracePeriodSeconds": 0}
    )
    again = token(api, namespace, pod(api, namespace, "four"))
    assert await callers.pod(again, ADDRESS), "control: the new one of that name"
    with pytest.raises(RefusedError) as caught:
        await callers.pod(old, ADDRESS)
    assert caught.value.reason in ("bad_token", "no_such_pod")


async def test_a_known_pod_stays_known_while_the_api_server_is_away(
    api: Api, namespace: str, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unknown = (pod(api, namespace, name) for name in ("five", "six"))
    own, new = token(api, namespace, known), token(api, namespace, unknown)
    assert await callers.pod(own, ADDRESS)
    monkeypatch.setattr(callers._client._configuration, "host", "https://127.0.0.1:1")
    assert (await callers.pod(own, ADDRESS)).name == "five"
    with pytest.raises(RefusedError) as caught:
        await callers.pod(new, ADDRESS)
    assert (caught.value.status, caught.value.reason) == (503, "unchecked")


async def test_the_operator_is_known_by_its_account(
    api: Api, namespace: str, callers: Callers
) -> None:
    await callers.operator(token(api, SYSTEM, None, account="casemate-operator"))
    strangers = (
        (token(api, namespace, None, account="casemate-operator"), "not_operator"),
        (token(api, SYSTEM, None, "casemate", "casemate-operator"), "bad_token"),
        (token(api, namespace, pod(api, namespace, "seven")), "not_operator"),
    )
    for one, reason in strangers:
        with pytest.raises(RefusedError) as caught:
            await callers.operator(one)
        assert caught.value.reason == reason


def test_the_warden_may_do_nothing_else(api: Api, namespace: str) -> None:
    client = KubeApi.load(api.plane.client_config_for(ACCOUNT, GROUPS))
    pod(api, namespace, "eight")
    found = client.request("GET", f"/api/v1/namespaces/{namespace}/pods/eight")
    assert found["metadata"]["name"] == "eight"
    for method, path in (
        ("GET", "/api/v1/pods"),
        ("GET", f"/api/v1/namespaces/{SYSTEM}/secrets"),
        ("PATCH", f"/api/v1/namespaces/{namespace}/pods/eight/status"),
    ):
        body: Json | None = {} if method == "PATCH" else None
        with pytest.raises(ApiError, match="answered 403"):
            client.request(method, path, body, "application/merge-patch+json")
