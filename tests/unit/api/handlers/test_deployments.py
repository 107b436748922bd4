"""Deploying makes a deployment or changes one, which are two rights of a Kubernetes token."""

from __future__ import annotations

import pytest

from modelyard_api.auth import Caller, Right
from modelyard_api.errors import ForbiddenError, UnavailableError
from modelyard_api.handlers import deployments
from modelyard_api.mapping import rest
from unit.api import samples


@pytest.mark.parametrize(
    ("verbs", "error"), [({"create"}, ForbiddenError), ({"create", "patch"}, UnavailableError)]
)
async def test_who_may_only_create_changes_no_deployment(
    verbs: set[str], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The façade writes with rights of its own; unavailable is the API server that is away."""
    caller = Caller(account=samples.ACCOUNT, subject="token/jane", username="jane")

    async def allowed(_name: str, _groups: object, namespace: str, right: Right) -> bool:
        return namespace == samples.ACCOUNT and right.verb in verbs

    async with samples.services() as services:
        monkeypatch.setattr(services.authenticator._reviews, "allowed", allowed)
        samples.fill(services.caches, samples.model(), samples.version(), samples.deployment())
        with pytest.raises(error):
            await deployments.deploy(services, caller, "churn", rest.Deploy(), "http://test")
