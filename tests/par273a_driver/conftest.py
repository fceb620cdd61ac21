"""Tiny instruments for the driver's tests, by the lines of the specification: a 273A on D1, a lock-in, an FRA, a box.

They know the words that the driver uses, no noise and no filters; values are there at once. ``TinyPar`` also speaks
RS-232 by itself.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from labctl_drivers.par273a import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.memory import MemoryTransport

OHM = 110.0


def z_of_d1(frequency_Hz: float) -> complex:
    """Return the impedance of 10 ohm + (100 ohm parallel 100 uF)."""
    return 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * frequency_Hz * 100e-6)


@dataclass
class TinyPar:
    """A 273A. ``refuse`` maps a line to an error code, ``say`` to what is answered once; ``slow`` polls pass first."""

    terminator: bytes = b"\r\n"
    model: int = 2731
    ocv_V: float = 0.0
    ohm: float = OHM
    refuse: dict[str, int] = field(default_factory=dict)
    say: dict[str, str] = field(default_factory=dict)
    slow: int = 0
    enabled: bool = True
    sticky_cell: bool = False
    cell: bool = False
    energised: int = 0
    mode: int = 2
    auto: int = 0
    code: int = -3
    e_mV: int = 0
    i_A: float = 0.0
    ext: bool = False
    delimiter: int = 13
    error: int = 0
    out: bytes = b""
    busy: int = 0
    over_since: int = 0
    heard: list[str] = field(default_factory=list)
    rest: bytes = b""

    @property
    def range_A(self) -> float:
        return 10.0**self.code

    @property
    def direct(self) -> tuple[float, float]:
        """Return potential and anodic current."""
        if not (self.cell and self.enabled):
            return self.ocv_V, 0.0
        if self.mode == 1:
            return self.ocv_V + self.i_A * self.ohm, self.i_A
        return self.e_mV / 1e3, (self.e_mV / 1e3 - self.ocv_V) / self.ohm

    def take(self, data: bytes) -> None:
        """Take data from the bus."""
        self.busy = self.slow
        for line in data.decode().strip("\r\n").split(";"):
            self.out += self.word(line.strip().upper())

    def status(self) -> int:
        if self.busy:
            self.busy -= 1
            return 0
        status = (2 if self.error else 0) | (16 if self.over_since else 0)
        return status | (128 if self.out else 1)

    def read(self) -> bytes:
        if not self.out:
            self.error = 5
        out, self.out = self.out, b""
        return out

    def receive(self, data: bytes) -> bytes:
        """Take bytes from RS-232 and return reply and prompt."""
        *lines, self.rest = (self.rest + data.replace(b"\r\n", b"\r")).split(b"\r")
        said = b""
        for line in lines:
            if line:
                self.error, before = 0, self.error
                reply = self.word(line.decode().upper(), before)
                said += reply + (b"?" if self.error else b"*")
        return said

    def word(self, line: str, last_error: int | None = None) -> bytes:
        self.heard.append(line)
        if line in self.refuse:
            self.error = self.refuse[line]
            return b""
        word, _, operand = line.partition(" ")
        if operand:
            self.error = self._set(word, operand) or self.error
            return b""
        if line == "ERR":
            code, self.error = (self.error if last_error is None else last_error), 0
            return self._reply(str(code))
        if line == "DCL":
            self.code, self.mode, self.auto, self.ext = -3, 2, 0, False
            return b""
        texts = self._ask(word)
        if texts is None:
            self.error = 2
            return b""
        return self._reply(*texts) if line not in self.say else self.say.pop(line).encode()

    def _reply(self, *texts: str) -> bytes:
        return chr(self.delimiter).join(texts).encode() + self.terminator

    def _set(self, word: str, operand: str) -> int:
        number = int(operand.split()[0])
        if word == "CELL":
            self.energised += number and not self.cell
            self.cell = bool(number) or (self.sticky_cell and self.cell)
        elif word == "SETE":
            if self.mode == 1:
                return 11
            if abs(number) > 8000:
                return 3
            self.e_mV = number
        elif word == "SETI":
            mantissa, exponent = operand.split()
            self.i_A = -int(mantissa) * 10.0 ** int(exponent)
        else:
            names = {"MODE": "mode", "I/E": "code", "AR": "auto", "EXT": "ext", "DD": "delimiter"}
            if word not in names:
                return 2
            setattr(self, names[word], number)
        return 0

    def _ask(self, word: str) -> tuple[str, ...] | None:
        e_V, i_A = self.direct
        match word:
            case "ID":
                return (str(self.model),)
            case "VER":
                return ("202",)
            case "CELL":
                return (str(int(self.cell)),)
            case "CS":
                return (str(int(self.enabled)),)
            case "I/E":
                return (str(self.code),)
            case "READE":
                return (str(round(e_V * 1e3)),)
            case "READI":
                return self._current(i_A)
            case "ST":
                return (str(self.status()),)
            case "OVER":
                since, self.over_since = self.over_since, 0
                return "0", str(since), "0"
        return None

    def _current(self, i_A: float) -> tuple[str, str]:
        if self.auto:
            level = abs(i_A) / self.range_A
            step = 1 if level > 1.9 and self.code < 0 else -1 if level < 0.15 and self.code > -7 else 0
            self.code += step
        exponent = self.code - 4
        return str(round(-i_A / 10.0**exponent)), str(exponent)


@dataclass
class Generator:
    """What a 273A hears at its external input."""

    frequency_Hz: float = 1e3
    amplitude_V: float = 0.0

    def monitors(self, par: TinyPar) -> tuple[complex, complex]:
        """Return the phasors (V rms) at E MONITOR and I MONITOR."""
        if not (par.cell and par.enabled and par.ext):
            return 0j, 0j
        turn = cmath.exp(0.3j)
        if par.mode == 1:
            i_A = self.amplitude_V * par.range_A * turn
            return i_A * z_of_d1(self.frequency_Hz), -i_A / par.range_A
        e_V = self.amplitude_V * turn
        return e_V, -e_V / z_of_d1(self.frequency_Hz) / par.range_A


@dataclass
class TinyLockin(Generator):
    """A lock-in amplifier on the monitors of a 273A."""

    par: TinyPar = field(default_factory=TinyPar)
    model: str = "7265"
    vmode: int = 1
    sen: int = 27
    out: bytes = b""
    bad: int = 0
    overload: int = 0
    heard: list[str] = field(default_factory=list)

    def take(self, data: bytes) -> None:
        line = data.decode().strip("\r\n\0")
        self.heard.append(line)
        word, _, operand = line.partition(" ")
        self.bad = 0
        match word:
            case "OF.":
                self.frequency_Hz = float(operand)
            case "OA.":
                self.amplitude_V = float(operand)
            case "VMODE":
                self.vmode = int(operand)
            case "SEN":
                self.sen = int(operand)
            case "ID":
                self.out = f"{self.model}\0\r\n".encode()
            case "VER":
                self.out = b"6.1\r\n"
            case "ST":
                self.out = f"{self.status()}\r\n".encode()
            case "XY.":
                e_V, monitor_V = self.monitors(self.par)
                value = monitor_V if self.vmode == 1 else -e_V
                full_V = (2, 5, 10)[(self.sen - 1) % 3] * 10.0 ** ((self.sen - 1) // 3) * 1e-9
                self.overload = 16 if abs(value) > 1.05 * full_V else 0
                self.out = f"{value.real:.6E},{value.imag:.6E}\r\n".encode()
            case "TC" | "DD" | "IMODE" | "REFN" | "REFP." | "SLOPE":
                pass
            case _:
                self.bad = 2

    def status(self) -> int:
        return self.bad | self.overload | (128 if self.out else 1)

    def read(self) -> bytes:
        out, self.out = self.out, b""
        return out

    def receive(self, data: bytes) -> bytes:
        """Take commands from Ethernet port 50000."""
        said = b""
        for line in data.split(b"\0")[:-1]:
            self.take(line)
            said += self.read().replace(b"\0", b"").replace(b"\r", b"") + b"\0" + bytes((self.status(), 0))
        return said


@dataclass
class TinyFra(Generator):
    """A frequency response analyser on the monitors of a 273A; ``late`` answers come before the right one."""

    par: TinyPar = field(default_factory=TinyPar)
    polar: bool = False
    late: list[float] = field(default_factory=list)
    error: int = 0
    out: bytes = b""
    heard: list[str] = field(default_factory=list)

    def take(self, data: bytes) -> None:
        line = data.decode().strip("\n")
        self.heard.append(line)
        if line == "SI":
            e_V, monitor_V = self.monitors(self.par)
            ratio = e_V / monitor_V if monitor_V else 0j
            for frequency_Hz in (*self.late, self.frequency_Hz):
                self.out += self._line(frequency_Hz, ratio)
        elif line.startswith("FR"):
            self.frequency_Hz = float(line[2:])
        elif line.startswith("VA"):
            self.amplitude_V = float(line[2:])
        elif line == "*IDN?":
            self.out += b"SOLARTRON,1260,0,1\r\n"

    def _line(self, frequency_Hz: float, ratio: complex) -> bytes:
        pair = (abs(ratio), math.degrees(cmath.phase(ratio))) if self.polar else (ratio.real, ratio.imag)
        return f"{frequency_Hz:+.7E},{pair[0]:+.4E},{pair[1]:+.4E},{self.error},00\r\n".encode()

    def status(self) -> int:
        return 0

    def read(self) -> bytes:
        line, end, self.out = self.out.partition(b"\r\n")
        return line + end


@dataclass
class TinyBox:
    """A Prologix box; all of its connections share the bus."""

    devices: dict[int, Any]
    address: int = 0
    said: list[str] = field(default_factory=list)

    def connection(self) -> Endpoint:
        return Endpoint(self)


@dataclass
class Endpoint:
    """One connection to a box."""

    box: TinyBox
    rest: bytes = b""

    def receive(self, data: bytes) -> bytes:
        answers, line, escaped = b"", self.rest, False
        for at, byte in enumerate(data):
            if escaped:
                line += bytes((byte,))
                escaped = False
            elif byte == 0x1B:
                escaped = True
                assert at < len(data) - 1, "the tiny box wants an escape in one piece"
            elif byte == 0x0A:
                answers += self._line(line)
                line = b""
            else:
                line += bytes((byte,))
        self.rest = line
        return answers

    def _line(self, line: bytes) -> bytes:
        box = self.box
        if not line.startswith(b"++"):
            box.devices[box.address].take(line)
            return b""
        text = line.decode()
        box.said.append(text)
        if text.startswith("++addr "):
            box.address = int(text[7:])
        elif text == "++spoll":
            return f"{box.devices[box.address].status()}\r\n".encode()
        elif text == "++read eoi":
            return bytes(box.devices[box.address].read())
        return b""


class TinyRig:
    """The driver on tiny instruments: behind a box, or the 273A on RS-232 and the lock-in on Ethernet."""

    def __init__(
        self, clock: Clock, par: TinyPar, analyser: str, serial: bool, options: dict[str, object]
    ) -> None:
        self.par = par
        self.lockin, self.fra = TinyLockin(par=par), TinyFra(par=par)
        self.box = TinyBox({14: par, 12: self.lockin, 4: self.fra})
        self.pipes: list[TappedPipe] = []
        told: dict[str, object] = {
            "analyser": analyser,
            "step_max_s": 1e6,
            "step_max_by": "A. Tester",
            **options,
        }
        if serial:
            told = {"analyser_resource": "tcp://lockin:50000", **told}
        resource = "serial:///dev/ttyS0" if serial else "tcp://box:1234"

        def connect(asked: str) -> TappedPipe:
            def endpoint() -> Any:
                if asked.startswith("serial"):
                    return par
                return self.lockin if ":5000" in asked else self.box.connection()

            self.pipes.append(TappedPipe(MemoryTransport(endpoint, clock, asked.partition("//")[2]), clock))
            return self.pipes[-1]

        self.potentiostat: Potentiostat = create("par", resource, told, clock, connect)

    def cell_on(self) -> bool:
        return self.par.cell

    def energisings(self) -> int:
        return self.par.energised

    def sent(self) -> int:
        return sum(pipe.sent for pipe in self.pipes)

    def cut(self) -> None:
        for pipe in self.pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self.pipes:
            pipe.hung = hung


@pytest.fixture
def tiny_par() -> type[TinyPar]:
    """Return the class of a tiny 273A."""
    return TinyPar


@pytest.fixture
def tiny_rig() -> Callable[..., TinyRig]:
    """Return a maker of a driver on tiny instruments, on a clock."""

    def make(
        clock: Clock,
        par: TinyPar | None = None,
        analyser: str = "lockin72xx",
        *,
        serial: bool = False,
        **options: object,
    ) -> TinyRig:
        return TinyRig(clock, par or TinyPar(), analyser, serial, options)

    return make
