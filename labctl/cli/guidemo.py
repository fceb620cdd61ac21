"""The demo behind ``labctl gui --demo``: a virtual bench and a station, processes of their own, with a campaign queued.

They do not notice whether the window lives: closed in order, it ends them; killed, it leaves them, and the next
``labctl gui --demo`` finds them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.clock import link_now_s, link_pause
from labctl.errors import LabctlError, LinkClosed, LinkTimeout, StoreError

if TYPE_CHECKING:
    from labctl.api.client.aio.station import AsyncStation
    from labctl.gui.app import Plan

DEFAULT_DATA = "labctl-demo-gui"
NOTE = "demo.json"
READY_S = 60.0
LEAVE_S = 20.0
ADMIN_S = 5.0
POLL_S = 60
"""Plant seconds between two polls: at 600 times the wall a new point ten times a second."""
SIM_POLL = "poll_s: 600"
CAMPAIGN = """\
labctl: campaign/1
name: "{name}: pristine against Zn-coated"
stagger: 30 s
cells:
  pristine:
{pristine}
  coated:
{coated}
steps:
  - step: cycling
    protocol: {protocol}
{later}"""
"""What is queued for one family of cells."""

LATER = """\
  - step: {step}
    protocol: {step}
    variables: {{chamber: {chamber}}}
    hold: {hold}
