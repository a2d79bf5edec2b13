"""A configuration file as read: its values, the place of each, how each came about, and which parts may not be printed."""

from dataclasses import dataclass, field
from typing import Any

from gateway.config.masking import is_secret, masked, starred
from gateway.config.problems import Finding, Problem, Where, dotted
from gateway.config.references import Resolved


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the source. Lines and columns count from 0; the end is behind the last letter."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass
class Document:
    """What a file says, and where. `data` holds resolved values; `raw` their text as written; `sources` what became of it.

    `dead` are the values that could not be had: something else stands for them, and they are complained about already.
    """

    path: str
    lines: list[str]
    data: Any = None
    keys: dict[Where, Span] = field(default_factory=dict)
    values: dict[Where, Span] = field(default_factory=dict)
    raw: dict[Where, str] = field(default_factory=dict)
    sources: dict[Where, Resolved] = field(default_factory=dict)
    hidden: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    dead: set[Where] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def shown(self, where: Where) -> str | None:
        """A scalar as it was written, fit to be printed; None for secrets and for what is no scalar."""
        text = self.raw.get(where)
        return None if text is None or is_secret(where) else masked(text)

    def found(self, where: Where) -> str:
        """What stands there, in words that hold no secret."""
        if where not in self.raw:
            return "found several values" if where in self.values else "it is not there"
        shown = self.shown(where)
        told = "found a secret, which is not shown" if shown is None else f"found {shown!r}"
        return f"{told}, whose value does not fit" if self.variables(where) else told

    def variables(self, where: Where) -> tuple[str, ...]:
        """The environment variables that the value refers to."""
        source = self.sources.get(where)
        return source.variables if source else ()

    def place(self, finding: Finding, span: Span | None = None) -> Problem:
        """The finding at its span, else at the nearest place that the file has for its key."""
        at = span or self._span(finding)
        excerpt = self._excerpt(at.line)
        end = at.end_column if at.end_line == at.line else len(excerpt)
        return Problem(
            self.path,
            at.line + 1,
            at.column + 1,
            finding.message,
            finding.hint,
            finding.severity,
            finding.rule,
            max(1, end - at.column),
            excerpt,
            dotted(finding.where),
        )

    def _span(self, finding: Finding) -> Span:
        first, second = (self.keys, self.values) if finding.at_key else (self.values, self.keys)
        for length in range(len(finding.where), 0, -1):
            where = finding.where[:length]
            if found := first.get(where) or second.get(where):
                return found
        return Span(0, 0, 0, 1)

    def _excerpt(self, line: int) -> str:
        text = self.lines[line] if line < len(self.lines) else ""
        for start, end in self.hidden.get(line, ()):
            text = starred(text, start, end)
        return masked(text)
