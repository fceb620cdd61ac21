"""A run that was killed while it was being sealed ends with the reason that it had, not without one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.engine import hooks
from labctl.engine.machines.findings import Outcome
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.fakeruns import Process, bench, cycling, job, program

FOLDER = Path("/virtual/data")
FEWEST = 5
"""Disk operations that a seal takes at the very least: journal, rows, manifest, records file, manifest."""


class DyingDisk(SimulatedDisk):
    """Is cut off at a given operation; ``after`` is what the next process finds."""

    last_op: int = 0
    after: SimulatedDisk | None = None

    def _operation(self, what: str, path: Path) -> None:
        if self.last_op and self.ops >= self.last_op:
            self.after = self.crash()
            raise PowerCut(what)
        super()._operation(what, path)


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    yield
    hooks.on_point = None


def test_reason_survives_a_kill_at_any_operation_of_the_seal() -> None:
    for operation in itertools.count():
        disk = DyingDisk()
        process = Process(bench(), FOLDER, poll_s=300.0, disk=disk)
        process.on_progress = lambda _, world=process.world: world.stop_from_outside("1-1")

        def begin(point: str, disk: DyingDisk = disk, operation: int = operation) -> None:
            if point == "finish.begin":
                disk.last_op = disk.ops + operation

        hooks.on_point = begin
        try:
            process.run([job(program(cycling(2)))])
            break  # it takes no more operations than that
        except PowerCut:
            hooks.on_point = None
            assert disk.after is not None
            process.disk = disk.after
            (result,) = process.resume()
        assert result.outcome is Outcome.HELD
        assert "stopped from outside" in result.reason, f"killed at operation {operation} of the seal"
    assert operation > FEWEST
