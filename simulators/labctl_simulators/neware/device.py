"""Answer BTS commands for the channels of one installation (neware-bts sections 2 and 3).

``receive(bytes) -> bytes`` and an ``advance`` by ticks: no sockets, no clock. Commands that were accepted and
change something are handed to ``on_accepted`` with the files they named, so that a bench can write them down.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from labctl_simulators.neware import wire
from labctl_simulators.neware.acting import ACTING
from labctl_simulators.neware.channel import Channel, Log, Status
from labctl_simulators.neware.faults import Outgoing, Switches, WireFaults
from labctl_simulators.neware.files import read_regular_file
from labctl_simulators.neware.records import TestRecords, WallClock, log_rows, record_rows, step_rows
from labctl_simulators.neware.stepfile import ChannelLimits
from labctl_simulators.neware.wire import (
    ADDRESS,
    ADDRESS4,
    Element,
    FrameReader,
    Request,
    RequestProblem,
    Row,
    integer,
    list_of,
)

DOWNLOAD_MAX = 1000


@dataclass(frozen=True, slots=True)
class TruthEntry:
    """One energising command as the device received it."""

    sequence: int
    tick: int
    place: str
    command: str
    accepted: bool
    test_id: int
    detail: str = ""
    barcode: str = ""
    sha256: str = ""


@dataclass(slots=True)
class Installation:
    """One BTS server with its channels; ``channels`` are keyed by (subdevid, chlid), in order."""

    name: str
    devtype: int
    devid: int
    ip: str
    channels: Mapping[tuple[int, int], Channel]
    limits: Mapping[tuple[int, int], ChannelLimits]
    clock: WallClock
    now_tick: Callable[[], int]
    switches: Switches = field(default_factory=Switches)
    wire_faults: WireFaults = field(default_factory=lambda: WireFaults(HANDLERS))
    read_file: Callable[[str], bytes | None] = read_regular_file
    on_accepted: Callable[[bytes, Mapping[str, bytes]], None] | None = None
    next_test_id: int = 1
    truth: list[TruthEntry] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    changed: bool = False

    def answer(self, frame: wire.Frame, *, logged_in: bool = True) -> tuple[str, bytes]:
        """Answer one request; returns the command's name and the reply's bytes.

        Without a login only ``connect`` is answered where a login is required (a setting; 1.3).
        """
        try:
            request = wire.parse_request(frame)
        except RequestProblem as problem:
            return problem.name, self._refusal(problem.name)
        handler = HANDLERS.get(request.name)
        shut = self.switches.login_required and not logged_in and request.name != "connect"
        if handler is None or shut:
            return request.name, self._refusal(request.name)
        self.files, self.changed = {}, False
        elements = handler(self, request)
        if self.changed and self.on_accepted is not None:
            self.on_accepted(frame.data, self.files)
        return request.name, wire.reply(self._reply_name(request.name), elements)

    def _reply_name(self, name: str) -> str:
        if name in ("download", "downloadlog") and not self.switches.right_spelling:
            return name.replace("download", "donwload") + "_resp"
        return name + "_resp"

    def _refusal(self, name: str) -> bytes:
        result = Element("result", text=self.switches.unknown_command_result)
        return wire.reply(f"{name}_resp", [result])

    def place_of(self, key: tuple[int, int]) -> str:
        """Return ``subdevid-chlid``."""
        return f"{key[0]}-{key[1]}"

    def find(self, row: Row) -> tuple[tuple[int, int], Channel] | None:
        try:
            key = (int(row.get("subdevid")), int(row.get("chlid")))
            known = int(row.get("devid")) == self.devid and int(row.get("devtype")) == self.devtype
        except ValueError:
            return None
        channel = self.channels.get(key)
        return None if channel is None or not known else (key, channel)

    def address(self, row: Row, names: Sequence[str] = ADDRESS) -> list[tuple[str, str]]:
        return [(name, row.get(name, self.ip if name == "ip" else "0")) for name in names]

    def tell(
        self, key: tuple[int, int], channel: Channel, command: str, accepted: bool, detail: str = ""
    ) -> None:
        """Note an energising command in the truth log; also a refused one is written down."""
        self.changed = True
        file = self.files.get(detail)
        self.truth.append(
            TruthEntry(
                len(self.truth) + 1,
                self.now_tick(),
                self.place_of(key),
                command,
                accepted,
                test_id=0 if channel.test is None else channel.test.test_id,
                detail=detail,
                barcode=channel.barcode,
                sha256="" if file is None else hashlib.sha256(file).hexdigest(),
            )
        )

    # -- reading -------------------------------------------------------------------------------------

    def connect(self, request: Request) -> list[Element]:
        """Log in (2.1): everything is accepted unless a login is configured."""
        wanted, switches = request.fields, self.switches
        right = switches.username in (None, wanted.get("username"))
        right = right and switches.password in (None, wanted.get("password"))
        return [Element("result", text="ok" if right else "fail")]

    def getdevinfo(self, request: Request) -> list[Element]:
        """List the mapped channels (2.2); false exactly while running."""
        rows = [
            Element(
                "channel",
                [
                    ("ip", self.ip),
                    ("devtype", str(self.devtype)),
                    ("devid", str(self.devid)),
                    ("subdevid", str(subdevid)),
                    ("Channelid", str(chlid)),
                ],
                "false" if channel.status is Status.WORKING else "true",
            )
            for (subdevid, chlid), channel in self.channels.items()
        ]
        server = Element("server", [("ip", "127.0.0.1"), ("port", "3306")])
        head: list[Element] = []
        if self.switches.modern_client:
            client = "BTS Client 2025.11.24(R3) (64)"
            head = [Element("client", [("version", client)])]
            unit = Element("xwj", [("id", "1"), ("xwjVersion", "1.0"), ("xwjGuid", "0")])
            device = [("ip", self.ip), ("devid", str(self.devid)), ("zwjVersion", "1.0"), ("xwjCount", "1")]
            server = Element(
                "server",
                [*server.attributes, ("version", "8.0.1"), ("devCount", "1")],
                children=[Element("dev", device, children=[unit])],
            )
        return [
            *head,
            Element("serverip", [("count", "1")], children=[server]),
            Element("middle", [("count", str(len(rows)))], children=rows, force_open=not rows),
        ]

    def getchlstatus(self, request: Request) -> list[Element]:
        """Tell the status words (2.3)."""
        rows = []
        for row in request.rows_of("status"):
            found = self.find(row)
            word = "false" if found is None else self._word(found[1])
            reserved = found is not None and found[1].reservation is not None
            address = self.address(row)
            if self.switches.wrong_subdevid:
                address = [(key, "1" if key == "subdevid" else value) for key, value in address]
            rows.append(Element("status", [*address, ("reservepause", str(int(reserved)))], word))
        return [list_of(rows)]

    def _word(self, channel: Channel) -> str:
        return channel.status.value if channel.test is not None else self.switches.new_channel_word

    def inquire(self, request: Request) -> list[Element]:
        """Show live values (2.4)."""
        return [list_of([self._inquire_row(row) for row in request.rows_of("inquire")])]

    def _inquire_row(self, row: Row) -> Element:
        found = self.find(row)
        name = "-".join(row.get(part, "0") for part in ADDRESS4) + "-" + row.get("aux", "0")
        barcode = row.get("barcode") == "1"
        if found is None or row.get("aux", "0") != "0":
            values = [("dev", name), ("cycle_id", "0"), ("step_type", "--"), ("workstatus", "false")]
            values += [("barcode", "")] if barcode else []
            zeros = ("current", "voltage", "capacity", "energy", "totaltime", "relativetime")
            tail = [(key, "0") for key in (*zeros, "open_or_close", "log_code")]
            return Element("inquire", values + tail)
        channel = found[1]
        live = channel.live(self.now_tick())
        idle = live.step is None
        values = [("dev", name), ("cycle_id", str(live.cycle))]
        if live.step is not None:
            values.append(("step_id", str(live.step.step_id)))
        values.append(("step_type", "--" if live.step is None else live.step.word))
        values.append(("workstatus", self._word(channel)))
        if barcode:
            values.append(("barcode", channel.barcode))
        values += [
            ("current", wire.number4(live.current_A)),
            ("voltage", wire.number4(live.voltage_V)),
            ("capacity", wire.number4(live.capacity_Ah)),
            ("energy", wire.number4(live.energy_Wh)),
            ("totaltime", wire.number1(live.total_s)),
            ("relativetime", wire.number1(live.relative_s)),
        ]
        if self.switches.extra_attributes:
            values += [("T1", "25.1"), ("CPU1", "41")]
        values += [
            ("open_or_close", str(channel.output_switch)),
            ("log_code", "0" if idle else str(Log.NO_REASON_YET)),
        ]
        return Element("inquire", values)

    def _visible(self, channel: Channel, test: TestRecords) -> tuple[int, bool]:
        """Return how many records have been uploaded, and whether the test is over and all of them are."""
        now = self.now_tick()
        count = test.visible(now - self.switches.upload_lag_ticks)
        over = test.over_tick is not None and test.over_tick <= now
        running = channel.test is test and channel.status in (Status.WORKING, Status.PAUSE)
        return count, over and not running and count == test.count

    def inquiredf(self, request: Request) -> list[Element]:
        """Tell test id and record count (2.5)."""
        rows = []
        for row in request.rows_of("chl"):
            found = self.find(row)
            test = None if found is None else self._test(found[1], row)
            address = self.address(row, ADDRESS4)
            if found is None or test is None:
                known = found is not None and found[1].test is None
                text = "true" if known else "false"
                rows.append(Element("chl", [*address, ("testid", "0"), ("count", "0")], text))
                continue
            count, complete = self._visible(found[1], test)
            shown = count if complete else max(0, count - self.switches.late_count)
            values = [*address, ("testid", str(test.test_id)), ("count", str(shown))]
            rows.append(Element("chl", values, "true" if complete and shown == count else "false"))
        return [list_of(rows)]

    def _test(self, channel: Channel, row: Row) -> TestRecords | None:
        wanted = integer(row.get("testid", "0"))
        return channel.test if not wanted else channel.tests.get(wanted)

    def download(self, request: Request) -> list[Element]:
        """Hand out detail records (2.6), at most 1000."""
        row = next(iter(request.rows_of("download")), Row("download", {}))
        found = self.find(row)
        test = None if found is None else self._test(found[1], row)
        first, count = integer(row.get("startpos", "0")), integer(row.get("count", "0"))
        test_id = integer(row.get("testid", "0")) if test is None else test.test_id
        echo = Element(
            "download",
            [
                *self.address(row, ADDRESS4),
                ("testid", str(test_id)),
                ("startpos", str(first)),
                ("count", str(count)),
                ("auxid", row.get("auxid", "0")),
            ],
        )
        if found is None or test is None or row.get("auxid", "0") not in ("0", ""):
            return [echo, list_of([])]
        start = max(0, first - 1)
        stop = min(self._visible(found[1], test)[0], first - 1 + min(count, DOWNLOAD_MAX))
        if stop <= start:
            return [echo, list_of([])]
        extra = ' T1="25.1"' if self.switches.extra_attributes else ""
        rows, number = record_rows(test, start, stop, self.clock, extra)
        return [echo, list_of([], rows, number)]

    def downloadStepLayer(self, request: Request) -> list[Element]:
        """List executed steps (2.7)."""
        row = next(iter(request.rows_of("downloadStepLayer")), Row("downloadStepLayer", {}))
        found = self.find(row)
        test = None if found is None else self._test(found[1], row)
        test_id = 0 if test is None else test.test_id
        echo = Element("downloadStepLayer", [*self.address(row, ADDRESS4), ("testid", str(test_id))])
        rows = [] if test is None else step_rows(test, self.now_tick(), self.clock)
        return [echo, list_of([Element("data", item) for item in rows])]

    def downloadlog(self, request: Request) -> list[Element]:
        """List log entries (2.8); level 0 leaves the step events out."""
        row = next(iter(request.rows_of("download")), Row("download", {}))
        found = self.find(row)
        test = None if found is None else self._test(found[1], row)
        level = integer(row.get("log_lever", "0"))
        test_id = 0 if test is None else test.test_id
        echo = Element(
            "download",
            [*self.address(row, ADDRESS4), ("testid", str(test_id)), ("log_lever", str(level))],
        )
        rows = [] if test is None else log_rows(test, self.now_tick(), level, self.clock)
        return [echo, list_of([Element("data", item) for item in rows])]


HANDLERS: Mapping[str, Callable[[Installation, Request], list[Element]]] = {
    "connect": Installation.connect,
    "getdevinfo": Installation.getdevinfo,
    "getchlstatus": Installation.getchlstatus,
    "inquire": Installation.inquire,
    "inquiredf": Installation.inquiredf,
    "download": Installation.download,
    "downloadStepLayer": Installation.downloadStepLayer,
    "downloadlog": Installation.downloadlog,
    **ACTING,
}


class Endpoint:
    """One connection: cuts requests out of bytes and answers them in order, one at a time if wanted."""

    def __init__(self, device: Installation) -> None:
        self._device = device
        self._reader = FrameReader()
        self._waiting: deque[wire.Frame] = deque()
        self._held = b""
        self._logged_in = False

    def push(self, data: bytes) -> None:
        """Take received bytes; the requests they complete wait for :meth:`pop`."""
        self._waiting.extend(self._reader.feed(data))

    def pop(self) -> Outgoing | None:
        """Answer the oldest waiting request and return what is to be sent, or None when none waits."""
        while self._waiting:
            command, reply = self._device.answer(self._waiting.popleft(), logged_in=self._logged_in)
            if command == "connect":
                self._logged_in = b"<result>ok</result>" in reply
            out, merge = self._device.wire_faults.on(command, reply)
            if merge:
                self._held += reply
                continue
            if self._held and out.pieces:
                out = Outgoing((self._held + out.pieces[0], *out.pieces[1:]), out.delay_s, out.close)
                self._held = b""
            return out
        return None

    def outgoing(self, data: bytes) -> list[Outgoing]:
        """Take received bytes and return all that is to be sent, with the wire faults' wishes."""
        self.push(data)
        return list(iter(self.pop, None))

    def receive(self, data: bytes) -> bytes:
        """Take received bytes and return the replies at once (link delays do not exist in memory)."""
        return b"".join(piece for out in self.outgoing(data) for piece in out.pieces)
