"""A window may be killed at any moment: what the station stores is the same as if it had never been opened."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.clock import link_now_s, link_pause
from labctl.model.job import JobSpec
from labctl.testing.commandline import labctl
from labctl.testing.stationrun import StationRun, running_station

BEGIN_UTC = "2026-01-03T06:00:00+00:00"
"""All jobs begin at this plant time, however long it took to queue them."""
CELLS = ("C0101", "C0102", "C0103", "C0104")
CYCLES = 14
KILLS = 4
ENDS_WITHIN_S = 480.0
WINDOW_LIVES_S = (0.4, 4.0)

pytestmark = pytest.mark.slow


def jobs() -> list[JobSpec]:
    variables = {"cycles": str(CYCLES), "opening_rest": "30 min"}
    return [
        JobSpec(cell_id=cell, protocol="p1-li-li-1mA", variables=variables, not_before_utc=BEGIN_UTC)
        for cell in CELLS
    ]


def window(station: StationRun, settings: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "labctl", "gui", "--data", str(station.data), "--settings", str(settings)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def digest(data: Path, run_id: str) -> str:
    (line,) = labctl("store", "digest", run_id, "--json", "--data", str(data)).json
    return str(line["digest"])


def all_ended(station: StationRun) -> bool:
    runs = station.client.runs.list()
    return len(runs) == len(CELLS) and all(run.outcome for run in runs)


def digests_of(folder: Path, seed: int | None) -> tuple[dict[str, str], int]:
    """Run the jobs; with a seed, windows are opened and killed meanwhile. Returns digest by cell, and the kills."""
    chance, kills = random.Random(seed), 0
    with running_station(folder, "--bench", "campaign", "--speed", "max") as station:
        station.bench.admin("pace", speed=1)
        station.client.queue.submit(jobs())
        assert station.client.info().plant_utc < BEGIN_UTC
        station.bench.admin("pace", speed=20_000)
        until_s = link_now_s() + ENDS_WITHIN_S
        while not all_ended(station):
            assert link_now_s() < until_s, station.client.runs.list()
            if seed is None:
                link_pause(0.3)
                continue
            shown = window(station, folder / "gui.ini")
            link_pause(chance.uniform(*WINDOW_LIVES_S))
            shown.kill()
            shown.wait()
            kills += 1
        runs = station.client.runs.list()
        return {run.cell_id: digest(station.data, run.run_id) for run in runs}, kills


def test_windows_killed_at_random_leave_no_trace_in_what_is_stored(tmp_path: Path) -> None:
    undisturbed, _ = digests_of(tmp_path / "alone", None)
    watched, kills = digests_of(tmp_path / "watched", 20261123)
    assert kills >= KILLS and len(undisturbed) == len(CELLS)
    assert watched == undisturbed
