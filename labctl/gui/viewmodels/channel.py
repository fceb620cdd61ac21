"""One channel in detail: read-outs with unit, quality and age, the steps done, now and next, limits with their room."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.allowed import channel_why_not, runs_now
from labctl.gui.viewmodels.figures import CellFigures, Figures
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.programlines import ProgramLine, program_lines
from labctl.gui.viewmodels.text import (
    FieldUnits,
    age,
    clock_time,
    duration,
    figures,
    moment,
    number,
    quantity,
    shared,
)
from labctl.gui.viewmodels.tiles import is_coarse, is_symmetric, state_word, voltage_text
from labctl.gui.viewmodels.words import tr
from labctl.model.bench import ChannelStatus
from labctl.model.cell import Cell
from labctl.model.record import QUALITY_GOOD
from labctl.model.run import RunDetail

NAN = float("nan")
LIVE_READOUTS = frozenset({"voltage", "current", "charge", "temperature", "step_time"})
"""Read-outs of what is read live; the others are of a cycle that is over, or a forecast."""
VERBS = ("runs.pause_at_step_end", "runs.pause", "runs.resume", "runs.stop", "runs.skip", "runs.note", "queue.submit",
         "channels.load", "channels.eject", "channels.reset")  # fmt: skip
"""What the action bar and the context menu of a channel offer (U21)."""


@dataclass(frozen=True, slots=True)
class Head:
    """The view's head: which channel, which cell, which protocol at which revision, what it does now."""

    label: str
    cell: str
    facts: str
    protocol: str
    revision: str
    glyph: str
    token: str
    step: str
    cycle: str
    device: str


@dataclass(frozen=True, slots=True)
class Readout:
    """One number with its unit and the line under it; ``muted`` while it is stale (R13, U22)."""

    id: str
    title: str
    value: str
    unit: str
    under: str
    muted: bool = False

    @property
    def is_live(self) -> bool:
        """Tell whether it is read live: it has a quality and an age."""
        return self.id in LIVE_READOUTS


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of the program and where the run is: ``done``, ``now``, ``next`` or empty."""

    line: ProgramLine
    state: str


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit: what is read now, the limit, and how much of the way to it is used (0 to 1, NaN unknown).

    ``layer`` is L5 for one of the step, L4 for one of the program (which already has the tightest of the layers above).
    """

    name: str
    now: str
    limit: str
    layer: str
    used: float
    tightest: bool = False


@dataclass(frozen=True, slots=True)
class LiveRow:
    """The newest stored row of the run."""

    sequence: int = 0
    step_id: int = 0
    step_type: int = -1
    step_time_s: float = NAN
    step_capacity_Ah: float = NAN
    voltage_V: float = NAN
    current_A: float = NAN
    good: bool = True


