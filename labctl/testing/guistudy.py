"""A study that a test of compare or reports looks at: four symmetric and four full cells, made of a few formulas.

``study()`` gives a lab, and a station that answers for its runs: lists, cycles, rows, thinned series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.gui.viewmodels.lab import Lab
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import ChannelId, RunId
from labctl.model.run import RunSummary
from labctl.testing.guilab import FakeAsks, a_lab, cell

if TYPE_CHECKING:
    from labctl.gui.parts.view import Context

AREA_CM2 = 0.7854
CYCLE_S, HALF_ROWS, REST_S = 7200.0, 10, 3600.0
CHARGING, DISCHARGING = 1, 2
"""Codes of CC charge and CC discharge among the step types."""
CELLS: tuple[tuple[str, CellKind, str, int], ...] = (
    ("S1", CellKind.SYMMETRIC, "", 30), ("S2", CellKind.SYMMETRIC, "", 34), ("S3", CellKind.SYMMETRIC, "Zn", 60),
    ("S4", CellKind.SYMMETRIC, "Zn", 60), ("F1", CellKind.LFP_LI, "", 40), ("F2", CellKind.LFP_LI, "", 40),
    ("F3", CellKind.LFP_LI, "Zn", 40), ("F4", CellKind.LFP_LI, "Zn", 40),
)  # fmt: skip
"""Id, kind, coating, cycles. The two uncoated symmetric cells short at the end."""


def registered() -> tuple[Cell, ...]:
    """Return the cells of the study."""
    found = []
    for number, (name, kind, coating, _) in enumerate(CELLS):
        full = kind is not CellKind.SYMMETRIC
        found.append(
            cell(name, kind, coating=coating, area_cm2=AREA_CM2, electrolyte="PEO" if full else "liquid",
                 active_mass_mg=0.924 + 0.01 * number if full else None, batch="B1" if number % 2 else "B2")
        )  # fmt: skip
    return tuple(found)


def run_of(name: str, protocol: str = "", **words: Any) -> RunSummary:
    """Return the line of a cell's run in the list of runs."""
    kind, coating, cycles = next(
        (kind, coating, cycles) for one, kind, coating, cycles in CELLS if one == name
    )
    symmetric = kind is CellKind.SYMMETRIC
    full = {"outcome": "short" if symmetric and not coating else "finished", "cycle": cycles,
            "test_time_s": REST_S + cycles * CYCLE_S, "started_utc": "2026-04-01T00:00:00+00:00", **words}  # fmt: skip
    place = 1 + [one for one, *_ in CELLS].index(name)
    chosen = protocol or ("p1-li-li-1mA" if symmetric else "p5-lfp-li-peo")
    run_id = RunId(full.pop("run_id", f"run-{name}"))
    return RunSummary(run_id, name, name, ChannelId(f"neware:1-{place}"), chosen, "ended", **full)


def _ratio(name: str, cycle: np.ndarray[Any, Any]) -> Any:
    """Return what is left of the first capacity."""
    coated = next(coating for one, _, coating, _ in CELLS if one == name)
    return 1.0 - (0.0008 if coated else 0.006) * (cycle - 1.0)


def summary_of(name: str) -> dict[str, Any]:
    """Return the cycle summary of a cell's run, columns as the station gives them."""
    kind, coating, cycles = next(
        (kind, coating, cycles) for one, kind, coating, cycles in CELLS if one == name
    )
    cycle = np.arange(1, cycles + 1)
    symmetric = kind is CellKind.SYMMETRIC
    start_s = REST_S + (cycle - 1) * CYCLE_S
    charge_Ah = np.full(cycles, AREA_CM2 * 1e-3) if symmetric else 1.45e-4 * _ratio(name, cycle)
    efficiency = np.ones(cycles) if symmetric else np.where(cycle == 1, 0.91, 0.997)
    growth = 1.0 + (0.002 if coating else 0.05) * cycle
    over_V = 0.05 * growth if symmetric else 0.10 + 0.0005 * cycle
    resistance = over_V / 1e-3
    if symmetric and not coating:
        resistance = np.where(cycle > cycles - 4, 2.0, resistance)
    end_V = (over_V, -over_V) if symmetric else (np.full(cycles, 3.8), np.full(cycles, 2.5))
    first = 1 + (cycle - 1) * 2 * HALF_ROWS
    return {
        "cycle": cycle, "first_sequence": first, "last_sequence": first + 2 * HALF_ROWS - 1,
        "start_time_second": start_s, "end_time_second": start_s + CYCLE_S, "complete": np.ones(cycles, dtype=bool),
        "charging_capacity_ah": charge_Ah, "discharging_capacity_ah": charge_Ah * efficiency,
        "charging_end_voltage_volt": end_V[0], "discharging_end_voltage_volt": end_V[1],
        "coulombic_efficiency": efficiency, "energy_efficiency": efficiency * 0.95,
        "retention": charge_Ah / charge_Ah[0], "polarisation_volt": over_V, "area_resistance_ohm_cm2": resistance,
        "discharging_capacity_mah_per_g": charge_Ah * efficiency * 1e3 / 0.924e-3,
    }  # fmt: skip


