"""The way of a prediction: bytes to rows to tensors to scores to bytes. Knows no transport.

``app`` calls it for REST, ``service`` for BentoML. Every method is synchronous and may be called
from several threads at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson

from modelyard_crds.build import Manifest
from modelyard_crds.conditions import rfc3339
from modelyard_crds.names import version_label
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT
from modelyard_runtime.serving.decoding import Decoder, Rows
from modelyard_runtime.serving.encoding import Encoder, row_order
from modelyard_runtime.serving.results import Renderer, Scores
from modelyard_runtime.serving.session import Session
from modelyard_runtime.serving.values import Row

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
        self._decoder = Decoder(row_order(manifest), max_rows)
        self._encode = Encoder(manifest)
        self._session = Session(model, output_name(manifest))
        _expect_inputs(self._session, manifest)
        self._render = Renderer(manifest)
        # The parts of an answer around its result, in one piece each.
        self._tail = b',"model_name":%b,"model_version":%b,"created_at":"' % (
            orjson.dumps(manifest.model),
            orjson.dumps(version_label(manifest.version)),
        )

    def infer(self, body: bytes, request_id: str, now: float) -> Prediction:
        """The answer to one JSON object."""
        rows, ignored = self._decoder.one(body)
        result = self._render(self.scores(rows))[0]
        answer = b'{"request_id":"%b","result":%b%b%b"}' % (
            request_id.encode(),
            result,
            self._tail,
            _timestamp(int(now)),
        )
        return Prediction(answer, 1, ignored)

    def predictions(self, body: bytes) -> Prediction:
        """The answer to a JSON array of objects, in the order of its rows."""
        rows, ignored = self.decode(body)
        parts = [b'{"prediction":%b}' % result for result in self.results(rows)]
        return Prediction(b"[" + b",".join(parts) + b"]", len(rows), ignored)

    def decode(self, body: bytes) -> Rows:
        """The rows of a JSON array of objects."""
        return self._decoder.many(body)

    def results(self, rows: Sequence[Row]) -> list[bytes]:
        """The result of each row as a JSON object."""
        results: list[bytes] = []
        for start in range(0, len(rows), CHUNK_ROWS):
            results += self._render(self.scores(rows[start : start + CHUNK_ROWS]))
        return results

    def scores(self, rows: Sequence[Row]) -> Scores:
        """What the graph says of some rows: probabilities by class, or the value."""
        if len(rows) <= CHUNK_ROWS:
            return self._session.run(self._encode(rows))
        chunks = range(0, len(rows), CHUNK_ROWS)
        return np.concatenate([self.scores(rows[start : start + CHUNK_ROWS]) for start in chunks])

    def rows_of(self, objects: Sequence[Any]) -> Rows:
        """The rows of decoded JSON objects, checked like those of a body."""
        return self._decoder.objects(objects)

    def warm_up(self) -> None:
        """Predict the manifest's example, alone and in a batch.

        Raises RequestError or an error of ONNX Runtime where that does not work.
        """
        example = orjson.dumps(self.manifest.example)
        self.infer(example, "req_warmup000000", 0.0)
        self.predictions(b"[" + b",".join([example] * 2) + b"]")


@lru_cache(maxsize=2)
def _timestamp(seconds: int) -> bytes:
    return rfc3339(datetime.fromtimestamp(seconds, UTC)).encode()


def output_name(manifest: Manifest) -> str:
    """The graph's output that predictions come from."""
    return "value" if manifest.task == "regression" else "probabilities"


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
    if output_name(manifest) not in session.outputs:
        msg = f"the graph has the outputs {session.outputs}, expected {output_name(manifest)!r}"
        raise ValueError(msg)
