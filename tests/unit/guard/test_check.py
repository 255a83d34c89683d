"""`casemate guard check`: one answer a line, in order, whatever the line is."""

import json
from typing import Any

import pytest

from casemate.cli import guard
from unit.guard.marked import BAD, HELD, marked


def answered(*lines: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in guard.answers(marked(), lines)]


def test_lines_are_answered_in_order_with_verdict_line_and_tier() -> None:
    cases = [{"id": 7, "text": "x"}, {"id": "b", "text": BAD}, {"id": None, "text": HELD}]

    assert answered(*map(json.dumps, cases), "\n") == [
        {"id": 7, "verdict": "allow", "line": None, "tier": None},
        {
            "id": "b",
            "verdict": "refuse",
            "line": "domestic-mass-surveillance",
            "tier": "lexicon",
        },
        {"id": None, "verdict": "hold", "line": "use-of-force", "tier": "lexicon"},
    ]


def test_messages_and_tools_are_judged_too() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": BAD}}]
    asked = [{"role": "user", "content": "x"}]
    first, second = answered(
        json.dumps({"id": 1, "messages": asked, "tools": tools}),
        json.dumps({"id": 2, "messages": asked}),
    )

    assert (first["verdict"], second["verdict"]) == ("refuse", "allow")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "Expecting"),
        ("[]", "JSON object"),
        ('{"text": "x"}', "'id' is required"),
        ('{"id": 1}', "one of 'text' and 'messages'"),
        ('{"id": 1, "text": "x", "messages": []}', "one of 'text' and 'messages'"),
        ('{"id": 1, "text": 5}', "'text' must be a string"),
        ('{"id": 1, "messages": {}}', "'messages' must be a list"),
        ('{"id": 1, "text": "x", "mode": "off"}', "unknown field 'mode'"),
        ('{"id": 1, "text": "' + "x" * (3 << 20) + '"}', "may have"),
        ("[" * 100_000, "recursion"),
    ],
    ids=range(10),
)
def test_a_malformed_line_is_refused_with_a_reason_and_the_next_is_answered(
    line: str, told: str
) -> None:
    bad, good = answered(line, '{"id": 2, "text": "x"}')

    assert bad["verdict"] == "refuse"
    assert told in bad["error"]
    assert good == {"id": 2, "verdict": "allow", "line": None, "tier": None}, "control"


def test_a_bundle_that_is_none_ends_with_a_sentence(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundle").write_bytes(b"no bundle")

    assert guard.main(["check", "--bundle", str(tmp_path / "bundle")]) == 2
    assert capsys.readouterr().err.startswith("casemate guard: bundle: ")
