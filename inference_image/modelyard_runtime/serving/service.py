"""The version as a BentoML service: the same routes and answers behind BentoML's own server.

``bentoml serve`` and ``bentoml build`` find it in ``bento``. In a Modelyard pod ``app`` answers
these routes first, and only BentoML's descriptions of them come from here, so that its clients
work too. Importing this module is slow.
"""

import time
from collections.abc import Callable
from typing import Any

import bentoml
import orjson
from bentoml import Service
from bentoml.exceptions import InvalidArgument
from starlette.applications import Starlette

from modelyard_runtime.serving.errors import RequestError
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.requests import new_request_id

Row = dict[str, Any]


def make_service(provide: Callable[[], Predictor]) -> Service[Any]:
    """The service over a predictor, which is asked for when the service starts."""

    @bentoml.service(name="modelyard", metrics={"enabled": False})
    class Modelyard:
        """Predictions of one version of a model."""

        def __init__(self) -> None:
            self._predictor = provide()

        @bentoml.api(route="/infer")  # type: ignore[untyped-decorator]  # half typed in bentoml
        def infer(self, row: Row, /) -> Row:
            """The prediction of one row."""
            return infer(self._predictor, row)

        @bentoml.api(route="/predictions")  # type: ignore[untyped-decorator]  # as above
        def predictions(self, rows: list[Row], /) -> list[Row]:
            """The prediction of each row, in order."""
            return predictions(self._predictor, rows)

    return Modelyard


def make_app(predictor: Predictor) -> Starlette:
    """BentoML's app around a predictor that is loaded already."""
    app: Starlette = make_service(lambda: predictor).to_asgi()
    return app


def infer(predictor: Predictor, row: Row) -> Row:
    """The answer to one row; faults in BentoML's words."""
    try:
        prediction = predictor.infer(
            orjson.dumps(row), new_request_id(), time.time(), explain=False
        )
    except RequestError as error:
        raise InvalidArgument(error.message) from error
    answer: Row = orjson.loads(prediction.body)
    return answer


def predictions(predictor: Predictor, rows: list[Row]) -> list[Row]:
    """The answer to some rows; faults in BentoML's words."""
    try:
        prediction = predictor.predictions(orjson.dumps(rows))
    except RequestError as error:
        raise InvalidArgument(error.message) from error
    answer: list[Row] = orjson.loads(prediction.body)
    return answer
