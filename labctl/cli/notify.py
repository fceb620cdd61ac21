"""``labctl notify``: how people are told of alarms."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import add_acting, station_client, tell

HELP = "Show how people are told of alarms, and send a test message."

SENT = ": sent"
"""How the station says of a path that it has worked."""


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
            every = all(line.endswith(SENT) for line in text.splitlines())
            return tell(args, {"text": text}, text, code=EXIT_OK if every else EXIT_FAILED)
        found = station.notify.status()
    return tell(args, found, *_lines(found))


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield who is told by which paths, and when the last message left."""
    for person in status["people"]:
        yield f"{person['name']}: {', '.join(person['paths'])} (language {person['language']})"
        yield f"    last message: {person['last'] or 'none since the station was started'}"
    if not status["people"]:
        yield "Nobody is named under 'notify' in the station file; see docs/alarms.md."
    for name, value in status.items():
        if name != "people":
            yield f"{name}: {value or 'none'}"
