"""Examines any ``Cycler`` driver against any instrument, simulated or real, by what a caller can see.

A driver's author hands over a function that makes a fresh ``Setup``; each case gets one of its own, plays on it, and
is either kept or named with the reason::

    report = check_cycler(make)
    assert not report.problems, report

What it asks for is written in ``labctl.interfaces.cycler`` and in sections 3 and 5 of the safety specification; it
never looks into the driver. On hardware use a dummy cell: the cases drive ``Setup.current_A`` for some minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from labctl.clock import Clock, ClockMode, ClockSpec, SupportsAdvance, run_with_clock
from labctl.errors import InstrumentError, RefusedError
from labctl.interfaces.cycler import (
    STARTABLE,
    ChannelState,
    Cycler,
    DeviceProgram,
    Place,
    TestProgress,
)
from labctl.model.ids import TestId
from labctl.model.program import Limits, RecordRule, Segment, Step, StepMode
from labctl.model.record import DEVICE_COLUMNS, DeviceBlock

STOP_BYTES_WITHIN_S = 0.3
"""The first stop command is on the link so soon, whatever the normal lane does (safety-and-faults section 5)."""
POLL_S = 10.0
OVER_WITHIN_POLLS = 60
PAGING_ROWS = (0, 1, 999, 1000, 1001)
PAGING_S = 1100.0
"""A test of so many seconds with a record each second has more than the largest of ``PAGING_ROWS``."""


class Rig(Protocol):
    """A driver, closed, on an instrument with one idle channel, and eyes that do not go through the driver."""

    @property
    def cycler(self) -> Cycler: ...
    @property
    def place(self) -> Place: ...
    def energised(self) -> bool:
        """Tell whether the channel performs a test, seen from outside."""

    def changes(self) -> int:
        """Count the commands that the instrument has taken and that change anything."""

    def hang(self) -> None:
        """From now on let the normal lane answer nothing, for ever; the stop lane stays as it is."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How to make a rig on a clock. ``bench`` is moved by the clock in jump mode; ``None`` on hardware."""

    rig: Callable[[Clock], Rig]
    bench: SupportsAdvance | None = None
    clock: ClockSpec = field(default_factory=lambda: ClockSpec(mode=ClockMode.JUMP))
    current_A: float = 1e-4


class Nonconformity(Exception):
    """A case found something that the interface forbids."""


@dataclass(frozen=True, slots=True)
class Report:
    """Which cases a driver keeps. ``problems`` maps the others to their reasons."""

    kept: tuple[str, ...]
    problems: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{len(self.kept)} cases kept, {len(self.problems)} not"]
        return "\n".join([*lines, *(f"{name}: {reason}" for name, reason in self.problems.items())])


def check_cycler(make: Callable[[], Setup], *, only: Sequence[str] = ()) -> Report:
    """Play every case, or those named, each on a fresh setup. Raises nothing that a driver did wrong."""
    kept: list[str] = []
    problems: dict[str, str] = {}
    for name, case in CASES.items():
        if only and name not in only:
            continue
        setup = make()
        try:
            run_with_clock(setup.clock, _opened(case, setup), bench=setup.bench)
        except (Nonconformity, InstrumentError, TimeoutError) as error:
            problems[name] = f"{type(error).__name__}: {error}"
        else:
            kept.append(name)
    return Report(tuple(kept), problems)


