"""Pre-flight: what each wished job would be on this bench, before anything is queued or energised.

Binds every protocol to its cell and to each kind of channel that may take it, says the absolute currents beside the
intent, and refuses what a person would regret: cells three times off their batch, cells that sit elsewhere, repeated
rows. Talks to no instrument.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine.machines.dispatch import JobFacts
from labctl.engine.machines.forecast import estimate_remaining
from labctl.engine.machines.limits import program_steps
from labctl.engine.machines.queue import QueueState, title
from labctl.engine.station import channel_limits, has_chamber, override_of, potentiostats_for
from labctl.errors import LabctlError, ProgramError, UserInputError
from labctl.interfaces.cycler import Assurance, CyclerCapabilities
from labctl.model.cell import Cell
from labctl.model.handover import Via
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, JobId, JobSpec
from labctl.model.layers import LimitOverride
from labctl.model.program import Limits, Program
from labctl.model.protocol import Protocol as Intent
from labctl.protocol.bind import bind
from labctl.protocol.library import find_protocol, list_protocols
from labctl.protocol.parse import parse_protocol
from labctl.protocol.quantities import readable, readable_time
from labctl.station.rowchecks import batch_outliers, current_outliers, spec_problems

JOBS_MAX = 5_000
"""Jobs of one submission; a campaign of a whole year on a large bench has fewer."""
CACHE_MAX = 4_000
"""Bound programs kept, so that a batch of like cells is bound once per kind of channel (I14)."""
ROWS_AT_ONCE = 4
"""Rows checked before others may use the event loop."""
SHOWN_CURRENTS = 6
NO_FACTS = JobFacts()
OUTLIER = "outlier"
"""The check that a person passes over who knows why a cell differs from its batch."""


class Bench(Protocol):
    """What pre-flight asks of the bench."""

    def capabilities(self, channel: ChannelId) -> CyclerCapabilities:
        """Return what a channel can do. Raises: UserInputError where there is none of that name."""


class Cells(Protocol):
    """What pre-flight asks of the registry."""

    def cell(self, cell_id: CellId) -> Cell: ...
    def cells(self) -> Iterable[Cell]: ...
    def loaded(self, channel: ChannelId) -> CellId | None: ...
    def where(self, cell_id: CellId) -> ChannelId | None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """One wished job as far as it can be told: the protocol's text, the program on ``channel``, errors and warnings."""

    spec: JobSpec
    text: str
    protocol_name: str = ""
    protocol_hash: str = ""
    channel: ChannelId | None = None
    program: Program | None = None
    facts: JobFacts = NO_FACTS
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def text_key(text: str) -> str:
    """Return the name under which a protocol's text is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


_Key = tuple[
    str, tuple[tuple[str, str], ...], Cell, CyclerCapabilities, Limits | None, bool, LimitOverride | None,
    tuple[tuple[str, Via], ...],
]  # fmt: skip


class Planner:
    """Binds specs to cells and channels; remembers what it has bound."""

    def __init__(self, file: StationFile, bench: Bench, cells: Cells, clock: Clock) -> None:
        self._file = file
        self._bench = bench
        self._cells = cells
        self._clock = clock
        self.saved: Callable[[str], str | None] = lambda name: None
        """Returns the text of a protocol that people saved at this station, None where there is none."""
        self._library: dict[str, Path] = {}
        self._protocols: dict[tuple[str, str], Intent] = {}
        self._bound: dict[_Key, Program | ProgramError] = {}

    # -- one job ----------------------------------------------------------------------------------------------------

    def text_of(self, spec: JobSpec) -> str:
        """Return the protocol's text as it stands now. Raises: UserInputError, UserFileError."""
        if bool(spec.protocol) == bool(spec.protocol_text):
            raise UserInputError(
                "Name a protocol of the library, or give a protocol's text; exactly one of both."
            )
        if spec.protocol_text:
            return spec.protocol_text
        # A client's word is a name of the library, never a path on the station's disk (X07).
        if not all(character.isalnum() or character in "-_." for character in spec.protocol):
            raise UserInputError(f"{spec.protocol!r} is no name of a protocol; see 'labctl protocols list'.")
        saved = self.saved(spec.protocol)
        if saved is not None:
            return saved
        if spec.protocol not in self._library:
            self._library[spec.protocol] = self._found(spec.protocol)
        return self._library[spec.protocol].read_text(encoding="utf-8-sig")

    def _found(self, name: str) -> Path:
        path = find_protocol(name)
        if path not in {entry.path for entry in list_protocols()}:
            raise UserInputError(
                f"{name!r} is a file where the station stands, not a protocol of the library."
            )
        return path

    def _parsed(self, text: str, spec: JobSpec) -> Intent:
        """Return a protocol; messages about it name its file, or its place in the library."""
        name = spec.protocol_source or spec.protocol or "<protocol>"
        key = text_key(text), name
        found = self._protocols.get(key)
        if found is None:
            found = parse_protocol(text, name)
            if len(self._protocols) >= CACHE_MAX:
                self._protocols.clear()
            self._protocols[key] = found
        return found

    def program(self, spec: JobSpec, text: str, channel: ChannelId) -> tuple[Program, Cell]:
        """Return the program of a job on a channel and the cell as registered now.

        Raises: ProgramError, UserFileError, UserInputError.
        """
        cell = self._cells.cell(spec.cell_id)
        capabilities = self._bench.capabilities(channel)
        limits, chamber = channel_limits(self._file, channel), has_chamber(self._file, channel)
        override = override_of(self._file, channel, self._clock)
        ways = tuple((one.name, one.via(channel)) for one in potentiostats_for(self._file, channel))
        key = (
            text_key(text),
            tuple(sorted(spec.variables.items())),
            cell,
            capabilities,
            limits,
            chamber,
            override,
            ways,
        )
        found = self._bound.get(key)
        if found is None:
            found = self._bind(spec, text, channel, cell, capabilities)
            if len(self._bound) >= CACHE_MAX:
                self._bound.clear()
            self._bound[key] = found
        if isinstance(found, ProgramError):
            raise found
        return replace(found, channel=channel), cell

    def _bind(
        self, spec: JobSpec, text: str, channel: ChannelId, cell: Cell, capabilities: CyclerCapabilities
    ) -> Program | ProgramError:
        protocol = self._parsed(text, spec)
        try:
            return bind(
                protocol,
                cell,
                channel,
                capabilities,
                variables=spec.variables,
                channel_limits=channel_limits(self._file, channel),
                has_chamber=has_chamber(self._file, channel),
                classes=self._file.classes,
                override=override_of(self._file, channel, self._clock),
                potentiostats=potentiostats_for(self._file, channel),
            )
        except ProgramError as error:
            return error

    def facts(
        self, spec: JobSpec, text: str, channels: Sequence[ChannelId]
    ) -> tuple[JobFacts, Program | None]:
        """Return what a job asks of each of its channels, and its program on the first that fits."""
        unfit: dict[ChannelId, str] = {}
        first: Program | None = None
        for channel in self.candidates(spec, channels):
            try:
                program, _ = self.program(spec, text, channel)
            except LabctlError as error:
                unfit[channel] = str(error)
                continue
            first = first or program
        demand = None if first is None else first.temperature
        return JobFacts(None if demand is None else demand.setpoint_degC, unfit), first

    def candidates(self, spec: JobSpec, channels: Sequence[ChannelId]) -> tuple[ChannelId, ...]:
        """Return the channels that may take a job: the one named, or where its cell sits, else those that would do."""
        if spec.channel is not None:
            return (spec.channel,)
        sits = self._cells.where(spec.cell_id)
        return (sits,) if sits is not None else spec.channels or tuple(channels)

    # -- a submission -----------------------------------------------------------------------------------------------

    async def plans(
        self, specs: Sequence[JobSpec], state: QueueState, channels: Sequence[ChannelId]
    ) -> list[Plan]:
        """Return the pre-flight of each row, in order; problems are in the rows. Raises: UserInputError: no rows."""
        if not specs:
            raise UserInputError("There is no job to queue.")
        if len(specs) > JOBS_MAX:
            raise UserInputError(
                f"{len(specs)} jobs at once are too many: queue at most {JOBS_MAX} at a time."
            )
        wrong = spec_problems(specs, state)
        registered = tuple(self._cells.cells())
        plans: list[Plan] = []
        for spec, problems in zip(specs, wrong, strict=True):
            plans.append(self._plan(spec, channels, problems, registered))
            if len(plans) % ROWS_AT_ONCE == 0:
                await self._clock.link.sleep(0.0)  # a large batch delays no poll
        for index, problem in current_outliers([(plan.spec, plan.program) for plan in plans]).items():
            plans[index] = _judged(plans[index], [problem])
        self._against_each_other(plans, state)
        return plans

    def _plan(
        self,
        spec: JobSpec,
        channels: Sequence[ChannelId],
        wrong: Sequence[str],
        registered: Sequence[Cell],
    ) -> Plan:
        try:
            text = self.text_of(spec)
            protocol = self._parsed(text, spec)
        except LabctlError as error:
            return Plan(spec, spec.protocol_text, spec.protocol, errors=(*wrong, str(error)))
        plan = Plan(spec, text, protocol.name, errors=tuple(wrong))
        try:
            cell = self._cells.cell(spec.cell_id)
        except LabctlError as error:
            return replace(plan, errors=(*plan.errors, str(error)))
        facts, program = self.facts(spec, text, channels)
        if program is None:
            reasons = tuple(dict.fromkeys(facts.unfit.values())) or (
                "No channel of this bench is known yet.",
            )
            return replace(plan, facts=facts, errors=(*plan.errors, *reasons[:3]))
        plan = replace(
            plan, facts=facts, program=program, protocol_hash=program.protocol_hash, warnings=program.warnings,
            channel=spec.channel or self._cells.where(spec.cell_id),
            review=review_lines(program, self._bench.capabilities(program.channel)),
        )  # fmt: skip
        plan = _judged(plan, batch_outliers(cell, registered))
        return self._seated(plan)

    def _seated(self, plan: Plan) -> Plan:
        """Compare where the cell sits with where the job wants it."""
        spec, sits = plan.spec, self._cells.where(plan.spec.cell_id)
        errors, warnings = list(plan.errors), list(plan.warnings)
        if spec.channel is not None:
            holds = self._cells.loaded(spec.channel)
            if sits is not None and sits != spec.channel:
                errors.append(
                    f"cell {spec.cell_id} sits in {sits}, not in {spec.channel}: load it there, or name {sits}."
                )
            elif holds is not None and holds != spec.cell_id:
                warnings.append(
                    f"{spec.channel} holds cell {holds} now; the job waits until {spec.cell_id} is loaded there."
                )
            elif holds is None:
                warnings.append(
                    f"nobody has loaded {spec.channel}: this job says that {spec.cell_id} sits there."
                )
        elif sits is None:
            warnings.append(f"cell {spec.cell_id} sits in no channel yet; the job waits until it is loaded.")
        elif spec.channels and sits not in spec.channels:
            errors.append(
                f"cell {spec.cell_id} sits in {sits}, which is none of the channels that the job names."
            )
        return replace(plan, errors=tuple(errors), warnings=tuple(warnings))

    def _against_each_other(self, plans: list[Plan], state: QueueState) -> None:
        """Mark rows that repeat another one, and chambers that are asked for two temperatures."""
        first: dict[tuple[object, ...], int] = {}
        opened = state.open_jobs()
        for index, plan in enumerate(plans):
            spec = plan.spec
            same = (spec.cell_id, plan.protocol_hash, tuple(sorted(spec.variables.items())))
            if plan.protocol_hash and same in first and not spec.after:
                other = plans[first[same]].spec.label or f"row {first[same] + 1}"
                text = f"repeats {other}: the same protocol for the same cell; say 'after' if it is meant."
                plans[index] = replace(plan, errors=(*plan.errors, text))
            first.setdefault(same, index)
            for entry in opened:
                job = entry.job
                if job.spec.cell_id == spec.cell_id and job.protocol_hash == plan.protocol_hash:
                    text = f"{title(job)} is queued already with the same protocol for this cell."
                    plans[index] = replace(plans[index], warnings=(*plans[index].warnings, text))
                    break
        self._chambers(plans)

    def _chambers(self, plans: list[Plan]) -> None:
        asked: dict[str, tuple[float, CellId]] = {}
        for index, plan in enumerate(plans):
            demand = None if plan.program is None else plan.program.temperature
            if demand is None or plan.program is None:
                continue
            chamber = chamber_of(self._file, plan.channel or plan.program.channel)
            setpoint_degC, cell_id = asked.setdefault(chamber, (demand.setpoint_degC, plan.spec.cell_id))
            if setpoint_degC != demand.setpoint_degC:
                text = (
                    f"{chamber} cannot be at {demand.setpoint_degC:g} degC while it is at {setpoint_degC:g} degC for "
                    f"{cell_id}: one waits for the other."
                )
                plans[index] = replace(plan, warnings=(*plan.warnings, text))


