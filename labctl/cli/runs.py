"""``labctl runs``: list, show, follow, plot and export runs, and every act on one.

What is read comes from the run folders, station or not, and through the API from a station elsewhere; acts go through
the station that serves the data root.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import add_acting, add_by, is_elsewhere, is_served, station_client
from labctl.cli.context import refresh_runs, root_of, run_named
from labctl.cli.output import emit_json, print_table, say
from labctl.cli.progress import duration
from labctl.cli.runacts import ACT_HELP, ACTS, act, add_act_arguments, list_runs, resume, run_at, stop
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader

HELP = "List, show, follow, stop, pause, resume, change, plot and export runs."

PLOT_KINDS = ("profile", "curves", "cycles", "polarisation", "dqdv")
PLOT_FORMATS = ("pdf", "svg", "png")
RUN_STATES = ("prepared", "starting", "running", "stopping", "ended")
RUN_HELP = "a run id, a part of it that fits one run, or 'last'"
EXPORT_FORMATS = ("bdf-csv", "bdf-parquet", "neware-csv", "csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "list the runs of the data root"),
            ("show", "show one run: cell, program, segments, cycles, events"),
            ("follow", "watch a run until it has ended; Ctrl-C leaves it alone"),
            ("stop", "stop a run's test on the instrument"),
            ("resume", "go on after a pause, or with runs that were left (default: all that are not over)"),
            *ACT_HELP,
            ("plot", "draw a run as a figure for paper"),
            ("export", "write a run's records in an open or vendor-like format"),
        ),
    )
    verbs["list"].add_argument("--state", choices=RUN_STATES, help="only runs in this state")
    verbs["list"].add_argument("--cell", help="only runs of this cell")
    for name in ("show", "follow", "stop"):
        verbs[name].add_argument("run_id", metavar="RUN", help=RUN_HELP)
    verbs["stop"].add_argument("--reason", default="stopped by command", help="goes into the journal")
    add_by(verbs["stop"])
    verbs["resume"].add_argument("run_ids", nargs="*", metavar="RUN")
    verbs["resume"].add_argument(
        "--alone",
        action="store_true",
        help="drive them in this process and follow to the end, without a station",
    )
    add_acting(verbs["resume"])
    add_act_arguments(verbs, RUN_HELP)
    plot = verbs["plot"]
    plot.add_argument("run_ids", nargs="+", metavar="RUN", help=f"one or more: {RUN_HELP}")
    plot.add_argument("--kind", choices=PLOT_KINDS, default="profile")
    plot.add_argument("--format", choices=PLOT_FORMATS, default="pdf")
    plot.add_argument(
        "--width", type=int, choices=(85, 170), default=170, help="mm: one or two columns of a page"
    )
    plot.add_argument("--out", metavar="FILE", help="where to write it (default: RUN-KIND.FORMAT here)")
    export = verbs["export"]
    export.add_argument("run_id", metavar="RUN", help=RUN_HELP)
    export.add_argument("--format", choices=EXPORT_FORMATS, default="bdf-csv")
    export.add_argument(
        "--profile", choices=("0.1", "1.3"), default="1.3", help="labels of the Battery Data Format"
    )
    export.add_argument(
        "--out", metavar="FILE", help="where to write it (default: a name made of the run, here)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    if args.what in ACTS:
        return act(args)
    if args.what == "list" and is_served(args):
        return list_runs(args)
    if args.what == "list":
        return _list(root_of(args), args)
    reads = {"show": _show, "plot": _plot, "export": _export}
    if args.what in reads:
        return reads[args.what](args)
    return _control(args)


def _control(args: argparse.Namespace) -> int:
    """Follow, stop or resume: through the station where one serves, else by this process."""
    from labctl.cli import runcontrol

    if args.what == "follow":
        from labctl.cli import download

        return download.follow(args) if is_served(args) else runcontrol.follow(args)
    if args.what == "stop":
        return stop(args) if is_served(args) else runcontrol.stop(args)
    return runcontrol.resume(args) if args.alone else resume(args)


def _list(root: DataRoot, args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from labctl.store.catalogue import Catalogue

    with Catalogue(root) as catalogue:
        problems = refresh_runs(root, catalogue)
        entries = catalogue.runs.list(state=args.state, cell_id=args.cell)
    for text in problems:
        say(f"left out: {text}", stderr=True)
    if args.json:
        emit_json([asdict(entry) for entry in entries])
        return EXIT_FAILED if problems else EXIT_OK
    rows = [
        (
            entry.run_id,
            entry.cell_id,
            entry.channel,
            entry.protocol,
            entry.state,
            entry.outcome,
            entry.started_utc[:16],
        )
        for entry in entries
    ]
    print_table("", ("run", "cell", "channel", "protocol", "state", "outcome", "started (UTC)"), rows)
    return EXIT_FAILED if problems else EXIT_OK


class _Shown(NamedTuple):
    """What is told of one run."""

    manifest: dict[str, Any]
    folder: str
    rows: int
    cycles: dict[str, list[Any]]
    events: list[dict[str, Any]]


def _shown(args: argparse.Namespace) -> _Shown:
    """Return what there is of a run: from its folder, or from the station elsewhere that has it."""
    if is_elsewhere(args):
        with station_client(args) as station:
            run_id = run_at(station, args.run_id)
            detail, table = station.runs.get(run_id), station.runs.cycles(run_id)
            cycles = {str(name): table[name].tolist() for name in table.columns}
            events = list(station.runs.events(run_id))
        return _Shown(detail.manifest, detail.folder, detail.summary.rows, cycles, events)
    from labctl.store.runreader import RunReader

    root = root_of(args)
    reader = RunReader(root.run_folder(run_named(root, args.run_id)))
    cycles = {name: column.tolist() for name, column in reader.cycles().items()}
    return _Shown(reader.manifest, str(reader.folder), reader.last_sequence, cycles, reader.events())


def _show(args: argparse.Namespace) -> int:
    from labctl.model.program import program_from_json
    from labctl.protocol.sentences import sentences

    shown = _shown(args)
    manifest = shown.manifest
    if args.json:
        emit_json({**manifest, "folder": shown.folder, "rows": shown.rows, "cycles": shown.cycles,
                   "events": shown.events})  # fmt: skip
        return EXIT_OK
    import json

    program = program_from_json(json.dumps(manifest["program"]))
    ending = f"{manifest.get('outcome') or ''}  {manifest.get('reason') or ''}".rstrip()
    say(f"{manifest['run_id']}  {manifest['state']}  {ending}")
    say(f"cell       {program.cell.cell_id} ({program.cell.name}, {program.cell.kind}) on {program.channel}")
    say(f"protocol   {program.protocol_name}  ({program.protocol_hash[:12]})")
    say(f"rows       {shown.rows:,} in {shown.folder}")
    say("")
    for line in sentences(program):
        say(f"    {line}")
    _show_cycles(shown.cycles)
    for event in shown.events[-20:]:
        say(f"event      {_event_text(event)}")
    return EXIT_OK


def _show_cycles(cycles: dict[str, list[Any]]) -> None:
    """Print the first and last cycles of the summary."""
    names = [name for name in cycles if name != "quality"][:10]
    count = len(cycles[names[0]]) if names else 0
    chosen = [*range(min(count, 3)), *range(max(3, count - 5), count)]
    rows = [[f"{cycles[name][index]:.5g}" for name in names] for index in chosen]
    if rows:
        print_table("first and last cycles", names, rows, right=tuple(range(len(names))))


def _event_text(event: dict[str, Any]) -> str:
    rest = ", ".join(
        f"{key}={value}" for key, value in event.items() if key not in ("kind", "number", "check")
    )
    return f"{event.get('kind', '')}  {rest}"


def _plot(args: argparse.Namespace) -> int:
    from labctl.cli.download import readers
    from labctl.cli.plot import plot_runs

    with readers(args, args.run_ids) as found:
        run_ids = [reader.folder.name for reader in found]
        target = Path(args.out or f"{'+'.join(run_ids[:3])}-{args.kind}.{args.format}")
        _refuse_folder(target)
        written = plot_runs(found, args.kind, target, width_mm=args.width, fmt=args.format)
    if args.json:
        emit_json({"figure": str(written), "runs": run_ids, "kind": args.kind})
    else:
        say(f"{written} written.")
    return EXIT_OK


def _export(args: argparse.Namespace) -> int:
    from labctl.cli.download import readers
    from labctl.store.export import export_run

    suffix = {
        "bdf-csv": ".bdf.csv",
        "bdf-parquet": ".bdf.parquet",
        "neware-csv": "-neware.csv",
        "csv": ".csv",
    }
    with readers(args, [args.run_id]) as found:
        reader = found[0]
        target = Path(args.out or f"{reader.folder.name}{suffix[args.format]}")
        _refuse_folder(target)
        written = export_run(reader, args.format, target, bdf_profile=args.profile)
        test_time_s = _test_time_s(reader)
    if args.json:
        emit_json({"file": str(written), "run": reader.folder.name, "format": args.format})
    else:
        say(f"{written} written ({duration(test_time_s)} of test time).")
    return EXIT_OK


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise UserInputError(f"{target} is a folder; name a file with --out.")


def _test_time_s(reader: RunReader) -> float:
    last = reader.last_sequence
    if last == 0:
        return 0.0
    return float(reader.records(["test_time_second"], first=last)["test_time_second"][-1])
