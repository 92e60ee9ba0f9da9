"""A connection as uvicorn has it, which waits for a slow client no longer than it should."""

from __future__ import annotations

from asyncio import Transport
from asyncio.events import TimerHandle
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 10.0
"""For the head of a request to come, from its first byte; or for that, of a new connection."""
STALL_SECONDS = 30.0
"""For a client to take more of an answer."""
LONGEST_HEAD = 2**16
"""Bytes of a request that are not its body."""
FRAMES = 8
"""Bytes around each byte of a body, at most, that comes in the smallest of chunks."""


class Connection(HttpToolsProtocol):
    """One that ends when a head does not come or has no end, or when an answer is not taken.

    uvicorn waits for all of these without an end. It also drops the answer of a client that has
    closed its own side once it had asked, as `nc -N` does; here it is answered first.
    """

    _head_timer: TimerHandle | None = None
    _stall_timer: TimerHandle | None = None
    _cycles: tuple[RequestResponseCycle, ...] = ()
    """Those that have no answer yet, or have just got it."""
    _is_in_head = True
    _size = 0
    """Bytes of the request that is coming in."""
    _body_size = 0
    """Those of them that are its body."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start to wait for a request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more, and write nothing more."""
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        for cycle in self._cycles:  # uvicorn would tell only the last of them
            cycle.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes, unless the head, or what comes between and after chunks, is too long."""
        if self._is_in_head and self._head_timer is None:
            self._await_head()
        self._size += len(data)
        super().data_received(data)
        is_endless = self._size > LONGEST_HEAD + (1 + FRAMES) * self._body_size
        if is_endless and not self.transport.is_closing():
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._is_in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()
        open_cycles = [cycle for cycle in self._cycles if not cycle.response_complete]
        self._cycles = (*open_cycles, self.cycle)

    def on_body(self, body: bytes) -> None:
        """Pass a part of a body on."""
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next byte belongs to another request."""
        super().on_message_complete()
        self._is_in_head, self._size, self._body_size = True, 0, 0

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stay for a request that is whole and has no answer yet."""
        if not self._is_answering():
            return False
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """The client takes the answer slower than it is given."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up_head)

    def _give_up_head(self) -> None:
        if self._size:
            self._end(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _end(self, status: HTTPStatus) -> None:
        """Close the connection, once a whole request before this one has its answer."""
        if self._is_answering():
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        self.transport.write(f"{line}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()
