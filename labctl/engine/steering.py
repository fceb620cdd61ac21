"""What a person asks of a running device: pause, pause at the step's end, go on, skip a step.

Each is done between two polls, journalled before it leaves, and believed only after the read-back. Where the device
cannot confirm, or what it would do is not known, the wish is refused with the reason: nothing is guessed.
"""

from __future__ import annotations

from labctl.engine.instrument import InstrumentTask
from labctl.engine.machines.life import Phase
from labctl.engine.machines.order import next_step, plain_next
from labctl.engine.run import Run
from labctl.errors import UnknownStateError, UserInputError
from labctl.interfaces.cycler import ChannelState, LiveReading
from labctl.model.bench import HeldHow, LinkState

ENDED = "ended"


def left_alone(run: Run, *, held: bool) -> str:
    """Return why a reopened run is not followed: it has ended, or it was held and nobody has looked."""
    if run.phase is Phase.ENDED:
        return ENDED
    if run.pending is not None and run.pending.held and not held:
        return run.pending.held
    return ""


def _need_live(task: InstrumentTask, run: Run, *phases: Phase) -> None:
    """Refuse a wish that the run cannot take now. Raises: UserInputError."""
    if task.outages.state is not LinkState.LIVE:
        raise UserInputError(f"{task.instrument.name} does not answer now; try again when the link is back.")
    if run.decision is not None or run.over:
        raise UserInputError(f"Run {run.run_id} is about to end: {_why(run)}.")
    if run.phase not in phases:
        wanted = " or ".join(phase.value for phase in phases)
        raise UserInputError(f"Run {run.run_id} is {run.phase.value}, not {wanted}.")


def _why(run: Run) -> str:
    return run.decision.reason if run.decision is not None else run.leaving or "it has ended"


async def pause(task: InstrumentTask, run: Run, by: str) -> None:
    """Pause the device now: off, the step and its charge kept."""

    async def act() -> None:
        _need_live(task, run, Phase.RUNNING)
        await run.journal("pause.intent", test_id=run.test_id, by=by)
        run.pause.wanted = True
        run.pause.ask(HeldHow.PERSON, by, run.utc())
        try:
            await task.instrument.cycler.pause(run.place)
        except UnknownStateError as error:
            run.event("pause.unconfirmed", text=str(error))
            raise
        run.pause.seen(run.utc())
        run.pause.rows = run.seen_count = (await task.commands.progress(run)).count
        run.told_state = ChannelState.PAUSED
        await run.to(Phase.PAUSED, "by a person")
        await run.commit()
        run.listener.progress(run.progress())

    await task.ask(act)


async def pause_at_step_end(task: InstrumentTask, run: Run, by: str) -> None:
    """Let the present step end, then pause: in the device, or between two segments where it is the last one."""

    async def act() -> None:
        _need_live(task, run, Phase.RUNNING)
        live = await _live(task, run)
        segment = run.walker.segment
        if segment is None or live.device_step is None:
            raise UserInputError(f"Run {run.run_id} has no step now.")
        following = next_step(segment, live.device_step, live.device_cycle)
        await run.journal("pause.at_step_end", test_id=run.test_id, device_step=following, by=by)
        if following is None:
            run.wait_for_person = True
            run.event("pause.reserved", text="the run pauses when this segment is over")
        else:
            await task.instrument.cycler.pause_at(run.place, following)
            run.pause.wanted = True
            run.event("pause.reserved", text=f"the device pauses before its step {following}")
        run.pause.ask(HeldHow.STEP_END, by, run.utc())
        await run.commit()
        run.listener.progress(run.progress())

    await task.ask(act)


async def resume(task: InstrumentTask, run: Run) -> None:
    """Go on after a pause, of the device or between two segments. Energises: asked of the gate first (I20)."""

    async def act() -> None:
        if problem := task.commands.gate.refusal(task.instrument.name):
            raise UserInputError(problem)
        if run.wait_for_person and run.phase is not Phase.PAUSED:
            await _resume_boundary(task, run)
            return
        _need_live(task, run, Phase.PAUSED)
        await run.journal("resume.intent", test_id=run.test_id)
        with task.commands.energising(run):
            await task.instrument.cycler.resume(run.place)
        run.told_state = None
        run.pause.released()
        await run.to(Phase.RUNNING, "by a person")
        await run.commit()
        run.listener.progress(run.progress())

    await task.ask(act)


async def _resume_boundary(task: InstrumentTask, run: Run) -> None:
    await run.journal("pause.released", test_id=run.test_id)
    run.wait_for_person = False
    run.waiting_for = ""
    run.pause.released()
    if run.at_boundary:
        await task.acts.guarded(run, task.acts.next_segment(run), "its start could not be journalled")
    run.listener.progress(run.progress())


async def skip_step(task: InstrumentTask, run: Run) -> None:
    """Go on with the next step. Refused where that is no plain step: what a jump over a loop does is not known."""

    async def act() -> None:
        if problem := task.commands.gate.refusal(task.instrument.name):
            raise UserInputError(problem)
        _need_live(task, run, Phase.RUNNING)
        live = await _live(task, run)
        segment = run.walker.segment
        if segment is None or live.device_step is None:
            raise UserInputError(f"Run {run.run_id} has no step now.")
        target = plain_next(segment, live.device_step)
        if target is None:
            raise UserInputError(
                f"Step {live.device_step} of the device is the last of its loop or of its program; what the "
                "device does after a jump there is not known, so nothing was sent. Let the step end, or stop the run."
            )
        await run.journal("skip.intent", test_id=run.test_id, of=live.device_step, to=target)
        run.skipping(live.device_step, target)
        with task.commands.energising(run):
            await task.instrument.cycler.skip_to(run.place, target)
        run.event("step.skipped", text=f"from device step {live.device_step} to {target}, by a person")
        await run.commit()

    await task.ask(act)


async def _live(task: InstrumentTask, run: Run) -> LiveReading:
    cycler = task.instrument.cycler
    return (await task.link.read(lambda: cycler.live([run.place])))[0]
