"""Looks for shorts, high polarisation and fading at the ends of half-cycles and cycles.

Definitions (reference study, P1): V is the mean of the half-cycle's last minute less the channel's offset, which
is the mean of the last 10 min of the opening rest. *Short*: apparent area resistance |V|/|J| below the limit, so
many half-cycles in a row. *Polarisation*: |V| above the limit. *Capacity*: discharge capacity of a cycle below a
fraction of the reference cycle's. *Efficiency*: coulombic efficiency of a cycle below a fraction.

The deciding row is the last row of the half-cycle that completes the series; it becomes ``end_sequence`` where the
action is stop. Half-cycles come from ``labctl.analysis``, so a figure and a decision never disagree; they are
closed by content alone, so a replay of the stored rows decides at the same row as the live run did.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from labctl.analysis.cycles import CycleTable
from labctl.analysis.halfcycle import HalfCycle
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.model.program import CellFacts, Detection, DetectionAction, DetectionKind
from labctl.model.record import RecordBlock


@dataclass(slots=True)
class _Series:
    detection: Detection
    length: int = 0
    begin_time_s: float = math.nan
    fired: bool = False


class Detector:
    """Feeds on row blocks; returns findings and keeps at most one decision to end the run."""

    def __init__(self, detections: Iterable[Detection], cell: CellFacts) -> None:
        self.table = CycleTable(cell)
        self.decision: EndDecision | None = None
        self._cell = cell
        self._series = [_Series(detection) for detection in detections]
        self._first_half: HalfCycle | None = None
        self._discharge_Ah: dict[int, float] = {}
        self._references = {1, *(series.detection.reference_cycle for series in self._series)}
        self._last: tuple[float, float, float, float] = (math.nan, math.nan, math.nan, math.nan)

    def revise(self, detections: Iterable[Detection]) -> None:
        """Go on with changed rules; those that stay keep what they have counted."""
        known = {series.detection: series for series in self._series}
        self._series = [known.get(detection) or _Series(detection) for detection in detections]
        self._references |= {series.detection.reference_cycle for series in self._series}

    def feed(self, block: RecordBlock) -> tuple[list[Finding], bool]:
        """Take the next rows; return what they show, and whether they closed a half-cycle."""
        if not len(block):
            return [], False
        closed = self.table.update(block)
        self._last = (
            float(block["cycle_count"][-1]),
            float(block["test_time_second"][-1]),
            float(block["voltage_volt"][-1]),
            float(block["current_ampere"][-1]),
        )
        findings: list[Finding] = []
        for half in closed:
            findings.extend(self._half(half))
        return findings, bool(closed)

    def values(self) -> dict[str, float]:
        """Return the measured names of host expressions (base units), right between two segments."""
        cycle, time_s, voltage_V, current_A = self._last
        return {
            **self.table.measured(),
            "cycle": cycle,
            "test_time": time_s,
            "voltage": voltage_V,
            "current": current_A,
        }

    def _half(self, half: HalfCycle) -> list[Finding]:
        voltage_V = abs(half.end_minute_voltage_V - self.table.offset_V)
        resistance = half.area_resistance_ohm_cm2
        findings: list[Finding] = []
        for series in self._series:
            limit = series.detection.limit
            if series.detection.kind is DetectionKind.SHORT:
                met = resistance < limit
                text = f"area resistance {resistance:.3g} ohm cm2, below {limit:.3g} ohm cm2"
            elif series.detection.kind is DetectionKind.POLARISATION:
                met = voltage_V > limit
                text = f"{voltage_V:.4g} V at the half-cycle's end, above {limit:.4g} V"
            else:
                continue
            findings.extend(self._count(series, met, text, half, "half-cycles"))
        first_sign = 1 if self._cell.first_sign == "charge" else -1
        if half.sign == first_sign:
            self._first_half = half
        elif self._first_half is not None and self._first_half.cycle == half.cycle:
            findings.extend(self._cycle(self._first_half, half))
        return findings

    def _cycle(self, first: HalfCycle, second: HalfCycle) -> list[Finding]:
        discharge_Ah = (second if first.sign > 0 else first).capacity_Ah
        if second.cycle in self._references:
            self._discharge_Ah[second.cycle] = discharge_Ah
        findings: list[Finding] = []
        for series in self._series:
            limit, reference = series.detection.limit, series.detection.reference_cycle
            if series.detection.kind is DetectionKind.CAPACITY:
                value = _ratio(discharge_Ah, self._discharge_Ah.get(reference, math.nan))
                text = f"capacity {value:.1%} of cycle {reference}, below {limit:.1%}"
            elif series.detection.kind is DetectionKind.EFFICIENCY:
                value = _ratio(second.capacity_Ah, first.capacity_Ah)
                text = f"coulombic efficiency {value:.2%}, below {limit:.2%}"
            else:
                continue
            findings.extend(self._count(series, value < limit, text, second, "cycles"))
        return findings

    def _count(self, series: _Series, met: bool, text: str, half: HalfCycle, unit: str) -> list[Finding]:
        if not met:
            series.length = 0
            return []
        series.length += 1
        if series.length == 1:
            series.begin_time_s = half.start_time_s
        if series.fired or series.length < series.detection.in_a_row:
            return []
        series.fired = True
        kind, sequence = series.detection.kind, half.last_sequence
        since_h = series.begin_time_s / 3600.0
        text = f"{kind}: {text}, {series.length} {unit} in a row since {since_h:.2f} h of test time"
        if series.detection.action is DetectionAction.STOP and self.decision is None:
            outcome = Outcome.SHORT if kind is DetectionKind.SHORT else Outcome.DEAD
            self.decision = EndDecision(outcome, text, sequence)
        return [Finding(f"detect.{kind}", Priority.MEDIUM, text, sequence, "Look at the cell's curve.")]


def _ratio(upper: float, lower: float) -> float:
    return upper / lower if lower else math.nan
