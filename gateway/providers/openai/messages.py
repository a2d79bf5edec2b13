"""The messages of a chat, as a vendor takes them: roles, names, ids, thinking, results of tools, documents and hints."""

import re
from collections.abc import Sequence
from hashlib import sha256
from operator import is_not
from typing import Any, Final

from gateway.dialects.responses.freeform import as_function_call
from gateway.dialects.thinking import MARK, opened, own_id
from gateway.providers.vendors import Vendor

Fields = dict[str, Any]

FAILED: Final = "Error: "
"""What stands before the words of a tool that failed: OpenAI's form has no other place for it."""
_PICTURES: Final = "The images that the tools returned:"
_SHORT: Final = re.compile(r"[A-Za-z0-9]{9}", re.ASCII)
_OURS: Final = ("thinking_blocks", "native_finish_reason", "cache_control")


def cleaned(given: Any, vendor: Vendor, dropped: list[str], *, foreign: bool) -> Any:
    """The messages for the vendor; those that need no change are the same objects. What is no list is left to the provider."""
    if not isinstance(given, list):
        return given
    kept: list[Any] = []
    waiting: list[Fields] = []  # pictures of tools: their user message must not come between two results
    for message in given:
        if not isinstance(message, dict):
            kept.append(message)
            continue
        if waiting and message.get("role") != "tool":
            kept.append({"role": "user", "content": _pictures(waiting)})
            waiting = []
        kept.append(_Message(message, vendor, dropped, foreign=foreign).clean(waiting))
    if waiting:
        kept.append({"role": "user", "content": _pictures(waiting)})
    return kept if len(kept) != len(given) or any(map(is_not, kept, given)) else given


def _pictures(parts: Sequence[Fields]) -> list[Fields]:
    return [{"type": "text", "text": _PICTURES}, *parts]


