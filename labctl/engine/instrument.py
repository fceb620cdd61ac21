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
from collections.abc import Callable, Sequence
from typing import Any

from labctl.engine import hooks
from labctl.engine.commands import Commands
from labctl.engine.jobs import Observer, StopSignal
from labctl.engine.link import Detached, InstrumentLink
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.machines.stale import ClockWatch
from labctl.engine.pages import Fetched, PageFetcher
from labctl.engine.run import Run
from labctl.engine.station import Instrument, Station
from labctl.engine.stoprequest import requested_stop
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, InvariantError, StoreError, UnknownStateError
from labctl.interfaces.cycler import ChannelState, TestProgress

log = logging.getLogger(__name__)

START_DELAY_S = 1.0
"""Plant seconds between a chamber's "ready" and the start: by then every chamber polled at the same moment
has spoken, so starts stand in job order whatever the order of the answers on the wire."""
GRID_TOLERANCE_S = 1e-6
URGENT_PAUSE_S = 0.5
"""A stop that a person or a chamber asks for waits for no poll (I05); a poll that just failed is not repeated
without a pause."""
SILENT_POLLS = 3
"""Every so many polls without a new row the state is asked for (I10: engine and device agree within 3 T_poll)."""
PIPELINE_PAGES = 2
"""Fetched pages that may wait for the store (I14)."""


