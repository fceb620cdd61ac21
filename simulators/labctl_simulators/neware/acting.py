"""Do what BTS commands ask: start, stop, pause and the rest (neware-bts 2.9, 2.10).

Each function answers one command of an installation with one row per requested channel, in request order.
Energising commands go into the truth log, accepted or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from labctl_simulators.neware.channel import STARTABLE, Channel, Reservation, Status
from labctl_simulators.neware.records import TestRecords
from labctl_simulators.neware.stepfile import StepFileRefused, StepProgram, read_step_file
from labctl_simulators.neware.wire import ADDRESS, Element, Request, Row, integer, list_of

if TYPE_CHECKING:
    from labctl_simulators.neware.device import Installation

ENERGISING = frozenset({"start", "continue", "goto", "reset", "chl_ctrl"})


def _each(
    device: Installation, request: Request, tag: str, act: Callable[[Channel, Row, tuple[int, int]], bool]
) -> list[Element]:
    rows = []
    for row in request.rows_of(tag):
        found = device.find(row)
        accepted = found is not None and act(found[1], row, found[0])
        device.changed |= accepted
        rows.append(Element(tag, device.address(row), "ok" if accepted else "false"))
        if found is not None and request.name in ENERGISING:
            device.tell(found[0], found[1], request.name, accepted, row.text)
    return [list_of(rows)]


def _program(device: Installation, path: str, key: tuple[int, int]) -> StepProgram | None:
    data = device.read_file(path)
    if data is None:
        return None
    device.files[path] = data
    try:
        return read_step_file(data, device.limits[key])
    except StepFileRefused:
        return None


def start(device: Installation, request: Request) -> list[Element]:
    """Start step files (2.9); a refused row uses no test id."""

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        if channel.status not in STARTABLE:
            return False
        program = _program(device, row.text, key)
        if program is None:
            return False
        test = TestRecords(device.next_test_id, row.get("barcode"), device.now_tick())
        device.next_test_id += 1
        channel.start(program, test, device.now_tick())
        return True

    return _each(device, request, "start", act)


def stop(device: Installation, request: Request) -> list[Element]:
    """End tests (2.10)."""
    return _each(device, request, "stop", lambda channel, row, key: channel.stop(device.now_tick()))


def broadcaststop(device: Installation, request: Request) -> list[Element]:
    """Stop every channel of a device (2.10)."""
    rows = []
    for row in request.rows_of("stop"):
        ours = row.get("devid") == str(device.devid)
        for channel in device.channels.values() if ours else ():
            device.changed |= channel.stop(device.now_tick())
        address = device.address(row, ADDRESS[:3])
        rows.append(Element("stop", address, "ok" if ours else "false"))
    return [list_of(rows)]


def resume(device: Installation, request: Request) -> list[Element]:
    """Go on after stop, protect or pause (2.10)."""
    return _each(device, request, "continue", lambda channel, row, key: channel.resume(device.now_tick()))


def goto(device: Installation, request: Request) -> list[Element]:
    """Jump to a step (2.10)."""
    return _each(
        device,
        request,
        "goto",
        lambda channel, row, key: channel.goto(integer(row.get("step", "0")), device.now_tick()),
    )


def light(device: Installation, request: Request) -> list[Element]:
    """Switch lamps (2.10)."""

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        channel.lamp = row.text == "true"
        return True

    return _each(device, request, "light", act)


def clearflag(device: Installation, request: Request) -> list[Element]:
    """Clear alarm flags (2.10); false where there is none."""
    return _each(device, request, request.name, _clear_flag)


def chl_ctrl(device: Installation, request: Request) -> list[Element]:
    """Set the output switch (2.10); only the flag of inquire is known to follow it."""

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        if row.text not in ("0", "1"):
            return False
        channel.output_switch = int(row.text)
        return True

    return _each(device, request, "chl_ctrl", act)


def reset(device: Installation, request: Request) -> list[Element]:
    """Replace the step file of a running test (2.10); the reply has no list."""
    row = next(iter(request.rows_of("reset")), Row("reset", {}))
    found = device.find(row)
    accepted = False
    if found is not None:
        program = _program(device, row.text, found[0])
        accepted = program is not None and found[1].replace_program(program, device.now_tick())
        device.tell(found[0], found[1], "reset", accepted, row.text)
    device.changed |= accepted
    return [Element("reset", device.address(row), "ok" if accepted else "false")]


def parallel(device: Installation, request: Request) -> list[Element]:
    """Couple idle channels: only noted (2.10)."""
    kind = integer(request.list_attributes.get("paralleltype", "0"))

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        if channel.status not in STARTABLE:
            return False
        channel.parallel = kind
        return True

    return _each(device, request, "parallel", act)


def getparallel(device: Installation, request: Request) -> list[Element]:
    """Tell how channels are coupled (2.10)."""
    rows = []
    for row in request.rows_of("parallel") or request.rows_of("getparallel"):
        found = device.find(row)
        text = "false" if found is None else str(found[1].parallel)
        rows.append(Element(row.tag, device.address(row), text))
    return [list_of(rows)]


def setpause(device: Installation, request: Request) -> list[Element]:
    """Reserve a pause (2.10); cycle and step -1 together mean now."""

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        cycle, step_id = integer(row.get("cycleid", "-1")), integer(row.get("stepid", "-1"))
        if channel.status is not Status.WORKING:
            return False
        if cycle == -1 and step_id == -1:
            return channel.pause_now(device.now_tick())
        channel.reservation = Reservation(cycle, step_id)
        return True

    return _each(device, request, "setpause", act)


def cancelpause(device: Installation, request: Request) -> list[Element]:
    """Forget a reserved pause (2.10); false where there is none."""

    def act(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
        had, channel.reservation = channel.reservation is not None, None
        return had

    return _each(device, request, "cancelpause", act)


def getpause(device: Installation, request: Request) -> list[Element]:
    """Tell reserved pauses (2.10)."""
    rows = []
    for row in request.rows_of("getpause"):
        found = device.find(row)
        wanted = None if found is None else found[1].reservation
        place = [("cycleid", str(wanted.cycle if wanted else 0))]
        place.append(("stepid", str(wanted.step_id if wanted else 0)))
        rows.append(Element("getpause", [*device.address(row), *place], "true" if wanted else "false"))
    return [list_of(rows)]


def _clear_flag(channel: Channel, row: Row, key: tuple[int, int]) -> bool:
    had, channel.alarm_flag = channel.alarm_flag, False
    return had


ACTING: Mapping[str, Callable[[Installation, Request], list[Element]]] = {
    "start": start,
    "stop": stop,
    "broadcaststop": broadcaststop,
    "continue": resume,
    "goto": goto,
    "light": light,
    "clearflag": clearflag,
    "resetalarm": clearflag,
    "chl_ctrl": chl_ctrl,
    "reset": reset,
    "parallel": parallel,
    "getparallel": getparallel,
    "setpause": setpause,
    "cancelpause": cancelpause,
    "getpause": getpause,
}
