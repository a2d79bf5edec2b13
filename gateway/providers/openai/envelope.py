"""Takes an error out of whatever a provider wraps it in: OpenAI's envelope and the shapes of the nearly compatible."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

MESSAGE_LIMIT: Final = 4000
"""Characters kept of a provider's message."""
NAME_LIMIT: Final = 100
"""Characters kept of a provider's type, code and param: they go into log lines."""
_KEY: Final = re.compile(r"\b(?:sk-|AIza|ya29\.|AKIA|eyJ)[\w.-]{12,}|(?<=Bearer )[\w.~+/-]{12,}=*", re.ASCII)
"""What looks like a key or a token: an error within a stream comes without knowing which key asked for it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an error says of itself. `status` is one that stands in its words, where a code is a number."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after_s: float | None = None

    def without(self, secrets: Iterable[str]) -> "Told":
        """The same, with the gateway's own keys made unreadable, should the provider have repeated one."""
        message = self.message
        for secret in secrets:
            if secret:
                message = message.replace(secret, "***")
        return self if message is self.message else replace(self, message=message)


def is_error(value: object) -> bool:
    """Whether this is an error rather than an answer, in any of the shapes that `told_by` reads without a status."""
    if not isinstance(value, dict) and not isinstance(value := _only(value), dict):
        return False
    return bool(value.get("error")) or value.get("type") == "error" or value.get("object") == "error"


def told_by(value: object) -> Told | None:
    """What the error in `value` says; None where there is none."""
    value = _only(value)
    if not isinstance(value, Mapping):
        return None
    error = value.get("error")
    if isinstance(error, str) and error:  # Ollama; some put the words beside it
        return _told({**value, "message": value.get("message") or error})
    if isinstance(error, Mapping):
        return _told(error)
    if value.get("type") == "error" or value.get("object") == "error" or value.get("message"):  # vLLM, Bedrock
        return _told({key: said for key, said in value.items() if (key, said) != ("type", "error")})
    if value.get("detail"):  # FastAPI
        return Told(_message(value["detail"]))
    return None


def _only(value: object) -> object:
    """The first of a list: Gemini's compatible endpoint wraps its errors in one."""
    return value[0] if isinstance(value, list) and value else value


def _told(error: Mapping[str, Any]) -> Told:
    status = next((one for one in (error.get("code"), error.get("status"), error.get("status_code")) if _is_status(one)), None)
    code = error.get("code")
    if not isinstance(code, str) or not code:
        named = error.get("status")  # Google's name for it
        code = named.lower() if isinstance(named, str) and named else None
    if code is not None and code.isascii() and code.isdecimal():
        status, code = (int(code) if len(code) == 3 and _is_status(int(code)) else status), None
    return Told(
        message=_message(error.get("message") or error.get("detail")),
        type=_name(error.get("type")),
        code=_name(code),
        param=_name(error.get("param")),
        status=status,
        retry_after_s=_retry_delay_s(error.get("details")),
    )


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _name(value: object) -> str | None:
    """What is not printable is left out: line breaks, escapes, halves of surrogate pairs."""
    kept = "".join(filter(str.isprintable, value[:NAME_LIMIT])) if isinstance(value, str) else ""
    return kept or None


def _message(value: object) -> str:
    return _KEY.sub("***", _words(value)[:MESSAGE_LIMIT]).encode("utf-8", "replace").decode()


def _words(value: object, depth: int = 4) -> str:
    """A message from what may be text, FastAPI's list of places and complaints, or an object around either."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and depth:
        return "; ".join(_words(one, depth - 1) for one in value[:10])
    if isinstance(value, Mapping) and depth:
        place = value.get("loc")
        where = ".".join(str(step) for step in place[:10] if isinstance(step, str | int)) if isinstance(place, list) else ""
        said = value.get("msg") or value.get("message") or value.get("error")
        if said:
            return f"{where}: {_words(said, depth - 1)}" if where else _words(said, depth - 1)
    return "The provider gave no message."


def _retry_delay_s(details: object) -> float | None:
    """Google's RetryInfo: `"retryDelay": "13s"`."""
    for one in details if isinstance(details, list) else ():
        delay = one.get("retryDelay") if isinstance(one, Mapping) else None
        if isinstance(delay, str) and delay.removesuffix("s").replace(".", "", 1).isdecimal():
            return float(delay.removesuffix("s"))
    return None
