"""Keeps the chambers as the runs want them: set, soak, watch. One task per chamber, polled on a plant-time
grid.

The chamber is device-driven: it holds its set point without us. Nothing is written while a run in it needs
the old set point, and nothing at all after a restart: what differs then is an alarm (rules 3 and 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from labctl.clock import Clock
from labctl.engine.instrument import START_DELAY_S
from labctl.engine.jobs import Observer, StopSignal
from labctl.engine.machines.chamber import (
    SETPOINT_TOLERANCE_K,
    ExcursionWatch,
    Soak,
    SoakWatch,
    may_set,
)
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.engine.station import Chamber
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, LinkError, StoreError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality
from labctl.model.program import TemperatureDemand

TEMPERATURE = "temperature"
"""The start check that a person overrides to run a cell at whatever its chamber is at."""


def wanted_of(run: Run) -> TemperatureDemand | None:
    """Return what a run wants of its chamber: nothing where its protocol asks for none or a person overrode it."""
    return None if TEMPERATURE in run.job.overrides else run.program.temperature


class ClimateTask:
    """Serves one chamber for the runs that stand in it."""

    def __init__(
        self,
        chamber: Chamber,
        runs: Sequence[Run],
        clock: Clock,
        stop: StopSignal,
        on_ready: Callable[[Run], None],
        observer: Observer,
    ) -> None:
        self.wake = Wake()
        self._chamber = chamber
        self._clock = clock
        self._stop = stop
        self._on_ready = on_ready
        self._observer = observer
        self._runs = sorted(runs, key=lambda run: run.index)
        self._soaks: dict[int, SoakWatch] = {}
        self._watches: dict[int, ExcursionWatch] = {}
        self._told: dict[int, str] = {}
        self._lost = False
        stop.attach(self.wake)

    async def serve(self) -> None:
        """Poll until every run in the chamber is over or the person has left."""
        begin_s, polls = self._clock.plant.now_s(), 0
        while not self._stop.detached and not all(run.over for run in self._runs):
            self.wake.clear()
            reading = await self._read()
            await self._admit(reading)
            now_s = self._clock.plant.now_s()
            for run in self._runs:
                if not run.over:
                    self._serve_run(run, now_s, reading)
            self._trip_together()
            self._show_waiting()
            polls = max(polls + 1, math.ceil((now_s - begin_s) / self._chamber.poll_s - 1e-9))
            due_s = begin_s + polls * self._chamber.poll_s
            while (
                not self._stop.detached
                and self._clock.plant.now_s() < due_s
                and not all(run.over for run in self._runs)
            ):
                await until_or_event(self._clock.plant.sleep_until(due_s), self.wake)
                self.wake.clear()

    async def _read(self) -> ChamberReading:
        """Read the chamber; a link that is down gives a STALE reading and one event per outage."""
        chamber = self._chamber.chamber
        try:
            if self._lost:
                await chamber.open()
            reading = await chamber.read()
        except InstrumentError as error:
            if not self._lost and isinstance(error, LinkError):
                self._tell("chamber.lost", Priority.EVENT, f"{self._chamber.name}: {error}")
            self._lost = isinstance(error, LinkError)
            return ChamberReading(math.nan, Quality.STALE, str(error), state=ChamberState.ON)
        if self._lost:
            self._lost = False
            self._tell("chamber.back", Priority.EVENT, f"{self._chamber.name}: the link is back")
        return reading

    def _tell(self, kind: str, priority: Priority, text: str) -> None:
        for run in self._runs:
            if not run.over:
                run.note(Finding(kind, priority, text))

    # -- before the start -------------------------------------------------------------------------------------------

    async def _admit(self, reading: ChamberReading) -> None:
        """Let waiting runs begin to soak, in job order, as long as they agree with those that are in."""
        for run in self._runs:
            demand = wanted_of(run)
            waiting = run.phase in (Phase.PREPARED, Phase.WAITING) and run.index not in self._soaks
            if run.over or run.decision is not None or demand is None or not waiting:
                continue
            if run.ready_s is not None:
                continue
            in_use = [
                (other.label + self._until(other), wanted.setpoint_degC)
                for other in self._runs
                if other is not run and (wanted := wanted_of(other)) is not None and self._uses(other)
            ]
            refusal = may_set(demand.setpoint_degC, in_use)
            if refusal:
                run.waiting_for = f"waits: {self._chamber.name}: {refusal}"
                continue
            if self._changed_meanwhile(run, demand.setpoint_degC, reading):
                continue
            try:
                if not in_use and not await self._set(run, demand.setpoint_degC, reading):
                    continue
                await run.to(Phase.WAITING, f"{self._chamber.name} to {demand.setpoint_degC:g} degC")
            except StoreError as error:
                self._wait_for_disk(run, error)
                continue
            self._soaks[run.index] = SoakWatch(demand, self._clock.plant.now_s())

    def _wait_for_disk(self, run: Run, error: StoreError) -> None:
        """Tell once that a run cannot be prepared for want of a disk; it is tried again at the next reading."""
        waiting_for = f"waits: {error}"
        if run.waiting_for != waiting_for:
            run.waiting_for = waiting_for
            what_to_do = "Make room on the data disk or repair it."
            run.note(Finding("store.failed", Priority.CRITICAL, str(error), None, what_to_do))

    def _uses(self, run: Run) -> bool:
        if run.over:
            return False
        return run.index in self._soaks or run.ready_s is not None or run.test_id is not None

    def _until(self, run: Run) -> str:
        """Say when a running test is expected to free the chamber; empty before its start."""
        segments = run.writer.manifest.get("segments") or []
        if not segments:
            return ""
        now = self._clock.plant.utc()
        expected = timedelta(seconds=run.program.estimate.duration_expected_s)
        end = datetime.fromisoformat(segments[0]["started_utc"]) + expected
        if end <= now:
            return ""  # it takes longer than anybody thought
        return (
            f" until about {end:%H:%M} UTC"
            if end.date() == now.date()
            else f" until about {end:%d %b %H:%M} UTC"
        )

    def _changed_meanwhile(self, run: Run, setpoint_degC: float, reading: ChamberReading) -> bool:
        """Hold a run whose chamber had been set before a restart and stands elsewhere now (rule 4)."""
        set_before = run.pending is not None and run.pending.chamber_set
        if not set_before or reading.quality is Quality.STALE or _stands_at(reading, setpoint_degC):
            return False
        text = (
            f"{self._chamber.name} is {reading.state.value} with set point {reading.setpoint_degC:.1f} degC; "
            f"before the restart it had been set to {setpoint_degC:g} degC"
        )
        run.note(
            Finding("chamber.setpoint", Priority.HIGH, text, None, "Find out who changed it, then run again.")
        )
        run.request_end(EndDecision(Outcome.HELD, text, None))
        self._on_ready(run)
        return True

    async def _set(self, run: Run, setpoint_degC: float, reading: ChamberReading) -> bool:
        """Bring the chamber to a set point unless it stands there already; journalled first."""
        if reading.quality is Quality.STALE:
            run.waiting_for = f"waits: {self._chamber.name} does not answer"
            return False
        if _stands_at(reading, setpoint_degC):
            return True
        await run.journal("chamber.set", chamber=self._chamber.name, setpoint_degC=setpoint_degC)
        try:
            await self._chamber.chamber.set(setpoint_degC)
        except InstrumentError as error:
            self._lost = self._lost or isinstance(error, LinkError)
            run.note(Finding("chamber.set.failed", Priority.HIGH, f"{self._chamber.name}: {error}"))
            run.waiting_for = f"waits: {self._chamber.name} was not set"
            return False
        return True

    # -- per run ----------------------------------------------------------------------------------------------------

    def _serve_run(self, run: Run, now_s: float, reading: ChamberReading) -> None:
        demand = wanted_of(run)
        soak = self._soaks.get(run.index)
        if soak is not None and run.ready_s is None:
            self._soak(run, soak, now_s, reading)
            return
        if run.test_id is None:
            return
        run.ambient(reading)
        watch = self._watches.get(run.index)
        if watch is None:
            limit_degC = run.program.limits.temperature_max_degC
            watch = self._watches[run.index] = ExcursionWatch(demand, self._chamber.poll_s, limit_degC)
        run.note(*watch.feed(now_s, reading))
        if watch.trip is not None and run.decision is None:
            run.request_end(watch.trip)
            self._on_ready(run)

    def _show_waiting(self) -> None:
        """Tell the observer why a run still waits, whenever the reason changes."""
        for run in self._runs:
            if not run.over and run.waiting_for and self._told.get(run.index) != run.waiting_for:
                self._told[run.index] = run.waiting_for
                self._observer(run.progress())

    def _trip_together(self) -> None:
        """End every test in the chamber when one of them trips there: they all stand in the same air (F39)."""
        trips = [watch.trip for watch in self._watches.values() if watch.trip is not None]
        for run in self._runs:
            if not trips or run.over or run.test_id is None or run.decision is not None:
                continue
            text = f"another cell in {self._chamber.name} tripped: {trips[0].reason}"
            run.note(
                Finding("chamber.trip", Priority.CRITICAL, text, None, "The channels in it were stopped.")
            )
            run.request_end(EndDecision(Outcome.TRIPPED, text, None))
            self._on_ready(run)

    def _soak(self, run: Run, soak: SoakWatch, now_s: float, reading: ChamberReading) -> None:
        verdict = soak.feed(now_s, reading)
        name, demand = self._chamber.name, wanted_of(run)
        if demand is None:
            return
        if verdict is Soak.READY:
            run.waiting_for = ""
            run.ready_s = now_s + START_DELAY_S
            self._on_ready(run)
        elif verdict is Soak.GAVE_UP:
            text = f"{name} was not at {demand.setpoint_degC:g} degC within {demand.give_up_s / 3600.0:g} h"
            run.note(
                Finding("chamber.gave_up", Priority.HIGH, text, None, "Look at the chamber, then run again.")
            )
            run.request_end(EndDecision(Outcome.HELD, text, None))
            self._on_ready(run)
        else:
            left_min = soak.remaining_s(now_s) / 60.0
            run.waiting_for = (
                f"waits: {name} at {reading.temperature_degC:.1f} degC, wants {demand.setpoint_degC:g} degC "
                f"for {left_min:.0f} min more"
            )


def _stands_at(reading: ChamberReading, setpoint_degC: float) -> bool:
    """Tell whether a chamber is on and set to a temperature."""
    there = abs(reading.setpoint_degC - setpoint_degC) <= SETPOINT_TOLERANCE_K
    return there and reading.state is ChamberState.ON