@dataclass(frozen=True, slots=True)
class _Scene:
    rig: Rig
    clock: Clock
    setup: Setup

    @property
    def cycler(self) -> Cycler:
        return self.rig.cycler

    @property
    def place(self) -> Place:
        return self.rig.place

    async def progress(self) -> TestProgress:
        return (await self.cycler.progress([self.place]))[0]

    async def state(self) -> ChannelState:
        await self.clock.plant.sleep(POLL_S)  # a driver may remember live values for some seconds
        return (await self.cycler.live([self.place]))[0].state

    async def load(self, duration_s: float, label: str = "conformance") -> DeviceProgram:
        """Load a rest of a minute and a charge; a record each second."""
        capabilities = self.cycler.capabilities(self.place)
        limits = Limits(voltage_min_V=capabilities.voltage_min_V, voltage_max_V=capabilities.voltage_max_V)
        body = (
            Step(1, StepMode.REST, 60.0, sentence="Rest."),
            Step(2, StepMode.CC_CHARGE, duration_s - 60.0, self.setup.current_A, sentence="Charge."),
        )
        return await self.cycler.load(
            self.place, Segment(1, body), label=label, record=RecordRule(every_s=1.0), limits=limits
        )

    async def start(self, duration_s: float) -> TestId:
        return await self.cycler.start(self.place, await self.load(duration_s), barcode="conformance.1")

    async def over(self, duration_s: float) -> TestProgress:
        """Wait until the test is complete."""
        await self.clock.plant.sleep(duration_s)
        for _ in range(OVER_WITHIN_POLLS):
            progress = await self.progress()
            if progress.complete:
                return progress
            await self.clock.plant.sleep(POLL_S)
        raise Nonconformity(f"a test of {duration_s:g} s is not complete {OVER_WITHIN_POLLS} polls later")

    async def rows(self, test_id: TestId, up_to: int | None, after: int = 0) -> DeviceBlock:
        """Fetch page after page behind a sequence number until there is no more."""
        parts = [DeviceBlock.empty(DEVICE_COLUMNS)]
        while len(block := await self.cycler.records(self.place, test_id, after, up_to)):
            parts.append(block)
            after = int(block["device_sequence"][-1])
        return DeviceBlock.joined(parts)


_Case = Callable[[_Scene], Awaitable[None]]


def _opened(case: _Case, setup: Setup) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    async def main(clock: Clock) -> None:
        scene = _Scene(setup.rig(clock), clock, setup)
        await scene.cycler.open()
        try:
            await case(scene)
        finally:
            await scene.cycler.close()

    return main


def _insist(condition: bool, text: str) -> None:
    if not condition:
        raise Nonconformity(text)


async def _refused(call: Awaitable[object], what: str) -> None:
    try:
        await call
    except RefusedError:
        return
    raise Nonconformity(f"{what} is not refused")


# -- the cases ---------------------------------------------------------------------------------------------------------


async def _identify(scene: _Scene) -> None:
    first, second = await scene.cycler.identify(), await scene.cycler.identify()
    _insist(
        bool(first.strip()) and "\n" not in first, f"identify is one line that says something, not {first!r}"
    )
    _insist(first == second, f"identify says {first!r} and then {second!r}")


async def _places(scene: _Scene) -> None:
    places = await scene.cycler.places()
    _insist(len(set(places)) == len(places), f"places are named twice: {places}")
    _insist(scene.place in places, f"{scene.place} is not among {places}")
    await scene.cycler.close()
    await scene.cycler.open()
    _insist(await scene.cycler.places() == places, "other places after opening again")
    for place in places:
        ranges = scene.cycler.capabilities(place).ranges
        _insist(all(item.full_scale_A > 0.0 for item in ranges) and bool(ranges), f"{place} has no ranges")


async def _order(scene: _Scene) -> None:
    places = await scene.cycler.places()
    for asked in (places, places[::-1], places[1:2], (*places[:1], *places[-1:]), ()):
        await scene.clock.plant.sleep(POLL_S)
        for name, answers in (
            ("live", await scene.cycler.live(asked)),
            ("progress", await scene.cycler.progress(asked)),
        ):
            told = tuple(answer.place for answer in answers)
            _insist(told == tuple(asked), f"{name} of {asked} answers for {told}")


