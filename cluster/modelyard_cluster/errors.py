"""The errors a person sees: a sentence that says what is wrong and one that says what to do.

Everything this package raises on purpose is a :class:`ClusterError`; the command line prints it
as one or two lines and exits with 1. Nothing else may reach the user.
"""


class ClusterError(Exception):
    """Something stopped the command; ``advice`` is the next step, or empty when there is none."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n  {self.advice}" if self.advice else self.message


class UsageError(ClusterError):
    """The command was given something it cannot take."""


class MachineError(ClusterError):
    """This machine lacks something: root, a kernel feature, disk, a package, a free port."""


class BuildError(ClusterError):
    """A binary or an image could not be built."""


class StartError(ClusterError):
    """A part of the cluster did not start, or did not become ready in its time."""


class CommandError(ClusterError):
    """A program we call failed; carries its output for callers that decide on it."""

    def __init__(self, message: str, advice: str = "", *, output: str = "") -> None:
        super().__init__(message, advice)
        self.output = output


class LeftoversError(ClusterError):
    """``down`` ended, but something of the cluster is still there."""


class InterruptedByUser(ClusterError):
    """Ctrl-C or SIGTERM: the work so far is kept, the same command goes on from there."""
