"""Certificates of one enclave: throw-away authorities, and client files for any user."""

import base64
import datetime as dt
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = dt.timedelta(days=365)
_CLOCK_SKEW = dt.timedelta(minutes=5)
_USAGES = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that only its owner may read, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write `<name>.crt` and `<name>.key`, and return both paths."""
        certificate = write_private(folder / f"{name}.crt", self.certificate)
        return certificate, write_private(folder / f"{name}.key", self.key)


class Authority:
    """A certificate authority that keeps its key in a file of the enclave's state."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key must be an elliptic-curve key")
        self._key = key

    @classmethod
    def at(cls, folder: Path, name: str) -> Self:
        """Load the authority kept in a folder, or make and keep a new one."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        if certificate.is_file() and key.is_file():
            return cls(Pair(certificate.read_bytes(), key.read_bytes()))
        pair = _self_signed(f"casemate-{name}")
        pair.write(folder, name)
        return cls(pair)

    def issue(self, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Pair:
        """Issue a certificate for a Kubernetes user and, with hosts, for a server.

        Args:
            user: Common name, which the API server takes as the user name.
            groups: Organizations, which the API server takes as groups.
            hosts: DNS names and IP addresses the certificate is valid for.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(user, groups), self._certificate.subject, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Pair(signed.public_bytes(serialization.Encoding.PEM), _pem(key))


def _name(user: str, groups: Sequence[str] = ()) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name(attributes)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _self_signed(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    signed = builder.sign(key, hashes.SHA256())
    return Pair(signed.public_bytes(serialization.Encoding.PEM), _pem(key))


def service_account_key(path: Path) -> Path:
    """Return the file with the key that signs service account tokens, made when missing."""
    if not path.is_file():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        write_private(path, _pem(key))
    return path


def kubeconfig(path: Path, server: str, authority: Authority, client: Pair) -> Path:
    """Write a self-contained kubeconfig (JSON, which is YAML too) and return its path."""

    def encoded(content: bytes) -> str:
        return base64.b64encode(content).decode()

    cluster = {
        "server": server,
        "certificate-authority-data": encoded(authority.pair.certificate),
    }
    user = {
        "client-certificate-data": encoded(client.certificate),
        "client-key-data": encoded(client.key),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "enclave", "cluster": cluster}],
        "users": [{"name": "client", "user": user}],
        "contexts": [{"name": "enclave", "context": {"cluster": "enclave", "user": "client"}}],
        "current-context": "enclave",
    }
    return write_private(path, json.dumps(document, indent=1).encode())
