"""Everything that can be said on the BTS API: requests, and what their replies mean.

Plain frozen data in the words of the wire, in SI units (ampere, volt, second, ampere-hour). Addresses are four
numbers and the server's ip. Which bytes say which message is known in ``codec`` alone.

Source: neware-bts.md sections 2 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from labctl.model.record import DeviceBlock

DEVTYPE_BTS85 = 27
"""Device type of current middle machines (section 3.1)."""

LOCAL_SERVER_IP = "127.0.0.1"
"""Only data of this server can be downloaded (section 2.6)."""

ROWS_PER_DOWNLOAD = 1000
"""Most records one download returns (section 2.6)."""


class StatusWord(StrEnum):
    """Status words of a channel (section 3.3); any other word means unknown."""

    WORKING = "working"
    FINISH = "finish"
    STOP = "stop"
    PROTECT = "protect"
    PAUSE = "pause"
    FALSE = "false"  # channel does not exist, no information


@dataclass(frozen=True, slots=True)
class Address:
    """One channel: tester unit ``subdevid`` and channel ``chlid`` of middle machine ``devid``."""

    subdevid: int
    chlid: int
    devid: int
    devtype: int = DEVTYPE_BTS85
    ip: str = LOCAL_SERVER_IP

    @property
    def place(self) -> str:
        """Return the place inside the instrument, for example ``1-3``."""
        return f"{self.subdevid}-{self.chlid}"


# --------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Connect:
    """Log in (2.1)."""

    username: str
    password: str
    type: str = "bfgs"
    command: ClassVar[str] = "connect"


@dataclass(frozen=True, slots=True)
class GetDeviceInfo:
    """List the mapped channels (2.2)."""

    command: ClassVar[str] = "getdevinfo"


@dataclass(frozen=True, slots=True)
class GetChannelStatus:
    """Read status words (2.3)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "getchlstatus"


@dataclass(frozen=True, slots=True)
class Inquire:
    """Read live values (2.4)."""

    addresses: tuple[Address, ...]
    aux: int = 0
    barcode: bool = True
    command: ClassVar[str] = "inquire"


@dataclass(frozen=True, slots=True)
class InquireDf:
    """Ask which test a channel holds and how many records (2.5); ``test_id`` 0 = the latest."""

    addresses: tuple[Address, ...]
    test_id: int = 0
    command: ClassVar[str] = "inquiredf"


@dataclass(frozen=True, slots=True)
class Download:
    """Fetch detail records from record number ``start``, 1-based (2.6)."""

    address: Address
    test_id: int
    start: int
    count: int
    aux: int = 0
    command: ClassVar[str] = "download"


@dataclass(frozen=True, slots=True)
class DownloadStepLayer:
    """Fetch one row per executed step (2.7); ``test_id`` None leaves the attribute out."""

    address: Address
    test_id: int | None = None
    command: ClassVar[str] = "downloadStepLayer"


@dataclass(frozen=True, slots=True)
class DownloadLog:
    """Fetch the test's log (2.8); ``level`` None leaves the attribute out."""

    address: Address
    test_id: int = 0
    level: int | None = None
    command: ClassVar[str] = "downloadlog"


@dataclass(frozen=True, slots=True)
class StartItem:
    """One channel to start with the step file at ``path``, as the BTS PC sees it."""

    address: Address
    path: str
    barcode: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """What the BTS Client shall save by itself (2.9)."""

    backup_dir: str
    remote_dir: str = ""
    filename_type: int = 0
    custom_filename: str = ""
    add_time_when_repeat: bool = False
    create_dir_by_date: bool = False
    file_type: int = 0
    on_time: bool = True
    interval_min: int = 360
    when_free: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Start tests (2.9)."""

    items: tuple[StartItem, ...]
    backup: Backup | None = None
    command: ClassVar[str] = "start"

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return the channels in request order."""
        return tuple(item.address for item in self.items)


