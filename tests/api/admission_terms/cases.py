"""Refusals of deployments, each beside the nearest change that passes."""

from dataclasses import dataclass
from typing import Any

from api.admission_terms.states import BLOCKS, DIGEST, EXISTING, FUTURE, PAST, PII
from api.admission_terms.world import OUTSIDE, PLACE, World
from unit.api.cases import ABSENT, SPEC, Json, changed

_IMAGE = f"registry.enclave.local/models/m@{DIGEST}"
_FOREIGN = f"registry.other.local/models/m@{DIGEST}"
_LOOKALIKE = f"registry.enclave.local.evil/models/m@{DIGEST}"
_OWNED = f"registry.enclave.local/owned/m@{DIGEST}"
_INDEX_SUPPLIERS = "blocked, directed, lapsed"


@dataclass(frozen=True)
class Case:
    """Two requests that differ in one thing.

    Attributes:
        refuses: The sentence of the case.
        accepted: Fields of spec that differ, dotted, in the request that passes.
        refused: The same in the request that does not.
        says: What the refusal must contain: field, value found, what is accepted.
        on: The deployment to update; empty: one is made.
        place: Namespace of the refused request.
    """

    refuses: str
    accepted: Json
    refused: Json
    says: tuple[str, ...]
    on: str = ""
    place: str = PLACE
    on_refused: str = ""

    def outcome(self, world: World) -> tuple[str, str]:
        """The refusals of both requests."""
        accepted = world.refusal("new", _spec(self.on, self.accepted), self.on)
        on = self.on_refused or self.on
        return accepted, world.refusal("new", _spec(on, self.refused), on, self.place)


def _spec(on: str, changes: Json) -> Json:
    spec = EXISTING.get(on, SPEC)
    for path, value in changes.items():
        spec = changed(path, value, spec)
    return spec


def _variant(supplier: str) -> Json:
    base = {"supplier": supplier, "digest": DIGEST}
    return {"model.variant": "FineTune", "model.base": base}


def _guard(name: str, image: str = _IMAGE, port: int = 8091) -> list[Json]:
    return [PII | {"name": name, "image": image, "port": port}]


def _ways(*blocks: str) -> Json:
    """Ways out to blocks, beside one to pods."""
    pods = {"podSelector": {"matchLabels": {"app": "archive"}}, "ports": [{"port": 443}]}
    blocked = [{"cidr": block, "ports": [{"port": 443}]} for block in blocks]
    return {"access": {"egress": [pods, *blocked]}}


def _one(field: str, accepted: Any, refused: Any, *says: str, on: str = "") -> Case:
    sentence = f"{str(refused).partition('@')[0]} as {field}" + (f" of {on}" if on else "")
    return Case(sentence, {field: accepted}, {field: refused}, (f"spec.{field}", *says), on)


_NO_PLACE = ("metadata.namespace: outside is no place", "casemate.dev/enclave=true")
PLACES = [
    Case("a deployment outside", {}, {}, _NO_PLACE, place=OUTSIDE),
    Case("growth outside", {"replicas": 3}, {"replicas": 3}, _NO_PLACE, "plain", OUTSIDE, "stray"),
]

KNOWN = [
    _one("agreementRef.name", "harbour", "ghost", "no agreement ghost is known; accepted: ",
         "digest, ended, future, harbour, loose"),
    _one("model.supplier", "open-lab", "ghost", "no supplier ghost is known; accepted: ",
         _INDEX_SUPPLIERS),
    Case("an unknown base", _variant("second-lab"), _variant("ghost"),
         ("spec.model.base.supplier: no supplier ghost is known; accepted: ", _INDEX_SUPPLIERS)),
    _one("agreementRef.name", "small", "ghost", "no agreement ghost", on="plain"),
    _one("model.supplier", "second-lab", "ghost", "no supplier ghost", on="plain"),
    Case("a change to an unknown base", _variant("second-lab"), _variant("ghost"),
         ("spec.model.base.supplier: no supplier ghost",), "plain"),
    Case("another unknown agreement for one of an unknown supplier", {"replicas": 1},
         {"replicas": 1, "agreementRef.name": "ghost"}, ("spec.agreementRef.name: no agreement",),
         "of-a-ghost"),
]  # fmt: skip

