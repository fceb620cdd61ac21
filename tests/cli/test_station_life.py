"""A station as people meet it: started by the first command, left, killed, watched, ended. The cells never notice."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.api.client import connect
from labctl.api.client.address import being_served
from labctl.cli.app import main
from labctl.clock import link_now_s, link_pause
from labctl.errors import LinkClosed, UserInputError
from labctl.testing.commandline import Call, Following, captured
from labctl.testing.sim import RunningBench, running_bench

pytestmark = pytest.mark.slow

P1 = "p1-li-li-1mA"
C0004 = ("--cell", "C0004", "--channel", "neware:1-4")
PATIENCE_S = 90.0


class Desk:
    """A terminal at a bench whose data root has a name with spaces and other people's letters."""

    def __init__(self, bench: RunningBench, data: Path) -> None:
        self.bench = bench
        self.data = data
        self.where = ("--station", str(bench.station_file), "--data", str(data))

    def call(self, *words: str) -> Call:
        return captured(main, *words, *self.where)

    def json(self, *words: str) -> Any:
        call = self.call(*words, "--json")
        assert call.code == 0, call.err
        return call.json

    def pid(self) -> int:
        with connect(self.bench.station_file, self.data, start=False) as station:
            return station.info().pid

    def kill_station(self) -> None:
        """End the station as a power cut would."""
        os.kill(self.pid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        until_s = link_now_s() + PATIENCE_S
        while being_served(self.data):
            assert link_now_s() < until_s
            link_pause(0.05)

    def starts(self, place: str) -> list[str]:
        """Return the accepted energising commands that the bench has seen on a channel."""
        truth = self.bench.admin("truth", slot=f"neware:{place}")
        return [entry["command"] for entry in truth["commands"] if entry["accepted"]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running_bench("--mode", "lockstep") as bench:
        desk = Desk(bench, tmp_path / "Mess daten" / "电池 ö")
        desk.json("cells", "import", bench.first["cells_file"])
        try:
            yield desk
        finally:
            ended = desk.call("serve", "--stop")
            assert ended.code == 0, ended.err


def test_a_run_starts_a_station_that_stays_and_shows_it_on_other_computers(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result,) = desk.json("run", P1, "--set", "cycles=2", *C0004)
    assert (result["state"], result["outcome"]) == ("ended", "finished")
    first = desk.pid()
    assert desk.json("runs", "list")[0]["run_id"] == result["run_id"]
    with connect(desk.bench.station_file, desk.data) as station:
        frame = station.runs.frame(result["run_id"])
        address, ambient = station.address, station.runs.ambient(result["run_id"])
    assert len(frame) == result["rows"] and frame["cycle_count"].max() == 2
    assert address is not None and {"test_time_s", "temperature_degC"} <= set(ambient[0])
    at_the_station = desk.json("runs", "show", "last")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    desk.json("runs", "export", "last", "--out", str(here))

    monkeypatch.setenv("LABCTL_URL", address.url)
    monkeypatch.setenv(
        "LABCTL_TOKEN", (desk.data / "station" / "owner.token").read_text(encoding="ascii").strip()
    )
    monkeypatch.delenv("LABCTL_STATION", raising=False)
    assert captured(main, "runs", "export", "last", "--out", str(there), "--json").code == 0
    assert there.read_bytes() == here.read_bytes()
    assert captured(main, "runs", "show", "last", "--json").json == at_the_station
    figure = tmp_path / "figure.png"
    drawn = captured(main, "runs", "plot", "last", "--format", "png", "--out", str(figure), "--json")
    assert drawn.code == 0 and figure.stat().st_size > 1000
    assert "ended  finished" in captured(main, "runs", "follow", "last").out
    refused = captured(main, "store", "verify")
    assert refused.code == 2 and address.url in refused.err
    monkeypatch.undo()
    assert desk.pid() == first, "the second client found the first one's station"
    assert desk.starts("1-4") == ["start"]


def test_ctrl_c_leaves_the_run_with_the_station(desk: Desk) -> None:
    desk.bench.admin("pace", speed=7200.0)  # a loaded computer acts late: the run must not have ended by then
    following = Following("run", P1, "--set", "cycles=30", *C0004, *desk.where)
    following.wait_for(" running ")
    following.interrupt()
    left = following.finish()
    assert left.code == 0
    assert "the station goes on" in left.out and "labctl runs follow" in left.out
    desk.bench.admin("pace", speed="max")
    with connect(desk.bench.station_file, desk.data, start=False) as station:
        (job,) = station.queue.wait()
        assert (job.state.value, station.runs.get(str(job.run_id)).summary.outcome) == ("ended", "finished")
    assert desk.starts("1-4") == ["start"]


def test_a_killed_station_is_started_by_the_next_client_and_loses_no_row(desk: Desk) -> None:
    following = Following("run", P1, "--set", "cycles=250", *C0004, *desk.where)
    following.wait_for(" running ")
    desk.kill_station()
    following.interrupt()
    following.finish()
    assert "no station serves" in desk.call("queue", "list").err
    with connect(desk.bench.station_file, desk.data) as station:
        (job,) = station.queue.list()
        assert job.state.value == "running"
        run_id = str(job.run_id)
        assert station.runs.stop(run_id, reason="enough").confirmed
        assert station.runs.wait(run_id).outcome == "stopped"
        sequence = list(station.runs.frame(run_id)["sequence"])
    assert sequence == list(range(1, len(sequence) + 1))
    assert desk.starts("1-4") == ["start"]
    assert all(entry["ok"] for entry in desk.json("store", "verify"))


def test_a_client_goes_on_by_itself_when_the_station_is_back(desk: Desk) -> None:
    with connect(desk.bench.station_file, desk.data) as station:
        before = station.hello().epoch
        mirror = station.mirror(("channel",))
        mirror.update()
        desk.kill_station()
        with connect(desk.bench.station_file, desk.data):
            after = station.hello().epoch
        assert before != after
        mirror.update(0.0)
        assert mirror.epoch == after


def test_a_second_station_is_refused_with_the_name_of_the_first(desk: Desk) -> None:
    connect(desk.bench.station_file, desk.data).close()
    call = desk.call("serve", "--json")
    assert call.code == 1
    assert "labctl serve" in call.json["error"] and "is in use by process" in call.json["error"]
    alone = desk.call("run", P1, *C0004, "--alone")
    assert alone.code == 1 and "labctl serve" in alone.err


def test_a_watched_station_is_started_again_and_leaves_when_asked(desk: Desk) -> None:
    parent = Following("serve", "--watched", *desk.where)
    parent.wait_for("answers at")
    first = desk.pid()
    desk.kill_station()
    parent.wait_for("answers at")
    assert desk.pid() != first
    assert desk.json("serve", "--stop")["stopped"] is True
    assert parent.finish().code == 0


def test_a_terminated_station_leaves_in_good_order(desk: Desk) -> None:
    station = Following("serve", *desk.where)
    station.wait_for("answers at")
    station.process.terminate()
    ended = station.finish()
    assert (ended.code, "Traceback" in ended.out) == (0, False)
    assert not being_served(desk.data)


def test_a_station_for_other_computers_speaks_tls_with_a_pinned_certificate(desk: Desk) -> None:
    words = ("serve", "--json", "--listen", "0.0.0.0:0", "--host", "bench-pc", *desk.where)
    station = Following(*words)
    told = station.wait_for("fingerprint")
    import json

    first = json.loads(told)
    assert first["url"].startswith("https://") and len(first["fingerprint"].replace(":", "")) == 64
    token = (desk.data / "station" / "owner.token").read_text(encoding="ascii").strip()
    with connect(desk.bench.station_file, desk.data, start=False) as local:
        assert local.hello().person == "owner"
        assert next(iter(local.stream(("station",)))).topic == "station"
    with connect(url=first["url"], token=token, fingerprint=first["fingerprint"]) as far:
        assert far.hello().person == "owner"
    with pytest.raises(LinkClosed, match="another certificate"):
        connect(url=first["url"], token=token, fingerprint="00" * 32)
    with pytest.raises((LinkClosed, ssl.SSLError)):
        connect(url=first["url"], token=token)
    with pytest.raises(UserInputError, match="token"):
        connect(url=first["url"], token="lab_wrong", fingerprint=first["fingerprint"])
    station.process.terminate()
    assert station.finish().code == 0


def test_a_station_that_cannot_start_says_why_to_the_client(tmp_path: Path) -> None:
    broken = tmp_path / "station.yaml"
    broken.write_text("labctl: station/1\nname: x\ninstrumets: []\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "labctl", "queue", "add", "formation", "--cell", "C1", "--station", str(broken)],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "instruments" in done.stderr and "station.yaml:3" in done.stderr
