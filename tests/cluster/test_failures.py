"""Each failure is told while it happens, with its cause and the next step, and is got over."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.durations import LONG
from support.failures import FAILURES, Failure, image_missing, message_of
from support.kubectl import Kubectl

pytestmark = pytest.mark.cluster

#: In the transcripts alone: others have most of them, the last takes minutes to be sure.
ELSEWHERE = {
    "Suspended",
    "DatasetMissing",
    "SourceNotFound",
    "NoRows",
    "TargetNotFound",
    "VersionMissing",
    "NoScalingMetrics",
}
TOLD = [failure for failure in FAILURES if failure.reason not in ELSEWHERE]


@pytest.mark.parametrize("failure", TOLD, ids=[f"{f.kind}-{f.reason}" for f in TOLD])
def test_a_failure_says_why_and_what_to_do_and_is_got_over(
    kubectl: Kubectl, failure: Failure
) -> None:
    """Pitfalls 1.17, 3.1, 3.2, 3.3, 3.6, 3.11."""
    seen = failure.bring_about(kubectl)
    message = message_of(seen)
    assert [words for words in failure.words if words not in message] == [], message
    assert message.endswith("."), "whole sentences"
    assert "Traceback" not in message
    if failure.cure is not None:
        failure.cure(kubectl)
        kubectl.wait_condition(failure.kind, seen["metadata"]["name"], "Ready", within=LONG)


def test_an_image_that_cannot_be_fetched_is_named_while_the_pod_waits(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    """Pitfall 3.1."""
    with image_missing(kubectl, tmp_path) as failure:
        message = message_of(failure.bring_about(kubectl))
    assert [words for words in failure.words if words not in message] == [], message
