"""Compare what stored runs show with what the study states; the statements are data (``outcomes.yaml``).

A *measure* is a small function from one analysed run to one number; it raises ``NotShown`` where the run
cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.analysis.life import judged, life_by_polarisation, life_by_short
from labctl.analysis.rundata import RunData
from labctl.analysis.statistics import over_cycles, spread
from labctl.analysis.summary import Reference, retention
from labctl.model.units import h_from_s, mV_from_V, s_from_h

AT_LEAST = "at least"
AT_MOST = "at most"


class NotShown(Exception):
    """A run does not show this quantity; the text says why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One quantity that a run must show. ``tolerance`` is +- a number (table and chain), or a bound's word."""

    quantity: str
    unit: str
    text: str
    stated: float
    tolerance: float | str
    source: str
    measure: str
    arguments: Mapping[str, Any]
    lived_h: float | None = None
    shorted: bool = False


@dataclass(frozen=True, slots=True)
class StudyRun:
    """One run of the study: protocol, cell and channel of the demo's bench, the figure it belongs to."""

    run: str
    protocol: str
    cell: str
    channel: str
    figure: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the result. ``measured`` is ``None`` where it could not be computed; then ``how`` says why."""

    run: str
    run_id: str
    quantity: str
    unit: str
    stated: float
    measured: float | None
    tolerance: float | str
    ok: bool
    rows: int
    source: str
    how: str

    def to_json(self) -> dict[str, Any]:
        """Return the line as the demo prints it."""
        return {
            "run": self.run, "run_id": self.run_id, "quantity": self.quantity, "unit": self.unit,
            "stated": self.stated, "measured": self.measured, "tolerance": self.tolerance, "ok": self.ok,
            "rows": self.rows, "from": self.source, "how": self.how,
        }  # fmt: skip


def judge(study: Sequence[StudyRun], runs: Mapping[str, RunData]) -> list[Verdict]:
    """Return a verdict per expectation of every run of the study that is in ``runs`` (by its name there)."""
    found = []
    for entry in study:
        if entry.run in runs:
            data = runs[entry.run]
            found += [
                _verdict(entry, item, data, runs) for item in entry.expectations if _applies(item, data)
            ]
    return found


def _applies(expectation: Expectation, data: RunData) -> bool:
    """Say whether the cell's fate lets the quantity exist; a run that broke off is no such excuse."""
    short = life_by_short(data.half)
    if expectation.shorted and not short.reached:
        return False
    life = data.life()
    return not (expectation.lived_h is not None and life.reached and life.life_h < expectation.lived_h)


def _verdict(
    entry: StudyRun, expectation: Expectation, data: RunData, runs: Mapping[str, RunData]
) -> Verdict:
    function, how = MEASURES[expectation.measure]
    measured: float | None
    try:
        measured = function(data, runs, **expectation.arguments)
        if not np.isfinite(measured):
            raise NotShown("the value is not a number")
    except NotShown as reason:
        measured, how = None, f"not computed: {reason}"
    return Verdict(
        run=entry.run,
        run_id=str(data.run_id),
        quantity=expectation.quantity,
        unit=expectation.unit,
        stated=expectation.stated,
        measured=measured,
        tolerance=expectation.tolerance,
        ok=measured is not None and within(measured, expectation.stated, expectation.tolerance),
        rows=data.rows,
        source=f"{expectation.text} ({expectation.source})",
        how=how,
    )


BOUND_SLACK = 1e-9  # relative: test times are multiples of 0.1 s in float64


def within(measured: float, stated: float, tolerance: float | str) -> bool:
    """Say whether a measured value agrees with the stated one."""
    slack = BOUND_SLACK * abs(stated)
    if tolerance == AT_LEAST:
        return measured >= stated - slack
    if tolerance == AT_MOST:
        return measured <= stated + slack
    return abs(measured - stated) <= float(tolerance) + slack


# --- measures ---------------------------------------------------------------------------------------------------


def _half_at(data: RunData, at_h: float) -> int:
    """Return the half-cycle whose end lies closest to ``at_h`` of test time, the opening rest excluded."""
    half = data.half
    if len(half["cycle"]) == 0:
        raise NotShown("the run has no row with current")
    end_s = half["end_time_second"] - data.rest_end_s
    row = int(np.argmin(np.abs(end_s - s_from_h(at_h))))
    length_s = float(half["end_time_second"][row] - half["start_time_second"][row])
    if abs(float(end_s[row]) - s_from_h(at_h)) > length_s / 2.0 or not judged(half)[row]:
        raise NotShown(f"no half-cycle ends at {at_h:g} h; the run has {h_from_s(float(end_s[-1])):.1f} h")
    return row


def _polarisation(data: RunData, runs: Mapping[str, RunData], at_h: float) -> float:
    return mV_from_V(float(data.half["polarisation_volt"][_half_at(data, float(at_h))]))


def _life(data: RunData, runs: Mapping[str, RunData]) -> float:
    if len(data.half["cycle"]) == 0:
        raise NotShown("the run has no row with current")
    return data.life().life_h


def _polarisation_reached(data: RunData, runs: Mapping[str, RunData], above_V: float) -> float:
    life = life_by_polarisation(data.half, above_V=float(above_V))
    if not life.reached:
        raise NotShown(f"no half-cycle ended above {above_V} V in {life.life_h:.1f} h")
    return life.life_h


def _shorted_rows(data: RunData) -> tuple[int, int]:
    """Return the first half-cycle of the short's series and the number of half-cycles that may be judged."""
    life = life_by_short(data.half)
    start_s = data.half["start_time_second"] - data.half["start_time_second"][:1]
    count = int(np.flatnonzero(judged(data.half))[-1]) + 1 if judged(data.half).any() else 0
    if not life.reached:
        return count, count
    return int(np.searchsorted(start_s, s_from_h(life.life_h) - 1e-6)), count


