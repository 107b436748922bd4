"""Lines of the list of models, remembered as JSON while nothing that they tell of changes.

Making and writing a hundred of them took most of the time of a page; between two reads of a list
hardly any model changes. ``handlers.models`` asks here.
"""

from modelyard_api.mapping import models
from modelyard_api.mapping.view import ModelView
from modelyard_crds.base import Resource

#: About 4 MB; beyond it all are made anew.
MAX_LINES = 10_000


class Summaries:
    """A line for each model that has been listed."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[list[Resource], bytes]] = {}

    def of(self, view: ModelView) -> bytes:
        """The JSON of a model's ``rest.ModelSummary``."""
        sources = [view.model, *view.versions.values(), *view.deployments]
        uid = view.model.metadata.uid
        known = self._lines.get(uid)
        # A changed object is another one: objects in the caches are never written to.
        if known and list(map(id, known[0])) == list(map(id, sources)):
            return known[1]
        if len(self._lines) >= MAX_LINES:
            self._lines.clear()
        line = models.summary(view).model_dump_json().encode()
        self._lines[uid] = (sources, line)
        return line
