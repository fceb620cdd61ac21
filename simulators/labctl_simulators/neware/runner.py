"""Execute one step at a time on one cell: plan chunks, store their records, follow counters and loops.

All times are plant ticks of 0.1 s. Inside a step, time is an integer age and capacity a product of the steady
current and that age (virtual-time 4.2); both survive a pause.
Source: neware-bts 4.2, 4.4, 5.5; cell-models 7 (what the channel adds).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from labctl_simulators.neware.planner import (
    Chunk,
    Floats,
    Gauge,
    Guard,
    Plan,
    Reason,
    Scan,
    Ticks,
    Trigger,
    Watch,
)
from labctl_simulators.neware.records import TestRecords
from labctl_simulators.neware.stepfile import (
    CONSTANT_CURRENT,
    CONSTANT_VOLTAGE,
    DEFAULT_RECORD_TICKS,
    TICKS_PER_S,
    Protection,
    RecordRule,
    Step,
    StepKind,
    StepProgram,
)
from labctl_simulators.world.cell import Drive
from labctl_simulators.world.chain import MeasurementChain

LONGEST_TICKS = 360_000
"""No chunk is longer than ten hours (the world's own bound)."""
HOLD_TICKS = 18_000
"""A hold is planned for half an hour at most: it is marched, and mostly ends by its current long before."""
GRID_RECORDS_MAX = 36_000
"""Records planned ahead on a time grid: one hour at 10 Hz."""
RAMP_TICKS = TICKS_PER_S
"""A voltage ramp is a staircase of 1 s."""
REACHED = 1.0 - 1e-9


@dataclass(slots=True)
class Counter:
    """Where a program stands: step position, cycle number, passes done of each loop."""

    program: StepProgram
    index: int = 0
    cycle: int = 1
    passes: dict[int, int] = field(default_factory=dict)

    def settle(self) -> Step | None:
        """Move over loop steps to the next step that does something; None at the end step.

        The cycle number goes up when a loop step jumps back, not when it falls through; the counters of the
        loops inside start again (neware-bts 4.4).
        """
        steps = self.program.steps
        while True:
            step = steps[self.index]
            if step.kind is StepKind.END:
                return None
            if step.kind is not StepKind.LOOP:
                return step
            done = self.passes.get(self.index, 0) + 1
            target = self.program.index_of(step.loop_start)
            if done < step.loop_count and target is not None:
                for inner in range(target, self.index):
                    self.passes.pop(inner, None)
                self.passes[self.index] = done
                self.index = target
                self.cycle += 1
            else:
                self.passes.pop(self.index, None)
                self.index += 1


@dataclass(slots=True)
class StepRun:
    """A step being executed; ``base_tick`` + age is the plant tick (pauses shift the base)."""

    step: Step
    base_tick: int
    age: int = 0
    grid_origin: int = 0
    holding: bool = False
    entered: bool = False
    triggers: list[Trigger] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    steady_age: int = 0
    steady_Ah: float = 0.0
    hold_cell_Ah: float | None = None
    eng_Wh: float = 0.0
    last_V: float = 0.0
    last_A: float = 0.0
    last_age: int = 0
    marks: tuple[int, ...] = ()


@dataclass(slots=True)
class Override:
    """Device faults that change what a channel does or stores (faults F10 to F14, F42)."""

    frozen: bool = False
    clamp_A: float | None = None
    bad_field: str | None = None
    bad_value: float = math.nan
    cap_shift_Ah: float = 0.0
    cap_wrap_Ah: float | None = None
    forget_reset: bool = False
    carried_Ah: float = 0.0


@dataclass(slots=True)
class Work:
    """A planned chunk of a step with the noise-free values at its records."""

    chunk: Chunk
    plan: Plan
    start_tick: int
    ages: Ticks
    volt_V: Floats
    curr_A: Floats
    cap_Ah: Floats
    eng_Wh: Floats
    references: list[float | None]


class OpenChunk:
    """The chunk of a channel without a connected cell: no current, a floating voltage (neware-bts 6)."""

    FLOATING_V = 0.0

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks

    def voltage_V(self, ticks: Ticks) -> Floats:
        return np.full(len(ticks), self.FLOATING_V)

    def current_A(self, ticks: Ticks) -> Floats:
        return np.zeros(len(ticks))

    def capacity_Ah(self, ticks: Ticks) -> Floats:
        return np.zeros(len(ticks))

    def swing_V(self, ticks_a: Ticks, ticks_b: Ticks) -> Floats:
        return np.zeros(len(ticks_a))

    def swing_A(self, ticks_a: Ticks, ticks_b: Ticks) -> Floats:
        return np.zeros(len(ticks_a))


class StepMachine:
    """Plans and stores the chunks of one step; knows the channel's chain but not its states."""

    def __init__(self, chain: MeasurementChain, rail_V: float) -> None:
        self.chain = chain
        self.rail_V = rail_V
        self.voltage = Gauge(1.0 + chain.voltage.gain_error, chain.voltage.offset)
        self.override = Override()

    def begin(self, program: StepProgram, step: Step, tick: int) -> StepRun:
        """Open a step at a plant tick."""
        run = StepRun(step, tick)
        self.arm(run, program)
        if self.override.forget_reset:
            run.steady_Ah = self.override.carried_Ah
        return run

    def arm(self, run: StepRun, program: StepProgram) -> None:
        """Set triggers and guards of a step from the whole file's and the step's own rules (a union)."""
        run.triggers = []
        for rule in self.rules(program, run.step):
            if rule.delta_V is not None:
                run.triggers.append(Trigger(False, rule.delta_V))
            if rule.delta_A is not None:
                run.triggers.append(Trigger(True, rule.delta_A))
        limits = [item for item in (program.protection, run.step.protection) if item is not None]
        rail = Protection(voltage_max_V=self.rail_V, voltage_min_V=-self.rail_V)
        run.guards = [Guard(item) for item in [*limits, rail]]

    @staticmethod
    def rules(program: StepProgram, step: Step) -> list[RecordRule]:
        """Return the record rules in force; without any, a record each second."""
        rules = [rule for rule in (program.record, step.record) if not rule.empty]
        return rules or [RecordRule(interval_ticks=DEFAULT_RECORD_TICKS)]

    # -- what drives the cell ----------------------------------------

    def set_current_A(self, run: StepRun) -> float:
        """Return the signed current that the channel displays in the constant-current part."""
        limit_A = run.step.current_A if run.step.current_A is not None else self.chain.ranges_A[-1]
        if self.override.clamp_A is not None:
            limit_A = min(limit_A, self.override.clamp_A)
        return run.step.sign * limit_A

    def range_A(self, run: StepRun) -> float:
        """Return the full scale in use: the smallest that holds the step's current, or the fixed one."""
        needed_A = max(abs(self.set_current_A(run)), run.step.range_A or 0.0) if run.step.sign else 0.0
        return next(
            (scale_A for scale_A in self.chain.ranges_A if needed_A <= scale_A * (1 + 1e-9)),
            self.chain.ranges_A[-1],
        )

    def holds(self, run: StepRun) -> bool:
        """Return whether the step is at constant voltage now."""
        return run.step.kind is StepKind.RAMP or run.holding

    def drive(self, run: StepRun) -> Drive:
        """Return what the channel imposes now, in true values."""
        if run.step.sign == 0:
            return Drive.rest()
        range_A = self.range_A(run)
        if not self.holds(run):
            return Drive.cc(self.chain.true_current_A(self.set_current_A(run), range_A))
        if run.step.kind is StepKind.RAMP:
            gone_V = run.step.ramp_V_per_s * run.age / TICKS_PER_S
            span_V = abs(run.step.ramp_end_V - run.step.ramp_start_V)
            set_V = run.step.ramp_start_V + run.step.sign * min(gone_V, span_V)
        else:
            set_V = run.step.voltage_V or 0.0
        return Drive.cv(self.chain.true_voltage_V(set_V), abs(self.set_current_A(run)))

    def horizon(self, run: StepRun, connected: bool) -> tuple[int, Reason | None]:
        """Return how many ticks the chunk may last, and what ends the step then (None: a chunk edge).

        Without a connected cell no charge flows, so that no capacity is ever reached.
        """
        found: list[tuple[int, int, Reason | None]] = [(LONGEST_TICKS, 9, None)]
        step = run.step
        if run.holding:
            found.append((HOLD_TICKS, 8, None))
        if step.time_ticks is not None:
            found.append((step.time_ticks - run.age, 1, Reason.TIME))
        if step.kind is StepKind.RAMP:
            span_V = abs(step.ramp_end_V - step.ramp_start_V)
            last = max(1, math.ceil(span_V / step.ramp_V_per_s * TICKS_PER_S * REACHED))
            found += [(last - run.age, 1, Reason.VOLTAGE), (RAMP_TICKS, 8, None)]
        if connected and not self.holds(run) and step.sign:
            if step.stop_capacity_Ah is not None:
                found.append((self._capacity_age(run, step.stop_capacity_Ah) - run.age, 0, Reason.CAPACITY))
            for guard in run.guards:
                if guard.limits.capacity_max_Ah is not None:
                    due = self._capacity_age(run, guard.limits.capacity_max_Ah) + guard.limits.delay_ticks
                    found.append((due - run.age, 2, Reason.PROTECT))
        ticks, _, reason = min(found, key=lambda item: item[:2])
        return max(ticks, 1), reason

    def longest(self, run: StepRun, program: StepProgram) -> int:
        """Return how long a chunk may be so that its records stay within :data:`GRID_RECORDS_MAX`."""
        grids = [rule.interval_ticks for rule in self.rules(program, run.step) if rule.interval_ticks]
        return min(grids, default=LONGEST_TICKS) * GRID_RECORDS_MAX

    def _capacity_age(self, run: StepRun, limit_Ah: float) -> int:
        """Return the step age at which the product current x time reaches a capacity."""
        current_A = abs(self.set_current_A(run))
        if current_A <= 0.0:
            return run.age + 2 * LONGEST_TICKS
        needed_Ah = limit_Ah * REACHED - run.steady_Ah
        return run.steady_age + max(0, math.ceil(needed_Ah * 3600.0 * TICKS_PER_S / current_A))

    # -- planning ----------------------------------------

    def work(self, run: StepRun, program: StepProgram, chunk: Chunk, connected: bool) -> Work:
        """Plan what a chunk that begins now will do; changes no counter of the step."""
        horizon, reason = self.horizon(run, connected)
        if chunk.ticks < horizon:
            horizon, reason = chunk.ticks, None
        start = np.zeros(1, dtype=np.int64)
        for trigger in run.triggers:
            if trigger.reference is None:
                trigger.reference = self._first_reading(run, chunk, start, trigger.of_current)
        references = [item.reference for item in run.triggers]
        steady_A: float | None = None
        if not connected or run.step.sign == 0:
            steady_A = 0.0
        elif not self.holds(run):
            steady_A = self.set_current_A(run)
        scale = self.chain.current[self.range_A(run)]
        current = Gauge(1.0 + scale.gain_error, scale.offset)
        if self.holds(run) and run.hold_cell_Ah is None:
            run.hold_cell_Ah = float(chunk.capacity_Ah(start)[0])

        def capacity_Ah(ticks: Ticks) -> Floats:
            gone_s = (ticks + (run.age - run.steady_age)) / TICKS_PER_S
            if steady_A is not None:
                return run.steady_Ah + abs(steady_A) * gone_s / 3600.0
            passed_Ah = (chunk.capacity_Ah(ticks) - (run.hold_cell_Ah or 0.0)) * current.gain
            return run.steady_Ah + passed_Ah + run.step.sign * current.offset * gone_s / 3600.0

        plan = Scan(
            chunk=chunk,
            horizon=horizon,
            horizon_reason=reason,
            step_tick=run.age,
            grid_origin=run.grid_origin,
            rules=self.rules(program, run.step),
            triggers=run.triggers,
            watch=self._watch(run, connected),
            voltage=self.voltage,
            current=current,
            steady_current_A=steady_A,
            capacity_Ah=capacity_Ah,
            first=not run.entered,
            marks=[age - run.age for age in run.marks],
        ).run()
        ticks = plan.record_ticks
        volt_V = chunk.voltage_V(ticks)
        curr_A = chunk.current_A(ticks)
        shown_V = self.voltage.read(volt_V)
        shown_A = current.read(curr_A) if steady_A is None else np.full(len(ticks), steady_A)
        energy_Wh = _energy_Wh(run, ticks + run.age, shown_V, shown_A)
        base = run.base_tick + run.age
        return Work(
            chunk, plan, base, ticks + run.age, volt_V, curr_A, capacity_Ah(ticks), energy_Wh, references
        )

    def _first_reading(self, run: StepRun, chunk: Chunk, start: Ticks, of_current: bool) -> float:
        if not of_current:
            return float(self.voltage.read(chunk.voltage_V(start))[0])
        scale = self.chain.current[self.range_A(run)]
        return float(Gauge(1.0 + scale.gain_error, scale.offset).read(chunk.current_A(start))[0])

    def _watch(self, run: StepRun, connected: bool) -> Watch:
        step = run.step
        watch = Watch(guards=run.guards)
        if not connected:
            return watch
        if step.kind in CONSTANT_CURRENT:
            if step.sign > 0:
                watch.above_V = step.stop_voltage_V
            else:
                watch.below_V = step.stop_voltage_V
        elif step.kind in CONSTANT_VOLTAGE and not run.holding:
            watch.reason = Reason.SWITCH
            if step.sign > 0:
                watch.above_V = step.voltage_V
            else:
                watch.below_V = step.voltage_V
        elif run.holding:
            watch.stop_current_A = step.stop_current_A
            watch.stop_capacity_Ah = step.stop_capacity_Ah
        return watch

    # -- storing ----------------------------------------

    def store(self, test: TestRecords, run: StepRun, work: Work) -> None:
        """Append a chunk's records; noise, quantisation and the rail are added to what is stored only."""
        if not len(work.ages):
            return
        steady_first = not run.entered and run.step.sign != 0 and not self.holds(run)
        volt_V, curr_A = self.chain.records(
            test.test_id,
            test.count + 1,
            work.volt_V,
            work.curr_A,
            self.range_A(run),
            first_reads_low=steady_first and bool(np.any(work.curr_A)),
        )
        if run.step.sign == 0 or not np.any(work.curr_A):
            curr_A = np.zeros(len(curr_A))  # the relay is open: nothing is measured (neware-bts 4.1)
        block: dict[str, np.ndarray] = {
            "tick": work.ages + run.base_tick,
            "step_tick": work.ages,
            "volt_V": volt_V + 0.0,
            "curr_A": curr_A + 0.0,
            "cap_Ah": work.cap_Ah,
            "eng_Wh": work.eng_Wh,
        }
        test.append(self._spoiled(test, block))

    def _spoiled(self, test: TestRecords, block: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        fault = self.override
        block["cap_Ah"] = block["cap_Ah"] - fault.cap_shift_Ah
        if fault.cap_wrap_Ah is not None:
            block["cap_Ah"] = np.mod(block["cap_Ah"], fault.cap_wrap_Ah)
        if fault.frozen and test.count:
            for name in ("volt_V", "curr_A", "cap_Ah", "eng_Wh"):
                block[name] = np.full(len(block["tick"]), test.last(name))
        if fault.bad_field is not None:
            block[fault.bad_field] = np.full(len(block["tick"]), fault.bad_value)
        return block

    def close(self, run: StepRun, work: Work, ticks: int) -> None:
        """Move the step's counters to a tick of the planned chunk (its end, or an earlier cut)."""
        age = run.age + ticks
        kept = int(np.searchsorted(work.ages, age, side="right"))
        if kept:
            run.entered = True
            run.eng_Wh = float(work.eng_Wh[kept - 1])
            run.last_V = float(self.voltage.read(work.volt_V[kept - 1 : kept])[0])
            run.last_A = float(work.curr_A[kept - 1])
            run.last_age = int(work.ages[kept - 1])
        if ticks < work.plan.ticks:
            for trigger, reference in zip(run.triggers, work.references, strict=True):
                trigger.reference = reference
            for tick, index, reference in work.plan.references:
                if tick <= ticks:
                    run.triggers[index].reference = reference
            for guard in run.guards:
                if guard.since_tick is not None and guard.since_tick > age:
                    guard.since_tick = None
        run.age = age

    def capacity_Ah(self, run: StepRun, work: Work, ticks: int) -> float:
        """Return the device's step capacity at a tick of the planned chunk."""
        at = np.asarray([ticks], dtype=np.int64)
        gone_s = (run.age + ticks - run.steady_age) / TICKS_PER_S
        if not self.holds(run):
            current_A = abs(self.set_current_A(run)) if run.step.sign and not _is_open(work.chunk) else 0.0
            return run.steady_Ah + current_A * gone_s / 3600.0
        scale = self.chain.current[self.range_A(run)]
        passed_Ah = float(work.chunk.capacity_Ah(at)[0]) - (run.hold_cell_Ah or 0.0)
        return (
            run.steady_Ah
            + passed_Ah * (1.0 + scale.gain_error)
            + run.step.sign * scale.offset * gone_s / 3600.0
        )

    def rebase(self, run: StepRun, capacity_Ah: float) -> None:
        """Begin a new constant part of the step at its present age (CV of a CCCV, pause, contact lost)."""
        run.steady_age, run.steady_Ah, run.hold_cell_Ah = run.age, capacity_Ah, None

    def point(self, run: StepRun, work: Work, ticks: int) -> tuple[float, float, float, float]:
        """Return (voltage_V, current_A, capacity_Ah, energy_Wh) as shown at a tick of the planned chunk."""
        one = self._single(run, work, ticks)
        shown_V = float(self.voltage.read(one.volt_V)[0])
        current_A = float(one.curr_A[0])
        if run.step.sign and not _is_open(work.chunk):
            if self.holds(run):
                scale = self.chain.current[self.range_A(run)]
                current_A = scale.reading_of(current_A)
            else:
                current_A = self.set_current_A(run)
        return shown_V, current_A, float(one.cap_Ah[0]), float(one.eng_Wh[0])

    def extra_record(self, run: StepRun, work: Work, ticks: int) -> Work | None:
        """Return a one-record piece of work at a cut, or None where a record stands already."""
        if len(work.ages) and np.any(work.ages == run.age + ticks):
            return None
        if run.entered and run.last_age == run.age + ticks:
            return None
        return self._single(run, work, ticks)

    def _single(self, run: StepRun, work: Work, ticks: int) -> Work:
        age = run.age + ticks
        at = np.asarray([ticks], dtype=np.int64)
        volt_V, curr_A = work.chunk.voltage_V(at), work.chunk.current_A(at)
        cap_Ah = np.asarray([self.capacity_Ah(run, work, ticks)])
        kept = int(np.searchsorted(work.ages, age, side="right"))
        before = replace(run)
        if kept:
            before.entered = True
            before.eng_Wh = float(work.eng_Wh[kept - 1])
            before.last_V = float(self.voltage.read(work.volt_V[kept - 1 : kept])[0])
            before.last_A = float(work.curr_A[kept - 1])
            before.last_age = int(work.ages[kept - 1])
        ages = np.asarray([age], dtype=np.int64)
        energy_Wh = _energy_Wh(before, ages, self.voltage.read(volt_V), curr_A)
        return replace(work, ages=ages, volt_V=volt_V, curr_A=curr_A, cap_Ah=cap_Ah, eng_Wh=energy_Wh)


def _is_open(chunk: Chunk) -> bool:
    return isinstance(chunk, OpenChunk)


def _energy_Wh(run: StepRun, ages: Ticks, volt_V: Floats, curr_A: Floats) -> Floats:
    """Return the step's energy at each record by the trapezoid over records, from the last one on."""
    if not len(ages):
        return np.zeros(0)
    power_W = np.abs(volt_V * curr_A)
    if run.entered:
        power_W = np.concatenate([[abs(run.last_V * run.last_A)], power_W])
        moments_h = np.concatenate([[run.last_age], ages]) / (3600.0 * TICKS_PER_S)
    else:
        moments_h = ages / (3600.0 * TICKS_PER_S)
    pieces = 0.5 * (power_W[1:] + power_W[:-1]) * np.diff(moments_h)
    if not run.entered:
        pieces = np.concatenate([[0.0], pieces])
    return run.eng_Wh + np.cumsum(pieces)
