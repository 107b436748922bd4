"""``modelyard-train``: the entry of profiling and training pods, and of builds by hand.

Sets the number of threads before any numerical library is imported, ends at once on SIGTERM, and
turns whatever happens into an exit code and the termination message that the operator reads.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

from modelyard_crds.build import EXIT_OK, PodResult
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import PodError
from modelyard_runtime.messages import log_to_stdout, write_result
from modelyard_runtime.training.resources import cpu_count, limit_threads, return_freed_memory
from modelyard_runtime.training.terminal import EXIT_FAULT, end

log = logging.getLogger("modelyard_runtime.training")

PROGRAM = "modelyard-train"
EXIT_TERMINATED = 128 + signal.SIGTERM

#: What a sub-command says of a fault of ours.
FAULTS = {"profile": Reason.PROFILING_FAILED, "build": Reason.TRAINING_FAILED}

_OUT_OF_MEMORY = (
    "The pod ran out of memory: raise spec.training.resources.limits.memory, or use fewer rows "
    "or columns."
)


def main() -> None:
    """Run the command line and exit with its code."""
    end_on_sigterm()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code."""
    started = time.monotonic()
    cpus = cpu_count()
    limit_threads(cpus)
    return_freed_memory()
    if arguments[:1] == ["profile"]:
        return _in_pod(FAULTS["profile"], _profile)
    if arguments[:1] == ["build"]:
        return _in_pod(FAULTS["build"], lambda: _build(cpus, started))
    return _by_hand(arguments, cpus, started)


def end_on_sigterm() -> None:
    """End the process at once on SIGTERM, also while a library computes.

    A handler would wait for the main thread to come back from a fit, and as process 1 of a
    container the signal would otherwise be ignored. What is half done in the store is no
    artifact: its manifest is missing.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait_for_sigterm, name="sigterm", daemon=True).start()


def _wait_for_sigterm() -> None:
    signal.sigwait({signal.SIGTERM})
    os._exit(EXIT_TERMINATED)


def _profile() -> PodResult:
    from modelyard_runtime.training.jobs import run_profile

    return run_profile()


def _build(cpus: int, started: float) -> PodResult:
    from modelyard_runtime.training.jobs import run_build

    return run_build(cpus, started)


def _in_pod(fault: Reason, work: Callable[[], PodResult]) -> int:
    log_to_stdout()
    code, result = outcome_of(fault, work)
    log.info("ended", extra={"fields": {"reason": result.reason.value, "exitCode": code}})
    write_result(result)
    return code


def outcome_of(fault: Reason, work: Callable[[], PodResult]) -> tuple[int, PodResult]:
    """The exit code and the message of some work, whatever happens in it."""
    try:
        return EXIT_OK, work()
    except PodError as error:
        log.error(error.message, extra={"fields": {"reason": error.reason.value}})
        return error.exit_code, PodResult(reason=error.reason, message=error.message)
    except MemoryError:
        log.exception("out of memory")
        return EXIT_FAULT, PodResult(reason=Reason.OUT_OF_MEMORY, message=_OUT_OF_MEMORY)
    except Exception as error:
        log.exception("unexpected")
        return EXIT_FAULT, PodResult(reason=fault, message=_unexpected(error))


def _unexpected(error: Exception) -> str:
    return (
        f"The pod met a fault that is not the dataset's ({type(error).__name__}): its log has the "
        "details. Retrain to try again, and report it with the log if it stays."
    )


def _by_hand(arguments: Sequence[str], cpus: int, started: float) -> int:
    from modelyard_runtime.training.by_hand import make_parser, run_by_hand, summary

    options = make_parser().parse_args(arguments)

    def work() -> None:
        report = run_by_hand(options, cpus, started)
        text = json.dumps(report, ensure_ascii=False, indent=1) if options.json else summary(report)
        sys.stdout.write(text + "\n")

    return end(PROGRAM, work, as_json=options.json)
