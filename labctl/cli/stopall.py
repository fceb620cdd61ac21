"""``labctl stop-all``: stop all outputs of the bench. Not an emergency stop: that is the wired button."""

from __future__ import annotations

import argparse

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import add_acting, station_client, tell
from labctl.cli.output import say
from labctl.errors import UserInputError

HELP = "Stop all outputs of every instrument, and hold the queue, until a person releases it (--release)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--release", action="store_true", help="let outputs be switched on again; nothing restarts"
    )
    parser.add_argument("--confirm", default="", metavar="WORD", help="with --release: the word 'release'")
    add_acting(parser)


def run(args: argparse.Namespace) -> int:
    """Stop, or release."""
    if args.release and not args.reason.strip():
        raise UserInputError("--release needs --reason: why outputs may be switched on again.")
    with station_client(args) as station:
        if args.release:
            state = station.release_stop_all(reason=args.reason, confirm=args.confirm)
            return tell(args, state, "Released. Nothing restarts by itself; the queue may start again.")
        state = station.stop_all(args.reason)
    open_ones = [report for report in state.reports if not report.confirmed]
    if not args.json:
        for report in state.reports:
            say(
                f"{report.channel}: {'confirmed' if report.confirmed else 'NOT CONFIRMED'}  {report.text}".rstrip()
            )
        for report in open_ones:
            say(
                f"GO THERE: {report.channel}: {report.what_to_do or 'switch the channel off at the instrument.'}"
            )
        say(
            "All outputs were told to stop; nothing starts until: "
            'labctl stop-all --release --confirm release --reason "..."'
        )
    tell(args, state)
    return EXIT_FAILED if open_ones else EXIT_OK
