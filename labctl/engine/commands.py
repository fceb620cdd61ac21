"""Starts and stops device tests: journal first, then the command, then the read-back.

A command whose answer is lost has an unknown fate (P2). A start is then never sent again before the device
has been read back (I09): a new test with our mark on it is adopted, an unchanged test number read twice
proves that nothing was started, anything else holds the run. A stop raises no energy and may be repeated,
but only while the channel still runs our test (I08).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from labctl.clock import Clock
from labctl.engine import hooks
from labctl.engine.gate import Gate
from labctl.engine.jobs import Job
from labctl.engine.link import InstrumentLink
from labctl.engine.machines.checks import start_refusals
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.follow import Position
from labctl.engine.machines.life import Phase
from labctl.engine.machines.limits import tightest
from labctl.engine.run import Run
from labctl.engine.station import Station
from labctl.errors import InstrumentError, LinkError, RefusedError, StoreError, UserInputError
from labctl.interfaces.cycler import OVER, ChannelState, DeviceProgram, Place, StopsTogether, TestProgress
from labctl.model.ids import TestId
from labctl.model.program import Program, Segment
from labctl.store.runwriter import RunWriter
from labctl.worker import Worker

SETTLE_S = 5.0
"""Link seconds between the two read-backs that prove a start was not taken: live values are no fresher (bts
1.3).
"""
SETTLE_READS = 2
START_TRIES = 4
STOP_TRIES = 3
INTENT_WITHIN_S = 0.3
"""Link seconds that a stop waits for the disk to take its reason; T_trip is 1 s. It is written all the same."""


class Fate(Enum):
    """What became of a start command."""

    NOT_STARTED = "not started"
    ADOPTED = "adopted"
    FOREIGN = "foreign"


@dataclass(slots=True)
class SentStop:
    """A stop whose bytes have left, with what was said against it; ``stands``: it was read back already."""

    run: Run
    problem: InstrumentError | None
    stands: bool = False


class Commands:
    """The energising and stopping commands of one instrument."""

    def __init__(
        self, station: Station, link: InstrumentLink, free_bytes: Any, gate: Gate, worker: Worker
    ) -> None:
        self.gate = gate
        self._worker = worker
        self._station = station
        self._link = link
        self._clock: Clock = station.clock
        self._cycler = link.instrument.cycler
        self._free_bytes = free_bytes
        self._energising: Run | None = None

    def fence(self) -> None:
        """Refuse a command that raises energy right before its bytes leave. Raises: RefusedError."""
        name = self._link.instrument.name
        self.gate.check(name)
        run = self._energising
        if run is not None:
            run.need_cell()
        if run is not None and run.decision is not None:  # asked for while the driver was still looking
            raise RefusedError(
                f"{run.run_id} is to end: {run.decision.reason}", instrument=name, operation="energise"
            )

    @contextmanager
    def energising(self, run: Run) -> Iterator[None]:
        """Name the run for which a command that raises energy is on its way: none leaves once its end is asked for."""
        self._energising = run
        try:
            yield
        finally:
            self._energising = None

    async def progress(self, run: Run) -> TestProgress:
        """Read which test the run's channel holds."""
        return (await self._link.read(lambda: self._cycler.progress([run.place])))[0]

    async def state(self, run: Run) -> ChannelState:
        """Read what the run's channel does."""
        return (await self._link.read(lambda: self._cycler.live([run.place])))[0].state

    # -- start ------------------------------------------------------------------------------------------------------

    async def check(self, run: Run) -> list[str]:
        """Return every reason not to start the run's first segment; journals what a person has overridden."""
        job: Job = run.job
        run.test_before = (await self.progress(run)).test_id
        live = (await self._link.read(lambda: self._cycler.live([run.place])))[0]
        layers = self._station.layers(run.program)
        refusals = start_refusals(
            run.program,
            job.cell,
            live,
            self._cycler.capabilities(run.place),
            tightest(layer.trip for layer in layers),
            self._free_bytes(),
            job.overrides,
            classes=self._station.classes,
            loaded=self._station.loaded(run.program.channel),
        )
        for item, reason in job.overrides.items():
            await run.journal("check.override", item=item, reason=reason, operator=job.operator)
        if not refusals:
            await run.journal("check.passed", voltage_V=live.voltage_V, state=live.state.value)
        return [str(refusal) for refusal in refusals]

    async def start(self, run: Run, segment: Segment, jumps: int) -> None:
        """Start a segment exactly once and note its test. Sets ``run.decision`` where it cannot be started.

        Raises: StoreError when the intent could not be made durable: nothing has been sent then.
        """
        run.need_cell()
        position = run.position.next_segment(jumps)
        run.at(position)
        try:
            program = await self._load(run, segment)
        except InstrumentError as error:
            run.request_end(EndDecision(_outcome(run), f"the step file was not taken: {error}", None))
            return
        await run.to(Phase.STARTING, run.segment_text(segment))
        for _ in range(START_TRIES):
            if run.decision is not None or self._closed(run):
                return
            before = await self.progress(run)
            if run.test_before is not None and before.test_id != run.test_before:
                # a link that was away for hours: somebody else's cell may sit there by now (I08)
                fate, problem = Fate.FOREIGN, _used_meanwhile(run, before.test_id)
                break
            if problem := await self._other_cell(run):
                fate = Fate.FOREIGN
                break
            await run.journal("start.intent", **self._intent(run, segment, program, before, position))
            hooks.point("start.intent")
            fate, test_id, problem = await self._send(run, program, before)
            if fate is Fate.ADOPTED:
                await self.started(run, segment, program, position, test_id)
                return
            if fate is Fate.FOREIGN:
                break
            await run.journal("start.not_taken", problem=problem)
        text = f"the start of {run.segment_text(segment)} was not taken: {problem}"
        outcome = Outcome.HELD if fate is Fate.FOREIGN else _outcome(run)
        run.note(
            Finding("start.failed", Priority.HIGH, text, None, "See the BTS Client's own log; then resume.")
        )
        run.request_end(EndDecision(outcome, text, None))

    async def _other_cell(self, run: Run) -> str:
        """Return why another cell may sit there: beyond the limits at the first start after an outage (F29, I08)."""
        if run.test_id is None or run.outages_seen == self._link.outages:
            return ""
        live = (await self._link.read(lambda: self._cycler.live([run.place])))[0]
        allowed = tightest(layer.trip for layer in self._station.layers(run.program))
        low_V, high_V = allowed.voltage_min_V, allowed.voltage_max_V
        inside = (low_V is None or live.voltage_V >= low_V) and (high_V is None or live.voltage_V <= high_V)
        if inside:
            run.outages_seen = self._link.outages
            return ""
        return f"{run.program.channel} reads {live.voltage_V:.3f} V after an outage, beyond its limits: another cell?"

    def _closed(self, run: Run) -> bool:
        """End a run that may not be started now (I20, I07); tell whether that is so."""
        problem = self.gate.refusal(self._link.instrument.name)
        if problem:
            outcome = Outcome.STOPPED if self.gate.stop_all else _outcome(run)
            run.request_end(EndDecision(outcome, problem, None))
        return bool(problem)

    async def _load(self, run: Run, segment: Segment) -> DeviceProgram:
        program, facts = run.program, run.program.cell
        return await self._link.read(
            lambda: self._cycler.load(
                run.place,
                segment,
                label=f"{run.run_id}-{run.position.segment}",
                record=program.record,
                limits=program.limits,
                nominal_capacity_Ah=facts.nominal_capacity_Ah,
                active_mass_mg=facts.active_mass_mg,
            )
        )

    def _intent(
        self, run: Run, segment: Segment, program: DeviceProgram, before: TestProgress, position: Position
    ) -> dict[str, Any]:
        return {
            "segment": segment.index,
            "number": position.segment,
            "pass": run.walker.passes,
            "walk": run.walker.position.to_json(),
            "test_id_before": before.test_id,
            "barcode": run.barcode(),
            "place": run.place,
            "reference": program.reference,
            "sha256": program.sha256,
            "step_ids": list(program.step_ids),
            "sequence_offset": position.sequence,
            "cycle_offset": position.cycle_offset,
            "step_offset": position.step_count,
            "time_offset_s": position.test_time_s,
        }

    async def _send(self, run: Run, program: DeviceProgram, before: TestProgress) -> tuple[Fate, TestId, str]:
        """Send one start and find out what became of it."""
        try:
            with self.energising(run):
                test_id = await self._cycler.start(run.place, program, barcode=run.barcode())
            hooks.point("start.sent")
            if test_id != before.test_id:
                return Fate.ADOPTED, test_id, ""
            problem = "the instrument said yes, but no new test has appeared"
        except LinkError as error:
            hooks.point("start.sent")
            run.event("start.unknown", text=str(error))
            await self._link.mend(error)
            problem = str(error)
        except InstrumentError as error:
            problem = str(error)
        return await self.read_back(run, before.test_id, problem)

    async def read_back(
        self, run: Run, test_id_before: TestId, problem: str = ""
    ) -> tuple[Fate, TestId, str]:
        """Find out whether a start was taken, from what the device says now (I09)."""
        for number in range(SETTLE_READS):
            if number:
                await self._link.pause(SETTLE_S)
            progress = await self.progress(run)
            if progress.test_id == test_id_before:
                continue
            live = (await self._link.read(lambda: self._cycler.live([run.place])))[0]
            if live.barcode == run.barcode():
                return Fate.ADOPTED, progress.test_id, problem
            text = f"channel {run.program.channel} holds test {progress.test_id} of {live.barcode or 'someone else'}"
            return Fate.FOREIGN, progress.test_id, text
        return Fate.NOT_STARTED, test_id_before, problem

    async def started(
        self, run: Run, segment: Segment, program: DeviceProgram, position: Position, test_id: TestId
    ) -> None:
        """Believe that a segment runs: journal, manifest, follower."""
        plant = self._clock.plant
        await run.journal("start.confirmed", test_id=test_id, number=position.segment)
        hooks.point("start.confirmed")
        entry = {
            "segment": segment.index,
            "pass": run.walker.passes,
            "test_id": test_id,
            "step_file": program.reference,
            "sha256": program.sha256,
            "step_ids": list(program.step_ids),
            "sequence_offset": position.sequence,
            "cycle_offset": position.cycle_offset,
            "step_offset": position.step_count,
            "time_offset_s": position.test_time_s,
            "started_utc": plant.utc().isoformat(),
            "started_plant_s": plant.now_s(),
            "walk": run.walker.position.to_json(),
        }
        segments = [*run.writer.manifest.get("segments", []), entry]
        run.test_id = run.test_before = test_id
        run.segment_started_s = plant.now_s()
        await run.manifest(segments=segments)
        run.begin_segment(program.step_ids, position)
        await run.to(Phase.RUNNING, f"test {test_id}")

    # -- stop -------------------------------------------------------------------------------------------------------

    async def stop(self, run: Run) -> bool:
        """Stop the device test of a run that has a decision, and read back; True when that is confirmed: it drains."""
        if run.phase is Phase.DRAINING:
            return True
        (sent,) = await self.send_stops([run])
        return await self.confirm_stop(sent)

    async def send_stops(self, runs: Sequence[Run]) -> list[SentStop]:
        """Let the stops of several runs leave, in one message where the cycler can; nothing is read back.

        Each needs a decision. What an instrument answers is told in the result, nothing of it is raised.
        """
        await self._intend([run for run in runs if run.phase is not Phase.STOPPING])
        places = [run.place for run in runs]
        if isinstance(self._cycler, StopsTogether):
            try:
                answers: Sequence[InstrumentError | None] = await self._cycler.send_stop(places)
            except InstrumentError as error:
                answers = [error] * len(runs)
        else:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._try_stop(place)) for place in places]
            answers = [task.result() for task in tasks]
        for run in runs:
            hooks.point("stop.sent")
            if (
                changed := run.life.to(Phase.STOPPING)
            ) is not None:  # run.json is told when the bytes are out
                old, new = changed
                run.event(
                    "phase",
                    old=old.value,
                    new=new.value,
                    why="" if run.decision is None else run.decision.reason,
                )
        return [SentStop(run, problem) for run, problem in zip(runs, answers, strict=True)]

    async def _intend(self, runs: Sequence[Run]) -> None:
        """Write why each of these is stopped; a stop waits for no disk that refuses, not long for one that hangs."""
        entries = [(run.writer, "stop.intent", stop_fields(run)) for run in runs]
        written = self._worker.hand_first(RunWriter.journal_together, entries)
        with suppress(TimeoutError):
            async with self._clock.link.timeout(INTENT_WITHIN_S):
                await asyncio.wait({written})
        troubles = written.result() if written.done() else [None] * len(runs)
        for run, trouble in zip(runs, troubles, strict=True):
            if not written.done():
                run.event(
                    "stop.intent.late", text="the disk is slow: the stop left before its reason was kept"
                )
            if trouble is not None:
                run.note(Finding("store.failed", Priority.CRITICAL, str(trouble)))
            hooks.point("stop.intent")

    async def confirm_stops(self, sent: Sequence[SentStop]) -> None:
        """Read back together what was sent together; ``confirm_stop`` of each then has little left to do."""
        accepted = [stop for stop in sent if stop.problem is None]
        if len(accepted) < 2 or not isinstance(self._cycler, StopsTogether):
            return
        try:
            answers = await self._cycler.confirm_stop([stop.run.place for stop in accepted])
        except InstrumentError:
            return  # each is read back by itself
        for stop, problem in zip(accepted, answers, strict=True):
            stop.problem, stop.stands = problem, problem is None

    async def confirm_stop(self, stop: SentStop) -> bool:
        """Read back that a run is stopped, and send again what was not taken; True when it is confirmed."""
        run = stop.run
        try:
            if run.writer.manifest.get("state") != run.life.manifest_state:
                await run.manifest(state=run.life.manifest_state)
        except StoreError as error:
            run.note(Finding("store.failed", Priority.CRITICAL, str(error)))
        if stop.problem is None and not stop.stands and isinstance(self._cycler, StopsTogether):
            try:
                (stop.problem,) = await self._cycler.confirm_stop([run.place])
            except InstrumentError as error:
                stop.problem = error
        confirmed = await self._stopped(run, stop.problem)
        decision = run.decision
        if (
            confirmed
            and decision is not None
            and decision.outcome is Outcome.TRIPPED
            and await self.state(run) is ChannelState.PROTECTED
        ):
            # the device saw the same rows and was faster: that is its end, and every row counts
            run.decision = EndDecision(
                Outcome.PROTECT, f"the device's own protection ended it: {decision.reason}", None
            )
        await self._confirm(run, confirmed)
        return confirmed

    async def _stopped(self, run: Run, problem: InstrumentError | None) -> bool:
        """Send a stop again until it is confirmed; ``problem`` is what became of the first one.

        Lost answers do not count as tries: the link mends or the person leaves; after ``STOP_TRIES`` of them a person
        is told.
        """
        refused = lost = 0
        while problem is not None:
            if isinstance(problem, LinkError):
                lost += 1
                if lost == STOP_TRIES:
                    self._note_unconfirmed(run)
                await self._link.mend(problem)
            else:  # RefusedError: nothing runs there, which is read below
                refused += 1
                run.event("stop.unconfirmed", text=str(problem))
            progress = await self.progress(run)
            if progress.test_id != run.test_id or progress.complete:
                return True  # over by itself, or no longer ours to stop (I08)
            if await self.state(run) in OVER:
                return True
            if refused == STOP_TRIES:
                return False
            problem = await self._try_stop(run.place)
            hooks.point("stop.sent")
        return True

    async def _try_stop(self, place: Place) -> InstrumentError | None:
        """Stop one channel and read back; return what went wrong."""
        try:
            await self._cycler.stop(place)
        except InstrumentError as error:
            return error
        return None

    @staticmethod
    def _note_unconfirmed(run: Run) -> None:
        text = f"the stop of {run.program.channel} is not confirmed"
        what = "Stop the channel at the tester or in BTS Client now, or disconnect the cell."
        run.note(Finding("stop.unconfirmed", Priority.CRITICAL, text, None, what))

    async def _confirm(self, run: Run, confirmed: bool) -> None:
        if confirmed:
            try:
                final = run.decision
                await run.journal(
                    "stop.confirmed",
                    test_id=run.test_id,
                    outcome=None if final is None else final.outcome.value,
                    reason="" if final is None else final.reason,
                    end_sequence=None if final is None else final.sequence,
                )
            except StoreError as error:
                run.note(Finding("store.failed", Priority.CRITICAL, str(error)))
            hooks.point("stop.confirmed")
            await self._to_quietly(run, Phase.DRAINING, "stopped")
            return
        self._note_unconfirmed(run)
        await self._to_quietly(run, Phase.HELD, "stop not confirmed")

    @staticmethod
    async def _to_quietly(run: Run, phase: Phase, why: str) -> None:
        """Change the phase even where the disk refuses to note it in the manifest."""
        try:
            await run.to(phase, why)
        except StoreError as error:
            run.note(Finding("store.failed", Priority.CRITICAL, str(error)))


def _outcome(run: Run) -> Outcome:
    """Return how a run ends whose segment could not be started: never begun, or held half-way."""
    return Outcome.FAILED if run.position.sequence == 0 else Outcome.HELD


def stop_fields(run: Run) -> dict[str, Any]:
    """Return what the journal says of a run that is to end."""
    decision = run.decision
    return {
        "utc": run.utc(),
        "outcome": None if decision is None else decision.outcome.value,
        "reason": "" if decision is None else decision.reason,
        "end_sequence": None if decision is None else decision.sequence,
        "test_id": run.test_id,
    }


def _used_meanwhile(run: Run, test_id: TestId) -> str:
    """Say that a channel is no longer as it was when it was found fit for the start."""
    return f"channel {run.program.channel} was used meanwhile: it holds test {test_id}, before it was {run.test_before}"


def check_program(program: Program) -> None:
    """Refuse a program without a segment. Raises: UserInputError."""
    if not program.flow:
        raise UserInputError(f"The program of {program.protocol_name!r} has no steps.")
