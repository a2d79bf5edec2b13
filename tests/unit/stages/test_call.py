"""What of the caller goes with a call to its target, and what is kept of a call that goes straight to its only one."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.core.upstream import Ask, Owner
from gateway.dialects.ownership import mark
from gateway.identity.keys import digest
from tests.house import KEY, PEPPER, Client, Gateway, ScriptedReply, ScriptedUpstream, chat
from tests.unit.stages.chains import PAUSE, Chained, Provider

AUTH = (b"authorization", b"Bearer " + KEY.encode())
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Noting(ScriptedUpstream):
    """Keeps the headers that it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[bytes, bytes]] = []

    async def call(self, ask):  # type: ignore[no-untyped-def]
        self.headers.append(dict(ask.headers))
        return await super().call(ask)


async def sent(*headers: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    upstream = Noting()
    await Gateway(upstream).ask(Client(chat(), headers=[AUTH, *headers]))
    return upstream.headers[0]


async def test_the_provider_is_told_of_our_span_in_the_callers_trace() -> None:
    told = (await sent((b"traceparent", TRACE)))[b"traceparent"]
    assert told.split(b"-")[1] == TRACE.split(b"-")[1]
    assert told.split(b"-")[2] != TRACE.split(b"-")[2]


async def test_an_idempotency_key_is_the_tenants_own_and_stays_the_same() -> None:
    first, again, other = [(await sent((b"idempotency-key", key)))[b"idempotency-key"] for key in (b"k", b"k", b"l")]
    assert first == again != other
    assert first != b"k"


async def test_a_call_is_made_for_its_tenant_and_in_time_for_a_new_secret() -> None:
    scene = Chained(Provider("a", (b"{}",)))
    await scene.ask()
    for pepper in (PEPPER, b"another"):
        scene.gateway.snapshot = replace(scene.gateway.snapshot, keys={}, pepper=pepper)
        await scene.ask()
    owners = [one.owner for one in scene.providers[0].asks]
    assert owners == [Owner("acme", PEPPER), Owner("default", PEPPER), Owner("default", b"another")]


class Dropping(Provider):
    """Could not take everything."""

    async def call(self, ask: Ask) -> ScriptedReply:
        reply = await super().call(ask)
        reply.dropped = ("logit_bias",)
        return reply


@pytest.mark.parametrize("others", [(), (Provider("b", (b"{}",)),)], ids=["straight", "chain"])
async def test_what_a_target_could_not_take_is_on_the_record(others: tuple[Provider, ...]) -> None:
    scene = Chained(Dropping("a", (b"{}",)), *others)
    await scene.ask()
    assert scene.witness.exchanges[0].record.dropped == ("logit_bias",)


async def test_a_call_that_is_given_up_on_its_way_is_on_the_record() -> None:
    scene = Chained(Provider("a", PAUSE))
    client = Client(chat())
    task = scene.gateway.start(client)
    await scene.providers[0].waiting.wait()
    client.leave()
    await task
    assert scene.tried() == [("a/m", "abandoned")]
    assert scene.witness.exchanges[0].target.label == "a/m"
    assert scene.gateway.metrics.counter("fleetgate_attempts_total").at("a/m", "abandoned").value == 1


async def test_a_first_try_that_fails_is_one_of_the_tries_of_the_chain() -> None:
    scene = Chained(Provider("a", UpstreamBroken("x"), (b"second",)), attempts=2)
    assert (await scene.ask()).received == b"second"
    assert scene.tried() == [("a/m", "upstream_broken"), ("a/m", None)]
    assert (await scene.ask()).received == b"second"
    assert len(scene.attempts) == 1


async def test_an_answer_that_has_begun_shows_that_the_target_is_there_long_before_it_ends() -> None:
    down = UpstreamBroken("x")
    scene = Chained(Provider("a", *[down] * 4, (b"begun", PAUSE), down), attempts=1)
    for _ in range(4):
        await scene.ask()
    task = scene.gateway.start(client := Client(chat(stream=True)))
    await client.wrote.wait()
    assert [(await scene.ask()).status for _ in range(4)] == [502] * 4, "none is refused without being asked"
    client.leave()
    await task


# ---------------------------------------------------------------- ids that a provider gave


def globex() -> dict[bytes, KeyEntry]:
    """A key of another tenant."""
    hashed = digest(PEPPER, "another key")
    return {hashed: KeyEntry(hashed, Principal(Tenant("globex"), "ci"))}


async def test_a_marked_id_goes_to_the_provider_that_made_it_and_as_it_knows_it() -> None:
    scene = Chained(Provider("a", (b"{}",)), Provider("b", (b"{}",)))
    owner = Owner("acme", PEPPER)
    await scene.ask(Client(chat(file_id=mark("file-1AbCdEf", "b", owner))))
    assert [len(one.asks) for one in scene.providers] == [0, 1]
    request = scene.providers[1].asks[0].request
    assert request.fields["file_id"] == "file-1AbCdEf"
    assert b"_fg" not in request.body
    scene.gateway.snapshot = replace(scene.gateway.snapshot, keys={**scene.gateway.snapshot.keys, **globex()})
    client = await scene.ask(Client(chat(file_id=mark("file-1AbCdEf", "b", Owner("globex", PEPPER)))))
    assert client.status == 404
    assert [len(one.asks) for one in scene.providers] == [0, 1]


async def test_a_response_is_continued_where_it_was_made_or_not_at_all() -> None:
    scene = Chained(Provider("a", (b"{}",)), Provider("b", (b"{}",)))
    owner = Owner("acme", PEPPER)
    for previous, status in (
        (mark("resp_1", "b", owner), 200),
        ("resp_1", 400),
        (mark("resp_1", "b", Owner("globex", PEPPER)), 400),
        (mark("resp_1", "nobody", owner), 400),
    ):
        client = Client(chat(input="hi", previous_response_id=previous), path="/v1/responses")
        await scene.gateway.ask(client, Operation.RESPONSES)
        assert client.status == status, previous
    assert [len(one.asks) for one in scene.providers] == [0, 1]


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.RESPONSES])
async def test_what_a_provider_keeps_that_does_not_answer_for_the_model_is_refused(operation: Operation) -> None:
    scene = Chained(Provider("a", (b"{}",)), Provider("b", (b"{}",)))
    only_a = Model("only-a", scene.gateway.snapshot.catalog.models["m"].targets[:1])
    tenant_free = replace(scene.gateway.snapshot, keys={}, catalog=Catalog.of([only_a]))
    scene.gateway.snapshot = tenant_free
    kept = mark("resp_1", "b", Owner("default", PEPPER))
    client = Client(chat(model="only-a", input="hi", previous_response_id=kept))
    await scene.gateway.ask(client, operation)
    assert client.status == 400
    assert scene.providers[0].asks == []


