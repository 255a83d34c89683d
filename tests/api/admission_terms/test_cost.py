"""Fifty agreements and suppliers with every list at its maximum stay within CEL's budget."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.admission_terms.conftest import RULES, grant
from api.admission_terms.states import DIGEST, LINES
from api.admission_terms.world import DOMAIN, PLACE, World
from casemate.api.supplier import INVENTORY
from enclave.controlplane import ControlPlane
from enclave.waiting import until
from unit.api.cases import AGREEMENT, DIRECTIVE, SPEC, SUPPLIER, Json, changed

MANY = 50
LAST = f"{MANY - 1:02}{'s' * 61}"


def _names(count: int, letter: str, length: int = 63) -> list[str]:
    return [f"{n:02}{letter * (length - 2)}" for n in range(count)]


def _registries(letter: str) -> list[str]:
    part = letter * 61
    return [f"{n:02}{part}.{part}.{part}.{part}"[:255] for n in range(16)]


def _blocks(begin: str) -> list[str]:
    return [f"{begin}:1111:2222:3333:4444:5555:6666:77{n:02}/128" for n in range(16)]


_REGISTRY = _registries("r")[-1]
_IMAGE = f"{_REGISTRY}/{'m' * 180}@{DIGEST}"
_FOREIGN = f"x{_REGISTRY[1:]}/{'m' * 180}@{DIGEST}"


def _guardrails(letter: str, port: int = 8090) -> list[Json]:
    return [{"name": name, "image": _IMAGE, "port": port} for name in _names(8, letter, 53)]


def _agreement() -> Json:
    labels = {f"{n:02}{'l' * 60}": "v" * 63 for n in range(16)}
    patterns: Json = {"patterns": [f"{'p' * 254}{n:02}" for n in range(16)]}
    lines = [{"id": name, "verdict": "Hold"} | patterns for name in _names(13, "l")]
    return AGREEMENT | {
        "allowedUses": [{"id": name, "description": "d" * 256} for name in _names(64, "u")],
        "redLines": [*(line | patterns for line in LINES), *lines],
        "systemInstruction": "i" * 4096,
        "quotas": {"requests": 1},
        "requiredGuardrails": _guardrails("q", 8091),
        "registries": _registries("r"),
        "suppliers": _names(64, "s"),
        "enclaveCIDRs": _blocks("fd00"),
        "trust": {
            "modelSigningKeys": [{"name": n, "publicKey": "P" * 4096} for n in _names(16, "k")]
        },
        "approvals": {"approverGroups": _names(16, "g", 256)},
        "capacity": {
            "maxReplicas": 1000,
            "profiles": [{"name": name, "nodeSelector": labels} for name in _names(16, "p")],
        },
    }


def _supplier() -> Json:
    waivers = [
        {
            "name": name,
            "agreements": _names(16, "a"),
            "until": "2100-01-01T00:00:00Z",
            "owner": "o",
            "justification": "j",
        }
        for name in _names(8, "w")
    ]
    later = {"effectiveAt": "2100-01-01T00:00:00Z", "waivers": waivers}
    orders = [DIRECTIVE | later | {"reference": "r" * 250 + str(n)} for n in range(8)]
    return SUPPLIER | {"identities": {"registries": _registries("o")}, "directives": orders}


def _deployment(**more: Any) -> Json:
    model = {
        "name": "m" * 128,
        "supplier": LAST,
        "source": {"oci": {"image": _IMAGE}},
        "variant": "Adapter",
        "base": {"supplier": LAST, "digest": DIGEST},
    }
    engine = {
        "image": _IMAGE,
        "args": ["a" * 2000] * 256,
        "env": [{"name": f"E{n}", "value": "v" * 1000} for n in range(128)],
        "resources": {"limits": {f"example.com/{n:02}": "1" for n in range(16)}},
    }
    labels = {f"l{n}": "v" * 63 for n in range(16)}
    return SPEC | {
        "model": model,
        "engine": engine,
        "agreementRef": {"name": LAST},
        "use": _names(64, "u")[-1],
        "replicas": 2,
        "profile": _names(16, "p")[-1],
        "guardrails": _guardrails("d"),
        "access": {
            "clients": [{"podSelector": {"matchLabels": labels}}] * 32,
            "egress": [
                {"cidr": block, "ports": [{"port": port} for port in range(1, 17)]}
                for block in _blocks("fd00")[::-1]
            ],
        },
        **more,
    }


def _entries(uid: str, count: int) -> list[Json]:
    entry = {"replicas": 1, "artifacts": DIGEST}
    uids = [f"{n:036}" for n in range(count - 1)] + [uid]
    return [entry | {"uid": one} for one in uids]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ControlPlane(tmp_path_factory.mktemp("crowd-plane")) as plane:
        world = World(plane)
        world.install()
        world.deploy("large", _deployment())
        for name in _names(MANY, "s"):
            standing = {"standing": "Approved", "observedGeneration": 1}
            world.define("Supplier", name, _supplier(), standing)
            world.define("UsageAgreement", name, _agreement(), {"phase": "InForce"})
        known = {
            f"{kind}.{name}": "x"
            for kind in ("agreement", "supplier")
            for name in _names(MANY, "s")
        }
        world.index(known)
        grant(world, "clerk", RULES["clerk"])
        world.enforce()
        broken = _deployment(use="other")
        until(lambda: "spec.use" in world.refusal("new", broken), 30, "the policies never held")
        yield world


def test_a_full_deployment_is_accepted_and_a_broken_one_refused(crowd: World) -> None:
    assert crowd.refusal("new", _deployment()) == ""
    guardrails = [*_guardrails("d")[:7], _guardrails("d")[7] | {"image": _FOREIGN}]
    refused = crowd.refusal("new", _deployment(guardrails=guardrails))
    assert f"spec.guardrails[*].image: {_FOREIGN} is not in agreement {LAST}" in refused


def test_the_last_of_many_ways_out_is_held_to_all_blocks(crowd: World) -> None:
    ways = _deployment()["access"]["egress"]
    other = [*ways[:-1], ways[-1] | {"cidr": _blocks("fd01")[0]}]
    refused = crowd.refusal("new", changed("access.egress", other, _deployment()))
    assert f"spec.access.egress[*].cidr: {_blocks('fd01')[0]} is not in agreement" in refused


def test_a_full_deployment_grows_shrinks_and_is_held_to_its_terms(crowd: World) -> None:
    assert crowd.refusal("large", _deployment(replicas=1), "large") == ""
    assert crowd.refusal("large", _deployment(replicas=3), "large") == ""
    other = changed("engine.image", _FOREIGN, _deployment())
    assert "spec.engine.image" in crowd.refusal("large", other, "large")


def test_a_message_that_names_every_known_agreement_is_still_said(crowd: World) -> None:
    refused = crowd.refusal("new", _deployment(agreementRef={"name": "ghost"}))
    assert "spec.agreementRef.name: no agreement ghost is known; accepted: 00" in refused
    assert refused.endswith(" ...")


def test_a_full_agreement_is_tightened_and_not_loosened(crowd: World) -> None:
    clerk = crowd.user("clerk")
    where = f"{DOMAIN}/usageagreements/{LAST}"
    stored = crowd.made[where]
    uses = stored["spec"]["allowedUses"]
    fewer = stored | {"spec": stored["spec"] | {"allowedUses": uses[:-1]}}
    assert crowd.attempt("PUT", where, fewer, client=clerk) == ""
    other = [*uses[:-1], {"id": "other", "description": "d"}]
    refused = crowd.attempt(
        "PUT", where, stored | {"spec": stored["spec"] | {"allowedUses": other}}, client=clerk
    )
    assert "spec.allowedUses: adds other" in refused
    lines = stored["spec"]["redLines"]
    mild = [*lines[:-1], lines[-1] | {"patterns": lines[-1]["patterns"][:-1]}]
    refused = crowd.attempt(
        "PUT", where, stored | {"spec": stored["spec"] | {"redLines": mild}}, client=clerk
    )
    assert f"spec.redLines[*].patterns: fewer or others for {lines[-1]['id']}" in refused


def test_the_last_of_a_full_inventory_does_not_grow(crowd: World) -> None:
    where = f"{DOMAIN}/namespaces/{PLACE}/modeldeployments/large"
    uid = crowd.made[where]["metadata"]["uid"]
    assert crowd.scaled("large", 3) == ""
    order = {"effectiveSince": "2026-01-01T00:00:00Z"}
    inventory = [
        order | {"reference": "D-1", "deployments": _entries("other", INVENTORY // 2)},
        order | {"reference": "D-2", "deployments": _entries(uid, INVENTORY // 2)},
    ]
    crowd.judge("Supplier", LAST, standing="PhasingOut", inventory=inventory)
    until(lambda: crowd.scaled("large", 3) != "", 10, "the inventory never counted")
    assert "3 is more than 2 while supplier" in crowd.scaled("large", 3)
    assert crowd.scaled("large", 1) == ""
