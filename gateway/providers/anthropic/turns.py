"""The messages of a chat as turns that the Messages API takes: the system apart, then user and assistant in alternation.

    user        tool results first, all of them in one turn, right behind the calls they answer; then the rest in order
    assistant   thinking first, byte for byte as it was given; then text, then the calls

What would be a 400 is put so that it is none: a result whose call is unknown is told as text, a call without a result gets
one that says so, an id that does not fit is replaced in both places.
"""

import hashlib
import re
from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.dialects.arguments import parsed
from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, said, text, wrong
from gateway.dialects.thinking import opened, own_id
from gateway.providers.anthropic.blocks import blocks_of, result_content, text_block
from gateway.providers.anthropic.tooling import FREE

GO_ON: Final = "Continue."
"""What the user says where the API wants a user's turn and the chat has none."""
UNANSWERED: Final = "The tool gave no result."
FAILED: Final = "The tool failed and said nothing."

_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_HEAD: Final = 100
"""Characters that are kept of an id which another call has already, too; a number follows."""
_BLOCKS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}
)
"""What a block of thinking consists of; the last of it is what the provider knows it by."""
_SYSTEM: Final = ("system", "developer")


class Turns:
    """Gathers the turns: `take` the messages in order, then `end`; `system` and `turns` are the result.

    `_waiting`: the calls of the last assistant's turn that have no result yet, by the id that the chat knows them under;
    each of them under the one that is sent.
    """

    def __init__(self, dropped: Dropped) -> None:
        self.system: list[Fields] = []
        self.turns: list[Fields] = []
        self._dropped = dropped
        self._results: list[Fields] = []
        self._rest: list[Fields] = []
        self._used: set[str] = set()
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, deque[str]] = {}

    def take(self, message: Object, place: str) -> None:
        """The next message. Raises `InvalidValue`."""
        role = message.get("role")
        if role in _SYSTEM:
            self._instruct(message, place)
        elif role == "user":
            self._rest += blocks_of(message.get("content"), f"{place}.content", self._dropped)
        elif role in ("tool", "function"):
            self._result(message, place)
        elif role == "assistant":
            self._answer(message, place)
        else:
            raise wrong(f"{place}.role", "system, developer, user, assistant or tool")

    def end(self, *, prefills: bool) -> None:
        """No more will come. `prefills`: the model goes on with the assistant's last words, if there are any."""
        self._close_user()
        if not self.turns or (self.turns[-1]["role"] == "assistant" and not prefills):
            self._say("user", [{"type": "text", "text": GO_ON}])
        if self.turns[0]["role"] == "assistant":
            self.turns.insert(0, {"role": "user", "content": [{"type": "text", "text": GO_ON}]})
        last = self.turns[-1]["content"][-1]
        if self.turns[-1]["role"] == "assistant" and last["type"] == "text":
            last["text"] = last["text"].rstrip()  # a 400 otherwise

    def _say(self, role: str, content: list[Fields]) -> None:
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += content
        else:
            self.turns.append({"role": role, "content": content})

    # ------------------------------------------------------------ system

    def _instruct(self, message: Object, place: str) -> None:
        """The leading ones are the system prompt; a later one stays where it is, so that what is cached stays cached."""
        blocks = blocks_of(message.get("content"), f"{place}.content", self._dropped, only=("text",))
        if not self.turns and not self._rest and not self._results:
            self.system += blocks
            return
        self._rest += [{**block, "text": f"<system>\n{block['text']}\n</system>"} for block in blocks]

    # ------------------------------------------------------------ user

    def _result(self, message: Object, place: str) -> None:
        key = "tool_call_id" if message["role"] == "tool" else "name"
        own = own_id(said(message.get(key), f"{place}.{key}"))
        content = result_content(message.get("content"), f"{place}.content", self._dropped)
        if not self._waiting.get(own):
            self._orphan(own, content)
            return
        result: Fields = {"type": "tool_result", "tool_use_id": self._waiting[own].popleft()}
        if message.get("is_error") is True:
            result["is_error"] = True
            content = content or FAILED  # an error without words is a 400
        if content is not None:
            result["content"] = content
        if isinstance(hint := message.get("cache_control"), dict):
            result["cache_control"] = hint
        self._results.append(result)

    def _orphan(self, call_id: str, content: Any) -> None:
        """A result that no call just before it has asked for."""
        told = {"type": "text", "text": f"Result of the tool call {call_id}:"}
        self._rest += [told, *blocks_of(content, "", self._dropped)] if isinstance(content, str) else [told, *(content or ())]

    def _close_user(self) -> None:
        """Whatever came since the assistant's last turn becomes one; a call that is still waiting gets no other chance."""
        for sent in [one for waiting in self._waiting.values() for one in waiting]:
            self._results.append({"type": "tool_result", "tool_use_id": sent, "content": UNANSWERED, "is_error": True})
        self._waiting = {}
        if self._results or self._rest:
            self._say("user", [*self._results, *self._rest])
        self._results, self._rest = [], []

    # ------------------------------------------------------------ assistant

    def _answer(self, message: Object, place: str) -> None:
        if self._results or self._rest:
            self._close_user()
        calls = list(_calls(message, place))
        spoken = blocks_of(message.get("content"), f"{place}.content", self._dropped, only=("text",))
        if isinstance(refusal := message.get("refusal"), str) and (block := text_block(refusal)) is not None:
            spoken.append(block)
        spoken += [self._call(call, where) for call, where in calls]
        if spoken:  # thinking alone is no turn
            self._say("assistant", [*thinking_of(message), *spoken])

    def _call(self, call: Object, place: str) -> Fields:
        kind = "custom" if "custom" in call and "function" not in call else "function"
        body = mapping(call.get(kind), f"{place}.{kind}")
        name = said(body.get("name"), f"{place}.{kind}.name")
        own = own_id(text(call.get("id") or "", f"{place}.id")) or name
        given = {FREE: body.get("input") or ""} if kind == "custom" else parsed(body.get("arguments"))
        block: Fields = {"type": "tool_use", "id": self._fresh(own), "name": fitting(name), "input": given}
        self._waiting.setdefault(own, deque()).append(block["id"])
        return {**block, "cache_control": hint} if isinstance(hint := call.get("cache_control"), dict) else block

    def _fresh(self, own: str) -> str:
        """The id that is sent for a call: its own, if it fits and no other call has it."""
        fits = _ID.fullmatch(own) is not None
        plain = own if fits else f"toolu_{hashlib.sha256(own.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
        sent, head = plain, plain[:_HEAD]
        while sent in self._used:
            self._counts[head] = count = self._counts.get(head, 1) + 1
            sent = f"{head}_{count}"
        self._used.add(sent)
        return sent


