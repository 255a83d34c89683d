"""The command line of `casemate operator`: what it accepts, and what it says about the rest."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from casemate.controller.bundle import SHIPPED
from casemate.core.election import Pace
from casemate.core.observed import Isolation, Settings
from casemate.isolation import arguments
from casemate.isolation.targets import Target

_NAME = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Options:
    """The command line."""

    gateway_image: str
    monitoring_namespace: str
    image_pull_secrets: tuple[str, ...]
    closed: tuple[Target, ...]
    """What no model may reach beside what the operator knows itself."""
    isolation_period: int
    """Seconds between two proofs of isolation while a pod serves."""
    warden_token: Path | None
    namespace: str
    metrics_port: int
    health_port: int
    workers: int
    pace: Pace

    def settings(self, isolation: Isolation) -> Settings:
        """What decisions depend on, once it is known where the warden is."""
        return Settings(
            gateway_image=self.gateway_image,
            isolation=replace(isolation, period=self.isolation_period),
            guard_bundle=SHIPPED,
            monitoring_namespace=self.monitoring_namespace,
            image_pull_secrets=self.image_pull_secrets,
        )


def parse(argv: Sequence[str]) -> Options:
    """Reads the command line; a wrong one ends the process with code 2 and the reason."""
    parser = argparse.ArgumentParser("casemate operator", description=__doc__)
    parser.add_argument("--gateway-image", required=True, type=_image, help="NAME@sha256:DIGEST")
    parser.add_argument(
        "--namespace", default="casemate-system", type=_name, help="where CA and Lease are kept"
    )
    parser.add_argument("--monitoring-namespace", default="monitoring", type=_name)
    parser.add_argument("--image-pull-secret", action="append", default=[], type=_name)
    parser.add_argument(
        "--closed",
        action="append",
        default=[],
        type=arguments.target,
        help="what no model may reach, tcp:ADDRESS:PORT=NAME: an address of the site's own",
    )
    parser.add_argument(
        "--isolation-period",
        default=30,
        type=_whole(5, 30),
        help="seconds between two proofs of isolation while a pod serves (30)",
    )
    parser.add_argument("--warden-token", type=Path, help="file with a token for the warden")
    parser.add_argument("--metrics-port", type=_whole(1, 65535), default=8080)
    parser.add_argument("--health-port", type=_whole(1, 65535), default=8081)
    parser.add_argument("--workers", type=_whole(1, 256), default=16, help="passes at a time")
    parser.add_argument(
        "--lease-seconds",
        type=_whole(2, 600),
        default=Pace.duration,
        help="how long a leader that is gone keeps the other replicas away",
    )
    given = parser.parse_args(argv)
    if given.monitoring_namespace == given.namespace:
        parser.error(
            f"--monitoring-namespace and --namespace must differ; both are {given.namespace}: the"
            " warden, which must not reach the gateways' metrics, would"
        )
    if given.metrics_port == given.health_port:
        parser.error(f"--metrics-port and --health-port must differ; both are {given.health_port}")
    return Options(
        gateway_image=given.gateway_image,
        monitoring_namespace=given.monitoring_namespace,
        image_pull_secrets=tuple(given.image_pull_secret),
        closed=tuple(given.closed),
        isolation_period=given.isolation_period,
        warden_token=given.warden_token,
        namespace=given.namespace,
        metrics_port=given.metrics_port,
        health_port=given.health_port,
        workers=given.workers,
        pace=Pace(given.lease_seconds),
    )


def _image(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"an image by digest is accepted (NAME@sha256:…); got {text!r}"
        )
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"a name of lower-case letters, digits, '-' and '.' is accepted; got {text!r}"
        )
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(
                f"a whole number from {least} to {most} is accepted; got {text!r}"
            )
        return int(text)

    return parse
