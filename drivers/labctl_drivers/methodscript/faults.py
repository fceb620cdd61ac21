"""What the error codes of MethodSCRIPT devices mean. Source: potentiostat.md 2.1.6."""

from __future__ import annotations

from labctl_drivers.methodscript.messages import Fault

NOTHING_TO_ABORT = 0x0006
OCP_WITH_CELL_ON = 0x0014
NOT_ON_THIS_MODEL = frozenset({0x001B, 0x001F, 0x4001})

TEXTS = {
    0x0001: "unspecified error",
    0x0002: "wrong type of variable",
    0x0003: "unknown command",
    0x0006: "wrong mode, or nothing to abort",
    0x0007: "bad argument",
    0x0008: "line too long",
    0x0009: "time-out",
    0x000B: "out of memory",
    0x000C: "no script loaded",
    0x000E: "averaging overflowed",
    0x000F: "potential not valid",
    0x0010: "not a number, or infinite",
    0x0011: "frequency not valid",
    0x0012: "amplitude not valid",
    0x0014: "open-circuit potential asked for with the cell on",
    0x001B: "not supported by this model",
    0x001C: "step below one DAC step",
    0x001D: "pulse below one DAC step",
    0x001E: "amplitude below one DAC step",
    0x001F: "not licensed",
    0x0020: "wrong potentiostat mode",
    0x0021: "wrong potentiostat mode",
    0x0023: "wrong potentiostat mode",
    0x0028: "division by zero",
    0x002F: "no such channel",
    0x0032: "critical overload of the cell: stopped to prevent damage",
    0x0058: "the timing cannot be met",
    0x005A: "the timing cannot be met",
    0x0080: "the counter electrode oscillates",
    0x008B: "the bipotentiostat must be off",
    0x4001: "unknown word in the script",
    0x4004: "bad character in the script",
    0x4005: "script too large",
    0x4018: "the script ends too early",
    0x401B: "package words out of order",
    0x4026: "variable declared twice",
    0x4027: "needs the cell on",
    0x4028: "needs the cell off",
    0x4039: "bad number in the script",
    0x4200: "argument negative",
    0x4202: "argument zero",
    0x4204: "argument not positive",
    0x4205: "argument out of bounds",
    0x4206: "argument not for this model",
    0x420B: "variable not declared",
    0x7FFF: "fatal error: the instrument must be reset",
}


def told(fault: Fault, script: tuple[str, ...] = ()) -> str:
    """Say what a fault means, where the script stood, and what stood there."""
    text = (
        f"{TEXTS.get(fault.code, 'an error that its manual pages here do not name')} (code {fault.code:04X})"
    )
    if fault.line is None:
        return text
    place = f", line {fault.line}" + ("" if fault.column is None else f", column {fault.column}")
    # line 1 is the first after the command ``e``
    here = f": {script[fault.line - 1]!r}" if 1 <= fault.line <= len(script) else ""
    return f"{text}{place} of the script{here}"
