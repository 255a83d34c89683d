"""The CA of the gateways, as pure functions over PEM text; keys are drawn by the library.

Rotation in three steps that need no coordination: a new CA is added long before the old one ends,
it is trusted from that moment on, and it signs only when every pod has had time to learn of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_LIFETIME = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=120)
"""A third of the lifetime: cert-manager's default share for renewal."""

_TRUST_FIRST = timedelta(hours=1)
"""How long a CA is trusted before it signs; the kubelet refreshes trust bundles within minutes."""

_BACKDATE = timedelta(minutes=2)
"""Clocks of nodes differ; the API server accepts up to 5 minutes (validation of 1.37)."""


@dataclass(frozen=True)
class Authority:
    """One CA: certificate and private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> "Authority":
        """Reads PEM.

        Raises:
            ValueError: if either is malformed, or they do not belong together.
        """
        key = serialization.load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the CA's key is not an elliptic curve key")  # noqa: TRY004 - a value
        if key.public_key() != certificate.public_key():
            raise ValueError("the CA's key does not belong to its certificate")
        return cls(certificate, key)

    @classmethod
    def create(cls, now: datetime) -> "Authority":
        """Draws a new CA that is valid from about now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "casemate"),
                x509.NameAttribute(NameOID.COMMON_NAME, "casemate gateway CA"),
            ]
        )
        certificate = (
            _builder(name, name, key.public_key(), now - _BACKDATE, now + _CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def needs_renewal(authorities: Iterable[Authority], now: datetime) -> bool:
    """Whether no CA is left that still has a third of its life before it."""
    return all(a.certificate.not_valid_after_utc - now < _RENEW_BEFORE for a in authorities)


def alive(authorities: Iterable[Authority], now: datetime) -> list[Authority]:
    """The CAs that have not ended, oldest first."""
    left = [a for a in authorities if a.certificate.not_valid_after_utc > now]
    return sorted(left, key=lambda a: a.certificate.not_valid_before_utc)


def signing(authorities: Sequence[Authority], now: datetime) -> Authority:
    """The newest CA that pods have had time to trust; the oldest if there is none."""
    ripe = now - _TRUST_FIRST - _BACKDATE
    trusted = [a for a in authorities if a.certificate.not_valid_before_utc <= ripe]
    return trusted[-1] if trusted else authorities[0]


def issue(
    authority: Authority,
    key: ec.EllipticCurvePublicKey,
    hosts: Sequence[str],
    now: datetime,
    lifetime: timedelta,
) -> x509.Certificate:
    """A serving certificate for `hosts`, valid no longer than its CA."""
    start = max(now.replace(microsecond=0) - _BACKDATE, authority.certificate.not_valid_before_utc)
    end = min(start + lifetime, authority.certificate.not_valid_after_utc)
    issuer = authority.certificate.subject
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return (
        _builder(x509.Name([]), issuer, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # Critical, as RFC 5280 §4.2.1.6 asks where the subject is empty.
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, hosts))), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start.replace(microsecond=0))
        .not_valid_after(end.replace(microsecond=0))
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
