"""Who may loosen a UsageAgreement, and that terms in use cannot be deleted."""

from casemate.admission.expressions import contained, listed, say
from casemate.admission.policy import Check, Policy, Target
from casemate.api.agreement import Toleration
from casemate.api.rules import literal
from casemate.api.v1alpha1 import GROUP

_AGREEMENTS, _SUPPLIERS = "usageagreements", "suppliers"
_RIGHT = f"the right to loosen {_AGREEMENTS} {{}} in {GROUP}"
_OLD, _NEW = "oldObject.spec.", "object.spec."


def _unless_allowed(holds: str, sentence: str, *found: str) -> Check:
    text = say(f"{sentence}, or {_RIGHT}", *found, "object.metadata.name")
    return Check(f"{holds} || variables.allowed", text)


def _bounded(path: str, relation: str) -> Check:
    """Return the check that a number does not move in the direction that loosens."""
    word, bound = ("more", "at most") if relation == "<=" else ("less", "at least")
    return _unless_allowed(
        f"{_NEW}{path} {relation} {_OLD}{path}",
        f"spec.{path}: {{}} is {word} than {{}}; accepted: {bound} {{}}",
        *(_NEW + path, _OLD + path, _OLD + path),
    )


def _moment(path: str, relation: str) -> Check:
    """Return the check that the term grows at neither end."""
    word, bound = ("later", "no later than") if relation == "<=" else ("earlier", "no earlier than")
    return _unless_allowed(
        f"timestamp({_NEW}{path}) {relation} timestamp({_OLD}{path})",
        f"spec.{path}: {{}} is {word} than {{}}; accepted: {bound} {{}}",
        *(_NEW + path, _OLD + path, _OLD + path),
    )


def _nothing_added(path: str, key: str = "") -> Check:
    names = f".map(one, one.{key})" if key else ""
    before, now = f"{_OLD}{path}{names}", f"{_NEW}{path}{names}"
    added = f"{now}.filter(name, !(name in {before}))"
    return _unless_allowed(
        f"size({added}) == 0",
        f"spec.{path}: adds {{}}; accepted: {{}}",
        *(listed(added), listed(before)),
    )


def _nothing_removed(path: str, key: str) -> Check:
    before, now = (f"{spec}{path}.map(one, one.{key})" for spec in (_OLD, _NEW))
    removed = f"{before}.filter(name, !(name in {now}))"
    return _unless_allowed(
        f"size({removed}) == 0",
        f"spec.{path}: lacks {{}}; accepted: all of {{}}",
        *(listed(removed), listed(before)),
    )


def _unchanged(path: str, key: str, field: str, absent: str = "''") -> Check:
    """Return the check that no item has another value; `absent` stands for one not given."""
    value = f"?{field}.orValue({absent})"
    other = f"{_OLD}{path}.exists(old, old.{key} == one.{key} && old.{value} != one.{value})"
    changed = f"{_NEW}{path}.filter(one, {other}).map(one, one.{key})"
    return _unless_allowed(
        f"size({changed}) == 0",
        f"spec.{path}[*].{field}: another one for {{}}; accepted: the one it has",
        listed(changed),
    )


def _limited(path: str, relation: str = "<=") -> Check:
    """Return the check that a number that may be absent stays, and moves in no loosening way."""
    word = "at most" if relation == "<=" else "at least"
    parent, last = path.split(".")
    before, now = (f"{spec}{parent}.?{last}" for spec in (_OLD, _NEW))
    return _unless_allowed(
        f"!{before}.hasValue() || {now}.hasValue() && {now}.value() {relation} {before}.value()",
        f"spec.{path}: {{}} in place of {{}}; accepted: {word} that",
        *(_or_none(now), _or_none(before)),
    )


def _or_none(optional: str) -> str:
    return f"({optional}.hasValue() ? string({optional}.value()) : 'none')"


_FEWER = (
    f"{_OLD}redLines.filter(old, !{_NEW}redLines.exists(one, one.id == old.id && "
    "old.?patterns.orValue([]).all(each, each in one.?patterns.orValue([])))).map(old, old.id)"
)
_MILDER = (
    f"{_NEW}redLines.filter(one, one.verdict == 'Hold' && {_OLD}redLines.exists(old, "
    "old.id == one.id && old.verdict == 'Refuse')).map(one, one.id)"
)
_TOLERATION = Toleration.model_fields
_TOLERATIONS = (
    "?tolerations.orValue([]).map(each, [each.key, "
    f"each.?operator.orValue({literal(_TOLERATION['operator'].default)}), "
    "each.?value.orValue(''), "
    f"each.?effect.orValue({literal(_TOLERATION['effect'].default)})])"
)
# Field by field: the defaults of list items are not stored, and to write one down is no change.
_SAME_PROFILE = " && ".join(
    f"old.{value} == one.{value}"
    for value in (
        "name",
        "?nodeSelector.orValue({})",
        "?runtimeClassName.orValue('')",
        "?resources.?requests.orValue({})",
        "?resources.?limits.orValue({})",
        _TOLERATIONS,
    )
)
_OTHER_PROFILES = (
    f"{_NEW}capacity.profiles.filter(one, !{_OLD}capacity.profiles.exists(old, {_SAME_PROFILE}))"
    ".map(one, one.name)"
)
_CIDRS = "enclaveCIDRs"
# A block inside one that was there is less than it.
_WIDER = f"{_NEW}{_CIDRS}.filter(one, !{contained('one', _OLD + _CIDRS)})"
_GROUPS = "approvals.approverGroups"
_MORE_GROUPS = f"{_NEW}{_GROUPS}.filter(name, !(name in {_OLD}{_GROUPS}))"

