"""The bare model gives the outcomes of cell-models.md section 8 under the protocols of paper-protocols.md section 2.

A cycler of some thirty lines runs the protocols: ideal chain, limits at 0.1 s, records each 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec, Drive, first_beyond

REST_TICKS = 216_000


@dataclass(frozen=True)
class HalfCycle:
    """What a cycler keeps of a half-cycle. ``start_h`` counts from the end of the opening rest."""

    start_h: float
    end_h: float
    charge_Ah: float
    mean_V: float
    last_minute_V: float
    end_V: float
    peak_V: float


class BareCycler:
    """Run constant-current steps on one cell, without an instrument."""

    def __init__(self, spec: CellSpec) -> None:
        self.cell = Cell(spec)
        self.air_degC = self.cell.variant.reference_degC
        self.ticks = 0
        self._run(Drive.rest(), 0, REST_TICKS, None)
        self.ticks = 0

    def half_cycle(
        self,
        current_A: float,
        *,
        seconds: float,
        capacity_Ah: float | None = None,
        until_V: float | None = None,
    ) -> HalfCycle:
        """Run one half-cycle to its capacity, its voltage limit or its time."""
        end_ticks = round(seconds * 10)
        if capacity_Ah is not None:
            end_ticks = min(end_ticks, int(np.ceil(capacity_Ah * 36_000 / abs(current_A) * (1 - 1e-9))))
        start = self.ticks
        times, records = self._run(Drive.cc(current_A), 1 if current_A > 0 else -1, end_ticks, until_V)
        hours = (self.ticks - start) / 36_000
        mean_V = (
            float(np.trapezoid(records, times) / (times[-1] - times[0])) if len(times) > 1 else records[0]
        )
        return HalfCycle(
            start / 36_000, self.ticks / 36_000, abs(current_A) * hours, mean_V,
            float(records[-6:].mean()), float(records[-1]), float(np.abs(records).max()),
        )  # fmt: skip

    def _run(
        self, drive: Drive, sign: int, end_ticks: int, until_V: float | None
    ) -> tuple[np.ndarray, np.ndarray]:
        self.cell.begin_step(sign)
        done, reached, times, records = 0, False, [], []
        while done < end_ticks and not reached:
            chunk = self.cell.plan(drive, self.air_degC, end_ticks - done)
            hit = None if until_V is None else first_beyond(chunk, 1, chunk.ticks, until_V, above=sign > 0)
            ticks, reached = (chunk.ticks, False) if hit is None else (hit, True)
            grid = np.arange(-done % 100 or 100, ticks + 1, 100)
            last = reached or done + ticks == end_ticks
            if last and (not len(grid) or grid[-1] != ticks):
                grid = np.append(grid, ticks)
            times.append(done + grid)
            records.append(chunk.voltage_V(grid))
            self.cell.commit(chunk, ticks, self.air_degC)
            done += ticks
        self.ticks += done
        return np.concatenate(times), np.concatenate(records)


@cache
def symmetric(
    name: str, J_mA_cm2: float, q_mAh_cm2: float, hours: float, seed: int | None = None
) -> list[HalfCycle]:
    """Run P1, P2 or P3 with the currents of paper-protocols.md section 1; stop at the short."""
    current_A = {1.0: 0.785398e-3, 3.0: 2.356194e-3, 0.1: 78.540e-6}[J_mA_cm2]
    cycler = BareCycler(CellSpec("c", name, seed=seed))
    rows: list[HalfCycle] = []
    while not rows or (rows[-1].end_h < hours and not (cycler.cell.shorted and rows[-1].peak_V < 0.02)):
        sign = -1 if len(rows) % 2 else 1
        capacity_Ah = q_mAh_cm2 / J_mA_cm2 * current_A
        rows.append(cycler.half_cycle(sign * current_A, seconds=7200, capacity_Ah=capacity_Ah))
    return rows


def life_h(rows: list[HalfCycle], J_mA_cm2: float) -> float:
    """Return when the first half-cycle below 10 Ohm cm2 (mean of its last minute) begins."""
    for row in rows:
        if abs(row.last_minute_V) / (J_mA_cm2 * 1e-3) < 10.0:
            return row.start_h
    raise AssertionError("the cell is alive")


def end_mV(rows: list[HalfCycle], hour: float) -> float:
    return next(abs(row.end_V) * 1e3 for row in rows if row.end_h >= hour - 1e-3)


def test_pristine_lithium_at_1_mA_per_cm2_shorts_at_160_h() -> None:
    rows = symmetric("LIQ-P", 1.0, 1.0, 200.0)
    assert life_h(rows, 1.0) == pytest.approx(160.0, abs=1.0)
    assert abs(rows[-1].end_V) == pytest.approx(5e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("hour", "expected_mV"),
    [(1, 128.5), (4, 116.2), (20, 116.5), (50, 151.2), (100, 276.2), (120, 399.3), (150, 1150.0)],
)
def test_pristine_lithium_polarises_as_tabled(hour: float, expected_mV: float) -> None:
    assert end_mV(symmetric("LIQ-P", 1.0, 1.0, 200.0), hour) == pytest.approx(expected_mV, rel=0.02)


def test_pristine_lithium_passes_one_volt_at_148_h() -> None:
    rows = symmetric("LIQ-P", 1.0, 1.0, 200.0)
    assert next(row.end_h for row in rows if abs(row.end_V) > 1.0) == pytest.approx(148.0, abs=1.0)


def test_coated_lithium_at_1_mA_per_cm2_stays_below_250_mV_and_lives_500_h() -> None:
    rows = symmetric("LIQ-Z", 1.0, 1.0, 700.0)
    assert max(row.peak_V for row in rows if row.end_h <= 500.1) == pytest.approx(0.1765, abs=0.002)
    assert life_h(rows, 1.0) == pytest.approx(680.0, abs=1.0)


def test_pristine_lithium_at_3_mA_per_cm2_lives_less_than_60_h() -> None:
    rows = symmetric("LIQ-P", 3.0, 1.0, 80.0)
    assert life_h(rows, 3.0) == pytest.approx(53.3, abs=0.4)
    assert next(row.end_h for row in rows if row.peak_V > 5.0) == pytest.approx(51.7, abs=0.4)


def test_coated_lithium_at_3_mA_per_cm2_lives_more_than_200_h() -> None:
    assert life_h(symmetric("LIQ-Z", 3.0, 1.0, 300.0), 3.0) == pytest.approx(226.7, abs=0.7)


def test_peo_pristine_rises_from_35_to_180_mV_and_shorts_at_150_h() -> None:
    rows = symmetric("PEO-P", 0.1, 0.1, 200.0)
    assert end_mV(rows, 1.0) == pytest.approx(35.0, abs=0.5)
    healthy = [row for row in rows if row.end_h < 150.0 - 1e-3]
    assert abs(healthy[-1].end_V) * 1e3 == pytest.approx(180.5, abs=3.0)
    assert life_h(rows, 0.1) == pytest.approx(150.5, abs=1.5)


def test_peo_coated_stays_between_60_and_67_mV_for_900_h() -> None:
    rows = symmetric("PEO-Z", 0.1, 0.1, 1100.0)
    assert end_mV(rows, 1.0) == pytest.approx(60.0, abs=0.5)
    assert end_mV(rows, 20.0) == pytest.approx(66.0, abs=1.0)
    assert end_mV(rows, 900.0) == pytest.approx(66.6, abs=1.0)
    assert life_h(rows, 0.1) == pytest.approx(1050.0, abs=1.5)


@cache
def full(name: str, cycles: int, seed: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Run P4 or P5. Return discharge and charge capacities (mAh/g), mean V difference, hours with the rest."""
    cycler = BareCycler(CellSpec("c", name, seed=seed))
    mass_g = cycler.cell.circuit.active_mass_mg * 1e-3
    charges, discharges, gaps_V = [], [], []
    for _ in range(cycles):
        if name.startswith("LTO"):
            discharge = cycler.half_cycle(-0.412334e-3, seconds=3600, until_V=1.0)
            charge = cycler.half_cycle(0.412334e-3, seconds=3600, until_V=3.0)
        else:
            charge = cycler.half_cycle(78.540e-6, seconds=14_400, until_V=3.8)
            discharge = cycler.half_cycle(-78.540e-6, seconds=14_400, until_V=3.0)
        charges.append(charge.charge_Ah * 1e3 / mass_g)
        discharges.append(discharge.charge_Ah * 1e3 / mass_g)
        gaps_V.append(charge.mean_V - discharge.mean_V)
    return np.array(discharges), np.array(charges), np.array(gaps_V), cycler.ticks / 36_000 + 6.0


