"""Spectra through a 273A: lock-in and 1260 on its monitors show the plant's impedance within the instruments' limits.

The client here follows potentiostat.md 2.4.6 and 2.4.7 step by step and knows nothing of the simulator's codec.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import open_bench
from labctl_simulators.par273a.lockin import LOCKINS, SENSITIVITIES_V, unsettled

PAR, LOCKIN, FRA = 14, 12, 4


def d1_ohm(frequency_Hz: float) -> complex:
    """Return the dummy's impedance by its formula: 10 ohm + (100 ohm || 100 uF)."""
    return 10.0 + 100.0 / (1.0 + 2j * math.pi * frequency_Hz * 100.0 * 100e-6)


class Bus:
    """A client of the box on a bench in this process."""

    def __init__(self, **keys: Any) -> None:
        entry = {"name": "par", "kind": "par273a", "model": "273A", "profile": "ideal", "dummy": "D1",
                 "lockin": "7265", "fra": "1260", **keys}  # fmt: skip
        cells = [{"cell_id": "A", "variant": "LIQ-P", "chamber": "box"}] if "cell" in keys else []
        if "cell" in keys:
            del entry["dummy"]
        spec = {"labctl": "bench/1", "instruments": [], "cells": cells, "potentiostats": [entry],
                "chambers": [{"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True}]}  # fmt: skip
        self.bench = open_bench(spec)
        self.link: Any = self.bench.connect("par")
        self.send(b"++eos 3\n++eoi 1\n++auto 0\n++read_tmo_ms 3000\n")

    def send(self, data: bytes) -> bytes:
        return bytes(self.link.receive(data))

    def write(self, address: int, line: str) -> None:
        self.send(f"++addr {address}\n".encode() + line.replace("+", "\x1b+").encode() + b"\x1b\r\x1b\n\n")

    def ask(self, address: int, line: str) -> str:
        self.write(address, line)
        assert int(self.send(b"++spoll\n")) & 128, line
        return self.send(b"++read eoi\n").replace(b"\x00", b"").decode().strip()

    def wait(self, seconds: float) -> None:
        self.bench.advance_to(self.bench.now_s + seconds)

    def prepare(self, code: int, potential_mV: int = 0) -> None:
        for line in ("EXT 0", "MODE 2", "AR 0", f"I/E {code}", f"SETE {potential_mV}", "CELL 1", "EXT 1"):
            self.write(PAR, line)

    def lockin_point(self, frequency_Hz: float, n: int) -> complex:
        """Measure one point: A, then -B, five time constants each (TC n of the 7265)."""
        tc_s = LOCKINS["7265"].time_constants_s[n]
        self.write(LOCKIN, f"OF. {frequency_Hz:.6E}")
        self.write(LOCKIN, f"TC {n}")
        found_V = []
        for mode in (1, 2):
            self.write(LOCKIN, f"VMODE {mode}")
            self.wait(5.0 * tc_s)
            real, imaginary = self.ask(LOCKIN, "XY.").split(",")
            found_V.append(complex(float(real), float(imaginary)))
        range_A = 10.0 ** int(self.ask(PAR, "I/E"))
        return found_V[1] / found_V[0] / range_A  # -B is read, and the current is American

    def fra_point(self, frequency_Hz: float) -> tuple[float, complex, int]:
        mantissa, _, exponent = f"{frequency_Hz:.7E}".partition("E")
        self.write(FRA, f"FR{mantissa}E{int(exponent):+d}")
        self.write(FRA, f"IS{5.0 / frequency_Hz + 0.01:.4f}")
        self.write(FRA, "SI")
        self.wait(5.0 / frequency_Hz + 0.31)
        said = self.send(b"++read eoi\n").decode()
        assert said.endswith("\r\n")
        shown, real, imaginary, digit, limit = said.strip().split(",")
        assert (len(shown), len(real), len(imaginary), limit) == (14, 11, 11, "00")
        range_A = 10.0 ** int(self.ask(PAR, "I/E"))
        return float(shown), -complex(float(real), float(imaginary)) / range_A, int(digit)


# -- lock-in -----------------------------------------------------------------------------------------------


def test_a_lock_in_and_a_273a_show_the_dummy_by_its_formula() -> None:
    """PA-7, with all errors off."""
    bus = Bus()
    bus.prepare(-3)
    bus.write(LOCKIN, "OA. 0.01")
    for frequency_Hz, n in ((1e5, 7), (1e4, 7), (1e3, 8), (100.0, 11), (10.0, 14), (1.0, 17)):
        found_ohm = bus.lockin_point(frequency_Hz, n)
        assert abs(found_ohm / d1_ohm(frequency_Hz) - 1.0) < 2e-6, frequency_Hz


def test_a_range_change_in_mid_sweep_leaves_no_step_when_gain_errors_are_off_and_one_when_on() -> None:
    steps = {}
    for name, effects in (("off", {}), ("on", {"range_gain": 0.01})):
        bus = Bus(effects=effects)
        bus.prepare(-3)
        bus.write(LOCKIN, "OA. 0.01")
        before = bus.lockin_point(100.0, 11)
        bus.write(PAR, "I/E -2")
        steps[name] = abs(bus.lockin_point(100.0, 11) / before - 1.0)
    assert steps["off"] < 2e-6 < 2e-3 < steps["on"] < 0.02


def test_the_living_cell_answers_with_the_printed_table_of_its_model() -> None:
    """cell-models.md section 6, LIQ-P."""
    bus = Bus(cell="A")
    bus.prepare(-2)
    bus.write(LOCKIN, "OA. 0.01")
    table = ((1e5, 7, 6.372 + 0.027j), (1e3, 8, 11.481 - 12.735j), (10.0, 14, 110.103 - 27.629j))
    for frequency_Hz, n, wanted_ohm in table:
        assert bus.lockin_point(frequency_Hz, n) == pytest.approx(wanted_ohm, rel=1e-4, abs=1e-3)


def test_without_five_time_constants_the_lock_in_has_not_settled() -> None:
    bus = Bus()
    bus.prepare(-3)
    for line in ("OA. 0.002", "OF. 1000", "TC 14"):
        bus.write(LOCKIN, line)
    bus.wait(10.0)
    settled = bus.ask(LOCKIN, "MAG.")
    bus.write(LOCKIN, "OA. 0.004")
    assert bus.ask(LOCKIN, "MAG.") == settled
    bus.wait(2.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == pytest.approx(1.5 * float(settled), rel=1e-6)
    bus.wait(2.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == pytest.approx(2.0 * float(settled), rel=1e-6)
    bus.write(PAR, "I/E -2")
    bus.wait(4.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == pytest.approx(0.2 * float(settled), rel=1e-6)


def test_the_filters_step_response_is_that_of_moving_averages() -> None:
    dx = 1e-3
    box = np.full(round(1 / dx), dx)
    kernel = box
    for sections in (1, 2, 3, 4):
        response = np.cumsum(kernel)
        for passed in (0.3, 0.9, 1.5, 2.7):
            if passed < sections:
                left = 1.0 - response[round(passed / dx)]
                assert unsettled(passed, sections) == pytest.approx(left, abs=3e-3)
        assert unsettled(sections, sections) == 0.0 and unsettled(0.0, sections) == 1.0
        kernel = np.convolve(kernel, box)


def test_a_full_scale_too_small_clips_and_is_told_and_auto_sensitivity_mends_it() -> None:
    bus = Bus()
    bus.prepare(-3)
    for line in ("OA. 0.01", "OF. 1", "TC 7", "SEN 18"):
        bus.write(LOCKIN, line)
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "X.")) == pytest.approx(-1.25e-3) and SENSITIVITIES_V[18] == pytest.approx(
        1e-3
    )
    assert int(bus.ask(LOCKIN, "N")) > 0
    assert int(bus.send(b"++spoll\n")) & 16
    bus.write(LOCKIN, "AS")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == pytest.approx(10e-3 / 109.79 / 1e-3, rel=1e-3)
    assert bus.ask(LOCKIN, "N") == "0" and 18 < int(bus.ask(LOCKIN, "SEN")) < 27


def test_lock_in_words_answer_refuse_and_turn_the_phase() -> None:
    bus = Bus()
    assert bus.ask(LOCKIN, "ID") == "7265"
    assert bus.ask(LOCKIN, "OF.") == "1.000000E+03" and bus.ask(LOCKIN, "OA.") == "0.000000E+00"
    for line, bit in (
        ("OF. 3E5", 4),
        ("OA. 5.1", 4),
        ("OA. x", 4),
        ("SEN 28", 4),
        ("SEN 0", 4),
        ("FOO", 2),
        ("TC 29", 4),
    ):
        bus.write(LOCKIN, line)
        assert int(bus.send(b"++spoll\n")) & 7 == 1 | bit, line
    bus.write(LOCKIN, "TC 28")
    assert int(bus.send(b"++spoll\n")) == 1
    bus.write(LOCKIN, "TC 7")
    bus.prepare(-3)
    bus.write(LOCKIN, "OA. 0.01")
    bus.write(LOCKIN, "VMODE 2")
    bus.write(LOCKIN, "REFP. 90")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "PHA.")) == pytest.approx(90.0)  # -B, turned back by 90 degrees
    x, y = bus.ask(LOCKIN, "XY.").split(",")
    assert float(x) == pytest.approx(0.0, abs=1e-9) and float(y) == pytest.approx(0.01)
    bus.write(LOCKIN, "VMODE 3")
    bus.write(LOCKIN, "IMODE 1")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == 0.0


def test_nothing_comes_in_while_ext_is_off_or_the_cell_is() -> None:
    bus = Bus()
    bus.prepare(-3)
    for line in ("OA. 0.01", "TC 7", "VMODE 2"):
        bus.write(LOCKIN, line)
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == pytest.approx(0.01)
    bus.write(PAR, "EXT 0")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == 0.0
    bus.write(PAR, "EXT 1;CELL 0")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "MAG.")) == 0.0


