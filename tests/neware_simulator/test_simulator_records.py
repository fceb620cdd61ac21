"""Which records exist, against rules and brute force (neware-bts 4.2, 4.4; cases 7.2.9, 7.2.10, 7.2.18)."""

from __future__ import annotations

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec, Drive


def times_s(rows):
    return [int(row["testtime"]) / 1000 for row in rows]


def test_a_rest_of_60_s_at_1_s_has_61_records(client, steps):
    client.start(1, steps.file(steps.rest(60), steps.end))
    client.bench.advance_to(100.0)
    assert times_s(client.records(1)) == list(range(61))


def test_without_any_rule_a_record_comes_each_second(client, steps):
    client.start(1, steps.file(steps.rest(5), steps.end, record=""))
    client.bench.advance_to(100.0)
    assert times_s(client.records(1)) == [0, 1, 2, 3, 4, 5]


def test_rules_of_file_and_step_are_a_union_each_with_its_own_grid(client, steps):
    inside = steps.limit(Time=200000) + '<Record><Main><Time Value="7000" /></Main></Record>'
    client.start(1, steps.file((4, inside), steps.end, record='<Time Value="61000" />'))
    client.bench.advance_to(300.0)
    wanted = sorted({*range(0, 200, 7), *range(0, 200, 61), 200})
    assert times_s(client.records(1)) == wanted


def test_the_last_record_of_a_step_and_the_first_of_the_next_have_one_wall_time(client, steps):
    client.start(1, steps.file(steps.rest(12.5), steps.rest(3), steps.end, record='<Time Value="5000" />'))
    client.bench.advance_to(100.0)
    rows = client.records(1)
    assert times_s(rows) == [0, 5, 10, 12.5, 0, 3]
    assert rows[3]["atime"] == rows[4]["atime"] == "2026-01-01 00:00:12"


def brute_force(variant, current_A, seconds, rules):
    """Every 0.1 s tick of a fresh cell under constant current, and the ticks at which a record is due."""
    cell = Cell(CellSpec("C1", variant), 7, temperature_degC=25.0)
    cell.begin_step(1)
    total, volts = round(seconds * 10), []
    while True:
        chunk = cell.plan(Drive.cc(current_A), 25.0, total - max(0, len(volts) - 1))
        first = 0 if not volts else 1
        part = chunk.voltage_V(np.arange(first, chunk.ticks + 1))
        volts += part.tolist()
        if len(volts) > total:
            break
        cell.commit(chunk, chunk.ticks, 25.0)
    due = {0, len(volts) - 1}
    for interval_s, delta_V in rules:
        if interval_s:
            due |= set(range(0, len(volts), round(interval_s * 10)))
        if delta_V:
            reference = volts[0]
            for tick in range(1, len(volts)):
                if abs(volts[tick] - reference) >= delta_V:
                    reference = volts[tick]
                    due.add(tick)
    return volts, sorted(due)


