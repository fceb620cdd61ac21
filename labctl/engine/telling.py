"""How a run stands, for those who look at it and for those who asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.stepping import step_now

if TYPE_CHECKING:
    from labctl.engine.run import Run


def progress_of(run: Run, plant_s: float) -> Progress:
    """Return how a run stands at a plant moment."""
    step = run.machines.step
    expected_s = run.program.estimate.duration_expected_s
    test_time_s = run.position.test_time_s
    return Progress(
        run_id=run.run_id,
        index=run.index,
        channel=run.program.channel,
        cell=run.label,
        protocol=run.program.protocol_name,
        phase=run.phase,
        cycle=run.position.cycle_count,
        cycles=run.program.estimate.cycles,
        voltage_V=run.machines.last_V,
        current_A=run.machines.last_A,
        sentence=run.waiting_for or ("" if step is None else step.sentence),
        rows=run.position.sequence,
        test_time_s=test_time_s,
        eta_s=max(expected_s - test_time_s, 0.0) if run.phase is not Phase.ENDED else 0.0,
        plant_s=plant_s,
        note=run.findings[-1].text if run.findings else "",
        step=step_now(run, plant_s),
        hold=run.pause.holding(run.phase),
    )


def result_of(run: Run) -> RunResult:
    """Return how a run stands at the end of this process's work."""
    ended = run.phase is Phase.ENDED
    manifest = run.writer.manifest
    outcome = manifest.get("outcome")
    return RunResult(
        run_id=run.run_id,
        index=run.index,
        channel=run.program.channel,
        cell=run.label,
        state=run.life.manifest_state,
        outcome=Outcome(outcome) if ended and outcome else None,
        reason=str(manifest.get("reason", "")) if ended else run.leaving or "detached",
        end_sequence=manifest.get("end_sequence"),
        rows=run.position.sequence,
        test_time_s=run.position.test_time_s,
        findings=tuple(run.findings),
    )
