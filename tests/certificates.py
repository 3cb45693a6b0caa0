"""Certificates for tests, made by the openssl command: an authority, and whom it vouches for."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Holder:
    """The files of a certificate and its key, as PEM."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal digits."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self.holder = Holder(folder / f"{name}.pem", folder / f"{name}.key")
        self._folder = folder
        _openssl(
            "req", "-x509", *_KEY, "-keyout", self.holder.key, "-out", self.holder.certificate,
            "-subj", f"/CN=authority {name}", "-days", "30",
        )  # fmt: skip

    @property
    def certificate(self) -> Path:
        """The file by which its certificates are verified."""
        return self.holder.certificate

    def issue(self, name: str, *, days: int = 30, usage: str = "serverAuth,clientAuth") -> Holder:
        """Make a certificate with this common name; with negative ``days`` it has expired."""
        folder = self._folder
        holder = Holder(folder / f"{name}.pem", folder / f"{name}.key")
        request, extensions = folder / f"{name}.csr", folder / f"{name}.cnf"
        extensions.write_text(f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName=DNS:localhost\n")
        _openssl("req", "-new", *_KEY, "-keyout", holder.key, "-out", request, "-subj", f"/O=Test/CN={name}")
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.holder.certificate, "-CAkey", self.holder.key,
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", holder.certificate,
        )  # fmt: skip
        return holder

    def client(self, holder: Holder | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority, with a certificate if it is to show one."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if holder:
            context.load_cert_chain(holder.certificate, holder.key)
        return context


def protected(key: Path) -> Path:
    """Return a copy of a key that a password protects."""
    path = key.with_suffix(".protected")
    _openssl("pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", path)
    return path


def weak(folder: Path) -> Holder:
    """Return a certificate whose key is too short."""
    holder = Holder(folder / "weak.pem", folder / "weak.key")
    _openssl(
        "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", holder.key, "-out", holder.certificate,
        "-subj", "/CN=weak",
    )  # fmt: skip
    return holder


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
