"""Makes what is in force: policy and bundle, each held against what the other asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from casemate.detector.client import Detector
from casemate.gateway.guard import InForce, Judging
from casemate.gateway.instruction import Instruction, Ways
from casemate.gateway.policy import LoadError, digest_of
from casemate.gateway.quotas import Limits
from casemate.policyfile import PolicyFile, PolicyFileError, QuotaRule, parse


@dataclass(frozen=True, slots=True)
class Built:
    """A judge that can judge.

    Attributes:
        judge: It.
        version: Of its bundle, as YYYYMMDD.
        ways: Further readings of a text that it knows.
    """

    judge: Judging
    version: int
    ways: Ways = lambda text: (text,)


Build = Callable[[bytes, PolicyFile], Built]
"""Builds a judge from a bundle's content and a policy; raises LoadError."""


def load(policy: bytes | None, bundle: bytes, build: Build) -> InForce:
    """Make what is in force.

    Args:
        policy: Content of the policy file; None for the built-in red lines alone.
        bundle: Content of the bundle.
        build: Makes the judge.

    Raises:
        LoadError: The policy cannot be read, asks for another bundle, or for what is not there.
    """
    try:
        terms = parse(policy) if policy is not None else PolicyFile()
    except PolicyFileError as error:
        raise LoadError(f"policy file: {error}") from None
    digest = digest_of(bundle)
    if terms.digest not in {None, digest}:
        raise LoadError(f"the policy asks for bundle {terms.digest}; there is {digest}")
    built = build(bundle, terms)
    if terms.minimum_version is not None and built.version < terms.minimum_version:
        raise LoadError(
            f"the policy asks for a bundle of {terms.minimum_version} or later;"
            f" there is {built.version}"
        )
    instruction = Instruction(terms.instruction, built.ways) if terms.instruction else None
    limits = _limits(terms.quotas) if terms.quotas else None
    detectors = tuple(Detector(one.name, one.port, one.detector) for one in terms.detectors)
    return InForce(
        built.judge, digest, built.version, instruction, limits, detectors, terms.seal_to
    )


def _limits(quotas: QuotaRule) -> Limits:
    return Limits(quotas.window, quotas.requests, quotas.tokens, quotas.persons)
