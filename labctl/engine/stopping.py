"""Stops that a person asks for: one run, or all outputs. They take the stop lane and wait for nothing else.

*Stop all* sends its first bytes to every instrument at once, whatever the normal lanes are doing, and reports within
five seconds what is confirmed and what a person must do by hand (safety-and-faults, section 5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from labctl.clock import Clock
from labctl.engine.instrument import InstrumentTask
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.errors import InstrumentError, RefusedError
from labctl.interfaces.cycler import STARTABLE
from labctl.model.bench import StopReport
from labctl.model.ids import ChannelId

STOP_WITHIN_S = 5.0
"""Link seconds in which a stop is confirmed or not (section 5)."""
DIRECT_AFTER_S = 0.2
"""A task that has not begun to stop by then hangs in an exchange: the stop goes past it."""
STOP_ALL_WITHIN_S = 3.2
"""Of the five seconds; what is left belongs to the read-back and to telling a thousand channels' fates."""
READ_BACK_S = 0.4
"""Kept of the five seconds for reading back what a failed *stop all* has reached."""
TRIES = 3
BY_HAND = "Stop the channel at the tester or in BTS Client now, or disconnect the cell."
STOPPED = frozenset({Phase.DRAINING, Phase.ENDED})


async def stop_one(task: InstrumentTask, run: Run, clock: Clock) -> bool:
    """Wait for the stop of a run whose end has been asked for; go past a task that hangs. True: confirmed."""
    task.wake.set()
    if await _settled(run, clock, DIRECT_AFTER_S):
        if run.leaving and not run.leaving.startswith("held") and run.phase not in STOPPED and run.test_id:
            return await _direct(task, run, clock)  # it was being left when the end was asked for
        return run.phase in STOPPED
    direct = False
    if task.working and run.on_device and run.phase is not Phase.STOPPING:
        direct = await _direct(task, run, clock)
    if await _settled(run, clock, STOP_WITHIN_S - DIRECT_AFTER_S):
        return run.phase in STOPPED
    return direct


async def _settled(run: Run, clock: Clock, within_s: float) -> bool:
    try:
        async with clock.link.timeout(within_s):
            await run.settled.wait()
    except TimeoutError:
        return False
    return True


async def _direct(task: InstrumentTask, run: Run, clock: Clock) -> bool:
    """Send the stop past the task; the task reads back later that the test is over."""
    run.event("stop.direct", text="the normal way is busy: stopped over the stop lane")
    try:
        async with clock.link.timeout(STOP_WITHIN_S):
            await task.instrument.cycler.stop(run.place)
    except RefusedError:
        return True  # nothing runs there
    except (InstrumentError, TimeoutError) as error:
        run.event("stop.unconfirmed", text=str(error))
        return False
    return True


async def stop_everything(
    tasks: Sequence[InstrumentTask], clock: Clock, is_used: Callable[[ChannelId], bool]
) -> tuple[StopReport, ...]:
    """Stop every channel of every instrument in parallel; one report per channel."""
    found: dict[str, tuple[StopReport, ...]] = {}

    async def one(task: InstrumentTask) -> None:
        found[task.instrument.name] = await _stop_instrument(task, clock, is_used)

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(one(task))
    return tuple(report for task in tasks for report in found[task.instrument.name])


async def _stop_instrument(
    task: InstrumentTask, clock: Clock, is_used: Callable[[ChannelId], bool]
) -> tuple[StopReport, ...]:
    instrument = task.instrument
    if not instrument.places:
        # Nobody knows its channels: without a run of ours it is told by its name, for unknown is not stopped (P2).
        owned = [run.program.channel for run in task.runs if not run.over] or [ChannelId(instrument.name)]
        text = f"{instrument.name} has not answered since the station began: {task.link.problem or 'still opening'}"
        return tuple(StopReport(channel, False, text, BY_HAND) for channel in owned)
    problem = ""
    try:
        async with clock.link.timeout(STOP_ALL_WITHIN_S):
            problem = await _tries(task)
    except TimeoutError:
        problem = f"{instrument.name} has not confirmed within {STOP_ALL_WITHIN_S:g} s"
    if not problem:
        return tuple(StopReport(channel, True) for channel in instrument.channels)
    return await _read_back(task, clock, problem)


async def _tries(task: InstrumentTask) -> str:
    """Send *stop all* up to three times; return why it is not confirmed, empty when it is."""
    problem = ""
    for _ in range(TRIES):
        try:
            await task.instrument.cycler.stop_all()
        except InstrumentError as error:
            problem = str(error)
        else:
            return ""
    return problem


async def _read_back(task: InstrumentTask, clock: Clock, problem: str) -> tuple[StopReport, ...]:
    """Find out channel by channel what a stop that was not confirmed has reached (P2: unknown is not stopped)."""
    instrument = task.instrument
    standing: set[ChannelId] = set()
    try:
        async with clock.link.timeout(READ_BACK_S):
            readings = await instrument.cycler.live(instrument.places)
        standing = {
            ChannelId(f"{instrument.name}:{live.place}") for live in readings if live.state in STARTABLE
        }
    except (InstrumentError, TimeoutError):
        standing = set()
    return tuple(
        StopReport(channel, True) if channel in standing else StopReport(channel, False, problem, BY_HAND)
        for channel in instrument.channels
    )
