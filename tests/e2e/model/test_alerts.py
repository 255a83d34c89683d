"""A real Prometheus scrapes the real programs, and the rules that ship fire on what happens."""

from collections.abc import Iterator
from functools import partial

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.model.conftest import Ask
from support.enclaves import Enclave
from support.metrics import documented
from support.watching import Prometheus, watching

PROGRAMS = {"operator": "Operator", "gateways": "Gateway", "warden": "Warden"}


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster, enclave: Enclave) -> Iterator[Prometheus]:
    with watching(cluster) as started:
        enclave.eventually(started.sees_all, "a target is not scraped", 60)
        yield started


@pytest.mark.parametrize("job", PROGRAMS)
def test_a_real_scrape_shows_exactly_what_is_documented(prometheus: Prometheus, job: str) -> None:
    page = {name: metric.kind for name, metric in documented(PROGRAMS[job]).items()}
    assert prometheus.shown(job) == page


def test_samples_carry_the_labels_that_rules_need(prometheus: Prometheus) -> None:
    ready = f'casemate_modeldeployment_condition{{namespace="{deploy.MODELS}",type="Ready"}} == 1'
    (sample,) = prometheus.query(f"max by (namespace, name) ({ready})")
    assert sample["metric"] == {"namespace": deploy.MODELS, "name": deploy.MODEL}
    served = "max by (namespace, model_deployment) (casemate_gateway_ready)"
    (sample,) = prometheus.query(served)
    assert sample["metric"] == {"namespace": deploy.MODELS, "model_deployment": deploy.MODEL}


def test_objectives_are_recorded_of_what_is_asked(
    prometheus: Prometheus, enclave: Enclave, ask: Ask
) -> None:
    for slo in ("guarded-answers", "judged", "isolation-proven"):
        good = f'casemate:slo_errors:ratio_5m{{slo="{slo}",namespace="{deploy.MODELS}"}} == 0'
        # The first request of a path makes its counter, so only the second is a rise.
        enclave.eventually(partial(answered, ask, prometheus, good), f"nothing for {good}", 60)


def test_breaking_the_glass_fires_its_alert(
    prometheus: Prometheus, cluster: Cluster, enclave: Enclave
) -> None:
    name = "CasemateGlassBroken"
    assert name not in prometheus.firing(), "control: before"
    policy = f"networkpolicy/{deploy.MODEL}-allow"
    user = cluster.kubectl("auth", "whoami", "--output=jsonpath={.status.userInfo.username}")
    note = f"casemate.dev/break-glass={user}: a test of the alert, nothing else"
    cluster.kubectl("--namespace", deploy.MODELS, "annotate", policy, "--overwrite", note)

    enclave.eventually(lambda: name in prometheus.firing(), "the alert does not fire", 60)

    alert = prometheus.firing()[name]
    assert alert["labels"]["kind"] == "NetworkPolicy"
    assert alert["labels"]["severity"] == "warning"
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert "A NetworkPolicy of a model was written" in alert["annotations"]["description"]


def answered(ask: Ask, prometheus: Prometheus, expr: str) -> bool:
    return bool(ask()["ok"] and prometheus.query(expr))
