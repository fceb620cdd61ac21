"""``labctl run --alone``: a run that belongs to this process, without a station: for tests, CI and rehearsals."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.context import root_of, station_of
from labctl.cli.protocols import variables_of
from labctl.cli.runreview import overrides_of, review

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.engine.jobs import RunResult


def run_alone(args: argparse.Namespace) -> int:
    """Review, run, tell."""
    from labctl.cli.binding import bind_offline
    from labctl.cli.following import detach_on_interrupt, note_runs, tell_results, told_how_to_go_on
    from labctl.cli.leadsperson import LeadsPerson, beside
    from labctl.cli.progress import RunBoard
    from labctl.clock import run_with_clock
    from labctl.engine.api import Job, StopSignal, open_station, run_jobs
    from labctl.model.ids import ChannelId
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol
    from labctl.store.catalogue import Catalogue

    station = station_of(args)
    protocol = load_protocol(find_protocol(args.protocol))
    overrides = overrides_of(args)
    with root_of(args, station).lock("labctl run --alone") as root:
        with Catalogue(root) as catalogue:
            cell = catalogue.cells.get(args.cell)
        program = bind_offline(station, protocol, cell, ChannelId(args.channel), variables_of(args))
        review(program, quiet=args.json)
        stop = StopSignal()
        board = RunBoard(quiet=args.json)

        async def main(clock: Clock) -> list[RunResult]:
            person = LeadsPerson(board.show, clock)
            async with open_station(station, clock, wire_root=root) as opened:
                job = Job(program, cell, protocol.text, args.operator, overrides)
                running = run_jobs(opened, root, [job], stop=stop, listener=person, asks=person.meet)
                return await beside(person.serve(), running)

        with told_how_to_go_on(board), board, detach_on_interrupt(stop):
            results = run_with_clock(station.clock.spec(), main)
        note_runs(root, results)
        return tell_results(root, results, args, detached=stop.detached)
