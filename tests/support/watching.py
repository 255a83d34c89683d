"""A Prometheus of a test's own in the enclave, with the rules that ship."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from demo import deploy
from demo.cluster import Cluster
from enclave.addons import MANIFESTS

NAME, NAMESPACE = "alerts", "monitoring"
RULES = Path(__file__).parents[2] / "monitoring" / "rules.yaml"
SECONDS = "2s"
"""Between two scrapes, and between two looks at the rules: tests wait for them."""

Json = dict[str, Any]


class Prometheus:
    """The running one."""

    def __init__(self, cluster: Cluster, pod: str) -> None:
        self._cluster, self._pod = cluster, pod

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer of its HTTP API."""
        proxy = f"/api/v1/namespaces/{NAMESPACE}/pods/{self._pod}:9090/proxy/api/v1/{path}"
        raw = self._cluster.kubectl("get", "--raw", f"{proxy}?{urlencode(query)}")
        return json.loads(raw)["data"]

    def sees_all(self) -> bool:
        """Whether every target has been scraped."""
        targets = self.ask("targets")["activeTargets"]
        return {one["health"] for one in targets} == {"up"}

    def query(self, expr: str) -> list[Json]:
        """The samples of an expression."""
        found: list[Json] = self.ask("query", query=expr)["result"]
        return found

    def shown(self, job: str) -> dict[str, str]:
        """The metrics that the targets of a job show, with their types."""
        found = self.ask("targets/metadata", match_target=f'{{job="{job}"}}')
        return {one["metric"]: one["type"] for one in found}

    def firing(self) -> dict[str, Json]:
        """What fires, by name of the alert."""
        alerts = self.ask("alerts")["alerts"]
        return {one["labels"]["alertname"]: one for one in alerts if one["state"] == "firing"}


@contextmanager
def watching(cluster: Cluster) -> Iterator[Prometheus]:
    """It scrapes all three programs, from where their policies let it."""
    for document in (_config(cluster), _deployment()):
        cluster.kubectl("apply", "--filename=-", stdin=json.dumps(document))
    where = ("--namespace", NAMESPACE)
    try:
        cluster.kubectl(*where, "rollout", "status", f"deployment/{NAME}", "--timeout=60s")
        pods = cluster.get(*where, "pods", f"-lapp.kubernetes.io/name={NAME}")["items"]
        yield Prometheus(cluster, pods[0]["metadata"]["name"])
    finally:
        cluster.kubectl(*where, "delete", f"deployment/{NAME}", f"configmap/{NAME}")


def _deployment() -> Json:
    """The enclave's own, under another name and with another configuration."""
    documents = yaml.safe_load_all((MANIFESTS / "20-monitoring.yaml").read_text())
    (found,) = [one for one in documents if one["kind"] == "Deployment"]
    text = json.dumps(found).replace('name": "prometheus"', f'name": "{NAME}"')
    return dict(json.loads(text))


def _config(cluster: Cluster) -> Json:
    config = {
        "global": {"scrape_interval": SECONDS, "evaluation_interval": SECONDS},
        "rule_files": ["/etc/prometheus/rules.yaml"],
        "scrape_configs": [
            {
                "job_name": "operator",
                "honor_labels": True,
                "static_configs": _targets(
                    cluster, deploy.SYSTEM, "app.kubernetes.io/name=casemate", 8080
                ),
            },
            {
                "job_name": "warden",
                "static_configs": _targets(
                    cluster, deploy.SYSTEM, "app.kubernetes.io/name=casemate-warden", 8081
                ),
            },
            {
                "job_name": "gateways",
                "static_configs": _targets(
                    cluster, deploy.MODELS, "casemate.dev/model-deployment", 9090
                ),
            },
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {"prometheus.yml": json.dumps(config), "rules.yaml": RULES.read_text()},
    }


def _targets(cluster: Cluster, namespace: str, selector: str, port: int) -> list[Json]:
    pods = cluster.get("--namespace", namespace, "pods", f"-l{selector}")["items"]
    return [
        {
            "targets": [f"{pod['status']['podIP']}:{port}"],
            "labels": {
                "namespace": namespace,
                "pod": pod["metadata"]["name"],
                "model_deployment": pod["metadata"]["labels"].get(
                    "casemate.dev/model-deployment", ""
                ),
            },
        }
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("podIP")
    ]
