"""How a call becomes a request, when it is sent again, and what a stream of events says."""

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from modelyard.calls import Call
from modelyard.errors import ModelyardError
from modelyard_api.mapping import rest

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: Predictions may be held while their pods start; uploads have no bound but between two chunks.
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
TOO_MANY = 429
TROUBLE = frozenset({502, 503, 504})


def settings(url: str | None, api_key: str | None) -> dict[str, Any]:
    """Arguments of an httpx client; address and key by default from the environment."""
    base = url or os.environ.get("MODELYARD_URL")
    key = api_key or os.environ.get("MODELYARD_API_KEY")
    if not base or not key:
        msg = "give url and api_key, or set MODELYARD_URL and MODELYARD_API_KEY"
        raise ModelyardError(msg)
    return {"base_url": base.rstrip("/"), "headers": {"x-api-key": key}, "timeout": TIMEOUT}


def request_of(call: Call[Any], opened: ExitStack) -> dict[str, Any]:
    """Arguments of an httpx request; a file is opened for as long as the stack is."""
    arguments: dict[str, Any] = {
        "method": call.method,
        "url": call.path,
        "params": dict(call.query),
        "headers": dict(call.headers),
    }
    if call.file:
        source = opened.enter_context(call.file.open())
        arguments |= {
            "data": dict(call.form or {}),
            "files": {"file": (call.file.filename, source)},
        }
    elif call.content is not None:
        arguments["content"] = call.content
    elif call.json is not None:
        arguments["json"] = call.json
    return arguments


def pause_before(
    call: Call[Any], attempt: int, outcome: httpx.Response | Exception
) -> float | None:
    """Seconds until the next try; None where there is none.

    A request that never arrived, or was counted and refused, may always be sent again; any other
    only where a second one does no more than the first.
    """
    refused: tuple[type[Exception], ...] = (httpx.ConnectError, httpx.ConnectTimeout)
    if isinstance(outcome, httpx.Response):
        again = outcome.status_code == TOO_MANY or (
            call.repeatable and outcome.status_code in TROUBLE
        )
    else:
        again = isinstance(outcome, refused) or call.repeatable
    if not again or attempt + 1 >= TRIES:
        return None
    asked = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    if asked.isdecimal():
        return float(asked) if float(asked) <= LONGEST_PAUSE else None
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - to spread load
    return FIRST_PAUSE * float(2**attempt) * jitter


@dataclass
class Follower:
    """Reads the server-sent events of a build; knows where to go on after a cut."""

    job_id: str
    seen: int = 0
    ended: bool = False
    _fields: dict[str, str] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Arguments of the request that goes on after the last line seen."""
        return {
            "method": "GET",
            "url": f"/jobs/{self.job_id}/logs",
            "params": {"follow": "true"},
            "headers": {"Last-Event-ID": str(self.seen)},
        }

    def feed(self, line: str) -> Iterator[rest.LogEntry]:
        """Take a line of the stream; the log line that it completes, if any."""
        if line:
            name, _, value = line.partition(":")
            self._fields[name] = value.removeprefix(" ")
            return
        fields, self._fields = self._fields, {}
        if fields.get("event") == "log":
            self.seen = int(fields["id"])
            yield rest.LogEntry.model_validate_json(fields["data"])
        elif fields.get("event") == "job":
            ended = ('"SUCCEEDED"', '"FAILED"', '"CANCELLED"')
            self.ended = any(f'"status":{state}' in fields["data"] for state in ended)
