"""Measure the way of live rows to a client: G1 (100-row Arrow batches a second) and G2 (latency at 250 a second).

    python benchmarks/bench_api.py [--rounds 5] [--seconds 2] [--json]

Each party is a server process of its own; this process is the client of all, over loopback. The rows are real ones:
16 columns, 100 rows, about 10 kB.

* limit: raw TCP, ready-made bytes
* peer: a plain uvicorn websocket, one message per batch, whose bytes are ready-made. This is what the goals compare
* peer that packs: the same, each batch packed with pyarrow when it is sent, which is what live rows need
* labctl: the station's own server; each block goes through the hub of live rows, is packed when it is sent, and leaves
  with those that wait beside it in one frame

All parties take turns in rounds; a ratio is one within a round, and the median over the rounds is told with its range.
"Per CPU-s" divides by the CPU time of the server process and survives a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

ROWS = 100
BLOCKS = 64
RATE_PER_S = 250.0
HEAD = struct.Struct("<I")
STAMP = struct.Struct("<d")
PARTIES = ("limit: raw TCP", "peer: uvicorn websocket", "peer that packs", "labctl")
PEER = "peer: uvicorn websocket"
G1_GOAL, G2_GOAL = 1.0, 1.5
FRAME_MS = 1000.0 / 60.0


def blocks() -> list[Any]:
    """Return blocks of 100 rows."""
    from labctl.model.record import RecordBlock
    from labctl.testing.fakecore import some_rows

    rows = some_rows(steps=4).rows(0, ROWS)
    found = []
    for number in range(BLOCKS):
        columns = dict(rows.columns)
        columns["sequence"] = columns["sequence"] + number * ROWS
        columns["test_time_second"] = columns["test_time_second"].copy()
        found.append(RecordBlock(columns))
    return found


def packed(block: Any) -> bytes:
    """Return a block as an Arrow stream, made with pyarrow."""
    import pyarrow as pa

    batch = pa.RecordBatch.from_arrays(
        [pa.array(column) for column in block.columns.values()], names=list(block.columns)
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


# ------------------------------------------------------------------------------------------------- the serving side
# Every server understands one order per connection: "flood" or "pace". It answers a flood as fast as it is read, a pace
# with 250 batches a second, each with the moment it was handed over.


async def paced(send: Callable[[float], Awaitable[None]]) -> None:
    """Call ``send`` 250 times a second with the present moment."""
    due_s = time.perf_counter()
    while True:
        due_s = max(due_s + 1.0 / RATE_PER_S, time.perf_counter())
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        await send(time.perf_counter())


async def serve_tcp() -> None:
    """Serve raw TCP."""
    ready = packed(blocks()[0])
    frame = HEAD.pack(len(ready) + STAMP.size) + STAMP.pack(0.0) + ready

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order = (await reader.readline()).strip()
            if order == b"flood":
                while True:
                    writer.writelines([frame] * BLOCKS)
                    await writer.drain()

            async def send(now_s: float) -> None:
                writer.write(HEAD.pack(len(ready) + STAMP.size) + STAMP.pack(now_s) + ready)
                await writer.drain()

            await paced(send)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def serve_uvicorn(packs: bool) -> None:
    """Serve a plain uvicorn websocket."""
    import uvicorn

    all_blocks = blocks()
    ready = [packed(block) for block in all_blocks]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        order = (await receive())["text"]
        try:
            if order == "flood":
                number = 0
                while True:
                    number = (number + 1) % BLOCKS
                    body = packed(all_blocks[number]) if packs else ready[number]
                    await send({"type": "websocket.send", "bytes": STAMP.pack(0.0) + body})
                    if number == 0:
                        await asyncio.sleep(0)

            async def one(now_s: float) -> None:
                body = packed(all_blocks[0]) if packs else ready[0]
                await send({"type": "websocket.send", "bytes": STAMP.pack(now_s) + body})

            await paced(one)
        except OSError:
            return

    config = uvicorn.Config(
        app, port=0, lifespan="off", log_level="error", ws="websockets-sansio", ws_per_message_deflate=False
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        tell(server.servers[0].sockets[0].getsockname()[1])


def serve_labctl() -> None:
    """Serve a station; one run's rows come as fast as they are taken, another's 250 times a second."""
    from labctl.api.server.serving import serve_api
    from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
    from labctl.config.api import Address, ApiSettings
    from labctl.testing.fakecore import open_fake_core

    async def flooded(hub: Any, all_blocks: list[Any]) -> None:
        while True:
            wanted = [watcher for watcher in hub._watchers if watcher.runs == frozenset(["flood"])]
            if wanted and all(len(watcher._blocks) < 4 * BLOCKS for watcher in wanted):
                for block in all_blocks:
                    hub.publish("flood", block)
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(0 if wanted else 0.01)

    async def main(clock: Clock) -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_fake_core(Path(folder), clock) as core, asyncio.TaskGroup() as group:
                all_blocks = blocks()
                stamped = blocks()[0]
                token = (await core.people.add(_owner(), "bench", _role()))[1]
                as_core: Any = core

                async def one(now_s: float) -> None:
                    stamped["test_time_second"][0] = now_s
                    core.runs.hub.publish("pace", stamped)

                group.create_task(
                    serve_api(
                        as_core, ApiSettings((Address("127.0.0.1", 0),)),
                        lambda endpoint: tell(int(endpoint.url.rsplit(":", 1)[1]), token),
                    )
                )  # fmt: skip
                group.create_task(flooded(core.runs.hub, all_blocks))
                group.create_task(paced(one))

    run_with_clock(ClockSpec(mode=ClockMode.REAL), main)


def _owner() -> Any:
    from labctl.model.person import STATION

    return STATION


def _role() -> Any:
    from labctl.model.person import Role

    return Role.VIEW


def tell(port: int, token: str = "") -> None:
    """Tell the client where to come."""
    print(json.dumps({"port": port, "token": token}), flush=True)


# -------------------------------------------------------------------------------------------------- the client side


class Server:
    """A server process."""

    def __init__(self, party: str) -> None:
        self.party = party
        command = [sys.executable, __file__, "--child", party]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.port, self.token = told["port"], told["token"]

    def cpu_s(self) -> float:
        """Return the CPU time that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


