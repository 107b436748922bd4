"""The TLS of a build's pods, from the secret that they share and nobody else has.

The key of the authority is derived from the secret (HKDF, RFC 5869), so that each pod makes the
same authority by itself and signs its own certificate with it: nothing is handed around, and a
pod that is made again fits in at once. Called by ``pods``.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

_PURPOSE = b"modelyard build authority, P-256"
_CURVE = ec.SECP256R1()
#: Order of the curve: a key is a number from 1 to one less (SEC 2, 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEY_BYTES = 48
#: The secret lives as long as its Job, and no clock of a node need be right.
_FROM, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class TlsFiles(NamedTuple):
    """Files in PEM, as Dask takes them."""

    authority: Path
    certificate: Path
    key: Path


def make_tls(secret: str, folder: Path) -> TlsFiles:
    """Write this pod's certificate, its key, and the authority that all pods trust."""
    authority_key = _authority_key(secret)
    own_key = ec.generate_private_key(_CURVE)
    files = TlsFiles(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority = _certificate("modelyard build", authority_key, authority_key, authority=True)
    certificate = _certificate("modelyard pod", own_key, authority_key, authority=False)
    key = own_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for path, content in zip(files, (_pem(authority), _pem(certificate), key), strict=True):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return files


def _authority_key(secret: str) -> ec.EllipticCurvePrivateKey:
    derived = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(derived, "big") % (_ORDER - 1) + 1, _CURVE)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "modelyard build")]))
        .public_key(key.public_key())
        .serial_number(1 if authority else x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
