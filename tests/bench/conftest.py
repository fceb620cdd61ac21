"""Raw sockets to a bench process or an in-process bench; nothing of the simulator's own codec."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []

ADDRESS = 'ip="127.0.0.1" devtype="27" devid="33" subdevid="{}" chlid="{}"'

PULSES = (
    '<?xml version="1.0" encoding="utf-8"?><root><config type="Step File" version="17" '
    'client_version="BTS Client 8.0.0.478(2024.06.24)(R3)" date="20260101000000" Guid="g"><Head_Info>'
    '<Scale Value="1" /></Head_Info><Whole_Prt><Protect><Main><Volt><Upper Value="50000" />'
    '<Lower Value="-50000" /></Volt><Delay_Time Value="1000" /></Main></Protect><Record><Main>'
    '<Time Value="10000" /><Volt Value="50" /></Main></Record></Whole_Prt><Step_Info Num="5">'
    '<Step1 Step_ID="1" Step_Type="4"><Limit><Main><Time Value="600000" /></Main></Limit></Step1>'
    '<Step2 Step_ID="2" Step_Type="1"><Limit><Main><Curr Value="0.785398" /><Cap Value="2827.4328" />'
    '<Time Value="3660000" /></Main></Limit></Step2>'
    '<Step3 Step_ID="3" Step_Type="2"><Limit><Main><Curr Value="0.785398" /><Cap Value="2827.4328" />'
    '<Time Value="3660000" /></Main></Limit></Step3>'
    '<Step4 Step_ID="4" Step_Type="5"><Limit><Other><Start_Step Value="2" /><Cycle_Count Value="{cycles}" />'
    '</Other></Limit></Step4><Step5 Step_ID="5" Step_Type="6" /></Step_Info></config></root>'
)
"""P1 of the reference study: rest, +-1 mA/cm2 to 1 mAh/cm2 on the 10 mm disc."""


class SocketClient:
    """A BTS client on a raw socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def ask(self, body: str) -> str:
        head = '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">'
        self.socket.sendall(f"{head}{body}</bts>\n\n#\r\n".encode())
        return self.reply().decode()

    def reply(self) -> bytes:
        data = b""
        while not data.endswith(b"\n\n#\r\n"):
            part = self.socket.recv(262144)
            if not part:
                raise EOFError(data)
            data += part
        return data

    def start(self, channel: int, path: Path, unit: int = 1) -> str:
        row = f'<start {ADDRESS.format(unit, channel)} barcode="b">{path}</start>'
        return text_of(self.ask(f'<cmd>start</cmd><list count="1">{row}</list>'), "start")

    def stop(self, channel: int, unit: int = 1) -> str:
        row = f"<stop {ADDRESS.format(unit, channel)}>true</stop>"
        return text_of(self.ask(f'<cmd>stop</cmd><list count="1">{row}</list>'), "stop")

    def status(self, channel: int, unit: int = 1) -> str:
        row = f"<status {ADDRESS.format(unit, channel)}>true</status>"
        return text_of(self.ask(f'<cmd>getchlstatus</cmd><list count="1">{row}</list>'), "status")

    def progress(self, channel: int, unit: int = 1) -> tuple[int, int, str]:
        row = f'<chl {ADDRESS.format(unit, channel)} testid="0" />'
        reply = self.ask(f'<cmd>inquiredf</cmd><list count="1">{row}</list>')
        found = re.search(r'testid="(\d+)" count="(\d+)">(\w+)<', reply)
        assert found is not None
        return int(found[1]), int(found[2]), found[3]

    def rows(self, channel: int, unit: int = 1) -> list[str]:
        """Return all record rows as they stand in the reply."""
        rows: list[str] = []
        while True:
            reply = self.ask(
                f'<cmd>download</cmd><download {ADDRESS.format(unit, channel)} auxid="0" testid="0" '
                f'startpos="{len(rows) + 1}" count="1000"/>'
            )
            page = re.findall(r"<data [^>]*/>", reply)
            rows += page
            if len(page) < 1000:
                return rows

    def close(self) -> None:
        self.socket.close()


def text_of(reply: str, tag: str) -> str:
    found = re.search(rf"<{tag} [^>]*>(\w+)</{tag}>", reply)
    assert found is not None, reply
    return found[1]


class Process:
    """A bench process of ``labctl sim`` and its first line."""

    def __init__(self, arguments: tuple[str, ...], folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "labctl", "sim", "--json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.first: dict[str, Any] = json.loads(line)
        self._admins: list[socket.socket] = []
        self._files: list[Any] = []
        self._clients: list[SocketClient] = []

    def port(self, name: str = "neware") -> int:
        return next(int(entry["port"]) for entry in self.first["instruments"] if entry["name"] == name)

    def client(self) -> SocketClient:
        self._clients.append(SocketClient(self.port()))
        return self._clients[-1]

    def admin(self) -> Callable[..., dict[str, Any]]:
        """Open an admin connection and return its ask function."""
        host, port = self.first["admin"].split(":")
        connection = socket.create_connection((host, int(port)), timeout=120)
        self._admins.append(connection)
        file = connection.makefile("rw", encoding="utf-8")
        self._files.append(file)

        def ask(do: str, **fields: object) -> dict[str, Any]:
            file.write(json.dumps({"do": do, **fields}) + "\n")
            file.flush()
            reply: dict[str, Any] = json.loads(file.readline())
            return reply

        return ask

    def hang_up(self) -> None:
        for item in (*self._files, *self._admins):
            item.close()
        self._files.clear()
        self._admins.clear()

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate(timeout=30)
        self.hang_up()
        for client in self._clients:
            client.close()


Spawn = Callable[..., Process]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Return a factory of bench processes that end with the test."""
    running: list[Process] = []

    def start(*arguments: str) -> Process:
        process = Process(arguments, tmp_path)
        running.append(process)
        return process

    yield start
    for process in running:
        process.end()


@pytest.fixture
def p1(tmp_path: Path) -> Callable[[int], Path]:
    """Return a writer of P1 step files with so many cycles."""

    def write(cycles: int) -> Path:
        path = tmp_path / f"p1-{cycles}.xml"
        path.write_text(PULSES.replace("{cycles}", str(cycles)), "utf-8")
        return path

    return write
