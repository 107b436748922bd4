"""A sample of rows and what was predicted for them, as JSON lines in the store.

Every so-manieth row is laid aside, at most so many a second, and written once a minute from the
thread of ``reporting``: a prediction neither waits for it nor fails with it. Fields that are
excluded are dropped before a line is made. Off unless the ModelDeployment asks for it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from modelyard_crds import model_deployment
from modelyard_crds.build import predictions_folder
from modelyard_crds.conditions import rfc3339
from modelyard_crds.fields import FieldSchema
from modelyard_crds.names import version_label
from modelyard_runtime.serving.results import Renderer, Scores
from modelyard_runtime.serving.values import Row
from modelyard_runtime.store import Store

#: Rows that are laid aside a second, and bytes of lines that wait for a write; more are dropped.
PENDING_ROWS: Final = 1_024
WAITING_BYTES: Final = 8 * 1024 * 1024

Clock = Callable[[], datetime]


class _Noted(NamedTuple):
    moment: datetime
    request_id: str
    rows: Sequence[Row]
    scores: Scores


class Origin(NamedTuple):
    """Where predictions are made."""

    deployment_uid: str
    pod_uid: str
    version: int


class PredictionLog(Collector):
    """The sample of one pod; ``note`` from any thread, the rest from one."""

    def __init__(
        self,
        asked: model_deployment.PredictionLog,
        schema: Sequence[FieldSchema],
        render: Renderer,
        origin: Origin,
        clock: Clock,
    ) -> None:
        self._origin = origin
        self._rate = asked.sample_rate
        self._excluded = frozenset(asked.exclude)
        self._schema = schema
        self._render = render
        self._clock = clock
        self._credit = 0.0
        self._room = PENDING_ROWS
        self._pending: list[_Noted] = []
        self._lines: list[bytes] = []
        self._size = 0
        self._logged = self._dropped = 0

    def note(self, rows: Sequence[Row], scores: Scores, request_id: str) -> None:
        """Lay every so-manieth row aside."""
        self._credit += self._rate * len(rows)
        wanted = int(self._credit)
        if not wanted:
            return
        self._credit -= wanted
        taken = min(wanted, self._room)
        self._dropped += wanted - taken
        if taken <= 0:
            return
        self._room -= taken
        places = [number * len(rows) // taken for number in range(taken)]
        chosen = [rows[place] for place in places]
        self._pending.append(_Noted(self._clock(), request_id, chosen, scores[places]))

    def count(self) -> int:
        """Make lines of what was laid aside; how many wait to be written."""
        pending, self._pending, self._room = self._pending, [], PENDING_ROWS
        for noted in pending:
            for row, result in zip(noted.rows, self._render(noted.scores), strict=True):
                self._add(self._line(noted, row, result))
        return len(self._lines)

    def report(self, store: Store) -> None:
        """Write the lines that wait; raises StoreError, and then they wait on."""
        if not self._lines:
            return
        now = self._clock()
        folder = predictions_folder(now, self._origin.deployment_uid, self._origin.pod_uid)
        store.put(f"{folder}{now:%H%M%S}.jsonl", b"".join(self._lines))
        self._logged += len(self._lines)
        self._lines, self._size = [], 0

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks for at a scrape."""
        for name, text, value in (
            ("written", "Rows written to the prediction log.", self._logged),
            ("dropped", "Sampled rows that the prediction log had no room for.", self._dropped),
        ):
            family = CounterMetricFamily(f"modelyard_prediction_log_{name}", text)
            family.add_metric([], value)
            yield family

    def _add(self, line: bytes) -> None:
        if self._size + len(line) > WAITING_BYTES:
            self._dropped += 1
            return
        self._lines.append(line)
        self._size += len(line)

    def _line(self, noted: _Noted, row: Row, result: bytes) -> bytes:
        values = {
            field.name: _shown(field, value)
            for field, value in zip(self._schema, row, strict=True)
            if field.name not in self._excluded
        }
        predicted: dict[str, Any] = orjson.loads(result)
        kept = {name: value for name, value in predicted.items() if name not in self._excluded}
        return (
            orjson.dumps(
                {
                    "timestamp": rfc3339(noted.moment),
                    "request_id": noted.request_id or None,
                    "model_version": version_label(self._origin.version),
                    "row": values,
                    "prediction": kept,
                }
            )
            + b"\n"
        )


def _shown(field: FieldSchema, value: Any) -> Any:
    if field.type == "datetime" and value is not None:
        return rfc3339(datetime.fromtimestamp(value, UTC))
    return value
