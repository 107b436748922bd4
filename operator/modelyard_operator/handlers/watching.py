"""The registration with kopf: event handlers only, which leave nothing on the objects.

Timers, daemons and change-detecting handlers would put finalizers or annotations on them.
"""

import itertools
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from modelyard_crds import names
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import CHILD_KINDS, CHILD_SELECTOR, WATCHED_KINDS, Kind
from modelyard_operator.cluster.login import open_session
from modelyard_operator.cluster.relists import Relists


def build_registry(
    intake: Intake, configuration: Configuration, relists: Relists
) -> kopf.OperatorRegistry:
    """What is watched, and where its events go."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await open_session(configuration, relists.pass_on)

    for kind in WATCHED_KINDS:
        watched = kopf.on.event(
            kind.group, kind.version, kind.plural, id=kind.plural, registry=registry
        )
        watched(_poke(intake, kind))
    return registry


def _poke(intake: Intake, kind: Kind) -> Callable[..., Coroutine[None, None, None]]:
    async def poke(event: Any, **_: Any) -> None:
        (intake.forget if event["type"] == "DELETED" else intake.learn)(kind, event["object"])

    return poke


def build_settings() -> kopf.OperatorSettings:
    """kopf's settings: watch ours only, write nothing, give up on nothing."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = _Patience()
    settings.watching.connect_timeout = 10
    settings.watching.server_timeout = 280
    settings.watching.chunk_size = 500
    settings.persistence.finalizer = f"{names.GROUP}/never-set"
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    for kind in CHILD_KINDS:
        key = (kind.group, kind.version, kind.plural)
        settings.watching.label_selectors[key] = CHILD_SELECTOR
    return settings


class _Patience:
    """Waits between tries to reach the API server, without an end.

    kopf gives a watch up for good after its last wait, which here would end the process.
    """

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 1.0, 2.0, 3.0), itertools.repeat(5.0))


class _NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is compared with what was handled last, so nothing is put on objects."""

    def build(self, **_: Any) -> Any:
        """No essence: also saves a deep copy of every object that passes."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """Nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


class _NoProgress(kopf.ProgressStorage):
    """Event handlers make no progress that would have to survive."""

    def fetch(self, **_: Any) -> Any:
        """Nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""

    def purge(self, **_: Any) -> None:
        """There is nothing to purge."""

    def touch(self, **_: Any) -> None:
        """Touch nothing."""

    def clear(self, *, essence: Any) -> Any:
        """Nothing of ours is in it."""
        return essence
