"""``labctl instruments``: what the station talks to, and what is plugged into this computer."""

from __future__ import annotations

import argparse
from typing import Any

from labctl.cli.app import EXIT_OK, add_subverbs
from labctl.cli.atstation import add_by, station_client, tell
from labctl.cli.output import emit_json, print_table, say

HELP = "List the station's instruments with their links, ask one who it is, look for ports and addresses."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "the station's instruments with their links"),
            ("status", "one instrument: link, identity, silence policy, channels"),
            ("ping", "ask an instrument who it is"),
            ("scan", "serial ports and VISA addresses of this computer; says nothing to what is there"),
        ),
    )
    for name in ("status", "ping"):
        verbs[name].add_argument("name", metavar="INSTRUMENT")
    add_by(verbs["ping"])


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    if args.what == "scan":
        return _scan(args)
    with station_client(args) as station:
        if args.what == "ping":
            words = station.instruments.ping(args.name)
            return tell(args, {"instrument": args.name, "identity": words}, f"{args.name}: {words}")
        found = station.instruments.list()
    if args.what == "status":
        return _status(args, found)
    if args.json:
        return tell(args, found)
    rows = [
        (at.name, at.driver, at.link.value, at.resource, f"{len(at.channels)}", at.identity, at.text)
        for at in found
    ]
    print_table(
        "", ("instrument", "driver", "link", "resource", "channels", "identity", "note"), rows, right=(4,)
    )
    return EXIT_OK


def _status(args: argparse.Namespace, found: tuple[Any, ...]) -> int:
    from labctl.errors import UserInputError

    for at in found:
        if at.name == args.name:
            return tell(
                args, at,
                f"{at.name}: {at.link.value}  {at.text}".rstrip(),
                f"driver     {at.driver} on {at.resource}, looked at every {at.poll_s:g} s",
                f"identity   {at.identity or 'not known yet'}",
                f"silence    {at.silence or 'not declared'}",
                f"channels   {' '.join(at.channels)}",
            )  # fmt: skip
    known = ", ".join(at.name for at in found) or "none"
    raise UserInputError(f"there is no instrument '{args.name}'. This station has: {known}.")


def _scan(args: argparse.Namespace) -> int:
    """List what could be written as ``resource:`` in a station file."""
    from dataclasses import asdict

    from labctl.config import plugged

    places = plugged.plugged_places()
    if args.json:
        emit_json([asdict(place) for place in places])
    elif places:
        print_table("", ("resource", "what it is"), [(place.resource, place.text) for place in places])
    else:
        say("No serial port and no VISA address. Instruments on the network are named in the station file.")
    return EXIT_OK
