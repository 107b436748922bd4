import json

import pytest

from modelyard_api import errors
from modelyard_api.kube import ApiStatusError
from modelyard_api.writes import AlreadyExistsError, translate


def refused(status: int, reason: str = "", message: str = "why", **details: object) -> object:
    answer = {"kind": "Status", "reason": reason, "message": message, "details": details}
    return translate(ApiStatusError(status, json.dumps(answer).encode()))


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", errors.ConflictError),
        (422, "Invalid", errors.InvalidInputError),
        (400, "BadRequest", errors.InvalidInputError),
        (403, "Forbidden", errors.ForbiddenError),
        (404, "NotFound", errors.NotFoundError),
        (429, "TooManyRequests", errors.UnavailableError),
        (500, "InternalError", errors.UnavailableError),
        (418, "", errors.InternalError),
    ],
)
def test_refusals_become_our_errors(status: int, reason: str, kind: type) -> None:
    assert type(refused(status, reason)) is kind


def test_the_causes_name_the_fields() -> None:
    causes = [{"field": "spec.intent", "message": "too long"}]
    error = refused(422, "Invalid", causes=causes)
    assert isinstance(error, errors.InvalidInputError)
    assert error.details == {"spec.intent": "too long"}


def test_a_missing_namespace_is_said_to_be_the_account() -> None:
    error = refused(404, "NotFound", kind="namespaces", name="team-z")
    assert isinstance(error, errors.NotFoundError)
    assert "Account 'team-z' has no namespace" in error.message


def test_an_answer_that_is_no_status_is_shown_as_it_is() -> None:
    error = translate(ApiStatusError(503, b"<html>gateway</html>"))
    assert error.message == "<html>gateway</html>"
    assert error.retry_after
