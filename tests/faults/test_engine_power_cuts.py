"""Kill the engine anywhere and resume: no row lost, none doubled, each energising command exactly once.

Method: one process lives on a fake bench and a simulated disk. It is cut off at a named point or at a disk operation,
the disk forgets unsynced pages, and a new process resumes with the bench standing where it stood. The result must be
that of a run that nobody disturbed (I01, I02, I09, F21, F24).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.engine import hooks
from labctl.engine.jobs import Job
from labctl.model.program import HostRepeat, Segment
from labctl.store.runreader import RunReader
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.fakecycler import FakeBench, shorting
from labctl.testing.fakeruns import (
    CURRENT_A,
    SHORT_STOPS,
    Process,
    bench,
    charge,
    cycling,
    job,
    program,
    rest,
)

FOLDER = Path("/virtual/data")
Summary = dict[str, tuple[str, str, int | None, str]]


class CuttableDisk(SimulatedDisk):
    """Remembers what a restart would find at the moment of the cut, before any cleanup of the dying process."""

    cut_at: int = 0
    after: SimulatedDisk | None = None

    def _operation(self, what: str, path: Path) -> None:
        if self.ops + 1 == self.cut_at:
            self.after = self.crash()
            raise PowerCut(what)
        super()._operation(what, path)


def world() -> FakeBench:
    """Return two channels: a healthy cell, and one that shorts after the first cycle."""
    made = bench(("1-1", "1-2"))
    made.channels["1-2"].voltage_V = shorting(1)
    return made


def jobs() -> list[Job]:
    """Return a run with host decisions and a run that a detection stops."""
    body = (Segment(2, (charge(2, 300.0), charge(3, 300.0, -CURRENT_A))),)
    flow = (Segment(1, (rest(1, 300.0),)), HostRepeat("cycle >= 2", 3, body))
    return [job(program(flow, "1-1")), job(program(cycling(6, 300.0), "1-2", detections=[SHORT_STOPS]))]


def summary(process: Process) -> Summary:
    """Return digest, outcome, end sequence and state of each run."""
    found: Summary = {}
    root = process.root()
    for folder in root.run_folders():
        reader = RunReader(folder, disk=root.disk)
        manifest = reader.manifest
        assert reader.verify() == []
        found[folder.name] = (
            reader.digest(),
            manifest["outcome"],
            manifest["end_sequence"],
            manifest["state"],
        )
    return found


def starts(made: FakeBench) -> list[tuple[str, str, str]]:
    """Return the starts that took effect, in any order."""
    return sorted(entry for entry in made.truth if entry[0] == "start")


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    """Switch the named points off again."""
    yield
    hooks.on_point = None


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Summary, list[tuple[str, str, str]], list[str], int]:
    """Return what a run that nobody disturbs gives, its points in order, and its disk operations."""
    passed: list[str] = []
    made, disk = world(), SimulatedDisk()
    process = Process(made, FOLDER, poll_s=300.0, disk=disk)
    hooks.on_point = passed.append
    process.run(jobs())
    hooks.on_point = None
    return summary(process), starts(made), passed, disk.ops


def cut_and_resume(made: FakeBench, disk: CuttableDisk) -> Process:
    """Run until the cut, then resume on the disk that was left."""
    process = Process(made, FOLDER, poll_s=300.0, disk=disk)
    with pytest.raises(PowerCut):
        process.run(jobs())
    hooks.on_point = None
    assert disk.after is not None
    process.disk = disk.after
    process.resume()
    return process


def check(
    process: Process, expected: tuple[Summary, list[tuple[str, str, str]], list[str], int], where: str
) -> None:
    """Compare with the undisturbed run; a run whose folder was never finished was never started."""
    wanted, wanted_starts, _, _ = expected
    found = summary(process)
    assert found == {name: wanted[name] for name in found}, where
    begun = {entry for entry in wanted_starts if entry[2].rpartition(".")[0] in found}
    assert starts(process.world) == sorted(begun), where


def test_undisturbed_run_passes_every_named_point(
    undisturbed: tuple[Summary, list[tuple[str, str, str]], list[str], int],
) -> None:
    assert set(undisturbed[2]) == set(hooks.POINTS)


@pytest.mark.slow
def test_cut_at_every_named_point_changes_nothing(
    undisturbed: tuple[Summary, list[tuple[str, str, str]], list[str], int],
) -> None:
    points = undisturbed[2]
    for number, name in enumerate(points, start=1):
        made, disk = world(), CuttableDisk(seed=number)
        passed = 0

        def cut(point: str, disk: CuttableDisk = disk, number: int = number) -> None:
            nonlocal passed
            passed += 1
            if passed == number:
                disk.after = disk.crash()
                raise PowerCut(point)

        hooks.on_point = cut
        check(cut_and_resume(made, disk), undisturbed, f"{name}, passage {number}")


@pytest.mark.slow
def test_cut_at_every_disk_operation_changes_nothing(
    undisturbed: tuple[Summary, list[tuple[str, str, str]], list[str], int],
) -> None:
    for number in range(1, undisturbed[3] + 1):
        made, disk = world(), CuttableDisk(seed=number)
        disk.cut_at = number
        check(cut_and_resume(made, disk), undisturbed, f"disk operation {number}")


@pytest.mark.parametrize("point", hooks.POINTS)
def test_cut_at_a_points_last_passage_changes_nothing(
    point: str, undisturbed: tuple[Summary, list[tuple[str, str, str]], list[str], int]
) -> None:
    made, disk = world(), CuttableDisk(seed=1)
    left = undisturbed[2].count(point)

    def cut(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                disk.after = disk.crash()
                raise PowerCut(name)

    hooks.on_point = cut
    check(cut_and_resume(made, disk), undisturbed, point)
