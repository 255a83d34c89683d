from pathlib import Path
from typing import Any

import pytest
import yaml

from casemate.api.v1alpha1 import ModelDeployment
from demo import callers, deploy
from demo.progress import DemoError
from demo.show import Probe, judge
from images.catalog import IMAGES
from images.steps import Built

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def examples() -> list[dict[str, Any]]:
    images = {name: Built(image, Path("/nowhere"), DIGEST) for name, image in IMAGES.items()}
    return list(yaml.safe_load_all(deploy.render_examples(images)))


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def test_every_example_namespace_enforces_restricted(examples: list[dict[str, Any]]):
    found = of_kind(examples, "Namespace")
    assert set(found) == {deploy.MODELS, deploy.CLIENTS}
    for namespace in found.values():
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found[deploy.MODELS]["metadata"]["labels"]["casemate.dev/enclave"] == "true"


def test_the_example_deployment_is_valid_and_pinned(examples: list[dict[str, Any]]):
    body = of_kind(examples, "ModelDeployment")[deploy.MODEL]
    parsed = ModelDeployment.model_validate({"spec": body["spec"]})
    assert parsed.spec.model.source.oci is not None
    assert parsed.spec.model.source.oci.image.endswith(f"/models/smollm2@{DIGEST}")
    assert parsed.spec.engine.image.endswith(f"/engine-xllamacpp@{DIGEST}")


def test_the_client_pods_differ_only_in_name_so_that_access_alone_tells_them_apart(
    examples: list[dict[str, Any]],
):
    pods = of_kind(examples, "Pod")
    assert set(pods) == {"analyst", "stranger"}
    assert pods["analyst"]["spec"] == pods["stranger"]["spec"]
    body = of_kind(examples, "ModelDeployment")[deploy.MODEL]
    (client,) = body["spec"]["access"]["clients"]
    wanted = client["podSelector"]["matchLabels"]
    assert pods["analyst"]["metadata"]["labels"] == wanted
    assert pods["stranger"]["metadata"]["labels"] != wanted


def test_the_clients_present_a_token_for_models_alone_of_the_one_account_that_may(
    examples: list[dict[str, Any]],
):
    accounts, (binding,) = (
        of_kind(examples, "ServiceAccount"),
        of_kind(examples, "RoleBinding").values(),
    )
    assert set(accounts) == {callers.KNOWN, callers.RIGHTLESS}
    assert binding["metadata"]["namespace"] == deploy.MODELS
    assert binding["roleRef"]["name"] == "casemate-user"
    assert [one["name"] for one in binding["subjects"]] == [callers.KNOWN]
    for pod in of_kind(examples, "Pod").values():
        spec = pod["spec"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == (
            callers.KNOWN,
            False,
        )
        sources = [one for v in spec["volumes"] for one in v["projected"]["sources"]]
        (token,) = [one["serviceAccountToken"] for one in sources if "serviceAccountToken" in one]
        (mount,) = [
            one["mountPath"]
            for one in spec["containers"][0]["volumeMounts"]
            if one["name"] == "casemate-token"
        ]
        assert token["audience"] == callers.AUDIENCE
        assert f"{mount}/{token['path']}" == callers.TOKEN_FILE


def probe(result: str, *, allowed: bool) -> Probe:
    return Probe("someone", result, lambda: {"result": result, "seconds": 0.0}, allowed=allowed)


def test_blocks_beside_their_controls_pass(capsys: pytest.CaptureFixture[str]):
    judge([probe("open", allowed=True), probe("timeout", allowed=False)])
    printed = capsys.readouterr().out
    assert "got through" in printed
    assert "blocked (timeout)" in printed


@pytest.mark.parametrize(
    ("result", "allowed"), [("open", False), ("timeout", True), ("refused", True)]
)
def test_what_gets_through_wrongly_and_a_control_that_does_not_both_fail(
    result: str, *, allowed: bool
):
    right = [probe("open", allowed=True), probe("timeout", allowed=False)]
    with pytest.raises(DemoError, match=f"someone → {result}"):
        judge([*right, probe(result, allowed=allowed)])
