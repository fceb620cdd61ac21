"""Spectra of the simulator before labctl's own Kramers-Kronig test: clean ones pass, a drifting cell is seen (EI-4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labctl.analysis.eis.kk import lin_kk

Make = Callable[..., Any]
EIGHT = ["LIQ-P", "LIQ-Z", "PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z"]


@pytest.mark.parametrize("variant", EIGHT)
def test_a_good_spectrum_of_every_reference_cell_leaves_less_than_half_a_percent(
    wire: Make, spectrum: Make, variant: str
) -> None:
    cell = {"cell_id": "A", "variant": variant, "x": 0.5, "temperature_degC": 60.0}
    chamber = {"name": "box", "air_degC": 60, "setpoint_degC": 60, "on": True, "profile": "ideal"}
    link = wire(
        model="nexus1", eis_max_Hz=1e6, profile="calibrated", effects={"range_gain": 0},
        cell="A", cells=[{**cell, "chamber": "box"}], chambers=[chamber],
    )  # fmt: skip
    bias = f"{round(link.truth()['cell']['ocv_V'] * 1e6)}u"
    said = link.run(spectrum(first="1M", points=71, bias=bias, ranges="1n 1"))
    tested = lin_kk(*said.spectrum)
    assert tested.rms < 0.005 and not tested.drifting


@pytest.mark.parametrize("noise", [0.001, 0.003])
@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_the_check_flags_a_drift_of_a_fifth_and_is_silent_without(
    wire: Make, spectrum: Make, noise: float, drift: float
) -> None:
    link = wire(dummy="D1", effects={"noise": noise, "drift": drift, "drift_series": drift})
    tested = lin_kk(*link.run(spectrum()).spectrum)
    assert tested.drifting is (drift > 0.0) and tested.passed is (drift == 0.0)