async def _load(scene: _Scene) -> None:
    before, changes = await scene.progress(), scene.rig.changes()
    program = await scene.load(PAGING_S)
    _insist(not scene.rig.energised() and scene.rig.changes() == changes, "load energises")
    _insist(await scene.progress() == before, "load begins a test")
    named = sorted(step for step in program.step_ids if step)
    _insist(named == [1, 2], f"the device's steps stand for {named}, the segment has 1 and 2")
    _insist(len(program.sha256) == 64, f"sha256 is {program.sha256!r}")
    again = await scene.load(PAGING_S)
    _insist(again.step_ids == program.step_ids, "the same segment gives other device steps")


async def _life(scene: _Scene) -> None:
    before = await scene.progress()
    test_id = await scene.start(300.0)
    _insist(
        test_id > 0 and test_id != before.test_id,
        f"the new test is {test_id}, before it was {before.test_id}",
    )
    _insist(scene.rig.energised(), "start says yes and the channel does nothing")
    _insist(await scene.state() is ChannelState.RUNNING, "a started channel does not say running")
    count = 0
    for _ in range(5):
        await scene.clock.plant.sleep(POLL_S)
        progress = await scene.progress()
        _insist(progress.test_id == test_id, f"progress tells of test {progress.test_id}, ours is {test_id}")
        _insist(progress.count >= count, f"the count falls from {count} to {progress.count}")
        count = progress.count
    _insist(count > 0, "nothing is recorded")
    end = await scene.over(300.0)
    state = await scene.state()
    _insist(state is ChannelState.FINISHED, f"a test that is done says {state}")
    rows = await scene.rows(test_id, None)
    _insist(len(rows) == end.count, f"{len(rows)} rows can be fetched, {end.count} are promised")
    step_s = rows["step_time_second"]
    _insist(
        bool(np.all(np.diff(step_s[rows["device_step"] == rows["device_step"][0]]) >= 0.0)), "step time falls"
    )
    driven = np.abs(rows["current_ampere"] - scene.setup.current_A) < 0.01 * scene.setup.current_A
    _insist(bool(driven[-10:].all()), "charging is not a positive current of the size asked for")


async def _refusals(scene: _Scene) -> None:
    await _refused(scene.cycler.stop(scene.place), "stop of a channel that does nothing")
    test_id = await scene.start(PAGING_S)
    program = await scene.load(300.0, "conformance-second")
    changes = scene.rig.changes()
    await _refused(
        scene.cycler.start(scene.place, program, barcode="conformance.2"), "start of a running channel"
    )
    _insist((await scene.progress()).test_id == test_id, "a refused start has changed the test")
    _insist(scene.rig.energised() and scene.rig.changes() == changes, "a refused start was sent")


async def _stop(scene: _Scene) -> None:
    test_id = await scene.start(PAGING_S)
    await scene.clock.plant.sleep(100.0)
    await scene.cycler.stop(scene.place)
    _insist(not scene.rig.energised(), "stop returns and the channel goes on")
    _insist(await scene.state() is ChannelState.STOPPED, "a stopped channel does not say stopped")
    end = await scene.over(0.0)
    _insist(len(await scene.rows(test_id, None)) == end.count > 0, "rows are lost by a stop")
    _insist(await scene.state() in STARTABLE, "a stopped channel cannot be started again")
    second = await scene.start(300.0)
    _insist(second != test_id, "the second test has the first one's number")
    await scene.cycler.stop_all()
    _insist(not scene.rig.energised(), "stop_all returns and the channel goes on")


async def _paging(scene: _Scene) -> None:
    test_id = await scene.start(PAGING_S)
    end = await scene.over(PAGING_S)
    whole = await scene.rows(test_id, None)
    _insist(len(whole) == end.count > max(PAGING_ROWS), f"{len(whole)} rows of {end.count}")
    for count in PAGING_ROWS:
        rows = await scene.rows(test_id, count)
        wanted = list(range(1, count + 1))
        _insist(rows["device_sequence"].tolist() == wanted, f"up to {count}: not the rows 1 to {count}")
        rest = await scene.rows(test_id, None, after=count)
        joined = DeviceBlock.joined([rows, rest])
        for name in DEVICE_COLUMNS:
            same = np.array_equal(joined[name], whole[name])
            _insist(same, f"{name} differs when the test is cut at row {count}")
    _insist(not len(await scene.cycler.records(scene.place, test_id, end.count)), "rows behind the last one")


