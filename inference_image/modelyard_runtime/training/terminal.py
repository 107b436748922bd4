"""How a command ends for the person who typed it: one sentence and an exit code, no traceback.

Called by ``main`` (builds by hand) and ``predict``. Pods end otherwise: see ``main``.
"""

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from modelyard_crds.build import EXIT_OK
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import PodError

EXIT_FAULT = 1


class CommandError(PodError):
    """What was typed does not fit this machine: a path that is not there or takes no files."""

    exit_code = EXIT_FAULT


class _Failure(NamedTuple):
    reason: str
    message: str
    code: int = EXIT_FAULT


class Parser(argparse.ArgumentParser):
    """Says what is wrong with an option in one sentence, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        """End the command."""
        self.exit(EXIT_FAULT, f"{self.prog}: {message}. See {self.prog} --help.\n")


def end(program: str, work: Callable[[], None], *, as_json: bool = False) -> int:
    """Do some work; the exit code of the command, whatever happens."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe has seen enough; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAULT
    except (Exception, KeyboardInterrupt) as error:
        failure = _failure(program, error)
        sys.stderr.write(f"\n{failure.reason}: {failure.message}\n")
        if as_json:
            shown = {"reason": failure.reason, "message": failure.message}
            sys.stdout.write(json.dumps({"error": shown}, ensure_ascii=False) + "\n")
        return failure.code
    return EXIT_OK


def expect_file(path: Path) -> None:
    """Raise CommandError unless the file can be read."""
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise CommandError(
            Reason.SOURCE_NOT_FOUND,
            f"{path} cannot be read ({error.strerror or error}): check the path and its "
            "permissions.",
        ) from error


def expect_writable(folder: Path) -> None:
    """Make a folder where there is none; raise CommandError unless it takes files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise CommandError(
            Reason.STORE_UNAVAILABLE,
            f"{folder} takes no files ({error.strerror or error}): name another place with "
            "--output.",
        ) from error


def _failure(program: str, error: BaseException) -> _Failure:
    match error:
        case PodError():
            return _Failure(error.reason.value, error.message, error.exit_code)
        case KeyboardInterrupt():
            return _Failure(
                Reason.CANCELLED.value, "Interrupted; run the command again to start over."
            )
        case MemoryError():
            return _Failure(
                Reason.OUT_OF_MEMORY.value,
                "This machine has too little memory: use fewer rows or columns, or another one.",
            )
        case OSError():
            where = "" if error.filename is None else f"{error.filename}: "
            return _Failure(
                Reason.INTERNAL_ERROR.value,
                f"{where}{error.strerror or error}. Check paths, permissions and free space.",
            )
        case _:
            return _unexpected(program, error)


def _unexpected(program: str, error: BaseException) -> _Failure:
    """A fault of ours: what a report of it needs goes into a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"{program}-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.writelines(traceback.format_exception(error))
    return _Failure(
        Reason.INTERNAL_ERROR.value,
        f"{program} met a fault of its own ({type(error).__name__}). Run it again, and report it "
        f"with {file.name} if it stays.",
    )
