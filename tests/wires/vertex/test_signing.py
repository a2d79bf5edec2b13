"""Tokens for Vertex: fetched once for all, renewed early, and never in an error's words."""

import asyncio
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import ManualClock
from gateway.core.errors import ProviderNotConfigured, UpstreamCredentials
from gateway.providers.transport.contract import Outgoing
from gateway.providers.vertex.signing import Bearer, Credentials, Token, _end_s, signer

ASKED = Outgoing(b"POST", b"/", [(b"accept", b"x"), (b"authorization", b"old")], b"{}")


class Fetching:
    """Gives tokens that live an hour, or raises what it is told to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.count = 0
        self.failure: Exception | None = None
        self.gate: threading.Event | None = None

    def __call__(self) -> Token:
        self.count += 1
        if self.gate is not None:
            self.gate.wait(5)
        if self.failure is not None:
            raise self.failure
        return Token(f"t{self.count}", self.clock.wall_s() + 3600)


def token_of(outgoing: Outgoing) -> bytes:
    (token,) = [value for name, value in outgoing.headers if name == b"authorization"]
    return token


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not met():
            await asyncio.sleep(0.001)


async def test_a_token_is_fetched_once_for_all_who_wait() -> None:
    fetching = Fetching(ManualClock())
    fetching.gate = threading.Event()
    bearer = Bearer(fetching, fetching.clock)
    waiting = [asyncio.ensure_future(bearer.sign(ASKED)) for _ in range(20)]  # the callers
    await until(lambda: fetching.count == 1)
    waiting[0].cancel()  # who leaves ends it for nobody
    await asyncio.sleep(0)
    fetching.gate.set()
    signed = await asyncio.gather(*waiting[1:])
    assert {token_of(one) for one in signed} == {b"Bearer t1"}
    assert fetching.count == 1
    assert signed[0].headers[0] == (b"accept", b"x")


async def test_a_token_is_renewed_before_its_end_while_calls_go_on_with_it() -> None:
    fetching = Fetching(ManualClock())
    bearer = Bearer(fetching, fetching.clock)
    await bearer.sign(ASKED)
    fetching.clock.advance(2999)
    assert token_of(await bearer.sign(ASKED)) == b"Bearer t1"
    assert fetching.count == 1
    fetching.clock.advance(2)
    fetching.gate = threading.Event()
    assert token_of(await bearer.sign(ASKED)) == b"Bearer t1"
    assert token_of(await bearer.sign(ASKED)) == b"Bearer t1"
    fetching.gate.set()
    await until(lambda: bearer._renews_s > fetching.clock.wall_s())
    assert token_of(await bearer.sign(ASKED)) == b"Bearer t2"
    assert fetching.count == 2


async def test_a_renewal_that_fails_is_tried_again_and_the_old_token_used_as_long_as_it_lives() -> None:
    fetching = Fetching(ManualClock())
    bearer = Bearer(fetching, fetching.clock)
    await bearer.sign(ASKED)
    fetching.failure = UpstreamCredentials("no token")
    fetching.clock.advance(3100)
    for _ in range(3):
        assert token_of(await bearer.sign(ASKED)) == b"Bearer t1"
        await until(lambda: bearer._renews_s > fetching.clock.wall_s())
    assert fetching.count == 2  # it rests in between
    fetching.clock.advance(480)
    with pytest.raises(UpstreamCredentials):
        await bearer.sign(ASKED)
    with pytest.raises(UpstreamCredentials):
        await bearer.sign(ASKED)
    assert fetching.count == 3
    fetching.failure = None
    fetching.clock.advance(11)
    assert token_of(await bearer.sign(ASKED)) == b"Bearer t4"


async def test_a_token_that_is_over_already_is_not_sent() -> None:
    clock = ManualClock()
    bearer = Bearer(lambda: Token("t", clock.wall_s() - 5), clock)
    with pytest.raises(UpstreamCredentials, match="clock"):
        await bearer.sign(ASKED)


def test_a_key_needs_no_signer() -> None:
    assert signer(ProviderSpec("v", "vertex", api_keys=("k",))) is None
    assert signer(ProviderSpec("v", "vertex", api_keys=("",))) is not None


async def test_without_google_auth_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    found = signer(ProviderSpec("v", "vertex"))
    assert found is not None
    with pytest.raises(ProviderNotConfigured, match=r"fleetgate\[vertex\]"):
        await found.sign(ASKED)


# ---------------------------------------------------------------- with google-auth


class Tokens(HTTPServer):
    """A token endpoint."""

    answer: tuple[int, Any] = (200, {"access_token": "ya29.real", "expires_in": 3600, "token_type": "Bearer"})
    asked: list[bytes]


class _Handler(BaseHTTPRequestHandler):
    server: Tokens

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["content-length"])))
        status, body = self.server.answer
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Tokens]:
    server = Tokens(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def account(endpoint: Tokens, tmp_path: Path) -> ProviderSpec:
    rsa = importlib.import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    serialization = importlib.import_module("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "account.json"
    said = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "a@p.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{endpoint.server_port}/token",
    }
    file.write_text(json.dumps(said))
    return ProviderSpec("v", "vertex", credentials_file=str(file))


async def test_a_service_account_gets_a_token(account: ProviderSpec, endpoint: Tokens) -> None:
    found = signer(account)
    assert found is not None
    for _ in range(3):
        assert token_of(await found.sign(ASKED)) == b"Bearer ya29.real"
    (asked,) = endpoint.asked
    assert b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" in asked


def test_a_token_tells_when_it_ends(account: ProviderSpec) -> None:
    assert 3000 < Credentials(account).token().ends_s - time.time() <= 3600


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT secret"}),
        (200, b"<html>"),
        (200, {}),
        (200, []),
        (200, {"access_token": 7, "expires_in": "x"}),
    ],
)
async def test_a_token_that_is_refused_is_told_without_secrets(account: ProviderSpec, endpoint: Tokens, answer: Any) -> None:
    endpoint.answer = answer
    found = signer(account)
    assert found is not None
    with pytest.raises(UpstreamCredentials) as caught:
        await found.sign(ASKED)
    assert "secret" not in caught.value.message
    assert "PRIVATE" not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.fixture(params=["", "{}", "nonsense", '{"type": "service_account", "private_key": "SECRET"}'])
def bad_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "account.json"
    file.write_text(request.param)
    return file


async def test_a_file_that_is_none_is_told_without_its_content(bad_file: Path) -> None:
    for path in (bad_file, bad_file.with_name("nowhere.json")):
        found = signer(ProviderSpec("v", "vertex", credentials_file=str(path)))
        assert found is not None
        with pytest.raises(ProviderNotConfigured, match="credentials_file") as caught:
            await found.sign(ASKED)
        assert "SECRET" not in caught.value.message


async def test_without_any_credentials_the_error_says_where_they_could_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("CLOUDSDK_CONFIG", raising=False)
    found = signer(ProviderSpec("v", "vertex"))
    assert found is not None
    with pytest.raises(ProviderNotConfigured, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        await found.sign(ASKED)
    assert caught.value.__cause__ is None


async def test_each_call_has_an_error_of_its_own() -> None:
    fetching = Fetching(ManualClock())
    fetching.failure = UpstreamCredentials("no")
    bearer = Bearer(fetching, fetching.clock)
    failed = await asyncio.gather(*(bearer.sign(ASKED) for _ in range(3)), return_exceptions=True)
    assert len({id(one) for one in failed}) == 3
    assert all(isinstance(one, UpstreamCredentials) and one.message == "no" for one in failed)
    assert fetching.count == 1


def test_the_end_of_a_token_is_the_same_in_every_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        ends = {_end_s(datetime(2030, 1, 1)), _end_s(datetime(2030, 1, 1, tzinfo=UTC))}  # noqa: DTZ001  # as google-auth has it
    finally:
        monkeypatch.undo()
        time.tzset()
    assert ends == {1_893_456_000.0}
