"""The life of alarms (safety-and-faults section 8): what was reported and done goes in, changes come out.

An alarm is *active* while its condition lasts, and *acknowledged* once a named person has seen it. Its state follows
from these two and from what hides it: shelved by a person, suppressed by a root alarm of its link or device, disabled.
Nothing hides a CRITICAL alarm. The machine is told the time (seconds of link time, with its UTC) and never acts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace

from labctl.engine.machines.alarmterms import (
    CHATTER_COUNT,
    CHATTER_S,
    COUNT_WINDOW_S,
    TRANSITIONS,
    Change,
    Definition,
    Entry,
    Moment,
    Signal,
    Until,
)
from labctl.errors import ConflictError, InvariantError, UserInputError
from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState

SHELVE_MAX_S = 86_400.0
"""Nobody forgets an alarm for longer than a day."""
FLOOD_COUNT = 10
FLOOD_S = 600.0
"""More than 10 new alarms in 10 minutes are more than a person can read: digests instead of single messages."""
ALARMS_MAX = 5_000
"""Alarms kept at a time (I14); what comes beyond is counted under ``FLOOD``, CRITICAL ones are always kept."""
FLOOD = "alarm.flood"
UNDONE = "not kept"
"""What is said of an act that is taken back; as it never took place, the table of transitions does not speak of it."""
OTHER = "other"
"""The definition of what no table knows: no alarm is lost for want of an entry."""
_ORDER = list(AlarmPriority)
_S = AlarmState
_HIDDEN = frozenset({_S.SHELVED, _S.DISABLED})


def _instrument(subject: str, channel: str) -> tuple[str, ...]:
    """Return the instrument that a channel belongs to."""
    return tuple({(channel or subject).partition(":")[0]})


def key_of(definition: str, subject: str) -> AlarmKey:
    """Return the key under which an alarm is known."""
    return AlarmKey(f"{definition}:{subject}")


class AlarmMachine:
    """All alarms of a station. Each method returns the changes it made, in order."""

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        parents: Callable[[str, str], Iterable[str]] = _instrument,
    ) -> None:
        """Take the table, and how to find the instrument and chamber of a (subject, channel)."""
        self.definitions = definitions
        self.number = 0
        """Grows with each change of any alarm; an alarm's version is the number of its last change."""
        self._parents = parents
        self._entries: dict[AlarmKey, Entry] = {}
        self._announced: deque[float] = deque()
        self.unlisted = 0
        """Reports beyond ``ALARMS_MAX``."""
        self._roots = {root for definition in definitions.values() for root in definition.under}

    def alarms(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not NORMAL, most urgent and then oldest first."""
        found = [entry.alarm for entry in self._entries.values() if entry.state is not _S.NORMAL]
        return tuple(
            sorted(found, key=lambda alarm: (-_ORDER.index(alarm.priority), alarm.since_utc, alarm.key))
        )

    def alarm(self, key: str) -> Alarm | None:
        """Return one alarm, None where it is NORMAL."""
        entry = self._entries.get(AlarmKey(key))
        return None if entry is None or entry.state is _S.NORMAL else entry.alarm

    def flooded(self, now_s: float) -> bool:
        """Tell whether more alarms have come in the last ten minutes than a person can read."""
        while self._announced and now_s - self._announced[0] > FLOOD_S:
            self._announced.popleft()
        return len(self._announced) > FLOOD_COUNT

    # -- conditions -------------------------------------------------------------------------------------------------

    def report(self, definition: str, signal: Signal, moment: Moment) -> list[Change]:
        """Take that a condition is there; unknown definitions are taken as ``OTHER`` under their own name."""
        known = self.definitions.get(definition) or replace(self.definitions[OTHER], id=definition)
        priority = signal.priority or known.priority
        key = key_of(definition, signal.subject)
        entry = self._entries.get(key)
        if entry is None:
            full = len(self._entries) >= ALARMS_MAX and definition != FLOOD
            if full and priority is not AlarmPriority.CRITICAL:
                self.unlisted += 1
                text = f"{self.unlisted} more alarms are not listed"
                return self.report(FLOOD, Signal("station", text), moment)
            entry = self._entries[key] = Entry(known, self._new(key, known, priority, signal, moment))
        old, before = entry.state, entry.alarm
        entry.reports.append(moment.now_s)
        while len(entry.reports) > known.count or moment.now_s - entry.reports[0] > COUNT_WINDOW_S:
            entry.reports.popleft()
        if len(entry.reports) < known.count and not entry.condition:
            return []
        here, again = entry.condition, entry.condition or entry.active
        entry.condition = True
        if known.until is Until.RUN and signal.run_id:
            entry.runs.add(signal.run_id)
        rose = self._tell(entry, priority, signal, again, moment)
        if not entry.active:
            if known.delay_s and entry.due_s is None:
                entry.due_s = moment.now_s + known.delay_s
            if not known.delay_s or moment.now_s >= (entry.due_s or 0.0):
                self._move(entry, True, moment)
        else:
            entry.due_s = None  # it may have begun to clear
            if entry.alarm.chattering and not here:
                entry.quiet_s = moment.now_s + CHATTER_S
        if rose and entry.active:
            entry.acked = False
        news = entry.state is not _S.NORMAL and before != entry.alarm
        return self._settle(entry, old, "again" if again else "raised", moment, always=news, loud=rose)

    def __contains__(self, key: str) -> bool:
        """Tell whether anything is known of an alarm, also one that is on its way or being counted."""
        return key in self._entries

    def clear(self, definition: str, subject: str, moment: Moment) -> list[Change]:
        """Take that a condition is over; one that is not known is no change."""
        entry = self._entries.get(key_of(definition, subject))
        return [] if entry is None else self._clear(entry, moment)

    def run_over(self, run_id: str, moment: Moment) -> list[Change]:
        """End the conditions that cannot outlive their run."""
        ended = [entry for entry in self._entries.values() if run_id in entry.runs]
        for entry in ended:
            entry.runs.discard(run_id)
        return [change for entry in ended if not entry.runs for change in self._clear(entry, moment)]

    def _clear(self, entry: Entry, moment: Moment) -> list[Change]:
        old = entry.state
        entry.condition = False
        entry.reports.clear()
        entry.runs.clear()
        if not entry.active:
            entry.due_s = None  # gone before its delay was over
            self._forget(entry)
            return []
        if entry.definition.clear_delay_s:
            entry.due_s = entry.due_s or moment.now_s + entry.definition.clear_delay_s
            if moment.now_s < entry.due_s:
                return []
        calm = not entry.alarm.chattering
        self._move(entry, False, moment)
        return self._settle(entry, old, "cleared", moment, always=calm and entry.alarm.chattering)

    def _tell(
        self, entry: Entry, priority: AlarmPriority, signal: Signal, again: bool, moment: Moment
    ) -> bool:
        """Take over what a report says; tell whether the shown severity has risen."""
        alarm = entry.alarm
        fresh = entry.state is _S.NORMAL and not again
        shown = priority if fresh else max(priority, alarm.priority, key=_ORDER.index)
        rose = not fresh and shown is not alarm.priority
        # the same report again, as a level-checked condition gives at every row, is no news
        same = again and entry.definition.until is not Until.ACK
        if same and not rose:
            return False
        made = self._new(alarm.key, entry.definition, shown, signal, moment)
        entry.alarm = replace(
            alarm,
            priority=shown,
            text=made.text, text_zh=made.text_zh, what_to_do=made.what_to_do, what_to_do_zh=made.what_to_do_zh,
            channel=signal.channel or alarm.channel, cell=signal.cell or alarm.cell,
            run_id=signal.run_id or alarm.run_id,
            since_utc=moment.utc if fresh else alarm.since_utc,
            acknowledged_by="" if fresh or rose else alarm.acknowledged_by,
            comment="" if fresh else alarm.comment,
            count=1 if fresh else alarm.count + (0 if same else 1),
            latched=entry.definition.latch if fresh else alarm.latched,
        )  # fmt: skip
        if shown is AlarmPriority.CRITICAL:  # nothing hides what harms now
            entry.shelved_until_s, entry.disabled = None, False
            entry.alarm = replace(entry.alarm, until_utc="")
        return rose

    def _new(
        self, key: AlarmKey, known: Definition, priority: AlarmPriority, signal: Signal, moment: Moment
    ) -> Alarm:
        own = signal.what_to_do  # the engine's own advice is closer to the case than the table's
        return Alarm(
            key=key, definition=known.id, subject=signal.subject, state=_S.NORMAL, priority=priority,
            text=signal.text or known.title, text_zh=signal.text_zh or known.title_zh,
            what_to_do=own or known.what_to_do, what_to_do_zh=known.what_to_do_zh, consequence=known.consequence,
            advisory=known.advisory, channel=signal.channel, cell=signal.cell, run_id=signal.run_id,
            since_utc=moment.utc, changed_utc=moment.utc, latched=known.latch, version=self.number,
        )  # fmt: skip

    def _move(self, entry: Entry, active: bool, moment: Moment) -> None:
        """Let a condition come or go, unless it does so too often."""
        entry.due_s = None
        entry.moves.append(moment.now_s)
        often = len(entry.moves) == CHATTER_COUNT and moment.now_s - entry.moves[0] <= CHATTER_S
        if entry.alarm.chattering or often:
            entry.quiet_s = moment.now_s + CHATTER_S
            entry.alarm = replace(entry.alarm, chattering=True, latched=True)
            active = True
        if active and not entry.active:
            entry.acked = False
            entry.announced = False
        entry.active = active

    # -- time -------------------------------------------------------------------------------------------------------

    def next_s(self) -> float | None:
        """Return when ``tick`` has something to do, None for never."""
        due = [
            moment_s for entry in self._entries.values()
            for moment_s in (entry.due_s, entry.shelved_until_s, entry.quiet_s, entry.lapse_s)
            if moment_s is not None
        ]  # fmt: skip
        return min(due, default=None)

    def tick(self, moment: Moment) -> list[Change]:
        """Do what time has made due: delays, hysteresis, the end of shelving and of chatter."""
        changes: list[Change] = []
        for entry in list(self._entries.values()):
            old, what = entry.state, ""
            if entry.due_s is not None and moment.now_s >= entry.due_s:
                what = "raised" if entry.condition else "cleared"
                self._move(entry, entry.condition, moment)
            if entry.quiet_s is not None and moment.now_s >= entry.quiet_s:
                what, entry.quiet_s = "quiet again", None
                entry.alarm = replace(entry.alarm, chattering=False)
                entry.active = entry.condition
                entry.moves.clear()
            if entry.shelved_until_s is not None and moment.now_s >= entry.shelved_until_s:
                what = "shelving over"
                self._unhide(entry)
            if what:
                changes.extend(self._settle(entry, old, what, moment, always=True))
            if entry.lapse_s is not None and moment.now_s >= entry.lapse_s:
                entry.moves.clear()
                entry.reports.clear()
                self._forget(entry)
        return changes

    # -- acts of persons --------------------------------------------------------------------------------------------

    def acknowledge(
        self, key: str, by: str, moment: Moment, *, comment: str = "", version: int | None = None
    ) -> list[Change]:
        """Note that a person has seen an alarm. Raises: UserInputError, ConflictError."""
        entry = self._find(key, version)
        if entry.acked:
            who = entry.alarm.acknowledged_by
            raise ConflictError(f"{key} is acknowledged already" + (f" by {who}." if who else "."))
        old = entry.state
        entry.acked = True
        if entry.definition.until is Until.ACK and not entry.alarm.chattering:
            entry.condition = entry.active = False
        entry.alarm = replace(entry.alarm, acknowledged_by=by, comment=comment or entry.alarm.comment)
        return self._settle(entry, old, "acknowledged", moment, always=True, by=by)

    def shelve(
        self, key: str, by: str, reason: str, duration_s: float, until_utc: str, moment: Moment,
        *, version: int | None = None,
    ) -> list[Change]:  # fmt: skip
        """Hide an alarm for at most a day. Raises: UserInputError (no reason, too long, CRITICAL), ConflictError."""
        entry = self._find(key, version)
        self._may_hide(entry, reason, "shelved")
        if not 0 < duration_s <= SHELVE_MAX_S:
            raise UserInputError("An alarm can be shelved for up to 24 hours. Choose a shorter time.")
        if entry.disabled:
            raise ConflictError(f"{key} is disabled: {entry.alarm.comment}.")
        old = entry.state
        entry.shelved_until_s = moment.now_s + duration_s
        entry.alarm = replace(entry.alarm, until_utc=until_utc, comment=f"shelved by {by}: {reason}")
        return self._settle(entry, old, "shelved", moment, always=True, by=by)

    def unshelve(self, key: str, by: str, moment: Moment, *, version: int | None = None) -> list[Change]:
        """Show a shelved alarm again. Raises: UserInputError, ConflictError."""
        entry = self._find(key, version)
        if entry.shelved_until_s is None:
            raise ConflictError(f"{key} is not shelved (any more).")
        old = entry.state
        self._unhide(entry)
        return self._settle(entry, old, "unshelved", moment, always=True, by=by)

    def disable(
        self, key: str, by: str, reason: str, moment: Moment, *, version: int | None = None
    ) -> list[Change]:
        """Take an alarm out of service under a person's name, also one that is not there now.

        Raises: UserInputError (no reason, CRITICAL, no such definition), ConflictError.
        """
        definition, _, subject = key.partition(":")
        if AlarmKey(key) not in self._entries and definition in self.definitions and subject:
            known, signal = self.definitions[definition], Signal(subject)
            alarm = self._new(AlarmKey(key), known, known.priority, signal, moment)
            entry = Entry(known, alarm)
        else:
            entry = self._find(key, version)
        self._may_hide(entry, reason, "disabled")
        if entry.disabled:
            raise ConflictError(f"{key} is disabled already: {entry.alarm.comment}.")
        self._entries[AlarmKey(key)] = entry
        old = entry.state
        entry.disabled, entry.shelved_until_s = True, None
        comment = f"out of service by {by} since {moment.utc[:10]}: {reason}"
        entry.alarm = replace(entry.alarm, comment=comment, until_utc="")
        return self._settle(entry, old, "disabled", moment, always=True, by=by)

    def enable(self, key: str, by: str, moment: Moment, *, version: int | None = None) -> list[Change]:
        """Put a disabled alarm back into service. Raises: UserInputError, ConflictError."""
        entry = self._find(key, version)
        if not entry.disabled:
            raise ConflictError(f"{key} is not disabled (any more).")
        old = entry.state
        self._unhide(entry)
        return self._settle(entry, old, "enabled", moment, always=True, by=by)

    def _find(self, key: str, version: int | None) -> Entry:
        entry = self._entries.get(AlarmKey(key))
        if entry is None or entry.state is _S.NORMAL:
            raise UserInputError(f"There is no alarm {key}; see the list of alarms.")
        if version is not None and version != entry.alarm.version:
            who = entry.alarm.acknowledged_by
            done = f" by {who}" if who and entry.acked else ""
            raise ConflictError(
                f"{key} has changed meanwhile: it is {entry.state}{done} (version {entry.alarm.version})."
            )
        return entry

    def _may_hide(self, entry: Entry, reason: str, word: str) -> None:
        if entry.alarm.priority is AlarmPriority.CRITICAL:
            raise UserInputError(f"A CRITICAL alarm cannot be {word}. Remove its cause and acknowledge it.")
        if not reason.strip():
            raise UserInputError(f"Say why the alarm is {word}: give a reason.")

    def _unhide(self, entry: Entry) -> None:
        entry.shelved_until_s, entry.disabled = None, False
        entry.alarm = replace(entry.alarm, until_utc="", comment="")

    # -- states -----------------------------------------------------------------------------------------------------

    def _settle(
        self, entry: Entry, old: AlarmState, what: str, moment: Moment, *,
        always: bool = False, loud: bool = False, by: str = "",
    ) -> list[Change]:  # fmt: skip
        """Bring an entry, and what it covers as a root, to the state that follows from what is known."""
        entry.suppressed = self._covered(entry)
        if not entry.active and not entry.announced:
            entry.acked = True  # came and went where nobody was to see it
        new = entry.state
        if new is old and not always and not loud:
            return []
        announce = new is _S.UNACK and (loud or not entry.announced or old in _HIDDEN or old is _S.RTN_UNACK)
        if announce:
            entry.announced = True
            self._announced.append(moment.now_s)
        change = self._change(entry, old, what, moment, announce, by)
        covered = self._cover(entry, moment) if entry.definition.id in self._roots else []
        self._forget(entry)
        return [change, *covered]

    def _change(
        self, entry: Entry, old: AlarmState, what: str, moment: Moment, announce: bool = False, by: str = ""
    ) -> Change:
        new = entry.state
        if new is not old and new not in TRANSITIONS[old] and what != UNDONE:
            raise InvariantError("I16", f"alarm {entry.alarm.key} cannot go from {old} to {new}")
        self.number += 1
        entry.alarm = replace(entry.alarm, state=new, changed_utc=moment.utc, version=self.number)
        flooded = self.flooded(moment.now_s)
        return Change(what, old, entry.alarm, entry.active, entry.acked, announce, flooded, by)

    def _covered(self, entry: Entry) -> bool:
        if entry.alarm.priority is AlarmPriority.CRITICAL or not entry.definition.under:
            return False
        subjects = tuple(self._parents(entry.alarm.subject, entry.alarm.channel))
        roots = (
            self._entries.get(key_of(root, subject))
            for root in entry.definition.under
            for subject in subjects
        )
        return any(
            root is not None and root is not entry and root.active and not root.disabled for root in roots
        )

    def _cover(self, root: Entry, moment: Moment) -> list[Change]:
        """Suppress or release what stands under an alarm that has come or gone."""
        changes: list[Change] = []
        for entry in list(self._entries.values()):
            if entry is root or root.definition.id not in entry.definition.under:
                continue
            covered = self._covered(entry)
            if covered is not entry.suppressed:
                old = entry.state
                entry.suppressed = covered
                what = "suppressed" if covered else "released"
                changes.extend(self._settle(entry, old, what, moment))
        return changes

    def _forget(self, entry: Entry) -> None:
        """Drop what is NORMAL, unless it is on its way or a chatter is being counted."""
        waiting = entry.due_s is not None or entry.condition or bool(entry.moves) or bool(entry.reports)
        if entry.state is _S.NORMAL and not waiting:
            self._entries.pop(entry.alarm.key, None)

    # -- over a restart ---------------------------------------------------------------------------------------------

    def restore(self, alarm: Alarm, active: bool, acked: bool, left_s: float | None, now_s: float) -> None:
        """Put an alarm back as it was kept; ``left_s`` is what is left of its shelving."""
        self.number = max(self.number, alarm.version)
        known = self.definitions.get(alarm.definition) or replace(
            self.definitions[OTHER], id=alarm.definition
        )
        entry = Entry(known, alarm, condition=active, active=active, acked=acked)
        entry.disabled = alarm.state is _S.DISABLED
        if alarm.state is _S.SHELVED:
            entry.shelved_until_s = now_s + min(max(left_s or 0.0, 0.0), SHELVE_MAX_S)
        entry.suppressed = alarm.state is _S.SUPPRESSED
        entry.announced = not entry.suppressed
        if alarm.chattering:
            entry.quiet_s = now_s + CHATTER_S
        if active and known.until is Until.RUN and alarm.run_id:
            entry.runs.add(alarm.run_id)
        self._entries[alarm.key] = entry

    def kept(self) -> tuple[tuple[Alarm, bool, bool], ...]:
        """Return each alarm with what ``restore`` needs of it: active, acknowledged."""
        found = self._entries.values()
        return tuple(
            (entry.alarm, entry.active, entry.acked) for entry in found if entry.state is not _S.NORMAL
        )

    def hold(self, key: str) -> object:
        """Return how an alarm stands, for ``undo``."""
        entry = self._entries.get(AlarmKey(key))
        return None if entry is None else copy(entry)

    def undo(self, key: str, held: object, version: int, moment: Moment) -> list[Change]:
        """Take back an act that could not be kept, unless the alarm has changed since ``version``."""
        entry = self._entries.get(AlarmKey(key))
        if (entry is not None and entry.alarm.version != version) or (entry is None and held is None):
            return []
        old = _S.NORMAL if entry is None else entry.state
        before = held if isinstance(held, Entry) else None
        if before is None:
            assert entry is not None
            before, before.disabled = entry, False
        self._entries[AlarmKey(key)] = before
        before.announced = True
        return self._settle(before, old, UNDONE, moment, always=True)
