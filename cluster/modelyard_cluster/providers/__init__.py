"""Where a cluster comes from: the context you have, kind, or a build on this machine.

Each provider answers the same few questions; the commands know no other difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from modelyard_cluster.state import Record

CONTEXT_VARIABLE = "CONTEXT"


class Provider(Protocol):
    """One cluster of one kind; made from the state's paths and record."""

    def up(self) -> Record:
        """Start what does not run, wait until all is ready, and return the completed record."""

    def is_up(self) -> bool:
        """Whether nothing is left to do; answers at once."""

    def down(self) -> None:
        """End everything of it, also what an interrupted run has left."""

    def load(self, images: list[str]) -> None:
        """Make images or archives of images known to the cluster's node."""

    def status(self) -> dict[str, str]:
        """Each part of it and how it is; what is not well starts with ``not``."""


@dataclass(frozen=True)
class Choice:
    """Which provider, and the reason as a line for the user."""

    provider: str
    reason: str
    context: str = ""


def choose(
    environ: Mapping[str, str], record: Record | None, why_no_kind: Callable[[], str]
) -> Choice:
    """Keep what the state has; else a given context, else kind, else the local build.

    ``why_no_kind`` is asked only when it matters, and answers with nothing when kind works.
    """
    context = environ.get(CONTEXT_VARIABLE, "")
    if record is not None and (not context or context == record.context):
        return Choice(record.provider, "as it was started", record.context)
    if context:
        return Choice("context", f"{CONTEXT_VARIABLE} is set", context)
    reason = why_no_kind()
    if not reason:
        return Choice("kind", "a container daemon answers")
    return Choice("local", f"built on this machine, as {reason}")
