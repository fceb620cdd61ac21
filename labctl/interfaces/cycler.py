"""What labctl asks of a battery cycler: small capabilities, each two or three methods.

A cycler runs a whole segment by itself (device-driven): the host loads, starts, follows and stops it. One
driver
object owns one instrument; calls may be made from many tasks, the driver serialises them on the wire.
All methods raise ``labctl.errors.InstrumentError`` subclasses. None of them retries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from labctl.errors import InstrumentError
from labctl.model.ids import TestId
from labctl.model.program import Limits, RecordRule, Segment, StepMode
from labctl.model.record import DeviceBlock

Place = str
"""A channel inside an instrument, for example ``1-3``; ``ChannelId`` is ``instrument:place``."""


class ChannelState(StrEnum):
    """What the channel does. ``UNKNOWN`` is a state of its own: neither startable nor running."""

    IDLE = "idle"  # never used
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"  # step list done
    STOPPED = "stopped"  # ended by command
    PROTECTED = "protected"  # ended by a protection limit or a fault
    ABSENT = "absent"  # no such channel
    UNKNOWN = "unknown"


STARTABLE = frozenset(
    {ChannelState.IDLE, ChannelState.FINISHED, ChannelState.STOPPED, ChannelState.PROTECTED}
)
OVER = frozenset({ChannelState.FINISHED, ChannelState.STOPPED, ChannelState.PROTECTED})


class SilencePolicy(StrEnum):
    """What happens to the steps when the host is gone (safety-and-faults section 3)."""

    DEVICE_GOES_ON = "device goes on to its own limits and end; data kept there"
    OUTPUT_OFF = "device switches its output off"


class Assurance(StrEnum):
    """How sure the driver can be of something it has set."""

    VERIFIED = "verified"  # read back before the start
    LATE = "verifiable late"  # seen in the first records
    NONE = "unverifiable"


@dataclass(frozen=True, slots=True)
class CurrentRange:
    """One current range: full scale and accuracy as a fraction of full scale."""

    full_scale_A: float
    accuracy_of_full_scale: float = 5e-4


@dataclass(frozen=True, slots=True)
class CyclerCapabilities:
    """What this model of cycler can do, as data. The planner checks programs against it."""

    model: str
    modes: frozenset[StepMode]
    ranges: tuple[CurrentRange, ...]
    voltage_min_V: float
    voltage_max_V: float
    set_resolution_A: float = 1e-9
    set_resolution_V: float = 1e-4
    time_resolution_s: float = 0.1
    record_interval_min_s: float = 0.1
    steps_max: int = 254
    loop_depth_max: int = 3
    loop_count_max: int = 65535
    step_time_max_s: float = 365 * 86400.0
    silence: SilencePolicy = SilencePolicy.DEVICE_GOES_ON
    assurance_step_file: Assurance = Assurance.VERIFIED
    assurance_limits: Assurance = Assurance.LATE
    assurance_range: Assurance = Assurance.LATE
    assurance_output: Assurance = Assurance.VERIFIED


@dataclass(frozen=True, slots=True)
class LiveReading:
    """The channel as it says it is now; ``coarse`` values are for display only, never for decisions.

    ``step_time_s`` and ``test_time_s`` are the device's; ``device_step`` is ``None`` when idle.
    """

    place: Place
    state: ChannelState
    voltage_V: float
    current_A: float
    device_step: int | None
    device_cycle: int
    step_time_s: float
    test_time_s: float
    barcode: str = ""
    coarse: bool = True


@dataclass(frozen=True, slots=True)
class TestProgress:
    """Which test a channel holds and how many records of it can be fetched. ``test_id`` 0 = never used."""

    __test__ = False  # not a pytest class

    place: Place
    test_id: TestId
    count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class DeviceProgram:
    """A segment rendered for the device and placed where it can read it.

    ``step_ids[k - 1]`` is the program's ``step_id`` of device step k (0 for loop and end lines).
    ``reference`` is what ``start`` hands to the device (a path, for Neware); ``sha256`` is of the bytes read
    back.
    """

    reference: str
    sha256: str
    step_ids: tuple[int, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One line of the device's own log."""

    sequence: int
    code: int
    meaning: str
    device_clock: str


