"""The cluster's keys and certificates, made with openssl; elliptic curves, as they take no time.

Two authorities: one that everybody in the cluster trusts, and one for the front proxy, which the
API server uses to speak for its callers to metrics-server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard_cluster.paths import fresh_folder
from modelyard_cluster.run import run

DAYS = "3650"
CURVE = "prime256v1"


@dataclass(frozen=True)
class Leaf:
    """One certificate: its file, whom it names, and which names and addresses it serves."""

    file: str
    common_name: str
    organization: str = ""
    authority: str = "ca"
    names: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The subject as openssl writes it."""
        group = f"/O={self.organization}" if self.organization else ""
        return f"{group}/CN={self.common_name}"


def leaves(node: str, addresses: Sequence[str], service_address: str) -> list[Leaf]:
    """All certificates of a cluster with one node."""
    hosts = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    hosts += ["kubernetes.default.svc.cluster.local", "localhost"]
    served = [f"DNS:{host}" for host in hosts]
    served += [f"IP:{address}" for address in (service_address, "127.0.0.1", *addresses)]
    return [
        Leaf("apiserver", "kube-apiserver", names=tuple(served)),
        Leaf("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Leaf("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
        Leaf("admin", "modelyard-admin", "system:masters"),
        Leaf("kubelet", f"system:node:{node}", "system:nodes"),
        Leaf("controller-manager", "system:kube-controller-manager"),
        Leaf("scheduler", "system:kube-scheduler"),
        Leaf("proxy", "system:kube-proxy"),
    ]


def ensure(folder: Path, wanted: Sequence[Leaf]) -> None:
    """Make them all, or keep the whole folder when it is there: it is complete or absent."""
    if folder.is_dir():
        return
    with fresh_folder(folder) as work:
        work.chmod(0o700)
        for authority in ("ca", "front-proxy-ca"):
            _make_authority(work, authority)
        for leaf in wanted:
            _make_leaf(work, leaf)
        _make_key(work, "service-account")
        key, public = work / "service-account.key", work / "service-account.pub"
        run(["openssl", "ec", "-in", key, "-pubout", "-out", public])


def _make_key(work: Path, name: str) -> None:
    key = work / f"{name}.key"
    run(["openssl", "ecparam", "-name", CURVE, "-genkey", "-noout", "-out", key])
    key.chmod(0o600)


def _make_authority(work: Path, name: str) -> None:
    _make_key(work, name)
    command = ["openssl", "req", "-x509", "-new", "-sha256", "-days", DAYS]
    command += ["-key", str(work / f"{name}.key"), "-subj", f"/CN=modelyard-{name}"]
    command += ["-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    run([*command, "-out", work / f"{name}.crt"])


def _make_leaf(work: Path, leaf: Leaf) -> None:
    _make_key(work, leaf.file)
    request, extensions = work / f"{leaf.file}.csr", work / f"{leaf.file}.ext"
    key, certificate = work / f"{leaf.file}.key", work / f"{leaf.file}.crt"
    run(["openssl", "req", "-new", "-key", key, "-subj", leaf.subject, "-out", request])
    extensions.write_text(extension_text(leaf), encoding="ascii")
    authority = [f"-CA{suffix}" for suffix in ("", "key")]
    files = [str(work / f"{leaf.authority}.{ending}") for ending in ("crt", "key")]
    signing = [word for pair in zip(authority, files, strict=True) for word in pair]
    command = ["openssl", "x509", "-req", "-sha256", "-days", DAYS, *signing, "-CAcreateserial"]
    run([*command, "-in", request, "-extfile", extensions, "-out", certificate])
    request.unlink()
    extensions.unlink()


def extension_text(leaf: Leaf) -> str:
    """The extensions file for openssl: a server's certificate is a client's as well."""
    usage = "serverAuth,clientAuth" if leaf.names else "clientAuth"
    lines = ["keyUsage=critical,digitalSignature", f"extendedKeyUsage={usage}"]
    lines += ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
    if leaf.names:
        lines.append("subjectAltName=" + ",".join(leaf.names))
    return "\n".join(lines) + "\n"
