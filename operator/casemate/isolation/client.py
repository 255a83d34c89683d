"""Asks the warden, over TLS from our CA: the one thing that a model pod may reach."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from casemate.isolation.proof import Answer, Proof, Verdict
from casemate.isolation.targets import Protocol

CANARY_PATH, PROOFS_PATH = "/v1/canary", "/v1/proofs"
TIMEOUT_SECONDS = 2.0
REPORT_SECONDS = 6.0
"""How long the answer to a report may take: the warden asks the API server and tries the pod."""
MOST_NEIGHBOURS = 3
_MOST_BYTES, _MOST_WHY = 1 << 24, 200


class UnheardError(Exception):
    """The warden gave no answer that can be used; says why."""


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        path: The path.
        token: Bearer token; empty: none.
        body: A JSON object to POST; None: a GET.
    """

    path: str
    token: str = ""
    body: Mapping[str, Any] | None = None

    def encoded(self, host: str) -> bytes:
        """Return the bytes of the request, after which the connection ends."""
        payload = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [
            f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1",
            f"Host: {host}",
            "Connection: close",
            f"Content-Length: {len(payload)}",
            *([f"Authorization: Bearer {self.token}"] if self.token else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + payload


@dataclass(frozen=True)
class Warden:
    """Where one replica of the warden is.

    Attributes:
        host: IP address of the replica's Service.
        port: Port of its Service.
        name: DNS name that its certificate must have; begins with the replica's name.
        trust: The CAs that may have signed it, as PEM; asked each time, since they change.
    """

    host: str
    port: int
    name: str
    trust: Callable[[], str]

    @property
    def replica(self) -> str:
        """Which replica it is: the first part of its DNS name."""
        return self.name.partition(".")[0]

    async def ask(self) -> Answer:
        """Ask whether the canary lives; whatever goes wrong is an answer that proves nothing."""
        try:
            return _answer(await self.exchange(Request(CANARY_PATH), TIMEOUT_SECONDS))
        except UnheardError as error:
            return Answer(problem=str(error))
        except (ValueError, TypeError, KeyError):
            return Answer(problem="it answered something else")

    async def report(self, proof: Proof, ports: Sequence[int], token: str) -> Proof:
        """Tell what a round from inside proved; returns what the warden saw from outside.

        Args:
            proof: The round's result.
            ports: Ports of this pod that must be closed to the warden.
            token: This pod's token for the warden.

        Raises:
            UnheardError: It did not take the report.
        """
        body = {"verdict": proof.verdict, "message": proof.message, "ports": list(ports)}
        said = await self.exchange(Request(PROOFS_PATH, token, body), REPORT_SECONDS)
        try:
            return Proof(Verdict(said["verdict"]), str(said["message"]))
        except (ValueError, KeyError):
            raise UnheardError("it answered something else") from None

    async def exchange(self, request: Request, seconds: float) -> Mapping[str, Any]:
        """Send one request; returns the JSON object of an answer with status 200.

        Raises:
            UnheardError: There is none within `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                return _decoded(await self._send(request))
        except TimeoutError:
            raise UnheardError("timeout") from None
        except OSError as error:
            raise UnheardError(error.strerror or str(error)) from None
        except ValueError:
            raise UnheardError("it answered something else") from None

    async def _send(self, request: Request) -> bytes:
        context = ssl.create_default_context(cadata=self.trust())
        reader, writer = await asyncio.open_connection(
            self.host, self.port, ssl=context, server_hostname=self.name
        )
        try:
            writer.write(request.encoded(self.name))
            raw = b""
            while len(raw) < _MOST_BYTES and (part := await reader.read(1 << 16)):
                raw += part
            return raw
        finally:
            writer.close()


def trusting(file: str) -> Callable[[], str]:
    """Return how to read the CAs from a bundle: the kubelet replaces it when they change."""
    return lambda: Path(file).read_text(encoding="ascii")


def _decoded(raw: bytes) -> Mapping[str, Any]:
    head, found, body = raw.partition(b"\r\n\r\n")
    if found and head.startswith(b"HTTP/1.1 200 "):
        said = json.loads(body)
        if isinstance(said, dict):
            return said
        raise ValueError(body)
    if found and head.startswith(b"HTTP/1.1 4"):
        # Refused by name: a reason from the warden itself, for whoever reads our log.
        raise UnheardError(f"it refused: {_why(body)}")
    raise ValueError(head)


def _why(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:_MOST_WHY]
    except (ValueError, TypeError, KeyError):
        return "it did not say why"


def _answer(said: Mapping[str, Any]) -> Answer:
    seen = tuple(
        (one, float(said["seen"][one])) for one in Protocol if said["seen"][one] is not None
    )
    named = list(said.get("neighbours", ()))[:MOST_NEIGHBOURS]
    found = [(ip_address(one["address"]), tuple(map(int, one["ports"]))) for one in named]
    others = tuple((str(address), ports) for address, ports in found if _somebody(address))
    return Answer(seen=seen, neighbours=others)


def _somebody(address: Any) -> bool:
    """Whether an address can be another pod's: what is special is never probed on a word."""
    special = address.is_loopback or address.is_link_local or address.is_multicast
    return not (special or address.is_unspecified or address.is_reserved)
