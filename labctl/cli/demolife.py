"""The first half of ``labctl demo eis``: two cells on a cycler, one PARSTAT for both, five ages, one queue."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from labctl.cli.demoparts import bench_folder, demo_station, register
from labctl.cli.output import say

if TYPE_CHECKING:
    from labctl.analysis.eis.truth import Judged
    from labctl.cli.demotruth import BenchTruth
    from labctl.clock import Clock
    from labctl.config.station import StationFile
    from labctl.engine.jobs import Job, RunResult
    from labctl.model.cell import Cell
    from labctl.model.spectrum import Spectrum
    from labctl.store.root import DataRoot

BENCH, PROTOCOL, POTENTIOSTAT = "eis", "p6-life-li-li", "parstat"
PLACES = {"C0001": "neware:1-1", "C0002": "neware:1-2"}


@dataclass(frozen=True, slots=True)
class Life:
    """What came of it; ``bench`` is None where the demo was interrupted."""

    results: list[RunResult]
    bench: BenchTruth | None


def live(args: argparse.Namespace, root: DataRoot) -> Life:
    """Start the bench, run both cells through the protocol, ask the bench for the truth, end it."""
    from labctl.cli.demobench import demo_bench
    from labctl.cli.following import detach_on_interrupt
    from labctl.clock import run_with_clock
    from labctl.config.station import load_station

    words = [
        "--mode",
        "lockstep",
        "--bench",
        BENCH,
        "--seed",
        str(args.seed),
        "--speed",
        args.speed,
        "--port",
        "0",
    ]
    if args.keep:
        words += ["--state", str(bench_folder(root.path))]
    with demo_bench(words) as bench:
        station = demo_station(load_station(bench.station_file))
        cells = register(root, bench.cells_file)
        if not args.json:
            say(
                f"virtual bench ready, seed {args.seed}: {', '.join(PLACES)} share {POTENTIOSTAT}; "
                f"data go to {root.path}"
            )
        jobs = [_job(cells[cell_id], place, station) for cell_id, place in PLACES.items()]
        living = _Living(jobs, station, root, quiet=args.json)
        with living.board, detach_on_interrupt(living.stop):
            return run_with_clock(station.clock.spec(), living.serve)


def _job(cell: Cell, place: str, station: StationFile) -> Job:
    from labctl.cli.binding import bind_offline
    from labctl.engine.jobs import Job
    from labctl.model.ids import ChannelId
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol

    protocol = load_protocol(find_protocol(PROTOCOL))
    program = bind_offline(station, protocol, cell, ChannelId(place))
    return Job(program, cell, protocol_text=protocol.text, operator="labctl demo")


class _Living:
    """Follows the jobs to their end, then asks the bench."""

    def __init__(self, jobs: list[Job], station: StationFile, root: DataRoot, *, quiet: bool) -> None:
        from labctl.cli.progress import RunBoard
        from labctl.engine.jobs import StopSignal

        self._jobs, self._station, self._root = jobs, station, root
        self.board = RunBoard(quiet=quiet, data=root.path)
        self.stop = StopSignal()

    async def serve(self, clock: Clock) -> Life:
        from labctl.adminlink import AdminLink
        from labctl.cli.demotruth import look
        from labctl.engine.api import open_station, run_jobs

        async with open_station(self._station, clock, wire_root=self._root) as station:
            results = await run_jobs(
                station, self._root, self._jobs, observer=self.board.show, stop=self.stop
            )
        if self.stop.detached:
            return Life(results, None)
        admin = AdminLink()
        await admin.open(str(self._station.clock.admin))
        try:
            return Life(results, await look(admin, [POTENTIOSTAT]))
        finally:
            await admin.close()


def judged(root: DataRoot, result: RunResult, bench: BenchTruth) -> list[Judged]:
    """Read a run's spectra back from the disk, fit them by age, and compare each with the truth."""
    from labctl.analysis.eis.history import analyse_all
    from labctl.analysis.eis.truth import judge, truth_for

    spectra = aged_spectra(root, result)
    truths = bench.truths[POTENTIOSTAT]
    return [
        judge(one, truth_for(one.spectrum, truths, bench.epoch_unix_s), fresh=one.head.cycle == 0)
        for one in analyse_all(spectra)
    ]


def aged_spectra(root: DataRoot, result: RunResult) -> list[Spectrum]:
    """Return a run's spectra in their order, each named by its id; ``head.cycle`` is the cell's age."""
    from labctl.store.runspectra import spectra_of
    from labctl.store.spectra import read_stored

    aged = []
    for spectrum_id, path in spectra_of(root.disk, root.run_folder(result.run_id), result.run_id):
        spectrum = read_stored(root.disk, path, spectrum_id).spectrum
        aged.append(replace(spectrum, head=replace(spectrum.head, name=spectrum_id)))
    return aged
