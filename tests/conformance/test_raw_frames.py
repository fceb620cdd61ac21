"""Raw frames beside decoded rows (S6): real engine, driver and store on an in-memory bench."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.jobs import RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.station import build_cycler
from labctl.errors import UserFileError
from labctl.store import wirelog
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.benchrun import VIRTUAL_FOLDER, BenchRun, small_bench
from labctl.testing.fakeruns import cycling, job, program
from labctl.transport.base import Transport
from labctl.transport.capture import Event
from labctl.transport.replay import ReplayTransport, read_capture

PASSWORD = "Geheim-4711"
OVEN = {"name": "oven"}


def lab(folder: Path, *, keep_frames: bool = True, password: str = PASSWORD) -> BenchRun:
    """Return a bench with one cell in a chamber, whose cycler is asked for a password of its own."""
    cell = {"cell_id": "C101", "chamber": "oven"}
    bench = BenchRun(small_bench(cell, chambers=[OVEN]), folder, poll_s=300.0)
    bench.keep_frames = keep_frames
    cycler = bench.station.instruments[0]
    options = {**cycler.driver_options, "password": password}
    bench.station = replace(bench.station, instruments=(replace(cycler, driver_options=options),))
    return bench


def run_short(bench: BenchRun) -> RunResult:
    (result,) = bench.run([job(program(cycling(4, 300.0), "1-1"))])
    assert result.outcome is Outcome.FINISHED
    return result


def kept(bench: BenchRun, name: str, folder: Path) -> Path:
    """Return a copy of a log of the simulated disk as a file of this system."""
    copy = folder / name
    copy.write_bytes(bench.disk.read(VIRTUAL_FOLDER / "wire" / name))
    return copy


def heard(path: Path, link: str) -> bytes:
    return b"".join(data for event, data in read_capture(path, link) if event is Event.IN)


def test_the_bytes_of_a_run_are_kept_and_hold_its_rows(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    result = run_short(bench)
    path = kept(bench, "neware.log", tmp_path)
    said = heard(path, "neware/1")
    rows = bench.reader(result).records(["device_sequence"])
    numbers = {int(word) for word in re.findall(rb'seqid="(\d+)"', said)}
    assert set(rows["device_sequence"].tolist()) <= numbers and len(rows) > 10
    asked = b"".join(data for event, data in read_capture(path, "neware/1") if event is Event.OUT)
    assert b"<cmd>start</cmd>" in asked and b"<cmd>download</cmd>" in asked
    assert read_capture(kept(bench, "oven.log", tmp_path), "oven/1")[0][0] is Event.OPEN


def test_each_log_says_instrument_driver_and_version_and_the_manifest_where_it_lies(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    result = run_short(bench)
    lines = kept(bench, "neware.log", tmp_path).read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0])
    assert (header["instrument"], header["driver"]) == ("neware", "neware-bts")
    assert re.fullmatch(r"labctl \S+", header["driver_version"])
    manifest = bench.reader(result).manifest
    told = [entry for entry in map(json.loads, lines) if entry["event"] == "identity"]
    assert [entry["text"] for entry in told] == [manifest["instrument"]["identity"]]
    assert manifest["instrument"]["driver_version"] == header["driver_version"]
    assert manifest["instrument"]["wire"] == "wire/neware.log"
    assert manifest["chamber"]["wire"] == "wire/oven.log"
    assert {entry["link"] for entry in map(json.loads, lines) if "link" in entry} == {"neware/1", "neware/2"}


def test_x13_the_login_password_is_in_no_log(tmp_path: Path) -> None:
    bench = lab(tmp_path, password="a<b&" + PASSWORD)
    run_short(bench)
    path = kept(bench, "neware.log", tmp_path)
    for link in ("neware/1", "neware/2"):
        said = b"".join(data for event, data in read_capture(path, link) if event is Event.OUT)
        assert b"<cmd>connect</cmd>" in said and b"<password>***</password>" in said
        assert PASSWORD.encode() not in said
    text = path.read_text(encoding="utf-8")
    assert PASSWORD not in text and PASSWORD.encode().hex() not in text


def test_rows_are_the_same_whether_frames_are_kept_or_not(tmp_path: Path) -> None:
    digests = set()
    for name, keep_frames in (("with", True), ("without", False)):
        (tmp_path / name).mkdir()
        bench = lab(tmp_path / name, keep_frames=keep_frames)
        digests.add(bench.reader(run_short(bench)).digest())
        assert ("wire" in bench.disk.names(VIRTUAL_FOLDER)) is keep_frames
    assert len(digests) == 1


class NoRoomForFrames(SimulatedDisk):
    """A disk that takes everything but raw frames, and of those the first few writes."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def open(self, path: Path) -> Any:
        return self._guarded(path, super().open(path))

    def create(self, path: Path) -> Any:
        return self._guarded(path, super().create(path))

    def _guarded(self, path: Path, file: Any) -> Any:
        return _Refusing(self, file) if path.parent.name == wirelog.FOLDER else file