async def _readonly(scene: _Scene) -> None:
    test_id = await scene.start(PAGING_S)
    await scene.clock.plant.sleep(100.0)
    changes = scene.rig.changes()
    places = await scene.cycler.places()
    for _ in range(3):
        await scene.cycler.identify()
        await scene.cycler.live(places)
        await scene.cycler.progress(places)
        await scene.rows(test_id, None)
        await scene.cycler.events(scene.place, test_id)
        await scene.clock.plant.sleep(POLL_S)
    _insist(scene.rig.changes() == changes, "a question has changed something")
    _insist(
        scene.rig.energised() and (await scene.progress()).test_id == test_id, "a question has ended the test"
    )


async def _close(scene: _Scene) -> None:
    test_id = await scene.start(300.0)
    changes = scene.rig.changes()
    await scene.cycler.close()
    await scene.cycler.close()
    await scene.clock.plant.sleep(100.0)
    _insist(scene.rig.energised() and scene.rig.changes() == changes, "closing has stopped the test")
    await scene.cycler.open()
    _insist((await scene.progress()).test_id == test_id, "another test after opening again")


async def _stop_lane(scene: _Scene) -> None:
    test_id = await scene.start(PAGING_S)
    await scene.clock.plant.sleep(100.0)
    scene.rig.hang()

    async def ignored(call: Awaitable[object]) -> None:
        try:
            await call
        except InstrumentError:
            return  # the hung lane times out, and with it the read-back of the stop: that is not examined here

    async with asyncio.TaskGroup() as group:
        hung = group.create_task(ignored(scene.cycler.records(scene.place, test_id, 0)))
        await scene.clock.link.sleep(0.1)
        begin_s = scene.clock.link.now_s()
        stopping = group.create_task(ignored(scene.cycler.stop(scene.place)))
        while scene.rig.energised() and scene.clock.link.now_s() - begin_s < STOP_BYTES_WITHIN_S:
            await scene.clock.link.sleep(0.02)
        stopped = not scene.rig.energised()
        hung.cancel()
        stopping.cancel()
    _insist(stopped, f"no stop within {STOP_BYTES_WITHIN_S:g} s while the normal lane hangs")


async def _able(scene: _Scene, call: Awaitable[object]) -> bool:
    """Make a call that a driver may refuse for good, because its device cannot do it; then nothing has changed."""
    changes = scene.rig.changes()
    try:
        await call
    except RefusedError:
        _insist(scene.rig.changes() == changes, "what was refused was sent")
        _insist(scene.rig.energised(), "what was refused has ended the test")
        return False
    return True


async def _pause(scene: _Scene) -> None:
    test_id = await scene.start(300.0)
    await scene.clock.plant.sleep(100.0)
    if not await _able(scene, scene.cycler.pause(scene.place)):
        return
    _insist(not scene.rig.energised(), "pause returns and the channel goes on")
    _insist(await scene.state() is ChannelState.PAUSED, "a paused channel does not say paused")
    count = (await scene.progress()).count
    await scene.clock.plant.sleep(10 * POLL_S)
    progress = await scene.progress()
    _insist(progress.test_id == test_id and not progress.complete, "a pause has ended the test")
    _insist(progress.count <= count + 1, "a paused channel goes on recording")
    await scene.cycler.resume(scene.place)
    _insist(scene.rig.energised(), "resume returns and the channel does nothing")
    await _refused(scene.cycler.resume(scene.place), "resume of a channel that runs")
    await scene.over(300.0)
    rows = await scene.rows(test_id, None)
    last_s = float(rows["step_time_second"][-1])
    _insist(abs(last_s - 240.0) < 1.0, f"the paused step was {last_s:g} s long, not 240 s: the pause counted")


