"""Rows that a device measured while no process followed it say so, also where nothing but the process was gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.engine import hooks
from labctl.engine.machines.findings import Outcome
from labctl.store.runreader import RunReader
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.fakeruns import Process, bench, cycling, job, program

FOLDER = Path("/virtual/data")
BLOCKS = 3


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    yield
    hooks.on_point = None


def test_only_the_rows_of_the_time_without_a_process_are_back_filled() -> None:
    disk = SimulatedDisk()
    process = Process(bench(), FOLDER, poll_s=300.0, disk=disk)
    committed = 0

    def die(point: str) -> None:
        nonlocal committed
        committed += point == "block.committed"
        if committed == BLOCKS:
            raise PowerCut(point)

    hooks.on_point = die
    with pytest.raises(PowerCut):
        process.run([job(program(cycling(8)))])
    hooks.on_point = None
    process.disk = disk.crash()
    process.world.advance_to(process.world.now_s + 3000.0)
    (result,) = process.resume()
    assert result.outcome is Outcome.FINISHED
    reader = RunReader(process.root().run_folder(result.run_id), disk=process.disk)
    flags = [receipt.backfilled for _, _, receipt in reader.receipts()]
    assert flags[:BLOCKS] == [False] * BLOCKS
    assert flags[BLOCKS], "the first block of the new process holds what the device did meanwhile"
    assert not any(flags[BLOCKS + 1 :])
