"""What a provider complains about, told by its words: few of the compatible servers have a code for it.

A length that is too great, or content that is not wanted, can be met with another model: `failover` looks at these codes.
"""

import re
from typing import Final

TOO_LONG: Final = "context_length_exceeded"
WITHHELD: Final = "content_filter"

_CODES: Final = frozenset(
    {TOO_LONG, WITHHELD, "string_above_max_length", "content_policy_violation", "moderation_blocked", "invalid_prompt"}
)
"""OpenAI's own."""
_LENGTH: Final = re.compile(
    r"maximum (?:context|prompt) length"  # vLLM, DeepSeek, Mistral, Fireworks, OpenRouter, xAI
    r"|context (?:window|length|size|limit)"  # llama.cpp, LM Studio, Perplexity
    r"|(?:prompt|input) (?:is )?too long"
    r"|input tokens exceeded"  # Amazon's own models
    r"|`inputs` tokens"  # TGI, Together
    r"|range of input length"  # Alibaba
    r"|exceeded model token limit"  # Moonshot
    r"|too many tokens"  # Cohere
    r"|reduce the length of the (?:messages|prompt|input)",
    re.IGNORECASE,
)
_CONTENT: Final = re.compile(
    r"content (?:filtering|management) policy"  # Anthropic, Azure, Bedrock
    r"|content exists risk"  # DeepSeek
    r"|content violates usage guidelines"  # xAI
    r"|requires moderation|input was flagged"  # OpenRouter
    r"|inappropriate content"  # Alibaba
    r"|flagged as potentially violating",  # OpenAI
    re.IGNORECASE,
)


def is_about_the_prompt(message: str, code: str | None) -> bool:
    """Whether the error is about what was asked, and would come again."""
    return code in _CODES or complaint(message) is not None


def complaint(message: str, code: str | None = None) -> str | None:
    """The code that OpenAI has for what the message says; None for anything else, and where it came with such a code."""
    if code in _CODES:
        return None
    if _CONTENT.search(message):
        return WITHHELD
    return TOO_LONG if _LENGTH.search(message) else None