def test_an_amplitude_beyond_the_range_overloads_the_273a_and_clamps_the_monitor() -> None:
    bus = Bus()
    bus.prepare(-4)
    for line in ("OA. 0.05", "OF. 1", "TC 7", "VMODE 1"):
        bus.write(LOCKIN, line)
    bus.wait(1.0)
    assert bus.ask(PAR, "OVER") == "1,1,0"
    # 2 V peak are 1.41 V rms: the lock-in ends before
    assert float(bus.ask(LOCKIN, "X.")) == pytest.approx(-1.25)


def test_noise_is_seeded_and_of_the_size_that_the_profile_says() -> None:
    shown = []
    for _ in range(2):
        bus = Bus(profile="calibrated")
        bus.prepare(-3)
        bus.write(LOCKIN, "OA. 0.01")
        shown.append([bus.lockin_point(1000.0, 8) for _ in range(25)])
    assert shown[0] == shown[1]
    off = np.array(shown[0]) / np.mean(shown[0]) - 1.0
    assert 3e-4 < float(np.std(off.real)) < 3e-3


def test_longer_integration_averages_noise_away_and_sees_less_of_the_mains() -> None:
    spread = {}
    for seconds in (0.1, 10.0):
        bus = Bus(effects={"voltage_noise": 1e-4})
        for word in ("OP2,1", "SO1,2", "VA1.0000000E-2", "FR1.0000000E+2", f"IS{seconds}"):
            bus.write(FRA, word)
        bus.prepare(-3)
        found = []
        for _ in range(25):
            bus.write(FRA, "SI")
            bus.wait(seconds + 0.1)
            found.append(float(bus.send(b"++read eoi\n").split(b",")[1]))
        spread[seconds] = np.std(found) / abs(np.mean(found))
    assert spread[0.1] == pytest.approx(1e-2 / math.sqrt(0.1), rel=0.5)
    assert spread[10.0] == pytest.approx(1e-2 / math.sqrt(10.0), rel=0.5)
    bus = Bus(effects={"mains_Hz": 50.0})
    for word in ("OP2,1", "SO1,2", "VA1.0000000E-2"):
        bus.write(FRA, word)
    bus.prepare(-3)
    for seconds, off in ((0.2, True), (1.0, False)):
        for word in ("FR5.5000000E+1", f"IS{seconds}", "SI"):
            bus.write(FRA, word)
        bus.wait(seconds + 0.1)
        _, real, imaginary, *_ = bus.send(b"++read eoi\n").decode().split(",")
        found_ohm = -complex(float(real), float(imaginary)) * 1e3
        assert (abs(found_ohm - d1_ohm(55.0)) > 0.1 * abs(d1_ohm(55.0))) is off


