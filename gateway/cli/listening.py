"""Takes the address before anything else is opened, and says what to do where it cannot be had."""

import errno
import socket
from collections.abc import Mapping
from types import MappingProxyType

from gateway.config.models.server import Listen

BACKLOG = 4096
ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What one of several addresses of a name may answer: `localhost` on a machine without IPv6."""

ADVICE: Mapping[int, str] = MappingProxyType(
    {
        errno.EADDRINUSE: "Take another port with -p (0 finds a free one), or stop what listens there: {} is in use.",
        errno.EACCES: "Take a port from 1024 up with -p: this user may not listen on {}.",
        errno.EADDRNOTAVAIL: "Name an address of this machine with --host or server.listen: {} is none.",
    }
)
UNRESOLVED = "Name an address of this machine with --host or server.listen: {} cannot be resolved ({})."
OTHERWISE = "Listen elsewhere, with --host and -p: {} cannot be had ({})."


class AddressRefused(Exception):
    """The address cannot be listened on; the text says what to do."""

    def __init__(self, listen: Listen, error: OSError) -> None:
        advice = UNRESOLVED if isinstance(error, socket.gaierror) else ADVICE.get(error.errno or 0, OTHERWISE)
        super().__init__(advice.format(listen, error.strerror))


def listening(listen: Listen) -> list[socket.socket]:
    """Listening sockets, one for each address of the host, all on one port. Raises `AddressRefused`."""
    sockets: list[socket.socket] = []
    port = listen.port
    absent: OSError | None = None
    try:
        for family, _, _, _, address in socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM):
            try:
                sockets.append(_open(family, (address[0], port, *address[2:])))
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
                continue
            port = sockets[-1].getsockname()[1]
        if absent is not None and not sockets:
            raise absent
    except OSError as error:
        for one in sockets:
            one.close()
        raise AddressRefused(listen, error) from error
    return sockets


def _open(family: int, address: tuple[str | int, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(BACKLOG)  # now rather than by the server: of two that start at once, one is told
    except OSError:
        one.close()
        raise
    return one