def test_lto_pristine_loses_two_thirds_in_500_cycles() -> None:
    discharge, _, _, _ = full("LTO-P", 500)
    assert discharge[0] == pytest.approx(159.7, abs=0.5)
    assert discharge[499] / discharge[0] == pytest.approx(0.356, abs=0.01)


def test_lto_coated_activates_and_then_keeps_85_percent_of_its_maximum() -> None:
    discharge, _, _, _ = full("LTO-Z", 500)
    assert discharge[0] == pytest.approx(134.6, abs=0.5)
    assert discharge.max() == pytest.approx(155.5, abs=0.5)
    assert discharge.argmax() + 1 <= 15
    assert discharge[499] == pytest.approx(132.3, abs=0.5)
    assert discharge[499] / discharge.max() == pytest.approx(0.851, abs=0.005)


def test_coated_lto_polarises_less_at_cycle_200() -> None:
    pristine_V, coated_V = full("LTO-P", 500)[2][199], full("LTO-Z", 500)[2][199]
    assert (pristine_V, coated_V) == pytest.approx((0.344, 0.181), abs=0.004)
    assert pristine_V / coated_V > 1.5


def test_lfp_pristine_leaks_from_cycle_21_on() -> None:
    discharge, charge, _, _ = full("LFP-P", 150, 11)
    efficiency_pct = 100 * discharge / charge
    assert discharge[0] == pytest.approx(158.2, abs=0.5)
    assert discharge[149] / discharge[0] == pytest.approx(0.612, abs=0.005)
    assert efficiency_pct.mean() == pytest.approx(81.2, abs=1.5)
    assert efficiency_pct[1:20].std() < 0.5
    assert efficiency_pct[24:].std() > 3.0