class HasChannels(Protocol):
    """Says what it is and which places it has."""

    @property
    def name(self) -> str: ...
    async def open(self) -> None:
        """Connect and log in. Constructors do not talk."""

    async def close(self) -> None: ...
    async def identify(self) -> str:
        """Return a one-line identity: model, serials and versions as far as the device tells."""

    def same_device(self, known: str, now: str, place: Place | None = None) -> bool:
        """Tell whether two identities are of one and the same device, and whether it still has ``place``.

        What may change on one device (a program's version, the number of channels) does not count. Talks to nobody.
        """

    async def places(self) -> tuple[Place, ...]: ...
    def capabilities(self, place: Place) -> CyclerCapabilities: ...


class ReadsLive(Protocol):
    """Tells the state of channels."""

    async def live(self, places: Sequence[Place]) -> tuple[LiveReading, ...]:
        """Read the channels' present state; one reading per place, in order."""

    async def progress(self, places: Sequence[Place]) -> tuple[TestProgress, ...]:
        """Read test id and record count of the channels' latest tests; one per place, in order."""


class ReadsRecords(Protocol):
    """Hands out records by the device's own sequence number."""

    async def records(
        self, place: Place, test_id: TestId, after_sequence: int, up_to: int | None = None
    ) -> DeviceBlock:
        """Fetch the records with ``after_sequence < device_sequence <= up_to``, gap-free and in order.

        ``up_to`` None = whatever one page holds. May return fewer rows than exist; never rows of another
        test. Where the device has lost records the block begins behind the gap, or ends before it: who
        follows the test asks again before believing that (F10).
        """

    async def events(self, place: Place, test_id: TestId) -> tuple[DeviceEvent, ...]: ...


class RunsProgram(Protocol):
    """Executes a segment by itself."""

    async def load(
        self,
        place: Place,
        segment: Segment,
        *,
        label: str,
        record: RecordRule,
        limits: Limits,
        nominal_capacity_Ah: float | None = None,
        active_mass_mg: float | None = None,
    ) -> DeviceProgram:
        """Render, place and read back the device's program. Energises nothing."""

    async def start(self, place: Place, program: DeviceProgram, *, barcode: str) -> TestId:
        """Start a loaded program once. LinkTimeout/LinkClosed = unknown: read ``progress`` back before
        anything else (I09).
        """

    async def stop(self, place: Place) -> None:
        """Stop the channel's test over the stop lane and read back. RefusedError if nothing runs."""

    async def stop_all(self) -> None:
        """Stop every channel of the instrument over the stop lane."""


@runtime_checkable
class StopsTogether(Protocol):
    """Can stop several channels with one message; a cycler that cannot is told ``stop`` for each of them."""

    async def send_stop(self, places: Sequence[Place]) -> tuple[InstrumentError | None, ...]:
        """Stop all of these channels over the stop lane and read nothing back; one answer per place, in order.

        None = accepted, an error = why not. Raises: LinkError and others where nothing is known of any of them.
        """

    async def confirm_stop(self, places: Sequence[Place]) -> tuple[InstrumentError | None, ...]:
        """Read back what ``send_stop`` has stopped: None = it stands, UnknownStateError = it is not seen to."""


class Pauses(Protocol):
    """Can hold a test and let it go on."""

    async def pause(self, place: Place) -> None: ...
    async def resume(self, place: Place) -> None: ...


class PausesLater(Protocol):
    """Can hold a test when it comes to a step."""

    async def pause_at(self, place: Place, device_step: int) -> None:
        """Hold the test when it next begins ``device_step``, whatever the cycle. RefusedError if nothing runs."""


class Skips(Protocol):
    """Can go on with another step of the running program."""

    async def skip_to(self, place: Place, device_step: int) -> None:
        """Jump to a step and read back that it is being executed.

        Raises: RefusedError (nothing runs, or no such step), UnknownStateError (accepted, but not seen there).
        """


class Fenced(Protocol):
    """Asks before bytes that raise energy leave."""

    def fence(self, check: Callable[[], None]) -> None:
        """Call ``check`` right before each energising command is written; what it raises is raised, nothing leaves."""


class ClearsProtection(Protocol):
    """Can clear a latched alarm flag."""

    async def clear_protection(self, place: Place) -> None: ...


class Cycler(
    HasChannels,
    ReadsLive,
    ReadsRecords,
    RunsProgram,
    Pauses,
    PausesLater,
    Skips,
    Fenced,
    ClearsProtection,
    Protocol,
):
    """A battery cycler: the sum of its capabilities."""
