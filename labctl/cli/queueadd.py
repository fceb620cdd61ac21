"""``labctl queue add``: from a protocol and cells, a campaign file or a table to jobs, with their pre-flight."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import dash, ends_text, tell, words_of
from labctl.cli.output import print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.api.messages import Submitted
    from labctl.model.job import JobSpec, PlannedJob

TABLES = (".csv", ".tsv", ".txt", ".xlsx")
CAMPAIGN = "labctl: campaign/"
"""How a campaign file says what it is."""


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """Add the options of a submission."""
    parser.add_argument(
        "source", metavar="WHAT",
        help="a protocol (name or file), a campaign file, a table (.csv, .tsv, .xlsx), or - for a pasted table",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would start where and when; queue nothing"
    )
    parser.add_argument(
        "--cell", action="append", default=[], metavar="ID", help="of a protocol; may be repeated"
    )
    parser.add_argument(
        "--channel", action="append", default=[], metavar="CHANNEL",
        help="one per --cell, or several to choose from with --any (default: where the cell sits)",
    )  # fmt: skip
    parser.add_argument("--any", action="store_true", help="any fitting channel, of those named if some are")
    parser.add_argument("--set", dest="variables", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--priority", type=int, default=0, metavar="N", help="larger goes first")
    parser.add_argument("--not-before", default="", metavar="UTC", help="ISO 8601, the bench's time")
    parser.add_argument(
        "--after", action="append", default=[], metavar="JOB", help="after this job ended well"
    )
    parser.add_argument(
        "--after-any",
        action="append",
        default=[],
        metavar="JOB",
        help="after this job is over, however it ended",
    )
    parser.add_argument(
        "--retry", type=int, default=0, metavar="N", help="start again so often where a start fails"
    )
    parser.add_argument("--stagger", type=float, default=0.0, metavar="S", help="seconds between two starts")
    parser.add_argument(
        "--hold", action="store_true", help="queue them held: they start after 'labctl queue release'"
    )
    parser.add_argument("--label", default="", metavar="TEXT")
    parser.add_argument("--override", action="append", default=[], metavar="CHECK=REASON")
    parser.add_argument(
        "--default", action="append", default=[], metavar="NAME=VALUE",
        help="of a table: a column that it has not, as in --default protocol=formation",
    )  # fmt: skip
    parser.add_argument(
        "--key", default="", metavar="TEXT", help="the same key is done once: for scripts that may be cut off"
    )


def add_changes(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed of a job that has not started; what is not given stays."""
    parser.add_argument(
        "--protocol", metavar="PROTOCOL", help="a file, or a name of the library, frozen anew"
    )
    parser.add_argument(
        "--set", dest="variables", action="append", default=[], metavar="NAME=VALUE",
        help="variables of the protocol; all that shall differ from its defaults",
    )  # fmt: skip
    parser.add_argument("--priority", type=int, default=None, metavar="N", help="larger goes first")
    parser.add_argument(
        "--not-before", default=None, metavar="UTC", help="ISO 8601, the bench's time; '' = at any time"
    )
    parser.add_argument("--note", default=None, metavar="TEXT")
    parser.add_argument("--label", default=None, metavar="TEXT")


def changes_of(args: argparse.Namespace, station: Station) -> dict[str, Any]:
    """Return the words of ``queue.edit`` that the options name."""
    found: dict[str, Any] = {
        "priority": args.priority, "not_before_utc": args.not_before, "notes": args.note, "label": args.label,
    }  # fmt: skip
    if args.variables:
        found["variables"] = words_of(args.variables, "--set")
    return {**found, **(_protocol_words(args.protocol, station) if args.protocol else {})}


def _protocol_words(source: str, station: Station) -> dict[str, str]:
    """Return a protocol as a job names it: the text of a file or a ready-made one, or a name that people saved."""
    from labctl.protocol.library import find_protocol

    try:
        path = find_protocol(source)
    except UserInputError:
        if source not in {known.name for known in station.protocols.list() if not known.read_only}:
            raise
        return {"protocol": source}
    return {"protocol_text": path.read_text(encoding="utf-8-sig"), "protocol_source": Path(source).name}


def submit(args: argparse.Namespace, station: Station) -> int:
    """Submit what the words name and tell what will start where."""
    kind = _kind(args.source)
    if kind == "protocol":
        done = station.queue.submit(list(_specs(args, station)), dry_run=args.dry_run, key=args.key)
    elif args.cell or args.channel:
        raise UserInputError(
            f"--cell and --channel belong to a protocol; {args.source} is a {kind}, which names them."
        )
    elif kind == "campaign":
        path = Path(args.source)
        text = path.read_text(encoding="utf-8")
        done = station.queue.submit_campaign(
            text, name=path.name, files=_files_of(path), dry_run=args.dry_run, key=args.key
        )
    else:
        content = sys.stdin.buffer.read() if args.source == "-" else Path(args.source).read_bytes()
        name = "pasted.tsv" if args.source == "-" else Path(args.source).name
        done = station.queue.submit_table(
            name, content, defaults=_defaults(args), dry_run=args.dry_run, key=args.key
        )
    return _tell(args, done)


