"""Everything about the gateway that can be set, parsed once from the command line."""

import argparse
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from casemate.isolation import arguments
from casemate.isolation.rounds import Circuit
from casemate.isolation.wardens import Wardens
from casemate.policyfile import is_digest

BY_WARDEN, ANONYMOUS = "warden", "anonymous"
"""Values of --identity."""


def _setting(default: float, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and counts; beyond each one stands a refusal, never a truncation."""

    max_connections: int = _setting(1024, "client connections, handshakes included")
    max_in_flight: int = _setting(64, "requests that the engine works on at the same time")
    max_body_bytes: int = _setting(2 << 20, "size of one request body")
    max_buffered_bytes: int = _setting(64 << 20, "size of all request bodies being received")
    max_response_bytes: int = _setting(16 << 20, "size of one answer of the engine")
    max_event_bytes: int = _setting(1 << 20, "size of one event of a streamed answer")
    max_depth: int = _setting(32, "nested arrays and objects in a request")
    max_messages: int = _setting(1024, "messages of a chat, or texts of one request")
    max_choices: int = _setting(8, "answers asked for in one request (n, best_of)")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Waits, in seconds; each one ends in a refusal or, in a stream, in a cut connection."""

    handshake_timeout: float = _setting(5, "TLS handshake")
    header_timeout: float = _setting(15, "new or idle connection without a complete request head")
    body_timeout: float = _setting(30, "request body, from head to last byte")
    check_timeout: float = _setting(10, "one check of one request or piece")
    connect_timeout: float = _setting(2, "connection to the engine")
    first_byte_timeout: float = _setting(120, "engine until its answer begins")
    idle_timeout: float = _setting(60, "silence of the engine, or of a reader, within an answer")
    total_timeout: float = _setting(900, "one request altogether")
    probe_timeout: float = _setting(2, "the engine's answer to a readiness probe")
    drain_timeout: float = _setting(25, "requests in flight after SIGTERM")
    certificate_timeout: float = _setting(60, "certificate bundle at start")


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where the engine listens: a Unix socket, or a loopback port for engines without one."""

    socket: str | None = None
    tcp: Address | None = None


@dataclass(frozen=True, slots=True)
class Isolation:
    """How isolation is proven while serving.

    Attributes:
        circuit: What a round goes through.
        token: File with this pod's token for the warden; the kubelet renews it.
        period: Seconds from one round to the next.
        closed_ports: Ports of this pod that must be closed to the warden.
    """

    circuit: Circuit
    token: str
    period: float
    closed_ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Where the names of callers come from.

    Attributes:
        wardens: Asked whose token a caller presents; they keep the records too.
        token: File with this pod's token for the warden; the kubelet renews it.
    """

    wardens: Wardens
    token: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """The policy file that a gateway stands for.

    Attributes:
        path: The file.
        digest: What its content must be, ``sha256:…``.
        stale_timeout: Seconds for which other content is borne.
    """

    path: Path
    digest: str
    stale_timeout: float


@dataclass(frozen=True, slots=True)
class GuardFiles:
    """Which terms the guard enforces.

    Attributes:
        pinned: The agreement's policy; without one, the built-in red lines.
        bundle: What it judges by; None is the one that ships.
    """

    pinned: Pinned | None = None
    bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of one gateway."""

    listen: Address
    metrics: Address
    engine: EngineAddress
    tls_bundle: Path
    identity: Identity | None
    """None: callers have no names. Never by default: whoever wants it says so."""
    engine_health: str = "/health"
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    isolation: Isolation | None = None
    """None: it is not proven, as outside of a cluster."""
    guard: GuardFiles = field(default_factory=GuardFiles)


def parse_address(text: str) -> Address:
    """Parse ``HOST:PORT`` or ``[IPV6]:PORT``."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None or parts.netloc != text or "@" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 0.0.0.0:8443")
    return Address(parts.hostname, parts.port)


def parse_engine(text: str) -> EngineAddress:
    """Parse ``unix:///PATH`` or ``http://LOOPBACK:PORT``.

    Any other host is refused: an engine that listens beyond the pod has ways in besides this one.
    """
    parts = urlsplit(text)
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return EngineAddress(socket=parts.path)
    if parts.scheme == "http" and parts.path in {"", "/"} and _is_loopback(parts.hostname):
        return EngineAddress(tcp=parse_address(parts.netloc))
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither unix:///PATH nor http://127.0.0.1:PORT; "
        "the engine must not be reachable from outside the pod"
    )


