"""Owns every instrument and chamber of a station from opening to closing; runs come and go at any time.

A dead instrument keeps nothing else from working: each has a task of its own that opens it with growing pauses. What
a person asks for is done between two polls, except a stop, which takes the stop lane at once when the normal way is
busy. Everything here is called on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine import requesting, revising, steering
from labctl.engine.climate import ClimateTask
from labctl.engine.crew import Crew
from labctl.engine.gate import Gate
from labctl.engine.idle import SILENT, IdleWatch
from labctl.engine.jobs import Job, Progress, RunResult, StopSignal
from labctl.engine.leases import Leases
from labctl.engine.limiting import limits_of_idle, limits_of_run
from labctl.engine.listening import EngineListener
from labctl.engine.machines.findings import EndDecision, Finding, Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.making import check_channels, check_jobs, never_started, prepare
from labctl.engine.rawframes import Frames
from labctl.engine.resume import reopened
from labctl.engine.run import Run
from labctl.engine.shell import stop_run
from labctl.engine.spectra import AsksForSpectra
from labctl.engine.station import build_station
from labctl.engine.stopping import stop_everything, stop_one
from labctl.errors import InstrumentError, LabctlError, StoreError, UserInputError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, LinkState, StopReport
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId, RunId
from labctl.model.limitsnow import LimitsNow
from labctl.model.program import Limits, Program
from labctl.model.technique import Geis, Peis
from labctl.store.root import DataRoot
from labctl.transport.base import Transport

log = logging.getLogger(__name__)

IDLE_EVERY_S = 10.0
"""Link seconds between two readings of channels without a run."""
LATCHING = frozenset({Outcome.TRIPPED, Outcome.HELD})


class Supervisor(AsksForSpectra):
    """The engine of a station. Made on the event loop; ``serve`` does the work.

    ``connect`` replaces the transports (in-memory benches). ``lock_folder`` is where the leases of the instruments
    lie; by default one folder for all users of this computer.
    """

    def __init__(
        self,
        file: StationFile,
        root: DataRoot,
        clock: Clock,
        listener: EngineListener,
        *,
        connect: Callable[[str], Transport] | None = None,
        lock_folder: Path | None = None,
        keep_frames: bool = False,
        idle_every_s: float = IDLE_EVERY_S,
    ) -> None:
        """Make drivers and tasks; nothing is sent. Raises: UserInputError for a driver that nobody knows."""
        self._file = file
        self._clock = clock
        self._root = root
        self._listener = listener
        self._stack = AsyncExitStack()
        self._gate = Gate()
        self._stop = StopSignal()
        self._station = build_station(
            file, clock, self._stack, connect=connect, wire_root=root if keep_frames else None
        )
        self._crew = Crew(
            self._station, root, listener, self._stop, self._gate, stays=True, idle_every_s=idle_every_s,
            on_over=self._run_is_over,
        )  # fmt: skip
        self.frames = Frames(self._station, self._crew.worker)
        self._idle = {
            name: IdleWatch(task, clock, self._stop, listener, self._is_used, idle_every_s, self._crew.worker)
            for name, task in self._crew.tasks.items()
        }
        super().__init__(self._station, self._crew.potentiostats)
        self._runs: dict[RunId, Run] = {}
        self._used: dict[ChannelId, RunId] = {}
        self._claimed: set[ChannelId] = set()
        self._tripped: dict[ChannelId, str] = {}
        self._count = 0
        self._taking = asyncio.Lock()
        self._over: asyncio.Queue[Run] = asyncio.Queue()
        leases = self._stack.enter_context(Leases(self._gate, f"station {file.name}", lock_folder))
        for name, task in self._crew.tasks.items():
            task.claim = partial(leases.claim, (name, self._station.instruments[name].resource))
        self._crew.claim = leases.claim

    # -- life -------------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Work until ``close``; detaches then: device-driven runs go on and stay ``running``."""
        async with self._stack:
            try:
                async with asyncio.TaskGroup() as group:
                    beside = [group.create_task(self._sweep())]
                    beside += [group.create_task(watch.serve()) for watch in self._idle.values()]
                    await self._crew.serve()
                    for task in beside:
                        task.cancel()
            finally:
                await self._crew.close(list(self._runs.values()))

    def close(self) -> None:
        """Leave: follow no more, send nothing."""
        self._stop.detach()

    async def _sweep(self) -> None:
        """Close the files of runs that are followed no more."""
        while True:
            run = await self._over.get()
            if run.leaving:
                await self._close(run)

    async def _close(self, run: Run) -> None:
        """Close the files of a run; a disk that refuses even that loses nothing durable and costs no other run."""
        try:
            await self._crew.worker.call(run.writer.close)
        except (OSError, StoreError) as error:
            log.warning("run=%s its files could not be closed: %s", run.run_id, error)

    def _forget(self, run: Run) -> None:
        """Follow a run no more; its channel is free unless another run is followed there."""
        channel = run.program.channel
        self._runs.pop(run.run_id, None)
        others = [other.run_id for other in self._runs.values() if other.program.channel == channel]
        if others:
            self._used[channel] = others[-1]
        else:
            self._used.pop(channel, None)

    def _run_is_over(self, run: Run) -> None:
        self._forget(run)
        result = run.result()
        held = result.outcome is None and result.reason.startswith("held")
        if held or result.outcome in LATCHING:
            self._tripped[run.program.channel] = f"run {run.run_id}: {result.reason}"
        self._over.put_nowait(run)

    # -- runs -------------------------------------------------------------------------------------------------------

    async def start(self, job: Job) -> RunId:
        """Take a run: its folder is made, then it waits for its chamber and starts by itself.

        Raises: UserInputError when the channel cannot take it now, StoreError where the folder cannot be made;
        nothing has been sent then.
        """
        check_jobs(self._station, [job])
        channel = job.program.channel
        self._check_free(channel)
        self._claimed.add(channel)
        presses = self._gate.presses
        try:
            await check_channels(self._station, [job], self._heard)
            run = await self._made(job)
        finally:
            self._claimed.discard(channel)
        if self._gate.presses != presses:  # it was not among the runs that Stop all has ended
            run.request_end(EndDecision(Outcome.STOPPED, f"Stop all: {self._gate.last}", None))
        try:
            self._crew.admit(run)
            self._listener.progress(run.progress())
        except Exception as error:
            await self._abandon(run, error)
            raise
        return RunId(run.run_id)

    async def _abandon(self, run: Run, error: Exception) -> None:
        """End a run that could not be served for a fault of ours: its folder must not be started by anybody later."""
        if run in self._crew.task_of(run).runs:  # its task has it already and ends it in its turn
            text = f"never started, a fault in labctl: {type(error).__name__}: {error}"
            run.request_end(EndDecision(Outcome.FAILED, text, None))
            self._crew.task_of(run).wake.set()
            return
        run.leaving = "never started"
        self._forget(run)
        await self._crew.worker.call(never_started, run.writer, error)

    async def _heard(self, instrument: str, error: InstrumentError) -> None:
        """Note an answer that could not be used where a channel was looked at before its start (P8)."""
        await self._crew.tasks[instrument].outages.link_garbled(error)

    async def _made(self, job: Job) -> Run:
        self._count += 1
        crew = self._crew
        run = await prepare(self._station, self._root, self._count, job, crew.worker, self._listener)
        self._know(run)
        return run

    def _know(self, run: Run) -> None:
        self._runs[run.run_id] = run
        self._used[run.program.channel] = run.run_id

    def _check_free(self, channel: ChannelId) -> None:
        """Refuse a start. Raises: UserInputError saying what is in the way and who can take it away."""
        instrument, _ = self._station.locate(channel)
        if problem := self._gate.refusal(instrument.name):
            raise UserInputError(problem)
        if problem := self._tripped.get(channel, ""):
            raise UserInputError(f"Channel {channel} is latched: {problem}. A person must reset it.")
        if channel in self._claimed or self._is_used(channel):
            raise UserInputError(f"Channel {channel} is in use by another run.")
        link = self._crew.tasks[instrument.name].outages
        if link.state is not LinkState.LIVE:
            raise UserInputError(
                f"{instrument.name} does not answer now ({link.state}): {link.text}".rstrip(": ")
            )
        chamber = self._station.chamber_of(channel)
        if chamber is not None and (problem := self.chamber_trip(channel)):
            raise UserInputError(
                f"{chamber.name} takes no run: {problem}. Set the chamber again, then start."
            )

    async def take_up(self, run_ids: Iterable[RunId | str], *, held: bool = True) -> tuple[str, ...]:
        """Go on with runs that an earlier process, or this one, has left; returns what stands against some of them.

        One bad folder never ends the others. Runs whose instrument does not answer yet wait, STALE. ``held`` False
        leaves runs alone that were held: a restart of the station is no look by a person.
        """
        async with self._taking:  # two people may ask for the same run: it is followed once
            return await self._take_up(run_ids, held)

    async def _take_up(self, run_ids: Iterable[RunId | str], held: bool) -> tuple[str, ...]:
        problems: list[str] = []
        runs: list[Run] = []
        for run_id in map(RunId, run_ids):
            if run_id in self._runs:
                continue
            self._count += 1
            crew = self._crew
            try:
                run = await crew.worker.call(
                    reopened, self._station, self._root, self._count, run_id, crew.worker
                )
            except Exception as error:  # whatever stands in its folder
                told = str(error) if isinstance(error, LabctlError) else f"{type(error).__name__}: {error}"
                problems.append(f"Run {run_id} cannot be taken up: {told}")
                continue
            if reason := steering.left_alone(run, held=held):
                await self._close(run)
                if reason != steering.ENDED:
                    problems.append(f"Run {run_id} is held: {reason}. A person must take it up.")
                continue
            runs.append(run)
        for run in runs:  # all of them before the first is served: starts and stops stand in job order
            self._know(run)
            run.listener = self._listener
            if run.phase is Phase.RUNNING and self._crew.task_of(run).outages.state is not LinkState.LIVE:
                run.life.to(Phase.STALE)
            for finding in run.findings:
                self._listener.finding(run.run_id, run.program.channel, finding)
            if self._gate.stop_all:  # pressed before this process, and not confirmed for this run
                run.request_end(EndDecision(Outcome.STOPPED, f"Stop all: {self._gate.stop_all}", None))
            self._crew.admit(run, taken_up=True)
        for run in runs:
            self._listener.progress(run.progress())
        return tuple(problems)

    def _run(self, run_id: RunId | str) -> Run:
        found = self._runs.get(RunId(run_id))
        if found is None:
            raise UserInputError(f"Run {run_id} is not followed now: it has ended, or was left.")
        return found

    async def stop(self, run_id: RunId | str, reason: str) -> bool:
        """Stop a run; True when the device has confirmed. A run that nobody follows is taken up for that.

        Raises: UserInputError where it has ended, InstrumentError.
        """
        problems: tuple[str, ...] = ()
        if RunId(run_id) not in self._runs:
            problems = await self.take_up([run_id])
        run = self._runs.get(RunId(run_id))
        if run is None:
            if not problems:
                raise UserInputError(f"Run {run_id} has ended already.")
            return await stop_run(self._station, self._root, run_id, reason=reason)  # its folder is of no use
        run.request_end(EndDecision(Outcome.STOPPED, reason, None))
        if run.visit is not None:  # the cycler drives nothing: the potentiostat's cell is what counts
            return await self._crew.potentiostats[run.visit.potentiostat].stopped(run.visit)
        return await stop_one(self._crew.task_of(run), run, self._clock)

    async def pause(self, run_id: RunId | str, by: str = "") -> None:
        """Pause the device now. Raises: UserInputError, InstrumentError (refused, or not confirmed)."""
        run = self._run(run_id)
        await steering.pause(self._crew.task_of(run), run, by)

    async def pause_at_step_end(self, run_id: RunId | str, by: str = "") -> None:
        """Let the step end, then pause. Raises as ``pause``."""
        run = self._run(run_id)
        await steering.pause_at_step_end(self._crew.task_of(run), run, by)

    async def resume(self, run_id: RunId | str) -> None:
        """Go on after a pause. Raises as ``pause``."""
        run = self._run(run_id)
        await steering.resume(self._crew.task_of(run), run)

    async def skip_step(self, run_id: RunId | str) -> None:
        """Go on with the next step, confirmed by read-back. Raises as ``pause``: then nothing was guessed."""
        run = self._run(run_id)
        await steering.skip_step(self._crew.task_of(run), run)

    async def revise(
        self, run_id: RunId | str, program: Program, *, protocol_text: str, by: str, reason: str
    ) -> int:
        """Take a changed program over at the next segment boundary; returns the revision's number.

        Raises: UserInputError where what has begun would change, StoreError.
        """
        run = self._run(run_id)
        task = self._crew.task_of(run)
        return await task.ask(
            lambda: revising.revise(run, program, protocol_text=protocol_text, by=by, reason=reason)
        )

    async def add_cycles(self, run_id: RunId | str, count: int, *, by: str, reason: str) -> int:
        """Repeat the last device loop ``count`` more times behind the program's end; returns the revision's number.

        Raises: UserInputError where the program has no loop, StoreError.
        """
        run = self._run(run_id)
        task = self._crew.task_of(run)
        return await task.ask(lambda: revising.add_cycles(run, count, by=by, reason=reason))

    async def request_spectrum(self, run_id: RunId | str, technique: Peis | Geis, on: str, by: str) -> None:
        """Ask for a spectrum when the present device test is over. Raises: UserInputError, StoreError."""
        run = self._run(run_id)
        await requesting.request(self._station, self._crew.task_of(run), run, technique, on, by)

    # -- everything at once -----------------------------------------------------------------------------------------

    async def stop_all(self, reason: str) -> tuple[StopReport, ...]:
        """Stop every channel over the stop lanes, in parallel, and latch: nothing is energised until released."""
        self.latch_stop_all(reason)
        for run in self._runs.values():
            run.request_end(EndDecision(Outcome.STOPPED, f"Stop all: {reason}", None))
        tasks, beside = tuple(self._crew.tasks.values()), tuple(self._crew.potentiostats.values())
        async with asyncio.TaskGroup() as group:
            cyclers = group.create_task(stop_everything(tasks, self._clock, self._is_used))
            others = [group.create_task(potentiostat.stop_all()) for potentiostat in beside]
        for task in tasks:
            task.wake.set()
        return (*cyclers.result(), *(other.result() for other in others))

    def latch_stop_all(self, reason: str = "Stop all") -> None:
        """Let no energising command leave from now on, also at start-up after a *Stop all* before it."""
        self._gate.latch(reason)

    def release_stop_all(self) -> None:
        """Let energising commands leave again; nothing restarts by itself."""
        self._gate.release()

    # -- latches of channels ----------------------------------------------------------------------------------------

    def tripped(self, channel: ChannelId) -> str:
        """Return why a channel is latched, empty where it is not."""
        return self._tripped.get(channel, "")

    def latch_trip(self, channel: ChannelId, reason: str) -> None:
        """Latch a channel again after a restart."""
        self._tripped[channel] = reason

    def latch_chamber(self, name: str, reason: str) -> None:
        """Latch a chamber again after a restart; one that is no longer in the station file is left out."""
        if name in self._crew.climates:
            self._crew.climates[name].tripped = reason

    def reset_trip(self, channel: ChannelId) -> None:
        """Allow starts on a channel again: a person has looked."""
        self._tripped.pop(channel, None)
        chamber = self._station.chamber_of(channel)
        if chamber is not None:
            self._crew.climates[chamber.name].tripped = ""

    def chamber_trip(self, channel: ChannelId) -> str:
        """Return why a channel's chamber takes no run at all since one tripped over it, empty where it does."""
        chamber = self._station.chamber_of(channel)
        return "" if chamber is None else self._crew.climates[chamber.name].tripped

    def chamber_alarm(self, channel: ChannelId) -> str:
        """Return the alarm in which a channel's chamber stands: it takes no run that wants a temperature."""
        chamber = self._station.chamber_of(channel)
        return "" if chamber is None else self._crew.climates[chamber.name].alarm

    # -- how it stands ----------------------------------------------------------------------------------------------

    def _is_used(self, channel: ChannelId) -> bool:
        return channel in self._used

    def progress_of(self, run_id: RunId | str) -> Progress | None:
        """Return how a run stands, None where it is not followed."""
        run = self._runs.get(RunId(run_id))
        return None if run is None else run.progress()

    def active(self) -> tuple[Progress, ...]:
        """Return every run that is followed, in the order of their starts."""
        return tuple(run.progress() for run in sorted(self._runs.values(), key=lambda run: run.index))

    def findings(self, run_id: RunId | str) -> tuple[Finding, ...]:
        """Return what has been found in a run that is followed."""
        run = self._runs.get(RunId(run_id))
        return () if run is None else tuple(run.findings)

    def result_of(self, run_id: RunId | str) -> RunResult | None:
        """Return a followed run as a result, as if this process left now."""
        run = self._runs.get(RunId(run_id))
        return None if run is None else run.result()

    def instruments(self) -> tuple[InstrumentStatus, ...]:
        """Return every instrument with its link."""
        return tuple(task.outages.status(task.link) for task in self._crew.tasks.values())

    def channels(self) -> tuple[ChannelStatus, ...]:
        """Return every channel as the instruments last told; before they do, those that the station file names."""
        return tuple(status for watch in self._idle.values() for status in watch.statuses(self._named()))

    def _named(self) -> tuple[ChannelId, ...]:
        inside = [channel for chamber in self._file.chambers for channel in chamber.channels]
        return tuple(dict.fromkeys([*inside, *self._file.limits]))

    def chambers(self) -> tuple[ChamberStatus, ...]:
        """Return every chamber as last read."""
        return tuple(climate.status for climate in self._crew.climates.values())

    def capabilities(self, channel: ChannelId) -> CyclerCapabilities:
        """Return what a channel can do. Raises: UserInputError where there is none."""
        return self._station.capabilities(channel)

    def tell_loaded(self, loaded: Callable[[ChannelId], str | None]) -> None:
        """Name who knows which cell sits in a channel: no other one is started there (I08)."""
        self._station.loaded = loaded

    def limits_of(self, channel: ChannelId) -> Limits | None:
        """Return the limits that the station file sets for a channel."""
        found = self._station.limits.get(channel)
        return None if found is None else found.trip

    def limits_now(self, channel: ChannelId, cell: Cell | None) -> LimitsNow:
        """Return the limits that bind a channel's run, or a start with ``cell`` where none is followed.

        Raises: UserInputError where there is no such channel.
        """
        run = self._runs.get(self._used.get(channel, RunId("")))
        if run is not None:
            return limits_of_run(self._station, run)
        self._station.locate(channel)
        known = next((status for status in self.channels() if status.channel == channel), None)
        return limits_of_idle(self._station, known or ChannelStatus(channel, SILENT), cell)

    async def ping(self, instrument: str) -> str:
        """Ask an instrument who it is. Raises: UserInputError, InstrumentError."""
        found = self._station.instruments.get(instrument)
        if found is None:
            known = ", ".join(sorted(self._station.instruments)) or "none"
            raise UserInputError(f"There is no instrument {instrument!r}. Instruments: {known}.")
        return await found.cycler.identify()

    def _climate(self, name: str) -> ClimateTask:
        found = self._crew.climates.get(name)
        if found is None:
            known = ", ".join(sorted(self._crew.climates)) or "none"
            raise UserInputError(f"There is no chamber {name!r}. Chambers: {known}.")
        return found

    async def set_chamber(self, name: str, setpoint_degC: float, ramp_K_per_min: float | None = None) -> None:
        """Set a chamber. Raises: UserInputError while runs need it elsewhere, InstrumentError."""
        await self._climate(name).set_by_person(setpoint_degC, ramp_K_per_min)

    async def chamber_off(self, name: str) -> None:
        """Switch a chamber off. Raises: UserInputError while runs need it, InstrumentError."""
        await self._climate(name).off_by_person()
