"""What goes wrong on a real cluster: how to bring it about, and how it must be told.

``cluster/test_failures.py`` checks each, ``transcripts.py`` shows each in docs/troubleshooting.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support import objects, rest
from support.durations import LONG
from support.kubectl import Kubectl, Object, condition
from support.operator_process import (
    OperatorProcess,
    copy_store_secret,
    no_operator_in_cluster,
    store_from_outside,
)

DEPLOYMENT = "tumours-production"
HEADER_ALONE = b"size,colour,price\n"

Step = Callable[[Kubectl], None]


def nothing(_: Kubectl) -> None:
    """No further step."""


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong."""

    title: str
    #: What somebody did, in a sentence of the page.
    done: str
    kind: str
    reason: str
    #: Parts of the message without which it would help nobody.
    words: tuple[str, ...]
    objects: tuple[Object, ...]
    #: What must be done besides, once the objects are there.
    step: Step = nothing
    #: What makes it well, and the condition Ready then is True; None where nothing simple does.
    cure: Step | None = None

    def bring_about(self, kubectl: Kubectl) -> Object:
        """Make it happen; gives the object that tells it.

        Raises TimedOut where it is not told.
        """
        if self.objects:
            kubectl.apply(*self.objects)
        self.step(kubectl)
        name = first(kubectl, self.kind)
        return kubectl.wait_reason(self.kind, name, self.reason, within=LONG)


def first(kubectl: Kubectl, kind: str) -> str:
    """Name of the namespace's first object of a kind."""
    name: str = kubectl.list(kind)[0]["metadata"]["name"]
    return name


def message_of(seen: Object) -> str:
    """What the object says of being ready."""
    return str(condition(seen, "Ready")["message"])


def training(**more: Any) -> Object:
    """Settings of a quick search."""
    return {"maxIterations": 2, "timeBudget": "60s", **more}


def memory(**amounts: str) -> Object:
    """Resources that name memory alone: requests, limits or both."""
    return {part: {"memory": amount} for part, amount in amounts.items()}


def core(kind: str, name: str, version: str = "v1", **more: Any) -> Object:
    """An object that is not ours."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def quota(amount: str) -> Object:
    """A quota on requested memory."""
    return core("ResourceQuota", "small", spec={"hard": {"requests.memory": amount}})


def queued(kubectl: Kubectl, suspend: bool) -> None:
    """Do what a queue does with the Job of version 1."""
    kubectl.patch("job", "tumours-v1", {"spec": {"suspend": suspend}})


def wait_job(kubectl: Kubectl) -> None:
    """Wait for the Job of version 1."""
    kubectl.wait("job", "tumours-v1", lambda _: True, within=LONG, what="there")


def upload_header(kubectl: Kubectl) -> None:
    """Send a file that has a header alone, as a person would."""
    with rest.open_client(os.environ["MODELYARD_URL"], rest.make_key(kubectl.namespace)) as client:
        answer = client.post("/datasets", files={"file": ("prices.csv", HEADER_ALONE, "text/csv")})
    assert answer.status_code in {httpx.codes.CREATED, httpx.codes.ACCEPTED}, answer.text


def shorten_deadline(kubectl: Kubectl) -> None:
    """Let the Job's time be over as soon as it has begun."""
    wait_job(kubectl)
    change = {"spec": {"activeDeadlineSeconds": 1, "suspend": False}}
    kubectl.patch("job", "tumours-v1", change)


def delete_job_twice(kubectl: Kubectl) -> None:
    """Delete the Job, and the one that takes its place."""
    wait_job(kubectl)
    uid = kubectl.list("jobs", "modelyard.dev/version")[0]["metadata"]["uid"]
    kubectl.delete("job", "tumours-v1")
    again = lambda seen: seen["metadata"]["uid"] != uid  # noqa: E731
    kubectl.wait("job", "tumours-v1", again, within=LONG, what="made again")
    kubectl.delete("job", "tumours-v1")


def cancel(kubectl: Kubectl) -> None:
    """End the build of version 1."""
    wait_job(kubectl)
    kubectl.patch("modelversion", "tumours-v1", {"spec": {"cancelled": True}})