@pytest.mark.parametrize("variant", ["LIQ-P", "PEO-P", "LTO-Z"])
@pytest.mark.parametrize("delta_mV", [1, 5, 20])
def test_change_triggers_fire_exactly_where_every_tick_says_so(make_client, steps, variant, delta_mV):
    # each trigger has a reference of its own; time records do not reset it
    seconds, current_mA = 1300, 0.8
    client = make_client(variants=[variant])
    record = f'<Time Value="30000" /><Volt Value="{delta_mV * 10}" />'
    inside = steps.limit(Curr=current_mA, Time=seconds * 1000)
    inside += '<Record><Main><Time Value="70000" /><Volt Value="35" /></Main></Record>'
    client.start(1, steps.file((1, inside), steps.end, record=record))
    client.bench.advance_to(2000.0)
    rows = client.records(1)
    volts, due = brute_force(variant, current_mA / 1e3, seconds, [(30, delta_mV / 1e3), (70, 3.5e-3)])
    if len(rows) and float(rows[-1]["testtime"]) < seconds * 1000:
        due = [tick for tick in due if tick <= int(rows[-1]["testtime"]) // 100]
        due = sorted({*due, int(rows[-1]["testtime"]) // 100})
    assert [int(row["testtime"]) // 100 for row in rows] == due
    assert [float(row["volt"]) for row in rows] == pytest.approx([volts[tick] for tick in due], abs=1e-12)


def test_a_voltage_end_is_the_first_tick_at_or_beyond_it(make_client, steps):
    client = make_client(variants=["LTO-P"])
    client.start(1, steps.file(steps.discharge(0.412334, Stop_Volt=10000), steps.end))
    client.bench.advance_to(5000.0)
    rows = client.records(1)
    # cell-models 9: 1.0 V reached at 1642.633 s (with 10 s records there; chunk edges as here)
    assert float(rows[-1]["volt"]) <= 1.0 < float(rows[-2]["volt"])
    assert times_s(rows)[-1] == pytest.approx(1642.7, abs=1.0)
    assert client.log(1, level=1)[2:4] == [102004, 100056]


def test_a_step_entered_above_its_end_voltage_has_records_at_0_and_at_a_tenth(make_client, steps):
    # neware-bts 6: one record at 0 and one at 0.1 s, then the next step
    client = make_client(variants=["LTO-P"])
    client.start(1, steps.file(steps.charge(0.1, Stop_Volt=10000), steps.rest(2), steps.end))
    client.bench.advance_to(100.0)
    assert times_s(client.records(1)) == [0, 0.1, 0, 1, 2]


def test_a_capacity_end_comes_at_3600_s_also_in_the_150th_half_cycle(make_client, steps):
    # 7.2.18: 0.785398 mAh at 0.785398 mA; 2827.4328 mA s in the file
    client = make_client(variants=["LIQ-Z"])
    ends = {"Cap": 2827.4328, "Time": 3660000}
    client.start(
        1,
        steps.file(
            steps.charge(0.785398, **ends), steps.discharge(0.785398, **ends), (5, steps.loop(1, 75)), steps.end,
            record='<Time Value="600000" />',
        ),
    )  # fmt: skip
    client.bench.advance_to(151 * 3600.0)
    layer = client.layer(1)
    assert len(layer) == 150
    assert {row["steptime"] for row in layer} == {"3600000"}
    assert {row["cap"] for row in layer} == {"0.000785398"}


def test_capacity_is_the_product_of_current_and_time_and_restarts_in_each_step(client, steps):
    client.start(1, steps.file(steps.charge(0.5, Time=60000), steps.discharge(0.25, Time=60000), steps.end))
    client.bench.advance_to(200.0)
    rows = client.records(1)
    for part, current_A in ((rows[:61], 5e-4), (rows[61:], 2.5e-4)):
        expected = [float(f"{current_A * t / 3600.0:.15g}") for t in range(61)]
        assert [float(row["cap"]) for row in part] == pytest.approx(expected, rel=1e-14)
    assert {float(row["curr"]) for row in rows[62:]} == {-2.5e-4}


def test_nested_loops_count_cycles_as_the_files_did(client, steps):
    # 4.4: steps 1-2 fifteen times, steps 4-5 once, all ten times: 150 cycles
    client.start(
        1,
        steps.file(
            steps.rest(0.1), steps.rest(0.1), (5, steps.loop(1, 15)),
            steps.rest(0.1), steps.rest(0.1), (5, steps.loop(4, 1)),
            (5, steps.loop(1, 10)), steps.end,
        ),
    )  # fmt: skip
    client.bench.advance_to(1000.0)
    layer = client.layer(1)
    cycles = [int(row["cycleid"]) for row in layer]
    assert max(cycles) == 150 and cycles == sorted(cycles)
    assert len(layer) == 10 * (15 * 2 + 2)
    assert [row["cycleid"] for row in layer if row["stepid"] == "4"] == [str(15 * n) for n in range(1, 11)]
    assert [row["stepindex"] for row in layer] == [str(n) for n in range(1, len(layer) + 1)]
    assert client.log(1) == [100000, 100001]
    assert {row["steptype"] for row in client.records(1)} == {"rest"}


def test_a_cccv_step_is_one_step_and_ends_at_its_current(make_client, steps):
    # 5.5 notes: one step with the word cccv; 2.8: 100169 at the change
    client = make_client(variants=["LTO-P"])
    client.start(
        1,
        steps.file(
            steps.discharge(0.2, Time=1200000),
            (7, steps.limit(Curr=0.2, Volt=20000, Stop_Curr=0.05)),
            steps.end,
        ),
    )
    client.bench.advance_to(20000.0)
    rows = [row for row in client.records(1) if row["stepid"] == "2"]
    assert {row["steptype"] for row in rows} == {"cccv"}
    assert abs(float(rows[-1]["curr"])) <= 5e-5 < abs(float(rows[-2]["curr"]))
    assert float(rows[-1]["volt"]) == pytest.approx(2.0, abs=1e-4)
    currents = np.array([float(row["curr"]) for row in rows])
    assert np.all(np.diff(currents) <= 1e-12) and currents[0] == pytest.approx(2e-4)
    capacity = np.array([float(row["cap"]) for row in rows])
    assert np.all(np.diff(capacity) > 0)
    integral = (
        np.concatenate([[0], np.cumsum(0.5 * (currents[1:] + currents[:-1]) * np.diff(times_s(rows)))]) / 3600
    )
    assert capacity == pytest.approx(integral, rel=2e-3, abs=1e-9)
    assert client.log(1, level=1)[-4:] == [100169, 102005, 100056, 100001]


@pytest.mark.parametrize(("code", "word", "volt"), [(3, "cv", 24000), (19, "dv", 15000), (20, "cccd", 15000)])
def test_the_other_constant_voltage_steps_hold_their_voltage(make_client, steps, code, word, volt):
    client = make_client(variants=["LTO-P"])
    client.start(
        1,
        steps.file(
            steps.discharge(0.2, Time=1200000),
            (code, steps.limit(Curr=0.3, Volt=volt, Stop_Curr=0.02, Time=36000000)), steps.end,
        ),
    )  # fmt: skip
    client.bench.advance_to(50000.0)
    rows = [row for row in client.records(1) if row["stepid"] == "2"]
    assert {row["steptype"] for row in rows} == {word}
    assert float(rows[-1]["volt"]) == pytest.approx(volt / 1e4, abs=2e-4)
    sign = 1 if word == "cv" else -1
    assert all(float(row["curr"]) * sign > 0 for row in rows)
    assert client.log(1, level=1)[-3] == 102005


def test_a_capacity_end_also_ends_a_cccv_step(make_client, steps):
    client = make_client(variants=["LTO-P"])
    client.start(
        1,
        steps.file(
            steps.discharge(0.2, Time=1800000),
            (7, steps.limit(Curr=0.2, Volt=16500, Stop_Curr=0.0001, Cap=250, Time=36000000)), steps.end,
        ),
    )  # fmt: skip
    client.bench.advance_to(50000.0)
    rows = [row for row in client.records(1) if row["stepid"] == "2"]
    assert float(rows[-1]["cap"]) >= 250 / 3.6e6 * (1 - 1e-9)
    assert float(rows[-1]["cap"]) == pytest.approx(250 / 3.6e6, rel=1e-3)


def test_a_ramp_follows_its_slope(make_client, steps):
    # 5.5: voltages in 0.1 mV, mV/s
    client = make_client(variants=["LTO-P"])
    slope = (
        '<Slope SlopeType="1" Cycle_Count="1" ItemCount="1">'
        '<Slope1 StartValue="26550" EndValue="26000" Value="1"/></Slope>'
    )
    client.start(1, steps.file((25, slope), steps.end, record='<Time Value="5000" />'))
    client.bench.advance_to(200.0)
    rows = client.records(1)
    assert times_s(rows)[-1] == pytest.approx(55.0, abs=0.2)
    assert float(rows[4]["volt"]) == pytest.approx(2.655 - 0.020, abs=0.0015)


def test_the_first_record_of_a_charge_reads_low_and_noise_sits_on_stored_records_only(make_client, steps):
    # cell-models 7; virtual-time 4.3
    client = make_client(profile="calibrated")
    client.start(1, steps.file(steps.charge(0.785398, Time=600000), steps.end))
    client.bench.advance_to(700.0)
    currents = [float(row["curr"]) for row in client.records(1)]
    assert currents[0] == pytest.approx(0.785398e-3 * 0.999, rel=1e-4)
    rest = np.array(currents[1:])
    assert abs(rest.mean() - 0.785398e-3) < 3e-9 and 3e-9 < rest.std() < 7e-9
    quantum = 2e-3 / 2**16 / 64
    assert np.abs(rest / quantum - np.rint(rest / quantum)).max() < 1e-6
    assert [float(row["cap"]) for row in client.records(1)][-1] == pytest.approx(0.785398e-3 / 6, rel=1e-12)


def test_the_range_is_the_smallest_that_fits_and_step_range_fixes_it(make_client, steps):
    # cell-models 7: noise of the 1 mA range 5 nA, of the 10 mA range 31 nA
    spreads = []
    for other in ("", '<Other><Step_Range Value="10" /></Other>'):
        client = make_client(profile="calibrated")
        inside = steps.limit(Curr=0.5, Time=600000).replace("</Limit>", other + "</Limit>")
        client.start(1, steps.file((1, inside), steps.end))
        client.bench.advance_to(700.0)
        spreads.append(np.std([float(row["curr"]) for row in client.records(1)[1:]]))
    assert 3e-9 < spreads[0] < 8e-9 and 2e-8 < spreads[1] < 6e-8
