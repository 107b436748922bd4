"""The version as a BentoML service: the same predictor behind BentoML's own API server.

``bentoml serve`` and ``bentoml build`` use it through ``bento``; in a Modelyard pod ``app``
stands in front and only BentoML's pages come from here. Importing this module is slow.
"""

from collections.abc import Callable
from typing import Any

import bentoml
import orjson
from bentoml import Service
from starlette.applications import Starlette

from modelyard_runtime.serving.predictor import Predictor


def make_service(provide: Callable[[], Predictor]) -> Service[Any]:
    """The service over a predictor, which is asked for when the service starts."""

    @bentoml.service(name="modelyard", metrics={"enabled": False})
    class Modelyard:
        """Predictions of one version of a model."""

        def __init__(self) -> None:
            self._predictor = provide()

        @bentoml.api(route="/infer")
        def infer(self, row: dict[str, Any], /) -> dict[str, Any]:
            """The prediction of one row."""
            return self.predictions([row])[0]

        @bentoml.api(route="/predictions")
        def predictions(self, rows: list[dict[str, Any]], /) -> list[dict[str, Any]]:
            """The prediction of each row, in order."""
            decoded = self._predictor.rows_of(rows)
            return [orjson.loads(result) for result in self._predictor.results(decoded.rows)]

    return Modelyard


def make_app(predictor: Predictor) -> Starlette:
    """BentoML's app around a predictor that is loaded already."""
    return make_service(lambda: predictor).to_asgi()
