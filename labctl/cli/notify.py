"""``labctl notify``: how people are told of alarms."""

from __future__ import annotations

import argparse

from labctl.cli.app import add_subverbs
from labctl.cli.atstation import add_acting, station_client, tell

HELP = "Show how people are told of alarms, and send a test message."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (("status", "the paths there are, without addresses"), ("test", "send a test message on every path")),
    )
    add_acting(verbs["test"])


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args) as station:
        if args.what == "test":
            text = station.notify.test(reason=args.reason)
            return tell(args, {"text": text}, text)
        found = station.notify.status()
    return tell(args, found, *(f"{name}: {value}" for name, value in found.items()))
