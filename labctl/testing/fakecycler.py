"""A cycler made of arithmetic, for engine tests in jump mode: no bytes, no physics, every exchange can be made to fail.

A test's rows are computed when it starts; what a host may see of them follows the plant time. The channel's truth
(every start and stop that took effect) is kept, so a test can say "exactly once".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.clock import Clock
from labctl.errors import LinkTimeout, RefusedError
from labctl.interfaces.cycler import (
    ChannelState,
    CurrentRange,
    CyclerCapabilities,
    DeviceEvent,
    DeviceProgram,
    LiveReading,
    Place,
    TestProgress,
)
from labctl.model.ids import TestId
from labctl.model.program import Limits, Loop, RecordRule, Segment, Step, StepMode
from labctl.model.record import DEVICE_COLUMNS, STEP_TYPE_CODES, DeviceBlock

PAGE = 1000
VoltageModel = Callable[[Step, int, NDArray[np.float64]], NDArray[np.float64]]
"""Voltage of (step, cycle, step times)."""


def ohmic(resistance_ohm: float = 150.0) -> VoltageModel:
    """Return a symmetric cell that is a resistor with a slow drift inside each step."""

    def voltage_V(step: Step, cycle: int, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return (step.current_A or 0.0) * resistance_ohm * (1.0 + 1e-6 * time_s) + 1e-9 * time_s

    return voltage_V


def shorting(after_cycle: int, resistance_ohm: float = 150.0) -> VoltageModel:
    """Return a cell that is healthy up to a cycle and shorted behind it."""
    healthy, shorted = ohmic(resistance_ohm), ohmic(2.0)

    def voltage_V(step: Step, cycle: int, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return (shorted if cycle > after_cycle else healthy)(step, cycle, time_s)

    return voltage_V


@dataclass(slots=True)
class FakeTest:
    """One device test: all its rows, with the plant time of each."""

    test_id: TestId
    barcode: str
    begin_s: float
    rows: dict[str, NDArray[Any]]
    plant_s: NDArray[np.float64]
    end_s: float
    end_state: ChannelState = ChannelState.FINISHED
    offset: int = 0  # rows that the device has thrown away


@dataclass(slots=True)
class FakeChannel:
    """One channel and what it has done."""

    voltage_V: VoltageModel
    resting_V: float = 0.001
    tests: list[FakeTest] = field(default_factory=list)
    absent: bool = False


@dataclass(slots=True)
class FakeBench:
    """The world that outlives a killed process: channels, truth log, plant time."""

    channels: dict[Place, FakeChannel] = field(default_factory=dict)
    now_s: float = 0.0
    next_test: int = 1
    truth: list[tuple[str, Place, str]] = field(default_factory=list)
    identity: str = "fake cycler 1"

    def advance_to(self, plant_s: float) -> None:
        """Move the plant time; called by the jump clock."""
        self.now_s = max(self.now_s, plant_s)

    def stop_from_outside(self, place: Place) -> None:
        """Do what a person at the tester, or a restart of the instrument, does."""
        test = self.channels[place].tests[-1]
        if self.now_s < test.end_s:
            test.end_s, test.end_state = self.now_s, ChannelState.STOPPED

    def start_from_outside(self, place: Place, segment: Segment, record: RecordRule) -> None:
        """Do what somebody else's program does: use the channel."""
        self.stop_from_outside(place)
        self.begin(place, segment, record, Limits(), "somebody else")

    def begin(
        self, place: Place, segment: Segment, record: RecordRule, limits: Limits, barcode: str
    ) -> TestId:
        """Start a test; its whole future is computed here."""
        channel = self.channels[place]
        test_id = TestId(self.next_test)
        self.next_test += 1
        rows, plant_s, duration_s, state = _rows(segment, record, limits, channel.voltage_V, self.now_s)
        channel.tests.append(
            FakeTest(test_id, barcode, self.now_s, rows, plant_s, self.now_s + duration_s, state)
        )
        return test_id


def _unrolled(segment: Segment) -> tuple[list[tuple[Step, int, int]], list[int]]:
    """Return (step, device step, cycle) in order of execution, and the step ids by device step."""
    lines: list[Step | None] = []

    def number(body: Sequence[Step | Loop]) -> list[Any]:
        plan: list[Any] = []
        for node in body:
            if isinstance(node, Step):
                lines.append(node)
                plan.append((node, len(lines)))
            else:
                inner = number(node.body)
                lines.append(None)
                plan.append((node.count, inner))
        return plan

    plan = number(segment.body)
    lines.append(None)
    done: list[tuple[Step, int, int]] = []
    cycle = 1

    def play(nodes: list[Any]) -> None:
        nonlocal cycle
        for head, tail in nodes:
            if isinstance(head, Step):
                done.append((head, tail, cycle))
                continue
            for count in range(head):
                if count:
                    cycle += 1
                play(tail)

    play(plan)
    return done, [0 if line is None else line.step_id for line in lines]


