"""Pair half-cycles into cycles, as columns: capacities, efficiencies, retention, polarisation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from labctl.model.cell import CellKind
from labctl.model.program import CellFacts

Reference = Literal["first", "max"] | int
"""What retention refers to: the first cycle, that of the largest discharge capacity, or a cycle's number."""


_SIDED = (
    "capacity_ah",
    "capacity_mah_per_g",
    "capacity_mah_per_cm2",
    "energy_wh",
    "mean_voltage_volt",
    "end_voltage_volt",
)


def _divide(upper: NDArray[Any], lower: NDArray[Any] | float) -> NDArray[Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: NDArray[Any] = np.where(np.asarray(lower) == 0.0, np.nan, np.divide(upper, lower))
    return result


def cycles_from_half_cycles(
    half: dict[str, NDArray[Any]], facts: CellFacts, *, reference: Reference = "first"
) -> dict[str, NDArray[Any]]:
    """Return one row per cycle from the columns of ``half_cycles``.

    Columns: ``cycle``, ``cycle_count``, ``first_sequence``, ``last_sequence``, ``start_time_second``,
    ``end_time_second``, then ``charging_...``/``discharging_...`` capacities, energies, mean and end
    voltages (as measured), ``coulombic_efficiency``, ``energy_efficiency``, ``retention`` (fractions),
    ``polarisation_volt``, ``area_resistance_ohm_cm2`` (mean of both halves), ``complete``. Efficiencies are
    NaN unless the cycle is complete.
    """
    number = half["cycle"]
    count = int(number[-1]) if len(number) else 0
    place = number - 1
    charging, discharging = half["sign"] > 0, half["sign"] < 0
    discharge_first = facts.first_sign == "discharge"
    first_rows = np.searchsorted(number, np.arange(1, count + 1))
    last_rows = np.searchsorted(number, np.arange(1, count + 1), side="right") - 1

    def spread(name: str, rows: NDArray[np.bool_]) -> NDArray[Any]:
        column = np.full(count, np.nan)
        column[place[rows]] = half[name][rows]
        return column

    out: dict[str, NDArray[Any]] = {"cycle": np.arange(1, count + 1, dtype="<i4")}
    for name in ("cycle_count", "first_sequence", "start_time_second"):
        out[name] = half[name][first_rows]
    for name in ("last_sequence", "end_time_second"):
        out[name] = half[name][last_rows]
    both = np.bincount(place, minlength=count) == 2 if count else np.zeros(0, dtype=bool)
    complete = both & half["complete"][last_rows]
    for name in _SIDED:
        out[f"charging_{name}"] = spread(name, charging)
        out[f"discharging_{name}"] = spread(name, discharging)
    charge_Ah, discharge_Ah = out["charging_capacity_ah"], out["discharging_capacity_ah"]
    efficiency = _divide(charge_Ah, discharge_Ah) if discharge_first else _divide(discharge_Ah, charge_Ah)
    out["coulombic_efficiency"] = np.where(complete, efficiency, np.nan)
    energy = _divide(out["discharging_energy_wh"], out["charging_energy_wh"])
    out["energy_efficiency"] = np.where(complete, energy, np.nan)
    discharged = np.zeros(count, dtype=bool)  # retention needs the discharge half alone
    discharged[place[discharging]] = half["complete"][discharging]
    out["retention"] = retention(np.where(discharged, discharge_Ah, np.nan), out["cycle"], reference)
    if facts.kind == CellKind.SYMMETRIC:
        sides = np.stack([spread("polarisation_volt", rows) for rows in (charging, discharging)])
    else:
        sides = np.stack([out["charging_mean_voltage_volt"] - out["discharging_mean_voltage_volt"]] * 2)
    out["polarisation_volt"] = _mean_of_known(sides)
    resistances = np.stack([spread("area_resistance_ohm_cm2", rows) for rows in (charging, discharging)])
    out["area_resistance_ohm_cm2"] = _mean_of_known(resistances)
    out["complete"] = complete
    return out


def _mean_of_known(sides: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over the first axis, NaN left out; NaN where all are."""
    known = ~np.isnan(sides)
    return _divide(np.where(known, sides, 0.0).sum(axis=0), known.sum(axis=0).astype(float))


def retention(capacity_Ah: NDArray[Any], cycle: NDArray[Any], reference: Reference = "first") -> NDArray[Any]:
    """Return capacity / capacity of the reference cycle; all NaN while that cycle is not known.

    ``reference``: ``first`` = cycle 1, ``max`` = the cycle of the largest capacity, a number = that cycle.
    """
    known = np.flatnonzero(~np.isnan(capacity_Ah))
    if reference == "max":
        row = known[np.argmax(capacity_Ah[known])] if len(known) else None
    else:
        wanted = 1 if reference == "first" else reference
        rows = np.flatnonzero(cycle == wanted)
        row = rows[0] if len(rows) else None
    if row is None:
        return np.full(len(capacity_Ah), np.nan)
    return _divide(capacity_Ah, float(capacity_Ah[row]))
