"""Why a pod does not do its work, in words that a person can act on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.facts import PodFacts, Termination
from modelyard_operator.resources.quantity import in_mebibytes, mebibytes

#: A scheduler that finds a node at its second look is not worth a condition that flips.
UNSCHEDULABLE_GRACE = timedelta(seconds=3)

_PULL_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
_CONFIG_REASONS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PostStartHookError",
    }
)


class Problem(NamedTuple):
    """What keeps a pod from working."""

    reason: Reason
    message: str


class Context(NamedTuple):
    """What the words need to know besides the pod."""

    now: datetime
    #: The field of the spec in which resources are set.
    resources_field: str


def problem_of(pod: PodFacts, context: Context) -> Problem | None:
    """The first thing that keeps this pod from working; None where it can work."""
    for policy in _POLICIES:
        if problem := policy(pod, context):
            return problem
    return None


def out_of_memory(pod: PodFacts, context: Context) -> Problem | None:
    """The container was ended for its memory, now or in its life before."""
    for end in (pod.terminated, pod.last_terminated):
        if end is not None and end.out_of_memory:
            return Problem(Reason.OUT_OF_MEMORY, _memory_message(pod, context))
    return None


def _image(pod: PodFacts, _: Context) -> Problem | None:
    if pod.waiting_reason not in _PULL_REASONS:
        return None
    return Problem(
        Reason.IMAGE_PULL_FAILED,
        f"The node cannot get image {pod.image!r} ({pod.waiting_reason}): "
        f"{pod.waiting_message or 'no details'}. Check the operator's MODELYARD_INFERENCE_IMAGE "
        "and the pull secrets; the pod goes on by itself once the image is there.",
    )


def _configuration(pod: PodFacts, _: Context) -> Problem | None:
    if pod.waiting_reason not in _CONFIG_REASONS:
        return None
    return Problem(
        Reason.CONTAINER_CONFIG_ERROR,
        f"The container cannot be created ({pod.waiting_reason}): "
        f"{pod.waiting_message or 'no details'}.",
    )


def _unschedulable(pod: PodFacts, context: Context) -> Problem | None:
    if not pod.unschedulable:
        return None
    if pod.created_at and context.now - pod.created_at < UNSCHEDULABLE_GRACE:
        return None
    return Problem(
        Reason.UNSCHEDULABLE,
        f"No node fits the pod; the scheduler says: {sentence(pod.unschedulable)} "
        f"Lower {context.resources_field} or add nodes; it goes on by itself.",
    )


def _memory_message(pod: PodFacts, context: Context) -> str:
    limit = pod.memory_limit
    amount = in_mebibytes(limit) if limit else None
    advice = f"at least {mebibytes(2 * amount)}" if amount else "more"
    return (
        f"The pod needed more memory than its limit of {limit or 'the node'} and was ended. "
        f"Set {context.resources_field}.limits.memory to {advice}."
    )


def sentence(words: str) -> str:
    """Words of others, ended so that ours can follow."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def said(end: Termination | None) -> Problem | None:
    """What our program itself gave as its reason, where it came to say it."""
    result = end.result if end else None
    if result is None or result.succeeded:
        return None
    return Problem(result.reason, result.message)


_POLICIES: tuple[Callable[[PodFacts, Context], Problem | None], ...] = (
    out_of_memory,
    _image,
    _configuration,
    _unschedulable,
)
