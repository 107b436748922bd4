"""The way of a prediction: bytes to rows to tensors to scores to bytes. Knows no transport.

``app`` calls it for REST, ``service`` for BentoML. Every method is synchronous and may be called
from several threads at once.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_crds.build import Manifest
from modelyard_crds.conditions import rfc3339
from modelyard_crds.names import version_label
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT, Values, encode
from modelyard_runtime.serving.csv_text import read_objects
from modelyard_runtime.serving.decoding import Decoder, Rows
from modelyard_runtime.serving.encoding import Encoder, row_order
from modelyard_runtime.serving.explanation import contributions, plan
from modelyard_runtime.serving.results import Renderer, Scores
from modelyard_runtime.serving.session import Leading, Session
from modelyard_runtime.serving.values import Row
from modelyard_runtime.serving.watchers import NO_WATCHERS, Watchers

MAX_ROWS = 10_000
#: Rows that go through the graph at once; bounds what a batch needs in memory.
CHUNK_ROWS = 1_024


class Prediction(NamedTuple):
    """The body of an answer and what goes beside it."""

    body: bytes
    rows: int
    ignored: frozenset[str]


class Predictor:
    """Predicts with one version.

    Raises ValueError on making where manifest and graph do not fit each other.
    """

    def __init__(self, manifest: Manifest, model: bytes, max_rows: int = MAX_ROWS) -> None:
        self.manifest = manifest
        self.max_rows = max_rows
        #: The fields in the order of the values of a row.
        self.schema = row_order(manifest)
        self._decoder = Decoder(self.schema, max_rows)
        self._encode = Encoder(manifest)
        self._session = Session(model, manifest.output_name, _leading(manifest))
        _expect_inputs(self._session, manifest)
        self._render = Renderer(manifest)
        self._render_each = Renderer(manifest, '{"prediction":%s}')
        self._render_lines = Renderer(manifest, '{"prediction":%s}\n')
        #: What looks on; put here before the first request.
        self.watchers: Watchers = NO_WATCHERS
        self._reference = self._decoder.one(orjson.dumps(manifest.example)).rows[0]
        # The parts of an answer around its result, in one piece each.
        self._tail = b',"model_name":%b,"model_version":%b,"created_at":"' % (
            orjson.dumps(manifest.model),
            orjson.dumps(version_label(manifest.version)),
        )

    def infer(self, body: bytes, request_id: str, now: float, *, explain: bool) -> Prediction:
        """The answer to one JSON object."""
        rows, ignored = self._decoder.one(body)
        scores = self.predict(rows, request_id)
        answer = b'{"request_id":"%b","result":%b%b%b%b"}' % (
            request_id.encode(),
            self._render(scores)[0],
            b',"explanation":%b' % self._explain(rows[0], scores[0]) if explain else b"",
            self._tail,
            _timestamp(int(now)),
        )
        return Prediction(answer, 1, ignored)

    def predictions(self, body: bytes) -> Prediction:
        """The answer to a JSON array of objects, in the order of its rows."""
        return self._answered(self.decode(body))

    def predictions_of_csv(self, body: bytes) -> Prediction:
        """The same answer to rows as CSV."""
        objects = read_objects(body, self.manifest.input_schema, self.max_rows)
        return self._answered(self.rows_of(objects))

    def decode(self, body: bytes) -> Rows:
        """The rows of a JSON array of objects."""
        return self._decoder.many(body)

    def results(self, rows: Sequence[Row]) -> list[bytes]:
        """The result of each row as a JSON object."""
        return self._render(self.predict(rows))

    def predict(self, rows: Sequence[Row], request_id: str = "") -> Scores:
        """The scores of rows that were asked for: what looks on is told of them."""
        scores = self.scores(rows)
        self.watchers.note(rows, scores, request_id)
        return scores

    def predict_columns(self, columns: Mapping[str, Values], rows: Sequence[Row]) -> Scores:
        """The scores of whole columns, checked already; ``rows`` is the same row by row."""
        feed = encode(self.manifest.numeric, self.manifest.text, columns, len(rows))
        scores = self._session.run(feed)
        self.watchers.note(rows, scores, "")
        return scores

    def lines(self, scores: Scores) -> bytes:
        """Results as lines of JSON."""
        return b"".join(self._render_lines(scores))

    def no_scores(self) -> Scores:
        """The scores of no rows at all."""
        return np.empty((0, sum(h.width for h in self.manifest.all_heads)), dtype=np.float32)

    def scores(self, rows: Sequence[Row]) -> Scores:
        """What the graph says of some rows: probabilities by class, or the value."""
        if len(rows) <= CHUNK_ROWS:
            return self._session.run(self._encode(rows))
        chunks = range(0, len(rows), CHUNK_ROWS)
        return np.concatenate([self.scores(rows[start : start + CHUNK_ROWS]) for start in chunks])

    def rows_of(self, objects: Sequence[Any]) -> Rows:
        """The rows of decoded JSON objects, checked like those of a body."""
        return self._decoder.objects(objects)

    def _answered(self, decoded: Rows) -> Prediction:
        parts = self._render_each(self.predict(decoded.rows))
        return Prediction(b"[" + b",".join(parts) + b"]", len(parts), decoded.ignored)

    def _explain(self, row: Row, score: NDArray[np.float32]) -> bytes:
        """What each field adds to the score that is explained, as JSON."""
        needed = plan(row, self._reference)
        column = self._explained(score)
        scores = self.scores(needed.rows)[:, column]
        shares = contributions(needed.paths, scores, len(row))
        classes = self.manifest.classes
        return orjson.dumps(
            {
                "explains": classes[column] if classes else self.manifest.target,
                "reference": self.manifest.example,
                "reference_score": float(scores[0]),
                "score": float(score[column]),
                "contributions": {
                    field.name: share
                    for field, share in zip(self.schema, shares.tolist(), strict=True)
                },
            }
        )

    def _explained(self, score: NDArray[np.float32]) -> int:
        """The column of the scores to explain: the value, the positive or the predicted class."""
        positive = self.manifest.positive_class
        classes = self.manifest.classes
        if positive is not None:
            return classes.index(positive)
        return int(score[: len(classes)].argmax()) if classes else 0

    def warm_up(self) -> None:
        """Predict the manifest's example, alone and in a batch; nothing looks on.

        Raises RequestError or an error of ONNX Runtime where that does not work.
        """
        example = orjson.dumps(self.manifest.example)
        self._render(self.scores(self._decoder.one(example).rows))
        pair = self._decoder.many(b"[" + b",".join([example] * 2) + b"]")
        self._render_each(self.scores(pair.rows))


@lru_cache(maxsize=2)
def _timestamp(seconds: int) -> bytes:
    return rfc3339(datetime.fromtimestamp(seconds, UTC)).encode()


def _leading(manifest: Manifest) -> Leading | None:
    """The number that training found the most important; None where it found none."""
    shares = manifest.training_info.feature_importance
    ranked = [
        (shares[item.column], -position)
        for position, item in enumerate(manifest.numeric)
        if item.column in shares
    ]
    return Leading(NUMERIC_INPUT, -max(ranked)[1]) if ranked else None


def _expect_inputs(session: Session, manifest: Manifest) -> None:
    wanted = {
        name: width
        for name, width in (
            (NUMERIC_INPUT, len(manifest.numeric)),
            (TEXT_INPUT, len(manifest.text)),
        )
        if width
    }
    found = {name: shape[-1] for name, (_, shape) in session.inputs.items()}
    if found != wanted:
        msg = f"the graph has the inputs {found}, the manifest expects {wanted}"
        raise ValueError(msg)
    if manifest.output_name not in session.outputs:
        msg = f"the graph has the outputs {session.outputs}, expected {manifest.output_name!r}"
        raise ValueError(msg)
