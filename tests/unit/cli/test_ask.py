"""`fleetgate ask` at a real gateway: the answer and nothing else on standard output, what to do on standard error."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.ask import base_url_of, shown
from tests.journeys.processes import ROOT, Gateway
from tests.unit.cli.conftest import KEY

cli = CliRunner()


def ask(gateway: Gateway, *words: str, key: str = KEY, given: str | None = None) -> tuple[int, str, str]:
    done = cli.invoke(app, ["ask", *words, "--url", gateway.base_url, "--key", key], input=given)
    return done.exit_code, done.stdout, done.stderr


@contextmanager
def started(gateway: Gateway, *words: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "gateway", "ask", *words, "--url", gateway.base_url, "--key", KEY]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        try:
            yield asking
        finally:
            asking.kill()


def test_the_answer_is_all_there_is_on_standard_output(running: Gateway) -> None:
    assert ask(running, "hällo 😀 there") == (0, "hällo 😀 there\n", "")


def test_a_dash_takes_the_question_from_standard_input(running: Gateway) -> None:
    assert ask(running, "-", given="from a pipe") == (0, "from a pipe\n", "")


def test_the_variables_of_the_sdks_are_taken(running: Gateway) -> None:
    done = cli.invoke(app, ["ask", "hello"], env={"OPENAI_BASE_URL": running.base_url, "OPENAI_API_KEY": KEY})
    assert (done.exit_code, done.stdout) == (0, "hello\n")


@pytest.mark.parametrize("key", ["sk-fg-of-somebody-else", ""])
def test_a_wrong_key_is_answered_with_how_to_give_another(running: Gateway, key: str) -> None:
    code, out, err = ask(running, "hello", key=key)
    assert (code, out) == (1, "")
    assert err.startswith("Send a key of this gateway with --key or OPENAI_API_KEY")


def test_an_unknown_model_is_answered_with_the_nearest(running: Gateway) -> None:
    code, out, err = ask(running, "hello", "-m", "ekko")
    assert (code, out) == (1, "")
    assert "'echo'" in err


def test_a_provider_without_a_key_is_told_with_its_variable(running: Gateway) -> None:
    code, out, err = ask(running, "hello", "-m", "keyless")
    assert (code, out) == (1, "")
    assert "NO_SUCH_VARIABLE" in err


def test_an_answer_that_breaks_off_ends_with_its_own_line_and_a_failure(running: Gateway) -> None:
    code, out, err = ask(running, "one two three four", "-m", "echo:cut_after=2")
    assert (code, out) == (1, "one two\n")
    assert "upstream-broken" in err or "before the end" in err


def test_no_gateway_is_answered_with_how_to_start_one() -> None:
    done = cli.invoke(app, ["ask", "hello", "--url", "http://127.0.0.1:1/v1"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "serve`" in done.stderr
    assert "http://127.0.0.1:1/v1" in done.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost:8080/v1", "ftp://x", "", "http://", "http://a b/v1"])
def test_what_is_no_url_is_answered_with_the_form_of_one(url: str) -> None:
    done = cli.invoke(app, ["ask", "hello", "--url", url])
    assert done.exit_code == 2
    assert "http://HOST:PORT/v1" in done.stderr


@pytest.mark.parametrize("key", ["kéy", "a\nb"])
def test_a_key_that_no_header_can_hold_is_told(key: str) -> None:
    done = cli.invoke(app, ["ask", "hello", "--key", key])
    assert done.exit_code == 2
    assert "--key" in done.stderr
    assert key not in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://h:1", "http://h:1/v1"),
        ("http://h:1/", "http://h:1/v1"),
        ("http://h:1/v1/", "http://h:1/v1"),
        ("https://h/gateway/v1", "https://h/gateway/v1"),
    ],
)
def test_a_bare_origin_gets_the_path_of_the_api(given: str, meant: str) -> None:
    assert base_url_of(given) == meant


def test_a_model_cannot_command_the_terminal() -> None:
    hostile = "\x1b]0;title\x07red\x9b31m\r\nline\ttab"
    assert shown(hostile, terminal=True) == "]0;titlered31m\nline\ttab"
    assert shown(hostile, terminal=False) == hostile


def test_words_arrive_one_by_one_and_ctrl_c_ends_it_quietly(running: Gateway) -> None:
    with started(running, "one two three", "-m", "echo:hang_after=1") as asking:
        assert asking.stdout is not None
        assert asking.stdout.read(3) == "one"
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=15)
    assert (asking.returncode, out, err) == (130, "\n", "")


def test_a_reader_that_leaves_ends_it_without_a_traceback(running: Gateway) -> None:
    with started(running, "hello", "-m", "echo:words=500,delay=10ms") as asking:
        assert asking.stdout is not None
        assert asking.stderr is not None
        asking.stdout.read(1)
        asking.stdout.close()
        assert asking.wait(15) == 1
        assert "Traceback" not in asking.stderr.read()
