"""The gateway's certificate: read at start, replaced while serving.

Each new connection gets the newest context, and a connection keeps the one that it began with,
so a change drops nobody. A bundle that cannot be used never replaces one that can.
"""

import asyncio
import hashlib
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

log = logging.getLogger(__name__)

MAX_BUNDLE_BYTES = 1 << 20
RETRY_SECONDS = 0.1
POLL_SECONDS = 2.0
# TLS 1.2 with forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class BundleError(Exception):
    """A certificate bundle that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A usable certificate bundle.

    Attributes:
        context: Server context with key and chain loaded.
        not_after: End of the leaf certificate.
        digest: SHA-256 of the file's bytes.
    """

    context: ssl.SSLContext
    not_after: datetime
    digest: bytes


def load(path: Path, now: datetime) -> Bundle:
    """Read and check a bundle: one PEM file with the private key, then the chain.

    Raises:
        BundleError: The file is missing, malformed, expired, or its key is not the leaf's.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if len(raw) > MAX_BUNDLE_BYTES:
        raise BundleError(f"{path}: larger than {MAX_BUNDLE_BYTES} bytes")
    try:
        leaf = x509.load_pem_x509_certificates(raw)[0]
        context = _context(raw)
    except (ValueError, ssl.SSLError, OSError) as error:
        raise BundleError(
            f"{path}: expected one PEM with a private key, then its certificate chain: {error}"
        ) from error
    if leaf.not_valid_after_utc <= now:
        raise BundleError(f"{path}: certificate expired at {leaf.not_valid_after_utc:%FT%TZ}")
    return Bundle(context, leaf.not_valid_after_utc, hashlib.sha256(raw).digest())


def _context(raw: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # OpenSSL reads key and chain from files only. An anonymous file in memory makes sure that it
    # reads the very bytes that were checked, even while the bundle is being replaced.
    handle = os.memfd_create("bundle")
    try:
        os.write(handle, raw)
        context.load_cert_chain(f"/proc/self/fd/{handle}", password=_no_password)
    finally:
        os.close(handle)
    return context


def _no_password() -> str:
    raise ValueError("the private key is encrypted")


class Certificate:
    """The certificate in use."""

    def __init__(self, path: Path, loaded: Callable[[Bundle], None]) -> None:
        """Remember where the bundle is.

        Args:
            path: The bundle.
            loaded: Called with each bundle that comes into use.
        """
        self._path = path
        self._loaded = loaded
        self._bundle: Bundle | None = None
        self._problem = ""

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        if self._bundle is None:
            raise BundleError("no certificate is loaded")
        return self._bundle.context

    @property
    def expired(self) -> bool:
        """Whether clients would refuse the certificate in use."""
        return self._bundle is None or self._bundle.not_after <= datetime.now(UTC)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109  the deadline is the point
        """Load the bundle as soon as it is usable.

        Raises:
            BundleError: It was not within ``timeout`` seconds; says what the last problem was.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (problem := self.reload()) is not None:
            if loop.time() >= deadline:
                raise BundleError(f"no usable certificate within {timeout:g} s: {problem}")
            await asyncio.sleep(RETRY_SECONDS)

    async def watch(self, failed: Callable[[], None]) -> None:
        """Load each new version of the bundle, for ever; ``failed`` is called for unusable ones."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            before = self._problem
            problem = self.reload()
            if problem is not None and problem != before:
                failed()
                log.error("keeping the previous certificate: %s", problem)

    def reload(self) -> str | None:
        """Load the bundle if it changed; returns what is wrong with it, if anything is."""
        try:
            bundle = load(self._path, datetime.now(UTC))
        except BundleError as error:
            self._problem = str(error)
            return self._problem
        self._problem = ""
        if self._bundle is None or bundle.digest != self._bundle.digest:
            self._bundle = bundle
            self._loaded(bundle)
            log.info("certificate in use, ends at %s", bundle.not_after.isoformat())
        return None
