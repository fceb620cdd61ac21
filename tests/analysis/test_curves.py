"""Voltage curves, dQ/dV, thinning for drawing, and spreads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.analysis.curves import Curve, curve, thinned
from labctl.analysis.cycles import cycles, half_cycles
from labctl.analysis.dqdv import dqdv, gaussian
from labctl.analysis.statistics import over_cycles, spread
from labctl.errors import UserInputError
from labctl.model.cell import CellKind
from labctl.testing.rowbuilder import RowBuilder, facts_of


def test_a_curve_joins_the_charge_of_its_steps_and_leaves_rests_out() -> None:
    run = RowBuilder().rest(60.0, 3.0)
    run.charge(1800.0, 2e-3, 3.4).rest(600.0, 3.35).charge(1800.0, 1e-3, 3.6).discharge(60.0, 1e-3, 3.3)
    block = run.block()
    half = half_cycles(block, facts_of(CellKind.LFP_LI))
    found = curve(block, int(half["first_sequence"][0]), int(half["last_sequence"][0]))
    assert found.capacity_Ah[0] == 0.0
    assert found.capacity_Ah[-1] == pytest.approx(1.5e-3, rel=1e-12)
    assert set(found.voltage_V) == {3.4, 3.6}
    assert (np.diff(found.capacity_Ah) >= 0.0).all()


def test_dqdv_of_a_straight_line_is_its_slope_and_negative_for_a_discharge() -> None:
    capacity_Ah = np.linspace(0.0, 1e-3, 500)
    charge = Curve(capacity_Ah, 3.0 + 0.5 * capacity_Ah / 1e-3)
    discharge = Curve(capacity_Ah, 3.5 - 0.5 * capacity_Ah / 1e-3)
    np.testing.assert_allclose(dqdv(charge).dqdv_Ah_per_V, 2e-3, rtol=1e-9)
    np.testing.assert_allclose(dqdv(discharge).dqdv_Ah_per_V, -2e-3, rtol=1e-9)


@given(
    steps_V=st.lists(st.floats(-0.004, 0.02), min_size=20, max_size=200),
    step_V=st.sampled_from([0.002, 0.005, 0.01]),
)
def test_the_area_under_an_unsmoothed_dqdv_is_the_charge_between_its_edges(
    steps_V: list[float], step_V: float
) -> None:
    voltage_V = 3.0 + np.cumsum(np.array(steps_V))
    found = dqdv(Curve(np.linspace(0.0, 1.0, len(voltage_V)), voltage_V), step_V=step_V, smoothing_V=0.0)
    assert (found.dqdv_Ah_per_V >= -1e-12).all() or voltage_V[-1] < voltage_V[0]
    assert abs(float(found.dqdv_Ah_per_V.sum()) * step_V) <= 1.0 + 1e-9


def test_a_plateau_gives_one_peak_whose_area_is_its_charge() -> None:
    capacity_Ah = np.linspace(0.0, 1.0, 2001)
    voltage_V = 3.2 + 0.2 * capacity_Ah + 0.2 / (1.0 + np.exp(-(capacity_Ah - 0.5) / 0.002))
    found = dqdv(Curve(capacity_Ah, voltage_V[::1]), step_V=0.002, smoothing_V=0.004)
    assert (found.step_V, found.smoothing_V) == (0.002, 0.004)
    area_Ah = float(found.dqdv_Ah_per_V.sum()) * found.step_V
    assert area_Ah == pytest.approx(1.0, abs=0.02)


def test_smoothing_keeps_a_constant_and_the_ends() -> None:
    np.testing.assert_allclose(gaussian(np.full(50, 3.0), 4.0), 3.0, rtol=1e-12)
    np.testing.assert_array_equal(gaussian(np.arange(5.0), 0.0), np.arange(5.0))
    assert len(gaussian(np.arange(3.0), 40.0)) == 3


def test_dqdv_of_nothing_is_nothing_and_of_nonsense_an_error() -> None:
    assert len(dqdv(Curve(np.empty(0), np.empty(0))).voltage_V) == 0
    assert len(dqdv(Curve(np.array([0.0, 1.0]), np.array([3.0, 3.001]))).voltage_V) == 0
    with pytest.raises(UserInputError, match="step above 0 V"):
        dqdv(Curve(np.array([0.0, 1.0]), np.array([3.0, 4.0])), step_V=0.0)
    with pytest.raises(UserInputError, match="widen the step"):
        dqdv(Curve(np.array([0.0, 1.0]), np.array([3.0, 4.0])), step_V=1e-9)


@given(
    values=st.lists(st.floats(-10, 10), min_size=1, max_size=3000), columns=st.integers(1, 50),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_thinning_keeps_extremes_ends_and_order(values: list[float], columns: int, seed: int) -> None:
    y = np.array(values)
    x = np.cumsum(np.random.default_rng(seed).random(len(y)))
    thin_x, thin_y = thinned(x, y, columns)
    assert len(thin_x) <= max(4 * columns, 1)
    assert (thin_x[0], thin_y[0], thin_x[-1], thin_y[-1]) == (x[0], y[0], x[-1], y[-1])
    assert (thin_y.min(), thin_y.max()) == (y.min(), y.max())
    assert (np.diff(thin_x) >= 0.0).all()


def test_thinning_a_long_series_keeps_a_single_spike() -> None:
    x, y = np.arange(200_000.0), np.zeros(200_000)
    y[123_456] = 1.0
    thin_x, thin_y = thinned(x, y, 500)
    assert len(thin_x) <= 2000
    assert thin_x[thin_y == 1.0].tolist() == [123_456.0]


def test_a_spread_leaves_unknown_values_out() -> None:
    found = spread(np.array([1.0, np.nan, 3.0]))
    assert (found.count, found.mean, found.least, found.largest) == (2, 2.0, 1.0, 3.0)
    assert found.std == pytest.approx(math.sqrt(2.0))
    assert spread(np.array([np.nan])).count == 0
    assert math.isnan(spread(np.array([5.0])).std)


def test_values_over_cycles_are_those_of_complete_cycles_only() -> None:
    run = RowBuilder()
    for minutes in (60, 54, 48):
        run.charge(3600.0, 1e-3, 3.5).discharge(minutes * 60.0, 1e-3, 3.4)
    table = cycles(run.block(), facts_of(CellKind.LFP_LI), ended=False)
    np.testing.assert_allclose(over_cycles(table, "coulombic_efficiency", 1, 3), [1.0, 0.9])
