"""Kills a working station, its clients and its bench at random, and asks the bench afterwards what really happened.

``python -m labctl.testing.killstorm --kills 200 --seed 1`` runs a campaign on a virtual bench of sixteen channels, in
processes of their own, and ends them with SIGKILL: the station at any moment or exactly at a named point of the engine
(start, stop, segment change, seal; ``labctl.engine.hooks``), clients in the middle of a request, the bench as a power
cut would. Then everything is left to finish, and ``labctl.testing.stormtruth`` compares every row and command.

A killed bench comes back as an instrument that lost power, so its tests stand in *stop* and their runs are held; this
program then does what an operator would: it resets the channels and lets the queue go on.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from labctl.clock import link_now_s, link_pause
from labctl.errors import InstrumentError, LabctlError, LinkError
from labctl.model.job import OPEN_STATES, JobSpec
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.stationrun import connected, end, load_cells, serve
from labctl.testing.stormtruth import Verdict, judge

if TYPE_CHECKING:
    from labctl.api.client import Station

POINTS = (
    "start.intent", "start.sent", "start.confirmed", "block.appended", "block.committed", "segment.over", "stop.intent",
    "stop.sent", "stop.confirmed", "drain.complete", "finish.begin", "finish.sealed", "finish.done",
)  # fmt: skip
"""Points of the engine at which the station ends itself, to the instruction."""
AT_EVENT = frozenset(POINTS) - {"block.appended", "block.committed"}
PROTOCOL = """\
labctl: protocol/1
name: short half-cycles with host decisions
for: symmetric
record: {every: 30 s}
safety: {voltage: [-5 V, 5 V]}
steps:
  - rest: 5 min
  - repeat: 8
    until: cycle >= 7
    steps:
      - repeat: 2
        steps:
          - charge: 1 mA/cm^2
            until: {capacity: 0.1 mAh/cm^2, time: 10 min}
          - discharge: 1 mA/cm^2
            until: {capacity: 0.1 mAh/cm^2, time: 10 min}
  - rest: 20 min
"""
PACE = 3000.0
"""Plant seconds per second: a job of three plant hours takes some seconds, so kills meet every part of it."""
WAITING_PER_CHANNEL = 2
READY_WITHIN_S = 60.0
POINT_WITHIN_S = 8.0
FINISH_WITHIN_S = 300.0
STARTING_SHARE = 0.25
SHARES = {"point": 0.40, "station": 0.25, "client": 0.20, "bench": 0.15}


@dataclass(slots=True)
class Tally:
    """What was killed, and how often exactly at an event."""

    kills: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Return how many processes were ended by SIGKILL."""
        return sum(self.kills.values())

    @property
    def at_events(self) -> int:
        """Return how many of them at a start, stop, segment change or seal."""
        return sum(count for name, count in self.points.items() if name in AT_EVENT)