@pytest.mark.parametrize("seed", [7, 11, None])
def test_lfp_coated_keeps_90_percent_at_99_7_percent_efficiency(seed: int | None) -> None:
    discharge, charge, _, _ = full("LFP-Z", 150, seed)
    assert discharge[0] == pytest.approx(153.2, abs=0.5)
    assert discharge[149] == pytest.approx(138.1, abs=0.5)
    assert discharge[149] / discharge[0] == pytest.approx(0.901, abs=0.005)
    assert (100 * discharge / charge).mean() == pytest.approx(99.7, abs=0.05)


@pytest.mark.parametrize(
    ("name", "cycles", "hours"),
    [("LTO-P", 500, 291), ("LTO-Z", 500, 413), ("LFP-P", 150, 477), ("LFP-Z", 150, 514)],
)
def test_reference_runs_last_as_long_as_stated(name: str, cycles: int, hours: float) -> None:
    seed = 11 if name == "LFP-P" else None
    assert full(name, cycles, seed)[3] - 6.0 == pytest.approx(hours, rel=0.005)


@pytest.mark.slow
def test_over_seeds_lfp_pristine_ends_at_61_8_percent_and_81_2_percent_efficiency() -> None:
    retention, efficiency = [], []
    for seed in range(40):
        discharge, charge, _, _ = full("LFP-P", 150, seed)
        retention.append(100 * discharge[149] / discharge[0])
        efficiency.append(float((100 * discharge / charge).mean()))
    assert np.mean(retention) == pytest.approx(61.8, abs=2.0)
    assert np.std(retention) == pytest.approx(2.8, abs=1.0)
    assert np.mean(efficiency) == pytest.approx(81.2, abs=0.4)


@pytest.mark.slow
def test_over_200_seeds_liquid_pristine_lives_159_8_h_give_or_take_6_2_h() -> None:
    lives_h = [life_h(symmetric("LIQ-P", 1.0, 1.0, 250.0, seed), 1.0) for seed in range(200)]
    assert np.mean(lives_h) == pytest.approx(159.8, abs=1.0)
    assert np.std(lives_h) == pytest.approx(6.2, abs=0.8)


def test_over_1000_seeds_coated_lithium_at_3_mA_per_cm2_lives_200_h_but_for_one() -> None:
    lives_h = np.array([Cell(CellSpec("c", "LIQ-Z", seed=seed)).short_mAh_cm2 / 3.0 for seed in range(1000)])
    assert np.sum(lives_h <= 200.0) <= 2
    one_mA_lives_h = 3.0 * lives_h
    assert (one_mA_lives_h > 500.0).all()
