"""Compare cells: groups in one colour everywhere, dashes by cell, raw or per gram or per area without reload (U07)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.cyclecurves import CycleCurves, CycleList, HalfCurve, cycle_list
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.figures import Figures, figures_of
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.text import duration, figures, number
from labctl.gui.viewmodels.traces import RunTrace
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.run import RunSummary

NAN = float("nan")
RUNS_MAX = 64


class Per(StrEnum):
    """What charges and currents are divided by."""

    RAW = "raw"
    GRAM = "g"
    AREA = "cm2"


PER_WORDS: Mapping[Per, str] = {Per.RAW: mark("compare", "raw"), Per.GRAM: "mAh/g", Per.AREA: "mAh/cm²"}
CHARGE_UNITS: Mapping[Per, str] = {Per.RAW: "mAh", Per.GRAM: "mAh/g", Per.AREA: "mAh/cm²"}


class GroupBy(StrEnum):
    """How runs are put into groups when they are added; a person may move them."""

    COATING = "coating"
    BATCH = "batch"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Member:
    """One run in the comparison. ``name`` is what a person calls it; empty = the cell."""

    run_id: str
    cell_id: str
    group: str
    name: str = ""
    hidden: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree, ready to be painted: colour of its group, dash of its place in it, a word on its life."""

    run_id: str
    title: str
    group: str
    colour: int
    dash: int
    hidden: bool
    pinned: bool
    note: str
    why_not: str


@dataclass(frozen=True, slots=True)
class CurveOf:
    """A half-cycle to draw with how it is to look; charge in the chosen unit, V. ``cycle_share`` is its place on the
    ramp of cycles, 0 first to 1 last.
    """

    line: Line
    half: HalfCurve
    factor: float
    cycle_share: float


