"""The channel grid and its table: one model of which channels are shown, where, and what each says (U01, U09).

News cost only the channels that they are about: a tile is made when it is painted, membership of filters when it
changes. Lists never reorder under the pointer: while ``frozen`` the order stands, and ``order_due`` tells that it would
change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.allowed import is_free, runs_now
from labctl.gui.viewmodels.figures import CellFigures
from labctl.gui.viewmodels.filters import CellFacts, Group, SavedFilter, Show, Sort, matches
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.places import UNIT, Cabinet, cabinet
from labctl.gui.viewmodels.tiles import (
    NAN,
    Tile,
    hover_of,
    is_symmetric,
    state_word,
    strip_of,
    tile_of,
    told_of,
    worst,
)
from labctl.gui.viewmodels.words import PRIORITY_MARKS, PriorityMark, tr
from labctl.model.alarm import Alarm, AlarmPriority
from labctl.model.bench import ChannelStatus

TOPICS = frozenset({"channel", "alarm", "instrument", "chamber", "cell", "link", "job", "handover"})
NEEDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Counts:
    """How many channels each segment shows."""

    all: int = 0
    abnormal: int = 0
    running: int = 0
    free: int = 0
    mine: int = 0

    def of(self, show: Show) -> int:
        """Return the number beside a segment."""
        return int(getattr(self, show.value))


@dataclass(frozen=True, slots=True)
class Section:
    """A rack or a batch of the grid. ``spots`` gives row and column of each channel; ``units`` labels rows."""

    title: str
    note: str
    channels: tuple[str, ...]
    spots: tuple[tuple[int, int], ...]
    rows: int
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One entry of the "Needs you" strip."""

    channel: str
    label: str
    priority: AlarmPriority
    mark: PriorityMark
    word: str
    reason: str
    cell: str
    since_utc: str


@dataclass(frozen=True, slots=True)
class GridChange:
    """What changed: ``layout`` = which tiles are where; ``tiles`` = what they say; ``counts`` = segments, strip."""

    layout: bool = False
    tiles: frozenset[str] = frozenset()
    counts: bool = False


@dataclass(frozen=True, slots=True)
class _Flags:
    running: bool
    free: bool
    abnormal: bool
    mine: bool


