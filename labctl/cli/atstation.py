"""What verbs that talk to a station share: finding it, who acts and why, and telling what it said."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_OK
from labctl.cli.output import emit_json, say

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.job import Forecast


def add_acting(parser: argparse.ArgumentParser, *, needed: bool = False) -> None:
    """Add ``--reason`` and ``--by``, which go into the journal."""
    parser.add_argument(
        "--reason", default="", required=needed, metavar="TEXT", help="why; goes into the journal"
    )
    add_by(parser)


def add_by(parser: argparse.ArgumentParser) -> None:
    """Add ``--by``: who sits here, where the station's owner's token is used."""
    parser.add_argument("--by", default="", metavar="NAME", help="who does it; goes into the journal")


@contextmanager
def station_client(args: argparse.Namespace, *, start: bool = False) -> Iterator[Station]:
    """Connect to the station of the data root (or of LABCTL_URL). Raises: LinkClosed saying how to start one."""
    from labctl.api.client import connect

    station = connect(args.station, args.data, start=start, person=getattr(args, "by", ""))
    try:
        yield station
    finally:
        station.close()


def is_served(args: argparse.Namespace) -> bool:
    """Tell whether a station serves the data root that is meant, or one elsewhere is."""
    from labctl.api.client.address import being_served
    from labctl.cli.context import data_path

    return is_elsewhere(args) or being_served(data_path(args))


def is_elsewhere(args: argparse.Namespace) -> bool:
    """Tell whether a station named by LABCTL_URL is meant: its data root is not at hand here."""
    from labctl.api.client.address import URL_VARIABLE

    return not args.station and not args.data and bool(os.environ.get(URL_VARIABLE))


def tell(args: argparse.Namespace, value: Any, *lines: str, code: int = EXIT_OK) -> int:
    """Print a value: as JSON where that was asked for, else as the lines for people."""
    from labctl.model.plain import to_plain

    if args.json:
        emit_json(to_plain(value))
    else:
        for line in lines:
            say(line)
    return code


def ends_text(forecast: Forecast | None) -> str:
    """Return when something is expected to end, with its bounds."""
    if forecast is None:
        return "—"
    end, low, high = map(short_utc, (forecast.end_utc, forecast.low_utc, forecast.high_utc))
    return end if low == high else f"{end} ({low} to {high})"


def short_utc(utc: str) -> str:
    """Return a UTC time without its year and seconds: ``11-23 09:40``."""
    return utc[5:16].replace("T", " ")


def dash(text: object) -> str:
    """Return a text for a table cell; an em dash where there is none."""
    return str(text) if text not in (None, "") else "—"


def number(value: float, digits: int = 4, factor: float = 1.0) -> str:
    """Return a number for a table cell; an em dash where nothing is known."""
    return "—" if value != value else f"{value * factor:.{digits}f}"


def words_of(pairs: Sequence[str], what: str) -> dict[str, str]:
    """Return ``NAME=VALUE`` words as a mapping. Raises: UserInputError for a word without '='."""
    from labctl.errors import UserInputError

    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UserInputError(f"{what} {pair} is not NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found
