"""Reads configuration files and what they refer to from disk; everything that fails becomes a problem. Blocks, but only
on the disk: a pipe or a device, which might never answer, is refused where a file is expected."""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.config.document import Document
from gateway.config.problems import Problem
from gateway.config.reading import read_document
from gateway.config.references import FILE_LIMIT, References
from gateway.config.watched import Stamp, policy_files, stamp, stamp_of

SIZE_LIMIT = 16 * 1024 * 1024
OTHER = "name another with --config or FLEETGATE_CONFIG"
PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Failures of this process and not of the file: nothing about the file changes when they are over."""


class NotAFile(ValueError):
    """Something else stands where a file is expected."""

    def __init__(self, mode: int) -> None:
        self.kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        super().__init__(f"it is {self.kind}, not a file")


class Files:
    """The files of one configuration; relative paths start at `folder`. `stamps` are those of all that was read."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._references = References(environ, self._secret)
        self.stamps: dict[Path, Stamp] = {}

    def config(self, path: Path, *, pipe: bool) -> Document:
        """The document; `data` is None where there is nothing to go on with. `pipe`: it may come through one."""
        return self._document(path, _remedy, pipe=pipe)

    def policy(self, path: Path) -> Document:
        """The same for a policy."""
        return self._document(path, _remedy_of_policy)

    def policies(self, folder: Path) -> list[Path] | None:
        """The policies of a folder; None where there is no folder. Raises OSError or ValueError for one that cannot be read."""
        self.stamps[folder] = stamp(folder)
        try:
            return policy_files(folder)
        except OSError as error:
            self._forget(folder, error)
            raise

    def content(self, name: str) -> bytes:
        """What is in a file. Raises OSError or ValueError where it cannot be read."""
        return self._bytes(self._folder / name, SIZE_LIMIT)

    def _document(self, path: Path, remedy: Callable[[Path, Exception], str], *, pipe: bool = False) -> Document:
        try:
            text = self._bytes(path, SIZE_LIMIT, pipe=pipe).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return _unreadable(path, "this is not UTF-8", "save it as UTF-8", error.object[: error.start])
        except (OSError, ValueError) as error:
            return _unreadable(path, f"it cannot be read: {reason(error)}", remedy(path, error))
        return read_document(str(path), text, self._references)

    def _secret(self, name: str) -> str:
        return self._bytes(self._folder / name, FILE_LIMIT).decode("utf-8-sig")

    def _bytes(self, path: Path, limit: int, *, pipe: bool = False) -> bytes:
        self.stamps[path] = stamp(path)  # where opening fails: it is told once, and again when this changes
        try:
            waits = _check(path.stat().st_mode, pipe=pipe)  # before opening: that alone does something to some devices
            with open(path, "rb", opener=None if waits else _without_waiting) as file:
                found = os.fstat(file.fileno())
                _check(found.st_mode, pipe=pipe)
                self.stamps[path] = stamp_of(found)  # before reading: what changes later is seen as a change
                data = file.read(limit + 1)
        except OSError as error:
            self._forget(path, error)
            raise
        if len(data) > limit:
            raise ValueError(f"it is longer than {limit // 1024} KiB")
        return data

    def _forget(self, path: Path, error: OSError) -> None:
        if error.errno in PASSING:
            self.stamps[path] = None  # which differs from what is there: it is tried again


def reason(error: Exception) -> str:
    """Why reading failed, in the system's words where it has some."""
    return getattr(error, "strerror", None) or str(error)


def _check(mode: int, *, pipe: bool) -> bool:
    """Whether it is a pipe that may be waited for. Raises `NotAFile`; folders are left to whoever opens them."""
    if stat.S_ISFIFO(mode) and pipe:
        return True
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise NotAFile(mode)
    return False


def _without_waiting(path: str, flags: int) -> int:
    """Opens what became a pipe only just now, too, without a wait for its other end."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _remedy(path: Path, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"write one with `fleetgate init {path}`, or {OTHER}"
        case IsADirectoryError():
            return f"name a file, such as {path / 'config.yaml'}"
        case PermissionError():
            return f"let this user read it, or {OTHER}"
        case NotAFile(kind="a pipe"):
            return "restart the gateway to read from the pipe again, or put a file there"
    return OTHER


def _remedy_of_policy(_: Path, error: Exception) -> str:
    first = "let this user read it" if isinstance(error, PermissionError) else "mend it"
    return f"{first}, or take it out of the folder"


def _unreadable(path: Path, message: str, hint: str, before: bytes | None = None) -> Document:
    line, column = (before.count(b"\n") + 1, len(before) - before.rfind(b"\n")) if before is not None else (0, 0)
    problem = Problem(str(path), line, column, message, hint, rule="unreadable")
    return Document(str(path), [], problems=[problem])
