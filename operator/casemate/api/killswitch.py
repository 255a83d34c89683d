"""casemate.dev/v1alpha1: KillSwitch, which stops every answer of a deployment, or of all."""

from typing import ClassVar, Literal

from casemate.api.model import ApiModel, DnsLabel, Reasoning
from casemate.api.persons import Person
from casemate.api.rules import IMMUTABLE, Rule
from casemate.api.terms import AgreementRef, Name


class StoppedDeployment(ApiModel):
    """The ModelDeployment that is stopped."""

    namespace: Name
    """Its namespace."""
    name: DnsLabel
    """Its name."""


class KillSwitchSpec(ApiModel):
    """What is stopped, by whom, and why. Nobody changes it."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        IMMUTABLE,
        Rule(
            cel="(self.scope == 'Deployment') == has(self.deployment)",
            message="needs deployment with scope Deployment, and with no other",
            finding="self.scope",
            field=".deployment",
            holds=lambda self: (self.scope == "Deployment") == (self.deployment is not None),
        ),
        Rule(
            cel="(self.scope == 'Agreement') == has(self.agreementRef)",
            message="needs agreementRef with scope Agreement, and with no other",
            finding="self.scope",
            field=".agreementRef",
            holds=lambda self: (self.scope == "Agreement") == (self.agreement_ref is not None),
        ),
    )

    scope: Literal["Deployment", "Agreement", "All"]
    """`Deployment`: one. `Agreement`: all that are made under it. `All`: every one."""
    deployment: StoppedDeployment | None = None
    """Which deployment, with scope Deployment."""
    agreement_ref: AgreementRef | None = None
    """Which agreement, with scope Agreement."""
    reason: Reasoning
    """Why."""
    stopped_by: Person
    """Who stopped it: whoever makes the object, as the API server knows them."""


class KillSwitch(ApiModel):
    """While it exists, stops every answer of a deployment, of an agreement's, or of all.

    Another person than who made it can take it away.
    """

    spec: KillSwitchSpec
    """What is stopped."""