def _judged(plan: Plan, problems: Iterable[str]) -> Plan:
    """Add outliers: errors, unless a person has named the reason; then warnings with it."""
    reason = plan.spec.overrides.get(OUTLIER)
    found = tuple(problems)
    if not found:
        return plan
    if reason:
        return replace(plan, warnings=(*plan.warnings, *(f"{text} Passed over: {reason}" for text in found)))
    return replace(plan, errors=(*plan.errors, *found))


def chamber_of(file: StationFile, channel: ChannelId) -> str:
    """Return the name of the chamber that a channel stands in, empty where it stands in the room."""
    return next((entry.name for entry in file.chambers if channel in entry.channels), "")


def resolved(specs: Sequence[JobSpec], ids: Sequence[JobId]) -> list[JobSpec]:
    """Return the specs with labels replaced by the job ids that they got, and moments written out in UTC."""
    by_label = {spec.label: job_id for spec, job_id in zip(specs, ids, strict=True) if spec.label}
    done: list[JobSpec] = []
    for spec in specs:
        after = tuple(After(by_label.get(item.job, item.job), item.when) for item in spec.after)
        moment = _in_utc(spec.not_before_utc)
        done.append(replace(spec, after=after, not_before_utc=moment))
    return done


def _in_utc(moment: str) -> str:
    """Return a moment in UTC; a text that is none stays, pre-flight has refused it."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat()


def _about(time_s: float) -> str:
    """Return how long something takes, no finer than a person plans: a tenth of a day, then of an hour."""
    step_s = 8640.0 if time_s >= 172_800 else 360.0 if time_s >= 36_000 else 1.0
    return readable_time(round(time_s / step_s) * step_s)


def review_lines(program: Program, capabilities: CyclerCapabilities) -> tuple[str, ...]:
    """Return the start review: absolute currents beside mA/cm2, mA/g and C-rate, limits, needs, what is unsure."""
    lines = [_current_line(program)]
    own = program.limits
    bounds = [
        f"{readable(low, unit) if low is not None else '-'} to {readable(high, unit) if high is not None else '-'}"
        for low, high, unit in ((own.voltage_min_V, own.voltage_max_V, "V"),)
    ]
    if own.current_max_A is not None:
        bounds.append(f"at most {readable(own.current_max_A, 'A')}")
    lines.append("limits: " + ", ".join(bounds))
    demand = program.temperature
    if demand is not None:
        lines.append(f"temperature: {demand.setpoint_degC:g} degC, soaked {readable_time(demand.soak_s)}")
    need = program.estimate
    lines.append(
        f"needs about {_about(need.duration_expected_s)}, {need.cycles} cycles, {need.rows} rows, "
        f"{need.bytes_on_disk / 1e6:.1f} MB"
    )
    unsure = {
        "step file": capabilities.assurance_step_file, "limits": capabilities.assurance_limits,
        "range": capabilities.assurance_range, "output": capabilities.assurance_output,
    }  # fmt: skip
    late = [name for name, how in unsure.items() if how is Assurance.LATE]
    never = [name for name, how in unsure.items() if how not in (Assurance.VERIFIED, Assurance.LATE)]
    if late:
        lines.append(f"the instrument shows only in its first records whether it took: {', '.join(late)}")
    if never:
        lines.append(f"the instrument never confirms: {', '.join(never)}")
    return tuple(lines)


def _current_line(program: Program) -> str:
    currents_A = sorted(
        {abs(step.current_A) for step in program_steps(program.flow) if step.current_A}, reverse=True
    )
    if not currents_A:
        return "currents: none is driven"
    shown = "; ".join(_absolute(value_A, program) for value_A in currents_A[:SHOWN_CURRENTS])
    more = (
        "" if len(currents_A) <= SHOWN_CURRENTS else f"; and {len(currents_A) - SHOWN_CURRENTS} smaller ones"
    )
    return f"currents: {shown}{more}"


def _absolute(current_A: float, program: Program) -> str:
    cell = program.cell
    beside: list[str] = []
    if cell.area_cm2:
        beside.append(f"{current_A * 1e3 / cell.area_cm2:.4g} mA/cm2")
    if cell.active_mass_mg:
        beside.append(f"{current_A * 1e6 / cell.active_mass_mg:.4g} mA/g")
    if cell.nominal_capacity_Ah:
        beside.append(f"{current_A / cell.nominal_capacity_Ah:.3g} C")
    return readable(current_A, "A") + (f" ({', '.join(beside)})" if beside else "")


def before_start_s(program: Program) -> tuple[float, float, float]:
    """Return expected, low and high duration of a program before any of its rows is there, in plant seconds.

    A chamber that has to be brought to a temperature first adds its soak, and up to its time limit.
    """
    expected_s, low_s, high_s = estimate_remaining(program)
    demand = program.temperature
    if demand is None:
        return expected_s, low_s, high_s
    return expected_s + demand.soak_s, low_s, high_s + demand.give_up_s


def variables_text(variables: Mapping[str, str]) -> str:
    """Return variable values for a title: ``rate=C/2``."""
    return ", ".join(f"{name}={value}" for name, value in sorted(variables.items()))
