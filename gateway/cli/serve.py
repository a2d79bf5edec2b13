"""`fleetgate serve`: from the command line to a process that listens, and to its orderly end."""

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.app import Application
from gateway.cli.files import inputs_of
from gateway.cli.listening import AddressRefused, listening
from gateway.cli.program import program
from gateway.cli.screen import Facts, lines
from gateway.config.inputs import Inputs
from gateway.config.load import ConfigRefused, Examined, Loaded, examine
from gateway.config.problems import Problem, Severity, in_order, place_of, render_all, sentence
from gateway.telemetry.logs import FORMATS, set_up
from gateway.web.errors import refused
from gateway.web.server import ServerLimits, protocol_factory
from gateway.web.serving import GatewayServer, config_for, run

log = logging.getLogger("fleetgate.serving")

GC_THRESHOLDS = (20_000, 20, 50)
"""Calls leave almost no cycles behind, and thousands of them are alive at once: the defaults would look through all of
them several times a second and find nothing."""

LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING}
ON_THE_SCREEN = ("no-key",)
"""Warnings that the start screen gives in its own words: nobody needs them twice on a first start."""

FILES_OF_MACOS = 10_240
"""Where the hard limit is none at all, macOS takes this much and not more."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve: whether to follow the configuration's files, and how to tell what happens."""

    follow_files: bool
    log_format: str

    @property
    def for_people(self) -> bool:
        return self.log_format == "text"


def serve(config: Path | None, host: str | None, port: int | None, reload: bool, log_format: str, debug: bool) -> int:
    """Serves until it is told to stop. 0: stopped in order; 1: it could not start, and said why; 2: a wrong option."""
    if log_format not in FORMATS:
        print(f"Give --log-format {' or '.join(FORMATS)}, not {log_format!r}.", file=sys.stderr)
        return 2
    stop_logs = set_up(log_format, logging.DEBUG if debug else logging.INFO)
    try:
        return _start(inputs_of(config, host, port), Options(reload, log_format))
    except (ConfigRefused, AddressRefused) as error:
        _complain(str(error), Options(reload, log_format))
        return 1
    finally:
        stop_logs()


def _start(inputs: Inputs, options: Options) -> int:
    examined = examine(inputs)
    _report([problem for problem in examined.problems if problem.severity in LEVELS], options)
    if examined.loaded is None:
        return 1
    raise_file_limit()
    with ExitStack() as opened:
        sockets = [opened.enter_context(one) for one in listening(examined.loaded.listen)]
        return run(_serve(inputs, examined, examined.loaded, sockets, options))


async def _serve(inputs: Inputs, examined: Examined, loaded: Loaded, sockets: list[socket.socket], options: Options) -> int:
    application = Application(inputs, follow_files=options.follow_files)
    await application.start(examined)
    bounds = loaded.snapshot.bounds
    protocol = protocol_factory(ServerLimits(receive_s=bounds.receive_s), refused)
    server = GatewayServer(
        config_for(application.asgi, protocol, loaded.listen.host, loaded.listen.port),
        application.inflight,
        application.tasks,
        lambda: application.live.current.bounds.drain_s,
        lambda port: _tell(examined, loaded, port, options),
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: application.tasks.spawn(application.live.reload(), "reload"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    await server.serve(sockets)
    return 0 if server.started else 1


def _tell(examined: Examined, loaded: Loaded, port: int, options: Options) -> None:
    listen = loaded.listen._replace(port=port)
    path = str(loaded.path) if loaded.path else None
    if options.for_people:
        facts = Facts(listen, path, loaded.found, loaded.unserved, idle_keys(examined.problems), program())
        with suppress(OSError):  # nobody reads it: that is no reason not to serve
            print("\n".join(lines(facts, loaded.snapshot)), flush=True)
    else:
        fields = {"address": f"http://{listen}", "config": path, "version": loaded.snapshot.version}
        log.info("listening", extra={"fields": fields})


def idle_keys(problems: Sequence[Problem]) -> tuple[str, ...]:
    """The keys that were set and do nothing yet."""
    idle = [one for one in in_order(problems) if one.rule == "not-yet"]
    return tuple(dict.fromkeys("policies" if one.key == "policy" else one.key for one in idle))


def _report(problems: Sequence[Problem], options: Options) -> None:
    """Tells them on standard error: with their lines of the file for people, as events of the log for programs."""
    if options.for_people:
        if told := [one for one in problems if one.rule not in ON_THE_SCREEN]:
            print(render_all(told), file=sys.stderr)
        return
    for one in in_order(problems):
        log.log(LEVELS[one.severity], "config", extra={"fields": {"where": place_of(one), "why": sentence(one)}})


def _complain(message: str, options: Options) -> None:
    if options.for_people:
        print(message, file=sys.stderr)
    else:
        log.error("cannot start", extra={"fields": {"why": message}})


def raise_file_limit() -> None:
    """A call in flight holds two sockets: takes as many files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, max(soft, FILES_OF_MACOS)):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
