"""Tiny scripted peers for transport and driver tests: a TCP server and a pseudo-terminal, each in a thread.

``answer(data)`` gets each piece of bytes that comes and returns what to send: bytes, several pieces sent one
by one, or None to close the connection. ``connected(n)`` may supply another ``answer`` for the n-th
connection.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Self

from labctl.errors import UsageError

Answer = Callable[[bytes], bytes | Sequence[bytes] | None]

READ_BYTES = 65_536


def _pieces(reply: bytes | Sequence[bytes]) -> Sequence[bytes]:
    return (reply,) if isinstance(reply, bytes) else reply


class TcpPeer:
    """Listens on a loopback ``port``; serves one connection after the other."""

    def __init__(self, answer: Answer, *, connected: Callable[[int], Answer] | None = None) -> None:
        self._answer = answer
        self._connected = connected
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._current: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="tcp peer", daemon=True)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.received = bytearray()

    @property
    def resource(self) -> str:
        """Return the resource text that leads here."""
        return f"tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over = True
        if self._current is not None:
            with contextlib.suppress(OSError):
                self._current.shutdown(socket.SHUT_RDWR)
        # a connection of our own wakes accept() on every platform
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5.0).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._over:
            connection, _ = self._listener.accept()
            if self._over:
                connection.close()
                return
            self.connections += 1
            answer = self._answer if self._connected is None else self._connected(self.connections)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._current = connection
            with connection, contextlib.suppress(OSError):
                self._talk(connection, answer)
            self._current = None

    def _talk(self, connection: socket.socket, answer: Answer) -> None:
        while data := connection.recv(READ_BYTES):
            self.received += data
            reply = answer(data)
            if reply is None:
                return
            for piece in _pieces(reply):
                connection.sendall(piece)


class PtyPeer:
    """Offers a pseudo-terminal at ``path``, as a serial instrument would. POSIX only."""

    path: str
    received: bytearray
    _answer: Answer
    _near: int
    _slave: int
    _wake_reader: int
    _wake_writer: int
    _thread: threading.Thread

    def __init__(self, answer: Answer) -> None:
        if sys.platform == "win32":
            raise UsageError("Windows has no pseudo-terminals", operation="pty peer")
        import tty

        self._answer = answer
        self._near, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="pty peer", daemon=True)
        self.path = os.ttyname(self._slave)
        self.received = bytearray()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.hang_up()
        for descriptor in (self._near, self._slave, self._wake_reader, self._wake_writer):
            if descriptor >= 0:
                os.close(descriptor)

    def hang_up(self) -> None:
        """End the peer: the port is gone for whoever has it open."""
        if self._thread.is_alive():
            os.write(self._wake_writer, b"x")
            self._thread.join()
            os.close(self._near)
            os.close(self._slave)
            self._near = self._slave = -1

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._near, self._wake_reader], [], [])
            if self._wake_reader in readable:
                return
            data = os.read(self._near, READ_BYTES)
            self.received += data
            reply = self._answer(data)
            for piece in _pieces(reply or b""):
                os.write(self._near, piece)
