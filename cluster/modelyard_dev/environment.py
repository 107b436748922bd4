"""``make env``: what a shell needs to talk to the cluster, kubectl and the façade."""

from __future__ import annotations

import shlex

from modelyard_dev.cluster import Cluster
from modelyard_dev.install import api_key


def exports(cluster: Cluster, *, url: str, account: str) -> str:
    """Lines for ``eval "$(make -s env)"``.

    Raises:
        ClusterError: the chart is not installed.
    """
    values = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "MODELYARD_URL": url,
        "MODELYARD_API_KEY": api_key(cluster),
        "MODELYARD_NAMESPACE": account,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines.append(f'export PATH={shlex.quote(str(cluster.binaries))}:"$PATH"')
    return "\n".join(lines)
