"""What operators and pickers ask: health, metrics, models; over bare sockets."""

import pytest

from tests.journeys.configs import ACME
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
