"""Draw stored runs: what ``labctl runs plot`` and ``labctl demo`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labctl.analysis import figures
from labctl.analysis.curves import Curve, curve
from labctl.analysis.dqdv import dqdv
from labctl.analysis.figurestyle import FORMATS, save
from labctl.analysis.life import LifeCriterion
from labctl.analysis.rundata import RunData, analyse
from labctl.errors import UserInputError
from labctl.model.cell import CellKind
from labctl.model.units import g_from_mg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labctl.store.runreader import RunReader

KINDS = ("profile", "curves", "cycles", "polarisation", "dqdv")
CURVES_SHOWN = 5


def plot_run(reader: RunReader, kind: str, target: Path, width_mm: float, fmt: str) -> Path:
    """Draw one run; see ``plot_runs``."""
    return plot_runs([reader], kind, target, width_mm=width_mm, fmt=fmt)


def plot_runs(
    readers: Sequence[RunReader], kind: str, target: Path, *, width_mm: float = 170.0, fmt: str = "pdf"
) -> Path:
    """Draw runs into one figure file and return its path.

    ``profile``, ``cycles`` and ``polarisation`` overlay the runs, ``curves`` and ``dqdv`` show chosen
    cycles of one run. The format is ``fmt`` even where the name of ``target`` ends otherwise. Raises:
    UserInputError for a figure that these runs cannot give.
    """
    if kind not in KINDS:
        raise UserInputError(f"there is no figure '{kind}'; known are {', '.join(KINDS)}.")
    if fmt not in FORMATS:
        raise UserInputError(f"figures are written as {', '.join(FORMATS)}, not as '{fmt}'.")
    if not readers:
        raise UserInputError("name at least one run to draw.")
    runs = [analyse(reader) for reader in readers]
    for data in runs:
        if len(data.cycles["cycle"]) == 0:
            raise UserInputError(f"run {data.run_id} has no row with current yet: there is nothing to draw.")
    figure = _draw(readers, runs, kind, width_mm)
    suffix = f".{fmt}"
    return save(figure, target if target.suffix.lower() == suffix else target.with_name(target.name + suffix))


def _draw(readers: Sequence[RunReader], runs: Sequence[RunData], kind: str, width_mm: float) -> Figure:
    if kind == "profile":
        return profile_figure(readers, runs, width_mm=width_mm)
    if kind == "cycles":
        return cycles_figure(runs, width_mm=width_mm)
    if kind == "polarisation":
        limit_V = 1.0 if all(data.facts.kind == CellKind.SYMMETRIC for data in runs) else None
        series = [_series(data, label, 1.0) for data, label in zip(runs, labels(runs), strict=True)]
        return figures.polarisation_by_cycle(series, width_mm=width_mm, limit_V=limit_V)
    if len(runs) != 1:
        raise UserInputError(f"'{kind}' shows chosen cycles of one run; name one run.")
    if kind == "curves":
        return curves_figure(readers[0], runs[0], width_mm=width_mm)
    return dqdv_figure(readers[0], runs[0], width_mm=width_mm)


def labels(runs: Sequence[RunData]) -> list[str]:
    """Return legend labels: by coating where that tells the runs apart, else by cell, else by run."""
    electrode = "" if any(data.facts.kind != CellKind.SYMMETRIC for data in runs) else " Li"
    by_coating = [f"{data.label}{electrode}" for data in runs]
    for candidate in (by_coating, [data.facts.name for data in runs]):
        if len(set(candidate)) == len(runs):
            return candidate
    return [str(data.run_id) for data in runs]


def profile_figure(
    readers: Sequence[RunReader], runs: Sequence[RunData], *, width_mm: float = 170.0, title: str = ""
) -> Figure:
    """Draw V(t) of the runs over each other; the death of a cell is marked."""
    profiles = []
    for reader, data, label in zip(readers, runs, labels(runs), strict=True):
        block = reader.records(columns=("test_time_second", "voltage_volt", "quality"))
        good = block["quality"] == 0
        life = data.life()
        profiles.append(
            figures.Profile(
                label,
                block["test_time_second"][good],
                block["voltage_volt"][good],
                start_s=data.rest_end_s,
                end_note=f"{_END_WORDS[life.criterion]}, {life.life_h:.0f} h" if life.reached else "",
                end_h=life.life_h if life.reached else None,
            )
        )
    return figures.long_term_profile(profiles, width_mm=width_mm, title=title)


_END_WORDS = {LifeCriterion.SHORT: "short", LifeCriterion.VOLTAGE_LIMIT: "voltage limit"}


def capacity_unit(runs: Sequence[RunData]) -> tuple[str, str]:
    """Return the column suffix and the axis text that suit all runs: per gram, per area, or in mAh."""
    if all(data.facts.active_mass_mg for data in runs):
        return "mah_per_g", "mAh g$^{-1}$"
    if all(data.facts.area_cm2 for data in runs):
        return "mah_per_cm2", "mAh cm$^{-2}$"
    return "ah", "mAh"


def _series(data: RunData, label: str, factor: float, suffix: str = "ah") -> figures.CycleSeries:
    table = data.cycles
    return figures.CycleSeries(
        label=label,
        cycle=table["cycle"],
        discharge_capacity=factor * table[f"discharging_capacity_{suffix}"],
        charge_capacity=factor * table[f"charging_capacity_{suffix}"],
        efficiency=table["coulombic_efficiency"],
        polarisation_V=table["polarisation_volt"],
    )


def cycles_figure(runs: Sequence[RunData], *, width_mm: float = 85.0, title: str = "") -> Figure:
    """Draw capacity and coulombic efficiency by cycle."""
    suffix, unit = capacity_unit(runs)
    factor = 1e3 if suffix == "ah" else 1.0
    series = [_series(data, label, factor, suffix) for data, label in zip(runs, labels(runs), strict=True)]
    return figures.capacity_efficiency_by_cycle(series, unit=unit, width_mm=width_mm, title=title)


def shown_cycles(count: int) -> list[int]:
    """Return the cycles that curves are drawn of: the first, the last and round numbers between."""
    if count <= CURVES_SHOWN:
        return list(range(1, count + 1))
    wanted = np.linspace(1, count, CURVES_SHOWN)
    step = 10 ** max(0, len(str(count)) - 2)
    between = [max(step, round(value / step) * step) for value in wanted[1:-1]]
    return sorted({1, *(cycle for cycle in between if 1 < cycle < count), count})


def _both_halves(reader: RunReader, data: RunData) -> list[tuple[int, Curve, Curve]]:
    """Return (cycle, charge, discharge) of the cycles shown; incomplete cycles are left out."""
    half, complete = data.half, data.cycles["cycle"][data.cycles["complete"]]
    if len(complete) == 0:
        raise UserInputError(f"run {data.run_id} has no complete cycle yet: there is no curve to draw.")
    found = []
    for place in shown_cycles(len(complete)):
        cycle = int(complete[place - 1])
        rows = np.flatnonzero(half["cycle"] == cycle)
        first, last = int(half["first_sequence"][rows[0]]), int(half["last_sequence"][rows[-1]])
        block = reader.records(first=first, last=last)
        halves = {
            int(half["sign"][row]): curve(
                block, int(half["first_sequence"][row]), int(half["last_sequence"][row])
            )
            for row in rows
        }
        found.append((cycle, halves[1], halves[-1]))
    return found


def _per(data: RunData) -> tuple[str, float]:
    """Return the axis unit of a capacity and what one mAh is divided by."""
    suffix, unit = capacity_unit([data])
    mass_mg, area_cm2 = data.facts.active_mass_mg, data.facts.area_cm2
    if suffix == "mah_per_g" and mass_mg:
        return unit, g_from_mg(mass_mg)
    return (unit, area_cm2) if suffix == "mah_per_cm2" and area_cm2 else (unit, 1.0)


def curves_figure(reader: RunReader, data: RunData, *, width_mm: float = 85.0, title: str = "") -> Figure:
    """Draw voltage against capacity for chosen cycles."""
    unit, per = _per(data)
    chosen = [
        figures.LabelledCurve(str(cycle), charge, discharge)
        for cycle, charge, discharge in _both_halves(reader, data)
    ]
    return figures.voltage_capacity(chosen, unit=unit, per=per, width_mm=width_mm, title=title)


def dqdv_figure(reader: RunReader, data: RunData, *, width_mm: float = 85.0, title: str = "") -> Figure:
    """Draw dQ/dV for chosen cycles."""
    unit, per = _per(data)
    chosen = [
        (str(cycle), dqdv(charge), dqdv(discharge)) for cycle, charge, discharge in _both_halves(reader, data)
    ]
    return figures.differential_capacity(chosen, unit=unit, per=per, width_mm=width_mm, title=title)
