"""A cell from the cycler shows on the potentiostat what it has lived through (cell-models.md 3 and 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import open_bench

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("variant", "throughput_mAh_cm2", "real_ohm"),
    [("LIQ-P", 100.0, 290), ("LIQ-P", 150.0, 1213), ("LIQ-Z", 100.0, 97), ("LIQ-Z", 500.0, 195)],
)
def test_the_real_part_at_a_tenth_of_a_hertz_is_that_of_the_stated_age(
    wire: Make, spectrum: Make, variant: str, throughput_mAh_cm2: float, real_ohm: float
) -> None:
    chamber = {"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True, "profile": "ideal"}
    link = wire(cells=[{"cell_id": "A", "variant": variant, "chamber": "box"}], chambers=[chamber])
    cell = link.bench.parts.cells["A"].cell
    cell.state = replace(cell.state, throughput_mAh_cm2=throughput_mAh_cm2)
    assert link.admin("cell.place", cell="A", to="ps")["ok"]
    found_ohm = link.run(spectrum(first="1", points=2)).spectrum[1][-1].real
    assert found_ohm == pytest.approx(real_ohm, abs=0.6)


def test_cycles_on_the_cycler_are_seen_in_the_spectrum_afterwards(spectrum: Make) -> None:
    spec = {
        "labctl": "bench/1",
        "seed": 7,
        "instruments": [{"name": "neware", "units": [{"unit": 1, "model": "5V10mA", "channels": 1}]}],
        "cells": [{"cell_id": "A", "variant": "LIQ-P", "slot": "1-1"}],
        "history": [{"slot": "1-1", "start_s": -43200, "steps": "past_finished.xml"}],
        "potentiostats": [{"name": "ps", "model": "es4_hr", "profile": "ideal"}],
    }
    bench = open_bench(spec)
    assert bench.admin({"do": "cell.place", "cell": "A", "to": "ps"})["ok"]
    told = bench.admin({"do": "truth", "slot": "ps"})["cell"]
    assert told["throughput_mAh_cm2"] > 0.5 and told["half_cycles"] >= 2
    link = bench.connect("ps")
    said = link.receive(f"e\n{spectrum(first='10', last='10', points=1)}\n".encode())
    bench.advance_to(10.0)
    package = (said + link.receive(b"")).decode().split("\n")[2]
    shown = [
        (int(part[2:9], 16) - 2**27) * {"u": 1e-6, "n": 1e-9}[part[9]] for part in package.split(";")[1:]
    ]
    true_ohm = bench.parts.cells["A"].cell.impedance(np.array([10.0]))[0]
    assert complex(*shown) == pytest.approx(true_ohm, rel=1e-5)


def test_a_shorted_cell_is_its_resistor_behind_the_cable(wire: Make, spectrum: Make) -> None:
    link = wire(cells=[{"cell_id": "A", "variant": "LIQ-P"}])
    cell = link.bench.parts.cells["A"].cell
    cell.state = replace(cell.state, shorted=True)
    link.admin("cell.place", cell="A", to="ps")
    frequency_Hz, impedance_ohm = link.run(spectrum(points=13)).spectrum
    assert impedance_ohm.real == pytest.approx(5.0 / cell.area_cm2, rel=1e-5)
    assert impedance_ohm.imag == pytest.approx(2 * np.pi * frequency_Hz * 0.4e-6, rel=1e-5, abs=1e-9)
