"""The alarm list: what a person must do, first what nobody has seen; where it is, and the events around it (U12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.acts import Acts, Asks, Trouble
from labctl.gui.viewmodels.allowed import STANDING, UNSEEN, alarm_why_not
from labctl.gui.viewmodels.filters import matches
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import Cabinet, cabinet, natural
from labctl.gui.viewmodels.text import age, duration, moment
from labctl.gui.viewmodels.words import ALARM_STATE_WORDS, PRIORITY_MARKS, PriorityMark, mark, tr
from labctl.model.alarm import Alarm, AlarmPriority, AlarmState

SHELVE_HOURS_MAX = 24.0
SHELVE_CHOICES_H = (1.0, 4.0, 8.0, 24.0)
FIGURES_AGAIN_S = 300.0


class Listed(StrEnum):
    """Which alarms the list shows."""

    OPEN = "open"
    SHELVED = "shelved"
    ALL = "all"


LISTED_WORDS: Mapping[Listed, str] = {
    Listed.OPEN: mark("alarms", "Open"), Listed.SHELVED: mark("alarms", "Shelved"), Listed.ALL: mark("alarms", "All"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm, ready to be painted. ``told`` is the moment, ``age`` how long ago; strong while unseen."""

    key: str
    priority: AlarmPriority
    mark: PriorityMark
    told: str
    age: str
    where: str
    cell: str
    what: str
    what_to_do: str
    state: str
    by: str
    unseen: bool
    shelved: bool
    advisory: bool
    blink: bool
    channel: str = ""
    detail: str = ""
    """The station's own words with the figures, where ``what`` is a translation without them."""


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """A group of the list with its head."""

    title: str
    rows: tuple[AlarmRow, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of the tree: ``key`` filters the list, ``priorities`` are those unseen below it."""

    key: str
    title: str
    depth: int
    count: int
    priorities: tuple[AlarmPriority, ...]


@dataclass(frozen=True, slots=True)
class WeekFigures:
    """The week in one line and its parts; empty before the station has told."""

    line: str = ""
    worst: tuple[tuple[str, int], ...] = ()
    per_day: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Buttons:
    """Why each act on the chosen alarms is off; empty text = it may be done. ``hint`` sums them up in words."""

    acknowledge: str
    shelve: str
    unshelve: str
    disable: str
    enable: str
    reset: str
    go_to: str
    hint: str


class AlarmList:
    """The alarms as a view shows them; ``watch`` tells of changes, ``acts`` follow what is sent."""

    def __init__(
        self, lab: Lab, acts: Acts, asks: Asks, *, chinese: Callable[[], bool] = lambda: False
    ) -> None:
        self._lab = lab
        self._acts = acts
        self._asks = asks
        self._chinese = chinese
        self._watchers: list[Callable[[], None]] = []
        self._figures_s = float("-inf")
        self.listed = Listed.OPEN
        self.priorities: frozenset[AlarmPriority] = frozenset(AlarmPriority)
        self.branch = ""
        self.search = ""
        self.figures = WeekFigures()
        self._told: Mapping[str, Any] | None = None  # the station's figures, to be said in another language
        self._unwatch = lab.watch({"alarm", "channel", "station"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when the list may look different; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _changed(self, places: frozenset[Place]) -> None:
        if any(topic == "alarm" or (topic == "station" and key == "alarms") for topic, key in places):
            self._tell()

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- the list -----------------------------------------------------------------------------------------------------

    def counts(self) -> dict[AlarmPriority, int]:
        """Return how many alarms stand, by priority, most urgent first."""
        found = dict.fromkeys(reversed(AlarmPriority), 0)
        for alarm in self._lab.alarms.values():
            if alarm.state in STANDING:
                found[alarm.priority] += 1
        return found

    def listed_counts(self) -> dict[Listed, int]:
        """Return how many alarms each segment shows."""
        return {listed: sum(_in(alarm, listed) for alarm in self._lab.alarms.values()) for listed in Listed}

    def groups(self) -> tuple[AlarmGroup, ...]:
        """Return the list: not acknowledged, acknowledged, out of the way; urgent before calm, new before old."""
        chosen = [alarm for alarm in self._lab.alarms.values() if self._shown(alarm)]
        parts = (
            (tr("alarms", "Not acknowledged"), [alarm for alarm in chosen if alarm.state in UNSEEN]),
            (tr("alarms", "Acknowledged"), [alarm for alarm in chosen if alarm.state is AlarmState.ACKED]),
            (
                tr("alarms", "Out of the list"),
                [
                    alarm
                    for alarm in chosen
                    if alarm.state not in UNSEEN and alarm.state is not AlarmState.ACKED
                ],
            ),
        )
        return tuple(
            AlarmGroup(title, tuple(self._row(alarm) for alarm in sorted(alarms, key=_order)))
            for title, alarms in parts
            if alarms
        )

    def empty_words(self) -> str:
        """Return what is said where no alarm is shown."""
        if self.listed is Listed.SHELVED:
            return tr("alarms", "Nothing is shelved.")
        narrowed = self.branch or self.search or self.priorities != frozenset(AlarmPriority)
        if narrowed:
            return tr("alarms", "No alarm matches what is chosen above and at the left.")
        return tr("alarms", "No alarms. Everything that runs is within its limits.")

    def _shown(self, alarm: Alarm) -> bool:
        if not _in(alarm, self.listed) or alarm.priority not in self.priorities:
            return False
        if self.branch and self.branch not in self._path(alarm):
            return False
        return matches(
            self.search,
            (alarm.subject, alarm.channel, alarm.cell, alarm.text, alarm.text_zh, alarm.definition),
        )

    def _row(self, alarm: Alarm) -> AlarmRow:
        chinese = self._chinese()
        since = utc_of(alarm.since_utc)
        old_s = 0.0 if since is None else (self._lab.utc - since).total_seconds()
        cleared = alarm.state is AlarmState.RTN_UNACK
        what = alarm.text_zh if chinese and alarm.text_zh else alarm.text
        if alarm.count > 1:
            what += f" ×{alarm.count}"
        what_to_do = alarm.what_to_do_zh if chinese and alarm.what_to_do_zh else alarm.what_to_do
        changed = moment(utc_of(alarm.changed_utc), self._lab.utc)
        critical = alarm.priority is AlarmPriority.CRITICAL
        return AlarmRow(
            str(alarm.key), alarm.priority, PRIORITY_MARKS[alarm.priority], moment(since, self._lab.utc),
            tr("alarms", "cleared") if cleared else age(old_s), self.cabinet().label(alarm.channel) if alarm.channel
            else alarm.subject, alarm.cell, what, what_to_do, ALARM_STATE_WORDS[alarm.state],
            f"{alarm.acknowledged_by} {changed}".strip() if alarm.acknowledged_by else "", alarm.state in UNSEEN,
            alarm.state is AlarmState.SHELVED, alarm.advisory, critical and alarm.state in UNSEEN,
            alarm.channel, alarm.text,
        )  # fmt: skip

    # -- the tree -----------------------------------------------------------------------------------------------------

    def cabinet(self) -> Cabinet:
        """Return where the channels are."""
        return cabinet(self._lab.channels)

    def _path(self, alarm: Alarm) -> tuple[str, ...]:
        """Return the keys of the branches above an alarm: station, rack, unit; or the thing it is about."""
        place = self.cabinet().place(alarm.channel)
        if place is not None:
            unit = f"rack:{place.rack}:{place.unit}"
            return ("station", f"rack:{place.rack}", unit, f"channel:{alarm.channel}")
        return ("station", f"at:{alarm.subject}")

    def _cell(self, channel: str) -> str:
        status = self._lab.channels.get(channel)
        return "" if status is None else status.cell_name or status.cell_id

    def tree(self) -> tuple[Branch, ...]:
        """Return the tree of places with what stands there: station, racks, units and channels with alarms, others."""
        standing = [alarm for alarm in self._lab.alarms.values() if alarm.state in STANDING]
        below: dict[str, list[Alarm]] = {}
        for alarm in standing:
            for key in self._path(alarm):
                below.setdefault(key, []).append(alarm)
        name = self._lab.station.name if self._lab.station else tr("alarms", "Station")
        found = [_branch("station", name, 0, below)]
        for rack in self.cabinet().racks:
            found.append(_branch(f"rack:{rack.number}", rack.title, 1, below))
            for unit in range(1, rack.units + 1):
                key = f"rack:{rack.number}:{unit}"
                if key in below:
                    found.append(_branch(key, f"U{unit}", 2, below))
                    channels = dict.fromkeys(alarm.channel for alarm in below[key])
                    for channel in sorted(channels, key=natural):
                        title = f"{self.cabinet().label(channel)} {self._cell(channel)}".strip()
                        found.append(_branch(f"channel:{channel}", title, 3, below))
        others = [*self._lab.instruments, *self._lab.chambers]
        others += sorted(key[3:] for key in below if key.startswith("at:") and key[3:] not in others)
        return (*found, *(_branch(f"at:{name}", name, 1, below) for name in others))

    # -- acts ---------------------------------------------------------------------------------------------------------

    def buttons(self, keys: Collection[str]) -> Buttons:
        """Return what may be done with the chosen alarms."""
        chosen = [self._lab.alarms[key] for key in keys if key in self._lab.alarms]
        nothing = tr("alarms", "No alarm is selected.")

        def why(verb: str) -> str:
            reasons = [alarm_why_not(self._lab, verb, alarm) for alarm in chosen]
            if not chosen:
                return nothing
            # One act for several does what it can: it is off only where it can do nothing.
            return "" if any(not reason for reason in reasons) and verb != "channels.reset" else reasons[0]

        go_to = (
            nothing
            if not chosen
            else ""
            if chosen[0].channel
            else tr("alarms", "This alarm is of no channel.")
        )
        reset = why("channels.reset")
        if len(chosen) > 1:
            reset = tr("alarms", "Reset one trip at a time.")
        shelve = why("alarms.shelve")
        status = self._lab.channels.get(chosen[0].channel) if chosen else None
        latched = status is not None and bool(status.tripped or status.lane)
        hints = [reason for reason in (shelve, reset if latched else "") if reason and chosen]
        return Buttons(why("alarms.acknowledge"), shelve, why("alarms.unshelve"), why("alarms.disable"),
                       why("alarms.enable"), reset, go_to, " ".join(dict.fromkeys(hints)))  # fmt: skip

    def acknowledge(self, keys: Collection[str], comment: str = "") -> None:
        """Say that the person before the window knows of them; the name goes into the list (R15: by version)."""
        self._each("alarms.acknowledge", keys, tr("alarms", "Acknowledge"), comment=comment)

    def shelve(self, keys: Collection[str], hours: float, comment: str) -> str:
        """Put alarms aside; returns why not (no reason, too long), empty when it was sent. Never CRITICAL ones."""
        if not 0 < hours <= SHELVE_HOURS_MAX:
            return tr("alarms", "An alarm can be shelved for up to 24 hours.")
        if not comment.strip():
            return tr("alarms", "Say why; it goes into the journal.")
        self._each("alarms.shelve", keys, tr("alarms", "Shelve"), hours, comment=comment)
        return ""

    def unshelve(self, keys: Collection[str]) -> None:
        """Bring shelved alarms back."""
        self._each("alarms.unshelve", keys, tr("alarms", "Unshelve"))

    def disable(self, keys: Collection[str], comment: str) -> str:
        """Take alarms out of service; returns why not, empty when it was sent."""
        if not comment.strip():
            return tr("alarms", "Say why; it goes into the journal.")
        self._each("alarms.disable", keys, tr("alarms", "Take out of service"), comment=comment)
        return ""

    def enable(self, keys: Collection[str]) -> None:
        """Put alarms back into service."""
        self._each("alarms.enable", keys, tr("alarms", "Put into service"))

    def reset_trip(self, key: str, *, reason: str, confirm: str) -> str:
        """Reset the trip behind an acknowledged alarm; returns why not, empty when it was sent."""
        alarm = self._lab.alarms.get(key)
        if alarm is None:
            return tr("alarms", "The alarm is gone.")
        why_not = alarm_why_not(self._lab, "channels.reset", alarm)
        if why_not:
            return why_not
        self._acts.send("channels.reset", alarm.channel, alarm.channel, reason=reason, confirm=confirm,
                        text=tr("alarms", "Reset {name}").format(name=alarm.channel))  # fmt: skip
        return ""

    def _each(self, verb: str, keys: Collection[str], label: str, *args: Any, **told: Any) -> None:
        for key in keys:
            alarm = self._lab.alarms.get(key)
            if alarm is not None and not alarm_why_not(self._lab, verb, alarm):
                self._acts.send(
                    verb, key, key, *args, text=f"{label}: {alarm.text}", version=alarm.version, **told
                )

    # -- the week -----------------------------------------------------------------------------------------------------

    def want_figures(self) -> None:
        """Ask for the week's figures where those held are old."""
        if self._lab.now_s - self._figures_s >= FIGURES_AGAIN_S and self._lab.link.live:
            self._figures_s = self._lab.now_s
            self._asks.ask("alarms.figures", then=self._take_figures, failed=self._no_figures)

    def retranslate(self) -> None:
        """Say the week's figures in the language that is on now."""
        if self._told is not None:
            self.figures = week_figures(self._told)

    def _take_figures(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self.figures = week_figures(told)
        self._tell()

    def _no_figures(self, trouble: Trouble) -> None:
        self.figures = WeekFigures(str(trouble))
        self._tell()


def week_figures(told: Mapping[str, Any]) -> WeekFigures:
    """Return the station's figures as one line and its parts."""
    per_day = tuple((str(day), int(count)) for day, count in dict(told.get("per_day") or {}).items())
    mean = sum(count for _, count in per_day) / max(1, len(per_day))
    waited = told.get("acknowledged_after_s") or {}
    took = duration(float(waited["median"])) if waited else tr("alarms", "none yet")
    line = tr(
        "alarms",
        "this week: {mean:.0f} alarms a day, most in 10 min {peak}, time to acknowledge {took} (median), "
        "stale over 24 h: {stale}",
    )
    worst = tuple((str(entry["key"]), int(entry["count"])) for entry in told.get("worst") or ())
    stale = len(told.get("stale") or ())
    text = line.format(mean=mean, peak=told.get("peak_per_10_min", 0), took=took, stale=stale)
    return WeekFigures(text, worst, per_day)


def _in(alarm: Alarm, listed: Listed) -> bool:
    if listed is Listed.ALL:
        return alarm.state is not AlarmState.NORMAL
    return alarm.state in STANDING if listed is Listed.OPEN else alarm.state is AlarmState.SHELVED


def _order(alarm: Alarm) -> tuple[int, str]:
    """Sort urgent before calm, then newest first (ISO texts of one zone sort as moments do)."""
    newest_first = "".join(chr(0x10FFFF - ord(sign)) for sign in alarm.since_utc)
    return (PRIORITY_MARKS[alarm.priority].number, newest_first)


def _branch(key: str, title: str, depth: int, below: Mapping[str, list[Alarm]]) -> Branch:
    alarms = below.get(key, [])
    unseen = {alarm.priority for alarm in alarms if alarm.state in UNSEEN}
    shown = tuple(priority for priority in reversed(AlarmPriority) if priority in unseen)
    return Branch(key, title, depth, len(alarms), shown)
