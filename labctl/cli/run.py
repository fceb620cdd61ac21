"""``labctl run``: one protocol on one cell in one channel, from the review to the last row.

The run belongs to the station, which is started where none serves the data root; this process only watches.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import is_served, station_client, tell
from labctl.cli.context import root_of, station_of
from labctl.cli.output import say
from labctl.cli.protocols import add_variables, variables_of
from labctl.cli.runreview import dry_run, overrides_of
from labctl.errors import LinkClosed, ProgramError, UserInputError

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.engine.jobs import Progress
    from labctl.model.job import Job, JobId

HELP = (
    "Run a protocol on a cell in a channel and follow it. Ctrl-C detaches; the station and the cycler go on."
)

FINE = ("finished", "short", "dead", "protect", "stopped")
"""Outcomes with which a run ended as a protocol may end it."""
OVER = ("ended", "failed", "removed")
GONE = "The cycler goes on by itself; 'labctl runs resume' starts the station again, which fetches every row."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("protocol", metavar="PROTOCOL", help="a file, or the name of a ready-made one")
    parser.add_argument("--cell", metavar="ID", required=True, help="a registered cell")
    parser.add_argument("--channel", metavar="CHANNEL", required=True, help="for example neware:1-3")
    parser.add_argument(
        "--operator",
        "--by",
        dest="operator",
        default="",
        metavar="NAME",
        help="who starts it; goes into the journal",
    )
    parser.add_argument(
        "--override", action="append", default=[], metavar="CHECK=REASON",
        help="pass over a start check (for example ocv) with a reason; goes into the journal",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="show the review and stop before anything is sent"
    )
    parser.add_argument(
        "--alone",
        action="store_true",
        help="drive the run in this process, without a station: it ends with it",
    )
    add_variables(parser)


def run(args: argparse.Namespace) -> int:
    """Review, run, tell."""
    if args.dry_run:
        return _dry_run(args)
    if args.alone:
        from labctl.cli.runalone import run_alone

        return run_alone(args)
    return _at_station(args)


def _dry_run(args: argparse.Namespace) -> int:
    from labctl.cli.binding import bind_offline
    from labctl.model.ids import ChannelId
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol
    from labctl.store.catalogue import Catalogue

    file = station_of(args)
    protocol = load_protocol(find_protocol(args.protocol))
    overrides_of(args)
    if is_served(args):
        with station_client(args) as station:
            cell = station.cells.get(args.cell)
    else:
        with Catalogue(root_of(args, file)) as catalogue:
            cell = catalogue.cells.get(args.cell)
    return dry_run(bind_offline(file, protocol, cell, ChannelId(args.channel), variables_of(args)), args)


def _at_station(args: argparse.Namespace) -> int:
    """Queue the run at the station and watch it; Ctrl-C leaves it there."""
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol

    text = load_protocol(find_protocol(args.protocol)).text
    overrides_of(args)
    variables_of(args)
    if not is_served(args):
        root_of(args, station_of(args))
    args.by = args.operator
    with station_client(args, start=True) as station:
        _review(args, station, text)
        _put_in(args, station)
        job_id = _submit(args, station, text)
        watch = _Watch(args, station, job_id)
        try:
            watch.follow()
        except KeyboardInterrupt:
            return _detached(args, watch)
        except LinkClosed:
            say(GONE, stderr=True)
            raise
        return _tell(args, station, watch)


def _review(args: argparse.Namespace, station: Station, text: str) -> None:
    """Show what is about to be done. Raises: ProgramError with every finding."""
    from labctl.cli.progress import duration

    station.cells.get(args.cell)
    station.channels.get(args.channel)
    found = station.protocols.check(
        text, cell_id=args.cell, channel=args.channel, variables=variables_of(args)
    )
    if not found.ok:
        raise ProgramError(found.errors)
    for line in found.warnings:
        say(f"warning: {line}", stderr=args.json)
    if args.json:
        return
    say(f"{found.name} on {args.cell} in {args.channel}")
    for line in found.sentences:
        say(f"    {line}")
    if found.duration_s is not None and found.rows is not None:
        say(f"about {duration(found.duration_s)}, {found.rows:,} rows")


def _put_in(args: argparse.Namespace, station: Station) -> None:
    """Say that the cell sits in the channel, as the command line does. Raises: UserInputError for another one."""
    at = station.channels.get(args.channel)
    if at.cell_id and at.cell_id != args.cell:
        raise UserInputError(
            f"{args.channel} holds {at.cell_id}, not {args.cell}. If you have changed the cells: "
            f"labctl channel load {args.channel} {args.cell}"
        )
    if not at.cell_id:
        at = station.channels.load(args.channel, args.cell, reason="labctl run")
    if not at.ready:
        station.channels.set_ready(args.channel)


def _submit(args: argparse.Namespace, station: Station, text: str) -> JobId:
    from labctl.model.ids import CellId, ChannelId
    from labctl.model.job import JobSpec

    spec = JobSpec(
        CellId(args.cell), protocol_text=text, channel=ChannelId(args.channel), variables=variables_of(args),
        overrides=overrides_of(args), label="labctl run",
    )  # fmt: skip
    (planned,) = station.queue.submit([spec]).jobs
    if planned.errors or planned.job_id is None:
        raise ProgramError(planned.errors or ("the station did not take the job.",))
    return planned.job_id


class _Watch:
    """Shows how a job goes on; knows how it stood at last, also when the station is gone."""

    def __init__(self, args: argparse.Namespace, station: Station, job_id: JobId) -> None:
        self._args = args
        self._station = station
        self.job_id = job_id
        self.job: Job | None = None
        self.live: Progress | None = None

    def follow(self) -> None:
        """Return when the job is over. Raises: LinkClosed when the station stays away."""
        from labctl.cli.progress import RunBoard
        from labctl.engine.jobs import Progress
        from labctl.model.job import Job
        from labctl.model.typed import from_plain

        mirror, told = self._station.mirror(("job", "run")), ""
        with RunBoard(quiet=self._args.json) as board:
            while True:
                mirror.update()
                at = mirror.state.get(("job", self.job_id))
                job = self._station.queue.get(self.job_id) if at is None else from_plain(Job, at)
                self.job = job
                live = mirror.state.get(("run", str(job.run_id))) if job.run_id else None
                if live is not None:
                    self.live = from_plain(Progress, live)
                    board.show(self.live)
                elif job.waits_for and job.waits_for != told and not self._args.json:
                    told = job.waits_for
                    say(f"{job.job_id} waits for {told}")
                if job.state.value in OVER:
                    return


def _detached(args: argparse.Namespace, watch: _Watch) -> int:
    run_id = None if watch.job is None else watch.job.run_id
    state = "queued" if watch.job is None else watch.job.state.value
    verb = f"labctl runs follow {run_id}' follows again, 'labctl runs stop {run_id}' stops it."
    if run_id is None:
        verb = f"labctl queue list' shows it, 'labctl queue remove {watch.job_id}' takes it out."
    say(f"Detached: the station goes on with {run_id or watch.job_id}. '{verb}", stderr=True)
    return tell(args, [{"run_id": run_id, "job_id": watch.job_id, "state": state}])


def _tell(args: argparse.Namespace, station: Station, watch: _Watch) -> int:
    """Tell how it ended; exit 0 where a protocol may end so."""
    job, live = watch.job, watch.live
    assert job is not None
    if job.run_id is None:
        plain: dict[str, Any] = {
            "run_id": None,
            "job_id": job.job_id,
            "state": job.state.value,
            "reason": job.reason,
        }
        return tell(args, [plain], f"{job.job_id}: {job.state.value}, {job.reason}", code=EXIT_FAILED)
    from labctl.cli.progress import duration

    last = station.runs.wait(job.run_id)
    if live is not None:
        last = replace(last, rows=live.rows, test_time_s=live.test_time_s)
    folder = station.runs.get(job.run_id).folder
    plain = {
        "run_id": last.run_id,
        "job_id": job.job_id,
        "channel": last.channel,
        "cell": last.cell_name,
        "state": last.state,
        "outcome": last.outcome or None,
        "reason": last.reason,
        "end_sequence": last.end_sequence,
        "rows": last.rows,
        "test_time_second": last.test_time_s,
        "folder": folder,
    }
    reason = f", {last.reason}" if last.reason else ""
    size = f"{last.rows:,} rows, {duration(last.test_time_s)} of test time"
    line = f"{last.run_id}: {last.outcome or last.state}{reason}; {size}"
    return tell(args, [plain], line, f"    {folder}", code=EXIT_OK if last.outcome in FINE else EXIT_FAILED)
