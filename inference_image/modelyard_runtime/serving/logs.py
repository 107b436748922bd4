"""Logs as JSON lines on standard output; never a value of a request."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

_BESIDE: Final = ("request_id",)


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: vars(record)[name] for name in _BESIDE if name in vars(record)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging() -> None:
    """Send all records of this process to standard output."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Both report each start, stop and request; ours are enough.
    for name in ("uvicorn", "bentoml"):
        logging.getLogger(name).setLevel(logging.WARNING)
