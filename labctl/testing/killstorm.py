"""Kills a working station, its clients and its bench at random, and asks the bench afterwards what really happened.

``python -m labctl.testing.killstorm --kills 200 --seed 1`` runs a campaign on a virtual bench of sixteen channels, in
processes of their own, and ends them with SIGKILL: the station at any moment or at a named point of the engine (start,
stop, segment change, seal; ``labctl.engine.hooks``), clients in the middle of a request, the bench as a power cut
would. The bench goes on while no station leads it. Then everything is left to finish, and
``labctl.testing.stormtruth`` compares every row and command.

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
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from labctl.api.client import Station
from labctl.api.client.places import place_of
from labctl.api.client.sync.link import Link
from labctl.clock import link_now_s, link_pause
from labctl.errors import ConflictError, LabctlError, LinkClosed
from labctl.model.job import OPEN_STATES, JobSpec, JobState
from labctl.store.root import DataRoot
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.stationrun import end, load_cells, serve
from labctl.testing.stormaim import EVENTS, NEAR_S, Aim
from labctl.testing.stormtruth import PowerCut, Silence, Verdict, judge, seen

PROTOCOL = """\
labctl: protocol/1
name: short half-cycles with host decisions
for: symmetric
record: {every: 30 s}
safety: {voltage: [-5 V, 5 V]}
steps:
  - rest: 5 min
  - repeat: 4
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
PACE = 600.0
"""Plant seconds per second: a job of two plant hours takes some ten seconds, so kills meet every part of it."""
WAITING_PER_CHANNEL = 1
READY_WITHIN_S = 60.0
PATIENCE_S = 1.0
"""How long a client of the storm asks a station that may be dead."""
POINT_WITHIN_S = 6.0
AGAIN_S = 1.0
FINISH_WITHIN_S = 300.0
STARTING_SHARE = 0.25
AT_ONCE_SHARE = 0.5
DELAY_MAX_MS = 80.0
SILENCE_MAX_S = 0.8
SHARES = {"point": 0.42, "station": 0.19, "client": 0.28, "bench": 0.11}
PLACES = [f"neware:{unit}-{number}" for unit in (1, 2) for number in range(1, 9)]
VERBS = (
    ["queue", "list"], ["runs", "list"], ["channel", "list"], ["alarms", "list"], ["queue", "calendar"],
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was killed, when, and how near to an event."""

    kills: Counter[str] = field(default_factory=Counter)
    moments: list[tuple[float, str]] = field(default_factory=list)
    """Link time and kind of each kill that did not aim at a point."""
    aimed: Counter[str] = field(default_factory=Counter)
    """Kills at or right behind a point, by point."""
    events: Counter[str] = field(default_factory=Counter)
    """Kills within ``NEAR_S`` of an event, aimed or not, by process and event; filled in at the end."""
    missed: int = 0
    """Aimed kills that came too late behind their point."""

    @property
    def total(self) -> int:
        """Return how many processes were ended by SIGKILL."""
        return sum(self.kills.values())

    def killed(self, kind: str) -> None:
        """Count a kill of this moment."""
        self.kills[kind] += 1
        self.moments.append((link_now_s(), kind))

    def measure(self, aim: Aim) -> None:
        """See which kills were near an event, by what the stations had noted."""
        aim.look()
        for at_s, kind in self.moments:
            if event := aim.event_near(at_s, after=kind == "client"):
                self.events[f"{kind} at a {event}"] += 1
        for _, point, since_s in aim.killed:
            if since_s < NEAR_S:
                self.aimed[point] += 1
                self.events[f"station at a {EVENTS[point]}"] += 1
            else:
                self.missed += 1

    def report(self) -> dict[str, object]:
        """Return everything as plain data."""
        return {
            "kills_total": self.total, "kills": dict(self.kills),
            "kills_at_events": sum(self.events.values()), "events": dict(self.events),
            "aimed_at_events": sum(self.aimed.values()), "aimed": dict(self.aimed), "aimed_too_late": self.missed,
        }  # fmt: skip


class Storm:
    """One campaign under fire."""

    def __init__(self, folder: Path, seed: int, log: TextIO) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.tally = Tally()
        self.cuts: list[PowerCut] = []
        self.silences: list[Silence] = []
        self.bench: RunningBench
        self._folder = folder
        self._dice = random.Random(seed)
        self._log = log
        self._aim = Aim(folder)
        self._bench_stack = ExitStack()
        self._station: subprocess.Popen[bytes] | None = None
        self._client: Station | None = None
        self._began_s = link_now_s()

    # -- processes --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Storm:
        self._start_bench()
        self._start_station()
        load_cells(self.client, self.bench)
        return self

    def __exit__(self, *_: object) -> None:
        self._drop_client()
        if self._station is not None:
            end(self._station)
        self._bench_stack.close()

    def _start_bench(self) -> None:
        words = ("--bench", "campaign", "--mode", "lockstep", "--speed", f"{PACE:g}")
        self.bench = self._bench_stack.enter_context(
            running_bench(*words, "--state", str(self._folder / "bench"))
        )
        text = self.bench.station_file.read_text(encoding="utf-8").replace("poll_s: 600", "poll_s: 60")
        text = text.replace("mode: lockstep,", "mode: lockstep, on_loss: run,")
        text += 'api: {listen: "127.0.0.1:0"}\n'  # a killed station's port may belong to anybody
        (self._folder / "station.yaml").write_text(text, encoding="utf-8")

    def _start_station(self) -> None:
        self._station = serve(self._folder / "station.yaml", self.data, self._aim.environment)

    @property
    def client(self) -> Station:
        """Return a connection to the station, waiting until it is ready. Raises: LinkClosed where it has ended."""
        until_s = link_now_s() + READY_WITHIN_S
        while self._client is None:
            link = Link(place_of(None, self.data, None, None).locate, patience_s=PATIENCE_S)
            try:
                link.open()
                self._client = Station(link)
            except LabctlError as error:
                link.close()
                if not self._station_alive() or link_now_s() > until_s:
                    raise LinkClosed(f"the station did not come up: {error}", operation="start") from error
                link_pause(0.1)
        return self._client

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _station_alive(self) -> bool:
        return self._station is not None and self._station.poll() is None

    def _restart_station(self) -> None:
        """Start a station again, whatever has become of the one before."""
        self._drop_client()
        self._aim.forget()
        if self._station is not None:
            if self._station.poll() is None:
                self._station.kill()
            self._station.wait()
            self._be_silent()
        self._start_station()

    def _be_silent(self) -> None:
        """Let the bench go on without a station for a moment, and note what it wrote meanwhile."""
        begin = seen(self.bench, PLACES)
        link_pause(self._dice.uniform(0.0, SILENCE_MAX_S))
        self.silences.append(Silence(begin, seen(self.bench, PLACES)))

    # -- the storm --------------------------------------------------------------------------------------------------

    def rage(self, kills: int) -> None:
        """End so many processes, in the beginning one of each kind."""
        kinds = list(SHARES)
        first = list(SHARES)
        while self.tally.total < kills:
            kind = first.pop(0) if first else self._dice.choices(kinds, [SHARES[name] for name in kinds])[0]
            getattr(self, f"_kill_{kind}")()
            self._aim.look()
            own = Counter(point for _, point, _ in self._aim.killed)
            self._say(f"{link_now_s() - self._began_s:.0f} s: {self.tally.total}/{kills} {kind} {dict(own)}")

    def _live(self) -> None:
        """Let the campaign go on for a moment, so that there is something to interrupt."""
        self._tend()
        link_pause(self._dice.uniform(0.1, 2.0))

    def _kill_point(self) -> None:
        """Let the station end itself at a point of the engine, or within a moment behind it."""
        point, passage = self._dice.choice(list(EVENTS)), self._dice.randint(1, 3)
        at_once = self._dice.random() < AT_ONCE_SHARE
        delay_ms = 0.0 if at_once else self._dice.uniform(1.0, DELAY_MAX_MS)
        self._tend()
        self._aim.at(point, passage, delay_ms)
        began_s, provoked = link_now_s(), 0
        while self._station_alive() and link_now_s() < began_s + POINT_WITHIN_S:
            if EVENTS[point] != "segment change" and link_now_s() >= began_s + provoked * AGAIN_S:
                self._provoke(passage)
                provoked += 1
            link_pause(0.05)
        assert self._station is not None
        self._aim.look()
        if self._station.poll() == -9:
            self.tally.kills["station"] += 1
            self._restart_station()
        else:
            self._kill_station()

    def _provoke(self, runs: int) -> None:
        """Stop some runs, which seals them and lets the next jobs of their lanes start."""
        try:
            going_on = self.client.runs.list(state="running")
            for progress in self._dice.sample(going_on, min(runs, len(going_on))):
                self.client.runs.stop(progress.run_id, reason="the storm wants a stop")
            self._reset()
        except LabctlError:
            self._drop_client()  # it has ended in the middle of it, which is the point

    def _kill_station(self) -> None:
        """End the station at any moment, now and then while it still starts."""
        if self._dice.random() < STARTING_SHARE:
            link_pause(self._dice.uniform(0.0, 2.0))
        else:
            self._live()
        assert self._station is not None
        if self._station.poll() is None:
            self._station.kill()
            self.tally.killed("station")
        self._restart_station()

    def _kill_client(self) -> None:
        """End a client in the middle of what it does."""
        self._live()
        process = subprocess.Popen(
            [sys.executable, "-m", "labctl", *self._dice.choice(VERBS), "--data", str(self.data)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        link_pause(self._dice.uniform(0.05, 0.6))
        if process.poll() is None:
            process.kill()
            self.tally.killed("client")
        process.wait()

    def _kill_bench(self) -> None:
        """Cut the power of the bench; the station ends with the time that the bench kept."""
        self._live()
        before = seen(self.bench, PLACES)
        self.bench.kill()
        self.tally.killed("bench")
        self._bench_stack.close()
        self._start_bench()
        self.cuts.append(PowerCut(before, seen(self.bench, PLACES)))
        self._restart_station()

    # -- what an operator does --------------------------------------------------------------------------------------

    def _tend(self, *, top_up: bool = True) -> None:
        """Reset channels that a power cut has left, and keep jobs waiting."""
        try:
            self._reset()
            if top_up:
                self._top_up(self.client)
        except LabctlError as error:
            self._drop_client()
            self._say(f"the station did not answer: {error}")

    def _reset(self) -> None:
        for status in self.client.channels.list():
            if status.tripped or status.lane:
                self.client.channels.reset(
                    status.channel, reason="looked at after the cut", confirm=status.channel
                )

    def _top_up(self, client: Station) -> None:
        for wanted in range(1, WAITING_PER_CHANNEL + 1):  # one submission may name a cell once
            waiting = Counter(
                str(job.spec.cell_id) for job in client.queue.list() if job.state is JobState.WAITING
            )
            wishes = [
                JobSpec(cell_id=cell.cell_id, protocol_text=PROTOCOL)
                for cell in client.cells.list()
                if waiting[str(cell.cell_id)] < wanted
            ]
            if wishes:
                client.queue.submit(wishes)

    def clear(self) -> None:
        """Take jobs that wait out of the queue, so that only what runs is left to finish."""
        for job in self.client.queue.list():
            if job.state is JobState.WAITING:
                with suppress(ConflictError):  # it has begun meanwhile, and is left to finish
                    self.client.queue.remove(job.job_id, reason="the storm is over")

    def calm(self) -> None:
        """Let everything that is open finish. Raises: LabctlError where it does not in time."""
        until_s = link_now_s() + FINISH_WITHIN_S
        open_jobs = []
        while link_now_s() < until_s:
            if not self._station_alive():
                self._restart_station()
            self._tend(top_up=False)
            try:
                open_jobs = [job for job in self.client.queue.list() if job.state in OPEN_STATES]
            except LabctlError:
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
        self.tally.measure(self._aim)
        return judge(DataRoot(self.data, create=False), self.bench, jobs, self.cuts, self.silences)

    def _say(self, text: str) -> None:
        self._log.write(text + "\n")
        self._log.flush()


def storm(
    folder: Path, kills: int, seed: int, log: TextIO, *, finish_waiting: bool = True
) -> tuple[Tally, Verdict]:
    """Run a whole storm in a folder; returns what was killed and what the truth says.

    ``finish_waiting``: jobs that have not begun by then are played too; else they are taken out of the queue.
    """
    with Storm(folder, seed, log) as raging:
        raging.rage(kills)
        if not finish_waiting:
            raging.clear()
        raging.calm()
        return raging.tally, raging.verdict()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; exit 1 where the truth and the store differ."""
    parser = argparse.ArgumentParser(prog="python -m labctl.testing.killstorm", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything here (default: a temporary folder)")
    args = parser.parse_args(words)
    began_s = link_now_s()
    with tempfile.TemporaryDirectory(prefix="labctl-storm-") as temporary:
        tally, verdict = storm(args.folder or Path(temporary), args.kills, args.seed, sys.stderr)
    report = {
        "seed": args.seed,
        "wall_s": round(link_now_s() - began_s),
        **tally.report(),
        **verdict.report(),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0 if verdict.fine else 1


if __name__ == "__main__":
    sys.exit(main())
