"""Admission policies as YAML text for the chart."""

from casemate.admission.policy import Policy
from casemate.admission.sets import POLICIES
from generate.manifest import documents_yaml

_FOLDER = "charts/casemate/files/policies"


def policy_files() -> dict[str, str]:
    """Return the text of every policy file by its path in the checkout."""
    return {f"{_FOLDER}/{name}.yaml": _yaml(policies) for name, policies in POLICIES.items()}


def _yaml(policies: tuple[Policy, ...]) -> str:
    objects = [each for policy in policies for each in policy.objects()]
    return documents_yaml(objects, "operator/casemate/admission")
