"""Limit layers L1 to L5, the quantities that only the host guards, cell classes and overrides."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.config.station import StationFile, parse_station
from labctl.engine.machines.checks import as_it_is_now, start_refusals
from labctl.engine.machines.limits import LimitChecker
from labctl.engine.station import Station
from labctl.errors import ProgramError, UserFileError
from labctl.interfaces.cycler import ChannelState, CurrentRange, CyclerCapabilities, LiveReading
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.layers import DEFAULT_CLASSES, HostLimits, LimitLayer
from labctl.model.program import Limits, Program, StepMode
from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.station.overriding import OverrideWatch
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.alarmdesk import Desk, live
from labctl.testing.clocks import jump

CHANNEL = ChannelId("neware:1-1")
CAPABILITIES = CyclerCapabilities("fake", frozenset(StepMode), (CurrentRange(10e-3),), -5.0, 5.0)
LFP = Cell(CellId("C1"), "C1", CellKind.LFP_LI, area_cm2=2.0, nominal_capacity_mAh=2.0)
PROTOCOL = """\
labctl: protocol/1
name: test
safety: {voltage: [%s, %s]}
steps:
  - charge: 1 mA
    until: {voltage: 4 V, time: 10 h}
"""


def program_of(low: str, high: str, station: StationFile | None = None, cell: Cell = LFP) -> Program:
    found = None if station is None else station.limits.get(CHANNEL)
    return bind(
        parse_protocol(PROTOCOL % (low, high), "test"),
        cell,
        CHANNEL,
        CAPABILITIES,
        channel_limits=None if found is None else found.trip,
        classes=None if station is None else station.classes,
        override=None if found is None else found.override,
    )


def station_of(text: str) -> StationFile:
    head = "labctl: station/1\ninstruments:\n  - {name: neware, driver: neware-bts, resource: tcp://127.0.0.1:502}\n"
    return parse_station(head + text)


PLAIN = program_of("0 V", "4.5 V")


def rows(count: int, **columns: object) -> RecordBlock:
    """Return rows of a 1 mA charge, one each 10 s."""
    number = np.arange(count, dtype=np.float64)
    block = {name: np.zeros(count, dtype=dtype) for name, dtype in RECORD_COLUMNS.items()}
    block["sequence"] = np.arange(1, count + 1)
    block["test_time_second"] = block["step_time_second"] = number * 10.0
    block["step_capacity_ah"] = number * 10.0 / 3600.0 * 1e-3
    block["step_id"], block["step_count"] = np.ones(count, dtype="<i4"), np.ones(count, dtype="<i4")
    block["step_type"] = np.ones(count, dtype="<i1")
    block["current_ampere"] = np.full(count, 1e-3)
    block["voltage_volt"] = np.full(count, 3.4)
    block["device_clock"] = np.full(count, b"", dtype="S19")
    for name, values in columns.items():
        block[name] = np.asarray(values, dtype=block[name].dtype)
    return RecordBlock(block)


def tripped(host: HostLimits, block: RecordBlock) -> int | None:
    checker = LimitChecker.of_layers(PLAIN, [LimitLayer("channel", host=host)])
    checker.feed(block)
    return None if checker.trip is None else checker.trip.sequence


# -- what only the host guards --------------------------------------------------------------------------------------


def test_power_is_voltage_times_current() -> None:
    assert tripped(HostLimits(power_max_W=3.5e-3), rows(5)) is None
    assert tripped(HostLimits(power_max_W=3.3e-3), rows(5)) == 2


def test_a_step_that_lasts_too_long_trips() -> None:
    assert tripped(HostLimits(step_time_max_s=25.0), rows(5)) == 4, "30 s is more than 1.05 x 25 s"


def test_a_voltage_that_changes_too_fast_trips_but_not_at_the_begin_of_a_step() -> None:
    fast = HostLimits(voltage_rate_max_V_per_s=0.01)
    assert tripped(fast, rows(4, voltage_volt=[3.0, 3.05, 3.1, 3.15])) is None
    assert tripped(fast, rows(4, voltage_volt=[3.0, 3.05, 3.3, 3.31])) == 3
    assert tripped(fast, rows(4, voltage_volt=[3.0, 3.05, 3.9, 3.91], step_count=[1, 1, 2, 2])) is None


def test_bad_rows_have_no_rate() -> None:
    block = rows(5, voltage_volt=[3.0, 3.0, math.nan, 99.0, 3.01], quality=[0, 0, 1, 1, 0])
    assert tripped(HostLimits(voltage_rate_max_V_per_s=0.01), block) is None


def test_charge_of_a_half_cycle_goes_over_steps_of_one_direction_and_rests() -> None:
    types, counts = [1, 1, 0, 1, 1, 2, 2], [1, 1, 2, 3, 3, 4, 4]
    charge = [0.0, 1e-3, 0.0, 0.4e-3, 1e-3, 0.5e-3, 1e-3]
    block = rows(7, step_type=types, step_count=counts, step_capacity_ah=charge)
    assert tripped(HostLimits(half_cycle_capacity_max_Ah=1.5e-3), block) == 5
    assert tripped(HostLimits(half_cycle_capacity_max_Ah=2.5e-3), block) is None


def test_net_charge_is_what_went_in_less_what_came_out() -> None:
    block = rows(
        4, step_type=[1, 2, 1, 2], step_count=[1, 2, 3, 4], step_capacity_ah=[2e-3, 1e-3, 2e-3, 1e-3]
    )
    assert tripped(HostLimits(net_capacity_max_Ah=2.5e-3), block) == 3
    assert tripped(HostLimits(net_capacity_max_Ah=3.5e-3), block) is None


@given(st.sets(st.integers(1, 29), max_size=6), st.integers(0, 2**16))
def test_the_row_that_trips_does_not_depend_on_how_rows_are_cut(cuts: set[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = np.cumsum(random.integers(0, 2, 30)) + 1
    block = rows(
        30,
        voltage_volt=3.4 + np.cumsum(random.normal(0.0, 0.05, 30)),
        step_count=steps,
        step_type=steps % 3,
        step_capacity_ah=random.random(30) * 1e-3,
        quality=random.random(30) < 0.1,
    )
    for host in (
        HostLimits(power_max_W=3.6e-3), HostLimits(voltage_rate_max_V_per_s=8e-3),
        HostLimits(half_cycle_capacity_max_Ah=2e-3), HostLimits(net_capacity_max_Ah=1.5e-3),
    ):  # fmt: skip
        cut = LimitChecker.of_layers(PLAIN, [LimitLayer("channel", host=host)])
        for begin, end in pairwise([0, *sorted(cuts), 30]):
            cut.feed(block.rows(begin, end))
        assert (None if cut.trip is None else cut.trip.sequence) == tripped(host, block)


def test_warnings_name_their_quantity_and_two_of_them_are_two() -> None:
    layer = LimitLayer(
        "c", warn=Limits(voltage_max_V=3.0, delay_s=0.0), host_warn=HostLimits(power_max_W=1e-3)
    )
    found = LimitChecker.of_layers(PLAIN, [layer]).feed(rows(3))
    assert [(finding.kind, finding.about) for finding in found] == [
        ("limit.warn", "voltage above"), ("limit.warn", "power beyond"),
    ]  # fmt: skip
    assert "3 V" in found[0].text


# -- layers -----------------------------------------------------------------------------------------------------------


def test_a_protocol_looser_than_the_class_of_its_cell_is_refused() -> None:
    station = station_of("classes:\n  lfp_li: {voltage: [2 V, 4.2 V]}\n")
    with pytest.raises(ProgramError, match=r"highest voltage 4.5 V is looser than 4.2 V .*cell class"):
        program_of("2 V", "4.5 V", station)
    assert program_of("2 V", "4.1 V", station).limits.voltage_max_V == 4.1


def test_the_size_of_a_cell_limits_its_current() -> None:
    station = station_of("classes:\n  lfp_li: {current_density: 1 mA/cm2, rate: 2C}\n")
    assert program_of("0 V", "4.5 V", station).limits.current_max_A == pytest.approx(2e-3)
    station = station_of("classes:\n  lfp_li: {current_density: 1 mA/cm2, rate: C/2}\n")
    assert program_of("0 V", "4.5 V", station).limits.current_max_A == pytest.approx(1e-3)


def test_classes_as_shipped_leave_the_study_alone() -> None:
    assert program_of("0 V", "4.5 V", station_of("")).limits == replace(PLAIN.limits)
    assert set(DEFAULT_CLASSES) == {kind.value for kind in CellKind}


WARNING = """\
labctl: protocol/1
name: test
safety: {voltage: [0 V, 4.5 V], warn: {voltage: [none, 3.5 V], delay: 20 s}}
steps:
  - charge: 1 mA
    until: {voltage: 4 V, time: 10 h}
  - charge: 1 mA
    until: {voltage: 4 V, time: 10 h}
    safety: {warn: {voltage: [none, 3.3 V]}}