class Compare:
    """The comparison of one view; all changes are edits."""

    def __init__(self, lab: Lab, asks: Asks, curves: CycleCurves | None = None) -> None:
        self._lab = lab
        self._asks = asks
        self._curves = curves or CycleCurves(asks)
        self._members: tuple[Member, ...] = ()
        self._runs: dict[str, RunSummary] = {}
        self._figures: dict[str, Figures] = {}
        self._cycles: dict[str, Mapping[str, Any]] = {}
        self._traces: dict[tuple[str, str], RunTrace] = {}
        self._watchers: list[Callable[[], None]] = []
        self.per = Per.RAW
        self.cycles = CycleList((1,))
        self.troubles: dict[str, Trouble] = {}
        self._curves.watch(lambda run_id: self._tell())

    def close(self) -> None:
        """Watch no more."""
        for trace in self._traces.values():
            trace.close()
        self._traces.clear()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    @property
    def members(self) -> tuple[Member, ...]:
        """Return the runs that are compared."""
        return self._members

    def _set(self, members: tuple[Member, ...]) -> None:
        self._members = members
        for member in members:
            if member.run_id not in self._cycles:
                self._cycles[member.run_id] = {}
                self._asks.ask("runs.cycles", member.run_id, then=partial(self._take, member.run_id),
                               failed=partial(self._failed, member.run_id))  # fmt: skip
        kept = {member.run_id for member in members}
        for key in [key for key in self._traces if key[0] not in kept]:
            self._traces.pop(key).close()
        self._tell()

    def _edit(self, text: str, members: Sequence[Member]) -> Edit | None:
        before, after = self._members, tuple(members)
        return None if before == after else Edit(text, lambda: self._set(after), lambda: self._set(before))

    def _take(self, run_id: str, answer: Mapping[str, Any]) -> None:
        self._cycles[run_id], self._figures[run_id] = answer, figures_of(answer)
        self.troubles.pop(run_id, None)
        if self._figures[run_id].cycles:
            self._curves.take_cycles(run_id, answer)
        self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        self._cycles.pop(run_id, None)
        self.troubles[run_id] = trouble
        self._tell()

    # -- edits ------------------------------------------------------------------------------------------------------

    def add(self, runs: Sequence[RunSummary], by: GroupBy = GroupBy.COATING) -> Edit | None:
        """Return the edit that adds runs, each in the group that its cell says."""
        known = {member.run_id for member in self._members}
        fresh = [run for run in runs if run.run_id not in known][: RUNS_MAX - len(known)]
        self._runs.update({run.run_id: run for run in fresh})
        made = [Member(run.run_id, run.cell_id, self._group(run, by)) for run in fresh]
        return self._edit(tr("compare", "add {n} runs").format(n=len(made)), [*self._members, *made])

    def _group(self, run: RunSummary, by: GroupBy) -> str:
        cell = self._lab.cells.get(run.cell_id)
        if by is GroupBy.PROTOCOL:
            return run.protocol
        found = "" if cell is None else cell.batch if by is GroupBy.BATCH else cell.coating
        return found or (tr("compare", "no batch") if by is GroupBy.BATCH else tr("compare", "pristine"))

    def remove(self, run_ids: Collection[str]) -> Edit | None:
        """Return the edit that takes runs out."""
        return self._edit(
            tr("compare", "remove runs"), [one for one in self._members if one.run_id not in run_ids]
        )

    def change(self, run_ids: Collection[str], **changes: Any) -> Edit | None:
        """Return the edit that moves to a ``group``, gives a ``name``, or sets ``hidden`` or ``pinned`` (R9)."""
        made = [replace(one, **changes) if one.run_id in run_ids else one for one in self._members]
        return self._edit(tr("compare", "change {what}").format(what=", ".join(changes)), made)

    def set_per(self, per: Per) -> Edit | None:
        """Return the edit that switches raw, per gram, per area; nothing is loaded again."""
        before = self.per
        return (
            None
            if before is per
            else Edit(tr("compare", "unit"), lambda: self._put_per(per), lambda: self._put_per(before))
        )

    def _put_per(self, per: Per) -> None:
        self.per = per
        self._tell()

    def set_cycles(self, text: str) -> str:
        """Choose the cycles to draw; returns what cannot be read, empty when it is set."""
        found = cycle_list(text)
        if not found.problem:
            self.cycles = found
            self._tell()
        return found.problem

    # -- what is shown ----------------------------------------------------------------------------------------------

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups in their order; a group keeps its colour in every panel."""
        return tuple(dict.fromkeys(member.group for member in self._members))

    def lines(self) -> tuple[Line, ...]:
        """Return the tree, group by group."""
        found = []
        for colour, group in enumerate(self.groups):
            inside = [member for member in self._members if member.group == group]
            for dash, member in enumerate(inside):
                cell = self._lab.cells.get(member.cell_id)
                title = member.name or (member.cell_id if cell is None else cell.name)
                why = self.factor(member)[1]
                found.append(Line(member.run_id, title, group, colour, dash, member.hidden, member.pinned,
                                  self._note(member.run_id), why))  # fmt: skip
        return tuple(found)

    def _note(self, run_id: str) -> str:
        """Return a word on the run's life: what ended it, or what is left of its capacity."""
        run, known = self._runs.get(run_id), self._figures.get(run_id, Figures())
        if run is not None and run.outcome in ("short", "dead", "tripped", "protect"):
            return f"{run.outcome} {duration(run.test_time_s)}" if run.test_time_s else run.outcome
        if math.isfinite(known.retention):
            return tr("compare", "{kept} % at {n}").format(
                kept=number(known.retention * 100.0, 0), n=known.cycles
            )
        return "" if run is None else tr("compare", "{n} cycles").format(n=known.cycles or run.cycle)

    def factor(self, member: Member) -> tuple[float, str]:
        """Return what an Ah is multiplied by for the chosen unit, and why it cannot be (mass or area missing)."""
        cell = self._lab.cells.get(member.cell_id)
        if self.per is Per.RAW:
            return 1e3, ""
        if self.per is Per.GRAM:
            mass_mg = None if cell is None else cell.active_mass_mg
            return (1e6 / mass_mg, "") if mass_mg else (NAN, tr("compare", "no active mass is registered"))
        area_cm2 = None if cell is None else cell.effective_area_cm2
        return (1e3 / area_cm2, "") if area_cm2 else (NAN, tr("compare", "no area is registered"))

    def curves(self) -> tuple[CurveOf, ...]:
        """Return the chosen cycles of the shown runs; those that are not there yet are asked for."""
        wanted = self.cycles.cycles
        share = {cycle: place / max(1, len(wanted) - 1) for place, cycle in enumerate(sorted(wanted))}
        found = []
        members = {member.run_id: member for member in self._members}
        for line in self.lines():
            factor, why = self.factor(members[line.run_id])
            if line.hidden or why:
                continue
            for half in self._curves.of(line.run_id, wanted):
                found.append(CurveOf(line, half, factor, share.get(half.cycle, 0.0)))
        return tuple(found)

    def by_cycle(self, run_id: str, column: str) -> tuple[Sequence[float], Sequence[float]]:
        """Return cycle numbers and a column of the summary (capacity in the chosen unit, efficiency in %)."""
        columns = self._cycles.get(run_id) or {}
        try:
            cycles, values = list(columns["cycle"]), [NAN if v is None else float(v) for v in columns[column]]
        except KeyError:
            return (), ()
        scale = 1.0
        if column.endswith("capacity_ah"):
            member = next(one for one in self._members if one.run_id == run_id)
            scale = self.factor(member)[0]
        elif column in ("coulombic_efficiency", "energy_efficiency", "retention"):
            scale = 100.0
        return cycles, [value * scale for value in values]

    def trace(self, run_id: str, column: str = "voltage_volt") -> RunTrace:
        """Return the curve of a run over time; kept while the run is compared."""
        key = (run_id, column)
        if key not in self._traces:
            self._traces[key] = RunTrace(self._lab, self._asks, run_id, column)
        return self._traces[key]

    def life(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the table of lives: for each figure its mean in every group, in the order of ``groups``."""
        groups = self.groups
        wanted: tuple[tuple[str, Callable[[Figures], float], int], ...] = (
            (tr("compare", "capacity kept / %"), lambda one: one.retention * 100.0, 3),
            (tr("compare", "CE / %"), lambda one: one.efficiency * 100.0, 4),
            (tr("compare", "overpotential / mV"), lambda one: one.overpotential_V * 1e3, 3),
        )
        rows = []
        for title, value, digits in wanted:
            texts = []
            for group in groups:
                known = [
                    value(self._figures.get(one.run_id, Figures()))
                    for one in self._members
                    if one.group == group
                ]
                good = [found for found in known if math.isfinite(found)]
                mean = figures(sum(good) / len(good), digits) if good else "-"
                texts.append(f"{mean} (n={len(good)})" if len(good) > 1 else mean)
            rows.append((title, tuple(texts)))
        return tuple(rows)
