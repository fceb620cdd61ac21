"""Measure the wire: rows D1 (round trips) and D2 (a 256-channel status, and record pages) of the budgets.

    python benchmarks/bench_links.py [--seconds 2.5] [--json]

D1: round trips per CPU second of the measuring process; the answering server is a process of its own.

* peers: pyvisa-py on a TCP socket resource, pymodbus's synchronous client; each on one connection, as they block
* limits: a blocking raw socket; asyncio with nothing on top, on 1 and on 64 connections
* labctl transport: the TCP transport with pyvisa-py's short line, on 1 and on 64 connections. This is what the goal
  compares: a line out and a line back, with a deadline
* labctl driver: the whole Neware lane, beside it. It does more than any peer (XML request, frame cut, reply decoded,
  validated and paired; the reply is 0.3 kB instead of 60 bytes), so its ratio is told and no goal hangs on it

What a blocking exchange costs depends on which core the server happens to run on, up to a factor of three. So all
parties take turns in rounds, a ratio is one within a round, and the median over the rounds is told with its range.

D2: CPU microseconds per channel of a 256-channel getchlstatus reply from bytes to values that were checked; the
peers parse with etree and lxml and check the same. Below it, per record row of a full download page.

A peer that is not installed is named and left out (``pip install lxml``; pyvisa-py and pymodbus come with labctl).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any
from xml.etree import ElementTree

from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import decode_reply
from labctl_drivers.neware.lane import Lane

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.transport.tcp import TcpTransport

LINE = b"*IDN?\n"
LINE_REPLY = b"labctl,bench,0,1.0 " + b"x" * 40 + b"\n"
MODBUS_PDU = bytes.fromhex("0304000a0014")  # read holding registers: two registers, 10 and 20
END = b"\n\n#\r\n"
CONNECT_REPLY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n  <cmd>connect_resp</cmd>\r\n'
    b"  <result>ok</result>\r\n</bts>" + END
)
PROGRESS_REPLY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n  <cmd>inquiredf_resp</cmd>\r\n'
    b'  <list count="1">\r\n    <chl devtype="27" devid="33" subdevid="1" chlid="1" testid="58" count="14233">false'
    b"</chl>\r\n  </list>\r\n</bts>" + END
)
CONNECTIONS = 64
ROUNDS = 5
PEER = "peer: pyvisa-py"
CHANNELS = 256
ROWS = 1000


# ------------------------------------------------------------------------------------------- the answering side


class Echo(asyncio.Protocol):
    """Answers each request with one constant reply."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"*IDN?"):
            self.transport.write(LINE_REPLY)
        elif data.startswith(b"<?xml"):
            self.transport.write(CONNECT_REPLY if b"<cmd>connect</cmd>" in data else PROGRESS_REPLY)
        else:  # Modbus TCP: repeat transaction id and unit
            self.transport.write(data[:4] + struct.pack(">H", len(MODBUS_PDU) + 1) + data[6:7] + MODBUS_PDU)


async def serve() -> None:
    """Answer on a free port, printed as the first line, until killed."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def answering_process() -> Iterator[int]:
    """Run the server beside us and yield its port."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


# --------------------------------------------------------------------------------------------------------- D1


def per_cpu_second(exchange: Callable[[], object], seconds: float) -> float:
    """Repeat a blocking exchange for a while of wall time."""
    for _ in range(50):
        exchange()
    count, cpu, until = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(100):
            exchange()
        count += 100
    return count / (time.process_time() - cpu)


def raw_socket(port: int, seconds: float) -> float:
    """Limit: sendall and recv, nothing else."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def exchange() -> None:
            link.sendall(LINE)
            while not link.recv(4096).endswith(b"\n"):
                pass

        return per_cpu_second(exchange, seconds)


def pyvisa_py(port: int, seconds: float) -> float:
    """Peer: pyvisa with the pure Python backend."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    link: Any = manager.open_resource(f"TCPIP::127.0.0.1::{port}::SOCKET")
    link.read_termination = link.write_termination = "\n"
    try:
        return per_cpu_second(lambda: link.query("*IDN?"), seconds)
    finally:
        link.close()
        manager.close()


def pymodbus(port: int, seconds: float) -> float:
    """Peer: the synchronous Modbus TCP client."""
    from pymodbus.client import ModbusTcpClient

    link = ModbusTcpClient("127.0.0.1", port=port)
    link.connect()
    try:
        return per_cpu_second(lambda: link.read_holding_registers(0, count=2), seconds)
    finally:
        link.close()