@dataclass(frozen=True, slots=True)
class Stop:
    """End tests (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "stop"


@dataclass(frozen=True, slots=True)
class BroadcastStop:
    """Stop every channel of a device (2.10)."""

    devid: int
    devtype: int = DEVTYPE_BTS85
    ip: str = LOCAL_SERVER_IP
    command: ClassVar[str] = "broadcaststop"


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on after a pause, a stop or a protection (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "continue"


@dataclass(frozen=True, slots=True)
class Goto:
    """Jump a running test to a step (2.10)."""

    addresses: tuple[Address, ...]
    step: int
    command: ClassVar[str] = "goto"


@dataclass(frozen=True, slots=True)
class Light:
    """Switch channel lamps (2.10)."""

    addresses: tuple[Address, ...]
    on: bool
    command: ClassVar[str] = "light"


@dataclass(frozen=True, slots=True)
class ClearFlag:
    """Clear alarm flags (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "clearflag"


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """Reset alarms (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "resetalarm"


@dataclass(frozen=True, slots=True)
class ChannelControl:
    """Switch channel outputs (2.10)."""

    addresses: tuple[Address, ...]
    on: bool
    command: ClassVar[str] = "chl_ctrl"


@dataclass(frozen=True, slots=True)
class Reset:
    """Replace the step file of a running test (2.10); the reply is not wrapped in a list."""

    address: Address
    path: str
    command: ClassVar[str] = "reset"


@dataclass(frozen=True, slots=True)
class Parallel:
    """Couple channels (2.10)."""

    addresses: tuple[Address, ...]
    parallel_type: int = 0
    command: ClassVar[str] = "parallel"


@dataclass(frozen=True, slots=True)
class GetParallel:
    """Ask how channels are coupled (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "getparallel"


@dataclass(frozen=True, slots=True)
class SetPause:
    """Pause when ``cycle`` and ``step`` are reached; -1 = now or any (2.10)."""

    addresses: tuple[Address, ...]
    cycle: int = -1
    step: int = -1
    timeout: str = ""
    command: ClassVar[str] = "setpause"


@dataclass(frozen=True, slots=True)
class CancelPause:
    """Withdraw a reserved pause (2.10)."""

    addresses: tuple[Address, ...]
    cycle: int = -1
    step: int = -1
    command: ClassVar[str] = "cancelpause"


@dataclass(frozen=True, slots=True)
class GetPause:
    """Ask for a reserved pause (2.10)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "getpause"


ListRequest = (
    GetChannelStatus | Inquire | InquireDf | Start | Stop | Continue | Goto | Light | ClearFlag | ResetAlarm
    | ChannelControl | Parallel | GetParallel | SetPause | CancelPause | GetPause
)  # fmt: skip
"""Requests with one row per channel; each has ``addresses``."""

Request = (
    Connect | GetDeviceInfo | Download | DownloadStepLayer | DownloadLog | BroadcastStop | Reset | ListRequest
)


# ---------------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class ResultReply:
    """A bare ``<result>``: the answer to connect, and to whatever the server did not understand."""

    command: str
    result: str


@dataclass(frozen=True, slots=True)
class MappedChannel:
    """A channel of the device list; ``idle`` is its text (true = not running)."""

    address: Address
    idle: bool


@dataclass(frozen=True, slots=True)
class DeviceInfoReply:
    """Device list; versions are empty where the client does not tell them."""

    channels: tuple[MappedChannel, ...]
    client_version: str = ""
    controller_versions: tuple[str, ...] = ()
    command: ClassVar[str] = "getdevinfo"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Status of one channel. The echoed ``address`` can be wrong in ``subdevid`` (section 1.4)."""

    address: Address
    word: str
    reserve_pause: int = 0


@dataclass(frozen=True, slots=True)
class StatusReply:
    """Status rows in request order."""

    rows: tuple[StatusRow, ...]
    command: ClassVar[str] = "getchlstatus"


@dataclass(frozen=True, slots=True)
class InquireRow:
    """Live values of one channel; NaN where the wire said ``--`` or nothing. ``step`` is None when idle."""

    address: Address
    aux: int
    word: str
    step_word: str
    cycle: int
    step: int | None
    voltage_V: float
    current_A: float
    capacity_Ah: float
    energy_Wh: float
    test_time_s: float
    step_time_s: float
    barcode: str = ""
    log_code: int = 0


@dataclass(frozen=True, slots=True)
class InquireReply:
    """Live rows in request order."""

    rows: tuple[InquireRow, ...]
    command: ClassVar[str] = "inquire"


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """Latest (or asked) test of one channel; ``count`` is also the highest record number."""

    address: Address
    test_id: int
    count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class ProgressReply:
    """Rows of inquiredf in request order."""

    rows: tuple[ProgressRow, ...]
    command: ClassVar[str] = "inquiredf"


@dataclass(frozen=True, slots=True, eq=False)
class DownloadReply:
    """One page of records with its echo; ``test_id`` is the actual one."""

    address: Address
    test_id: int
    start: int
    count: int
    block: DeviceBlock
    command: ClassVar[str] = "download"


@dataclass(frozen=True, slots=True)
class StepLayerRow:
    """One executed step; capacity and energy are >= 0. ``dcir_raw`` has no certain unit (section 2.7)."""

    first_sequence: int
    last_sequence: int
    index: int
    step: int
    cycle: int
    step_word: str
    duration_s: float
    end_clock: str
    start_voltage_V: float
    end_voltage_V: float
    start_current_A: float
    end_current_A: float
    capacity_Ah: float
    energy_Wh: float
    dcir_raw: float = 0.0


@dataclass(frozen=True, slots=True)
class StepLayerReply:
    """Executed steps in order."""

    address: Address
    test_id: int
    rows: tuple[StepLayerRow, ...]
    command: ClassVar[str] = "downloadStepLayer"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log line: the record number it belongs to, the vendor's code, the server's wall clock."""

    sequence: int
    code: int
    clock: str


@dataclass(frozen=True, slots=True)
class LogReply:
    """Log lines in order."""

    address: Address
    test_id: int
    rows: tuple[LogRow, ...]
    command: ClassVar[str] = "downloadlog"


@dataclass(frozen=True, slots=True)
class AcknowledgeRow:
    """``ok``, ``false`` or another word for one channel; ``address`` is None where the row names none."""

    address: Address | None
    word: str


@dataclass(frozen=True, slots=True)
class AcknowledgeReply:
    """Answer of a write command, one row per requested channel in request order."""

    command: str
    rows: tuple[AcknowledgeRow, ...]


Reply = (
    ResultReply | DeviceInfoReply | StatusReply | InquireReply | ProgressReply | DownloadReply | StepLayerReply
    | LogReply | AcknowledgeReply
)  # fmt: skip

OK = "ok"
REFUSED = "false"