class InstrumentTask:
    """Serves one instrument's runs until each is over or the person leaves."""

    def __init__(
        self,
        station: Station,
        instrument: Instrument,
        runs: Sequence[Run],
        stop: StopSignal,
        observer: Observer,
        free_bytes: Callable[[], int],
        on_over: Callable[[Run], None],
    ) -> None:
        self.wake = Wake()
        self._clock = station.clock
        self._instrument = instrument
        self._cycler = instrument.cycler
        self._runs = sorted(runs, key=lambda run: run.index)
        self._stop = stop
        self._observer = observer
        self._on_over = on_over
        self._link = InstrumentLink(instrument, station.clock, stop, self.wake, self)
        self.commands = Commands(station, self._link, free_bytes)
        self._pages = PageFetcher(self._link, stop)
        self._anchor_s: float | None = None
        self._polled_s = -math.inf
        self._planned_s: float | None = None
        self._resumed = False
        self._wall = ClockWatch()
        self._failing: set[int] = set()
        stop.attach(self.wake)

    # -- the loop ---------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Run the loop; returns when every run is over or the person has left."""
        try:
            for run in self._runs:
                if run.test_id is None and run.ready_s is None:
                    run.waiting_for = run.waiting_for or "waits for its chamber"
            while not self._stop.detached and not all(run.over for run in self._runs):
                self.wake.clear()
                self._hear_stop()
                await self._end_waiting()
                await self._start_ready()
                due_s = self._due_s()
                if due_s <= self._clock.plant.now_s() + GRID_TOLERANCE_S:
                    await self._poll()
                elif not all(run.over for run in self._runs):
                    await self._sleep(due_s)
        except Detached:
            return
        except UnknownStateError as error:
            for run in self._runs:
                if not run.over:
                    await self.hold(run, str(error))

    async def _sleep(self, due_s: float) -> None:
        if self._stop.detached:
            return
        if math.isinf(due_s):
            await self.wake.wait()
        else:
            await until_or_event(self._clock.plant.sleep_until(due_s), self.wake)

    def anchor(self, plant_s: float) -> None:
        """Put the poll grid where an earlier process had it."""
        self._anchor_s = plant_s if self._anchor_s is None else min(self._anchor_s, plant_s)

    def _due_s(self) -> float:
        """Return the next moment at which there is something to do."""
        due_s, now_s = math.inf, self._clock.plant.now_s()
        if any(run.on_device for run in self._runs) and self._anchor_s is not None:
            if self._planned_s is None:
                self._planned_s = self._next_grid_s(self._anchor_s, now_s)
            due_s = self._planned_s
            if any(map(_ends_from_outside, self._runs)):
                due_s = min(due_s, max(now_s, self._polled_s + URGENT_PAUSE_S))
        else:
            self._planned_s = None
        for run in self._runs:
            if run.ready_s is not None and run.test_id is None and not run.over:
                due_s = min(due_s, run.ready_s)
        return due_s

    def _next_grid_s(self, anchor_s: float, now_s: float) -> float:
        """Return the first moment of the grid that is not over and not polled yet.

        Asked once per poll: a sleep that ends a little late, as all do on the wall, still polls then.
        """
        poll_s = self._instrument.poll_s
        late = math.ceil((now_s - anchor_s - GRID_TOLERANCE_S) / poll_s)
        if self._polled_s == -math.inf and self._resumed:
            return anchor_s + max(late, 1) * poll_s
        passed = math.floor((max(self._polled_s, anchor_s) - anchor_s + GRID_TOLERANCE_S) / poll_s)
        return anchor_s + max(passed + 1, late) * poll_s

    def resumed(self) -> None:
        """Say that runs were taken over: a poll that was due at this very moment is made up for."""
        self._resumed = True

    def _hear_stop(self) -> None:
        for run in self._runs:
            reason = self._stop.stop_reason or requested_stop(run.writer.folder)
            if reason and not run.over:
                run.request_end(EndDecision(Outcome.STOPPED, reason, None))

    async def _end_waiting(self) -> None:
        """End runs that have been told to end before they began."""
        for run in self._runs:
            if run.decision is not None and run.test_id is None and not run.over:
                await self.finish(run, run.decision)

    async def _start_ready(self) -> None:
        """Start, in job order, what is ready by now."""
        now_s = self._clock.plant.now_s()
        for run in self._runs:
            due = run.ready_s is not None and run.ready_s <= now_s + GRID_TOLERANCE_S
            if not due or run.test_id is not None or run.over or run.decision is not None:
                continue
            run.waiting_for = ""
            try:
                await self._start(run)
            except (UnknownStateError, Detached):
                raise
            except (InvariantError, InstrumentError) as error:
                await self.hold(run, str(error))
            except StoreError as error:
                await self.leave(run, f"its start could not be journalled: {error}")
            except Exception as error:
                await self._hold_broken(run, error)
            self._observer(run.progress())

    async def _start(self, run: Run) -> None:
        refusals = await self.commands.check(run)
        if refusals:
            run.note(*(Finding("start.refused", Priority.MEDIUM, text) for text in refusals))
            await self.finish(run, EndDecision(Outcome.FAILED, " ".join(refusals), None))
            return
        await self._next_segment(run)
        if self._anchor_s is None:
            self._anchor_s = self._clock.plant.now_s()
        if run.on_device and self._clock.plant.virtual:
            await run.manifest(poll_anchor_s=self._anchor_s)

    # -- one poll ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        self._polled_s = self._clock.plant.now_s()
        self._planned_s = None
        active = [run for run in self._runs if run.on_device]
        jumped_s = self._wall.feed(self._clock.link.utc().timestamp(), self._clock.link.now_s())
        if not active:
            return
        if jumped_s:
            for run in active:
                run.event(
                    "clock.jump",
                    text=f"this computer's clock was set by {jumped_s:+.1f} s",
                    jumped_s=jumped_s,
                )
        outages = self._link.outages
        places = [run.place for run in active]
        try:
            answers = await self._link.read(lambda: self._cycler.progress(places))
        except UnknownStateError:
            raise
        except InstrumentError as error:
            for run in active:
                self._poll_failed(run, f"no usable answer: {error}")
            return
        by_run = list(zip(active, answers, strict=True))
        await self._fetch(by_run, backfilled=self._link.outages != outages)
        for run, progress in by_run:
            if not run.over:
                await self._guarded(run, progress)
            self._observer(run.progress())

    async def _guarded(self, run: Run, progress: TestProgress) -> None:
        """Act for one run; what goes wrong there holds that run and leaves the others alone."""
        try:
            await self._act(run, progress)
        except (UnknownStateError, Detached):
            raise
        except (InvariantError, InstrumentError) as error:
            await self.hold(run, str(error))
        except StoreError as error:
            await self.leave(run, f"its data could not be stored: {error}")
        except Exception as error:
            await self._hold_broken(run, error)

    async def _hold_broken(self, run: Run, error: Exception) -> None:
        """Hold one run over a fault of ours in its work: the other cells must not go unwatched for it (P7)."""
        log.exception("run=%s internal error; the run is held", run.run_id)
        await self.hold(run, f"internal error, a bug in labctl: {type(error).__name__}: {error}")

    async def _fetch(self, by_run: Sequence[tuple[Run, TestProgress]], *, backfilled: bool) -> None:
        """Fetch and store what is new; the next page is asked for while a block is stored."""
        wanted = [(run, answer) for run, answer in by_run if _has_news(run, answer)]
        if not wanted:
            return
        pages: asyncio.Queue[Fetched | None] = asyncio.Queue(PIPELINE_PAGES)
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pages.fetch(wanted, pages, backfilled))
                while (page := await pages.get()) is not None:
                    await self._take(page)
        except BaseExceptionGroup as error_group:
            failure = error_group.exceptions[0]
        if failure is not None:
            raise failure

    async def _take(self, page: Fetched) -> None:
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
                await self.commands.trip(run, run.decision)
            if not await run.store(digested):
                await self.leave(run, "its data could not be stored")
        except InvariantError as error:
            await self.hold(run, str(error))
        except (UnknownStateError, Detached):
            raise
        except InstrumentError as error:
            self._poll_failed(run, f"no usable records: {error}")
        except Exception as error:
            await self._hold_broken(run, error)
        else:
            self._failing.discard(run.index)

    def _poll_failed(self, run: Run, text: str) -> None:
        """Raise one alarm however many polls fail in a row (F44); rows that come again end it."""
        if run.index not in self._failing:
            self._failing.add(run.index)
            run.note(
                Finding("poll.failed", Priority.HIGH, text, None, "Compare the driver with the instrument.")
            )

    @staticmethod
    def _note_gap(run: Run, first: int) -> None:
        if run.follower is None:
            return
        before = run.cursor
        lost = run.follower.accept_gap(first)
        text = f"the device lost {lost} records: {before + 1} to {first - 1} of test {run.test_id}"
        run.note(Finding("gap", Priority.HIGH, text, run.position.sequence + 1, "They cannot be had back."))

    # -- what a poll leads to ---------------------------------------------------------------------------------------

    async def _act(self, run: Run, progress: TestProgress) -> None:
        if run.phase is Phase.HELD:  # by a trip whose stop was not confirmed
            await self.hold(run, "the stop could not be confirmed")
            return
        if run.has_notes and not await run.commit():
            await self.leave(run, "its data could not be stored")
            return
        if progress.test_id != run.test_id:
            text = f"{run.program.channel} now holds test {progress.test_id}; ours was {run.test_id}"
            run.note(Finding("channel.reused", Priority.HIGH, text, None, "Find out who started it."))
            await self._end(
                run, EndDecision(Outcome.HELD, f"the channel was used by someone else: {text}", None)
            )
            return
        if progress.count < run.cursor:
            raise InvariantError("I02", f"the device now has {progress.count} records, we hold {run.cursor}")
        if run.decision is not None and run.phase is not Phase.DRAINING:
            if progress.complete and run.phase is Phase.STOPPING:
                await run.to(Phase.DRAINING, "over by itself")
            elif not await self.commands.stop(run, run.decision):
                await self.hold(run, "the stop could not be confirmed")
                return
            progress = await self.commands.progress(run)
            await self._fetch([(run, progress)], backfilled=False)
        if not progress.complete or run.cursor < progress.count:
            await self._look_at_silent(run, progress)
            return
        hooks.point("drain.complete")
        if run.decision is not None:
            await self._end(run, run.decision)
        else:
            await self._segment_over(run, progress)

    async def _look_at_silent(self, run: Run, progress: TestProgress) -> None:
        """Ask for the state of a test that gives no rows for long: it may be paused at the tester (I10)."""
        run.silent_polls = 0 if progress.count > run.seen_count else run.silent_polls + 1
        run.seen_count = progress.count
        if run.silent_polls == 0 or run.silent_polls % SILENT_POLLS:
            return
        state, told = await self.commands.state(run), run.told_state
        run.told_state = state
        if state not in (ChannelState.RUNNING, told):
            text = f"{run.program.channel} gives no rows: its state is {state}, we believe it runs"
            run.note(
                Finding("state.differs", Priority.HIGH, text, None, "Look at the channel in BTS Client.")
            )

    async def _segment_over(self, run: Run, progress: TestProgress) -> None:
        """Decide what follows a device test that is over: by its end state, then by the program."""
        state = await self.commands.state(run)
        if state is ChannelState.FINISHED:
            await self._device_log(run)
            await run.to(Phase.DECIDING, "segment over")
            hooks.point("segment.over")
            await self._next_segment(run)
        elif state is ChannelState.PROTECTED:
            text = "the device's own protection ended the test"
            run.note(
                Finding("protect", Priority.MEDIUM, text, run.position.sequence, "Look at the cell's curve.")
            )
            await self._end(run, EndDecision(Outcome.PROTECT, text, None))
        elif state is ChannelState.STOPPED:
            reason = requested_stop(run.writer.folder)
            if reason:
                await self._end(run, EndDecision(Outcome.STOPPED, reason, None))
                return
            text = "the test was stopped from outside, or the instrument was restarted"
            run.note(
                Finding("stopped.outside", Priority.HIGH, text, None, "Find out why before you start again.")
            )
            await self._end(run, EndDecision(Outcome.HELD, text, None))
        else:  # not over: ask again at the next poll, and tell where that lasts
            await self._look_at_silent(run, progress)

    async def _next_segment(self, run: Run) -> None:
        before = run.walker.position
        segment, decisions = run.walker.advance(run.values())
        for decision in decisions:
            run.event(
                "decision",
                expression=decision.expression,
                value=decision.value,
                passes=decision.passes,
                taken=decision.taken,
                sequence=run.position.sequence,
            )
        if segment is None:
            await self._end(run, EndDecision(Outcome.FINISHED, "the program is done", None))
            return
        await self.commands.start(run, segment, run.walker.position.jumps - before.jumps)
        if run.phase is not Phase.RUNNING and run.decision is not None:
            await self.finish(run, run.decision)

    async def _end(self, run: Run, decision: EndDecision) -> None:
        run.request_end(decision)
        await run.to(Phase.DRAINING, decision.reason)
        await self._device_log(run)
        await self.finish(run, decision)

    async def _device_log(self, run: Run) -> None:
        test_id = run.test_id
        if test_id is None:
            return
        try:
            lines = await self._link.read(lambda: self._cycler.events(run.place, test_id))
        except UnknownStateError:
            raise
        except InstrumentError as error:
            run.event("device.log.failed", text=str(error))
            return
        log: list[dict[str, Any]] = [
            {
                "sequence": line.sequence,
                "code": line.code,
                "meaning": line.meaning,
                "clock": line.device_clock,
            }
            for line in lines
        ]
        run.event("device.log", test_id=test_id, lines=log)

    async def finish(self, run: Run, decision: EndDecision) -> None:
        """Seal a run whose device work is over; left for a later resume where the disk refuses."""
        run.request_end(decision)
        try:
            await run.finish(decision)
        except StoreError as error:
            await self.leave(run, f"its files could not be sealed: {error}")
        self._on_over(run)
        self._observer(run.progress())

    async def hold(self, run: Run, reason: str) -> None:
        """Send nothing more for this run; the device goes on by itself; a person must look (P7)."""
        run.note(
            Finding(
                "held",
                Priority.CRITICAL,
                reason,
                None,
                "Compare the channel with the run, then resume or stop it.",
            )
        )
        if run.phase is not Phase.HELD and run.phase not in (Phase.DRAINING, Phase.ENDED):
            run.life.to(Phase.HELD)
        await self.leave(run, f"held: {reason}")

    async def leave(self, run: Run, reason: str) -> None:
        """Follow a run no more, though it goes on; a later resume takes it up."""
        run.leaving = reason
        run.event("left", text=reason)
        await run.commit()
        self._on_over(run)

    # -- outages ----------------------------------------------------------------------------------------------------

    async def link_lost(self, error: InstrumentError) -> None:
        """Mark the runs STALE: one event each, the device goes on."""
        await self._all_to(Phase.STALE, (Phase.RUNNING,), "link.lost", Priority.EVENT, f"link lost: {error}")

    async def link_unknown(self, lasted_s: float) -> None:
        """Mark the runs UNKNOWN: they have been out of sight for longer than I10 allows."""
        text = f"nothing known of the channel for {lasted_s:.0f} s"
        await self._all_to(Phase.UNKNOWN, (Phase.STALE,), "link.unknown", Priority.HIGH, text)

    async def link_back(self, lasted_s: float) -> None:
        """Go on where the device stands; what it did meanwhile is fetched next."""
        text = f"link back after {lasted_s:.0f} s"
        await self._all_to(Phase.RUNNING, (Phase.STALE, Phase.UNKNOWN), "link.back", Priority.EVENT, text)

    async def link_garbled(self, error: InstrumentError) -> None:
        """Note that an answer could not be used and is asked for again (F05): no fault is swallowed (P8)."""
        for run in self._runs:
            if not run.over:
                run.event("reply.garbled", text=str(error))

    async def _all_to(
        self, phase: Phase, out_of: tuple[Phase, ...], kind: str, priority: Priority, text: str
    ) -> None:
        for run in self._runs:
            if run.over or run.test_id is None:
                continue
            run.note(Finding(kind, priority, text, None, ""))
            if run.phase in out_of:
                run.life.to(phase)  # the manifest's word stays "running"
            self._observer(run.progress())


def _ends_from_outside(run: Run) -> bool:
    """Tell whether a person or the chamber wants a running test ended: that waits for no poll (I05)."""
    decided = run.decision is not None and run.decision.sequence is None
    return decided and run.on_device and run.phase in (Phase.RUNNING, Phase.STALE, Phase.UNKNOWN)


def _has_news(run: Run, answer: TestProgress) -> bool:
    return run.phase is not Phase.HELD and (answer.count > run.cursor or answer.test_id != run.test_id)
