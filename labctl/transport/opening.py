"""From the resource text of a station file to a byte pipe."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

from labctl.clock import Clock, ClockMode
from labctl.errors import UserInputError
from labctl.transport.base import Transport
from labctl.transport.memory import Endpoint, MemoryTransport
from labctl.transport.tcp import TcpTransport

EXAMPLES = "tcp://192.168.1.10:502, serial:///dev/ttyUSB0?baud=19200, serial://COM3?baud=9600, visa://GPIB0::14::INSTR"


def open_transport(
    resource: str, clock: Clock, *, memory: Callable[[str], Endpoint] | None = None, **options: object
) -> Transport:
    """Return the closed pipe that ``resource`` names; ``await pipe.open()`` connects it.

    ``memory`` finds the endpoint of ``mem://name`` at each opening. ``options`` are those of the kind of link
    (baud, data_bits, parity, stop_bits, flow, serial_number, backend); the same after ``?`` in the resource win.
    Raises: UserInputError for a resource or option that cannot be.
    """
    scheme, separator, rest = resource.partition("://")
    if not separator:
        raise _unusable(resource, "it has no scheme")
    if clock.mode is ClockMode.JUMP and scheme != "mem":
        raise _unusable(resource, "in clock mode jump only mem:// links work")
    if scheme == "mem":
        if memory is None:
            raise _unusable(resource, "there is no virtual bench in this process")
        connect = memory
        return MemoryTransport(lambda: connect(rest), clock, rest)
    if scheme == "tcp":
        return _tcp(resource, clock)
    if scheme in ("serial", "visa"):
        rest, _, query = rest.partition("?")
        settings = {**options, **{name: values[-1] for name, values in parse_qs(query).items()}}
        try:
            return _serial(rest, clock, settings) if scheme == "serial" else _visa(rest, clock, settings)
        except (TypeError, ValueError) as error:
            raise _unusable(resource, str(error)) from error
    raise _unusable(resource, f"there is no link of kind {scheme!r}")


def _tcp(resource: str, clock: Clock) -> Transport:
    try:
        parts = urlsplit(resource)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _unusable(resource, str(error)) from error
    if not host or not port or parts.path.strip("/") or parts.query:
        raise _unusable(resource, "it must be tcp://host:port")
    return TcpTransport(host, port, clock)


def _number(settings: dict[str, object], name: str, default: float) -> float:
    value = settings.pop(name, default)
    if not isinstance(value, int | float | str):
        raise ValueError(f"{name} must be a number")
    return float(value)


def _none_left(settings: dict[str, object]) -> None:
    if settings:
        raise ValueError(f"unknown option {', '.join(sorted(settings))}")


def _serial(port: str, clock: Clock, settings: dict[str, object]) -> Transport:
    from labctl.transport.serial import SerialTransport  # late: most benches need no serial port

    serial_number = settings.pop("serial_number", None)
    baud = _number(settings, "baud", 9600)
    data_bits = _number(settings, "data_bits", 8)
    stop_bits = _number(settings, "stop_bits", 1)
    parity = str(settings.pop("parity", "N"))
    flow = str(settings.pop("flow", "none"))
    _none_left(settings)
    if not port:
        raise ValueError("the port is missing")
    if (
        parity not in tuple("NEOMS")
        or data_bits not in (5, 6, 7, 8)
        or stop_bits not in (1, 1.5, 2)
        or baud < 1
        or flow not in ("none", "xonxoff", "rtscts")
    ):
        raise ValueError("no serial port can be set like that")
    return SerialTransport(
        unquote(port),
        clock,
        baud=int(baud),
        data_bits=int(data_bits),
        parity=parity,
        stop_bits=stop_bits,
        flow=flow,
        serial_number=None if serial_number is None else str(serial_number),
    )


def _visa(name: str, clock: Clock, settings: dict[str, object]) -> Transport:
    from labctl.transport.visa import VisaTransport  # late: most benches need no VISA

    backend = str(settings.pop("backend", "@py"))
    baud = int(_number(settings, "baud", 0)) or None
    _none_left(settings)
    if not name:
        raise ValueError("the VISA resource is missing")
    return VisaTransport(name, clock, backend=backend, baud=baud)


def _unusable(resource: str, why: str) -> UserInputError:
    return UserInputError(f"resource {resource!r} cannot be used: {why}. Write for example {EXAMPLES}.")
