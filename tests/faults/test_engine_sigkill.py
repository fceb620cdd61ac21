"""SIGKILL the real command line against a bench in its own process, resume, and compare (acceptance 3c).

Goal: whatever instruction the process dies at, the rows are those of a run that nobody disturbed, and the bench's own
log shows each energising command once. Method: the kill moments are seeded passages of the engine's named points,
at least three each inside start, block commit, stop and seal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.testing.sim import RunningBench, running_bench

pytestmark = pytest.mark.slow

PROTOCOL = """\
labctl: protocol/1
name: short cycles that a detection ends
for: symmetric
record: {every: 10 s, or_change: 5 mV}
safety: {voltage: [-5 V, 5 V]}
detect:
  polarisation: {above: 20 mV, half_cycles: 8, then: stop}
steps:
  - rest: 10 min
  - repeat: 40
    steps:
      - charge: 1 mA/cm^2
        until: {time: 10 min}
      - discharge: 1 mA/cm^2
        until: {time: 10 min}
"""
MOMENTS = (
    "start.intent:1", "start.sent:1", "start.confirmed:1", "run.prepared:1",
    "block.fetched:1", "block.appended:1", "block.appended:4", "block.appended:9",
    "block.committed:1", "block.committed:5", "block.committed:9",
    "stop.intent:1", "stop.sent:1", "stop.confirmed:1", "block.appended:7", "drain.complete:1",
    "finish.begin:1", "finish.sealed:1", "finish.done:1", "block.committed:7",
)  # fmt: skip
KILLED = -9
TIMEOUT_S = 120


class Station:
    """A bench in its own process, a data root, and the command line."""

    def __init__(self, bench: RunningBench, folder: Path, *, on_loss: str) -> None:
        self.bench = bench
        self.data = folder / "data"
        self.protocol = folder / "protocol.yaml"
        self.protocol.write_text(PROTOCOL, encoding="utf-8")
        self.station = folder / "station.yaml"
        text = bench.station_file.read_text(encoding="utf-8")
        self.station.write_text(text.replace("speed:", f"on_loss: {on_loss}, speed:", 1), encoding="utf-8")
        self.say("cells", "import", str(bench.first["cells_file"]))

    def say(self, *words: str, kill_at: str = "") -> int:
        """Run one command line and return its exit code."""
        environment = {**os.environ, "LABCTL_KILL_AT": kill_at}
        command = [sys.executable, "-m", "labctl", *words, "--data", str(self.data)]
        command += ["--station", str(self.station), "--json"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        assert done.returncode in (0, KILLED), done.stderr
        return done.returncode

    def run(self, kill_at: str = "") -> int:
        """Start the protocol on the first cell."""
        words = ("run", str(self.protocol), "--cell", "C0001", "--channel", "neware:1-1")
        return self.say(*words, kill_at=kill_at)

    def reader(self) -> RunReader:
        """Return the run's folder."""
        (folder,) = DataRoot(self.data).run_folders()
        return RunReader(folder)

    def energising(self) -> list[dict[str, Any]]:
        """Return the start commands that the bench has received on the channel."""
        commands: list[dict[str, Any]] = self.bench.admin("truth", slot="neware:1-1")["commands"]
        return [entry for entry in commands if entry["command"] == "start"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int | None]:
    """Return digest and end sequence of a run that nobody disturbs."""
    with running_bench("--mode", "lockstep", "--seed", "11", "--bench", "demo") as bench:
        station = Station(bench, tmp_path_factory.mktemp("quiet"), on_loss="freeze")
        assert station.run() == 0
        reader = station.reader()
        assert reader.manifest["outcome"] == "dead"
        assert len(station.energising()) == 1
        return reader.digest(), reader.manifest["end_sequence"]


def killed_and_resumed(folder: Path, moment: str, on_loss: str, *bench_words: str) -> Station:
    """Kill a run at a moment and resume it; return the station with the bench still alive in ``bench``."""
    with running_bench("--mode", "lockstep", "--seed", "11", "--bench", "demo", *bench_words) as bench:
        station = Station(bench, folder, on_loss=on_loss)
        assert station.run(kill_at=moment) == KILLED, moment
        state = station.reader().manifest["state"]
        if state != "ended":
            assert station.say("runs", "resume") == 0
        assert len(station.energising()) == 1, moment
        return station


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_run_on_a_frozen_bench_is_the_undisturbed_run(
    moment: str, undisturbed: tuple[str, int | None], tmp_path: Path
) -> None:
    reader = killed_and_resumed(tmp_path, moment, "freeze").reader()
    assert (reader.digest(), reader.manifest["end_sequence"]) == undisturbed
    assert reader.manifest["state"] == "ended"
    assert reader.verify() == []


@pytest.mark.parametrize("moment", ["start.sent:1", "block.committed:5", "stop.intent:1"])
def test_killed_run_on_a_bench_that_runs_on_has_the_same_rows(
    moment: str, undisturbed: tuple[str, int | None], tmp_path: Path
) -> None:
    reader = killed_and_resumed(tmp_path, moment, "run", "--speed", "2000").reader()
    assert (reader.digest(), reader.manifest["end_sequence"]) == undisturbed
    assert reader.verify() == []
