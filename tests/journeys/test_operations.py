"""What operators and pickers ask: health, metrics, models; over bare sockets."""

import pytest

from tests.journeys.configs import ACME, Starter, config_for
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.wire import ask, chat, request, wire

KEY = {"authorization": f"Bearer {ACME}"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
async def test_health_needs_no_key(gateway: Gateway, path: str) -> None:
    assert (await ask(gateway, request("GET", path))).status == 200


async def test_the_models_in_openais_shape(gateway: Gateway) -> None:
    answer = (await ask(gateway, request("GET", "/v1/models", None, KEY))).json()
    assert answer["object"] == "list"
    found = {one["id"]: one for one in answer["data"]}
    assert {"alias", "vendor/family/model"} <= set(found)
    for one in found.values():
        assert set(one) >= {"id", "object", "created", "owned_by"}
        assert one["object"] == "model"
        assert isinstance(one["created"], int)


@pytest.mark.parametrize("path", ["/v1/models/vendor/family/model", "/v1/models/vendor%2Ffamily%2Fmodel"])
async def test_a_model_whose_id_has_slashes(gateway: Gateway, path: str) -> None:
    assert (await ask(gateway, request("GET", path, None, KEY))).json()["id"] == "vendor/family/model"


async def test_the_metrics_count_calls_and_tokens(gateway: Gateway) -> None:
    await ask(gateway, chat("alias", ACME))
    await ask(gateway, chat("error-400", ACME))
    answer = await ask(gateway, request("GET", "/metrics"))
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.body.decode().splitlines()
    counted = [line for line in lines if line.startswith("fleetgate_requests_total{")]
    assert any("up/plain" in line and '"complete"' in line and '"200"' in line for line in counted), counted
    assert any('"400"' in line for line in counted), counted
    assert any(line.startswith("fleetgate_tokens_total{") and '"input"' in line for line in lines)
    assert ACME not in answer.body.decode()


async def test_a_name_that_callers_make_up_makes_no_metric_of_its_own(gateway: Gateway, tag: str) -> None:
    assert (await ask(gateway, chat(f"plain{tag}", ACME))).status == 200
    assert tag not in gateway.metrics()


async def test_a_connection_is_kept_for_many_calls(gateway: Gateway) -> None:
    async with wire(gateway) as one:
        for place in range(20):
            answer = await one.ask(chat("plain", ACME, stream=place % 2 == 1))
            assert answer.status == 200
        assert (await one.ask(chat("error-400", ACME))).status == 400
        assert (await one.ask(chat("plain", ACME))).status == 200


async def test_two_calls_sent_at_once_on_one_connection_are_answered_in_order(gateway: Gateway) -> None:
    async with wire(gateway) as one:
        await one.send(chat("plain", ACME) + chat("error-400", ACME))
        assert (await one.answer()).status == 200
        assert (await one.answer()).status == 400


async def test_connections_to_the_provider_are_kept(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    async with wire(gateway) as one:
        for _ in range(10):
            await one.ask(chat(f"plain{tag}", ACME))
    assert len({seen.connection for seen in upstream.requests(f"plain{tag}")}) <= 2


async def test_a_provider_that_closes_idle_connections_is_not_noticed(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    for _ in range(10):
        assert (await ask(gateway, chat(f"closing{tag}", ACME))).status == 200
    assert len(upstream.requests(f"closing{tag}")) == 10


async def test_every_answer_has_an_id(gateway: Gateway) -> None:
    paths = ("/v1/models", "/v1/models/alias", "/v1/models/none", "/none")
    answers = [await ask(gateway, request("GET", path, None, KEY)) for path in paths]
    assert len({answer.headers.get("x-request-id", "") for answer in answers} - {""}) == len(paths)


async def test_a_provider_that_is_not_there(gateway: Gateway) -> None:
    for stream in (False, True):
        answer = await ask(gateway, chat("gone", ACME, stream=stream))
        assert (answer.status, answer.error()["code"]) == (502, "upstream_unreachable")


async def test_a_provider_without_a_key_is_told_with_its_variable(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("keyless", ACME))
    assert (answer.status, answer.error()["code"]) == (503, "provider_not_configured")
    assert "NO_SUCH_VARIABLE" in answer.error()["message"]
    assert answer.headers["x-should-retry"] == "false"


async def test_more_calls_than_the_process_may_carry_are_told_to_come_back(
    start: Starter, upstream: Upstream, tag: str
) -> None:
    small = start(config_for(upstream, "in_flight: 2"))
    async with wire(small) as first, wire(small) as second:
        for one in (first, second):
            await one.send(chat(f"endless{tag}", ACME, stream=True))
            await one.head()
        answer = await ask(small, chat("plain", ACME))
    assert (answer.status, answer.error()["code"]) == (503, "server_is_overloaded")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    small.until(lambda: "fleetgate_in_flight 0.0" in small.metrics(), "nothing in flight")
    assert (await ask(small, chat("plain", ACME))).status == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("old", [False, True], ids=["connection: close", "HTTP/1.0"])
async def test_a_client_that_wants_the_connection_closed(gateway: Gateway, stream: bool, old: bool) -> None:
    whole = chat("plain", ACME, stream=stream)
    data = whole.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n" if old else b" HTTP/1.1\r\nconnection: close\r\n", 1)
    async with wire(gateway) as one:
        answer = await one.ask(data)
        assert await one.reader.read() == b""
    assert answer.status == 200
    assert not (old and "transfer-encoding" in answer.headers)
    assert answer.body.endswith(b"data: [DONE]\n\n") if stream else answer.json()["choices"]
