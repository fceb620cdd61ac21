"""Decides who is told of which alarm when (safety-and-faults section 8). Pure: told the time, it returns notices.

CRITICAL goes to the first person at once, HIGH when nobody has acknowledged after 5 minutes; 15 minutes after the
alarm the second person is told, and so on. An alarm that calls for somebody who is waited for goes to the first person
after a minute, and to nobody else. Quiet hours hold back all but CRITICAL. What is due together goes in one message;
while alarms come as a flood all but CRITICAL ones go as a digest every ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from labctl.config.notify import NotifySettings
from labctl.engine.machines.alarmterms import Change, Definition
from labctl.model.alarm import Alarm, AlarmPriority, AlarmState

FIRST_AFTER_S = {AlarmPriority.CRITICAL: 0.0, AlarmPriority.HIGH: 300.0}
CALL_AFTER_S = 60.0
"""Whoever stands at the bench has done by then what is asked for."""
ESCALATE_AFTER_S = 900.0
"""Between one person and the next."""
DIGEST_S = 600.0
"""Between two messages about a flood."""
RETRY_S = 60.0
RETRY_MAX_S = 900.0
"""After all paths to a person have failed; doubled each time."""
_UNSEEN = frozenset({AlarmState.UNACK, AlarmState.RTN_UNACK})
_STANDING = frozenset({AlarmState.UNACK, AlarmState.ACKED, AlarmState.RTN_UNACK})


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person (by number), about one alarm or several, most urgent first."""

    person: int
    alarms: tuple[Alarm, ...]
    escalated: bool = False
    digest: bool = False


@dataclass(slots=True)
class _Open:
    alarm: Alarm
    since_s: float
    told: set[int] = field(default_factory=set)  # persons, by number


class NoticePlan:
    """Knows every unseen alarm and who has been told of it."""

    def __init__(self, settings: NotifySettings, definitions: Mapping[str, Definition]) -> None:
        self._settings = settings
        self._definitions = definitions
        self._open: dict[str, _Open] = {}
        self._standing: dict[str, AlarmPriority] = {}
        self._flooded = False
        self._digest_s = 0.0
        self._blocked_s: dict[int, tuple[float, float]] = {}  # person: not before, pause

    @property
    def standing(self) -> dict[str, int]:
        """Return how many alarms stand, by priority."""
        counts: dict[str, int] = {}
        for priority in self._standing.values():
            counts[priority.value] = counts.get(priority.value, 0) + 1
        return counts

    def change(self, change: Change, now_s: float) -> None:
        """Take a change of an alarm."""
        alarm = change.alarm
        self._flooded = change.flooded
        self._stand(alarm)
        known = self._open.get(alarm.key)
        if alarm.state not in _UNSEEN or not self._concerns(alarm):
            self._open.pop(alarm.key, None)
        elif alarm.state is AlarmState.RTN_UNACK and alarm.priority is not AlarmPriority.CRITICAL:
            self._open.pop(alarm.key, None)  # over before anybody was called: it is in the list
        elif known is None or (change.announce and alarm.priority is not known.alarm.priority):
            self._open[alarm.key] = _Open(alarm, now_s)
        else:
            known.alarm = alarm

    def resume(self, alarm: Alarm, told: int, age_s: float, now_s: float) -> None:
        """Take an alarm that stood before a restart."""
        self._stand(alarm)
        critical = alarm.priority is AlarmPriority.CRITICAL
        unseen = alarm.state is AlarmState.UNACK or (critical and alarm.state is AlarmState.RTN_UNACK)
        if unseen and self._concerns(alarm):
            self._open[alarm.key] = _Open(alarm, now_s - age_s, set(range(told)))

    def _stand(self, alarm: Alarm) -> None:
        if alarm.state in _STANDING:
            self._standing[alarm.key] = alarm.priority
        else:
            self._standing.pop(alarm.key, None)

    def _concerns(self, alarm: Alarm) -> bool:
        known = self._definitions.get(alarm.definition)
        if known is None:
            return alarm.priority in FIRST_AFTER_S
        return known.calls or (alarm.priority in FIRST_AFTER_S and known.notify)

    def _calls_only(self, alarm: Alarm) -> bool:
        """Tell whether an alarm calls one person and is not urgent enough for the next."""
        known = self._definitions.get(alarm.definition)
        return known is not None and known.calls and alarm.priority not in FIRST_AFTER_S

    def _due(self, item: _Open, now_s: float, utc: datetime) -> Iterator[tuple[int, float]]:
        """Give each person who is still to be told of an alarm, and when."""
        critical = item.alarm.priority is AlarmPriority.CRITICAL
        unreachable = False
        people = len(self._settings.people)
        for person in range(min(people, 1) if self._calls_only(item.alarm) else people):
            if person in item.told:
                continue
            first_s = FIRST_AFTER_S.get(item.alarm.priority, CALL_AFTER_S)
            after_s = first_s if person == 0 else ESCALATE_AFTER_S * person
            blocked_s = self._blocked_s.get(person, (0.0, 0.0))[0]
            due_s = max(item.since_s + (0.0 if critical and unreachable else after_s), blocked_s)
            unreachable = unreachable or blocked_s > 0.0
            if not critical:
                due_s = max(due_s, self._digest_s) if self._flooded else due_s
                if due_s <= now_s:
                    due_s = now_s + self._settings.quiet_left_s(utc)
            yield person, due_s

    def next_s(self, now_s: float, utc: datetime) -> float | None:
        """Return when ``due`` has something to say, None for never."""
        moments = (due_s for item in self._open.values() for _, due_s in self._due(item, now_s, utc))
        return min(moments, default=None)

    def due(self, now_s: float, utc: datetime) -> list[Notice]:
        """Return the messages to send now, one per person; ``sent`` or ``failed`` says what became of each."""
        found: dict[int, list[Alarm]] = {}
        for item in self._open.values():
            for person, due_s in self._due(item, now_s, utc):
                if due_s <= now_s:
                    found.setdefault(person, []).append(item.alarm)
        order = list(AlarmPriority)
        return [
            Notice(
                person,
                tuple(
                    sorted(
                        alarms, key=lambda alarm: (-order.index(alarm.priority), alarm.since_utc, alarm.key)
                    )
                ),
                escalated=person > 0,
                digest=self._flooded,
            )
            for person, alarms in sorted(found.items())
        ]

    def sent(self, notice: Notice, now_s: float) -> dict[str, int]:
        """Note that a person has been told; return how many persons now know of each alarm."""
        self._blocked_s.pop(notice.person, None)
        if notice.digest:
            self._digest_s = now_s + DIGEST_S
        told: dict[str, int] = {}
        for alarm in notice.alarms:
            item = self._open.get(alarm.key)
            if item is not None:
                item.told.add(notice.person)
                told[alarm.key] = len(item.told)
        return told

    def failed(self, notice: Notice, now_s: float) -> None:
        """Note that a person could not be reached: CRITICAL goes to the next one at once, all are tried again."""
        pause_s = self._blocked_s.get(notice.person, (0.0, RETRY_S / 2))[1] * 2
        pause_s = min(pause_s, RETRY_MAX_S)
        self._blocked_s[notice.person] = (now_s + pause_s, pause_s)
