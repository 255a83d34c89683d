"""What is made of a gateway's word about a held request."""

from typing import Any

import pytest

from casemate.warden.callers import Pod, RefusedError
from casemate.warden.heldrequests import Asked, approval_name, content_of
from casemate.warden.subjects import Subject

POD = Pod("models", "m-1", "p-1", "10.0.0.7", "m")
DIGEST = f"sha256:{'a' * 64}"
ABOUT = {
    "deployment": {"namespace": "models", "name": "m", "uid": "d-1"},
    "image": f"registry.enclave.local/models/m@{DIGEST}",
    "agreement": {"name": "harbour", "digest": DIGEST},
}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def held(
    findings: list[dict[str, Any]] | None = None,
    image: str = ABOUT["image"],  # type: ignore[assignment]
    terms: dict[str, Any] | None = None,
    digest: str = EMPTY,
    **given: str,
) -> Asked:
    verdict = {"verdict": "hold", "line": "use-of-force", "tier": "linear"}
    fields = {
        "caller": {"username": "ann", "uid": ""},
        "guard": {"bundle": DIGEST, "policy": DIGEST},
        "verdict": {**verdict, "findings": findings or []},
    }
    return Asked(POD, fields, digest, Subject({**ABOUT, "image": image}, "m", terms or {}), given)


@pytest.mark.parametrize(
    ("findings", "rule"),
    [
        ([], "use-of-force/linear"),
        ([{"line": "use-of-force", "sub": "tasking"}], "use-of-force/tasking"),
        ([{"line": "other", "sub": "x"}], "use-of-force/linear"),
        ([{"line": "use-of-force", "sub": "two\nlines"}], "use-of-force/linear"),
        ([{"line": "use-of-force", "sub": ""}], "use-of-force"),
    ],
)
def test_the_rule_is_what_was_found_on_the_line(findings: list[dict[str, Any]], rule: str) -> None:
    assert held(findings).rule() == rule


def test_the_model_is_the_cluster_s_with_its_digest_where_it_has_one() -> None:
    assert held().what()["model"] == {"name": "m", "imageDigest": DIGEST}
    assert held(image="claim:weights/m").what()["model"] == {"name": "m"}
    assert held().what()["deployment"] == {"name": "m", "uid": "d-1"}


def test_terms_that_nobody_understands_hold_nothing() -> None:
    assert held().approvals().quorum == 2
    assert held(terms={"approvals": {"quorum": 3}}).approvals().quorum == 3
    with pytest.raises(RefusedError, match="approvals"):
        held(terms={"approvals": {"quorum": 0}}).approvals()


@pytest.mark.parametrize("name", ["held-0123456789abcdef", "a", "x" * 40])
def test_a_name_of_an_approval_is_one(name: str) -> None:
    assert approval_name(held(approval=name)) == name


@pytest.mark.parametrize("name", ["", "x" * 41, "../x", "A", "a.b", "a/b", "-a", "a\n"])
def test_what_can_be_no_approval_s_name_is_none(name: str) -> None:
    assert approval_name(held(approval=name)) == ""


def test_a_content_is_what_its_digest_is_of() -> None:
    assert content_of(held(content="")) == b""
    for other in (" ", "\udc00"):
        with pytest.raises(RefusedError, match="digest"):
            content_of(held(content=other))
