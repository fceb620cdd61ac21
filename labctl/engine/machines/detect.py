"""Looks for shorts, high polarisation and fading at the ends of half-cycles and cycles.

Definitions (reference study, P1): V is the mean of the half-cycle's last minute less the channel's offset;
the offset is the mean of the last 10 min of step 1's rest. *Short*: apparent area resistance |V|/|J| below
the limit, so many half-cycles in a row. *Polarisation*: |V| above the limit. *Capacity*: discharge capacity
of a cycle below a fraction of the reference cycle's. *Efficiency*: coulombic efficiency of a cycle below a
fraction. The deciding row is the last row of the half-cycle or cycle that completes the series; it becomes
``end_sequence`` where the action is stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.halves import CycleSums, HalfCycle, HalfCycleTracker
from labctl.model.program import CellFacts, Detection, DetectionAction, DetectionKind
from labctl.model.record import RecordBlock

CURRENT_ZERO_A = 1e-12
"""Below this mean current a half-cycle has no area resistance."""


@dataclass(slots=True)
class _Series:
    detection: Detection
    length: int = 0
    begin_time_s: float = math.nan
    fired: bool = False


class Detector:
    """Feeds on row blocks; collects findings and at most one decision to end the run.

    ``values`` are the measured names of host expressions (SI units, fractions), NaN while unknown.
    """

    def __init__(self, detections: Iterable[Detection], cell: CellFacts) -> None:
        self.tracker = HalfCycleTracker()
        self._series = [_Series(detection) for detection in detections]
        self._cell = cell
        self._discharge_Ah: dict[int, float] = {}
        self.decision: EndDecision | None = None
        self.values: dict[str, float] = dict.fromkeys(
            (
                "cycle", "test_time", "voltage", "current", "capacity", "charge_capacity", "discharge_capacity",
                "efficiency", "retention", "polarisation",
            ),
            math.nan,
        )  # fmt: skip

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows; return what they show. Sets ``decision`` at the first detection that asks to
        stop.
        """
        if not len(block):
            return []
        findings = self._take(self.tracker.feed(block))
        self.values["cycle"] = float(block["cycle_count"][-1])
        self.values["test_time"] = float(block["test_time_second"][-1])
        self.values["voltage"] = float(block["voltage_volt"][-1])
        self.values["current"] = float(block["current_ampere"][-1])
        return findings

    def segment_over(self) -> list[Finding]:
        """Close the open half-cycle at the end of a device test; counts the running cycle into the measured
        values.
        """
        findings = self._take(self.tracker.close_segment())
        self._cycle_values(self.tracker.open_cycle())
        return findings

    def run_over(self) -> list[Finding]:
        """Close everything when the program is done; returns late findings, decides nothing any more."""
        decided = self.decision
        findings = self._take(self.tracker.close_run())
        self.decision = decided
        return findings

    def _take(self, closed: Iterable[HalfCycle | CycleSums]) -> list[Finding]:
        findings: list[Finding] = []
        for item in closed:
            if isinstance(item, HalfCycle):
                findings.extend(self._half(item))
            else:
                findings.extend(self._cycle(item))
        return findings

    def _half(self, half: HalfCycle) -> list[Finding]:
        voltage_V = abs(half.end_voltage_V - self.tracker.offset_V)
        self.values["capacity"] = half.capacity_Ah
        self.values["polarisation"] = voltage_V
        area_cm2, current_A = self._cell.area_cm2, abs(half.end_current_A)
        resistance = math.nan  # ohm cm2
        if area_cm2 is not None and current_A > CURRENT_ZERO_A:
            resistance = voltage_V / (current_A / area_cm2)
        findings: list[Finding] = []
        for series in self._series:
            kind, limit = series.detection.kind, series.detection.limit
            if kind is DetectionKind.SHORT:
                text = f"area resistance {resistance:.3g} ohm cm2, below {limit:.3g} ohm cm2"
                met = resistance < limit
            elif kind is DetectionKind.POLARISATION:
                text = f"polarisation {voltage_V:.4g} V, above {limit:.4g} V"
                met = voltage_V > limit
            else:
                continue
            findings.extend(
                self._count(series, met, text, half.last_sequence, half.begin_time_s, "half-cycles")
            )
        return findings

    def _cycle_values(self, sums: CycleSums) -> float:
        """Set the values of a cycle; returns its efficiency (convention by the cell's first half-cycle)."""
        efficiency = math.nan
        first, second = sums.charge_Ah, sums.discharge_Ah
        if self._cell.first_sign == "discharge":
            first, second = second, first
        if first > 0.0:
            efficiency = second / first
        reference_Ah = self._discharge_Ah.get(1, math.nan if sums.cycle != 1 else sums.discharge_Ah)
        self.values["charge_capacity"] = sums.charge_Ah
        self.values["discharge_capacity"] = sums.discharge_Ah
        self.values["efficiency"] = efficiency
        self.values["retention"] = sums.discharge_Ah / reference_Ah if reference_Ah > 0.0 else math.nan
        return efficiency

    def _cycle(self, sums: CycleSums) -> list[Finding]:
        for series in self._series:
            if sums.cycle in (1, series.detection.reference_cycle):
                self._discharge_Ah.setdefault(sums.cycle, sums.discharge_Ah)
        efficiency = self._cycle_values(sums)
        findings: list[Finding] = []
        for series in self._series:
            kind, limit = series.detection.kind, series.detection.limit
            if kind is DetectionKind.CAPACITY:
                reference_Ah = self._discharge_Ah.get(series.detection.reference_cycle, math.nan)
                fraction = sums.discharge_Ah / reference_Ah if reference_Ah > 0.0 else math.nan
                text = f"capacity at {fraction:.1%} of cycle {series.detection.reference_cycle}, below {limit:.1%}"
                met = fraction < limit
            elif kind is DetectionKind.EFFICIENCY:
                text = f"coulombic efficiency {efficiency:.2%}, below {limit:.2%}"
                met = efficiency < limit
            else:
                continue
            findings.extend(self._count(series, met, text, sums.last_sequence, math.nan, "cycles"))
        return findings

    def _count(
        self, series: _Series, met: bool, text: str, sequence: int, begin_time_s: float, unit: str
    ) -> list[Finding]:
        if not met:
            series.length = 0
            return []
        series.length += 1
        if series.length == 1:
            series.begin_time_s = begin_time_s
        if series.fired or series.length < series.detection.in_a_row:
            return []
        series.fired = True
        detection = series.detection
        text = f"{detection.kind}: {text}, {series.length} {unit} in a row"
        if math.isfinite(series.begin_time_s):
            text += f" since {series.begin_time_s / 3600.0:.2f} h of test time"
        if detection.action is DetectionAction.STOP and self.decision is None:
            outcome = Outcome.SHORT if detection.kind is DetectionKind.SHORT else Outcome.DEAD
            self.decision = EndDecision(outcome, text, sequence)
        return [
            Finding(f"detect.{detection.kind}", Priority.MEDIUM, text, sequence, "Look at the cell's curve.")
        ]
