"""Admission policies of a cluster's own, that refuse what the operator writes."""

from support.operators import Api

_GROUP = "/apis/admissionregistration.k8s.io/v1"


def refuse(api: Api, namespace: str, group: str, resource: str, message: str) -> str:
    """Refuses writes of a resource in one namespace; returns the path to delete for an end of it.

    The API server needs a moment before the policy holds.
    """
    name = f"refuse-{namespace}"
    rule = {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": message}],
    }
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    bound = {"policyName": name, "validationActions": ["Deny"], "matchResources": where}
    for kind, body in (("policies", spec), ("policybindings", bound)):
        document = {"metadata": {"name": name}, "spec": body}
        api.client.request("POST", f"{_GROUP}/validatingadmission{kind}", document)
    return f"{_GROUP}/validatingadmissionpolicybindings/{name}"
