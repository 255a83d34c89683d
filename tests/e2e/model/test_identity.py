"""A name behind every request, in the real pod: who has none, or no right, beside who has both."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from demo import callers, deploy, names
from demo.callers import KNOWN, RIGHTLESS
from demo.cluster import Cluster
from demo.names import ALLOWED, FORBIDDEN, NAMELESS, Caller
from demo.progress import say
from e2e.model.conftest import Ask, alive
from support.enclaves import Enclave

MOST_SECONDS = 60.0
CLIENTS = ("--namespace", deploy.CLIENTS)
Account = Callable[[str], str]


@pytest.fixture
def account(cluster: Cluster) -> Iterator[Account]:
    """Makes accounts of clients, and rights of theirs; afterwards they are gone."""
    made: list[str] = []

    def make(name: str) -> str:
        cluster.kubectl(*CLIENTS, "create", "serviceaccount", name)
        made.append(name)
        return name

    yield make
    for name in made:
        cluster.kubectl(*CLIENTS, "delete", "serviceaccount", name, "--ignore-not-found")
        for place in (deploy.MODELS, deploy.CLIENTS):
            cluster.kubectl("--namespace", place, *_binding(name), "--ignore-not-found")


def _binding(name: str) -> tuple[str, ...]:
    return ("delete", "rolebinding", f"use-by-{name}")


def _outcome(ask: Ask, key: str) -> tuple[int, str]:
    return names.outcome(ask(key=key))


@pytest.mark.parametrize("caller", names.CALLERS, ids=lambda one: one.who)
def test_each_caller_gets_what_they_must(cluster: Cluster, caller: Caller) -> None:
    assert names.came_of(cluster, caller) == caller.outcome


def test_a_pods_own_token_is_enough_whole_and_streamed(ask: Ask) -> None:
    assert ask()["content"]
    assert ask("--stream")["content"]


def test_a_token_that_another_key_signed_is_none(cluster: Cluster, ask: Ask) -> None:
    good = callers.token(cluster, KNOWN)
    assert _outcome(ask, good) == ALLOWED, "control"
    signed = good.rpartition(".")[0]
    key = rsa.generate_private_key(65537, 2048)
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    forged = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    assert _outcome(ask, forged) == NAMELESS


def test_the_right_to_models_of_another_namespace_is_none_to_this_one(
    cluster: Cluster, ask: Ask, account: Account
) -> None:
    name = account("elsewhere")
    callers.allow(cluster, deploy.CLIENTS, name)
    key = callers.token(cluster, name)
    assert _outcome(ask, key) == FORBIDDEN
    callers.allow(cluster, deploy.MODELS, name)
    _until(ask, key, ALLOWED, 10)


def test_a_role_that_is_taken_away_counts_within_a_minute(
    cluster: Cluster, ask: Ask, account: Account
) -> None:
    name = account("leaving-the-team")
    callers.allow(cluster, deploy.MODELS, name)
    key = callers.token(cluster, name)
    _until(ask, key, ALLOWED, 10)
    cluster.kubectl("--namespace", deploy.MODELS, *_binding(name))
    say(f"a removed role counted after {_until(ask, key, FORBIDDEN, MOST_SECONDS):.1f} s")


def test_an_account_that_is_deleted_counts_within_a_minute(
    cluster: Cluster, ask: Ask, account: Account
) -> None:
    name = account("leaving-the-house")
    callers.allow(cluster, deploy.MODELS, name)
    key = callers.token(cluster, name)
    _until(ask, key, ALLOWED, 10)
    cluster.kubectl(*CLIENTS, "delete", "serviceaccount", name)
    account(name)  # the name alone is not enough: a new account of it is somebody else
    say(f"a deleted account counted after {_until(ask, key, NAMELESS, MOST_SECONDS):.1f} s")
    _until(ask, callers.token(cluster, name), ALLOWED, 10)


def _until(ask: Ask, key: str, expected: tuple[int, str], seconds: float) -> float:
    """Ask until that comes of it; returns the seconds that it took."""
    began = time.monotonic()
    while (found := _outcome(ask, key)) != expected:
        assert time.monotonic() - began < seconds, f"{found} instead of {expected}"
    return time.monotonic() - began


@pytest.fixture
def speechless(cluster: Cluster) -> Iterator[None]:
    """The warden may not ask about anybody for a while."""
    role = cluster.get("clusterrole", "casemate-warden")
    rules = [one for one in role["rules"] if "tokenreviews" not in one["resources"]]
    body: dict[str, Any] = {key: role[key] for key in ("apiVersion", "kind")}
    body["metadata"] = {"name": "casemate-warden", "labels": role["metadata"]["labels"]}
    cluster.kubectl("replace", "--filename=-", stdin=json.dumps(body | {"rules": rules}))
    yield
    cluster.kubectl("replace", "--filename=-", stdin=json.dumps(body | {"rules": role["rules"]}))


def test_where_nobody_can_tell_who_it_is_nobody_new_is_answered(
    cluster: Cluster, ask: Ask, request: pytest.FixtureRequest
) -> None:
    known, new = callers.token(cluster, KNOWN), callers.token(cluster, KNOWN)
    assert _outcome(ask, known) == ALLOWED
    request.getfixturevalue("speechless")
    assert _outcome(ask, new) == (503, "identity_unavailable")
    assert _outcome(ask, known) == ALLOWED, "control: who is known is known for a while"


def test_refusals_are_counted_by_reason(cluster: Cluster, ask: Ask, enclave: Enclave) -> None:
    assert _outcome(ask, "made-up") == NAMELESS
    assert _outcome(ask, callers.token(cluster, RIGHTLESS)) == FORBIDDEN
    for reason in ("bad_token", "no_right"):
        query = f'sum(casemate_gateway_refusals_total{{reason="{reason}"}}) > 0'
        counted = partial(lambda query: bool(cluster.prometheus(query)), query)
        enclave.eventually(counted, f"nothing for {query}", 60)


def test_the_token_is_in_no_log_event_or_status(cluster: Cluster, ask: Ask) -> None:
    keys = [callers.token(cluster, one) for one in (KNOWN, RIGHTLESS)]
    assert [_outcome(ask, key)[0] for key in keys] == [200, 403]
    logs = "".join(_logs(cluster, place) for place in (deploy.MODELS, deploy.SYSTEM))
    assert "visitor may not use modeldeployments.casemate.dev" in logs, "control: it is told who"
    kinds = "events,pods,modeldeployments,configmaps,secrets"
    objects = cluster.kubectl("get", kinds, "--all-namespaces", "--output=json")
    for text in (logs, objects):
        assert not [key for key in keys if key.rpartition(".")[2] in text]


def _logs(cluster: Cluster, namespace: str) -> str:
    where = ("--namespace", namespace)
    pods = cluster.get(*where, "pods")["items"] if namespace == deploy.SYSTEM else alive(cluster)
    names_of = [pod["metadata"]["name"] for pod in pods]
    logs = ("logs", "--all-containers", "--since=2m")
    return "".join(cluster.kubectl(*where, *logs, name) for name in names_of)
