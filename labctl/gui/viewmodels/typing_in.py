"""Feed values into the model's dataclasses, fast: a bench of a thousand channels changes them ten times a second.

The station's own JSON has the very fields of the dataclasses, so they are filled by name; what a newer or older
station says differently goes the tolerant way of ``labctl.model.typed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from labctl.model.alarm import Alarm
from labctl.model.bench import (
    ChamberStatus,
    ChannelStatus,
    HeldHow,
    InstrumentStatus,
    StationInfo,
    StopAll,
)
from labctl.model.cell import Cell
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.job import Forecast, Job, QueueStanding
from labctl.model.latest import LatestCycle
from labctl.model.typed import from_plain

NAN = float("nan")
_CHANNEL_FLOATS = ("voltage_V", "current_A", "temperature_degC", "step_time_s", "step_left_s")
_RUN_FLOATS = ("voltage_V", "current_A", "eta_s")


@dataclass(frozen=True, slots=True)
class LiveRun:
    """How a run stands, as the engine tells it at each poll. ``eta_s`` is plant time to the expected end."""

    run_id: str
    channel: str
    cell: str = ""
    protocol: str = ""
    phase: str = ""
    cycle: int = 0
    cycles: int = 0
    voltage_V: float = NAN
    current_A: float = NAN
    sentence: str = ""
    rows: int = 0
    test_time_s: float = 0.0
    eta_s: float = NAN
    note: str = ""


_RUN_NAMES = frozenset(LiveRun.__slots__)


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many alarms stand, by priority, as the station counts them."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unacknowledged: int = 0
    unlisted: int = 0
    flood: bool = False

    @property
    def total(self) -> int:
        """Return how many stand."""
        return self.critical + self.high + self.medium + self.low


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; the newest are kept."""

    number: int
    kind: str
    utc: str
    text: str
    priority: str = ""
    channel: str = ""
    cell: str = ""
    run_id: str = ""
    by: str = ""


def _floats(data: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy in which null is NaN, as JSON cannot say it."""
    told = dict(data)
    for name in names:
        value = told.get(name)
        told[name] = NAN if value is None else float(value)
    told["test_time_s"] = float(told.get("test_time_s") or 0.0)
    return told


def channel_of(data: Mapping[str, Any]) -> ChannelStatus:
    """Return a channel's status. Raises: ValueError."""
    told = _floats(data, _CHANNEL_FLOATS)
    try:
        ends = told.get("ends")
        if isinstance(ends, Mapping):
            told["ends"] = Forecast(**ends)
        told["held_how"] = HeldHow(told.get("held_how", ""))
        return ChannelStatus(**told)
    except TypeError:
        return from_plain(ChannelStatus, dict(data))


def run_of(data: Mapping[str, Any]) -> LiveRun:
    """Return how a run stands. Raises: ValueError."""
    told = {name: value for name, value in _floats(data, _RUN_FLOATS).items() if name in _RUN_NAMES}
    try:
        return LiveRun(**told)
    except TypeError as error:
        raise ValueError(f"run: {error}") from error


def job_of(data: Mapping[str, Any]) -> Job:
    """Return a job. Raises: ValueError."""
    return from_plain(Job, dict(data))


def alarm_of(data: Mapping[str, Any]) -> Alarm:
    """Return an alarm. Raises: ValueError."""
    return from_plain(Alarm, dict(data))


def instrument_of(data: Mapping[str, Any]) -> InstrumentStatus:
    """Return an instrument. Raises: ValueError."""
    return from_plain(InstrumentStatus, dict(data))


def chamber_of(data: Mapping[str, Any]) -> ChamberStatus:
    """Return a chamber. Raises: ValueError."""
    return from_plain(ChamberStatus, dict(data))


def latest_of(data: Mapping[str, Any]) -> LatestCycle:
    """Return the newest cycle of a run. Raises: ValueError."""
    return from_plain(LatestCycle, dict(data))


def cell_of(data: Mapping[str, Any]) -> Cell:
    """Return a registered cell. Raises: ValueError."""
    return from_plain(Cell, dict(data))


def potentiostat_of(data: Mapping[str, Any]) -> PotentiostatStatus:
    """Return a potentiostat. Raises: ValueError."""
    return from_plain(PotentiostatStatus, dict(data))


def handover_of(data: Mapping[str, Any]) -> HandoverStatus:
    """Return a cell on its way to a potentiostat or back. Raises: ValueError."""
    return from_plain(HandoverStatus, dict(data))


def spectrum_of(data: Mapping[str, Any]) -> SpectrumEntry:
    """Return a stored spectrum's entry. Raises: ValueError."""
    return from_plain(SpectrumEntry, dict(data))


def stop_all_of(data: Mapping[str, Any]) -> StopAll:
    """Return the latch of *Stop all*. Raises: ValueError."""
    return from_plain(StopAll, dict(data))


def standing_of(data: Mapping[str, Any]) -> QueueStanding:
    """Return what keeps the queue from starting things. Raises: ValueError."""
    return from_plain(QueueStanding, dict(data))


def counts_of(data: Mapping[str, Any]) -> AlarmCounts:
    """Return the alarm counters. Raises: ValueError."""
    return from_plain(AlarmCounts, dict(data))


def info_of(data: Mapping[str, Any], before: StationInfo | None, stop_all: StopAll) -> StationInfo:
    """Return the station; what its news leave out (time, room, speed, latch) stays as it was. Raises: ValueError."""
    kept: dict[str, Any] = {"plant_utc": "", "free_bytes": 0, "days_left": None, "speed": 1.0}
    if before is not None:
        kept = {name: getattr(before, name) for name in kept}
    told = from_plain(StationInfo, {**kept, **data, "stop_all": {"active": False}})
    return StationInfo(
        **{**{name: getattr(told, name) for name in StationInfo.__slots__}, "stop_all": stop_all}
    )


def with_vitals(info: StationInfo, data: Mapping[str, Any]) -> StationInfo:
    """Return the station with what changes by itself: time and speed of the bench, room. Raises: ValueError."""
    days, speed = data.get("days_left"), data.get("speed")
    return replace(
        info,
        plant_utc=str(data.get("plant_utc") or ""),
        free_bytes=int(data.get("free_bytes") or 0),
        days_left=NAN if days is None else float(days),
        speed=None if speed is None else float(speed),
    )


def event_of(number: int, data: Mapping[str, Any]) -> Event:
    """Return an event; acts of people come from the journal and name who and what."""
    text = str(data.get("text") or "")
    if not text and data.get("act"):
        text = " ".join(str(data.get(name) or "") for name in ("act", "subject", "reason")).strip()
    names = ("priority", "channel", "cell", "run_id")
    return Event(number, str(data.get("kind") or ""), str(data.get("utc") or ""), text,
                 **{name: str(data.get(name) or "") for name in names}, by=str(data.get("who") or ""))  # fmt: skip
