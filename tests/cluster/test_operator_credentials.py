"""A service account's token rotated and the old one revoked: nothing fails, nothing restarts.

The operator runs as in a pod, with a token file of its ServiceAccount, at the path where a pod
has it: the process has its own /run.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.durations import MEDIUM, SHORT
from support.kubectl import Kubectl, poll
from support.operator_process import no_operator_in_cluster
from support.stage import drafts, staged, wait_drafts

pytestmark = pytest.mark.cluster

ACCOUNT = "modelyard-operator"
FOLDER = "secrets/kubernetes.io/serviceaccount"
OWN_RUN = (
    'mount -t tmpfs none /run && mkdir -p "/run/${0%/*}" && ln -s "$1" "/run/$0" && shift && '
    'exec "$@"'
)


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a process's own /run needs root and unshare")
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture
def server() -> tuple[str, str]:
    """Address and certificate authority of the API server."""
    content = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
    cluster = content["clusters"][0]["cluster"]
    return cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode()


def bound_token(system: Kubectl, secret: str) -> str:
    """A token that lasts as long as the Secret does."""
    system.run("create", "secret", "generic", secret)
    bound = ("--bound-object-kind", "Secret", "--bound-object-name", secret)
    return system.run("create", "token", ACCOUNT, *bound).strip()


@pytest.fixture
def tokens(system: Kubectl) -> Iterator[tuple[str, str]]:
    names = ("test-token-old", "test-token-new")
    yield bound_token(system, names[0]), bound_token(system, names[1])
    for name in names:
        system.delete("secret", name)


def put(folder: Path, token: str) -> None:
    """Replace the token in one step, as the kubelet does."""
    (folder / "next").write_text(token)
    (folder / "next").replace(folder / "token")


def test_revoked_token_fails_nothing(
    kubectl: Kubectl,
    system: Kubectl,
    image: str,
    server: tuple[str, str],
    tokens: tuple[str, str],
    tmp_path: Path,
) -> None:
    """Pitfall 2.1: the file is swapped, the old token ends, and not one reconcile fails."""
    url, authority = server
    account = tmp_path / "account"
    account.mkdir()
    (account / "ca.crt").write_text(authority)
    put(account, tokens[0])
    address = urlsplit(url)
    environment = {
        "KUBERNETES_SERVICE_HOST": str(address.hostname),
        "KUBERNETES_SERVICE_PORT": str(address.port),
    }
    wrapper = ("unshare", "--mount", "sh", "-c", OWN_RUN, FOLDER, str(account))
    with staged(kubectl, system, image, tmp_path, wrapper, environment) as stage:
        stage.operator.start()
        stage.operator.wait_synced()
        put(account, tokens[1])
        system.delete("secret", "test-token-old")
        with httpx.Client(verify=ssl.create_default_context(cadata=authority)) as client:

            def refused() -> bool | None:
                headers = {"Authorization": f"Bearer {tokens[0]}"}
                return client.get(f"{url}/version", headers=headers).status_code == 401 or None

            assert poll(refused, MEDIUM), "the old token still opens the API server"

        kubectl.apply(*drafts(10))
        wait_drafts(kubectl, 10, within=SHORT)
        assert stage.operator.alive
        assert stage.operator.reconciles("ok") > 0
        assert stage.operator.reconciles("retry") + stage.operator.reconciles("error") == 0