def _rows(
    segment: Segment, record: RecordRule, limits: Limits, model: VoltageModel, begin_s: float
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64], float, ChannelState]:
    parts: list[dict[str, NDArray[Any]]] = []
    moments: list[NDArray[np.float64]] = []
    elapsed_s, state = 0.0, ChannelState.FINISHED
    for step, device_step, cycle in _unrolled(segment)[0]:
        current_A = step.current_A or 0.0
        duration_s = step.end_time_s
        if step.end_capacity_Ah is not None and current_A:
            duration_s = min(duration_s, round(step.end_capacity_Ah / abs(current_A) * 3600.0, 1))
        every_s = (step.record or record).every_s or record.every_s or 10.0
        times_s = np.arange(0.0, duration_s, every_s)
        times_s = np.append(times_s, duration_s)
        voltage_V = model(step, cycle, times_s)
        high_V = np.inf if limits.voltage_max_V is None else limits.voltage_max_V
        low_V = -np.inf if limits.voltage_min_V is None else limits.voltage_min_V
        beyond = np.flatnonzero((voltage_V > high_V) | (voltage_V < low_V))
        if beyond.size:
            keep = int(beyond[0]) + 1
            times_s, voltage_V, state = times_s[:keep], voltage_V[:keep], ChannelState.PROTECTED
        count = len(times_s)
        capacity_Ah = abs(current_A) * times_s / 3600.0
        parts.append(
            {
                "device_step": np.full(count, device_step, "<i4"),
                "device_cycle": np.full(count, cycle, "<i4"),
                "step_type": np.full(count, STEP_TYPE_CODES[step.mode], "<i1"),
                "step_time_second": times_s,
                "voltage_volt": voltage_V,
                "current_ampere": np.full(count, current_A),
                "step_capacity_ah": capacity_Ah,
                "step_energy_wh": capacity_Ah * np.abs(voltage_V),
            }
        )
        moments.append(begin_s + elapsed_s + times_s)
        elapsed_s += float(times_s[-1])
        if state is ChannelState.PROTECTED:
            break
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    count = len(rows["voltage_volt"])
    rows["device_sequence"] = np.arange(1, count + 1, dtype="<i8")
    rows["quality"] = np.zeros(count, "<i1")
    rows["device_clock"] = np.full(count, b"2026-01-01 00:00:00", "S19")
    return rows, np.concatenate(moments), elapsed_s, state