def test_a_galvanostat_shows_the_same_impedance() -> None:
    bus = Bus()
    for line in ("MODE 1", "SETI 0 -6", "I/E -3", "CELL 1", "EXT 1"):
        bus.write(PAR, line)
    bus.write(LOCKIN, "OA. 0.1")
    assert abs(bus.lockin_point(100.0, 11) / d1_ohm(100.0) - 1.0) < 2e-6
    bus.write(LOCKIN, "VMODE 1")
    bus.wait(1.0)
    assert float(bus.ask(LOCKIN, "X.")) == pytest.approx(
        0.1
    )  # the full scale for 1 V, of reduction as at EXT INPUT


@pytest.mark.parametrize(("end", "plain"), [("7270", b"\x00"), ("7230", b"\r")])
def test_the_ethernet_ports_of_a_lock_in_end_answers_as_told(end: str, plain: bytes) -> None:
    """LI-1: 50000 adds NUL, status and overload byte; 50001 the terminator alone; a set command answers it bare."""
    bus = Bus(lockin=end)
    status: Any = bus.bench.connect("par:lockin")
    bare: Any = bus.bench.connect("par:lockin-plain")
    assert status.receive(b"ID\x00") == end.encode() + b"\n\x00\x01\x00"
    assert status.receive(b"OA. 0.01\x00") == b"\x00\x01\x00"
    assert status.receive(b"FOO\x00") == b"\x00\x03\x00"
    assert bare.receive(b"OA.\x00") == b"1.000000E-02\n" + plain
    assert bare.receive(b"OA. 0.02\x00") == plain
    assert bus.ask(LOCKIN, "OA.") == "2.000000E-02"


