"""The one place that opens ONNX Runtime sessions, with options that hold in a container.

ONNX Runtime sizes its threads by the host's cores and spins while it waits; under a CPU limit
that is throttling. One thread a run, no spinning; pods scale by replicas. Its memory arena never
shrinks, so that it stays off.

Large batches go through in the order of the column that decides most. Half of the time in trees
is lost to branches that the processor guesses wrongly, and neighbours in that order branch alike:
a tenth to a fifth less time, with the same bits for every row.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from modelyard_runtime.features import TEXT_INPUT

Feed = Mapping[str, NDArray[Any]]

#: Below this, putting rows in order costs what it gains.
ORDERED_ROWS: Final = 256
#: Rows of text that go through at once: each takes as much room as the longest.
MAX_TEXT_ROWS: Final = 256


class Leading(NamedTuple):
    """The column of an input that decides most."""

    input: str
    column: int


class Session:
    """A graph that is ready to run; safe to use from several threads at once."""

    def __init__(self, model: bytes, output: str, leading: Leading | None = None) -> None:
        self._session = onnxruntime.InferenceSession(
            model, _options(), providers=["CPUExecutionProvider"]
        )
        self._outputs = [output]
        self._leading = leading

    @property
    def inputs(self) -> dict[str, tuple[str, list[Any]]]:
        """Type and shape of each input by name."""
        return {item.name: (item.type, item.shape) for item in self._session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """Names of all outputs of the graph."""
        return [item.name for item in self._session.get_outputs()]

    def run(self, feed: Feed) -> NDArray[np.float32]:
        """The output for the rows in the feed, in their order."""
        if self._leading is None:
            return self._run(feed)
        deciding = feed[self._leading.input][:, self._leading.column]
        if len(deciding) < ORDERED_ROWS:
            return self._run(feed)
        order = deciding.argsort()
        ordered = self._run({name: values[order] for name, values in feed.items()})
        result = np.empty_like(ordered)
        result[order] = ordered
        return result

    def _run(self, feed: Feed) -> NDArray[np.float32]:
        rows = len(feed[TEXT_INPUT]) if TEXT_INPUT in feed else 0
        if rows > MAX_TEXT_ROWS:
            parts = range(0, rows, MAX_TEXT_ROWS)
            return np.concatenate([self._run(_part(feed, start)) for start in parts])
        result: NDArray[np.float32] = self._session.run(self._outputs, feed)[0]
        return result


def _part(feed: Feed, start: int) -> Feed:
    return {name: values[start : start + MAX_TEXT_ROWS] for name, values in feed.items()}


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options
