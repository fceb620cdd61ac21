"""What is plugged into this computer, and whether a port of the network answers: nothing is said to what is there."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

REACH_S = 2.0


@dataclass(frozen=True, slots=True)
class Plugged:
    """A place that could be written as ``resource:`` in a station file."""

    kind: str
    resource: str
    text: str


def plugged_places() -> tuple[Plugged, ...]:
    """Return serial ports and VISA addresses of this computer."""
    return (*serial_ports(), *visa_resources())


def serial_ports() -> tuple[Plugged, ...]:
    """Return the serial ports of this computer."""
    from serial.tools import list_ports

    return tuple(
        Plugged("serial", f"serial://{port.device}", f"{port.description} {port.hwid}".strip())
        for port in list_ports.comports()
    )


def visa_resources() -> tuple[Plugged, ...]:
    """Return VISA addresses of an installed VISA library.

    pyvisa-py is not asked: it would send a broadcast into the network to find out.
    """
    import pyvisa

    try:
        manager = pyvisa.ResourceManager("@ivi")
        names = manager.list_resources()
        manager.close()
    except (OSError, ValueError, pyvisa.errors.Error):
        return ()
    return tuple(Plugged("visa", f"visa://{name}", "VISA") for name in names)


def reach(
    host: str, port: int, wait_s: float = REACH_S, open_link: Callable[..., socket.socket] | None = None
) -> str:
    """Open a TCP connection and close it again, no byte sent; returns what stands against it, empty where it opened."""
    connect = open_link or socket.create_connection
    try:
        connect((host, port), timeout=wait_s).close()
    except TimeoutError:
        return f"no answer within {wait_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return ""
