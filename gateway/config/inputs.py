"""Where a configuration comes from: which file, which environment, and what the command line puts over it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.models.server import Listen
from gateway.core.clock import SystemClock
from gateway.identity.keys import new_pepper

VARIABLE = "FLEETGATE_CONFIG"
NAME = "config.yaml"


@dataclass(frozen=True)
class Inputs:
    """All that a configuration depends on; the same inputs are read again on every reload.

    `path` None is zero config. `host` and `port` stand over the configured address. `pepper` and `born_s` (Unix time)
    are this process's own.
    """

    path: Path | None
    environ: Mapping[str, str]
    host: str | None = None
    port: int | None = None
    pepper: bytes = field(default_factory=new_pepper, repr=False)
    born_s: int = field(default_factory=lambda: int(SystemClock().wall_s()))

    def listen(self, configured: Listen) -> Listen:
        """The address that is really used."""
        return Listen(
            configured.host if self.host is None else self.host.strip("[]"), configured.port if self.port is None else self.port
        )


def find_config(argument: Path | None, environ: Mapping[str, str], cwd: Path = Path()) -> Path | None:
    """The file to read: the one named on the command line, else by FLEETGATE_CONFIG, else ./config.yaml where it
    stands, else none. A file that is named need not exist: reading it tells."""
    if argument is not None:
        return argument
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    here = cwd / NAME
    try:
        return here if here.is_file() else None
    except OSError:  # it cannot be told whether it stands there: reading it tells why
        return here
