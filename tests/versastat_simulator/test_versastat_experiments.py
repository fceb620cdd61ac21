"""What the simulated VersaSTAT measures, in ideal mode against formulas (potentiostat.md 2.2, 3.1, VD-1 to VD-5)."""

from __future__ import annotations

import math
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Make = Callable[..., Any]
NO_LIMITS = "NONE,<,0,NONE,<,0"
DC = "AUTO,AUTO,AUTO,AUTO,{leave},EXTERNAL,DISABLED,0,NO,AUTO"


def d1_ohm(f_Hz: Any) -> Any:
    """Return Z of 10 ohm + (100 ohm parallel 100 uF)."""
    return 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * f_Hz * 100e-6)


def hold(potential: object = 0.11, seconds: float = 2.0, each: float = 0.5, leave: str = "NO",
         limits: str = NO_LIMITS, against: str = "VS REF") -> tuple[str, str]:  # fmt: skip
    tail = DC.format(leave=leave)
    return "Chronoamperometry", f"{potential},{against},{each},{seconds},{limits},{tail},AUTO"


def ramp(begin: float, end: float, rate: float = 0.1) -> tuple[str, str]:
    return (
        "LinearScanVoltammetry",
        f"{begin},VS REF,{end},VS REF,{rate},{NO_LIMITS},{DC.format(leave='NO')},AUTO",
    )


def cycles(count: int, end: float = 0.0) -> tuple[str, str]:
    turns = "0.1,VS REF,0,NO,-0.1,VS REF,0,NO"
    tail = DC.format(leave="NO")
    return "MultiCyclicVoltammetry", f"0,VS REF,{turns},0.1,{count},{NO_LIMITS},{tail},{end},VS REF,AUTO"


def drive(current: float, seconds: float = 2.0, leave: str = "NO") -> tuple[str, str]:
    return (
        "Chronopotentiometry",
        f"{current},0.5,{seconds},{NO_LIMITS},AUTO,AUTO,AUTO,{leave},EXTERNAL,AUTO,AUTO",
    )


# -- spectra -----------------------------------------------------------------------------------------------


def test_the_papers_sweep_shows_d1_by_its_formula_in_71_points_high_to_low(
    versastat: Make, peis: Make
) -> None:
    bench = versastat(dummy="D1")
    bench.run(peis())
    f_Hz, z_ohm = bench.spectrum
    assert len(f_Hz) == 71 and f_Hz[0] == 1e6 and f_Hz[-1] == pytest.approx(0.1) and (np.diff(f_Hz) < 0).all()
    assert np.abs(z_ohm / d1_ohm(f_Hz) - 1.0).max() < 1e-9
    assert (z_ohm.imag < 0).all()  # capacitive: the true sign


