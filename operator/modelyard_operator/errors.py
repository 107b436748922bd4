"""The failures of the operator: the user's fault, try again, or ours.

``cluster/client.py`` and ``cluster/store.py`` translate what they meet into these, once; the
worker decides by the class alone what happens next.
"""

from modelyard_crds.reasons import Reason


class OperatorError(Exception):
    """Base of all that the operator raises itself."""


class SettingsError(OperatorError):
    """The environment does not configure the operator; it ends with this message."""


class AccessMissingError(OperatorError):
    """The operator's ServiceAccount lacks rights; the message lists every one of them."""


class OutdatedError(OperatorError):
    """The API server's CRDs are missing or older than the operator; the message says what to do."""


class RefusedError(OperatorError):
    """The API server refuses an object for good: a quota, a policy, a taken name.

    It becomes a condition with the reason and message here and is tried again later.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class NotFoundError(OperatorError):
    """The object, its namespace or its kind does not exist."""


class ConflictError(OperatorError):
    """The object exists already, or is no longer what was read."""


class TryAgainError(OperatorError):
    """The API server cannot answer now; ``retry_after`` is what it asked for."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailableError(OperatorError):
    """The object store does not answer, or refuses the operator."""
