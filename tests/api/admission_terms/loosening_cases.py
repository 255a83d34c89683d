"""Ways to loosen an agreement, each beside the nearest change that everybody may make."""

from dataclasses import dataclass
from typing import Any

from api.admission_terms.states import BLOCKS, DIGEST, FUTURE, LINES, LOOSE, PII, TPU
from api.admission_terms.world import DOMAIN, World
from enclave.kubeapi import KubeApi
from unit.api.cases import AGREEMENT, Json

_START, _END = AGREEMENT["term"]["start"], AGREEMENT["term"]["end"]


@dataclass(frozen=True)
class Loosening:
    """One field, tightened and loosened.

    Attributes:
        at: The field below spec, dotted.
        tighter: A value that everybody may set.
        looser: A value that needs the right to loosen.
        says: What the refusal must contain.
        on: The agreement.
        field: Field that the message names; `at` when empty.
    """

    at: str
    tighter: Any
    looser: Any
    says: str
    on: str = "loose"
    field: str = ""

    def change(self, world: World, client: KubeApi, value: Any) -> str:
        """How the change is refused for a user, or ""."""
        where = f"{DOMAIN}/usageagreements/{self.on}"
        return world.attempt("PUT", where, self.changed(world.made[where], value), client=client)

    def changed(self, stored: Json, value: Any) -> Json:
        *parents, last = self.at.split(".")
        spec = place = dict(stored["spec"])
        for parent in parents:
            place[parent] = dict(place[parent])
            place = place[parent]
        place[last] = value
        if self.at == "audit.record":
            place["publicKey"] = "PEM"
        return stored | {"spec": spec}


def _uses(*names: str) -> list[Json]:
    return [{"id": name, "description": name} for name in names]


def _key(name: str, text: str = "PEM") -> Json:
    return {"name": name, "publicKey": text}


_SURVEILLANCE, _FORCE, _TARGETING = LINES
_OTHER = PII | {"image": f"registry.enclave.local/guards/other@{DIGEST}"}
_QUOTAS = LOOSE["quotas"]
_NEW_LINE = {"id": "more", "verdict": "Hold"}

_OTHER_PLACES: list[Json] = [
    {"nodeSelector": {}},
    {"runtimeClassName": "other"},
    {"resources": TPU["resources"] | {"limits": {"example.com/tpu": 2}}},
    {"resources": TPU["resources"] | {"requests": {"cpu": 2}}},
    {"tolerations": []},
    {"tolerations": [{"key": "any"}]},
    {"tolerations": [{"key": "tpu", "operator": "Equal"}]},
    {"tolerations": [{"key": "tpu", "value": "v"}]},
    {"tolerations": [{"key": "tpu", "effect": "NoExecute"}]},
]
_DEFAULTS_WRITTEN = TPU | {
    "tolerations": [{"key": "tpu", "operator": "Exists", "effect": "NoSchedule"}]
}


def _more(path: str, value: int) -> str:
    return f"spec.{path}: {value + 1} is more than {value}; accepted: at most {value}, or the right"


def _less(path: str, value: int) -> str:
    before = f"{value - 1} is less than {value}"
    return f"spec.{path}: {before}; accepted: at least {value}, or the right"


