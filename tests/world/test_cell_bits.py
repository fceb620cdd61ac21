"""What a cell does never depends on who looks, how often, or in which portions (virtual-time.md section 4)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.world.cell import Cell, CellSpec, Chunk, Drive, first_beyond
from labctl_simulators.world.modes import decay_table
from labctl_simulators.world.variants import VARIANTS

CURRENT_A = {"LIQ": 0.785398e-3, "PEO": 78.540e-6, "LTO": -0.412334e-3, "LFP": 78.540e-6}
ticks_strategy = st.lists(st.integers(0, 8000), min_size=1, max_size=70)


def aged_chunk(name: str, *, precursor: bool = False) -> Chunk:
    """Return a chunk in the middle of a second half-cycle, with relaxing modes and a leak."""
    cell = Cell(CellSpec("c", name, seed=5, precursor=precursor))
    current_A = CURRENT_A[name[:3]]
    air_degC = cell.state.temperature_degC
    for sign, ticks in ((1, 3000), (-1, 1234)):
        cell.begin_step(sign if current_A > 0 else -sign)
        chunk = cell.plan(Drive.cc(sign * current_A), air_degC, ticks)
        cell.commit(chunk, chunk.ticks, air_degC)
    return cell.plan(Drive.cc(-current_A), air_degC, 9000)


CHUNKS = {name: aged_chunk(name) for name in VARIANTS}


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=40, deadline=None)
@given(ticks=ticks_strategy)
def test_any_subset_of_ticks_has_the_bits_of_the_whole(name: str, ticks: list[int]) -> None:
    chunk = CHUNKS[name]
    whole_V = chunk.voltage_V(np.arange(8001))
    wanted = np.array(ticks)
    assert np.array_equal(chunk.voltage_V(wanted), whole_V[wanted])
    one_by_one_V = [chunk.voltage_V(np.array([tick]))[0] for tick in ticks[:5]]
    assert np.array_equal(one_by_one_V, whole_V[wanted[:5]])
    assert np.array_equal(chunk.capacity_Ah(wanted), chunk.capacity_Ah(np.arange(8001))[wanted])


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_chunk_says_does_not_depend_on_how_long_it_may_become(name: str) -> None:
    cell = Cell(CellSpec("c", name))
    current_A = CURRENT_A[name[:3]]
    cell.begin_step(1 if current_A > 0 else -1)
    ticks = np.arange(101)
    for drive in (Drive.cc(current_A), Drive.rest()):
        short, long = (cell.plan(drive, cell.state.temperature_degC, longest) for longest in (100, 90_000))
        assert np.array_equal(short.voltage_V(ticks), long.voltage_V(ticks))


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=25, deadline=None)
@given(looks=st.lists(st.integers(0, 9000), max_size=12))
def test_reads_in_between_change_nothing(name: str, looks: list[int]) -> None:
    def run(peek: bool) -> tuple[float, ...]:
        cell = Cell(CellSpec("c", name, seed=2))
        air_degC = cell.state.temperature_degC
        current_A = CURRENT_A[name[:3]]
        for sign in (1, -1):
            cell.begin_step(sign if current_A > 0 else -sign)
            left = 9000
            while left:
                chunk = cell.plan(Drive.cc(sign * current_A), air_degC, left)
                if peek:
                    chunk.voltage_V(np.array([min(look, chunk.ticks) for look in looks], dtype=np.int64))
                    cell.plan(Drive.rest(), air_degC, 50).voltage_V(np.arange(3))
                    _ = (cell.ocv_V, cell.rest_voltage_V, cell.impedance(np.array([1.0])))
                cell.commit(chunk, chunk.ticks, air_degC)
                left -= chunk.ticks
        state = cell.state
        return (*state.circuit_V, *state.particle, state.x, state.throughput_mAh_cm2)

    assert run(True) == run(False)


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=40, deadline=None)
@given(edges=st.tuples(st.integers(0, 7900), st.integers(1, 100)))
def test_the_swing_bound_is_rigorous(name: str, edges: tuple[int, int]) -> None:
    chunk, (start, length) = CHUNKS[name], edges
    a, b = np.array([start]), np.array([start + length])
    voltage_V = chunk.voltage_V(np.arange(start, start + length + 1))
    low_V, high_V = chunk.envelope_V(a, b)
    assert low_V[0] <= voltage_V.min() and voltage_V.max() <= high_V[0]
    assert np.abs(voltage_V - voltage_V[0]).max() <= chunk.swing_V(a, b)[0]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_swing_bound_is_tight_enough_to_be_useful(name: str) -> None:
    chunk = CHUNKS[name]
    starts = np.arange(2000, 8000, 100)
    swing_V = chunk.swing_V(starts, starts + 100)
    grid_V = np.abs(np.diff(chunk.voltage_V(np.append(starts, 8000))))
    assert np.median(swing_V) < 5e-3
    assert (swing_V < grid_V + 5e-3).all()


@pytest.mark.parametrize("name", VARIANTS)
def test_the_first_tick_beyond_a_level_is_that_of_looking_at_every_tick(name: str) -> None:
    chunk = CHUNKS[name]
    voltage_V = chunk.voltage_V(np.arange(8001))
    for level_V in np.quantile(voltage_V, (0.01, 0.3, 0.9)):
        above, below = np.flatnonzero(voltage_V >= level_V), np.flatnonzero(voltage_V <= level_V)
        assert first_beyond(chunk, 0, 8000, level_V, above=True) == above[0]
        assert first_beyond(chunk, 0, 8000, level_V, above=False) == below[0]
    assert first_beyond(chunk, 0, 8000, 99.0, above=True) is None


@pytest.mark.parametrize("name", ["PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z"])
def test_a_committed_state_carries_the_voltage_of_its_tick(name: str) -> None:
    cell = Cell(CellSpec("c", name))
    current_A = CURRENT_A[name[:3]]
    cell.begin_step(1 if current_A > 0 else -1)
    bulk_ohm = cell.moment().bulk_ohm
    chunk = cell.plan(Drive.cc(current_A), cell.state.temperature_degC, 5000)
    (voltage_V,) = chunk.voltage_V(np.array([2500]))
    cell.commit(chunk, 2500, cell.state.temperature_degC)
    assert cell.rest_voltage_V + current_A * bulk_ohm == pytest.approx(voltage_V, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 35_999), max_size=8, unique=True))
def test_capacity_and_throughput_inside_a_step_are_products_however_it_is_cut(cuts: list[int]) -> None:
    cell = Cell(CellSpec("c", "PEO-P"))
    cell.begin_step(1)
    current_A, done = 78.540e-6, 0
    for edge in [*sorted(cuts), 36_000]:
        while done < edge:
            chunk = cell.plan(Drive.cc(current_A), 60.0, edge - done)
            cell.commit(chunk, chunk.ticks, 60.0)
            done += chunk.ticks
    end = cell.plan(Drive.cc(current_A), 60.0, 10)
    assert end.capacity_Ah(np.array([0]))[0] == current_A * 3600.0 / 3600.0
    assert cell.state.throughput_mAh_cm2 == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("half_cycle", [1, 150])
def test_a_capacity_end_is_reached_at_3600_0_s_also_in_the_150th_half_cycle(half_cycle: int) -> None:
    cell = Cell(CellSpec("c", "PEO-Z"))
    current_A = 78.540e-6
    for number in range(1, half_cycle + 1):
        sign = 1 if number % 2 else -1
        cell.begin_step(sign)
        done = 0
        while done < 36_000:
            chunk = cell.plan(Drive.cc(sign * current_A), 60.0, 36_600 - done)
            if number == half_cycle:
                reached = chunk.capacity_Ah(np.arange(chunk.ticks + 1)) >= 78.540e-6 * (1 - 1e-9)
                if reached.any():
                    assert (done + int(np.argmax(reached))) * 0.1 == 3600.0
            ticks = min(chunk.ticks, 36_000 - done)
            cell.commit(chunk, ticks, 60.0)
            done += ticks
    assert cell.state.throughput_mAh_cm2 == pytest.approx(0.1 * half_cycle, rel=1e-5)


def test_a_short_at_15_mAh_per_cm2_does_not_come_a_cycle_late() -> None:
    cell = Cell(CellSpec("c", "PEO-P", overrides={"short_mAh_cm2": 15.0}))
    current_A = 0.1e-3 * cell.area_cm2
    for number in range(150):
        sign = 1 if number % 2 == 0 else -1
        assert not cell.shorted
        cell.begin_step(sign)
        done = 0
        while done < 36_000:
            chunk = cell.plan(Drive.cc(sign * current_A), 60.0, 36_000 - done)
            cell.commit(chunk, chunk.ticks, 60.0)
            done += chunk.ticks
    assert cell.shorted


def test_chunks_end_at_ageing_edges_rounded_up_to_a_tick() -> None:
    cell = Cell(CellSpec("c", "LIQ-P"))
    current_A = 1.1e-3 * cell.area_cm2
    cell.begin_step(1)
    ends, done = [], 0
    while done < 40_000:
        chunk = cell.plan(Drive.cc(current_A), 25.0, 40_000 - done)
        cell.commit(chunk, chunk.ticks, 25.0)
        done += chunk.ticks
        ends.append(done)
    # 0.25 mAh/cm2 at 1.1 mA/cm2 take 818.18 s
    assert ends == [8182, 16364, 24546, 32728, 40_000]


def test_parameters_are_renewed_each_minute_while_cell_and_air_differ() -> None:
    cell = Cell(CellSpec("c", "PEO-P"), temperature_degC=23.0)
    assert cell.plan(Drive.rest(), 60.0, 5000).ticks == 600
    assert cell.plan(Drive.rest(), 23.04, 5000).ticks == 5000


def test_a_stale_chunk_or_a_tick_outside_is_refused() -> None:
    cell = Cell(CellSpec("c", "LIQ-P"))
    chunk = cell.plan(Drive.rest(), 25.0, 100)
    with pytest.raises(ValueError, match="outside"):
        cell.commit(chunk, 101, 25.0)
    cell.commit(chunk, 50, 25.0)
    with pytest.raises(ValueError, match="before the cell moved"):
        cell.commit(chunk, 10, 25.0)


@settings(max_examples=50, deadline=None)
@given(ticks=st.lists(st.integers(0, 360_000), min_size=1, max_size=33))
def test_decays_of_single_ticks_have_the_bits_of_decays_of_many(ticks: list[int]) -> None:
    table = decay_table((0.5, 8.0, 400.0, 3.2e4))
    many = table.at(np.array(ticks))
    for column, tick in enumerate(ticks):
        assert np.array_equal(table.at_one(tick), many[:, column])
    assert many == pytest.approx(np.exp(-0.1 * np.array(ticks) / table.taus_s[:, None]), rel=1e-10, abs=1e-99)
