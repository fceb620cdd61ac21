"""A Solartron 1260 frequency response analyser: its two-letter words and its measurement; no bytes.

V1 is on the E MONITOR, V2 on the I MONITOR, its generator on EXT INPUT; the result V1/V2 is given as a, b. Exponents
that it is sent have one digit, those of its replies two. Source: potentiostat.md 2.4.7 [UMS, SOL]; that a word in error
is left undone and shown in ``*ESR?``, and error digits 1 and 2 for an overload at V1 and V2, are our choice; so is 2
where nothing comes in to divide by.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from labctl_simulators.par273a.front import Front, Oscillator

RESET_s = 5.0
COMMAND_ERROR, EXECUTION_ERROR, OPERATION_COMPLETE = 32, 16, 1
MAV, ESB = 16, 32
I_MONITOR_MAX_V = 2.0
INPUT_MAX_V = (3.0, 0.03, 0.3, 3.0)
"""Largest input in V rms by the range of ``RA``; 0 is automatic."""
OVERLOADED_V1, OVERLOADED_V2 = 1, 2
_WORD = re.compile(r"([A-Z]{2})(.*)")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(E[+-]?\d)?")
"""One digit of exponent at most."""

ANALOGUE: Mapping[str, tuple[float, float, float]] = {
    "FR": (1000.0, 10e-6, 32e6),
    "VA": (0.0, 0.0, 3.0),
    "VB": (0.0, -40.95, 40.95),
    "IA": (0.0, 0.0, 0.06),
    "IB": (0.0, -0.1, 0.1),
    "IS": (0.2, 0.01, 1e5),
    "MS": (0.0, 0.0, 1e5),
}
"""Default, smallest and largest value of what is set by a number."""
FAST_Hz, FAST_MAX_V = 10e6, 1.0
CHOICES: Mapping[str, tuple[str, ...]] = {
    "GT": ("0", "1"),
    "AU": ("0", "1"),
    "SW": ("0",),
    "RA": (*(f"{channel},{n}" for channel in (1, 2) for n in range(4)), *(f"3,{n}" for n in range(6))),
    "DC": tuple(f"{channel},{n}" for channel in (1, 2, 3) for n in (0, 1)),
    "IP": tuple(f"{channel},{n}" for channel in (1, 2) for n in (0, 1)),
    "OU": tuple(f"{channel},{n}" for channel in (1, 2) for n in (0, 1)),
    "SO": ("1,0", "2,0", "1,2", "2,1"),
    "OP": ("1,0", "1,1", "2,0", "2,1"),
    "OT": ("0", "1"),
}


class FraError(Exception):
    """A word in error; ``bit`` is that of the event status register."""

    def __init__(self, bit: int) -> None:
        super().__init__(bit)
        self.bit = bit


class Fra:
    """One 1260. ``on_reply`` hears each of its replies."""

    def __init__(self, front: Front, now_s: Callable[[], float]) -> None:
        self.oscillator = Oscillator()
        self.on_reply: Callable[[str], None] = lambda text: None
        self.stale = False
        self._front, self._now_s = front, now_s
        front.oscillators.append(self.oscillator)
        self._busy_until_s = -math.inf
        self._ends_s: float | None = None
        self._recycles = False
        self._last = ""
        self._fresh()

    def _fresh(self) -> None:
        self._values = {word: default for word, (default, _, _) in ANALOGUE.items()}
        self._chosen = {word: choices[0] for word, choices in CHOICES.items()}
        self._chosen.update({"SO": "1,2", "OP": "2,0"})
        self._ranges = {"1": 0, "2": 0}
        self._event, self._enabled = 0, {"*ESE": 0, "*SRE": 0}
        self._ends_s, self._recycles = None, False
        self._generate()

    def lose_power(self) -> None:
        """Come up again with a silent generator."""
        self._busy_until_s = -math.inf
        self._fresh()

    def _generate(self) -> None:
        self._front.disturbed()
        out, voltage = self.oscillator, self._chosen["GT"] == "0"
        out.frequency_Hz = self._values["FR"]
        out.amplitude_V = self._values["VA"] if voltage else 0.0
        bias_V = self._values["VB"] if voltage else 0.0
        if bias_V != out.bias_V:
            out.bias_V = bias_V
            self._front.biased()

    # -- words ---------------------------------------------------------------------------------------------

    def perform(self, line: str) -> None:
        """Do one word; while a reset lasts nothing is heard."""
        if self._now_s() < self._busy_until_s - 1e-6:
            return
        text = line.strip().upper()
        try:
            if text.startswith("*"):
                self._common(text)
            else:
                self._word(text)
        except FraError as error:
            self._event |= error.bit

    def _word(self, text: str) -> None:
        match = _WORD.fullmatch(text)
        if match is None:
            raise FraError(COMMAND_ERROR)
        word, argument = match[1], match[2].strip()
        if word in ANALOGUE:
            self._values[word] = self._number(word, argument)
            self._generate()
        elif word in CHOICES:
            if argument not in CHOICES[word]:
                raise FraError(EXECUTION_ERROR)
            self._chosen[word] = argument
            if word == "RA":
                self._ranges[argument[0]] = int(argument[2])
            self._generate()
        elif word in ("SI", "RE") and not argument:
            self._recycles = word == "RE"
            self._begin()
        elif text == "TT2":
            self._fresh()
            self._busy_until_s = self._now_s() + RESET_s
        elif text == "CE":
            self._event = 0
        else:
            raise FraError(COMMAND_ERROR)

    def _number(self, word: str, argument: str) -> float:
        _, low, high = ANALOGUE[word]
        if not _NUMBER.fullmatch(argument):
            raise FraError(COMMAND_ERROR)
        value = float(argument)
        if word == "VA" and self._values["FR"] > FAST_Hz:
            high = FAST_MAX_V
        if not low <= value <= high:
            raise FraError(EXECUTION_ERROR)
        return value

    def _common(self, text: str) -> None:
        word, _, argument = text.partition(" ")
        if word == "*IDN?":
            self.on_reply("SOLARTRON,1260,0,1.0")
        elif word == "*STB?":
            self.on_reply(str(self.status(waiting=False)))
        elif word == "*ESR?":
            told, self._event = self._event, 0
            self.on_reply(str(told))
        elif word == "*TST?":
            self.on_reply("0")
        elif word == "*CLS":
            self._event = 0
        elif word == "*OPC":
            self._event |= OPERATION_COMPLETE
        elif word == "*RST":
            self._fresh()
        elif word in self._enabled and re.fullmatch(r"[0-9]{1,3}", argument) and int(argument) < 256:
            self._enabled[word] = int(argument)
        else:
            raise FraError(COMMAND_ERROR)

    @staticmethod
    def changes(line: str) -> bool:
        """Tell whether a word may change something."""
        return not line.strip().endswith("?")

    def status(self, *, waiting: bool) -> int:
        """Return the status byte; ``waiting`` tells whether a reply waits to be taken."""
        return (MAV if waiting else 0) | (ESB if self._event & self._enabled["*ESE"] else 0)

    # -- measuring -----------------------------------------------------------------------------------------

    @property
    def measuring(self) -> bool:
        """Tell whether a result is coming."""
        return self._ends_s is not None

    def due_s(self) -> float:
        """Return when the measurement ends; infinite when none is under way."""
        return math.inf if self._ends_s is None else self._ends_s

    def _begin(self) -> None:
        self._ends_s = self._now_s() + self._values["MS"] + self._values["IS"]

    def step(self, now_s: float) -> None:
        """End the measurement when its time has come."""
        if self._ends_s is None or self._ends_s > now_s + 1e-6:
            return
        self._ends_s = None
        result, before = self._result(), self._last
        self._last = result
        if self.stale and before:
            self.stale, result = False, before
        if self._chosen["OP"] == "2,1":
            self.on_reply(result)
        if self._recycles:
            self._begin()

    def _result(self) -> str:
        monitors = self._front.monitors(self.oscillator, self._values["IS"])
        inputs_V = {"1": monitors.potential_V, "2": monitors.current_V}
        over, under = self._chosen["SO"].split(",")
        below_V = inputs_V.get(under, 1.0 + 0j)
        ratio = inputs_V[over] / below_V if below_V else 0j
        parts = (f"{self.oscillator.frequency_Hz:+.7E}", f"{ratio.real:+.4E}", f"{ratio.imag:+.4E}")
        return ",".join((*parts, str(self._overload(inputs_V) if below_V else OVERLOADED_V2), "00"))

    def _overload(self, inputs_V: Mapping[str, complex]) -> int:
        """Return the error digit of a point: an input beyond its range, or an I MONITOR at its end."""
        clamped = math.sqrt(2.0) * abs(inputs_V["2"]) >= I_MONITOR_MAX_V
        if clamped or abs(inputs_V["2"]) > INPUT_MAX_V[self._ranges["2"]]:
            return OVERLOADED_V2
        return OVERLOADED_V1 if abs(inputs_V["1"]) > INPUT_MAX_V[self._ranges["1"]] else 0