class ChannelModel:
    """One channel as the detail view shows it. ``show`` chooses it; ``watch`` tells of changes."""

    def __init__(
        self, lab: Lab, acts: Acts, figures_of: CellFigures, units: FieldUnits | None = None
    ) -> None:
        self._lab = lab
        self._acts = acts
        self._figures = figures_of
        self._units = units or FieldUnits()
        self._watchers: list[Callable[[], None]] = []
        self._row = LiveRow()
        self._lines: tuple[ProgramLine, ...] = ()
        self._asked = ""
        self.channel = ""
        self.detail: RunDetail | None = None
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"channel", "rows", "run", "link", "cell"}, self._changed)
        figures_of.watch(lambda channels: self._tell() if self.channel in channels else None)

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

    def show(self, channel: str) -> None:
        """Show a channel; asks for its run's program and its cycles."""
        self.channel = channel
        self._row, self._lines, self.detail, self._asked = LiveRow(), (), None, ""
        self._want()
        self._tell()

    @property
    def status(self) -> ChannelStatus | None:
        """Return how the channel stands, None where the station knows none of that name."""
        return self._lab.channels.get(self.channel)

    @property
    def run_id(self) -> str:
        """Return the run in the channel, empty where there is none."""
        status = self.status
        return "" if status is None else status.run_id

    def _want(self) -> None:
        run_id = self.run_id
        if run_id and run_id != self._asked and self._lab.link.live:
            self._asked = run_id
            self._acts.ask("runs.get", run_id, then=self._take, failed=self._failed)
            self._figures.want([self.channel])

    def refresh(self) -> None:
        """Ask for the program anew: a revision was taken over."""
        self._asked = ""
        self._want()

    def _take(self, detail: RunDetail) -> None:
        if detail.summary.run_id == self.run_id:
            self.detail, self.trouble = detail, None
            self._lines = program_lines(self.program)
            self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    @property
    def program(self) -> Mapping[str, Any]:
        """Return the run's bound program, of its newest revision; empty before it is known."""
        manifest = {} if self.detail is None else self.detail.manifest
        revisions = manifest.get("revisions") or []
        newest = revisions[-1].get("program") if revisions else None
        found: Mapping[str, Any] = newest or manifest.get("program") or {}
        return found

    def _changed(self, places: frozenset[Place]) -> None:
        run_id = self.run_id
        if ("rows", run_id) in places:
            for rows in self._lab.rows:
                if rows.run_id == run_id and len(rows):
                    self._row = row_of(rows.columns)
        if ("channel", self.channel) in places and run_id != self._asked:
            self._row, self._lines, self.detail = LiveRow(), (), None
            self._want()
        ours = {("channel", self.channel), ("rows", run_id), ("run", run_id), ("link", "station")}
        if ours & places or any(topic == "cell" for topic, _ in places):
            self._tell()

    # -- what is shown ----------------------------------------------------------------------------------------------

    def cell(self) -> Cell | None:
        """Return the registered cell in the channel."""
        status = self.status
        return None if status is None else self._lab.cells.get(status.cell_id)

    def head(self) -> Head:
        """Return the head of the view."""
        status, cell = self.status, self.cell()
        label = cabinet(self._lab.channels).label(self.channel)
        if status is None:
            return Head(
                label,
                "",
                tr("channel", "The station knows no such channel."),
                "",
                "",
                "unknown",
                "muted",
                "",
                "",
                "",
            )
        word = state_word(self._lab, status)
        facts = []
        if cell is not None:
            facts = [" | ".join(part for part in (cell.coating, cell.electrolyte) if part)]
            facts += [f"{figures(cell.active_mass_mg, 4)} mg" if cell.active_mass_mg else ""]
            facts += [f"{figures(cell.effective_area_cm2, 4)} cm²" if cell.effective_area_cm2 else ""]
        revision = ""
        if self.detail is not None and self.detail.revisions:
            newest = self.detail.revisions[-1]
            revision = tr("channel", "rev {n}  #{hash}").format(
                n=newest.revision, hash=newest.protocol_hash[:4]
            )
        step = name = status.step_kind or word.short
        if status.step_number and status.step_kind:
            step = tr("channel", "{name} step {n} / {all}").format(
                name=name, n=status.step_number, all=status.steps
            )
        cycle = (
            tr("channel", "cycle {n} / {all}").format(n=status.cycle, all=status.cycles)
            if status.cycles
            else ""
        )
        return Head(label, status.cell_name or status.cell_id, " · ".join(part for part in facts if part),
                    status.protocol, revision, word.glyph.value, word.token.value, step, cycle,
                    f"{status.channel} {word.told}")  # fmt: skip

    def readouts(self) -> tuple[Readout, ...]:
        """Return the read-outs, in their order on the strip; empty without a channel."""
        status = self.status
        if status is None:
            return ()
        stale = self._lab.stale(self.channel) or status.state in ("stale", "unknown")
        cycles = self._figures.of(self.channel) or Figures()
        shown = voltage_text(status.voltage_V, symmetric=is_symmetric(self._lab, status))
        volts = number(status.voltage_V, 4) if shown.unit == "V" else shown.number
        current = self._units.show("channel.current", status.current_A, "A", sign=True)
        found = [
            Readout("voltage", tr("channel", "Voltage"), volts, shown.unit, self.trust, stale),
            Readout("current", tr("channel", "Current"), current.number, current.unit, self._density(status), stale),
            self._charge(stale),
            self._last_cycle(cycles),
            Readout("efficiency", tr("channel", "Coulombic eff."), number(cycles.efficiency * 100.0, 2), "%",
                    tr("channel", "last complete cycle")),
            Readout("temperature", tr("channel", "Temperature"), number(status.temperature_degC, 2), "°C",
                    self._chamber(), stale),
            self._step_time(stale),
            self._finish(status),
        ]  # fmt: skip
        return tuple(found)

    @property
    def trust(self) -> str:
        """Return quality and age of what is read live, in words (U22); empty without a channel."""
        status = self.status
        if status is None:
            return ""
        stale = self._lab.stale(self.channel) or status.state in ("stale", "unknown")
        good = tr("channel", "coarse") if is_coarse(status) else "GOOD" if self._row.good else "BAD"
        quality = tr("channel", "STALE") if stale else good
        return f"{quality} · {age(self._lab.age_s(self.channel))}"

    def _density(self, status: ChannelStatus) -> str:
        """Return the current beside area and capacity: ``−0.1000 mA/cm² · C/2.00``."""
        cell, parts = self.cell(), []
        if cell is None or not math.isfinite(status.current_A):
            return ""
        if cell.effective_area_cm2:
            parts.append(
                quantity(status.current_A / cell.effective_area_cm2, "A/cm²", prefix="mA/cm²", sign=True)
            )
        if cell.effective_capacity_mAh and abs(status.current_A) > 0:
            parts.append(f"C/{figures(cell.effective_capacity_mAh * 1e-3 / abs(status.current_A), 3)}")
        return " · ".join(parts)

    def _charge(self, stale: bool) -> Readout:
        charge_Ah, cell = self._row.step_capacity_Ah, self.cell()
        title = tr("channel", "Step charge")
        whole = quantity(charge_Ah, "Ah")
        if cell is not None and cell.active_mass_mg and math.isfinite(charge_Ah):
            specific = shared(charge_Ah * 1e3 / cell.active_mass_mg, "Ah/g", digits=3)
            return Readout("charge", title, specific.number, specific.unit, whole, stale)
        if cell is not None and cell.effective_area_cm2 and math.isfinite(charge_Ah):
            areal = shared(charge_Ah / cell.effective_area_cm2, "Ah/cm²", digits=3)
            return Readout("charge", title, areal.number, areal.unit, whole, stale)
        shown = self._units.show("channel.charge", charge_Ah, "Ah")
        return Readout("charge", title, shown.number, shown.unit, "", stale)

    def _last_cycle(self, cycles: Figures) -> Readout:
        title = tr("channel", "Last cycle")
        under = ""
        if math.isfinite(cycles.retention):
            under = f"{number(cycles.retention * 100.0, 1)} %"
            if math.isfinite(cycles.first_mAh_per_g):
                under += f" · #1 {shared(cycles.first_mAh_per_g * 1e-3, 'Ah/g').number}"
        if math.isfinite(cycles.capacity_mAh_per_g):
            specific = shared(cycles.capacity_mAh_per_g * 1e-3, "Ah/g")
            return Readout("cycle", title, specific.number, specific.unit, under)
        shown = self._units.show("channel.cycle", cycles.capacity_Ah, "Ah")
        return Readout("cycle", title, shown.number, shown.unit, under)

    def _chamber(self) -> str:
        for chamber in self._lab.chambers.values():
            if self.channel in chamber.channels and math.isfinite(chamber.setpoint_degC):
                return tr("channel", "set {t:.1f}").format(t=chamber.setpoint_degC)
        return ""

    def _step_time(self, stale: bool) -> Readout:
        line = self.now()
        longest = "" if line is None or not math.isfinite(line.end_time_s) else duration(line.end_time_s)
        under = tr("channel", "of {time}").format(time=longest) if longest else ""
        status = self.status
        time_s = NAN if status is None else status.step_time_s
        if status is not None and math.isfinite(status.step_left_s):
            under = tr("channel", "{time} left").format(time=clock_time(status.step_left_s))
        return Readout("step_time", tr("channel", "Step time"), clock_time(time_s), "", under, stale)

    def _finish(self, status: ChannelStatus) -> Readout:
        end = None if status.ends is None else utc_of(status.ends.end_utc)
        under = ""
        if end is not None:
            left_s = (end - self._lab.plant_utc).total_seconds()
            under = (
                tr("channel", "in {time}").format(time=duration(left_s))
                if left_s > 0
                else tr("channel", "due")
            )
        return Readout("finish", tr("channel", "Finish"), moment(end, self._lab.plant_utc), "", under)

    def now(self) -> ProgramLine | None:
        """Return the line of the program that is executed now, None where none is."""
        status = self.status
        steps = [line for line in self._lines if line.step_id]
        at = 0 if status is None or not status.step_kind else status.step_number
        return steps[at - 1] if 0 < at <= len(steps) else None

    def steps(self) -> tuple[StepLine, ...]:
        """Return the program with where the run is."""
        status = self.status
        at = next((place for place, line in enumerate(self._lines) if line is self.now()), None)
        over = status is not None and not runs_now(status)
        found = []
        for place, line in enumerate(self._lines):
            if at is None:
                state = tr("channel", "done") if over and self._row.sequence else ""
            else:
                state = tr("channel", "now") if place == at else tr("channel", "done") if place < at else ""
                state = tr("channel", "next") if place == at + 1 else state
            found.append(StepLine(line, state))
        return tuple(found)

    def limits(self) -> tuple[LimitLine, ...]:
        """Return the limits that bind now, the tightest of each kind; the one with the least room is marked."""
        status, line = self.status, self.now()
        if status is None:
            return ()
        program: Mapping[str, Any] = self.program.get("limits") or {}
        step = {} if line is None or line.limits is None else line.limits
        low, high = _pick(step, program, "voltage_min_V", max), _pick(step, program, "voltage_max_V", min)
        span = high[0] - low[0]
        found = []
        for name, (limit, layer), now, unit, used in (
            ("V max", high, status.voltage_V, "V", (status.voltage_V - low[0]) / span if span > 0 else NAN),
            ("V min", low, status.voltage_V, "V", (high[0] - status.voltage_V) / span if span > 0 else NAN),
            ("|I| max", _pick(step, program, "current_max_A", min), abs(status.current_A), "A", None),
            ("T max", _pick(step, program, "temperature_max_degC", min), status.temperature_degC, "°C", None),
            ("Q step", _pick(step, program, "capacity_max_Ah", min), self._row.step_capacity_Ah, "Ah", None),
        ):
            if math.isfinite(limit):
                share = now / limit if used is None and limit else NAN if used is None else used
                found.append(
                    LimitLine(name, quantity(now, unit), quantity(limit, unit), layer, _share(share))
                )
        if line is not None and math.isfinite(line.end_time_s):
            share = _share(self._row.step_time_s / line.end_time_s) if line.end_time_s > 0 else NAN
            found.append(LimitLine(tr("channel", "step time"), clock_time(self._row.step_time_s),
                                   duration(line.end_time_s), "L5", share))  # fmt: skip
        tightest = max((limit.used for limit in found if math.isfinite(limit.used)), default=NAN)
        return tuple(
            LimitLine(one.name, one.now, one.limit, one.layer, one.used, one.used == tightest)
            for one in found
        )

    # -- acts -------------------------------------------------------------------------------------------------------

    def buttons(self) -> dict[str, str]:
        """Return why each act is off, by verb; empty = it may be done."""
        return {verb: channel_why_not(self._lab, verb, self.channel) for verb in VERBS}

    def act(self, verb: str, *args: Any, reason: str = "", **told: Any) -> str:
        """Send an act on the run or the channel; returns why not, empty when sent. A start goes by the review."""
        why = channel_why_not(self._lab, verb, self.channel)
        if verb == "queue.submit":
            why = why or tr("channel", "A start goes by the review.")
        if not why:
            words_of = {"reason": reason, **told} if verb != "runs.note" else dict(told)
            target = self.run_id if verb.startswith("runs.") else self.channel
            self._acts.send(verb, self.channel, target, *args, **words_of)
        return why


def row_of(columns: Mapping[str, Any]) -> LiveRow:
    """Return the newest row of a block of live rows; what a block does not have stays unknown."""

    def last(name: str, otherwise: float) -> float:
        return float(columns[name][-1]) if name in columns else otherwise

    return LiveRow(
        int(last("sequence", 0)), int(last("step_id", 0)), int(last("step_type", -1)), last("step_time_second", NAN),
        last("step_capacity_ah", NAN), last("voltage_volt", NAN), last("current_ampere", NAN),
        last("quality", QUALITY_GOOD) == QUALITY_GOOD,
    )  # fmt: skip


def _pick(
    step: Mapping[str, float], program: Mapping[str, Any], name: str, tighter: Callable[[float, float], float]
) -> tuple[float, str]:
    """Return the tighter of a step's and the program's limit, and whose it is."""
    own, whole = step.get(name), program.get(name)
    if own is not None and (whole is None or tighter(float(own), float(whole)) == float(own)):
        return float(own), "L5"
    return (NAN, "") if whole is None else (float(whole), "L4")


def _share(value: float) -> float:
    return min(1.0, max(0.0, value)) if math.isfinite(value) else NAN
