"""Entry of a serving pod: fetch, verify, open, serve. Every end leaves a message and a code."""

import gc
import logging
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import uvloop

from modelyard_crds.build import ENV_SERVE_REQUEST, EXIT_OK, PodResult, ServeRequest
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import PodError, TemporaryError
from modelyard_runtime.messages import log_to_stdout, read_request, write_result
from modelyard_runtime.serving.artifact import Artifact, ArtifactError, fetch_artifact
from modelyard_runtime.serving.errors import RequestError
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.server import serve
from modelyard_runtime.serving.settings import Settings, read_settings
from modelyard_runtime.serving.watchers import watchers_of
from modelyard_runtime.store import UnavailableError, open_store, read_config

#: Threads hold the interpreter at most this long while another waits for it: a body of 400 kB
#: arrives in seven parts, and the loop waits once for each.
SWITCH_SECONDS = 0.0002
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0

log = logging.getLogger(__name__)


class Clock(NamedTuple):
    """Time, so that tests can run their own."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


CLOCK = Clock(time.monotonic, time.sleep)


def main() -> None:
    """Run the command ``modelyard-serve``."""
    log_to_stdout()
    # Both report each start, stop and request; ours are enough.
    for name in ("uvicorn", "bentoml"):
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = read_settings(sys.argv[1:])
    try:
        predictor = load(settings)
    except PodError as error:
        log.error("%s: %s", error.reason.value, error.message)
        _end(PodResult(reason=error.reason, message=error.message), error.exit_code, settings)
    except Exception as error:
        log.exception("the pod cannot start")
        message = f"The pod cannot start: {type(error).__name__}: {error}. Its log has the rest."
        _end(PodResult(reason=Reason.INTERNAL_ERROR, message=message), 1, settings)
    _calm_interpreter()
    uvloop.run(serve(predictor, settings))
    log.info("stopped")
    sys.exit(EXIT_OK)


def _end(result: PodResult, code: int, settings: Settings) -> NoReturn:
    write_result(result, settings.termination_log)
    sys.exit(code)


def load(settings: Settings, clock: Clock = CLOCK) -> Predictor:
    """The predictor of the version that the environment names, verified and warm.

    Raises PodError.
    """
    try:
        request = read_request(ENV_SERVE_REQUEST, ServeRequest)
    except ValueError as error:
        raise ArtifactError(Reason.INTERNAL_ERROR, str(error)) from error
    log.info("fetching %s v%d", request.model, request.version)
    artifact = with_retries(
        lambda: _fetch(request, settings.store_folder), settings.start_seconds, clock
    )
    predictor = open_artifact(artifact, settings.max_rows)
    predictor.watchers = watchers_of(artifact, request)
    log.info("serving %s v%d", request.model, request.version)
    return predictor


def open_artifact(artifact: Artifact, max_rows: int) -> Predictor:
    """A predictor that has predicted the manifest's example.

    Raises ArtifactError.
    """
    try:
        predictor = Predictor(artifact.manifest, artifact.model, max_rows)
        predictor.warm_up()
    except RequestError as error:
        text = f"the manifest's example is refused: {error.message}"
        raise ArtifactError(Reason.ARTIFACT_UNSUPPORTED, text) from error
    except Exception as error:
        # ONNX Runtime's own errors share no base class.
        text = f"the graph cannot be opened: {error}"
        raise ArtifactError(Reason.ARTIFACT_UNSUPPORTED, text) from error
    return predictor


def with_retries(fetch: Callable[[], Artifact], seconds: float, clock: Clock) -> Artifact:
    """Try again while the store does not answer, with growing pauses, for some seconds.

    Raises the last TemporaryError.
    """
    deadline = clock.now() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return fetch()
        except TemporaryError as error:
            if clock.now() + pause > deadline:
                raise
            log.warning("%s; trying again in %.1f s", error.message, pause)
        # The random part keeps pods from marching together.
        clock.sleep(pause * random.uniform(0.8, 1.0))  # noqa: S311 - no secret
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _fetch(request: ServeRequest, store_folder: Path) -> Artifact:
    try:
        store = open_store(read_config(store_folder))
    except UnavailableError as error:
        raise TemporaryError(Reason.STORE_UNAVAILABLE, str(error)) from error
    return fetch_artifact(store, request)


def _calm_interpreter() -> None:
    """Settings under which large batches neither wait for the collector nor hold up the loop."""
    # What start made lives as long as the process: the collector need not look at it again, and
    # requests make no cycles worth looking for often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
