"""Random stories of reports, acts and time: no illegal transition, nothing hidden that must not be, nothing lost."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labctl.engine.machines.alarms import ALARMS_MAX, SHELVE_MAX_S, UNDONE, AlarmMachine
from labctl.engine.machines.alarmterms import TRANSITIONS, Change, Moment, Signal, Until
from labctl.errors import ConflictError, UserInputError
from labctl.model.alarm import Alarm, AlarmPriority, AlarmState
from labctl.station.alarmtable import DEFINITIONS

KINDS = (
    "instrument.unknown",
    "reading.bad",
    "trip",
    "chamber.lost",
    "disk.low",
    "stop.all",
    "reply.garbled",
    "held",
)
SUBJECTS = {"instrument.unknown": ("neware",), "chamber.lost": ("oven",), "disk.low": ("data",)}
PLACES = ("neware:1-1", "neware:1-2")
HIDDEN = (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.DISABLED)

kinds = st.sampled_from(KINDS)


class AlarmLife(RuleBasedStateMachine):
    """The machine beside a naive model of which conditions are there."""

    def __init__(self) -> None:
        super().__init__()
        self.house = AlarmMachine(DEFINITIONS)
        self.now_s = 0.0
        self.there: dict[str, float] = {}  # key: since when the condition has been there without a break
        self.seen: dict[str, Alarm] = {}

    def moment(self) -> Moment:
        return Moment(self.now_s, f"2026-01-01T00:00:00+00:00#{self.now_s:.0f}")

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            new, key = change.alarm.state, change.alarm.key
            before = self.seen.get(key)
            assert change.old is (before.state if before else AlarmState.NORMAL), "no change goes untold"
            assert new is change.old or new in TRANSITIONS[change.old] or change.what == UNDONE
            assert change.alarm.version > (before.version if before else -1)
            if change.announce:
                assert new is AlarmState.UNACK
            if new is AlarmState.NORMAL:
                self.seen.pop(key, None)
            else:
                self.seen[key] = change.alarm

    def key(self, kind: str, place: str) -> tuple[str, str]:
        subject = SUBJECTS.get(kind, (place,))[0]
        return subject, f"{kind}:{subject}"

    @rule(kind=kinds, place=st.sampled_from(PLACES), priority=st.sampled_from([None, *AlarmPriority]))
    def report(self, kind: str, place: str, priority: AlarmPriority | None) -> None:
        subject, key = self.key(kind, place)
        self.take(
            self.house.report(
                kind, Signal(subject, channel=place, run_id="r1", priority=priority), self.moment()
            )
        )
        self.there.setdefault(key, self.now_s)

    @rule(kind=kinds, place=st.sampled_from(PLACES))
    def clear(self, kind: str, place: str) -> None:
        subject, key = self.key(kind, place)
        self.take(self.house.clear(kind, subject, self.moment()))
        self.there.pop(key, None)

    @rule()
    def run_over(self) -> None:
        self.take(self.house.run_over("r1", self.moment()))
        for key in list(self.there):
            if DEFINITIONS[key.partition(":")[0]].until is Until.RUN:
                del self.there[key]

    @rule(seconds=st.sampled_from([1.0, 15.0, 61.0, 700.0, SHELVE_MAX_S]))
    def wait(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        for _ in range(1000):
            due_s = self.house.next_s()
            if due_s is None or due_s > until_s:
                break
            self.now_s = max(self.now_s, due_s)
            self.take(self.house.tick(self.moment()))
        else:
            raise AssertionError("the machine is never done with a moment")
        self.now_s = until_s

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), act=st.sampled_from(["acknowledge", "shelve", "unshelve", "disable", "enable"]))
    def act(self, data: st.DataObject, act: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.seen)))
        before = self.seen[key]
        moment = self.moment()
        with suppress(ConflictError, UserInputError):
            if act == "shelve":
                self.take(
                    self.house.shelve(key, "Ann", "known", 3600.0, "later", moment, version=before.version)
                )
            elif act == "disable":
                self.take(self.house.disable(key, "Ann", "broken", moment, version=before.version))
            elif act == "acknowledge":
                self.take(self.house.acknowledge(key, "Ann", moment, version=before.version))
                if DEFINITIONS[before.definition].until is Until.ACK:
                    self.there.pop(key, None)
            elif act == "unshelve":
                self.take(self.house.unshelve(key, "Ann", moment, version=before.version))
            else:
                self.take(self.house.enable(key, "Ann", moment, version=before.version))

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """A disk that refuses an acknowledgement leaves the alarm as it was."""
        key = data.draw(st.sampled_from(sorted(self.seen)))
        before, held = self.seen[key], self.house.hold(key)
        with suppress(ConflictError):
            changes = self.house.acknowledge(key, "Ann", self.moment())
            self.take(changes)
            self.take(self.house.undo(key, held, changes[0].alarm.version, self.moment()))
            assert self.seen[key].state is before.state

    @rule()
    def restart(self) -> None:
        kept = self.house.kept()
        self.house = AlarmMachine(DEFINITIONS)
        for alarm, active, acked in kept:
            left_s = 1800.0 if alarm.state is AlarmState.SHELVED else None
            self.house.restore(alarm, active, acked, left_s, self.now_s)
        for key in list(
            self.there
        ):  # what was still waiting for its delay is reported again by whoever sees it
            if key not in self.seen:
                del self.there[key]

    @invariant()
    def clients_have_heard_of_everything(self) -> None:
        assert {alarm.key: alarm for alarm in self.house.alarms()} == self.seen

    @invariant()
    def nothing_critical_is_hidden(self) -> None:
        for alarm in self.seen.values():
            if alarm.priority is AlarmPriority.CRITICAL:
                assert alarm.state not in HIDDEN

    @invariant()
    def a_condition_that_lasts_is_an_alarm(self) -> None:
        for key, since_s in self.there.items():
            known = DEFINITIONS[key.partition(":")[0]]
            if known.count == 1 and self.now_s - since_s >= known.delay_s:
                alarm = self.seen.get(key)
                assert alarm is not None, key
                assert alarm.state is not AlarmState.RTN_UNACK, key

    @invariant()
    def suppression_needs_a_root(self) -> None:
        for alarm in self.seen.values():
            if alarm.state is AlarmState.SUPPRESSED:
                assert any(f"{root}:neware" in self.seen for root in DEFINITIONS[alarm.definition].under)

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.house.kept()) <= ALARMS_MAX


AlarmLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAlarmLife = AlarmLife.TestCase
