"""Measure how fast a stop leaves: behind a row that passes a limit, and past normal lanes that hang for ever.

    python benchmarks/bench_stops.py                            # 1,024 channels; all 64 of a server trip in one poll
    python benchmarks/bench_stops.py --channels 64 --one        # one channel of each server trips: the ordinary case
    python benchmarks/bench_stops.py --hang                     # Stop all while no server answers its normal lane

Simulated BTS servers of 64 channels, the station in mode real, every poll at the pace that a real server likes.

*Limit*: channels have a limit that the station alone guards (charge of a half-cycle), so that no device is faster. A
stop is timed from the raw frames of the station, by its own clock: from the last bytes of the reply that holds the
deciding row, and from the question "how many records have you" with which this poll began. The line in the journal
that comes before each stop is part of both.

*Hang*: between station and servers stands a proxy that, from a moment on, gives no answer to any normal lane (a
connection that has carried anything but login and stop). Then a client asks for *Stop all outputs*. The time is the
proxy's own: from before the client's request until the stop's first bytes have come to the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from bench_scale import PROTOCOL, Rig, queued, rig, say

from labctl.clock import link_now_s, link_pause
from labctl.testing.stationrun import end

POLL_S = 120.0
"""Longer than the starts take, so that every channel of a server has passed its limit when its second poll comes."""
ORDINARY_POLL_S = 10.0
WITHIN_S = 900.0
LIMIT = "{half_cycle_capacity: 0.0001 mAh}"
"""The protocol's 0.01 mA/cm^2 reaches it after about half a minute."""
STOP_GOAL_MS = 300.0
_PLACE = re.compile(rb'subdevid="(\d+)"[^>]*chlid="(\d+)"')
_END = b"\n\n#\r\n"
"""The end of a BTS frame."""


# -- limit seen -> stop on the wire ----------------------------------------------------------------------------------


def with_limits(text: str, *, one: bool) -> str:
    """Return a station file with a limit for every channel, or for the first of each instrument."""
    names = re.findall(r'- name: "(bts-\d+)"', text)
    places = [(1, 1)] if one else [(unit, place) for unit in range(1, 9) for place in range(1, 9)]
    lines = [f'  "{name}:{unit}-{place}": {LIMIT}\n' for name in names for unit, place in places]
    return text.rstrip("\n") + "\nlimits:\n" + "".join(lines)


def limits(channels: int, *, one: bool) -> dict[str, dict[str, float]]:
    """Let channels pass a limit that the station alone knows; return the delays of the stops in ms."""
    poll_s = ORDINARY_POLL_S if one else POLL_S
    with rig(channels, poll_s, lambda text: with_limits(text, one=one)) as on:
        queued(on, PROTOCOL.format(every=1.0, hours=2))
        wanted = max(1, channels // 64) if one else channels
        until_s = link_now_s() + WITHIN_S
        while (stopped := ended(on)) < wanted:
            if link_now_s() > until_s:
                raise SystemExit(f"only {stopped} of {wanted} limits were passed")
            link_pause(2.0)
        outcomes = {run.outcome for run in on.client.runs.list(state="ended")}
        end(on.process)
        logs = sorted((on.data / "wire").glob("*.log*"))
        found = [delay for log in logs for delay in stop_delays_s(log)]
    if len(found) < wanted or outcomes != {"tripped"}:
        raise SystemExit(f"{len(found)} stops of {wanted} in the raw frames, outcomes {outcomes}")
    row_s, poll_began_s = np.array(found).T
    return {"row to stop": spread_ms(row_s), "poll to stop": spread_ms(poll_began_s)}


def ended(on: Rig) -> int:
    """Return how many runs are over."""
    return len(on.client.runs.list(state="ended"))


def spread_ms(delays_s: np.ndarray) -> dict[str, float]:
    """Return count, median, 99th percentile and largest in ms."""
    values = np.sort(delays_s) * 1e3
    return {
        "stops": len(values),
        "p50_ms": round(float(np.quantile(values, 0.5)), 1),
        "p99_ms": round(float(np.quantile(values, 0.99)), 1),
        "largest_ms": round(float(values[-1]), 1),
    }


def stop_delays_s(log: Path) -> list[tuple[float, float]]:
    """Return for each first stop of a channel the seconds since its newest rows came in, and since the poll began.

    Each link asks one question at a time, so what comes in on it belongs to the question that went out last.
    """
    asked: dict[str, str] = {}
    rows_s: dict[str, float] = {}
    found: list[tuple[float, float]] = []
    poll_s = 0.0
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line) if line else {}
        event, link = entry.get("event"), entry.get("link", "")
        if event not in ("in", "out"):
            continue
        data, time_s = bytes.fromhex(entry["data"]), float(entry["time_s"])
        if event == "in":
            if link in asked:
                rows_s[asked[link]] = time_s
            continue
        asked.pop(link, None)
        names = [f"{unit.decode()}-{channel.decode()}" for unit, channel in _PLACE.findall(data)]
        if b"<cmd>download</cmd>" in data:
            asked[link] = names[0]
        elif b"<cmd>inquiredf</cmd>" in data and data.count(b"chlid=") > 1:
            poll_s = time_s
        elif b"<cmd>stop</cmd>" in data:
            arrived_s = [rows_s.pop(name) for name in names if name in rows_s]
            found += [(time_s - row_s, time_s - poll_s) for row_s in arrived_s]
    return found


