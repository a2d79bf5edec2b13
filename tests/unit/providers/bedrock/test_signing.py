"""Signatures of AWS's, checked by computing them again from the published recipe; and what is said where there are none."""

import asyncio
import hashlib
import hmac
import importlib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import ManualClock
from gateway.core.errors import ProviderNotConfigured, UpstreamCredentials
from gateway.providers.bedrock.signing import FRESH_S, REST_S, SigV4, signer
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import WIRES

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
SPEC = ProviderSpec("p", "bedrock", f"https://{HOST}", location="us-east-1")
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1:0"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROTATED = {"access_key": "AKIDROLE", "secret_key": SECRET, "token": "t", "expiry_time": "2999-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those of the test."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")


def written(spec: ProviderSpec = SPEC, model: str = ARN) -> Outgoing:
    fields: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    asked = ModelRequest(Operation.CHAT, b"", fields, False, model, False, False)
    return WIRES["bedrock"].write(asked, Target("p", model, "p/m"), spec, None, {})


async def signed(spec: ProviderSpec = SPEC) -> Outgoing:
    return await SigV4(spec).sign(written(spec))


def digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature_of(outgoing: Outgoing, host: str, path: str) -> str:
    """The `Authorization` of a request, by the recipe: docs.aws.amazon.com, "Create a signed AWS API request"."""
    headers = {name.decode(): value.decode() for name, value in outgoing.headers} | {"host": host}
    names = "content-type;host;x-amz-date;x-amz-security-token"
    canonical = "\n".join(
        [
            "POST",
            path,
            "",
            *(f"{name}:{headers[name]}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(outgoing.body).hexdigest(),
        ]
    )
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/us-east-1/bedrock/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = digest(key, part)
    credential = f"Credential=AKIDEXAMPLE/{scope}"
    return f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={digest(key, to_sign).hex()}"


@pytest.mark.usefixtures("_credentials")
async def test_the_signature_is_over_the_path_escaped_twice() -> None:
    outgoing = await signed()
    headers = dict(outgoing.headers)
    assert outgoing.path == f"/model/{quote(ARN, safe='')}/converse".encode()
    twice = f"/model/{quote(quote(ARN, safe=''), safe='')}/converse"
    assert "%253A" in twice
    assert "%252F" in twice
    assert headers[b"x-amz-security-token"] == b"session-token"
    assert headers[b"authorization"].decode() == signature_of(outgoing, HOST, twice)
    assert (outgoing.body, outgoing.dropped) == (written().body, ())
    assert b"host" not in headers


@pytest.mark.usefixtures("_credentials")
async def test_another_host_with_a_port_and_a_path_of_its_own() -> None:
    spec = ProviderSpec("p", "bedrock", "http://user:pass@127.0.0.1:8080/vpc", location="us-east-1")
    outgoing = await signed(spec)
    path = f"/vpc/model/{quote(quote(ARN, safe=''), safe='')}/converse"
    assert dict(outgoing.headers)[b"authorization"].decode() == signature_of(outgoing, "127.0.0.1:8080", path)


@pytest.mark.usefixtures("_credentials")
async def test_many_requests_may_be_signed_at_once() -> None:
    one = SigV4(SPEC)
    several = await asyncio.gather(*(one.sign(written()) for _ in range(20)))
    assert len({dict(outgoing.headers)[b"authorization"] for outgoing in several}) <= 2


async def test_a_profile_of_the_machines(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    await asyncio.to_thread(file.write_text, f"[work]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\n")
    spec = ProviderSpec("p", "bedrock", f"https://{HOST}", location="us-east-1", profile="work")
    assert b"Credential=AKIDEXAMPLE/" in dict((await signed(spec)).headers)[b"authorization"]


async def test_a_profile_that_there_is_not() -> None:
    spec = ProviderSpec("p", "bedrock", f"https://{HOST}", location="us-east-1", profile="nowhere")
    with pytest.raises(ProviderNotConfigured, match="nowhere"):
        await signed(spec)


async def test_no_credentials_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    one = SigV4(SPEC, clock)
    with pytest.raises(ProviderNotConfigured, match=r"AWS_BEARER_TOKEN_BEDROCK.*AWS_ACCESS_KEY_ID"):
        await one.sign(written())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(ProviderNotConfigured):
        await one.sign(written())  # it does not look again at once
    clock.advance(REST_S)
    assert b"authorization" in dict((await one.sign(written())).headers)


async def test_credentials_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")  # and no secret
    with pytest.raises(UpstreamCredentials, match="PartialCredentialsError"):
        await signed()


@pytest.mark.parametrize("said", [{"Error": {"Code": "AccessDenied", "Message": "arn:aws:iam::1:role/x"}}, None])
async def test_credentials_that_cannot_be_renewed(monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    exceptions = importlib.import_module("botocore.exceptions")
    session = importlib.import_module("botocore.session")

    class Role:
        def get_frozen_credentials(self) -> None:
            raise exceptions.ClientError(said, "AssumeRole") if said else RuntimeError("still expired")

    monkeypatch.setattr(session.Session, "get_credentials", lambda _: Role())
    with pytest.raises(UpstreamCredentials) as caught:
        await signed()
    assert "arn" not in caught.value.message


async def test_credentials_in_a_file_are_read_again(tmp_path: Path) -> None:
    file, clock = tmp_path / "credentials", ManualClock()
    one = SigV4(SPEC, clock)

    async def key_of(written_key: str) -> bytes:
        text = f"[default]\naws_access_key_id = {written_key}\naws_secret_access_key = {SECRET}\n" if written_key else ""
        await asyncio.to_thread(file.write_text, text)
        authorization = dict((await one.sign(written())).headers)[b"authorization"]
        return authorization.partition(b"Credential=")[2].partition(b"/")[0]

    assert await key_of("AKIDFIRST") == b"AKIDFIRST"
    assert await key_of("AKIDSECOND") == b"AKIDFIRST"
    clock.advance(FRESH_S)
    assert await key_of("AKIDSECOND") == b"AKIDSECOND"
    clock.advance(FRESH_S)
    assert await key_of("") == b"AKIDSECOND", "a file that is just being written does not take what there was"


async def test_credentials_that_renew_themselves_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = importlib.import_module("botocore.credentials")
    session, clock = importlib.import_module("botocore.session"), ManualClock()
    found = [credentials.DeferredRefreshableCredentials(lambda: ROTATED, "assume-role")]
    monkeypatch.setattr(session.Session, "get_credentials", lambda _: found.pop())
    one = SigV4(SPEC, clock)
    await one.sign(written())
    clock.advance(FRESH_S)
    assert b"Credential=AKIDROLE/" in dict((await one.sign(written())).headers)[b"authorization"]


async def test_without_botocore_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("botocore", "botocore.auth", "botocore.awsrequest"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProviderNotConfigured, match=r"pip install 'fleetgate\[bedrock\]'"):
        await signed()


def test_who_has_a_key_needs_no_signature() -> None:
    assert signer(ProviderSpec("p", "bedrock", api_keys=("k",))) is None
    assert isinstance(signer(SPEC), SigV4)
