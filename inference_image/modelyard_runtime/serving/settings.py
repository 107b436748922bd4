"""How a serving pod runs: arguments, each with a default that suits a pod."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard_crds.build import SERVING_PORT, STORE_MOUNT
from modelyard_crds.data_drift import DRIFT_SECONDS
from modelyard_runtime.serving.predictor import MAX_ROWS

MEBI = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Settings of one process."""

    host: str
    port: int
    store_folder: Path
    termination_log: Path
    max_body_bytes: int
    max_lines_bytes: int
    max_rows: int
    body_seconds: float
    drain_seconds: float
    start_seconds: float
    report_seconds: float

    @property
    def held_bytes(self) -> int:
        """Memory that bodies on their way may take together."""
        return 4 * self.max_body_bytes


def read_settings(arguments: Sequence[str]) -> Settings:
    """The settings in the command's arguments."""
    parser = argparse.ArgumentParser(
        prog="modelyard-serve",
        description="Serve the version named in MODELYARD_SERVE_REQUEST.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a pod's own
    add("--port", type=int, default=SERVING_PORT, help="port to listen on")
    add("--store-folder", type=Path, default=Path(STORE_MOUNT), help="the store's Secret")
    add("--termination-log", type=Path, default=Path("/dev/termination-log"), help="last word")
    add("--max-body-bytes", type=int, default=16 * MEBI, help="longest body")
    add("--max-lines-bytes", type=int, default=1024 * MEBI, help="longest body of JSON lines")
    add("--max-rows", type=int, default=MAX_ROWS, help="most rows of a body")
    add("--body-seconds", type=float, default=30.0, help="time for a body to arrive")
    add("--drain-seconds", type=float, default=1.0, help="time to go on serving after SIGTERM")
    add("--start-seconds", type=float, default=60.0, help="time to wait for the store")
    add("--report-seconds", type=float, default=DRIFT_SECONDS, help="between reports to the store")
    return Settings(**vars(parser.parse_args(arguments)))
