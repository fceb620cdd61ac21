"""A VISA resource as a byte pipe: ``visa://TCPIP::192.168.0.7::5025::SOCKET``, ``visa://GPIB0::14::INSTR``.

The pure Python backend (``@py``) is the default; option ``backend`` names another VISA library.
"""

from __future__ import annotations

import select
import socket
from typing import Any

from labctl.clock import Clock
from labctl.transport.base import READ_CHUNK_BYTES
from labctl.transport.blocking import BlockingTransport

MILLISECONDS = 1000
WAITING_READ_S = 1.0
"""For bytes that have come already: a library that runs out of time in mid-read drops what it has read."""


class VisaTransport(BlockingTransport):
    """A byte pipe over pyvisa, with termination characters off: framing is the driver's business."""

    def __init__(self, name: str, clock: Clock, *, backend: str = "@py", baud: int | None = None) -> None:
        super().__init__(f"visa://{name}", clock)
        self._name = name
        self._backend = backend
        self._baud = baud
        self._manager: Any = None
        self._session: Any = None
        self._socket: socket.socket | None = None

    def _open_port(self, timeout_s: float) -> None:
        import pyvisa  # late: loading it takes a third of a second and most benches need none

        self._manager = pyvisa.ResourceManager(self._backend)
        try:
            self._session = self._manager.open_resource(
                self._name, open_timeout=round(timeout_s * MILLISECONDS)
            )
            self._prepare(pyvisa)
        except OSError:
            self._close_port()
            raise
        except Exception as error:  # pyvisa-py raises bare Exception when nobody answers
            self._close_port()
            raise OSError(f"cannot be opened: {error}") from error

    def _prepare(self, pyvisa: Any) -> None:
        """Switch off every rule by which VISA would cut or change the stream."""
        session = self._session
        self._kind = session.resource_class
        self._is_serial = session.interface_type == pyvisa.constants.InterfaceType.asrl
        if self._is_serial:
            session.end_input = pyvisa.constants.SerialTermination.none
            if self._baud is not None:
                session.baud_rate = self._baud
        session.set_visa_attribute(pyvisa.constants.ResourceAttribute.termchar_enabled, False)
        self._timeout_code = pyvisa.constants.StatusCode.error_timeout
        self._read_full = pyvisa.constants.StatusCode.success_max_count_read
        self._visa_error = pyvisa.errors.VisaIOError
        # pyvisa-py spins on a connection that the peer has closed and reports a time-out; its socket tells the truth
        sessions = getattr(session.visalib, "sessions", {})
        inner = getattr(sessions.get(session.session), "interface", None)
        self._socket = inner if isinstance(inner, socket.socket) else None

    def _close_port(self) -> None:
        session, self._session = self._session, None
        manager, self._manager = self._manager, None
        self._socket = None
        try:
            if session is not None:
                session.close()
        finally:
            if manager is not None:
                manager.close()

    def _write_port(self, data: bytes, timeout_s: float) -> None:
        self._session.timeout = timeout_s * MILLISECONDS
        sent = 0
        while sent < len(data):
            try:
                count, _ = self._session.visalib.write(self._session.session, data[sent:])
            except self._visa_error as error:
                raise self._translated(error) from error
            sent += count

    def _read_port(self, slice_s: float) -> bytes:
        if self._socket is not None:
            return self._read_socket(self._socket, slice_s)
        first = self._read_some(1 if self._is_stream() else READ_CHUNK_BYTES, slice_s)
        if not first or not self._is_stream():
            return first
        if self._is_serial:
            waiting = min(self._session.bytes_in_buffer, READ_CHUNK_BYTES - 1)
            return first + self._read_some(waiting, WAITING_READ_S) if waiting else first
        while len(first) < READ_CHUNK_BYTES and (more := self._read_some(1, 0.0)):
            first += more
        return first

    def _is_stream(self) -> bool:
        """Tell a stream, which has no message ends, from GPIB, USB and VXI-11, which have."""
        return bool(self._is_serial or self._kind == "SOCKET")

    def _read_socket(self, inner: socket.socket, slice_s: float) -> bytes:
        readable, _, _ = select.select([inner], [], [], slice_s)
        if not readable:
            return b""
        waiting = len(inner.recv(READ_CHUNK_BYTES, socket.MSG_PEEK))
        if waiting == 0:
            raise ConnectionResetError("the peer closed the connection")
        return self._read_some(waiting, WAITING_READ_S)

    def _read_some(self, count: int, slice_s: float) -> bytes:
        """Read up to ``count`` bytes; empty when none comes within the slice."""
        self._session.timeout = max(1.0, slice_s * MILLISECONDS) if slice_s > 0 else 1.0
        try:
            # a full read is no reason for a warning: we asked for exactly what has come
            with self._session.ignore_warning(self._read_full):
                data, _ = self._session.visalib.read(self._session.session, count)
        except self._visa_error as error:
            if error.error_code == self._timeout_code:
                return b""
            raise self._translated(error) from error
        return bytes(data)

    def _translated(self, error: Any) -> OSError:
        kind = TimeoutError if error.error_code == self._timeout_code else OSError
        return kind(f"{error.description} ({error.abbreviation})")
