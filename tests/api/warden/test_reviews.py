"""Who may use a model, by tokens and rights of a real API server: each refusal beside who may."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from api.warden.accounts import ADDRESS, RBAC, USER_ROLE, Json, account, bind, subject, token
from api.warden.conftest import ACCOUNT, GROUPS, connected
from casemate.cluster.client import Client
from casemate.identity import KNOWN_SECONDS, REVIEW_SECONDS
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.reviews import Named, Reviews
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi
from enclave.servers import ISSUER
from support.attacks import Layer, attack
from support.operators import Api

CLIENTS = "clients"
API_CACHE_SECONDS = 10.0
"""How long the API server takes a token for good that it has just seen."""


@pytest.fixture(scope="module")
def clients(api: Api, namespace: str) -> str:
    """Their namespace: `planner` may use every model, `narrow` one, `elsewhere` those of others."""
    api.namespace(CLIENTS)
    for name in ("planner", "narrow", "elsewhere", "stranger"):
        account(api, CLIENTS, name)
    bind(api, namespace, "planners", USER_ROLE, subject(CLIENTS, "planner"))
    bind(api, CLIENTS, "elsewhere", USER_ROLE, subject(CLIENTS, "elsewhere"))
    rule = {"apiGroups": ["casemate.dev"], "resources": ["modeldeployments"], "verbs": ["use"]}
    role = {"metadata": {"name": "one"}, "rules": [rule | {"resourceNames": ["m"]}]}
    api.client.request("POST", f"/apis/{RBAC}/v1/namespaces/{namespace}/roles", role)
    bind(api, namespace, "one", {"kind": "Role", "name": "one"}, subject(CLIENTS, "narrow"))
    return CLIENTS


@pytest.fixture
def pod(namespace: str, clients: str) -> Pod:
    """A gateway's pod, as `warden.callers` finds it."""
    return Pod(namespace, "m-1", "uid-of-m-1", ADDRESS, "m")


def of(api: Api, name: str, audience: str = "casemate", bound: Json | None = None) -> str:
    return token(api, CLIENTS, bound, audience, name)


async def refused(reviews: Reviews, pod: Pod, presented: str) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        await reviews.named(pod, presented)
    assert presented not in str(caught.value)
    return caught.value.status, caught.value.reason


BAD, RIGHTLESS = (401, "bad_caller"), (403, "no_right")


async def test_who_may_is_named_with_uid_and_groups(api: Api, reviews: Reviews, pod: Pod) -> None:
    where = f"/api/v1/namespaces/{CLIENTS}/serviceaccounts/planner"
    uid = api.client.request("GET", where)["metadata"]["uid"]
    found = await reviews.named(pod, of(api, "planner"))
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{CLIENTS}", "system:authenticated"]
    expected = Named(f"system:serviceaccount:{CLIENTS}:planner", uid, groups, KNOWN_SECONDS)
    assert found == expected


@attack("callers", "a token of another audience, of none, or made up", Layer.WARDEN)
async def test_tokens_that_are_not_for_models_are_refused(
    api: Api, reviews: Reviews, pod: Pod
) -> None:
    good = of(api, "planner")
    assert await reviews.named(pod, good), "control"
    head, payload, signature = good.split(".")
    for bad in (
        of(api, "planner", "casemate-warden"),
        of(api, "planner", ISSUER),
        f"{head}.{payload}.{signature[::-1]}",
        f"{head}.{payload}.",
        "made-up",
    ):
        assert await refused(reviews, pod, bad) == BAD


@attack(
    "callers", "a token that has ended, within the minute that the API server bears", Layer.WARDEN
)
async def test_a_token_that_has_ended_is_refused_though_the_api_server_takes_it(
    api: Api, client: Client, pod: Pod
) -> None:
    presented = of(api, "planner")
    for later, seconds in ((0.0, KNOWN_SECONDS), (590.0, 10.0)):
        shifted = Reviews(client, lambda later=later: time.time() + later)  # type: ignore[misc]
        assert (await shifted.named(pod, presented)).seconds == pytest.approx(seconds, abs=3)
    assert await refused(Reviews(client, lambda: time.time() + 601), pod, presented) == BAD


