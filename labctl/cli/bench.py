"""``labctl bench``: speak to a virtual bench over its admin link: faults, people's hands, and the truth."""

from __future__ import annotations

import argparse
import json
from typing import Any

from labctl.cli.app import EXIT_OK
from labctl.cli.atstation import words_of
from labctl.cli.context import station_of
from labctl.cli.output import emit_json, say
from labctl.errors import UserInputError

HELP = "Ask a virtual bench something over its admin link, as in: labctl bench truth slot=neware:1-3"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("request", metavar="REQUEST", help="hello, truth, ...; see simulators/README.md")
    parser.add_argument("fields", nargs="*", metavar="NAME=VALUE", help="VALUE is JSON, or else a text")
    parser.add_argument(
        "--admin", metavar="HOST:PORT", help="the bench's admin address (default: the station file's)"
    )


def run(args: argparse.Namespace) -> int:
    """Send one request and print the reply."""
    from labctl.adminlink import AdminLink
    from labctl.clock import Clock, ClockSpec, run_with_clock

    address = args.admin or station_of(args).clock.admin
    if not address:
        raise UserInputError("this station has no virtual bench: its file names no 'admin' under 'clock'.")
    fields = {name: _value(text) for name, text in words_of(args.fields, "the field").items()}

    async def main(clock: Clock) -> dict[str, Any]:
        admin = AdminLink()
        try:
            await admin.open(address)
            return await admin.request(args.request, **fields)
        finally:
            await admin.close()

    reply = run_with_clock(ClockSpec(), main)
    if args.json:
        emit_json(reply)
    else:
        say(json.dumps(reply, indent=2, ensure_ascii=False))
    return EXIT_OK


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
