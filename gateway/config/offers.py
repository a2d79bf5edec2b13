"""The variables in which vendors' SDKs and tools look for their keys and addresses, and what each makes of zero config."""

from dataclasses import dataclass
from typing import Final

from gateway.providers.vendors import VENDORS


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that the environment may offer.

    Any of `keys` makes it, the first that is set counts; `url` may name its address and makes it as well. `carries_key`: the
    value is a key to be sent (AWS' access keys are not). `patterns`: names of models that go to it unchanged.
    """

    name: str
    wire: str
    keys: tuple[str, ...]
    url: str = ""
    url_needed: bool = False
    version: str = ""
    patterns: tuple[str, ...] = ()
    vendor: str = ""
    carries_key: bool = True


_VENDORS: Final = ("groq", "mistral", "deepseek", "together", "fireworks", "openrouter", "xai")

OFFERS: Final = (
    Offer("openai", "openai", ("OPENAI_API_KEY",), "OPENAI_BASE_URL", patterns=("*",)),
    Offer("anthropic", "anthropic", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL", patterns=("claude-*",)),
    Offer("google", "google", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "GOOGLE_GEMINI_BASE_URL", patterns=("gemini-*",)),
    Offer("azure", "azure", ("AZURE_OPENAI_API_KEY",), "AZURE_OPENAI_ENDPOINT", url_needed=True, version="OPENAI_API_VERSION"),
    Offer("bedrock", "bedrock", ("AWS_BEARER_TOKEN_BEDROCK",)),
    Offer("bedrock", "bedrock", ("AWS_ACCESS_KEY_ID",), carries_key=False),
    *(Offer(name, "openai", (VENDORS[name].variable,), vendor=name) for name in _VENDORS),
)
"""In the order of the start screen; of two for one provider the first that holds."""
