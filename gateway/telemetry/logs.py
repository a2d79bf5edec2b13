"""The log: an event's name and its fields, one line each, for people or as JSON; never a secret, never a body."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

Format = Literal["text", "json"]


class Lines(logging.Formatter):
    """One line an event, as `time level event key=value ...` or as a JSON object."""

    def __init__(self, form: Format) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level, event = record.levelname.lower(), record.getMessage()
        if self._form == "json":
            return json.dumps({"time": time, "level": level, "logger": record.name, "event": event, **fields}, default=str)
        traceback = fields.pop("traceback", None)
        line = " ".join([time, level, event, *(f"{key}={value}" for key, value in fields.items())])
        return f"{line}\n{traceback}" if traceback else line


def set_up(form: Format = "text", level: int = logging.INFO) -> None:
    """Sends the gateway's log, and the server's warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(form))
    for name, threshold in (("fleetgate", level), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(threshold)
        logger.propagate = False
