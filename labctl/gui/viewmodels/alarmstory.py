"""What is known of one alarm: the message that goes to a phone at night, and who did what about it (U12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.text import moment
from labctl.gui.viewmodels.words import ALARM_STATE_WORDS, mark, tr
from labctl.model.alarm import Alarm, AlarmPriority, AlarmState

TEXT_MAX = 300
"""Characters of an alarm's text in a message, as the station cuts it."""
JOURNAL_ROWS = 1000
ACT_WORDS = {
    "alarm.acknowledge": mark("alarms", "acknowledged"), "alarm.shelve": mark("alarms", "shelved"),
    "alarm.unshelve": mark("alarms", "brought back"), "alarm.disable": mark("alarms", "taken out of service"),
    "alarm.enable": mark("alarms", "put into service"), "channel.reset": mark("alarms", "channel reset"),
}  # fmt: skip
CALLED = (AlarmPriority.CRITICAL, AlarmPriority.HIGH)
"""Priorities for which people are called."""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of an alarm's history."""

    when: str
    what: str
    who: str
    comment: str = ""
    utc: str = ""


def night_text(alarm: Alarm, station: str, *, chinese: bool = False, zone: tzinfo | None = None) -> str:
    """Return the message as the station sends it: station, channel, cell, what, since, what to do; no more."""
    place = " ".join(part for part in (station, alarm.channel or alarm.subject, alarm.cell) if part)
    since = utc_of(alarm.since_utc)
    told = "" if since is None else _local(since, zone)
    what = alarm.text_zh if chinese and alarm.text_zh else alarm.text
    to_do = alarm.what_to_do_zh if chinese and alarm.what_to_do_zh else alarm.what_to_do
    words = ("始于", "处理") if chinese else ("since", "What to do")
    count = f" (x{alarm.count})" if alarm.count > 1 else ""
    lines = (
        f"{alarm.priority.upper()} {place}",
        what[:TEXT_MAX],
        f"{words[0]} {told}{count}",
        f"{words[1]}: {to_do}",
    )
    return "\n".join(lines)


def _local(when: datetime, zone: tzinfo | None) -> str:
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M")


class AlarmStory:
    """History and message of the alarm that is looked at. The journal is asked for when an alarm is chosen."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab = lab
        self._asks = asks
        self._watchers: list[Callable[[], None]] = []
        self._entries: tuple[Any, ...] = ()
        self._people: tuple[str, ...] | None = None
        self.trouble: Trouble | None = None
        self.key = ""

    def watch(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when an answer has come."""
        self._watchers.append(observer)

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def show(self, key: str) -> None:
        """Look at an alarm; asks for the journal, and once for who is called."""
        if key != self.key:
            self.key = key
            if key:
                self.refresh()

    def refresh(self) -> None:
        """Ask anew: somebody may have acted."""
        self._asks.ask(
            "audit.page", 0, JOURNAL_ROWS, newest=True, then=self._take_journal, failed=self._failed
        )
        if self._people is None:
            self._asks.ask("notify.status", then=self._take_people, failed=self._failed)

    def _take_journal(self, page: Any) -> None:
        self._entries, self.trouble = tuple(page.entries), None
        self._tell()

    def _take_people(self, told: Mapping[str, Any]) -> None:
        self._people = tuple(str(person.get("name", "")) for person in told.get("people") or ())
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    @property
    def alarm(self) -> Alarm | None:
        """Return the alarm as it stands; None where it is over."""
        return self._lab.alarms.get(self.key)

    def called(self) -> str:
        """Return who is called at night, in words; empty before the station has told."""
        if self._people is None:
            return ""
        if not self._people:
            return tr("alarms", "night phone: nobody")
        return tr("alarms", "night phone: {names}").format(names=", ".join(self._people))

    def message(self, *, chinese: bool = False) -> tuple[str, str]:
        """Return the message to a phone and a sentence on whether it is sent."""
        alarm = self.alarm
        if alarm is None:
            return "", tr("alarms", "Choose an alarm.")
        station = self._lab.station.name if self._lab.station else ""
        text = night_text(alarm, station, chinese=chinese)
        if alarm.priority not in CALLED:
            return text, tr("alarms", "Not sent: people are called for critical and high alarms only.")
        if self._people is None:
            return text, ""
        if not self._people:
            return text, tr("alarms", "Sent to nobody: the station file names no one under notify.")
        first = self._people[0]
        if alarm.priority is AlarmPriority.CRITICAL:
            return text, tr("alarms", "Sent to {name} at once, to the next person after 15 min.").format(
                name=first
            )
        return text, tr("alarms", "Sent to {name} after 5 min, unless somebody acknowledges it.").format(
            name=first
        )

    def history(self) -> tuple[StoryLine, ...]:
        """Return what happened with the alarm, newest first."""
        alarm = self.alarm
        if alarm is None:
            return ()
        now = self._lab.utc
        lines = []
        for entry in self._entries:
            if entry.subject == self.key or (alarm.channel and entry.subject == alarm.channel
                                             and entry.act == "channel.reset"):  # fmt: skip
                word = tr("alarms", ACT_WORDS[entry.act]) if entry.act in ACT_WORDS else entry.act
                told = moment(utc_of(entry.utc), now, seconds=True)
                lines.append(StoryLine(told, word, entry.who, entry.reason, entry.utc))
        since = tr("alarms", "raised")
        if alarm.count > 1:
            since = tr("alarms", "raised, {n} times in all").format(n=alarm.count)
        lines.append(StoryLine(moment(utc_of(alarm.since_utc), now, seconds=True), since,
                               tr("alarms", "station"), alarm.text, alarm.since_utc))  # fmt: skip
        if alarm.state in (AlarmState.RTN_UNACK, AlarmState.NORMAL):
            told = moment(utc_of(alarm.changed_utc), now, seconds=True)
            cleared = tr("alarms", "cleared by itself")
            lines.append(StoryLine(told, cleared, tr("alarms", "station"), "", alarm.changed_utc))
        return tuple(sorted(lines, key=lambda line: line.utc, reverse=True))

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return name and value of what stands in the alarm and in no column of the list."""
        alarm = self.alarm
        if alarm is None:
            return ()
        now = self._lab.utc
        found = [(tr("alarms", "state"), ALARM_STATE_WORDS[alarm.state])]
        if alarm.consequence:
            found.append((tr("alarms", "if nobody acts"), alarm.consequence))
        if alarm.acknowledged_by:
            found.append((tr("alarms", "acknowledged by"), alarm.acknowledged_by))
        if alarm.comment:
            found.append((tr("alarms", "comment"), alarm.comment))
        if alarm.until_utc:
            found.append((tr("alarms", "shelved until"), moment(utc_of(alarm.until_utc), now)))
        if alarm.latched:
            found.append((tr("alarms", "latched"), tr("alarms", "stays until a person has seen to it")))
        if alarm.chattering:
            found.append((tr("alarms", "chattering"), tr("alarms", "comes and goes; shown once")))
        if alarm.run_id:
            found.append((tr("alarms", "run"), alarm.run_id))
        found.append((tr("alarms", "kind"), alarm.definition))
        return tuple(found)