# -- Stop all past lanes that hang -----------------------------------------------------------------------------------


class Proxy(threading.Thread):
    """Stands between station and servers; notes when each server's first stop came, and can let normal lanes hang."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(name="proxy", daemon=True)
        self.ports: Mapping[int, int] = {}
        """The port that stands for each server's own."""
        self.stops_s: dict[int, float] = {}
        self.hangs = False
        self.ready = threading.Event()
        self._servers = ports

    def run(self) -> None:
        """Serve until the process ends."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        ports: dict[int, int] = {}
        for port in self._servers:
            server = await asyncio.start_server(self._client(port), "127.0.0.1", 0)
            ports[port] = server.sockets[0].getsockname()[1]
        self.ports = ports
        self.ready.set()
        await asyncio.Event().wait()

    def _client(self, port: int):  # type: ignore[no-untyped-def]  # asyncio's own callback type has no name
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
            normal = [False]
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(port, reader, up_writer, normal))
                group.create_task(self._down(up_reader, writer, normal))

        return client

    async def _up(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, normal: list[bool]
    ) -> None:
        while data := await reader.read(2**20):
            if b"stop</cmd>" in data:
                self.stops_s.setdefault(port, link_now_s())
            elif b"<cmd>" in data and b"<cmd>connect</cmd>" not in data:
                normal[0] = True
            writer.write(data)
        writer.close()

    async def _down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, normal: list[bool]
    ) -> None:
        while data := await reader.read(2**20):
            if not (self.hangs and normal[0]):
                writer.write(data)
        writer.close()


@contextmanager
def proxied(channels: int) -> Iterator[tuple[Rig, Proxy]]:
    """Start a rig whose station reaches its servers through a proxy."""
    holder: list[Proxy] = []

    def through(text: str) -> str:
        proxy = Proxy([int(port) for port in re.findall(r"resource: tcp://127\.0\.0\.1:(\d+)", text)])
        proxy.start()
        proxy.ready.wait(30.0)
        holder.append(proxy)
        return re.sub(
            r"resource: tcp://127\.0\.0\.1:(\d+)",
            lambda found: f"resource: tcp://127.0.0.1:{proxy.ports[int(found[1])]}",
            text,
        )

    with rig(channels, ORDINARY_POLL_S, through) as on:
        yield on, holder[0]


def hanging(channels: int) -> dict[str, float]:
    """Ask for *Stop all outputs* while every normal lane hangs; return when the stops left, in ms."""
    with proxied(channels) as (on, proxy):
        queued(on, PROTOCOL.format(every=1.0, hours=2))
        link_pause(15.0)
        proxy.hangs = True
        link_pause(12.0)  # by now each task waits for an answer that never comes
        proxy.stops_s.clear()
        begin_s = link_now_s()
        report = on.client.stop_all("the normal lanes hang")
        answered_s = link_now_s() - begin_s
        delays_ms = sorted((stop_s - begin_s) * 1e3 for stop_s in proxy.stops_s.values())
        servers = len(proxy.ports)
        on.process.kill()
    if len(delays_ms) < servers:
        raise SystemExit(f"only {len(delays_ms)} of {servers} servers were told to stop")
    return {
        "servers": servers,
        "first_ms": round(delays_ms[0], 1),
        "p50_ms": round(delays_ms[servers // 2], 1),
        "largest_ms": round(delays_ms[-1], 1),
        "report_s": round(answered_s, 2),
        "confirmed": sum(item.confirmed for item in report.reports),
    }


def main() -> int:
    """Run the command; exit 1 where a stop past a hanging lane took longer than 300 ms."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--one", action="store_true", help="one channel of each server trips, not all")
    parser.add_argument("--hang", action="store_true", help="Stop all while no normal lane answers")
    args = parser.parse_args()
    if args.hang:
        found = hanging(args.channels)
        sys.stdout.write(json.dumps(found) + "\n")
        return 0 if found["largest_ms"] <= STOP_GOAL_MS else 1
    for name, spread in limits(args.channels, one=args.one).items():
        sys.stdout.write(f"{name}: {json.dumps(spread)}\n")
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