"""


def test_a_protocol_and_its_steps_may_warn_before_they_stop() -> None:
    bound = bind(parse_protocol(WARNING, "test"), LFP, CHANNEL, CAPABILITIES)
    first = rows(6, voltage_volt=[3.4, 3.6, 3.6, 3.6, 3.6, 3.4])
    checker = LimitChecker.of_layers(bound, [])
    found = checker.feed(first)
    assert [(item.kind, item.sequence) for item in found] == [("limit.warn", 4), ("limit.warn.clear", 6)]
    second = rows(3, step_id=[2, 2, 2], step_count=[2, 2, 2])
    assert [(item.kind, item.sequence) for item in checker.feed(second)] == [("limit.warn", 2)]
    assert checker.trip is None


def test_a_warning_beyond_the_limit_that_stops_is_refused() -> None:
    text = WARNING.replace("[none, 3.5 V]", "[none, 4.6 V]")
    with pytest.raises(
        ProgramError, match=r"warn: highest voltage 4.6 V is looser than 4.5 V, which stops the run"
    ):
        bind(parse_protocol(text, "test"), LFP, CHANNEL, CAPABILITIES)


def test_a_warning_of_one_layer_is_the_tightest_of_all() -> None:
    bound = bind(parse_protocol(WARNING, "test"), LFP, CHANNEL, CAPABILITIES)
    layer = LimitLayer("channel", warn=Limits(voltage_max_V=3.35, delay_s=0.0))
    found = LimitChecker.of_layers(bound, [layer]).feed(rows(2))
    assert [item.sequence for item in found] == [1] and "3.35 V" in found[0].text


OVERRIDE = """\
limits:
  "neware:1-1":
    voltage: [0 V, 4.2 V]
    power: 20 mW
    warn: {voltage: [2 V, 4.0 V], net_capacity: 3 mAh}
    override: {voltage: [0 V, 4.6 V], by: Ann, reason: overcharge study, until: "2026-01-01T01:00:00+00:00"}
