"""``labctl demo``: the reference study on a virtual bench, from protocol files to figures, against its
numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.demoparts import (
    DEFAULT_DATA,
    FIGURE_FORMATS,
    bench_folder,
    check_speed,
    demo_station,
    end_detached,
    register,
    tell_detached,
)
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.analysis.outcomes import StudyRun, Verdict
    from labctl.analysis.rundata import RunData
    from labctl.clock import Clock
    from labctl.config.station import StationFile
    from labctl.engine.jobs import Job, RunResult
    from labctl.model.cell import Cell
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader

HELP = "Run the reference study on a virtual bench over real TCP and compare what comes out with its numbers."

DEFAULT_RUNS = ("P1 pristine", "P1 coated")
EXIT_NOT_COMPUTED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "what", nargs="?", choices=("eis",),
        help="eis: spectra in the life of cells, against what the bench knows (default: the study's cycling)",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true", help="P1 to P5, pristine and coated: ten runs (default: P1)"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the virtual bench (default: 7)")
    parser.add_argument(
        "--speed", default="max", metavar="X", help="at most X plant seconds a second (default: max)"
    )
    parser.add_argument(
        "--bench", metavar="FILE", help="bench file instead of the built-in one; same cell ids and slots"
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the bench's own files (commands, step files) under the data root",
    )


@dataclass(frozen=True, slots=True)
class Demo:
    """What one call of the demo has produced."""

    study: tuple[StudyRun, ...]
    results: list[RunResult]
    detached: bool


def run(args: argparse.Namespace) -> int:
    """Run the demo. Exit code 0: all as stated; 1: something is not; 2: something could not be computed."""
    from labctl.cli.following import note_runs
    from labctl.store.root import DataRoot

    check_speed(args.speed)
    if args.what == "eis":
        from labctl.cli.demoeis import run as run_eis

        return run_eis(args)
    place = Path(args.data or DEFAULT_DATA)
    with DataRoot(place, create=True).lock("labctl demo") as root:
        demo = _perform(args, root)
        ended = end_detached(root, demo.results) if demo.detached else []
        note_runs(root, demo.results)
        if demo.detached:
            return tell_detached(args, root, ended)
        return _conclude(args, root, demo)


def _perform(args: argparse.Namespace, root: DataRoot) -> Demo:
    """Start the bench, run the study's jobs through the engine, end the bench."""
    from labctl.analysis.outcomesfile import find_outcomes, load_outcomes
    from labctl.cli.demobench import demo_bench
    from labctl.cli.following import detach_on_interrupt
    from labctl.clock import run_with_clock
    from labctl.config.station import load_station

    study = load_outcomes(find_outcomes())
    chosen = tuple(entry for entry in study if args.all or entry.run in DEFAULT_RUNS)
    words = ["--mode", "lockstep", "--bench", args.bench or "demo", "--seed", str(args.seed)]
    words += ["--speed", args.speed, "--port", "0"]
    if args.keep:
        words += ["--state", str(bench_folder(Path(root.path)))]
    with demo_bench(words) as bench:
        station = demo_station(load_station(bench.station_file))
        cells = register(root, bench.cells_file)
        if not args.json:
            say(f"virtual bench ready, seed {args.seed}; {len(chosen)} runs; data go to {root.path}")
        follower = _Follower(chosen, cells, station, root, quiet=args.json)
        with follower.board, detach_on_interrupt(follower.stop):
            results = run_with_clock(station.clock.spec(), follower.serve)
    return Demo(chosen, results, follower.stop.detached)


class _Follower:
    """Binds the chosen runs' protocols to their cells and follows the jobs to their end."""

    def __init__(
        self,
        study: Sequence[StudyRun],
        cells: dict[str, Cell],
        station: StationFile,
        root: DataRoot,
        *,
        quiet: bool,
    ) -> None:
        from labctl.cli.progress import RunBoard
        from labctl.engine.jobs import StopSignal

        self._station = station
        self._jobs = [_job(entry, cells, station) for entry in study]
        self._root = root
        self.board = RunBoard(quiet=quiet, data=root.path)
        self.stop = StopSignal()

    async def serve(self, clock: Clock) -> list[RunResult]:
        """Open the bench's instruments and run all jobs at once."""
        from labctl.engine.api import open_station, run_jobs

        async with open_station(self._station, clock, wire_root=self._root) as station:
            return await run_jobs(station, self._root, self._jobs, observer=self.board.show, stop=self.stop)


