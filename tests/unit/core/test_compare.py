"""What counts as drift, and by whose hand: a live child against the desired one."""

from collections.abc import Callable
from typing import Any

import pytest

from casemate.core import fields
from casemate.core.names import DIGEST_ANNOTATION
from casemate.core.observed import Ref, Repair
from casemate.core.plan import Apply
from unit.api.cases import Json, changed
from unit.core.world import World, ready

DEPLOYMENT, SERVICE, ALLOW = (
    Ref("Deployment", "m"),
    Ref("Service", "m"),
    Ref("NetworkPolicy", "m-allow"),
)
ENGINE = 'k:{"name":"engine"}'


def pod_fields(below: Json) -> Json:
    return {"f:spec": {"f:template": {"f:spec": below}}}


def pod_of(body: Json) -> Json:
    pod: Json = body["spec"]["template"]["spec"]
    return pod


def our_pod_fields(world: World) -> Json:
    """What managedFields say that our own applies own of the pod."""
    (ours,) = [
        one
        for one in world.deployment["metadata"]["managedFields"]
        if (one["manager"], one["operation"]) == ("casemate", "Apply")
    ]
    found: Json = ours["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    return found


def only(world: World) -> tuple[Apply, Repair | None]:
    """The one write that a plan has, and its repair."""
    wanted = world.plan()
    (apply,) = [one for stage in wanted.stages for one in stage]
    assert wanted.prune == ()
    return apply, wanted.repairs[0] if wanted.repairs else None


def _container(body: Json) -> None:
    pod_of(body)["containers"].append({"name": "evil", "image": "evil"})


def _variable(body: Json) -> None:
    pod_of(body)["containers"][0]["env"].append({"name": "X", "value": "y"})


def _privileged(body: Json) -> None:
    pod_of(body)["containers"][0]["securityContext"]["privileged"] = True


EVIL = 'k:{"name":"evil"}'
CASES: dict[str, tuple[Ref, Json, Callable[[Json], object], list[str], list[str]]] = {
    "a further container is removed whole": (
        DEPLOYMENT,
        pod_fields({"f:containers": {EVIL: {".": {}, "f:image": {}, "f:name": {}}}}),
        _container,
        ["spec.template.spec.containers", "spec.template.spec.containers[name=evil]"],
        ["spec.template.spec.containers[name=evil]"],
    ),
    "the host's network is removed": (
        DEPLOYMENT,
        pod_fields({"f:hostNetwork": {}}),
        lambda body: pod_of(body).update(hostNetwork=True),
        ["spec.template.spec.hostNetwork"],
        ["spec.template.spec.hostNetwork"],
    ),
    "privileges of a container are removed": (
        DEPLOYMENT,
        pod_fields({"f:containers": {ENGINE: {"f:securityContext": {"f:privileged": {}}}}}),
        _privileged,
        ["spec.template.spec.containers[name=engine].securityContext.privileged"],
        ["spec.template.spec.containers[name=engine].securityContext.privileged"],
    ),
    "a further variable is removed": (
        DEPLOYMENT,
        pod_fields(
            {"f:containers": {ENGINE: {"f:env": {'k:{"name":"X"}': {".": {}, "f:name": {}}}}}}
        ),
        _variable,
        [
            "spec.template.spec.containers[0].env",
            "spec.template.spec.containers[name=engine].env[name=X]",
        ],
        ["spec.template.spec.containers[name=engine].env[name=X]"],
    ),
    "a further label is removed": (
        SERVICE,
        {"f:metadata": {"f:labels": {"f:x": {}}}},
        lambda body: body["metadata"]["labels"].update(x="y"),
        ["metadata.labels.x"],
        ["metadata.labels.x"],
    ),
    "a finalizer is removed": (
        SERVICE,
        {"f:metadata": {"f:finalizers": {".": {}, 'v:"x/y"': {}}}},
        lambda body: body["metadata"].update(finalizers=["x/y"]),
        ["metadata.finalizers"],
        ["metadata.finalizers"],
    ),
    "a node selector, an atomic map, is removed": (
        DEPLOYMENT,
        pod_fields({"f:nodeSelector": {}}),
        lambda body: pod_of(body).update(nodeSelector={"a": "b"}),
        ["spec.template.spec.nodeSelector"],
        ["spec.template.spec.nodeSelector"],
    ),
    "a further label in an atomic selector is a change of the selector": (
        ALLOW,
        {"f:spec": {"f:podSelector": {}}},
        lambda body: body["spec"]["podSelector"]["matchLabels"].update(x="y"),
        ["spec.podSelector"],
        [],
    ),
    "another number of replicas is set back": (
        DEPLOYMENT,
        {"f:spec": {"f:replicas": {}}},
        lambda body: body["spec"].update(replicas=7),
        ["spec.replicas"],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_edit_is_named_with_its_author_and_undone(
    case: tuple[Ref, Json, Callable[[Json], object], list[str], list[str]],
) -> None:
    ref, owned, change, named, stripped = case
    world = ready()
    assert world.plan().writes == 0
    change(world.edit(ref, owned, "intruder"))
    apply, repair = only(world)
    assert (apply.ref, apply.known) == (ref, True)
    assert repair is not None
    assert (repair.ref, repair.action, repair.managers) == (ref, "edited", ("intruder",))
    assert list(repair.fields) == named
    assert [fields.dotted(path) for path in apply.strip] == stripped
    left = fields.without(world.objects[ref], apply.strip)
    assert all(fields.get(left, path) is None for path in apply.strip)


@pytest.mark.parametrize(
    ("ref", "change", "named"),
    [
        (
            DEPLOYMENT,
            lambda body: pod_of(body)["initContainers"].pop(),
            "spec.template.spec.initContainers",
        ),
        (
            DEPLOYMENT,
            lambda body: pod_of(body)["containers"][0].update(image="evil"),
            "spec.template.spec.containers[0].image",
        ),
        (SERVICE, lambda body: body["spec"]["selector"].clear(), None),
        (ALLOW, lambda body: body["spec"].update(policyTypes=[]), "spec.policyTypes"),
        (SERVICE, lambda body: body["metadata"]["labels"].clear(), None),
    ],
    ids=["no gateway", "another engine", "an empty selector", "an open policy", "no labels"],
)
def test_a_change_that_managed_fields_do_not_tell_of_is_seen_by_its_value(
    ref: Ref, change: Callable[[Json], object], named: str | None
) -> None:
    world = ready()
    change(world.objects[ref])
    if "labels" in world.objects[ref]["metadata"] and not world.objects[ref]["metadata"]["labels"]:
        world.objects[ref]["metadata"]["labels"] = {"casemate.dev/model-deployment": "m"}
    apply, repair = only(world)
    assert repair is not None
    assert (apply.ref, repair.managers) == (ref, ())
    assert named is None or named in repair.fields


@pytest.mark.parametrize(
    ("owned", "entry"),
    [
        ({"f:spec": {"f:type": {}}}, {}),
        ({"f:metadata": {".": {}, "f:labels": {".": {}}}}, {}),
        ({"f:status": {"f:loadBalancer": {}}}, {"manager": "kube-controller-manager"}),
        ({"f:spec": {"f:ports": {'k:{"port":443,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}, {}),
        ({"f:spec": {"f:clusterIP": {}}}, {}),
    ],
    ids=["the same value", "containers of fields", "status", "an item of ours", "absent by now"],
)
def test_what_another_manager_owns_at_our_value_is_no_drift(owned: Json, entry: Json) -> None:
    world = ready()
    world.edit(SERVICE, owned, **entry)
    assert world.plan().writes == 0


def test_the_revision_that_the_deployments_controller_notes_is_no_drift() -> None:
    world = ready()
    revision = "deployment.kubernetes.io/revision"
    world.deployment["metadata"]["annotations"][revision] = "7"
    owned: Json = {"f:metadata": {"f:annotations": {".": {}, f"f:{revision}": {}}}}
    world.edit(DEPLOYMENT, owned, "kube-controller-manager", subresource="status")
    assert world.plan().writes == 0
    world.deployment["metadata"]["annotations"]["x"] = "y"
    world.edit(DEPLOYMENT, {"f:metadata": {"f:annotations": {"f:x": {}}}}, "intruder")
    assert world.plan().writes == 1


def test_a_digest_that_somebody_changed_is_a_repair_and_no_update_of_ours() -> None:
    world = ready()
    owned: Json = {"f:metadata": {"f:annotations": {f"f:{DIGEST_ANNOTATION}": {}}}}
    body = world.edit(SERVICE, owned, "intruder")
    body["metadata"]["annotations"][DIGEST_ANNOTATION] = "sha256:0"
    _, repair = only(world)
    assert repair is not None
    assert repair.fields == (f"metadata.annotations.{DIGEST_ANNOTATION}",)
    assert repair.managers == ("intruder",)


def test_an_edit_hidden_behind_a_changed_digest_is_a_repair_still() -> None:
    world = ready()
    owned: Json = {
        "f:metadata": {"f:annotations": {f"f:{DIGEST_ANNOTATION}": {}}},
        "f:spec": {"f:replicas": {}},
    }
    body = world.edit(DEPLOYMENT, owned, "intruder")
    body["metadata"]["annotations"][DIGEST_ANNOTATION] = "sha256:0"
    body["spec"]["replicas"] = 7
    _, repair = only(world)
    assert repair is not None
    assert "spec.replicas" in repair.fields


def test_a_change_of_the_spec_beside_an_edit_strips_the_edit_too() -> None:
    world = ready()
    pod_of(world.edit(DEPLOYMENT, pod_fields({"f:hostNetwork": {}}))).update(hostNetwork=True)
    world.parent["spec"] = changed("replicas", 3)
    world.parent["metadata"]["generation"] = 2
    applies = {one.ref: one for stage in world.plan().stages for one in stage}
    assert [fields.dotted(path) for path in applies[DEPLOYMENT].strip] == [
        "spec.template.spec.hostNetwork"
    ]


@pytest.mark.parametrize(
    ("written", "stored", "same"),
    [
        ("1000m", "1", True),
        ("0.5", "500m", True),
        (2, "2", True),
        ("1024Mi", "1Gi", True),
        ("1.5Gi", "1536Mi", True),
        ("0.0001", "1m", True),
        ("1", "1m", False),
        ("1Gi", "1G", False),
        ("2", None, False),
    ],
)
def test_a_quantity_is_compared_by_its_amount(
    written: str | int, stored: str | None, *, same: bool
) -> None:
    world = ready(changed("engine.resources", {"limits": {"memory": written}}))
    limits = pod_of(world.deployment)["containers"][0]["resources"]["limits"]
    if stored is None:
        del limits["memory"]
    else:
        limits["memory"] = stored
    assert world.plan().writes == (0 if same else 1)


@pytest.mark.parametrize(("stored", "writes"), [({}, 0), ({"value": ""}, 0), ({"value": "x"}, 1)])
def test_an_empty_variable_is_what_the_api_server_leaves_out(stored: Json, writes: int) -> None:
    world = ready(changed("engine.env", [{"name": "EMPTY"}]))
    env: list[Any] = pod_of(world.deployment)["containers"][0]["env"]
    env[-1] = {"name": "EMPTY"} | stored
    assert world.plan().writes == writes


@pytest.mark.parametrize(("label", "writes"), [("", 0), (None, 1), ("x", 1)])
def test_an_empty_label_of_a_client_is_a_condition_like_any_other(
    label: str | None, writes: int
) -> None:
    """Whoever drops it under our own name leaves no trace in managedFields."""
    labels = {"app": "client", "cleared": ""}
    world = ready(changed("access.clients", [{"podSelector": {"matchLabels": labels}}]))
    policy = world.objects[ALLOW]
    (rule,) = [r for r in policy["spec"]["ingress"] if r["from"][0].keys() == {"podSelector"}]
    stored = rule["from"][0]["podSelector"]["matchLabels"]
    assert stored.pop("cleared") == ""
    if label is not None:
        stored["cleared"] = label
    assert world.plan().writes == writes


@pytest.mark.parametrize("name", ["hostNetwork", "shareProcessNamespace"])
def test_what_somebody_applied_under_our_own_name_is_removed_too(name: str) -> None:
    world = ready()
    pod_of(world.deployment)[name] = True
    assert world.plan().writes == 0, "a default of the server, as far as anybody can tell"
    our_pod_fields(world)[f"f:{name}"] = {}
    apply, repair = only(world)
    assert [fields.dotted(path) for path in apply.strip] == [f"spec.template.spec.{name}"]
    assert repair is not None


def test_a_container_applied_under_our_own_name_is_removed_whole() -> None:
    world = ready()
    _container(world.deployment)
    our_pod_fields(world)["f:containers"][EVIL] = {".": {}, "f:image": {}, "f:name": {}}
    apply, _ = only(world)
    assert [fields.dotted(path) for path in apply.strip] == [
        "spec.template.spec.containers[name=evil]"
    ]
