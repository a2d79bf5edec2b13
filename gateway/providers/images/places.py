"""Where a URL leads, as far as that can be told without a network: scheme, host, port and path, or why it is not followed."""

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

URL_LIMIT: Final = 4096
"""Characters of a URL."""
HOST_LIMIT: Final = 255
"""Characters of a host."""

_PORTS: Final = {"http": 80, "https": 443}
_ODD: Final = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
"""What some readers of URLs skip and others do not, so that two could see two hosts; halves of letters are none."""
_BRACKETS: Final = re.compile(r"\[[^\[\]]*:[^\[\]]*\](:\d*)?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.ASCII)
_SAFE: Final = "/%:@!$&'()*+,;=~-._?"


class NotFetched(Exception):
    """An image that is not there, or may not be fetched: why, in words that follow "The image could not be fetched: "."""


class Place(NamedTuple):
    """A checked URL. `host` is in ASCII, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_usual(self) -> bool:
        """Whether the web is found at this port, by this scheme."""
        return self.port == _PORTS[self.scheme]


def place_of(url: str) -> Place:
    """Raises `NotFetched`."""
    if len(url) > URL_LIMIT or _ODD.search(url):
        raise NotFetched("its URL is too long, or holds blanks, backslashes or control characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotFetched("its URL is not valid") from error
    if parts.scheme not in _PORTS:
        raise NotFetched("its URL is neither http nor https")
    if "@" in parts.netloc:
        raise NotFetched("its URL holds credentials")
    if "[" in parts.netloc and not _BRACKETS.fullmatch(parts.netloc):
        raise NotFetched("its host is no valid address")
    query = f"?{parts.query}" if parts.query else ""
    path = quote(f"{parts.path or '/'}{query}", safe=_SAFE)
    return Place(parts.scheme, _host(host), _PORTS[parts.scheme] if port is None else port, path)


def _host(host: str) -> str:
    """The host in ASCII: full-width digits and the like are what they stand for before it is looked at."""
    if ":" in host:
        return _v6(host)
    if len(host) > HOST_LIMIT:  # no name is longer, and to look at one takes its time
        raise NotFetched("its host is no valid name")
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise NotFetched("its host is no valid name") from error
    name = name.lower().removesuffix(".")
    if not _HOST.fullmatch(name) or ".." in name:
        raise NotFetched("its host is no valid name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]) and not _is_v4(name):
        raise NotFetched("its host is a number in an unusual form")  # 2130706433, 0x7f.1, 0177.0.0.1
    return name


def _v6(host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host)) if "%" not in host else _no_zone()
    except ValueError as error:
        raise NotFetched("its host is no valid address") from error


def _no_zone() -> str:
    raise NotFetched("its host is an address of one network interface")


def _is_v4(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)  # which takes neither leading zeros nor fewer than four parts
    except ValueError:
        return False
    return True
