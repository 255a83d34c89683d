"""The guard policy: what an agreement makes of it, how it gets to the pods, what is said of it."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.api.agreement import UsageAgreementSpec
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.core.guard_policy import finding, policy
from casemate.core.isolation import Pod
from casemate.core.names import GUARD_ANNOTATION
from casemate.core.observed import Ref
from casemate.policyfile import parse
from support.terms import AGREEMENT_SPEC, agreement, supplier
from unit.api.cases import IMAGE, SPEC, changed
from unit.core.world import SETTINGS, World, conditions, guarded_pod, ready

BUNDLE = SETTINGS.guard_bundle
POLICY, DEPLOYMENT = Ref("ConfigMap", "m-guard"), Ref("Deployment", "m")
WORDS = {"name": "words", "image": IMAGE, "port": 8100}
OWN = {"name": "own", "image": IMAGE, "port": 8200}
SURVEILLANCE = {"id": "domestic-mass-surveillance", "verdict": "Refuse"}
FORCE = {"id": "use-of-force", "verdict": "Hold"}
FULL: dict[str, Any] = {
    "redLines": [
        SURVEILLANCE | {"patterns": ["(?i)census of dissidents"]},
        FORCE | {"verdict": "Refuse"},
        {"id": "leak", "verdict": "Hold", "description": "Secrets", "patterns": ["tür", r"\d{9}"]},
    ],
    "systemInstruction": "Du hilfst\nbeim Laden.",
    "guard": {"minimumBundleVersion": 20_260_101, "uncoveredLanguages": "Refuse"},
    "quotas": {"windowSeconds": 60, "requests": 10, "persons": 3},
    "requiredGuardrails": [WORDS],
}


def rendered(spec: dict[str, Any] | None = None, **terms: Any) -> World:
    world = World(spec)
    world.terms[0] = agreement(**terms)
    return world.settle()


def key() -> str:
    made = X25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return made.public_bytes(serialization.Encoding.PEM, form).decode()


def test_the_key_that_contents_are_sealed_to_is_in_the_policy_and_a_gateway_reads_it() -> None:
    pem = key()
    world = rendered(audit={"record": "Sealed", "publicKey": pem})
    assert said(world)["sealTo"] == pem
    assert parse(world.objects[POLICY]["data"]["policy.json"].encode()).seal_to is not None
    for audit in ({"record": "Digest", "publicKey": pem}, {}):
        assert "sealTo" not in said(rendered(audit=audit))


def said(world: World) -> Any:
    return json.loads(world.objects[POLICY]["data"]["policy.json"])


def test_everything_that_the_agreement_says_of_the_guard_is_in_the_policy() -> None:
    assert said(rendered(changed("guardrails", [OWN]), **FULL)) == {
        "version": 1,
        "bundle": {"digest": BUNDLE.digest, "minimumVersion": 20_260_101},
        "lines": [
            SURVEILLANCE | {"patterns": ["(?i)census of dissidents"]},
            FORCE | {"verdict": "Refuse", "patterns": []},
            {"id": "leak", "verdict": "Hold", "patterns": ["tür", r"\d{9}"]},
        ],
        "uncovered": "Refuse",
        "systemInstruction": "Du hilfst\nbeim Laden.",
        "quotas": {"windowSeconds": 60, "requests": 10, "persons": 3},
        "detectors": [
            {"name": "words", "port": 8100, "detectorId": "words"},
            {"name": "own", "port": 8200, "detectorId": "own"},
        ],
    }


def test_an_agreement_that_says_nothing_has_the_built_in_lines_and_no_quotas() -> None:
    assert said(rendered()) == {
        "version": 1,
        "bundle": {"digest": BUNDLE.digest},
        "lines": [SURVEILLANCE | {"patterns": []}, FORCE | {"patterns": []}],
        "uncovered": "Hold",
        "systemInstruction": "",
        "detectors": [],
    }
    assert "quotas" not in said(rendered(quotas={"windowSeconds": 60})), (
        "a window alone limits none"
    )


def test_without_an_agreement_everything_is_refused() -> None:
    world = World()
    world.terms = [supplier()]
    found = said(world.settle())
    assert {line["id"]: line["verdict"] for line in found["lines"]} == {
        "domestic-mass-surveillance": "Refuse",
        "use-of-force": "Refuse",
    }
    assert found["uncovered"] == "Refuse"


def test_the_file_is_canonical_and_its_digest_is_in_annotation_and_argument() -> None:
    world = rendered(**FULL)
    text = world.objects[POLICY]["data"]["policy.json"]
    plain = json.loads(text)
    assert text == json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "tür" in text

    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    template = world.deployment["spec"]["template"]
    assert template["metadata"]["annotations"][GUARD_ANNOTATION] == digest
    gateway = template["spec"]["initContainers"][1]
    assert [one for one in gateway["args"] if one.startswith("--guard")] == [
        "--guard-policy=/etc/casemate/guard/policy.json",
        f"--guard-policy-digest={digest}",
    ]
    others = [*template["spec"]["initContainers"][2:], *template["spec"]["containers"]]
    assert not [m for one in others for m in one.get("volumeMounts", []) if m["name"] == "guard"]


def test_the_largest_policy_fits_into_a_config_map() -> None:
    pattern = "\U0001f6a2" * 256
    lines = [{"id": f"{n:063}", "verdict": "Refuse", "patterns": [pattern] * 16} for n in range(14)]
    built_in = [one | {"patterns": [pattern] * 16} for one in (SURVEILLANCE, FORCE)]
    terms = UsageAgreementSpec.model_validate(
        AGREEMENT_SPEC | {"redLines": [*built_in, *lines], "systemInstruction": "\U0001f6a2" * 4096}
    )
    found = policy(terms, ModelDeploymentSpec.model_validate(SPEC).guardrails, BUNDLE)
    assert 256 << 10 < len(found.text.encode()) < 1 << 20


@pytest.mark.parametrize(
    "change",
    [
        {"redLines": [SURVEILLANCE, FORCE | {"verdict": "Refuse"}]},
        {"redLines": [SURVEILLANCE, FORCE | {"patterns": ["x"]}]},
        {"systemInstruction": "Be brief."},
        {"guard": {"uncoveredLanguages": "Refuse"}},
        {"guard": {"minimumBundleVersion": 20_260_101}},
        {"quotas": {"requests": 5}},
        {"requiredGuardrails": [WORDS]},
    ],
    ids=[
        *("a stricter verdict", "a pattern", "an instruction", "other languages", "a newer bundle"),
        *("a quota", "a guardrail"),
    ],
)
def test_changed_terms_are_a_rollout_and_the_file_is_there_before_the_pods(change: Any) -> None:
    world = ready()
    before = world.policy
    world.terms[0] = agreement(**change)
    stages = [[one.ref for one in stage] for stage in world.plan().stages]
    assert POLICY in stages[0]
    assert stages[1] == [DEPLOYMENT]
    assert world.settle().policy != before


def test_terms_that_say_nothing_new_of_the_guard_leave_the_policy() -> None:
    world = ready()
    before = world.policy
    world.terms[0] = agreement(reference="another paper")
    assert world.settle().policy == before


def test_an_edit_of_the_policy_is_drift() -> None:
    world = ready()
    body = world.edit(POLICY, {"f:data": {"f:policy.json": {}, "f:more": {}}})
    body["data"] |= {"policy.json": "{}", "more": "x"}
    wanted = world.plan()
    assert [(one.ref, one.action) for one in wanted.repairs] == [(POLICY, "edited")]
    ((apply, *_), _) = wanted.stages
    assert apply.strip == (("f:data", "f:more"),)
    assert wanted.repairs[0].managers == ("kubectl-edit",)


def test_a_policy_that_was_made_immutable_goes_and_comes_back() -> None:
    world = ready()
    world.objects[POLICY]["immutable"] = True
    wanted = world.plan()
    assert [one.ref for one in wanted.prune] == [POLICY]
    assert not any(wanted.stages)
    world.carry_out(wanted)
    assert [(one.ref, one.action) for one in world.plan().repairs] == [(POLICY, "deleted")]
    assert "immutable" not in world.settle().objects[POLICY]


def test_an_immutable_one_of_somebody_else_stays_even_with_our_label() -> None:
    world = ready()
    theirs: dict[str, Any] = {"ownerReferences": [], "managedFields": []}
    world.objects[POLICY]["metadata"] |= theirs
    world.objects[POLICY]["immutable"] = True
    wanted = world.plan()
    assert wanted.prune == ()
    assert "ConfigMap m-guard exists and belongs to somebody else" in (wanted.conflict or "")


def pod(name: str, carries: str = "sha256:a", *, is_ready: bool = True) -> Pod:
    return Pod(name, f"uid-of-{name}", ready=is_ready, policy=carries)


@pytest.mark.parametrize(
    ("pods", "status", "reason", "message"),
    [
        ([], "Unknown", "NoPods", "no pod runs"),
        ([pod("p", is_ready=False)], "Unknown", "NoReplicaReady", "no pod is ready"),
        (
            [pod("p"), pod("q"), pod("r", "sha256:b", is_ready=False)],
            *("True", "PolicyEnforced", "2 of 2 ready pods run under policy sha256:a"),
        ),
        (
            [pod("p"), pod("q", "sha256:b")],
            *("False", "PolicyOutdated", "1 of 2 ready pods run under policy sha256:a; pod q: "),
        ),
        ([pod("p", "")], "False", "PolicyOutdated", "pod p: none"),
    ],
    ids=["no pod", "none ready", "all", "another", "one without a policy"],
)
def test_what_is_enforced_is_what_ready_pods_carry(
    pods: list[Pod], status: str, reason: str, message: str
) -> None:
    found = finding(pods, "sha256:a")
    assert (found.status, found.reason) == (status, reason)
    assert message in found.message


def test_the_status_says_what_the_guard_must_be_and_whether_it_is() -> None:
    world = ready()
    world.pods = [guarded_pod(world.policy), guarded_pod("sha256:0", "m-2", ready=False)]
    world.settle()
    status = world.parent["status"]
    assert status["guard"] == {"bundleDigest": BUNDLE.digest, "policyDigest": world.policy}
    assert conditions(status)["GuardrailsEnforced"]["status"] == "True"

    world.pods[1] = guarded_pod("sha256:0", "m-2")
    told = conditions(world.settle().parent["status"])["GuardrailsEnforced"]
    assert (told["status"], told["reason"]) == ("False", "PolicyOutdated")
    world.pods[1]["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    told = conditions(world.settle().parent["status"])["GuardrailsEnforced"]
    assert told["status"] == "True", "what is on its way out gets no more requests"


@pytest.mark.parametrize(("least", "pods"), [(20_260_201, 1), (20_260_202, 0)])
def test_an_agreement_that_asks_for_a_newer_bundle_has_no_pods(least: int, pods: int) -> None:
    world = ready()
    parts = set(world.objects)
    world.terms[0] = agreement(guard={"minimumBundleVersion": least})
    world.settle().roll_out().settle()
    assert world.deployment["spec"]["replicas"] == pods
    assert set(world.objects) == parts, "everything is kept"
    found = conditions(world.parent["status"])
    if not pods:
        assert found["Stalled"]["reason"] == found["AgreementInForce"]["reason"] == "GuardOutdated"
        assert (
            "asks for a guard bundle of 20260202 or later; found 20260201"
            in (found["Ready"]["message"])
        )
