"""Requests made from the OpenAPI document: no 5xx, no undocumented status, no schema broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import fuzz
from support.facade_process import facade_process
from support.kubectl import Kubectl

#: Calls that the campaign comes to at least.
CAMPAIGN_CALLS = 20_000


@pytest.mark.cluster
def test_the_facade_keeps_to_its_document(
    kubectl: Kubectl, system: Kubectl, tmp_path: Path
) -> None:
    """Pitfall 6.6, in little: some calls of each kind to each operation."""
    token = fuzz.make_token(kubectl)
    with facade_process(system, tmp_path, log_level="WARNING") as facade:
        outcome = fuzz.run(facade.url, token, tmp_path, examples=2, seed=1, within=500)
    assert outcome.passed, outcome.report


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_facade_keeps_to_its_document_in_twenty_thousand_calls(
    kubectl: Kubectl, system: Kubectl, tmp_path: Path
) -> None:
    """Pitfall 6.6, in full; another seed each time a run is too short."""
    token, calls = fuzz.make_token(kubectl), 0
    with facade_process(system, tmp_path, log_level="WARNING") as facade:
        seed = 0
        while calls < CAMPAIGN_CALLS:
            seed += 1
            outcome = fuzz.run(facade.url, token, tmp_path, examples=250, seed=seed, within=7000)
            assert outcome.passed, outcome.report
            calls += outcome.calls
