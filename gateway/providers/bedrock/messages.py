"""A chat's messages as Converse's: the system apart, then turns of user and assistant in alternation.

    user        results of tools first, all of them in one turn, right behind the calls they answer; then the rest in order
    assistant   signed thinking first, then text, then the calls

What would be a 400 is put so that it is none: a result whose call is unknown is told as text, a call without a result gets
one that says so, an id that does not fit is replaced in both places.
"""

import hashlib
import re
from typing import Final

from gateway.dialects import thinking
from gateway.dialects.arguments import parsed
from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Dropped, Object, mapping, objects, said, wrong
from gateway.providers.anthropic.tooling import FREE
from gateway.providers.anthropic.turns import GO_ON, UNANSWERED, thinking_of
from gateway.providers.bedrock.content import Block, Parts
from gateway.providers.bedrock.models import Model

ATTACHED: Final = "(See the attached document.)"
"""Stands beside a document that came without words, which Converse does not take."""
NOTHING: Final = "(no output)"
"""Stands for the result of a tool that gave none; empty text is refused."""

_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}", re.ASCII)


class Conversation:
    """What the messages say in Converse's form. `called`: the tools that are called in it, by the names used there.

    `_waiting`: the calls that have no result yet, under the ids that they are sent with, by those that the chat knows.
    """

    __slots__ = ("_dropped", "_model", "_parts", "_used", "_waiting", "called", "system", "turns")

    def __init__(self, model: Model, dropped: Dropped) -> None:
        self._model = model
        self._dropped = dropped
        self._parts = Parts(model, dropped)
        self.system: list[Block] = []
        self.turns: list[Block] = []
        self.called: dict[str, None] = {}
        self._waiting: dict[str, list[str]] = {}
        self._used: set[str] = set()

    @staticmethod
    def of(messages: object, model: Model, dropped: Dropped) -> "Conversation":
        """Reads the messages. Raises `InvalidValue` for what no target could make sense of."""
        conversation = Conversation(model, dropped)
        if messages is None:
            raise wrong("messages", "an array")
        for message, place in objects(messages, "messages"):
            conversation._take(message, place)
        conversation._round_off()
        return conversation

    def _take(self, message: Object, place: str) -> None:
        match message.get("role"):
            case "system" | "developer":
                self._instruct(message, place)
            case "user":
                self._add("user", self._parts.blocks(message.get("content"), f"{place}.content"))
            case "assistant":
                self._answer(message, place)
            case "tool":
                self._result(message, place)
            case _:
                raise wrong(f"{place}.role", "system, developer, user, assistant or tool")

    def _instruct(self, message: Object, place: str) -> None:
        """Instructions at the beginning are the system's; later ones stay where they are, as the user's."""
        blocks = self._parts.blocks(message.get("content"), f"{place}.content")
        if self.turns:
            self._add("user", blocks)
            return
        kept = [block for block in blocks if "text" in block or "cachePoint" in block]
        if len(kept) < len(blocks):
            self._dropped.add("messages", "parts of the system's that are no text")
        self.system += kept

    def _add(self, role: str, blocks: list[Block]) -> None:
        """Adds to the last turn where it is of the same role: they have to alternate."""
        if not blocks:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += blocks
        else:
            self.turns.append({"role": role, "content": blocks})

    # ------------------------------------------------------------ answers

    def _answer(self, message: Object, place: str) -> None:
        if self.turns and self.turns[-1]["role"] == "user":
            self._settle()
        words = self._parts.blocks(message.get("content"), f"{place}.content")
        words += self._parts.blocks(_string(message.get("refusal")), place)
        calls = [self._call(call, at) for call, at in objects(message.get("tool_calls"), f"{place}.tool_calls")]
        if words or calls:  # thinking alone is no turn
            kept = thinking_of(message) if self._model.keeps_thinking else ()
            self._add("assistant", [*map(_reasoning, kept), *words, *calls])

    def _call(self, call: Object, place: str) -> Block:
        custom = call.get("type") == "custom"
        kind = "custom" if custom else "function"
        body = mapping(call.get(kind), f"{place}.{kind}")
        name = fitting(said(body.get("name"), f"{place}.{kind}.name"))
        own = thinking.opened(said(call.get("id"), f"{place}.id")).id
        sent = self._fresh(own)
        self._waiting.setdefault(own, []).append(sent)
        self.called[name] = None
        words = {FREE: _string(body.get("input"))} if custom else parsed(body.get("arguments"))
        return {"toolUse": {"toolUseId": sent, "name": name, "input": words}}

    def _fresh(self, own: str) -> str:
        """The id that is sent for a call: its own, if it fits and no other call has it."""
        plain = own if _ID.fullmatch(own) else f"call_{hashlib.sha256(own.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
        sent, count = plain, 1
        while sent in self._used:
            count += 1
            sent = f"{plain[:50]}_{count}"
        self._used.add(sent)
        return sent

    # ------------------------------------------------------------ results

    def _result(self, message: Object, place: str) -> None:
        own = thinking.opened(said(message.get("tool_call_id"), f"{place}.tool_call_id")).id
        blocks = self._parts.blocks(message.get("content"), f"{place}.content")
        points = [block for block in blocks if "cachePoint" in block]
        content = [block for block in blocks if "cachePoint" not in block] or [{"text": NOTHING}]
        if not self._waiting.get(own):  # no call just before it has asked for it
            self._add("user", [{"text": f"Result of the tool call {own}:"}, *content])
            return
        result = self._written(self._waiting[own].pop(0), content, failed=message.get("is_error") is True)
        self._put_first([result, *points[-1:]])

    def _written(self, sent: str, content: list[Block], *, failed: bool) -> Block:
        result: Block = {"toolUseId": sent, "content": content}
        if failed and self._model.tells_failures:
            result["status"] = "error"
        elif failed:
            result["content"] = [{"text": "The tool failed:"}, *content]
        return {"toolResult": result}

    def _settle(self) -> None:
        """A call that is still without a result gets one that says so: it has no other chance."""
        for sent in [one for waiting in self._waiting.values() for one in waiting]:
            self._put_first([self._written(sent, [{"text": UNANSWERED}], failed=True)])
        self._waiting = {}

    def _put_first(self, blocks: list[Block]) -> None:
        """Behind the results that the user's turn begins with, ahead of everything else in it."""
        if not self.turns or self.turns[-1]["role"] != "user":
            self._add("user", blocks)
            return
        content: list[Block] = self.turns[-1]["content"]
        at = 0
        while at < len(content) and not content[at].keys().isdisjoint(("toolResult", "cachePoint")):
            at += 1
        content[at:at] = blocks

    # ------------------------------------------------------------ the whole

    def _round_off(self) -> None:
        self._settle()
        if not self.turns or (self.turns[-1]["role"] == "assistant" and not self._model.family.prefills):
            self._add("user", [{"text": GO_ON}])
        if self.turns[0]["role"] == "assistant":
            self.turns.insert(0, {"role": "user", "content": [{"text": GO_ON}]})
        for turn in self.turns:
            held = {kind for block in turn["content"] for kind in block}
            if "document" in held and "text" not in held:
                turn["content"].append({"text": ATTACHED})
        last = self.turns[-1]["content"][-1]
        if self.turns[-1]["role"] == "assistant" and "text" in last:
            last["text"] = last["text"].rstrip()  # an answer to be gone on with must not end in space


def _reasoning(block: Object) -> Block:
    if block["type"] == "redacted_thinking":
        return {"reasoningContent": {"redactedContent": block["data"]}}
    return {"reasoningContent": {"reasoningText": {"text": block["thinking"], "signature": block["signature"]}}}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