_PHASE = "accepted: an agreement whose phase is InForce"
_HARBOUR = "is not in agreement harbour; accepted: "
AGREEMENTS = [
    _one("agreementRef.name", "small", "pending", "agreement pending is Pending", _PHASE),
    _one("agreementRef.name", "small", "winding", "agreement winding is WindingDown", _PHASE),
    _one("agreementRef.name", "small", "ended", "agreement ended is Ended", _PHASE),
    _one("agreementRef.name", "small", "unjudged", "agreement unjudged is not judged yet", _PHASE),
    _one("agreementRef.name", "small", "ended", "agreement ended is Ended", _PHASE, on="plain"),
    _one("agreementRef.name", "harbour", "future", "agreement future has not begun at 20",
         f"accepted: from {FUTURE} on"),
    _one("agreementRef.name", "harbour", "past", "agreement past is over at 20",
         f"accepted: before {PAST}"),
    _one("agreementRef.name", "small", "future", "agreement future has not begun at 20",
         f"accepted: from {FUTURE} on", on="plain"),
    _one("agreementRef.name", "small", "past", "agreement past is over at 20",
         f"accepted: before {PAST}", on="plain"),
    Case("growth under an agreement that winds down", {"replicas": 1}, {"replicas": 3}, (_PHASE,),
         "under-winding"),
    _one("use", "logistics-optimization", "logistics", f"logistics {_HARBOUR}",
         "logistics-optimization"),
    _one("use", "logistics-optimization", "gardening", f"gardening {_HARBOUR}"),
    _one("use", "logistics-optimization", "logistics", f"logistics {_HARBOUR}", on="plain"),
    _one("model.supplier", "second-lab", "stranger", f"stranger {_HARBOUR}open-lab, second-lab"),
    _one("model.supplier", "second-lab", "stranger", f"stranger {_HARBOUR}", on="plain"),
    Case("a base that the agreement lacks", _variant("second-lab"), _variant("stranger"),
         ("spec.model.base.supplier: stranger", f"{_HARBOUR}open-lab, second-lab")),
    Case("a change to a base that the agreement lacks", _variant("second-lab"),
         _variant("stranger"), ("spec.model.base.supplier: stranger",), "plain"),
    *(
        _one(field, _IMAGE, image, f"{image} {_HARBOUR}images of registry.enclave.local", on=on)
        for field in ("model.source.oci.image", "engine.image")
        for image in (_FOREIGN, _LOOKALIKE)
        for on in ("", "plain")
    ),
    *(
        Case(f"a guardrail from {image[:26]} {on}", {"guardrails": _guard("toxicity")},
             {"guardrails": _guard("toxicity", image)},
             (f"spec.guardrails[*].image: {image} {_HARBOUR}images of registry.enclave.local",), on)
        for image in (_FOREIGN, _LOOKALIKE)
        for on in ("", "plain")
    ),
    Case("the second guardrail from elsewhere", {"guardrails": _guard("a") + _guard("b")},
         {"guardrails": _guard("a") + _guard("b", _FOREIGN)},
         (f"spec.guardrails[*].image: {_FOREIGN}",)),
    *(
        Case(f"the name of a required guardrail {on}", {"guardrails": _guard("pii2")},
             {"guardrails": _guard("pii")},
             ("spec.guardrails[*].name: pii is required by agreement harbour",
              "accepted: names other than pii"), on)
        for on in ("", "plain")
    ),
    *(
        Case(f"the port of a required guardrail {on}", {"guardrails": _guard("own", port=8089)},
             {"guardrails": _guard("a") + _guard("own", port=8090)},
             ("spec.guardrails[*].port: 8090 is the port of a guardrail that agreement harbour",
              "requires; accepted: ports other than 8090"), on)
        for on in ("", "plain")
    ),
    _one("engine.port", 8089, 8090, "8090 is the port of a guardrail that agreement harbour",
         "requires; accepted: a port other than 8090"),
    _one("profile", "gpu", "tpu", f"tpu {_HARBOUR}gpu"),
    _one("profile", "gpu", "tpu", f"tpu {_HARBOUR}gpu", on="plain"),
    *(
        Case(f"a way out to {', '.join(refused)} {on}", _ways(*accepted), _ways(*refused),
             (f"spec.access.egress[*].cidr: {outside} {_HARBOUR}blocks inside ", *BLOCKS), on)
        for accepted, refused, outside in (
            (["10.20.0.0/16"], ["10.21.0.0/16"], "10.21.0.0/16"),
            (["10.20.255.255/32"], ["10.21.0.0/32"], "10.21.0.0/32"),
            (["10.20.0.0/17"], ["10.20.0.0/15"], "10.20.0.0/15"),
            (["fd00:20::/32"], ["fd00:20::/31"], "fd00:20::/31"),
            (["fd00:20:7::1/128"], ["fd00:21::1/128"], "fd00:21::1/128"),
            (["10.20.0.0/24", "fd00:20::/64"], ["10.20.0.0/24", "a14::/32", "10.0.0.0/8"],
             "a14::/32, 10.0.0.0/8"),
        )
        for on in ("", "plain")
    ),
    _one("replicas", 4, 5, "5 is more than capacity.maxReplicasEach of agreement harbour",
         "accepted: at most 4"),
    _one("replicas", 4, 5, "5 is more than capacity.maxReplicasEach", on="plain"),
    Case("more than everything", {"agreementRef.name": "small", "replicas": 2},
         {"agreementRef.name": "small", "replicas": 3},
         ("spec.replicas: 3 is more than capacity.maxReplicas of agreement small",
          "accepted: at most 2")),
    Case("a start under an agreement that winds down", {"replicas": 5},
         {"suspend": False}, (_PHASE,), "stopped-under-winding"),
    Case("another owner under an agreement that winds down", {"suspend": True},
         {"owner.name": "Other"}, (_PHASE,), "under-winding"),
    Case("more clients under an agreement that winds down", {"replicas": 0},
         {"access": {"clients": [{"podSelector": {"matchLabels": {"a": "b"}}}]}}, (_PHASE,),
         "under-winding"),
]  # fmt: skip