async def received(server: Server, order: str, seconds: float) -> tuple[float, float, list[float]]:
    """Return batches a second, batches per CPU second of the server, and latencies in ms (paced only)."""
    from websockets.asyncio.client import connect

    if server.party == PARTIES[0]:
        return await _received_tcp(server, order, seconds)
    path = "/api/v1/stream" if server.party == "labctl" else "/"
    async with connect(
        f"ws://127.0.0.1:{server.port}{path}", compression=None, max_size=None, proxy=None, max_queue=64
    ) as socket:
        if server.party == "labctl":
            await socket.send(json.dumps({"token": server.token, "topics": ["none"], "runs": [order]}))
            await socket.recv(), await socket.recv()
        else:
            await socket.send(order)
        for _ in range(20):
            await socket.recv()
        count, latencies = 0, []
        start_s, start_cpu_s = time.perf_counter(), server.cpu_s()
        while (now_s := time.perf_counter()) - start_s < seconds:
            message = await socket.recv(decode=False)
            if order == "pace":
                latencies.append((time.perf_counter() - stamp_of(server, message)) * 1e3)
            count += batches_of(server, message)
        used_s = max(server.cpu_s() - start_cpu_s, 0.01)
        return count / (now_s - start_s), count / used_s, latencies


def batches_of(server: Server, message: bytes) -> int:
    """Return how many batches a message holds."""
    if server.party != "labctl":
        return 1
    (length,) = HEAD.unpack_from(message)
    return int(json.loads(message[4 : 4 + length])["batches"])


def stamp_of(server: Server, message: bytes) -> float:
    """Return the moment when the batch was handed over."""
    if server.party != "labctl":
        return float(STAMP.unpack_from(message)[0])
    import pyarrow as pa

    (length,) = HEAD.unpack_from(message)
    return float(pa.ipc.open_stream(message[4 + length :]).read_next_batch()["test_time_second"][0].as_py())


