"""One ValidatingAdmissionPolicy with its binding, built from few facts.

Every policy fails closed: where an expression cannot be evaluated, the request is refused.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

API_VERSION = "admissionregistration.k8s.io/v1"

OPERATOR = "system:serviceaccount:casemate-system:casemate-operator"
"""The operator's account; the chart puts the release's namespace into its place."""

WARDEN = "system:serviceaccount:casemate-system:casemate-warden"
"""The warden's account, likewise."""

ENCLAVE_LABEL = "casemate.dev/enclave"
"""Label of a namespace in which models may run; its value is `true`."""


@dataclass(frozen=True)
class Check:
    """One expression that must be true.

    Attributes:
        expression: CEL over object, oldObject, request, params, namespaceObject and variables.
        message: CEL text that says which field, what was found and what is accepted.
    """

    expression: str
    message: str

    def as_cel(self) -> dict[str, str]:
        """Return the check as an entry of `validations`."""
        return {
            "expression": self.expression,
            "messageExpression": self.message,
            "reason": "Forbidden",
        }


@dataclass(frozen=True)
class Target:
    """What requests a policy looks at; `resources` may name subresources, such as `pods/exec`."""

    group: str
    resources: tuple[str, ...]
    operations: tuple[str, ...] = ("CREATE", "UPDATE")
    versions: tuple[str, ...] = ("*",)

    def as_rule(self) -> dict[str, Any]:
        """Return the target as an entry of `resourceRules`."""
        return {
            "apiGroups": [self.group],
            "apiVersions": list(self.versions),
            "operations": list(self.operations),
            "resources": list(self.resources),
        }


@dataclass(frozen=True)
class Params:
    """Where a policy takes its parameters from: all objects of a kind, or one by name.

    With all objects a policy runs once for each, and must pass those it does not concern.
    """

    api_version: str
    kind: str
    name: str = ""
    absent: Literal["Deny", "Allow"] = "Deny"
    """What becomes of a request while there is no parameter, whatever the match conditions say."""

    def reference(self) -> dict[str, Any]:
        """Return the `paramRef` of a binding."""
        reference: dict[str, Any] = {"parameterNotFoundAction": self.absent}
        reference |= {"name": self.name} if self.name else {"selector": dict[str, Any]()}
        return reference


@dataclass(frozen=True)
class Policy:
    """A policy as a whole."""

    name: str
    targets: tuple[Target, ...]
    checks: tuple[Check, ...]
    when: dict[str, str] = field(default_factory=dict)
    """Match conditions by name: the policy applies where all are true."""
    variables: dict[str, str] = field(default_factory=dict)
    """Named expressions, each of which may use the ones before it."""
    audit: dict[str, str] = field(default_factory=dict)
    """What the audit log says of a request, as CEL text by key; an empty text is left out."""
    params: Params | None = None
    enclaves_only: bool = False
    """Whether it looks only at namespaces that carry the enclave label."""
    labelled: str = ""
    """Label that an object must have for the policy to look at it. While parameters cannot be
    found, as before our kinds are served, all that a policy looks at is refused, whatever its match
    conditions say: this keeps it from the objects of others."""

    def objects(self) -> list[dict[str, Any]]:
        """Return the ValidatingAdmissionPolicy and its binding."""
        spec: dict[str, Any] = {
            "failurePolicy": "Fail",
            "matchConstraints": self._constraints(),
            "matchConditions": _named(self.when),
            "variables": _named(self.variables),
            "validations": [check.as_cel() for check in self.checks],
            "auditAnnotations": [
                {"key": key, "valueExpression": text} for key, text in self.audit.items()
            ],
        }
        binding: dict[str, Any] = {"policyName": self.name, "validationActions": ["Deny"]}
        if self.params:
            kind = {"apiVersion": self.params.api_version, "kind": self.params.kind}
            spec = {"paramKind": kind, **spec}
            binding["paramRef"] = self.params.reference()
        return [
            self._object("ValidatingAdmissionPolicy", {k: v for k, v in spec.items() if v}),
            self._object("ValidatingAdmissionPolicyBinding", binding),
        ]

    def _constraints(self) -> dict[str, Any]:
        rules: dict[str, Any] = {"resourceRules": [target.as_rule() for target in self.targets]}
        if self.enclaves_only:
            rules["namespaceSelector"] = {"matchLabels": {ENCLAVE_LABEL: "true"}}
        if self.labelled:
            exists = {"key": self.labelled, "operator": "Exists"}
            rules["objectSelector"] = {"matchExpressions": [exists]}
        return rules

    def _object(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        meta = {"name": self.name}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec}


def _named(expressions: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "expression": text} for name, text in expressions.items()]
