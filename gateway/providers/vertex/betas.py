"""Anthropic's beta flags as Vertex takes them: any other is a 400, so that it is left out and named.

Flags change with the season, and Claude Code sends a dozen; what is not in the table has not been seen to work here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

TAKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            flag: flag
            for flag in (
                "afk-mode-2026-01-31",
                "claude-code-20250219",
                "compact-2026-01-12",
                "computer-use-2025-01-24",
                "computer-use-2025-11-24",
                "context-1m-2025-08-07",
                "context-management-2025-06-27",
                "effort-2025-11-24",
                "fallback-credit-2026-06-01",
                "fine-grained-tool-streaming-2025-05-14",
                "interleaved-thinking-2025-05-14",
                "mid-conversation-output-config-2026-07-01",
                "mid-conversation-system-clear-at-2026-08-21",
                "mid-conversation-tool-changes-2026-07-01",
                "model-context-window-exceeded-2025-08-26",
                "output-128k-2025-02-19",
                "pdfs-2024-09-25",
                "per-turn-control-2026-07-01",
                "structured-outputs-2025-11-13",
                "structured-outputs-2025-12-15",
                "task-budgets-2026-03-13",
                "thinking-binding-controls-2026-08-01",
                "thinking-display-updates-2026-08-18",
                "thinking-token-count-2026-05-13",
                "token-counting-2024-11-01",
                "token-efficient-tools-2025-02-19",
                "tool-examples-2025-10-29",
                "tool-search-tool-2025-10-19",
                "web-search-2025-03-05",
            )
        },
        "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
    }
)
"""Anthropic's name of a flag, and Vertex' own."""


class Betas(NamedTuple):
    """Flags in Vertex' names, each once, and those that it does not take."""

    taken: tuple[str, ...]
    lost: tuple[str, ...]


def sorted_out(flags: str) -> Betas:
    """Of the flags of a header, separated by commas."""
    every = [flag for one in flags.split(",") if (flag := one.strip())]
    return Betas(
        tuple(dict.fromkeys(TAKEN[flag] for flag in every if flag in TAKEN)),
        tuple(dict.fromkeys(flag for flag in every if flag not in TAKEN)),
    )