LOOSENING = Policy(
    name="casemate-agreement-loosening",
    targets=(Target(GROUP, (_AGREEMENTS,), ("UPDATE",)),),
    when={"changed": "object.spec != oldObject.spec"},
    variables={
        "allowed": f"authorizer.group('{GROUP}').resource('{_AGREEMENTS}')"
        ".name(object.metadata.name).check('loosen').allowed()"
    },
    checks=(
        _nothing_removed("redLines", "id"),
        _unless_allowed(
            f"size({_MILDER}) == 0",
            "spec.redLines[*].verdict: Hold is milder than Refuse for {}; accepted: Refuse",
            listed(_MILDER),
        ),
        _unchanged("redLines", "id", "description"),
        _unless_allowed(
            f"size({_FEWER}) == 0",
            "spec.redLines[*].patterns: fewer or others for {}; accepted: all that it has",
            listed(_FEWER),
        ),
        # Nobody can tell by its words whether another instruction asks for less.
        _unless_allowed(
            f"size({_OLD}systemInstruction) == 0 || {_NEW}systemInstruction =="
            f" {_OLD}systemInstruction",
            "spec.systemInstruction: another one; accepted: the one it has",
        ),
        _limited("guard.minimumBundleVersion", ">="),
        _unless_allowed(
            f"!({_OLD}guard.uncoveredLanguages == 'Refuse' &&"
            f" {_NEW}guard.uncoveredLanguages == 'Hold')",
            "spec.guard.uncoveredLanguages: Hold is milder than Refuse; accepted: Refuse",
        ),
        *(_limited(f"quotas.{limit}") for limit in ("requests", "tokens", "persons")),
        _bounded("quotas.windowSeconds", ">="),
        _nothing_removed("requiredGuardrails", "name"),
        _unchanged("requiredGuardrails", "name", "image"),
        *(
            _bounded(f"capacity.{limit}", "<=")
            for limit in ("maxReplicas", "maxReplicasEach", "maxAccelerators", "floor")
        ),
        _moment("term.end", "<="),
        _moment("term.start", ">="),
        _bounded("term.windDownDays", "<="),
        _bounded("approvals.quorum", ">="),
        _bounded("approvals.expiryMinutes", "<="),
        # An empty list lets every group approve: to fill it is to tighten.
        _unless_allowed(
            f"size({_OLD}{_GROUPS}) == 0 || size({_MORE_GROUPS}) == 0",
            f"spec.{_GROUPS}: adds {{}}; accepted: {{}}",
            *(listed(_MORE_GROUPS), listed(_OLD + _GROUPS)),
        ),
        _unless_allowed(
            f"size({_OLD}{_GROUPS}) == 0 || size({_NEW}{_GROUPS}) > 0",
            f"spec.{_GROUPS}: an empty list lets every group approve; accepted: some of {{}}",
            listed(_OLD + _GROUPS),
        ),
        _nothing_added("suppliers"),
        _nothing_added("registries"),
        _unless_allowed(
            f"size({_WIDER}) == 0",
            f"spec.{_CIDRS}: adds {{}}; accepted: blocks inside {{}}",
            *(listed(_WIDER), listed(_OLD + _CIDRS)),
        ),
        _nothing_added("allowedUses", "id"),
        _unchanged("allowedUses", "id", "description"),
        _unless_allowed(
            f"size({_OTHER_PROFILES}) == 0",
            "spec.capacity.profiles: adds or changes {}; accepted: some of those there are",
            listed(_OTHER_PROFILES),
        ),
        _unless_allowed(
            f"!({_OLD}audit.record == 'Sealed' && {_NEW}audit.record == 'Digest')",
            "spec.audit.record: Digest keeps less than Sealed; accepted: Sealed",
        ),
        # Whoever holds the other half reads what is sealed.
        _unless_allowed(
            f"!has({_OLD}audit.publicKey) || {_NEW}audit.?publicKey == {_OLD}audit.?publicKey",
            "spec.audit.publicKey: another one; accepted: the one it has",
        ),
        _bounded("audit.retentionDays", ">="),
        _nothing_added("trust.modelSigningKeys", "name"),
        _unchanged("trust.modelSigningKeys", "name", "publicKey"),
    ),
)

_USED = "oldObject.?status.?deployments.orValue(0)"

IN_USE = Policy(
    name="casemate-terms-in-use",
    targets=(Target(GROUP, (_AGREEMENTS, _SUPPLIERS), ("DELETE",)),),
    checks=(
        Check(
            f"{_USED} == 0",
            say(
                "status.deployments: {} deployments name {}; accepted: deletion once none does",
                *(_USED, "oldObject.metadata.name"),
            ),
        ),
    ),
)
