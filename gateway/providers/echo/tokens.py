"""Counts and cuts text by a token that everybody can check by hand: four characters."""

from typing import Any

CHARACTERS = 4
"""Characters in a token: near enough to English, exact by definition."""

OVERHEAD = 3
"""Tokens that a message costs beside its text."""


def count(text: str) -> int:
    """Tokens of a text."""
    return -(-len(text) // CHARACTERS)


def cut(text: str, most: int | None) -> tuple[str, bool]:
    """The text within `most` tokens, and whether something had to go."""
    if most is None or len(text) <= most * CHARACTERS:
        return text, False
    return text[: most * CHARACTERS], True


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """OpenAI's usage object; not more of the prompt can be `cached` than there is."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": min(cached, prompt), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
