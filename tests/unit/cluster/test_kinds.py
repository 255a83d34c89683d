"""Where each kind lives in the API."""

import pytest

from casemate.cluster.kinds import CHILDREN, MODEL_DEPLOYMENT, SECRET, TRUST_BUNDLE, Kind
from unit.core.world import World


@pytest.mark.parametrize(
    ("kind", "place", "path"),
    [
        (SECRET, ("n", "s"), "/api/v1/namespaces/n/secrets/s"),
        (SECRET, ("n",), "/api/v1/namespaces/n/secrets"),
        (SECRET, (), "/api/v1/secrets"),
        (
            MODEL_DEPLOYMENT,
            ("n", "m", "status"),
            "/apis/casemate.dev/v1alpha1/namespaces/n/modeldeployments/m/status",
        ),
        (
            TRUST_BUNDLE,
            (None, "casemate.dev:gateway:ca"),
            "/apis/certificates.k8s.io/v1/clustertrustbundles/casemate.dev:gateway:ca",
        ),
        (SECRET, ("a/b", "c?d"), "/api/v1/namespaces/a%2Fb/secrets/c%3Fd"),
        (SECRET, ("n", "../x"), "/api/v1/namespaces/n/secrets/..%2Fx"),
    ],
)
def test_an_object_has_its_path(kind: Kind, place: tuple[str, ...], path: str) -> None:
    assert kind.path(*place) == path


def test_everything_that_is_rendered_has_a_place() -> None:
    objects = World({**World().parent["spec"], "replicas": 2}).settle().objects
    assert {ref.kind for ref in objects} == set(CHILDREN)
    for ref, body in objects.items():
        assert body["apiVersion"] == CHILDREN[ref.kind].api_version
