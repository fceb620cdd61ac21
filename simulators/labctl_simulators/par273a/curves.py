"""Curves of the 273/273A: six of 1024 points, loaded by the host, played as modulation, recorded by the instrument.

``LC`` loads counts into the processing curve, ``COPY`` moves them to the source curve, ``TC`` plays and records: the
current into ``DCV``, the potential into the curve behind it, one point each ``TMB`` x ``S/P``. Counts of the current
are thousandths of the range, those of the potential mV; 8000 counts of modulation are 2 V on ``MR 2``.
Source: potentiostat.md 2.4.3 and 2.4.5 [LESZ].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from labctl_simulators.par273a.ladder import COUNTS
from labctl_simulators.par273a.words import CURVE_POINTS, CURVES, Phrase, Slip, SlipError, Status

if TYPE_CHECKING:
    from labctl_simulators.par273a.instrument import Instrument

MODULATION_V = {0: 0.02, 1: 0.2, 2: 2.0}
MODULATION_COUNTS = 8000
ARBITRARY = 2
RECORD_I, RECORD_E = 1, 2


class Curves:
    """The curve memory of one instrument and the acquisition that fills it."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._memory = [[0] * CURVE_POINTS for _ in range(CURVES)]
        self._loading: list[int] = []
        self._left = 0
        self._next: int | None = None
        self._start_s = 0.0
        self.status = Status(0)
        self.acts: Mapping[str, Callable[[Phrase], str | None]] = {
            "LC": self._load,
            "COPY": self._copy,
            "CLR": self._clear_one,
            "CLEAR": self._clear_all,
            "NC": self._new,
            "TC": self._take,
            "DP": self._point,
        }

    # -- memory --------------------------------------------------------------------------------------------

    @property
    def loading(self) -> bool:
        """Tell whether lines of counts are still to come."""
        return self._left > 0

    def load_line(self, text: str) -> None:
        """Take one line of a load. Raises SlipError for what is no count; the load is over then."""
        try:
            (value,) = Phrase("LC", (text.strip(),), text).integers(1)
            if abs(value) > MODULATION_COUNTS:
                raise SlipError(Slip.INVALID_PARAMETER)
        except SlipError:
            self._left = 0
            raise
        place = self._loading[0]
        self._loading[0] += 1
        self._left -= 1
        self._memory[self._instrument.values["PCV"]][place] = value

    def _load(self, phrase: Phrase) -> None:
        first, count = phrase.integers(2)
        if not 0 <= first < CURVE_POINTS or not 1 <= count <= CURVE_POINTS - first:
            raise SlipError(Slip.INVALID_PARAMETER)
        self._loading, self._left = [first], count

    def _copy(self, phrase: Phrase) -> None:
        source, destination = phrase.integers(2)
        if not (0 <= source < CURVES and 0 <= destination < CURVES):
            raise SlipError(Slip.INVALID_PARAMETER)
        self._memory[destination] = list(self._memory[source])

    def _clear_one(self, phrase: Phrase) -> None:
        self._memory[self._instrument.values["PCV"]] = [0] * CURVE_POINTS

    def _clear_all(self, phrase: Phrase) -> None:
        self._memory = [[0] * CURVE_POINTS for _ in range(CURVES)]

    def _point(self, phrase: Phrase) -> str:
        (place,) = phrase.integers(1)
        if not 0 <= place < CURVE_POINTS:
            raise SlipError(Slip.INVALID_PARAMETER)
        return str(self._memory[self._instrument.values["PCV"]][place])

    def forget(self) -> None:
        """Lose everything, as without power."""
        self._clear_all(Phrase("CLEAR", (), ""))
        self._left, self._next, self.status = 0, None, Status(0)

    # -- acquisition ---------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Tell whether a curve is being taken."""
        return self._next is not None

    def _new(self, phrase: Phrase) -> None:
        self.status = Status(0)
        self._next = None

    def _take(self, phrase: Phrase) -> None:
        values = self._instrument.values
        if values["FP"] > values["LP"]:
            raise SlipError(Slip.INVALID_PARAMETER)
        self.status = Status(0)
        self._next, self._start_s = values["FP"], self._instrument.act_s()
        self._modulate(self._start_s)

    @property
    def _step_s(self) -> float:
        values = self._instrument.values
        return values["TMB"] * 1e-6 * values["S/P"]

    def due_s(self) -> float:
        """Return when the next point is recorded; infinite when none is."""
        if self._next is None:
            return math.inf
        return self._start_s + (self._next - self._instrument.values["FP"] + 1) * self._step_s

    def step(self, now_s: float) -> None:
        """Record every point that is due."""
        while self._next is not None and self.due_s() <= now_s + 1e-9:
            moment_s = self.due_s()
            self._record(self._next, moment_s)
            self._next += 1
            if self._next > self._instrument.values["LP"]:
                self._next = None
                self.status |= Status.CURVE_DONE
                if self._modulates:
                    self.status |= Status.SWEEP_DONE
            self._modulate(moment_s)

    @property
    def _modulates(self) -> bool:
        return self._instrument.values["MM"] == ARBITRARY

    def _modulate(self, at_s: float) -> None:
        """Apply the modulation of the point to come; the last one stays until the next set point."""
        values = self._instrument.values
        if self._modulates and self._next is not None:
            counts = self._memory[values["SCV"]][self._next]
            self._instrument.impose(counts * MODULATION_V[values["MR"]] / MODULATION_COUNTS, at_s)

    def _record(self, place: int, time_s: float) -> None:
        instrument, values = self._instrument, self._instrument.values
        instrument.overloads()
        reading = instrument.plant.reading(time_s, 1, place)
        if values["SIE"] & RECORD_I:
            counts = round(-reading.current_A / reading.range.nominal_A * COUNTS)
            self._memory[values["DCV"]][place] = counts
        if values["SIE"] & RECORD_E:
            destination = (values["DCV"] + 1) % CURVES
            self._memory[destination][place] = round(reading.potential_V * 1e3)