def test_the_times_of_points_follow_the_law_of_the_family(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(peis())
    f_Hz, elapsed_s = bench.columns("Frequency", "ElapsedTime")
    spent_s = np.diff(elapsed_s)
    law_s = np.where(f_Hz >= 100, 0.33, np.where(f_Hz >= 1, 0.29 + 3.5 / f_Hz, 7.8 / f_Hz))[1:]
    changes = np.diff(bench.columns("CurrentRange")[0]) != 0
    assert spent_s[~changes] == pytest.approx(law_s[~changes], rel=0.1)
    assert elapsed_s[-1] == pytest.approx(380.0, rel=0.1)


def test_amplitudes_are_rms_and_their_ratio_is_the_impedance(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(peis(last="1"))
    names = (
        "VACMagnitude",
        "IACMagnitude",
        "ImpedanceMagnitude",
        "VACReal",
        "VACImaginary",
        "IACReal",
        "IACImaginary",
    )
    e_V, i_A, z_ohm, *parts = bench.columns(*names)
    assert e_V == pytest.approx(0.01) and e_V / i_A == pytest.approx(z_ohm)
    phased = (parts[0] + 1j * parts[1]) / (parts[2] + 1j * parts[3])
    assert phased == pytest.approx(bench.spectrum[1])
    phases = bench.columns("VACPhase")[0]
    assert np.ptp(phases) > 90.0 and (abs(phases) <= 180.0).all()  # arbitrary from point to point


def test_a_galvanostatic_spectrum_is_the_same(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(("EISGalvanostatic", "100000,1,0.0001,LOGARITHMIC,5,1,0,0,AUTO,NO,EXTERNAL,AUTO,AUTO"))
    f_Hz, z_ohm = bench.spectrum
    assert len(f_Hz) == 26 and np.abs(z_ohm / d1_ohm(f_Hz) - 1.0).max() < 1e-9
    assert bench.columns("IACMagnitude")[0] == pytest.approx(1e-4)


def test_a_linear_sweep_counts_all_its_points(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(("EISPotentiostatic", "100,1000,0.01,LINEAR,10,1,0,0,VS REF,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO"))
    assert bench.spectrum[0] == pytest.approx(np.linspace(100, 1000, 10))


def test_open_circuit_is_measured_and_a_sweep_may_count_from_it(versastat: Make) -> None:
    bench = versastat(dummy="D3")
    against = "100000,1000,0.01,LOGARITHMIC,5,1,2,0.02,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO"
    bench.run(("MeasureOpenCircuit",), ("EISPotentiostatic", against))
    open_V = bench.call("GetLastMeasuredOC")
    assert open_V == pytest.approx(3.305, abs=1e-3)
    assert bench.columns("AppliedPotential")[0] == pytest.approx(open_V + 0.02)
    assert [entry["what"] for entry in bench.truth()["switched"]] == ["cell_on", "cell_off"]


# -- direct current ----------------------------------------------------------------------------------------


def test_steps_show_anodic_current_positive_and_leave_the_cell_on_in_between(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.run(hold(0.11, leave="YES"), hold(-0.11))
    e_V, i_A, elapsed_s, segment = bench.columns("Potential", "Current", "ElapsedTime", "Segment")
    assert e_V == pytest.approx([0.11] * 4 + [-0.11] * 4) and i_A == pytest.approx(e_V / 110.0)
    assert elapsed_s == pytest.approx(0.5 * np.arange(1, 9)) and segment.tolist() == [1.0] * 4 + [2.0] * 4
    assert [entry["what"] for entry in bench.truth()["switched"]] == ["cell_on", "set_potential", "cell_off"]
    assert bench.columns("Frequency")[0].tolist() == [0.0] * 8  # rows of direct current have none
    assert bench.columns("Charge")[0][:4] == pytest.approx(0.5e-3 * np.arange(1, 5))


def test_current_steps_drive_what_they_say(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.run(drive(1e-3, leave="YES"), drive(-1e-3))
    e_V, i_A = bench.columns("Potential", "Current")
    assert i_A == pytest.approx([1e-3] * 4 + [-1e-3] * 4) and e_V == pytest.approx(110.0 * i_A)


def test_ramps_have_a_point_each_millivolt(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.run(ramp(-0.05, 0.05))
    e_V, i_A, elapsed_s = bench.columns("Potential", "Current", "ElapsedTime")
    assert e_V == pytest.approx(np.linspace(-0.05, 0.05, 101), abs=1e-12) and i_A == pytest.approx(
        e_V / 110.0
    )
    assert elapsed_s == pytest.approx(0.01 * np.arange(101), abs=1e-9)


def test_cycles_turn_at_both_vertices_as_often_as_asked(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.run(cycles(2))
    e_V, i_A = bench.columns("Potential", "Current")
    assert i_A == pytest.approx(e_V / 110.0, abs=1e-15)
    corners_V = e_V[[0, 100, 300, 500, 700, 800]]
    assert corners_V == pytest.approx([0, 0.1, -0.1, 0.1, -0.1, 0], abs=1e-9) and len(e_V) == 801


def test_a_limit_ends_its_action_and_the_next_one_begins(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    limits = "CURRENT,>,0.0005,NONE,<,0"
    bench.run(hold(0.11, seconds=100.0, limits=limits), hold(0.01, limits=limits))
    assert bench.columns("Segment")[0].tolist() == [1.0] + [2.0] * 4


def test_open_circuit_moves_no_charge_and_has_no_current(versastat: Make) -> None:
    bench = versastat(dummy="D3")
    bench.run(("OpenCircuit", f"0.5,2,{NO_LIMITS},AUTO,AUTO,AUTO,AUTO,EXTERNAL,AUTO,AUTO,AUTO"))
    e_V, i_A = bench.columns("Potential", "Current")
    assert e_V == pytest.approx(3.305, abs=1e-3) and not i_A.any() and bench.truth()["switched"] == []


def test_a_loop_does_its_actions_as_often_as_it_says_and_skip_leaves_one(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.run(hold(0.1, 1.0), ("Loop", "1,3"))
    assert len(bench.columns("Point")[0]) == 6
    bench.call("Clear")
    for action in (hold(0.1, 1000.0), hold(0.2, 1.0)):
        bench.call("Add" + action[0], action[1])
    bench.call("Start")
    bench.wait(2.0)
    bench.call("Skip")
    bench.wait(2.0)
    assert bench.columns("Segment")[0].tolist() == [1.0] * 3 + [2.0] * 2
    assert not bench.truth()["running"]


def test_loops_that_would_turn_for_ever_end_and_leave_the_cell_off(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    setup = ("AutoCurrentRangeSetup", "200MA,20MA,20MA")
    bench.run(hold(0.1, 1.0), setup, ("Loop", "1,10000"), ("Loop", "2,10000"), hold(0.1, 1.0, leave="YES"))
    assert not bench.truth()["cell_on"] and len(bench.columns("Point")[0]) == 2


# -- the traps of the library ------------------------------------------------------------------------------


def test_start_comes_back_before_the_sequence_runs_and_points_trickle(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.call("Add" + peis(last="100")[0], peis(last="100")[1])
    assert bench.call("Start") == ""
    assert bench.call("IsSequenceRunning") is False and bench.call("GetNumPointsAvailable") == -1
    assert not bench.truth()["cell_on"]
    seen, got = [], []
    while True:
        bench.wait(0.5)
        count = bench.call("GetNumPointsAvailable")
        if count == -1:
            break
        seen.append(count)
        got += bench.call("GetDataPoint", len(got), count - len(got))
    assert got == [float(number) for number in range(41)] and sorted(seen) == seen and len(set(seen)) > 20
    assert bench.call("IsSequenceRunning") is False and bench.call("GetDataPoint", 40, 5) == [40.0]


def test_what_has_not_been_fetched_stays_available_after_the_end(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(peis(last="100000", points=5))
    assert bench.call("GetNumPointsAvailable") == 6
    assert len(bench.call("GetDataFrequency", 0, 5)) == 5 and bench.call("GetNumPointsAvailable") == 6
    assert len(bench.call("GetDataFrequency", 5, 100)) == 1 and bench.call("GetNumPointsAvailable") == -1
    bench.call("Clear")
    assert bench.call("GetDataFrequency", 0, 5) == []


@pytest.mark.parametrize("value", [1, 2])
def test_an_overload_is_told_once_by_the_status_that_follows_it(
    versastat: Make, peis: Make, value: int
) -> None:
    bench = versastat(dummy="D1")
    bench.call("Add" + peis(last="100")[0], peis(last="100")[1])
    bench.fault("overload", value=value, count=2)
    bench.call("Start")
    bench.wait(3.0)
    told = []
    for _ in range(2):
        bench.call("UpdateStatus")
        told.append(bench.call("GetOverload"))
    assert told == [value, 0]
    f_Hz, z_ohm = bench.spectrum
    assert abs(z_ohm / d1_ohm(f_Hz))[:3] == pytest.approx([1.5, 1.5, 1.0])


def test_a_range_that_is_too_small_overloads_and_the_reading_is_what_it_can_show(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    name, text = hold(0.11, seconds=10.0, leave="YES")
    bench.call(f"Add{name}", text.replace(",AUTO", ",200UA", 1))
    bench.call("Start")
    bench.wait(5.0)
    bench.call("UpdateStatus")
    assert bench.call("GetOverload") == 1 and bench.call("GetIRange") == "200uA"
    assert bench.call("GetI") == pytest.approx(400e-6) and bench.columns("CurrentRange")[0][-1] == 5.0
    bench.wait(10.0)
    bench.call("UpdateStatus")  # the last overload is told; now it re-ranges by itself
    bench.call("UpdateStatus")
    assert bench.call("GetOverload") == 0 and bench.call("GetIRange") == "2mA"


def test_the_autoranger_follows_the_current_within_its_bounds(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.run(peis(amplitude="0.05"))
    codes = bench.columns("CurrentRange")[0]  # 3 is 20 mA, 4 is 2 mA
    assert codes[0] == 3.0 and codes[-1] == 4.0
    bench.run(("AutoCurrentRangeSetup", "200MA,20MA,20MA"), peis(last="1000"))
    assert set(bench.columns("CurrentRange")[0]) == {3.0}


def test_by_hand_the_getters_are_as_old_as_the_last_update(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.call("SetDCPotential", 0.11)
    bench.call("SetCellOn")
    assert bench.call("GetCellEnabled") is False and bench.call("GetE") == "nan"
    bench.call("UpdateStatus")
    assert (
        bench.call("GetCellEnabled") is True and bench.call("GetIRange") == "2mA"
    )  # it has ranged by itself
    assert bench.call("GetE") == pytest.approx(0.11) and bench.call("GetI") == pytest.approx(1e-3)
    bench.call("SetCellOff")
    bench.call("UpdateStatus")
    assert bench.call("GetCellEnabled") is False and bench.call("GetI") == 0.0


def test_setting_a_current_makes_it_a_galvanostat_in_the_range_that_holds_it(versastat: Make) -> None:
    bench = versastat(dummy="resistor", resistance_ohm=110.0)
    bench.call("SetDCCurrent", 1.5e-3)
    bench.call("SetCellOn")
    bench.call("UpdateStatus")
    assert bench.truth()["galvanostatic"] and bench.call("GetIRange") == "2mA"
    assert bench.call("GetE") == pytest.approx(0.165) and bench.violations == []


@pytest.mark.parametrize("method", ["SetModeGalvanostat", "SetIRange_20uA"])
def test_a_change_of_mode_or_range_with_the_cell_on_is_a_violation(versastat: Make, method: str) -> None:
    bench = versastat(dummy="D1")
    bench.call(method)
    bench.call("SetModePotentiostat")
    assert bench.violations == []
    bench.call("SetCellOn")
    bench.call(method)
    assert bench.violations == ["changed_while_on"]


def test_while_a_sequence_runs_setters_are_refused_but_not_the_two_that_make_it_safe(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    action = hold(0.1, 100.0)
    bench.call("Add" + action[0], action[1])
    bench.call("Start")
    bench.wait(2.0)
    for method, *parameters in (("SetCellOn",), ("SetDCPotential", 0.0), ("Clear",), ("Start",)):
        with pytest.raises(xmlrpc.client.Fault):
            bench.call(method, *parameters)
    bench.call("Stop")
    assert bench.truth()["cell_on"] and not bench.truth()["running"]
    bench.call("SetCellOff")
    assert not bench.truth()["cell_on"]


# -- strings that the library does not take ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO,AUTO",
        "2000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,1.5,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,0,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,11,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,11,VS REF,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS SCE,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,3A,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,INTERNAL,AUTO,AUTO",
        "1000000,nan,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",
        "",
    ],
)
def test_a_wrong_spectrum_string_is_answered_by_false_and_adds_nothing(versastat: Make, text: str) -> None:
    bench = versastat(dummy="D1")
    assert bench.call("AddEISPotentiostatic", text) is False
    with pytest.raises(xmlrpc.client.Fault, match="no action"):
        bench.call("Start")


def test_models_differ_in_ranges_and_in_what_they_can_measure(versastat: Make, peis: Make) -> None:
    assert versastat(model="versastat4").call("AddEISPotentiostatic", peis(range="4NA")[1]) is False
    assert versastat().call("AddEISPotentiostatic", peis(range="4NA")[1]) is True
    without = versastat(model="versastat3-300")
    assert "FRA" not in without.call("GetOptions") and without.call("GetModel") == "VersaSTAT 3-300"
    assert without.call("AddEISPotentiostatic", peis()[1]) is False
    assert versastat(eis_max_Hz=1e5).call("AddEISPotentiostatic", peis()[1]) is False


def test_the_list_of_actions_holds_all_that_can_be_added(versastat: Make) -> None:
    bench = versastat()
    names = bench.call("GetActionList").split(",")
    assert {"EISPotentiostatic", "EISGalvanostatic", "OpenCircuit", "MeasureOpenCircuit"} <= set(names)
    for name in set(names) - {"MeasureOpenCircuit"}:
        assert bench.call(f"Add{name}", "1,2,3,4,5,6,7") is False
