"""Keeps the chambers as the runs want them: set, soak, watch. One task per chamber, polled on a plant-time
grid.

The chamber is device-driven: it holds its set point without us. Nothing is written while a run in it needs
the old set point, and nothing at all after a restart: what differs then is an alarm (rules 3 and 4).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from labctl.clock import Clock
from labctl.engine.instrument import START_DELAY_S
from labctl.engine.jobs import StopSignal
from labctl.engine.listening import EngineListener
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
from labctl.engine.stoprequest import requested_stop
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, LinkError, StoreError, UserInputError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality
from labctl.model.bench import ChamberStatus
from labctl.model.program import TemperatureDemand
from labctl.worker import Worker

log = logging.getLogger(__name__)

IDLE_POLL_S = 10.0
"""Link seconds between two readings of a chamber in which no run stands: on a virtual bench in lockstep plant time must
not go on because somebody waits for it."""
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
        clock: Clock,
        stop: StopSignal,
        on_ready: Callable[[Run], None],
        listener: EngineListener,
        worker: Worker,
        *,
        stays: bool = False,
        idle_every_s: float = IDLE_POLL_S,
    ) -> None:
        self.wake = Wake()
        self.runs: list[Run] = []
        self._tripped = ""
        self.alarm = ""
        """The alarm that the chamber itself tells, empty for none."""
        self.status = ChamberStatus(chamber.name, "opening", channels=chamber.channels)
        self._chamber = chamber
        self._clock = clock
        self._stop = stop
        self._on_ready = on_ready
        self._listener = listener
        self._worker = worker
        self._stays = stays
        self._idle_every_s = idle_every_s
        self._fresh = False
        self._unwatched = False
        self._soaks: dict[int, SoakWatch] = {}
        self._watches: dict[int, ExcursionWatch] = {}
        self._told: dict[int, str] = {}
        self._lost = not chamber.is_open
        stop.attach(self.wake)

    def add(self, run: Run) -> None:
        """Serve a run from now on."""
        self.runs.append(run)
        self.runs.sort(key=lambda other: other.index)
        self._fresh = True
        self.wake.set()

    async def serve(self) -> None:
        """Poll until every run in the chamber is over or the person has left."""
        begin_s, polls = self._clock.plant.now_s(), 0
        while not self._is_done():
            self.wake.clear()
            if self._fresh and all(run.test_id is None for run in self.runs):
                begin_s, polls = self._clock.plant.now_s(), 0  # nothing to keep in step with
            self._fresh = False
            now_s = self._clock.plant.now_s()
            try:
                now_s = await self._turn()
                self._unwatched = False
            except Exception as error:  # told to every run below: the instruments must not suffer for it (P7)
                if not self._stays:
                    raise
                log.exception("chamber=%s internal error", self._chamber.name)
                text = f"internal error, a bug in labctl: {type(error).__name__}: {error}"
                if not self._unwatched:
                    text = f"{self._chamber.name} is not watched: {text}"
                    self._tell("chamber.unwatched", Priority.HIGH, text)
                self._unwatched = True
            self._forget_over()
            if self._stays and not self.runs:
                await self._idle()
                continue
            polls = max(polls + 1, math.ceil((now_s - begin_s) / self._chamber.poll_s - 1e-9))
            due_s = begin_s + polls * self._chamber.poll_s
            while not self._is_done() and not self._fresh and self._clock.plant.now_s() < due_s:
                await until_or_event(self._clock.plant.sleep_until(due_s), self.wake)
                self.wake.clear()

    async def _idle(self) -> None:
        """Wait until a run comes, or the next look at a chamber that nobody uses is due."""
        due_s = self._clock.link.now_s() + self._idle_every_s
        while not self._is_done() and not self._fresh and (left_s := due_s - self._clock.link.now_s()) > 0:
            await until_or_event(self._clock.link.sleep(left_s), self.wake)
            self.wake.clear()

    async def _turn(self) -> float:
        """Read the chamber and do what follows from it; return the plant moment of the reading."""
        reading = await self._read()
        self._show(reading)
        await self._admit(reading)
        now_s = self._clock.plant.now_s()
        for run in self.runs:
            if not run.over:
                self._serve_run(run, now_s, reading)
        self._trip_together()
        self._show_waiting()
        if self._chamber.wire is not None:
            await self._chamber.wire.flush(self._worker)
        return now_s

    def _is_done(self) -> bool:
        if self._stop.detached:
            return True
        return not self._stays and all(run.over for run in self.runs)

    def _forget_over(self) -> None:
        """Keep nothing of runs that are over, in a station that lives for months."""
        if not self._stays:
            return
        for run in [run for run in self.runs if run.over]:
            self.runs.remove(run)
            self._soaks.pop(run.index, None)
            self._watches.pop(run.index, None)
            self._told.pop(run.index, None)

    def _show(self, reading: ChamberReading) -> None:
        """Tell how the chamber stands."""
        self.alarm = ""
        if reading.quality is Quality.GOOD and reading.state is ChamberState.ALARM:
            self.alarm = f"the chamber is in alarm {reading.alarm}: {reading.alarm_text or 'see its display'}"
        state = "stale" if reading.quality is Quality.STALE else reading.state.value
        self.status = ChamberStatus(
            name=self._chamber.name,
            state=state,
            temperature_degC=reading.temperature_degC,
            setpoint_degC=reading.setpoint_degC,
            channels=self._chamber.channels,
            text=self.tripped or reading.detail or reading.alarm_text,
            seen_utc=self._clock.plant.utc().isoformat(timespec="seconds"),
            tripped=self.tripped,
        )
        self._listener.chamber(self.status)

    @property
    def tripped(self) -> str:
        """Return why no run is admitted: a cell in here has tripped over the chamber, and nobody has looked yet."""
        return self._tripped

    @tripped.setter
    def tripped(self, reason: str) -> None:
        """Latch or reset, and tell at once: the station keeps it over a restart."""
        if reason != self._tripped:
            self._tripped = reason
            self.status = replace(self.status, tripped=reason)
            self._listener.chamber(self.status)

    # -- acts of a person -------------------------------------------------------------------------------------------

    async def set_by_person(self, setpoint_degC: float, ramp_K_per_min: float | None = None) -> None:
        """Set the chamber and forget its trip. Raises: UserInputError while runs need it, InstrumentError."""
        in_use = [
            (run.label, wanted.setpoint_degC)
            for run in self.runs
            if (wanted := wanted_of(run)) is not None and self._uses(run)
        ]
        if refusal := may_set(setpoint_degC, in_use):
            raise UserInputError(f"{self._chamber.name} cannot be set to {setpoint_degC:g} degC: {refusal}.")
        await self._chamber.chamber.set(setpoint_degC, ramp_K_per_min)
        self.tripped = ""
        self._fresh = True  # look at once: what waits for the chamber need not wait for the next reading
        self.wake.set()

    async def off_by_person(self) -> None:
        """Switch the chamber off. Raises: UserInputError while runs need it, InstrumentError."""
        for run in self.runs:
            if wanted_of(run) is not None and self._uses(run):
                raise UserInputError(f"{self._chamber.name} is in use by {run.label}; stop that run first.")
        await self._chamber.chamber.off()
        self.wake.set()

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
            if self._chamber.is_open:
                self._tell("chamber.back", Priority.EVENT, f"{self._chamber.name}: the link is back")
            self._chamber.is_open = True
        return reading

    def _tell(self, kind: str, priority: Priority, text: str) -> None:
        for run in self.runs:
            if not run.over:
                run.note(Finding(kind, priority, text))

    # -- before the start -------------------------------------------------------------------------------------------

    async def _admit(self, reading: ChamberReading) -> None:
        """Let waiting runs begin to soak, in job order, as long as they agree with those that are in."""
        for run in self.runs:
            self._hear_stop(run)
            demand = wanted_of(run)
            waiting = run.phase in (Phase.PREPARED, Phase.WAITING) and run.index not in self._soaks
            if run.over or run.decision is not None or demand is None or not waiting:
                continue
            if run.ready_s is not None or self._refuse_after_trip(run):
                continue
            in_use = [
                (other.label + self._until(other), wanted.setpoint_degC)
                for other in self.runs
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

    def _hear_stop(self, run: Run) -> None:
        """End a run that still waits as soon as a person wants it ended: its instrument has nothing to poll for it."""
        if run.over or run.test_id is not None or run.decision is not None:
            return
        if reason := requested_stop(run.writer.folder):
            run.request_end(EndDecision(Outcome.STOPPED, reason, None))
            self._on_ready(run)

    def _refuse_after_trip(self, run: Run) -> bool:
        """Refuse a run in a chamber that has tripped, or stands in alarm: the next cell would meet the same air."""
        problem = self.tripped or self.alarm
        if not problem:
            return False
        text = f"{self._chamber.name} takes no run: {problem}"
        run.note(
            Finding(
                "chamber.refused", Priority.HIGH, text, None, "Look at the chamber, set it again, then start."
            )
        )
        run.request_end(EndDecision(Outcome.FAILED, text, None))
        self._on_ready(run)
        return True

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
        for run in self.runs:
            if not run.over and run.waiting_for and self._told.get(run.index) != run.waiting_for:
                self._told[run.index] = run.waiting_for
                self._listener.progress(run.progress())

    def _trip_together(self) -> None:
        """End every test in the chamber when one of them trips there: they all stand in the same air (F39)."""
        trips = [watch.trip for watch in self._watches.values() if watch.trip is not None]
        if trips:
            self.tripped = trips[0].reason
        for run in self.runs:
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
