"""How the bench stands: station, instruments, channels, chambers, as the API sends them and clients show them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.model.ids import ChannelId
from labctl.model.job import Forecast, JobId


class LinkState(StrEnum):
    """What is known of an instrument."""

    OPENING = "opening"
    LIVE = "live"
    STALE = "stale"  # the link is gone; the device goes on by itself
    UNKNOWN = "unknown"  # gone for longer than the rules allow
    HELD = "held"  # another device answers there, or someone else uses it: nothing is sent


class HeldHow(StrEnum):
    """Why a run that could go on does not, or will not soon."""

    NONE = ""
    RESERVED = "reserved"  # a person has asked for a pause at the end of the step; it has not come yet
    PERSON = "person"  # a person here has paused it, in the middle of a step
    STEP_END = "step end"  # a person here has asked for it; it came at the end of the step
    PROGRAM = "program"  # the program has a pause here
    INSTRUMENT = "instrument"  # nobody here: at the tester, or with the vendor's own program


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a run and since when; ``by`` is empty where no person here does."""

    how: HeldHow = HeldHow.NONE
    by: str = ""
    utc: str = ""


@dataclass(frozen=True, slots=True)
class StepNow:
    """Where a run is in its program; ``number`` counts its steps in the order of the text, loops not unrolled.

    ``number`` 0 = no step yet; ``kind`` is empty where no step is executed now. ``left_s`` is NaN unless time alone
    ends the step.
    """

    number: int = 0
    count: int = 0
    kind: str = ""
    time_s: float = float("nan")
    left_s: float = float("nan")


NOBODY = Holding()
NO_STEP = StepNow()


@dataclass(frozen=True, slots=True)
class InstrumentStatus:
    """One instrument with its link."""

    name: str
    driver: str
    resource: str
    link: LinkState
    identity: str = ""
    text: str = ""
    channels: tuple[ChannelId, ...] = ()
    poll_s: float = 10.0
    silence: str = ""
    """The silence policy in the driver's own words."""


@dataclass(frozen=True, slots=True)
class TriedDevice:
    """What an instrument or chamber says that the station does not have yet. ``places`` are a cycler's channels."""

    name: str
    resource: str
    identity: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel. ``state`` is the run's phase while a run owns it, else the device's own word.

    ``cell_id`` is what a person loaded. ``lane`` is empty, or why the lane stands still. NaN where nothing is known.
    """

    channel: ChannelId
    state: str
    cell_id: str = ""
    cell_name: str = ""
    ready: bool = False
    run_id: str = ""
    job_id: JobId | None = None
    protocol: str = ""
    voltage_V: float = float("nan")
    current_A: float = float("nan")
    temperature_degC: float = float("nan")
    cycle: int = 0
    cycles: int = 0
    sentence: str = ""
    lane: str = ""
    ends: Forecast | None = None
    rows: int = 0
    test_time_s: float = 0.0
    seen_utc: str = ""
    tripped: str = ""
    """Why the channel is latched by a trip; empty when it is not."""
    step_number: int = 0
    """Which of the program's ``steps`` is executed, from 1 in the order of the text; 0 = none yet, or no run."""
    steps: int = 0
    step_kind: str = ""
    """``CC-CHG``, ``CC-DIS``, ``REST`` and so on; empty where no step is executed now."""
    step_time_s: float = float("nan")
    """Time in the step when the channel was last seen."""
    step_left_s: float = float("nan")
    """Time to the end of the step when the channel was last seen; NaN unless time alone ends it."""
    held_how: HeldHow = HeldHow.NONE
    held_by: str = ""
    """Who has paused the run, or asked for it; empty where nobody here did."""
    held_utc: str = ""
    owner: str = ""
    """The instrument that a person has handed the cell to; empty while it is the channel's own."""


@dataclass(frozen=True, slots=True)
class ChamberStatus:
    """One chamber as last read."""

    name: str
    state: str
    temperature_degC: float = float("nan")
    setpoint_degC: float = float("nan")
    channels: tuple[ChannelId, ...] = ()
    text: str = ""
    seen_utc: str = ""
    tripped: str = ""
    """Why it takes no run until a person has set it again; empty when it does."""


@dataclass(frozen=True, slots=True)
class StopReport:
    """What became of a stop on one channel, and what a person must do where it is not confirmed.

    ``channel`` is an instrument's name where that has never answered, so that nobody knows its channels.
    """

    channel: ChannelId
    confirmed: bool
    text: str = ""
    what_to_do: str = ""


@dataclass(frozen=True, slots=True)
class StopAll:
    """The latch of *Stop all outputs*."""

    active: bool
    by: str = ""
    since_utc: str = ""
    reason: str = ""
    reports: tuple[StopReport, ...] = ()


@dataclass(frozen=True, slots=True)
class StationInfo:
    """The station itself. ``plant_utc`` is the bench's time, which on a virtual bench is not the wall's."""

    name: str
    version: str
    epoch: str
    """Names this life of the process: deltas are numbered within it."""
    pid: int
    data: str
    virtual: bool
    clock: str
    plant_utc: str
    started_utc: str
    ready: bool
    stop_all: StopAll
    free_bytes: int
    space: str
    runs_active: int
    jobs_waiting: int
    alarms_open: int
    days_left: float = float("nan")
    """Days of the wall until the volume is full at the present growth; NaN where nothing grows."""
    speed: float | None = 1.0
    """Plant seconds per wall second; None = as fast as it can."""
    speed_fixed: str = ""
    """Why the speed cannot be changed; empty where it can (``POST /pace``)."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One numbered change: the present state of ``topic``/``key``, or with ``data`` None that it is gone."""

    number: int
    topic: str
    key: str
    data: dict[str, object] | None