async def _received_tcp(server: Server, order: str, seconds: float) -> tuple[float, float, list[float]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**20)
    writer.write(order.encode() + b"\n")
    count, latencies = 0, []
    start_s, start_cpu_s = time.perf_counter(), server.cpu_s()
    while (now_s := time.perf_counter()) - start_s < seconds:
        (size,) = HEAD.unpack(await reader.readexactly(4))
        message = await reader.readexactly(size)
        count += 1
        if order == "pace":
            latencies.append((time.perf_counter() - STAMP.unpack_from(message)[0]) * 1e3)
    used_s = max(server.cpu_s() - start_cpu_s, 0.01)
    writer.close()
    return count / (now_s - start_s), count / used_s, latencies


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(values)[int(len(values) * 0.99)]


def line(row: str, name: str, text: str, values: list[float], peer: list[float], digits: int) -> None:
    """Print one party's median and its ratio to the peer."""
    ratios = [value / other for value, other in zip(values, peer, strict=True)]
    print(
        f"{row}  {name:<26} {median(values):12,.{digits}f} {text:<18} {median(ratios):6.2f} x peer "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


def measured(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Let every party take turns."""
    import pyarrow.ipc  # not while the clock runs

    assert pyarrow.ipc
    servers = [Server(party) for party in PARTIES]
    found: dict[str, dict[str, list[float]]] = {
        party: {"per_s": [], "per_cpu_s": [], "p50_ms": [], "p99_ms": []} for party in PARTIES
    }
    try:
        for _ in range(rounds):
            for server in servers:
                per_s, per_cpu_s, _unused = asyncio.run(received(server, "flood", seconds))
                found[server.party]["per_s"].append(per_s)
                found[server.party]["per_cpu_s"].append(per_cpu_s)
            for server in servers:
                latencies = asyncio.run(received(server, "pace", 2 * seconds))[2]
                found[server.party]["p50_ms"].append(median(latencies))
                found[server.party]["p99_ms"].append(p99(latencies))
    finally:
        for server in servers:
            server.close()
    return found


def main() -> int:
    """Measure and print; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=PARTIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        if options.child == "labctl":
            serve_labctl()
        else:
            tcp = options.child == PARTIES[0]
            asyncio.run(serve_tcp() if tcp else serve_uvicorn(options.child == "peer that packs"))
        return 0
    found = measured(options.rounds, options.seconds)
    if options.json:
        print(json.dumps(found, indent=1))
    for party in PARTIES:
        line("G1", party, "batches/s", found[party]["per_s"], found[PEER]["per_s"], 0)
    for party in PARTIES:
        line("G1", party, "batches/CPU-s", found[party]["per_cpu_s"], found[PEER]["per_cpu_s"], 0)
    for party in PARTIES:
        line("G2", party, "ms, p99", found[party]["p99_ms"], found[PEER]["p99_ms"], 2)
        line("G2", party, "ms, median", found[party]["p50_ms"], found[PEER]["p50_ms"], 2)
    ours, peer = found["labctl"], found[PEER]
    g1 = median(value / other for value, other in zip(ours["per_s"], peer["per_s"], strict=True))
    g2 = median(value / other for value, other in zip(ours["p99_ms"], peer["p99_ms"], strict=True))
    frame = median(ours["p99_ms"]) < FRAME_MS
    print(f"G1  goal >= {G1_GOAL:g} x peer: {'met' if g1 >= G1_GOAL else 'MISSED'} ({g1:.2f})")
    print(
        f"G2  goal <= {G2_GOAL:g} x peer and below one display frame: "
        f"{'met' if g2 <= G2_GOAL and frame else 'MISSED'} ({g2:.2f})"
    )
    return 0 if g1 >= G1_GOAL and g2 <= G2_GOAL and frame else 1


if __name__ == "__main__":
    sys.exit(main())
