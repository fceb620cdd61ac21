"""A self-signed certificate for a station that other computers reach, and its fingerprint (X18)."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labctl.clock import Clock
from labctl.errors import StoreError, UserInputError
from labctl.station.secretfile import write_secret
from labctl.store.disk import RealDisk

VALID_DAYS = 3650
"""Clients pin the fingerprint: a short life would only make them ask again on a bad day."""
CERTIFICATE, KEY = "api-certificate.pem", "api-key.pem"


def own_certificate(folder: Path, names: Sequence[str], clock: Clock) -> tuple[Path, Path]:
    """Return certificate and key of this station, made once and again when its names change. Raises: StoreError."""
    certificate, key = folder / CERTIFICATE, folder / KEY
    try:
        if certificate.is_file() and key.is_file() and _serves(certificate, names, clock):
            return certificate, key
        pem, key_pem = _made(names, clock)
        write_secret(RealDisk(), key, key_pem)
        write_secret(RealDisk(), certificate, pem)
    except (OSError, ValueError) as error:
        raise StoreError(f"Cannot keep the station's certificate in {folder}: {error}") from error
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of a certificate in hex: what clients pin. Raises: UserInputError."""
    try:
        der = ssl.PEM_cert_to_DER_cert(_first(certificate.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise UserInputError(f"{certificate} is no certificate in PEM form: {error}") from error
    return hashlib.sha256(der).hexdigest()


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS settings of the server: 1.2 or newer. Raises: UserInputError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UserInputError(f"{certificate} and {key} cannot be used for TLS: {error}") from error
    return context


def _first(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    return pem[: pem.index(end) + len(end)] + "\n"


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys([*names, "localhost", "127.0.0.1", "::1"]):
        bare = name.strip("[]")
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(bare)))
        except ValueError:
            found.append(x509.DNSName(bare.encode("idna").decode("ascii")))
    return found


def _serves(certificate: Path, names: Sequence[str], clock: Clock) -> bool:
    """Tell whether a certificate is for these names and not over."""
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    names_known = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wanted = set(_alternatives(names))
    return wanted <= set(names_known) and clock.link.utc() < known.not_valid_after_utc


def _made(names: Sequence[str], clock: Clock) -> tuple[str, str]:
    """Return a new certificate and its key as PEM texts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labctl station")])
    begin = clock.link.utc() - timedelta(days=1)  # the other computer's clock may be behind
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem.decode()
