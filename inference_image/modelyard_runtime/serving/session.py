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

    def run(self, feed: Feed) -> NDArray[np.float32]:
        """The output for the rows in the feed."""
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
