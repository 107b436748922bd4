"""Takes predictions past FastAPI's layers, which cost as much as all the rest of the way.

``app`` puts it around the application; the endpoints are those of ``predictions``.
"""

import re

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from modelyard_api.errors import ModelyardError
from modelyard_api.middleware import INFO, send_error
from modelyard_api.routes import predictions


class ShortCut:
    """Answers predictions itself; ``others`` gets everything else."""

    def __init__(self, app: FastAPI, others: ASGIApp) -> None:
        self._app, self._others = app, others
        self._routes = [
            (re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path)), route)
            for route in predictions.router.routes
            if isinstance(route, APIRoute)
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a prediction, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for pattern, route in self._routes:
                if match := pattern.fullmatch(scope["path"]):
                    scope["app"] = self._app
                    scope[INFO].route = route.path
                    await _answer(route, match.groupdict(), scope, receive, send)
                    return
        await self._others(scope, receive, send)


async def _answer(
    route: APIRoute, parameters: dict[str, str], scope: Scope, receive: Receive, send: Send
) -> None:
    try:
        response = await route.endpoint(Request(scope, receive), **parameters)
    except ModelyardError as error:
        await send_error(error, scope[INFO].request_id, send)
    except ClientDisconnect:
        return
    else:
        await response(scope, receive, send)
