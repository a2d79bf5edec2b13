"""From YAML to a `Document`: nodes become values with places, references are resolved, every mistake is collected.

Plain scalars are read by the core schema of YAML 1.2: `off` and `no` are text, and no time of day is made of `60:30`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from gateway.config.document import Document, Span
from gateway.config.masking import EXAMPLE_KEY, is_secret
from gateway.config.problems import Finding, Where
from gateway.config.references import DeadReference, References

DEPTH_LIMIT = 32
VALUE_LIMIT = 100_000
TAGS = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNQUOTED = re.compile(r"[\[{,:]\s*\$\{")
_TAB = re.compile(r" *\t")
_WORDS: Mapping[str, bool | None] = MappingProxyType(
    {
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    }
)


def read_document(path: str, text: str, references: References) -> Document:
    """Reads a whole file; what is wrong stands in `problems`, and `data` holds the rest."""
    document = Document(path, _BREAKS.split(text))
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        document.problems.append(document.place(*_syntax(document.lines, text, error)))
        return document
    reader = _Reader(document, references)
    if isinstance(root, yaml.MappingNode):
        document.data = reader.value(root, (), 0)
    elif root is None or root.value == "":
        document.data = {}
    else:
        message, hint = "expected a mapping of keys at the top of the file", "begin with a key such as `providers:`"
        reader.complain(Finding((), message, hint, rule="syntax"), _span_of(root))
    if any(one.rule == "too-large" for one, _ in reader.complaints):
        document.data = None
    document.problems += [document.place(*one) for one in reader.complaints]  # after reading: by now all secrets are known
    return document


def _syntax(lines: list[str], text: str, error: yaml.YAMLError) -> tuple[Finding, Span]:
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position].split("\n")
        return (
            Finding((), "this character may not stand in YAML", "remove it", rule="syntax"),
            _point(len(before) - 1, len(before[-1])),
        )
    line, column = _place(lines, text, getattr(error, "problem_mark", None), getattr(error, "context_mark", None))
    told = ", ".join(filter(None, (getattr(error, "context", None), getattr(error, "problem", None))))
    finding = Finding((), f"this is not YAML: {told or error}", _remedy(lines[line], error), rule="syntax")
    return finding, _point(line, column)


def _remedy(line: str, error: yaml.YAMLError) -> str:
    """What is probably meant, by the line and what the parser says; empty where neither tells."""
    if _UNQUOTED.search(line):
        return 'put a reference between brackets in quotes, as in [ "${NAME}" ]'
    if _TAB.match(line):
        return "indent with spaces: YAML allows no tabs there"
    if line.startswith("---"):
        return "keep one document in the file"
    context, begun = getattr(error, "context", None) or "", getattr(error, "context_mark", None)
    if begun is not None and context.endswith(("flow sequence", "flow mapping")):
        return f"close the bracket of line {begun.line + 1}"
    return "close the bracket" if context.endswith("flow node") else ""


def _place(lines: list[str], text: str, mark: yaml.Mark | None, begun: yaml.Mark | None) -> tuple[int, int]:
    """Where the mistake shows; at the end of the file, where what does not end began, else the last letter there is."""
    for one in (mark, begun):
        if one is not None and text[one.index :].strip():
            return one.line, one.column
    line = max((at for at, one in enumerate(lines) if one.strip()), default=0)
    return line, max(len(lines[line].rstrip()) - 1, 0)


class _Reader:
    """Turns nodes into values, and notes where each stands."""

    def __init__(self, document: Document, references: References) -> None:
        self._document = document
        self._references = references
        self._count = 0
        self.complaints: list[tuple[Finding, Span]] = []

    def complain(self, finding: Finding, span: Span) -> None:
        self.complaints.append((finding, span))

    def value(self, node: yaml.Node, where: Where, depth: int) -> Any:
        span = self._document.values[where] = _span_of(node)
        if not self._room(where, span, depth):
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where, depth)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, where, span)
        return [self.value(child, (*where, at), depth + 1) for at, child in enumerate(node.value)]

    def _room(self, where: Where, span: Span, depth: int) -> bool:
        """Counts a value; an anchor that holds itself would go on for ever."""
        self._count += 1
        room = depth <= DEPTH_LIMIT and self._count <= VALUE_LIMIT
        if not room and not any(one.rule == "too-large" for one, _ in self.complaints):
            message = "nested too deeply, or an anchor repeats itself too often"
            self.complain(Finding(where, message, rule="too-large"), span)
        return room

    def _mapping(self, node: yaml.MappingNode, where: Where, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in reversed([one for key, child in node.value if key.tag == f"{TAGS}merge" for one in _several(child)]):
            if isinstance(one, yaml.MappingNode) and self._room(where, _span_of(node), depth):
                found |= self._mapping(one, where, depth + 1)
        own: set[str] = set()
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(Finding(where, "expected text as a key", rule="syntax"), _span_of(key))
            elif key.tag == f"{TAGS}merge":
                continue
            elif key.value in own:
                if is_secret((key.value,)):
                    self._hide(_span_of(child))
                self.complain(self._twice((*where, key.value)), _span_of(key))
            else:
                own.add(key.value)
                self._document.keys[(*where, key.value)] = _span_of(key)
                found[key.value] = self.value(child, (*where, key.value), depth + 1)
        return found

    def _twice(self, where: Where) -> Finding:
        first = self._document.keys[where].line + 1
        return Finding(
            where, f"the key {where[-1]!r} stands in line {first} already", "remove one of the two", rule="duplicate-key"
        )

    def _scalar(self, node: yaml.ScalarNode, where: Where, span: Span) -> Any:
        if not node.tag.startswith(TAGS):
            self.complain(Finding(where, f"the tag {node.tag!r} means nothing here", "remove it", rule="syntax"), span)
            return None
        document = self._document
        document.raw[where] = node.value
        try:
            resolved = self._references.resolve(node.value)
        except DeadReference as error:
            document.dead.add(where)
            self.complain(Finding(where, error.message, error.hint, rule="dead-reference"), span)
            return f"unset-{len(document.dead)}"  # so that what else is wrong is found as well
        document.sources[where] = resolved
        if is_secret(where) and resolved.literal not in ("", EXAMPLE_KEY):
            self._hide(span)
        if node.style or node.tag == f"{TAGS}str" or resolved.text != node.value:
            return resolved.text
        return _plain(resolved.text)

    def _hide(self, span: Span) -> None:
        lines = self._document.lines
        for line in range(span.line, min(span.end_line + 1, len(lines))):
            start = span.column if line == span.line else 0
            end = span.end_column if line == span.end_line else len(lines[line])
            self._document.hidden.setdefault(line, []).append((start, end))


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _several(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def _span_of(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(start.line, start.column, end.line, end.column)


def _point(line: int, column: int) -> Span:
    return Span(line, column, line, column + 1)
