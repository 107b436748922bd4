"""kubectl as tests use it: objects as dictionaries, waits by condition, evidence on failure."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from support import objects
from support.durations import LONG, NEVER, SHORT

Object = dict[str, Any]
POLL_SECONDS = 0.5


class Refused(Exception):
    """kubectl ended with an error; the text is what a person at a terminal reads."""


class TimedOut(AssertionError):
    """Something did not come true in its time; the text says how things stood."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl in one namespace."""

    namespace: str

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl and return what it printed; raises Refused with its error."""
        done = subprocess.run(
            ["kubectl", "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def apply(self, *objects: Object) -> None:
        """Apply the objects."""
        self.run("apply", "-f", "-", stdin=_as_list(objects))

    def create(self, *objects: Object) -> None:
        """Create the objects."""
        self.run("create", "-f", "-", stdin=_as_list(objects))

    def patch(self, kind: str, name: str, change: Object, subresource: str = "") -> None:
        """Merge the change into the object."""
        extra = ["--subresource", subresource] if subresource else []
        self.run("patch", kind, name, "--type=merge", "-p", json.dumps(change), *extra)

    def get(self, kind: str, name: str) -> Object | None:
        """The object, or None where there is none."""
        text = self.run("get", kind, name, "--ignore-not-found", "-o", "json")
        found: Object | None = json.loads(text) if text.strip() else None
        return found

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """The objects of a kind, in creation order."""
        extra = ["--selector", selector] if selector else []
        items: list[Object] = json.loads(self.run("get", kind, "-o", "json", *extra))["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def delete(self, kind: str, name: str, *extra: str) -> None:
        """Delete the object; none is fine."""
        self.run("delete", kind, name, "--ignore-not-found", *extra)

    def wait(
        self,
        kind: str,
        name: str,
        holds: Callable[[Object], bool],
        *,
        within: float,
        what: str,
    ) -> Object:
        """Wait until the object is there and the predicate holds; returns the object.

        Raises TimedOut with the object's status and the namespace's events.
        """

        def look() -> Object | None:
            seen = self.get(kind, name)
            return seen if seen is not None and holds(seen) else None

        found: Object | None = poll(look, within)
        if found is None:
            raise TimedOut(
                f"{kind}/{name} not {what} within {within:.0f} s\n{self.evidence(kind, name)}"
            )
        return found

    def wait_condition(
        self, kind: str, name: str, type_: str, status: str = "True", *, within: float = SHORT
    ) -> Object:
        """Wait until the condition has the status for the object's present generation."""
        return self.wait(
            kind,
            name,
            lambda seen: condition_holds(seen, type_, status),
            within=within,
            what=f"{type_}={status}",
        )

    def wait_reason(
        self, kind: str, name: str, reason: str, type_: str = "Ready", *, within: float
    ) -> Object:
        """Wait until the condition gives the reason."""
        return self.wait(
            kind,
            name,
            lambda seen: condition(seen, type_).get("reason") == reason,
            within=within,
            what=f"{type_} with reason {reason}",
        )

    def serve(self, **deployment: Any) -> Object:
        """Have the tumours learnt and served, with these fields of the ModelDeployment's spec."""
        self.apply(objects.dataset(), objects.model(), objects.deployment(**deployment))
        return self.wait_condition("modeldeployment", objects.DEPLOYMENT, "Ready", within=LONG)

    def wait_serving(self, version: int, *, within: float = LONG) -> Object:
        """Wait until pods of this version of the tumours have taken over from the one before."""
        return self.wait(
            "modeldeployment",
            objects.DEPLOYMENT,
            lambda seen: seen.get("status", {}).get("servingVersion") == version,
            within=within,
            what=f"serving version {version}",
        )

    def wait_gone(self, kind: str, name: str, *, within: float) -> None:
        """Wait until there is no such object."""
        if poll(lambda: self.get(kind, name) is None or None, within) is None:
            raise TimedOut(f"{kind}/{name} still there after {within:.0f} s")

    def never(
        self, kind: str, name: str, happens: Callable[[Object], bool], during: float = NEVER
    ) -> None:
        """Fail when the predicate holds of the object at any time during the span."""

        def look() -> Object | None:
            seen = self.get(kind, name)
            return seen if seen is not None and happens(seen) else None

        seen = poll(look, during)
        if seen is not None:
            raise AssertionError(f"{kind}/{name} must not: {json.dumps(seen.get('status'))}")

    def evidence(self, kind: str, name: str) -> str:
        """The object's status and the namespace's last events."""
        seen = self.get(kind, name)
        status = json.dumps((seen or {}).get("status"), indent=1)
        events = self.run("get", "events", "--sort-by=.lastTimestamp")
        return f"status: {status}\nevents:\n" + "\n".join(events.splitlines()[-25:])


def poll(look: Callable[[], Any], within: float) -> Any:
    """Look again and again until something is seen; None when the time is over."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen is not None:
            return seen
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_SECONDS)


def condition(seen: Object, type_: str) -> Object:
    """The condition of a type; empty where there is none."""
    conditions: Iterable[Object] = seen.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})


def condition_holds(seen: Object, type_: str, status: str = "True") -> bool:
    """Whether the condition has the status and speaks of the present spec."""
    found = condition(seen, type_)
    return (
        found.get("status") == status
        and found.get("observedGeneration") == seen["metadata"]["generation"]
    )


def restarts(system: Kubectl, component: str) -> dict[str, int]:
    """How often the pods of a part of the system were restarted, by name."""
    pods = system.list("pods", f"app.kubernetes.io/component={component}")
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in pods
    }


def namespace_evidence(namespace: str) -> str:
    """Objects, events and logs of a namespace, for the report of a failed test."""
    kubectl = Kubectl(namespace)
    kinds = "modelyard,jobs,pods,deployments,hpa,services"
    questions = (
        ("get", kinds, "-o", "wide"),
        ("get", "modelyard", "-o", "yaml"),
        ("get", "events", "--sort-by=.lastTimestamp"),
    )
    parts = [_quietly(kubectl, *question) for question in questions]
    names = _quietly(kubectl, "get", "pods", "-o", "name").split()
    parts += [f"--- {name}\n{_quietly(kubectl, 'logs', name, '--tail=60')}" for name in names]
    system = Kubectl(os.environ.get("MODELYARD_SYSTEM_NAMESPACE", "modelyard-system"))
    logs = _quietly(system, "logs", "deployment/modelyard-operator", "--since=10m", "--tail=400")
    parts.append("--- operator\n" + "\n".join(ln for ln in logs.splitlines() if namespace in ln))
    return "\n".join(parts)


def _quietly(kubectl: Kubectl, *arguments: str) -> str:
    try:
        return kubectl.run(*arguments)
    except (Refused, subprocess.TimeoutExpired) as error:
        return str(error)


def _as_list(objects: Iterable[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
