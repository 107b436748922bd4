"""100 models left alone for ten minutes: the operator writes nothing, and no object moves.

Pitfall 1.7. The count is the objects' own: no resource version of ours or of a child is another
one after the time.
"""

from __future__ import annotations

import json
import time

import pytest

from support import objects
from support.durations import LONG
from support.kubectl import Kubectl, poll
from support.soak import record, scaled

MODELS = 100
SECONDS = 600
KINDS = "modelyard,jobs,deployments,services,hpa,pdb,events"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_nothing_is_written_at_rest(kubectl: Kubectl) -> None:
    drafts = [objects.model(f"draft-{n}", datasetRef={"name": "none"}) for n in range(MODELS)]
    kubectl.apply(*drafts)
    assert poll(lambda: _told(kubectl) or None, LONG), "the models did not settle"
    before = _versions(kubectl)
    over = time.monotonic() + scaled(SECONDS)
    poll(lambda: time.monotonic() > over or None, within=2 * SECONDS)
    moved = [name for name, version in _versions(kubectl).items() if before.get(name) != version]
    record("rest.writes", len(moved), "writes")
    assert moved == []


def _told(kubectl: Kubectl) -> bool:
    return all(model.get("status", {}).get("phase") for model in kubectl.list("models"))


def _versions(kubectl: Kubectl) -> dict[str, str]:
    items = json.loads(kubectl.run("get", KINDS, "-o", "json"))["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for item in items
    }