class _Message:
    """One message on its way; copied at the first change."""

    __slots__ = ("_dropped", "_foreign", "_given", "_now", "_vendor")

    def __init__(self, given: Fields, vendor: Vendor, dropped: list[str], *, foreign: bool) -> None:
        self._given = given
        self._now = given
        self._vendor = vendor
        self._dropped = dropped
        self._foreign = foreign

    def clean(self, waiting: list[Fields]) -> Fields:
        """The message; `waiting` takes what of it has to follow in another one."""
        role = self._given.get("role")
        if role == "developer" and not self._vendor.developer:
            self._set("role", "system")
        if "name" in self._given and not self._vendor.names and role != "tool":
            self._unset("name")
            self._dropped.append("messages[].name")
        if role == "assistant":
            self._assistant()
        for name in _OURS:
            if name in self._given and (self._foreign or name != "cache_control"):
                self._unset(name)
        if role == "tool":
            self._result(waiting)
        elif self._foreign:
            self._content()
        return self._now

    def _set(self, name: str, value: Any) -> None:
        if self._now is self._given:
            self._now = dict(self._given)
        self._now[name] = value

    def _unset(self, name: str) -> None:
        if self._now is self._given:
            self._now = dict(self._given)
        self._now.pop(name, None)

    # ------------------------------------------------------------ what a model said

    def _assistant(self) -> None:
        calls = self._given.get("tool_calls")
        sealed: list[str] = []
        if isinstance(calls, list):
            fitting = [_call(call, self._vendor, sealed, foreign=self._foreign) for call in calls]
            if any(new is not old for new, old in zip(fitting, calls, strict=True)):
                self._set("tool_calls", fitting)
            if not calls and self._foreign:
                self._unset("tool_calls")  # an empty list is an error in many places
        self._reasoning(bool(calls), sealed)

    def _reasoning(self, called: bool, sealed: list[str]) -> None:  # noqa: FBT001  # what it is about
        mode, said = self._vendor.reasoning, self._given.get("reasoning_content")
        if mode == "wanted":
            if called and not said:
                self._set("reasoning_content", self._thoughts(sealed))
        elif said is not None and (mode != "ignored" or self._foreign or "thinking_blocks" in self._given or sealed):
            self._unset("reasoning_content")
            if mode == "renamed" and isinstance(said, str) and said:
                self._set("reasoning", said)
            if mode == "refused" and "reasoning" in self._given:
                self._unset("reasoning")  # the same by its other name: answers leave here with both

    def _thoughts(self, sealed: list[str]) -> str:
        """What was thought before tools were called, where nobody kept it: as other wires told it, else words of our own.

        They differ from turn to turn: DeepSeek falls silent after a row of equal ones (Lingtai-AI/lingtai-kernel#9), and
        refuses empty ones (NousResearch/hermes-agent#17341).
        """
        blocks = self._given.get("thinking_blocks")
        every = blocks if isinstance(blocks, list) else [block for one in sealed for block in opened(one).blocks]
        texts = [block.get("thinking") for block in every if isinstance(block, dict)]
        told = "\n".join(text for text in texts if isinstance(text, str) and text)
        if told:
            return told
        names = [f"{_name(call)} as {call.get('id')}" for call in self._now.get("tool_calls", ()) if isinstance(call, dict)]
        return f"Calls {', '.join(names)}."

    # ------------------------------------------------------------ what a tool said

    def _result(self, waiting: list[Fields]) -> None:
        call_id = self._given.get("tool_call_id")
        if (known := _known(call_id, self._vendor)) != call_id:
            self._set("tool_call_id", known)
        content = self._given.get("content")
        pictures: list[Fields] = []
        if isinstance(content, list) and self._foreign:
            content, pictures = self._parts(content, texts_alone=not self._vendor.images_in_results)
        if "is_error" in self._given:
            self._unset("is_error")
            content = _failed(content) if self._given["is_error"] is True else content
        if content is not self._given.get("content"):
            self._set("content", content)
        waiting += pictures

    def _parts(self, parts: list[Any], *, texts_alone: bool = False) -> tuple[Any, list[Fields]]:
        """The content, and the images that cannot stand in it."""
        kept: list[Any] = []
        pictures: list[Fields] = []
        for part in parts:
            fitting = self._part(part)
            if texts_alone and isinstance(fitting, dict) and fitting.get("type") == "image_url":
                pictures.append(fitting)
            else:
                kept.append(fitting)
        if not kept and pictures:
            return "(An image follows.)" if len(pictures) == 1 else f"({len(pictures)} images follow.)", pictures
        return (kept if self._vendor.lists else _flat(kept)), pictures

    # ------------------------------------------------------------ parts of a content

    def _content(self) -> None:
        content = self._given.get("content")
        if isinstance(content, list):
            self._set("content", self._parts(content)[0])

    def _part(self, part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        if "cache_control" in part and not self._vendor.hints:
            part = {key: value for key, value in part.items() if key != "cache_control"}
        if part.get("type") != "file":
            return part
        file = part.get("file")
        said = file if isinstance(file, dict) else {}
        if self._vendor.files and "file_url" not in said:
            return part
        self._dropped.append("messages[].content (file)")
        name = said.get("filename")
        named = f" {name!r}" if isinstance(name, str) and name else ""
        return {"type": "text", "text": f"[A document{named} stood here, which cannot be shown to this model.]"}


def _call(call: Any, vendor: Vendor, sealed: list[str], *, foreign: bool) -> Any:
    """A call of a tool: its own id, its signature where the vendor wants it, and free text where the vendor knows that."""
    if not isinstance(call, dict):
        return call
    now = call
    call_id = call.get("id")
    if (known := _known(call_id, vendor)) != call_id:
        now = {**now, "id": known}
    if isinstance(call_id, str) and MARK in call_id:
        sealed.append(call_id)
        if vendor.signatures and "extra_content" not in now and (signature := opened(call_id).signature):
            now["extra_content"] = {"google": {"thought_signature": signature}}
    if "extra_content" in now and not vendor.signatures and (foreign or now is not call):
        now = {key: value for key, value in now.items() if key != "extra_content"}
    if foreign and now.get("type") == "custom" and not vendor.custom:
        now = as_function_call(now)
    return now


def _known(call_id: Any, vendor: Vendor) -> Any:
    """The call's own id in the form that the vendor takes; the same for the call and its result."""
    if not isinstance(call_id, str):
        return call_id
    own = own_id(call_id)
    if vendor.short_ids and not _SHORT.fullmatch(own):
        return sha256(own.encode("utf-8", "replace")).hexdigest()[:9]
    return own


def _name(call: Fields) -> str:
    said = call.get("function") or call.get("custom")
    return str(said.get("name")) if isinstance(said, dict) else "a tool"


def _failed(content: Any) -> Any:
    if isinstance(content, list):
        return [{"type": "text", "text": FAILED.strip()}, *content]
    return FAILED + content if isinstance(content, str) else FAILED.strip()


def _flat(parts: list[Any]) -> Any:
    """One text where there is nothing else: many servers know no lists but in user messages."""
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text" and len(part) == 2]
    if len(texts) < len(parts) or not all(isinstance(text, str) for text in texts):
        return parts
    return "\n".join(str(text) for text in texts)