_WAY_OUT = "of this one only fewer replicas, suspend, or a change to another supplier"
_GPUS = {"limits": {"cpu": "1", "example.com/gpu": "3"}}
_REQUESTED = {"limits": {"cpu": "1", "example.com/gpu": "2"}, "requests": {"example.com/gpu": "1"}}
_MORE_CPU = {"limits": {"cpu": "4", "example.com/gpu": "2"}}


def _of(supplier: str, refused: Json, *says: str, accepted: Json | None = None) -> Case:
    """A change to a deployment of a supplier, beside the same for one that is approved."""
    name = f"of-{supplier}"
    near = {"owner.name": "Other"} if accepted is None else accepted
    fields = ", ".join(refused)
    return Case(f"{fields} of {supplier} {str(sorted(map(str, refused.values())))[-24:]}",
                near, refused, (f"spec.model.supplier: {supplier}"[:20], *says), name)  # fmt: skip


_PHASED = ("supplier phasing is PhasingOut; accepted: a supplier whose standing", _WAY_OUT)
SUPPLIERS = [
    _one("model.supplier", "open-lab", "phasing", *_PHASED),
    _one("model.supplier", "open-lab", "blocked", "supplier blocked is Blocked", _WAY_OUT),
    _one("model.supplier", "open-lab", "unjudged", "supplier unjudged is not judged yet"),
    _one("model.supplier", "second-lab", "phasing", "phasing is PhasingOut", on="plain"),
    Case("a base that is phased out", _variant("second-lab"), _variant("phasing"),
         ("spec.model.base.supplier: supplier phasing is PhasingOut",)),
    Case("a change to a base that is phased out", _variant("second-lab"), _variant("phasing"),
         ("spec.model.base.supplier: supplier phasing is PhasingOut",), "plain"),
    _of("phasing", {"replicas": 3}, *_PHASED, accepted={"replicas": 2}),
    _of("blocked", {"replicas": 3}, "supplier blocked is Blocked", accepted={"replicas": 0}),
    _of("unjudged", {"replicas": 3}, "not judged yet", accepted={"suspend": True}),
    _of("phasing", {"engine.image": _IMAGE}, *_PHASED),
    _of("phasing", {"model.source.oci.image": _IMAGE}, *_PHASED),
    _of("phasing", {"model.name": "other"}, *_PHASED),
    _of("phasing", _variant("open-lab"), *_PHASED),
    _of("phasing", {"engine.resources": _GPUS}, *_PHASED,
        accepted={"engine.resources": _MORE_CPU}),
    _of("phasing", {"engine.resources": _REQUESTED}, *_PHASED,
        accepted={"engine.resources": {"limits": {"example.com/gpu": "1"}}}),
    _of("phasing", {"profile": "gpu"}, *_PHASED,
        accepted={"access": {"clients": [{"podSelector": {"matchLabels": {"a": "b"}}}]}}),
    Case("devices left to the profile", {"engine.resources": _MORE_CPU}, {"engine.resources": {}},
         _PHASED, "profiled-of-phasing"),
    Case("a start while phased out", {"replicas": 3}, {"suspend": False}, _PHASED,
         "stopped-of-phasing"),
    Case("leaving, but with the base", {"model.supplier": "second-lab"},
         {"model.supplier": "second-lab", **_variant("phasing")},
         ("spec.model.base.supplier: supplier phasing",), "of-phasing"),
    Case("growth of a variant", {"model.variant": ABSENT, "model.base": ABSENT}, {"replicas": 3},
         ("spec.model.base.supplier: supplier phasing is PhasingOut",), "from-phasing"),
    Case("another engine for a variant", {"owner.name": "Other"}, {"engine.image": _IMAGE},
         ("spec.model.base.supplier: supplier phasing is PhasingOut",), "from-phasing"),
    _one("model.supplier", "proposed", "directed",
         "supplier directed is under directive D-1 in effect; accepted: a supplier without"),
    Case("a directive that no stay suspends", {"model.supplier": "stayed-now"},
         {"model.supplier": "directed"},
         ("supplier directed is under directive D-1 in effect; accepted: a supplier without",)),
    _of("directed", {"replicas": 3}, "supplier directed is under directive D-1 in effect",
        accepted={"replicas": 1}),
    Case("a base under a directive", _variant("planned"), _variant("directed"),
         ("spec.model.base.supplier: supplier directed is under directive D-1 in effect",)),
    _of("stale", {"replicas": 3}, "supplier stale is under directive D-1, not judged yet",
        "accepted: once its status is Approved for generation 1", accepted={"replicas": 1}),
    Case("growth under a plan not judged", {"model.supplier": "planned", "replicas": 3},
         {"engine.image": _IMAGE}, ("supplier stale is under directive D-1, not judged",),
         "of-stale"),
    _one("model.supplier", "lasting", "unapproved",
         "supplier unapproved has no approval; accepted: a supplier with spec.approval"),
    _of("unapproved", {"replicas": 3}, "unapproved has no approval"),
    _one("model.supplier", "lasting", "lapsed", f"approval of supplier lapsed ended at {PAST}",
         "accepted: a supplier whose approval lasts"),
    _of("lapsed", {"replicas": 3}, f"lapsed ended at {PAST}"),
]  # fmt: skip

