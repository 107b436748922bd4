"""The operator's process: read the settings, take part in the election, run until told to end."""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import kopf
from kubernetes.aio.client import Configuration

from modelyard_crds.data_drift import DRIFT_SECONDS
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.access import check_access
from modelyard_operator.cluster.apply import Writer
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api, load_configuration
from modelyard_operator.cluster.crds import check_crds
from modelyard_operator.cluster.drift_summaries import DriftSummaries
from modelyard_operator.cluster.events import EventPoster
from modelyard_operator.cluster.gather import Gatherer
from modelyard_operator.cluster.health import Health, expected_watches, serve
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import DEPLOYMENT, JOB, MODEL_DEPLOYMENT
from modelyard_operator.cluster.lease import Election
from modelyard_operator.cluster.queue import Queues, new_queues
from modelyard_operator.cluster.reconciler import Doors, Reconciler
from modelyard_operator.cluster.relists import Relists
from modelyard_operator.cluster.resync import Resync
from modelyard_operator.cluster.routing import Key
from modelyard_operator.cluster.secrets import PodSecrets
from modelyard_operator.cluster.status import StatusWriter
from modelyard_operator.cluster.store import Store
from modelyard_operator.cluster.sweeper import Sweeper
from modelyard_operator.cluster.worker import WorkerPool
from modelyard_operator.errors import (
    AccessMissingError,
    ConflictError,
    NotFoundError,
    OperatorError,
    OutdatedError,
    RefusedError,
    SettingsError,
    TryAgainError,
)
from modelyard_operator.handlers.watching import build_registry, build_settings
from modelyard_operator.logs import configure_logging
from modelyard_operator.settings import Settings, settings_from

logger = logging.getLogger(__name__)

#: The net under the watches; a list an interval costs the API server nothing to speak of.
RESYNC_EVERY = 300.0
#: Watches that expire do so together; they share a resync.
RELISTS_TOGETHER = 2.0
RETRY_START = 5.0
HEALTH_EVERY = 5.0
GRACE = 10.0
EVENTS_GRACE = 2.0


@dataclass(frozen=True)
class Program:
    """The parts of the process, wired."""

    settings: Settings
    configuration: Configuration
    api: Api
    cache: Cache
    queues: Queues
    intake: Intake
    relists: Relists
    resync: Resync
    pool: WorkerPool
    events: EventPoster
    health: Health
    secrets: PodSecrets
    sweeper: Sweeper
    drift: DriftSummaries
    #: None outside a cluster, where this is the only one.
    election: Election | None


def main() -> None:
    """Run the operator; the exit code is 2 where it cannot start as it is configured."""
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = settings_from(os.environ)
        configure_logging(settings.log_level)
        asyncio.run(_run(settings))
    except (SettingsError, AccessMissingError) as error:
        configure_logging("INFO")
        logger.critical(str(error))
        sys.exit(2)
    except OperatorError as error:
        logger.critical(str(error))
        sys.exit(1)
    except asyncio.CancelledError:
        logger.info("ended before it watched")


def _end(*_: object) -> None:
    """End at a signal that comes before a loop runs: process 1 of a container ignores it else."""
    sys.exit(0)


def _listen() -> None:
    """Cancel the task that runs at a signal, until kopf listens in its own way.

    An exit raised wherever the loop happens to be may leave it turning for ever.
    """
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _run(settings: Settings) -> None:
    _listen()
    store = Store(settings.store_path)
    configuration = await load_configuration()
    api = Api(configuration)
    try:
        program = _assemble(settings, configuration, api, store)
        runner = await serve(program.health, program.cache, program.queues, settings.health_port)
        try:
            await _operate(program)
        finally:
            await runner.cleanup()
    finally:
        await api.close()


def _assemble(settings: Settings, configuration: Configuration, api: Api, store: Store) -> Program:
    cache, queues = Cache(), new_queues()
    intake = Intake(cache, queues)
    secrets = PodSecrets(api, store, settings.planner_key_path)
    drift = DriftSummaries(store)
    events = EventPoster(api, settings.pod_name)
    reconciler = Reconciler(
        cache,
        Gatherer(api, cache, store, settings.runtime, drift),
        Doors(
            writer=Writer(api, cache, intake),
            status=StatusWriter(api, intake),
            events=events,
            secrets=secrets,
            store=store,
        ),
    )
    pool = WorkerPool(queues, reconciler, settings.concurrency, api.outage)
    return Program(
        settings=settings,
        configuration=configuration,
        api=api,
        cache=cache,
        queues=queues,
        intake=intake,
        relists=Relists(),
        resync=Resync(api, cache, intake, settings.namespaces),
        pool=pool,
        events=events,
        health=Health(pool, expected_watches(settings.namespaces)),
        secrets=secrets,
        sweeper=Sweeper(api, cache, store),
        drift=drift,
        election=_election(settings, api),
    )


def _election(settings: Settings, api: Api) -> Election | None:
    if settings.pod_namespace is None:
        return None
    return Election(api, settings.pod_namespace, settings.pod_name)


async def _operate(program: Program) -> None:
    """Run until a signal comes or a watch ends for good."""
    program.pool.spawn()
    stop = asyncio.Event()
    async with _background(program, stop):
        await _check_access(program)
        await _first_sync(program)
        try:
            await _watch(program, stop)
        finally:
            logger.info("stopping")
            await program.pool.stop(GRACE)
            if program.election is not None:
                await program.election.release()
            await _tell_the_rest(program.events)


