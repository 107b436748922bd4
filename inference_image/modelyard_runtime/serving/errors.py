"""What a request can be refused with, without HTTP; ``answers`` has the table of codes.

A message says what was wrong with which value; suggestions say what to do next.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: So many faults of one request are named; the rest would only repeat them.
MAX_FAULTS = 20


class RequestError(Exception):
    """Base of all errors that a caller gets to see."""

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.suggestions = list(suggestions)


class MalformedError(RequestError):
    """The body is not what its content type says."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            suggestions=[
                "Send UTF-8 JSON: an object to /infer, an array of objects to /predictions."
            ],
        )


class Fault(NamedTuple):
    """One thing that is wrong with a row; rows count from 0."""

    row: int
    field: str | None
    message: str

    @property
    def sentence(self) -> str:
        """Where and what."""
        where = f"Row {self.row}" + ("" if self.field is None else f", field '{self.field}'")
        return f"{where}: {self.message}"


class InvalidRowsError(RequestError):
    """Rows that do not follow the schema; every fault is named by row and field."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        first = faults[0]
        more = f" ({len(faults) - 1} more in details.errors)" if len(faults) > 1 else ""
        super().__init__(
            f"{first.sentence}{more}.",
            details={"errors": [fault._asdict() for fault in faults]},
            suggestions=["Correct the named fields; GET /schema lists all fields and types."],
        )

    def moved(self, rows: int) -> "InvalidRowsError":
        """The same faults, of rows that so many others come before."""
        return InvalidRowsError([fault._replace(row=fault.row + rows) for fault in self.faults])


class TooLargeError(RequestError):
    """More bytes or rows than allowed."""

    def __init__(self, limit: int, unit: str) -> None:
        super().__init__(
            f"The body has more than {limit} {unit}.",
            details={f"limit_{unit.replace(' ', '_')}": limit},
            suggestions=["Send the rows in several requests."],
        )


class UnsupportedMediaError(RequestError):
    """A content type or encoding that is not read here."""


class UnknownRouteError(RequestError):
    """No such path."""


class MethodNotAllowedError(RequestError):
    """The path exists, but not with this method."""

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            f"{method} is not allowed here; expected {allowed}.",
            details={"allowed": allowed},
            suggestions=[f"Use {allowed}."],
        )
        self.allowed = allowed


class TooSlowError(RequestError):
    """The body did not arrive in time."""


class NotReadyError(RequestError):
    """The pod does not answer predictions now."""


class InternalError(RequestError):
    """A fault of the server's own; the log has the cause under the request's id."""

    def __init__(self) -> None:
        super().__init__(
            "The prediction failed for a reason of the server's own.",
            suggestions=["Try again; if it stays, report the request_id."],
        )
