"""The one place that opens ONNX Runtime sessions, with options that hold in a container.

ONNX Runtime sizes its threads by the host's cores and spins while it waits; under a CPU limit
that is throttling. One thread a run, no spinning; pods scale by replicas. Its memory arena never
shrinks, so that it stays off.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # ships no types
from numpy.typing import NDArray

#: Rows of one run. Trees are walked twice as fast in small groups as in one of 1,000 rows
#: (measured: 1.7 against 3.5 microseconds a row), and what a run needs stays small.
RUN_ROWS = 64

Feed = Mapping[str, NDArray[Any]]


class Session:
    """A graph that is ready to run; safe to use from several threads at once."""

    def __init__(self, model: bytes, output: str) -> None:
        self._session = onnxruntime.InferenceSession(
            model, _options(), providers=["CPUExecutionProvider"]
        )
        self._outputs = [output]

    @property
    def inputs(self) -> dict[str, tuple[str, list[Any]]]:
        """Type and shape of each input by name."""
        return {item.name: (item.type, item.shape) for item in self._session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """Names of all outputs of the graph."""
        return [item.name for item in self._session.get_outputs()]

    def run(self, feed: Feed, rows: int) -> NDArray[np.float32]:
        """The output for some rows; the graph never sees more than RUN_ROWS at a time."""
        if rows <= RUN_ROWS:
            return self._run(feed)
        parts = [
            self._run({name: tensor[start : start + RUN_ROWS] for name, tensor in feed.items()})
            for start in range(0, rows, RUN_ROWS)
        ]
        return np.concatenate(parts)

    def _run(self, feed: Feed) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._session.run(self._outputs, feed)[0]
        return result


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
