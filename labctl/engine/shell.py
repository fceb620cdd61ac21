"""The engine's front door for one call: run jobs, resume runs, stop a run. Thin: it makes runs, hands them to a crew
and waits. The station uses ``supervisor.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from labctl.engine.crew import Crew
from labctl.engine.gate import Gate
from labctl.engine.jobs import Job, Observer, RunResult, StopSignal
from labctl.engine.leases import Leases
from labctl.engine.listening import EngineListener, ProgressOnly
from labctl.engine.making import check_channels, check_jobs, prepare
from labctl.engine.resume import reopened
from labctl.engine.run import Run
from labctl.engine.spectra import AsksForSpectra
from labctl.engine.station import Station
from labctl.engine.stoprequest import request_stop
from labctl.errors import UserInputError
from labctl.interfaces.cycler import OVER
from labctl.model.ids import RunId
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader


def ignore_progress(progress: object) -> None:
    """Observe nothing."""


def _crew(
    station: Station,
    root: DataRoot,
    listener: EngineListener,
    stop: StopSignal | None,
    asks: Callable[[AsksForSpectra], None] | None,
) -> tuple[Crew, Leases]:
    """Return who serves the runs of one call, and the leases of the potentiostats that it opens."""
    gate = Gate()
    crew, leases = Crew(station, root, listener, stop or StopSignal(), gate), Leases(gate, "labctl run", None)
    crew.claim = leases.claim
    if asks is not None:
        asks(AsksForSpectra(station, crew.potentiostats))
    return crew, leases


async def run_jobs(
    station: Station,
    root: DataRoot,
    jobs: Sequence[Job],
    *,
    observer: Observer = ignore_progress,
    stop: StopSignal | None = None,
    listener: EngineListener | None = None,
    asks: Callable[[AsksForSpectra], None] | None = None,
) -> list[RunResult]:
    """Run every job to its end, concurrently, starts in job order; returns results in the same order.

    Returns early when ``stop.detach()`` is called: device-driven cells go on, their runs stay ``running``.
    ``listener`` hears everything, instead of the observer; ``asks`` is given what answers for cells on their way to a
    potentiostat. The data root must be locked by the caller. Raises: UserInputError for jobs that cannot be together or
    whose channel is not free, StoreError where a run folder cannot be made; nothing has been energised then.
    """
    check_jobs(station, jobs)
    await check_channels(station, jobs)
    crew, leases = _crew(station, root, listener or ProgressOnly(observer), stop, asks)
    runs: list[Run] = []
    try:
        for index, job in enumerate(jobs):
            runs.append(await prepare(station, root, index, job, crew.worker, crew.listener))
        for run in runs:
            crew.admit(run)
        await crew.serve()
        return [run.result() for run in runs]
    finally:
        await crew.close(runs)
        leases.close()


async def resume_runs(
    station: Station,
    root: DataRoot,
    run_ids: Iterable[RunId | str],
    *,
    observer: Observer = ignore_progress,
    stop: StopSignal | None = None,
    listener: EngineListener | None = None,
    asks: Callable[[AsksForSpectra], None] | None = None,
) -> list[RunResult]:
    """Go on with runs that an earlier process left, from what their journals, their rows and the cycler say.

    Runs that have ended are reported as they are; ``listener`` and ``asks`` as in ``run_jobs``.
    Raises: StoreError, UserInputError.
    """
    crew, leases = _crew(station, root, listener or ProgressOnly(observer), stop, asks)
    runs: list[Run] = []
    try:
        for index, run_id in enumerate(run_ids):
            runs.append(await crew.worker.call(reopened, station, root, index, RunId(run_id), crew.worker))
        for run in runs:
            run.listener = crew.listener
            crew.admit(run, taken_up=True)
        await crew.serve()
        return [run.result() for run in runs]
    finally:
        await crew.close(runs)
        leases.close()


async def stop_run(station: Station, root: DataRoot, run_id: RunId | str, *, reason: str) -> bool:
    """Stop a run's device test and confirm; True when the channel is over.

    Works whether or not another process follows the run: a note in the run folder tells that one, or a later
    ``resume_runs``, that a person wanted it. Needs no lock and writes no journal. Raises: InstrumentError,
    UserInputError where the run has no test on its channel.
    """
    folder = root.run_folder(run_id)
    manifest = RunReader(folder, disk=root.disk).manifest
    if manifest.get("state") == "ended":
        raise UserInputError(f"Run {run_id} has ended already ({manifest.get('outcome')}).")
    request_stop(folder, reason, station.clock.plant.utc().isoformat())
    instrument, place = station.locate(manifest["channel"])
    segments = manifest.get("segments") or []
    progress = (await instrument.cycler.progress([place]))[0]
    if not segments or progress.test_id != segments[-1]["test_id"]:
        raise UserInputError(
            f"Channel {manifest['channel']} does not hold the test of run {run_id}, so nothing was stopped there; the "
            "run itself ends when it is next followed or resumed."
        )
    if not progress.complete:
        await instrument.cycler.stop(place)
    return (await instrument.cycler.live([place]))[0].state in OVER
