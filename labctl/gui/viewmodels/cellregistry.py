"""The registry as lists: batches with how their cells fare, cells with where they are, and one cell's history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.cellcolumns import KIND_WORDS
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet, natural
from labctl.gui.viewmodels.text import NONE, moment, number
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import Batch, Cell, CellEvent, Electrode, HistoryKind
from labctl.model.run import RunSummary

ENDED = "ended"
FINISHED = "finished"
DEAD = frozenset({"short", "dead", "protect", "tripped"})
"""Outcomes of the newest run after which a cell counts as dead."""
HISTORY_WORDS = {
    HistoryKind.REGISTERED: mark("registry", "registered"), HistoryKind.CORRECTED: mark("registry", "corrected"),
    HistoryKind.LOADED: mark("registry", "loaded"), HistoryKind.EJECTED: mark("registry", "taken out"),
    HistoryKind.RUN: mark("registry", "run"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch, ready to be painted."""

    batch: str
    cells: int
    made_from: str
    electrolyte: str
    made: str
    by: str
    running: int
    done: int
    dead: int
    note: str


@dataclass(frozen=True, slots=True)
class RegisteredRow:
    """One cell, ready to be painted. ``run`` is its newest run."""

    cell_id: str
    name: str
    kind: str
    group: str
    batch: str
    lineage: str
    mass: str
    area: str
    where: str
    runs: int
    run: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a cell's history; ``channel`` is where it was."""

    when: str
    what: str
    where: str
    by: str
    text: str
    channel: str


