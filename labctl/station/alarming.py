"""The station's alarms: reports and persons' acts go through the alarm machine, to clients, disk and notifier.

Reporting is synchronous and cheap, so that an alarm never waits for a disk: it is shown at once and written by
``serve``. What a person does is durable in the alarm ledger and in the audit journal before the call returns. The
ledger holds each alarm as it stood after each change; after a restart the last line of each counts (I16).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from labctl.clock import Clock
from labctl.engine.machines.alarms import OTHER, AlarmMachine, key_of
from labctl.engine.machines.alarmterms import Change, Definition, Moment, Signal
from labctl.engine.machines.findings import Finding, Priority
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station.alarmfigures import AlarmFigures
from labctl.station.alarmtable import ALARM_ENDS, ALARMING_EVENTS, BY_FINDING, DEFINITIONS, RESET_BY_PERSON
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger

SEEN_KEPT = 1000
"""Alarms that are over of which it is known who saw them."""
COMPACT_BYTES = 5_000_000
"""A ledger larger than this begins anew with one snapshot line; the old file is kept aside."""
LINES_MAX = 5_000
"""Lines that wait for a disk; beyond, only the last of each alarm is kept."""
RETRY_S = 5.0
"""Pause before lines that the disk refused are written again (link time)."""

_log = logging.getLogger(__name__)


class Journal(Protocol):
    """The part of the audit journal that acts on alarms need."""

    async def write(
        self, actor: Actor, act: str, subject: str = "", *, old: Any = None, new: Any = None, reason: str = ""
    ) -> object: ...


class Told(Protocol):
    """Whoever carries alarms to people that look at no screen."""

    def change(self, change: Change) -> None: ...
    def resume(self, alarms: tuple[Alarm, ...], told: Mapping[str, int]) -> None: ...
    def report_to(self, told: Callable[[str, int], None], trouble: Callable[[str, str], None]) -> None: ...


class AlarmKeeper:
    """Keeps every alarm of the station. Used on the event loop only."""

    def __init__(
        self,
        ledger: Ledger,
        feed: Feed,
        audit: Journal,
        clock: Clock,
        notifier: Told | None = None,
        *,
        chambers: Mapping[str, str] | None = None,
        definitions: Mapping[str, Definition] = DEFINITIONS,
    ) -> None:
        """``chambers`` names the chamber of each channel that stands in one."""
        self._ledger = ledger
        self._feed = feed
        self._audit = audit
        self._clock = clock
        self._notifier: Told | None = None
        self._chambers = dict(chambers or {})
        self._machine = AlarmMachine(definitions, self._parents)
        self._figures = AlarmFigures()
        self._lines: list[dict[str, Any]] = []
        self._told: dict[str, int] = {}
        self._last_seen_by: dict[str, str] = {}
        """Who acknowledged an alarm that was over by then: it has left the list, and another may still have it."""
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        if notifier is not None:
            self.set_notifier(notifier)

    def set_notifier(self, notifier: Told) -> None:
        """Name who carries alarms to people; before ``open``."""
        self._notifier = notifier
        notifier.report_to(self.told, self._unreachable)

    # -- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the ledger and put every alarm back. Raises: StoreError."""
        content = await self._ledger.open()
        last: dict[str, dict[str, Any]] = {}
        for line in content.lines:
            self._fold(line.fields, last)
        moment = self._moment()
        for kept in last.values():
            self._restore(kept, moment)
        self._machine.number = max(self._machine.number, content.lines[-1].number if content.lines else 0)
        if self._ledger.size_bytes > COMPACT_BYTES:
            await self._ledger.compact(self._snapshot())
        if content.bad:
            text = f"{len(content.bad)} damaged lines in {self._ledger.path.name}"
            self.raise_alarm("store.damaged", "alarms", text=text)
        for alarm in self._machine.alarms():
            self._publish(alarm)
        if self._notifier is not None:
            self._notifier.resume(self._machine.alarms(), self._told)
        self._publish_summary()

    def _fold(self, line: Mapping[str, Any], last: dict[str, dict[str, Any]]) -> None:
        kind = line.get("kind")
        if kind == "snapshot":
            last.clear()
            self._figures.restore(line.get("figures", {}))
            self._told = {str(key): int(stage) for key, stage in line.get("told", {}).items()}
            for kept in line.get("alarms", ()):
                last[kept["alarm"]["key"]] = kept
        elif kind == "told":
            self._told[str(line["key"])] = int(line["stage"])
        elif kind == "alarm":
            key = str(line["alarm"]["key"])
            last[key] = dict(line)
            if line["alarm"]["state"] == AlarmState.NORMAL.value:
                self._told.pop(key, None)
            alarm = _alarm(line["alarm"])
            self._figures.note(
                Change(str(line["what"]), alarm.state, alarm, False, False, bool(line.get("announce")))
            )

    def _restore(self, kept: Mapping[str, Any], moment: Moment) -> None:
        alarm = _alarm(kept["alarm"])
        self._machine.number = max(self._machine.number, alarm.version)
        if alarm.state is AlarmState.NORMAL:
            return
        left_s = None
        if alarm.until_utc:
            left = datetime.fromisoformat(alarm.until_utc) - datetime.fromisoformat(moment.utc)
            left_s = left.total_seconds()
        self._machine.restore(alarm, bool(kept["active"]), bool(kept["acked"]), left_s, moment.now_s)

    def _snapshot(self) -> dict[str, Any]:
        alarms = [
            {"alarm": to_plain(alarm), "active": active, "acked": acked}
            for alarm, active, acked in self._machine.kept()
        ]
        return {"kind": "snapshot", "alarms": alarms, "figures": self._figures.keep(), "told": self._told}

    async def serve(self) -> None:
        """Do what time makes due and write what has changed; for ever."""
        while True:
            due_s = self._machine.next_s()
            timeout_s = None if due_s is None else max(0.0, due_s - self._clock.link.now_s())
            try:
                async with self._clock.link.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                self._apply(self._machine.tick(self._moment()))
            self._wake.clear()
            self._publish_summary()
            try:
                await self.flush()
            except StoreError as error:
                _log.error("alarms wait for the disk error=%s", error)
                self.raise_alarm("store.ledger", "alarms", text=str(error))
                await self._clock.link.sleep(RETRY_S)
                self._wake.set()

    async def flush(self) -> None:
        """Make everything durable that has changed. Raises: StoreError; the lines are kept for the next try."""
        async with self._writing:
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                await self._ledger.add(*lines)
            except StoreError:
                lines += self._lines
                if len(lines) > LINES_MAX:
                    lines = list({_about(line): line for line in lines}.values())
                self._lines = lines
                raise
            self.clear("store.ledger", "alarms")

    # -- reports ----------------------------------------------------------------------------------------------------

    def raise_alarm(
        self,
        definition: str,
        subject: str,
        *,
        text: str = "",
        text_zh: str = "",
        what_to_do: str = "",
        channel: str = "",
        cell: str = "",
        run_id: str = "",
        priority: AlarmPriority | None = None,
    ) -> None:
        """Report that something is so. Saying it again is no news; unknown definitions are alarms all the same."""
        definition = BY_FINDING.get(definition, definition)
        signal = Signal(subject, text, text_zh, what_to_do, channel, cell, run_id, priority)
        self._apply(self._machine.report(definition, signal, self._moment()))
        self._wake.set()  # a delay may have begun

    def clear(self, definition: str, subject: str) -> None:
        """Report that something is over; clearing what was never raised is no news."""
        definition = BY_FINDING.get(definition, definition)
        if key_of(definition, subject) not in self._machine:
            return
        self._apply(self._machine.clear(definition, subject, self._moment()))
        self._wake.set()

    def run_over(self, run_id: str) -> None:
        """Report the end of a run: its warnings are over, its trips and holds are not."""
        self._apply(self._machine.run_over(run_id, self._moment()))
        self._wake.set()

    def only_runs(self, going_on: Collection[str]) -> None:
        """Report which runs go on after a restart: the warnings of all others are over."""
        for run_id in {alarm.run_id for alarm in self._machine.alarms()} - {"", *going_on}:
            self.run_over(run_id)

    def channel_reset(self, channel: str) -> None:
        """Report that a person has looked at a channel and reset it: what held it is over."""
        for definition in RESET_BY_PERSON:
            self.clear(definition, channel)

    def finding(self, run_id: str, channel: str, cell: str, finding: Finding) -> None:
        """Take what the engine has found; kinds that no table knows become alarms of their priority."""
        for ended in ALARM_ENDS.get(finding.kind, ()):
            self.clear(ended, self._subject(ended, channel, finding.about))
        if finding.priority is Priority.EVENT and finding.kind not in ALARMING_EVENTS:
            return
        definition = BY_FINDING.get(finding.kind, finding.kind)
        subject = self._subject(definition, channel, finding.about)
        own, known = subject.startswith(channel), definition in self._machine.definitions
        self.raise_alarm(
            definition,
            subject,
            text=finding.text,
            what_to_do=finding.what_to_do,
            channel=channel if own else "",
            cell=cell if own else "",
            run_id=run_id,
            priority=None if known else AlarmPriority(finding.priority.value),
        )

    def _subject(self, definition: str, channel: str, about: str) -> str:
        """Return what an alarm is about: the channel, or the instrument or chamber that many channels share."""
        known = self._machine.definitions.get(definition, self._machine.definitions[OTHER])
        if known.group == "instrument":
            return channel.partition(":")[0]
        if known.group == "chamber":
            return self._chambers.get(channel, channel)
        if known.group in ("station", "store"):
            return known.group  # one disk, one computer: as many runs as may suffer, one alarm
        return f"{channel}/{about}" if about else channel

    def _parents(self, subject: str, channel: str) -> tuple[str, ...]:
        place = channel or subject
        found = [place.partition(":")[0]]
        if place in self._chambers:
            found.append(self._chambers[place])
        return tuple(found)

    # -- acts of persons --------------------------------------------------------------------------------------------

    async def acknowledge(
        self, actor: Actor, key: str, comment: str = "", *, version: int | None = None
    ) -> Alarm | None:
        """Note that a person has seen an alarm; returns it as it then stands, None where it is over and done.

        Raises: UserInputError, ConflictError (somebody was faster), StoreError.
        """
        self.check_not_over(key)
        found = await self._act(
            actor, "alarm.acknowledge", key, comment,
            lambda moment: self._machine.acknowledge(key, actor.name, moment, comment=comment, version=version),
        )  # fmt: skip
        if found is None:
            self._last_seen_by[key] = actor.name
            while len(self._last_seen_by) > SEEN_KEPT:
                del self._last_seen_by[next(iter(self._last_seen_by))]
        return found

    def check_not_over(self, key: str) -> None:
        """Name who has acknowledged an alarm that has left the list since. Raises: ConflictError."""
        faster = self._last_seen_by.get(key)
        if faster is not None and self._machine.alarm(key) is None:
            raise ConflictError(f"{faster} has acknowledged {key} already; it is over.")

    async def shelve(
        self, actor: Actor, key: str, reason: str, hours: float = 8.0, *, version: int | None = None
    ) -> Alarm | None:
        """Hide an alarm for up to 24 hours. Raises: UserInputError, ConflictError, StoreError."""
        if not 0 < hours <= 24:
            raise UserInputError(f"An alarm can be shelved for up to 24 hours, not for {hours:g}.")
        until_utc = (self._clock.link.utc() + timedelta(hours=hours)).isoformat()
        return await self._act(
            actor, "alarm.shelve", key, reason,
            lambda moment: self._machine.shelve(
                key, actor.name, reason, hours * 3600.0, until_utc, moment, version=version
            ),
        )  # fmt: skip

    async def unshelve(
        self, actor: Actor, key: str, comment: str = "", *, version: int | None = None
    ) -> Alarm | None:
        """Show a shelved alarm again. Raises: UserInputError, ConflictError, StoreError."""
        return await self._act(
            actor, "alarm.unshelve", key, comment,
            lambda moment: self._machine.unshelve(key, actor.name, moment, version=version),
        )  # fmt: skip

    async def disable(
        self, actor: Actor, key: str, reason: str, *, version: int | None = None
    ) -> Alarm | None:
        """Take an alarm out of service under a person's name. Raises: UserInputError, ConflictError, StoreError."""
        return await self._act(
            actor, "alarm.disable", key, reason,
            lambda moment: self._machine.disable(key, actor.name, reason, moment, version=version),
        )  # fmt: skip

    async def enable(
        self, actor: Actor, key: str, comment: str = "", *, version: int | None = None
    ) -> Alarm | None:
        """Put a disabled alarm back into service. Raises: UserInputError, ConflictError, StoreError."""
        return await self._act(
            actor, "alarm.enable", key, comment,
            lambda moment: self._machine.enable(key, actor.name, moment, version=version),
        )  # fmt: skip

    async def _act(
        self, actor: Actor, act: str, key: str, reason: str, do: Callable[[Moment], list[Change]]
    ) -> Alarm | None:
        """Do it, then write it down in both files; a disk that refuses undoes it: nobody believes it then."""
        before, held = self._machine.alarm(key), self._machine.hold(key)
        changes = do(self._moment())
        self._apply(changes)
        after = self._machine.alarm(key)
        old = AlarmState.NORMAL if before is None else before.state
        new = AlarmState.NORMAL if after is None else after.state
        try:
            await self.flush()
            await self._audit.write(actor, act, key, old=old, new=new, reason=reason)
        except StoreError:
            self._apply(self._machine.undo(key, held, changes[0].alarm.version, self._moment()))
            raise
        return after

    # -- what others ask --------------------------------------------------------------------------------------------

    def alarms(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not NORMAL, most urgent first."""
        return self._machine.alarms()

    def alarm(self, key: str) -> Alarm:
        """Return one alarm. Raises: UserInputError."""
        found = self._machine.alarm(key)
        if found is None:
            raise UserInputError(f"There is no alarm {key}; see the list of alarms.")
        return found

    def stands(self, definition: str, subject: str) -> bool:
        """Tell whether an alarm is there, hidden or not."""
        return self._machine.alarm(key_of(definition, subject)) is not None

    def definitions(self) -> tuple[Definition, ...]:
        """Return every kind of alarm that the station knows."""
        return tuple(self._machine.definitions.values())

    def figures(self) -> dict[str, Any]:
        """Return the figures of the last seven days and how many alarms stand in which state."""
        moment = self._moment()
        return {**self._figures.report(self._machine.alarms(), moment.utc), "now": self._summary()}

    # -- inside -----------------------------------------------------------------------------------------------------

    def _unreachable(self, person: str, text: str) -> None:
        if text:
            self.raise_alarm("notify.failed", person, text=text)
        else:
            self.clear("notify.failed", person)

    def told(self, key: str, stage: int) -> None:
        """Keep that people have been told of an alarm, so that a restart does not tell them again."""
        self._told[key] = stage
        self._lines.append({"kind": "told", "key": key, "stage": stage, "utc": self._moment().utc})
        self._wake.set()

    def known_told(self) -> Mapping[str, int]:
        """Return how many people know of each alarm."""
        return self._told

    def _moment(self) -> Moment:
        link = self._clock.link
        return Moment(link.now_s(), link.utc().isoformat(timespec="milliseconds"))

    def _apply(self, changes: list[Change]) -> None:
        for change in changes:
            alarm = change.alarm
            self._lines.append(
                {
                    "kind": "alarm", "what": change.what, "by": change.by, "announce": change.announce,
                    "alarm": to_plain(alarm), "active": change.active, "acked": change.acked,
                }
            )  # fmt: skip
            self._figures.note(change)
            if alarm.state is AlarmState.NORMAL:
                self._told.pop(alarm.key, None)
            self._publish(alarm)
            if self._notifier is not None:
                self._notifier.change(change)
            _log.info(
                "alarm=%s what=%r state=%r priority=%s", alarm.key, change.what, alarm.state, alarm.priority
            )
        if changes:
            self._wake.set()

    def _summary(self) -> dict[str, Any]:
        counts = dict.fromkeys((priority.value for priority in reversed(AlarmPriority)), 0)
        standing = (AlarmState.UNACK, AlarmState.ACKED, AlarmState.RTN_UNACK)
        alarms = [alarm for alarm in self._machine.alarms() if alarm.state in standing]
        for alarm in alarms:
            counts[alarm.priority.value] += 1
        unseen = sum(1 for alarm in alarms if alarm.state is not AlarmState.ACKED)
        flood = self._machine.flooded(self._clock.link.now_s())
        return {**counts, "unacknowledged": unseen, "unlisted": self._machine.unlisted, "flood": flood}

    def _publish_summary(self) -> None:
        """Publish how many alarms stand, for counters and for the warning that there are too many at once."""
        self._feed.publish("station", "alarms", self._summary())

    def _publish(self, alarm: Alarm) -> None:
        gone = alarm.state is AlarmState.NORMAL
        self._feed.publish("alarm", alarm.key, None if gone else to_plain(alarm))


def _about(line: Mapping[str, Any]) -> tuple[str, str]:
    return str(line["kind"]), str(line.get("key") or line["alarm"]["key"])


def _alarm(plain: Mapping[str, Any]) -> Alarm:
    """Return a kept alarm; fields of a newer labctl are left out."""
    known = {field.name for field in fields(Alarm)}
    values = {name: value for name, value in plain.items() if name in known}
    values["key"] = AlarmKey(values["key"])
    values["state"] = AlarmState(values["state"])
    values["priority"] = AlarmPriority(values["priority"])
    return Alarm(**values)
