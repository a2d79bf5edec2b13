"""How this command is called again from the same shell: what the start screen and hints invite to paste must be found there."""

import shutil
import sys
from pathlib import Path

NAME = "fleetgate"


def program() -> str:
    """`fleetgate` where the shell finds it, else the way it was called this time."""
    called = sys.argv[0]
    if shutil.which(NAME):
        return NAME
    return called if Path(called).name == NAME else f"{sys.orig_argv[0]} -m gateway"
