"""What happened: the newest events with their segments and search, the time line above them, the hand-over (R11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.alarms import AlarmList
from labctl.gui.viewmodels.filters import matches
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.text import moment
from labctl.gui.viewmodels.typing_in import Event
from labctl.gui.viewmodels.words import mark, tr


class Kind(StrEnum):
    """The segments of the event list."""

    ALL = "all"
    MINE = "mine"
    COMMANDS = "commands"
    FAULTS = "faults"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.ALL: mark("events", "all"), Kind.MINE: mark("events", "mine"), Kind.COMMANDS: mark("events", "commands"),
    Kind.FAULTS: mark("events", "faults"),
}  # fmt: skip
_FAULTS = frozenset({"low", "medium", "high", "critical", "fault"})


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event, ready to be painted."""

    number: int
    time: str
    kind: str
    where: str
    what: str
    by: str
    run_id: str
    utc: str


def event_rows(
    lab: Lab,
    kind: Kind = Kind.ALL,
    search: str = "",
    *,
    channel: str = "",
    run_id: str = "",
    limit: int = 500,
) -> tuple[EventRow, ...]:
    """Return the newest events first: of a segment, with these words, of one channel or run."""
    labels = cabinet(lab.channels)
    found = []
    for event in reversed(lab.events):
        if not _wanted(event, kind, lab.me.name) or (run_id and event.run_id != run_id):
            continue
        if channel and event.channel != channel:
            continue
        where = f"{labels.label(event.channel) if event.channel else ''} {event.cell}".strip()
        if not matches(search, (event.text, where, event.kind, event.by)):
            continue
        shown = moment(utc_of(event.utc), lab.utc, seconds=True)
        found.append(
            EventRow(event.number, shown, event.kind, where, event.text, event.by, event.run_id, event.utc)
        )
        if len(found) >= limit:
            break
    return tuple(found)


def _wanted(event: Event, kind: Kind, me: str) -> bool:
    match kind:
        case Kind.MINE:
            return bool(me) and event.by == me
        case Kind.COMMANDS:
            return event.kind == "act" or bool(event.by)
        case Kind.FAULTS:
            return event.priority in _FAULTS
    return True


def event_bars(lab: Lab, bars: int = 72, hours: float = 24.0) -> tuple[int, ...]:
    """Return how many events fell into each part of the last hours, oldest first: the time line above the list."""
    counts = [0] * bars
    now = lab.utc
    for event in lab.events:
        when = utc_of(event.utc)
        if when is None:
            continue
        ago_h = (now - when).total_seconds() / 3600.0
        if 0.0 <= ago_h < hours:
            counts[bars - 1 - int(ago_h / hours * bars)] += 1
    return tuple(counts)


def hand_over(lab: Lab, alarms: AlarmList) -> str:
    """Return the shift's hand-over as plain text: what stands, what runs, what was done."""
    running = sum(1 for status in lab.channels.values() if status.run_id)
    lines = [tr("events", "Hand-over {when}: {n} running, {a} alarms open").format(
        when=moment(lab.utc, lab.utc), n=running, a=sum(alarms.counts().values()))]  # fmt: skip
    for group in alarms.groups():
        lines.append(f"{group.title} {len(group.rows)}")
        lines += [
            f"  {row.mark.number} {row.told} {row.where} {row.cell} {row.what} → {row.what_to_do}"
            for row in group.rows
        ]
    acts = event_rows(lab, Kind.COMMANDS, limit=30)
    if acts:
        lines.append(tr("events", "Acts"))
        lines += [f"  {row.time} {row.by} {row.what}" for row in acts]
    return "\n".join(lines) + "\n"
