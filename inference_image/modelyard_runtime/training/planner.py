"""An OpenAI-compatible endpoint that may propose a plan: what it is told, and what is heard of it.

It gets the intent, names and types of columns, and the values of columns of few categories that
each are on several rows; never a row. Its answer is only ever read as names and words that
``plan.proposed`` has judged. Called by ``build`` where the own plan is in doubt.
"""

import json
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import ValidationError

from modelyard_crds.base import ApiModel
from modelyard_crds.fields import Metric
from modelyard_crds.plan import MAX_PROPOSER, PlanOverrides
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.plan.proposed import Proposal, ProposalError

#: For all of it, names and connections included.
SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_COLUMNS = 500
#: Values are told of columns of so few, each on so many rows that it is nobody's own.
MAX_VALUES, MIN_ROWS_OF_A_VALUE = 10, 5
_MAX_NAME, _MAX_VALUE = 100, 40
_FIELDS = {"targets", "task", "positiveClass"}

_INSTRUCTIONS = (
    "You are given what a person wants predicted and the columns of a table. Answer with one JSON "
    'object and nothing else: {"targets": [column names], "task": "classification" or '
    '"regression", "metric": one of roc_auc, accuracy, balanced_accuracy, f1_score, precision, '
    'recall, log_loss, r2, rmse, mae, mape or null, "positiveClass": value or null}. Use names of '
    "columns exactly as given. If no column is meant, answer {}."
)


class _Answer(ApiModel):
    metric: Metric | None = None


@dataclass(frozen=True)
class Planner:
    """Where proposals come from."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)

    def propose(self, intent: str, table: Table, exclude: Collection[str] = ()) -> Proposal:
        """What the endpoint says the plan is.

        Raises ProposalError where it says nothing usable within SECONDS.
        """
        columns = [column for column in table.columns if column.name not in exclude]
        question = _question(self.model, intent, columns[:MAX_COLUMNS])
        content = _content(self._answer(json.dumps(question).encode()))
        try:
            found = _object(content)
            known = {name: value for name, value in found.items() if name in _FIELDS}
            plan = PlanOverrides.model_validate(known)
            return Proposal(plan, _Answer.model_validate(found).metric, self.model[:MAX_PROPOSER])
        except (ValidationError, ValueError, TypeError) as error:
            msg = "it answered with something that is no plan"
            raise ProposalError(msg) from error

    def _answer(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        address = f"{self.url.rstrip('/')}/chat/completions"
        return _within(SECONDS, lambda: _post(address, headers, body))


def planner_of(url: str | None, model: str | None, key: str | None) -> Planner | None:
    """The planner of an address; None where there is none."""
    return Planner(url, model or "", key or None) if url else None


class _NoRedirects(HTTPRedirectHandler):
    """The key and the question are for the address that was configured, and no other."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follow nothing: the answer counts as the error that its status is."""


def _post(address: str, headers: dict[str, str], body: bytes) -> bytes:
    if not address.startswith(("http://", "https://")):
        msg = "its address begins with neither http:// nor https://"
        raise ProposalError(msg)
    try:
        request = Request(address, body, headers, method="POST")  # noqa: S310 - checked above
        with build_opener(_NoRedirects).open(request, timeout=SECONDS) as answer:
            content: bytes = answer.read(MAX_ANSWER_BYTES + 1)
    except HTTPError as error:
        error.close()
        msg = f"it answered with status {error.code}"
        raise ProposalError(msg) from error
    except (OSError, HTTPException, ValueError) as error:
        msg = f"it could not be asked ({type(error).__name__})"
        raise ProposalError(msg) from error
    if len(content) > MAX_ANSWER_BYTES:
        msg = f"its answer is longer than {MAX_ANSWER_BYTES} bytes"
        raise ProposalError(msg)
    return content


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """What some work gives, if it does so in time; a socket's time-out is for each read only."""
    found: list[bytes | ProposalError] = []

    def run() -> None:
        try:
            found.append(work())
        except ProposalError as error:
            found.append(error)

    thread = threading.Thread(target=run, name="planner", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        msg = f"it did not answer within {seconds:g} s"
        raise ProposalError(msg)
    if isinstance(found[0], ProposalError):
        raise found[0]
    return found[0]


def _question(model: str, intent: str, columns: Sequence[Column]) -> dict[str, Any]:
    told = {"intent": intent, "columns": [_told(column) for column in columns]}
    return {
        "model": model,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": _INSTRUCTIONS},
            {"role": "user", "content": json.dumps(told, ensure_ascii=False)},
        ],
    }


def _told(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name[:_MAX_NAME], "type": column.type}
    if column.type == "string" and 0 < column.distinct <= MAX_VALUES:
        counts = column.label_counts
        if min(counts.values()) >= MIN_ROWS_OF_A_VALUE:
            told["values"] = [value[:_MAX_VALUE] for value in counts]
    return told


def _content(answer: bytes) -> str:
    """The text of the first choice."""
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        msg = "it answered with something that is no chat completion"
        raise ProposalError(msg) from error
    if not isinstance(content, str):
        msg = "it answered with no text"
        raise ProposalError(msg)
    return content


def _object(content: str) -> dict[str, Any]:
    """The JSON object in a text, which may have a fence or words around it."""
    try:
        found = json.loads(content[content.find("{") : content.rfind("}") + 1])
    except RecursionError as error:
        msg = "nested too deep"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = "no object"
        raise TypeError(msg)
    return found
