"""References in values: `${NAME}`, `${NAME:-default}`, and `file:/run/secrets/x` for the content of a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$(?P<escape>\$\{)|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<has>:-(?P<default>[^}]*))?\})?")
FILE = "file:"
FILE_LIMIT = 64 * 1024


class DeadReference(ValueError):
    """A reference that leads nowhere: what is so, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value with its references replaced; which variables and file it came from; what of it stood there literally."""

    text: str
    variables: tuple[str, ...] = ()
    file: str | None = None
    literal: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """The world that references point into: the environment, and a reader of files."""

    environ: Mapping[str, str]
    read: Callable[[str], str]

    def resolve(self, text: str) -> Resolved:
        """Raises `DeadReference` for a variable that is not set, a file that cannot be read, a reference that is none."""
        if "$" not in text and not text.startswith(FILE):
            return Resolved(text, literal=text)
        variables: list[str] = []
        literal: list[str] = []

        def value(found: re.Match[str]) -> str:
            if found["escape"]:
                return "${"
            if found["name"] is None:
                raise DeadReference(
                    f"{text[found.start() : found.start() + 24]!r} is no reference",
                    "write ${NAME} or ${NAME:-default}, or $${ for the characters themselves",
                )
            variables.append(found["name"])
            return self._variable(found["name"], found["default"], literal)

        plain = _REFERENCE.sub("", text)
        replaced = _REFERENCE.sub(value, text)
        if replaced.startswith(FILE):
            name = replaced.removeprefix(FILE)
            return Resolved(self._content(name), tuple(variables), name)
        return Resolved(replaced, tuple(variables), literal=plain + "".join(literal))

    def _variable(self, name: str, default: str | None, literal: list[str]) -> str:
        found = self.environ.get(name)
        if default is None:
            if found is None:
                raise DeadReference(
                    f"the environment variable {name!r} is not set", f"set {name}, or give it a default: ${{{name}:-...}}"
                )
            return found
        if not found:
            literal.append(default)
            return default
        return found

    def _content(self, name: str) -> str:
        try:
            return self.read(name).rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DeadReference(
                f"the file {name!r} cannot be read: {reason}", "mount it there, or name another with file:/path"
            ) from None
