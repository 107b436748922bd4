"""Pitfall 8.5: what the operator asks for at its start is what the chart grants, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from modelyard_operator.cluster.access import Right, rights_at_home, rights_in_accounts

RBAC = Path(__file__).parents[4] / "charts/modelyard/templates/operator/rbac.yaml"
#: Compared where it may be read, and not missed where it may not.
OPTIONAL = {
    ("apiextensions.k8s.io", "customresourcedefinitions", "get", name)
    for name in (
        "datasets.modelyard.dev",
        "models.modelyard.dev",
        "modelversions.modelyard.dev",
        "modeldeployments.modelyard.dev",
    )
}

Granted = set[tuple[str, str, str, str]]


def granted(kind: str) -> Granted:
    """What the ClusterRole or the Role of the chart grants: group, resource, verb, name."""
    found: Granted = set()
    for part in RBAC.read_text().split("\n---\n"):
        if f"\nkind: {kind}\n" not in f"\n{part}":
            continue
        for rule in yaml.safe_load(part[part.index("rules:") :])["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames", [""]):
                        found |= {(group, resource, verb, name) for verb in rule["verbs"]}
    return found


def asked(rights: list[Right]) -> Granted:
    return {
        (
            right.kind.group,
            "/".join(filter(None, (right.kind.plural, right.subresource))),
            right.verb,
            right.name,
        )
        for right in rights
    }


@pytest.mark.parametrize(
    ("role", "rights"),
    [("ClusterRole", rights_in_accounts()), ("Role", rights_at_home())],
)
def test_the_chart_grants_what_is_asked_for(role: str, rights: list[Right]) -> None:
    assert granted(role) - OPTIONAL == asked(rights)
