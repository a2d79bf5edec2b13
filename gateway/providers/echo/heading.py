"""What every part of one answer repeats: its id, its time, its model."""

import os
from dataclasses import dataclass
from typing import Any

FINGERPRINT = "fp_echo"


def fresh(prefix: str) -> str:
    """An id that no other answer has."""
    return f"{prefix}-{os.urandom(12).hex()}"


@dataclass(frozen=True, slots=True)
class Heading:
    """The identity of an answer: `created` is Unix time in whole seconds."""

    id: str
    created: int
    model: str

    def over(self, kind: str, choices: list[Any], **more: Any) -> dict[str, Any]:
        """An object of this answer."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices, **more}
