"""What a pod is told and what it says at its end: one environment variable, one short message.

Used by the entries of profiling, training and serving pods.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from modelyard_crds.build import PodResult
from modelyard_crds.conditions import rfc3339

TERMINATION_LOG = Path("/dev/termination-log")

Request = TypeVar("Request", bound=BaseModel)


def read_request(variable: str, kind: type[Request]) -> Request:
    """The request in an environment variable.

    Raises ValueError naming the variable and the first thing that is wrong with it.
    """
    text = os.environ.get(variable)
    if not text:
        msg = f"{variable} is not set: the operator puts the {kind.__name__} there"
        raise ValueError(msg)
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        msg = f"{variable} is not a {kind.__name__}: {where}: {first['msg']}"
        raise ValueError(msg) from error


def write_result(result: PodResult, path: Path = TERMINATION_LOG) -> None:
    """Leave the termination message where the kubelet reads it; nothing is left outside a pod."""
    # The kubelet mounts the file; making it would only litter a machine that is no pod.
    if path.exists():
        path.write_text(result.encode())


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, with the traceback of an exception where there is one."""
        line = {
            "timestamp": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stdout() -> None:
    """Send the log of this process to stdout as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