def labctl_links(port: int, seconds: float, connections: int, *, driver: bool) -> float:
    """Labctl's own: so many connections at once, each asking as soon as it was answered."""

    async def main(clock: Clock) -> float:
        transports = [TcpTransport("127.0.0.1", port, clock) for _ in range(connections)]
        lanes = [Lane("bench", link, clock, m.Connect("admin", "neware"), 30.0) for link in transports]
        request = m.InquireDf((m.Address(1, 1, 33),))
        running, count = True, 0

        async def ask_for_ever(lane: Lane, link: TcpTransport) -> None:
            nonlocal count
            while running:
                if driver:
                    await lane.ask(request)
                else:
                    await link.write(LINE)
                    while not (await link.read()).endswith(b"\n"):
                        pass
                count += 1

        for lane, link in zip(lanes, transports, strict=True):
            await (lane.open() if driver else link.open())
        async with asyncio.TaskGroup() as group:
            for lane, link in zip(lanes, transports, strict=True):
                group.create_task(ask_for_ever(lane, link))
            await clock.link.sleep(0.2)
            count, cpu = 0, time.process_time()
            await clock.link.sleep(seconds)
            found = count / (time.process_time() - cpu)
            running = False
        for link in transports:
            await link.close()
        return found

    return run_with_clock(ClockSpec(mode=ClockMode.REAL), main)


class BareLine(asyncio.Protocol):
    """Asyncio with nothing on top: no deadline, no frames, no way to end well."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.reply: asyncio.Future[bytes] | None = None

    def data_received(self, data: bytes) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.set_result(data)


def bare_asyncio(port: int, seconds: float, connections: int) -> float:
    """Limit: one future per exchange and the loop's own transport."""

    async def main(clock: Clock) -> float:
        loop = asyncio.get_running_loop()
        links = [(await loop.create_connection(BareLine, "127.0.0.1", port))[1] for _ in range(connections)]
        running, count = True, 0

        async def ask_for_ever(link: BareLine) -> None:
            nonlocal count
            while running:
                link.reply = loop.create_future()
                link.transport.write(LINE)
                await link.reply
                count += 1

        async with asyncio.TaskGroup() as group:
            for link in links:
                group.create_task(ask_for_ever(link))
            await clock.link.sleep(0.2)
            count, cpu = 0, time.process_time()
            await clock.link.sleep(seconds)
            found = count / (time.process_time() - cpu)
            running = False
        for link in links:
            link.transport.close()
        return found

    return run_with_clock(ClockSpec(mode=ClockMode.REAL), main)


def d1_parties() -> dict[str, Callable[[int, float], float]]:
    """Return who takes part in row D1: by name, port and seconds to round trips per CPU second."""
    parties: dict[str, Callable[[int, float], float]] = {"limit: raw socket": raw_socket}
    for name, module, measure in ((PEER, "pyvisa_py", pyvisa_py), ("peer: pymodbus", "pymodbus", pymodbus)):
        if importlib.util.find_spec(module) is None:
            print(f"D1  {name} is not installed")
        else:
            parties[name] = measure
    for number in (1, CONNECTIONS):
        parties[f"limit: bare asyncio, {number}"] = partial(bare_asyncio, connections=number)
        parties[f"labctl transport, {number}"] = partial(labctl_links, connections=number, driver=False)
        parties[f"labctl driver, {number}"] = partial(labctl_links, connections=number, driver=True)
    return parties


def measure_d1(seconds: float) -> dict[str, list[float]]:
    """Measure every party of row D1 against the same server, in rounds."""
    parties = d1_parties()
    found: dict[str, list[float]] = {name: [] for name in parties}
    with answering_process() as port:
        for _ in range(ROUNDS):
            for name, measure in parties.items():
                found[name].append(measure(port, seconds / ROUNDS))
    return found


# --------------------------------------------------------------------------------------------------------- D2


def status_reply() -> bytes:
    """Return a getchlstatus reply of 256 channels in the captured layout."""
    rows = "".join(
        f'    <status ip="127.0.0.1" devtype="27" devid="33" subdevid="{k // 8 + 1}" chlid="{k % 8 + 1}" '
        f'reservepause="0">{("working", "finish", "stop")[k % 3]}</status>\r\n'
        for k in range(CHANNELS)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n  <cmd>getchlstatus_resp</cmd>\r\n'
        f'  <list count="{CHANNELS}">\r\n{rows}  </list>\r\n</bts>'
    ).encode()


def download_reply() -> bytes:
    """Return a full page of records."""
    rows = "".join(
        f'    <data seqid="{k + 1}" stepid="4" cycleid="2" steptype="cc" testtime="{k * 10000}" '
        f'atime="2026-01-09 11:20:31" volt="{3.9 + k * 1.23456789e-5!r}" curr="{1.94012205023319e-4 + k * 1e-12!r}" '
        f'cap="{3.33054021466523e-6 + k * 1e-9!r}" eng="{1.29901722037211e-05 + k * 1e-9!r}" />\r\n'
        for k in range(ROWS)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n  <cmd>donwload_resp</cmd>\r\n'
        '  <download devtype="27" devid="33" subdevid="1" chlid="2" testid="58" startpos="1" count="1000" '
        f'auxid="0" />\r\n  <list count="{ROWS}">\r\n{rows}  </list>\r\n</bts>'
    ).encode()


WORDS = frozenset({"working", "finish", "stop", "protect", "pause", "false"})


