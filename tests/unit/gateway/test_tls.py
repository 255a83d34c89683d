"""The certificate: what is accepted, how it is replaced, and that nothing goes round TLS."""

import asyncio
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from casemate.gateway import tls
from casemate.gateway.main import Gateway
from casemate.gateway.tls import BundleError, load
from unit.gateway.conftest import Start
from unit.gateway.support import Authority, Running, settings_for


def served(gateway: Running, **changes: ssl.TLSVersion) -> asyncio.Task[x509.Certificate]:
    """Return the certificate that a new connection is shown."""

    async def connect() -> x509.Certificate:
        context = gateway.authority.client_context()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for name, value in changes.items():
                setattr(context, name, value)
        _, writer = await asyncio.open_connection("localhost", gateway.port, ssl=context)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(shown)

    return asyncio.create_task(connect())


@pytest.fixture
async def polling(start: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Return a gateway that looks at its bundle often."""
    monkeypatch.setattr(tls, "POLL_SECONDS", 0.02)
    return await start()


async def until_served(gateway: Running, serial: int) -> None:
    async with asyncio.timeout(20):
        while (await served(gateway)).serial_number != serial:
            pass


async def test_a_new_certificate_is_served_and_old_connections_live_on(polling: Running) -> None:
    request = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with polling.connect() as (reader, writer):
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert x509.load_der_x509_certificate(shown).serial_number != 4711
        polling.authority.bundle(polling.bundle, serial=4711)
        await until_served(polling, 4711)
        writer.write(request)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    assert await polling.metric('tls_reloads_total{result="ok"}') == 2


async def test_a_bundle_that_cannot_be_used_does_not_replace_one_that_can(
    polling: Running,
) -> None:
    before = (await served(polling)).serial_number
    polling.bundle.write_bytes(polling.bundle.read_bytes()[:100])
    async with asyncio.timeout(20):
        while await polling.metric('tls_reloads_total{result="failed"}') != 1:
            pass
    assert (await served(polling)).serial_number == before
    polling.authority.bundle(polling.bundle, serial=4712)
    await until_served(polling, 4712)


async def test_the_end_of_the_certificate_is_a_metric(gateway: Running) -> None:
    shown = await served(gateway)
    metric = await gateway.metric("tls_certificate_not_after_timestamp_seconds")
    assert metric == shown.not_valid_after_utc.timestamp()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_modern_tls_is_spoken(version: ssl.TLSVersion, gateway: Running) -> None:
    shown = await served(gateway, minimum_version=version, maximum_version=version)
    assert shown.not_valid_after_utc > datetime.now(UTC)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_older_tls_is_not(version: ssl.TLSVersion, gateway: Running) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served(gateway, minimum_version=version, maximum_version=version)


async def test_plain_http_on_the_tls_port_gets_no_answer(gateway: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"HTTP/" not in await asyncio.wait_for(reader.read(), 20)
    writer.close()


async def test_a_client_that_does_not_trust_the_authority_does_not_connect(
    gateway: Running, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path).client_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("localhost", gateway.port, ssl=stranger)


async def test_a_gateway_waits_for_its_certificate(
    start: Start, tmp_path: Path, authority: Authority
) -> None:
    del start
    late = tmp_path / "late.pem"
    gateway = Gateway(settings_for(late, tmp_path / "engine.sock", certificate_timeout=4))
    task = asyncio.create_task(gateway.run())
    await asyncio.sleep(0.05)
    assert not gateway.started.is_set()
    authority.bundle(late)
    await asyncio.wait_for(gateway.started.wait(), 20)
    gateway.stop()
    await task


def test_a_good_bundle_is_loaded(authority: Authority, tmp_path: Path) -> None:
    bundle = load(authority.bundle(tmp_path / "b.pem"), datetime.now(UTC))
    assert bundle.not_after > datetime.now(UTC)


def _no_key(raw: bytes) -> bytes:
    return raw[raw.index(b"-----BEGIN CERT") :]


def _no_certificate(raw: bytes) -> bytes:
    return raw[: raw.index(b"-----BEGIN CERT")]


BAD = {
    "empty": lambda _raw: b"",
    "no key": _no_key,
    "no certificate": _no_certificate,
    "cut": lambda raw: raw[:-100],
    "huge": lambda raw: raw + b"\n" * (1 << 20),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_a_spoiled_bundle_is_refused_with_its_path(
    spoil: object, authority: Authority, tmp_path: Path
) -> None:
    path = authority.bundle(tmp_path / "b.pem")
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BundleError, match=str(path)):
        load(path, datetime.now(UTC))


def test_a_key_of_another_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    one = authority.bundle(tmp_path / "one.pem").read_bytes()
    other = authority.bundle(tmp_path / "other.pem").read_bytes()
    mixed = tmp_path / "mixed.pem"
    mixed.write_bytes(_no_certificate(one) + _no_key(other))
    with pytest.raises(BundleError, match="private key"):
        load(mixed, datetime.now(UTC))


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    path = authority.bundle(tmp_path / "b.pem", ends=-timedelta(minutes=1))
    with pytest.raises(BundleError, match="expired"):
        load(path, datetime.now(UTC))


def test_a_missing_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file"):
        load(tmp_path / "none.pem", datetime.now(UTC))