TRAINED = (objects.dataset(), objects.model())
QUEUED = objects.model(training=training(queueName="gold"))

FAILURES = (
    Failure(
        "The Dataset does not exist",
        "A Model names a Dataset that nobody has made.",
        "model",
        "DatasetMissing",
        ("'tumours' (spec.datasetRef.name)", "create it or name another"),
        (objects.model(),),
        cure=lambda kubectl: kubectl.apply(objects.dataset()),
    ),
    Failure(
        "Nothing is stored at the Dataset's address",
        "The address has a typing error.",
        "dataset",
        "SourceNotFound",
        ("breast_cancr", "breast_cancer"),
        (objects.dataset(uri="example://breast_cancr"),),
        cure=lambda kubectl: kubectl.apply(objects.dataset()),
    ),
    Failure(
        "The file has a header and no rows",
        "An export went wrong, and what was uploaded has no data.",
        "dataset",
        "NoRows",
        ("header", "row"),
        (),
        upload_header,
    ),
    Failure(
        "The Secret with the credentials is missing",
        "The Dataset is in a bucket whose keys are not in this namespace.",
        "dataset",
        "SecretMissing",
        ("'bucket-keys'", "Create it"),
        (
            objects.dataset(
                source={
                    "uri": "s3://sales/2026.csv",
                    "credentialsSecretRef": {"name": "bucket-keys"},
                }
            ),
        ),
    ),
    Failure(
        "The intent fits no column",
        "The sentence says nothing that the data could answer.",
        "model",
        "TargetNotFound",
        ("Columns: ", "Name the column in the intent"),
        (objects.dataset(), objects.model(intent="Foretell tomorrow")),
        cure=lambda kubectl: kubectl.apply(objects.model()),
    ),
    Failure(
        "The build needs more memory than its limit",
        "`spec.training.resources` is too tight for the data.",
        "model",
        "OutOfMemory",
        ("limit of 96Mi", "spec.training.resources.limits.memory to at least 192Mi"),
        (
            objects.dataset(),
            objects.model(training=training(resources=memory(limits="96Mi"))),
        ),
        cure=lambda kubectl: kubectl.apply(
            objects.model(training=training(resources=memory(limits="1Gi")))
        ),
    ),
    Failure(
        "No node is large enough",
        "`spec.training.resources` asks for more than any node has.",
        "model",
        "Unschedulable",
        ("Insufficient memory", "Lower spec.training.resources or add nodes"),
        (
            objects.dataset(),
            objects.model(training=training(resources=memory(requests="900Gi"))),
        ),
        cure=lambda kubectl: kubectl.apply(objects.model()),
    ),
    Failure(
        "A quota of the namespace is used up",
        "The namespace has a ResourceQuota that leaves too little for the build.",
        "model",
        "QuotaExceeded",
        ("exceeded quota: small", "Free or raise the quota"),
        (
            objects.dataset(),
            quota("600Mi"),
            objects.model(training=training(resources=memory(requests="1Gi"))),
        ),
        cure=lambda kubectl: kubectl.apply(quota("4Gi")),
    ),
    Failure(
        "A LimitRange of the namespace is narrower",
        "The namespace has a LimitRange below the memory that a build gets by default.",
        "model",
        "LimitRangeExceeded",
        ("maximum memory usage per Container is 1Gi", "Set spec.training.resources within it"),
        (
            core(
                "LimitRange",
                "narrow",
                spec={"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]},
            ),
            objects.dataset(resources=memory(limits="1Gi")),
            objects.model(),
        ),
        cure=lambda kubectl: kubectl.apply(
            objects.model(training=training(resources=memory(limits="1Gi")))
        ),
    ),
    Failure(
        "The build waits in a queue",
        "`spec.training.queueName` names a Kueue queue, and nothing admits the Job. (No failure, "
        "but what it looks like when the queue does not exist.)",
        "model",
        "Suspended",
        ("waits in queue gold",),
        (objects.dataset(), QUEUED),
        cure=lambda kubectl: queued(kubectl, False),
    ),
    Failure(
        "The build takes longer than allowed",
        "The Job's deadline is twice `spec.training.timeBudget` and half an hour; here somebody "
        "made it a second.",
        "modelversion",
        "DeadlineExceeded",
        ("ran longer than 1 s", "spec.training.timeBudget"),
        (objects.dataset(), objects.model(training={"timeBudget": "10m", "queueName": "gold"})),
        shorten_deadline,
    ),
    Failure(
        "Somebody deletes the Job",
        "The Job went twice while it worked; the first time it was made again.",
        "modelversion",
        "JobLost",
        ("deleted twice", "modelyard.dev/retrain"),
        (objects.dataset(), QUEUED),
        delete_job_twice,
    ),
    Failure(
        "The build was cancelled",
        '`kubectl patch mver tumours-v1 --type=merge -p \'{"spec":{"cancelled":true}}\'`, or '
        "`POST /jobs/{job_id}/cancel`.",
        "modelversion",
        "Cancelled",
        ("was cancelled", "modelyard.dev/retrain"),
        (objects.dataset(), QUEUED),
        cancel,
    ),
    Failure(
        "The version to serve does not exist",
        "A ModelDeployment pins version 7 of a Model that has one.",
        "modeldeployment",
        "VersionMissing",
        ("Version 7 (spec.version)",),
        (objects.model(paused=True), objects.deployment(version=7)),
    ),
    Failure(
        "The name of the Service is taken",
        "Somebody else's Service has the name of the ModelDeployment.",
        "modeldeployment",
        "NameConflict",
        ("Service 'tumours-production' exists", "left alone"),
        (
            *TRAINED,
            core("Service", DEPLOYMENT, spec={"ports": [{"port": 80}]}),
            objects.deployment(),
        ),
        cure=lambda kubectl: kubectl.delete("service", DEPLOYMENT),
    ),
    Failure(
        "A serving pod needs more memory than its limit",
        "`spec.resources` of the ModelDeployment is too tight for the model.",
        "modeldeployment",
        "OutOfMemory",
        ("limit of 48Mi", "spec.resources.limits.memory to at least 96Mi"),
        (*TRAINED, objects.deployment(resources=memory(limits="48Mi"))),
        cure=lambda kubectl: kubectl.apply(objects.deployment(resources=memory(limits="1Gi"))),
    ),
    Failure(
        "A quota leaves no room for a serving pod",
        "The namespace has a ResourceQuota that is smaller than the pod of the ModelDeployment.",
        "modeldeployment",
        "QuotaExceeded",
        ("exceeded quota: small", "Free or raise the quota, or lower spec.resources"),
        (
            *TRAINED,
            quota("3Gi"),
            objects.deployment(resources=memory(requests="4Gi", limits="4Gi")),
        ),
        cure=lambda kubectl: kubectl.apply(quota("8Gi")),
    ),
    Failure(
        "The autoscaler measures nothing",
        "The autoscaler works with percents of the CPU request, and that is 0. The same is seen "
        "where no metrics-server runs.",
        "modeldeployment",
        "NoScalingMetrics",
        ("is served. But the autoscaler measures nothing", "metrics-server"),
        (
            *TRAINED,
            objects.deployment(autoscaling={"enabled": True}, resources={"requests": {"cpu": "0"}}),
        ),
    ),
)

IMAGE_MISSING = Failure(
    "The image cannot be fetched",
    "The operator names an image that the node has not and the registry does not give.",
    "dataset",
    "ImagePullFailed",
    ("'modelyard/inference:missing'", "MODELYARD_INFERENCE_IMAGE", "goes on by itself"),
    (objects.dataset(),),
)


@contextmanager
def image_missing(kubectl: Kubectl, folder: Path) -> Iterator[Failure]:
    """An operator of the test's own whose image is nowhere; the installed one rests meanwhile."""
    system = Kubectl(os.environ["MODELYARD_SYSTEM_NAMESPACE"])
    kubeconfig, log = Path(os.environ["KUBECONFIG"]), folder / "operator.log"
    copy_store_secret(system, kubectl)
    with no_operator_in_cluster(system), store_from_outside(system, folder / "store") as store:
        operator = OperatorProcess(
            kubectl.namespace, kubeconfig, store, "modelyard/inference:missing", log
        )
        operator.start()
        try:
            yield IMAGE_MISSING
        finally:
            operator.kill()
            operator.wait_dead()
