"""``labctl handover``: cells on their way to a potentiostat and back, and what a person does with their leads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_OK, add_subverbs
from labctl.cli.atstation import add_acting, number, short_utc, station_client, tell
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.model.handover import HandoverStatus

HELP = "Show cells on their way to a potentiostat and back; confirm that leads were moved."
HEADERS = ("channel", "cell", "potentiostat", "stage", "since", "was / V", "is / V", "run")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "show every cell that waits for, is at, or comes back from a potentiostat"),
            (
                "confirm",
                "say that the leads were moved as asked; --reason accepts a voltage that does not fit",
            ),
            ("skip", "give the spectrum up: the cell goes back, its run goes on"),
        ),
    )
    for name in ("confirm", "skip"):
        verbs[name].add_argument(
            "cell",
            nargs="?",
            metavar="CELL",
            help="cell, channel or run; needed where several are on their way",
        )
        add_acting(verbs[name], needed=name == "skip")


def run(args: argparse.Namespace) -> int:
    """Ask the station, or tell it what was done."""
    with station_client(args) as station:
        found = station.handovers.list()
        if args.what == "list":
            return _list(found, args)
        if args.what == "confirm":
            one = _named([status for status in found if status.asked], args.cell, "is waited for")
            text = station.handovers.confirm(one.run_id, reason=args.reason)
        else:
            one = _named(found, args.cell, "is on its way")
            text = station.handovers.skip(one.run_id, reason=args.reason)
    return tell(args, {"run_id": one.run_id, "text": text}, f"{one.cell_name} in {one.channel}: {text}")


def _named(found: Sequence[HandoverStatus], word: str | None, what: str) -> HandoverStatus:
    """Return the one that a word names, or the only one. Raises: UserInputError telling which there are."""
    words = (word,) if word else ()
    fits = [
        one for one in found if not words or word in (one.run_id, one.channel, one.cell_id, one.cell_name)
    ]
    if len(fits) == 1:
        return fits[0]
    if not found:
        raise UserInputError(f"no cell {what}.")
    known = ", ".join(f"{one.cell_name} in {one.channel}" for one in found)
    missing = f"of {word} no cell {what}" if word and not fits else f"{len(fits)} fit, so name one"
    raise UserInputError(f"{missing}. There are: {known}.")


def _list(found: Sequence[HandoverStatus], args: argparse.Namespace) -> int:
    if args.json:
        from labctl.model.plain import to_plain

        emit_json(to_plain(found))
        return EXIT_OK
    if not found:
        say("No cell is on its way to a potentiostat or back.")
        return EXIT_OK
    rows = [
        (
            one.channel,
            one.cell_name,
            one.potentiostat,
            one.stage.value if one.place == 1 else f"{one.stage.value}, number {one.place}",
            short_utc(one.since_utc),
            number(one.expected_V),
            number(one.measured_V),
            one.run_id,
        )
        for one in found
    ]
    print_table("", HEADERS, rows, right=(5, 6))
    for one in found:
        if one.asked:
            say(f"{one.channel}: {one.text}")
        if one.trouble:
            say(f"{one.channel}: {one.trouble}")
    return EXIT_OK
