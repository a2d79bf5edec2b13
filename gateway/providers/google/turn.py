"""One candidate of an answer, as deltas of a chat: its parts in their order, those of a kind that follow each other as one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.thinking import seal
from gateway.providers.google import finish
from gateway.providers.openai.calls import CALL_LIMIT, fresh_call_id

Fields = dict[str, Any]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TEXTS: Final = ("content", "reasoning_content")


class Turn:
    """One candidate, as far as it has come. `customs`: names of tools whose calls are told as custom ones.

    `finish`: Google's reason for its end. `said`: it has said something. `opened`: an event of it has gone out.
    """

    __slots__ = ("_calls", "_customs", "_words", "finish", "index", "opened", "said")

    def __init__(self, index: int, customs: frozenset[str]) -> None:
        self.index = index
        self.said = self.opened = False
        self.finish: str | None = None
        self._words: object = None
        self._customs = customs
        self._calls = 0

    def take(self, candidate: Mapping[str, Any]) -> list[Fields]:
        """What the candidate says in one event, or in all. Raises `UpstreamBroken` for more calls than `CALL_LIMIT`."""
        self.finish = finish.named(candidate) or self.finish
        self._words = candidate.get("finishMessage") or self._words
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        every = parts if isinstance(parts, list) else ()
        deltas = list(_runs(delta for part in every if isinstance(part, dict) for delta in self._deltas(part)))
        self.said = self.said or any(set(delta) - {"extra_content"} for delta in deltas)
        return deltas

    def end(self, *, strict: bool) -> tuple[list[Fields], str]:
        """What is left to say, and OpenAI's finish reason. `strict`: raises `UpstreamBroken` for an answer that failed."""
        named = self.finish or "STOP"
        reason = finish.reason(named, called=self._calls > 0)
        if reason is None:
            if strict:
                raise finish.failed(named, self._words)
            reason = "stop"
        if reason == "content_filter" and not self.said:
            return [{"refusal": finish.refusal(named, self._words)}], reason
        return [], reason

    def _deltas(self, part: Mapping[str, Any]) -> Iterator[Fields]:
        signature = _signature(part)
        if isinstance(call := part.get("functionCall"), dict):
            if not self._calls or call.get("name") or "args" in call:  # else the rest of one that comes bit by bit
                yield {"tool_calls": [self._call(call, signature)]}
            return
        if text := _text(part):
            yield {"reasoning_content" if part.get("thought") is True else "content": text}
        elif isinstance(data := part.get("inlineData"), dict) and part.get("thought") is not True:
            yield from _media(data)
        if signature:
            yield {"extra_content": {"google": {"thought_signature": signature}}}

    def _call(self, call: Mapping[str, Any], signature: str | None) -> Fields:
        if self._calls >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        said_id, name, args = call.get("id"), call.get("name"), call.get("args")
        own = said_id if isinstance(said_id, str) and _ID.fullmatch(said_id) else fresh_call_id()
        name = name if isinstance(name, str) else ""
        args = args if isinstance(args, dict) else {}
        entry: Fields = {"index": self._calls, "id": seal(own, signature=signature)}
        if name in self._customs:
            words = args.get("input")
            said = {"name": name, "input": words if isinstance(words, str) else lenient.dumps(args).decode()}
            entry |= {"type": "custom", "custom": said}
        else:
            entry |= {"type": "function", "function": {"name": name, "arguments": lenient.dumps(args).decode()}}
        if signature:
            entry["extra_content"] = {"google": {"thought_signature": signature}}
        self._calls += 1
        return entry


def _signature(part: Mapping[str, Any]) -> str | None:
    said = part.get("thoughtSignature")
    return said if isinstance(said, str) and said and said.isascii() else None


def _text(part: Mapping[str, Any]) -> str:
    """A part's words; of code that Google ran, and of what came of it, a block in Markdown."""
    if isinstance(text := part.get("text"), str):
        return text
    if isinstance(code := part.get("executableCode"), dict):
        return f"\n```{_word(code, 'language').lower()}\n{_word(code, 'code')}\n```\n"
    if isinstance(result := part.get("codeExecutionResult"), dict):
        return f"\n```\n{_word(result, 'output')}\n```\n"
    return ""


def _word(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _media(data: Mapping[str, Any]) -> Iterator[Fields]:
    """An image in the form that OpenRouter gave to answered images; sound in OpenAI's."""
    kind, words = _word(data, "mimeType"), _word(data, "data")
    if not words:
        return
    if kind.startswith("audio/"):
        yield {"audio": {"id": fresh_call_id().replace("call", "audio"), "data": words, "transcript": "", "expires_at": 0}}
    else:
        yield {"images": [{"type": "image_url", "image_url": {"url": f"data:{kind};base64,{words}"}}]}


def _runs(said: Iterable[Fields]) -> Iterator[Fields]:
    """The deltas, each of which has one key; texts of a kind that follow each other, and calls, as one."""
    for key, run in groupby(said, key=lambda delta: next(iter(delta))):
        if key in _TEXTS:
            yield {key: "".join(delta[key] for delta in run)}
        elif key == "tool_calls":
            yield {key: [call for delta in run for call in delta[key]]}
        else:
            yield from run


def logprobs(candidate: Mapping[str, Any]) -> Fields | None:
    """The probabilities of a candidate's tokens, None where it has none."""
    said = candidate.get("logprobsResult")
    chosen = said.get("chosenCandidates") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(chosen, list):
        return None
    tops = said.get("topCandidates")
    rows = tops if isinstance(tops, list) else []
    content = []
    for place, one in enumerate(chosen):
        if isinstance(one, dict):
            row = rows[place].get("candidates") if place < len(rows) and isinstance(rows[place], dict) else None
            others = [_token(other) for other in row if isinstance(other, dict)] if isinstance(row, list) else []
            content.append({**_token(one), "top_logprobs": others})
    return {"content": content, "refusal": None} if content else None


def _token(said: Mapping[str, Any]) -> Fields:
    token, value = _word(said, "token"), said.get("logProbability")
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return {"token": token, "logprob": value if known else 0.0, "bytes": list(token.encode("utf-8", "replace"))}
