"""`fleetgate serve`: from the command line to a process that listens, and to its orderly end."""

import asyncio
import gc
import logging
import resource
import signal
import sys
from pathlib import Path

from gateway.app import Application
from gateway.cli.files import inputs_of
from gateway.cli.screen import Facts, lines
from gateway.config.inputs import Inputs
from gateway.config.load import ConfigRefused, Examined, Loaded, examine
from gateway.config.problems import Severity, render_all
from gateway.telemetry.logs import FORMATS, set_up
from gateway.web.errors import rendered
from gateway.web.server import ServerLimits, protocol_factory
from gateway.web.serving import GatewayServer, config_for, run

GC_THRESHOLDS = (20_000, 20, 50)
"""Calls leave almost no cycles behind, and thousands of them are alive at once: the defaults would look through all of
them several times a second and find nothing."""


def serve(config: Path | None, host: str | None, port: int | None, reload: bool, log_format: str, debug: bool) -> int:
    """Serves until it is told to stop. 0: stopped in order; 1: it could not start, and said why."""
    if log_format not in FORMATS:
        print(f"--log-format takes {' or '.join(FORMATS)}, not {log_format!r}.", file=sys.stderr)
        return 2
    inputs = inputs_of(config, host, port)
    examined = examine(inputs)
    shown = [problem for problem in examined.problems if problem.severity is not Severity.NOTE]
    if shown:
        print(render_all(shown), file=sys.stderr)
    if examined.loaded is None:
        return 1
    raise_file_limit()
    stop_logs = set_up(log_format, logging.DEBUG if debug else logging.INFO)
    try:
        return run(_serve(inputs, examined, examined.loaded, follow_files=reload))
    except ConfigRefused as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        stop_logs()


async def _serve(inputs: Inputs, examined: Examined, loaded: Loaded, *, follow_files: bool) -> int:
    application = Application(inputs, follow_files=follow_files)
    await application.start(examined)
    bounds = loaded.snapshot.bounds
    protocol = protocol_factory(ServerLimits(receive_s=bounds.receive_s), rendered)
    server = GatewayServer(
        config_for(application.asgi, protocol, loaded.listen.host, loaded.listen.port),
        application.inflight,
        application.tasks,
        lambda: application.live.current.bounds.drain_s,
        lambda port: _tell(loaded, port),
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: application.tasks.spawn(application.live.reload(), "reload"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    await server.serve()
    return 0 if server.started else 1


def _tell(loaded: Loaded, port: int) -> None:
    listen = loaded.listen._replace(port=port)
    facts = Facts(f"http://{listen}", str(loaded.path) if loaded.path else None, loaded.found, loaded.unserved)
    print("\n".join(lines(facts, loaded.snapshot)), flush=True)


def raise_file_limit() -> None:
    """A call in flight holds two sockets: takes as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
