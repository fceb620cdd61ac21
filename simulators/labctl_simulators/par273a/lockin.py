"""A lock-in of the 72xx family: its words, its demodulator, its output filter; no bytes.

Its oscillator is the reference. The output filter is a row of moving averages, each over two time constants, one for
each 6 dB/octave of slope: it has settled exactly after 2 (slope + 1) time constants, 4 of them at 12 dB/octave. That
form, full scales that read up to 1.25 times their name, and an oscillator that is silent at first are our choice.
Source: potentiostat.md 2.4.6 [PYM, AMT].
"""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labctl_simulators.par273a.front import Front, Oscillator

DONE, INVALID, BAD_PARAMETER, UNLOCKED, OVERLOAD, OUTPUT = 1, 2, 4, 8, 16, 128
OVERLOAD_BYTE = 0x18
READABLE = 1.25
FREQUENCY_MIN_Hz = 1e-3
AMPLITUDE_MAX_V = 5.0
_COMMAND = re.compile(r"([A-Z]+\.?)\s*(.*)", re.DOTALL)
_STEPS = (1.0, 2.0, 5.0)


def _one_two_five(first: float, count: int) -> tuple[float, ...]:
    """Return values in steps of 1-2-5 from the first one, which is 1, 2 or 5 of its decade."""
    decade = math.floor(math.log10(first) + 1e-9)
    start = round(first / 10.0**decade)
    at = _STEPS.index(float(start))
    return tuple(_STEPS[(at + n) % 3] * 10.0 ** (decade + (at + n) // 3) for n in range(count))


SENSITIVITIES_V = (math.nan, *_one_two_five(2e-9, 27))
"""``SEN n``: 1 is 2 nV, 27 is 1 V."""
_DSP_s = _one_two_five(10e-6, 31)
_OLD_s = (10e-6, 20e-6, 40e-6, 80e-6, 160e-6, 320e-6, 640e-6, *_one_two_five(5e-3, 22))


@dataclass(frozen=True, slots=True)
class LockInModel:
    """One model: what ``ID`` answers, its time constants, its highest frequency, its oddities on the wire."""

    name: str
    time_constants_s: tuple[float, ...]
    frequency_max_Hz: float
    nul: bool = False
    ethernet_end: bytes = b""
    """What ends an answer on its Ethernet port 50001; empty where it has none."""


LOCKINS: Mapping[str, LockInModel] = {
    "7265": LockInModel("7265", _OLD_s, 250e3, nul=True),
    "7270": LockInModel("7270", _DSP_s, 250e3, ethernet_end=b"\x00"),
    "7230": LockInModel("7230", _DSP_s, 120e3, ethernet_end=b"\r"),
}


OUTPUTS: Mapping[str, Callable[[complex], tuple[float, ...]]] = {
    "X.": lambda shown: (shown.real,),
    "Y.": lambda shown: (shown.imag,),
    "XY.": lambda shown: (shown.real, shown.imag),
    "MAG.": lambda shown: (abs(shown),),
    "PHA.": lambda shown: (math.degrees(cmath.phase(shown)),),
}
"""What each word makes of the output, in V and degrees."""


class LockInError(Exception):
    """A command in error; ``bit`` of the status byte says which way."""

    def __init__(self, bit: int) -> None:
        super().__init__(bit)
        self.bit = bit


class LockIn:
    """One lock-in at the front of a 273A: OSC OUT on EXT INPUT, A on I MONITOR, B on E MONITOR."""

    def __init__(self, model: LockInModel, front: Front, now_s: Callable[[], float]) -> None:
        self.model = model
        self.oscillator = Oscillator()
        self._front, self._now_s = front, now_s
        front.oscillators.append(self.oscillator)
        self._fault = 0
        self._overloaded = False
        self._fresh()
        self._limits = {
            "SEN": (1, len(SENSITIVITIES_V) - 1),
            "TC": (0, len(model.time_constants_s) - 1),
            "SLOPE": (0, 3),
            "IMODE": (0, 2),
            "VMODE": (0, 3),
            "REFN": (1, 65535),
            "DD": (0, 127),
            "AUTOMATIC": (0, 1),
        }

    def _fresh(self) -> None:
        self.values = {
            "SEN": 27, "TC": 11, "SLOPE": 1, "IMODE": 0, "VMODE": 1, "REFN": 1, "DD": 44, "AUTOMATIC": 0,
        }  # fmt: skip
        self._phase_deg = 0.0
        self._from, self._since_s = 0j, -math.inf

    def lose_power(self) -> None:
        """Come up again with a silent oscillator."""
        self._front.disturbed()
        self.oscillator.frequency_Hz, self.oscillator.amplitude_V = 1000.0, 0.0
        self._fault = 0
        self._fresh()

    # -- words ---------------------------------------------------------------------------------------------

    def answer(self, line: str) -> str | None:
        """Do one command and return its answer, None where it has none; one in error is in the status byte."""
        self._fault = 0
        match = _COMMAND.fullmatch(line.strip().upper())
        try:
            if match is None:
                raise LockInError(INVALID)
            return self._perform(match[1], match[2].strip())
        except LockInError as error:
            self._fault = error.bit
            return None

    @staticmethod
    def changes(line: str) -> bool:
        """Tell whether a command may change something."""
        return (
            " " in line.strip()
            or any(sign.isdigit() for sign in line)
            or line.strip().upper() in ("AS", "ASM")
        )

    def _perform(self, word: str, operand: str) -> str | None:
        if word in ("ID", "VER", "ST", "N"):
            return {
                "ID": self.model.name, "VER": "2.0", "ST": str(self.status), "N": str(self.overload_byte),
            }[word]  # fmt: skip
        if word in OUTPUTS and not operand:
            return chr(self.values["DD"]).join(f"{value:.6E}" for value in OUTPUTS[word](self._output()))
        if word in ("OF.", "OA.", "REFP."):
            return self._analogue(word, operand)
        if word in ("AS", "ASM"):
            self._auto_sensitivity()
            return None
        if word not in self._limits:
            raise LockInError(INVALID)
        if not operand:
            return str(self.values[word])
        low, high = self._limits[word]
        if not re.fullmatch(r"[+-]?\d+", operand) or not low <= int(operand) <= high:
            raise LockInError(BAD_PARAMETER)
        self.settle()
        self.values[word] = int(operand)
        return None

    def _analogue(self, word: str, operand: str) -> str | None:
        now, low, high = {
            "OF.": (self.oscillator.frequency_Hz, FREQUENCY_MIN_Hz, self.model.frequency_max_Hz),
            "OA.": (self.oscillator.amplitude_V, 0.0, AMPLITUDE_MAX_V),
            "REFP.": (self._phase_deg, -360.0, 360.0),
        }[word]
        if not operand:
            return f"{now:.6E}"
        try:
            value = float(operand)
        except ValueError:
            raise LockInError(BAD_PARAMETER) from None
        if not low <= value <= high:
            raise LockInError(BAD_PARAMETER)
        self._front.disturbed()
        if word == "OF.":
            self.oscillator.frequency_Hz = value
        elif word == "OA.":
            self.oscillator.amplitude_V = value
        else:
            self._phase_deg = value
        return None

    # -- the signal ----------------------------------------------------------------------------------------

    def _target(self) -> complex:
        """Return what the output settles to, in V rms: the input at the harmonic, turned by the reference phase."""
        monitors, harmonic = self._front.monitors(self.oscillator, self._settling_s), self.values["REFN"]
        a_V, b_V = monitors.current_V, monitors.potential_V
        if harmonic != 1:
            a_V, b_V = (a_V * monitors.distortion if harmonic == 3 else 0j), 0j
        if self.values["IMODE"] != 0:
            return 0j  # the current input: nothing is plugged in there
        seen_V = {0: 0j, 1: a_V, 2: -b_V, 3: a_V - b_V}[self.values["VMODE"]]
        return seen_V * cmath.exp(-1j * math.radians(self._phase_deg))

    def settle(self) -> None:
        """Begin to settle anew: what the input shows is about to change."""
        self._from, self._since_s = self._filtered(), self._now_s()

    @property
    def _settling_s(self) -> float:
        """Return the stretch of the past that the output filter looks at."""
        return self._section_s * (self.values["SLOPE"] + 1)

    @property
    def _section_s(self) -> float:
        return 2.0 * self.model.time_constants_s[self.values["TC"]]

    def _filtered(self) -> complex:
        left = unsettled((self._now_s() - self._since_s) / self._section_s, self.values["SLOPE"] + 1)
        target = self._target()
        return target + (self._from - target) * left

    def _output(self) -> complex:
        """Return what is shown: the filtered input within what the full scale can read."""
        filtered, full_V = self._filtered(), READABLE * SENSITIVITIES_V[self.values["SEN"]]
        shown = complex(min(max(filtered.real, -full_V), full_V), min(max(filtered.imag, -full_V), full_V))
        self._overloaded = shown != filtered
        return shown

    def _auto_sensitivity(self) -> None:
        """Take the most sensitive full scale that the settled input fills by less than 90 %."""
        size_V = abs(self._target())
        fitting = [n for n, full_V in enumerate(SENSITIVITIES_V) if full_V * 0.9 > size_V]
        self.settle()
        self.values["SEN"] = fitting[0] if fitting else len(SENSITIVITIES_V) - 1

    # -- status --------------------------------------------------------------------------------------------

    @property
    def overload_byte(self) -> int:
        """Return what ``N`` answers: 0, or both outputs overloaded."""
        return OVERLOAD_BYTE if self._overloaded else 0

    @property
    def status(self) -> int:
        """Return the status byte but for the bits of the handshake."""
        return DONE | self._fault | (OVERLOAD if self._overloaded else 0)


def unsettled(passed: float, sections: int) -> float:
    """Return what is left of a step behind moving averages; ``passed`` is in lengths of one of them.

    The step response of n equal moving averages is the distribution function of the sum of n uniform numbers:
    F(x) = 1/n! sum (-1)^k C(n, k) (x - k)^n over k <= x (Irwin-Hall).
    """
    if passed >= sections:
        return 0.0
    if passed <= 0.0:
        return 1.0
    total = 0.0
    for k in range(math.floor(passed) + 1):
        total += (-1.0) ** k * math.comb(sections, k) * math.pow(passed - k, sections)
    return 1.0 - total / math.factorial(sections)
