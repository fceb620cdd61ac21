"""Measure a station with many channels in real time: what one channel costs, what is missed, how fast a stop leaves.

    python benchmarks/bench_scale.py                       # 8, 64, 256 and 1,024 channels at 1 record/s, a minute each
    python benchmarks/bench_scale.py --channels 1024 --seconds 1800      # half an hour: memory slope, missed rows
    python benchmarks/bench_scale.py --channels 512 --every-s 0.1 --poll-s 5 --clients 1       # row D3 of the budgets

Simulated BTS servers of 64 channels each run in one process at speed 1, the station in another in mode real: nothing is
accelerated. The station polls as seldom as a real server likes it (10 s unless told otherwise; the driver refuses less
than 5 s) and fetches records incrementally. CPU is that of the station's process, all its threads, as the operating
system counts it, from 30 s behind the last start on; rows are counted in the store, and compared with what the bench
says it wrote. A client (``--clients``) is a process of its own that takes every live row; what it costs the station
counts.

Linux only: CPU and memory are read from /proc.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from labctl.api.client import Station
from labctl.clock import link_now_s, link_pause
from labctl.model.job import JobSpec, JobState
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.stationrun import connected, end, load_cells, serve

PER_SERVER = 64
JOBS_PER_CALL = 128
STARTED_WITHIN_S = 1200.0
LOOK_EVERY_S = 5.0
SETTLED_S = 30.0
PROTOCOL = """\
labctl: protocol/1
name: one record every {every:g} s
for: symmetric
record: {{every: {every:g} s}}
safety: {{voltage: [-5 V, 5 V]}}
steps:
  - charge: 0.01 mA/cm^2
    until: {{time: {hours:d} h}}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One size of bench, steady state."""

    channels: int
    seconds: float
    start_s: float
    start_cpu_s: float
    rows_per_s: float
    station_cpu: float
    """Fraction of one core."""
    cpu_per_channel_ms_per_s: float
    cpu_per_row_us: float
    rss_begin_MB: float
    rss_end_MB: float
    rss_slope_MB_per_h: float
    rows_stored: int
    rows_written_by_bench: int
    rows_missed: int
    gaps: int


def bench_of(channels: int, folder: Path) -> Path:
    """Write a bench file with so many Li|Li cells, 64 to a server."""
    servers = max(1, -(-channels // PER_SERVER))
    units = max(1, min(channels, PER_SERVER) // 8)
    instruments = [
        {"name": f"bts-{number:02d}", "kind": "neware-bts", "devid": 30 + number, "devtype": 27,
         "profile": "calibrated", "units": [{"unit": unit, "model": "5V10mA"} for unit in range(1, units + 1)]}
        for number in range(1, servers + 1)
    ]  # fmt: skip
    slots = [
        f"{entry['name']}:{unit}-{place}"
        for entry in instruments
        for unit in range(1, units + 1)
        for place in range(1, 9)
    ][:channels]
    cells = [
        {"cell_id": f"S{number:04d}", "name": f"cell {number}", "slot": slot, "variant": "LIQ-Z"}
        for number, slot in enumerate(slots, start=1)
    ]
    path = folder / "bench.yaml"
    bench = {"labctl": "bench/1", "name": f"{channels} channels", "instruments": instruments, "cells": cells}
    path.write_text(json.dumps(bench), encoding="utf-8")
    return path


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def rss_MB(pid: int) -> float:
    """Return the memory that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) / 1024.0


@dataclass(slots=True)
class Rig:
    """A bench and a station on it, with every cell in its channel."""

    bench: RunningBench
    process: subprocess.Popen[bytes]
    client: Station
    data: Path


