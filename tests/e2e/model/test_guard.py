"""The guard in the real pod, before the real model, asked by the real client."""

import hashlib
from functools import partial

import pytest

from demo import deploy, guard
from demo.cluster import Cluster
from e2e.model.conftest import Ask, alive
from support.enclaves import Enclave

POLICY_MARK = "casemate.dev/guard-policy"


@pytest.mark.parametrize("how", [(), ("--stream",)], ids=["whole", "streamed"])
@pytest.mark.parametrize("case", guard.CASES, ids=lambda case: case.what)
def test_a_request_comes_out_as_it_must(ask: Ask, case: guard.Case, how: tuple[str, ...]) -> None:
    answer = ask("--prompt", case.prompt, *how)

    assert guard.came_out(case, answer), answer


def test_a_refusal_quotes_nothing_and_tells_which_line_it_is(ask: Ask) -> None:
    (case,) = (one for one in guard.CASES if one.what == "surveillance")

    told = ask("--prompt", case.prompt)["body"]["message"]

    assert "domestic-mass-surveillance" in told
    assert not {"citizen", "protest", "phone"} & set(told.lower().split())


def test_verdicts_are_counted_by_line_and_reach_prometheus(
    cluster: Cluster, ask: Ask, enclave: Enclave
) -> None:
    (case,) = (one for one in guard.CASES if one.what == "use of force")
    assert not ask("--prompt", case.prompt)["ok"]

    for query in (
        'sum(casemate_guard_verdicts_total{line="use-of-force",verdict="hold"}) > 0',
        'sum(casemate_guard_verdicts_total{verdict="allow"}) > 0',
        "casemate_guard_bundle_info == 1",
    ):
        enclave.eventually(partial(_is_there, cluster, query), f"nothing for {query}", 60)


def test_the_pod_runs_the_policy_that_its_agreement_makes(cluster: Cluster) -> None:
    name = f"{deploy.MODEL}-guard"
    config = cluster.get("--namespace", deploy.MODELS, "configmap", name)
    digest = hashlib.sha256(config["data"]["policy.json"].encode()).hexdigest()

    (pod,) = alive(cluster)

    assert pod["metadata"]["annotations"][POLICY_MARK] == f"sha256:{digest}"


def _is_there(cluster: Cluster, query: str) -> bool:
    return bool(cluster.prometheus(query))