@attack("callers", "the token of an account that was deleted, and made anew", Layer.WARDEN)
async def test_the_token_of_a_deleted_account_is_refused_within_seconds(
    api: Api, namespace: str, reviews: Reviews, pod: Pod
) -> None:
    account(api, CLIENTS, "leaving")
    bind(api, namespace, "leaving", USER_ROLE, subject(CLIENTS, "leaving"))
    presented = of(api, "leaving")
    assert await reviews.named(pod, presented), "control"
    api.delete("ServiceAccount", CLIENTS, "leaving")
    account(api, CLIENTS, "leaving")
    assert await reviews.named(pod, of(api, "leaving")), "control: the new one of that name"
    took = await until(reviews, pod, presented, BAD)
    assert took <= API_CACHE_SECONDS + 2


@attack("callers", "the right to another model, and to models of another namespace", Layer.WARDEN)
async def test_the_right_is_to_one_model_in_its_namespace(
    api: Api, reviews: Reviews, pod: Pod
) -> None:
    other = pod._replace(deployment="other")
    assert await reviews.named(pod, of(api, "narrow")), "control"
    assert await refused(reviews, other, of(api, "narrow")) == RIGHTLESS
    assert await reviews.named(other, of(api, "planner")), "control: to every model there"
    assert await refused(reviews, pod, of(api, "elsewhere")) == RIGHTLESS
    theirs = pod._replace(namespace=CLIENTS)
    assert await reviews.named(theirs, of(api, "elsewhere")), "control"
    assert await refused(reviews, theirs, of(api, "planner")) == RIGHTLESS


@attack("callers", "no right, and a right that was taken away", Layer.WARDEN)
async def test_a_right_that_is_taken_away_is_gone_at_once(
    api: Api, namespace: str, reviews: Reviews, pod: Pod
) -> None:
    presented = of(api, "stranger")
    assert await refused(reviews, pod, presented) == RIGHTLESS
    where = bind(api, namespace, "strangers", USER_ROLE, subject(CLIENTS, "stranger"))
    assert await until(reviews, pod, presented, NAMED) < 2
    api.client.request("DELETE", where)
    assert await until(reviews, pod, presented, RIGHTLESS) < 2


async def test_a_binding_that_leads_nowhere_is_no_reason_to_doubt_a_no(
    api: Api, namespace: str, reviews: Reviews, pod: Pod
) -> None:
    dangling = {"kind": "ClusterRole", "name": "there-is-none"}
    where = bind(api, namespace, "dangling", dangling, subject(CLIENTS, "stranger"))
    assert await refused(reviews, pod, of(api, "stranger")) == RIGHTLESS
    assert await reviews.named(pod, of(api, "planner")), "control"
    api.client.request("DELETE", where)


async def test_roles_of_kubernetes_and_of_the_chart_do_not_include_it_but_one(
    api: Api, namespace: str, reviews: Reviews, pod: Pod
) -> None:
    presented = of(api, "stranger")
    for name in ("view", "edit", "casemate-viewer", "casemate-editor", "casemate-weights-loader"):
        where = bind(
            api,
            namespace,
            name,
            {"kind": "ClusterRole", "name": name},
            subject(CLIENTS, "stranger"),
        )
        assert await refused(reviews, pod, presented) == RIGHTLESS, name
        api.client.request("DELETE", where)


Outcome = tuple[int, str]
NAMED = (200, "")


async def outcome(reviews: Reviews, pod: Pod, presented: str) -> Outcome:
    try:
        await reviews.named(pod, presented)
    except RefusedError as error:
        return error.status, error.reason
    return NAMED


