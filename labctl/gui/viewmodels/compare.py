"""Compare cells: groups in one colour everywhere, dashes by cell, raw or per gram or per area without reload (U07)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.comparing import (
    BARE,
    NO_BATCH,
    ColourBy,
    DashBy,
    GroupBy,
    Line,
    Member,
    Options,
    Per,
    XBy,
    charge_scale,
    colours_of,
    current_scale,
    group_of,
    group_word,
    options_from_plain,
    options_to_plain,
)
from labctl.gui.viewmodels.cyclecurves import CycleCurves, CycleList, HalfCurve, cycle_list
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.figures import Figures, figures_of
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.lives import life_of, life_word
from labctl.gui.viewmodels.text import duration, figures, number
from labctl.gui.viewmodels.traces import RunTrace
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import Cell, CellKind
from labctl.model.run import RunSummary

NAN = float("nan")
RUNS_MAX = 64
AGAIN_S = 5.0
"""Link seconds before the cycles of a running run are asked for again at the earliest."""
ENDS: Mapping[str, str] = {
    "short": mark("compare", "short"),
    "dead": mark("compare", "dead"),
    "tripped": mark("compare", "tripped"),
    "protect": mark("compare", "protected"),
}
"""How runs end that did not end as planned."""


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
        self._options = Options()
        self._runs: dict[str, RunSummary] = {}
        self._figures: dict[str, Figures] = {}
        self._cycles: dict[str, Mapping[str, Any]] = {}
        self._asked: dict[str, tuple[int, float]] = {}
        self._traces: dict[tuple[str, str], RunTrace] = {}
        self._watchers: list[Callable[[], None]] = []
        self.revision = 0
        """Counts what changes the curves: a plot is made anew only then."""
        self.troubles: dict[str, Trouble] = {}
        self._unwatch = [
            self._curves.watch(lambda run_id: self._tell()),
            lab.watch({"run", "cell", "link"}, self._changed),
        ]

    def close(self) -> None:
        """Watch no more."""
        for unwatch in self._unwatch:
            unwatch()
        for trace in self._traces.values():
            trace.close()
        self._traces.clear()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        self.revision += 1
        for observer in tuple(self._watchers):
            observer()

    @property
    def members(self) -> tuple[Member, ...]:
        """Return the runs that are compared."""
        return self._members

    @property
    def options(self) -> Options:
        """Return how they are drawn."""
        return self._options

    @property
    def per(self) -> Per:
        """Return what charges are divided by."""
        return self._options.per

    @property
    def cycles(self) -> CycleList:
        """Return the cycles whose curves are drawn: the person's list within the chosen range."""
        first, last = self._options.first_cycle, self._options.last_cycle or self.last_cycle
        found = cycle_list(self._options.cycles)
        return CycleList(
            tuple(cycle for cycle in found.cycles if first <= cycle <= max(first, last)), found.problem
        )

    @property
    def last_cycle(self) -> int:
        """Return the highest cycle that a compared run has."""
        return max(
            (self._figures[one.run_id].cycles for one in self._members if one.run_id in self._figures),
            default=0,
        )

    # -- data -------------------------------------------------------------------------------------------------------

    def _put(self, members: tuple[Member, ...], options: Options) -> None:
        self._members, self._options = members, options
        for member in members:
            if member.run_id not in self._asked:
                self._ask_cycles(member.run_id)
        kept = {member.run_id for member in members}
        for key in [key for key in self._traces if key[0] not in kept]:
            self._traces.pop(key).close()
        self._tell()

    def _ask_cycles(self, run_id: str) -> None:
        live = self._lab.runs.get(run_id)
        self._asked[run_id] = (live.cycle if live is not None else -1, self._lab.now_s)
        self._asks.ask(
            "runs.cycles", run_id, then=partial(self._take, run_id), failed=partial(self._failed, run_id)
        )

    def _take(self, run_id: str, answer: Mapping[str, Any]) -> None:
        self._cycles[run_id], self._figures[run_id] = answer, figures_of(answer)
        self.troubles.pop(run_id, None)
        if self._figures[run_id].cycles:
            self._curves.take_cycles(run_id, answer)
        self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        self._asked.pop(run_id, None)
        self.troubles[run_id] = trouble
        self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        """Ask again: of runs that have more cycles or are gone from the news, and what failed once the link is back."""
        mine = {member.run_id for member in self._members}
        if ("link", "station") in places and self._lab.link.live:
            for run_id in sorted(mine & self.troubles.keys()):
                self._ask_cycles(run_id)
        cells = {key for topic, key in places if topic == "cell"}
        if cells & {member.cell_id for member in self._members}:
            self._tell()
        for topic, run_id in places:
            if topic != "run" or run_id not in mine:
                continue
            live, (cycle, asked_s) = self._lab.runs.get(run_id), self._asked.get(run_id, (-1, -math.inf))
            if live is None:
                cell_id = self._runs[run_id].cell_id if run_id in self._runs else ""
                self._asks.ask("runs.list", cell=cell_id, then=self._take_runs)
                self._ask_cycles(run_id)
            elif live.cycle > cycle and self._lab.now_s - asked_s >= AGAIN_S:
                self._ask_cycles(run_id)

    def _take_runs(self, runs: Sequence[RunSummary]) -> None:
        self._runs.update({run.run_id: run for run in runs if run.run_id in self._runs})
        self._tell()

    def running(self) -> tuple[str, ...]:
        """Return the shown runs that go on: their live rows are wanted."""
        return tuple(one.run_id for one in self._members if one.run_id in self._lab.runs and not one.hidden)

    def run(self, run_id: str) -> RunSummary | None:
        """Return what the list of runs says of a run."""
        return self._runs.get(run_id)

    def cell(self, member: Member) -> Cell | None:
        """Return the registered cell of a member, None where the registry has it not."""
        return self._lab.cells.get(member.cell_id)

    def columns(self, run_id: str) -> Mapping[str, Any]:
        """Return a run's cycle summary; empty before it is there."""
        found = self._cycles.get(run_id)
        return {} if found is None else found

    def figures(self, run_id: str) -> Figures:
        """Return what a run's cycles say."""
        return self._figures.get(run_id, Figures())

    @property
    def waiting(self) -> int:
        """Return how many runs have not answered yet."""
        return sum(
            one.run_id not in self._cycles and one.run_id not in self.troubles for one in self._members
        )

    # -- edits ------------------------------------------------------------------------------------------------------

    def _edit(
        self, text: str, members: Sequence[Member] | None = None, options: Options | None = None
    ) -> Edit | None:
        before = (self._members, self._options)
        after = (before[0] if members is None else tuple(members), options or before[1])
        return None if before == after else Edit(text, lambda: self._put(*after), lambda: self._put(*before))

    def add(self, runs: Sequence[RunSummary], by: GroupBy = GroupBy.COATING) -> Edit | None:
        """Return the edit that adds runs, each in the group that its cell says."""
        known = {member.run_id for member in self._members}
        fresh = [run for run in runs if run.run_id not in known][: RUNS_MAX - len(known)]
        self._runs.update({run.run_id: run for run in fresh})
        made = [Member(run.run_id, run.cell_id, self._group(run, by)) for run in fresh]
        return self._edit(tr("compare", "add {n} runs").format(n=len(made)), [*self._members, *made])

    def replace_all(
        self, members: Sequence[Member], runs: Sequence[RunSummary], options: Options
    ) -> Edit | None:
        """Return the edit that compares other runs in another way (a report of a comparison, a kept view)."""
        self._runs.update({run.run_id: run for run in runs})
        return self._edit(tr("compare", "take a comparison over"), members, options)

    def _group(self, run: RunSummary, by: GroupBy) -> str:
        cell = self._lab.cells.get(run.cell_id)
        if by is GroupBy.PROTOCOL:
            return run.protocol
        if by is GroupBy.CELL:
            return run.cell_name or run.cell_id
        if by is GroupBy.BATCH:
            return (cell.batch if cell is not None else "") or NO_BATCH
        return group_of(cell.coating if cell is not None else "")

    def remove(self, run_ids: Collection[str]) -> Edit | None:
        """Return the edit that takes runs out."""
        kept = [one for one in self._members if one.run_id not in run_ids]
        return self._edit(tr("compare", "remove runs"), kept)

    def change(self, run_ids: Collection[str], **changes: Any) -> Edit | None:
        """Return the edit that moves to a ``group``, gives a ``name``, or sets ``hidden`` or ``pinned`` (R9)."""
        made = [replace(one, **changes) if one.run_id in run_ids else one for one in self._members]
        return self._edit(tr("compare", "change {what}").format(what=", ".join(changes)), made)

    def rename_group(self, group: str, name: str) -> Edit | None:
        """Return the edit that gives a group another name; its colour stays."""
        name = self.group_named(name)
        if name in ("", group):
            return None
        colours = {**self._options.colours, name: self.colours[group]}
        colours.pop(group, None)
        made = [replace(one, group=name) if one.group == group else one for one in self._members]
        return self._edit(tr("compare", "rename a group"), made, replace(self._options, colours=colours))

    def group_named(self, name: str) -> str:
        """Return the group that a person means by a name: one that is called so on screen, else a new one."""
        return next((group for group in self.groups if group_word(group) == name.strip()), name.strip())

    def recolour(self, group: str, colour: int) -> Edit | None:
        """Return the edit that gives a group another of the theme's curve colours."""
        colours = {**self._options.colours, group: colour}
        return self._edit(tr("compare", "colour of a group"), None, replace(self._options, colours=colours))

    def set(self, **changes: Any) -> Edit | None:
        """Return the edit that changes options: units, axes, spread; nothing is loaded again."""
        return self._edit(tr("compare", "change the plots"), None, replace(self._options, **changes))

    def set_per(self, per: Per) -> Edit | None:
        """Return the edit that switches raw, per gram, per area; nothing is loaded again."""
        return self.set(per=per)

    def set_cycles(self, text: str) -> tuple[Edit | None, str]:
        """Return the edit that chooses the cycles to draw, and what cannot be read (then there is no edit)."""
        found = cycle_list(text)
        return (None, found.problem) if found.problem else (self.set(cycles=text.strip()), "")

    # -- what is shown ----------------------------------------------------------------------------------------------

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups in their order; a group keeps its colour in every panel."""
        return tuple(dict.fromkeys(member.group for member in self._members))

    @property
    def colours(self) -> Mapping[str, int]:
        """Return the colour of each group: a place in the theme's curve colours."""
        bare = frozenset(
            one.group for one in self._members
            if (cell := self._lab.cells.get(one.cell_id)) is not None and cell.coating.casefold() in BARE
        )  # fmt: skip
        coated = frozenset(
            one.group for one in self._members
            if (cell := self._lab.cells.get(one.cell_id)) is not None and cell.coating.casefold() not in BARE
        )  # fmt: skip
        return colours_of(self.groups, self._options.colours, bare - coated)

    def lines(self) -> tuple[Line, ...]:
        """Return the tree, group by group."""
        found: list[Line] = []
        options, colours = self._options, self.colours
        for group in self.groups:
            inside = [member for member in self._members if member.group == group]
            cells = list(dict.fromkeys(member.cell_id for member in inside))
            for member in inside:
                by_cell = options.colour_by is ColourBy.CELL
                colour = len(found) % 6 if by_cell else colours[group]
                dash = 0 if options.dash_by is DashBy.NONE else cells.index(member.cell_id)
                found.append(Line(member.run_id, self.title(member), group, colour, dash, member.hidden, member.pinned,
                                  self._note(member.run_id), self.factor(member)[1],
                                  member.run_id in self._lab.runs))  # fmt: skip
        return tuple(found)

    def title(self, member: Member) -> str:
        """Return what a member is called: its own name, or the cell with the number of its test."""
        cell = self._lab.cells.get(member.cell_id)
        title = member.name or (member.cell_id if cell is None else cell.name)
        tests = self.tests(member.cell_id)
        return f"{title} #{tests.index(member.run_id) + 1}" if len(tests) > 1 and not member.name else title

    def tests(self, cell_id: str) -> list[str]:
        """Return the compared runs of a cell, oldest first."""
        runs = [one.run_id for one in self._members if one.cell_id == cell_id]
        return sorted(
            runs, key=lambda run_id: (self._runs[run_id].started_utc if run_id in self._runs else "", run_id)
        )

    def before(self, member: Member) -> tuple[float, int]:
        """Return the test time (s) and the cycles of the cell's earlier compared tests, where they are chained."""
        if not self._options.chained:
            return 0.0, 0
        tests = self.tests(member.cell_id)
        earlier = tests[: tests.index(member.run_id)]
        time_s = sum(self._runs[run_id].test_time_s for run_id in earlier if run_id in self._runs)
        return time_s, sum(self.figures(run_id).cycles for run_id in earlier)

    def _note(self, run_id: str) -> str:
        """Return a word on the run's life: what ended it, or what is left of its capacity."""
        run, known = self._runs.get(run_id), self.figures(run_id)
        if run_id in self.troubles:
            return tr("compare", "cannot be read")
        if run is not None and run.outcome in ENDS:
            word = tr("compare", ENDS[run.outcome])
            return f"{word} {duration(run.test_time_s)}" if run.test_time_s else word
        cell, life = self._lab.cells.get(run.cell_id if run else ""), life_of(self.columns(run_id))
        if cell is not None and cell.kind is CellKind.SYMMETRIC and life is not None:
            return (
                tr("compare", "alive {h} h").format(h=figures(life.life_h, 3))
                if not life.reached
                else life_word(life)
            )
        if math.isfinite(known.retention):
            kept = number(known.retention * 100.0, 0)
            return tr("compare", "{kept} % at {n}").format(kept=kept, n=known.cycles)
        return "" if run is None else tr("compare", "{n} cycles").format(n=known.cycles or run.cycle)

    def factor(self, member: Member) -> tuple[float, str]:
        """Return what an Ah is multiplied by for the chosen unit, and why it cannot be (mass or area missing)."""
        return self._scaled(member, charge_scale(self.per).factor)

    def current_factor(self, member: Member) -> float:
        """Return what an A is multiplied by for the chosen unit; NaN where mass or area is missing."""
        return self._scaled(member, current_scale(self.per).factor)[0]

    def _scaled(self, member: Member, factor: float) -> tuple[float, str]:
        cell = self._lab.cells.get(member.cell_id)
        if self.per is Per.GRAM:
            mass_mg = None if cell is None else cell.active_mass_mg
            why = "" if mass_mg else tr("compare", "no active mass is registered")
            return (factor * 1e3 / mass_mg if mass_mg else NAN), why
        if self.per is Per.AREA:
            area_cm2 = None if cell is None else cell.effective_area_cm2
            return (factor / area_cm2, "") if area_cm2 else (NAN, tr("compare", "no area is registered"))
        return factor, ""

    def curves(self, run_ids: Collection[str] | None = None) -> tuple[CurveOf, ...]:
        """Return the chosen cycles of the shown runs (all, or some); those that are not there yet are asked for."""
        wanted = self.cycles.cycles
        least, most = min(wanted, default=0), max(wanted, default=0)
        found = []
        members = {member.run_id: member for member in self._members}
        for line in self.lines():
            factor, why = self.factor(members[line.run_id])
            if line.hidden or why or (run_ids is not None and line.run_id not in run_ids):
                continue
            for half in self._curves.of(line.run_id, wanted):
                found.append(CurveOf(line, half, factor, (half.cycle - least) / max(1, most - least)))
        return tuple(found)

    def by_cycle(self, run_id: str, column: str) -> tuple[Sequence[float], Sequence[float]]:
        """Return cycle numbers and a column of the summary (capacity in the chosen unit, efficiency in %).

        A cycle that goes on has no value yet: its first minutes would look like a fall.
        """
        columns = self.columns(run_id)
        try:
            cycles, values = list(columns["cycle"]), [NAN if v is None else float(v) for v in columns[column]]
        except KeyError:
            return (), ()
        scale = 1.0
        whole = columns["complete"] if "complete" in columns else [True] * len(values)
        values = [value if good else NAN for value, good in zip(values, whole, strict=True)]
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

    # -- kept -------------------------------------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """Return what is compared and how, as JSON says it."""
        return {"members": [asdict(one) for one in self._members], "options": options_to_plain(self._options)}

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Compare what was kept; runs that the station does not have any more are left out. Not an edit."""
        options = options_from_plain(plain.get("options") or {})
        kept = [
            Member(**one)
            for one in plain.get("members") or ()
            if set(one) == set(Member.__dataclass_fields__)
        ]

        def take(runs: Sequence[RunSummary]) -> None:
            known: dict[str, RunSummary] = {run.run_id: run for run in runs}
            self._runs.update(known)
            self._put(tuple(one for one in kept if one.run_id in known), options)

        if kept and not self._members:
            self._asks.ask("runs.list", then=take)
        elif not self._members:
            self._put((), options)


__all__ = [
    "ColourBy", "Compare", "CurveOf", "DashBy", "GroupBy", "Line", "Member", "Options",
    "Per", "XBy",
]  # fmt: skip
