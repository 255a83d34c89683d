"""Asks further guardrails on loopback: all at once, within one deadline, and none may fail."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from casemate.detector import contract
from casemate.detector.contract import ContractError, Detection

MOST_BYTES = 16 << 20
_CONNECTIONS = 32
_OK = 200


class DetectorError(Exception):
    """A required guardrail gave no answer that can be used; says which one and why."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One further guardrail.

    Attributes:
        name: Its name in the agreement.
        port: Loopback port that it serves on.
        detector_id: What it is asked for.
        threshold: Score from which a detection counts; the contract leaves that to the client.
    """

    name: str
    port: int
    detector_id: str
    threshold: float = 0.5

    def url(self, path: str) -> str:
        """Return the address of one of its paths."""
        return f"http://127.0.0.1:{self.port}{path}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A detection that counts."""

    detector: str
    text: int
    """Which of the texts."""
    detection: Detection


class Detectors:
    """Asks further guardrails; an async context manager that owns the client."""

    def __init__(self, deadline: float) -> None:
        """Prepare the client, within a running loop; nothing is connected yet.

        Args:
            deadline: Seconds for the answers of all together.
        """
        self._deadline = deadline
        self._session = ClientSession(
            connector=TCPConnector(limit=_CONNECTIONS),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            trust_env=False,
            read_bufsize=1 << 16,
        )

    async def __aenter__(self) -> Self:
        """Return the detectors themselves."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop all connections."""
        await self.close()

    async def close(self) -> None:
        """Drop all connections."""
        await self._session.close()

    async def find(self, detectors: Sequence[Detector], texts: Sequence[str]) -> list[Hit]:
        """Ask all of them about all texts; return what counts.

        Raises:
            DetectorError: One failed, was late, or answered anything but what the contract says.
        """
        if not texts:
            return []
        tasks = [asyncio.create_task(self._ask(one, texts)) for one in detectors]
        try:
            async with asyncio.timeout(self._deadline):
                found = await asyncio.gather(*tasks)
        except TimeoutError:
            raise DetectorError(f"no answer within {self._deadline:g} s") from None
        finally:
            # One that fails decides; the others' answers are not waited for.
            for task in tasks:
                task.cancel()
        return [hit for hits in found for hit in hits]

    async def absent(self, detectors: Sequence[Detector]) -> str | None:
        """Return why a guardrail is not there, or None when all of them are."""
        for one in detectors:
            try:
                async with asyncio.timeout(self._deadline):
                    status, _ = await self._call(one, "GET", contract.HEALTH, None)
            except (DetectorError, TimeoutError) as error:
                return f"guardrail {one.name} does not answer: {str(error) or 'timed out'}"
            if status != _OK:
                return f"guardrail {one.name} answers {contract.HEALTH} with status {status}"
        return None

    async def _ask(self, one: Detector, texts: Sequence[str]) -> list[Hit]:
        try:
            body = contract.contents_body(texts)
            status, raw = await self._call(one, "POST", contract.CONTENTS, body)
            if status != _OK:
                raise DetectorError(f"guardrail {one.name} answers with status {status}")
            found = contract.read_findings(raw, texts)
        except ContractError as error:
            raise DetectorError(f"guardrail {one.name}: {error}") from None
        return [
            Hit(one.name, index, detection)
            for index, entry in enumerate(found)
            for detection in entry
            if detection.score >= one.threshold
        ]

    async def _call(
        self, one: Detector, method: str, path: str, body: bytes | None
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", contract.DETECTOR_ID: one.detector_id}
        try:
            # No redirect: what is on loopback answers itself or not at all.
            async with self._session.request(
                method, one.url(path), data=body, headers=headers, allow_redirects=False
            ) as answer:
                raw = await answer.content.read(MOST_BYTES + 1)
                while len(raw) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                    raw += more
                if len(raw) > MOST_BYTES:
                    raise DetectorError(f"guardrail {one.name}: answer too large")
                return answer.status, raw
        except (ClientError, OSError, ValueError) as error:
            raise DetectorError(f"guardrail {one.name}: {type(error).__name__}") from None
