"""A way to an API server that tells another time: it passes all on, and moves the Date header."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web
from typing_extensions import override

from enclave.controlplane import ControlPlane
from support.fronts import Front


class Skewed(Front):
    """Tells a time of its own.

    Attributes:
        ahead: By how many seconds its time is ahead of the real one; may change at any moment.
    """

    def __init__(self, plane: ControlPlane, credentials: Path, ahead: float = 0.0) -> None:
        super().__init__(plane, credentials)
        self.ahead = ahead

    @override
    def _mark(self, answer: web.StreamResponse) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=self.ahead)
        answer.headers["Date"] = format_datetime(moment, usegmt=True)
