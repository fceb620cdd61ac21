"""A serial port as a byte pipe: ``serial:///dev/ttyUSB0?baud=19200`` or ``serial://COM3``.

``serial://usb?serial_number=A1B2`` finds the port by the adapter's own number, because port names change when
a cable is plugged again (F01).
"""

from __future__ import annotations

import sys

import serial
from serial.tools import list_ports

from labctl.clock import Clock
from labctl.transport.base import READ_CHUNK_BYTES
from labctl.transport.blocking import READ_SLICE_S, BlockingTransport

if sys.platform == "win32":
    UNTRANSLATED: tuple[type[Exception], ...] = ()
else:
    import termios

    # pyserial lets it through where a line goes while the last byte is waited for, and it is no OSError
    UNTRANSLATED = (termios.error,)


class SerialTransport(BlockingTransport):
    """A byte pipe over pyserial. 8 data bits, no parity, one stop bit, no flow control unless said otherwise."""

    def __init__(
        self,
        port: str,
        clock: Clock,
        *,
        baud: int = 9600,
        data_bits: int = 8,
        parity: str = "N",
        stop_bits: float = 1,
        flow: str = "none",
        serial_number: str | None = None,
    ) -> None:
        where = f"usb?serial_number={serial_number}&" if serial_number else f"{port}?"
        super().__init__(f"serial://{where}baud={baud}", clock)
        self._name = port
        self._serial_number = serial_number
        self._baud = baud
        self._data_bits = data_bits
        self._parity = parity
        self._stop_bits = stop_bits
        self._flow = flow
        self._port: serial.Serial | None = None

    def _open_port(self, timeout_s: float) -> None:
        # opening also throws away what the operating system has kept from before
        self._port = serial.Serial(
            self._find(),
            baudrate=self._baud,
            bytesize=self._data_bits,
            parity=self._parity,
            stopbits=self._stop_bits,
            xonxoff=self._flow == "xonxoff",
            rtscts=self._flow == "rtscts",
            timeout=READ_SLICE_S,
            write_timeout=timeout_s,
            exclusive=True,
        )

    def _find(self) -> str:
        if self._serial_number is None:
            return self._name
        for found in list_ports.comports():
            if found.serial_number == self._serial_number:
                return str(found.device)
        raise OSError(f"no serial adapter with number {self._serial_number} is plugged in")

    def _close_port(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _write_port(self, data: bytes, timeout_s: float) -> None:
        assert self._port is not None
        try:
            if self._port.write_timeout != timeout_s:
                self._port.write_timeout = timeout_s
            self._port.write(data)
            self._port.flush()
        except serial.SerialTimeoutException as error:
            raise TimeoutError("the peer takes no bytes") from error
        except UNTRANSLATED as error:
            raise OSError(*error.args) from error

    def _read_port(self, slice_s: float) -> bytes:
        assert self._port is not None
        if slice_s <= 0 and not self._port.in_waiting:
            return b""
        first = self._port.read(1)
        if not first:
            return b""
        waiting = min(self._port.in_waiting, READ_CHUNK_BYTES - 1)
        return bytes(first + self._port.read(waiting)) if waiting else bytes(first)
