"""What happens to runs: Ctrl-C, kill, two processes, a stop from elsewhere, a bench that is gone. Nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.testing.commandline import CALL_TIMEOUT_S, Following, captured
from labctl.testing.sim import RunningBench, running_bench

pytestmark = pytest.mark.slow
SLOW = 7200.0
"""Plant seconds a second while a test reaches for a run of some days."""


class Bench:
    """A lockstep bench with a data root whose path has spaces and non-ASCII letters."""

    def __init__(self, bench: RunningBench, data: Path) -> None:
        self.bench = bench
        self.where = ("--station", str(bench.station_file), "--data", str(data))

    def json(self, *words: str) -> Any:
        call = captured(main, *words, "--json", *self.where)
        assert call.code == 0, call.err
        return call.json

    def follow(self, cycles: int) -> Following:
        """Start P1 on C0004 and return when it runs."""
        words = ("p1-li-li-1mA", "--set", f"cycles={cycles}", "--cell", "C0004", "--channel", "neware:1-4")
        self.bench.admin(
            "pace", speed=SLOW
        )  # a loaded computer acts late: the run must not have ended by then
        following = Following("run", "--alone", *words, *self.where)
        following.wait_for(" running ")
        return following

    def hurry(self) -> None:
        """Let the bench go as fast as it can again."""
        self.bench.admin("pace", speed="max")

    def all_is_whole(self) -> None:
        assert all(entry["ok"] for entry in self.json("store", "verify"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running_bench("--mode", "lockstep") as running:
        bench = Bench(running, tmp_path / "Mess daten" / "电池 ö")
        bench.json("cells", "import", running.first["cells_file"])
        yield bench


def test_ctrl_c_detaches_and_resume_goes_on_to_the_end(bench: Bench) -> None:
    following = bench.follow(30)
    following.interrupt()
    left = following.finish()
    assert left.code == 0
    assert "the cycler goes on by itself" in left.out and "labctl runs resume" in left.out
    (entry,) = bench.json("runs", "list")
    assert entry["state"] == "running"
    bench.hurry()
    (result,) = bench.json("runs", "resume", "--alone")
    assert (result["run_id"], result["outcome"]) == (entry["run_id"], "finished")
    assert bench.json("runs", "show", "last")["cycles"]["cycle"] == list(range(1, 31))
    bench.all_is_whole()


def test_a_killed_process_leaves_a_run_that_resume_finishes(bench: Bench) -> None:
    bench.follow(30).kill()
    bench.hurry()
    (entry,) = bench.json("runs", "list", "--state", "running")
    bench.all_is_whole()
    (result,) = bench.json("runs", "resume", "--alone", entry["run_id"])
    assert result["outcome"] == "finished"
    bench.all_is_whole()


def test_a_reader_that_hangs_up_does_not_end_the_run(bench: Bench) -> None:
    following = bench.follow(30)
    following.hang_up()
    bench.hurry()
    following.process.wait(CALL_TIMEOUT_S)
    (entry,) = bench.json("runs", "list")
    assert (entry["state"], entry["outcome"]) == ("ended", "finished")


def test_a_second_process_is_refused_and_reading_goes_on(bench: Bench) -> None:
    following = bench.follow(250)
    words = ("p1-li-li-1mA", "--cell", "C0003", "--channel", "neware:1-3")
    call = captured(main, "run", "--alone", *words, "--json", *bench.where)
    assert call.code == 1
    assert "is in use by process" in call.json["error"] and "--data" in call.json["error"]
    (entry,) = bench.json("runs", "list")
    assert (entry["cell_id"], entry["state"]) == ("C0004", "running")
    assert bench.json("runs", "show", "last")["rows"] >= 0
    following.interrupt()
    assert following.finish().code == 0


def test_a_run_is_stopped_from_another_terminal(bench: Bench) -> None:
    following = bench.follow(250)
    assert bench.json("runs", "stop", "last", "--reason", "cell needed")["confirmed"] is True
    left = following.finish()
    assert left.code == 0
    assert "stopped, cell needed" in left.out
    assert bench.json("runs", "list")[0]["outcome"] == "stopped"


def test_a_run_that_nobody_follows_is_stopped_and_closed_by_resume(bench: Bench) -> None:
    following = bench.follow(250)
    following.interrupt()
    following.finish()
    assert bench.json("runs", "stop", "C0004")["confirmed"] is True
    (result,) = bench.json("runs", "resume", "--alone")
    assert (result["state"], result["outcome"]) == ("ended", "stopped")
    bench.all_is_whole()


def test_a_bench_that_is_gone_ends_the_following_and_loses_nothing(bench: Bench) -> None:
    following = bench.follow(250)
    bench.bench.kill()
    left = following.finish()
    assert left.code == 1
    assert "Traceback" not in left.out and "bug in labctl" not in left.out
    assert "What was acknowledged is stored" in left.out and "labctl runs resume" in left.out
    bench.all_is_whole()
    for words in (("runs", "resume", "--alone"), ("runs", "stop", "last"), ("chamber", "list")):
        call = captured(main, *words, "--json", *bench.where)
        assert call.code == 1
        assert "labctl sim" in call.json["error"]
