"""A turn's calls of tools, and what came of them, as Gemini's parts.

Gemini knows a result by the function's name, and since version 3 by the call's id as well; it wants the signature of its
thoughts back on the part that it came with.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.arguments import UNPARSED, parsed
from gateway.dialects.thinking import opened, own_id
from gateway.providers.google import media
from gateway.providers.google.family import Family

Part = dict[str, Any]

UNANSWERED: Final = "The tool gave no result."
UNSIGNED: Final = "skip_thought_signature_validator"
"""Gemini 3's documented stand-in for the signature of a call that has none: made by another model, or lost by a client."""


class _Call:
    """A call that a result may answer: its function, the id that is sent, and the result's parts once they are there."""

    __slots__ = ("id", "name", "parts", "result")

    def __init__(self, name: str, sent: str | None) -> None:
        self.name = name
        self.id = sent
        self.result: Part = {"error": UNANSWERED}
        self.parts: list[Part] = []


class Toolwork:
    """The calls of the model's last turn and their results, which Gemini wants complete, and in the order of the calls.

    `answered`: there is a result. A call is known by its opened id, or else by its function's name; if two have the same,
    the first result is the first one's.
    """

    def __init__(self, family: Family) -> None:
        self.answered = False
        self._family = family
        self._calls: list[_Call] = []
        self._waiting: dict[str, deque[_Call]] = {}
        self._used: set[str] = set()
        self._count = 1

    def calls(self, entries: Any, where: str) -> list[Part]:
        """The parts of an assistant's calls."""
        if not isinstance(entries, list):
            raise InvalidValue("tool_calls should be a list.", param=where)
        parts = [self._call(entry, where) for entry in entries]
        if self._family.levels and parts and not any("thoughtSignature" in part for part in parts):
            parts[0]["thoughtSignature"] = UNSIGNED
        return parts

    def result(self, message: Mapping[str, Any], where: str) -> list[Part]:
        """Takes a tool's message; gives the parts of one that no call has asked for."""
        said_id, name = message.get("tool_call_id"), message.get("name")
        key = (own_id(said_id) if isinstance(said_id, str) else "") or name
        if not isinstance(key, str) or not key:
            raise InvalidValue("A tool's message should have the id of its call.", param=f"{where}.tool_call_id")
        text, pictures = _content(message.get("content"), where)
        waiting = self._waiting.get(key)
        if not waiting:
            return [{"text": f"Result of the tool call {key}:\n{text}"}, *pictures]
        call = waiting.popleft()
        call.result, call.parts = _response(text, failed=message.get("is_error") is True), pictures
        self.answered = True
        return []

    def results(self) -> list[Part]:
        """The parts for all calls so far, also for those that are still without a result: they get none any more."""
        responses = [self._response(call) for call in self._calls]
        beside = [] if self._family.levels else [part for call in self._calls for part in call.parts]
        self._calls, self._waiting, self.answered = [], {}, False
        return [*responses, *beside]

    def _call(self, entry: Any, where: str) -> Part:
        kind = "custom" if isinstance(entry, Mapping) and isinstance(entry.get("custom"), Mapping) else "function"
        said = entry.get(kind) if isinstance(entry, Mapping) else None
        if not isinstance(said, Mapping) or not isinstance(name := said.get("name"), str) or not name:
            raise InvalidValue("A tool call should have a function with a name.", param=where)
        told = entry.get("id")
        own = own_id(told) if isinstance(told, str) else ""
        call: Part = {"name": name, "args": {"input": said.get("input")} if kind == "custom" else parsed(said.get("arguments"))}
        known = _Call(name, self._fresh(own) if own and self._family.identifies else None)
        self._calls.append(known)
        self._waiting.setdefault(own or name, deque()).append(known)
        if known.id is not None:
            call["id"] = known.id
        signature = signature_in(entry) or (opened(told).signature if own != told and isinstance(told, str) else None)
        return {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})

    def _fresh(self, own: str) -> str:
        """The id that is sent: the call's own, if no other call has it."""
        sent = own
        while sent in self._used:
            self._count += 1
            sent = f"{own}_{self._count}"
        self._used.add(sent)
        return sent

    def _response(self, call: _Call) -> Part:
        response: Part = {"name": call.name, "response": call.result}
        if call.id is not None:
            response["id"] = call.id
        if self._family.levels and call.parts:
            response["parts"] = call.parts
        return {"functionResponse": response}


def signature_in(said: Mapping[str, Any]) -> str | None:
    """The signature in `extra_content.google`, where Gemini's compatible endpoint has it."""
    extra = said.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    found = google.get("thought_signature") if isinstance(google, Mapping) else None
    return found if isinstance(found, str) and found else None


def _content(content: Any, where: str) -> tuple[str, list[Part]]:
    if content is None or isinstance(content, str):
        return content or "", []
    if not isinstance(content, list):
        raise InvalidValue("The content of a tool's message should be text or a list of parts.", param=f"{where}.content")
    texts: list[str] = []
    pictures: list[Part] = []
    for part in content:
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, Mapping) and part.get("type") == "image_url":
            pictures.append(media.picture(part, f"{where}.content"))
        elif isinstance(part, Mapping) and part.get("type") == "file":
            pictures.append(media.document(part, f"{where}.content"))
        else:
            raise InvalidValue("A tool's message takes parts of text, image_url and file.", param=f"{where}.content")
    return "\n".join(texts), pictures


def _response(text: str, *, failed: bool) -> Part:
    """An object. One that the tool gave stays as it is, unless Gemini would take a field of it for the whole."""
    if failed:
        return {"error": text}
    value = parsed(text) if text.lstrip().startswith("{") else {UNPARSED: text}
    if UNPARSED in value:
        return {"output": text}
    if not {"output", "error"} & value.keys():
        return dict(value)
    return {"output": value}