class _Refusing:
    def __init__(self, disk: NoRoomForFrames, file: Any) -> None:
        self._disk = disk
        self._file = file

    def write(self, parts: Any, offset: int) -> None:
        self._disk.left -= 1
        if self._disk.left < 0:
            raise OSError(28, "No space left on device")
        self._file.write(parts, offset)

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize("after", [0, 2])
def test_a_disk_that_refuses_frames_costs_one_event_each_and_no_row(after: int, tmp_path: Path) -> None:
    quiet = lab(tmp_path)
    digest = quiet.reader(run_short(quiet)).digest()
    bench = lab(tmp_path)
    bench.disk = NoRoomForFrames(after)
    result = run_short_with_time(bench)
    assert bench.reader(result).digest() == digest
    events = [event for event in bench.reader(result).events() if event["kind"] == "wire.lost"]
    assert sorted(event["text"].split()[3] for event in events) == ["neware", "oven"]
    assert all("No space left" in event["text"] for event in events)


def run_short_with_time(bench: BenchRun) -> RunResult:
    """Run as above with every line written at once: in memory no link time passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wirelog, "FLUSH_EVERY_S", 0.0)
        return run_short(bench)


def replayed(bench: BenchRun, path: Path) -> str:
    """Open the real driver on the kept frames and return what the instrument said it is."""
    pipes: list[ReplayTransport] = []

    def connect(resource: str) -> Transport:
        pipes.append(ReplayTransport(path, link=f"neware/{len(pipes) + 1}"))
        return pipes[-1]

    async def main(clock: Clock) -> str:
        entry = bench.station.instruments[0]
        options = {**entry.driver_options, "password": "another one"}
        cycler = build_cycler(replace(entry, driver_options=options), clock, connect)
        await cycler.open()
        try:
            return await cycler.identify()
        finally:
            await cycler.close()

    return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_the_newest_part_of_a_log_plays_back_to_the_driver(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    result = run_short(bench)
    bench.resume()  # a second process: the newest part is what it said
    path = kept(bench, "neware.log", tmp_path)
    assert path.read_text(encoding="utf-8").count('"event": "begin"') == 2
    with path.open("a", encoding="utf-8") as torn:
        torn.write('{"time_s": 1.0, "li')
    assert replayed(bench, path) == bench.reader(result).manifest["instrument"]["identity"]
    with pytest.raises(UserFileError, match=r"several links \(neware/1, neware/2\)"):
        ReplayTransport(path)


def test_a_log_that_began_inside_a_connection_says_so_and_plays_behind_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wirelog, "FILE_BYTES_MAX", 60_000)
    monkeypatch.setattr(wirelog, "FILES_MAX", 100)
    monkeypatch.setattr(wirelog, "FLUSH_EVERY_S", 0.0)
    bench = lab(tmp_path)
    result = run_short(bench)
    names = bench.disk.names(VIRTUAL_FOLDER / "wire")
    count = sum(name.startswith("neware.log.") for name in names)
    assert count >= 1
    newest = kept(bench, "neware.log", tmp_path)
    with pytest.raises(UserFileError, match="begun while one was open"):
        ReplayTransport(newest, link="neware/1")
    parts = [kept(bench, f"neware.log.{number}", tmp_path) for number in range(count, 0, -1)]
    whole = tmp_path / "whole.log"
    whole.write_bytes(b"".join(part.read_bytes() for part in [*parts, newest]))
    assert replayed(bench, whole) == bench.reader(result).manifest["instrument"]["identity"]
