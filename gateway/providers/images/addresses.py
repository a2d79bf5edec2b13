"""Which addresses are on the public internet. Whatever leads into a network of somebody's own is not, however it is written."""

import ipaddress
from typing import Final

_V4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform, in a range that is public otherwise
        "169.254.0.0/16",  # link-local; metadata of AWS, Google, Azure
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation, as two more below
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_V6_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")
"""All that is given out for the public; loopback, link-local, unique local (fd00:ec2::254), multicast are outside."""
_V6_NOT: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, which holds IPv4 addresses, and other assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""How a network without IPv4 reaches it: what counts is the address inside."""


def is_public(text: str) -> bool:
    """Whether a numeric address, as the resolver gives it, is one of the public internet."""
    if "%" in text:
        return False  # a zone: an address of one network interface
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return _is_public_v4(address) if isinstance(address, ipaddress.IPv4Address) else _is_public_v6(address)


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _V4)


def _is_public_v6(address: ipaddress.IPv6Address) -> bool:
    if (inner := address.ipv4_mapped) is not None:
        return _is_public_v4(inner)
    if address in _NAT64:
        return _is_public_v4(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _V6_PUBLIC and not any(address in network for network in _V6_NOT)
