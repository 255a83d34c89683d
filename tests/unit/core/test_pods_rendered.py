"""What every rendered pod is held to: Pod Security `restricted`, no token, no host, no tags."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from casemate.core.names import GATEWAY_PORT, METRICS_PORT
from casemate.core.observed import Ref, Settings
from casemate.isolation.targets import Protocol, Target
from unit.api.cases import IMAGE, changed
from unit.core.specs import few, specs
from unit.core.world import SETTINGS, World

SEALED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""What Pod Security `restricted` lets a volume be."""


def pod_of(spec: Any, settings: Settings = SETTINGS) -> dict[str, Any]:
    stages = World(spec).plan(settings).stages
    bodies = {one.ref: one.body for stage in stages for one in stage}
    pod: dict[str, Any] = bodies[Ref("Deployment", "m")]["spec"]["template"]["spec"]
    return deepcopy(pod)


def containers_of(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["initContainers"], *pod["containers"], *pod.get("ephemeralContainers", [])]


def offences(pod: dict[str, Any]) -> Iterator[str]:
    """Where a pod breaks Pod Security `restricted`, read from its standard."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    if pod.get("hostUsers") is True or pod["securityContext"].get("sysctls"):
        yield "host users or sysctls"
    for one in containers_of(pod):
        yield from container_offences(one, pod["securityContext"])
    for volume in pod["volumes"]:
        if not (volume.keys() - {"name"}) <= RESTRICTED_VOLUMES:
            yield f"volume {volume['name']}"


def container_offences(one: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    own = one.get("securityContext", {})
    if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
        yield f"{one['name']} may gain privileges"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{one['name']} keeps capabilities"
    if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield f"{one['name']} may run as root"
    if not own.get("runAsUser", whole.get("runAsUser")):
        yield f"{one['name']} runs as user 0"
    profile = own.get("seccompProfile", whole.get("seccompProfile"))
    if profile not in ({"type": "RuntimeDefault"}, {"type": "Localhost"}):
        yield f"{one['name']} has no seccomp profile"
    if any("hostPort" in port or "hostIP" in port for port in one.get("ports", [])):
        yield f"{one['name']} has a port of the host"


@few
@given(specs())
def test_every_pod_conforms_to_pod_security_restricted(spec: Any) -> None:
    assert list(offences(pod_of(spec))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hostNetwork",), True),
        (("hostPID",), True),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "runAsUser"), 0),
        (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("initContainers", 0, "securityContext", "capabilities"), {"add": ["NET_ADMIN"]}),
        (("initContainers", 1, "ports", 0, "hostPort"), 8443),
        (("volumes", 0, "hostPath"), {"path": "/"}),
    ],
)
def test_the_reading_of_restricted_sees_each_offence(path: tuple[Any, ...], value: Any) -> None:
    pod = pod_of(changed("replicas", 1))
    assert not list(offences(pod))
    place: Any = pod
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert list(offences(pod))


@few
@given(specs())
def test_no_pod_has_a_token_but_the_wardens_or_a_way_to_the_host(spec: Any) -> None:
    pod = pod_of(spec)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["serviceAccountName"] == "m-model"
    kinds = [set(volume) - {"name"} for volume in pod["volumes"]]
    assert {"secret"} not in kinds
    sources = {v["name"]: v["projected"]["sources"] for v in pod["volumes"] if "projected" in v}
    assert {name: [list(one) for one in found] for name, found in sources.items()} == {
        "tls": [["podCertificate"]],
        "warden-ca": [["clusterTrustBundle"]],
        "warden-token": [["serviceAccountToken"]],
    }
    (token,) = sources["warden-token"]
    assert token["serviceAccountToken"]["audience"] == "casemate-warden"


@few
@given(specs())
def test_no_pod_has_a_resolver(spec: Any) -> None:
    pod = pod_of(spec)
    assert pod["dnsPolicy"] == "None"
    assert pod["dnsConfig"] == {"nameservers": ["127.0.0.1"]}


DNS = Target(Protocol.TCP, "10.96.0.10", 53, "DNS")
WITH_DNS = replace(SETTINGS, isolation=replace(SETTINGS.isolation, dns=DNS))


def test_dns_is_proven_to_be_closed_unless_it_was_asked_for() -> None:
    pod = pod_of(changed("access.dns", value=False), WITH_DNS)
    assert f"--closed={DNS.argument()}" in pod["initContainers"][0]["args"]

    pod = pod_of(changed("access.dns", value=True), WITH_DNS)
    assert f"--closed={DNS.argument()}" not in pod["initContainers"][0]["args"]
    assert (pod["dnsPolicy"], pod.get("dnsConfig")) == ("ClusterFirst", None)
    others = [one for one in pod["initContainers"][0]["args"] if one.startswith("--closed=")]
    assert len(others) == 6, "two canaries, twice, the kubelet and the API server stay closed"


@few
@given(specs())
def test_every_image_is_named_by_digest(spec: Any) -> None:
    pod = pod_of(spec)
    images = [one["image"] for one in containers_of(pod)]
    images += [v["image"]["reference"] for v in pod["volumes"] if "image" in v]
    assert len(images) >= 2
    assert all(SEALED.fullmatch(image) for image in images)


@few
@given(specs())
def test_only_the_gateway_has_ports_and_the_key(spec: Any) -> None:
    pod = pod_of(spec)
    gate, gateway, engine = containers_of(pod)
    assert [one["name"] for one in (gate, gateway, engine)] == ["start-gate", "gateway", "engine"]
    assert {port["containerPort"] for port in gateway["ports"]} == {GATEWAY_PORT, METRICS_PORT}
    assert not [one["name"] for one in (gate, engine) if "ports" in one]
    assert [mount["name"] for mount in gate["volumeMounts"]] == ["warden-ca"]
    assert "restartPolicy" not in gate, "it ends before anything else begins"
    mounts = {one["name"]: {m["name"] for m in one["volumeMounts"]} for one in (gateway, engine)}
    assert mounts == {
        "gateway": {"engine", "tls", "warden-token", "warden-ca", "guard"},
        "engine": {"engine", "models", "tmp"},
    }
    for one in (gateway, engine):
        assert one["securityContext"]["readOnlyRootFilesystem"] is True


@few
@given(specs())
def test_of_config_maps_a_pod_sees_the_policy_of_its_own_guard_alone_read_only(spec: Any) -> None:
    pod = pod_of(spec)
    files = [{"key": "policy.json", "path": "policy.json"}]
    assert [one["configMap"] for one in pod["volumes"] if "configMap" in one] == [
        {"name": "m-guard", "defaultMode": 0o440, "items": files}
    ]
    mounts = [m for m in pod["initContainers"][1]["volumeMounts"] if m["name"] == "guard"]
    assert mounts == [{"name": "guard", "mountPath": "/etc/casemate/guard", "readOnly": True}]


@few
@given(specs())
def test_the_weights_are_mounted_read_only(spec: Any) -> None:
    pod = pod_of(spec)
    mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "models")
    assert mount["readOnly"] is True
    volume = next(v for v in pod["volumes"] if v["name"] == "models")
    assert "image" in volume or volume["persistentVolumeClaim"]["readOnly"] is True


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"oci": {"image": IMAGE}}, "/models"),
        ({"oci": {"image": IMAGE, "path": "a/b.gguf"}}, "/models/a/b.gguf"),
        ({"claim": {"name": "w", "path": "c"}}, "/models/c"),
    ],
)
def test_the_engine_is_told_where_the_weights_are(source: Any, path: str) -> None:
    engine = pod_of(changed("model.source", source))["containers"][0]
    env = {one["name"]: one["value"] for one in engine["env"]}
    assert env["CASEMATE_MODEL_PATH"] == path
    assert (env["HF_HUB_OFFLINE"], env["TRANSFORMERS_OFFLINE"]) == ("1", "1")


@pytest.mark.parametrize(
    ("at", "value", "address"),
    [
        ("replicas", 1, "unix:///run/casemate/engine/engine.sock"),
        ("engine.socket", "x.sock", "unix:///run/casemate/engine/x.sock"),
        ("engine.port", 8000, "http://127.0.0.1:8000"),
    ],
)
def test_the_gateway_is_told_where_the_engine_is(at: str, value: Any, address: str) -> None:
    gateway = pod_of(changed(at, value))["initContainers"][1]
    assert f"--engine={address}" in gateway["args"]


def test_pull_secrets_are_named_where_the_operator_was_given_some() -> None:
    given = replace(SETTINGS, image_pull_secrets=("one", "two"))
    assert pod_of(None, given)["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert "imagePullSecrets" not in pod_of(None)
