"""A real station process on a virtual bench, for tests of scripts: started, filled with cells, and ended again.

The bench runs in lockstep, so that plant months pass in seconds; both are processes of their own, as on a bench PC.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.clock import link_now_s, link_pause
from labctl.errors import LinkClosed, LinkError
from labctl.testing.sim import RunningBench, running_bench

if TYPE_CHECKING:
    from labctl.api.client import Station

ENDS_WITHIN_S = 30.0
READY_WITHIN_S = 180.0


@dataclass(slots=True)
class StationRun:
    """A running station: ``client`` for Python, ``url`` and ``token`` for other programs, ``bench`` for the truth."""

    bench: RunningBench
    process: subprocess.Popen[bytes]
    data: Path
    station_file: Path
    client: Station

    @property
    def url(self) -> str:
        """Return where the station answers."""
        address = self.client.address
        assert address is not None
        return address.url

    @property
    def token(self) -> str:
        """Return the token of the station's owner."""
        return (self.data / "station" / "owner.token").read_text(encoding="utf-8").strip()


def serve(
    station_file: Path, data: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``labctl serve`` for a data root; what it says goes to ``<data>/serve.log``."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "serve.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "labctl", "serve", "--station", str(station_file), "--data", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )


def connected(process: subprocess.Popen[bytes], data: Path) -> Station:
    """Return a client of a station that is starting. Raises: LinkClosed with what it said where it ends instead."""
    from labctl.api.client import connect

    until_s = link_now_s() + READY_WITHIN_S
    while True:
        try:
            return connect(data=data, start=False)
        except LinkError:
            if process.poll() is not None or link_now_s() > until_s:
                said = (data / "serve.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise LinkClosed(
                    f"the station did not come up (exit code {process.poll()}): {said}", operation="start"
                ) from None
            link_pause(0.1)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a station as a service manager does, by force where it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def load_cells(client: Station, bench: RunningBench) -> None:
    """Register the bench's cells and load each into the channel in which it sits."""
    table = Path(bench.first["cells_file"])
    client.cells.import_table(table.name, table.read_bytes())
    for status in client.channels.list():
        cell = bench.admin("truth", slot=status.channel)["cell"]
        if cell is not None:
            client.channels.load(status.channel, cell["cell_id"])
            client.channels.set_ready(status.channel, True)


@contextmanager
def running_station(folder: Path, *bench_arguments: str) -> Iterator[StationRun]:
    """Start a bench (by default the one called ``campaign``) and a station on it, with its cells in their channels.

    Raises: LinkClosed, LinkTimeout with what the processes said when one of them does not come up.
    """
    data = folder / "data"
    words = bench_arguments or ("--bench", "campaign")
    with ExitStack() as stack:
        bench = stack.enter_context(
            running_bench("--mode", "lockstep", "--state", str(folder / "bench"), *words)
        )
        process = serve(bench.station_file, data)
        stack.callback(end, process)
        client = stack.enter_context(connected(process, data))
        load_cells(client, bench)
        yield StationRun(bench, process, data, bench.station_file, client)
