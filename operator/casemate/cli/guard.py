"""`casemate guard check`: judges JSON lines as a gateway would, for anybody's own cases."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from casemate import judges
from casemate.guard.judge import Judge
from casemate.guard.types import GuardError, Judgement, Verdict
from casemate.judges import JudgeError
from casemate.policyfile import PolicyFile, PolicyFileError, parse

MOST_CHARS = 2 << 20
"""More in one line is refused: as much as a gateway judges of one request."""
_KEYS = frozenset({"id", "text", "messages", "tools"})
_TYPES = (("text", str, "a string"), ("messages", list, "a list"), ("tools", list, "a list"))
_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Judge what comes on standard input.

    Args:
        argv: Arguments without the programs' names; the first must be ``check``.

    Returns:
        0 when every line got a verdict, refusals of malformed lines included; 2 when the bundle
        or the policy cannot be used.
    """
    options = _parse(argv)
    try:
        terms = _terms(options.policy)
        judge, _ = judges.judge(judges.shipped(options.bundle), terms)
    except (JudgeError, PolicyFileError, OSError) as error:
        sys.stderr.write(f"casemate guard: {error}\n")
        return _USAGE
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    for line in answers(judge, sys.stdin):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


def answers(judge: Judge, lines: Iterable[str]) -> Iterator[str]:
    """Yield the answer to each line that is not empty, in order."""
    for line in lines:
        if line.strip():
            yield json.dumps(_answer(judge, line), ensure_ascii=True, separators=(",", ":"))


def _answer(judge: Judge, line: str) -> dict[str, Any]:
    case: Any = None
    try:
        case = _read(line)
        _check(case)
        judged = judge.text(case["text"]) if "text" in case else judge.request(_body(case))
    except (ValueError, RecursionError, GuardError) as error:
        told = {"line": None, "tier": "structural", "error": str(error)[:200]}
        name = case.get("id") if isinstance(case, dict) else None
        return {"id": name, "verdict": Verdict.REFUSE.value, **told}
    return {"id": case["id"], **_told(judged)}


def _told(judged: Judgement) -> dict[str, str | None]:
    return {
        "verdict": judged.verdict.value,
        "line": judged.line or None,
        "tier": judged.tier or None,
    }


def _read(line: str) -> Any:
    if len(line) > MOST_CHARS:
        raise ValueError(f"a line may have {MOST_CHARS} characters; this one has {len(line)}")
    return json.loads(line)


def _check(case: Any) -> None:
    if not isinstance(case, dict):
        raise ValueError("a line must be a JSON object")  # noqa: TRY004  as for any bad input
    if unknown := case.keys() - _KEYS:
        raise ValueError(f"unknown field {min(unknown)!r}; accepted: {', '.join(sorted(_KEYS))}")
    if "id" not in case:
        raise ValueError("the field 'id' is required")
    if ("text" in case) == ("messages" in case):
        raise ValueError("one of 'text' and 'messages' is required")
    for name, kind, told in _TYPES:
        if name in case and not isinstance(case[name], kind):
            raise ValueError(f"{name!r} must be {told}")


def _body(case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in ("messages", "tools") if name in case}


def _terms(path: Path | None) -> PolicyFile:
    return parse(path.read_bytes()) if path else PolicyFile()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "casemate guard",
        description="Judge JSON lines {id, text} or {id, messages, tools} from standard input.",
    )
    parser.add_argument("command", choices=["check"])
    parser.add_argument("--policy", type=Path, help="policy file; without it the built-in lines")
    parser.add_argument("--bundle", type=Path, help="bundle; without it the one that ships")
    return parser.parse_args(argv)
