import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.charts import CHART, DIGEST, KUBE_VERSION, Helm, template
from support.enclaves import Enclave

VALUES = sorted((CHART / "ci").glob("*.yaml"))
CRDS = CHART.parents[1] / "crds"
KEEP = "helm.sh/resource-policy"


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def named(objects: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["metadata"]["name"] == name]


def pod_spec(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = of_kind(objects, "Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_the_chart_passes_the_strict_linter(helm: Helm, values: Path):
    where = [f"--kube-version={KUBE_VERSION}", "--namespace=casemate-system"]
    helm.run("lint", "--strict", str(CHART), f"--values={values}", *where)


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_a_real_api_server_accepts_what_the_chart_renders(
    helm: Helm, enclave: Enclave, system: str, values: Path
):
    objects = helm.template(f"--values={values}")
    assert len(objects) > 8
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    dry = ["apply", "--dry-run=server", "--validate=strict", "--filename=-"]
    out = enclave.kubectl(*dry, stdin=json.dumps(listed))
    assert out.count("(server dry run)") == len(objects)
    assert f"namespace/{system}" not in out


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("image.digest=latest", "image/digest"),
        ("image.digest=sha256:abc", "image/digest"),
        ("image.tag=1.0", "'tag' not allowed"),
        ("replicas=2", "'replicas' not allowed"),
        ("global.imageRegistry=https://registry.example", "imageRegistry"),
        ("networkPolicy.apiServer.cidrs={0.0.0.0/0}", "cidrs/0"),
        ("networkPolicy.apiServer.cidrs=null", "apiServer"),
        ("networkPolicy.apiServer.ports={none}", "ports/0"),
        ("crds.enabled=perhaps", "crds/enabled"),
        ("replicaCount=0", "replicaCount"),
        ("replicaCount=two", "replicaCount"),
        ("warden.replicas=0", "replicas"),
        ("warden.replicas=6", "replicas"),
        ("warden.replicas=two", "replicas"),
    ],
)
def test_values_of_the_wrong_shape_are_refused_by_name(helm: Helm, setting: str, message: str):
    helm.run(*template())
    done = helm.run(*template(f"--set={setting}"), check=False)
    assert done.returncode != 0
    assert message in done.stderr


def test_an_image_without_digest_is_refused_with_the_reason(helm: Helm):
    done = helm.run(*template(digest=""), check=False)
    assert done.returncode != 0
    assert "image.digest is required" in done.stderr


def test_an_older_cluster_is_refused(helm: Helm):
    done = helm.run(*template("--kube-version=1.36.0"), check=False)
    assert done.returncode != 0
    assert "incompatible with Kubernetes v1.36.0" in done.stderr


def test_one_value_moves_every_image_to_another_registry(helm: Helm):
    here = json.dumps(pod_spec(helm.template()))
    mirrored = helm.template("--set=global.imageRegistry=mirror.example:5000")
    there = json.dumps(pod_spec(mirrored))
    assert here.count("registry.enclave.local/") == 2
    assert there.count("mirror.example:5000/") == 2
    assert "registry.enclave.local/" not in there


def test_the_gateway_may_have_an_image_of_its_own(helm: Helm):
    own = f"sha256:{'1' * 64}"
    spec = pod_spec(helm.template(f"--set=gateway.image.digest={own}"))
    assert spec["containers"][0]["image"].endswith(DIGEST)
    assert (
        f"--gateway-image=registry.enclave.local/casemate/casemate@{own}"
        in (spec["containers"][0]["args"])
    )