@pytest.mark.parametrize("name", ["file_id", "file\\u005fid"])
async def test_an_id_of_the_providers_own_is_nobodys_where_the_account_is_shared(name: str) -> None:
    scene = Chained(Provider("a", (b"{}",)))
    body = chat(file=0).replace(b'"file":0', b'"%b":"file-1AbCdEf"' % name.encode())
    assert (await scene.ask(Client(body))).status == 200
    scene.gateway.snapshot = replace(scene.gateway.snapshot, keys={**scene.gateway.snapshot.keys, **globex()})
    assert (await scene.ask(Client(body))).status == 404
    assert len(scene.providers[0].asks) == 1


async def test_who_shares_only_what_holds_no_objects_is_alone() -> None:
    scene = Chained(Provider("a", (b"{}",)))
    snapshot = scene.gateway.snapshot
    elsewhere = {name: replace(one, wire="anthropic") for name, one in snapshot.providers.items()}
    scene.gateway.snapshot = replace(snapshot, keys={**snapshot.keys, **globex()}, providers=elsewhere)
    assert (await scene.ask(Client(chat(file_id="file-1AbCdEf")))).status == 200


async def test_a_model_that_may_follow_shares_its_account_as_well() -> None:
    scene = Chained(Provider("a", (b"{}",)), failover={"context_length": "larger"})
    snapshot = scene.gateway.snapshot
    larger = Model("larger", (Target("b", "m", "b/m"),))
    kinds = {"a": ProviderSpec("a", "anthropic"), "b": ProviderSpec("b", "openai")}
    catalog = Catalog.of([*snapshot.catalog.models.values(), larger])
    scene.gateway.snapshot = replace(snapshot, keys={**snapshot.keys, **globex()}, providers=kinds, catalog=catalog)
    assert (await scene.ask(Client(chat(file_id="file-1AbCdEf")))).status == 404
    assert scene.providers[0].asks == []


async def test_what_runs_in_the_background_is_started_once() -> None:
    scene = Chained(Provider("a", UpstreamBroken("x")), Provider("b", (b"{}",)))
    for background, asked in ((True, 0), (False, 1)):
        client = Client(chat(input="hi", background=background), path="/v1/responses")
        await scene.gateway.ask(client, Operation.RESPONSES)
        assert (client.status == 200, len(scene.providers[1].asks)) == (not background, asked)


@pytest.mark.parametrize("filler", ["", "x" * 600_000], ids=["small", "large"])
async def test_an_id_that_somebody_pasted_stays_their_words(filler: str) -> None:
    scene = Chained(Provider("a", (b"{}",)), Provider("b", (b"{}",)))
    theirs = mark("file-1AbCdEf", "b", Owner("globex", PEPPER))
    messages = [{"role": "user", "content": theirs}, {"role": "user", "content": filler}]
    body = chat(metadata={"file_id": theirs}, messages=messages)
    assert (await scene.ask(Client(body))).status == 200
    (asked,) = (ask for one in scene.providers for ask in one.asks)
    assert asked.request.body == body


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
async def test_the_refusal_names_the_field_that_refers_elsewhere(name: str) -> None:
    scene = Chained(Provider("a", (b"{}",)))
    scene.gateway.snapshot = replace(
        scene.gateway.snapshot, providers={**scene.gateway.snapshot.providers, "b": ProviderSpec("b", "openai")}
    )
    elsewhere: dict[str, Any] = {name: mark("conv_1", "b", Owner("acme", PEPPER))}
    client = Client(chat(input="hi", **elsewhere), path="/v1/responses")
    await scene.gateway.ask(client, Operation.RESPONSES)
    assert client.status == 400
    assert orjson.loads(client.received)["error"]["param"] == name
