"""What other rooms use of the engine."""

from __future__ import annotations

from labctl.engine.jobs import Job, Observer, Progress, RunResult, StopSignal
from labctl.engine.machines.findings import Finding, Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.shell import resume_runs, run_jobs, stop_run
from labctl.engine.station import Chamber, Instrument, Station, open_station

__all__ = [
    "Chamber",
    "Finding",
    "Instrument",
    "Job",
    "Observer",
    "Outcome",
    "Phase",
    "Priority",
    "Progress",
    "RunResult",
    "Station",
    "StopSignal",
    "open_station",
    "resume_runs",
    "run_jobs",
    "stop_run",
]