classes:
  lfp_li: {voltage: [0 V, 4.3 V], rest_drift: 100 mV}
"""


def test_a_named_override_loosens_channel_and_class_but_never_the_device() -> None:
    station = station_of(OVERRIDE)
    bound = program_of("0 V", "4.6 V", station)
    assert bound.limits.voltage_max_V == 4.6
    assert any("loosened by Ann" in warning for warning in bound.warnings)
    with pytest.raises(ProgramError, match=r"looser than 4\.6 V"):
        program_of("0 V", "4.7 V", station)
    beyond = station_of(OVERRIDE.replace("4.6 V", "6 V"))
    with pytest.raises(ProgramError, match="looser than 5 V"):
        program_of("0 V", "5.5 V", beyond)


def test_the_limits_bind_again_when_the_override_is_over() -> None:
    file = station_of(OVERRIDE)
    bound = program_of("0 V", "4.6 V", file)

    async def story(clock):  # type: ignore[no-untyped-def]  # a clock story
        station = Station("bench", clock, limits=file.limits, classes=file.classes)
        held = [layer.trip.voltage_max_V for layer in station.layers(bound)]
        await clock.link.sleep(3601.0)
        return (
            held,
            [layer.trip.voltage_max_V for layer in station.layers(bound)],
            [layer.trip.voltage_max_V for layer in station.layers(bound, replay=True)],
        )

    assert jump(story) == ([4.6, 4.6], [4.2, 4.3], [4.6, 4.6])


def test_an_override_is_journalled_once_and_on_the_tile_for_as_long_as_it_holds() -> None:
    disk = SimulatedDisk()
    file = station_of(OVERRIDE)

    async def first(desk: Desk) -> None:
        watch = OverrideWatch(file, desk.keeper, desk.audit, desk.clock)
        await watch.open()
        assert desk.audit.rows[0][:3] == ("Ann", "limit.override", "neware:1-1")
        assert desk.states() == {"override.active:neware:1-1": "unacknowledged"}
        await watch.serve()
        assert desk.states() == {"override.expired:neware:1-1": "unacknowledged"}
        assert desk.clock.link.now_s() == pytest.approx(3600.0)

    live(first, disk)


def test_an_override_that_ends_while_the_station_is_away_is_missed_at_the_next_start() -> None:
    disk = SimulatedDisk()
    file = station_of(OVERRIDE)

    async def start(desk: Desk) -> dict[str, str]:
        await OverrideWatch(file, desk.keeper, desk.audit, desk.clock).open()
        await desk.keeper.flush()
        return desk.states()

    live(start, disk)
    assert live(start, disk.crash(), start_s=7200.0) == {"override.expired:neware:1-1": "unacknowledged"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("by: Ann, ", "", "'by'"),
        ("2026-01-01T01:00:00+00:00", "tomorrow", "is no moment"),
        ("2026-01-01T01:00:00+00:00", "2026-01-01T01:00:00", "has no time zone"),
        ("power: 20 mW", "power: 20 mA", "'power' must be a number and one of W, mW, uW"),
        ("lfp_li:", "nmc:", "there is no kind of cell 'nmc'"),
        ("rest_drift: 100 mV", "rate: fast", "'rate' must be a C-rate"),
        ("voltage: [0 V, 4.2 V]", "voltage: [4.2 V, 0 V]", "lower limit is not below"),
    ],
)
def test_a_mistake_in_the_limits_is_named_with_its_place(old: str, new: str, words: str) -> None:
    with pytest.raises(UserFileError) as caught:
        station_of(OVERRIDE.replace(old, new))
    assert words in str(caught.value) and caught.value.line is not None


def test_the_file_gives_every_host_limit() -> None:
    found = station_of(
        'limits:\n  "neware:1-1": {power: 50 mW, voltage_rate: 60 mV/min, half_cycle_capacity: 5 mAh,'
        " net_capacity: 2 mAh, step_time: 30 h}\n"
    ).limits[CHANNEL]
    assert found.host == HostLimits(0.05, pytest.approx(1e-3), 5e-3, 2e-3, 108000.0)


# -- the wrong-cell guard ---------------------------------------------------------------------------------------------


def refused(voltage_V: float, cell: Cell, loaded: str | None = None, **options: object) -> list[str]:
    reading = LiveReading("1-1", ChannelState.IDLE, voltage_V, 0.0, None, 1, 0.0, 0.0)
    bound = program_of("0 V", "4.5 V", cell=cell)
    found = start_refusals(bound, cell, reading, CAPABILITIES, None, 10**9, {}, loaded=loaded, **options)  # type: ignore[arg-type]  # test shorthand
    for item in found:
        assert item.text.endswith(".") and item.fix.endswith((".", cell.cell_id)) and "\n" not in str(item)
    return [item.item for item in found]


@pytest.mark.parametrize(
    ("voltage_V", "items"),
    [
        (3.4, []),
        (-3.4, ["polarity"]),
        (0.003, ["short"]),
        (-0.003, ["short"]),
        (1.55, ["ocv"]),  # another chemistry
        (math.nan, ["ocv"]),
    ],
)
def test_the_wrong_cell_the_wrong_way_round_or_shorted_is_not_driven(
    voltage_V: float, items: list[str]
) -> None:
    assert refused(voltage_V, LFP) == items


def test_another_cell_than_the_loaded_one_is_not_driven() -> None:
    assert refused(3.4, LFP, loaded="C1") == []
    assert refused(3.4, LFP, loaded="C2") == ["loaded"]
    assert refused(3.4, LFP, loaded="") == ["loaded"]


def test_the_station_file_says_how_far_a_rested_cell_may_have_drifted() -> None:
    cell = replace(LFP, ocv_V=3.4)
    assert refused(3.55, cell) == []
    assert refused(3.55, cell, classes=station_of(OVERRIDE).classes) == ["ocv"]


def test_a_cell_that_has_run_is_compared_with_its_class_alone_and_the_wrong_cell_is_caught_all_the_same() -> (
    None
):
    fresh = replace(LFP, ocv_V=2.6)
    assert refused(3.4, fresh) == ["ocv"]
    used = as_it_is_now(fresh, has_run=True)
    assert as_it_is_now(fresh, has_run=False) == fresh
    assert refused(3.4, used) == refused(3.25, used) == []  # where a run has left it, relaxed or not
    assert refused(-3.4, used) == ["polarity"]
    assert refused(0.003, used) == ["short"]
    assert refused(1.55, used) == ["ocv"]
    assert refused(3.4, used, loaded="C2") == ["loaded"]