def _kind(source: str) -> str:
    """Tell whether a source is a protocol, a campaign or a table."""
    path = Path(source)
    if source == "-" or path.suffix.lower() in TABLES:
        return "table"
    if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
        head = path.read_bytes()[:100_000].decode("utf-8", "replace")
        if any(line.startswith(CAMPAIGN) for line in head.splitlines()):
            return "campaign"
    return "protocol"


def _specs(args: argparse.Namespace, station: Station) -> Iterator[JobSpec]:
    """Yield a job for each cell. Raises: UserInputError where cells and channels do not fit together."""
    from labctl.model.ids import CellId, ChannelId
    from labctl.model.job import After, AfterWhen, JobSpec, RetryPolicy

    if Path(args.source).suffix.lower() in (".yaml", ".yml") and not Path(args.source).is_file():
        raise UserInputError(f"there is no file {args.source}. Check the path.")
    if not args.cell:
        raise UserInputError(f"'{args.source}' is a protocol: name the cells with --cell ID.")
    if args.channel and not args.any and len(args.channel) != len(args.cell):
        raise UserInputError("give one --channel for each --cell, in the same order, or --any.")
    words = _protocol_words(args.source, station)
    after = (*(After(job) for job in args.after), *(After(job, AfterWhen.ANY) for job in args.after_any))
    for place, cell in enumerate(args.cell):
        chosen = args.channel[place] if args.channel and not args.any else None
        yield JobSpec(
            CellId(cell),
            **words,
            channel=None if chosen is None else ChannelId(chosen),
            channels=tuple(ChannelId(name) for name in args.channel) if args.any else (),
            variables=words_of(args.variables, "--set"),
            priority=args.priority,
            not_before_utc=args.not_before,
            after=after,
            retry=RetryPolicy(args.retry),
            stagger_s=args.stagger,
            hold=args.hold,
            label=args.label,
            overrides=words_of(args.override, "--override"),
        )


def _defaults(args: argparse.Namespace) -> dict[str, str]:
    """Return what a table's rows have where they do not say it."""
    found = {f"var:{name}": value for name, value in words_of(args.variables, "--set").items()}
    if args.priority:
        found["priority"] = str(args.priority)
    if args.not_before:
        found["not_before"] = args.not_before
    if args.hold:
        found["hold"] = "yes"
    return {**found, **words_of(args.default, "--default")}


def _files_of(campaign: Path) -> dict[str, str]:
    """Return the texts of the files that a campaign names, by the words it names them with."""
    from labctl.protocol.yamlfile import load_yaml_file, to_plain

    found: dict[str, str] = {}
    for word in _texts(to_plain(load_yaml_file(campaign))):
        if word.lower().endswith((".yaml", ".yml", ".csv")):
            path = campaign.parent / word
            if path.is_file():
                found[word] = path.read_text(encoding="utf-8")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _tell(args: argparse.Namespace, done: Submitted) -> int:
    from labctl.cli.queue import print_calendar

    refused = any(job.errors for job in done.jobs)
    code = EXIT_FAILED if refused else EXIT_OK
    if args.json:
        return tell(args, done, code=code)
    rows = [
        (
            dash(job.job_id),
            job.cell_id,
            dash(job.channel),
            job.protocol_name,
            ends_text(job.starts),
            ends_text(job.ends),
        )
        for job in done.jobs
    ]
    print_table("", ("job", "cell", "channel", "protocol", "starts (UTC)", "ends (UTC)"), rows)
    if done.dry_run:
        print_calendar(done.calendar)
    for job in done.jobs:
        _tell_findings(job)
    if refused:
        wrong = sum(bool(job.errors) for job in done.jobs)
        say(f"{wrong} of {len(done.jobs)} refused; nothing is queued unless all can be.")
    if done.dry_run:
        say("Dry run: nothing was queued.")
    elif not refused:
        jobs = "1 job" if len(done.jobs) == 1 else f"{len(done.jobs)} jobs"
        say(f"{jobs} queued. 'labctl queue list' shows them; 'labctl queue wait' waits for them.")
    return code


def _tell_findings(job: PlannedJob) -> None:
    name = f"{job.cell_id} {job.label}".strip()
    for text in job.errors:
        say(f"{name}: REFUSED: {text}")
    for text in job.warnings:
        say(f"{name}: warning: {text}")
    for text in job.review:
        say(f"{name}: {text}")
