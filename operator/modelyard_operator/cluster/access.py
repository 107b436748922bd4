"""What the operator must be allowed to do, and the question to the API server whether it is."""

import asyncio
from typing import NamedTuple

from modelyard_crds import names
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import (
    AUTOSCALER,
    CHILD_KINDS,
    DATASET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    JOB,
    LEASE,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    OWN_KINDS,
    SECRET,
    SERVICE,
    Kind,
)
from modelyard_operator.errors import AccessMissingError

REVIEW_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Right(NamedTuple):
    """One verb on one resource; a name where only that one object is meant."""

    verb: str
    kind: Kind
    subresource: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As RBAC rules and people write it."""
        resource = "/".join(filter(None, (self.kind.plural, self.subresource)))
        group = f".{self.kind.group}" if self.kind.group else ""
        return f"{self.verb} {resource}{group}{f' {self.name!r}' if self.name else ''}"


def rights_in_accounts() -> list[Right]:
    """The rights in every namespace that is served; the chart grants just these."""
    watched = [Right(v, k) for k in (*OWN_KINDS, *CHILD_KINDS) for v in ("list", "watch")]
    status = [Right("patch", kind, "status") for kind in OWN_KINDS]
    versions = [Right(verb, MODEL_VERSION) for verb in ("create", "get", "patch", "delete")]
    datasets = [Right("get", DATASET)]
    jobs = [Right(verb, JOB) for verb in ("create", "get", "delete")]
    serving = [
        Right(verb, kind)
        for kind in (DEPLOYMENT, SERVICE, AUTOSCALER, DISRUPTION_BUDGET)
        for verb in ("create", "get", "patch")
    ]
    # API servers that enforce it ask this of whoever has a child outlived by its owner.
    owners = [Right("update", MODEL_DEPLOYMENT, "finalizers")]
    # Deployment and Service are those of a canary that is wanted no more.
    gone = (DEPLOYMENT, SERVICE, AUTOSCALER, DISRUPTION_BUDGET)
    removed = [Right("delete", kind) for kind in gone]
    secrets = [
        Right(verb, SECRET, "", name)
        for name in (names.STORE_SECRET, names.PLANNER_SECRET)
        for verb in ("get", "patch")
    ]
    events = [Right(verb, EVENT) for verb in ("list", "create")]
    return [
        *watched,
        *status,
        *versions,
        *datasets,
        *jobs,
        *serving,
        *owners,
        *removed,
        *secrets,
        Right("create", SECRET),
        *events,
    ]


def rights_at_home() -> list[Right]:
    """The rights in the operator's own namespace, for the election of a leader."""
    return [Right(verb, LEASE) for verb in ("get", "create", "update")]


async def check_access(api: Api, namespaces: tuple[str, ...], home: str | None) -> None:
    """Raise AccessMissingError naming every right that is missing, and where."""
    questions = [
        (right, namespace) for namespace in namespaces or ("",) for right in rights_in_accounts()
    ]
    questions += [(right, home) for right in rights_at_home() if home is not None]
    slots = asyncio.Semaphore(16)
    answers = await asyncio.gather(*(_allowed(api, slots, *question) for question in questions))
    missing = [
        f"{right} in {namespace or 'all namespaces'}"
        for (right, namespace), allowed in zip(questions, answers, strict=True)
        if not allowed
    ]
    if missing:
        msg = "the operator's ServiceAccount may not: " + "; ".join(missing)
        raise AccessMissingError(msg)


async def _allowed(api: Api, slots: asyncio.Semaphore, right: Right, namespace: str) -> bool:
    attributes = {
        "verb": right.verb,
        "group": right.kind.group,
        "version": right.kind.version,
        "resource": right.kind.plural,
        "subresource": right.subresource,
        "namespace": namespace,
        "name": right.name,
    }
    async with slots:
        answer = await api.review(
            REVIEW_PATH,
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
    return bool(answer.get("status", {}).get("allowed"))
