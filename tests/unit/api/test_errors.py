import pytest

from modelyard_api import errors
from modelyard_api.writes import AlreadyExistsError

CLASSES = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.ModelyardError)
]


@pytest.mark.parametrize("kind", [cls for cls in CLASSES if cls is not errors.ModelyardError])
def test_every_error_has_the_one_envelope(kind: type[errors.ModelyardError]) -> None:
    error = kind("Why.", details={"a": 1}, suggestions=["Do this."])
    status, code = errors.rendering(error)
    assert errors.envelope(error, "req_1") == {
        "error": {
            "code": code,
            "message": "Why.",
            "status": status,
            "details": {"a": 1},
            "suggestions": ["Do this."],
            "request_id": "req_1",
        }
    }


def test_a_subclass_is_rendered_as_its_base() -> None:
    assert errors.rendering(AlreadyExistsError("x")) == (409, "conflict")


def test_headers_of_errors() -> None:
    assert errors.headers_of(errors.UnavailableError("x", retry_after=0.2)) == {"Retry-After": "1"}
    assert errors.headers_of(errors.UnauthorizedError("x")) == {"WWW-Authenticate": "Bearer"}


def test_near_misses() -> None:
    assert errors.did_you_mean("chrun", ["churn", "sales"]) == ["Did you mean 'churn'?"]
    assert errors.did_you_mean("zzz", ["churn"]) == []
