"""The CA of the gateways: rotation in time, and certificates that a strict verifier accepts."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given
from hypothesis import strategies as st

from casemate.core import names, pki
from casemate.core.pki import Authority
from unit.core.specs import few

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HOSTS = names.service_hosts("m", "models")
KEY = ec.generate_private_key(ec.SECP256R1())
FIRST = Authority.create(NOW)
SECOND = Authority.create(NOW + 246 * DAY)


def issue(authority: Authority, now: datetime, lifetime: timedelta = DAY) -> x509.Certificate:
    return pki.issue(authority, KEY.public_key(), HOSTS, now, lifetime)


def verify(leaf: x509.Certificate, trusted: list[Authority], host: str, now: datetime) -> None:
    store = Store([authority.certificate for authority in trusted])
    policy = PolicyBuilder().store(store).time(now)
    policy.build_server_verifier(x509.DNSName(host)).verify(leaf, [])


@pytest.mark.parametrize("host", HOSTS)
def test_a_strict_verifier_accepts_a_certificate_for_every_name_of_the_service(host: str) -> None:
    verify(issue(FIRST, NOW), [FIRST], host, NOW)


@pytest.mark.parametrize(
    ("trusted", "host", "later"),
    [
        ([SECOND], HOSTS[0], MINUTE),
        ([FIRST], "other.models.svc", MINUTE),
        ([FIRST], HOSTS[0], 25 * HOUR),
        ([FIRST], HOSTS[0], -HOUR),
    ],
    ids=["another CA", "another name", "too late", "too early"],
)
def test_a_strict_verifier_refuses_everything_else(
    trusted: list[Authority], host: str, later: timedelta
) -> None:
    leaf = issue(FIRST, NOW)
    verify(leaf, [FIRST], HOSTS[0], NOW + MINUTE)
    with pytest.raises(VerificationError):
        verify(leaf, trusted, host, NOW + later)


def test_a_client_whose_clock_is_a_minute_behind_accepts_a_new_certificate_and_a_new_ca() -> None:
    verify(issue(FIRST, NOW), [FIRST], HOSTS[0], NOW - MINUTE)


def test_a_certificate_starts_within_what_the_api_server_accepts() -> None:
    leaf = issue(FIRST, NOW)
    assert timedelta(0) <= NOW - leaf.not_valid_before_utc < 5 * MINUTE


@few
@given(st.integers(0, 365 * 24 - 1), st.integers(3600, 86_400 * 90))
def test_a_certificate_never_outlives_its_ca_nor_its_lifetime(hours: int, seconds: int) -> None:
    now, lifetime = NOW + hours * HOUR, timedelta(seconds=seconds)
    leaf = issue(FIRST, now, lifetime)
    assert leaf.not_valid_after_utc <= FIRST.certificate.not_valid_after_utc
    assert leaf.not_valid_before_utc >= FIRST.certificate.not_valid_before_utc
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= lifetime


def test_a_certificate_is_for_a_server_and_signs_nothing() -> None:
    leaf = issue(FIRST, NOW).extensions
    assert leaf.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert leaf.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False
    assert leaf.get_extension_for_class(x509.SubjectAlternativeName).critical
    use = leaf.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_first_ca_signs_at_once() -> None:
    assert pki.needs_renewal([], NOW)
    assert pki.signing([FIRST], NOW) is FIRST


def test_rotation_takes_its_steps_in_time() -> None:
    due = NOW + 245 * DAY
    assert not pki.needs_renewal([FIRST], due)
    created = NOW + 246 * DAY
    assert pki.needs_renewal([FIRST], created)
    both = pki.alive([SECOND, FIRST], created)
    assert both == [FIRST, SECOND]
    assert not pki.needs_renewal(both, created)
    assert pki.signing(both, created) is FIRST
    assert pki.signing(both, created + HOUR - timedelta(seconds=1)) is FIRST
    assert pki.signing(both, created + HOUR) is SECOND
    assert pki.alive(both, NOW + 364 * DAY) == both
    assert pki.alive(both, NOW + 366 * DAY) == [SECOND]


def test_whatever_was_signed_before_a_rotation_stays_trusted_to_its_end() -> None:
    last = NOW + 246 * DAY + HOUR - timedelta(seconds=1)
    both = [FIRST, SECOND]
    leaf = issue(pki.signing(both, last), last)
    end = last + 23 * HOUR
    verify(leaf, pki.alive(both, end), HOSTS[0], end)


def test_a_ca_survives_being_stored() -> None:
    again = Authority.load(FIRST.pem, FIRST.key_pem)
    assert again.certificate == FIRST.certificate
    verify(issue(again, NOW), [FIRST], HOSTS[0], NOW)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        (FIRST.pem, SECOND.key_pem),
        (FIRST.pem, b""),
        (b"", FIRST.key_pem),
        (FIRST.key_pem, FIRST.key_pem),
        (
            FIRST.pem,
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
        ),
    ],
    ids=["another's key", "no key", "no certificate", "no certificate but a key", "another kind"],
)
def test_a_ca_that_is_not_whole_is_refused(certificate: bytes, key: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library words most of these
        Authority.load(certificate, key)
