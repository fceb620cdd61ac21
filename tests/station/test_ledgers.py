"""The station's ledgers on a disk that fails: what was refused is gone, what was added together stays together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.errors import StoreError
from labctl.model.cell import Electrode
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import JobState
from labctl.station.feed import Feed
from labctl.station.latches import Latches
from labctl.station.ledger import Ledger
from labctl.station.queueing import QueueKeeper
from labctl.station.registry import Registry
from labctl.station.spare import Spare
from labctl.store.root import DataRoot
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing import alarmdesk
from labctl.testing.alarmdesk import Desk, ListeningJournal
from labctl.testing.clocks import jump
from labctl.testing.queuebench import CHEN, FakeEngine, QueueBench, wish
from labctl.worker import Worker

ROOT = Path("/data")
LEDGER = ROOT / "station" / "acts.jsonl"
LONG = "x" * 2500
"""Two such lines do not fit on one page of the disk, so a power cut may keep either without the other."""


def told(disk: SimulatedDisk, act: Callable[[Ledger], Awaitable[Any]]) -> Any:
    """Do something with a ledger on a disk; a power cut comes through."""

    async def main(clock: Clock) -> Any:
        worker = Worker("test", clock)
        ledger = Ledger(DataRoot(ROOT, disk=disk), worker, "acts")
        try:
            content = await ledger.open()
            assert content.bad == ()
            await act(ledger)
            return [line.fields["text"] for line in content.lines]
        finally:
            worker.close()

    return jump(main)


async def nothing(ledger: Ledger) -> None:
    """Only look."""


@pytest.mark.parametrize("failing", range(1, 5))
def test_a_refused_line_never_comes_back_whatever_operation_of_the_disk_failed(failing: int) -> None:
    disk, believed = SimulatedDisk(seed=failing), ["first"]

    async def act(ledger: Ledger) -> None:
        await ledger.add({"text": "first"})
        disk.fail_from = disk.ops + failing
        for text in ("refused?", "refused too?"):
            try:
                await ledger.add({"text": text}, {"text": f"{text} its other half"})
            except StoreError:
                continue
            believed.extend([text, f"{text} its other half"])
        disk.fail_from = None
        await ledger.add({"text": "last"})
        believed.append("last")

    told(disk, act)
    assert len(believed) < 6  # something was refused
    for again in (disk, disk.crash()):
        assert told(again, nothing) == believed


def test_a_line_that_did_not_fit_on_a_full_disk_is_gone_after_a_power_cut_right_behind_it() -> None:
    disk = SimulatedDisk()

    async def act(ledger: Ledger) -> None:
        await ledger.add({"text": "first"})
        disk.quota_bytes = disk.used_bytes + 1000
        with pytest.raises(StoreError):
            await ledger.add({"text": LONG})

    told(disk, act)
    assert told(disk.crash(), nothing) == ["first"]


def test_lines_added_together_are_kept_or_lost_together_by_a_power_cut() -> None:
    async def act(ledger: Ledger) -> None:
        await ledger.add({"text": "first"})
        await ledger.add({"text": LONG + "a"}, {"text": LONG + "b"}, {"text": LONG + "c"})

    whole = SimulatedDisk()
    told(whole, act)
    counts = set()
    for crash_at in range(1, whole.ops + 1):
        for seed in range(40):
            disk = SimulatedDisk(seed=seed)
            disk.crash_at = crash_at
            with pytest.raises(PowerCut):
                told(disk, act)
            counts.add(len(told(disk.crash(), nothing)))
    assert counts == {0, 1, 4}


def test_a_job_that_a_full_disk_refused_is_not_in_the_queue_after_the_next_restart() -> None:
    bench = QueueBench()

    async def refused(keeper: QueueKeeper, engine: FakeEngine) -> None:
        bench.disk.quota_bytes = bench.disk.used_bytes + 10
        with pytest.raises(StoreError):
            await keeper.submit(CHEN, [wish(1)])
        assert keeper.jobs() == ()
        bench.disk.quota_bytes = None
        await keeper.submit(CHEN, [wish(2)])
        jobs = await bench.over(keeper)
        assert [job.spec.cell_id for job in jobs.values()] == ["C0002"]

    async def restarted(keeper: QueueKeeper, engine: FakeEngine) -> None:
        (job,) = keeper.jobs()
        assert (job.spec.cell_id, job.state) == ("C0002", JobState.ENDED)

    bench.live(refused)
    bench.live(restarted)


def test_a_latch_that_the_disk_refused_is_in_force_and_written_once_when_it_can_be() -> None:
    disk = SimulatedDisk()

    async def main(clock: Clock) -> None:
        worker = Worker("test", clock)
        root = DataRoot(ROOT, disk=disk)
        latches = await latches_on(root, worker, clock)
        disk.fail_from = disk.ops + 1
        latches.latch_stop_all("Chen", "smoke")
        latches.latch_trip(ChannelId("n:1-1"), "too warm")
        with pytest.raises(StoreError):
            await latches.write()
        assert latches.stop_all.active
        with pytest.raises(StoreError):
            await latches.release_stop_all("Chen", "all clear", "release")
        assert latches.stop_all.active  # a release that is not durable is none
        disk.fail_from = None
        await latches.write()
        latches.close()
        content = await Ledger(root, worker, "latches").open()
        assert [line.fields["kind"] for line in content.lines] == ["stop_all", "trip"]
        worker.close()

    jump(main)


async def latches_on(root: DataRoot, worker: Worker, clock: Clock) -> Latches:
    """Return the latches of a station that starts on a disk."""
    latches = Latches(Ledger(root, worker, "latches"), Spare(root, worker, "latches"), clock)
    await latches.open()
    return latches


def latched_on(disk: SimulatedDisk, act: Callable[[Latches], Awaitable[Any]] | None = None) -> Any:
    """Start a station's latches on a disk, do something, return what is latched: stop all, and each channel."""

    async def main(clock: Clock) -> Any:
        worker = Worker("test", clock)
        try:
            latches = await latches_on(DataRoot(ROOT, disk=disk), worker, clock)
            if act is not None:
                await act(latches)
            return latches.stop_all.reason if latches.stop_all.active else "", dict(latches.tripped)
        finally:
            worker.close()

    return jump(main)


