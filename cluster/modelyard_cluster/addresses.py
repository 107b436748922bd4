"""The private networks of the local cluster, in one place: several modules must agree on them."""

from __future__ import annotations

LINKS = "10.231.0.0/20"
"""Cut into small networks between the host and each cluster's node."""
PODS = "10.244.0.0/24"
"""The same in every cluster: it is seen only inside the cluster's network namespace."""
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
NEVER_BY_PROXY = ("localhost", "127.0.0.1", LINKS, PODS, SERVICES, ".svc", ".cluster.local")
