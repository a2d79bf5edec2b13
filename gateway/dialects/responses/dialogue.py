"""The messages of a chat, as the items of an input come in.

What the assistant did in a row (reasoning, message, calls) is one message; the results of its calls stand right behind it,
wherever the input has them, because no provider takes them elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.errors import InvalidValue
from gateway.dialects.responses.sealing import Held

Message = dict[str, Any]


@dataclass(slots=True)
class Turn:
    """The assistant's, as far as it has come."""

    texts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    blocks: list[Mapping[str, Any]] = field(default_factory=list)
    signatures: dict[str, str] = field(default_factory=dict)
    calls: list[Message] = field(default_factory=list)

    def message(self) -> Message | None:
        """As a chat has it; None where nothing is left of it."""
        if not (self.texts or self.refusals or self.calls):
            return None
        said: Message = {"role": "assistant", "content": "\n\n".join(self.texts) if self.texts else None}
        if self.refusals:
            said["refusal"] = "\n\n".join(self.refusals)
        if self.reasoning:
            said["reasoning_content"] = "\n\n".join(self.reasoning)
        if self.blocks:
            said["thinking_blocks"] = self.blocks
        if self.calls:
            said["tool_calls"] = [self._signed(call) for call in self.calls]
        return said

    def _signed(self, call: Message) -> Message:
        signature = self.signatures.get(call["id"])
        return call if signature is None else call | {"extra_content": {"google": {"thought_signature": signature}}}


class Dialogue:
    """Takes items in and gives messages."""

    def __init__(self) -> None:
        self._rows: list[list[Message]] = []
        self._turn: Turn | None = None
        self._results: dict[str, list[Message]] = {}

    def say(self, role: str, content: object) -> None:
        """A message of somebody else's than the assistant."""
        self._close()
        self._rows.append([{"role": role, "content": content}])

    def assistant(self, text: str, refusal: str) -> None:
        """What the assistant said."""
        turn = self._open()
        if text or not refusal:
            turn.texts.append(text)
        if refusal:
            turn.refusals.append(refusal)

    def think(self, text: str, held: Held) -> None:
        """What the assistant thought before it spoke or called."""
        turn = self._open()
        if text:
            turn.reasoning.append(text)
        turn.blocks += held.blocks
        turn.signatures |= held.signatures

    def call(self, call: Message) -> None:
        """A call of a tool; `call` in the chat's form."""
        self._open().calls.append(call)

    def result(self, call_id: str, content: object, where: str, *, failed: bool = False) -> None:
        """What a call gave. Raises `InvalidValue` where nothing called."""
        if self._turn is not None and self._turn.calls:
            self._close()
        results = self._results.get(call_id)
        if results is None:
            raise InvalidValue(
                f"{where!r} is the output of {call_id[:100]!r}, and no earlier item is that call. Send the whole conversation.",
                param=where,
            )
        told: Message = {"role": "tool", "tool_call_id": call_id, "content": content}
        results.append(told | {"is_error": True} if failed else told)

    def messages(self) -> list[Message]:
        """All of it."""
        self._close()
        return [message for row in self._rows for message in row]

    def _open(self) -> Turn:
        if self._turn is None:
            self._turn = Turn()
        return self._turn

    def _close(self) -> None:
        turn, self._turn = self._turn, None
        message = turn.message() if turn is not None else None
        if message is None:
            return
        row = [message]
        self._rows.append(row)
        for call in message.get("tool_calls", ()):
            self._results[call["id"]] = row