async def smoke(latches: Latches) -> None:
    """Latch stop all and a trip on a disk that refuses them."""
    latches.latch_stop_all("Chen", "smoke")
    latches.latch_trip(ChannelId("n:1-1"), "too warm")
    with pytest.raises(StoreError) as refused:
        await latches.write()
    assert "would forget" not in str(refused.value)


def test_stop_all_on_a_full_disk_survives_a_kill_and_needs_a_person_afterwards() -> None:
    disk = SimulatedDisk()
    assert latched_on(disk) == ("", {})
    disk.quota_bytes = disk.used_bytes
    latched_on(disk, smoke)
    latched = ("smoke", {ChannelId("n:1-1"): "too warm"})
    for found in (disk.copy(), disk.crash(), disk.crash()):  # it was durable, so a power cut takes nothing
        assert latched_on(found) == latched

    async def released(latches: Latches) -> None:
        with pytest.raises(StoreError):
            await latches.release_stop_all("Chen", "all clear", "release")
        disk.quota_bytes = None
        await latches.release_stop_all("Chen", "all clear", "release")

    latched_on(disk, released)
    assert latched_on(disk) == ("", {ChannelId("n:1-1"): "too warm"})


def test_a_kill_while_the_refused_latches_are_written_late_neither_loses_them_nor_brings_them_back() -> None:
    disk = SimulatedDisk(seed=5)
    latched_on(disk)
    disk.quota_bytes = disk.used_bytes
    latched_on(disk, smoke)
    disk.quota_bytes = None

    async def written(latches: Latches) -> None:
        await latches.write()

    async def released(latches: Latches) -> None:
        await latches.release_stop_all("Chen", "all clear", "release")

    operations = 0
    while True:
        operations += 1
        tried = disk.copy(seed=operations)
        tried.crash_at = tried.ops + operations
        try:
            latched_on(tried, written)
        except PowerCut:
            for found in (tried.copy(), tried.crash()):
                assert latched_on(found) == ("smoke", {ChannelId("n:1-1"): "too warm"})
                found.crash_at = None
                latched_on(found, released)
                assert latched_on(found)[0] == ""
        else:
            break
    assert operations > 3


def test_a_latch_that_no_place_takes_says_that_a_restart_would_forget_it() -> None:
    disk = SimulatedDisk()

    async def act(latches: Latches) -> None:
        disk.fail_from = disk.ops + 1
        latches.latch_stop_all("Chen", "smoke")
        with pytest.raises(StoreError, match="would forget"):
            await latches.write()
        disk.fail_from = None
        await latches.write()

    latched_on(disk, act)
    assert latched_on(disk) == ("smoke", {})


def test_an_alarm_that_the_disk_refused_is_there_once_after_a_restart() -> None:
    disk = SimulatedDisk()

    async def refused(desk: Desk) -> None:
        disk.fail_from = disk.ops + 1
        desk.keeper.raise_alarm("disk.low", "data", text="little room")
        desk.keeper.raise_alarm("run.held", "R1", text="held", run_id="R1")
        with pytest.raises(StoreError):
            await desk.keeper.flush()
        disk.fail_from = None
        await desk.keeper.flush()

    async def restarted(desk: Desk) -> dict[str, str]:
        return desk.states()

    alarmdesk.live(refused, disk)
    states = alarmdesk.live(restarted, disk.crash())
    assert sorted(key for key in states if key.startswith(("disk.low", "run.held"))) == [
        "disk.low:data",
        "run.held:R1",
    ]
    ledger = (disk.read(ROOT / "station" / "alarms.jsonl")).decode()
    assert ledger.count("little room") == 1


def test_an_electrode_that_the_disk_refused_is_not_registered_after_a_restart() -> None:
    disk = SimulatedDisk()

    def life(act: Callable[[Registry], Awaitable[None]]) -> None:
        async def main(clock: Clock) -> None:
            worker = Worker("test", clock)
            root = DataRoot(ROOT, disk=disk)
            registry = Registry(root, worker, Feed("test"), ListeningJournal(), clock)
            await registry.open()
            await act(registry)
            worker.close()

        jump(main)

    async def refused(registry: Registry) -> None:
        disk.quota_bytes = disk.used_bytes + 10
        registry.note_run(RunId("20260101T000000-C1"), CellId("C1"), ChannelId("n:1-1"))
        with pytest.raises(StoreError):
            await registry.add_electrode(CHEN, Electrode("E1"))
        disk.quota_bytes = None
        await registry.add_electrode(CHEN, Electrode("E2"))
        assert [item.electrode_id for item in registry.electrodes()] == ["E2"]

    async def restarted(registry: Registry) -> None:
        assert [item.electrode_id for item in registry.electrodes()] == ["E2"]

    life(refused)
    life(restarted)
    assert disk.read(ROOT / "station" / "registry.jsonl").count(b"20260101T000000-C1") == 1
