"""Without a file: which providers the environment offers. A pure function of its variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.config.accounts import OPENAI
from gateway.config.models import Config
from gateway.config.models.providers import URL, is_url
from gateway.config.models.server import Listen
from gateway.config.problems import Finding, Where

OPENAI_KEY, OPENAI_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"

UNSERVED: Mapping[str, str] = MappingProxyType(
    {
        "ANTHROPIC_API_KEY": "anthropic",
        "ANTHROPIC_BASE_URL": "anthropic",
        "GEMINI_API_KEY": "google",
        "GOOGLE_API_KEY": "google",
        "AZURE_OPENAI_API_KEY": "azure",
        "AWS_ACCESS_KEY_ID": "bedrock",
        "AWS_BEARER_TOKEN_BEDROCK": "bedrock",
    }
)
"""Usual variables of vendors whose wires have not come yet."""


@dataclass(frozen=True)
class Zero:
    """What the environment offers: the configuration; which variable made which provider; what cannot be served yet."""

    config: Config
    found: Mapping[str, str] = field(default_factory=dict)
    unserved: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @staticmethod
    def variables(where: Where) -> tuple[str, ...]:
        """Which environment variable a value of this configuration comes from."""
        return (OPENAI_KEY,) if where == ("providers", "openai", "api_keys", 0) else ()


def zero_config(environ: Mapping[str, str], listen: Listen | None = None) -> Zero:
    """`echo` always; OpenAI, or what speaks like it, by its usual variables; `listen` is the address to be served,
    and a base URL that leads back to it is passed over."""
    key, url = environ.get(OPENAI_KEY, ""), environ.get(OPENAI_URL, "")
    found: dict[str, str] = {}
    told: list[str] = []
    wrong: list[Finding] = []
    base: dict[str, Any] = {"providers": {"echo": {"wire": "echo"}}, "models": {"echo": "echo/echo", "echo*": "echo/*"}}
    if url and not is_url(url):
        wrong.append(Finding((OPENAI_URL,), f"{OPENAI_URL} is not a URL", f"set it to {URL}, or unset it", rule="environment"))
    elif url and listen is not None and listen.is_at(url):
        told.append(f"{OPENAI_URL} leads to this gateway itself and is not used")
    elif key or url:
        base["providers"] = {"openai": {"base_url": url or OPENAI, "api_keys": [key]}} | base["providers"]
        base["models"]["*"] = "openai/*"
        found["openai"] = OPENAI_KEY if key else OPENAI_URL
    told += [f"{name} found: {wire} is not served yet" for name, wire in UNSERVED.items() if environ.get(name)]
    return Zero(Config.model_validate(base), MappingProxyType(found), tuple(told), tuple(wrong))
