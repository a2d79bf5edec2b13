"""The script language: settings such as `latency=200ms,cut_after=5`, from the configuration and from model names.

Apart from what obeys it, so that the configuration can be checked without building a provider.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

LONGEST_S = 3600.0
NEVER_S = math.inf
"""How long a script that hangs lets wait."""
UNITS_S: Mapping[str, float] = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0})


@dataclass(frozen=True, slots=True)
class Script:
    """How the provider behaves. The fields are those of `SETTINGS`; None in one of the `_after` fields: never."""

    latency_s: float = 0.0
    delay_s: float = 0.0
    chunk: int = 1
    words: int | None = None
    tools: int = 0
    cached: int = 0
    usage: bool = True
    status: int = 200
    retry_after_s: float | None = None
    cut_after: int | None = None
    error_after: int | None = None
    hang_after: int | None = None
    hang: bool = False
    done: bool = True
    every: int = 1

    def without_faults(self) -> "Script":
        """The same, but nothing goes wrong: the calls between those that `every` picks."""
        return replace(self, status=200, cut_after=None, error_after=None, hang_after=None, hang=False, done=True)


PLAIN = Script()


class ScriptError(ValueError):
    """A setting that does not exist, or a value that it cannot have; the message says what would be right."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Form:
    """What a value looks like: the words for it, and the reader, which raises `ValueError`."""

    expected: str
    read: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Setting:
    """One word of the language: the field of `Script` that it sets, and the form of its value."""

    field: str
    form: Form


def _duration(text: str) -> float:
    digits = text.rstrip("ms")
    seconds = float(digits) * UNITS_S[text[len(digits) :]]
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError(text)
    return seconds


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return read


def _or_no(read: Callable[[str], int]) -> Callable[[str], int | None]:
    return lambda text: None if text == "no" else read(text)


def _status(text: str) -> int:
    return 200 if text == "200" else _whole(400, 599)(text)


_WAIT = Form(f"a time from 0ms to {LONGEST_S / 60:g}m, such as 200ms, 1.5s or 2m", _duration)
_YES_OR_NO = Form("yes or no", {"yes": True, "no": False}.__getitem__)
_AFTER = Form("a whole number of chunks from 0 to 100000, or no", _or_no(_whole(0, 100_000)))

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "latency": Setting("latency_s", _WAIT),
        "delay": Setting("delay_s", _WAIT),
        "chunk": Setting("chunk", Form("a whole number of words from 1 to 10000", _whole(1, 10_000))),
        "words": Setting("words", Form("a whole number from 0 to 100000, or no", _or_no(_whole(0, 100_000)))),
        "tools": Setting("tools", Form("a whole number of calls from 0 to 128", _whole(0, 128))),
        "cached": Setting("cached", Form("a whole number of tokens from 0 to 10000000", _whole(0, 10_000_000))),
        "usage": Setting("usage", _YES_OR_NO),
        "status": Setting("status", Form("an error status from 400 to 599, or 200", _status)),
        "retry_after": Setting("retry_after_s", _WAIT),
        "cut_after": Setting("cut_after", _AFTER),
        "error_after": Setting("error_after", _AFTER),
        "hang_after": Setting("hang_after", _AFTER),
        "hang": Setting("hang", _YES_OR_NO),
        "done": Setting("done", _YES_OR_NO),
        "every": Setting("every", Form("a whole number from 1 to 1000000", _whole(1, 1_000_000))),
    }
)

NAMES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "echo": (),
        "echo-slow": (("latency", "1s"), ("delay", "100ms")),
        "echo-long": (("words", "500"),),
        "echo-tools": (("tools", "1"),),
        "echo-error": (("status", "500"),),
        "echo-429": (("status", "429"), ("retry_after", "2s")),
        "echo-flaky": (("status", "503"), ("every", "2")),
        "echo-cut": (("cut_after", "3"),),
        "echo-break": (("error_after", "3"),),
        "echo-hang": (("hang", "yes"),),
    }
)
"""Model names that stand for settings."""


_KNOWN = f"The settings are: {', '.join(SETTINGS)}."


def parse(pairs: Iterable[tuple[str, str]], base: Script = PLAIN) -> Script:
    """`base` with these settings changed; the last of two wins. Raises `ScriptError`."""
    changes: dict[str, object] = {}
    for name, value in pairs:
        setting = SETTINGS.get(name)
        if setting is None:
            raise ScriptError(name, f"The echo provider has no setting {name!r}.{_hint(name)} {_KNOWN}")
        try:
            changes[setting.field] = setting.form.read(value)
        except (ValueError, KeyError):
            raise ScriptError(
                name, f"The echo setting {name!r} cannot be {value!r}: expected {setting.form.expected}. {_KNOWN}"
            ) from None
    return replace(base, **changes) if changes else base  # type: ignore[arg-type]  # the forms read what the fields hold


def for_model(model: str, base: Script = PLAIN) -> Script:
    """The script of a model name: `echo`, a name that stands for settings, and more settings after a colon.

    Any other name behaves like `echo`, colons and all, so that every name can be sent here. Raises `ScriptError`.
    """
    name, colon, text = model.partition(":")
    known = NAMES.get(name)
    if known is None:
        return base
    if not colon:
        return parse(known, base)
    return parse((*known, *map(_pair, filter(None, text.split(",")))), base)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ScriptError(name, f"The echo setting {text!r} has no value: expected name=value, such as latency=200ms. {_KNOWN}")
    return name.strip(), value.strip()


def _hint(name: str) -> str:
    nearest = difflib.get_close_matches(name[:64], SETTINGS, 1, 0.5)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
