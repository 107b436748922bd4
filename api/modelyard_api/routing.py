"""Which deployments answer for a model's version, remembered while nothing of it changes.

Finding them walks a model's versions and deployments; predictions come by the thousand and these
change by the minute. ``handlers.predictions`` asks here first and remembers what it found.
"""

from typing import NamedTuple

from modelyard_api.cache import Caches
from modelyard_crds import ModelDeployment

#: Versions can be spelled in many ways; what does not fit is found out again.
MAX_PLACES = 4096


class Place(NamedTuple):
    """What a prediction names; ``environment`` is None where any will do."""

    account: str
    model_name: str
    model_version: str
    environment: str | None


class Served(NamedTuple):
    """A deployment that can answer, and the percent of predictions that are its canary's."""

    deployment: ModelDeployment
    canary_share: int = 0
    #: The canary's version is asked for by name: no other may answer.
    canary_only: bool = False


class Choice(NamedTuple):
    """Deployments that serve what is asked for, and all that do or are on the way to it."""

    serving: list[Served]
    known: list[ModelDeployment]


class Routes:
    """Choices by place, all forgotten when a model, a version or a deployment changes."""

    def __init__(self, caches: Caches) -> None:
        self._kinds = (caches.models.cache, caches.versions.cache, caches.deployments.cache)
        self._changes = (0, 0, 0)
        self._choices: dict[Place, Choice] = {}

    def find(self, place: Place) -> Choice | None:
        """What was chosen for a place, where it still holds."""
        models, versions, deployments = self._kinds
        changes = (models.changes, versions.changes, deployments.changes)
        if changes != self._changes:
            self._choices.clear()
            self._changes = changes
        return self._choices.get(place)

    def keep(self, place: Place, choice: Choice) -> None:
        """Remember a choice that has just been made."""
        if len(self._choices) < MAX_PLACES:
            self._choices[place] = choice
