"""``labctl chamber``: read and set the temperature chambers of the station."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_OK, add_subverbs
from labctl.cli.atstation import add_by, is_served, number, station_client
from labctl.cli.context import station_of
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.config.station import StationFile
    from labctl.interfaces.chamber import ChamberReading

HELP = "Read the temperature chambers, set one, or switch one off."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "read every chamber of the station"),
            ("set", "set a chamber's temperature and switch it on"),
            ("off", "switch a chamber off"),
        ),
    )
    for name in ("set", "off"):
        verbs[name].add_argument("name", metavar="CHAMBER")
        add_by(verbs[name])
    verbs["set"].add_argument("temperature_degC", type=float, metavar="DEGC")
    verbs["set"].add_argument("--ramp", type=float, metavar="K_PER_MIN", help="default: the chamber's own")


def run(args: argparse.Namespace) -> int:
    """Do what was asked, then show what the chambers say; through the station where one serves."""
    if is_served(args):
        return _through_station(args)
    from labctl.clock import run_with_clock

    station = station_of(args)
    known = [entry.name for entry in station.chambers]
    if args.what != "list" and args.name not in known:
        raise UserInputError(
            f"there is no chamber '{args.name}'. This station has: {', '.join(known) or 'none'}."
        )

    async def main(clock: Clock) -> dict[str, ChamberReading]:
        return await _asked(station, clock, args)

    readings = run_with_clock(station.clock.as_guest(), main)
    _print(station, readings, args)
    return EXIT_OK


def _through_station(args: argparse.Namespace) -> int:
    with station_client(args) as station:
        if args.what == "set":
            station.chambers.set(args.name, args.temperature_degC, ramp_K_per_min=args.ramp)
        elif args.what == "off":
            station.chambers.off(args.name)
        found = station.chambers.list()
    if args.json:
        emit_json(
            [
                {"chamber": at.name, "state": at.state, "temperature_degC": at.temperature_degC,
                 "setpoint_degC": at.setpoint_degC, "alarm": at.text, "channels": list(at.channels),
                 "seen_utc": at.seen_utc}
                for at in found
            ]
        )  # fmt: skip
        return EXIT_OK
    rows = [
        (
            at.name,
            at.state,
            number(at.temperature_degC, 2),
            number(at.setpoint_degC, 1),
            at.text,
            " ".join(at.channels),
        )
        for at in found
    ]
    print_table("", ("chamber", "state", "is / degC", "set / degC", "note", "channels"), rows, right=(2, 3))
    return EXIT_OK


async def _asked(station: StationFile, clock: Clock, args: argparse.Namespace) -> dict[str, ChamberReading]:
    """Open the chambers alone: nothing is said to a cycler."""
    from labctl.engine.station import open_station

    async with open_station(station.only_chambers(), clock) as opened:
        if args.what == "set":
            await opened.chambers[args.name].chamber.set(args.temperature_degC, args.ramp)
        elif args.what == "off":
            await opened.chambers[args.name].chamber.off()
        return {name: await entry.chamber.read() for name, entry in opened.chambers.items()}


def _print(station: StationFile, readings: dict[str, ChamberReading], args: argparse.Namespace) -> None:
    channels = {entry.name: [str(channel) for channel in entry.channels] for entry in station.chambers}
    if args.json:
        emit_json(
            [
                {"chamber": name, "state": at.state.value, "temperature_degC": at.temperature_degC,
                 "setpoint_degC": at.setpoint_degC, "quality": at.quality.value, "alarm": at.alarm_text,
                 "channels": channels[name]}
                for name, at in readings.items()
            ]
        )  # fmt: skip
        return
    if not readings:
        say("This station has no chambers.")
        return
    rows = [
        (name, at.state.value, f"{at.temperature_degC:.2f}", f"{at.setpoint_degC:.1f}", at.quality.value,
         at.alarm_text or "none", " ".join(channels[name]))
        for name, at in readings.items()
    ]  # fmt: skip
    print_table(
        "",
        ("chamber", "state", "is / degC", "set / degC", "quality", "alarm", "channels"),
        rows,
        right=(2, 3),
    )
