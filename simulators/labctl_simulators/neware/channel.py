"""One channel: status words, tests, steps one after another, pauses, protection (neware-bts 3.3, 3.4).

The channel lives on plant ticks of 0.1 s. It plans one chunk ahead and commits it when its end has come, or
earlier when somebody acts; reading it never changes it (virtual-time 4.1).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from labctl_simulators.neware.planner import Chunk, Reason
from labctl_simulators.neware.records import LogEntry, TestRecords
from labctl_simulators.neware.runner import (
    LONGEST_TICKS,
    Counter,
    OpenChunk,
    StepMachine,
    StepRun,
    Work,
)
from labctl_simulators.neware.stepfile import CONSTANT_VOLTAGE, Step, StepKind, StepProgram
from labctl_simulators.world.cell import Cell, Drive
from labctl_simulators.world.cell import Chunk as CellChunk
from labctl_simulators.world.chain import MeasurementChain

MOVING_AIR_TICKS = 600
"""While the air of the chamber moves, a cell's chunk lasts at most 60 s (cell-models 3)."""


class Status(StrEnum):
    """Status words of neware-bts 3.3 that a channel of this simulator can show."""

    WORKING = "working"
    FINISH = "finish"
    STOP = "stop"
    PROTECT = "protect"
    PAUSE = "pause"


STARTABLE = frozenset({Status.FINISH, Status.STOP, Status.PROTECT})


class Log:
    """Log codes (neware-bts 2.8); 19xxxx are this simulator's own."""

    TEST_STARTED = 100000
    TEST_FINISHED = 100001
    PAUSED = 100003
    RESUMED = 100004
    FILE_REPLACED_A = 100007
    STEP_STARTED = 100012
    STEP_ENDED = 100056
    NEAR_VOLTAGE = 100169
    FILE_REPLACED_B = 100213
    FILE_REPLACED_C = 100215
    NO_REASON_YET = 102000
    STOPPED = 190002
    CAPACITY = 190005
    PROTECTED = 190010
    POWER_LOST = 190020


_END_CODES = {
    Reason.TIME: 102001,
    Reason.VOLTAGE: 102004,
    Reason.CURRENT: 102005,
    Reason.CAPACITY: Log.CAPACITY,
}


@dataclass(frozen=True, slots=True)
class Live:
    """What the channel shows at this moment, in SI units; ``step`` None when idle."""

    status: Status
    voltage_V: float
    current_A: float = 0.0
    step: Step | None = None
    cycle: int = 1
    capacity_Ah: float = 0.0
    energy_Wh: float = 0.0
    total_s: float = 0.0
    relative_s: float = 0.0


@dataclass(slots=True)
class Reservation:
    """A reserved pause (setpause): -1 is any cycle or step."""

    cycle: int
    step_id: int


@dataclass(slots=True)
class Air:
    """The air around a cell: temperature at the bench's present moment and whether it stands still."""

    temperature_degC: Callable[[], float]
    steady: Callable[[], bool]


