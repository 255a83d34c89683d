"""The API server that the other tests of this tier rely on."""

import json
import subprocess
from pathlib import Path

import pytest

from enclave import parts
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi


def test_the_server_reports_the_pinned_version(control_plane: ControlPlane) -> None:
    version = KubeApi.load(control_plane.kubeconfig).request("GET", "/version")
    assert version["gitVersion"] == "v1.37.2"


def test_kubectl_works_with_the_kubeconfig(kubeconfig: Path) -> None:
    kubectl: list[str | Path] = [parts.path_of("kubectl"), "--kubeconfig", kubeconfig]
    answer = subprocess.run(
        [*kubectl, "get", "namespaces", "-o", "name"], capture_output=True, text=True, check=True
    )
    assert "namespace/kube-system" in answer.stdout.splitlines()


def test_a_user_may_do_only_what_a_role_grants(control_plane: ControlPlane) -> None:
    admin = KubeApi.load(control_plane.kubeconfig)
    reader = KubeApi.load(control_plane.client_config_for("rbac-reader", ["rbac-readers"]))
    with pytest.raises(ApiError) as refused:
        reader.request("GET", "/api/v1/namespaces")
    assert refused.value.status == 403

    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "rbac-readers"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "rbac-readers"}
        ],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    admin.apply(f"{path}/rbac-readers", binding)
    try:
        assert reader.request("GET", "/api/v1/namespaces")["items"]
    finally:
        admin.request("DELETE", f"{path}/rbac-readers")


def test_the_audit_log_names_the_user_of_a_request(control_plane: ControlPlane) -> None:
    assert control_plane.audit_log is not None
    user = KubeApi.load(control_plane.client_config_for("audited-user"))
    with pytest.raises(ApiError):
        user.request("GET", "/api/v1/namespaces/audited/pods")
    lines = [json.loads(line) for line in control_plane.audit_log.read_text().splitlines()]
    seen = [line for line in lines if line["user"]["username"] == "audited-user"]
    assert [line["verb"] for line in seen] == ["list"]


def test_stopping_leaves_no_process_and_a_second_start_works(tmp_path: Path) -> None:
    for _ in range(2):
        with ControlPlane(tmp_path) as running:
            pids = [running.pid("etcd"), running.pid("kube-apiserver")]
            assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
