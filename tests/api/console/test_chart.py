"""What the chart brings for the console: nothing unless it is asked for, and never a right."""

import json
import subprocess
from typing import Any

import pytest

from api.console.house import House
from enclave import parts
from support.charts import CHART, Helm, template
from support.policies import ADMIN

Json = dict[str, Any]
CONSOLE = "casemate-console"
ENABLED = "--set=console.enabled=true"


@pytest.fixture(scope="module")
def helm() -> Helm:
    parts.ensure(["helm"])
    return Helm()


def consoles(helm: Helm, *settings: str) -> dict[str, Json]:
    """What is rendered for the console, by kind."""
    named = (one for one in helm.template(*settings) if one["metadata"]["name"] == CONSOLE)
    return {one["kind"]: one for one in named}


def test_nothing_of_it_is_there_unless_it_is_asked_for(helm: Helm) -> None:
    assert consoles(helm) == {}
    assert consoles(helm, ENABLED).keys() == {
        "Deployment",
        "NetworkPolicy",
        "Service",
        "ServiceAccount",
    }


def test_no_role_is_bound_to_it_and_its_pod_has_no_token(helm: Helm) -> None:
    for one in helm.template(ENABLED):
        assert CONSOLE not in json.dumps(one.get("subjects", []))
    made = consoles(helm, ENABLED)
    spec = made["Deployment"]["spec"]["template"]["spec"]
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False
    assert spec["automountServiceAccountToken"] is False
    assert "serviceAccountToken" not in json.dumps(spec)
    assert {one["name"] for one in spec["volumes"]} == {"tls", "api"}


def test_there_is_one_of_it_since_sessions_are_in_its_memory(helm: Helm) -> None:
    spec = consoles(helm, ENABLED)["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_only_who_is_named_may_connect_and_it_reaches_the_api_server_alone(helm: Helm) -> None:
    servers = "--set=networkPolicy.apiServer.cidrs={192.0.2.1/32},networkPolicy.enabled=false"
    spec = consoles(helm, ENABLED, servers)["NetworkPolicy"]["spec"]
    assert [port["port"] for rule in spec["ingress"] for port in rule["ports"]] == [8081]
    (out,) = spec["egress"]
    assert out["to"] == [{"ipBlock": {"cidr": "192.0.2.1/32"}}]
    named = "--set=console.clients.namespaces={ingress},console.clients.cidrs={192.0.2.0/24}"
    pages, _ = consoles(helm, ENABLED, named)["NetworkPolicy"]["spec"]["ingress"]
    assert pages == {
        "from": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}},
            {"ipBlock": {"cidr": "192.0.2.0/24"}},
        ],
        "ports": [{"port": 8446, "protocol": "TCP"}],
    }


def test_a_site_gives_it_further_names(helm: Helm) -> None:
    made = consoles(helm, ENABLED, "--set=console.hosts={approvals.enclave.local}")
    args = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--host=approvals.enclave.local" in args


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("console.clients.cidrs={0.0.0.0/0}", "cidrs/0"),
        ("console.clients.namespaces={A_b}", "namespaces/0"),
        ("console.hosts={https://a}", "hosts/0"),
        ("console.replicas=2", "'replicas' not allowed"),
    ],
)
def test_values_of_the_wrong_shape_are_refused_by_name(
    helm: Helm, setting: str, message: str
) -> None:
    done = helm.run(*template(ENABLED, f"--set={setting}"), check=False)
    assert done.returncode != 0
    assert message in done.stderr


def test_a_real_api_server_accepts_it_as_restricted(helm: Helm, house: House) -> None:
    admin = house.place.world.as_user(ADMIN)
    values = f"--values={CHART / 'ci' / 'full-values.yaml'}"
    made = consoles(helm, values)
    pod = made["Deployment"]["spec"]["template"]
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    meta = {"name": "restricted", "labels": label}
    admin.request("POST", "/api/v1/namespaces", {"metadata": meta})
    where = "/api/v1/namespaces/restricted/pods?dryRun=All"
    body = {"metadata": {"name": "c"}, "spec": pod["spec"]}
    admin.request("POST", where, body)
    kubectl = [str(parts.path_of("kubectl")), f"--kubeconfig={house.place.world.config(ADMIN)}"]
    listed = {"apiVersion": "v1", "kind": "List", "items": list(made.values())}
    done = subprocess.run(
        [*kubectl, "apply", "--dry-run=server", "--validate=strict", "--filename=-"],
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(server dry run)") == 4