def rows_of(name: str, after: int, limit: int) -> dict[str, Any]:
    """Return rows behind a sequence number: a flat half-cycle up, one down."""
    kind, _, cycles = next((kind, coating, cycles) for one, kind, coating, cycles in CELLS if one == name)
    sequence = np.arange(after + 1, min(after + limit, cycles * 2 * HALF_ROWS) + 1)
    part = (sequence - 1) % (2 * HALF_ROWS)
    charging = part < HALF_ROWS
    share = (part % HALF_ROWS) / (HALF_ROWS - 1)
    cycle = 1 + (sequence - 1) // (2 * HALF_ROWS)
    summary = summary_of(name)
    over_V = summary["polarisation_volt"][cycle - 1]
    if kind is CellKind.SYMMETRIC:
        voltage_V = np.where(charging, 1.0, -1.0) * over_V * (1.0 + 0.2 * share**6)
    else:
        voltage_V = np.where(charging, 3.45 + 0.35 * share**8, 3.40 - 0.9 * share**8)
    capacity = summary["charging_capacity_ah"][cycle - 1]
    return {
        "sequence": sequence, "voltage_volt": voltage_V, "step_capacity_ah": share * capacity,
        "step_type": np.where(charging, CHARGING, DISCHARGING), "step_count": 1 + (sequence - 1) // HALF_ROWS,
        "quality": np.zeros(len(sequence)),
    }  # fmt: skip


def series_of(name: str, columns: list[str], width: int) -> dict[str, Any]:
    """Return the thinned series of a run over test time: one column for each row."""
    rows = rows_of(name, 0, 10**6)
    count = len(rows["sequence"])
    time_s = REST_S + rows["sequence"] * CYCLE_S / (2 * HALF_ROWS)
    values = (
        rows["voltage_volt"]
        if columns[0] == "voltage_volt"
        else np.where(rows["step_type"] == 1, 1e-3, -1e-3)
    )
    flags = np.zeros(count, dtype=np.uint8)
    found = {
        "x_first": time_s,
        "x_last": time_s,
        "sequence": rows["sequence"],
        "rows": np.ones(count),
        "flags": flags,
    }
    return found | {f"{columns[0]}_{what}": values for what in ("min", "max", "first", "last")}


def _cell(run_id: str) -> str:
    return str(run_id).removeprefix("run-").split("@")[0]


def study_asks(*more: RunSummary) -> FakeAsks:
    """Return a station that answers for the study's runs; ``more`` are further tests, ids ``run-S1@2``."""
    runs = (*(run_of(name) for name, *_ in CELLS), *more)

    def listed(*, state: str = "", cell: str = "") -> tuple[RunSummary, ...]:
        return tuple(run for run in runs if not cell or run.cell_id == cell)

    def series(
        run_id: str,
        columns: list[str],
        *,
        begin: float | None = None,
        end: float | None = None,
        width: int = 1000,
    ) -> dict[str, Any]:
        return series_of(_cell(run_id), columns, width)

    def records(run_id: str, *, after: int = 0, limit: int = 1000, columns: Any = None) -> dict[str, Any]:
        return rows_of(_cell(run_id), after, limit)

    return FakeAsks({
        "runs.list": listed,
        "runs.cycles": lambda run_id: summary_of(_cell(run_id)),
        "runs.records": records,
        "runs.series": series,
    })  # fmt: skip


def study(*more: RunSummary) -> tuple[Lab, FakeAsks]:
    """Return a lab with the study's cells, and its station."""
    lab = a_lab()
    lab.take_cells(registered())
    return lab, study_asks(*more)


@dataclass
class Desk:
    """What a view tells its window, and the station behind it."""

    lab: Lab
    asks: FakeAsks
    gone: list[tuple[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    troubles: list[Any] = field(default_factory=list)
    followed: list[tuple[str, ...]] = field(default_factory=list)

    def follow(self, owner: object, run_ids: Any) -> None:
        """Note which runs a view follows, as the bridge would."""
        self.followed.append(tuple(run_ids))

    def go(self, view: str, target: Any = None) -> None:
        """Note which view is wanted, and on what."""
        self.gone.append((view, target))

    def context(self, session: Any) -> Context:
        """Return what the window gives to a view."""
        from labctl.gui.parts.view import Context
        from labctl.gui.viewmodels.acts import Acts

        bridge: Any = self
        return Context(
            self.lab, self.asks, Acts(self.asks, lambda: 0.0), bridge, session,
            self.go, self.said.append, self.troubles.append,
        )  # fmt: skip


def study_desk(*more: RunSummary) -> Desk:
    """Return a window's side of the study."""
    return Desk(*study(*more))
