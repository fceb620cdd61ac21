"""Techniques through the wire, on dummies with known answers and on the reference cells (MS-5, 7, 9, 12, 13)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from labctl_simulators.methodscript.models import MODELS

Make = Callable[..., Any]
HOLD = "var p\nvar c\nset_pgstat_mode {mode}\nset_autoranging ba {ranges}\nset_e {e}\ncell_on\n{loop}\n{body}"
BODY = "pck_start\npck_add p\npck_add c\npck_end\nendloop\non_finished:\ncell_off"
TABLE_3_1 = {  # potentiostat.md 3.1: D1
    1e6: 10.000000 - 0.0015915j, 1e5: 10.000003 - 0.0159155j, 1e4: 10.000253 - 0.1591546j,
    1e3: 10.025324 - 1.591146j, 100.0: 12.470452 - 15.52231j, 10.0: 81.695680 - 45.047724j,
    1.0: 109.60677 - 6.258478j, 0.1: 109.99605 - 0.628294j,
}  # fmt: skip
SECTION_6 = {  # cell-models.md section 6: fresh, full cells at x = 0.5, air at T_ref
    "LIQ-P": (25, "6.366+2.491j 6.372+0.027j 6.737-1.973j 11.481-12.735j "
              "54.946-40.897j 110.103-27.629j 138.485-10.087j 145.086-6.480j"),
    "LIQ-Z": (25, "6.366+2.491j 6.374+0.031j 6.709-1.873j 11.480-12.845j "
              "54.183-28.509j 86.391-17.731j 100.956-5.010j 104.894-4.851j"),
    "PEO-P": (60, "31.831+2.497j 31.833+0.092j 31.996-1.518j 35.442-10.654j "
              "68.821-48.803j 170.365-53.089j 232.491-27.045j 250.620-12.557j"),
    "PEO-Z": (60, "31.831+2.491j 31.832+0.028j 31.956-2.180j 35.812-17.782j "
              "87.441-108.508j 382.523-154.877j 531.490-59.137j 562.207-17.437j"),
    "LTO-P": (25, "6.366+2.492j 6.372+0.041j 6.712-1.852j 11.153-11.998j "
              "51.947-38.990j 106.354-29.412j 138.511-11.503j 146.565-8.149j"),
    "LTO-Z": (25, "6.366+2.459j 6.385-0.285j 7.207-4.593j 18.880-31.151j "
              "122.959-66.890j 189.594-32.303j 213.522-8.109j 218.788-6.301j"),
    "LFP-P": (60, "31.831+2.498j 31.833+0.097j 31.983-1.476j 35.199-10.615j "
              "67.346-51.380j 181.057-87.177j 332.066-62.380j 367.625-16.562j"),
    "LFP-Z": (60, "31.831+2.500j 31.832+0.122j 31.899-1.258j 34.051-10.489j "
              "63.502-65.602j 244.660-124.440j 422.588-68.895j 457.163-16.693j"),
}  # fmt: skip


def d1_ohm(frequency_Hz: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 10.0 + 100.0 / (1.0 + 2j * math.pi * frequency_Hz * 100.0 * 100e-6)


def holding(loop: str, *, mode: int = 3, e: object = 0, ranges: str = "100n 100m") -> str:
    return HOLD.format(mode=mode, e=e, ranges=ranges, loop=loop, body=BODY)


# -- spectra -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["espico", "es4_lr", "es4_hr", "nexus1"])
def test_d1_is_d1_within_a_millionth_at_every_reported_frequency(
    wire: Make, spectrum: Make, model: str
) -> None:
    said = wire(dummy="D1", model=model).run(spectrum(ranges="100n 5m"))
    frequency_Hz, impedance_ohm = said.spectrum
    assert said.kinds == ["dc", "cc", "cd"] and len(frequency_Hz) == 64
    assert frequency_Hz[0] == 200e3 and frequency_Hz[-1] == 0.1 and (np.diff(frequency_Hz) < 0).all()
    expected_ohm = d1_ohm(frequency_Hz)
    assert np.abs(impedance_ohm - expected_ohm).max() < 1e-6 * np.abs(expected_ohm).min()
    assert set(said.status(1)) <= {0} and said.lines[1] == "M000D" and said.lines[-2:] == ["*", ""]


def test_d1_reads_as_the_table_of_the_specification(wire: Make, spectrum: Make) -> None:
    link = wire(dummy="D1", model="nexus1", eis_max_Hz=1e6)
    frequency_Hz, impedance_ohm = link.run(spectrum(first="1M", points=8, ranges="1n 1")).spectrum
    assert frequency_Hz == pytest.approx(list(TABLE_3_1), rel=1e-12)
    for found, printed in zip(impedance_ohm, TABLE_3_1.values(), strict=True):
        assert found == pytest.approx(printed, rel=1e-7)


@pytest.mark.parametrize("variant", SECTION_6)
def test_reference_cells_show_their_table_to_the_digits_given(
    wire: Make, spectrum: Make, variant: str
) -> None:
    air_degC, row = SECTION_6[variant]
    chamber = {"name": "box", "air_degC": air_degC, "setpoint_degC": air_degC, "on": True, "profile": "ideal"}
    cell = {"cell_id": "A", "variant": variant, "x": 0.5, "chamber": "box"}
    link = wire(model="nexus1", eis_max_Hz=1e6, cell="A", cells=[cell], chambers=[chamber])
    bias = f"{round(link.truth()['cell']['ocv_V'] * 1e6)}u"
    impedance_ohm = link.run(spectrum(first="1M", points=8, bias=bias, ranges="1n 1")).spectrum[1]
    assert " ".join(f"{z.real:.3f}{z.imag:+.3f}j" for z in impedance_ohm) == row


def test_a_sweep_may_go_upwards(wire: Make, spectrum: Make) -> None:
    frequency_Hz, impedance_ohm = wire(dummy="D2").run(spectrum(first="1", last="1k", points=4)).spectrum
    assert frequency_Hz == pytest.approx([1, 10, 100, 1000], rel=1e-12)
    expected_ohm = d1_ohm(frequency_Hz) + 2j * math.pi * frequency_Hz * 1e-6
    assert impedance_ohm == pytest.approx(expected_ohm, rel=1e-6)


def test_a_galvanostatic_spectrum_is_the_same_impedance(wire: Make, spectrum: Make) -> None:
    script = spectrum(mode=6, amplitude="100u", first="10k", points=5).replace(
        "meas_loop_eis", "meas_loop_geis"
    )
    said = wire(dummy="D1").run(script.replace("set_e", "set_i"))
    assert said.lines[1] == "M000E"
    assert said.spectrum[1] == pytest.approx(d1_ohm(said.spectrum[0]), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"first": "200001"}, "0011"), ({"last": "1u"}, "0011"), ({"amplitude": "1"}, "0012"),
        ({"amplitude": "900u"}, "0012"), ({"mode": 2}, "0011"),
    ],
)  # fmt: skip
def test_an_impossible_sweep_is_refused_by_the_instrument_alone(
    wire: Make, spectrum: Make, change: dict[str, object], code: str
) -> None:
    said = wire(dummy="D1", model="espico").run(spectrum(ranges="100n 5m", **change))
    assert said.lines == ["e", f"!{code}: Line 10"]


@pytest.mark.parametrize(
    ("bias", "fits"), [("2", True), ("2001m", False), ("-1700m", True), ("-1701m", False)]
)
def test_potentials_outside_the_window_of_the_mode_are_refused(
    wire: Make, spectrum: Make, bias: str, fits: bool
) -> None:
    said = wire(dummy="D1", model="espico").run(
        spectrum(bias=bias, first="1k", last="1k", points=1, ranges="5m 5m")
    )
    assert (said.lines[1] == "!000F: Line 6") is not fits


def test_a_runtime_error_keeps_the_points_and_leaves_the_cell_on_until_a_script_ends_it(
    wire: Make, spectrum: Make
) -> None:
    link = wire(dummy="D1")
    link.begin(spectrum())
    link.wait(3.0)
    link.fault("oscillating")
    assert link.wait(5.0)[-1] == "!0080: Line 10"
    assert link.truth()["cell_on"] and not link.truth()["running"]
    assert link.ask("e\ncell_off\n\n") == ["e", ""]
    assert not link.truth()["cell_on"]


def test_a_critical_overload_opens_the_cell_by_itself(wire: Make, spectrum: Make) -> None:
    link = wire(dummy="D1")
    link.begin(spectrum())
    link.fault("critical_overload")
    assert link.wait(1.0)[-1] == "!0032: Line 10"
    assert not link.truth()["cell_on"]


# -- direct current ----------------------------------------------------------------------------------------


def test_cyclic_voltammetry_on_a_resistor_is_ohms_law_in_three_scans(wire: Make) -> None:
    said = wire(dummy="resistor", resistance_ohm=110).run(
        holding("meas_loop_cv p c 0 500m -500m 10m 100m nscans(3)")
    )
    assert said.kinds == ["da", "ba"] and said.lines[1] == "M0005"
    assert [line for line in said.lines if line[:1] in ("C", "-")] == [
        "C0000",
        "-",
        "C0001",
        "-",
        "C0002",
        "-",
    ]
    potential_V, current_A = said.column(0), said.column(1)
    assert len(potential_V) == 201 + 200 + 200
    assert potential_V.max() == 0.5 and potential_V.min() == -0.5 and potential_V[-1] == pytest.approx(0.0)
    assert current_A == pytest.approx(potential_V / 110.0, rel=4e-6, abs=1e-15)


def test_one_volt_on_d1_is_nine_point_nought_nine_milliampere(wire: Make) -> None:
    said = wire(dummy="D1").run(holding("meas_loop_ca p c 1 500m 5", e=1))
    assert len(said.rows) == 10
    assert said.column(1)[-1] == pytest.approx(1 / 110, rel=1e-6)


def test_the_step_response_of_d1_is_its_time_constant(wire: Make) -> None:
    said = wire(dummy="D1").run(holding("meas_loop_ca p c 1 1m 20m", e=1))
    time_s = 1e-3 * np.arange(1, 21)
    tau_s = 0.01 * 10.0 / 110.0
    expected_A = 1 / 110 + (1 / 10 - 1 / 110) * np.exp(-time_s / tau_s)
    assert said.column(1) == pytest.approx(expected_A, rel=1e-5)


def test_a_linear_sweep_takes_its_time_and_both_ends(wire: Make) -> None:
    link = wire(dummy="resistor", resistance_ohm=100)
    said = link.run(holding("meas_loop_lsv p c 0 100m 10m 50m"))
    assert said.column(0) == pytest.approx(np.arange(11) * 0.01)
    assert link.bench.now_s == pytest.approx(11 * 0.01 / 0.05, abs=0.11)


def test_open_circuit_needs_an_open_cell(wire: Make) -> None:
    link = wire(dummy="D3")
    said = link.run("var p\nmeas_loop_ocp p 1 5\npck_start\npck_add p\npck_end\nendloop")
    assert said.kinds == ["ab"] and said.column(0) == pytest.approx(3.305, abs=5e-4)
    assert link.run("var p\ncell_on\nmeas_loop_ocp p 1 5\nendloop").lines == ["e", "!0014: Line 3"]


def test_loops_that_drive_need_a_cell_that_is_on(wire: Make) -> None:
    said = wire(dummy="D1").run("var p\nvar c\nmeas_loop_ca p c 0 1 5\nendloop")
    assert said.lines == ["e", "!4027: Line 3"]


def test_a_galvanostat_drives_its_current_and_the_timer_runs(wire: Make) -> None:
    said = wire(dummy="D1").run(
        "var t\nvar p\nvar c\nset_pgstat_mode 6\nset_i 1m\ncell_on\ntimer_start\nmeas_loop_cp p c 2m 500m 2\n"
        "timer_get t\npck_start\npck_add t\npck_add p\npck_add c\npck_end\nendloop\non_finished:\ncell_off"
    )
    assert said.kinds == ["eb", "ab", "db"]
    assert said.column(0) == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert said.column(1) == pytest.approx(0.22, rel=1e-6) and said.column(2) == pytest.approx(2e-3)


def test_the_pico_has_no_galvanostat(wire: Make) -> None:
    assert wire(dummy="D1", model="espico").run("set_pgstat_mode 6").lines == ["e", "!0021: Line 1"]


def test_direct_current_in_a_spectrum_moves_the_charge_of_a_living_cell(wire: Make, spectrum: Make) -> None:
    cell = {"cell_id": "A", "variant": "LTO-P", "x": 0.5}
    link = wire(cell="A", cells=[cell])
    before = link.truth()["cell"]
    link.run(spectrum(bias="1700m", first="10k", points=11))
    after = link.truth()["cell"]
    assert after["x"] < before["x"] - 1e-3  # charged: lithium left the positive electrode
    assert after["throughput_mAh_cm2"] > before["throughput_mAh_cm2"] and after["half_cycles"] == 1


def test_a_spectrum_at_open_circuit_is_a_rest(wire: Make, spectrum: Make) -> None:
    link = wire(cell="A", cells=[{"cell_id": "A", "variant": "LIQ-P"}])
    link.run(spectrum(points=12))
    cell = link.truth()["cell"]
    assert cell["half_cycles"] == 0 and cell["throughput_mAh_cm2"] == 0.0


# -- ranges ------------------------------------------------------------------------------------------------


def test_the_autoranger_follows_the_current_and_the_range_rides_on_the_real_part(
    wire: Make, spectrum: Make
) -> None:
    said = wire(dummy="D1").run(spectrum())
    assert set(said.ranges(1)) == {24, 21}  # 1.41 mA peak at the top, 129 uA at the bottom
    assert set(said.ranges(2)) == {6}


def test_a_fixed_range_that_is_too_small_says_so_and_clamps(wire: Make) -> None:
    said = wire(dummy="resistor", resistance_ohm=100).run(
        holding("meas_loop_ca p c 1 1 2", e=1, ranges="1m 1m")
    )
    assert said.status(1) == [2, 2] and said.column(1) == pytest.approx(1e-3)


@pytest.mark.parametrize(("microvolt", "status"), [(569, 0), (571, 8), (601, 2)])
def test_the_picos_readable_current_is_not_the_name_of_its_range(
    wire: Make, microvolt: int, status: int
) -> None:
    said = wire(dummy="resistor", resistance_ohm=10_000, model="espico").run(
        holding(f"meas_loop_ca p c {microvolt}u 1 1", mode=2, e=f"{microvolt}u", ranges="100n 100n")
    )
    assert said.ranges(1) == [0] and said.status(1) == [status]


def test_the_low_speed_ranges_read_what_the_notes_say() -> None:
    ladder = MODELS["espico"].modes[2].ladder
    assert ladder[0].readable_A == 60e-9 and ladder[11].readable_A == 3e-3
    assert [round(r.readable_A * 1e6, 2) for r in ladder[1:4]] == [1.17, 2.34, 4.69]
    assert ladder[10].readable_A == 600e-6


def test_a_bandwidth_below_the_frequency_damps_what_is_seen(wire: Make, spectrum: Make) -> None:
    said = wire(dummy="D1").run(spectrum(bandwidth="1k", first="100k", last="100", points=4))
    frequency_Hz, impedance_ohm = said.spectrum
    wrong = np.abs(impedance_ohm / d1_ohm(frequency_Hz) - 1.0) > 0.5
    assert wrong.tolist() == [True, True, False, False]
