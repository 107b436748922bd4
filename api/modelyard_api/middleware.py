"""What surrounds every request: its id, the path prefixes, bounds on the body, log and metrics.

Plain ASGI: Starlette's BaseHTTPMiddleware breaks context variables and disconnects and costs a
quarter of the throughput. ``app`` wraps the application in these.
"""

import json
import logging
import random
import re
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelyard_api import metrics
from modelyard_api.auth import Caller
from modelyard_api.errors import (
    InternalError,
    ModelyardError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    envelope,
    headers_of,
    rendering,
)
from modelyard_api.logs import request_id_var
from modelyard_api.settings import Settings

log = logging.getLogger(__name__)
audit = logging.getLogger("modelyard_api.audit")

PREFIXES = ("/v0/", "/v1/")
INFO = "modelyard"
#: Copies of the API server's state that are older than this are marked.
STALE_AFTER_SECONDS = 10.0
#: Boundaries and headers of a form around its file.
FORM_OVERHEAD_BYTES = 1024 * 1024

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_LETTERS = string.ascii_lowercase + string.digits
_UPLOADS = re.compile(r"/(uploads|datasets)(/[^/]+/files/[^/]+)?")


@dataclass(slots=True)
class RequestInfo:
    """What is known of a request while it is answered."""

    request_id: str
    #: Headers of the request; of one that is given twice, the first.
    given: Mapping[bytes, bytes]
    caller: Caller | None = None
    audited: bool = False
    #: Headers that the answer gets.
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    status: int = 0
    route: str = ""


class RequestScope:
    """Gives each request an id, and tells log and metrics how it went."""

    def __init__(self, app: ASGIApp, stale_seconds: Callable[[], float]) -> None:
        self._app = app
        self._stale_seconds = stale_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(reversed(scope["headers"]))
        info = RequestInfo(_request_id(given.get(b"x-request-id", b"").decode("latin-1")), given)
        scope = {**scope, INFO: info, "path": _without_prefix(scope["path"])}
        token = request_id_var.set(info.request_id)
        started = time.perf_counter()
        try:
            await self._app(scope, receive, self._sender(info, send))
        except Exception:
            log.exception("unexpected fault")
            if not info.status:
                error = InternalError("Something unexpected went wrong; it has been logged.")
                await send_error(error, info.request_id, self._sender(info, send))
        finally:
            _record(scope, info, time.perf_counter() - started)
            request_id_var.reset(token)

    def _sender(self, info: RequestInfo, send: Send) -> Send:
        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                info.status = message["status"]
                extra = [(b"x-request-id", info.request_id.encode()), *info.headers]
                if (stale := self._stale_seconds()) > STALE_AFTER_SECONDS:
                    extra.append((b"x-modelyard-stale", b"%d" % stale))
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        return sender


class BodyLimit:
    """Counts the bytes of a body, whatever its length claims, and ends it at the limit."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with a bounded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = body_limit(self._settings, scope["path"])
        if error := refusal(scope[INFO].given, limit):
            await send_error(error, scope[INFO].request_id, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # FastAPI lets only this class of errors through while it reads a body.
                raise HTTPException(413, detail=too_large(limit).message)
            return message

        await self._app(scope, counted, send)


def body_limit(settings: Settings, path: str) -> int:
    """Most bytes of a body on a path that is not a prediction's."""
    if _UPLOADS.fullmatch(path):
        return settings.max_upload_bytes + FORM_OVERHEAD_BYTES
    return settings.max_body_bytes


async def send_error(error: ModelyardError, request_id: str, send: Send) -> None:
    """Answer with the error envelope."""
    content = json.dumps(envelope(error, request_id)).encode()
    extra = [(name.lower().encode(), value.encode()) for name, value in headers_of(error).items()]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        *extra,
    ]
    await send(
        {"type": "http.response.start", "status": rendering(error).status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": content})


def refusal(given: Mapping[bytes, bytes], limit: int) -> ModelyardError | None:
    """Why a body is not read, as its headers say."""
    encoding = given.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding != "identity":
        return UnsupportedMediaTypeError(
            f"Bodies with Content-Encoding '{encoding[:40]}' are not read.",
            suggestions=["Send it as it is; compressed files can be uploaded as files."],
        )
    declared = given.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        return too_large(limit)
    return None


def too_large(limit: int) -> PayloadTooLargeError:
    """The error of a body that is longer than the limit."""
    return PayloadTooLargeError(
        f"The body has more than {limit} bytes, which is the limit here.",
        details={"limit_bytes": limit},
        suggestions=["Send less at a time."],
    )


def _request_id(given: str) -> str:
    if _REQUEST_ID.fullmatch(given):
        return given
    return new_request_id()


def new_request_id() -> str:
    """An id for a request that brings none."""
    return "req_" + "".join(random.choices(_LETTERS, k=12))  # noqa: S311 - a label, no secret


def _without_prefix(path: str) -> str:
    return path[3:] if path.startswith(PREFIXES) else path


def _record(scope: Scope, info: RequestInfo, seconds: float) -> None:
    route = info.route or getattr(scope.get("route"), "path", "unknown")
    metrics.observe(scope["method"], route, info.status, seconds)
    if info.audited and scope["method"] != "GET":
        client = scope.get("client")
        audit.info(
            "write",
            extra={
                "who": info.caller.subject if info.caller else None,
                "account": info.caller.account if info.caller else None,
                "what": f"{scope['method']} {scope['path']}",
                "from": client[0] if client else None,
                "result": info.status,
                "seconds": round(seconds, 4),
            },
        )
