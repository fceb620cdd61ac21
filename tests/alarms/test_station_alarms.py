"""From a row beyond a limit to a message on a phone: the whole station in jump mode."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.classes import ChannelLimits
from labctl.config.notify import NotifyPath, NotifyPerson, NotifySettings
from labctl.model.alarm import AlarmPriority
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec, JobState
from labctl.model.layers import HostLimits
from labctl.station.core import StationCore
from labctl.station.opening import open_core
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, SELDOM, CoreBench, submitted, until_over

CHANNEL = ChannelId("neware:1-1")
PEOPLE = (NotifyPerson("Ann", (NotifyPath("json://ann"),)),)


class NotifyingBench(CoreBench):
    """A station bench that keeps the messages it sends."""

    def __init__(self, folder: Path, limits: ChannelLimits) -> None:
        super().__init__(small_bench({"variant": "LIQ-P"}), folder)
        self.station = replace(
            self.station, limits={CHANNEL: limits}, notify=NotifySettings(PEOPLE, alive_at_min=None)
        )
        self.sent: list[tuple[str, str]] = []

    def tell(self, story: Callable[[StationCore], Coroutine[Any, Any, None]]) -> None:
        self.pipes = {}

        async def main(clock: Clock) -> None:
            async with open_core(
                self.station, self.root(), clock, connect=self._connector(clock), keep_frames=False,
                send=lambda address, title, body: not self.sent.append((title, body)), pace=SELDOM,
            ) as core:  # fmt: skip
                await story(core)

        run_with_clock(ClockSpec(mode=ClockMode.JUMP, start_s=self.bench.now_s), main, bench=self)


def test_a_row_beyond_a_limit_stops_the_channel_and_calls_a_person(tmp_path: Path) -> None:
    bench = NotifyingBench(tmp_path, ChannelLimits(host=HostLimits(half_cycle_capacity_max_Ah=0.5e-3)))

    async def before(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "3"}))
        (job,) = await until_over(core)
        assert job.state is JobState.FAILED
        alarm = core.alarms.alarm(f"trip:{CHANNEL}")
        assert alarm.priority is AlarmPriority.CRITICAL and "half-cycle charge beyond" in alarm.text
        assert (alarm.cell, alarm.run_id) == ("C101", job.run_id)
        assert core.channel(CHANNEL).tripped
        await core.clock.link.sleep(1.0)

    async def after(core: StationCore) -> None:
        assert core.alarms.stands("trip", CHANNEL), "it survives a restart"
        await core.reset_channel(ANNA, CHANNEL, "cell removed", CHANNEL)
        assert core.alarms.alarm(f"trip:{CHANNEL}").state.value == "cleared, not acknowledged"
        await core.alarms.acknowledge(ANNA, f"trip:{CHANNEL}", "seen")
        assert not core.alarms.stands("trip", CHANNEL)
        (entry,) = [row for row in await core.audit.newest() if row.act == "alarm.acknowledge"]
        assert (entry.who, entry.reason, entry.new) == ("anna", "seen", "normal")

    bench.tell(before)
    assert [title for title, _ in bench.sent] == [f"[{bench.station.name}] CRITICAL: limit tripped, C101"]
    assert "neware:1-1 C101" in bench.sent[0][1]
    bench.tell(after)
    assert len(bench.sent) == 1, "nobody is told twice"
    assert bench.energising("1-1") == ["start"]


def test_a_warning_is_in_the_list_while_the_run_goes_on_and_over_when_it_ends(tmp_path: Path) -> None:
    bench = NotifyingBench(tmp_path, ChannelLimits(host_warn=HostLimits(half_cycle_capacity_max_Ah=0.5e-3)))

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "1"}))
        (job,) = await until_over(core)
        assert job.state is JobState.ENDED
        (alarm,) = [item for item in core.alarms.alarms() if item.definition == "limit.warn"]
        assert alarm.subject == f"{CHANNEL}/half-cycle charge beyond"
        assert alarm.state.value == "cleared, not acknowledged"

    bench.tell(story)
    assert bench.sent == []