class Grid:
    """The grid of one view. Several may watch the same lab."""

    def __init__(self, lab: Lab, figures: CellFigures | None = None) -> None:
        self._lab = lab
        self._figures = figures
        self._tiles: dict[str, Tile] = {}
        self._flags: dict[str, _Flags] = {}
        self._alarms: dict[str, dict[str, Alarm]] = {}
        self._alarm_at: dict[str, str] = {}
        self._stale: set[str] = set()
        self._known: tuple[str, ...] = ()
        self._watchers: list[Callable[[GridChange], None]] = []
        self.cabinet = Cabinet()
        self.sections: tuple[Section, ...] = ()
        self.order: tuple[str, ...] = ()
        self.counts = Counts()
        self.show, self.sort, self.group = Show.ALL, Sort.SLOT, Group.RACK
        self.search = ""
        self.saved: SavedFilter | None = None
        self.frozen = False
        self.order_due = False
        self._unwatch = lab.watch(TOPICS, self._changed)
        if figures is not None:
            figures.watch(self._figured)
        self._note_alarms(lab.alarms)
        self._relayout(lab.channels)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[GridChange], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    # -- what is shown ----------------------------------------------------------------------------------------------

    def tile(self, channel: str) -> Tile:
        """Return the tile of a channel, made when it is asked for. Raises: KeyError."""
        found = self._tiles.get(channel)
        if found is None:
            status = self._lab.channels[channel]
            cycles = None if self._figures is None else self._figures.of(channel)
            by_rack = self.group is Group.RACK  # the rack's name stands above its tiles
            label = self.cabinet.short(channel) if by_rack else self.cabinet.label(channel)
            found = tile_of(self._lab, status, label, self.alarms(channel), cycles)
            self._tiles[channel] = found
        return found

    def hover(self, channel: str) -> str:
        """Return each number of a channel with unit, quality and age, and what is wrong. Raises: KeyError."""
        strip = self.tile(channel).strip
        told = hover_of(self._lab, self._lab.channels[channel])
        return told if strip is None else f"{strip.mark.told}: {strip.word} {strip.reason}\n{told}"

    def told(self, channel: str) -> str:
        """Return a channel as a screen reader says it. Raises: KeyError."""
        tile = replace(self.tile(channel), label=self.cabinet.label(channel))
        return told_of(self._lab, self._lab.channels[channel], tile)

    def alarms(self, channel: str) -> tuple[Alarm, ...]:
        """Return the alarms of a channel."""
        return tuple(self._alarms.get(channel, {}).values())

    def needs(self) -> tuple[Need, ...]:
        """Return what needs a person, worst first: the strip above the grid shows the first three (U01)."""
        found = []
        for channel in (name for name, flags in self._flags.items() if flags.abnormal):
            status = self._lab.channels[channel]
            strip = strip_of(self._lab, status, self.alarms(channel))
            if strip is not None:
                alarm = worst(self.alarms(channel))
                since = status.seen_utc if alarm is None else alarm.since_utc
                cell = status.cell_id
                label = self.cabinet.label(channel)
                found.append(
                    Need(channel, label, strip.priority, strip.mark, strip.word, strip.reason, cell, since)
                )
        return tuple(sorted(found, key=lambda need: (need.mark.number, need.since_utc)))

    # -- what a person chooses --------------------------------------------------------------------------------------

    def set_show(self, show: Show) -> None:
        """Show a segment."""
        self.show = show
        self._arrange(force=True)

    def set_sort(self, sort: Sort) -> None:
        """Order the tiles."""
        self.sort = sort
        if sort is Sort.CAPACITY and self._figures is not None:
            self._figures.want()
        self._arrange(force=True)

    def set_group(self, group: Group) -> None:
        """Group the tiles."""
        self.group = group
        self._tiles.clear()
        self._arrange(force=True)

    def set_search(self, text: str) -> None:
        """Show only channels with these words in id, cell, protocol, batch or state."""
        self.search = text
        self._arrange(force=True)

    def set_saved(self, saved: SavedFilter | None) -> None:
        """Show only channels that meet a saved filter; None = no filter."""
        self.saved = saved
        if saved is not None and saved.needs_cycles and self._figures is not None:
            self._figures.want()
        self._arrange(force=True)

    def settle(self) -> None:
        """Bring order and texts up to date: the pointer has left the list, or the language is another."""
        self._tiles.clear()
        self._arrange(force=True)

    # -- news -------------------------------------------------------------------------------------------------------

    def _changed(self, places: frozenset[Place]) -> None:
        lab = self._lab
        touched = {key for topic, key in places if topic == "channel"}
        topics = {topic for topic, _ in places}
        if "alarm" in topics:
            touched |= self._note_alarms([key for topic, key in places if topic == "alarm"])
        cells = {key for topic, key in places if topic == "cell"}
        if cells:
            touched |= {name for name, status in lab.channels.items() if status.cell_id in cells}
        jobs = {key for topic, key in places if topic == "job"}
        if jobs:
            touched |= {name for name, status in lab.channels.items() if status.job_id in jobs}
        away = {key for topic, key in places if topic == "handover"}
        if away:
            touched |= {name for name, status in lab.channels.items() if status.run_id in away}
        links = {key for topic, key in places if topic == "instrument"} & lab.instruments.keys()
        touched |= {name for key in links for name in lab.instruments[key].channels if name in lab.channels}
        if "link" in topics:
            touched |= set(lab.channels)
        known = touched <= self._flags.keys() and all(name in lab.channels for name in touched)
        if not known or tuple(lab.channels) != self._known:
            self._relayout(touched)
        else:
            self._update(touched, layout=bool({"instrument", "chamber"} & topics))

    def _note_alarms(self, keys: Collection[str]) -> set[str]:
        """Keep the alarms by channel; returns the channels whose alarms have changed."""
        touched = set()
        for key in keys:
            before = self._alarm_at.pop(key, "")
            if before:
                self._alarms[before].pop(key, None)
                touched.add(before)
            alarm = self._lab.alarms.get(key)
            if alarm is not None and alarm.channel:
                self._alarm_at[key] = alarm.channel
                self._alarms.setdefault(alarm.channel, {})[key] = alarm
                touched.add(alarm.channel)
        return touched & set(self._lab.channels)

    def _relayout(self, touched: Collection[str]) -> None:
        """Take another set of channels."""
        self._known = tuple(self._lab.channels)
        ordered = [
            name
            for box in self._lab.instruments.values()
            for name in box.channels
            if name in self._lab.channels
        ]
        self.cabinet = cabinet(dict.fromkeys([*ordered, *self._known]))
        self._flags = {name: self._flags_of(status) for name, status in self._lab.channels.items()}
        self._tiles.clear()
        self._stale = {name for name in self._known if self._lab.stale(name)}
        self._count()
        self._arrange(force=True, tell=False)
        self._tell(GridChange(layout=True, tiles=frozenset(self._known), counts=True))

    def _update(self, touched: Collection[str], *, layout: bool = False) -> None:
        """Take news of known channels."""
        changed_flags = False
        for name in touched:
            self._tiles.pop(name, None)
            flags = self._flags_of(self._lab.channels[name])
            if flags != self._flags[name]:
                self._flags[name] = flags
                changed_flags = True
            self._stale.discard(name)
            if self._lab.stale(name):
                self._stale.add(name)
        if changed_flags:
            self._count()
        moved = False
        if layout or changed_flags or self.search or self.saved or self.sort is not Sort.SLOT:
            moved = self._arrange(force=layout, tell=False)
        if touched or moved:
            self._tell(GridChange(moved, frozenset(touched), changed_flags))

    def tick(self) -> None:
        """Let ages move on: called twice a second. Only tiles that show an age, or have just grown old, change."""
        old = {name for name in self._known if self._lab.stale(name)}
        touched = old | self._stale
        self._stale = old
        for name in touched:
            self._tiles.pop(name, None)
        if touched:
            self._tell(GridChange(tiles=frozenset(touched)))

    def _figured(self, channels: frozenset[str]) -> None:
        touched = {name for name in channels if name in self._flags}
        for name in touched:
            self._tiles.pop(name, None)
        moved = bool(self.saved or self.sort is Sort.CAPACITY) and self._arrange(tell=False)
        self._tell(GridChange(moved, frozenset(touched)))

    def _flags_of(self, status: ChannelStatus) -> _Flags:
        job = None if status.job_id is None else self._lab.jobs.get(status.job_id)
        mine = job is not None and bool(self._lab.me.name) and job.submitted_by == self._lab.me.name
        alarms = self._alarms.get(status.channel)
        doubt = bool(alarms) or bool(status.tripped) or status.state in ("unknown", "held")
        abnormal = doubt and strip_of(self._lab, status, self.alarms(status.channel)) is not None
        return _Flags(runs_now(status), is_free(status), abnormal, mine)

    def _count(self) -> None:
        flags = self._flags.values()
        self.counts = Counts(
            len(self._flags), sum(flag.abnormal for flag in flags), sum(flag.running for flag in flags),
            sum(flag.free for flag in flags), sum(flag.mine for flag in flags),
        )  # fmt: skip

    def _tell(self, change: GridChange) -> None:
        for observer in tuple(self._watchers):
            observer(change)

    # -- order ------------------------------------------------------------------------------------------------------

    @property
    def filtered(self) -> bool:
        """Tell whether some channels may be left out: then tiles close ranks, else they stay where the cabinet is."""
        return self.show is not Show.ALL or bool(self.search.strip()) or self.saved is not None

    def facts(self, channel: str) -> CellFacts:
        """Return what saved filters look at."""
        status = self._lab.channels[channel]
        figures = None if self._figures is None else self._figures.of(channel)
        short = any(alarm.definition == "detect.short" for alarm in self.alarms(channel))
        rest = not runs_now(status) or state_word(self._lab, status) is words.RESTING
        at_rest = bool(status.cell_id) and rest and not is_symmetric(self._lab, status)
        if figures is None:
            return CellFacts(status.voltage_V, at_rest, short=short)
        return CellFacts(
            status.voltage_V, at_rest, figures.retention, figures.efficiency, figures.overpotential_V, short
        )

    def _shown(self, channel: str) -> bool:
        flags = self._flags[channel]
        if self.show is not Show.ALL and not getattr(flags, self.show.value):
            return False
        if self.search.strip() and not matches(self.search, self._texts(channel)):
            return False
        return self.saved is None or bool(self.saved.met(self.facts(channel)))

    def _texts(self, channel: str) -> tuple[str, ...]:
        status = self._lab.channels[channel]
        cell = self._lab.cells.get(status.cell_id)
        batch = "" if cell is None else f"{cell.batch}\n{cell.coating}\n{cell.electrolyte}"
        state = state_word(self._lab, status)
        return (channel, self.cabinet.label(channel), status.cell_id, status.cell_name, status.protocol, batch,
                state.short, state.told, status.state)  # fmt: skip

    def _key(self, channel: str) -> float:
        """Return what the tiles are sorted by, largest first; NaN last."""
        if self.sort is Sort.AGE:
            return self._lab.age_s(channel)
        figures = None if self._figures is None else self._figures.of(channel)
        return NAN if figures is None else figures.capacity_mAh_per_g

    def _arrange(self, *, force: bool = False, tell: bool = True) -> bool:
        """Work out which tiles are where; True where that has changed."""
        sections = self._by_rack() if self.group is Group.RACK else self._by_batch()
        if sections == self.sections and not self.order_due:
            return False
        if self.frozen and not force:
            self.order_due = True
            return False
        self.order_due = False
        self.sections = sections
        self.order = tuple(channel for section in sections for channel in section.channels)
        if tell:
            self._tell(GridChange(layout=True, counts=True))
        return True

    def _sorted(self, channels: Collection[str]) -> list[str]:
        chosen = [name for name in channels if self._shown(name)]
        if self.sort is Sort.SLOT:
            return chosen
        keys = {name: self._key(name) for name in chosen}
        return sorted(
            chosen, key=lambda name: (math.isnan(keys[name]), -keys[name] if keys[name] == keys[name] else 0)
        )

    def _by_rack(self) -> tuple[Section, ...]:
        found = []
        for rack in self.cabinet.racks:
            physical = not self.filtered and self.sort is Sort.SLOT
            channels = tuple(rack.channels) if physical else tuple(self._sorted(rack.channels))
            if not channels:
                continue
            note = self._rack_note(rack.instrument, rack.channels)
            if not physical:
                found.append(_flowing(rack.title, note, channels))
                continue
            spots = []
            for name in channels:
                place = self.cabinet.place(name)
                assert place is not None
                spots.append((place.unit - 1, place.slot - 1))
            units = tuple(f"U{unit}" for unit in range(1, rack.units + 1))
            found.append(Section(rack.title, note, channels, tuple(spots), rack.units, units))
        return tuple(found)

    def _rack_note(self, instrument: str, channels: tuple[str, ...]) -> str:
        """Return what stands beside a rack's name: instrument, chamber, number of cells."""
        here = set(channels)
        cells = sum(1 for name in channels if self._lab.channels[name].cell_id)
        parts = [instrument]
        for chamber in self._lab.chambers.values():
            if here & set(chamber.channels) and math.isfinite(chamber.temperature_degC):
                told = tr("grid", "{name} {t:.1f} °C")
                parts.append(told.format(name=chamber.name, t=chamber.temperature_degC))
        parts.append(tr("grid", "1 cell") if cells == 1 else tr("grid", "{n} cells").format(n=cells))
        return " · ".join(part for part in parts if part)

    def _by_batch(self) -> tuple[Section, ...]:
        batches: dict[str, list[str]] = {}
        for name in self._sorted(self.cabinet.order):
            status = self._lab.channels[name]
            cell = self._lab.cells.get(status.cell_id)
            title = tr("grid", "no cell") if not status.cell_id else cell.batch if cell and cell.batch else ""
            batches.setdefault(title or tr("grid", "no batch"), []).append(name)
        return tuple(_flowing(title, "", tuple(names)) for title, names in batches.items())

    # -- keys -------------------------------------------------------------------------------------------------------

    def neighbour(self, channel: str, rows: int, columns: int) -> str:
        """Return the channel that the arrow keys go to from here; the same one at the edge."""
        if channel not in self.order:
            return self.order[0] if self.order else ""
        if columns:
            index = self.order.index(channel) + columns
            return self.order[max(0, min(len(self.order) - 1, index))]
        at = next(n for n, section in enumerate(self.sections) if channel in section.channels)
        row, column = self.sections[at].spots[self.sections[at].channels.index(channel)]
        row += rows
        while 0 <= at < len(self.sections):
            section = self.sections[at]
            step = 1 if rows > 0 else -1
            while 0 <= row < section.rows:
                near = [
                    (abs(at_column - column), name)
                    for name, (at_row, at_column) in zip(section.channels, section.spots, strict=True)
                    if at_row == row
                ]
                if near:
                    return min(near)[1]
                row += step
            at += step
            if 0 <= at < len(self.sections):
                row = 0 if rows > 0 else self.sections[at].rows - 1
        return channel


def _flowing(title: str, note: str, channels: tuple[str, ...]) -> Section:
    """Return a section whose tiles close ranks, eight in a row."""
    spots = tuple(divmod(index, UNIT) for index in range(len(channels)))
    return Section(title, note, channels, spots, -(-len(channels) // UNIT))


__all__ = ["NEEDS_SHOWN", "PRIORITY_MARKS", "Counts", "Grid", "GridChange", "Need", "Section"]
