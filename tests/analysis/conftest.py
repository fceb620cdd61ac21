"""Spectra of the reference cells at any age, with noise, beside what the cells are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec

from labctl.model.spectrum import ComplexArray, FloatArray, Spectrum, SpectrumHead

FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)


@dataclass(frozen=True, slots=True)
class Reference:
    """One cell at one age: its spectrum as measured and the resistances behind it in ohm."""

    spectrum: Spectrum
    bulk_ohm: float
    sei_ohm: float
    ct_ohm: float

    @property
    def z_ohm(self) -> ComplexArray:
        return self.spectrum.z_ohm


def noisy(z_ohm: ComplexArray, noise: float, seed: int) -> ComplexArray:
    """Return Z with Z' and Z'' each off by a normal fraction (potentiostat.md 3.3)."""
    off = 1.0 + noise * np.random.default_rng(seed).standard_normal((2, len(z_ohm)))
    return z_ohm.real * off[0] + 1j * z_ohm.imag * off[1]


def aged(name: str, throughput_mAh_cm2: float, shorted: bool = False) -> Cell:
    """Return a reference cell, full cells half charged, after so much charge."""
    cell = Cell(CellSpec(name, name, x=0.5))
    cell.state = replace(cell.state, throughput_mAh_cm2=throughput_mAh_cm2, shorted=shorted)
    return cell


@cache
def _reference(
    name: str, throughput_mAh_cm2: float, noise: float, seed: int, shorted: bool, cycle: int | None
) -> Reference:
    cell = aged(name, throughput_mAh_cm2, shorted)
    variant, moment = cell.variant, cell.moment()
    z_ohm = cell.impedance(FREQUENCY_Hz)
    head = SpectrumHead(cell_id=name, cycle=cycle, area_cm2=cell.area_cm2, ocv_before_V=cell.ocv_V)
    growth = variant.growth(throughput_mAh_cm2)
    fade = variant.positive.fade(throughput_mAh_cm2) ** -variant.positive.resistance_power
    interface = fade / cell.area_cm2 if cell.circuit.full else 1.0 / cell.area_cm2
    return Reference(
        Spectrum.of(FREQUENCY_Hz, noisy(z_ohm, noise, seed) if noise else z_ohm, head),
        moment.bulk_ohm,
        variant.sei.resistance_ohm_cm2 * growth[0] * interface,
        variant.ct.resistance_ohm_cm2 * growth[1] * interface,
    )


@pytest.fixture
def reference() -> Callable[..., Reference]:
    """Return a maker of reference spectra."""

    def make(
        name: str,
        throughput_mAh_cm2: float = 0.0,
        *,
        noise: float = 0.001,
        seed: int = 1,
        shorted: bool = False,
        cycle: int | None = None,
    ) -> Reference:
        return _reference(name, throughput_mAh_cm2, noise, seed, shorted, cycle)

    return make


@pytest.fixture
def drifting() -> Callable[[str, float], tuple[FloatArray, ComplexArray]]:
    """Return a maker of spectra whose cell grows by a fraction during the sweep, timed by potentiostat.md 3.2."""

    def make(name: str, fraction: float) -> tuple[FloatArray, ComplexArray]:
        slow = np.where(FREQUENCY_Hz >= 1.0, 0.29 + 3.5 / FREQUENCY_Hz, 7.8 / FREQUENCY_Hz)
        passed_s = np.cumsum(np.where(FREQUENCY_Hz >= 100.0, 0.33, slow))
        cable_ohm = 2j * np.pi * FREQUENCY_Hz * 0.4e-6
        grown = 1.0 + fraction * passed_s / passed_s[-1]
        z_ohm = cable_ohm + (aged(name, 0.0).impedance(FREQUENCY_Hz) - cable_ohm) * grown
        return FREQUENCY_Hz, noisy(z_ohm, 0.001, 3)

    return make
