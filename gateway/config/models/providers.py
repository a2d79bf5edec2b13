"""The providers: which wire, where, with which keys, how patiently."""

import re
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from gateway.config import units
from gateway.config.called import vendor_meant, wire_meant
from gateway.config.models.section import (
    Duration,
    ListOrOne,
    Positive,
    RateOf,
    SecretStr,
    Section,
    Share,
    quantity,
    unexpected,
)
from gateway.providers.vendors import VENDORS

Wire = Literal["openai", "anthropic", "google", "vertex", "bedrock", "azure", "echo"]
WIRE_NAMES: tuple[str, ...] = get_args(Wire)
URL = "a URL such as https://api.openai.com/v1"
PROXY = "a URL such as http://proxy:3128"


def is_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> bool:
    """Whether `text` names a server: scheme, host, a port that can be; no query or fragment."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        return False


def address_wanted(text: str) -> str | None:
    """What should stand there instead of this base URL; None where it is one."""
    bare = re.split("[?#]", text)[0]
    if not is_url(bare) or any(letter.isspace() for letter in text):
        return URL
    if "@" in urlsplit(text).netloc:
        return "a URL without user and password; keys stand in api_keys"
    return None if bare == text else "the URL as far as its ? or #; what Azure calls api-version is version here"


def _base_url(text: str) -> str:
    if (wanted := address_wanted(text)) is not None:
        raise unexpected(wanted)
    return text.rstrip("/")


def _proxy(text: str) -> str:
    if not is_url(text, ("http", "https", "socks5", "socks5h")) or not text.isascii() or not text.isprintable() or " " in text:
        raise unexpected(PROXY)
    return text


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str | int | float):
        raise unexpected("a single value such as 200ms")
    return str(value)


def _wire(given: Any) -> Any:
    """A vendor's name, or what others call a wire, is not left at "one of these"."""
    meant = wire_meant(given, WIRE_NAMES, VENDORS) if isinstance(given, str) and given not in WIRE_NAMES else None
    if meant is not None:
        raise unexpected(meant)
    return given


def _vendor(text: str) -> str:
    if text not in VENDORS:
        raise unexpected(vendor_meant(text, WIRE_NAMES, VENDORS))
    return text


Vendor = Annotated[str, AfterValidator(_vendor), WithJsonSchema({"type": "string", "enum": list(VENDORS)})]
Scalar = Annotated[str, PlainValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Proxy = Annotated[str, AfterValidator(_proxy)]


class Capacity(Section):
    """What the provider's account can carry; more is learned from its headers."""

    requests: RateOf | None = Field(default=None, description="Requests in a period.")
    tokens: RateOf | None = Field(default=None, description="Tokens in a period.")
    concurrent: int | None = Field(default=None, ge=1, description="Calls at once.")
    hold_at: Share = quantity("80%", units.share, "The share of it from which calls of low priority wait.")


class Patience(Section):
    """How long each phase of a call may take."""

    connect: Annotated[Duration, Positive] = quantity("5s", units.duration, "Name, connection and TLS.")
    first_byte: Annotated[Duration, Positive] = quantity("60s", units.duration, "From the request sent to the answer's head.")
    first_token: Annotated[Duration, Positive] = quantity(
        "300s", units.duration, "From the answer's head to the first content of a stream."
    )
    between_bytes: Annotated[Duration, Positive] = quantity("60s", units.duration, "Silence within the answer.")
    total: Annotated[Duration, Positive] = quantity("600s", units.duration, "The whole call.")


class Pool(Section):
    """The connections that are kept to the provider."""

    idle: int = Field(default=256, ge=0, description="Connections that may wait for their next call.")
    total: int = Field(default=12_000, ge=1, description="Connections in all.")
    idle_for: Annotated[Duration, Positive] = quantity("60s", units.duration, "How long one may wait.")
    age: Annotated[Duration, Positive] = quantity("600s", units.duration, "How old one may get before it is not used again.")


class Provider(Section):
    """An account at a vendor, or a server, and how to speak to it."""

    wire: Annotated[Wire, BeforeValidator(_wire)] = Field(
        default="openai", description="How it is spoken to; openai fits every compatible server."
    )
    vendor: Vendor | None = Field(
        default=None, description="What the server behind the wire openai can do, where its host does not tell."
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Where it is; without it where the vendor, or the wire, is found. Azure needs one."
    )
    api_keys: Annotated[list[SecretStr], ListOrOne] = Field(
        default_factory=list, description="Keys to send; several rotate, and empty ones do not count."
    )
    version: str | None = Field(
        default=None, description="The API's version: anthropic-version, or Azure's dated api-version (without it its v1 API)."
    )
    project: str | None = Field(default=None, description="The Google Cloud project of the wire vertex.")
    location: str | None = Field(
        default=None, description="Where the models run: Vertex' location (global without it), or the region of AWS."
    )
    credentials_file: str | None = Field(
        default=None,
        description="A Google service account's, a JSON file beside the configuration; else Google's usual places.",
    )
    profile: str | None = Field(default=None, description="A profile of AWS' files; else AWS' usual places.")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Headers that go with every call.")
    images: Literal["pass", "fetch"] = Field(
        default="pass",
        description="Images given as URLs: passed on, or fetched, from public addresses alone, for who takes bytes only.",
    )
    capacity: Capacity = Field(default_factory=Capacity, description="What its account can carry.")
    timeouts: Patience = Field(default_factory=Patience, description="How long it may take, phase by phase.")
    pool: Pool = Field(default_factory=Pool, description="The connections that are kept.")
    ca_file: str | None = Field(
        default=None, description="CA certificates in place of the system's, a PEM file beside the configuration."
    )
    driver: Literal["native", "httpx"] = Field(default="native", description="The HTTP client; a proxy takes httpx.")
    proxy: Proxy | None = Field(default=None, description="A forward proxy on the way to it.")
    script: dict[str, Scalar] = Field(default_factory=dict, description="Settings of the wire echo, which docs/echo.md lists.")
