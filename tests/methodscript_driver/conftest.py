"""A tiny MethodSCRIPT device for the driver's tests: the words that the driver uses, the dummy cell D1, no noise.

Made for these tests alone, by the lines of the specification; it moves with the jump clock and speaks unasked.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []

SCALES = {
    "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "i": 1.0,
    "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18,
}  # fmt: skip
OHM = 110.0


def number(text: str) -> float:
    """Read a number of the script language."""
    letter = text[-1] if text[-1].isalpha() else ""
    return int(text[: len(text) - len(letter)]) * SCALES[letter]


def coded(value: float) -> str:
    """Return the seven hexadecimal digits and the prefix of a number: the finest prefix that holds it."""
    if math.isnan(value):
        return "     nan"
    for prefix, exponent in zip("afpnum kMGTPE", range(-18, 19, 3), strict=True):
        if abs(whole := round(value / 10.0**exponent)) < 1 << 27:
            return f"{whole + (1 << 27):07X}{prefix}"
    raise ValueError(value)


def z_of_d1(frequency_Hz: float) -> complex:
    """Return the impedance of 10 ohm + (100 ohm parallel 100 uF)."""
    return 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * frequency_Hz * 100e-6)


@dataclass
class TinyDevice:
    """``refuse`` maps a word to the code that its script is refused with; ``break_off`` a point to a runtime error."""

    code: str = "espico"
    serial: str = "TINY0001"
    features: str = ""
    ocv_V: float = 0.1
    refuse: dict[str, str] = field(default_factory=dict)
    break_off: dict[int, str] = field(default_factory=dict)
    fall_silent_at: int | None = None
    swap_metadata: dict[int, str] = field(default_factory=dict)
    deaf: bool = False
    sticky_cell: bool = False
    cell_on: bool = False
    energised: int = 0
    asked_with_cell_on: int = 0
    now_s: float = 0.0
    heard: list[str] = field(default_factory=list)
    scripts: list[list[str]] = field(default_factory=list)
    scripts_refused: list[list[str]] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._say: Callable[[bytes], None] = lambda data: None
        self._rest = b""
        self._loading: list[str] | None = None
        self._run: Iterator[float] | None = None
        self._due_s = 0.0
        self._points = 0
        self._timer_s = 0.0

    # -- the connection

    def attach(self, send: Callable[[bytes], None]) -> None:
        self._say = send

    def receive(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self.deaf:
                self._hear(line.decode())
        return b""

    def advance_to(self, plant_s: float) -> None:
        while self._run is not None and self._due_s <= plant_s:
            self.now_s = self._due_s
            self._step()
        self.now_s = max(self.now_s, plant_s)

    def say(self, text: str) -> None:
        self._say(f"{text}\n".encode())

    # -- commands

    def _hear(self, line: str) -> None:
        if self._loading is not None:
            if line:
                self._loading.append(line)
                return
            script, self._loading = self._loading, None
            self._execute(script)
            return
        self.heard.append(line)
        match line:
            case "":
                return
            case "e":
                self._loading = []
            case "t":
                self.say(f"t{self.code}1603#Mar 24 2025 12:00:00\nR*")
            case "i":
                self.say(f"i{self.serial}")
            case "CM" if self.features:
                self.say(f"CM{self.features}")
            case "Z" if self._run is not None:
                self.say("Z")
                self._abort()
            case "Z":
                self.say("Z!0006")
            case _:
                self.say(f"{line[0]}!0003")

    def _execute(self, script: list[str]) -> None:
        for place, line in enumerate(script, 1):
            word = line.split()[0]
            code = "4001" if line.endswith("Z") else self.refuse.get(word)
            if code is not None:
                self.say(f"e!{code}: Line {place}, Col 1")
                self.scripts_refused.append(script)
                return
        self.scripts.append(script)
        self.say("e")
        self._run = self._course(script)
        self._due_s = self.now_s
        self._step()

    def _step(self) -> None:
        assert self._run is not None
        try:
            self._due_s = self.now_s + next(self._run)
        except StopIteration:
            self._run = None

    def _abort(self) -> None:
        self._run = None
        if self.finish:
            self._switch(False)
        self.say("")

    def _switch(self, on: bool) -> None:
        self.energised += on
        self.cell_on = on or (self.sticky_cell and self.cell_on)

    # -- scripts

    def _course(self, script: list[str]) -> Iterator[float]:
        self.finish = script[script.index("on_finished:") :] if "on_finished:" in script else []
        added: list[str] = []
        place = 0
        while place < len(script):
            word, *arguments = script[place].split()
            if word.startswith("meas_loop"):
                end = script.index("endloop", place)
                added = [line.split()[1] for line in script[place:end] if line.startswith("pck_add")]
                if word == "meas_loop_ocp" and self.cell_on:
                    self.asked_with_cell_on += 1
                    self.say(f"!0014: Line {place + 1}")
                    return
                technique = {"ocp": "B", "ca": "7", "cp": "A", "lsv": "0", "cv": "5", "eis": "D", "geis": "E"}
                self.say(f"M000{technique[word.removeprefix('meas_loop_')]}")
                for wait_s, values in self._points_of(word, arguments):
                    yield wait_s
                    if values and not self._emit(added, values, place):
                        return
                    if self._points == self.fall_silent_at:
                        yield math.inf
                self.say("*")
                place = end
            elif word == "timer_start":
                self._timer_s = self.now_s
            elif word in ("cell_on", "cell_off"):
                self._switch(word == "cell_on")
            place += 1
        self._points = 0
        self.say("")

    def _emit(self, added: list[str], values: dict[str, str], place: int) -> bool:
        """Send a package or its scan marks; tell whether the script goes on."""
        if mark := values.pop("mark", ""):
            self.say(mark)
        if not values or not added:
            return True
        self._points += "freq" in added
        if self._points in self.break_off:
            self.say(f"!{self.break_off[self._points]}: Line {place + 1}")
            self._points = 0
            return False
        values["time"] = "eb" + coded(self.now_s - self._timer_s)
        body = ";".join(values[name] for name in added)
        self.say("P" + body.replace(",10", self.swap_metadata.get(self._points, ",10")))
        return True

    def _points_of(self, word: str, arguments: list[str]) -> Iterator[tuple[float, dict[str, str]]]:
        if word == "meas_loop_ocp":
            every_s, whole_s = map(number, arguments[1:3])
            for _ in range(round(whole_s / every_s)):
                yield every_s, {"volt": "ab" + coded(self.ocv_V) + ",10"}
        elif word in ("meas_loop_ca", "meas_loop_cp"):
            value, every_s, whole_s = map(number, arguments[2:5])
            for _ in range(round(whole_s / every_s)):
                yield every_s, self._dc(value if word == "meas_loop_ca" else value * OHM)
        elif word == "meas_loop_lsv":
            begin_V, end_V, step_V, rate = map(number, arguments[2:6])
            for e_V in np.linspace(begin_V, end_V, round(abs(end_V - begin_V) / step_V) + 1):
                yield step_V / rate, self._dc(float(e_V))
        elif word == "meas_loop_cv":
            yield from self._cv(arguments)
        else:
            first_Hz, last_Hz = map(number, arguments[4:6])
            for f_Hz in np.geomspace(first_Hz, last_Hz, int(arguments[6])):
                z = z_of_d1(float(f_Hz))
                point = {
                    "freq": "dc" + coded(f_Hz),
                    "zre": f"cc{coded(z.real)},10,288",
                    "zim": f"cd{coded(z.imag)},10",
                }
                yield max(3.0 / f_Hz, 0.05) + 0.1, point

    def _cv(self, arguments: list[str]) -> Iterator[tuple[float, dict[str, str]]]:
        begin_V, vertex1_V, vertex2_V, step_V, rate = map(number, arguments[2:7])
        scans = int(arguments[7][7:-1]) if len(arguments) > 7 else 1
        corners = [begin_V, vertex1_V, vertex2_V, begin_V]
        for scan in range(scans):
            if scans > 1:
                yield 0.0, {"mark": f"C{scan:04X}"}
            for start_V, end_V in pairwise(corners):
                steps = round(abs(end_V - start_V) / step_V)
                for e_V in np.linspace(start_V, end_V, steps, endpoint=False):
                    yield step_V / rate, self._dc(float(e_V))
            if scans > 1:
                yield 0.0, {"mark": "-"}

    def _dc(self, e_V: float) -> dict[str, str]:
        return {"volt": f"ab{coded(e_V)},10", "amps": f"ba{coded(e_V / OHM)},10,20B"}


Story = Callable[[Potentiostat, Clock, Any], Coroutine[Any, Any, None]]


@dataclass
class Stand:
    """The driver on a tiny device in jump time."""

    device: TinyDevice
    options: dict[str, object] = field(default_factory=dict)
    pipe: Transport | None = None

    def play(
        self,
        story: Story,
        *,
        through: Callable[[Transport, Clock], Transport] | None = None,
        opened: bool = True,
    ) -> None:
        """Run a story with the driver, open unless told otherwise, and close it."""

        async def main(clock: Clock) -> None:
            def connect(resource: str) -> Transport:
                plain = MemoryTransport(self.device, clock, "tiny")
                self.pipe = plain if through is None else through(plain, clock)
                return self.pipe

            driver = create("pico", "mem://tiny", self.options, clock, connect)
            if opened:
                await driver.open()
            try:
                await story(driver, clock, self.device)
            finally:
                await driver.close()

        run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=self.device)


@pytest.fixture
def stand() -> Stand:
    """Offer a driver on a fresh EmStat Pico."""
    return Stand(TinyDevice())


@pytest.fixture
def stand_of() -> Callable[..., Stand]:
    """Offer drivers on devices as the test wants them."""

    def make(*, options: dict[str, object] | None = None, **device: Any) -> Stand:
        return Stand(TinyDevice(**device), options or {})

    return make


@pytest.fixture(scope="session")
def d1() -> Callable[[float], complex]:
    """Offer the formula of the dummy cell D1."""
    return z_of_d1


@pytest.fixture(scope="session")
def code() -> Callable[[float], str]:
    """Offer the number coder of the tiny device, written apart from the driver's decoder."""
    return coded


@pytest.fixture(scope="session")
def read_number() -> Callable[[str], float]:
    """Offer the reader of script numbers, written apart from the driver's writer."""
    return number
