"""Builds the judge that ships."""

from pathlib import Path

from casemate import judges
from casemate.gateway.guard import InForce
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.loading import Built, load
from casemate.gateway.policy import Load, LoadError
from casemate.guard.views import views
from casemate.judges import JudgeError
from casemate.policyfile import PolicyFile


def loader(bundle: Path | None, _metrics: GuardMetrics) -> Load:
    """Return what makes a policy and the bundle into what is in force.

    Args:
        bundle: The bundle's file; None: the one that ships.
    """

    def load_all(policy: bytes | None) -> InForce:
        try:
            return load(policy, judges.shipped(bundle), _build)
        except JudgeError as error:
            raise LoadError(str(error)) from None

    return load_all


def _build(raw: bytes, terms: PolicyFile) -> Built:
    judge, bundle = judges.judge(raw, terms)
    return Built(judge, bundle.version, _ways)


def _ways(text: str) -> tuple[str, ...]:
    return tuple(view.text for view in views(text).views)
