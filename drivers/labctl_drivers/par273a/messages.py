"""What is said by a PAR 273A, a lock-in amplifier and an FRA. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag


class Status(IntFlag):
    """The status byte of a 273A, by serial poll (potentiostat.md 2.4.2)."""

    DONE = 1
    ERROR = 2
    CURVE_DONE = 4
    OVERLOAD = 16
    SWEEP_DONE = 32
    SERVICE = 64
    OUTPUT = 128


class LockinStatus(IntFlag):
    """The status byte of a lock-in amplifier (2.4.6)."""

    DONE = 1
    INVALID = 2
    PARAMETER = 4
    UNLOCKED = 8
    OVERLOAD = 16
    NEW_ADC = 32
    INPUT_OVERLOAD = 64
    OUTPUT = 128


class Overload(IntFlag):
    """Bits of the answer to ``OVER``."""

    I = 1  # noqa: E741  # the quantity's own letter
    E = 2
    AUX = 4


class Mode(IntEnum):
    """Operand of ``MODE`` [S]."""

    GALVANOSTAT = 1
    POTENTIOSTAT = 2


ERROR_TEXTS = {
    2: "invalid command",
    3: "invalid parameter",
    4: "buffer overrun",
    5: "nothing to say",
    6: "number format",
    11: "not in this mode",
    12: "an acquisition is under way",
}
"""Codes of ``ERR`` (2.4.4) [S]."""


def error_text(code: int) -> str:
    """Return an error code in words."""
    return f"error {code}, {ERROR_TEXTS.get(code, 'which nobody has described')}"


@dataclass(frozen=True, slots=True)
class Prompted:
    """What came over RS-232 before the prompt, and whether that was ``*`` (accepted) or ``?``."""

    text: bytes
    accepted: bool


@dataclass(frozen=True, slots=True)
class FraResult:
    """An FRA's answer to ``SI``: the frequency that it measured at, and V1/V2 as it counts it."""

    frequency_Hz: float
    ratio: complex
    error: int


@dataclass(frozen=True, slots=True)
class AcReading:
    """One frequency at the two monitor outputs of the 273A; all volts rms, NaN where the analyser does not tell.

    ``ratio`` is E MONITOR over I MONITOR. ``monitor_V`` is the amplitude at I MONITOR. ``trouble`` is what the analyser
    says against the reading: an overload that a larger range ends, or the end of the sweep.
    """

    frequency_Hz: float
    ratio: complex
    e_rms_V: float
    monitor_V: float
    overload: bool
    trouble: str = ""