class Registry:
    """Cells come with the lab; batches, electrodes, runs and histories are asked for."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._batches: dict[str, Batch] = {}
        self._electrodes: dict[str, Electrode] = {}
        self._runs: dict[str, list[RunSummary]] = {}
        self._history: dict[str, tuple[CellEvent, ...]] = {}
        self._watchers: list[Callable[[], None]] = []
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"cell", "channel", "run"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _changed(self, places: frozenset[Place]) -> None:
        if any(topic != "channel" for topic, _ in places):
            self._tell()

    def refresh(self) -> None:
        """Ask for batches, electrodes and runs."""
        self._asks.ask("batches.list", then=self._take_batches, failed=self._failed, deadline_s=30.0)
        self._asks.ask("electrodes.list", then=self._take_electrodes, failed=self._failed, deadline_s=30.0)
        self._asks.ask("runs.list", then=self._take_runs, failed=self._failed, deadline_s=30.0)

    def _take_batches(self, found: Sequence[Batch]) -> None:
        self._batches = {one.batch_id: one for one in found}
        self.trouble = None
        self._tell()

    def _take_electrodes(self, found: Sequence[Electrode]) -> None:
        self._electrodes = {one.electrode_id: one for one in found}
        self._tell()

    def _take_runs(self, found: Sequence[RunSummary]) -> None:
        self._runs = {}
        for run in sorted(found, key=lambda run: run.started_utc):
            self._runs.setdefault(run.cell_id, []).append(run)
        self.trouble = None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    # -- lists --------------------------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """Return the batches that there are, newest name first."""
        known = {cell.batch for cell in self._lab.cells.values() if cell.batch} | set(self._batches)
        return tuple(sorted(known, key=natural, reverse=True))

    def batches(self, text: str = "") -> tuple[BatchRow, ...]:
        """Return the batches that hold the words of a text; cells of none come last."""
        members: dict[str, list[Cell]] = {name: [] for name in self.names()}
        for cell in self._lab.cells.values():
            members.setdefault(cell.batch, []).append(cell)
        rows = [self._batch(name, cells) for name, cells in members.items()]
        return tuple(
            row for row in rows if _fits(text, row.batch, row.made_from, row.electrolyte, row.by, row.note)
        )

    def _batch(self, name: str, cells: list[Cell]) -> BatchRow:
        batch = self._batches.get(name) or Batch(name)
        running = {status.cell_id for status in self._lab.channels.values() if status.run_id}
        last = {cell.cell_id: self._last(cell.cell_id) for cell in cells}
        over = {
            cell_id: run
            for cell_id, run in last.items()
            if run and cell_id not in running and run.state == ENDED
        }
        sources = sorted({self.lineage(cell) for cell in cells} - {""})
        fluids = sorted(
            {cell.electrolyte for cell in cells if cell.electrolyte} | ({batch.electrolyte} - {""})
        )
        made = utc_of(batch.made_utc)
        return BatchRow(
            name, len(cells), ", ".join(sources[:2]) + (" ..." if len(sources) > 2 else "") or NONE,
            ", ".join(fluids) or NONE, NONE if made is None else moment(made, self._lab.utc).partition(" ")[0],
            batch.made_by or NONE, sum(cell.cell_id in running for cell in cells),
            sum(run.outcome == FINISHED for run in over.values()),
            sum(run.outcome in DEAD for run in over.values()), batch.notes,
        )  # fmt: skip

    def cells(self, text: str = "", batch: str | None = None) -> tuple[RegisteredRow, ...]:
        """Return the cells that hold the words of a text, of one batch or of all."""
        bench = cabinet(self._lab.channels)
        where = {
            status.cell_id: bench.label(name) for name, status in self._lab.channels.items() if status.cell_id
        }
        rows = [
            self._cell(cell, where.get(cell.cell_id, ""))
            for cell in sorted(self._lab.cells.values(), key=lambda cell: natural(cell.cell_id))
            if batch is None or cell.batch == batch
        ]
        return tuple(row for row in rows if _fits(text, row.cell_id, row.name, row.kind, row.group, row.batch,
                                                  row.lineage, row.where, row.run))  # fmt: skip

    def _cell(self, cell: Cell, where: str) -> RegisteredRow:
        last, runs = self._last(cell.cell_id), self._runs.get(cell.cell_id, [])
        area_cm2, mass_mg = cell.effective_area_cm2, cell.active_mass_mg
        kind = KIND_WORDS[cell.kind]
        run = "" if last is None else f"{last.protocol} {last.outcome or last.state}".strip()
        return RegisteredRow(
            cell.cell_id, cell.name, tr("cells", kind) if kind == "other" else kind, cell.coating or NONE,
            cell.batch or NONE, self.lineage(cell) or NONE, NONE if mass_mg is None else number(mass_mg, 3),
            NONE if area_cm2 is None else number(area_cm2, 3), where or NONE, len(runs), run or NONE,
        )  # fmt: skip

    def _last(self, cell_id: str) -> RunSummary | None:
        found = self._runs.get(cell_id)
        return found[-1] if found else None

    def lineage(self, cell: Cell) -> str:
        """Return what a cell was made from, the sheet first: ``D-0117 > E12``."""
        chain: list[str] = []
        name = cell.electrode
        while name and name not in chain and len(chain) < 8:
            chain.append(name)
            name = self._electrodes[name].parent if name in self._electrodes else ""
        return " > ".join(reversed(chain))

    # -- one cell -----------------------------------------------------------------------------------------------------

    def ask_history(self, cell_id: str) -> None:
        """Ask where a cell was and what ran on it."""

        def take(found: Sequence[CellEvent]) -> None:
            self._history[cell_id] = tuple(found)
            self._tell()

        self._asks.ask("cells.history", cell_id, then=take, failed=self._failed)

    def history(self, cell_id: str) -> tuple[HistoryRow, ...]:
        """Return a cell's history, newest first; empty until it has come."""
        bench = cabinet(self._lab.channels)
        return tuple(
            HistoryRow(
                moment(utc_of(one.utc), self._lab.plant_utc), tr("registry", HISTORY_WORDS[one.kind]),
                bench.label(one.channel) if one.channel else "", one.by, one.text, str(one.channel or ""),
            )
            for one in reversed(self._history.get(cell_id, ()))
        )  # fmt: skip


def _fits(text: str, *parts: str) -> bool:
    whole = " ".join(parts).casefold()
    return all(word in whole for word in text.casefold().split())