def checked_status(root: Any) -> list[tuple[int, int, int, int, str]]:
    """Read and check rows as a careful user of an element tree would: count, integers, known words."""
    rows = root.find("list")
    if root.findtext("cmd") != "getchlstatus_resp" or int(rows.get("count")) != len(rows):
        raise ValueError("not the reply that was asked for")
    found = []
    for row in rows:
        word = row.text
        if row.tag != "status" or word not in WORDS:
            raise ValueError(word)
        get = row.get
        found.append((int(get("devtype")), int(get("devid")), int(get("subdevid")), int(get("chlid")), word))
    return found


def checked_records(root: Any) -> list[list[Any]]:
    """Read record rows into columns, in the same manner."""
    columns: list[list[Any]] = [[] for _ in range(9)]
    for row in root.find("list"):
        get = row.get
        values = (
            int(get("seqid")), int(get("stepid")), int(get("cycleid")), get("steptype"), int(get("testtime")),
            float(get("volt")), float(get("curr")), float(get("cap")), float(get("eng")),
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return columns


def cpu_us(parse: Callable[[], object], items: int, seconds: float) -> float:
    """Return CPU microseconds per item: the best of five stretches, since other work only adds."""
    best = float("inf")
    for _ in range(5):
        count, cpu, until = 0, time.process_time(), time.perf_counter() + seconds / 5
        while time.perf_counter() < until:
            parse()
            count += 1
        best = min(best, (time.process_time() - cpu) / (count * items))
    return best * 1e6


def measure_d2(seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Measure status and records with etree, lxml and labctl."""
    status, page = status_reply(), download_reply()
    parsers: dict[str, Callable[[bytes], Any]] = {"peer: etree": ElementTree.fromstring}
    if importlib.util.find_spec("lxml") is None:
        print("D2  peer: lxml is not installed")
    else:
        from lxml import etree as lxml_etree

        parsers["peer: lxml"] = lxml_etree.fromstring

    def status_with(parse: Callable[[bytes], Any]) -> float:
        return cpu_us(lambda: checked_status(parse(status)), CHANNELS, seconds)

    def records_with(parse: Callable[[bytes], Any]) -> float:
        return cpu_us(lambda: checked_records(parse(page)), ROWS, seconds)

    floor = ElementTree.fromstring
    of_status = {"limit: etree, parse only": cpu_us(lambda: floor(status), CHANNELS, seconds)}
    of_records = {"limit: etree, parse only": cpu_us(lambda: floor(page), ROWS, seconds)}
    of_status |= {name: status_with(parse) for name, parse in parsers.items()}
    of_records |= {name: records_with(parse) for name, parse in parsers.items()}
    of_status["labctl"] = cpu_us(lambda: decode_reply(status), CHANNELS, seconds)
    of_records["labctl"] = cpu_us(lambda: decode_reply(page), ROWS, seconds)
    return of_status, of_records


# ------------------------------------------------------------------------------------------------------ printing


def report_d1(found: dict[str, list[float]]) -> bool:
    """Print row D1 and tell whether its goals are met."""
    peer = found.get(PEER, [float("nan")] * ROUNDS)
    ratios = {name: [a / b for a, b in zip(rates, peer, strict=True)] for name, rates in found.items()}
    for name, rates in found.items():
        low, middle, high = min(ratios[name]), median(ratios[name]), max(ratios[name])
        rate = f"{median(rates):9.0f} round trips/CPU-s"
        print(f"D1  {name:<24} {rate}  {middle:5.2f} x pyvisa-py ({low:.2f} to {high:.2f})")
    one, many = (median(ratios[f"labctl transport, {connections}"]) for connections in (1, CONNECTIONS))
    met = one >= 1.0 and many >= 3.0
    print(
        f"D1  goal >= 1 x on one, >= 3 x on 64: {'met' if met else 'MISSED'} ({one:.2f}, {many:.2f}; the peers' line)"
    )
    return met


def report_d2(
    title: str, unit: str, found: dict[str, float], goal: Callable[[dict[str, float]], bool]
) -> bool:
    """Print one part of row D2."""
    for name, cost in found.items():
        print(
            f"D2  {title}: {name:<24} {cost:6.2f} CPU us per {unit}  {cost / found['peer: etree']:5.2f} x etree"
        )
    met = goal(found)
    print(f"D2  {title}: goal {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Measure both rows in one run; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.5, help="wall seconds for each measurement")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve())
        return 0
    d1 = measure_d1(args.seconds)
    of_status, of_records = measure_d2(args.seconds)
    met = [
        report_d1(d1),
        report_d2(
            "status", "channel", of_status, lambda found: found["labctl"] <= 1.3 * found["peer: etree"]
        ),
        report_d2("records", "row", of_records, lambda found: found["labctl"] <= 6.0),
    ]
    if args.json:
        print(json.dumps({"D1": d1, "D2": of_status, "D2 records": of_records, "met": all(met)}))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
