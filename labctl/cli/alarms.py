"""``labctl alarms``: what asks a person to do something, and what a person says to it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labctl.cli.app import add_subverbs
from labctl.cli.atstation import add_by, short_utc, station_client, tell
from labctl.cli.output import print_table, say

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.alarm import Alarm

HELP = "List alarms, acknowledge, shelve, disable them; show definitions and the week's figures."

PRIORITIES = ("critical", "high", "medium", "low")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "what asks for a person now"),
            ("ack", "say that you know of an alarm"),
            ("shelve", "put an alarm aside for some hours, at most 24"),
            ("unshelve", "bring a shelved alarm back"),
            ("disable", "take an alarm out of service"),
            ("enable", "put an alarm into service again"),
            ("definitions", "what may be raised: cause, consequence, what to do"),
            ("figures", "the week: how many, how fast acknowledged, the worst ten"),
        ),
    )
    for name in ("ack", "shelve", "unshelve", "disable", "enable"):
        verbs[name].add_argument("key", metavar="KEY", help="as 'labctl alarms list' shows it")
        needed = name in ("shelve", "disable")
        verbs[name].add_argument("--comment", default="", required=needed, metavar="TEXT")
        add_by(verbs[name])
    verbs["shelve"].add_argument("--hours", type=float, default=1.0, help="for how long (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args) as station:
        if args.what == "list":
            return _list(args, station.alarms.list())
        if args.what == "definitions":
            return _definitions(args, station)
        if args.what == "figures":
            figures = station.alarms.figures()
            return tell(args, figures, *_figure_lines(figures))
        alarm = _act(args, station)
    return tell(args, alarm, _done(args.what, alarm))


def _done(what: str, alarm: Alarm) -> str:
    """Return what an act has made of an alarm."""
    if alarm.definition == "trip" and what == "ack":
        way = f'labctl channel reset {alarm.channel} --confirm {alarm.channel} --reason "..."'
        return f"{alarm.key}: acknowledged. A channel that is latched stays so until: {way}"
    if alarm.state.value == "normal":
        return f"{alarm.key}: {'acknowledged' if what == 'ack' else 'normal'}; it has left the list"
    return f"{alarm.key}: {alarm.state.value}"


def _figure_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the week's figures as sentences; times in minutes."""
    aims, seen, now = figures["aims"], figures["acknowledged_after_s"], figures["now"]
    days = ", ".join(f"{day}: {count}" for day, count in figures["per_day"].items())
    yield f"new alarms per day: {days or 'none'}"
    yield f"worst ten minutes: {figures['peak_per_10_min']} (aim: at most {aims['peak_per_10_min']})"
    yield f"older than a day: {len(figures['stale'])} (aim: at most {aims['stale']})"
    for key in figures["stale"]:
        yield f"    {key}"
    if seen is None:
        yield "until somebody had seen them: nothing was acknowledged"
    else:
        median, longest = seen["median"] / 60, seen["longest"] / 60
        yield f"until somebody had seen them: median {median:.1f} min, longest {longest:.1f} min"
    for worst in figures["worst"]:
        yield f"    {worst['count']} x {worst['key']}"
    yield "now: " + ", ".join(f"{now[name]} {name}" for name in (*PRIORITIES, "unacknowledged"))


def _act(args: argparse.Namespace, station: Station) -> Alarm:
    alarms, key, comment = station.alarms, args.key, args.comment
    if args.what == "ack":
        return alarms.acknowledge(key, comment=comment)
    if args.what == "shelve":
        return alarms.shelve(key, args.hours, comment=comment)
    if args.what == "unshelve":
        return alarms.unshelve(key, comment=comment)
    if args.what == "disable":
        return alarms.disable(key, comment=comment)
    return alarms.enable(key, comment=comment)


def _list(args: argparse.Namespace, alarms: tuple[Alarm, ...]) -> int:
    if args.json:
        return tell(args, alarms)
    for alarm in alarms:
        advisory = " (advisory)" if alarm.advisory else ""
        say(
            f"{alarm.priority.value.upper():<9} {alarm.key}  {alarm.state.value}, "
            f"since {short_utc(alarm.since_utc)} UTC"
        )
        say(f"          {alarm.text}{advisory}")
        say(f"          what to do: {alarm.what_to_do}")
    if not alarms:
        say("No alarm.")
    return 0


def _definitions(args: argparse.Namespace, station: Station) -> int:
    found = station.alarms.definitions()
    if args.json:
        return tell(args, found)
    rows = [(at.id, at.priority.value, at.cause, at.what_to_do) for at in found]
    print_table("", ("definition", "priority", "cause", "what to do"), rows)
    return 0
