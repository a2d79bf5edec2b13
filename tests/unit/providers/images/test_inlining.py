"""A chat whose images are URLs becomes one with their bytes."""

import asyncio
import base64
import copy
from typing import Any

import orjson
import pytest

from gateway.core.catalog import Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.core.upstream import Ask
from gateway.providers.images import inlining
from gateway.providers.images.fetching import Fetcher
from gateway.providers.images.inlining import AT_ONCE, COUNT_LIMIT, Inliner
from tests.unit.providers.images.servers import HOME, PNG, Names, Server, answer, rules, serving

DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def asked(messages: Any, operation: Operation = Operation.CHAT, timeouts: Timeouts | None = None) -> Ask:
    fields = {"model": "m", "messages": messages}
    request = ModelRequest(operation, orjson.dumps(fields), fields, True, "m", False, False)
    return Ask(request, Target("p", "*", "p/*"), {}, timeouts)


async def inlined(ask: Ask, by: Inliner | None = None) -> Ask:
    return await (by or inliner()).inlined(ask, Timeouts())


def picture(url: Any, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def at(server: Server, path: str = "/a.png") -> str:
    return f"http://images.test:{server.port}{path}"


def inliner() -> Inliner:
    return Inliner(rules(Names(images_test=[[HOME]])))


async def test_urls_become_bytes_and_all_else_stays() -> None:
    async with serving({"/a.png": answer(), "/b.png": answer()}) as server:
        text = {"type": "text", "text": at(server)}
        given = asked(
            [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [text, picture(at(server), detail="low"), picture(DATA), picture("gs://b/o")]},
                {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": at(server, "/b.png")}]},
            ]
        )
        before = copy.deepcopy(given.request.fields)
        request = (await inlined(given)).request
    first, second, third = request.fields["messages"]
    assert first is given.request.fields["messages"][0]
    assert second["content"] == [text, picture(DATA, detail="low"), picture(DATA), picture("gs://b/o")]
    assert third["content"] == [picture(DATA)]
    assert given.request.fields == before


@pytest.mark.parametrize(
    "messages",
    [
        [],
        None,
        "x",
        [{"role": "user", "content": "http://images.test/a.png"}],
        [1, None, {"content": [1, None, {"type": "image_url"}, {"type": "image_url", "image_url": 5}]}],
        [{"role": "user", "content": [picture(7), picture(None), picture("data:image/png;base64,AA")]}],
        [{"role": "user", "content": [picture("https://generativelanguage.googleapis.com/v1beta/files/x")]}],
        [
            {
                "role": "user",
                "content": [picture(" http://images.test/"), picture("//images.test/"), picture("ftp://images.test")],
            }
        ],
    ],
)
async def test_a_chat_without_such_images_is_the_same(messages: Any) -> None:
    for operation in Operation:
        given = asked(messages, operation)
        assert await inlined(given) is given


@pytest.mark.parametrize(
    "operation", [one for one in Operation if one not in (Operation.CHAT, Operation.MESSAGES, Operation.COUNT_TOKENS)]
)
async def test_other_operations_are_left_alone(operation: Operation) -> None:
    source = {"type": "url", "url": "http://images.test/a.png"}
    parts = [picture("http://images.test/a.png"), {"type": "image", "source": source}]
    given = asked([{"role": "user", "content": parts}], operation)
    assert await inlined(given) is given


@pytest.mark.parametrize("operation", [Operation.MESSAGES, Operation.COUNT_TOKENS])
async def test_images_of_a_messages_request_become_bytes_in_results_as_well(operation: Operation) -> None:
    """Claude at Bedrock and at Vertex takes base64 alone."""
    async with serving({"/a.png": answer(), "/b.png": answer()}) as server:
        first, second = ({"type": "image", "source": {"type": "url", "url": at(server, path)}} for path in ("/a.png", "/b.png"))
        kept = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
        result = {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "text", "text": "x"}, {**second, "cache_control": 1}],
        }
        given = asked([{"role": "user", "content": [result, first, kept, {"type": "image", "source": 5}]}], operation)
        before = copy.deepcopy(given.request.fields)
        request = (await inlined(given)).request
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    had = {"type": "image", "source": source}
    assert request.fields["messages"][0]["content"] == [
        {**result, "content": [{"type": "text", "text": "x"}, {**had, "cache_control": 1}]},
        had,
        kept,
        {"type": "image", "source": 5},
    ]
    assert given.request.fields == before


async def test_the_place_in_a_result_is_named() -> None:
    block = {"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/"}}]}
    with pytest.raises(InvalidValue) as caught:
        await inlined(asked([{"role": "user", "content": [block]}], Operation.MESSAGES), Inliner())
    assert caught.value.param == "messages[0].content[0].content[0]"


