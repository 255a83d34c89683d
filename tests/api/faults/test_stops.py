"""Kill switches that the operator may not see: that is said, and everything else goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.operator.test_children import create
from api.operator.test_status import SERVING, report
from api.operator.test_stops import condition, says
from casemate.cluster.switches import KNOWN_SECONDS
from casemate.controller.watches import SILENCE_SECONDS
from enclave.controlplane import ControlPlane
from support.approvals import switch
from support.operators import Api, Operator, eventually, running

ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/casemate-operator"
UNKNOWN_SECONDS = KNOWN_SECONDS + SILENCE_SECONDS + 10


@pytest.fixture(scope="module")
def operator(
    plane: ControlPlane, api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    with running(plane, tmp_path_factory.mktemp("stops") / "operator.log") as started:
        yield started


def test_without_the_right_to_see_them_it_is_unknown_until_it_is_given_back(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    report(api, namespace, **SERVING)
    eventually(lambda: says(api, namespace) == ("True", "Serving"), "control: it never served")
    role = api.client.request("GET", ROLE)
    _allow(api, [one for one in role["rules"] if "killswitches" not in one["resources"]])
    try:
        eventually(
            lambda: says(api, namespace) == ("Unknown", "StopsUnknown"),
            lambda: f"it claims to know: {condition(api, namespace)}",
            UNKNOWN_SECONDS,
        )
        api.delete("Service", namespace, "m")
        eventually(lambda: api.get("Service", namespace, "m") is not None, "control: no repair")
        api.create(switch(namespace, "eve"))
    finally:
        _allow(api, role["rules"])
    eventually(lambda: says(api, namespace) == ("False", "Stopped"), "it never learnt of the stop")
    api.delete("KillSwitch", "", namespace)
    eventually(lambda: says(api, namespace) == ("True", "Serving"), "it never came back")


def test_a_lift_that_no_watch_showed_is_noticed(
    plane: ControlPlane, api: Api, operator: Operator, namespace: str, tmp_path: Path
) -> None:
    create(api, namespace)
    report(api, namespace, **SERVING)
    api.create(switch(namespace, "eve"))
    eventually(lambda: says(api, namespace) == ("False", "Stopped"), "control: it is not stopped")
    operator.stop()
    api.delete("KillSwitch", "", namespace)
    assert says(api, namespace) == ("False", "Stopped"), "control: nobody looks"
    with running(plane, tmp_path / "second.log"):
        eventually(lambda: says(api, namespace) == ("True", "Serving"), "it is said for ever")


def _allow(api: Api, rules: list[Any]) -> None:
    body = {"rules": rules}
    api.client.request("PATCH", ROLE, body, "application/merge-patch+json")