@contextmanager
def rig(channels: int, poll_s: float, change: Callable[[str], str] = str) -> Iterator[Rig]:
    """Start bench and station; ``change`` is given the text of the station file and returns what is written."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labctl-scale-")))
        words = ("--bench", str(bench_of(channels, folder)), "--mode", "free", "--speed", "1", "--state")
        bench = stack.enter_context(running_bench(*words, str(folder / "bench")))
        text = re.sub(r"poll_s: \d+", f"poll_s: {poll_s:g}", bench.station_file.read_text(encoding="utf-8"))
        text = re.sub(
            r"(?m)^clock: .*$", 'api: {listen: "127.0.0.1:0"}', text
        )  # without a clock it is mode real
        station_file = folder / "station.yaml"
        station_file.write_text(change(text), encoding="utf-8")
        process = serve(station_file, folder / "data")
        stack.callback(end, process)
        client = stack.enter_context(connected(process, folder / "data"))
        load_cells(client, bench)
        yield Rig(bench, process, client, folder / "data")


def queued(on: Rig, protocol: str) -> tuple[float, float]:
    """Queue the protocol for every cell and wait until all run; return wall and CPU seconds that this took."""
    begin_s, begin_cpu_s = link_now_s(), cpu_s(on.process.pid)
    wishes = [JobSpec(cell_id=cell.cell_id, protocol_text=protocol) for cell in on.client.cells.list()]
    for first in range(0, len(wishes), JOBS_PER_CALL):
        on.client.queue.submit(wishes[first : first + JOBS_PER_CALL])
    until_s = link_now_s() + STARTED_WITHIN_S
    while True:
        jobs = on.client.queue.list()
        if not any(job.state in (JobState.WAITING, JobState.STARTING) for job in jobs):
            return link_now_s() - begin_s, cpu_s(on.process.pid) - begin_cpu_s
        if link_now_s() > until_s:
            left = [f"{job.job_id} {job.state}: {job.waits_for or job.reason}" for job in jobs]
            raise SystemExit("not every job runs: " + "; ".join(left[:5]))
        link_pause(1.0)


def measured(channels: int, seconds: float, every_s: float, poll_s: float, clients: int) -> Measured:
    """Measure one size in steady state."""
    with rig(channels, poll_s) as on, ExitStack() as stack:
        started_s, started_cpu_s = queued(on, PROTOCOL.format(every=every_s, hours=2 + int(seconds // 3600)))
        for _ in range(clients):
            stack.enter_context(watching(on))
        say(f"{channels} channels: started in {started_s:.0f} s with {started_cpu_s:.1f} CPU s")
        link_pause(max(SETTLED_S, 2 * poll_s))
        pid = on.process.pid
        before_rows, before_cpu, begin_s = stored_rows(on.data), cpu_s(pid), link_now_s()
        memory: list[tuple[float, float]] = []
        while (elapsed_s := link_now_s() - begin_s) < seconds:
            memory.append((elapsed_s, rss_MB(pid)))
            if len(memory) % 12 == 0:
                say(
                    f"{elapsed_s:6.0f} s: {memory[-1][1]:.1f} MB, {(cpu_s(pid) - before_cpu) / elapsed_s:.3f} of a core"
                )
            link_pause(min(LOOK_EVERY_S, seconds - elapsed_s + 0.01))
        elapsed_s, used_s = link_now_s() - begin_s, cpu_s(pid) - before_cpu
        rows = stored_rows(on.data) - before_rows
        for job in on.client.runs.list(state="running"):
            on.client.runs.stop(job.run_id, reason="measured")
        on.client.queue.wait(timeout_s=120.0)
        stored, written, gaps = compared(on)
        times, values = np.array(memory).T
        slope = float(np.polyfit(times, values, 1)[0]) * 3600.0 if len(times) > 2 else 0.0
        return Measured(
            channels, round(elapsed_s, 1), round(started_s, 1), round(started_cpu_s, 1),
            round(rows / elapsed_s, 1), round(used_s / elapsed_s, 4),
            round(1e3 * used_s / elapsed_s / channels, 4), round(1e6 * used_s / max(rows, 1), 2),
            round(values[0], 1), round(values[-1], 1), round(slope, 2), stored, written, written - stored, gaps,
        )  # fmt: skip


def say(text: str) -> None:
    """Tell how far it is, beside the results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def watching(on: Rig) -> Iterator[None]:
    """Have a client in a process of its own take every live row of every run."""
    program = (
        "import sys; from labctl.api.client import connect\n"
        "with connect(data=sys.argv[1], start=False) as station:\n"
        "    for item in station.stream(topics=['station'], runs=['*']): pass\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(on.data)])
    try:
        yield
        if process.poll() is not None:
            raise SystemExit("the watching client has ended: nothing was measured with it")
    finally:
        process.kill()
        process.wait()


def stored_rows(data: Path) -> int:
    """Return how many rows are in the store."""
    return sum(RunReader(folder).last_sequence for folder in DataRoot(data, create=False).run_folders())


def compared(on: Rig) -> tuple[int, int, int]:
    """Return rows stored, rows that the bench wrote, and gap events."""
    stored = written = gaps = 0
    for folder in DataRoot(on.data, create=False).run_folders():
        reader = RunReader(folder)
        stored += reader.last_sequence + len(reader.tail())
        gaps += sum(event.get("kind") == "gap" for event in reader.events())
        for entry in reader.manifest["segments"]:
            truth = on.bench.admin("truth", slot=reader.manifest["channel"], testid=entry["test_id"])
            written += int(truth["count"])
    return stored, written, gaps


def table(results: Sequence[Measured]) -> str:
    """Return the results for people."""
    head = "channels  rows/s  CPU of a core  ms CPU per channel and s  us per row  RSS MB  slope MB/h  missed  gaps"
    lines = [
        f"{one.channels:8d} {one.rows_per_s:7.0f} {one.station_cpu:14.1%} {one.cpu_per_channel_ms_per_s:25.3f} "
        f"{one.cpu_per_row_us:11.1f} {one.rss_end_MB:7.0f} {one.rss_slope_MB_per_h:11.1f} {one.rows_missed:7d} "
        f"{one.gaps:5d}"
        for one in results
    ]
    return "\n".join([head, *lines])


def main() -> int:
    """Run the command; exit 1 where rows were missed or a core was not enough."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", default="8,64,256,1024", help="sizes, comma separated")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--every-s", type=float, default=1.0, help="a record each so many seconds")
    parser.add_argument("--poll-s", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=0, help="programs that take every live row")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sizes = [int(word) for word in str(args.channels).split(",")]
    results = [measured(size, args.seconds, args.every_s, args.poll_s, args.clients) for size in sizes]
    print(json.dumps([asdict(one) for one in results]) if args.json else table(results))
    return 1 if any(one.rows_missed or one.station_cpu > 1.0 for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