async def test_the_refusal_names_the_place_and_the_reason() -> None:
    parts = [{"type": "text", "text": "t"}, picture("http://169.254.169.254/latest")]
    with pytest.raises(InvalidValue) as caught:
        await inlined(asked([{"role": "system", "content": "s"}, {"role": "user", "content": parts}]), Inliner())
    assert caught.value.param == "messages[1].content[1]"
    assert caught.value.message == (
        "The image in messages[1].content[1] could not be fetched: its host cannot be reached on the public internet."
    )


async def test_of_several_failures_the_first_in_the_chat_is_told() -> None:
    parts = [picture("http://10.0.0.1/"), picture("http://u@h/"), picture("http://10.0.0.2/")]
    with pytest.raises(InvalidValue) as caught:
        await inlined(asked([{"role": "user", "content": parts}]), Inliner())
    assert caught.value.param == "messages[0].content[0]"


async def test_an_image_that_stands_twice_is_fetched_once() -> None:
    async with serving({"/a.png": answer()}) as server:
        request = (await inlined(asked([{"role": "user", "content": [picture(at(server))] * 5}]))).request
    assert request.fields["messages"][0]["content"] == [picture(DATA)] * 5
    assert server.asked == ["/a.png"]


async def test_images_are_fetched_together_but_not_all_at_once() -> None:
    paths = [f"/{number}.png" for number in range(12)]
    async with serving({path: answer() for path in paths}) as server:
        server.pause_s = 0.02
        await inlined(asked([{"role": "user", "content": [picture(at(server, path)) for path in paths]}]))
    assert sorted(server.asked) == sorted(paths)
    assert 1 < server.most <= AT_ONCE


async def test_there_is_a_bound_on_their_number() -> None:
    parts = [picture(f"http://images.test/{number}") for number in range(COUNT_LIMIT + 1)]
    with pytest.raises(InvalidValue, match="More than 20 images"):
        await inlined(asked([{"role": "user", "content": parts}]))


async def test_there_is_a_bound_on_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlining, "TOTAL_LIMIT", len(PNG) + 1)
    async with serving({"/a.png": answer(), "/b.png": answer()}) as server:
        parts = [picture(at(server)), picture(at(server, "/b.png"))]
        assert await inlined(asked([{"role": "user", "content": parts[:1]}]))
        with pytest.raises(InvalidValue, match="all images together"):
            await inlined(asked([{"role": "user", "content": parts}]))


async def test_an_image_s_time_is_the_call_s_time() -> None:
    async with serving({"/a.png": answer()}) as server:
        server.pause_s = 0.2
        given = asked([{"role": "user", "content": [picture(at(server))]}], timeouts=Timeouts(connect_s=1.5, total_s=4.0))
        timeouts = (await inlined(given)).timeouts
    assert timeouts is not None
    assert timeouts.connect_s == 1.5
    assert 2.0 < timeouts.total_s < 3.8


async def test_a_call_s_deadline_ends_the_fetching() -> None:
    async with serving({"/a.png": None}) as server:
        given = asked([{"role": "user", "content": [picture(at(server))]}], timeouts=Timeouts(total_s=0.2))
        with pytest.raises(InvalidValue, match=r"could not be fetched within 0\.2 s"):
            await inlined(given)


async def test_all_images_together_have_a_bound_the_wait_for_others_included(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlining, "IN_ALL", 1)
    async with serving({"/a.png": None, "/b.png": answer()}) as server:
        one = inliner()
        slow = asyncio.ensure_future(inlined(asked([{"role": "user", "content": [picture(at(server))]}]), one))
        while not server.running:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(inlining, "TOTAL_S", 0.2)
        waiting = asked([{"role": "user", "content": [picture(at(server, "/b.png"))]}])
        with pytest.raises(InvalidValue, match=r"within 0\.2 s"):
            await inlined(waiting, one)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await inlined(waiting, one)  # the place is free again


async def test_a_caller_that_leaves_ends_the_fetching() -> None:
    async with serving({"/a.png": None, "/b.png": answer()}) as server:
        one = inliner()
        waiting = asyncio.ensure_future(inlined(asked([{"role": "user", "content": [picture(at(server))] * 3}]), one))
        while not server.running:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() - {asyncio.current_task()} == server.tasks
        for _ in range(inlining.IN_ALL + 1):
            assert await inlined(asked([{"role": "user", "content": [picture(at(server, "/b.png"))]}]), one)


async def test_what_nobody_expected_ends_the_others_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(_: object, url: str) -> None:
        if url.endswith("bad"):
            raise RuntimeError("a defect")
        await asyncio.sleep(30)

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    parts = [picture("http://images.test/slow"), picture("http://images.test/bad")]
    with pytest.raises(RuntimeError, match="a defect"):
        await inlined(asked([{"role": "user", "content": parts}]))
    assert asyncio.all_tasks() == {asyncio.current_task()}
