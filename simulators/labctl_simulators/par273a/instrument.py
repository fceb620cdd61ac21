"""The 273/273A itself: its settings, what its words do at the cell, ranges and overloads; no bytes.

Anodic current is negative on its words, as the American convention has it, and positive in the plant.
Source: potentiostat.md 2.4.1 to 2.4.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from labctl_simulators.par273a.curves import Curves
from labctl_simulators.par273a.front import Front
from labctl_simulators.par273a.ladder import (
    COUNTS,
    ELECTROMETER_MAX_V,
    HIGH_SHARE,
    HIGHEST,
    LOW_SHARE,
    LOWEST,
)
from labctl_simulators.par273a.words import (
    GALVANOSTAT,
    KEPT_BY_DCL,
    MIE_OF_92,
    POTENTIOSTAT,
    SETTINGS,
    IRX_TIMES_MAX_us,
    Phrase,
    Setting,
    Slip,
    SlipError,
    Status,
)
from labctl_simulators.world.potentiostat import Flag, Potentiostat, Reading

IDENTITY = "2731"
VERSION = "202"
OVER_I, OVER_E = 1, 2
EGAIN_5_BELOW_V = 2.0
READE_MAX_mV = 10_000
READI_MAX = 2000
SETI_MAX = 2000
SETI_EXPONENT_MAX = 20
IRX_DEFAULT_us = {0: (10, 10), -1: (10, 10)}
IRX_ELSE_us = (75, 75)


class Instrument:
    """One 273/273A. ``act_s`` tells the moment at which an act takes effect, ``now_s`` that of a reading."""

    def __init__(
        self,
        plant: Potentiostat,
        front: Front,
        now_s: Callable[[], float],
        act_s: Callable[[], float],
        *,
        has_92: bool = False,
    ) -> None:
        self.plant = plant
        self.front = front
        self.enabled = True
        self.dummy = False
        self.error = Slip.NONE
        self._now_s, self._act_s = now_s, act_s
        self._settings: Mapping[str, Setting] = {**SETTINGS, "MIE": MIE_OF_92} if has_92 else SETTINGS
        self.values = {word: setting.default for word, setting in self._settings.items()}
        self.curves = Curves(self)
        self._irx_us: dict[int, tuple[int, int]] = {}
        self._macros: dict[str, str] = {}
        self._over_since = 0
        self._set_A = 0.0
        self._readings = 0
        self._use_range()
        front.on_bias = self.impose
        self._acts: Mapping[str, Callable[[Phrase], str | None]] = {
            "ID": lambda phrase: IDENTITY,
            "VER": lambda phrase: VERSION,
            "ST": lambda phrase: str(int(self.status() | Status.DONE)),
            "ERR": self._err,
            "DCL": self._dcl,
            "CS": lambda phrase: str(int(self.enabled)),
            "DUMMY": lambda phrase: str(int(self.dummy)),
            "AS": self._as,
            "SETI": self._seti,
            "READE": self._reade,
            "READI": self._readi,
            "OVER": self._over,
            "IRX": self._irx,
            "TYPE": lambda phrase: None,
            **self.curves.acts,
        }

    # -- words ---------------------------------------------------------------------------------------------

    def perform(self, phrase: Phrase) -> str | None:
        """Do a command and return its reply, None where it has none. Raises SlipError."""
        act = self._acts.get(phrase.word)
        if act is not None:
            return act(phrase)
        setting = self._settings.get(phrase.word)
        if setting is None:
            raise SlipError(Slip.INVALID_COMMAND)
        if not phrase.operands:
            return str(self.values[phrase.word])
        (value,) = phrase.integers(1)
        self._set(phrase.word, setting.checked(value))
        return None

    def macro(self, phrase: Phrase) -> str:
        """Keep the text of a macro, or return it to be run. Raises SlipError for one that is not defined."""
        if phrase.rest:
            self._macros[phrase.word] = phrase.rest
            return ""
        if phrase.word not in self._macros:
            raise SlipError(Slip.INVALID_PARAMETER)
        return self._macros[phrase.word]

    def _set(self, word: str, value: int) -> None:
        if word == "SETE" and self.values["MODE"] == GALVANOSTAT:
            raise SlipError(Slip.MODE)
        self.values[word] = value
        if word in ("SETE", "BIAS"):
            self.values["SETE"] = self.values["BIAS"] = value
        if word == "CELL":
            self.switch()
        elif word == "EXT":
            self.front.use(bool(value))
        elif word == "I/E":
            self._use_range()
        if word in ("SETE", "BIAS", "MODE", "EXT", "I/E"):
            self.impose()

    @property
    def delimiter(self) -> str:
        """Return what stands between two numbers of a reply."""
        return chr(self.values["DD"])

    def _pair(self, *numbers: int) -> str:
        return self.delimiter.join(str(number) for number in numbers)

    def _err(self, phrase: Phrase) -> str:
        told, self.error = self.error, Slip.NONE
        return str(int(told))

    def _dcl(self, phrase: Phrase) -> None:
        kept = {word: self.values[word] for word in KEPT_BY_DCL}
        self.values = {word: setting.default for word, setting in self._settings.items()} | kept
        self._irx_us.clear()
        self.front.use(False)
        self.switch()
        self.plant.set_current(0.0, self._act_s())
        self._use_range()
        self.impose()

    def _irx(self, phrase: Phrase) -> str | None:
        if len(phrase.operands) == 1:
            (code,) = phrase.integers(1)
            default_us = IRX_DEFAULT_us.get(self._settings["I/E"].checked(code), IRX_ELSE_us)
            return self._pair(*self._irx_us.get(code, default_us))
        code, first_us, second_us = phrase.integers(3)
        if min(first_us, second_us) < 0 or first_us + second_us > IRX_TIMES_MAX_us:
            raise SlipError(Slip.INVALID_PARAMETER)
        self._irx_us[self._settings["I/E"].checked(code)] = (first_us, second_us)
        return None

    def act_s(self) -> float:
        """Return the moment at which an act takes effect."""
        return self._act_s()

    # -- the cell ------------------------------------------------------------------------------------------

    def switch(self) -> None:
        """Close or open the cell relay: software and the switch at the front both have to want it."""
        wanted = bool(self.values["CELL"]) and self.enabled
        if wanted is not self.plant.is_on:
            self.impose()
            self.front.disturbed()
            (self.plant.cell_on if wanted else self.plant.cell_off)(self._act_s())

    def impose(self, offset_V: float = 0.0, at_s: float | None = None) -> None:
        """Impose mode and set point, with the direct voltage at EXT INPUT and what a curve modulates added."""
        self.front.disturbed()
        plant, act_s = self.plant, self._act_s() if at_s is None else at_s
        plant.set_potential(self.values["SETE"] * 1e-3 + self.front.bias_V + offset_V, act_s)
        plant.set_current(-self._set_A - self.front.bias_V * plant.range.nominal_A, act_s)
        galvanostatic = self.values["MODE"] == GALVANOSTAT
        if plant.galvanostatic is not galvanostatic:  # the set points first: no moment of an old one
            plant.use_galvanostat(galvanostatic, act_s)

    def _seti(self, phrase: Phrase) -> str | None:
        if not phrase.operands:
            return self._pair(*self._counted(self._set_A))
        mantissa, exponent = phrase.integers(2)
        if abs(mantissa) > SETI_MAX or abs(exponent) > SETI_EXPONENT_MAX:
            raise SlipError(Slip.INVALID_PARAMETER)
        current_A = mantissa * math.pow(10.0, exponent)
        full_A = self.plant.range.readable_A * self.plant.overload_share
        if abs(current_A) > full_A * (1.0 + 1e-9):
            raise SlipError(Slip.INVALID_PARAMETER)
        self._set_A = current_A
        self.impose()
        return None

    def lose_power(self) -> None:
        """Come up again: settings survive, the cell is off, curves and macros are gone."""
        self.values["CELL"] = 0
        self.error, self._over_since = Slip.NONE, 0
        self._macros.clear()
        self.curves.forget()
        self.switch()

    # -- ranges and overloads ------------------------------------------------------------------------------

    def _use_range(self) -> None:
        self.front.disturbed()
        self.plant.set_range(10.0 ** self.values["I/E"])

    def _peak_A(self) -> float:
        return abs(self._reading().current_A) + self.front.peak_A()

    def _reading(self) -> Reading:
        return self.plant.reading(self._now_s(), 0, self._readings)

    def overloads(self) -> int:
        """Return the overloads of this moment as ``OVER`` tells them; one under continuous auto range ranges up."""
        if not self.plant.driving:
            return 0
        too_much = self._overloaded()
        while too_much and self.values["AR"] & 1 and self._range_by(+1):
            self._over_since |= OVER_I
            too_much = self._overloaded()
        reading = self._reading()
        found = OVER_I if too_much else 0
        limit_V = min(self.plant.potential_max_V, ELECTROMETER_MAX_V)
        if abs(reading.potential_V) > limit_V or Flag.OVERLOAD_POTENTIAL in reading.flags:
            found |= OVER_E
        self._over_since |= found
        return found

    def _overloaded(self) -> bool:
        used = self.plant.range
        return self._peak_A() >= used.readable_A * self.plant.overload_share

    def _range_by(self, steps: int) -> bool:
        """Move the current range; tell whether there was one to move to."""
        code = self.values["I/E"] + steps
        if self.values["MODE"] != POTENTIOSTAT or not LOWEST <= code <= HIGHEST:
            return False
        self.values["I/E"] = code
        self._use_range()
        return True

    def _auto_range(self) -> None:
        """Move the range until the I MONITOR stands between 15 and 190 % of full scale; a potentiostat's only."""
        for _ in range(HIGHEST - LOWEST):
            peak_A, used = self._peak_A(), self.plant.range
            if peak_A > used.readable_A * self.plant.overload_share * HIGH_SHARE:
                moved = self._range_by(+1)
            elif peak_A < used.nominal_A * LOW_SHARE:
                moved = self._range_by(-1)
            else:
                return
            if not moved:
                return

    def _as(self, phrase: Phrase) -> None:
        self._auto_range()

    def _over(self, phrase: Phrase) -> str:
        now = self.overloads()
        since, self._over_since = self._over_since, now
        return self._pair(now, since, 0)

    # -- readings ------------------------------------------------------------------------------------------

    def _reade(self, phrase: Phrase) -> str:
        self._readings += 1
        potential_V = self._reading().potential_V
        self.values["EGAIN"] = 5 if abs(potential_V) < EGAIN_5_BELOW_V else 1
        shown_mV = round(potential_V * 1e3 - 2.0 * self.values["ESUP"])
        self.overloads()
        return str(max(-READE_MAX_mV, min(READE_MAX_mV, shown_mV)))

    def _readi(self, phrase: Phrase) -> str:
        if self.curves.running:
            raise SlipError(Slip.ACQUISITION)
        self._readings += 1
        self._auto_range()
        self.overloads()
        return self._pair(*self._counted(-self._reading().current_A))

    def _counted(self, current_A: float) -> tuple[int, int]:
        """Return a current as thousandths of the range and the exponent that belongs to them."""
        counts = round(current_A / self.plant.range.nominal_A * COUNTS)
        return max(-READI_MAX, min(READI_MAX, counts)), self.values["I/E"] - 3

    def status(self) -> Status:
        """Return the status bits that belong to the instrument; those of the handshake are its wire's."""
        status = self.curves.status
        if self.error is not Slip.NONE:
            status |= Status.ERROR
        if self.overloads():
            status |= Status.OVERLOAD
        return status
