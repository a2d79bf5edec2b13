"""Reads configuration files and the secrets they refer to from disk; everything that fails becomes a problem. Blocks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.document import Document
from gateway.config.problems import Problem
from gateway.config.reading import read_document
from gateway.config.references import FILE_LIMIT, References

SIZE_LIMIT = 16 * 1024 * 1024
PATTERNS = ("*.yaml", "*.yml")

Stamps = Mapping[Path, tuple[int, int, int] | None]
"""What tells that a file has changed: time, size, inode; None: it cannot be read."""


@dataclass(frozen=True)
class Watched:
    """The files that a configuration was read from as they were then, and the folder whose policies it takes."""

    stamps: Stamps = field(default_factory=dict)
    policies: Path | None = None

    def now(self) -> Stamps:
        """The same files as they are now, with the policies that the folder has now. Blocks."""
        found = policy_files(self.policies) if self.policies else []
        return {path: _stamp(path) for path in (*self.stamps, *found)}


class Files:
    """The files of one configuration; relative paths start at `folder`. `stamps` are those of all that was read."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._references = References(environ, self._secret)
        self.stamps: dict[Path, tuple[int, int, int] | None] = {}

    def read(self, path: Path) -> Document:
        """The document; `data` is None where there is nothing to go on with."""
        try:
            text = self._text(path, SIZE_LIMIT)
        except UnicodeDecodeError as error:
            return _unreadable(path, "this is not UTF-8", "save it as UTF-8", error.object[: error.start])
        except (OSError, ValueError) as error:
            return _unreadable(path, _reason(error), _remedy(path, error))
        return read_document(str(path), text, self._references)

    def _secret(self, name: str) -> str:
        return self._text(self._folder / name, FILE_LIMIT)

    def _text(self, path: Path, limit: int) -> str:
        self.stamps[path] = None
        with path.open("rb") as file:
            self.stamps[path] = _stamp_of(os.fstat(file.fileno()))  # before reading: what changes later is seen as a change
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"it is longer than {limit // 1024} KiB")
        return data.decode("utf-8-sig")


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, in the order of their names; none where there is no folder."""
    return sorted(file for pattern in PATTERNS for file in folder.glob(pattern))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        return _stamp_of(path.stat())
    except OSError:
        return None


def _stamp_of(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _reason(error: Exception) -> str:
    return f"it cannot be read: {getattr(error, 'strerror', None) or error}"


def _remedy(path: Path, error: Exception) -> str:
    other = "name another with --config or FLEETGATE_CONFIG"
    if isinstance(error, FileNotFoundError):
        return f"write one with `fleetgate init {path}`, or {other}"
    if isinstance(error, IsADirectoryError):
        return f"name a file, such as {path / 'config.yaml'}"
    if isinstance(error, PermissionError):
        return f"let this user read it, or {other}"
    return other


def _unreadable(path: Path, message: str, hint: str, before: bytes | None = None) -> Document:
    line, column = (before.count(b"\n") + 1, len(before) - before.rfind(b"\n")) if before is not None else (0, 0)
    problem = Problem(str(path), line, column, message, hint, rule="unreadable")
    return Document(str(path), [], problems=[problem])
