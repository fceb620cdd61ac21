"""``labctl run``: one protocol on one cell in one channel, from the review to the last row."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_OK
from labctl.cli.context import root_of, station_of
from labctl.cli.output import emit_json, say
from labctl.cli.protocols import add_variables, variables_of
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.engine.jobs import RunResult
    from labctl.model.program import Program

HELP = "Run a protocol on a cell in a channel and follow it. Ctrl-C detaches; the cycler goes on by itself."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("protocol", metavar="PROTOCOL", help="a file, or the name of a ready-made one")
    parser.add_argument("--cell", metavar="ID", required=True, help="a registered cell")
    parser.add_argument("--channel", metavar="CHANNEL", required=True, help="for example neware:1-3")
    parser.add_argument("--operator", default="", metavar="NAME", help="who starts it; goes into the journal")
    parser.add_argument(
        "--override", action="append", default=[], metavar="CHECK=REASON",
        help="pass over a start check (for example ocv) with a reason; goes into the journal",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="show the review and stop before anything is sent"
    )
    add_variables(parser)


def run(args: argparse.Namespace) -> int:
    """Review, run, tell."""
    from labctl.cli.binding import bind_offline
    from labctl.cli.following import detach_on_interrupt, note_runs, tell_results, told_how_to_go_on
    from labctl.cli.progress import RunBoard
    from labctl.clock import run_with_clock
    from labctl.engine.api import Job, StopSignal, open_station, run_jobs
    from labctl.model.ids import ChannelId
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol
    from labctl.store.catalogue import Catalogue

    station = station_of(args)
    protocol = load_protocol(find_protocol(args.protocol))
    overrides = _overrides(args)
    with root_of(args, station).lock("labctl run") as root:
        with Catalogue(root) as catalogue:
            cell = catalogue.cells.get(args.cell)
        program = bind_offline(station, protocol, cell, ChannelId(args.channel), variables_of(args))
        if args.dry_run:
            return _dry_run(program, args)
        _review(program, quiet=args.json)
        stop = StopSignal()
        board = RunBoard(quiet=args.json)

        async def main(clock: Clock) -> list[RunResult]:
            async with open_station(station, clock, wire_root=root) as opened:
                job = Job(program, cell, protocol.text, args.operator, overrides)
                return await run_jobs(opened, root, [job], observer=board.show, stop=stop)

        with told_how_to_go_on(board), board, detach_on_interrupt(stop):
            results = run_with_clock(station.clock.spec(), main)
        note_runs(root, results)
        return tell_results(root, results, args, detached=stop.detached)


def _dry_run(program: Program, args: argparse.Namespace) -> int:
    """Show the review alone; nothing is sent and nothing is stored."""
    from dataclasses import asdict

    from labctl.protocol.sentences import sentences

    if args.json:
        emit_json({"protocol": program.protocol_name, "cell": program.cell.cell_id, "channel": program.channel,
                   "sentences": sentences(program), "warnings": list(program.warnings),
                   "estimate": asdict(program.estimate)})  # fmt: skip
    else:
        _review(program, quiet=False)
        say("Dry run: nothing was sent.")
    return EXIT_OK


def _overrides(args: argparse.Namespace) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in args.override:
        check, equals, reason = word.partition("=")
        if not equals or not reason.strip():
            raise UserInputError(f"--override {word} needs a reason: CHECK=REASON.")
        found[check.strip()] = reason.strip()
    return found


def _review(program: Program, *, quiet: bool) -> None:
    """Show what is about to be done, in sentences and absolute numbers."""
    from labctl.cli.progress import duration
    from labctl.protocol.sentences import sentences

    if quiet:
        for text in program.warnings:
            say(f"warning: {text}", stderr=True)
        return
    say(f"{program.protocol_name} on {program.cell.cell_id} ({program.cell.name}) in {program.channel}")
    for line in sentences(program):
        say(f"    {line}")
    for text in program.warnings:
        say(f"warning: {text}")
    need = program.estimate
    say(f"about {duration(need.duration_expected_s)}, {need.cycles} cycles, {need.rows:,} rows")