"""

FAMILIES = (
    ("LFP-", "LFP|Li PEO", "p5-lfp-li-peo", ("rate-test", "60 degC", "false")),
    ("PEO-", "Li|Li PEO", "p3-li-li-peo", None),
    ("LTO-", "LTO|Li", "p4-lto-li", None),
    ("LIQ-3mA-", "Li|Li 3 mA", "p2-li-li-3mA", None),
    ("LIQ-", "Li|Li 1 mA", "p1-li-li-1mA", ("ccd-staircase", "25 degC", "true")),
)
"""How the cells of the bench begin their names, what the campaign is called, its protocol, and what follows it."""


def demo_plan(data: str | None, speed: str) -> Plan:
    """Return what the window needs; nothing is started before it is painted."""
    from labctl.gui.app import Plan

    demo = Demo(_place(data), speed)
    return Plan(demo.connect, demo.end)


def _place(data: str | None) -> Path:
    """Return the data root: one that a demo still serves, else a new one."""
    from labctl.api.client.address import being_served

    if data is not None:
        return Path(data).absolute()
    number = 1
    while True:
        place = (Path(DEFAULT_DATA) / f"demo-{number}").absolute()
        if not place.exists() or being_served(place):
            return place
        number += 1


class Demo:
    """The two processes. ``connect`` runs in the client's loop, ``end`` after the window has gone."""

    def __init__(self, data: Path, speed: str) -> None:
        self._data, self._speed = data, speed
        self._bench: subprocess.Popen[bytes] | None = None
        self._filled = False

    async def connect(self, start: bool) -> AsyncStation:
        """Start what is not there, then connect. Raises: LabctlError."""
        from labctl.api.client.aio.connecting import connect_async
        from labctl.cli.gui import user_name

        if start:
            await asyncio.get_running_loop().run_in_executor(None, self._begin)
        file = self._station_file if start else None
        station = await connect_async(file, self._data, start=start, person=user_name())
        if start and not self._filled:
            try:
                await self._fill(station)
            except BaseException:
                await station.close()
                raise
        return station

    def pace(self) -> tuple[str, str]:
        """Return the bench's admin link and its speed."""
        first = self._note().get("first", {})
        return str(first.get("admin", "")), self._speed

    def set_speed(self, speed: str) -> None:
        """Let the bench's time go at so many plant seconds a second, or ``max``. Raises: LinkClosed, OSError."""
        _admin(self.pace()[0], do="pace", speed=speed if speed == "max" else float(speed))
        self._speed = speed

    def end(self) -> None:
        """End the station, then the bench."""
        from labctl.api.client.address import being_served, in_data
        from labctl.cli.leaving import ask_to_leave

        with contextlib.suppress(LinkClosed, StoreError):
            ask_to_leave(self._data, in_data(self._data)().epoch)
            until_s = link_now_s() + LEAVE_S
            while being_served(self._data) and link_now_s() < until_s:
                link_pause(0.1)
        self._end_bench()

    # -- the bench --------------------------------------------------------------------------------------------------

    @property
    def _station_file(self) -> Path:
        return self._data / "demo-station.yaml"

    def _note(self) -> dict[str, Any]:
        try:
            told = json.loads((self._data / NOTE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _begin(self) -> None:
        from labctl.api.client.address import being_served

        if being_served(self._data):
            self._filled = True
            return
        self._data.mkdir(parents=True, exist_ok=True)
        log = self._data / "bench.log"
        with log.open("wb") as output:
            self._bench = subprocess.Popen(
                [sys.executable, "-m", "labctl", "sim", "--json", "--bench", "lab", "--mode", "lockstep",
                 "--state", str(self._data / "bench")],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **_apart(),
            )  # fmt: skip
        first = self._first_line(log)
        (self._data / NOTE).write_text(json.dumps({"pid": self._bench.pid, "first": first}), encoding="utf-8")
        text = Path(first["station_file"]).read_text(encoding="utf-8").replace(SIM_POLL, f"poll_s: {POLL_S}")
        self._station_file.write_text(text, encoding="utf-8")
        self.set_speed(self._speed)

    def _first_line(self, log: Path) -> dict[str, Any]:
        assert self._bench is not None
        until_s = link_now_s() + READY_S
        while True:
            line, ended, _ = log.read_text(encoding="utf-8", errors="replace").partition("\n")
            if ended and line.startswith("{"):
                first: dict[str, Any] = json.loads(line)
                return first
            if self._bench.poll() is not None:
                said = log.read_text(encoding="utf-8", errors="replace")[-1000:].strip()
                raise LinkClosed(f"the virtual bench ended before it was ready: {said or 'it said nothing'}")
            if link_now_s() > until_s:
                raise LinkTimeout("the virtual bench does not come up", operation="start", elapsed_s=READY_S)
            link_pause(0.05)

    def _end_bench(self) -> None:
        note = self._note()
        admin, number = str(note.get("first", {}).get("admin", "")), note.get("pid")
        if self._bench is None and isinstance(number, int) and admin:
            with contextlib.suppress(LabctlError, OSError):
                _admin(admin, do="hello")  # it is our bench that answers there: the number is still its
                os.kill(number, signal.SIGTERM)
        elif self._bench is not None:
            self._bench.terminate()
            try:
                self._bench.wait(LEAVE_S)
            except subprocess.TimeoutExpired:
                self._bench.kill()
                self._bench.wait()

    # -- the campaign -----------------------------------------------------------------------------------------------

    async def _fill(self, station: AsyncStation) -> None:
        table = Path(self._note()["first"]["cells_file"])
        await station.cells.import_table(table.name, table.read_bytes())
        slots = _slots(self._data / "bench")
        left = {cell.name: cell.cell_id for cell in await station.cells.list() if cell.cell_id in slots}
        for prefix, name, protocol, later in FAMILIES:
            mine = {cell: str(left.pop(cell)) for cell in sorted(left) if cell.startswith(prefix)}
            text = campaign(mine, slots, name, protocol, later)
            await station.queue.submit_campaign(text, key=f"demo {prefix}")
        self._filled = True


def campaign(
    cells: dict[str, str], slots: dict[str, str], name: str, protocol: str, later: tuple[str, str, str] | None
) -> str:
    """Return a family's campaign. ``cells``: name to id; ``slots``: id to channel."""
    lines: dict[str, list[str]] = {"pristine": [], "coated": []}
    for cell, cell_id in cells.items():
        group = "coated" if "coated" in cell else "pristine"
        lines[group].append(f'    - {{cell: {cell_id}, channel: "{slots[cell_id]}"}}')
    groups = {group: "\n".join(found) for group, found in lines.items()}
    after = LATER.format(step=later[0], chamber=later[1], hold=later[2]) if later else ""
    return CAMPAIGN.format(name=name, protocol=protocol, later=after, **groups)


def _slots(state: Path) -> dict[str, str]:
    """Return which channel each cell of the bench sits in, as its own file tells. Raises: StoreError."""
    from ruamel.yaml import YAML

    try:
        bench = YAML(typ="safe").load(json.loads((state / "bench.json").read_text(encoding="utf-8"))["text"])
        return {str(cell["cell_id"]): str(cell["slot"]) for cell in bench["cells"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the virtual bench's file cannot be read: {error}") from error


def _apart() -> dict[str, Any]:
    """Return what keeps a terminal's Ctrl-C away: the window ends the bench in its own time."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _admin(address: str, **request: object) -> dict[str, Any]:
    """Send one request to the bench's admin link. Raises: LinkClosed, OSError."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=ADMIN_S) as link:
        link.sendall(json.dumps(request).encode() + b"\n")
        line = link.makefile("rb").readline()
    reply: dict[str, Any] = json.loads(line or b"{}")
    if reply.get("ok") is not True:
        raise LinkClosed(
            f"the bench refused: {reply.get('error') or 'no answer'}", operation=str(request["do"])
        )
    return reply
