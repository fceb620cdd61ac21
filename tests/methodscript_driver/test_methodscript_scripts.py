"""Scripts end by themselves with the cell off, carry rms, and what a model cannot do is refused (MS-7, MS-15, EI-6)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_drivers.methodscript.models import MODELS, Model, model_of
from labctl_drivers.methodscript.options import MethodScriptOptions, options_from, with_usual_line
from labctl_drivers.methodscript.plan import plan_for
from labctl_drivers.methodscript.refusing import refusals, refusals_at

from labctl.errors import RefusedError, UserInputError
from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    FrequencySweep,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
    Technique,
)

ALL = frozenset({Ocv, Chronoamperometry, Chronopotentiometry, LinearSweep, CyclicVoltammetry, Peis, Geis})
PICO, LR, HR, NEXUS = (MODELS[code] for code in ("espico", "es4_lr", "es4_hr", "nexus1"))
SWEEP = FrequencySweep(200e3, 0.1)
OPTIONS = MethodScriptOptions()

WORDS = {
    "var": 1, "set_pgstat_chan": 1, "set_pgstat_mode": 1, "set_max_bandwidth": 1, "set_range_minmax": 3, "set_range": 2,
    "set_autoranging": 3, "set_e": 1, "set_i": 1, "cell_on": 0, "cell_off": 0, "timer_start": 0, "timer_get": 1,
    "meas_loop_ocp": 3, "meas_loop_ca": 5, "meas_loop_cp": 5, "meas_loop_lsv": 6, "meas_loop_cv": 7, "meas_loop_eis": 8,
    "meas_loop_geis": 8, "pck_start": 0, "pck_add": 1, "pck_end": 0, "endloop": 0, "on_finished:": 0,
}  # fmt: skip
"""The words of potentiostat.md 2.1.4 and how many arguments each has; a last optional one may follow."""

volts = st.floats(-1.0, 1.0)
seconds = st.floats(0.1, 100.0)
steps = st.lists(st.tuples(volts, seconds), min_size=1, max_size=5).map(tuple)
techniques = st.one_of(
    st.builds(Ocv, seconds, st.floats(0.1, 1.0)),
    st.builds(Chronoamperometry, steps, st.floats(0.1, 1.0), st.none() | st.just(1e-3)),
    st.builds(Chronopotentiometry, steps, st.floats(0.1, 1.0)),
    st.builds(LinearSweep, volts, volts, st.floats(0.01, 0.1), st.floats(0.005, 0.1)),
    st.builds(
        CyclicVoltammetry,
        volts,
        volts,
        volts,
        volts,
        st.floats(0.01, 0.1),
        st.floats(0.005, 0.1),
        st.integers(1, 3),
    ),
    st.builds(
        Peis,
        st.builds(FrequencySweep, st.floats(1.0, 2e5), st.floats(0.1, 1.0)),
        st.floats(0.001, 0.25),
        volts,
    ),
    st.builds(
        Geis,
        st.builds(FrequencySweep, st.floats(1.0, 2e5), st.floats(0.1, 1.0)),
        st.floats(1e-6, 1e-3),
        st.just(1e-4),
    ),
)


@settings(max_examples=40, deadline=None)
@given(techniques, st.sampled_from(sorted(MODELS)))
def test_ms_15_every_script_ends_by_itself_and_with_the_cell_off(technique: Technique, code: str) -> None:
    lines = plan_for(technique, MODELS[code]).lines
    for line in lines:
        word, *arguments = line.split()
        assert word in WORDS, f"{word} is not among the bounded words"
        assert len(arguments) in (WORDS[word], WORDS[word] + 1)
        assert len(line) <= 255
    loops = [line for line in lines if line.startswith("meas_loop")]
    assert len(loops) == lines.count("endloop")
    if "cell_on" in lines:
        assert lines.count("cell_on") == 1
        assert lines[-2:] == ("on_finished:", "cell_off")
        assert all(lines.index(loop) > lines.index("cell_on") for loop in loops)
    else:
        assert isinstance(technique, Ocv)
        assert lines.index("cell_off") < lines.index(loops[0])


def test_ei_6_amplitudes_go_out_as_rms() -> None:
    lines = plan_for(Peis(SWEEP, 0.01, e_dc_vs="ref"), PICO, 0.25).lines
    assert "meas_loop_eis freq zre zim 10m 200k 100m 64 250m" in lines
    lines = plan_for(Geis(SWEEP, 1e-5, 2e-4), LR).lines
    assert "meas_loop_geis freq zre zim 10u 200k 100m 64 200u" in lines
    assert "set_pgstat_mode 6" in lines


def test_a_spectrum_settles_without_output_and_lets_the_instrument_find_its_range() -> None:
    lines = plan_for(Peis(SWEEP, 0.01, settle_s=30.0), HR, 1.0).lines
    place = lines.index("meas_loop_ca volt amps 1 100m 30")
    assert lines[place + 1] == "endloop"
    assert {"set_pgstat_mode 3", "set_max_bandwidth 200k", "set_range_minmax da 1 1"} <= set(lines)
    assert {"set_range ba 100m", "set_autoranging ba 100n 100m", "set_autoranging ab 50m 1"} <= set(lines)
    fixed = plan_for(Peis(SWEEP, 0.01, settle_s=0.0, range_A=1e-3), PICO, 0.0).lines
    assert "set_autoranging ba 1m 1m" in fixed
    assert not [line for line in fixed if line.startswith(("meas_loop_ca", "set_range ab"))]


def test_the_bandwidth_reaches_the_top_frequency_also_where_the_station_file_raises_it() -> None:
    wide = NEXUS.with_limits({"eis_max_Hz": 1e6})
    lines = plan_for(Peis(FrequencySweep(1e6, 1.0), 0.01), wide, 0.0).lines
    assert "set_max_bandwidth 1M" in lines
    assert "set_max_bandwidth 100" in plan_for(LinearSweep(0.0, 1.0, 0.5, 0.01), PICO).lines


def test_cyclic_voltammetry_asks_for_scans_and_ramps_to_another_end() -> None:
    cv = CyclicVoltammetry(0.0, 0.5, -0.5, 0.2, 0.1, 0.01, cycles=3)
    lines = plan_for(cv, PICO).lines
    assert "meas_loop_cv volt amps 0 500m -500m 10m 100m nscans(3)" in lines
    assert "meas_loop_lsv volt amps 0 200m 10m 100m" in lines
    assert not [
        line
        for line in plan_for(replace(cv, e_end_V=0.0, cycles=1), PICO).lines
        if "lsv" in line or "nscans" in line
    ]


def test_a_pico_takes_the_mode_that_reaches_the_potentials_and_the_rate() -> None:
    def mode(technique: Technique) -> str:
        return next(line for line in plan_for(technique, PICO).lines if "pgstat_mode" in line)

    assert mode(LinearSweep(0.0, 1.0, 0.1, 0.01)) == "set_pgstat_mode 2"
    assert mode(LinearSweep(-0.5, 2.0, 0.1, 0.01)) == "set_pgstat_mode 4"
    assert mode(LinearSweep(0.0, 1.0, 2.0, 0.01)) == "set_pgstat_mode 3"


@pytest.mark.parametrize(
    ("technique", "model", "reason"),
    [
        (Peis(FrequencySweep(250e3, 1.0), 0.01), PICO, r"250000 Hz is above 200000 Hz"),
        (Peis(FrequencySweep(250e3, 1.0), 0.01), NEXUS, r"option eis_max_Hz sets another"),
        (Peis(FrequencySweep(1e3, 1e-3), 0.01), PICO, r"0.001 Hz is below 0.01 Hz"),
        (Peis(SWEEP, 1.0), PICO, r"1 V rms is outside 0.001 to 0.25 V rms"),
        (Peis(SWEEP, 0.01, 1.995, "ref"), PICO, r"is outside -1.7 to 2 V"),
        (Peis(SWEEP, 0.01, range_A=1.0), PICO, r"1 A is above 0.005 A"),
        (Peis(SWEEP, math.nan), PICO, r"amplitude must be above 0"),
        (Peis(SWEEP, 0.01, settle_s=-1.0), PICO, r"settling time"),
        (Peis(FrequencySweep(1e3, 0.01), 0.01), PICO, r"no watchdog"),
        (Geis(SWEEP, 8e-3, 1e-3), LR, r"0.0123137 A is above 0.01 A"),
        (Chronoamperometry(((2.5, 1.0),), 0.1), PICO, r"beyond the EmStat Pico"),
        (Chronoamperometry(((0.5, 901.0),), 1.0), PICO, r"longer than 900 s"),
        (Chronoamperometry(((0.5, 1.0),) * 101, 1.0), PICO, r"1 to 100 steps, not 101"),
        (Chronoamperometry(((math.inf, 1.0),), 1.0), PICO, r"must be a number, not inf"),
        (Chronoamperometry(((0.5, 800.0),), 0.001), LR, r"800000 points are more than 100000"),
        (Chronopotentiometry(((0.02, 1.0),), 0.1), LR, r"0.02 A is above 0.01 A"),
        (LinearSweep(-1.0, 1.7, 0.1, 0.01), PICO, r"spanning at most 2.2 V"),
        (LinearSweep(0.0, 1.0, 0.1, 0.0), PICO, r"potential step must be above 0"),
        (LinearSweep(0.0, 3.5, 0.1, 0.01), LR, r"0 to 3.5 V"),
        (CyclicVoltammetry(0.0, 0.5, -0.5, 0.0, 0.1, 0.01, cycles=0), PICO, r"cycles, not 0"),
        (Ocv(1.0, 0.001), PICO, r"1000 points a second are more than 100"),
        (Ocv(-1.0), PICO, r"duration must be above 0, not -1"),
    ],
)
def test_what_a_model_cannot_do_is_refused_in_words(technique: Technique, model: Model, reason: str) -> None:
    found = refusals(technique, model, ALL, OPTIONS)
    assert len(found) == 1, found
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found[0])


def test_every_reason_is_named_at_once_and_what_is_possible_has_none() -> None:
    assert len(refusals(Peis(FrequencySweep(1e6, 1e-3), 1.0, 5.0, "ref"), PICO, ALL, OPTIONS)) == 5
    for technique in (
        Peis(SWEEP, 0.01),
        Ocv(10.0),
        Chronoamperometry(((0.5, 10.0),), 0.1),
        LinearSweep(0.0, 0.5, 0.1, 0.01),
        CyclicVoltammetry(0.0, 0.5, -0.5, 0.0, 0.1, 0.01),
    ):
        assert refusals(technique, PICO, ALL, OPTIONS) == ()
    assert refusals_at(Peis(SWEEP, 0.01), 3.3, PICO)
    assert refusals(Geis(SWEEP, 1e-6), PICO, frozenset({Ocv}), OPTIONS) == (
        "The EmStat Pico cannot do galvanostatic impedance: it has no galvanostat.",
    )


def test_names_of_pico_ranges_are_not_what_they_read() -> None:
    ladder = dict(PICO.dc[0].readable())
    assert ladder[100e-9] == 60e-9
    assert ladder[2e-6] == pytest.approx(1.17e-6, rel=2e-3)
    assert ladder[1e-3] == 600e-6
    assert ladder[5e-3] == 3e-3
    assert PICO.full_scale_A(0x88) == 1e-3
    assert math.isnan(PICO.full_scale_A(99))
    assert NEXUS.full_scale_A(42) == 0.1


def test_unknown_limits_may_be_set_and_known_ones_only_tightened() -> None:
    assert NEXUS.with_limits({"eis_max_Hz": 1e6}).eis_max_Hz == 1e6
    assert PICO.with_limits({"eis_max_Hz": 1e5}).eis_max_Hz == 1e5
    with pytest.raises(RefusedError, match="only tighten"):
        PICO.with_limits({"eis_max_Hz": 1e6})


@pytest.mark.parametrize("code", ["espbl1", "espbl", "abcdef"])
def test_the_bootloader_and_unknown_models_are_refused(code: str) -> None:
    with pytest.raises(RefusedError, match="bootloader" if code.startswith("espbl") else "not a model"):
        model_of(code)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"eis_max_hz": 1}, "did you mean eis_max_Hz"),
        ({"colour": 1}, "known options are"),
        ({"eis_max_Hz": "1 MHz"}, "eis_max_Hz must be a number above 0"),
        ({"eis_max_Hz": float("nan")}, "eis_max_Hz must be a number above 0"),
        ({"step_max_s": 7200}, "needs step_max_by"),
        ({"step_max_by": 3}, "name of a person"),
        ({"eis_opt": "a\nb"}, "eis_opt"),
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(UserInputError, match=words):
        options_from("pico", options)


def test_a_longer_step_needs_the_name_of_who_allows_it() -> None:
    long = Chronoamperometry(((0.5, 3600.0),), 1.0)
    allowed = options_from("pico", {"step_max_s": 7200, "step_max_by": "A. Person"})
    assert refusals(long, PICO, ALL, OPTIONS)
    assert refusals(long, PICO, ALL, allowed) == ()


def test_a_serial_port_gets_what_a_pico_needs_unless_it_says_otherwise() -> None:
    assert with_usual_line("serial:///dev/ttyUSB0") == "serial:///dev/ttyUSB0?baud=230400&flow=xonxoff"
    assert with_usual_line("serial://COM3?baud=921600&flow=rtscts") == "serial://COM3?baud=921600&flow=rtscts"
    assert with_usual_line("tcp://h:1") == "tcp://h:1"


def test_a_sweep_of_less_than_a_step_still_has_both_its_ends() -> None:
    assert FrequencySweep(100.0, 50.0, 1).frequencies_Hz().tolist() == [100.0, 50.0]
    assert FrequencySweep(100.0, 100.0).frequencies_Hz().tolist() == [100.0]
