"""ModelDeployment: does its autoscaler see the load that it is to follow?"""

from dataclasses import replace
from datetime import datetime, timedelta

from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Standing, Verdict
from modelyard_operator.reconcile.facts import Raw, moment
from modelyard_operator.reconcile.pod_problem import sentence

#: A new pod has no measurements yet, and a metrics server may miss a round.
BLIND_AFTER = timedelta(minutes=2)
#: What an autoscaler says of a scale of 0, which asks for no measurement.
_SWITCHED_OFF = "ScalingDisabled"


def scaling_verdict(autoscaler: Raw | None, verdict: Verdict, now: datetime) -> Verdict | None:
    """What a deployment that is served should say of an autoscaler without measurements.

    None where it measures, has not been without for long, or there is something graver to say.
    """
    since, words = _blind(autoscaler)
    if since is None or verdict.standing is not Standing.READY:
        return None
    wait = since + BLIND_AFTER - now
    if wait > timedelta(0):
        return replace(verdict, requeue_after=wait.total_seconds())
    message = (
        f"{verdict.message} But the autoscaler measures nothing and leaves the number of pods as "
        f"it is; it says: {sentence(words)} Look whether metrics-server answers (kubectl top pods) "
        "and spec.resources.requests.cpu is above 0."
    )
    return replace(verdict, reason=Reason.NO_SCALING_METRICS, message=message)


def _blind(autoscaler: Raw | None) -> tuple[datetime | None, str]:
    """Since when it has had no measurements, and its words on that."""
    conditions = (autoscaler or {}).get("status", {}).get("conditions") or ()
    active: Raw = next((item for item in conditions if item["type"] == "ScalingActive"), {})
    if active.get("status") != "False" or active.get("reason") == _SWITCHED_OFF:
        return None, ""
    return moment(active.get("lastTransitionTime")), active.get("message", "")
