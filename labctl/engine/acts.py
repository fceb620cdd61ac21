"""What a poll leads to for one run: the next segment, a stop, an end, a hold. One instrument's task uses it.

Nothing here waits for time; everything that goes wrong for one run ends or holds that run and leaves the others
alone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from labctl.engine import hooks
from labctl.engine.commands import Commands, SentStop
from labctl.engine.leads import Busy
from labctl.engine.link import Detached, InstrumentLink
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.engine.stoprequest import requested_stop
from labctl.errors import InstrumentError, InvariantError, StoreError, UnknownStateError
from labctl.interfaces.cycler import ChannelState, TestProgress
from labctl.model.program import Spectroscopy, StepMode

log = logging.getLogger(__name__)

SILENT_POLLS = 3
"""Every so many polls without a new row the state is asked for (I10: engine and device agree within 3 T_poll)."""

BUSY_S = 10.0
"""Plant seconds before a start whose cell cannot be joined to its channel yet is tried again."""

STOPPABLE = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.STALE, Phase.UNKNOWN, Phase.STOPPING})
"""Phases in which a device test may drive the cell and may be told to stop."""

FetchLast = Callable[[Run, TestProgress], Awaitable[None]]
"""Fetches what a test that has just been stopped still gives."""


class RunActs:
    """Decides and acts for the runs of one instrument."""

    def __init__(
        self, link: InstrumentLink, commands: Commands, fetch_last: FetchLast, on_over: Callable[[Run], None]
    ) -> None:
        self._link = link
        self._cycler = link.instrument.cycler
        self._commands = commands
        self._fetch_last = fetch_last
        self._on_over = on_over
        self.send_away: Callable[[Run, Spectroscopy], Awaitable[bool]] = _nobody
        """Sends a cell to a potentiostat; False where there is none for it."""
        self.home: Callable[[Run], Awaitable[str]] = _is_home
        """Makes sure that a cell is joined to its channel; returns why that cannot be."""

    # -- the start --------------------------------------------------------------------------------------------------

    async def start(self, run: Run) -> None:
        """Check a run that is ready and start its first segment."""
        try:
            not_home = await self.home(run)
        except Busy as error:
            run.waiting_for = str(error)
            run.put_off(BUSY_S)
            return
        refusals = [not_home] if not_home else await self._commands.check(run)
        if refusals:
            run.note(*(Finding("start.refused", Priority.MEDIUM, text) for text in refusals))
            await self.finish(run, EndDecision(Outcome.FAILED, " ".join(refusals), None))
            return
        await self.next_segment(run)

    # -- behind a poll ----------------------------------------------------------------------------------------------

    async def act(self, run: Run, progress: TestProgress) -> None:
        """Do what the run's progress and its decision ask for."""
        if run.phase is Phase.HELD:  # by a trip whose stop was not confirmed
            await self.hold(run, "the stop could not be confirmed")
            return
        if run.has_notes and not await run.commit():
            await self.leave_unstored(run, "its data could not be stored")
            return
        if progress.test_id != run.test_id:
            text = f"{run.program.channel} now holds test {progress.test_id}; ours was {run.test_id}"
            run.note(Finding("channel.reused", Priority.HIGH, text, None, "Find out who started it."))
            await self.end(
                run, EndDecision(Outcome.HELD, f"the channel was used by someone else: {text}", None)
            )
            return
        if progress.count < run.cursor:
            raise InvariantError("I02", f"the device now has {progress.count} records, we hold {run.cursor}")
        if run.decision is not None and run.phase is not Phase.DRAINING:
            if progress.complete and run.phase is Phase.STOPPING:
                await run.to(Phase.DRAINING, "over by itself")
            elif not await self._commands.stop(run):
                await self.hold(run, "the stop could not be confirmed")
                return
            progress = await self._commands.progress(run)
            await self._fetch_last(run, progress)
        if not progress.complete or run.cursor < progress.count:
            await self._look_at_silent(run, progress)
            return
        hooks.point("drain.complete")
        if run.decision is not None:
            await self.end(run, run.decision)
        else:
            await self._segment_over(run, progress)

    async def confirm_stops(self, sent: Sequence[SentStop]) -> None:
        """Read back what was sent for rows beyond a limit; one that fails is sent again by the ordinary way."""
        await self._commands.confirm_stops(sent)
        for stop in sent:
            if not stop.run.over:
                await self.guarded(stop.run, self._confirm_stop(stop), "its stop could not be journalled")

    async def _confirm_stop(self, stop: SentStop) -> None:
        try:
            await self._commands.confirm_stop(stop)
        except UnknownStateError:
            raise
        except InstrumentError as error:
            stop.run.event("stop.unconfirmed", text=str(error))

    async def unread(self, run: Run) -> None:
        """Do what waits for no readable answer: keep what there is to tell, and send a stop that somebody wants."""
        if run.has_notes:
            await run.commit()
        if run.decision is None or run.phase in (Phase.DRAINING, Phase.HELD):
            return
        try:
            await self._commands.stop(run)
        except UnknownStateError:
            raise
        except InstrumentError as error:
            run.event("stop.unconfirmed", text=str(error))

    async def _look_at_silent(self, run: Run, progress: TestProgress) -> None:
        """Ask for the state of a test that gives no rows for long: it may be paused at the tester (I10)."""
        new_rows = progress.count > run.seen_count
        run.silent_polls = 0 if new_rows else run.silent_polls + 1
        run.seen_count = progress.count
        if new_rows and run.pause.rows < progress.count:
            run.pause.over()
            if run.phase is Phase.PAUSED:
                await run.to(Phase.RUNNING, "the device goes on")
                run.told_state = None
        if run.silent_polls == 0 or run.silent_polls % SILENT_POLLS:
            return
        await self.look(run)

    async def look(self, run: Run) -> None:
        """Read what the channel does and believe it where it pauses or goes on; tell a state that differs."""
        state, told = await self._commands.state(run), run.told_state
        run.told_state = state
        if state is ChannelState.PAUSED:
            await self._paused(run, told)
        elif state is ChannelState.RUNNING:
            run.pause.over()
            if run.phase is Phase.PAUSED:
                await run.to(Phase.RUNNING, "the device goes on")
        elif state is not told:
            self._note_state(run, state)

    async def _paused(self, run: Run, told: ChannelState | None) -> None:
        """Believe that the device pauses; a person is told unless the program or a person here wanted it."""
        if run.phase is not Phase.RUNNING:
            return
        await run.to(Phase.PAUSED, "the device pauses")
        run.pause.rows = run.seen_count
        if run.pause.seen(run.utc(), by_program=run.machines.step_mode is StepMode.PAUSE):
            run.event("paused", text="the device has come to the pause")
        elif told is not ChannelState.PAUSED:
            self._note_state(run, ChannelState.PAUSED)

    @staticmethod
    def _note_state(run: Run, state: ChannelState) -> None:
        text = f"{run.program.channel} gives no rows: its state is {state}, we believe it runs"
        run.note(Finding("state.differs", Priority.HIGH, text, None, "Look at the channel in BTS Client."))

    async def _segment_over(self, run: Run, progress: TestProgress) -> None:
        """Decide what follows a device test that is over: by its end state, then by the program."""
        state = await self._commands.state(run)
        if state is ChannelState.FINISHED:
            await self._device_log(run)
            if run.phase in (Phase.STALE, Phase.UNKNOWN):
                return  # out of sight again meanwhile: nothing is decided before it is seen
            run.pause.over()
            if run.phase is Phase.PAUSED:
                await run.to(Phase.RUNNING, "the device went on")
            await run.to(Phase.DECIDING, "segment over")
            hooks.point("segment.over")
            if run.wait_for_person:
                run.waiting_for = "paused between two segments: waits for you"
                run.pause.seen(run.utc())
                return
            await self.next_segment(run)
        elif state is ChannelState.PROTECTED:
            text = "the device's own protection ended the test"
            run.note(
                Finding("protect", Priority.MEDIUM, text, run.position.sequence, "Look at the cell's curve.")
            )
            await self.end(run, EndDecision(Outcome.PROTECT, text, None))
        elif state is ChannelState.STOPPED:
            reason = requested_stop(run.writer.folder)
            if reason:
                await self.end(run, EndDecision(Outcome.STOPPED, reason, None))
                return
            text = "the test was stopped from outside, or the instrument was restarted"
            run.note(
                Finding("stopped.outside", Priority.HIGH, text, None, "Find out why before you start again.")
            )
            await self.end(run, EndDecision(Outcome.HELD, text, None))
        else:  # not over: ask again at the next poll, and tell where that lasts
            await self._look_at_silent(run, progress)

    async def next_segment(self, run: Run) -> None:
        """Let the host decide and start what follows, or end the run where the program is done.

        A spectrum that a person has asked for comes first.
        """
        await run.take_revision()
        if run.wanted:
            await self._away(run, run.wanted[0])
            return
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
            await self.end(run, EndDecision(Outcome.FINISHED, "the program is done", None))
            return
        if isinstance(segment, Spectroscopy):
            await self._away(run, segment)
            return
        await self._commands.start(run, segment, run.jumps_untold)
        if run.phase is not Phase.RUNNING and run.decision is not None:
            await self.over(run, run.decision)

    async def _away(self, run: Run, spectrum: Spectroscopy) -> None:
        """Send the cell to a potentiostat; the run goes on when it is back."""
        if not await self.send_away(run, spectrum):
            await self.hold(
                run, f"no potentiostat {spectrum.on!r} of the station takes the cell of {run.label}"
            )

    async def back(self, run: Run) -> None:
        """Go on with a run whose cell is the cycler's again."""
        await run.to(Phase.DECIDING, "the cell is back")
        if run.decision is not None:
            await self.over(run, run.decision)
        elif run.wait_for_person:
            run.waiting_for = "paused between two segments: waits for you"
            run.pause.seen(run.utc())
        else:
            await self.next_segment(run)

    async def over(self, run: Run, decision: EndDecision) -> None:
        """End a run that nothing drives: with its device's log where it had a test, else at once."""
        await (self.finish if run.test_id is None and not run.at_boundary else self.end)(run, decision)

    # -- ends -------------------------------------------------------------------------------------------------------

    async def end(self, run: Run, decision: EndDecision) -> None:
        """End a run whose device test is over: its log, then the seal."""
        run.request_end(decision)
        await run.to(Phase.DRAINING, decision.reason)
        await self._device_log(run)
        await self.finish(run, decision)

    async def _device_log(self, run: Run) -> None:
        """Store the device's log of a test, once."""
        test_id = run.test_id
        if test_id is None or run.logged_test == test_id:
            return
        try:
            lines = await self._link.read(lambda: self._cycler.events(run.place, test_id))
        except UnknownStateError:
            raise
        except InstrumentError as error:
            run.event("device.log.failed", text=str(error))
            return
        stored: list[dict[str, Any]] = [
            {
                "sequence": line.sequence,
                "code": line.code,
                "meaning": line.meaning,
                "clock": line.device_clock,
            }
            for line in lines
        ]
        run.event("device.log", test_id=test_id, lines=stored)
        run.logged_test = test_id

    async def finish(self, run: Run, decision: EndDecision) -> None:
        """Seal a run whose device work is over; left for a later resume where the disk refuses."""
        run.request_end(decision)
        try:
            await run.finish(decision)
        except StoreError as error:
            await self.leave(run, f"its files could not be sealed: {error}")
            return
        run.listener.progress(run.progress())
        run.listener.ended(run.result())
        self._on_over(run)

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
        try:
            await run.journal("held", reason=reason)
        except StoreError as error:
            run.event("store.failed", text=str(error))
        except Exception:  # held all the same; a restart does not know it, as with a disk that refuses
            log.exception("run=%s could not be journalled as held", run.run_id)
        await self.leave(run, f"held: {reason}")

    async def hold_all(self, runs: Sequence[Run], reason: str) -> None:
        """Hold what is not over; one that cannot even be held costs no other, and keeps its channel in use."""
        for run in runs:
            try:
                if not run.over:
                    await self.hold(run, reason)
            except (UnknownStateError, Detached):
                raise
            except Exception:
                log.exception("run=%s could not be held whole", run.run_id)

    async def leave_unstored(self, run: Run, reason: str) -> None:
        """Follow a run no more for want of a disk. One whose end somebody wants is stopped first, written down or not;
        what latches its channel does so all the same (I05).
        """
        decision = run.decision
        if decision is not None and run.on_device and run.phase in STOPPABLE:
            try:
                await self._commands.stop(run)
            except UnknownStateError:
                raise
            except InstrumentError as error:
                run.event("stop.unconfirmed", text=str(error))
        if decision is not None and decision.outcome in (Outcome.TRIPPED, Outcome.HELD):
            reason = f"held: {decision.reason}; {reason}"
        await self.leave(run, reason)

    async def leave(self, run: Run, reason: str) -> None:
        """Follow a run no more, though it goes on; a later resume takes it up."""
        run.leaving = reason
        run.settled.set()
        run.on_ending()  # a potentiostat drives nothing for a run that nobody follows
        run.event("left", text=reason)
        try:
            await run.commit()
        except Exception:  # a fault of ours in its notes: nobody else is to suffer for it (P7)
            log.exception("run=%s its last notes are not kept", run.run_id)
        run.listener.progress(run.progress())
        run.listener.ended(run.result())
        self._on_over(run)

    async def guarded(self, run: Run, work: Awaitable[None], disk: str) -> None:
        """Work for one run; what goes wrong there holds or leaves that run (``disk`` begins that sentence)."""
        try:
            await work
        except (UnknownStateError, Detached):
            raise
        except (InvariantError, InstrumentError) as error:
            await self.hold(run, str(error))
        except StoreError as error:
            await self.leave_unstored(run, f"{disk}: {error}")
        except Exception as error:
            await self.hold_broken(run, error)

    async def hold_broken(self, run: Run, error: Exception) -> None:
        """Hold one run over a fault of ours in its work: the other cells must not go unwatched for it (P7)."""
        log.exception("run=%s internal error; the run is held", run.run_id)
        await self.hold(run, f"internal error, a bug in labctl: {type(error).__name__}: {error}")


async def _nobody(run: Run, spectrum: Spectroscopy) -> bool:
    return False


async def _is_home(run: Run) -> str:
    return ""
