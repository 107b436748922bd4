"""One boosting from the rows of all pods, where the table is larger than one pod's memory.

Rank 0 brings the rows that it drew, but for those that are to judge; each other pod reads the
dataset itself and brings a share of what rank 0 left out, encoded as rank 0 has it. What they say
while they learn goes through ``exchange``. Only imported where ``training.parallelism`` is more
than 1: by ``build`` in rank 0, by ``jobs`` in the others.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client
from distributed import Future as Task
from numpy.typing import NDArray

from modelyard_crds.build import LEARNING_PORT
from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.fields import FieldType
from modelyard_runtime.data.reading import read_share
from modelyard_runtime.data.sampling import Place, Room
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Table
from modelyard_runtime.errors import PodError
from modelyard_runtime.plan.goal import Goal, with_goals
from modelyard_runtime.training.encoding import Encoding, Matrix
from modelyard_runtime.training.exchange import Seat
from modelyard_runtime.training.partner import ASK_SECONDS, Part, do_part
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.pods import OWN_WORKER, own_address, own_tls, scheduler
from modelyard_runtime.training.problem import Problem, truth_of
from modelyard_runtime.training.runner import Taught, TogetherError
from modelyard_runtime.training.search import Trial

#: How long rank 0 waits for the others to find it again.
GATHER_SECONDS = 15.0

Brought = tuple[Matrix, NDArray[Any]]


class Lesson(NamedTuple):
    """What a pod must know to bring rows: of the model all but the estimator is learnt."""

    goal: Goal
    encoding: Encoding
    model: Any
    leader: Room


@dataclass(frozen=True)
class Team:
    """Rank 0's side: the pods' secret and a folder, and what this pod has."""

    secret: str
    folder: Path
    pods: int
    cpus: int
    room: Room
    say: Callable[[str], None]

    def __call__(
        self, goal: Goal, encoding: Encoding, problem: Problem, trial: Trial, deadline: float
    ) -> Taught:
        """Fit a trial's candidate on the rows of all pods, but for those the first fold tests.

        ``deadline`` is in time.monotonic's seconds. Raises TogetherError and what reading raises.
        """
        rows = problem.folds[0].train
        shape = replace(problem.shape, rows=len(rows))
        model = build_pipeline(trial.settled, shape, self.cpus)
        own = (problem.matrix[rows], problem.target[rows])
        for layer in layers_of(model):
            own = layer.prepared(*own)
        with scheduler(self.cpus, (self.secret, self.folder)) as client:
            helpers = _helpers(client, self.pods - 1, deadline)
            lesson = Lesson(goal, encoding, model, self.room)
            pods = len(helpers) + 1
            tasks = [
                _ask(client, helper, _take_share, lesson, rank, pods)
                for rank, helper in enumerate(helpers, 1)
            ]
            total = len(rows) + sum(_answers(client, helpers, tasks, deadline))
            self.say(
                f"Boosting on {pods} pods learns from {total:,} rows, "
                f"the search saw {problem.shape.rows:,}."
            )
            part = Part(_estimator(model), shape.classes, *own, self.cpus)
            estimator = _learn(client, helpers, part, deadline)
        return Taught(_with_estimator(model, estimator), total)


def _learn(client: Client, helpers: list[str], part: Part, deadline: float) -> Any:
    """The fitted estimator, once all pods have learnt it together."""
    seat = Seat(0, len(helpers) + 1, own_address(), LEARNING_PORT, own_tls(), deadline)
    left = deadline - time.monotonic()
    tasks = [
        _ask(client, helper, _do_part, seat._replace(rank=rank), part.estimator, part.classes, left)
        for rank, helper in enumerate(helpers, 1)
    ]
    return do_part(part, seat, lambda: _are_well(client, helpers, tasks))


def layers_of(model: Any) -> list[Any]:
    """What prepares rows for the estimator in the middle of a model, the outermost first."""
    found = []
    while hasattr(model, "prepared"):
        found.append(model)
        model = model.inner
    return found


def _estimator(model: Any) -> Any:
    layers = layers_of(model)
    return layers[-1].inner if layers else model


def _with_estimator(model: Any, estimator: Any) -> Any:
    layers = layers_of(model)
    if not layers:
        return estimator
    layers[-1].inner = estimator
    return model


def _helpers(client: Client, wanted: int, deadline: float) -> list[str]:
    """The addresses of the other pods; not all need be there.

    Raises TogetherError where there is none.
    """
    until = min(deadline, time.monotonic() + GATHER_SECONDS)
    while True:
        found = _workers(client)
        if len(found) >= wanted or (time.monotonic() > until and found):
            return found
        if time.monotonic() > until:
            msg = "no other pod was there"
            raise TogetherError(msg)
        time.sleep(ASK_SECONDS)


def _workers(client: Client) -> list[str]:
    """The addresses of all workers but rank 0's own."""
    found = client.scheduler_info(n_workers=-1)["workers"]
    return sorted(address for address, seen in found.items() if seen["name"] != OWN_WORKER)


