"""Warns early of cells and contacts that are going bad. Advisory: a hint for a person, never a reason to stop a run.

Every sign is judged against the same cell's own past, so no cell chemistry stands here. Rows give **excursions**: the
voltage of a step of constant current leaps and comes back within a minute; towards rest it is a soft short, away from
it a bad contact. Half-cycles and cycles give **trends**: resistance of symmetric cells, voltage gap over current of all
others, coulombic efficiency. Each current has a past of its own: other rates are not comparable.

Measured on two seeds of each cell of the study, P1 to P5 at full length with the calibrated chain (``python
benchmarks/bench_forecast.py --early``): **no false alarm** in 6,468 h of cells that were healthy. Seen, of two each:

- pristine P1 and P2, polarisation, at cycle 66: 30 h before the end at 1 mA/cm2, 8 h at 3 mA/cm2 (none before);
- pristine P5, soft short by scatter of the efficiency at cycle 21 and 22 (its leak begins in 21), efficiency at 23;
- soft-short bursts in the last 3 % of P1's and P3's life, 9 h before the hard short; one P1 cell met its voltage limit
  before the bursts began. Without bursts a hard short comes without a sign and is seen two half-cycles later;
- a loose contact, 50 % more resistance (temperature), a dead voltage lead: within 4 h; an offset that drifts by
  0.5 mV/h in a cell of 66 mV: within 18 h. Pristine P3 grows fivefold from the start, which is no runaway: no warning.

Healthy is what stands before 110 h (P1) or 40 h (P2) of pristine liquid cells, before cycle 21 of pristine P5, before
the last 12 h of a cell that shorts, and all of the others. Cells of one kind differ little from seed to seed, so two
seeds say little about real batches; tests add seeds 5 and 17.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.cycles import CycleTable
from labctl.analysis.forecasting import robust_line
from labctl.analysis.halfcycle import HalfCycle
from labctl.engine.machines.excursions import Excursions, FlatWatch
from labctl.engine.machines.findings import Finding, Priority
from labctl.model.cell import CellKind
from labctl.model.program import Program
from labctl.model.record import RecordBlock

BATCH_ROWS = 64
BATCH_S = 600.0
"""Rows are gathered until there are so many, or for so long: one by one they would cost ten times as much."""
NEEDED = (
    "sequence", "test_time_second", "voltage_volt", "current_ampere", "cycle_count", "step_count", "step_type",
    "step_time_second", "step_capacity_ah", "step_energy_wh", "quality",
)  # fmt: skip
SAME_CURRENT = 0.02
"""Half-cycles whose currents differ by less belong to one past."""
CURRENTS = 6
"""So many different currents are remembered; a staircase of currents has no past at all."""
PAST = 24
"""Half-cycles or cycles of the past that are kept."""

RUNAWAY_SPAN = 8
"""Half-cycles (cycles) over which a slope is taken; the one before it is taken over as many."""
RUNAWAY_SLOPE = 0.025
"""Growth of the resistance per half-cycle that is a runaway when it is still speeding up: it doubles within 28."""
RUNAWAY_FACTOR = 2.0
"""... and the resistance has doubled since its smallest: formation and film growth have steep but short slopes."""
RUNAWAY_SPEEDING = 1.2

FALL = 0.85
"""A resistance below this part of its recent median, twice in a row, is an early fall; formation falls more slowly."""
FALL_PAST = 8
STEP = 1.3
"""A resistance that leaps by this factor and stays is a change of temperature or contact."""
STEP_STAYS = 3
STEP_LEVEL = 0.1

ASYMMETRY = 0.1
"""Mean of the two halves over their half difference: a symmetric cell has none once the offset is taken off."""
ASYMMETRY_V = 0.003
ASYMMETRY_TIMES = 4

EFFICIENCY_PAST = 6
EFFICIENCY_SKIP = 3
"""Cycles at the beginning that are formation."""
EFFICIENCY_FALL = 0.006
EFFICIENCY_TIMES = 3
EFFICIENCY_SIGMAS = 6.0
NOISE_SPAN = 6
NOISE = 0.012
"""Standard deviation of the efficiency over some cycles that a tight cell does not show."""
NOISE_FACTOR = 5.0


class EarlyWarner:
    """Feeds on a run's rows in order; returns advisory findings, each kind once per run."""

    def __init__(self, program: Program) -> None:
        self._table = CycleTable(program.cell)
        symmetric = program.cell.kind == CellKind.SYMMETRIC
        self._symmetric = symmetric
        self._first = 1 if program.cell.first_sign == "charge" else -1
        self._excursions = Excursions(self._table, symmetric=symmetric)
        self._flat = FlatWatch()
        self._resistance = _Trend("half-cycles" if symmetric else "cycles")
        self._efficiency = _Efficiency()
        self._balance = _Balance()
        self._pair: HalfCycle | None = None
        self._given: set[str] = set()
        self._waiting: list[RecordBlock] = []
        self._rows = 0

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows; return what they show for the first time, at most ``BATCH_S`` of test time later."""
        if not len(block):
            return []
        self._waiting.append(block)
        self._rows += len(block)
        first_s = float(self._waiting[0]["test_time_second"][0])
        if self._rows < BATCH_ROWS and float(block["test_time_second"][-1]) - first_s < BATCH_S:
            return []
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if len(waiting) > 1:
            block = RecordBlock({name: np.concatenate([item[name] for item in waiting]) for name in NEEDED})
        return self._look(block)

    def _look(self, block: RecordBlock) -> list[Finding]:
        if block["quality"].any():
            good = block["quality"] == 0
            block = RecordBlock({name: column[good] for name, column in block.columns.items()})
            if not len(block):
                return []
        found = [*self._excursions.feed(block), *self._flat.feed(block)]
        for half in self._table.update(block):
            found.extend(self._half(half))
        return [finding for finding in found if self._new(finding.kind)]

    def _new(self, kind: str) -> bool:
        if kind in self._given:
            return False
        self._given.add(kind)
        return True

    def _half(self, half: HalfCycle) -> list[Finding]:
        current_A = abs(half.end_minute_current_A)
        if not current_A > 0.0:
            return []
        if self._symmetric:
            signed_V = half.end_minute_voltage_V - self._table.offset_V
            found = self._resistance.add(abs(signed_V) / current_A, current_A, half)
            return found + self._balance.add(signed_V, current_A, half)
        first, self._pair = self._pair, half
        if first is None or half.sign == self._first or first.cycle != half.cycle:
            return []
        charge, discharge = (first, half) if first.sign > 0 else (half, first)
        found = self._efficiency.add(half.capacity_Ah / max(first.capacity_Ah, 1e-12), current_A, half)
        gap_V = charge.mean_voltage_V - discharge.mean_voltage_V
        return found + self._resistance.add(gap_V / current_A, current_A, half)


SHORT_ADVICE = (
    "Look at the cell's curve; a hard short may follow within days. Check that the temperature has not risen."
)


def hint(kind: str, text: str, sequence: int, what_to_do: str) -> Finding:
    """Return an early warning; it asks for attention, not for an act at once."""
    return Finding(f"early.{kind}", Priority.LOW, f"early sign: {text}", sequence, what_to_do)


class _Pasts:
    """The newest values of each of the last few currents: other rates are not comparable, but they come back."""

    def __init__(self) -> None:
        self._pasts: dict[float, Past] = {}

    def at(self, current_A: float) -> Past:
        """Return the past at a current; the one that has rested longest makes room for a new one."""
        known = next((key for key in self._pasts if abs(key - current_A) <= SAME_CURRENT * key), None)
        past = Past() if known is None else self._pasts.pop(known)
        self._pasts[current_A if known is None else known] = past
        if len(self._pasts) > CURRENTS:
            del self._pasts[next(iter(self._pasts))]
        return past


class Past:
    """What one current has shown so far."""

    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=PAST)
        self.smallest = math.inf
        self.usual = math.nan
        self.spread = math.nan
        self.times = 0

    def newest(self, count: int, before: int = 0) -> NDArray[np.float64]:
        """Return ``count`` values that end ``before`` values before the newest."""
        values = np.asarray(self.values)
        return values[len(values) - before - count : len(values) - before]


class _Trend:
    """The resistance of half-cycles or cycles: runaway, early fall, leap."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._pasts = _Pasts()

    def add(self, resistance_ohm: float, current_A: float, half: HalfCycle) -> list[Finding]:
        """Take the next resistance, ohm."""
        past = self._pasts.at(current_A)
        if not resistance_ohm > 0.0 or not math.isfinite(resistance_ohm):
            return []
        past.values.append(resistance_ohm)
        count = len(past.values)
        if count > 2:
            past.smallest = min(past.smallest, float(np.median(past.newest(3))))
        found: list[Finding] = []
        if count >= 2 * RUNAWAY_SPAN:
            found += self._runaway(past, half)
        if count >= FALL_PAST + 2:
            found += self._fall(past, half)
        if count >= FALL_PAST + STEP_STAYS:
            found += self._leap(past, half)
        return found

    def _runaway(self, past: Past, half: HalfCycle) -> list[Finding]:
        newer = robust_line(np.log(past.newest(RUNAWAY_SPAN)))[1]
        older = robust_line(np.log(past.newest(RUNAWAY_SPAN, RUNAWAY_SPAN)))[1]
        factor = float(np.median(past.newest(3))) / past.smallest
        if newer < RUNAWAY_SLOPE or newer < RUNAWAY_SPEEDING * older or factor < RUNAWAY_FACTOR:
            return []
        text = (
            f"polarisation grows by {newer:.1%} per {self._unit[:-1]} and faster each time, {factor:.1f} times its "
            f"smallest so far; it doubles within {math.log(2.0) / newer:.0f} {self._unit}"
        )
        advice = "Plan the end of this cell's test; look at its curve."
        return [hint("polarisation", text, half.last_sequence, advice)]

    def _fall(self, past: Past, half: HalfCycle) -> list[Finding]:
        usual = float(np.median(past.newest(FALL_PAST, 2)))
        part = float(past.newest(2).max()) / usual
        if part > FALL:
            return []
        text = f"resistance fell to {part:.0%} of its last {FALL_PAST} {self._unit}, twice in a row"
        return [hint("soft_short", text, half.last_sequence, SHORT_ADVICE)]

    def _leap(self, past: Past, half: HalfCycle) -> list[Finding]:
        newest = past.newest(STEP_STAYS)
        level, slope, _ = robust_line(np.log(past.newest(FALL_PAST, STEP_STAYS)))
        factor = float(np.exp(np.log(newest) - level - slope * np.arange(1.0, STEP_STAYS + 1.0)).min())
        if factor < STEP or float(np.ptp(newest)) > STEP_LEVEL * float(newest.mean()):
            return []
        text = f"resistance leapt to {factor:.2f} times within one of its {self._unit} and stays there"
        advice = "Compare the chamber's temperature at the cell; check the contacts."
        return [hint("temperature", text, half.last_sequence, advice)]


