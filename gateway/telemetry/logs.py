"""The log: an event's name and its fields, one line each, for people or as JSON; never a secret, never a body."""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from queue import Full, Queue
from threading import Thread
from typing import Final, TextIO

FORMATS = ("text", "json")

WAITING: Final = 10_000
FLUSH_S: Final = 2.0


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
    """Sends the gateway's log, and the server's warnings, to standard error; gives back what ends that and flushes."""
    writer = Writer(Lines(form), sys.stderr)
    for name, threshold in (("fleetgate", level), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [writer]
        logger.setLevel(threshold)
        logger.propagate = False
    return writer.stop


class Writer(logging.Handler):
    """Writes in a thread: a reader of standard error that is slow or has stopped must not stop the loop.

    Nor may it fill the memory or hold up the end: past `WAITING` lines new ones are dropped and counted, and the thread is
    given `FLUSH_S` to write what waits.
    """

    def __init__(self, lines: Lines, out: TextIO) -> None:
        super().__init__()
        self._lines = lines
        self._out = out
        self._waiting: Queue[logging.LogRecord | None] = Queue(WAITING)
        self._dropped = 0
        self._thread = Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:  # written now, so that its frames are not kept alive
            record.exc_text = self._lines.formatException(record.exc_info)
            record.exc_info = None
        try:
            self._waiting.put_nowait(record)
        except Full:
            self._dropped += 1

    def stop(self) -> None:
        """Writes what waits, if that can be done in time."""
        with suppress(Full):
            self._waiting.put(None, timeout=FLUSH_S)
        self._thread.join(FLUSH_S)

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None:
            with suppress(OSError, ValueError):  # nobody reads standard error: there is nowhere to say so
                self._out.write(self._lines.format(record) + "\n")
                if dropped := self._dropped:
                    self._dropped = 0
                    self._out.write(f"{dropped} lines were dropped: standard error is read too slowly\n")
                self._out.flush()


def _quoted(value: object) -> str:
    """A field's value on a line of text: what could be taken for another field or line is written as a JSON string."""
    text = str(value)
    return text if text.isascii() and text.isprintable() and not set(text) & set(' ="') else json.dumps(text)
