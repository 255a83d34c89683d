"""What the chart brings for Prometheus and Grafana: nothing, unless it is asked for."""

import json
from typing import Any

import pytest
import yaml

from api.monitoring.conftest import Kubectl
from support.charts import CHART, Helm, template

OURS = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
PLAIN = CHART.parents[1] / "monitoring"
MONITORS = "--set=" + ",".join(
    f"monitoring.monitors.{one}=true" for one in ("operator", "warden", "console", "gateways")
)
RULE = "--set=monitoring.prometheusRule.enabled=true"
DASHBOARD = "--set=monitoring.dashboard.enabled=true"


def monitoring(helm: Helm, *settings: str) -> dict[str, dict[str, Any]]:
    """What is rendered for monitoring, by kind and name."""
    return {
        f"{one['kind']}/{one['metadata']['name']}": one
        for one in helm.template(*settings)
        if one["kind"] in OURS or one["metadata"]["name"] == "casemate-dashboard"
    }


@pytest.mark.parametrize(
    ("settings", "rendered"),
    [
        ([], set()),
        (["--set=monitoring.monitors.operator=true"], {"ServiceMonitor/casemate-operator"}),
        (["--set=monitoring.monitors.warden=true"], {"PodMonitor/casemate-warden"}),
        (["--set=monitoring.monitors.console=true"], {"PodMonitor/casemate-console"}),
        (["--set=monitoring.monitors.gateways=true"], {"PodMonitor/casemate-gateways"}),
        ([RULE], {"PrometheusRule/casemate"}),
        ([DASHBOARD], {"ConfigMap/casemate-dashboard"}),
    ],
)
def test_each_switch_brings_its_object_and_no_other(
    helm: Helm, settings: list[str], rendered: set[str]
) -> None:
    assert monitoring(helm, *settings).keys() == rendered


def test_an_api_server_with_the_real_crds_accepts_all_of_it(
    helm: Helm, kubectl: Kubectl, prometheus_operator: None
) -> None:
    kubectl("create", "namespace", "casemate-system")
    extra = "--set=monitoring.prometheusRule.interval=1m,monitoring.prometheusRule.labels.a=b"
    objects = list(monitoring(helm, MONITORS, RULE, DASHBOARD, extra).values())
    assert len(objects) == 6
    dry = ["apply", "--dry-run=server", "--validate=strict", "--filename=-"]
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    done = kubectl(*dry, stdin=json.dumps(listed))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(server dry run)") == len(objects)
    monitor = next(one for one in objects if one["kind"] == "PodMonitor")
    monitor["spec"]["perhaps"] = True
    done = kubectl(*dry, stdin=json.dumps(monitor))
    assert "perhaps" in done.stderr, "control: what it does not know is refused"


def test_the_rules_are_those_for_prometheus_itself(helm: Helm) -> None:
    spec = monitoring(helm, RULE)["PrometheusRule/casemate"]["spec"]
    assert spec == yaml.safe_load((PLAIN / "rules.yaml").read_text())


def test_a_site_names_its_runbooks_interval_and_labels(helm: Helm) -> None:
    own = "--set=monitoring.prometheusRule.runbookURL=https://wiki.enclave.local/casemate/"
    interval = "--set=monitoring.prometheusRule.interval=2m"
    labels = "--set=monitoring.prometheusRule.labels.release=prometheus"
    rule = monitoring(helm, RULE, own, interval, labels)["PrometheusRule/casemate"]
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    groups = rule["spec"]["groups"]
    assert {group["interval"] for group in groups} == {"2m"}
    alerts = [one for group in groups for one in group["rules"] if "alert" in one]
    assert len(alerts) > 30
    for one in alerts:
        page = f"https://wiki.enclave.local/casemate/{one['alert']}.md"
        assert one["annotations"]["runbook_url"] == page


def test_monitors_scrape_the_ports_that_there_are(helm: Helm) -> None:
    objects = helm.template(MONITORS, "--set=monitoring.monitors.interval=15s")
    found = {f"{one['kind']}/{one['metadata']['name']}": one for one in objects}
    operator = found["ServiceMonitor/casemate-operator"]["spec"]
    service = found["Service/casemate-operator"]
    wanted = operator["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    (endpoint,) = operator["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["honorLabels"] is True, "samples name the namespace of the deployment"
    warden = found["PodMonitor/casemate-warden"]["spec"]
    pod = found["StatefulSet/casemate-warden"]["spec"]["template"]
    assert warden["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (endpoint,) = warden["podMetricsEndpoints"]
    ports = {one["name"]: one["containerPort"] for one in pod["spec"]["containers"][0]["ports"]}
    annotated = pod["metadata"]["annotations"]["prometheus.io/port"]
    assert str(ports[endpoint["port"]]) == annotated
    gateways = found["PodMonitor/casemate-gateways"]["spec"]["podMetricsEndpoints"]
    assert [one["port"] for one in gateways] == ["metrics"]
    assert "honorLabels" not in gateways[0], "a pod must not name another"
    intervals = [
        endpoint["interval"],
        gateways[0]["interval"],
        operator["endpoints"][0]["interval"],
    ]
    assert intervals == ["15s"] * 3


def test_the_dashboard_is_found_by_its_label(helm: Helm) -> None:
    folder = "--set=monitoring.dashboard.annotations.grafana_folder=Casemate"
    found = monitoring(helm, DASHBOARD, folder)["ConfigMap/casemate-dashboard"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Casemate"}
    (text,) = found["data"].values()
    assert json.loads(text) == json.loads((PLAIN / "dashboard.json").read_text())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("monitoring.monitors.operator=perhaps", "monitors/operator"),
        ("monitoring.monitors.interval=often", "monitors/interval"),
        ("monitoring.monitors.all=true", "'all' not allowed"),
        ("monitoring.prometheusRule.interval=5", "prometheusRule/interval"),
        ("monitoring.prometheusRule.runbookURL=wiki", "prometheusRule/runbookURL"),
        ("monitoring.dashboard.labels=none", "dashboard/labels"),
    ],
)
def test_values_of_the_wrong_shape_are_refused_by_name(
    helm: Helm, setting: str, message: str
) -> None:
    helm.run(*template())
    done = helm.run(*template(f"--set={setting}"), check=False)
    assert done.returncode != 0
    assert message in done.stderr


def test_the_strict_linter_passes_with_all_of_it(helm: Helm) -> None:
    where = ["--kube-version=1.37.2", "--namespace=casemate-system"]
    digest = f"--set=image.digest=sha256:{'0' * 64}"
    helm.run("lint", "--strict", str(CHART), digest, MONITORS, RULE, DASHBOARD, *where)
