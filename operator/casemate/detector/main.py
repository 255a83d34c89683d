"""`casemate detector`: our own checks as a detector; and `--try`, the conformance test of any."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from casemate import judges
from casemate.detector import server
from casemate.detector.conformance import Subject, trials
from casemate.ending import when_asked_to_end
from casemate.guard.judge import Judge
from casemate.guard.types import FORCE, SURVEILLANCE, UNCOVERED, UNREADABLE, Finding
from casemate.judges import JudgeError
from casemate.policyfile import PolicyFile

_DOUBTS = frozenset({UNREADABLE, UNCOVERED})
"""Findings that stand for a text that could not be judged: they are told, never left out."""


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, or try a detector.

    Returns:
        0 after an orderly end or when all trials passed, 1 when one failed or it could not start.
    """
    options = _parse(argv)
    if options.url:
        subject = Subject(options.url, options.detector_id, options.harmful, options.harmless)
        return asyncio.run(_try(subject))
    try:
        judge, _ = judges.judge(judges.shipped(), PolicyFile())
        asyncio.run(_serve(_application(judge), options.host, options.port))
    except (JudgeError, OSError) as error:
        sys.stderr.write(f"casemate detector: cannot start: {error}\n")
        return 1
    return 0


def _application(judge: Judge) -> web.Application:
    def find(text: str) -> list[Finding]:
        return list(judge.text(text).findings)

    def find_in_chat(body: Mapping[str, Any]) -> list[Finding]:
        return list(judge.request(body).findings)

    lines = frozenset({SURVEILLANCE, FORCE})
    return server.application(lines | _DOUBTS, find, find_in_chat)


async def _serve(app: web.Application, host: str, port: int) -> None:
    stop = asyncio.Event()
    when_asked_to_end(stop.set)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    await stop.wait()
    await runner.cleanup()


async def _try(subject: Subject) -> int:
    failed = 0
    async for trial in trials(subject):
        failed += bool(trial.problem)
        told = f"FAILED: {trial.problem}" if trial.problem else "ok"
        sys.stdout.write(f"{trial.name}: {told}\n")
    return 1 if failed else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("casemate detector", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8100, help="port to listen on (8100)")
    parser.add_argument("--try", dest="url", metavar="URL", help="try the detector at this address")
    parser.add_argument("--detector-id", default=server.ALL, help="detector to ask (casemate)")
    parser.add_argument("--harmful", default="", help="text in which it must find something")
    parser.add_argument(
        "--harmless", default="What is for lunch?", help="text in which it must not"
    )
    given = parser.parse_args(argv)
    if given.url and not given.harmful:
        parser.error("--harmful is needed with --try: a detector that finds nothing would pass")
    return given