def test_rights_are_listed_one_by_one(helm: Helm):
    roles = [one for one in helm.template() if one["kind"] in {"ClusterRole", "Role"}]
    assert sorted((one["kind"], one["metadata"]["name"]) for one in roles) == [
        ("ClusterRole", "casemate-approver"),
        ("ClusterRole", "casemate-break-glass"),
        ("ClusterRole", "casemate-editor"),
        ("ClusterRole", "casemate-enclave-admin"),
        ("ClusterRole", "casemate-key-rotator"),
        ("ClusterRole", "casemate-lifter"),
        ("ClusterRole", "casemate-operator"),
        ("ClusterRole", "casemate-stopper"),
        ("ClusterRole", "casemate-terms-loosener"),
        ("ClusterRole", "casemate-user"),
        ("ClusterRole", "casemate-viewer"),
        ("ClusterRole", "casemate-warden"),
        ("ClusterRole", "casemate-weights-loader"),
        ("Role", "casemate-operator"),
        ("Role", "casemate-warden"),
    ]
    for rule in (rule for role in roles for rule in role["rules"]):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"escalate", "bind", "impersonate", "deletecollection"} & {*rule["verbs"]}
    operators = [one for one in roles if one["metadata"]["name"] == "casemate-operator"]
    rules = [rule for role in operators for rule in role["rules"]]
    writers = [rule for rule in rules if "modeldeployments" in rule["resources"]]
    assert [rule["verbs"] for rule in writers] == [["get", "list", "watch"]]


def test_operator_and_warden_alone_are_bound_to_anything_each_to_its_own(helm: Helm):
    bindings = [one for one in helm.template() if one["kind"].endswith("RoleBinding")]
    bound = sorted((one["roleRef"]["name"], one["kind"]) for one in bindings)
    programs = ("casemate-operator", "casemate-warden")
    kinds = ("ClusterRoleBinding", "RoleBinding")
    assert bound == [(name, kind) for name in programs for kind in kinds]
    for one in bindings:
        own = {"name": one["roleRef"]["name"], "namespace": "casemate-system"}
        assert one["subjects"] == [{"kind": "ServiceAccount", **own}]


