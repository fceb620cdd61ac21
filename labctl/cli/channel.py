"""``labctl channel``: which cell sits where, and what a failure has left on a channel."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import add_subverbs
from labctl.cli.atstation import add_acting, add_by, dash, ends_text, number, station_client, tell
from labctl.cli.output import print_table

if TYPE_CHECKING:
    from labctl.model.bench import ChannelStatus

HELP = "List channels, load and eject cells, let the queue start there, reset a trip or a stopped lane."

HEADERS = ("channel", "state", "cell", "ready", "cycle", "V", "mA", "run", "ends (UTC)", "note")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "every channel: state, cell, run, last values, expected end"),
            ("show", "one channel"),
            ("load", "say that a cell sits in the channel now"),
            ("eject", "say that the channel is empty now"),
            ("ready", "let the queue start in the channel, or not (--not)"),
            ("reset", "reset what a failure left: the lane, and a trip with --confirm CHANNEL"),
        ),
    )
    for name in ("show", "load", "eject", "ready", "reset"):
        verbs[name].add_argument("channel", metavar="CHANNEL", help="for example neware:1-3")
    verbs["load"].add_argument("cell_id", metavar="CELL")
    add_acting(verbs["load"])
    add_acting(verbs["eject"])
    verbs["ready"].add_argument("--not", dest="unready", action="store_true", help="nothing may start there")
    add_by(verbs["ready"])
    verbs["reset"].add_argument(
        "--confirm", default="", metavar="CHANNEL", help="the channel's name, for a trip"
    )
    add_acting(verbs["reset"], needed=True)


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args) as station:
        channels = station.channels
        if args.what == "list":
            return _list(args, channels.list())
        if args.what == "load":
            status = channels.load(args.channel, args.cell_id, reason=args.reason)
        elif args.what == "eject":
            status = channels.eject(args.channel, reason=args.reason)
        elif args.what == "ready":
            status = channels.set_ready(args.channel, not args.unready)
        elif args.what == "reset":
            status = channels.reset(args.channel, reason=args.reason, confirm=args.confirm)
        else:
            status = channels.get(args.channel)
    return tell(args, status, _line(status))


def _list(args: argparse.Namespace, statuses: tuple[ChannelStatus, ...]) -> int:
    if args.json:
        return tell(args, statuses)
    rows = [
        (at.channel, at.state, dash(at.cell_id), "yes" if at.ready else "no",
         f"{at.cycle}/{at.cycles}" if at.cycles else "—", number(at.voltage_V), number(at.current_A, 4, 1e3),
         dash(at.run_id), ends_text(at.ends), _note(at))
        for at in statuses
    ]  # fmt: skip
    print_table("", HEADERS, rows, right=(4, 5, 6))
    return 0


def _line(at: ChannelStatus) -> str:
    cell = f"cell {at.cell_id} ({at.cell_name})" if at.cell_id else "no cell"
    ready = "ready" if at.ready else "not ready"
    note = _note(at)
    return f"{at.channel}: {at.state}, {cell}, {ready}" + (f"; {note}" if note else "")


def _note(at: ChannelStatus) -> str:
    """Return why nothing starts there, else what its run says of itself: what it waits for, what it has found."""
    still = at.tripped or at.lane
    return f"stands still: {still}" if still else at.sentence
