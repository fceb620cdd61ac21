"""Everybody who serves runs: one task per instrument, chamber and potentiostat, one thread for the store.

``run_jobs`` lets a crew go when its runs are over; the supervisor's stays and takes runs at any time. Both are the
same tasks, so a run gives the same rows either way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from labctl.engine import away
from labctl.engine.climate import IDLE_POLL_S, ClimateTask, wanted_of
from labctl.engine.gate import Gate
from labctl.engine.instrument import InstrumentTask
from labctl.engine.jobs import StopSignal
from labctl.engine.listening import EngineListener
from labctl.engine.machines.findings import EndDecision, Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.potentiostat import PotentiostatTask
from labctl.engine.run import Run
from labctl.engine.station import Station
from labctl.engine.waiting import GRANTED_WITHIN_S
from labctl.errors import LinkTimeout, StoreError
from labctl.interfaces.cycler import LiveReading
from labctl.store.root import DataRoot
from labctl.worker import Worker

ANSWERED_WITHIN_S = 2.0 * GRANTED_WITHIN_S
"""Link seconds in which a cycler answers a potentiostat's task: others wait behind it."""


class Crew:
    """The tasks of a station. ``stays``: they open what they serve and go on until ``stop.detach()``."""

    def __init__(
        self,
        station: Station,
        root: DataRoot,
        listener: EngineListener,
        stop: StopSignal,
        gate: Gate,
        *,
        stays: bool = False,
        idle_every_s: float = IDLE_POLL_S,
        on_over: Callable[[Run], None] = lambda run: None,
    ) -> None:
        self.station = station
        self.root = root
        self.listener = listener
        self.gate = gate
        self.worker = Worker("labctl-store", station.clock)
        self.tasks: dict[str, InstrumentTask] = {}
        self.climates: dict[str, ClimateTask] = {}
        self.potentiostats: dict[str, PotentiostatTask] = {}
        self.runs: list[Run] = []
        self.claim: Callable[..., str] = lambda *devices: ""
        """Takes the leases of a potentiostat and of what stands before it; returns why they cannot be had (I07)."""
        self._stop = stop
        self._stays = stays
        self._idle_every_s = idle_every_s
        self._on_over = on_over
        if stays:
            for name in station.instruments:
                self.tasks[name] = self._task(name)
            for name in station.chambers:
                self.climates[name] = self._climate(name)
            for name in station.potentiostats:
                self.potentiostats[name] = self._potentiostat(name)

    def _task(self, name: str) -> InstrumentTask:
        task = InstrumentTask(
            self.station, self.station.instruments[name], self._stop, self.listener, self._free_bytes, self._over,
            self.gate, self.worker, stays=self._stays,
        )  # fmt: skip
        task.acts.send_away = lambda run, part: away.send(self.station, self.potentiostats, run, part)
        task.acts.home = lambda run: away.home(self.station, self.potentiostats, run, self._read)
        return task

    def _potentiostat(self, name: str) -> PotentiostatTask:
        task = PotentiostatTask(
            self.station.potentiostats[name], self.station.clock, self._stop, self.listener, self.gate, self.worker,
            self.root.disk, self._ask_live, self._hold, self._ready, stays=self._stays,
            idle_every_s=self._idle_every_s,
        )  # fmt: skip
        task.claim = lambda: self.claim(*task.place.devices)
        task.is_needed = lambda: any(not run.over for run in self.runs)
        return task

    async def _read(self, run: Run) -> LiveReading:
        """Read a run's channel; within a turn of its instrument's task only."""
        return (await self.task_of(run).link.read(lambda: run.instrument.cycler.live([run.place])))[0]

    async def _ask_live(self, run: Run) -> LiveReading:
        """Read a run's channel between two turns of its instrument's task. Raises: LinkTimeout where that lasts."""
        try:
            async with self.station.clock.link.timeout(ANSWERED_WITHIN_S):
                return await self.task_of(run).ask(lambda: self._read(run))
        except TimeoutError as error:
            text = f"no answer within {ANSWERED_WITHIN_S:g} s"
            raise LinkTimeout(text, instrument=run.instrument.name) from error

    async def _hold(self, run: Run, reason: str) -> None:
        await self.task_of(run).acts.hold(run, reason)

    def _climate(self, name: str) -> ClimateTask:
        clock, chamber = self.station.clock, self.station.chambers[name]
        return ClimateTask(
            chamber, clock, self._stop, self._ready, self.listener, self.worker, stays=self._stays,
            idle_every_s=self._idle_every_s,
        )  # fmt: skip

    def _free_bytes(self) -> int:
        return self.root.space().free_bytes

    def _ready(self, run: Run) -> None:
        self.tasks[run.instrument.name].wake.set()

    def _over(self, run: Run) -> None:
        for climate in self.climates.values():
            climate.wake.set()
        for potentiostat in self.potentiostats.values():
            potentiostat.wake.set()
        self.runs[:] = [other for other in self.runs if other is not run]
        self._on_over(run)

    def task_of(self, run: Run) -> InstrumentTask:
        """Return who serves a run."""
        return self.tasks[run.instrument.name]

    def admit(self, run: Run, *, taken_up: bool = False) -> None:
        """Serve a run from now on: at once, or when its chamber is ready."""
        if run.instrument.name not in self.tasks:
            self.tasks[run.instrument.name] = self._task(run.instrument.name)
        chamber = self.station.chamber_of(run.program.channel)
        if chamber is not None and chamber.name not in self.climates:
            self.climates[chamber.name] = self._climate(chamber.name)
        for name in away.needed(self.station, run):
            if name not in self.potentiostats:
                self.potentiostats[name] = self._potentiostat(name)
        if run.is_away and run.earlier_visit is not None:
            if problem := away.take_up(self.station, self.potentiostats, run, run.earlier_visit):
                run.request_end(EndDecision(Outcome.HELD, problem, None))
        elif run.test_id is None and not run.over:
            if chamber is None or wanted_of(run) is None:
                run.ready_s = self.station.clock.plant.now_s()
            else:
                run.waiting_for = run.waiting_for or "waits for its chamber"
        self.runs.append(run)
        self.tasks[run.instrument.name].add(run, taken_up=taken_up)
        if chamber is not None:
            self.climates[chamber.name].add(run)

    async def serve(self) -> None:
        """Serve until the tasks are done. Raises: what broke one of them; the others are ended."""
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for name in sorted(self.tasks):
                    group.create_task(self.tasks[name].serve())
                for climate in self.climates.values():
                    group.create_task(climate.serve())
                for potentiostat in self.potentiostats.values():
                    group.create_task(potentiostat.serve())
        except BaseExceptionGroup as error_group:
            failure = error_group.exceptions[0]
        if failure is not None:
            raise failure

    async def close(self, runs: list[Run]) -> None:
        """Make the last notes durable and close the files; runs that go on are left as they stand."""
        for run in runs:
            if run.phase is not Phase.ENDED:
                await run.commit()
        for run in runs:
            if run.phase is Phase.ENDED:
                continue
            try:
                await self.worker.call(run.writer.close)
            except StoreError:
                continue  # nothing more can be done for it; its rows up to the last commit are durable
        self.worker.close()
