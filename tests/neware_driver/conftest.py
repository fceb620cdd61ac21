"""A scripted BTS server on a real socket: answers as the spec says, or as a test scripts it, byte for byte.

It is no simulator: it knows no physics and no time. Replies are typed here from neware-bts.md, not made by labctl's
codec.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from labctl_drivers.neware import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.transport.opening import open_transport

END = b"\n\n#\r\n"
HANG = "hang"  # never answer on this connection
CLOSE = "close"  # orderly end of the connection
RESET = "reset"  # connection torn down

Answer = bytes | str
Script = Callable[[ElementTree.Element, int], list[Answer]]


def reply(command: str, *lines: str) -> bytes:
    """Lay a reply out as captured (section 1.2)."""
    inner = "".join(f"  {line}\r\n" for line in [f"<cmd>{command}_resp</cmd>", *lines])
    return f'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n{inner}</bts>'.encode() + END


def record_row(seqid: int, **changes: str) -> str:
    values = {
        "seqid": str(seqid), "stepid": "1", "cycleid": "1", "steptype": "cc", "testtime": str((seqid - 1) * 1000),
        "atime": "2026-01-09 11:20:31", "volt": "3.9", "curr": "0.0005", "cap": "1.5E-06", "eng": "0",
    } | changes  # fmt: skip
    return "<data " + " ".join(f'{name}="{value}"' for name, value in values.items()) + " />"


class ScriptedServer:
    """Channels 1-1, 1-2 and 2-1 of devid 33. ``script[command]`` replaces the answer to a command."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.script: dict[str, Script] = {}
        self.requests: list[tuple[int, bytes]] = []  # connection number, bytes without terminator
        self.terminators: list[bytes] = []
        self.words = {"1-1": "finish", "1-2": "finish", "2-1": "stop"}
        self.tests = {"1-1": 41, "1-2": 0, "2-1": 7}
        self.counts = {"1-1": 0, "1-2": 0, "2-1": 0}
        self.complete = {"1-1": True, "1-2": True, "2-1": True}
        self.rows_per_page = 1000
        self.connections = 0
        self.outstanding = 0
        self.port = 0
        self.arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    # ------------------------------------------------------------------------------------------------ plumbing

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        await self._clock.link.sleep(0.001)

    def drop_connections(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def say_unasked(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        buffer = b""
        try:
            while data := await reader.read(65536):
                buffer += data
                while (match := re.search(rb"</bts>(\s*#\r\n)", buffer)) is not None:
                    request, buffer = buffer[: match.start(1)], buffer[match.end() :]
                    self.terminators.append(match.group(1))
                    if not await self._answer(request, number, writer):
                        return
        except ConnectionError:
            return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, request: bytes, number: int, writer: asyncio.StreamWriter) -> bool:
        self.requests.append((number, request))
        self.arrived.set()
        root = ElementTree.fromstring(request)
        command = root.findtext("cmd") or ""
        answers = self.script.get(command, self.usual)(root, number)
        for answer in answers:
            if answer == HANG:
                await asyncio.Event().wait()
            if answer in (CLOSE, RESET):
                if answer == RESET:
                    writer.transport.abort()
                else:
                    writer.close()
                return False
            assert isinstance(answer, bytes)
            writer.write(answer)
            await writer.drain()
            await self._clock.link.sleep(0)
        return True

    # ------------------------------------------------------------------------------------------- usual answers

    def commands(self, connection: int | None = None) -> list[str]:
        """Return the commands received, on one connection or on all, without logins."""
        found = [
            (number, ElementTree.fromstring(request).findtext("cmd") or "")
            for number, request in self.requests
        ]
        return [name for number, name in found if name != "connect" and connection in (None, number)]

    def usual(self, root: ElementTree.Element, _number: int) -> list[Answer]:
        command = root.findtext("cmd") or ""
        return [getattr(self, f"answer_{command}")(root)]

    def answer_connect(self, _root: ElementTree.Element) -> bytes:
        return reply("connect", "<result>ok</result>")

    def answer_getdevinfo(self, _root: ElementTree.Element) -> bytes:
        rows = []
        for place in self.words:
            unit, channel = place.split("-")
            rows.append(
                f'  <channel ip="127.0.0.1" devtype="27" devid="33" subdevid="{unit}" '
                f'Channelid="{channel}">true</channel>'
            )
        head = ['<serverip count="1">', '  <server ip="127.0.0.1" port="3306" />', "</serverip>"]
        return reply("getdevinfo", *head, f'<middle count="{len(rows)}">', *rows, "</middle>")

    def rows_for(
        self, root: ElementTree.Element, tag: str, form: Callable[[str, dict[str, str]], str]
    ) -> bytes:
        """Answer one row per asked row, in request order."""
        listed = root.find("list")
        assert listed is not None
        rows = []
        for row in listed.findall(tag):
            rows.append("  " + form(f"{row.get('subdevid')}-{row.get('chlid')}", dict(row.attrib)))
        return reply(root.findtext("cmd") or "", f'<list count="{len(rows)}">', *rows, "</list>")

    @staticmethod
    def addr(attributes: dict[str, str]) -> str:
        return " ".join(
            f'{name}="{attributes[name]}"' for name in ("ip", "devtype", "devid", "subdevid", "chlid")
        )

    @staticmethod
    def addr4(attributes: dict[str, str]) -> str:
        return " ".join(f'{name}="{attributes[name]}"' for name in ("devtype", "devid", "subdevid", "chlid"))

    def answer_getchlstatus(self, root: ElementTree.Element) -> bytes:
        return self.rows_for(
            root,
            "status",
            lambda place, a: (
                f'<status {self.addr(a)} reservepause="0">{self.words.get(place, "false")}</status>'
            ),
        )

    def answer_inquire(self, root: ElementTree.Element) -> bytes:
        def row(place: str, a: dict[str, str]) -> str:
            dev = f"{a['devtype']}-{a['devid']}-{a['subdevid']}-{a['chlid']}-0"
            step = 'step_id="3" step_type="dc"' if self.words[place] == "working" else 'step_type="--"'
            return (
                f'<inquire dev="{dev}" cycle_id="2" {step} workstatus="{self.words[place]}" barcode="b#1" '
                'current="-0.0005" voltage="2.8731" capacity="0.0011" energy="0.0034" totaltime="90211.4" '
                'relativetime="61.8" open_or_close="0" log_code="102000" />'
            )

        return self.rows_for(root, "inquire", row)

    def answer_inquiredf(self, root: ElementTree.Element) -> bytes:
        def row(place: str, a: dict[str, str]) -> str:
            over = str(self.complete[place]).lower()
            return (
                f'<chl {self.addr4(a)} testid="{self.tests[place]}" count="{self.counts[place]}">{over}</chl>'
            )

        return self.rows_for(root, "chl", row)

    def answer_download(self, root: ElementTree.Element) -> bytes:
        asked = root.find("download")
        assert asked is not None
        a = dict(asked.attrib)
        place = f"{a['subdevid']}-{a['chlid']}"
        start, count = int(a["startpos"]), int(a["count"])
        last = min(self.counts[place], start + min(count, self.rows_per_page) - 1)
        rows = ["  " + record_row(seqid) for seqid in range(start, last + 1)]
        echo = f'<download {self.addr4(a)} testid="{self.tests[place]}" startpos="{start}" count="{count}" auxid="0" />'
        if not rows:
            return reply("donwload", echo, '<list count="0" />')
        return reply("donwload", echo, f'<list count="{len(rows)}">', *rows, "</list>")

    def answer_downloadlog(self, root: ElementTree.Element) -> bytes:
        asked = root.find("download")
        assert asked is not None
        echo = f'<download {self.addr4(dict(asked.attrib))} testid="{asked.get("testid")}" log_lever="0" />'
        row = '  <data seqid="1" log_code="100000" atime="2026-01-08 16:02:11" />'
        return reply("donwloadlog", echo, '<list count="1">', row, "</list>")

    def answer_start(self, root: ElementTree.Element) -> bytes:
        def row(place: str, a: dict[str, str]) -> str:
            self.words[place] = "working"
            self.tests[place] = max(self.tests.values()) + 1
            return f"<start {self.addr(a)}>ok</start>"

        return self.rows_for(root, "start", row)

    def _changing(self, root: ElementTree.Element, tag: str, word: str) -> bytes:
        def row(place: str, a: dict[str, str]) -> str:
            moving = self.words[place] in ("working", "pause")
            self.words[place] = word if moving else self.words[place]
            return f"<{tag} {self.addr(a)}>{'ok' if moving else 'false'}</{tag}>"

        return self.rows_for(root, tag, row)

    def answer_stop(self, root: ElementTree.Element) -> bytes:
        return self._changing(root, "stop", "stop")

    def answer_broadcaststop(self, root: ElementTree.Element) -> bytes:
        self.words = {place: "stop" if word == "working" else word for place, word in self.words.items()}
        return reply("broadcaststop", '<list count="1">', '  <stop ip="127.0.0.1">ok</stop>', "</list>")

    def answer_setpause(self, root: ElementTree.Element) -> bytes:
        return self._changing(root, "setpause", "pause")

    def answer_continue(self, root: ElementTree.Element) -> bytes:
        return self._changing(root, "continue", "working")

    def answer_clearflag(self, root: ElementTree.Element) -> bytes:
        return self.rows_for(root, "clearflag", lambda _, a: f"<clearflag {self.addr(a)}>false</clearflag>")


class Bench:
    """A scripted server, a clock and the driver on it, as a test sees them."""

    HANG, CLOSE, RESET = HANG, CLOSE, RESET
    reply = staticmethod(reply)
    record_row = staticmethod(record_row)

    def __init__(self, server: ScriptedServer, clock: Clock, folder: Path) -> None:
        self.server = server
        self.clock = clock
        self.folder = folder

    @property
    def settings(self) -> dict[str, object]:
        return {
            "devid": 33,
            "step_folder": str(self.folder),
            "step_folder_on_bts": "Z:\\steps",
            "units": {"1": "5V10mA", "2": "5V100mA-4R"},
            "reply_timeout_s": 5.0,
        }

    def driver(self, **options: object) -> Any:
        resource = f"tcp://127.0.0.1:{self.server.port}"
        return create(
            "neware",
            resource,
            self.settings | options,
            self.clock,
            lambda text: open_transport(text, self.clock),
        )

    @asynccontextmanager
    async def opened(self, **options: object) -> AsyncIterator[Any]:
        driver = self.driver(**options)
        try:
            await driver.open()
            self.server.requests.clear()
            yield driver
        finally:
            await driver.close()


@pytest.fixture
def on_bench(tmp_path: Path) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Return a runner: ``on_bench(scene)`` plays the coroutine ``scene(bench)`` against a fresh server."""

    def run(scene: Callable[[Bench], Awaitable[None]], mode: ClockMode = ClockMode.REAL) -> None:
        async def main(clock: Clock) -> None:
            server = ScriptedServer(clock)
            await server.open()
            try:
                await scene(Bench(server, clock, tmp_path))
            finally:
                await server.close()

        run_with_clock(ClockSpec(mode=mode), main)

    return run
