"""What tells that a configuration's files have changed. Apart from their reading: nothing is opened here. Blocks."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (".yaml", ".yml")

Stamp = tuple[int, ...] | None
"""Of a file its times, size and inode; of anything else only what it is; None: there is nothing, or it cannot be told."""

Stamps = Mapping[Path, Stamp]


@dataclass(frozen=True)
class Watched:
    """The files that a configuration was read from as they were then, and the folder whose policies it takes."""

    stamps: Stamps = field(default_factory=dict)
    policies: Path | None = None

    def now(self) -> Stamps:
        """The same files as they are now, with the policies that the folder has now."""
        return {path: stamp(path) for path in (*self.stamps, *self._found())}

    def _found(self) -> list[Path]:
        try:
            return policy_files(self.policies) or [] if self.policies else []
        except (OSError, ValueError):  # the folder's own stamp tells when that changes
            return []


def policy_files(folder: Path) -> list[Path] | None:
    """The policy files of a folder, in the order of their names; None where there is no folder.

    Raises OSError or ValueError where that cannot be told: a folder that may not be read is not an empty one.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if entry.name.endswith(SUFFIXES))
    except (FileNotFoundError, NotADirectoryError):
        return None


def stamp(path: Path) -> Stamp:
    """The stamp of what is there now."""
    try:
        return stamp_of(path.stat())
    except (OSError, ValueError):
        return None


def stamp_of(found: os.stat_result) -> Stamp:
    """The change time is in it because access rights change no other."""
    if stat.S_ISREG(found.st_mode):
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
    return found.st_mode, found.st_uid, found.st_gid, found.st_ino