@dataclass(slots=True)
class Channel:
    """One channel with its cell, its tests and what it is doing."""

    place: str
    machine: StepMachine
    air: Air
    cell: Cell | None = None
    status: Status = Status.FINISH
    tests: dict[int, TestRecords] = field(default_factory=dict)
    test: TestRecords | None = None
    counter: Counter | None = None
    run: StepRun | None = None
    reservation: Reservation | None = None
    alarm_flag: bool = False
    lamp: bool = False
    output_switch: int = 0
    parallel: int = 0
    contact_open: bool = False
    _capacity_Ah: float = 0.0
    barcode: str = ""
    ended_tick: int = 0
    _done_ticks: int = 0
    _start_tick: int = 0
    _ticks: int = 0
    _cell_chunk: CellChunk | None = None
    _work: Work | None = None

    @property
    def chain(self) -> MeasurementChain:
        """Return the measurement chain of this channel."""
        return self.machine.chain

    @property
    def connected(self) -> bool:
        """Return whether current can flow: a cell is there and its leads make contact."""
        return self.cell is not None and not self.contact_open

    @property
    def energised(self) -> bool:
        """Return whether the channel drives a current or voltage now."""
        return self.status is Status.WORKING and self.run is not None and self.run.step.sign != 0

    # -- time ----------------------------------------------------------------------------------------

    def next_tick(self) -> int:
        """Return the plant tick of this channel's next event."""
        return self._start_tick + self._ticks

    def happen(self) -> None:
        """Commit the chunk whose end has come, turn to what follows, and plan the next one."""
        tick = self.next_tick()
        reason = self._work.plan.reason if self._work is not None else None
        self._commit(self._ticks)
        if reason is not None:
            self._turn(reason, tick)
        self.replan(tick)

    def cut(self, tick: int, *, record: bool = False) -> None:
        """Commit up to now because somebody acts; ``record``: with a record at this moment.

        The caller plans again with :meth:`replan`.
        """
        work, run, test = self._work, self.run, self.test
        ticks = tick - self._start_tick
        extra = None
        if work is not None and run is not None and test is not None:
            test.truncate(tick)
            extra = self.machine.extra_record(run, work, ticks) if record else None
        self._commit(ticks)
        if extra is not None and run is not None and test is not None:
            self.machine.store(test, run, extra)
            run.eng_Wh, run.entered = float(extra.eng_Wh[0]), True
            run.last_V = float(self.machine.voltage.read(extra.volt_V)[0])
            run.last_A, run.last_age = float(extra.curr_A[0]), run.age

    def _commit(self, ticks: int) -> None:
        if self.cell is not None and self._cell_chunk is not None:
            self.cell.commit(self._cell_chunk, ticks, self.air.temperature_degC())
        if self._work is not None and self.run is not None:
            self._capacity_Ah = self.machine.capacity_Ah(self.run, self._work, ticks)
            self.machine.close(self.run, self._work, ticks)
        self._cell_chunk, self._work = None, None

    def replan(self, tick: int) -> None:
        """Plan ahead from now; the planned records are stored and become visible when their moments come."""
        longest = LONGEST_TICKS if self.air.steady() else MOVING_AIR_TICKS
        self._start_tick = tick
        run = self.run if self.status is Status.WORKING else None
        if run is None or self.counter is None or self.test is None:
            self._cell_chunk = self._planned(Drive.rest(), longest)
            self._ticks = longest if self._cell_chunk is None else self._cell_chunk.ticks
            return
        longest = min(longest, self.machine.longest(run, self.counter.program))
        longest = min(longest, self.machine.horizon(run, self.connected)[0])
        chunk = self._driven(run, longest)
        if self._enters_hold(run, chunk):
            self._hold(run, tick)
            chunk = self._driven(run, min(longest, self.machine.horizon(run, self.connected)[0]))
        self._work = self.machine.work(run, self.counter.program, chunk, self.connected)
        self._ticks = self._work.plan.ticks
        self.machine.store(self.test, run, self._work)

    def _planned(self, drive: Drive, longest: int) -> CellChunk | None:
        if self.cell is None:
            return None
        return self.cell.plan(drive, self.air.temperature_degC(), longest)

    def _driven(self, run: StepRun, longest: int) -> Chunk:
        """Return what the channel sees next; the cell rests where its leads make no contact."""
        drive = self.machine.drive(run) if self.connected else Drive.rest()
        self._cell_chunk = self._planned(drive, longest)
        if self._cell_chunk is not None and self.connected:
            return self._cell_chunk
        return OpenChunk(longest if self._cell_chunk is None else self._cell_chunk.ticks)

    def _enters_hold(self, run: StepRun, chunk: Chunk) -> bool:
        """Return whether a CV or CCCV step that begins stands at its voltage already."""
        step = run.step
        if run.age or run.holding or not self.connected or step.kind not in CONSTANT_VOLTAGE:
            return False
        first_V = float(self.machine.voltage.read(chunk.voltage_V(np.zeros(1, dtype=np.int64)))[0])
        assert step.voltage_V is not None
        return first_V >= step.voltage_V if step.sign > 0 else first_V <= step.voltage_V

    def _hold(self, run: StepRun, tick: int) -> None:
        run.holding = True
        if run.step.kind in (StepKind.CCCV_CHARGE, StepKind.CCCV_DISCHARGE):
            self._note(tick, Log.NEAR_VOLTAGE, 1)

    def _note(self, tick: int, code: int, level: int = 0) -> None:
        if self.test is not None:
            self.test.log.append(LogEntry(tick, code, level))

    # -- steps ---------------------------------------------------------------------------------------

    def _turn(self, reason: Reason, tick: int) -> None:
        """Do what follows the end of a planned chunk."""
        run = self.run
        assert run is not None
        if reason is Reason.SWITCH:
            self.machine.rebase(run, self._capacity_Ah)
            self._hold(run, tick)
        elif reason is Reason.PROTECT:
            self._end_step(tick, None)
            self.alarm_flag = True
            self._over(tick, Status.PROTECT, Log.PROTECTED)
        else:
            self._end_step(tick, _END_CODES[reason])
            self._done_ticks += run.age
            self.run = None
            assert self.counter is not None
            self.counter.index += 1
            self._next_step(tick)

    def _end_step(self, tick: int, code: int | None) -> None:
        assert self.test is not None and self.run is not None
        self.test.end_step(tick, self.run.age)
        self.machine.override.carried_Ah = self._capacity_Ah
        if code is not None:
            self._note(tick, code, 1)
        self._note(tick, Log.STEP_ENDED, 1)

    def _next_step(self, tick: int, *, resumed: bool = False) -> None:
        assert self.counter is not None and self.test is not None
        step = self.counter.settle()
        if step is None:
            self._over(tick, Status.FINISH, Log.TEST_FINISHED)
        elif step.kind is StepKind.PAUSE or (not resumed and self._reserved(step)):
            self._pause(tick)
        else:
            self.run = self.machine.begin(self.counter.program, step, tick)
            self.test.begin_step(step.step_id, self.counter.cycle, step.word, tick)
            self._note(tick, Log.STEP_STARTED, 1)
            self._drive_cell(step.sign)

    def _reserved(self, step: Step) -> bool:
        wanted = self.reservation
        if wanted is None or self.counter is None:
            return False
        return wanted.cycle in (-1, self.counter.cycle) and wanted.step_id in (-1, step.step_id)

    def _pause(self, tick: int) -> None:
        self.status, self.reservation = Status.PAUSE, None
        self._note(tick, Log.PAUSED)
        self._drive_cell(0)

    def _over(self, tick: int, status: Status, code: int) -> None:
        self.status, self.ended_tick = status, tick
        self._note(tick, code)
        if self.test is not None:
            self.test.over_tick = tick
        self._drive_cell(0)

    def _drive_cell(self, sign: int) -> None:
        if self.cell is not None:
            self.cell.begin_step(sign if self.connected else 0)

    # -- acts (each answers whether it was accepted) -------------------------------------------------

    def start(self, program: StepProgram, test: TestRecords, tick: int) -> None:
        """Start a test; the caller has checked that the channel is startable."""
        self.cut(tick)
        self.test, self.barcode = test, test.barcode
        self.tests[test.test_id] = test
        self.counter, self.run = Counter(program), None
        self.status, self._done_ticks = Status.WORKING, 0
        self.alarm_flag, self.reservation = False, None
        self._note(tick, Log.TEST_STARTED)
        self._next_step(tick)
        self.replan(tick)

    def stop(self, tick: int, code: int = Log.STOPPED) -> bool:
        """End a running or paused test by command."""
        if self.status not in (Status.WORKING, Status.PAUSE):
            return False
        running = self.status is Status.WORKING
        self.cut(tick, record=running)
        if running:
            self._end_step(tick, None)
        self._over(tick, Status.STOP, code)
        self.replan(tick)
        return True

    def protect(self, tick: int) -> bool:
        """Trip at once, as a hardware fault does."""
        if self.status is not Status.WORKING:
            return False
        self.cut(tick, record=True)
        self._end_step(tick, None)
        self.alarm_flag = True
        self._over(tick, Status.PROTECT, Log.PROTECTED)
        self.replan(tick)
        return True

    def resume(self, tick: int) -> bool:
        """Go on after stop, protect or pause at the point of interruption (neware-bts 2.10)."""
        test = self.test
        interrupted = self.status in (Status.STOP, Status.PROTECT, Status.PAUSE)
        if not interrupted or test is None or self.counter is None:
            return False
        self.cut(tick)
        self.status, test.over_tick = Status.WORKING, None
        self._note(tick, Log.RESUMED)
        if self.run is not None:
            self._go_on(self.run, test, tick)
        else:
            if self.counter.program.steps[self.counter.index].kind is StepKind.PAUSE:
                self.counter.index += 1
            self._next_step(tick, resumed=True)
        self.replan(tick)
        return True

    def _go_on(self, run: StepRun, test: TestRecords, tick: int) -> None:
        run.base_tick = tick - run.age
        self.machine.rebase(run, self._capacity_Ah)
        for guard in run.guards:
            guard.since_tick = None
        last = test.steps[-1]
        last.end, last.end_tick, last.step_ticks = None, None, None
        test.begin_stretch(last.step_index, last.step_id, last.cycle, last.word)
        self._drive_cell(run.step.sign)

    def pause_now(self, tick: int) -> bool:
        """Pause in mid-step (setpause with -1, -1); the charge passed in the step is kept."""
        if self.status is not Status.WORKING:
            return False
        self.cut(tick, record=True)
        self._pause(tick)
        self.replan(tick)
        return True

    def goto(self, step_id: int, tick: int) -> bool:
        """Jump a running test to a step; the cycle number stays."""
        index = None if self.counter is None else self.counter.program.index_of(step_id)
        if self.status is not Status.WORKING or index is None or self.counter is None:
            return False
        self.cut(tick, record=True)
        if self.run is not None:
            self._end_step(tick, None)
            self._done_ticks += self.run.age
        self.run, self.counter.index = None, index
        self._next_step(tick)
        self.replan(tick)
        return True

    def replace_program(self, program: StepProgram, tick: int) -> bool:
        """Replace the step file of a running test; its present step must be there with the same type.

        A record at this moment, one more 0.1 s later, and the grids start again (neware-bts 4.2).
        """
        run, counter = self.run, self.counter
        if self.status is not Status.WORKING or run is None or counter is None:
            return False
        index = program.index_of(run.step.step_id)
        if index is None or program.steps[index].kind is not run.step.kind:
            return False
        self.cut(tick, record=True)
        self._note(tick, Log.FILE_REPLACED_C)
        counter.program, counter.index, run.step = program, index, program.steps[index]
        self.machine.rebase(run, self._capacity_Ah)
        self.machine.arm(run, program)
        run.grid_origin, run.marks = run.age, (run.age + 1,)
        self._note(tick + 1, Log.FILE_REPLACED_B)
        self._note(tick + 1, Log.FILE_REPLACED_A)
        self.replan(tick)
        return True

    def change_contact(self, tick: int, change: Callable[[], None]) -> None:
        """Change cell or contact at a moment: what flowed so far is kept, the rest is planned anew."""
        self.cut(tick)
        change()
        if self.run is not None:
            self.machine.rebase(self.run, self._capacity_Ah)
        self._drive_cell(self.run.step.sign if self.run and self.status is Status.WORKING else 0)
        self.replan(tick)

    def cell_now(self, tick: int) -> Cell | None:
        """Return a copy of the cell as it is at a moment not later than the next event."""
        twin = copy.copy(self.cell)
        if twin is not None and self._cell_chunk is not None:
            twin.commit(self._cell_chunk, tick - self._start_tick, self.air.temperature_degC())
        return twin

    # -- reading -------------------------------------------------------------------------------------

    def live(self, tick: int) -> Live:
        """Return what the channel shows at a moment not later than its next event. Changes nothing."""
        at = np.asarray([tick - self._start_tick], dtype=np.int64)
        work, run = self._work, self.run
        if work is None or run is None:
            true_V = np.zeros(1) if self._cell_chunk is None else self._cell_chunk.voltage_V(at)
            if not self.connected:
                true_V = np.zeros(1)
            shown_V = float(self.machine.voltage.read(true_V)[0])
            if self.status is not Status.PAUSE or self.counter is None:
                return Live(self.status, shown_V)
            step = run.step if run is not None else self.counter.program.steps[self.counter.index]
            age = run.age if run is not None else 0
            return Live(
                self.status, shown_V, 0.0, step, self.counter.cycle,
                total_s=(self._done_ticks + age) / 10.0, relative_s=age / 10.0,
            )  # fmt: skip
        assert self.counter is not None
        point = self.machine.point(run, work, int(at[0]))
        if self.machine.override.frozen and self.test is not None and self.test.count:
            point = (self.test.last("volt_V"), self.test.last("curr_A"), self.test.last("cap_Ah"), point[3])
        age = run.age + int(at[0])
        return Live(
            self.status, *point[:2], run.step, self.counter.cycle, point[2], point[3],
            (self._done_ticks + age) / 10.0, age / 10.0,
        )  # fmt: skip
