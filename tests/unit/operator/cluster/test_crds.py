"""An older CRD is noticed before it drops anything."""

from __future__ import annotations

import copy

import pytest

from modelyard_crds.base import Resource
from modelyard_crds.schema import KINDS, custom_resource_definition
from modelyard_operator.cluster.crds import missing_fields


@pytest.mark.parametrize("resource", KINDS, ids=lambda resource: resource.info.kind)
def test_own_crd_lacks_nothing(resource: type[Resource]) -> None:
    assert list(missing_fields(resource, custom_resource_definition(resource))) == []


def test_older_crd_is_told_what_it_lacks() -> None:
    """Pitfall 8.1."""
    resource = next(kind for kind in KINDS if kind.info.kind == "Model")
    older = copy.deepcopy(custom_resource_definition(resource))
    schema = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["training"]["properties"]["seed"]
    del schema["properties"]["status"]["properties"]["readyVersion"]
    assert list(missing_fields(resource, older)) == [
        "Model.spec.training.seed",
        "Model.status.readyVersion",
    ]