def _ask(client: Client, helper: str, function: Callable[..., Any], *what: Any) -> "Task[Any]":
    return client.submit(function, *what, workers=[helper], pure=False, retries=0)


def _are_well(client: Client, helpers: list[str], tasks: Sequence["Task[Any]"]) -> bool:
    """Whether all helpers are there, and none has failed."""
    return set(helpers) <= set(_workers(client)) and all(task.status != "error" for task in tasks)


def _answers(
    client: Client, helpers: list[str], tasks: Sequence["Task[int]"], deadline: float
) -> list[int]:
    while any(task.status == "pending" for task in tasks):
        if time.monotonic() > deadline:
            msg = "the time budget ended while pods read their rows"
            raise TogetherError(msg)
        if not _are_well(client, helpers, tasks):
            break
        time.sleep(ASK_SECONDS)
    for task in tasks:
        if task.status == "error":
            task.result()
        if task.status != "finished":
            msg = "a pod was lost"
            raise TogetherError(msg)
    return [task.result() for task in tasks]


@dataclass
class Reader:
    """A helper's side: how it reads the dataset, and the rows that it brings."""

    fetch: Callable[[], Fetched]
    format: DatasetFormat
    types: Mapping[str, FieldType]
    folder: Path
    memory: int
    cpus: int
    rows: Brought | None = None

    def table(self, lesson: Lesson, rank: int, pods: int) -> Table:
        """The columns that a lesson needs, of this pod's share."""
        place = Place(lesson.leader, rank, pods, self.memory)
        names = dict.fromkeys([*lesson.encoding.columns, lesson.goal.target])
        return read_share(self.fetch(), self.format, self.types, self.folder, place, list(names))


_readers: list[Reader] = []


def bring(reader: Reader) -> None:
    """Tell the tasks of this process, which Dask runs, where they find rows."""
    _readers[:] = [reader]


def _take_share(lesson: Lesson, rank: int, pods: int) -> int:
    """A task: read and encode the share of this pod; how many rows it has."""
    reader = _readers[0]
    try:
        matrix, target = encoded(reader.table(lesson, rank, pods), lesson)
    except PodError as error:
        # Reasons do not travel between pods, what they say does.
        raise TogetherError(error.message) from None
    if len(target) == 0:
        msg = "a pod had no rows to bring"
        raise TogetherError(msg)
    reader.rows = matrix, target
    return len(target)


def encoded(table: Table, lesson: Lesson) -> Brought:
    """The rows of a table whose target the lesson knows, as the estimator takes them."""
    goal = lesson.goal
    table = with_goals(table, [goal])
    target = table.by_name[goal.target].as_type(goal.target_type)
    known = ~target.missing
    table, target = table.take(known), target.take(known)
    rows: Brought = lesson.encoding.matrix_of(table), truth_of(goal, target)
    for layer in layers_of(lesson.model):
        rows = layer.given(*rows)
    return rows


def _do_part(seat: Seat, estimator: Any, classes: int, seconds: float) -> None:
    """A task: learn with the others."""
    reader = _readers[0]
    rows, reader.rows = reader.rows, None
    if rows is None:
        msg = "this pod has no rows"
        raise TogetherError(msg)
    own = seat._replace(tls=own_tls(), deadline=time.monotonic() + seconds)
    do_part(Part(estimator, classes, *rows, reader.cpus), own)