def _shorted_polarisation(data: RunData, runs: Mapping[str, RunData]) -> float:
    first, count = _shorted_rows(data)
    if first == count:
        raise NotShown("the cell has not shorted")
    return mV_from_V(float(np.median(data.half["polarisation_volt"][first:count])))


def _last_polarisation(data: RunData, runs: Mapping[str, RunData]) -> float:
    first, _ = _shorted_rows(data)
    half = data.half
    for row in range(first - 1, -1, -1):  # a half-cycle in whose middle the short came is not healthy either
        if half["area_resistance_ohm_cm2"][row] > half["area_resistance_ohm_cm2"][0] / 2.0:
            return mV_from_V(float(half["polarisation_volt"][row]))
    raise NotShown("no half-cycle ended before the short")


def _largest_voltage(data: RunData, runs: Mapping[str, RunData], until_h: float) -> float:
    half = data.half
    rows = half["start_time_second"] - data.rest_end_s < s_from_h(float(until_h)) - 1e-6
    if not rows.any():
        raise NotShown("the run has no row with current")
    highest_V = float(half["voltage_max_volt"][rows].max()) - data.offset_V
    lowest_V = float(half["voltage_min_volt"][rows].min()) - data.offset_V
    return mV_from_V(max(abs(highest_V), abs(lowest_V)))


def _cycle_row(data: RunData, cycle: int) -> int:
    rows = np.flatnonzero((data.cycles["cycle"] == int(cycle)) & data.cycles["complete"])
    if len(rows) == 0:
        raise NotShown(f"cycle {cycle} is not complete; the run has {len(data.cycles['cycle'])} cycles")
    return int(rows[0])


def _largest_capacity_row(data: RunData) -> int:
    if len(data.cycles["cycle"]) == 0 or np.isnan(data.cycles["retention"]).all():
        raise NotShown("no discharge is complete")
    return int(np.nanargmax(data.cycles["retention"]))


def _discharge_capacity(data: RunData, runs: Mapping[str, RunData], cycle: int | str) -> float:
    row = _largest_capacity_row(data) if cycle == "max" else _cycle_row(data, int(cycle))
    value = float(data.cycles["discharging_capacity_mah_per_g"][row])
    if np.isnan(value):
        raise NotShown("the cell has no active mass")
    return value


def _largest_capacity_cycle(data: RunData, runs: Mapping[str, RunData]) -> float:
    return float(data.cycles["cycle"][_largest_capacity_row(data)])


def _retention(data: RunData, runs: Mapping[str, RunData], cycle: int, reference: Reference) -> float:
    row = _cycle_row(data, cycle)
    return 100.0 * float(
        retention(data.cycles["discharging_capacity_ah"], data.cycles["cycle"], reference)[row]
    )


def _voltage_gap_ratio(data: RunData, runs: Mapping[str, RunData], cycle: int, of: str) -> float:
    if of not in runs:
        raise NotShown(f"run '{of}' was not done")
    other = runs[of]
    return float(
        other.cycles["polarisation_volt"][_cycle_row(other, cycle)]
        / data.cycles["polarisation_volt"][_cycle_row(data, cycle)]
    )


def _mean_efficiency(data: RunData, runs: Mapping[str, RunData], first: int, last: int) -> float:
    _cycle_row(data, last)
    return 100.0 * spread(over_cycles(data.cycles, "coulombic_efficiency", int(first), int(last))).mean


def _efficiency_scatter(data: RunData, runs: Mapping[str, RunData], first: int, last: int) -> float:
    _cycle_row(data, last)
    return 100.0 * spread(over_cycles(data.cycles, "coulombic_efficiency", int(first), int(last))).std


Measure = Callable[..., float]
MEASURES: dict[str, tuple[Measure, str]] = {
    "life_h": (
        _life,
        "test time without the opening rest to the first of 5 half-cycles below 10 ohm cm2, else to the row at which "
        "the voltage limit ended the run, else to its last row",
    ),
    "polarisation_reached_h": (
        _polarisation_reached,
        "test time without the opening rest to the end of the first half-cycle above",
    ),
    "polarisation_mV": (
        _polarisation,
        "last record of the half-cycle ending there less the mean of the rest's last 10 min",
    ),
    "shorted_polarisation_mV": (
        _shorted_polarisation,
        "median over the shorted half-cycles of |last record - offset|",
    ),
    "last_polarisation_mV": (
        _last_polarisation,
        "|last record - offset| of the last half-cycle that ended before the short",
    ),
    "largest_voltage_mV": (
        _largest_voltage,
        "largest |V - offset| of all records with current",
    ),
    "discharge_capacity_mAh_per_g": (
        _discharge_capacity,
        "charge of the discharge half-cycle over the active mass",
    ),
    "largest_capacity_cycle": (_largest_capacity_cycle, "cycle of the largest discharge charge"),
    "retention_percent": (_retention, "discharge charge over that of the reference cycle"),
    "voltage_gap_ratio": (
        _voltage_gap_ratio,
        "mean charge less mean discharge voltage (energy / charge), ratio of the two cells",
    ),
    "mean_efficiency_percent": (
        _mean_efficiency,
        "mean of the cycles' coulombic efficiency, discharge / charge of one cycle",
    ),
    "efficiency_scatter_percent": (
        _efficiency_scatter,
        "sample standard deviation of the cycles' coulombic efficiency",
    ),
}
"""Each measure with one sentence that says how it is computed."""