async def until(reviews: Reviews, pod: Pod, presented: str, expected: Outcome) -> float:
    """Wait until that is what comes of a token; returns the seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        while await outcome(reviews, pod, presented) != expected:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def test_without_the_api_server_nobody_is_named_nor_refused_by_fault(
    api: Api, reviews: Reviews, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    presented = of(api, "planner")
    configuration = reviews._client._configuration
    with monkeypatch.context() as away:
        away.setattr(configuration, "host", "https://127.0.0.1:1")
        began = time.monotonic()
        assert await refused(reviews, pod, presented) == (503, "unchecked")
        assert time.monotonic() - began < REVIEW_SECONDS + 1
    assert await reviews.named(pod, presented), "and again when it is back"


def test_the_warden_may_review_rights_and_not_give_them(api: Api, namespace: str) -> None:
    client = KubeApi.load(api.plane.client_config_for(ACCOUNT, GROUPS))
    asked = {"namespace": namespace, "verb": "use", "resource": "modeldeployments"}
    spec = {"user": "somebody", "resourceAttributes": asked}
    review = client.request(
        "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec}
    )
    assert review["status"]["allowed"] is False
    binding: Json = {"metadata": {"name": "own"}, "roleRef": {"apiGroup": RBAC, **USER_ROLE}}
    with pytest.raises(ApiError, match="answered 403"):
        client.request("POST", f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings", binding)


# Another cluster, and people who are no service accounts.

PERSON = "a-word-that-stands-for-a-person"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A second cluster, whose people have tokens that its API server takes for every audience."""
    folder = tmp_path_factory.mktemp("foreign-plane")
    people = folder / "people.csv"
    people.write_text(f'{PERSON},ann,uid-of-ann,"logistics"\n')
    flags = [f"--token-auth-file={people}", f"--api-audiences={ISSUER},casemate"]
    with ControlPlane(folder, extra_args=flags) as plane:
        yield Api(plane)


@attack("callers", "a token of another cluster with the same issuer and names", Layer.WARDEN)
async def test_a_token_of_another_cluster_is_refused(
    api: Api, foreign: Api, reviews: Reviews, pod: Pod
) -> None:
    foreign.namespace(CLIENTS)
    account(foreign, CLIENTS, "planner")
    assert await reviews.named(pod, of(api, "planner")), "control"
    assert await refused(reviews, pod, of(foreign, "planner")) == BAD
    assert await refused(reviews, pod, PERSON) == BAD


async def test_people_are_named_where_the_api_server_takes_their_tokens_for_models(
    foreign: Api, pod: Pod
) -> None:
    """The site's own authenticators know no audience: `--api-audiences` says what they are for."""
    client = await connected(foreign.plane.kubeconfig)
    reviews = Reviews(client)
    foreign.namespace(pod.namespace)
    account(foreign, pod.namespace, "planner")
    rule = {"apiGroups": ["casemate.dev"], "resources": ["modeldeployments"], "verbs": ["use"]}
    role = {"metadata": {"name": "use"}, "rules": [rule]}
    foreign.client.request("POST", f"/apis/{RBAC}/v1/namespaces/{pod.namespace}/roles", role)
    group = {"apiGroup": RBAC, "kind": "Group", "name": "logistics"}
    everybody = (group, subject(pod.namespace, "planner"))
    assert await outcome(reviews, pod, PERSON) == RIGHTLESS
    bind(foreign, pod.namespace, "use", {"kind": "Role", "name": "use"}, *everybody)
    await until(reviews, pod, PERSON, NAMED)
    named = await reviews.named(pod, PERSON)
    assert (named.username, named.uid, named.seconds) == ("ann", "uid-of-ann", KNOWN_SECONDS)
    ordinary = token(foreign, pod.namespace, None, ISSUER, "planner")
    assert await outcome(reviews, pod, ordinary) == BAD, "an account's ordinary token stays none"
    await client.close()
