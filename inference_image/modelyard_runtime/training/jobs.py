"""What a pod is asked to do: profile a dataset, or build a version.

Each reads its request from the environment, its credentials from mounted folders, and returns
the message that ``main`` leaves behind.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard_crds.build import (
    ENV_BUILD_REQUEST,
    ENV_PLANNER_MODEL,
    ENV_PLANNER_URL,
    ENV_POD_UID,
    ENV_PROFILE_REQUEST,
    ENV_RANK,
    PLANNER_KEY_FILE,
    PLANNER_MOUNT,
    PODS_MOUNT,
    PODS_SECRET_KEY,
    SOURCE_MOUNT,
    STORE_MOUNT,
    BuildRequest,
    PodResult,
    ProfileRequest,
    build_prefix,
    fits_prefix,
    manifest_key,
    profile_key,
)
from modelyard_crds.reasons import Reason
from modelyard_runtime.artifacts.progress import Reporter, to_store
from modelyard_runtime.artifacts.publish import probe
from modelyard_runtime.data.profile import profile_of
from modelyard_runtime.data.reading import stated_types
from modelyard_runtime.data.sampling import Room
from modelyard_runtime.data.source import Fetched, fetch
from modelyard_runtime.errors import PodError, TemporaryError, UserError
from modelyard_runtime.messages import read_request
from modelyard_runtime.store import Store, StoreError, open_store, read_config, read_secret
from modelyard_runtime.training.planner import planner_of
from modelyard_runtime.training.resources import memory_limit

if TYPE_CHECKING:
    from modelyard_runtime.training.together import Reader

log = logging.getLogger(__name__)


def run_profile(store_mount: Path = Path(STORE_MOUNT)) -> PodResult:
    """Read a dataset and store its profile."""
    request = read_request(ENV_PROFILE_REQUEST, ProfileRequest)
    store = _open(store_mount)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        fetched = fetch(request.source, request.namespace, store, _credentials(), where)
        log.info("read %d bytes", fetched.size_bytes)
        profile = profile_of(fetched, request.format, where, Room(memory_limit()))
    key = profile_key(request.dataset_uid, request.source_hash)
    try:
        store.put(key, profile.model_dump_json(by_alias=True, exclude_none=True).encode())
    except StoreError as error:
        raise TemporaryError(Reason.STORE_UNAVAILABLE, str(error)) from error
    return PodResult(
        reason=Reason.READY,
        message=f"{profile.rows} rows and {profile.column_count} columns of {profile.format}.",
        digest=profile.digest,
    )


def run_build(
    cpus: int,
    started: float,
    store_mount: Path = Path(STORE_MOUNT),
    pods_mount: Path = Path(PODS_MOUNT),
    planner_mount: Path = Path(PLANNER_MOUNT),
) -> PodResult:
    """Build a version and publish it; of several pods, all but the first only help."""
    request = read_request(ENV_BUILD_REQUEST, BuildRequest)
    pods_secret = None if request.leader is None else _pods_secret(pods_mount)
    if request.leader and pods_secret and os.environ.get(ENV_RANK, "0") != "0":
        from modelyard_runtime.training.pods import help_build
        from modelyard_runtime.training.together import bring

        with tempfile.TemporaryDirectory() as folder:
            bring(_reader(request, Path(folder), cpus, store_mount))
            help_build(request.leader, cpus, pods_secret, Path(folder))
    store = _open(store_mount)
    prefix = build_prefix(request.version_uid)
    probe(store, prefix)
    # The operator sets the pod's uid; without it the folder must still be this process's own.
    pod = os.environ.get(ENV_POD_UID) or f"pod-{time.time_ns()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        Reporter(to_store(store, request.version_uid), log) as reporter,
        _said_in_log(reporter),
    ):
        from modelyard_runtime.training.build import Job, build_version

        job = Job(
            request=request,
            store=store,
            prefix=f"{prefix}{pod}/",
            manifest_key=manifest_key(request.version_uid),
            records_prefix=fits_prefix(request.version_uid),
            folder=Path(folder),
            pods_secret=pods_secret,
            cpus=cpus,
            memory=memory_limit(),
            started=started,
            planner=planner_of(
                os.environ.get(ENV_PLANNER_URL),
                os.environ.get(ENV_PLANNER_MODEL),
                read_secret(planner_mount).get(PLANNER_KEY_FILE),
            ),
        )
        built = build_version(job, lambda: _fetch_unchanged(request, store, job.folder), reporter)
    return PodResult(
        reason=Reason.READY,
        message=f"{built.manifest.training_info.algorithm} predicts {built.manifest.target!r}.",
        digest=built.digest,
    )


def _reader(request: BuildRequest, folder: Path, cpus: int, store_mount: Path) -> "Reader":
    """How a helper reads the dataset, if it is asked for rows of its own."""
    from modelyard_runtime.training.together import Reader

    build = request.build
    return Reader(
        fetch=lambda: _fetch_unchanged(request, _open(store_mount), folder),
        format=build.format,
        types=stated_types(build.output_schema, build.input_schema),
        folder=folder,
        memory=memory_limit(),
        cpus=cpus,
    )


def _pods_secret(mount: Path) -> str:
    secret = read_secret(mount).get(PODS_SECRET_KEY)
    if not secret:
        raise TemporaryError(
            Reason.SECRET_MISSING,
            f"The Secret of the build's pods has no key {PODS_SECRET_KEY!r}: delete the Job of "
            "the version, the operator makes both again.",
        )
    return secret


def _fetch_unchanged(request: BuildRequest, store: Store, folder: Path) -> Fetched:
    """The dataset, which must still be what was profiled."""
    build = request.build
    fetched = fetch(build.source, request.namespace, store, _credentials(), folder)
    if fetched.digest != build.dataset_digest:
        raise UserError(
            Reason.DATASET_CHANGED,
            f"The content of dataset {build.dataset_ref.name!r} has changed since it was profiled "
            f"(it has {fetched.digest[:19]}…, the version was asked from "
            f"{build.dataset_digest[:19]}…): set the annotation modelyard.dev/refresh on the "
            "Dataset to read it again, which makes a new version.",
        )
    return fetched


@contextmanager
def _said_in_log(reporter: Reporter) -> Iterator[None]:
    """The last line of a build's log says how it failed."""
    try:
        yield
    except PodError as error:
        reporter.log(f"{error.reason.value}: {error.message}", "ERROR")
        raise
    except Exception:
        reporter.log("The build failed for a reason of its own; the pod's log has it.", "ERROR")
        raise


def _open(mount: Path) -> Store:
    try:
        return open_store(read_config(mount))
    except StoreError as error:
        raise TemporaryError(Reason.STORE_UNAVAILABLE, str(error)) from error


def _credentials() -> dict[str, str]:
    return read_secret(Path(SOURCE_MOUNT))
