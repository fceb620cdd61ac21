"""The same run gives the same rows: at any speed, on either kind of clock, and through any number of crashes.

Goal: prove that speed, polling and kills leave no trace in what is stored. Method: the bench is a process
of its own, a short form of P1 runs on it through TCP, and the digest of the stored rows (or the bytes of
the files) is compared.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from labctl.testing.commandline import Call, labctl
from labctl.testing.sim import RunningBench, running_bench

CELL, CHANNEL = "C0001", "neware:1-1"
# Three half-cycles "below 1000 ohm cm2" count as a short: the host then stops the device test and sets end_sequence.
SHORT_RUN = ("cycles=30", "opening_rest=30 min", "short_below=1000 ohm cm^2", "short_half_cycles=6")
STARTS = {"start", "goto", "continue", "reset"}

pytestmark = pytest.mark.slow


def prepared(bench: RunningBench, data: Path) -> None:
    assert labctl("cells", "import", bench.first["cells_file"], "--data", str(data)).code == 0


def station_with(bench: RunningBench, folder: Path, clock: str = "", poll_s: int | None = None) -> str:
    """Return a copy of the bench's station file with additions to its clock and another poll period."""
    text = bench.station_file.read_text(encoding="utf-8")
    if clock:
        text = re.sub(r"clock: \{(.*)\}", rf"clock: {{\1, {clock}}}", text)
    if poll_s is not None:
        text = re.sub(r"poll_s: \d+", f"poll_s: {poll_s}", text)
    path = folder / "station.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run_p1(station: str, data: Path, settings: tuple[str, ...], **environment: str) -> Call:
    words = [word for setting in settings for word in ("--set", setting)]
    return labctl(
        "run", "--alone", "p1-li-li-1mA", "--cell", CELL, "--channel", CHANNEL,
        "--station", station, "--data", str(data), "--json", *words, environment=environment or None,
    )  # fmt: skip


def only_run(data: Path) -> dict[str, Any]:
    (entry,) = labctl("runs", "list", "--json", "--data", str(data)).json
    return dict(entry)


def digest(data: Path, run_id: str) -> str:
    (line,) = labctl("store", "digest", run_id, "--json", "--data", str(data)).json
    return str(line["digest"])


def record_files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in data.glob("runs/*/*/*/records-*.parquet")}


def test_two_lockstep_runs_at_different_pace_give_the_same_bytes(tmp_path: Path) -> None:
    files: list[dict[str, bytes]] = []
    for speed in ("max", "100000"):
        data = tmp_path / speed
        with running_bench("--mode", "lockstep", "--bench", "demo", "--seed", "7", "--speed", speed) as bench:
            prepared(bench, data)
            call = run_p1(str(bench.station_file), data, ("cycles=100",))
            assert call.code == 0, call.err
        files.append(record_files(data))
    assert files[0], "the runs have sealed record files"
    assert files[0] == files[1]


def test_twenty_cycles_have_one_digest_at_two_thousand_and_at_twenty_thousand_times(tmp_path: Path) -> None:
    digests = set()
    for speed in ("2000", "20000"):
        data = tmp_path / speed
        with running_bench("--mode", "free", "--bench", "demo", "--seed", "7", "--speed", speed) as bench:
            prepared(bench, data)
            call = run_p1(str(bench.station_file), data, ("cycles=20",))
            assert call.code == 0, call.err
            (result,) = call.json
            assert result["outcome"] == "finished"
            digests.add(digest(data, result["run_id"]))
    assert len(digests) == 1


def kill_moments() -> list[str]:
    """Return 20 seeded moments: at least three inside start, block commit, seal and stop."""
    chance = random.Random(20261123)
    start = [f"start.{part}:1" for part in ("intent", "sent", "confirmed")]
    stop = [f"stop.{part}:1" for part in ("intent", "sent", "confirmed")]
    seal = [f"finish.{part}:1" for part in ("begin", "sealed", "done")]
    blocks = [
        f"block.{part}:{chance.randrange(1, 30)}"
        for part in ("fetched", "appended", "committed")
        for _ in range(3)
    ]
    return [*start, *blocks, *stop, *seal, "run.prepared:1", "drain.complete:1"]


MOMENTS = kill_moments()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of the short run when nothing goes wrong."""
    data = tmp_path_factory.mktemp("undisturbed") / "data"
    with running_bench("--mode", "lockstep", "--bench", "demo", "--seed", "7") as bench:
        prepared(bench, data)
        call = run_p1(str(bench.station_file), data, SHORT_RUN)
        (result,) = call.json
        assert (call.code, result["outcome"]) == (0, "short"), call.err
        return digest(data, result["run_id"])


def test_the_moments_cover_start_commit_seal_and_stop() -> None:
    assert len(MOMENTS) == 20
    for part in ("start.", "block.", "finish.", "stop."):
        assert sum(moment.startswith(part) for moment in MOMENTS) >= 3


def killed_and_resumed(
    moment: str, tmp_path: Path, clock: str, speed: str
) -> tuple[str, dict[str, Any], Path]:
    """Kill a run at a moment, resume it, and return run id, the bench's truth of the channel, and the data root."""
    data = tmp_path / "data"
    with running_bench("--mode", "lockstep", "--bench", "demo", "--seed", "7", "--speed", speed) as bench:
        prepared(bench, data)
        station = station_with(bench, tmp_path, clock)
        killed = run_p1(station, data, SHORT_RUN, LABCTL_KILL_AT=moment)
        assert killed.code < 0, f"{moment} was never passed: {killed.out} {killed.err}"
        resumed = labctl("runs", "resume", "--alone", "--json", "--station", station, "--data", str(data))
        assert resumed.code == 0, resumed.err
        (folder,) = data.glob("runs/*/*/*")
        assert labctl("store", "verify", "--data", str(data)).code == 0
        return folder.name, bench.admin("truth", slot=CHANNEL), data


def energising(truth: dict[str, Any]) -> list[str]:
    return [line["command"] for line in truth["commands"] if line["command"] in STARTS]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_resumed_on_a_frozen_bench_has_the_undisturbed_digest(
    moment: str, undisturbed: str, tmp_path: Path
) -> None:
    run_id, truth, data = killed_and_resumed(moment, tmp_path, clock="on_loss: freeze", speed="max")
    assert digest(data, run_id) == undisturbed
    assert energising(truth) == ["start"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_resumed_while_the_bench_went_on_has_the_same_rows_to_its_end(
    moment: str, undisturbed: str, tmp_path: Path
) -> None:
    run_id, truth, data = killed_and_resumed(moment, tmp_path, clock="on_loss: run", speed="5000")
    assert digest(data, run_id) == undisturbed, "the same rows up to end_sequence, none missing, none twice"
    assert energising(truth) == ["start"]
