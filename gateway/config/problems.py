"""What can be wrong with a configuration: findings at a key, problems at a place in a file, and how they are told.

A `Finding` knows the key (`tenants.acme.keys[0].key`); a `Problem` knows file, line and column as well. Nothing in a
problem holds a secret: its excerpt of the source is masked when it is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

Where = tuple[str | int, ...]
"""The way to a value from the top of the file: keys and positions in lists."""


class Severity(Enum):
    """An error keeps the configuration from loading; a warning deserves a look; a note only tells."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a value: what is so (`message`) and what to do (`hint`). `rule` is its name in reports.

    `at_key`: the key itself is meant, not its value.
    """

    where: Where
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    rule: str = "invalid-value"
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding at its place.

    `line` and `column` count from 1 (0: no line in particular); `width` is how far the caret reaches; `excerpt` is the
    line, with secrets starred out; `key` is the way to the value, as people write it.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    rule: str = "invalid-value"
    width: int = 1
    excerpt: str = ""
    key: str = ""


def dotted(where: Where) -> str:
    """The way to a value as people write it: `tenants.acme.keys[0].key`."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def sentence(problem: Problem) -> str:
    """What to do first, then why."""
    told = f"{problem.hint} ({problem.message})" if problem.hint else problem.message
    return told if problem.severity is Severity.ERROR else f"{problem.severity.value}: {told}"


def headline(problem: Problem) -> str:
    """`file:line:column: message` on one line; without a line where the file as a whole, or no file, is meant."""
    return f"{place_of(problem)}: {sentence(problem)}"


def place_of(problem: Problem) -> str:
    """`file:line:column`, as far as it is known."""
    return f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path


def render(problem: Problem) -> str:
    """The headline, the line of the source, and a caret under the value."""
    if not problem.excerpt.strip():
        return headline(problem)
    number = f"{problem.line:5} | "
    lead = "".join(letter if letter == "\t" else " " for letter in problem.excerpt[: problem.column - 1])
    room = max(1, len(problem.excerpt) - len(lead))
    return "\n".join((headline(problem), number + problem.excerpt, "      | " + lead + "^" * max(1, min(problem.width, room))))


def render_all(problems: Iterable[Problem]) -> str:
    """Every problem, errors first, each in the order of the file."""
    return "\n".join(map(render, in_order(problems)))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors, then warnings, then notes; each in the order of the files."""
    ranks = list(Severity)
    return sorted(problems, key=lambda one: (ranks.index(one.severity), one.path, one.line, one.column))