async def _watch(program: Program, stop: asyncio.Event) -> None:
    """Run kopf, which ends on SIGTERM and SIGINT by itself, or until told to stop."""
    stopped = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(
        kopf.operator(
            registry=build_registry(program.intake, program.configuration, program.relists),
            settings=build_settings(),
            standalone=True,
            # Left out, kopf asks for the user's name, which a uid in a pod does not have.
            identity=program.settings.pod_name,  # type: ignore[arg-type]  # a NewType it keeps
            clusterwide=not program.settings.namespaces,
            namespaces=program.settings.namespaces,
        )
    )
    await asyncio.wait({stopped, watching}, return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        stopped.cancel()
        await watching
        return
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    msg = "the operator cannot go on and ends, to be started again"
    raise OperatorError(msg)


async def _tell_the_rest(events: EventPoster) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(EVENTS_GRACE):
            await events.flush()


@contextlib.asynccontextmanager
async def _background(program: Program, stop: asyncio.Event) -> AsyncIterator[None]:
    """What goes on beside the watches. kopf cancels at its end what was begun after it."""
    routines = [
        program.health.beat(),
        program.events.run(),
        _lead(program),
        _resync_now_and_then(program),
        _watch_health(program, stop),
        _look_at_drift_now_and_then(program),
    ]
    if not program.settings.namespaces:
        routines.append(_sweep_now_and_then(program))
    tasks = [asyncio.create_task(routine) for routine in routines]
    for task in tasks:
        task.add_done_callback(functools.partial(_note_end, stop))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _note_end(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """End the process where a routine met what nobody foresaw: without it the rest would go on."""
    if not task.cancelled() and (error := task.exception()):
        logger.critical("a routine has failed, ending", exc_info=error)
        stop.set()


async def _check_access(program: Program) -> None:
    """Ask for every right that is needed, once the API server answers.

    Ending here while it does not would only make whoever starts us again wait longer and longer.
    """
    settings = program.settings
    while True:
        try:
            await check_access(program.api, settings.namespaces, settings.pod_namespace)
        except TryAgainError as error:
            logger.warning("no answer about our rights yet", extra={"error": str(error)})
            await asyncio.sleep(RETRY_START)
        else:
            return


async def _first_sync(program: Program) -> None:
    """List everything once before anything is decided."""
    while True:
        try:
            await check_crds(program.api)
            await program.resync.run()
        except OutdatedError as error:
            logger.error(str(error))
        except OperatorError as error:
            logger.warning("first list failed", extra={"error": str(error)})
        else:
            program.health.synced.set()
            return
        await asyncio.sleep(RETRY_START)


async def _lead(program: Program) -> None:
    """Act while this replica leads; one that has lost the Lease looks on until it has it again."""
    await program.health.synced.wait()
    if program.election is None:
        metrics.LEADER.set(1)
        program.pool.start()
        return
    while True:
        await program.election.win()
        async with asyncio.TaskGroup() as group:
            # Listing may take longer than the Lease lasts, so it is renewed meanwhile.
            acting = group.create_task(_act(program))
            await program.election.hold()
            acting.cancel()
        program.pool.pause()


async def _act(program: Program) -> None:
    """Let the workers work, once they are told what changed while another replica led."""
    await _first_sync(program)
    program.pool.start()


async def _watch_health(program: Program, stop: asyncio.Event) -> None:
    """End a process that cannot heal by itself; whoever started it starts it again."""
    problem = None
    while problem is None:
        await asyncio.sleep(HEALTH_EVERY)
        problem = program.health.problem()
    logger.critical("unhealthy, ending", extra={"problem": problem})
    stop.set()


async def _resync_now_and_then(program: Program) -> None:
    while True:
        await _resync_time(program.relists)
        try:
            missed = await program.resync.run()
            logger.debug("resynced", extra={"missed": missed})
            if program.pool.started:
                await _keep_pod_secrets(program)
        except OperatorError as error:
            logger.warning("resync failed", extra={"error": str(error)})
            await asyncio.sleep(RETRY_START)
            program.relists.missed.set()


async def _resync_time(relists: Relists) -> None:
    """Wait for the next round, or until watches that began anew may have missed something."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RESYNC_EVERY):
            await relists.missed.wait()
    if relists.missed.is_set():
        await asyncio.sleep(RELISTS_TOGETHER)
        relists.missed.clear()


async def _keep_pod_secrets(program: Program) -> None:
    """Carry a rotated store configuration to where pods restart without a decision of ours."""
    namespaces = {key[0] for kind in (DEPLOYMENT, JOB) for key in program.cache.keys(kind)}
    for namespace in sorted(namespaces):
        try:
            await program.secrets.ensure(namespace)
        except (RefusedError, NotFoundError, ConflictError) as error:
            # What one account forbids says nothing of the others.
            extra = {"namespace": namespace, "error": str(error)}
            logger.warning("the secrets of a namespace were not kept", extra=extra)


async def _look_at_drift_now_and_then(program: Program) -> None:
    while True:
        await asyncio.sleep(DRIFT_SECONDS)
        if not program.pool.started:
            continue
        try:
            changed = await program.drift.refresh()
        except OperatorError as error:
            logger.warning("drift not looked at", extra={"error": str(error)})
            continue
        queue = program.queues[MODEL_DEPLOYMENT.kind]
        for (namespace, name), uid, _ in list(program.cache.known(MODEL_DEPLOYMENT)):
            if uid in changed:
                queue.add(Key(MODEL_DEPLOYMENT.kind, namespace, name))


async def _sweep_now_and_then(program: Program) -> None:
    while True:
        await asyncio.sleep(program.settings.sweep_interval)
        if not program.pool.started:
            # Before the first list no Deployment is known, so that every artifact looks left over.
            continue
        try:
            await program.sweeper.sweep()
        except OperatorError as error:
            logger.warning("sweep failed", extra={"error": str(error)})
