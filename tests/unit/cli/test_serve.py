"""`fleetgate serve` and the command as a whole: what starts, what is refused, and what is said about it."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import __version__
from gateway.cli import app, with_command
from gateway.cli.listening import AddressRefused, listening
from gateway.cli.serve import idle_keys
from gateway.config.models.server import Listen
from gateway.config.problems import Problem, Severity
from tests.journeys.processes import ROOT, Gateway

cli = CliRunner()
UNWANTED = re.compile(r"(OPENAI|ANTHROPIC|GEMINI|GOOGLE|AZURE|AWS|FLEETGATE)_")


def command(*words: str, cwd: Path, stdout: int | None = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    environ = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)} | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words], cwd=cwd, env=environ, stdout=stdout, stderr=subprocess.PIPE, text=True,
        timeout=15, check=False,
    )  # fmt: skip


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version(option: str) -> None:
    done = cli.invoke(app, [option])
    assert (done.exit_code, done.stdout) == (0, f"fleetgate {__version__}\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("of", [[], ["serve"], ["init"], ["check"], ["schema"], ["ask"], ["models"], ["pipeline"]])
def test_every_command_has_help(of: list[str], option: str) -> None:
    done = cli.invoke(app, [*of, option])
    assert done.exit_code == 0
    assert "..." not in done.stdout.replace("[ARGS]...", "")  # no sentence is cut


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["serve"]),
        (["-p", "80"], ["serve", "-p", "80"]),
        (["--config", "x"], ["serve", "--config", "x"]),
        (["check"], ["check"]),
        (["--version"], ["--version"]),
        (["-h"], ["-h"]),
    ],
)
def test_without_a_command_it_serves(given: list[str], meant: list[str]) -> None:
    assert with_command(given) == meant


@pytest.mark.parametrize("words", [["--nope"], ["nope"], ["-p", "abc"], ["-p", "65536"], ["-p", "-1"]])
def test_a_wrong_word_is_told_on_standard_error(words: list[str], tmp_path: Path) -> None:
    done = command(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words[-1] in done.stderr or "65535" in done.stderr or "Invalid value for '--port'" in done.stderr


def test_a_port_that_is_taken_is_answered_with_how_to_take_another(taken: int, tmp_path: Path) -> None:
    done = command("-p", str(taken), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Take another port with -p (0 finds a free one), or stop what listens there: 127.0.0.1:{taken} is in use.\n"
    )


def test_a_start_that_fails_is_an_event_where_the_log_is_json(taken: int, tmp_path: Path) -> None:
    done = command("-p", str(taken), "--log-format", "json", cwd=tmp_path)
    (event,) = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, event["level"], event["event"]) == (1, "error", "cannot start")
    assert event["why"].startswith("Take another port")


def test_nobody_listens_to_the_world_without_keys(tmp_path: Path) -> None:
    done = command("--host", "0.0.0.0", "-p", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "`fleetgate init`" in done.stderr


def test_a_configuration_that_is_wrong_starts_nothing_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("servr: {}\n")
    done = command(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "config.yaml:1:1: did you mean 'server'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_cannot_be_written_is_no_traceback(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as output:
        done = command("pipeline", cwd=tmp_path, stdout=output.fileno())
    assert done.returncode == 1
    assert done.stderr.startswith("fleetgate could not go on")


def test_the_screen_of_a_running_gateway_names_what_does_nothing_yet(tmp_path: Path) -> None:
    text = "server: { workers: 4 }\nproviders: { echo: { wire: echo } }\nmodels: { echo: echo/echo }\n"
    gateway = Gateway(tmp_path, text)
    try:
        assert "without effect in this version: server.workers" in gateway.tail()
        assert f"export OPENAI_BASE_URL={gateway.base_url}" in gateway.tail()
    finally:
        assert gateway.stop() == 0


def test_the_keys_that_do_nothing_yet_are_told_once() -> None:
    def note(key: str, rule: str = "not-yet") -> Problem:
        return Problem("config.yaml", 1, 1, "", "", Severity.NOTE, rule, key=key)

    told = [note("server.held"), note("policy"), note("policy"), note("x", "other")]
    assert idle_keys(told) == ("server.held", "policies")


def test_a_name_with_several_addresses_gets_one_port() -> None:
    sockets = listening(Listen("localhost", 0))
    try:
        assert sockets
        assert len({one.getsockname()[1] for one in sockets}) == 1
        with socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1]), timeout=5):
            pass
    finally:
        for one in sockets:
            one.close()


def test_an_address_of_another_machine_is_refused_with_advice() -> None:
    with pytest.raises(AddressRefused, match="Name an address of this machine with --host"):
        listening(Listen("192.0.2.1", 0))  # reserved for documentation


def test_a_host_that_nobody_knows_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressRefused, match="cannot be resolved"):
        listening(Listen("nobody.invalid", 0))


def test_a_refused_address_leaves_no_socket_open(taken: int) -> None:
    with pytest.raises(AddressRefused, match="in use"):
        listening(Listen("127.0.0.1", taken))  # a socket left open is a ResourceWarning, and a warning is an error


def test_a_first_start_shows_a_missing_key_once(tmp_path: Path) -> None:
    text = 'providers: { o: { api_keys: [ "${MISSING:-}" ] } }\nmodels: { "*": o/* }\n'
    gateway = Gateway(tmp_path, text)
    try:
        assert gateway.tail().count("MISSING") == 1
    finally:
        assert gateway.stop() == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full"])
def test_closed_or_full_standard_files_keep_it_neither_from_serving_nor_from_ending(closed: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = f"cd {tmp_path} && exec {sys.executable} -m gateway serve -p {port} {closed}"
    environ = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)} | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(["bash", "-c", command], env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with suppress(OSError):
                    probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    probe.request("GET", "/readyz", headers={"connection": "close"})
                    probe.getresponse().read()
                    probe.close()
                    break
                time.sleep(0.1)
        finally:
            process.terminate()
        assert process.wait(15) == 0
