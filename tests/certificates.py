"""Certificates for tests, as RFC 5280 wants them: an authority, and whom it vouches for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

_USAGES: Final = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
}
_NO_USE: Final = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holder:
    """The files of a certificate and its key, as PEM."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal digits."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"authority {name}")
        usage = x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True})
        certificate = (
            _begun(self._name, self._name, self._key, 30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate: Final = _written(folder, name, certificate, self._key).certificate
        """The file by which its certificates are verified."""

    def issue(self, name: str, *, days: int = 30, usage: str = "serverAuth,clientAuth") -> Holder:
        """Make a certificate with this common name; with negative ``days`` it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _begun(_named(name), self._name, key, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USAGES[one] for one in usage.split(",")]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _written(self._folder, name, certificate, key)

    def client(self, holder: Holder | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority, with a certificate if it is to show one."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if holder:
            context.load_cert_chain(holder.certificate, holder.key)
        return context


def protected(key: Path) -> Path:
    """Return a copy of a key that a password protects."""
    path = key.with_suffix(".protected")
    secret = serialization.BestAvailableEncryption(b"secret")
    path.write_bytes(_pem(serialization.load_pem_private_key(key.read_bytes(), None), secret))
    return path


def weak(folder: Path) -> Holder:
    """Return a certificate whose key is too short."""
    key, name = rsa.generate_private_key(65537, 1024), _named("weak")
    return _written(folder, "weak", _begun(name, name, key, 30).sign(key, hashes.SHA256()), key)


def _named(name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: CertificateIssuerPrivateKeyTypes, days: int
) -> x509.CertificateBuilder:
    """Begin a certificate that ends in so many days, and began a month before that."""
    end = datetime.now(UTC) + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=31))
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _written(folder: Path, name: str, certificate: x509.Certificate, key: CertificateIssuerPrivateKeyTypes) -> Holder:
    holder = Holder(folder / f"{name}.pem", folder / f"{name}.key")
    holder.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    holder.key.write_bytes(_pem(key, serialization.NoEncryption()))
    return holder


def _pem(key: object, encryption: serialization.KeySerializationEncryption) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