class FakeCycler:
    """A ``Cycler`` on a ``FakeBench``. ``fate`` is asked before each exchange and may make it fail.

    ``fate(number, operation)`` returns "" (works), "lost" (nothing arrives), or "mute" (takes effect, no answer).
    """

    def __init__(
        self,
        bench: FakeBench,
        clock: Clock,
        name: str = "neware",
        fate: Callable[[int, str], str] | None = None,
    ) -> None:
        self.name = name
        self.bench = bench
        self.fate = fate or (lambda number, operation: "")
        self.exchanges = 0
        self.asked: list[tuple[float, str]] = []
        self.edit_rows: Callable[[dict[str, NDArray[Any]]], None] | None = None
        self._clock = clock
        self._fence: Callable[[], None] = lambda: None
        self._programs: dict[str, tuple[Segment, RecordRule, Limits]] = {}

    async def _exchange(self, operation: str) -> str:
        """Count the exchange; raises LinkTimeout where nothing arrives. Returns how it ends."""
        self.exchanges += 1
        self.asked.append((self._clock.plant.now_s(), operation))
        with self._clock.busy():
            await self._clock.link.sleep(0)
        fate = self.fate(self.exchanges, operation)
        if fate == "lost":
            await self._timeout(operation)
        return fate

    async def _timeout(self, operation: str) -> None:
        with self._clock.busy():
            await self._clock.link.sleep(30.0)
        raise LinkTimeout("no answer", instrument=self.name, operation=operation, elapsed_s=30.0)

    async def _answered(self, fate: str, operation: str) -> None:
        if fate == "mute":
            await self._timeout(operation)

    # -- HasChannels ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._answered(await self._exchange("open"), "open")

    async def close(self) -> None:
        return None

    async def identify(self) -> str:
        await self._answered(await self._exchange("identify"), "identify")
        return self.bench.identity

    def same_device(self, known: str, now: str, place: Place | None = None) -> bool:
        return known == now

    def fence(self, check: Callable[[], None]) -> None:
        self._fence = check

    async def places(self) -> tuple[Place, ...]:
        return tuple(self.bench.channels)

    def capabilities(self, place: Place) -> CyclerCapabilities:
        return CyclerCapabilities(
            model="fake",
            modes=frozenset(StepMode),
            ranges=(CurrentRange(1e-3), CurrentRange(10e-3)),
            voltage_min_V=-5.0,
            voltage_max_V=5.0,
        )

    # -- ReadsLive, ReadsRecords ------------------------------------------------------------------------------------

    def _state(self, place: Place) -> ChannelState:
        channel = self.bench.channels[place]
        if channel.absent:
            return ChannelState.ABSENT
        if not channel.tests:
            return ChannelState.IDLE
        test = channel.tests[-1]
        return ChannelState.RUNNING if self.bench.now_s < test.end_s else test.end_state

    def _visible(self, test: FakeTest) -> int:
        until_s = min(self.bench.now_s, test.end_s)
        return int(np.searchsorted(test.plant_s, until_s + 1e-9, side="right"))

    async def live(self, places: Sequence[Place]) -> tuple[LiveReading, ...]:
        await self._answered(await self._exchange("live"), "live")
        found = []
        for place in places:
            channel = self.bench.channels[place]
            test = channel.tests[-1] if channel.tests else None
            found.append(
                LiveReading(
                    place, self._state(place), channel.resting_V, 0.0, None, 1, 0.0, 0.0,
                    barcode="" if test is None else test.barcode,
                )
            )  # fmt: skip
        return tuple(found)

    async def progress(self, places: Sequence[Place]) -> tuple[TestProgress, ...]:
        await self._answered(await self._exchange("progress"), "progress")
        found = []
        for place in places:
            channel = self.bench.channels[place]
            if not channel.tests:
                found.append(TestProgress(place, TestId(0), 0, True))
                continue
            test = channel.tests[-1]
            found.append(
                TestProgress(place, test.test_id, self._visible(test), self.bench.now_s >= test.end_s)
            )
        return tuple(found)

    async def records(
        self, place: Place, test_id: TestId, after_sequence: int, up_to: int | None = None
    ) -> DeviceBlock:
        await self._answered(await self._exchange("records"), "records")
        test = next(item for item in self.bench.channels[place].tests if item.test_id == test_id)
        last = self._visible(test) if up_to is None else min(up_to, self._visible(test))
        first = max(after_sequence, test.offset)
        last = min(last, first + PAGE)
        rows = {name: test.rows[name][first:last].copy() for name in DEVICE_COLUMNS}
        if self.edit_rows is not None:
            self.edit_rows(rows)
        return DeviceBlock(rows)

    async def events(self, place: Place, test_id: TestId) -> tuple[DeviceEvent, ...]:
        await self._answered(await self._exchange("events"), "events")
        return (DeviceEvent(1, 100000, "test started", "2026-01-01 00:00:00"),)

    # -- RunsProgram ------------------------------------------------------------------------------------------------

    async def load(
        self,
        place: Place,
        segment: Segment,
        *,
        label: str,
        record: RecordRule,
        limits: Limits,
        nominal_capacity_Ah: float | None = None,
        active_mass_mg: float | None = None,
    ) -> DeviceProgram:
        await self._answered(await self._exchange("load"), "load")
        self._programs[label] = (segment, record, limits)
        return DeviceProgram(label, "0" * 64, tuple(_unrolled(segment)[1]))

    async def start(self, place: Place, program: DeviceProgram, *, barcode: str) -> TestId:
        fate = await self._exchange("start")
        if self._state(place) in (ChannelState.RUNNING, ChannelState.PAUSED, ChannelState.ABSENT):
            raise RefusedError("the channel cannot be started", instrument=self.name, operation="start")
        self._fence()
        segment, record, limits = self._programs[program.reference]
        test_id = self.bench.begin(place, segment, record, replace(limits), barcode)
        self.bench.truth.append(("start", place, barcode))
        await self._answered(fate, "start")
        return test_id

    async def stop(self, place: Place) -> None:
        fate = await self._exchange("stop")
        if self._state(place) is not ChannelState.RUNNING:
            raise RefusedError("nothing runs there", instrument=self.name, operation="stop")
        self.bench.stop_from_outside(place)
        self.bench.truth.append(("stop", place, ""))
        await self._answered(fate, "stop")

    async def stop_all(self) -> None:
        for place in self.bench.channels:
            if self._state(place) is ChannelState.RUNNING:
                await self.stop(place)

    async def pause(self, place: Place) -> None:
        raise RefusedError("this cycler cannot pause", instrument=self.name, operation="pause")

    async def resume(self, place: Place) -> None:
        raise RefusedError("this cycler cannot pause", instrument=self.name, operation="resume")

    async def pause_at(self, place: Place, device_step: int) -> None:
        raise RefusedError("this cycler cannot pause", instrument=self.name, operation="pause_at")

    async def skip_to(self, place: Place, device_step: int) -> None:
        raise RefusedError("this cycler cannot jump", instrument=self.name, operation="skip_to")

    async def clear_protection(self, place: Place) -> None:
        await self._answered(await self._exchange("clear_protection"), "clear_protection")
