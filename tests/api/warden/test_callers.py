"""Who calls the warden, by tokens that a real API server made and reviews."""

import pytest

from api.warden.accounts import ADDRESS, OTHER, Json, account, pod, token
from api.warden.conftest import ACCOUNT, GROUPS
from casemate.warden.callers import Callers, Pod, RefusedError
from enclave.kubeapi import ApiError, KubeApi
from support.operators import SYSTEM, Api


@pytest.fixture(scope="module", autouse=True)
def operator(api: Api) -> None:
    """The operator's account, where the operator runs."""
    account(api, SYSTEM, "casemate-operator")


async def test_a_pod_is_known_by_its_token_and_its_address(
    api: Api, namespace: str, callers: Callers
) -> None:
    body = pod(api, namespace, "one")
    own = token(api, namespace, body)
    expected = Pod(namespace, "one", body["metadata"]["uid"], ADDRESS, "m")
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
    domain = "/apis/casemate.dev/v1alpha1"
    for kind in ("approvalrequests", "approvaldecisions", "approvalreviews", "killswitches"):
        assert "items" in client.request("GET", f"{domain}/{kind}")
    for method, path in (
        ("PATCH", f"{domain}/namespaces/{namespace}/approvalrequests/one"),
        ("POST", f"{domain}/namespaces/{namespace}/approvaldecisions"),
        ("POST", f"{domain}/namespaces/{namespace}/approvalreviews"),
        ("PATCH", f"{domain}/namespaces/{namespace}/approvalreviews/one"),
        ("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"),
        ("POST", f"{domain}/killswitches"),
        ("DELETE", f"{domain}/killswitches/one"),
        ("GET", f"{domain}/usageagreements"),
        ("PATCH", f"{domain}/namespaces/{namespace}/modeldeployments/m"),
        ("GET", "/api/v1/pods"),
        ("GET", f"/api/v1/namespaces/{SYSTEM}/secrets"),
        ("PATCH", f"/api/v1/namespaces/{namespace}/pods/eight/status"),
    ):
        body: Json | None = {} if method in {"PATCH", "POST"} else None
        with pytest.raises(ApiError, match="answered 403"):
            client.request(method, path, body, "application/merge-patch+json")
