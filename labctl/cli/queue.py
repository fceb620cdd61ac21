"""``labctl queue``: what shall run where, in which order, and when it will be over."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import add_acting, add_by, dash, ends_text, station_client, tell
from labctl.cli.output import print_table, say
from labctl.cli.queueadd import add_changes, add_wishes, changes_of, submit

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.job import CalendarEntry, Job

HELP = "List, add, change, order, hold, release, remove, retry and clone jobs; show the calendar of every channel."

DONE = ("ended", "failed", "removed")
FAILED_NAMED = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "the queue: each job with what it waits for and when it will be over"),
            ("show", "one job"),
            ("add", "queue a protocol for cells, a campaign file, or a table with one job a row"),
            ("move", "put a job before another one, or at the end"),
            ("priority", "give a job another priority; larger goes first"),
            ("edit", "change a job that has not started: protocol, variables, moment, note, priority"),
            ("hold", "keep a job, a channel, an instrument or the whole queue from starting"),
            ("release", "let go on what was held"),
            ("remove", "take a job that has not started out of the queue"),
            ("retry", "queue a failed job again"),
            ("clone", "queue the same once more"),
            ("calendar", "what runs and will run where and when"),
            ("wait", "wait until jobs are over; exit 1 when one did not end well"),
        ),
    )
    verbs["list"].add_argument("--all", action="store_true", help="jobs that are over too")
    verbs["calendar"].add_argument("--all", action="store_true", help="what is over too")
    add_wishes(verbs["add"])
    for name in ("show", "edit", "move", "priority", "remove", "retry", "clone"):
        verbs[name].add_argument("job_id", metavar="JOB", help="for example j-17")
    for name in ("hold", "release"):
        verbs[name].add_argument(
            "job_id",
            metavar="WHAT",
            help="a job (j-17), a channel (neware:1-3), an instrument (neware), or 'all'",
        )
    add_changes(verbs["edit"])
    for name in ("edit", "move", "priority", "hold", "release", "remove", "retry", "clone"):
        add_acting(verbs[name])
        verbs[name].add_argument(
            "--version",
            type=int,
            metavar="N",
            help="refuse when somebody has changed the job since version N",
        )
    add_by(verbs["add"])
    verbs["move"].add_argument("--before", metavar="JOB", help="default: at the end")
    verbs["priority"].add_argument("priority", type=int, metavar="N")
    verbs["wait"].add_argument("job_ids", nargs="*", metavar="JOB", help="default: all there are now")
    verbs["wait"].add_argument("--timeout", type=float, metavar="S", help="give up after so many seconds")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args, start=args.what == "add") as station:
        if args.what == "list":
            return _list(args, station.queue.list())
        if args.what == "add":
            return submit(args, station)
        if args.what == "calendar":
            return _calendar(args, station.queue.calendar())
        if args.what == "wait":
            return _wait(args, station)
        if args.what in ("hold", "release") and not args.job_id.startswith("j-"):
            return _hold_part(args, station)
        job = station.queue.get(args.job_id) if args.what == "show" else _act(args, station)
    return tell(args, job, *_lines(job))


def _hold_part(args: argparse.Namespace, station: Station) -> int:
    """Hold or release everything, an instrument or a channel; tell what is held now."""
    target = "" if args.job_id == "all" else args.job_id
    act = station.queue.hold_queue if args.what == "hold" else station.queue.release_queue
    standing = act(target, reason=args.reason)
    lines = [f"The whole queue is {standing.stopped}."] if standing.stopped else []
    lines += [f"{hold}." for hold in standing.holds]
    lines += [f"{channel} stands still: {why}" for channel, why in standing.lanes.items()]
    return tell(args, standing, *(lines or ["Nothing is held."]))


def _act(args: argparse.Namespace, station: Station) -> Job:
    queue, job_id, reason, version = station.queue, args.job_id, args.reason, args.version
    if args.what == "edit":
        return queue.edit(job_id, **changes_of(args, station), reason=reason, version=version)
    if args.what == "move":
        return queue.move(job_id, before=args.before, reason=reason, version=version)
    if args.what == "priority":
        return queue.prioritise(job_id, args.priority, reason=reason, version=version)
    acts = {
        "hold": queue.hold, "release": queue.release, "remove": queue.remove, "retry": queue.retry,
        "clone": queue.clone,
    }  # fmt: skip
    return acts[args.what](job_id, reason=reason, version=version)


def _list(args: argparse.Namespace, jobs: tuple[Job, ...]) -> int:
    shown = [job for job in jobs if args.all or job.state.value not in DONE]
    if args.json:
        return tell(args, shown)
    rows = [
        (job.job_id, job.state.value, job.spec.cell_id, dash(job.channel), job.protocol_name, f"{job.spec.priority}",
         ends_text(job.ends), job.waits_for or job.reason)
        for job in shown
    ]  # fmt: skip
    headers = ("job", "state", "cell", "channel", "protocol", "prio", "ends (UTC)", "waits for")
    print_table("", headers, rows, right=(5,))
    if not shown:
        say("The queue is empty.")
    if failed := [job for job in jobs if job.state.value == "failed" and job not in shown]:
        names = ", ".join(job.job_id for job in failed[:FAILED_NAMED]) + (
            ", ..." if failed[FAILED_NAMED:] else ""
        )
        say(
            f"Failed: {names}. 'labctl queue show JOB' tells why, 'labctl channel list' which lane stands still."
        )
    return EXIT_OK


def _lines(job: Job) -> list[str]:
    where = f" on {job.channel}" if job.channel else ""
    lines = [f"{job.job_id}: {job.state.value}, {job.protocol_name} for {job.spec.cell_id}{where}"]
    if job.waits_for:
        lines.append(f"    waits for: {job.waits_for}")
    if job.reason and job.reason != job.waits_for:
        lines.append(f"    {job.reason}")
    if job.run_id:
        lines.append(f"    run {job.run_id}; labctl runs follow {job.run_id}")
    if job.ends:
        lines.append(f"    ends {ends_text(job.ends)}, from {job.ends.basis}")
    return lines


def _calendar(args: argparse.Namespace, entries: tuple[CalendarEntry, ...]) -> int:
    if args.json:
        return tell(args, entries)
    print_calendar(entries, over=args.all)
    return EXIT_OK


def print_calendar(entries: tuple[CalendarEntry, ...], *, over: bool = False) -> None:
    """Print the bars of the calendar, channel by channel; with ``over`` also those of the past."""
    rows = [
        (at.channel, at.begin_utc[:16].replace("T", " "), at.end_utc[:16].replace("T", " "), at.state, at.cell_id,
         at.title, dash(at.job_id or at.run_id))
        for at in sorted(entries, key=lambda at: (at.channel, at.begin_utc))
        if over or at.state not in DONE
    ]  # fmt: skip
    print_table("", ("channel", "from (UTC)", "to (UTC)", "state", "cell", "what", "job"), rows)


def _wait(args: argparse.Namespace, station: Station) -> int:
    before = station.queue.list()
    open_ones = {job.job_id for job in before if job.state.value not in DONE}
    waited_for = [job_id for job_id in args.job_ids or [job.job_id for job in before] if job_id in open_ones]
    if waited_for and not args.json:
        jobs_text = "1 job" if len(waited_for) == 1 else f"{len(waited_for)} jobs"
        say(f"Waiting for {jobs_text}; Ctrl-C ends the waiting, not the jobs.", stderr=True)
    try:
        jobs = station.queue.wait(args.job_ids or None, timeout_s=args.timeout)
    except KeyboardInterrupt:
        sys.stderr.write("No longer waiting; the queue goes on.\n")
        return EXIT_OK
    fine = all(job.state.value == "ended" for job in jobs)
    told = [job for job in jobs if args.job_ids or job.job_id in open_ones or job.state.value == "failed"]
    return tell(
        args, jobs, *(line for job in told for line in _lines(job)), code=EXIT_OK if fine else EXIT_FAILED
    )
