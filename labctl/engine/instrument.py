"""Follows all runs of one instrument: one progress question per poll, pages only where the count has grown.

Polls stand on a plant-time grid that begins with the first run, so that a run repeated at another speed, or
resumed, is asked at the same moments. Everything that a poll leads to (stops, next segments, ends) is done
in job order, one after the other, because test numbers are handed out in that order. While a block is being
stored the next page is already on its way.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from labctl.engine.acts import RunActs
from labctl.engine.commands import Commands
from labctl.engine.duty import ends_at_rest, ends_from_outside, is_polled, waits_to_start
from labctl.engine.gate import Gate
from labctl.engine.jobs import StopSignal
from labctl.engine.link import Detached, InstrumentLink
from labctl.engine.listening import EngineListener
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.machines.stale import ClockWatch, SleepWatch
from labctl.engine.outages import Outages
from labctl.engine.pages import Fetched, PageFetcher, has_news
from labctl.engine.resume import reconcile
from labctl.engine.run import Run
from labctl.engine.station import Instrument, Station, note_identity
from labctl.engine.stoprequest import requested_stop
from labctl.engine.storing import Portion, write_portions
from labctl.engine.trips import Trips
from labctl.engine.waiting import Wake, Wish, granted, until_or_event
from labctl.errors import InstrumentError, InvariantError, UnknownStateError
from labctl.interfaces.cycler import TestProgress
from labctl.model.bench import LinkState
from labctl.worker import Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

START_DELAY_S = 1.0
"""Plant seconds between a chamber's "ready" and the start: by then every chamber polled at the same moment
has spoken, so starts stand in job order whatever the order of the answers on the wire."""
GRID_TOLERANCE_S = 1e-6
URGENT_PAUSE_S = 0.5
"""A stop that a person or a chamber asks for waits for no poll (I05); a poll that just failed is not repeated
without a pause."""
BROKEN_PAUSE_S = 10.0
"""Link seconds before a task that broke over a fault of ours goes on without its runs."""
CLAIM_AGAIN_S = 10.0
"""Link seconds between two tries for an instrument that another station holds."""
PIPELINE_PAGES = 2
"""Fetched pages that may wait to be digested (I14)."""
STORE_PAGES, STORE_PAGES_MAX = 16, 64
"""Pages stored in one go: at most 2 MB of rows are not durable; 8 MB where the next pages may hold trips too (I14)."""


class InstrumentTask:
    """Serves one instrument's runs until each is over or the person leaves.

    ``stays``: the instrument is opened here and served until the person leaves; runs come and go. Otherwise it is
    open, and the task ends with its last run.
    """

    def __init__(
        self,
        station: Station,
        instrument: Instrument,
        stop: StopSignal,
        listener: EngineListener,
        free_bytes: Callable[[], int],
        on_over: Callable[[Run], None],
        gate: Gate,
        worker: Worker,
        *,
        stays: bool = False,
    ) -> None:
        self.wake = Wake()
        self.instrument = instrument
        self.runs: list[Run] = []
        self.working = False
        """True while the task is in an exchange or writes; False while it waits for the next moment."""
        self.claim: Callable[[], str] = lambda: ""
        """Takes the lease of the instrument; returns why it cannot be had (I07)."""
        self._station = station
        self._clock = station.clock
        self._cycler = instrument.cycler
        self._worker = worker
        self._stop = stop
        self._listener, self._stays, self._on_over = listener, stays, on_over
        self.outages = Outages(self.runs, listener, LinkState.OPENING if stays else LinkState.LIVE)
        self.link = InstrumentLink(instrument, station.clock, stop, self.outages)
        self.commands = Commands(station, self.link, free_bytes, gate, worker)
        self.acts = RunActs(self.link, self.commands, self._fetch_last, self._over)
        self._pages = PageFetcher(self.link, stop)
        self._taken_up: list[Run] = []
        self._wishes: deque[Wish] = deque()
        self._anchor_s: float | None = None
        self._polled_s = -math.inf
        self._planned_s: float | None = None
        self._resumed = False
        self._wall = ClockWatch()
        self._sleeps = SleepWatch(station.clock.asleep_s())
        self._failing: set[int] = set()
        stop.attach(self.wake)

    # -- from outside -----------------------------------------------------------------------------------------------

    def add(self, run: Run, *, taken_up: bool = False) -> None:
        """Serve a run from now on; ``taken_up``: an earlier process has left it, so it is reconciled first."""
        self.runs.append(run)
        self.runs.sort(key=lambda other: other.index)
        if taken_up:
            self._taken_up.append(run)
        self.wake.set()

    async def ask(self, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Have something done between two polls and return what it returns, or raise what it raises.

        What could not begin soon is not done at all: nobody wants current hours later. Raises: LinkTimeout then.
        """
        return await granted(self._wishes, act, self.wake, self._clock, self.instrument.name)

    # -- the loop ---------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Run the loop; returns when every run is over or the person has left."""
        try:
            if self._stays:
                await self._open()
            while not await self._served():
                continue
        except Detached:
            return
        finally:
            self._drop_wishes()

    async def _open(self) -> None:
        while problem := self.claim():
            self.outages.opening(self.link, problem)
            await self.link.pause(CLAIM_AGAIN_S)
        self.outages.opening(self.link)
        await self.link.first_open()
        note_identity(self.instrument)
        self._cycler.fence(self.commands.fence)
        self.outages.live()

    async def _served(self) -> bool:
        """Serve until the runs are over; False: another instrument answered there, ours is awaited again."""
        try:
            while not self._is_done():
                await self._turn()
        except UnknownStateError as error:
            for run in list(self.runs):
                if not run.over:
                    await self.acts.hold(run, str(error))
            if not self._stays:
                return True
            self.outages.foreign(str(error))
            await self.link.find_again()
            self.outages.live()
            return False
        except Detached:
            raise
        except Exception as error:
            if not self._stays:
                raise
            await self._broken(error)
            return False
        return True

    async def _broken(self, error: Exception) -> None:
        """Hold the runs of this instrument over a fault of ours and go on: the others must not suffer for it (P7).

        Raises: what the clock says where plant time itself has ended, with its bench: then nobody can go on.
        """
        await self._clock.plant.sleep(0.0)
        log.exception("instrument=%s internal error; its runs are held", self.instrument.name)
        text = f"internal error, a bug in labctl: {type(error).__name__}: {error}"
        self.outages.foreign(text)
        await self.acts.hold_all(list(self.runs), text)
        await self.link.pause(BROKEN_PAUSE_S)
        self.outages.live()

    def _is_done(self) -> bool:
        if self._stop.detached:
            return True
        return not self._stays and all(run.over for run in self.runs)

    async def _turn(self) -> None:
        """Do what is due, then wait for the next moment."""
        self.wake.clear()
        self.working = True
        await self._take_up()
        await self._do_wishes()
        await self._take_back()
        self._hear_stop()
        await self._end_waiting()
        await self._start_ready()
        self._forget_over()
        due_s = self._due_s()
        if due_s <= self._clock.plant.now_s() + GRID_TOLERANCE_S:
            await self._poll()
        elif not self._is_done():
            self.working = False
            await self._sleep(due_s)

    async def _sleep(self, due_s: float) -> None:
        if self._stop.detached:
            return
        if math.isinf(due_s):
            await self.wake.wait()
        else:
            await until_or_event(self._clock.plant.sleep_until(due_s), self.wake)

    async def _take_up(self) -> None:
        runs, self._taken_up = self._taken_up, []
        if runs:
            await reconcile(self, runs, self._station)
            for run in runs:
                self._listener.progress(run.progress())

    async def _do_wishes(self) -> None:
        while self._wishes:
            act, future = self._wishes.popleft()
            if future.cancelled():
                continue
            try:
                result = await act()
            except (Detached, asyncio.CancelledError):
                future.cancel()
                raise
            except Exception as error:  # the asker hears it; what it means for a run the act has decided
                if not future.done():
                    future.set_exception(error)
                continue
            if not future.done():
                future.set_result(result)

    def _drop_wishes(self) -> None:
        while self._wishes:
            self._wishes.popleft()[1].cancel()

    def _forget_over(self) -> None:
        """Keep the list of runs short in a station that lives for months."""
        if not self._stays or not any(run.over for run in self.runs):
            return
        self.runs[:] = [run for run in self.runs if not run.over]
        if not self.runs:
            self._anchor_s, self._polled_s, self._failing = None, -math.inf, set()

    def anchor(self, plant_s: float) -> None:
        """Put the poll grid where an earlier process had it."""
        self._anchor_s = plant_s if self._anchor_s is None else min(self._anchor_s, plant_s)

    def _due_s(self) -> float:
        """Return the next moment at which there is something to do."""
        due_s, now_s = math.inf, self._clock.plant.now_s()
        if self._anchor_s is not None and any(map(is_polled, self.runs)):
            if self._planned_s is None:
                self._planned_s = self._next_grid_s(self._anchor_s, now_s)
            due_s = self._planned_s
            if any(map(ends_from_outside, self.runs)):
                due_s = min(due_s, max(now_s, self._polled_s + URGENT_PAUSE_S))
        else:
            self._planned_s = None
        for run in self.runs:
            if run.ready_s is not None and waits_to_start(run):
                due_s = min(due_s, run.ready_s)
        return due_s

    def _next_grid_s(self, anchor_s: float, now_s: float) -> float:
        """Return the first moment of the grid that is not over and not polled yet.

        Asked once per poll: a sleep that ends a little late, as all do on the wall, still polls then.
        """
        poll_s = self.instrument.poll_s
        late = math.ceil((now_s - anchor_s - GRID_TOLERANCE_S) / poll_s)
        if self._polled_s == -math.inf and self._resumed:
            return anchor_s + max(late, 1) * poll_s
        passed = math.floor((max(self._polled_s, anchor_s) - anchor_s + GRID_TOLERANCE_S) / poll_s)
        return anchor_s + max(passed + 1, late) * poll_s

    def resumed(self) -> None:
        """Say that runs were taken over: a poll that was due at this very moment is made up for."""
        self._resumed = True

    def _hear_stop(self) -> None:
        for run in self.runs:
            if run.over or run.decision is not None:
                continue
            reason = self._stop.stop_reason or requested_stop(run.writer.folder)
            if reason:
                run.request_end(EndDecision(Outcome.STOPPED, reason, None))

    async def _end_waiting(self) -> None:
        """End runs that have been told to end before they began, or between two segments."""
        for run in self.runs:
            if run.decision is None or not ends_at_rest(run):
                continue
            if run.test_id is None and not run.at_boundary:
                await self.acts.finish(run, run.decision)
            else:
                await self.acts.guarded(run, self.acts.end(run, run.decision), "its data could not be stored")

    async def _start_ready(self) -> None:
        """Start, in job order, what is ready by now."""
        now_s = self._clock.plant.now_s()
        for run in self.runs:
            due = run.ready_s is not None and run.ready_s <= now_s + GRID_TOLERANCE_S
            if not due or not waits_to_start(run) or run.decision is not None:
                continue
            run.waiting_for = ""
            await self.acts.guarded(run, self._start(run), "its start could not be journalled")
            self._listener.progress(run.progress())

    async def _start(self, run: Run) -> None:
        await self.acts.start(run)
        await self._keep_grid(run)

    async def _take_back(self) -> None:
        """Go on with the runs whose cells have come back from a potentiostat, in job order."""
        for run in [run for run in self.runs if run.is_away and run.visit is None and not run.over]:
            await self.acts.guarded(run, self._go_on(run), "its start could not be journalled")
            self._listener.progress(run.progress())

    async def _go_on(self, run: Run) -> None:
        await self.acts.back(run)
        await self._keep_grid(run)

    async def _keep_grid(self, run: Run) -> None:
        """Let the poll grid begin with the first device test."""
        if run.over or run.is_away:
            return
        if self._anchor_s is None:
            self._anchor_s = self._clock.plant.now_s()
        if run.on_device and self._clock.plant.virtual:
            await run.manifest(poll_anchor_s=self._anchor_s)

    # -- one poll ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        self._polled_s = self._clock.plant.now_s()
        self._planned_s = None
        active = [run for run in self.runs if is_polled(run)]
        slept_s = self._look_at_clocks(active)
        if not active:
            return
        outages = self.link.outages
        by_run = await self._progress(active)
        await self._fetch(by_run, backfilled=bool(slept_s) or self.link.outages != outages)
        self._pages.caught_up(by_run)
        for run, progress in by_run:
            if slept_s and not run.over and not progress.complete:
                await self.acts.guarded(run, self.acts.look(run), "its data could not be stored")
            if not run.over:
                await self.acts.guarded(run, self.acts.act(run, progress), "its data could not be stored")
            if not run.over:
                self._listener.progress(run.progress())
        answered = {run.index for run, _ in by_run}
        for run in active:
            if run.index not in answered and not run.over:
                await self.acts.guarded(run, self.acts.unread(run), "its data could not be stored")
        if self.instrument.wire is not None:
            await self.instrument.wire.flush(self._worker)

    def _look_at_clocks(self, active: Sequence[Run]) -> float:
        """Tell a wall clock that was set, and a computer that slept; return for how long it slept (F15, F16)."""
        slept_s = self._sleeps.feed(self._clock.asleep_s())
        jumped_s = self._wall.feed(self._clock.link.utc().timestamp(), self._clock.link.now_s())
        for run in active:
            if slept_s:
                text = f"this computer was suspended for {slept_s:.0f} s; what the device did meanwhile is fetched now"
                what = "Switch off suspend and hibernation on a computer that runs a station."
                run.note(Finding("computer.slept", Priority.MEDIUM, text, None, what))
            elif jumped_s:
                run.event(
                    "clock.jump",
                    text=f"this computer's clock was set by {jumped_s:+.1f} s",
                    jumped_s=jumped_s,
                )
        return slept_s

    async def _progress(self, active: Sequence[Run]) -> list[tuple[Run, TestProgress]]:
        """Ask for all at once; where that answer cannot be used, one by one: one odd channel costs no other."""
        places = [run.place for run in active]
        try:
            answers = await self.link.read(lambda: self._cycler.progress(places))
            return list(zip(active, answers, strict=True))
        except UnknownStateError:
            raise
        except InstrumentError as error:
            if len(active) == 1:
                self._poll_failed(active[0], f"no usable answer: {error}")
                return []
        found: list[tuple[Run, TestProgress]] = []
        for run in active:
            try:
                found.append((run, await self.commands.progress(run)))
            except UnknownStateError:
                raise
            except InstrumentError as error:
                self._poll_failed(run, f"no usable answer: {error}")
        return found

    async def _fetch_last(self, run: Run, progress: TestProgress) -> None:
        await self._fetch([(run, progress)], backfilled=False)

    async def _fetch(self, by_run: Sequence[tuple[Run, TestProgress]], *, backfilled: bool) -> None:
        """Fetch and store what is new; the next page is asked for while a block is stored."""
        wanted = [(run, answer) for run, answer in by_run if has_news(run, answer)]
        if not wanted:
            return
        pages: asyncio.Queue[Fetched | None] = asyncio.Queue(PIPELINE_PAGES)
        waiting: list[tuple[Run, Portion]] = []
        failure: BaseException | None = None
        trips = Trips(self.commands)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pages.fetch(wanted, pages, backfilled))
                sending = group.create_task(trips.serve())
                while (page := await pages.get()) is not None:
                    await self._take(page, waiting, trips)
                    if len(waiting) >= (STORE_PAGES_MAX if trips.any else STORE_PAGES):
                        await self._store(waiting, trips)
                await trips.all_sent()
                sending.cancel()
        except BaseExceptionGroup as error_group:
            failure = error_group.exceptions[0]
        await self._store(waiting, trips)
        await self.acts.confirm_stops(trips.sent)
        if failure is not None:
            raise failure

    async def _take(self, page: Fetched, waiting: list[tuple[Run, Portion]], trips: Trips) -> None:
        """Digest one page: a trip goes to the device before the rows go to the disk (P4)."""
        run = page.run
        if run.over or run.phase is Phase.HELD:
            return
        try:
            if page.block is None:
                raise page.error or InvariantError("I04", "a page without rows and without a reason")
            if page.gap_from is not None:
                self._note_gap(run, page.gap_from)
            digested = run.digest(page.block, backfilled=page.backfilled)
            if digested.trip and run.decision is not None:
                trips.add(run)
            waiting.append((run, run.portion(digested)))
        except InvariantError as error:
            await self._store(waiting, trips)
            await self.acts.hold(run, str(error))
        except (UnknownStateError, Detached):
            raise
        except InstrumentError as error:
            self._poll_failed(run, f"no usable records: {error}")
        except Exception as error:
            await self._store(waiting, trips)
            await self.acts.hold_broken(run, error)
        else:
            self._failing.discard(run.index)

    async def _store(self, waiting: list[tuple[Run, Portion]], trips: Trips) -> None:
        """Make digested pages durable, all of them in one go and behind their stops; tell whoever listens."""
        await trips.all_sent()
        if not waiting:
            return
        taken, waiting[:] = list(waiting), []
        await self._worker.call(write_portions, [portion for _, portion in taken])
        if self.instrument.wire is not None:
            await self.instrument.wire.flush(self._worker)
        for run, portion in taken:
            try:
                if not run.stored(portion) and not run.over:
                    await self.acts.leave_unstored(run, "its data could not be stored")
            except InvariantError as error:
                await self.acts.hold(run, str(error))
            except Exception as error:
                await self.acts.hold_broken(run, error)

    def _poll_failed(self, run: Run, text: str) -> None:
        """Raise one alarm however many polls fail in a row (F44); rows that come again end it."""
        if run.index not in self._failing:
            self._failing.add(run.index)
            run.note(
                Finding("poll.failed", Priority.HIGH, text, None, "Compare the driver with the instrument.")
            )

    @staticmethod
    def _note_gap(run: Run, first: int) -> None:
        before, lost = run.cursor, run.accept_gap(first)
        text = f"the device lost {lost} records: {before + 1} to {first - 1} of test {run.test_id}"
        run.note(Finding("gap", Priority.HIGH, text, run.position.sequence + 1, "They cannot be had back."))

    def _over(self, run: Run) -> None:
        self._failing.discard(run.index)
        self._on_over(run)
