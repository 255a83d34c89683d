"""A deployment under its terms: what is refused, what is held, what goes on, as the plan has it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemate.core.inventory import Behind
from casemate.core.names import WARDEN
from casemate.core.observed import Ref
from casemate.core.plan import Plan
from casemate.core.terms_status import of_supplier
from support.terms import AGREEMENT_SPEC, agreement, directive, supplier
from unit.api.cases import IMAGE, SPEC, changed
from unit.core.world import NOW, SETTINGS, UID, World, conditions, ready

OTHERS = [supplier("maker"), supplier("base-lab")]
DEADLINE = datetime(2026, 9, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GUARD = {"name": "pii", "image": IMAGE, "port": 8100}


def pods(plan: Plan, world: World) -> int:
    """What the Deployment is set to once the plan is carried out."""
    world.carry_out(plan)
    return int(world.deployment["spec"]["replicas"])


def opened(world: World) -> list[int]:
    """Ports that the network lets somebody reach, but for the warden, which only looks."""
    rules = world.objects[Ref("NetworkPolicy", "m-allow")]["spec"]["ingress"]
    warden = {"app.kubernetes.io/name": WARDEN}
    others = [r for r in rules if r["from"][0].get("podSelector", {}) != {"matchLabels": warden}]
    return sorted(port["port"] for rule in others for port in rule["ports"])


def ways_out(world: World) -> list[Any]:
    """What the network lets the pods reach beside the warden."""
    _, *rules = world.objects[Ref("NetworkPolicy", "m-allow")]["spec"]["egress"]
    return [peer for rule in rules for peer in rule["to"]]


def clients(spec: dict[str, Any] = SPEC) -> dict[str, Any]:
    return changed("access.clients", [{"podSelector": {"matchLabels": {"a": "b"}}}], spec)


def egress(*blocks: str) -> dict[str, Any]:
    """A spec with these ways out beside one to pods, and one to the DNS."""
    pods = {"podSelector": {"matchLabels": {"a": "b"}}}
    ways = [{"cidr": one, "ports": [{"port": 443}]} for one in blocks]
    return changed("access", {"egress": [*ways, {**pods, "ports": [{"port": 80}]}], "dns": True})


REFUSED: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str, str]] = {
    "no agreement of that name": (
        changed("agreementRef.name", "other"), [agreement(), supplier()],
        "AgreementUnknown", "no UsageAgreement other",
    ),
    "a key that nothing can be sealed to": (
        SPEC, [agreement(audit={"record": "Sealed", "publicKey": "PEM"}), supplier()],
        "AgreementInvalid", "spec.audit.publicKey: must be an X25519 public key in PEM",
    ),
    "a use that is not allowed": (
        changed("use", "planning"), [agreement(), supplier()],
        "UseNotAllowed", "spec.use: found planning, the agreement accepts logistics-optimization",
    ),
    "a supplier that it does not name": (
        changed("model.supplier", "stranger"), [agreement(), supplier("stranger")],
        "SupplierNotListed", "spec.model.supplier: found stranger",
    ),
    "a registry that it does not name": (
        SPEC, [agreement(registries=["registry.enclave.local/model"]), supplier()],
        "RegistryNotAllowed", "spec.engine.image: found registry.enclave.local/models/",
    ),
    "a profile that it does not have": (
        changed("profile", "big"), [agreement(), supplier()],
        "ProfileUnknown", "spec.profile: found big, the agreement accepts none",
    ),
    "a way out, and no block to go to": (
        egress("10.20.0.0/16"), [agreement(enclaveCIDRs=[]), supplier()], "EgressNotAllowed",
        "spec.access.egress[0].cidr: found 10.20.0.0/16, the agreement accepts none",
    ),
    "a way out that is wider than the block": (
        egress("fd00:20::/32", "10.20.0.0/15"),
        [agreement(enclaveCIDRs=["10.20.0.0/16", "fd00::/16"]), supplier()], "EgressNotAllowed",
        "found 10.20.0.0/15, the agreement accepts blocks inside 10.20.0.0/16, fd00::/16",
    ),
    "a term that has not begun": (
        SPEC, [agreement(term={"start": "2026-03-01T12:00:01Z", "end": "2027-01-01T00:00:00Z"}),
               supplier()],
        "AgreementPending", "begins at 2026-03-01T12:00:01Z",
    ),
    "a term that is over": (
        SPEC, [agreement(term={"start": "2025-03-01T12:00:00Z", "end": "2026-03-01T12:00:00Z"}),
               supplier()],
        "AgreementEnded", "ended at 2026-03-01T12:00:00Z",
    ),
    "no supplier of that name": (
        SPEC, [agreement()], "SupplierUnknown", "there is no Supplier open-lab",
    ),
    "a supplier that nobody approved": (
        SPEC, [agreement(), supplier(approval=None)], "SupplierNotApproved", "spec.approval",
    ),
    "a base whose supplier is blocked": (
        changed("model.base", {"supplier": "base-lab", "digest": f"sha256:{'0' * 64}"},
                changed("model.variant", "FineTune")),
        [agreement(), supplier(),
         supplier("base-lab", directives=[directive(phaseOutEndsAt=None)])],
        "SupplierBlocked", "ORDER-1 ended its use",
    ),
    "a guard that is too old": (
        SPEC, [agreement(guard={"minimumBundleVersion": 20_260_202}), supplier()],
        "GuardOutdated", "asks for a guard bundle of 20260202 or later; found 20260201",
    ),
    "an added guardrail on a required one's port": (
        changed("guardrails", [{"name": "own", "image": IMAGE, "port": 8100}]),
        [agreement(requiredGuardrails=[GUARD]), supplier()],
        "GuardrailConflict", "spec.guardrails[own].port: 8100 is the port of the required",
    ),
    "an engine on a required guardrail's port": (
        changed("engine.port", 8100), [agreement(requiredGuardrails=[GUARD]), supplier()],
        "GuardrailConflict", "spec.engine.port: 8100 is the port of the required guardrail pii",
    ),
    "an agreement that breaks a rule": (
        SPEC, [agreement(redLines=[]), supplier()], "AgreementInvalid", "spec.redLines",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_terms_refuse_gets_no_pods_and_no_clients_and_is_told_why(case: str) -> None:
    spec, terms, reason, message = REFUSED[case]
    terms = [{**one, "spec": {k: v for k, v in one["spec"].items() if v is not None}}
             for one in terms]  # fmt: skip
    for one in terms:
        for order in one["spec"].get("directives", []):
            if order.get("phaseOutEndsAt", "") is None:
                del order["phaseOutEndsAt"]
    world = World(clients(spec))
    world.terms = terms
    plan = world.plan()

    assert pods(plan, world) == 0
    assert opened(world) == [9090], "only monitoring may connect"
    assert ways_out(world) == [], "nothing goes out but to the warden"
    world.roll_out().settle()
    found = conditions(world.parent["status"])
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", reason)
    assert message in found["Ready"]["message"]
    assert found["Stalled"]["status"] == "True"


def test_control_the_same_deployment_under_its_terms_runs_and_is_open() -> None:
    world = World(clients())
    assert pods(world.plan(), world) == 1
    assert opened(world) == [8443, 9090]
    world.roll_out().settle()
    found = conditions(world.parent["status"])
    kinds = ("Ready", "AgreementInForce", "SupplierPermitted", "CapacityGranted")
    assert {found[kind]["status"] for kind in kinds} == {"True"}


def phasing_out(world: World, order: dict[str, Any], *inventory: Behind) -> World:
    """The supplier under an order, with what existed recorded in its status."""
    body = supplier(directives=[order])
    body["metadata"]["generation"] = 1
    body["status"] = of_supplier(body, inventory, NOW).status
    world.terms = [agreement(), body, *OTHERS]
    return world


def existed(world: World, replicas: int = 1) -> Behind:
    from casemate.api.v1alpha1 import ModelDeploymentSpec  # noqa: PLC0415
    from casemate.core.findings import artifacts  # noqa: PLC0415

    spec = ModelDeploymentSpec.model_validate(world.parent["spec"])
    return Behind(world.parent["metadata"]["creationTimestamp"], UID, replicas, artifacts(spec))


def test_what_existed_counts_down_and_stops_at_the_deadline() -> None:
    world = ready(clients())
    phasing_out(world, directive(), existed(world)).settle()
    found = conditions(world.parent["status"])
    assert found["Ready"]["status"] == "True"
    assert found["SupplierPermitted"]["reason"] == "PhasingOut"
    assert "183 days left" in found["SupplierPermitted"]["message"]
    assert world.parent["status"]["permittedUntil"] == "2026-09-01T00:00:00Z"

    assert world.plan(SETTINGS, DEADLINE - SECOND).writes == 0
    world.carry_out(world.plan(SETTINGS, DEADLINE))
    assert world.deployment["spec"]["replicas"] == 0
    assert opened(world) == [9090]
    assert world.objects.keys() == ready(clients()).objects.keys(), "everything is kept"


def omitted(world: World, until: str) -> World:
    """The supplier under an order whose inventory had no room for the youngest."""
    phasing_out(world, directive())
    (inventory,) = world.terms[1]["status"]["inventory"]
    inventory |= {"omitted": 1, "omittedUntil": until}
    return world


def test_what_a_full_inventory_omits_goes_on_but_does_not_grow() -> None:
    world = omitted(ready(), "2026-02-01T00:00:00Z").settle()
    assert world.deployment["spec"]["replicas"] == 1
    world.parent["spec"] = changed("replicas", 2)
    world.parent["metadata"]["generation"] += 1
    assert pods(world.plan(), world) == 1
    assert pods(world.plan(SETTINGS, DEADLINE), world) == 0, "it stops with the others"


def test_what_is_younger_than_all_that_was_omitted_is_new() -> None:
    world = omitted(ready(), "2026-01-31T23:59:59Z")
    assert pods(world.plan(), world) == 0


def test_a_revoked_order_lets_it_resume() -> None:
    world = ready(clients())
    phasing_out(world, directive(), existed(world))
    world.carry_out(world.plan(SETTINGS, DEADLINE))
    phasing_out(world, directive(state="Revoked"), existed(world))
    world.carry_out(world.plan(SETTINGS, DEADLINE))
    assert world.deployment["spec"]["replicas"] == 1
    assert opened(world) == [8443, 9090]


def test_a_waiver_keeps_its_scope_running_until_its_end() -> None:
    waiver = {
        "name": "winter", "namespaces": ["models"], "until": "2026-12-01T00:00:00Z",
        "owner": "Harbour Master", "justification": "no replacement yet",
    }  # fmt: skip
    end = datetime(2026, 12, 1, tzinfo=UTC)
    for scope, kept in (({"namespaces": ["models"]}, 1), ({"namespaces": ["other"]}, 0),
                        ({"uses": ["planning"]}, 0), ({"agreements": ["harbour"]}, 1)):  # fmt: skip
        plain = {k: v for k, v in waiver.items() if k != "namespaces"}
        world = ready()
        phasing_out(world, directive(waivers=[plain | scope]), existed(world))
        world.carry_out(world.plan(SETTINGS, DEADLINE))
        assert world.deployment["spec"]["replicas"] == kept, scope
        world.carry_out(world.plan(SETTINGS, end))
        assert world.deployment["spec"]["replicas"] == 0, scope


def test_what_did_not_exist_then_never_starts() -> None:
    world = World()
    phasing_out(world, directive())
    assert pods(world.plan(), world) == 0
    world.roll_out().settle()
    assert conditions(world.parent["status"])["Ready"]["reason"] == "NotInInventory"


def test_a_new_image_is_refused_and_more_pods_are_not_granted() -> None:
    world = ready()
    before = existed(world)
    world.parent["spec"] = changed("engine.image", SPEC["engine"]["image"].replace("a1", "b2"))
    phasing_out(world, directive(), before)
    assert pods(world.plan(), world) == 0

    world = ready()
    phasing_out(world, directive(), existed(world))
    world.parent["spec"] = changed("replicas", 3)
    assert pods(world.plan(), world) == 1
    world.roll_out().settle()
    found = conditions(world.parent["status"])
    assert found["Ready"]["reason"] == "CapacityExceeded"
    assert "accepts 1" in found["Ready"]["message"]


def test_until_what_existed_is_recorded_nothing_new_starts_and_nothing_stops() -> None:
    for world, expected in ((ready(), 1), (World(), 0)):
        world.terms = [agreement(), supplier(directives=[directive()]), *OTHERS]
        world.carry_out(world.plan())
        assert world.deployment["spec"]["replicas"] == expected
        found = conditions(world.parent["status"] if expected else world.roll_out().plan().status)
        assert found["SupplierPermitted"]["status"] == "Unknown"


def test_on_a_doubtful_clock_nothing_stops_and_nothing_new_starts() -> None:
    world = ready()
    phasing_out(world, directive(), existed(world)).settle()
    world.doubt = "the clock is wrong"
    plan = world.plan(SETTINGS, DEADLINE + timedelta(days=99))
    assert plan.writes == 0
    assert conditions(plan.status)["SupplierPermitted"]["reason"] == "ClockDoubtful"
    assert conditions(plan.status)["Ready"]["status"] == "Unknown"

    world = World()
    world.doubt = "the clock is wrong"
    assert pods(world.plan(), world) == 0


def test_blocks_inside_the_agreements_are_open_and_close_when_it_is_narrowed() -> None:
    world = World(egress("10.20.0.0/16", "fd00:20::/32"))
    world.terms[0] = agreement(enclaveCIDRs=["10.0.0.0/8", "fd00::/8"])
    assert pods(world.plan(), world) == 1
    blocks = [one["ipBlock"]["cidr"] for one in ways_out(world) if "ipBlock" in one]
    assert blocks == ["10.20.0.0/16", "fd00:20::/32"]
    assert len(ways_out(world)) == 4, "the pods and the DNS beside them"

    world.terms[0] = agreement(enclaveCIDRs=["10.20.0.0/16"])
    assert pods(world.plan(), world) == 0
    assert ways_out(world) == []


def test_on_a_doubtful_clock_no_block_outside_the_agreements_opens() -> None:
    world = World(egress("10.20.0.0/16", "10.30.0.0/16"))
    world.terms[0] = agreement(enclaveCIDRs=["10.20.0.0/16"])
    world.doubt = "the clock is wrong"
    world.carry_out(world.plan())
    assert [one.get("ipBlock") for one in ways_out(world)] == [{"cidr": "10.20.0.0/16"}, None, None]

    world.terms = []
    world.carry_out(world.plan())
    (dns,) = ways_out(world)
    assert dns["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


def test_an_agreement_that_winds_down_keeps_what_was_made_in_its_term() -> None:
    term = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-20T00:00:00Z", "windDownDays": 30}
    world = ready()
    world.terms = [agreement(term=term), supplier(), *OTHERS]
    world.settle()
    found = conditions(world.parent["status"])
    assert found["AgreementInForce"]["reason"] == "WindingDown"
    assert "20 days left" in found["AgreementInForce"]["message"]
    assert world.deployment["spec"]["replicas"] == 1

    later = World()
    later.parent["metadata"]["creationTimestamp"] = "2026-02-20T00:00:00Z"
    later.terms = world.terms
    assert pods(later.plan(), later) == 0


def test_capacity_that_is_short_says_how_much_there_is() -> None:
    world = World(changed("replicas", 3))
    world.terms[0] = agreement(capacity={"maxReplicas": 2})
    assert pods(world.plan(), world) == 2
    world.roll_out().settle()
    assert "capacity has 2" in conditions(world.parent["status"])["Ready"]["message"]


def test_required_guardrails_and_the_place_are_rendered() -> None:
    image = AGREEMENT_SPEC["registries"][0] + f"/guards/g@sha256:{'c' * 64}"
    guard = {"name": "pii", "image": image, "port": 8100}
    profile = {
        "name": "gpu", "nodeSelector": {"kind": "gpu"}, "runtimeClassName": "nvidia",
        "tolerations": [{"key": "gpu"}], "resources": {"limits": {"example.com/gpu": 1}},
    }  # fmt: skip
    world = World(
        changed("profile", "gpu", changed("guardrails", [guard | {"name": "own", "port": 8101}]))
    )
    world.terms[0] = agreement(
        requiredGuardrails=[guard],
        capacity={"maxReplicas": 9, "maxAccelerators": 9, "profiles": [profile]},
    )
    world.carry_out(world.plan())
    pod = world.deployment["spec"]["template"]["spec"]
    assert [c["name"] for c in pod["initContainers"]] == [
        "start-gate",
        "gateway",
        "guardrail-pii",
        "guardrail-own",
    ]
    assert all(one["restartPolicy"] == "Always" for one in pod["initContainers"][1:])
    assert pod["nodeSelector"] == {"kind": "gpu"}
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["tolerations"][0]["key"] == "gpu"
    assert pod["containers"][0]["resources"] == {"limits": {"example.com/gpu": 1}}

    world.parent["spec"] = changed("guardrails", [guard])
    assert pods(world.plan(), world) == 0, "a required guard's name cannot be taken"
