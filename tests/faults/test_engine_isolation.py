"""One run's trouble stays one run's trouble; the other cells are followed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.engine import hooks
from labctl.engine.machines.findings import Outcome
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.fakeruns import Process, bench, cycling, job, program

FOLDER = Path("/virtual/data")


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    yield
    hooks.on_point = None


def test_person_who_leaves_while_a_pending_start_cannot_be_read_back_just_leaves() -> None:
    disk = SimulatedDisk()
    found: list[SimulatedDisk] = []

    def cut(point: str) -> None:
        if point == "start.sent":
            found.append(disk.crash())
            raise PowerCut(point)

    hooks.on_point = cut
    process = Process(bench(), FOLDER, disk=disk)
    with pytest.raises(PowerCut):
        process.run([job(program(cycling(2)))])
    hooks.on_point = None
    process.disk = found[0]

    def dead_link(number: int, operation: str) -> str:
        if number > 3:
            process.stop.detach()
        return "lost"

    process.fate = dead_link
    (result,) = process.resume()
    assert (result.outcome, result.reason) == (None, "detached")
    process.fate = None
    assert process.resume()[0].outcome is Outcome.FINISHED
    assert [entry[0] for entry in process.world.truth] == ["start"]
