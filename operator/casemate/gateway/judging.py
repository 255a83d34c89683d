"""Builds the judge that ships."""

from pathlib import Path

from casemate.gateway.guard import InForce
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.policy import Load, LoadError


def loader(_bundle: Path | None, _metrics: GuardMetrics) -> Load:
    """Return what refuses: no judge ships yet, so nothing is answered."""

    def load_all(_policy: bytes | None) -> InForce:
        raise LoadError("no judge ships with this build")

    return load_all
