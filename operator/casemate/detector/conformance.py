"""Tries a detector as the gateway will use it: for whoever writes a guardrail, and for our own.

Each trial says what it sends, what must come, and what came. A detector that passes all of them can
be named in an agreement; one that fails any would make the gateway refuse every request.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout

from casemate.detector import contract
from casemate.detector.contract import ContractError, Detection

TIMEOUT_SECONDS = 10.0
_MANY = 64
_LONG = 1 << 18


@dataclass(frozen=True, slots=True)
class Subject:
    """The detector that is tried.

    Attributes:
        url: Its address, without a path.
        detector_id: What it is asked for.
        harmful: A text in which it must find something.
        harmless: A text in which it must find nothing.
    """

    url: str
    detector_id: str
    harmful: str
    harmless: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried; `problem` is empty where it came out as it must."""

    name: str
    problem: str = ""


async def trials(subject: Subject) -> AsyncIterator[Trial]:
    """Run all trials, one after another."""
    timeout = ClientTimeout(total=TIMEOUT_SECONDS)
    async with ClientSession(timeout=timeout, trust_env=False) as session:
        probe = _Probe(session, subject)
        for name, run in (
            ("health answers 200", probe.health),
            ("a harmful text is found, a harmless one is not, in order", probe.tells_apart),
            (f"{_MANY} texts in one request get {_MANY} entries", probe.many),
            (f"a text of {_LONG} characters gets an entry", probe.long),
            ("an empty text is clean", probe.empty),
            ("a harmful text behind a long harmless one is found", probe.behind_padding),
            ("spans lie within texts that need four bytes a character", probe.beyond_the_plane),
            ("without detector-id there is no clean answer", probe.no_id),
            ("an unknown detector-id has no clean answer", probe.unknown_id),
            ("contents of a wrong type have no clean answer", probe.wrong_type),
            ("what is not JSON has no clean answer", probe.no_json),
        ):
            yield Trial(name, await _problem(run))


async def _problem(run: Any) -> str:
    try:
        return str(await run() or "")
    except (ClientError, TimeoutError, OSError, ContractError) as error:
        return f"{type(error).__name__}: {error}"


class _Probe:
    def __init__(self, session: ClientSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    async def health(self) -> str:
        async with self._session.get(self._subject.url + contract.HEALTH) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"  # noqa: PLR2004

    async def tells_apart(self) -> str:
        first, second, third = await self._find(
            self._subject.harmless, self._subject.harmful, self._subject.harmless
        )
        if first or third:
            return "found something in the harmless text"
        return "" if second else "found nothing in the harmful text"

    async def many(self) -> str:
        await self._find(*[self._subject.harmless] * _MANY)
        return ""

    async def long(self) -> str:
        await self._find(("harmless words. " * _LONG)[:_LONG])
        return ""

    async def empty(self) -> str:
        (found,) = await self._find("")
        return "found something in nothing" if found else ""

    async def behind_padding(self) -> str:
        padded = f"{'The weather was fine that day. ' * 500}{self._subject.harmful}"
        (found,) = await self._find(padded)
        return "" if found else "found nothing: long texts are cut or diluted"

    async def beyond_the_plane(self) -> str:
        await self._find("\U0001f30d" * 100 + self._subject.harmful)
        return ""

    async def no_id(self) -> str:
        return await self._refused(orjson.dumps({"contents": [self._subject.harmful]}), None)

    async def unknown_id(self) -> str:
        body = orjson.dumps({"contents": [self._subject.harmful]})
        return await self._refused(body, "no-such-detector")

    async def wrong_type(self) -> str:
        return await self._refused(b'{"contents": [1, {}]}', self._subject.detector_id)

    async def no_json(self) -> str:
        return await self._refused(b'{"contents": [', self._subject.detector_id)

    async def _find(self, *texts: str) -> list[list[Detection]]:
        status, raw = await self._post(contract.contents_body(texts), self._subject.detector_id)
        if status != 200:  # noqa: PLR2004
            raise ContractError(f"status {status}")
        return contract.read_findings(raw, texts)

    async def _refused(self, body: bytes, detector_id: str | None) -> str:
        status, _ = await self._post(body, detector_id)
        return "" if 400 <= status < 500 else f"status {status}, not 4xx"  # noqa: PLR2004

    async def _post(self, body: bytes, detector_id: str | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if detector_id is not None:
            headers[contract.DETECTOR_ID] = detector_id
        url = self._subject.url + contract.CONTENTS
        async with self._session.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()