class Storm:
    """One campaign under fire."""

    def __init__(self, folder: Path, seed: int, log: TextIO) -> None:
        self.data = folder / "data"
        self.tally = Tally()
        self.bench: RunningBench
        self._folder = folder
        self._dice = random.Random(seed)
        self._log = log
        self._stack = ExitStack()
        self._bench_stack = ExitStack()
        self._station: subprocess.Popen[bytes] | None = None
        self._client: Station | None = None
        self._clients: list[subprocess.Popen[bytes]] = []
        self._began_s = link_now_s()

    # -- processes --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Storm:
        self._start_bench()
        self._start_station()
        load_cells(self.client, self.bench)
        return self

    def __exit__(self, *_: object) -> None:
        self._drop_client()
        for process in self._clients:
            process.kill()
            process.wait()
        if self._station is not None:
            end(self._station)
        self._bench_stack.close()
        self._stack.close()

    def _start_bench(self) -> None:
        words = ("--bench", "campaign", "--mode", "lockstep", "--speed", f"{PACE:g}")
        self.bench = self._bench_stack.enter_context(
            running_bench(*words, "--state", str(self._folder / "bench"))
        )
        text = self.bench.station_file.read_text(encoding="utf-8").replace("poll_s: 600", "poll_s: 60")
        text += 'api: {listen: "127.0.0.1:0"}\n'  # a killed station's port may belong to anybody
        (self._folder / "station.yaml").write_text(text, encoding="utf-8")

    def _start_station(self, kill_at: str = "") -> None:
        environment = {"LABCTL_KILL_AT": kill_at} if kill_at else {}
        self._station = serve(self._folder / "station.yaml", self.data, environment)

    @property
    def client(self) -> Station:
        """Return a connection to the station, waiting until it is ready."""
        if self._client is None:
            assert self._station is not None
            self._client = connected(self._station, self.data)
        return self._client

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _station_alive(self) -> bool:
        return self._station is not None and self._station.poll() is None

    def _restart_station(self, kill_at: str = "") -> None:
        self._drop_client()
        if self._station is not None:
            if self._station.poll() is None:
                self._station.kill()
            self._station.wait()
        self._start_station(kill_at)

    # -- the storm --------------------------------------------------------------------------------------------------

    def rage(self, kills: int) -> None:
        """End so many processes."""
        kinds = list(SHARES)
        while self.tally.total < kills:
            kind = self._dice.choices(kinds, [SHARES[name] for name in kinds])[0]
            getattr(self, f"_kill_{kind}")()
            self._say(
                f"{link_now_s() - self._began_s:.0f} s: {self.tally.total}/{kills} {kind} {dict(self.tally.points)}"
            )

    def _live(self) -> None:
        """Let the campaign go on for a moment, so that there is something to interrupt."""
        self._tend()
        link_pause(self._dice.uniform(0.1, 2.0))

    def _kill_point(self) -> None:
        """Let the station end itself at a point of the engine."""
        name = self._dice.choice(POINTS)
        self._restart_station(f"{name}:{self._dice.randint(1, 3)}")
        assert self._station is not None
        self._tend()  # it may reach the point before it answers
        until_s = link_now_s() + POINT_WITHIN_S
        if name.startswith("stop"):
            self._provoke_stop()
        while self._station.poll() is None and link_now_s() < until_s:
            link_pause(0.05)
        if self._station.poll() == -9:
            self.tally.kills["station"] += 1
            self.tally.points[name] += 1
        else:
            self._kill_station()
        self._restart_station()

    def _provoke_stop(self) -> None:
        try:
            for progress in self.client.runs.list(state="running")[:1]:
                self.client.runs.stop(progress.run_id, reason="the storm wants a stop")
        except LabctlError:
            return  # it has ended in the middle of it, which is the point

    def _kill_station(self) -> None:
        """End the station at any moment, now and then while it still starts."""
        if self._dice.random() < STARTING_SHARE:
            link_pause(self._dice.uniform(0.0, 2.0))
        else:
            self._live()
        assert self._station is not None
        if self._station.poll() is None:
            self._station.kill()
            self.tally.kills["station"] += 1
        self._restart_station()

    def _kill_client(self) -> None:
        """End a client in the middle of what it does."""
        self._live()
        verbs = (
            ["queue", "list"],
            ["runs", "list"],
            ["channel", "list"],
            ["alarms", "list"],
            ["queue", "calendar"],
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "labctl", *self._dice.choice(verbs), "--data", str(self.data)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        link_pause(self._dice.uniform(0.05, 0.6))
        process.kill()
        process.wait()
        self.tally.kills["client"] += 1

    def _kill_bench(self) -> None:
        """Cut the power of the bench; the station ends with the time that the bench kept."""
        self._live()
        self.bench.kill()
        self.tally.kills["bench"] += 1
        self._bench_stack.close()
        self._start_bench()
        self._restart_station()

    # -- what an operator does --------------------------------------------------------------------------------------

    def _tend(self, *, top_up: bool = True) -> None:
        """Reset channels that a power cut has left, and keep jobs waiting."""
        try:
            client = self.client
            for status in client.channels.list():
                if status.tripped or status.lane:
                    client.channels.reset(
                        status.channel, reason="looked at after the cut", confirm=status.channel
                    )
            if top_up:
                self._top_up(client)
        except LinkError as error:
            self._drop_client()
            self._say(f"the station did not answer: {error}")

    def _top_up(self, client: Station) -> None:
        for _ in range(WAITING_PER_CHANNEL):
            waiting = Counter(
                str(job.spec.cell_id) for job in client.queue.list() if job.state in OPEN_STATES
            )
            wishes = [
                JobSpec(cell_id=cell.cell_id, protocol_text=PROTOCOL)
                for cell in client.cells.list()
                if waiting[str(cell.cell_id)] < WAITING_PER_CHANNEL
            ]
            if wishes:
                client.queue.submit(wishes)

    def calm(self) -> None:
        """Let everything that is open finish. Raises: LabctlError where it does not in time."""
        until_s = link_now_s() + FINISH_WITHIN_S
        while link_now_s() < until_s:
            if not self._station_alive():
                self._restart_station()
            self._tend(top_up=False)
            try:
                open_jobs = [job for job in self.client.queue.list() if job.state in OPEN_STATES]
            except InstrumentError:
                self._drop_client()
                continue
            if not open_jobs:
                return
            link_pause(1.0)
        text = "; ".join(
            f"{job.job_id} {job.state.value}: {job.waits_for or job.reason}" for job in open_jobs[:5]
        )
        raise LabctlError(
            f"{len(open_jobs)} jobs are still open {FINISH_WITHIN_S:g} s after the last kill: {text}"
        )

    def verdict(self) -> Verdict:
        """Compare what is stored with what the bench says happened."""
        assert self._station is not None
        jobs = self.client.queue.list()
        self._drop_client()
        end(self._station)
        return judge(self.data, self.bench, jobs)

    def _say(self, text: str) -> None:
        self._log.write(text + "\n")
        self._log.flush()


def storm(folder: Path, kills: int, seed: int, log: TextIO) -> tuple[Tally, Verdict]:
    """Run a whole storm in a folder; returns what was killed and what the truth says."""
    with Storm(folder, seed, log) as raging:
        raging.rage(kills)
        raging.calm()
        return raging.tally, raging.verdict()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; exit 1 where the truth and the store differ."""
    parser = argparse.ArgumentParser(prog="python -m labctl.testing.killstorm", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything here (default: a temporary folder)")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="labctl-storm-") as temporary:
        tally, verdict = storm(args.folder or Path(temporary), args.kills, args.seed, sys.stderr)
    report = {
        "seed": args.seed,
        "kills": dict(tally.kills),
        "kills_total": tally.total,
        "kills_at_events": tally.at_events,
        "points": dict(tally.points),
        **verdict.report(),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0 if verdict.fine else 1


if __name__ == "__main__":
    sys.exit(main())