def test_two_replicas_keep_apart_and_are_replaced_one_by_one(helm: Helm):
    objects = helm.template()
    (deployment,) = of_kind(objects, "Deployment")
    spec = deployment["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    selected = spec["selector"]["matchLabels"]
    spread = pod_spec(objects)["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert {one["whenUnsatisfiable"] for one in spread} == {"ScheduleAnyway"}, "a node is enough"
    assert all(one["labelSelector"]["matchLabels"] == selected for one in spread)
    (budget,) = named(of_kind(objects, "PodDisruptionBudget"), "casemate-operator")
    assert budget["spec"]["selector"]["matchLabels"] == selected
    assert budget["spec"]["maxUnavailable"] == 1
    (one,) = of_kind(helm.template("--set=replicaCount=1"), "Deployment")
    assert one["spec"]["replicas"] == 1


def test_the_lease_is_allowed_by_name_and_in_the_release_s_namespace(helm: Helm):
    roles = [one for one in helm.template() if one["kind"] in {"ClusterRole", "Role"}]
    found = [
        (role["kind"], rule.get("resourceNames"), rule["verbs"])
        for role in roles
        for rule in role["rules"]
        if "leases" in rule["resources"]
    ]
    assert found == [
        ("Role", None, ["create"]),
        ("Role", ["casemate-operator"], ["get", "update"]),
    ]


def test_the_pod_is_restricted(helm: Helm):
    (deployment,) = of_kind(helm.template(), "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    (volume,) = spec["volumes"]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "casemate-warden"
    context = spec["containers"][0]["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_policy_names_where_the_api_server_is_and_nothing_wider(helm: Helm):
    setting = "--set=networkPolicy.apiServer.cidrs={192.0.2.1/32}"
    policies = of_kind(helm.template(setting), "NetworkPolicy")
    deny = next(one for one in policies if one["metadata"]["name"] == "casemate-default-deny")
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & deny["spec"].keys()
    allow = next(one for one in policies if one["metadata"]["name"] == "casemate-operator")
    blocks = [peer for rule in allow["spec"]["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert blocks == [{"ipBlock": {"cidr": "192.0.2.1/32"}}]
    without = of_kind(helm.template("--set=networkPolicy.enabled=false"), "NetworkPolicy")
    assert [one["metadata"]["name"] for one in without] == ["casemate-warden"]


def test_the_canary_is_open_to_the_operator_and_the_warden_itself_alone(helm: Helm):
    policies = of_kind(helm.template(), "NetworkPolicy")
    (warden,) = [one for one in policies if one["metadata"]["name"] == "casemate-warden"]
    models, operator, itself, monitoring = warden["spec"]["ingress"]
    assert [port["port"] for port in models["ports"]] == [8444]
    assert {port["port"] for port in operator["ports"]} == {8444, 8445}
    assert {port["port"] for port in itself["ports"]} == {8444, 8445}
    assert [port["port"] for port in monitoring["ports"]] == [8081]
    for rule, component in ((operator, "operator"), (itself, "warden")):
        (peer,) = rule["from"]
        assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
        assert "namespaceSelector" not in peer, "of its own namespace"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_replica_of_the_warden_has_a_service_of_its_own(helm: Helm, count: int):
    objects = helm.template(f"--set=warden.replicas={count}")
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "Service")}
    own = [name for name in services if name.startswith("casemate-warden-")]
    assert own == [f"casemate-warden-{number}" for number in range(count)]
    for name in own:
        assert services[name]["selector"]["statefulset.kubernetes.io/pod-name"] == name
        assert services[name]["type"] == "ClusterIP"
        assert services[name]["ports"] == services["casemate-warden"]["ports"]
    (warden,) = of_kind(objects, "StatefulSet")
    assert warden["spec"]["replicas"] == count
    (role,) = named(of_kind(objects, "Role"), "casemate-warden")
    (rule,) = role["rules"]
    assert set(own) <= set(rule["resourceNames"]), "it may look where the others are"


def test_replicas_of_the_warden_keep_apart_and_each_starts_by_itself(helm: Helm):
    objects = helm.template()
    (warden,) = of_kind(objects, "StatefulSet")
    spec, pod = warden["spec"], warden["spec"]["template"]["spec"]
    assert (spec["replicas"], spec["podManagementPolicy"]) == (2, "Parallel")
    (wanted,) = pod["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    labels = spec["selector"]["matchLabels"]
    assert wanted["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels
    (budget,) = named(of_kind(objects, "PodDisruptionBudget"), "casemate-warden")
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["maxUnavailable"] == 1
    sources = {
        volume["name"]: volume["projected"]["sources"]
        for volume in pod["volumes"]
        if "projected" in volume
    }
    (token,) = sources["peers"]
    assert token["serviceAccountToken"]["audience"] == "casemate-warden"
    (trust,) = sources["peers-ca"]
    assert trust["clusterTrustBundle"]["name"] == "casemate.dev:gateway:ca"


def test_what_the_site_names_is_tried_by_every_pod(helm: Helm):
    own = "tcp:10.20.0.5:443=archive"
    assert (
        f"--closed={own}"
        in pod_spec(helm.template(f"--set=isolation.closed={{{own}}}"))["containers"][0]["args"]
    )
    done = helm.run(*template("--set=isolation.closed={tcp:10.20.0.0/16:443}"), check=False)
    assert done.returncode != 0
    assert "isolation/closed" in done.stderr or "isolation.closed" in done.stderr


def test_the_crds_are_those_that_are_generated_and_say_that_they_stay(helm: Helm):
    rendered = of_kind(helm.template(), "CustomResourceDefinition")
    generated = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))]
    assert generated
    for ours, theirs in zip(rendered, generated, strict=True):
        assert ours["metadata"].pop("annotations") == {KEEP: "keep"}
        ours["metadata"].pop("labels")
        assert ours == theirs


def test_crds_can_be_left_out_or_left_to_uninstall(helm: Helm):
    loose = of_kind(helm.template("--set=crds.keep=false"), "CustomResourceDefinition")
    assert loose
    assert all(KEEP not in one["metadata"].get("annotations", {}) for one in loose)
    assert not of_kind(helm.template("--set=crds.enabled=false"), "CustomResourceDefinition")
