"""How work in a pod ends when it does not succeed: a reason, a sentence, and whose fault it is.

Raised wherever the cause is known; ``training.main`` turns it into the termination message and
the exit code. Anything else that is raised is a fault of ours.
"""

from typing import ClassVar

from modelyard_crds.build import EXIT_TEMPORARY, EXIT_USER_FAULT
from modelyard_crds.reasons import Reason


class PodError(Exception):
    """The work cannot be done; the message names the cause and the next step."""

    exit_code: ClassVar[int]

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class UserError(PodError):
    """The dataset or the spec must change: trying again gives the same."""

    exit_code = EXIT_USER_FAULT


class TemporaryError(PodError):
    """Something outside does not answer now and may do so later."""

    exit_code = EXIT_TEMPORARY