CASES = [
    Loosening("redLines", [*LINES, _NEW_LINE], [_SURVEILLANCE, _FORCE],
              "lacks targeting; accepted: all of domestic-mass-surveillance, use-of-force, "
              "targeting"),
    Loosening("redLines", [_SURVEILLANCE, _FORCE, _TARGETING | {"verdict": "Refuse"}],
              [_SURVEILLANCE, _FORCE | {"verdict": "Hold"}, _TARGETING],
              "Hold is milder than Refuse for use-of-force; accepted: Refuse",
              field="redLines[*].verdict"),
    Loosening("redLines", [*LINES[:2], _TARGETING | {"description": ""}, _NEW_LINE],
              [_SURVEILLANCE, _FORCE, _TARGETING | {"description": "ships only"}],
              "another one for targeting; accepted: the one it has",
              field="redLines[*].description"),
    Loosening("redLines", [*LINES[:2], _TARGETING | {"patterns": ["b", "c", "a"]}],
              [*LINES[:2], _TARGETING | {"patterns": ["a", "c"]}],
              "fewer or others for targeting; accepted: all that it has",
              field="redLines[*].patterns"),
    Loosening("redLines", [*LINES, _NEW_LINE],
              [*LINES[:2], {"id": "targeting", "verdict": "Refuse"}],
              "fewer or others for targeting", field="redLines[*].patterns"),
    Loosening("systemInstruction", "Be brief.", "Be brief. Obey.",
              "another one; accepted: the one it has"),
    Loosening("systemInstruction", "Be brief.", "", "another one; accepted: the one it has"),
    Loosening("systemInstruction", "Be brief.", None, "another one; accepted: the one it has"),
    Loosening("guard.minimumBundleVersion", 20_260_111, 20_260_109,
              "20260109 in place of 20260110; accepted: at least that"),
    Loosening("guard", LOOSE["guard"], {"uncoveredLanguages": "Refuse"},
              "none in place of 20260110; accepted: at least that",
              field="guard.minimumBundleVersion"),
    Loosening("guard.uncoveredLanguages", "Refuse", "Hold",
              "Hold is milder than Refuse; accepted: Refuse"),
    *(
        Loosening(f"quotas.{limit}", 9, 11, "11 in place of 10; accepted: at most that")
        for limit in ("requests", "tokens", "persons")
    ),
    Loosening("quotas", _QUOTAS | {"windowSeconds": 101},
              {key: value for key, value in _QUOTAS.items() if key != "persons"},
              "none in place of 10; accepted: at most that", field="quotas.persons"),
    Loosening("quotas.windowSeconds", 101, 99, _less("quotas.windowSeconds", 100)),
    Loosening("requiredGuardrails", [PII, PII | {"name": "toxicity"}], [],
              "lacks pii; accepted: all of pii"),
    Loosening("requiredGuardrails", [PII, _OTHER | {"name": "toxicity"}], [_OTHER],
              "another one for pii; accepted: the one it has",
              field="requiredGuardrails[*].image"),
    Loosening("capacity.maxReplicas", 7, 9, _more("capacity.maxReplicas", 8)),
    Loosening("capacity.maxReplicasEach", 3, 5, _more("capacity.maxReplicasEach", 4)),
    Loosening("capacity.maxAccelerators", 1, 3, _more("capacity.maxAccelerators", 2)),
    Loosening("capacity.floor", 0, 2, _more("capacity.floor", 1)),
    Loosening("term.end", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z",
              f"2027-01-01T00:00:01Z is later than {_END}; accepted: no later than {_END}"),
    Loosening("term.end", "2026-06-01T00:00:00Z", FUTURE, f"{FUTURE} is later than {_END}"),
    Loosening("term.start", "2026-01-01T00:00:01Z", "2025-12-31T23:59:59Z",
              f"2025-12-31T23:59:59Z is earlier than {_START}; accepted: no earlier than {_START}"),
    Loosening("term.windDownDays", 9, 11, _more("term.windDownDays", 10)),
    Loosening("approvals.quorum", 3, 1, _less("approvals.quorum", 2)),
    Loosening("approvals.expiryMinutes", 14, 16, _more("approvals.expiryMinutes", 15)),
    Loosening("approvals.approverGroups", ["a"], ["a", "b", "c"], "adds c; accepted: a, b"),
    Loosening("approvals.approverGroups", ["b", "a"], ["a", "x"], "adds x; accepted: a, b"),
    Loosening("approvals.approverGroups", ["b"], [],
              "an empty list lets every group approve; accepted: some of a, b"),
    Loosening("suppliers", ["open-lab"], ["open-lab", "second-lab", "third-lab"],
              "adds third-lab; accepted: open-lab, second-lab"),
    Loosening("registries", ["r.local/a"], ["r.local/a", "r.local"],
              "adds r.local; accepted: r.local/a, r.local/b"),
    *(
        Loosening("enclaveCIDRs", tighter, [*BLOCKS, looser],
                  f"adds {looser}; accepted: blocks inside 10.20.0.0/16, fd00:20::/32")
        for tighter, looser in (
            ([], "10.21.0.0/16"), (["10.20.0.0/17"], "10.20.0.0/15"), (BLOCKS[:1], "fd00::/8"),
            ([*BLOCKS, "fd00:20:7::/48"], "fd00:21::/32"), (BLOCKS[1:], "a14::/16"),
        )
    ),
    Loosening("enclaveCIDRs", [], ["10.20.0.0/16"],
              "adds 10.20.0.0/16; accepted: blocks inside none", on="walled"),
    Loosening("allowedUses", _uses("routes"), _uses("routes", "plans", "orders"),
              "adds orders; accepted: routes, plans"),
    Loosening("allowedUses", _uses("plans"), [_uses("routes")[0] | {"description": "anything"}],
              "another one for routes; accepted: the one it has",
              field="allowedUses[*].description"),
    Loosening("capacity.profiles", [{"name": "gpu"}], [{"name": "gpu"}, {"name": "big"}],
              "adds or changes big; accepted: some of those there are"),
    Loosening("capacity.profiles", [{"name": "cpu"}],
              [{"name": "gpu", "nodeSelector": {"pool": "big"}}], "adds or changes gpu"),
    *(
        Loosening("capacity.profiles", [_DEFAULTS_WRITTEN], [TPU | other],
                  "adds or changes tpu; accepted: some of those there are")
        for other in _OTHER_PLACES
    ),
    Loosening("audit.publicKey", "PEM", "OTHER", "another one; accepted: the one it has"),
    Loosening("audit.record", "Sealed", "Digest",
              "Digest keeps less than Sealed; accepted: Sealed"),
    Loosening("audit.retentionDays", 101, 99, _less("audit.retentionDays", 100)),
    Loosening("trust.modelSigningKeys", [], [_key("k1"), _key("k2")], "adds k2; accepted: k1"),
    Loosening("trust.modelSigningKeys", [_key("k1")], [_key("k1", "OTHER")],
              "another one for k1; accepted: the one it has",
              field="trust.modelSigningKeys[*].publicKey"),
    Loosening("capacity.maxReplicas", 7, 9, _more("capacity.maxReplicas", 8), on="open"),
    Loosening("capacity.maxReplicas", 7, 9, _more("capacity.maxReplicas", 8), on="digest"),
]  # fmt: skip
