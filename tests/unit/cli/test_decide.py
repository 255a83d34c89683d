"""What is wrong usage before any cluster is asked; and words of the API server as sentences."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemate.cli.main import main
from casemate.cli.options import request_name
from casemate.deciding.refusals import Away, NotFound, Refused, refusal, sentence

WHY = ["--reason", "checked against the order of the day"]
POLICY = (
    'approvaldecisions.casemate.dev "x.by-ada" is forbidden: ValidatingAdmissionPolicy'
    " 'casemate-approval-decisions-bound' with binding 'casemate-approval-decisions-bound' denied"
    " request: spec.approver: ada made ApprovalRequest x; accepted: another person"
)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No cluster: whoever asks for one is told of the kubeconfig."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with Path("/dev/null").open() as none:
        monkeypatch.setattr(sys, "stdin", none)
        yield


def run(*arguments: str) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:  # argparse
        return int(str(ended.code))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["approve", "x"], "--reason"),
        (["approve", *WHY], "NAME"),
        (["approve", "x", *WHY], "no terminal to show the request on"),
        (["approve", "x", *WHY, "--digest", "5e" * 31], "64 hex digits"),
        (["approve", "x", *WHY, "--digest", "5E" * 32], "64 hex digits"),
        (["deny", "x", "--reason", "no"], "one line of 10 to 1000 characters"),
        (["deny", "x", "--reason", "two lines\nof a reason"], "one line of 10 to 1000 characters"),
        (["deny", "x", *WHY, "--digest", "5e" * 32], "unrecognized arguments"),
        (["deny", "x", *WHY, "--as", "ada"], "unrecognized arguments"),
        (["deny", "pods/x", *WHY], "no name of an ApprovalRequest"),
        (["review", "x", "-o", "name"], "invalid choice"),
        (["approvals", "-A", "-n", "x"], "not allowed with"),
        (["unknown"], "unknown command"),
        (["deny", "x", *WHY], "there is no kubeconfig"),
    ],
)
def test_wrong_usage_is_told_before_a_cluster_is_asked(
    nowhere: None, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
):
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert (out, says in err) == ("", True), err


@pytest.mark.parametrize(
    "given", ["x", "approvalrequest/x", "approvalrequests/x", "approvalrequest.casemate.dev/x"]
)
def test_names_are_taken_as_kubectl_takes_them(given: str):
    assert request_name(given) == "x"


@pytest.mark.parametrize("given", ["", "/x", "pod/x", "approvalrequest/"])
def test_what_is_no_name_is_not_taken(given: str):
    with pytest.raises(argparse.ArgumentTypeError):
        request_name(given)


def test_a_policy_is_quoted_without_its_machinery():
    says = "spec.approver: ada made ApprovalRequest x; accepted: another person"
    assert sentence(POLICY) == says
    assert str(refusal({"message": POLICY}, 403)) == says
    assert isinstance(refusal({"message": POLICY}, 403), Refused)
    assert sentence("plain words") == "plain words"


def test_answers_are_told_apart():
    assert isinstance(refusal({}, 404), NotFound)
    assert "log in again" in str(refusal({"message": "Unauthorized"}, 401))
    assert str(refusal({}, 400)) == "the API server answered 400"
    assert not isinstance(refusal({}, 409), Away)
