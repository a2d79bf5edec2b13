"""A chat whose images are URLs becomes one with their bytes."""

import base64
import copy
from typing import Any

import orjson
import pytest

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.providers.images import inlining
from gateway.providers.images.inlining import AT_ONCE, COUNT_LIMIT, Inliner
from tests.unit.providers.images.servers import HOME, PNG, Names, Server, answer, rules, serving

DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def asked(messages: Any, operation: Operation = Operation.CHAT) -> ModelRequest:
    fields = {"model": "m", "messages": messages}
    return ModelRequest(operation, orjson.dumps(fields), fields, True, "m", False, False)


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
        before = copy.deepcopy(given.fields)
        request = await inliner().inlined(given)
    first, second, third = request.fields["messages"]
    assert first is given.fields["messages"][0]
    assert second["content"] == [text, picture(DATA, detail="low"), picture(DATA), picture("gs://b/o")]
    assert third["content"] == [picture(DATA)]
    assert given.fields == before


@pytest.mark.parametrize(
    "messages",
    [
        [],
        None,
        "x",
        [{"role": "user", "content": "http://images.test/a.png"}],
        [1, None, {"content": [1, None, {"type": "image_url"}, {"type": "image_url", "image_url": 5}]}],
        [{"role": "user", "content": [picture(7), picture(None), picture("data:image/png;base64,AA")]}],
    ],
)
async def test_a_chat_without_such_images_is_the_same(messages: Any) -> None:
    given = asked(messages)
    assert await inliner().inlined(given) is given


async def test_other_operations_are_left_alone() -> None:
    given = asked([{"role": "user", "content": [picture("http://images.test/a.png")]}], Operation.MESSAGES)
    assert await inliner().inlined(given) is given


async def test_the_refusal_names_the_place_and_the_reason() -> None:
    parts = [{"type": "text", "text": "t"}, picture("http://169.254.169.254/latest")]
    with pytest.raises(InvalidValue) as caught:
        await Inliner().inlined(asked([{"role": "system", "content": "s"}, {"role": "user", "content": parts}]))
    assert caught.value.param == "messages[1].content[1]"
    assert caught.value.message == (
        "The image in messages[1].content[1] could not be fetched: its host is not on the public internet."
    )


async def test_of_several_failures_the_first_in_the_chat_is_told() -> None:
    parts = [picture("http://10.0.0.1/"), picture("http://u@h/"), picture("http://10.0.0.2/")]
    with pytest.raises(InvalidValue) as caught:
        await Inliner().inlined(asked([{"role": "user", "content": parts}]))
    assert caught.value.param == "messages[0].content[0]"


async def test_an_image_that_stands_twice_is_fetched_once() -> None:
    async with serving({"/a.png": answer()}) as server:
        request = await inliner().inlined(asked([{"role": "user", "content": [picture(at(server))] * 5}]))
    assert request.fields["messages"][0]["content"] == [picture(DATA)] * 5
    assert server.asked == ["/a.png"]


async def test_images_are_fetched_together_but_not_all_at_once() -> None:
    paths = [f"/{number}.png" for number in range(12)]
    async with serving({path: answer() for path in paths}) as server:
        server.pause_s = 0.02
        await inliner().inlined(asked([{"role": "user", "content": [picture(at(server, path)) for path in paths]}]))
    assert sorted(server.asked) == sorted(paths)
    assert 1 < server.most <= AT_ONCE


async def test_there_is_a_bound_on_their_number() -> None:
    parts = [picture(f"http://images.test/{number}") for number in range(COUNT_LIMIT + 1)]
    with pytest.raises(InvalidValue, match="More than 20 images"):
        await inliner().inlined(asked([{"role": "user", "content": parts}]))


async def test_there_is_a_bound_on_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlining, "TOTAL_LIMIT", len(PNG) + 1)
    async with serving({"/a.png": answer(), "/b.png": answer()}) as server:
        parts = [picture(at(server)), picture(at(server, "/b.png"))]
        assert await inliner().inlined(asked([{"role": "user", "content": parts[:1]}]))
        with pytest.raises(InvalidValue, match="all images together"):
            await inliner().inlined(asked([{"role": "user", "content": parts}]))