class _Balance:
    """The mean of a symmetric cell's two halves: it is 0 V, whatever the polarisation does."""

    def __init__(self) -> None:
        self._newest: deque[tuple[float, float]] = deque(maxlen=3)
        self._met = 0

    def add(self, signed_V: float, current_A: float, half: HalfCycle) -> list[Finding]:
        """Take the end voltage of the next half-cycle, offset taken off."""
        if self._newest and abs(self._newest[-1][0] - current_A) > SAME_CURRENT * current_A:
            self._newest.clear()
            self._met = 0
        self._newest.append((current_A, signed_V))
        if len(self._newest) < 3:
            return []
        before_V, now_V, after_V = (value_V for _, value_V in self._newest)
        offset_V = abs(before_V + 2.0 * now_V + after_V) / 4.0
        self._met = self._met + 1 if offset_V > max(ASYMMETRY * abs(now_V), ASYMMETRY_V) else 0
        if self._met < ASYMMETRY_TIMES:
            return []
        text = f"the two halves differ: their mean has drifted to {offset_V * 1e3:.1f} mV"
        return [hint("soft_short", text, half.last_sequence, SHORT_ADVICE)]


class _Efficiency:
    """Coulombic efficiency: a fall below what was usual, and scatter that a tight cell does not show."""

    def __init__(self) -> None:
        self._pasts = _Pasts()

    def add(self, efficiency: float, current_A: float, half: HalfCycle) -> list[Finding]:
        """Take the efficiency of the next cycle; above 1 counts as 1 (activation, other rates before)."""
        past = self._pasts.at(current_A)
        past.values.append(min(efficiency, 1.0))
        count = len(past.values)
        if count < EFFICIENCY_SKIP + EFFICIENCY_PAST:
            return []
        if math.isnan(past.usual):
            usual = past.newest(EFFICIENCY_PAST)
            past.usual, past.spread = float(np.median(usual)), float(usual.std(ddof=1))
            return []
        return self._fall(past, half) + (
            self._noise(past, half) if count >= EFFICIENCY_SKIP + 2 * NOISE_SPAN else []
        )

    def _fall(self, past: Past, half: HalfCycle) -> list[Finding]:
        below = past.usual - past.values[-1]
        past.times = past.times + 1 if below > max(EFFICIENCY_FALL, EFFICIENCY_SIGMAS * past.spread) else 0
        if past.times < EFFICIENCY_TIMES:
            return []
        worst = float(past.newest(EFFICIENCY_TIMES).max())
        text = f"coulombic efficiency {worst:.2%} or less for {past.times} cycles; {past.usual:.2%} was usual"
        advice = "Look for a soft short or side reactions in the cell's curve."
        return [hint("efficiency", text, half.last_sequence, advice)]

    def _noise(self, past: Past, half: HalfCycle) -> list[Finding]:
        spread = float(past.newest(NOISE_SPAN).std(ddof=1))
        if spread < max(NOISE, NOISE_FACTOR * past.spread):
            return []
        text = f"coulombic efficiency scatters by {spread:.2%} over {NOISE_SPAN} cycles; {past.spread:.2%} was usual"
        return [hint("soft_short", text, half.last_sequence, SHORT_ADVICE)]
