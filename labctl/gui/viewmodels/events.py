"""What happened: the newest events with their segments and search, the time line above them, the hand-over (R11)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
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
PAST_ACTS = 500
"""Acts of the journal that are shown though they happened before this window was opened."""
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
    channel: str = ""
    cell: str = ""
    priority: str = ""


def event_rows(
    lab: Lab,
    kind: Kind = Kind.ALL,
    search: str = "",
    *,
    channel: str = "",
    run_id: str = "",
    limit: int = 500,
    hours: float = 0.0,
    past: Sequence[Event] = (),
) -> tuple[EventRow, ...]:
    """Return the newest events first: of a segment, with these words, of one channel or run, of the last hours.

    ``past`` are older ones than the window has heard (``EventLog``), newest first; ``hours`` 0 = all.
    """
    labels = cabinet(lab.channels)
    found: list[EventRow] = []
    for event in (*reversed(lab.events), *past):
        if not _wanted(event, kind, lab.me.name) or (run_id and event.run_id != run_id):
            continue
        if channel and event.channel != channel:
            continue
        if hours and not _ago(lab, event) <= timedelta(hours=hours):
            continue
        where = f"{labels.label(event.channel) if event.channel else ''} {event.cell}".strip()
        if not matches(search, (event.text, where, event.kind, event.by)):
            continue
        shown = moment(utc_of(event.utc), _now(lab, event), seconds=True)
        if event.kind == "act" and lab.station is not None and lab.station.virtual:
            shown = tr("events", "{when} wall").format(when=shown)
        found.append(
            EventRow(
                event.number,
                shown,
                event.kind,
                where,
                event.text,
                event.by,
                event.run_id,
                event.utc,
                event.channel,
                event.cell,
                event.priority,
            )
        )
        if len(found) >= limit:
            break
    return tuple(found)


def is_news(event: Event) -> bool:
    """Tell whether an event is news for people: it says something, and when. Others only wake a part of the window."""
    return bool(event.text) and utc_of(event.utc) is not None


def _wanted(event: Event, kind: Kind, me: str) -> bool:
    if not is_news(event):
        return False
    match kind:
        case Kind.MINE:
            return bool(me) and event.by == me
        case Kind.COMMANDS:
            return event.kind == "act" or bool(event.by)
        case Kind.FAULTS:
            return event.priority in _FAULTS
    return True


def _now(lab: Lab, event: Event) -> datetime:
    """Return now in the time that the event tells: acts of people are told in the wall's, the rest in the bench's."""
    return lab.utc if event.kind == "act" else lab.plant_utc


def _ago(lab: Lab, event: Event) -> timedelta:
    when = utc_of(event.utc)
    return timedelta.max if when is None else _now(lab, event) - when


def event_bars(lab: Lab, bars: int = 72, hours: float = 24.0, past: Iterable[Event] = ()) -> tuple[int, ...]:
    """Return how many events fell into each part of the last hours, oldest first: the time line above the list."""
    counts = [0] * bars
    for event in (*lab.events, *past):
        if utc_of(event.utc) is None:
            continue
        ago_h = _ago(lab, event).total_seconds() / 3600.0
        if 0.0 <= ago_h < hours:
            counts[bars - 1 - int(ago_h / hours * bars)] += 1
    return tuple(counts)


def events_csv(rows: Iterable[EventRow]) -> str:
    """Return events as CSV with a head, oldest first; times as the station told them, UTC."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["utc", "kind", "channel", "cell", "what", "by", "run"])
    for row in reversed(tuple(rows)):
        fields = (row.utc, row.kind, row.channel, row.cell, row.what, row.by, row.run_id)
        writer.writerow([f"'{text}" if text[:1] in "=@+-" and text else text for text in fields])
    return out.getvalue()


class EventLog:
    """What happened before this window was opened: the newest acts of the journal, asked for once (and on demand)."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab = lab
        self._asks = asks
        self._entries: tuple[Any, ...] = ()
        self._asked = False
        self._watchers: list[Callable[[], None]] = []
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when older events have come."""
        self._watchers.append(observer)

    def want(self) -> None:
        """Ask for the journal where that has not been done."""
        if self._lab.link.live and not self._asked:
            self._asked = True
            self._asks.ask("audit.page", 0, PAST_ACTS, newest=True, then=self._take, failed=self._failed)

    def _take(self, page: Any) -> None:
        self._entries, self.trouble = tuple(page.entries), None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self._asked, self.trouble = False, trouble
        self._tell()

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def past(self) -> tuple[Event, ...]:
        """Return the acts that the window has not heard itself, newest first."""
        heard = {(event.utc, event.by) for event in self._lab.events if event.kind == "act"}
        found = []
        for entry in reversed(self._entries):
            if (entry.utc, entry.who) not in heard:
                text = " ".join(part for part in (entry.act, entry.subject, entry.reason) if part)
                channel = entry.subject if entry.subject in self._lab.channels else ""
                found.append(Event(-entry.number, "act", entry.utc, text, channel=channel, by=entry.who))
        return tuple(found)


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