def _job(entry: StudyRun, cells: dict[str, Cell], station: StationFile) -> Job:
    """Bind a run's protocol to its cell and channel."""
    from labctl.cli.binding import bind_offline
    from labctl.engine.jobs import Job
    from labctl.model.ids import ChannelId
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol

    if entry.cell not in cells:
        raise UserInputError(
            f"{entry.run} wants cell {entry.cell} in {entry.channel}, but the bench has no such cell: "
            f"{', '.join(sorted(cells)) or 'none'}. Give the bench file's cells those ids and slots."
        )
    protocol = load_protocol(find_protocol(entry.protocol))
    program = bind_offline(station, protocol, cells[entry.cell], ChannelId(entry.channel))
    return Job(program, cells[entry.cell], protocol_text=protocol.text, operator="labctl demo")


def _reader(root: DataRoot, result: RunResult) -> RunReader:
    from labctl.store.runreader import RunReader

    return RunReader(root.run_folder(result.run_id))


def _conclude(args: argparse.Namespace, root: DataRoot, demo: Demo) -> int:
    """Compare the stored runs with the study, draw the figures, tell both."""
    from labctl.analysis.outcomes import judge
    from labctl.analysis.rundata import analyse

    readers = {
        entry.run: _reader(root, result) for entry, result in zip(demo.study, demo.results, strict=True)
    }
    runs = {name: analyse(reader) for name, reader in readers.items()}
    verdicts = judge(demo.study, runs)
    figures = _draw(demo.study, readers, runs, Path(root.path) / "figures")
    if args.json:
        emit_json([verdict.to_json() for verdict in verdicts])
    else:
        _tell(demo, verdicts, readers, runs, figures)
    for result in demo.results:
        if not result.ok:
            say(
                f"{result.channel} {result.cell}: {result.outcome or result.state}, {result.reason}",
                stderr=True,
            )
    return exit_code(verdicts)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 2 where something could not be computed, else 1 where something is not as stated, else 0."""
    if not verdicts or any(verdict.measured is None for verdict in verdicts):
        return EXIT_NOT_COMPUTED
    return EXIT_OK if all(verdict.ok for verdict in verdicts) else EXIT_FAILED


def _draw(
    study: Sequence[StudyRun], readers: dict[str, RunReader], runs: dict[str, RunData], folder: Path
) -> list[Path]:
    """Draw each study figure from its runs: profiles of lithium cells, capacity and efficiency of full
    cells.
    """
    from labctl.analysis.figurestyle import save
    from labctl.cli.plot import cycles_figure, profile_figure
    from labctl.model.cell import CellKind

    paths = []
    for name in dict.fromkeys(entry.figure for entry in study):
        members = [entry for entry in study if entry.figure == name]
        drawn = [entry.run for entry in members if len(runs[entry.run].cycles["cycle"])]
        if not drawn:
            continue
        data = [runs[run] for run in drawn]
        if data[0].facts.kind == CellKind.SYMMETRIC:
            figure = profile_figure([readers[run] for run in drawn], data)
            stem = f"{name}-profile"
        else:
            figure, stem = cycles_figure(data), f"{name}-cycles"
        paths += [save(figure, folder / f"{stem}.{form}") for form in FIGURE_FORMATS]
    return paths


def _tell(
    demo: Demo,
    verdicts: Sequence[Verdict],
    readers: dict[str, RunReader],
    runs: dict[str, RunData],
    figures: Sequence[Path],
) -> None:
    """Print the table and the files."""
    rows = [
        (
            verdict.run,
            verdict.quantity,
            f"{verdict.stated:g} {_unit(verdict.unit)}",
            "not computed" if verdict.measured is None else f"{verdict.measured:.4g} {_unit(verdict.unit)}",
            verdict.tolerance if isinstance(verdict.tolerance, str) else f"± {verdict.tolerance:g}",
            "yes" if verdict.ok else "NO",
        )
        for verdict in verdicts
    ]
    headers = ("run", "quantity", "stated", "measured", "tolerance", "within")
    print_table("The study's numbers", headers, rows, right=(2, 3, 4))
    for entry, result in zip(demo.study, demo.results, strict=True):
        ended = result.outcome.value if result.outcome else result.state
        length = f"{runs[entry.run].rows:,} rows, {result.test_time_s / 3600:.1f} h"
        say(f"{entry.run}: {ended}, {length} in {readers[entry.run].folder}")
        for verdict in verdicts:
            if verdict.run == entry.run and verdict.measured is None:
                say(f"    {verdict.quantity}: {verdict.how}")
    for path in figures:
        say(f"figure {path}")


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit
