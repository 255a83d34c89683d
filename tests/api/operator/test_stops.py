"""What is stopped says so, at once after the stop and after the lift; the force is not here."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.crd.cluster import Kubectl
from api.operator.test_children import create
from api.operator.test_status import SERVING, report
from enclave.controlplane import ControlPlane
from enclave.waiting import until
from support.approvals import switch
from support.operators import Api, Operator, eventually
from support.terms import AGREEMENT, agreement

Json = dict[str, Any]
Stop = Callable[..., None]
AT_ONCE_SECONDS = 20
"""Less than the minute after which the operator would look by itself."""


@pytest.fixture
def stop(api: Api) -> Iterator[Stop]:
    """Sets a switch; those that are left are lifted, so that other tests are not stopped."""

    def make(name: str, **changed: Any) -> None:
        api.create(switch(name, "eve", **changed))

    yield make
    for one in api.items("KillSwitch", ""):
        api.delete("KillSwitch", "", one["metadata"]["name"])


def condition(api: Api, namespace: str, kind: str = "Ready") -> Json:
    found = api.get("ModelDeployment", namespace, "m") or {}
    return next((one for one in found["status"]["conditions"] if one["type"] == kind), {})


def says(api: Api, namespace: str) -> tuple[str, str]:
    ready = condition(api, namespace)
    return ready["status"], ready["reason"]


def at_once(api: Api, namespace: str, *wanted: str) -> None:
    until(
        lambda: says(api, namespace) == wanted,
        AT_ONCE_SECONDS,
        lambda: f"never {wanted}, but {condition(api, namespace)}",
        every=0.02,
    )


def serving(api: Api, namespace: str, **spec: Any) -> None:
    create(api, namespace, **spec)
    report(api, namespace, **SERVING)
    eventually(lambda: says(api, namespace) == ("True", "Serving"), "control: it never served")


def scopes(namespace: str) -> dict[str, Json]:
    return {
        "deployment": {
            "scope": "Deployment",
            "deployment": {"namespace": namespace, "name": "m"},
        },
        "agreement": {"scope": "Agreement", "agreementRef": {"name": namespace}},
        "all": {"scope": "All"},
    }


@pytest.mark.parametrize("scope", ["deployment", "agreement", "all"])
def test_a_stop_is_told_at_once_and_so_is_its_lift(
    api: Api, operator: Operator, namespace: str, stop: Stop, scope: str
) -> None:
    other = api.namespace(f"{namespace[:55]}-other")
    api.create(agreement(namespace))
    serving(api, namespace, agreementRef={"name": namespace})
    serving(api, other)
    stopped = _series(namespace, "NotStopped", "False")
    stalled, parts = _series(namespace, "Stalled", "True"), api.get("Deployment", namespace, "m")

    stop(namespace, **scopes(namespace)[scope])

    at_once(api, namespace, "False", "Stopped")
    told = f"stopped by eve (KillSwitch {namespace}): an answer went astray"
    for kind in ("Ready", "NotStopped", "Stalled"):
        assert condition(api, namespace, kind)["message"] == told
    assert (operator.metric(stopped), operator.metric(stalled)) == (1, 1)
    if scope == "all":
        at_once(api, other, "False", "Stopped")
    else:
        assert says(api, other) == ("True", "Serving"), "control: another's is not touched"
    assert api.get("Deployment", namespace, "m") == parts, "control: its parts are as they were"

    api.delete("KillSwitch", "", namespace)

    at_once(api, namespace, "True", "Serving")
    at_once(api, other, "True", "Serving")
    assert (operator.metric(stopped), operator.metric(stalled)) == (0, 0)
    log = operator.log.read_text()
    for reason in ("Stopped", "NotStopped"):
        assert f"{namespace}/m: {reason}: " in log
    if scope == "all":
        # Every deployment of every test was told of, and Events are bounded.
        return
    eventually(lambda: _events(api, namespace) >= {"Stopped", "NotStopped"}, "no Event tells")
    assert "Stopped" not in _events(api, other), "control: nothing is said of another"


def test_it_goes_on_once_the_last_of_several_is_lifted(
    api: Api, operator: Operator, namespace: str, stop: Stop, plane: ControlPlane
) -> None:
    serving(api, namespace)
    stop(f"{namespace}-1")
    at_once(api, namespace, "False", "Stopped")
    stop(f"{namespace}-2", scope="Agreement", agreementRef={"name": AGREEMENT})
    eventually(
        lambda: condition(api, namespace)["message"].endswith("; 1 more stop it too"),
        lambda: str(condition(api, namespace)),
    )
    api.delete("KillSwitch", "", f"{namespace}-1")
    eventually(
        lambda: f"(KillSwitch {namespace}-2)" in condition(api, namespace)["message"],
        lambda: str(condition(api, namespace)),
    )
    listed = Kubectl(plane.kubeconfig).run("get", "md", "-n", namespace, "--no-headers").split()
    assert listed[:3] == ["m", "False", "Stopped"]
    api.delete("KillSwitch", "", f"{namespace}-2")
    at_once(api, namespace, "True", "Serving")


def test_what_is_made_while_all_is_stopped_is_made_whole_and_says_so(
    api: Api, operator: Operator, namespace: str, stop: Stop
) -> None:
    stop(namespace)
    create(api, namespace)
    eventually(lambda: says(api, namespace) == ("False", "Stopped"), "it does not say so")
    assert api.get("Deployment", namespace, "m") is not None


def _series(namespace: str, kind: str, status: str) -> str:
    labels = f'name="m",namespace="{namespace}",status="{status}",type="{kind}"'
    return f"casemate_modeldeployment_condition{{{labels}}}"


def _events(api: Api, namespace: str) -> set[str]:
    return {one["reason"] for one in api.items("Event", namespace)}
