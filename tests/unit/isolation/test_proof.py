"""A verdict for every way in which a round can come out: only one of them is a pass."""

import pytest

from casemate.isolation.proof import LIFE_SECONDS, Answer, Reading, Verdict, judge
from casemate.isolation.targets import Protocol, Target, parse

CANARY = parse("tcp:10.96.0.9:8445=canary")
ALIVE = Answer(seen=((Protocol.TCP, 1.0), (Protocol.UDP, 2.0)))
GONE = Answer(problem="timeout")
SILENT = Reading(CANARY, answered=False, how="timeout")
OPEN = Reading(CANARY, answered=True, how="connected")


def test_it_is_enforced_while_the_warden_answers_and_nothing_else_does() -> None:
    proof = judge(ALIVE, [SILENT, SILENT], ALIVE)
    assert proof.verdict is Verdict.ENFORCED
    assert proof.message == "the warden answered, and none of 2 others did"


@pytest.mark.parametrize("how", ["timeout", "refused", "No route to host"])
def test_any_silence_counts(how: str) -> None:
    reading = Reading(CANARY, answered=False, how=how)
    assert judge(ALIVE, [reading], ALIVE).verdict is Verdict.ENFORCED


@pytest.mark.parametrize(("before", "after"), [(ALIVE, ALIVE), (GONE, GONE), (ALIVE, GONE)])
def test_one_that_answers_disproves_it_whatever_the_warden_says(
    before: Answer, after: Answer
) -> None:
    proof = judge(before, [SILENT, OPEN], after)
    assert proof.verdict is Verdict.NOT_ENFORCED
    assert "tcp 10.96.0.9:8445 (canary): connected" in proof.message


@pytest.mark.parametrize(("before", "after"), [(GONE, ALIVE), (ALIVE, GONE), (GONE, GONE)])
def test_silence_of_all_proves_nothing(before: Answer, after: Answer) -> None:
    proof = judge(before, [SILENT], after)
    assert proof.verdict is Verdict.INCONCLUSIVE
    assert proof.message == "the warden did not answer: timeout"


def test_a_round_without_probes_proves_nothing() -> None:
    assert judge(ALIVE, [], ALIVE).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("tcp", "udp", "expected"),
    [
        (LIFE_SECONDS, LIFE_SECONDS, Verdict.ENFORCED),
        (LIFE_SECONDS + 0.1, 1.0, Verdict.INCONCLUSIVE),
        (1.0, LIFE_SECONDS + 0.1, Verdict.INCONCLUSIVE),
        (None, 1.0, Verdict.INCONCLUSIVE),
        (1.0, None, Verdict.INCONCLUSIVE),
        (-1.0, 1.0, Verdict.INCONCLUSIVE),
        (float("nan"), 1.0, Verdict.INCONCLUSIVE),
    ],
)
def test_a_canary_that_nobody_saw_lately_proves_nothing(
    tcp: float | None, udp: float | None, expected: Verdict
) -> None:
    pairs = ((Protocol.TCP, tcp), (Protocol.UDP, udp))
    answer = Answer(seen=tuple((one, age) for one, age in pairs if age is not None))
    assert judge(ALIVE, [SILENT], answer).verdict is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:10.96.0.1:443", Target(Protocol.TCP, "10.96.0.1", 443)),
        ("udp:10.96.0.10:53=DNS", Target(Protocol.UDP, "10.96.0.10", 53, "DNS")),
        ("tcp:[fd00::1]:65535=x", Target(Protocol.TCP, "fd00::1", 65535, "x")),
    ],
)
def test_targets_are_read(text: str, expected: Target) -> None:
    assert parse(text) == expected
    assert expected.argument() == text


@pytest.mark.parametrize(
    "text",
    [
        "", "tcp", "tcp:10.96.0.1", "icmp:10.96.0.1:1", "tcp:example.com:443", "tcp:10.96.0.1:0",
        "tcp:10.96.0.1:65536", "tcp:10.96.0.0/16:443", "tcp:0.0.0.0:443", "tcp:224.0.0.1:443",
        "tcp:10.96.0.1:x", "TCP:10.96.0.1:443",
    ],
)  # fmt: skip
def test_anything_but_one_port_of_one_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="of one host is accepted; got"):
        parse(text)
