"""Everything the window knows of its station: fed by the bridge, watched by the view-models. GUI thread only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from labctl.gui.viewmodels import typing_in
from labctl.gui.viewmodels.batches import Batch, Link, LinkNews, LinkPhase, Me, RowsOf
from labctl.gui.viewmodels.typing_in import AlarmCounts, Event, LiveRun
from labctl.model.alarm import Alarm
from labctl.model.bench import (
    ChamberStatus,
    ChannelStatus,
    Delta,
    InstrumentStatus,
    LinkState,
    StationInfo,
    StopAll,
)
from labctl.model.cell import Cell
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.job import Job, QueueStanding
from labctl.model.latest import LatestCycle

EVENTS_KEPT = 5_000
"""Newest events in memory; older ones are in the journal and in the runs' folders."""
Place = tuple[str, str]
"""A topic with a key: ``("channel", "neware:1-3")``."""
Observer = Callable[[frozenset[Place]], None]
STALE_POLLS = 3.0
STALE_EXTRA_S = 5.0
SILENT = frozenset({LinkState.STALE, LinkState.UNKNOWN})
"""Links of an instrument whose channels' values are not live, however young they are."""
"""A value is stale after three polls and five seconds without a new one (I10)."""


class Lab:
    """The window's picture of the station. ``now_s`` is link time, ``utc`` the wall's; both from the GUI's clock."""

    def __init__(self, now_s: Callable[[], float], utc: Callable[[], datetime] | None = None) -> None:
        self._now_s = now_s
        self._utc = utc or (lambda: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=now_s()))
        self._channels: dict[str, ChannelStatus] = {}
        self._runs: dict[str, LiveRun] = {}
        self._jobs: dict[str, Job] = {}
        self._alarms: dict[str, Alarm] = {}
        self._instruments: dict[str, InstrumentStatus] = {}
        self._chambers: dict[str, ChamberStatus] = {}
        self._cells: dict[str, Cell] = {}
        self._latest: dict[str, LatestCycle] = {}
        self._potentiostats: dict[str, PotentiostatStatus] = {}
        self._handovers: dict[str, HandoverStatus] = {}
        self._spectra: dict[str, SpectrumEntry] = {}
        self._heard: dict[str, tuple[float, float]] = {}  # channel -> link time it came, age it had then
        self._owner: dict[str, str] = {}  # channel -> instrument
        self._watchers: list[tuple[frozenset[str], Observer]] = []
        self._info_utc: tuple[datetime, float] | None = None
        self._link, self._heard_s = Link(since_s=now_s()), now_s()
        self.channels: Mapping[str, ChannelStatus] = MappingProxyType(self._channels)
        self.runs: Mapping[str, LiveRun] = MappingProxyType(self._runs)
        self.jobs: Mapping[str, Job] = MappingProxyType(self._jobs)
        self.alarms: Mapping[str, Alarm] = MappingProxyType(self._alarms)
        self.instruments: Mapping[str, InstrumentStatus] = MappingProxyType(self._instruments)
        self.chambers: Mapping[str, ChamberStatus] = MappingProxyType(self._chambers)
        self.cells: Mapping[str, Cell] = MappingProxyType(self._cells)
        self.latest: Mapping[str, LatestCycle] = MappingProxyType(self._latest)
        """The newest complete cycle of live runs, once somebody has asked for those."""
        self.potentiostats: Mapping[str, PotentiostatStatus] = MappingProxyType(self._potentiostats)
        self.handovers: Mapping[str, HandoverStatus] = MappingProxyType(self._handovers)
        self.spectra: Mapping[str, SpectrumEntry] = MappingProxyType(self._spectra)
        """Every stored spectrum, by its id."""
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.station: StationInfo | None = None
        self.stop_all = StopAll(active=False)
        self.counts = AlarmCounts()
        self.queue = QueueStanding()
        self.me = Me()
        self.complete = False
        """True once the station has told all that it has: before that, nothing known is not nothing there."""
        self.rows: tuple[RowsOf, ...] = ()
        """The live rows of the batch at hand, for observers of ``rows``; nobody keeps them here."""
        self.problems: deque[str] = deque(maxlen=50)
        """What the station said that could not be read: shown in the raw frames, never raised."""

    # -- time -------------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Return link time in seconds."""
        return self._now_s()

    @property
    def utc(self) -> datetime:
        """Return the wall's time, UTC."""
        return self._utc()

    @property
    def plant_utc(self) -> datetime:
        """Return the bench's time as last told: on a virtual bench it is not the wall's."""
        if self._info_utc is None:
            return self._utc()
        told, heard_s = self._info_utc
        return told + timedelta(seconds=0.0 if self._virtual else self._now_s() - heard_s)

    @property
    def _virtual(self) -> bool:
        return self.station is not None and self.station.virtual

    @property
    def _on_wall_time(self) -> bool:
        """Tell whether the bench's time is known and goes as the wall's does."""
        return self._info_utc is not None and self.station is not None and not self.station.virtual

    @property
    def link(self) -> Link:
        """Return the link with its present age."""
        age_s = max(0.0, self._now_s() - self._heard_s)
        return Link(self._link.state, self._link.since_s, age_s, self._link.text)

    def age_s(self, channel: str) -> float:
        """Return how old the newest value of a channel is, in link seconds; infinite where there is none."""
        heard = self._heard.get(channel)
        return float("inf") if heard is None else max(0.0, self._now_s() - heard[0]) + heard[1]

    def stale_after_s(self, channel: str) -> float:
        """Return the age from which a channel's values are shown grey, in link seconds."""
        owner = self._instruments.get(self._owner.get(channel, channel.partition(":")[0]))
        return STALE_POLLS * (10.0 if owner is None else owner.poll_s) + STALE_EXTRA_S

    def stale(self, channel: str) -> bool:
        """Tell whether a channel's values must be shown grey: old, or a link on their way to us is gone (R13)."""
        owner = self._instruments.get(self._owner.get(channel, channel.partition(":")[0]))
        silent = owner is not None and owner.link in SILENT
        return not self._link.live or silent or self.age_s(channel) > self.stale_after_s(channel)

    # -- what comes in ----------------------------------------------------------------------------------------------

    def watch(self, topics: Collection[str], observer: Observer) -> Callable[[], None]:
        """Call ``observer`` after each batch that changed one of ``topics``, with the places; returns unwatch.

        Topics: those of the station's feed, ``link``, ``rows`` (key = run) and ``cell`` (the registry).
        """
        entry = (frozenset(topics), observer)
        self._watchers.append(entry)

        def unwatch() -> None:
            if entry in self._watchers:
                self._watchers.remove(entry)

        return unwatch

    def apply(self, batch: Batch) -> None:
        """Take what the bridge hands over, then call each observer once with what changed for it."""
        changed: set[Place] = set()
        if batch.link is not None:
            changed |= self._take_link(batch.link)
        if batch.reset:
            changed |= self._forget()
        for delta in batch.deltas:
            self._take(delta)
            changed.add((delta.topic, delta.key))
        if batch.reset:
            self.complete = True
            self._age_snapshot()
        for rows in batch.rows:
            changed.add(("rows", rows.run_id))
        self.rows = batch.rows
        try:
            self._tell(changed)
        finally:
            self.rows = ()

    def take_info(self, info: StationInfo) -> None:
        """Take the answer to ``info``: it has the time and the free room that the news leave out."""
        self.station, self.stop_all = info, info.stop_all
        self._note_plant(info.plant_utc)
        self._tell({("station", "info"), ("station", "stop_all")})

    def take_latest(self, found: Collection[LatestCycle]) -> None:
        """Take newest cycles that were asked for; from then on the station tells them by itself."""
        changed = {("cycle", str(one.run_id)) for one in found if self._latest.get(one.run_id) != one}
        self._latest.update({str(one.run_id): one for one in found})
        self._tell(changed)

    def take_spectra(self, found: Collection[SpectrumEntry]) -> None:
        """Take the stored spectra that were asked for; from then on the station tells of each new one."""
        changed = {
            ("spectrum", one.spectrum_id) for one in found if self._spectra.get(one.spectrum_id) != one
        }
        self._spectra.update({one.spectrum_id: one for one in found})
        self._tell(changed)

    def take_cells(self, cells: Collection[Cell], *, whole: bool = True) -> None:
        """Take cells of the registry; ``whole``: all there are."""
        changed = {("cell", str(cell.cell_id)) for cell in cells if self._cells.get(cell.cell_id) != cell}
        if whole:
            gone = self._cells.keys() - {str(cell.cell_id) for cell in cells}
            changed |= {("cell", cell_id) for cell_id in gone}
            for cell_id in gone:
                del self._cells[cell_id]
        self._cells.update({str(cell.cell_id): cell for cell in cells})
        self._tell(changed)

    def _tell(self, changed: set[Place]) -> None:
        if not changed:
            return
        topics = {topic for topic, _ in changed}
        bugs: list[Exception] = []
        for wanted, observer in tuple(self._watchers):
            if not topics.isdisjoint(wanted):
                try:
                    observer(frozenset(place for place in changed if place[0] in wanted))
                except Exception as bug:  # a broken view keeps no other one in the dark
                    bugs.append(bug)
        if bugs:
            raise bugs[0]

    def _take_link(self, news: LinkNews) -> set[Place]:
        if news.heard_s is not None:
            self._heard_s = news.heard_s
        another = news.me is not None and news.me != self.me
        if news.me is not None:
            self.me = news.me
        if news.state is not self._link.state or news.text != self._link.text:
            since_s = self._link.since_s if news.state is self._link.state else self._now_s()
            self._link = Link(news.state, since_s, 0.0, news.text)
            return {("link", "station")}
        return {("link", "station")} if another else set()

    def _forget(self) -> set[Place]:
        kept: dict[str, dict[str, Any]] = {
            "channel": self._channels, "run": self._runs, "job": self._jobs, "alarm": self._alarms,
            "instrument": self._instruments, "chamber": self._chambers, "cycle": self._latest,
            "potentiostat": self._potentiostats, "handover": self._handovers,
        }  # fmt: skip
        gone = {(topic, key) for topic, values in kept.items() for key in values}
        for values in kept.values():
            values.clear()
        self._owner.clear()
        return gone

    def _take(self, delta: Delta) -> None:
        try:
            self._taken(delta)
        except (ValueError, TypeError, KeyError) as error:
            self.problems.append(f"{delta.topic} {delta.key}: {error}")

    def _taken(self, delta: Delta) -> None:
        topic, key, data = delta.topic, delta.key, delta.data
        if topic == "channel":
            if _put(self._channels, key, data, typing_in.channel_of):
                seen_utc = self._channels[key].seen_utc
                self._heard[key] = (self._now_s(), self._age_when_told_s(seen_utc))
                self._note_seen(seen_utc)
        elif topic == "run":
            _put(self._runs, key, data, typing_in.run_of)
        elif topic == "job":
            _put(self._jobs, key, data, typing_in.job_of)
        elif topic == "alarm":
            _put(self._alarms, key, data, typing_in.alarm_of)
        elif topic == "instrument":
            _put(self._instruments, key, data, typing_in.instrument_of)
            for channel in () if data is None else self._instruments[key].channels:
                self._owner[channel] = key
        elif topic == "chamber":
            _put(self._chambers, key, data, typing_in.chamber_of)
        elif topic == "cycle":
            _put(self._latest, key, data, typing_in.latest_of)
        elif topic == "cell":
            _put(self._cells, key, data, typing_in.cell_of)
        elif topic == "potentiostat":
            _put(self._potentiostats, key, data, typing_in.potentiostat_of)
        elif topic == "handover":
            _put(self._handovers, key, data, typing_in.handover_of)
        elif topic == "spectrum" and data is not None:  # one that is told no more is not gone
            self._spectra[key] = typing_in.spectrum_of(data)
        elif topic == "event" and data is not None:
            self.events.append(typing_in.event_of(delta.number, data))
        elif topic == "station" and data is not None:
            self._take_station(key, data)

    def _take_station(self, key: str, data: Mapping[str, Any]) -> None:
        if key == "stop_all":
            self.stop_all = typing_in.stop_all_of(data)
        elif key == "alarms":
            self.counts = typing_in.counts_of(data)
        elif key == "vitals" and self.station is not None:
            self.station = typing_in.with_vitals(self.station, data)
            self._note_plant(self.station.plant_utc)
        elif key == "queue":
            self.queue = typing_in.standing_of(data)
        elif key == "info":
            self.station = typing_in.info_of(data, self.station, self.stop_all)
            self._note_plant(str(data.get("plant_utc") or ""))

    def _age_when_told_s(self, seen_utc: str) -> float:
        """Return how old a reading was when it came: news of a channel may be of its cell, its reading hours old.

        On a virtual bench, whose time is not the wall's, what comes is new.
        """
        moment = utc_of(seen_utc)
        if moment is None or not self._on_wall_time:
            return 0.0
        return max(0.0, (self.plant_utc - moment).total_seconds())

    def _note_seen(self, seen_utc: str) -> None:
        """Let a virtual bench's time follow the newest reading: it runs at a speed that nobody told us."""
        if self._virtual and seen_utc:
            moment = utc_of(seen_utc)
            if moment is not None and (self._info_utc is None or moment > self._info_utc[0]):
                self._info_utc = (moment, self._now_s())

    def _note_plant(self, plant_utc: str) -> None:
        moment = utc_of(plant_utc)
        if moment is not None:
            self._info_utc = (moment, self._now_s())

    def _age_snapshot(self) -> None:
        """Give values of a snapshot the age that they had there, in bench time: against the station's own time where
        that is the wall's, else against the newest of all.
        """
        seen = {key: utc_of(status.seen_utc) for key, status in self._channels.items()}
        known = [moment for moment in seen.values() if moment is not None]
        newest = max(known, default=None)
        if newest is not None and self._on_wall_time:
            newest = max(newest, self.plant_utc)
        for key, moment in seen.items():
            if moment is None:
                self._heard.pop(key, None)
            elif newest is not None:
                self._heard[key] = (self._now_s(), (newest - moment).total_seconds())


def _put(
    values: dict[str, Any], key: str, data: Mapping[str, Any] | None, make: Callable[[Any], Any]
) -> bool:
    """Keep the value that ``data`` tells; False where it is gone."""
    if data is None:
        values.pop(key, None)
        return False
    values[key] = make(data)
    return True


def utc_of(text: str) -> datetime | None:
    """Return the moment of an ISO text, UTC; None where there is none or it cannot be read."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


__all__ = ["Batch", "Lab", "Link", "LinkNews", "LinkPhase", "Me", "Observer", "Place", "RowsOf", "utc_of"]
