"""The items of an output, finished, from what a chat's answer says; and the body of a plain answer from all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.chat import ModelRequest
from gateway.core.clock import SystemClock
from gateway.dialects import lenient
from gateway.dialects.responses import odd, resource, tools
from gateway.dialects.responses.freeform import input_of
from gateway.dialects.responses.sealing import Held, sealed
from gateway.dialects.responses.tools import Name

Item = dict[str, Any]
Entry = Mapping[str, Any]

_CLOCK = SystemClock()


def answer(request: ModelRequest, completion: Mapping[str, Any]) -> bytes:
    """See `Translation`."""
    now_s = _CLOCK.wall_s()
    choice = odd.of_first_choice(completion)
    finish = odd.string(choice.get("finish_reason"))
    status = "incomplete" if resource.is_cut(finish) else "completed"
    output = _items(choice, tools.names(request.fields), status)
    begun = resource.begun(request, resource.heading(request, completion, now_s))
    begun["service_tier"] = odd.string(completion.get("service_tier")) or begun["service_tier"]
    return lenient.dumps(resource.ended(begun, output, finish, resource.usage(completion.get("usage")), now_s))


def _items(choice: Entry, known: Mapping[str, Name], status: str) -> list[Item]:
    message = odd.mapping(choice.get("message"))
    calls = odd.objects(message.get("tool_calls"))
    held = Held(tuple(odd.objects(message.get("thinking_blocks"))), signatures_in(calls))
    thought = odd.string(message.get("reasoning_content")) or odd.string(message.get("reasoning")) or ""
    items = []
    if thought or held.blocks or held.signatures:
        items.append(reasoning(resource.fresh_id("rs"), thought, held))
    content = _content(choice, message)
    if content or not calls:
        items.append(said(resource.fresh_id("msg"), content or [text_part("")], status))
    return [*items, *(called(entry, known, status) for entry in calls)]


def _content(choice: Entry, message: Entry) -> list[Item]:
    content: list[Item] = []
    if text := odd.string(message.get("content")):
        probabilities = logprobs_in(choice)
        content.append(text_part(text, annotations_in(message), probabilities))
    if refusal := odd.string(message.get("refusal")):
        content.append({"type": "refusal", "refusal": refusal})
    return content


# ---------------------------------------------------------------- items


def reasoning(item_id: str, text: str, held: Held, status: str = "completed") -> Item:
    """What was thought, readable as a summary, and sealed where a provider wants it back."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {
        "id": item_id,
        "type": "reasoning",
        "status": status,
        "summary": summary,
        "content": [],
        "encrypted_content": sealed(held),
    }


def said(item_id: str, content: list[Item], status: str) -> Item:
    """A message of the assistant's."""
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str, annotations: list[Item] | None = None, logprobs: list[Any] | None = None) -> Item:
    """Text in a message."""
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": logprobs or []}


def call(item_id: str, call_id: str, name: Name, words: str, status: str) -> Item:
    """A call of a tool, under the caller's name for it."""
    item: Item = {"id": item_id, "type": "function_call", "status": status, "call_id": call_id, "name": name.name}
    if name.custom:
        item |= {"type": "custom_tool_call", "input": words}
    else:
        item["arguments"] = words
    if name.namespace is not None:
        item["namespace"] = name.namespace
    return item


def called(entry: Entry, known: Mapping[str, Name], status: str) -> Item:
    """The item of a call that is whole, in the chat's form."""
    function, custom = odd.mapping(entry.get("function")), odd.mapping(entry.get("custom"))
    name = name_of(function or custom, known, custom=not function and bool(custom))
    words = odd.string(custom.get("input")) if custom and not function else odd.string(function.get("arguments"))
    if name.custom and function:
        words = input_of(words or "")
    call_id = odd.string(entry.get("id")) or resource.fresh_id("call")
    return call(resource.fresh_id("ctc" if name.custom else "fc"), call_id, name, words or "", status)


def name_of(body: Entry, known: Mapping[str, Name], *, custom: bool) -> Name:
    """The caller's name of the tool that an answer calls; a tool that nobody offered keeps the one it has."""
    name = odd.string(body.get("name")) or ""
    return known.get(name) or Name(name, None, custom)


# ---------------------------------------------------------------- what stands beside the text


def signatures_in(calls: Sequence[Entry]) -> dict[str, str]:
    """Google's signatures by the id of the call."""
    found = {}
    for entry in calls:
        google = odd.mapping(odd.mapping(entry.get("extra_content")).get("google"))
        signature, call_id = odd.string(google.get("thought_signature")), odd.string(entry.get("id"))
        if signature and call_id:
            found[call_id] = signature
    return found


def annotations_in(message: Entry) -> list[Item]:
    """Citations, which a chat nests once more."""
    return [
        {"type": "url_citation", **odd.mapping(one.get("url_citation"))}
        for one in odd.objects(message.get("annotations"))
        if one.get("type") == "url_citation"
    ]


def logprobs_in(choice: Entry) -> list[Any]:
    """Probabilities of the text's tokens, where they were asked for."""
    return list(odd.sequence(odd.mapping(choice.get("logprobs")).get("content")))