def parse_settings(argv: Sequence[str]) -> Settings:
    """Parse the command line; exits with status 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="casemate gateway", description="The only way to an engine: TLS, allow-list, limits."
    )
    parser.add_argument("--listen", type=parse_address, required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--tls-bundle", type=Path, required=True, metavar="PATH", help="key, then chain; one PEM"
    )
    parser.add_argument(
        "--engine", type=parse_engine, required=True, help="unix:///PATH or http://127.0.0.1:PORT"
    )
    parser.add_argument("--metrics", type=parse_address, required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--engine-health", default="/health", metavar="PATH", help="probed; else /v1/models"
    )
    parser.add_argument(
        "--identity",
        choices=(BY_WARDEN, ANONYMOUS),
        required=True,
        help=f"who names callers: the warden, or nobody; {ANONYMOUS} is for outside of a cluster",
    )
    for group in (Limits, Timeouts):
        _add_group(parser, group)
    arguments.add_circuit(parser, required=False)
    parser.add_argument("--warden-token", metavar="PATH", help="this pod's token for the warden")
    parser.add_argument(
        "--isolation-period", type=_positive(float), default=30.0, metavar="SECONDS", help="(30)"
    )
    _add_guard(parser)
    given = parser.parse_args(argv)
    if bool(given.guard_policy) != bool(given.guard_policy_digest):
        parser.error("--guard-policy and --guard-policy-digest are needed together")
    together = (given.warden, given.warden_ca, given.warden_token, given.closed)
    if any(together) != all(together):
        parser.error("--warden, --warden-ca, --warden-token and --closed are needed together")
    if (given.identity == BY_WARDEN) != bool(given.warden):
        # Both ways: where there is a warden to ask, nobody goes without a name.
        parser.error(f"--identity={BY_WARDEN} and --warden are needed together")
    isolation = _isolation(given) if given.warden else None
    return Settings(
        listen=given.listen,
        metrics=given.metrics,
        engine=given.engine,
        tls_bundle=given.tls_bundle,
        identity=Identity(isolation.circuit.wardens, isolation.token) if isolation else None,
        engine_health=given.engine_health,
        limits=Limits(**{item.name: getattr(given, item.name) for item in fields(Limits)}),
        timeouts=Timeouts(**{item.name: getattr(given, item.name) for item in fields(Timeouts)}),
        isolation=isolation,
        guard=_guard(given),
    )


def _add_guard(parser: argparse.ArgumentParser) -> None:
    guard = parser.add_argument_group("guard", "Which terms the guard enforces.")
    guard.add_argument("--guard-policy", type=Path, metavar="PATH", help="the agreement's policy")
    guard.add_argument(
        "--guard-policy-digest", type=_digest, metavar="sha256:…", help="what its content must be"
    )
    guard.add_argument(
        "--guard-bundle", type=Path, metavar="PATH", help="rules and weights (those that ship)"
    )
    guard.add_argument(
        "--guard-stale-timeout",
        type=_positive(float),
        default=600.0,
        metavar="SECONDS",
        help="how long the file may differ from the digest before nothing is answered (600)",
    )


def _guard(given: argparse.Namespace) -> GuardFiles:
    pinned = None
    if given.guard_policy:
        pinned = Pinned(given.guard_policy, given.guard_policy_digest, given.guard_stale_timeout)
    return GuardFiles(pinned, given.guard_bundle)


def _digest(text: str) -> str:
    if not is_digest(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not sha256: and 64 hexadecimal digits")
    return text


def _isolation(given: argparse.Namespace) -> Isolation:
    engine: EngineAddress = given.engine
    return Isolation(
        circuit=arguments.circuit(given),
        token=given.warden_token,
        period=given.isolation_period,
        # Prometheus reads the one from elsewhere; the other should listen on loopback alone.
        closed_ports=(given.metrics.port, *([engine.tcp.port] if engine.tcp else [])),
    )


def _add_group(parser: argparse.ArgumentParser, group: type[Limits | Timeouts]) -> None:
    options = parser.add_argument_group(group.__name__.lower(), (group.__doc__ or "").strip())
    for item in fields(group):
        options.add_argument(
            f"--{item.name.replace('_', '-')}",
            type=_positive(int if group is Limits else float),
            default=item.default,
            metavar="N" if group is Limits else "SECONDS",
            help=f"{item.metadata['help']} (default: {item.default})",
        )


def _positive(kind: type[int | float]) -> Any:
    def parse(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(0)
        if not 0 < value < 1 << 40:
            raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
        return value

    return parse


def _is_loopback(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