# -- frequency response analyser ---------------------------------------------------------------------------


def test_a_1260_shows_the_dummy_within_its_five_digits() -> None:
    bus = Bus()
    for word in ("OP2,1", "SO1,2", "GT0", "VA1.0000000E-2"):
        bus.write(FRA, word)
    bus.prepare(-3)
    for frequency_Hz in (1e6, 1e5, 1e3, 100.0, 15.91549, 1.0):
        shown_Hz, found_ohm, digit = bus.fra_point(frequency_Hz)
        assert shown_Hz == pytest.approx(frequency_Hz, rel=1e-7) and digit == 0
        assert abs(found_ohm - d1_ohm(frequency_Hz)) < 1e-4 * abs(d1_ohm(frequency_Hz))


def test_a_result_comes_when_the_integration_ends_and_not_before() -> None:
    bus = Bus()
    for word in ("OP2,1", "FR10", "IS2", "MS1"):
        bus.write(FRA, word)
    bus.write(FRA, "SI")
    bus.wait(2.9)
    assert not int(bus.send(b"++spoll\n")) & 16
    bus.wait(0.2)
    assert int(bus.send(b"++spoll\n")) & 16
    assert bus.send(b"++read eoi\n").startswith(b"+1.0000000E+01,")


def test_a_late_answer_carries_the_frequency_of_the_point_before() -> None:
    """SO-1."""
    bus = Bus()
    for word in ("OP2,1", "SO1,2", "VA1.0000000E-2"):
        bus.write(FRA, word)
    bus.prepare(-3)
    assert bus.fra_point(1000.0)[0] == 1000.0
    assert bus.bench.admin({"do": "fault", "instrument": "par", "kind": "stale"})["ok"]
    assert bus.fra_point(100.0)[0] == 1000.0
    assert bus.fra_point(100.0)[0] == 100.0


@pytest.mark.parametrize(
    ("word", "bit"),
    [
        ("FR1.0000000E+03", 32),
        ("FRx", 32),
        ("FR4E7", 16),
        ("VA3.1", 16),
        ("XX1", 32),
        ("SO3,3", 16),
        ("F", 32),
    ],
)
def test_an_exponent_of_two_digits_and_other_slips_are_left_undone(word: str, bit: int) -> None:
    """SO-1: exponents sent have one digit."""
    bus = Bus()
    bus.write(FRA, "*CLS")
    bus.write(FRA, word)
    bus.write(FRA, "*ESR?")
    assert bus.send(b"++read eoi\n") == f"{bit}\r\n".encode()
    bus.write(FRA, "*ESR?")
    assert bus.send(b"++read eoi\n") == b"0\r\n"


def test_a_reset_takes_five_seconds_in_which_nothing_is_heard() -> None:
    bus = Bus()
    bus.write(FRA, "VA1")
    bus.write(FRA, "TT2")
    bus.write(FRA, "VA2")
    assert bus.bench.admin({"do": "truth", "slot": "par"})["generators"][1]["amplitude_V"] == 0.0
    bus.wait(5.0)
    bus.write(FRA, "*IDN?")
    assert bus.send(b"++read eoi\n") == b"SOLARTRON,1260,0,1.0\r\n"


def test_an_overload_of_an_input_shows_in_the_error_digit() -> None:
    bus = Bus()
    for word in ("OP2,1", "SO1,2", "VA5.0000000E-2"):
        bus.write(FRA, word)
    bus.prepare(-4)
    assert bus.fra_point(1.0)[2] == 2
    bus.write(PAR, "I/E -3")
    assert bus.fra_point(1.0)[2] == 0
    bus.write(FRA, "RA1,1")
    assert bus.fra_point(1.0)[2] == 1
    bus.write(FRA, "RA2,2")
    assert bus.fra_point(1.0)[2] == 2
    bus.write(FRA, "RA1,0")
    bus.write(FRA, "RA2,0")
    assert bus.fra_point(1.0)[2] == 0
    bus.write(PAR, "CELL 0")
    assert bus.fra_point(1.0)[1:] == (0, 2)  # nothing to divide by


def test_the_generators_bias_adds_to_the_set_potential() -> None:
    bus = Bus()
    bus.prepare(-3, 100)
    bus.write(FRA, "VB0.05")
    bus.wait(1.0)
    assert bus.ask(PAR, "READE") == "150"


def test_recycling_measures_again_and_again_until_a_single_one_is_asked() -> None:
    bus = Bus()
    for word in ("OP2,1", "FR100", "IS0.5", "RE"):
        bus.write(FRA, word)
    for _ in range(3):
        bus.wait(0.6)
        assert bus.send(b"++read eoi\n").startswith(b"+1.0000000E+02,")
