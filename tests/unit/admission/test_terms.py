"""What is common to all policies of the terms."""

import pytest

from casemate.admission.expressions import listed, say
from casemate.admission.policy import Policy
from casemate.admission.terms import TERMS

EVERY = pytest.mark.parametrize("policy", TERMS, ids=lambda policy: policy.name)


def test_every_policy_has_a_name_of_its_own() -> None:
    names = [policy.name for policy in TERMS]
    assert sorted(set(names)) == sorted(names)


@EVERY
def test_a_policy_fails_closed_and_its_binding_denies(policy: Policy) -> None:
    body, binding = policy.objects()
    assert body["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["policyName"] == body["metadata"]["name"] == policy.name
    assert binding["spec"]["validationActions"] == ["Deny"]


@EVERY
def test_only_scaling_goes_on_while_there_is_no_parameter(policy: Policy) -> None:
    _, binding = policy.objects()
    if policy.params:
        absent = "Allow" if policy.name == "casemate-deployment-scale" else "Deny"
        assert binding["spec"]["paramRef"]["parameterNotFoundAction"] == absent


@EVERY
def test_every_message_says_what_is_accepted(policy: Policy) -> None:
    assert [check for check in policy.checks if "accepted: " not in check.message] == []


def test_a_sentence_holds_its_findings_in_order() -> None:
    assert say("a {} b {}", "x", "y") == "'a ' + string(x) + ' b ' + string(y)"


def test_a_sentence_with_too_few_findings_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        say("a {} b {}", "x")


def test_a_list_in_a_message_is_cut() -> None:
    assert "'none'" in listed("names")
    assert "substring(0, 3000)" in listed("names")