_BELONGS = f"the image {_OWNED} belongs to supplier owner-lab, not open-lab; accepted: owner-lab"
ORIGINS = [
    Case("an image of another supplier",
         {"model.supplier": "owner-lab", "model.source.oci.image": _OWNED},
         {"model.source.oci.image": _OWNED},
         ("spec.model.supplier", _BELONGS, "from outside registry.enclave.local/owned")),
    Case("a change to an image of another supplier",
         {"model.source.oci.image": f"registry.enclave.local/owned2/m@{DIGEST}"},
         {"model.source.oci.image": _OWNED}, ("spec.model.supplier", _BELONGS), "plain"),
    Case("an image kept by one who turns to another supplier",
         {"model.supplier": "owner-lab", "model.source.oci.image": _OWNED},
         {"model.supplier": "second-lab", "model.source.oci.image": _OWNED},
         ("spec.model.supplier", "belongs to supplier owner-lab, not second-lab"), "plain"),
]  # fmt: skip

CASES: dict[str, list[Case]] = {
    "casemate-deployment-place": PLACES,
    "casemate-deployment-known": KNOWN,
    "casemate-deployment-agreement": AGREEMENTS,
    "casemate-deployment-supplier": SUPPLIERS,
    "casemate-deployment-origin": ORIGINS,
}