def _calls(message: Object, place: str) -> list[tuple[Object, str]]:
    """The calls of an assistant's message; `function_call` is what they were called once."""
    calls = list(objects(message.get("tool_calls"), f"{place}.tool_calls"))
    if not calls and isinstance(legacy := message.get("function_call"), dict):
        return [({"function": legacy}, f"{place}.function_call")]
    return calls


def thinking_of(message: Object) -> list[Fields]:
    """The thinking that the provider gave this turn and wants back: of the message, or else sealed into an id of its calls.

    What has no signature came from another kind of provider, and would be refused.
    """
    told = message.get("thinking_blocks")
    if kept := _signed(told if isinstance(told, list) else ()):
        return kept
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        call_id = call.get("id") if isinstance(call, dict) else None
        if isinstance(call_id, str) and (kept := _signed(opened(call_id).blocks)):
            return kept
    return []


def _signed(blocks: Sequence[object]) -> list[Fields]:
    """Those that are signed, with the fields that the API gave them and no other: some SDKs number what comes in lists."""
    kept: list[Fields] = []
    for block in blocks:
        names = _BLOCKS.get(str(block.get("type"))) if isinstance(block, dict) else None
        if names is None or not isinstance(block, dict) or not all(isinstance(block.get(name), str) for name in names):
            continue
        if block[names[-1]]:
            kept.append({"type": block["type"], **{name: block[name] for name in names}})
    return kept
