"""One client's connection: requests in, one at a time, responses out in order, within the limits."""

import asyncio
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from gateway.core.errors import GatewayError, Internal, SlowSender
from gateway.web.server.pace import Pace
from gateway.web.server.reader import Address, Enough, Reader
from gateway.web.server.response import open_response
from gateway.web.server.site import Site
from gateway.web.server.sweeper import NEVER
from gateway.web.server.turn import Turn

HIGH_WATER: Final = 64 * 1024
MOST_WAITING: Final = 16
RESET: Final = struct.pack("ii", 1, 0)
"""Lingering for no time at all: the kernel sends a reset in place of a farewell."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 with one client.

    `_turn` is being answered, `_waiting` are pipelined behind it; the reader knows the one whose body still arrives. A
    deaf connection throws away what it receives: its last request is in, or it was refused, or it lingers so that the
    client can read its reply. `_cut`: it sent more requests at once than are taken.

    EOF counts as leaving, and so does a half-close: otherwise a client that is gone while a long answer is made could
    not be told from one that waits.
    """

    __slots__ = (
        "_budget",
        "_cut",
        "_heading",
        "_lingers",
        "_loop",
        "_pace",
        "_paused_at",
        "_reader",
        "_refusal",
        "_site",
        "_transport",
        "_turn",
        "_unsent",
        "_waiting",
        "_writable",
        "deaf",
        "read_by",
        "write",
        "write_by",
        "write_paused",
    )
    _transport: asyncio.Transport
    _reader: Reader
    write: Callable[[bytes], None]

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._turn: Turn | None = None
        self._waiting: list[Turn] = []
        self._refusal: tuple[GatewayError, str] | None = None
        self._heading = False
        self._pace: Pace | None = None
        self._paused_at: float | None = None
        self._cut = False
        self._lingers = False
        self._budget = site.limits.linger_bytes
        self._unsent = 0
        self._writable: asyncio.Event | None = None
        self.deaf = False
        self.write_paused = False
        self.read_by = NEVER
        self.write_by = NEVER

    # ---------------------------------------------------------------- the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not registered as asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.write = partial(self._site.outbox.put, self._transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        client, server = (_address(transport.get_extra_info(name)) for name in ("peername", "sockname"))
        site = self._site
        self._reader = Reader(self, site, scheme, client, server)
        site.state.connections.add(self)
        site.sweeper.enter(self, self._loop)
        self.read_by = site.sweeper.now + site.limits.receive_s

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            self._discard(len(data))
            return
        reader = self._reader
        error = reader.feed(data)
        if error is not None:
            self._fail(error)
        elif reader.incoming is not None:
            self._pace_body(reader.incoming, len(data))
        elif reader.span:
            self._pace_head()

    def eof_received(self) -> None:
        self.write_by = self._site.sweeper.now + self._site.limits.stall_s
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it was lost, it is
        self._site.state.connections.discard(self)
        self._site.sweeper.leave(self)
        self._leave()

    def pause_writing(self) -> None:
        self.write_paused = True
        self._writable = asyncio.Event()
        self._unsent = self._transport.get_write_buffer_size()
        self.write_by = self._site.sweeper.now + self._site.limits.stall_s

    def resume_writing(self) -> None:
        self.write_paused = False
        if not self._transport.is_closing():
            self.write_by = NEVER
        if self._writable is not None:
            self._writable.set()

    # ---------------------------------------------------------------- uvicorn tells

    def shutdown(self) -> None:
        """The server stops: idle closes now, what is being answered is answered to its end, what waits is not begun."""
        turn = self._turn
        if turn is not None:
            turn.keep_alive = False
            if self._reader.incoming is not turn:
                self._stop_reading()
        elif not self._lingers:
            self._close()

    def cut(self) -> None:
        """Closes at once, whatever is unsent: there is no time left."""
        self._abort()

    # ---------------------------------------------------------------- the reader tells

    def turn_arrived(self, turn: Turn) -> None:
        self._heading = False
        if self._turn is None:
            self._begin(turn)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append(turn)
            if len(self._waiting) > 1:
                self._pause()
        else:
            # A client repeats what was not answered before `connection: close`.
            self._waiting[-1].keep_alive = False
            self.deaf = self._cut = True
            raise Enough

    def body_grew(self, turn: Turn) -> None:
        if len(turn.held) > HIGH_WATER:
            self._pause()

    def request_complete(self, turn: Turn) -> None:
        self._pace = None
        self.read_by = NEVER
        if not turn.keep_alive:
            self.deaf = True

    # ---------------------------------------------------------------- the turn tells

    def default_lines(self) -> bytes:
        return self._site.default_lines()

    async def drain(self) -> None:
        while self.write_paused and self._writable is not None:
            await self._writable.wait()

    def body_taken(self) -> None:
        if self._paused_at is not None:
            self._resume()

    def body_wanted(self) -> None:
        self.write(CONTINUE)
        now = self._site.sweeper.now
        self._pace = Pace(self._site.limits, now)
        self.read_by = now + self._site.limits.receive_s

    def task_ended(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            self._site.state.tasks.discard(task)

    def turn_answered(self, turn: Turn) -> None:
        self._site.state.total_requests += 1
        self._turn = None
        if not turn.keep_alive:
            if turn.whole and not self._cut and not self._waiting:
                self._close()
            else:
                self._linger()
        elif self._waiting:
            self._begin(self._waiting.pop(0))
            self._resume()
        elif self._refusal is not None:
            self._refuse(*self._refusal)
        else:
            if not self._heading:
                self.read_by = self._site.sweeper.now + self._site.limits.keep_alive_s
            if self._paused_at is not None:
                self._resume()

    def turn_failed(self, turn: Turn) -> None:
        self._turn = None
        if turn.unframed:
            self._reset()
        elif turn.begun:
            self._close()
        else:
            self._refuse(Internal("The gateway failed on this request; its log says why."), turn.path)

    def _begin(self, turn: Turn) -> None:
        self._turn = turn
        # Not through Tasks: uvicorn waits for `tasks` when it stops, and a turn logs its own failure.
        turn.task = task = self._loop.create_task(turn.run(self._site.application))
        self._site.state.tasks.add(task)

    # ---------------------------------------------------------------- the pace of what arrives

    def _pace_head(self) -> None:
        error = self._reader.head_overflow()
        if error is not None:
            self._fail(error)
        elif not self._heading:
            self._heading = True
            self.read_by = self._site.sweeper.now + self._site.limits.receive_s

    def _pace_body(self, turn: Turn, size: int) -> None:
        limits, now, reader = self._site.limits, self._site.sweeper.now, self._reader
        if self._pace is None:
            self._pace = Pace(limits, now)
        error = self._pace.arrived(size, now, grew=reader.grew)
        reader.grew = False
        if self._paused_at is not None or turn.awaits_continue:
            self.read_by = NEVER
        elif error is None:
            self.read_by = now + limits.receive_s
        else:
            self._fail(error)

    def _pause(self) -> None:
        if self._paused_at is None:
            self._paused_at = self._site.sweeper.now
            self.read_by = NEVER
            self._transport.pause_reading()

    def _resume(self) -> None:
        incoming = self._reader.incoming
        if self._paused_at is None or len(self._waiting) > 1 or (incoming is not None and len(incoming.held) > HIGH_WATER):
            return
        now = self._site.sweeper.now
        if self._pace is not None:
            self._pace.excuse(now - self._paused_at)
        self._paused_at = None
        if incoming is not None or self._heading:
            self.read_by = now + self._site.limits.receive_s
        self._transport.resume_reading()

    # ---------------------------------------------------------------- the sweeper tells

    def expire(self, due: float) -> None:
        """One of the deadlines is before `due`."""
        if self.write_by < due:
            self._stalled()
            return
        self.read_by = NEVER
        reader, limit_s = self._reader, self._site.limits.receive_s
        if self._lingers:
            self._close()
        elif reader.incoming is not None:
            self._fail(SlowSender(f"Nothing of the body arrived for {limit_s:g} s."))
        elif reader.started:
            self._fail(SlowSender(f"The request line and headers did not arrive within {limit_s:g} s."))
        elif self._turn is None:
            self._close()

    def _stalled(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:
            self._unsent = unsent
            self.write_by = self._site.sweeper.now + self._site.limits.stall_s
        else:
            self._abort()

    # ---------------------------------------------------------------- the ways out

    def _fail(self, error: GatewayError) -> None:
        """Refuses what is arriving; what came before it on this connection is answered first."""
        incoming, path, turn = self._reader.incoming, self._reader.path, self._turn
        self._stop_reading()
        if turn is not None and incoming is not turn:
            self._waiting = [one for one in self._waiting if one is not incoming]
            self._refusal = error, path
            return
        self._turn = None
        if turn is not None and turn.begun:
            self._close()
        else:
            self._refuse(error, path)
        if turn is not None:
            turn.depart()

    def _refuse(self, error: GatewayError, path: str) -> None:
        status, headers, body = self._site.refuse(error, path)
        head, framing = open_response(
            status, headers, self.default_lines(), len(body), modern=True, head_only=False, keep_alive=False
        )
        self.write(head + framing.frame(body, more=False))
        self._linger()

    def _stop_reading(self) -> None:
        self.deaf = True
        self._pace = None
        self.read_by = NEVER
        self._reader.drop()

    def _linger(self) -> None:
        """Reads on for a while: closing with bytes unread would reset the connection, and lose the reply with it."""
        self._stop_reading()
        self._waiting.clear()
        if self._transport.is_closing():
            return
        self._lingers = True
        self._budget = self._site.limits.linger_bytes
        self.read_by = self._site.sweeper.now + self._site.limits.linger_s
        if self._transport.can_write_eof():
            self._site.outbox.flush()
            self._transport.write_eof()
        if self._paused_at is not None:
            self._paused_at = None
            self._transport.resume_reading()

    def _discard(self, size: int) -> None:
        self._budget -= size
        if self._budget >= 0:
            return
        if self._lingers:
            self._close()
        else:
            self._abort()

    def _close(self) -> None:
        self._stop_reading()
        self._waiting.clear()
        self._site.outbox.flush()
        self._unsent = self._transport.get_write_buffer_size()
        self.write_by = self._site.sweeper.now + self._site.limits.stall_s
        self._transport.close()

    def _abort(self) -> None:
        self._leave()
        self._transport.abort()

    def _reset(self) -> None:
        """Aborts so that the client can tell it from an end."""
        self._site.outbox.flush()
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._abort()

    def _leave(self) -> None:
        """The client is gone."""
        turn, self._turn = self._turn, None
        self._stop_reading()
        self._waiting.clear()
        self._refusal = None
        self.write_paused = False
        if self._writable is not None:
            self._writable.set()
        if turn is not None:
            turn.depart()


def _address(name: object) -> Address:
    """Host and port of a socket's name; None for a Unix socket."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple | list) and len(name) >= 2 else None
