"""Without a file: which providers the environment offers. A pure function of its variables.

    OPENAI_API_KEY                 every other name          ANTHROPIC_API_KEY    claude-*
    GEMINI_API_KEY                 gemini-*                  GROQ_API_KEY ...     groq/*: what stands behind the slash

Each provider also answers to its own name and a slash: `anthropic/...`, `azure/...`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.config.models import Config
from gateway.config.models.providers import address_wanted
from gateway.config.models.server import Listen
from gateway.config.offers import OFFERS, Offer
from gateway.config.places import REGIONS
from gateway.config.problems import Finding, Where


@dataclass(frozen=True)
class Zero:
    """What the environment offers: the configuration; which variable made which provider; what was found in vain."""

    config: Config
    found: Mapping[str, str] = field(default_factory=dict)
    unserved: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def variables(self, where: Where) -> tuple[str, ...]:
        """Which environment variable a value of this configuration comes from."""
        offer = next((one for one in OFFERS if where[:2] == ("providers", one.name)), None)
        if offer is None:
            return ()
        match where[2:]:
            case ("api_keys", 0) if offer.keys:
                found = self.found.get(offer.name, "")
                return (found if found in offer.keys else offer.keys[0],)
            case ("base_url",) if offer.url:
                return (offer.url,)
            case ("version",) if offer.version:
                return (offer.version,)
            case ("location",) if offer.wire == "bedrock":
                return (REGIONS[0],)
        return ()


class _Looking:
    """Collects what the variables offer."""

    def __init__(self, environ: Mapping[str, str], listen: Listen | None) -> None:
        self.environ = environ
        self.listen = listen
        self.providers: dict[str, dict[str, Any]] = {}
        self.models: dict[str, str] = {}
        self.found: dict[str, str] = {}
        self.told: list[str] = []
        self.wrong: list[Finding] = []

    def take(self, offer: Offer) -> None:
        """Adds the provider of this offer, if its variables are there and lead anywhere else than back here."""
        if offer.name in self.providers:
            return
        key = next((name for name in offer.keys if self.environ.get(name, "").strip()), "")
        url = self._url(offer.url) if offer.url else ""
        if url is None or not (key or url):
            return
        if offer.url_needed and not url:
            self.told.append(f"{key} found: set {offer.url} as well")
            return
        if offer.wire == "bedrock" and not any(map(self.environ.get, REGIONS)):
            self.told.append(f"{key} found: set {REGIONS[0]} as well")
            return
        self._add(offer, key, url)

    def _url(self, variable: str) -> str | None:
        """Its value; empty where there is none; None where it cannot be used."""
        url = self.environ.get(variable, "").strip()
        if url and (wanted := address_wanted(url)) is not None:
            hint = f"set it to {wanted}, or unset it"
            self.wrong.append(Finding((variable,), f"{variable} is not the URL of a server", hint, rule="environment"))
            return None
        if url and self.listen is not None and self.listen.is_at(url):
            self.told.append(f"{variable} leads to this gateway itself and is not used")
            return None
        return url

    def _add(self, offer: Offer, key: str, url: str) -> None:
        provider: dict[str, Any] = {"wire": offer.wire}
        if offer.carries_key:
            provider["api_keys"] = [self.environ.get(key, "")]
        if url:
            provider["base_url"] = url
        if offer.vendor and not url:
            provider["vendor"] = offer.vendor
        if offer.version and self.environ.get(offer.version):
            provider["version"] = self.environ[offer.version]
        self.providers[offer.name] = provider
        self.found[offer.name] = key or offer.url
        own_names = offer.name == "openai" and url  # models of other servers may well be called openai/...
        for pattern in offer.patterns if own_names else (*offer.patterns, f"{offer.name}/*"):
            self.models[pattern] = f"{offer.name}/*"


def zero_config(environ: Mapping[str, str], listen: Listen | None = None) -> Zero:
    """`echo` always; every vendor by its usual variables; `listen` is the address to be served, and a base URL that leads
    back to it is passed over."""
    looking = _Looking(environ, listen)
    for offer in OFFERS:
        looking.take(offer)
    config = {
        "providers": {**looking.providers, "echo": {"wire": "echo"}},
        "models": {"echo": "echo/echo", "echo*": "echo/*", **looking.models},
    }
    found = MappingProxyType(looking.found)
    return Zero(Config.model_validate(config), found, tuple(looking.told), tuple(looking.wrong))
