"""An instrument that the station does not have: asked who it is, written into the station file, nothing driven."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.config.station import parse_station
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.station.core import StationCore
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench

FILE = Path("/virtual/station.yaml")
EMPTY = "# our bench\nlabctl: station/1\nname: bench\ninstruments: []\n"
LINES = """\
instruments:
  - name: neware
    driver: neware-bts
    resource: mem://neware
    options: {devid: 33, step_folder: ./steps, units: {"1": 5V10mA}}
"""


def put(disk: Any, text: str) -> None:
    file = disk.create(FILE)
    file.write((text.encode(),), 0)
    file.sync()
    file.close()


@pytest.fixture
def bench(tmp_path: Path) -> CoreBench:
    """A bench with a tester that the station file does not name."""
    made = CoreBench(small_bench(), tmp_path)
    made.station = replace(made.station.only_chambers(), path=FILE)
    put(made.disk, EMPTY)
    return made


def text_of(bench: CoreBench, path: Path = FILE) -> str:
    return bytes(bench.disk.read(path)).decode()


def refused(bench: CoreBench, call: Callable[[StationCore], Awaitable[object]], kind: type[Exception]) -> str:
    """Return what a call is refused with."""

    async def story(core: StationCore) -> str:
        with pytest.raises(kind) as told:
            await call(core)
        return str(told.value)

    return bench.live(story)


def test_what_is_asked_says_who_it_is_and_has_been_driven_by_nothing(bench: CoreBench) -> None:
    async def story(core: StationCore) -> None:
        found = await core.devices.ask(ANNA, LINES)
        assert found.name == "neware" and "devid 33" in found.identity and found.places[:2] == ("1-1", "1-2")
        assert core.supervisor.instruments() == (), "asked is not taken up"

    bench.live(story)
    assert bench.commands("1-1") == [] and text_of(bench) == EMPTY


def test_what_is_added_is_in_the_file_the_old_one_beside_it_and_the_journal_knows(bench: CoreBench) -> None:
    async def story(core: StationCore) -> str:
        told = await core.devices.add(ANNA, LINES, "a second tester has come")
        (entry,) = [one for one in await core.audit.newest() if one.act == "instrument.add"]
        assert (entry.who, entry.subject, entry.reason) == ("anna", "neware", "a second tester has come")
        return told

    told = bench.live(story)
    assert "Start the station anew" in told and "running tests go on" in told
    assert text_of(bench).startswith("# our bench\n")
    assert [entry.name for entry in parse_station(text_of(bench)).instruments] == ["neware"]
    assert text_of(bench, FILE.with_name("station.yaml.before")) == EMPTY


def test_an_address_that_the_station_has_is_neither_asked_nor_added_again(bench: CoreBench) -> None:
    bench.live(lambda core: core.devices.add(ANNA, LINES))
    again = LINES.replace("name: neware", "name: other").replace("mem://neware", "MEM://neware")
    told = refused(bench, lambda core: core.devices.ask(ANNA, again), ConflictError)
    assert "neware has the address mem://neware already, and is taken up" in told
    bench.station = replace(parse_station(text_of(bench)), path=FILE, name="bench", chambers=())
    told = refused(bench, lambda core: core.devices.add(ANNA, again), ConflictError)
    assert told.endswith("neware has the address mem://neware already.")


def test_a_box_that_is_another_one_says_so_and_nothing_is_written(bench: CoreBench) -> None:
    wrong = LINES.replace("devid: 33", "devid: 99")
    assert "devid 99" in refused(bench, lambda core: core.devices.ask(ANNA, wrong), UserInputError)
    assert text_of(bench) == EMPTY


def test_a_unit_whose_model_is_not_said_is_asked_for_before_anything_is_written(bench: CoreBench) -> None:
    unsaid = LINES.replace(', units: {"1": 5V10mA}', "")
    told = refused(bench, lambda core: core.devices.add(ANNA, unsaid), UserInputError)
    assert "the model of unit 1 is not known" in told and text_of(bench) == EMPTY


def test_a_station_whose_file_does_not_say_a_model_lives_and_tells_it(bench: CoreBench) -> None:
    unsaid = LINES.replace(', units: {"1": 5V10mA}', "")
    bench.station = replace(parse_station(f"labctl: station/1\n{unsaid}"), path=FILE)

    async def story(core: StationCore) -> str:
        await core.clock.plant.sleep(60.0)
        (status,) = core.supervisor.instruments()
        return f"{status.link} {status.silence}"

    told = bench.live(story)
    assert told.startswith("live") and "the model of unit 1 is not known" in told


def test_an_address_where_nobody_answers_is_told_within_its_time(bench: CoreBench) -> None:
    bench.cable_out("neware", 0.0, 1e9)
    told = refused(bench, lambda core: core.devices.ask(ANNA, LINES), UserInputError)
    assert "mem://neware" in told


def test_a_station_without_a_file_and_a_disk_that_refuses_change_nothing(bench: CoreBench) -> None:
    assert isinstance(bench.disk, SimulatedDisk)
    disk = bench.disk

    async def full(core: StationCore) -> None:
        disk.fail_from = disk.ops + 4
        with pytest.raises(StoreError):
            await core.devices.add(ANNA, LINES)
        disk.fail_from = None

    bench.live(full)
    assert text_of(bench) == EMPTY
    bench.station = replace(bench.station, path=None)
    told = refused(bench, lambda core: core.devices.add(ANNA, LINES), UserInputError)
    assert "without a station file" in told
