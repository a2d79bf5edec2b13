"""Messages of the conversation, as those of a chat.

user         tool_result blocks become messages of their own, before the rest: they answer the calls right above
assistant    one message: text, reasoning, the thinking blocks as they are, and the calls
system       stays where it stands
"""

from typing import Final

from gateway.dialects.messages.offers import CHANGES, current
from gateway.dialects.messages.parts import Parts, parts, parts_of, plain, readable, worded
from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, said, text, written, wrong

_KNOWN: Final = ("role", "content", "clear_at")
_BILLING: Final = "x-anthropic-billing-header:"
"""What Claude Code begins its system prompt with: other in every call, for Anthropic's books, and the ruin of any cache."""


def system_of(system: object, dropped: Dropped) -> list[Fields]:
    """The system prompt as messages: none or one."""
    if system is None:
        return []
    found = [part for part in parts(system, "system", dropped) if not part.get("text", "").startswith(_BILLING)]
    return [{"role": "system", "content": plain(found)}] if found else []


def messages_of(messages: object, dropped: Dropped) -> list[Fields]:
    """The conversation. Raises `InvalidValue` for what is none."""
    told: list[Fields] = []
    for message, place in current(messages):
        dropped.others(message, _KNOWN, "messages.")
        match message.get("role"):
            case "user":
                told += _user(message, place, dropped)
            case "assistant":
                told.append(_assistant(message, place, dropped))
            case "system":
                told += _system(message, f"{place}.content", dropped)
            case _:
                raise wrong(f"{place}.role", "'user', 'assistant' or 'system'")
    return told


def _system(message: Object, place: str, dropped: Dropped) -> list[Fields]:
    """A message, or none: what it says of tools has been read already (`offers`)."""
    content = message.get("content")
    if isinstance(content, list):
        blocks = objects(content, place)
        found = [part for block, at in blocks if block.get("type") not in CHANGES for part in parts_of(block, at, dropped)]
    else:
        found = parts(content, place, dropped)
    return [{"role": "system", "content": plain(found)}] if found else []


# ---------------------------------------------------------------- user


def _user(message: Object, place: str, dropped: Dropped) -> list[Fields]:
    content, where = message.get("content"), f"{place}.content"
    if not isinstance(content, list):
        return [{"role": "user", "content": plain(parts(content, where, dropped))}]
    results: list[Fields] = []
    rest: Parts = []
    for block, at in objects(content, where):
        if block.get("type") == "tool_result":
            result, files = _result(block, at, dropped)
            results.append(result)
            rest += files
        else:
            rest += parts_of(block, at, dropped)
    return [*results, {"role": "user", "content": plain(rest)}] if rest or not results else results


def _result(block: Object, place: str, dropped: Dropped) -> tuple[Fields, Parts]:
    """A tool's result, and the documents in it: those stand in the user's message, for no tool message can hold them."""
    result: Fields = {"role": "tool", "tool_call_id": said(block.get("tool_use_id"), f"{place}.tool_use_id")}
    content = block.get("content")
    found = parts(content, f"{place}.content", dropped) if content is not None else []
    files = [part for part in found if part["type"] == "file"]
    shown = [worded("The document is attached below.") if part["type"] == "file" else part for part in found]
    if shown and isinstance(hint := block.get("cache_control"), dict):
        shown[-1]["cache_control"] = hint
    result["content"] = plain(shown)
    if block.get("is_error") is True:
        result["is_error"] = True
    return result, files


# ---------------------------------------------------------------- assistant


def _assistant(message: Object, place: str, dropped: Dropped) -> Fields:
    content = message.get("content")
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    if not isinstance(content, list):
        raise wrong(f"{place}.content", "a string or an array of content blocks")
    turn = _Turn(dropped)
    for block, at in objects(content, f"{place}.content"):
        turn.take(block, at)
    return turn.message()


class _Turn:
    """A turn of the model's, block by block."""

    __slots__ = ("_adjacent", "_calls", "_dropped", "_reasoning", "_texts", "_thinking")

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._texts: list[_Text] = []
        self._reasoning: list[str] = []
        self._thinking: list[Object] = []
        self._calls: list[Fields] = []
        self._adjacent = False

    def take(self, block: Object, place: str) -> None:
        """Adds one block."""
        adjacent, self._adjacent = self._adjacent, False
        match said(block.get("type"), f"{place}.type"):
            case "text":
                self._adjacent = True
                self._say(text(block.get("text"), f"{place}.text"), block, adjacent=adjacent)
            case "thinking":
                self._think(block, place)
            case "redacted_thinking":
                said(block.get("data"), f"{place}.data")
                self._thinking.append(block)
            case "tool_use":
                self._call(block, place)
            case kind:
                self._other(kind, block, place)

    def _say(self, words: str, block: Object, *, adjacent: bool) -> None:
        """Adds text: right behind other text it goes on with that, as the model said it."""
        if not words:
            return
        if adjacent and self._texts and self._texts[-1].hint is None:
            self._texts[-1].pieces.append(words)
        else:
            self._texts.append(_Text(words))
        if isinstance(hint := block.get("cache_control"), dict):
            self._texts[-1].hint = hint

    def _think(self, block: Object, place: str) -> None:
        """Without a signature it was not Claude that thought, and only the words are worth keeping."""
        if words := text(block.get("thinking"), f"{place}.thinking"):
            self._reasoning.append(words)
        if block.get("signature"):
            said(block["signature"], f"{place}.signature")
            self._thinking.append(block)

    def _call(self, block: Object, place: str) -> None:
        given = block.get("input")
        arguments = written(mapping(given, f"{place}.input"), f"{place}.input") if given is not None else "{}"
        called = {"name": fitting(said(block.get("name"), f"{place}.name")), "arguments": arguments}
        self._calls.append({"id": said(block.get("id"), f"{place}.id"), "type": "function", "function": called})

    def _other(self, kind: str, block: Object, place: str) -> None:
        """What Anthropic's own tools did: what they found can be read, the rest is left out."""
        if words := readable(block):
            self._say(words, block, adjacent=False)
        else:
            self._dropped.add(place, kind)

    def message(self) -> Fields:
        """The whole turn."""
        told: Fields = {"role": "assistant", "content": self._content()}
        if self._reasoning:
            told["reasoning_content"] = "\n\n".join(self._reasoning)
        if self._thinking:
            told["thinking_blocks"] = self._thinking
        if self._calls:
            told["tool_calls"] = self._calls
        return told

    def _content(self) -> str | Parts | None:
        """One string where no cache hint stands in it: not every server takes an assistant's parts."""
        if not self._texts:
            return None if self._calls else ""
        if any(said.hint is not None for said in self._texts):
            return [said.part() for said in self._texts]
        return "\n\n".join("".join(said.pieces) for said in self._texts)


class _Text:
    """Text as it was said in one go, and the cache hint behind it."""

    __slots__ = ("hint", "pieces")

    def __init__(self, words: str) -> None:
        self.pieces = [words]
        self.hint: Object | None = None

    def part(self) -> Fields:
        """As a part of a message."""
        told = worded("".join(self.pieces))
        return told if self.hint is None else {**told, "cache_control": self.hint}
