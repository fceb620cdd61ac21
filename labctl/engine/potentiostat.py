"""One potentiostat for the runs that want spectra: a queue, one cell at a time, never two owners.

The potentiostat is host-driven: with the link or this process gone its cell goes off (silence policy, I06), and the
first act of every new link is to switch it off and read that back. Runs wait, and say why, while it does not answer;
nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from labctl.clock import Clock
from labctl.engine.gate import Gate
from labctl.engine.jobs import StopSignal
from labctl.engine.leads import Busy, Live, NotYet, Unsure
from labctl.engine.link import BACKOFF_FIRST_S, BACKOFF_MAX_S, Detached
from labctl.engine.listening import EngineListener
from labctl.engine.machines.findings import Finding, Priority
from labctl.engine.station import PotentiostatPlace
from labctl.engine.visit import Visit
from labctl.engine.visiting import WAITS_TOLD, Visiting, spectrum_so_far
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, InvariantError
from labctl.interfaces.potentiostat import PotentiostatReading
from labctl.model.bench import LinkState, StopReport
from labctl.model.handover import HandoverStatus, PotentiostatStatus, Stage, Via
from labctl.model.ids import ChannelId
from labctl.model.spectrum import Spectrum
from labctl.store.disk import Disk
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.engine.run import Run

log = logging.getLogger(__name__)

IDLE_S = 10.0
"""Link seconds between two readings of a potentiostat that nobody uses."""
STOP_WITHIN_S = 5.0
"""Link seconds in which a measurement is ended and its cell read as off (safety-and-faults.md section 5)."""
STOP_TRIES = 3
BY_HAND = "Switch the cell off at the potentiostat now, or disconnect its leads."
WITHOUT_LINK = frozenset({Stage.TO_CYCLER, Stage.CHECKING_BACK})
"""Stages in which a person can take a cell back from a potentiostat that does not answer."""
Hold = Callable[["Run", str], Awaitable[None]]


class PotentiostatTask:
    """Serves one potentiostat. ``stays``: it is opened at once and served until the person leaves."""

    def __init__(
        self,
        place: PotentiostatPlace,
        clock: Clock,
        stop: StopSignal,
        listener: EngineListener,
        gate: Gate,
        worker: Worker,
        disk: Disk,
        live: Live,
        hold: Hold,
        on_back: Callable[[Run], None],
        *,
        stays: bool = False,
        idle_every_s: float = IDLE_S,
    ) -> None:
        self.place = place
        self.wake = Wake()
        self.visits: list[Visit] = []
        """The cells in its queue; the first is in hand."""
        self._in_hand: Visit | None = None
        """Who was served last: nobody overtakes a cell that is on its way."""
        self.claim: Callable[[], str] = lambda: ""
        """Takes the lease; returns why it cannot be had (I07)."""
        self.is_needed: Callable[[], bool] = lambda: bool(self.visits)
        """Tells, where the task does not stay, whether a run may still come."""
        self.link = LinkState.OPENING
        self.text = ""
        self._clock = clock
        self._stop = stop
        self._listener = listener
        self._worker = worker
        self._hold = hold
        self._on_back = on_back
        self._stays = stays
        self._idle_every_s = idle_every_s
        self._reading: PotentiostatReading | None = None
        self._seen_utc = ""
        self._pause_s = 0.0
        self._tried = asyncio.Event()
        self._visiting = Visiting(place, clock, stop, gate, worker, disk, live, self._wait, self._tell_visit)
        self._visiting.on_stored = listener.spectrum
        self._visiting.leads.is_measuring = lambda: self.is_measuring
        stop.attach(self.wake)
        stop.attach(self._visiting.leave)

    # -- from outside -----------------------------------------------------------------------------------------------

    def add(self, visit: Visit) -> None:
        """Put a cell into the queue: behind the others, but those on their way come first after a restart."""
        visit.nudge = lambda: self._nudge(visit)
        visit.run.on_ending = visit.nudge
        self.visits.append(visit)
        self.visits.sort(key=self._turn_of)
        self._tell_queue()
        self.wake.set()

    def _turn_of(self, visit: Visit) -> tuple[bool, bool, str, int]:
        is_queued = visit.stage is Stage.QUEUED
        return (is_queued or visit is not self._in_hand, is_queued, visit.queued_utc, visit.run.index)

    def _nudge(self, visit: Visit) -> None:
        if self.visits and self.visits[0] is visit and visit.unwanted:
            self._visiting.leave.set()
        if visit in self.visits:
            self._tell_visit(visit)
        self.wake.set()

    def visit_of(self, run_id: str) -> Visit | None:
        """Return the visit of a run, None where it has none here."""
        return next((visit for visit in self.visits if visit.run.run_id == run_id), None)

    async def stopped(self, visit: Visit) -> bool:
        """Wait until nothing is driven after the end of a run was asked for; True when that has been read back."""
        visit.nudge()
        if visit.stage is Stage.QUEUED:
            return True  # nothing of this cell has been moved
        return await self._comes_to_rest() or not await self._switch_off()

    async def cell_off(self, by: str) -> None:
        """Switch the cell off now, whatever is measured. Raises: InstrumentError where that is not confirmed."""
        if self.is_measuring:
            self.visits[0].given_up = f"the cell was switched off by {by}"
            self.visits[0].nudge()
            await self._comes_to_rest()
        await self.place.potentiostat.cell_off()

    async def stop_all(self) -> StopReport:
        """End what is measured and switch the cell off, three times at the most."""
        self._visiting.leave.set()
        channel = ChannelId(self.place.name)
        if self.link is LinkState.LIVE and not await self._comes_to_rest():
            log.error("potentiostat=%s does not come to rest: switched off past its task", self.place.name)
        problem = await self._switch_off()
        return StopReport(channel, not problem, problem, BY_HAND if problem else "")

    async def _comes_to_rest(self) -> bool:
        try:
            async with self._clock.link.timeout(STOP_WITHIN_S / 2):
                await self._visiting.at_rest.wait()
        except TimeoutError:
            return False
        return True

    async def _switch_off(self) -> str:
        """Switch the cell off past whatever the task does; return why that is not confirmed."""
        problem = ""
        try:
            async with self._clock.link.timeout(STOP_WITHIN_S / 2):
                for _ in range(STOP_TRIES):
                    try:
                        await self.place.potentiostat.cell_off()
                    except InstrumentError as error:
                        problem = str(error)
                    else:
                        return ""
        except TimeoutError:
            problem = f"{self.place.name} has not confirmed within {STOP_WITHIN_S / 2:g} s"
        return problem

    async def home(self, run: Run, live: Live) -> str:
        """Join a cell to its cycler before its run begins; return why that cannot be, empty where it is done.

        Waits for the first attempt to open the potentiostat, whose cell must be known to be off. Raises: Busy while a
        spectrum of another cell is being taken.
        """
        await self._tried.wait()
        try:
            await self._visiting.leads.home(run, live)
        except Busy:
            raise
        except (NotYet, Unsure, InstrumentError) as error:
            return f"the cell of {run.program.channel} cannot be joined to its cycler: {error}"
        return ""

    @property
    def is_measuring(self) -> bool:
        """Tell whether a spectrum is being taken, also before its first point."""
        return bool(self.visits) and self.visits[0].stage is Stage.MEASURING

    # -- the loop ---------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Serve until the person leaves, or nobody can come any more; the cell is off then."""
        try:
            while not self._is_done():
                await self._guarded_turn()
        except Detached:
            return
        finally:
            self._tried.set()  # nobody waits for an attempt that is never made

    def _is_done(self) -> bool:
        return self._stop.detached or not (self._stays or self.is_needed())

    async def _guarded_turn(self) -> None:
        """Do what is due; a fault of ours, here or in a driver, costs no other instrument its watch (P7).

        Raises: what the clock says where plant time itself has ended, with its bench.
        """
        try:
            await self._turn()
        except Detached:
            raise
        except Exception as error:
            await self._clock.plant.sleep(0.0)
            log.exception("potentiostat=%s internal error", self.place.name)
            self._pause_s = BACKOFF_MAX_S
            self._is(LinkState.STALE, f"internal error, a bug in labctl: {type(error).__name__}: {error}")

    async def _turn(self) -> None:
        self.wake.clear()
        for left in [visit for visit in self.visits if visit.run.over]:
            self._forget(left)
        visit = self.visits[0] if self.visits else None
        # opened also while a person is asked: the first thing that a new link does is to switch the cell off
        dead = self.link is not LinkState.LIVE and not await self._open()
        if dead and not self._can_do_without(visit):
            return
        if visit is None:
            await self._idle()
            return
        self._in_hand = visit
        try:
            await self._visiting.lead(visit)
        except Detached:
            raise
        except Unsure as error:
            await self._visiting.open_all(visit, str(error))
            await self._leave(visit, str(error))
        except InstrumentError as error:
            self._lost(visit, error)
        except InvariantError as error:
            await self._leave(visit, str(error))
        except Exception as error:  # a fault of ours: this cell is held, the others go on (P7)
            log.exception("potentiostat=%s run=%s internal error", self.place.name, visit.run.run_id)
            await self._visiting.make_safe(visit)
            await self._leave(visit, f"internal error, a bug in labctl: {type(error).__name__}: {error}")
        await self._keep_frames()
        if visit.stage is Stage.QUEUED and visit.waits >= WAITS_TOLD and self.visits[:1] == [visit]:
            self.visits.append(
                self.visits.pop(0)
            )  # its cycler does not come to rest, or is silent: others first
            self._tell_queue()
        if visit.machine.is_back:
            self._forget(visit)
            self._on_back(visit.run)

    async def _keep_frames(self) -> None:
        """Write the raw frames of the potentiostat and its multiplexers down (S6)."""
        for wire in (self.place.wire, *(box.wire for box in self.place.switches)):
            if wire is not None:
                await wire.flush(self._worker)

    def _can_do_without(self, visit: Visit | None) -> bool:
        """Tell whether a visit can go on while the potentiostat does not answer."""
        if visit is None:
            return False
        if visit.stage in WITHOUT_LINK:
            return visit.via is Via.OPERATOR
        if visit.stage is Stage.MEASURING:
            return visit.taken is not None
        return visit.unwanted  # it turns back, and nothing is asked of the potentiostat for that

    def _forget(self, visit: Visit) -> None:
        self.visits.remove(visit)
        visit.run.visit, visit.run.waiting_for = None, ""
        visit.run.on_ending = lambda: None
        self._listener.handover(None, visit.run.run_id)
        self._tell_queue()
        self._tell()

    async def _leave(self, visit: Visit, reason: str) -> None:
        """Hold a run whose cell is somewhere: nothing more is sent until a person has looked."""
        if not visit.run.over:
            await self._hold(visit.run, reason)
        if visit in self.visits:
            self._forget(visit)

    # -- the link ---------------------------------------------------------------------------------------------------

    async def _open(self) -> bool:
        """Try once to open it, which switches the cell off and reads that back; the pauses grow. True: it answers."""
        await self._rest(self._pause_s)
        self._pause_s = min(2.0 * self._pause_s, BACKOFF_MAX_S) or BACKOFF_FIRST_S
        if problem := self.claim():
            self._is(LinkState.HELD, problem)
            self._tried.set()
            return False
        try:
            if self.place.identity is not None:
                with contextlib.suppress(
                    InstrumentError
                ):  # what matters is that the new link finds the cell off
                    await self.place.potentiostat.close()
            self.place.identity = await self.place.potentiostat.open()
            self._see(await self.place.potentiostat.read())
        except InstrumentError as error:
            self._is(LinkState.STALE if self.place.identity else LinkState.OPENING, str(error))
            return False
        finally:
            self._tried.set()
        self._pause_s = 0.0
        self._visiting.at_rest.set()
        self._is(LinkState.LIVE, "")
        return True

    def _lost(self, visit: Visit | None, error: InstrumentError) -> None:
        self._pause_s = BACKOFF_FIRST_S
        self._is(LinkState.STALE, str(error))
        if visit is not None:
            visit.run.note(Finding("potentiostat.lost", Priority.EVENT, f"{self.place.name}: {error}"))

    def _is(self, link: LinkState, text: str) -> None:
        self.link, self.text = link, text
        if link is not LinkState.LIVE:
            self._reading = None
        self._tell()
        self._tell_queue()

    def _see(self, reading: PotentiostatReading) -> None:
        self._reading, self._seen_utc = reading, self._clock.plant.utc().isoformat(timespec="seconds")

    async def _idle(self) -> None:
        """Look at a potentiostat that nobody uses; a cell that is on then is nobody's and is switched off."""
        await self._rest(self._idle_every_s)
        if self.visits or self._is_done():
            return
        try:
            reading = await self.place.potentiostat.read()
            if reading.cell_on:
                log.error("potentiostat=%s its cell was on and nobody's: switched off", self.place.name)
                await self.place.potentiostat.cell_off()
                reading = await self.place.potentiostat.read()
        except InstrumentError as error:
            self._lost(None, error)
            return
        self._see(reading)
        self._tell()
        await self._keep_frames()

    async def _rest(self, duration_s: float) -> None:
        """Wait so many link seconds, or until there is something to do. Raises: Detached."""
        if self._stop.detached:
            raise Detached
        await until_or_event(self._clock.link.sleep(duration_s), self.wake)
        if self._stop.detached:
            raise Detached

    async def _wait(self, visit: Visit, duration_s: float) -> None:
        """Wait for a visit in hand; what has happened since the turn began cuts that short."""
        await self._rest(duration_s)

    # -- how it stands ----------------------------------------------------------------------------------------------

    def points(self) -> Spectrum | None:
        """Return the points so far of the spectrum that is being taken."""
        return spectrum_so_far(self._visiting.points) if self._visiting.measurement is not None else None

    def status(self) -> PotentiostatStatus:
        """Return how the potentiostat stands."""
        place, measurement = self.place, self._visiting.measurement
        visit = self.visits[0] if self.visits and self.visits[0].stage is not Stage.QUEUED else None
        known = None if place.identity is None else place.potentiostat.capabilities()
        who = place.identity
        reading, points = self._reading, self._visiting.points
        last = points[-1] if measurement is not None and points else None
        left_s = None if measurement is None else measurement.remaining_s
        return PotentiostatStatus(
            name=place.name,
            driver=place.driver,
            resource=place.resource,
            link=self.link,
            identity=""
            if who is None
            else " ".join(filter(None, (who.maker, who.model, who.serial, who.firmware))),
            text=self.text,
            silence="" if known is None else str(known.silence),
            attended=known is not None and known.attended,
            via=Via.MULTIPLEXER if place.switches else Via.OPERATOR,
            channels=place.channels,
            cell_on=True if measurement is not None else None if reading is None else reading.cell_on,
            e_V=math.nan if reading is None else reading.e_V,
            i_A=math.nan if reading is None else reading.i_A,
            range_A=float(last.range_A[-1])
            if last is not None
            else math.nan
            if reading is None
            else reading.range_A,
            overload=reading is not None and reading.overload,
            run_id="" if visit is None else visit.run.run_id,
            cell_id="" if visit is None else visit.run.program.cell.cell_id,
            points_got=0 if measurement is None else measurement.points_got,
            points_expected=0 if measurement is None else measurement.points_expected or 0,
            left_s=math.nan if left_s is None else left_s,
            eis_min_Hz=math.nan if known is None else known.eis_min_Hz,
            eis_max_Hz=math.nan if known is None else known.eis_max_Hz,
            seen_utc=self._seen_utc,
        )

    def handovers(self) -> tuple[HandoverStatus, ...]:
        """Return the cells in its queue."""
        return tuple(visit.status(place) for place, visit in enumerate(self.visits, 1))

    def _tell(self) -> None:
        self._listener.potentiostat(self.status())

    def _tell_queue(self) -> None:
        for place, visit in enumerate(self.visits, 1):
            if visit.stage is Stage.QUEUED:
                before = "" if place == 1 else f", behind {place - 1} more"
                silent = (
                    "" if self.link is LinkState.LIVE else f": it does not answer ({self.text or 'opening'})"
                )
                visit.text = f"waits for {self.place.name}{before}{silent}"
            self._tell_visit(visit)

    def _tell_visit(self, visit: Visit) -> None:
        run = visit.run
        measurement = self._visiting.measurement
        run.waiting_for = visit.trouble or visit.text or f"{visit.stage.value}: {self.place.name}"
        if visit.stage is Stage.MEASURING and measurement is not None:
            run.waiting_for = f"spectrum: {measurement.points_got} of {measurement.points_expected} points"
            self._tell()
        self._listener.handover(visit.status(self.visits.index(visit) + 1), run.run_id)
        self._listener.progress(run.progress())
