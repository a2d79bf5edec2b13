"""The log: an event's name and its fields, one line each, for people or as JSON; never a secret, never a body."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

FORMATS = ("text", "json")


class Lines(logging.Formatter):
    """One line an event, as `time level event key=value ...` or as a JSON object."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(getattr(record, "fields", {}))
        if record.exc_text:
            fields["traceback"] = record.exc_text
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level, event = record.levelname.lower(), record.getMessage()
        if self._form == "json":
            return json.dumps({"time": time, "level": level, "logger": record.name, "event": event, **fields}, default=str)
        traceback = fields.pop("traceback", None)
        line = " ".join([time, level, event, *(f"{key}={_quoted(value)}" for key, value in fields.items())])
        return f"{line}\n{traceback}" if traceback else line


def set_up(form: str = "text", level: int = logging.INFO) -> Callable[[], None]:
    """Sends the gateway's log, and the server's warnings, to standard error; gives back what ends that and flushes.

    A thread writes: a reader of standard error that is slow or has stopped must not stop the loop.
    """
    lines: SimpleQueue[Any] = SimpleQueue()
    written = logging.StreamHandler(sys.stderr)
    written.setFormatter(Lines(form))
    listener = QueueListener(lines, written)
    queued = _Queued(lines)
    for name, threshold in (("fleetgate", level), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [queued]
        logger.setLevel(threshold)
        logger.propagate = False
    listener.start()
    return listener.stop


class _Queued(QueueHandler):
    """Hands records over as they are, but for tracebacks: those are written at once, and their frames let go."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        return record


def _quoted(value: object) -> str:
    """A field's value on a line of text: what could be taken for another field or line is written as a JSON string."""
    text = str(value)
    return text if text.isascii() and text.isprintable() and not set(text) & set(' ="') else json.dumps(text)
