"""Admission policies as YAML text for the chart."""

from casemate.admission.policy import Policy
from casemate.admission.sets import POLICIES
from casemate.admission.static import STATIC
from generate.manifest import documents_yaml

_FILES = "charts/casemate/files"


def policy_files() -> dict[str, str]:
    """Return the text of every policy file by its path in the checkout."""
    folders = {"policies": POLICIES, "static": STATIC}
    return {
        f"{_FILES}/{folder}/{name}.yaml": _yaml(policies)
        for folder, files in folders.items()
        for name, policies in files.items()
    }


def _yaml(policies: tuple[Policy, ...]) -> str:
    objects = [each for policy in policies for each in policy.objects()]
    text = documents_yaml(objects, "operator/casemate/admission")
    # The API server takes a comment before the first document for a document without a kind.
    return text.replace("---\n", "", 1)