async def _pause_later(scene: _Scene) -> None:
    await _refused(scene.cycler.pause_at(scene.place, 2), "pause_at of a channel that does nothing")
    test_id = await scene.start(300.0)
    if not await _able(scene, scene.cycler.pause_at(scene.place, 2)):
        return
    await scene.clock.plant.sleep(100.0)
    _insist(await scene.state() is ChannelState.PAUSED, "the channel has not paused before step 2")
    rows = await scene.rows(test_id, None)
    _insist(set(rows["device_step"].tolist()) == {1}, "step 2 has begun before the pause")
    last_s = float(rows["step_time_second"][-1])
    _insist(abs(last_s - 60.0) < 1.0, f"step 1 was {last_s:g} s long, not 60 s")
    await scene.cycler.stop(scene.place)


async def _skip(scene: _Scene) -> None:
    await _refused(scene.cycler.skip_to(scene.place, 2), "skip_to on a channel that does nothing")
    test_id = await scene.start(300.0)
    await scene.clock.plant.sleep(20.0)
    if not await _able(scene, scene.cycler.skip_to(scene.place, 2)):
        return
    live = (await scene.cycler.live([scene.place]))[0]
    _insist(live.device_step == 2, f"after a skip to step 2 the device is in step {live.device_step}")
    await scene.over(240.0)
    rows = await scene.rows(test_id, None)
    step_s = rows["step_time_second"]
    _insist(float(step_s[rows["device_step"] == 1].max()) < 60.0, "the skipped step ran to its end")
    _insist(abs(float(step_s[-1]) - 240.0) < 1.0, "the step behind the skip was cut short")


async def _fence(scene: _Scene) -> None:
    program = await scene.load(300.0)
    changes = scene.rig.changes()

    def shut() -> None:
        raise RefusedError("nothing may be energised", operation="start")

    scene.cycler.fence(shut)
    await _refused(
        scene.cycler.start(scene.place, program, barcode="conformance.1"), "a start behind the fence"
    )
    _insist(not scene.rig.energised() and scene.rig.changes() == changes, "a start was sent past the fence")
    scene.cycler.fence(lambda: None)
    await scene.cycler.start(scene.place, program, barcode="conformance.1")
    _insist(scene.rig.energised(), "an open fence keeps the start from leaving")
    scene.cycler.fence(shut)
    await scene.cycler.stop(scene.place)
    _insist(not scene.rig.energised(), "the fence keeps a stop from leaving")


async def _same_device(scene: _Scene) -> None:
    identity = await scene.cycler.identify()
    _insist(scene.cycler.same_device(identity, identity, scene.place), "it is not the device that it is")
    _insist(
        not scene.cycler.same_device(identity, "another instrument", scene.place), "any device is this one"
    )


CASES: dict[str, _Case] = {
    "it says what it is, in one line and always the same": _identify,
    "it names its places, each once, with what they can do": _places,
    "live and progress answer one per place in the order asked": _order,
    "load energises nothing and names each step of the segment": _load,
    "a test is started, followed and finishes with every row": _life,
    "a running channel is not started, an idle one not stopped": _refusals,
    "a stop is confirmed, keeps the rows and frees the channel": _stop,
    "records come gap-free at 0, 1, 999, 1000 and 1001 rows": _paging,
    "questions change nothing": _readonly,
    "closing the driver leaves the test alone": _close,
    "it knows itself again, and nothing else": _same_device,
    "a pause holds the step, and going on ends it": _pause,
    "a reserved pause comes before its step": _pause_later,
    "a skip is seen in the step that was asked for": _skip,
    "nothing energising passes a shut fence, a stop does": _fence,
    "the stop lane works while the normal lane hangs": _stop_lane,
}
