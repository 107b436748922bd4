"""A plan that something else proposed: taken only where the own one is in doubt, and judged alike.

Called by ``build``; what proposes is handed in, and whatever goes wrong with it is a warning.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from modelyard_crds.conditions import shorten
from modelyard_crds.fields import FieldSchema, Metric
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import SURE, Plan

_IN_DOUBT = frozenset({Reason.TARGET_NOT_FOUND, Reason.TARGET_AMBIGUOUS})
_MOST_SAID = 240
#: How sure a plan is that an endpoint proposed.
_CONFIDENCE = 0.5


class ProposalError(Exception):
    """There is no proposal; the text says why, in a clause without secrets."""


class Proposal(NamedTuple):
    """What a model says the plan is: some fields of spec.plan, and a metric."""

    plan: PlanOverrides
    metric: Metric | None
    by: str


class Ask(NamedTuple):
    """What a person stated, which a proposal never changes."""

    stated: PlanOverrides
    metric: Metric | None
    inputs: Sequence[FieldSchema]


Propose = Callable[[], Proposal]
Make = Callable[[PlanOverrides, Metric | None], Plan]


def plan_with(propose: Propose | None, make: Make, ask: Ask, warn: Callable[[str], None]) -> Plan:
    """The plan that ``make`` gives; where it hardly knows the targets, the one that is proposed.

    Raises UserError as ``make`` does where no proposal helps.
    """
    plan, doubt = _own(make, ask)
    if propose is None or (plan is not None and plan.confidence >= SURE):
        return _or_raise(plan, doubt)
    try:
        return _proposed(propose(), make, ask)
    except UserError as error:
        why = f"its proposal is not used: {error.message}"
    except ProposalError as error:
        why = str(error)
    warning = f"The planner endpoint did not help: {shorten(why, _MOST_SAID)}"
    if plan is None:
        warn(warning)
        return _or_raise(plan, doubt)
    return replace(plan, warnings=[*plan.warnings, warning])


def _own(make: Make, ask: Ask) -> tuple[Plan | None, UserError | None]:
    try:
        return make(ask.stated, ask.metric), None
    except UserError as error:
        if error.reason not in _IN_DOUBT:
            raise
        return None, error


def _or_raise(plan: Plan | None, doubt: UserError | None) -> Plan:
    if plan is None:
        raise doubt or AssertionError
    return plan


def _proposed(proposal: Proposal, make: Make, ask: Ask) -> Plan:
    stated = ask.stated.model_dump(exclude_none=True)
    given = proposal.plan.model_dump(exclude_none=True)
    targets = given.get("targets", [])
    if not targets:
        msg = "it proposed no target"
        raise ProposalError(msg)
    taken = {*(ask.stated.exclude or ()), *(field.name for field in ask.inputs)} & set(targets)
    if taken:
        msg = f"it proposed {min(taken)!r}, which is an input or excluded"
        raise ProposalError(msg)
    merged = PlanOverrides.model_validate(given | stated)
    plan = make(merged, ask.metric or proposal.metric)
    names = ", ".join(repr(name) for name in targets)
    warning = (
        f"{names} was proposed as the target by the planner endpoint ({proposal.by}): name it in "
        "spec.plan.targets to be sure."
    )
    return replace(
        plan, confidence=_CONFIDENCE, proposed_by=proposal.by, warnings=[*plan.warnings, warning]
    )
