"""Says in one line what passed a MethodSCRIPT line. Pure, never raises."""

from __future__ import annotations

from labctl.errors import WireError
from labctl.interfaces.frames import FrameText
from labctl_drivers.methodscript.codec import read_fault, read_output
from labctl_drivers.methodscript.faults import told
from labctl_drivers.methodscript.messages import Began, Ended, Fault, Finished, Package, Text

COMMANDS = {"t": "firmware version?", "i": "serial number?", "CM": "features?", "Z": "abort"}


def explain(data: bytes, *, sent: bool) -> FrameText:
    """Return what the bytes of one write or read say."""
    lines = data.translate(None, b"\r\x11\x13").decode("ascii", "replace").split("\n")
    if sent:
        return FrameText(_sent(lines))
    told_lines = [_came(line) for line in lines[:-1]] or ["less than a line"]
    more = f" and {len(told_lines) - 1} more lines" if len(told_lines) > 1 else ""
    return FrameText(told_lines[0] + more)


def _sent(lines: list[str]) -> str:
    if lines[0] == "e":
        return f"execute a script of {len([line for line in lines[1:] if line])} lines"
    return COMMANDS.get(lines[0], lines[0] or "end of a script")


def _came(line: str) -> str:
    fault = read_fault(line) or read_fault(line[1:])
    if fault is not None:
        return told(fault)
    try:
        output = read_output(line)
    except WireError:
        return f"answer {line!r}"
    match output:
        case Package(variables):
            return "point " + " ".join(f"{one.kind}={one.value:g}" for one in variables)
        case Began(mark, number):
            return f"loop {mark} {number:04X} begins"
        case Finished(mark):
            return f"loop {mark} ends"
        case Text(text):
            return f"text {text!r}"
        case Ended():
            return "end of the script"
        case Fault():
            return told(output)
