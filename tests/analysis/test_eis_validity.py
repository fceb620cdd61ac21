"""Slips and bad points, each planted and each found; good spectra without a finding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eis.cell import Outcome, analyse
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.kk import lin_kk
from labctl.analysis.eis.validity import Finding, FindingKind, findings, inductive, slip_of, usable
from labctl.model.spectrum import PointFlag, Spectrum, SpectrumHead

CELLS = ("LIQ-P", "LIQ-Z", "PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z")
AMPLITUDE_V = 0.01
Maker = Callable[..., Any]


def measured(spectrum: Spectrum) -> Spectrum:
    """Return the spectrum with the voltage, current and range it would have been measured with."""
    size = np.full(len(spectrum), AMPLITUDE_V)
    return replace(
        spectrum,
        e_ac_rms_V=size,
        i_ac_rms_A=size / np.abs(spectrum.z_ohm),
        range_A=np.full(len(spectrum), 2e-3),
        head=replace(spectrum.head, amplitude_rms_V=AMPLITUDE_V),
    )


def kinds(found: tuple[Finding, ...]) -> set[FindingKind]:
    return {one.kind for one in found} - {FindingKind.INDUCTIVE}


@pytest.mark.parametrize("age_mAh_cm2", [0.0, 10.0])
@pytest.mark.parametrize("cell", CELLS)
def test_a_good_spectrum_has_nothing_wrong_but_its_cable(
    cell: str, age_mAh_cm2: float, reference: Maker
) -> None:
    spectrum = measured(reference(cell, age_mAh_cm2, noise=0.003).spectrum)
    found = findings(spectrum, lin_kk(spectrum.frequency_Hz, spectrum.z_ohm))
    assert kinds(found) == set()
    assert len(found[0].points) >= 5  # 1 MHz to 400 kHz at least show the cable
    assert not found[0].grave


@pytest.mark.parametrize("cell", CELLS)
def test_a_planted_sign_is_found_and_nothing_is_fitted(cell: str, reference: Maker) -> None:
    good = measured(reference(cell).spectrum)
    result = analyse(replace(good, z_ohm=good.z_ohm.conj()))
    assert kinds(result.findings) == {FindingKind.SIGN}
    assert result.outcome is Outcome.REFUSED and result.fit is None
    assert "Z'' is signed here" in result.reason


def test_a_turned_current_is_found(reference: Maker) -> None:
    good = reference("LIQ-P").spectrum
    result = analyse(replace(good, z_ohm=-good.z_ohm))
    assert FindingKind.POLARITY in kinds(result.findings)
    assert result.outcome is Outcome.REFUSED


@pytest.mark.parametrize("factor", [math.sqrt(2.0), math.sqrt(0.5)])
def test_a_current_counted_as_peak_is_found_by_voltage_and_current(factor: float, reference: Maker) -> None:
    good = measured(reference("LIQ-P").spectrum)
    result = analyse(replace(good, z_ohm=good.z_ohm * factor))
    assert kinds(result.findings) == {FindingKind.AMPLITUDE_KIND}
    assert result.outcome is Outcome.REFUSED
    assert "rms and peak were mixed up in voltage and current" in result.reason


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_milliamperes_taken_for_amperes_are_found_by_voltage_and_current(
    factor: float, reference: Maker
) -> None:
    good = measured(reference("PEO-P").spectrum)
    result = analyse(replace(good, z_ohm=good.z_ohm * factor, head=replace(good.head, area_cm2=math.nan)))
    assert kinds(result.findings) == {FindingKind.UNIT}
    assert "milli was lost or added" in result.reason


@pytest.mark.parametrize("factor", [1e3, 1e-3])
@pytest.mark.parametrize("cell", CELLS)
def test_milliamperes_taken_for_amperes_are_found_by_the_area_alone(
    cell: str, factor: float, reference: Maker
) -> None:
    good = reference(cell).spectrum
    result = analyse(replace(good, z_ohm=good.z_ohm * factor))
    assert kinds(result.findings) == {FindingKind.UNIT}
    assert "ohm cm2" in result.reason


def test_milliamperes_taken_for_amperes_are_found_by_the_range(reference: Maker) -> None:
    good = measured(reference("LIQ-P").spectrum)
    slipped = replace(good, i_ac_rms_A=good.i_ac_rms_A * 1e3, e_ac_rms_V=good.e_ac_rms_V * 1e3)
    assert any("full scale" in one.text and one.grave for one in findings(slipped))


@pytest.mark.parametrize(
    ("factor", "kind"),
    [
        (math.sqrt(2.0), FindingKind.AMPLITUDE_KIND),
        (math.sqrt(0.5), FindingKind.AMPLITUDE_KIND),
        (1e3, FindingKind.UNIT),
        (1e-3, FindingKind.UNIT),
    ],
)
def test_a_factor_against_the_spectrum_before_is_found_without_any_column(
    factor: float, kind: FindingKind, reference: Maker
) -> None:
    before = analyse(reference("LIQ-P", 40.0).spectrum)
    later = reference("LIQ-P", 40.0, seed=2).spectrum
    bare = replace(later, z_ohm=later.z_ohm * factor, head=replace(later.head, area_cm2=math.nan))
    result = analyse(bare, before=before)
    assert kinds(result.findings) == {kind}
    assert "spectrum before, at every frequency" in result.reason


def test_a_cell_that_has_grown_by_as_much_is_no_slip(reference: Maker) -> None:
    before = analyse(reference("PEO-P", 0.0).spectrum)
    assert analyse(reference("PEO-P", 4.0).spectrum, before=before).outcome is Outcome.FITTED


@pytest.mark.parametrize("factor", [math.sqrt(2.0), 1e3])
def test_an_amplitude_that_was_not_asked_for_is_told_and_the_fit_goes_on(
    factor: float, reference: Maker
) -> None:
    good = measured(reference("LIQ-Z").spectrum)
    other = replace(good, head=replace(good.head, amplitude_rms_V=AMPLITUDE_V / factor))
    result = analyse(other)
    assert len(kinds(result.findings)) == 1
    assert result.outcome is Outcome.FITTED


def test_voltage_and_current_of_another_spectrum_are_found(reference: Maker) -> None:
    good = measured(reference("LIQ-P").spectrum)
    found = findings(replace(good, z_ohm=good.z_ohm * 1.9))
    assert any("do not belong to this impedance" in one.text and one.grave for one in found)


@pytest.mark.parametrize(
    ("ratio", "kind"),
    [
        (1.0, None),
        (1.05, None),
        (1.2, None),
        (2.0, None),
        (math.nan, None),
        (0.0, None),
        (1.41, FindingKind.AMPLITUDE_KIND),
        (0.71, FindingKind.AMPLITUDE_KIND),
        (1000.0, FindingKind.UNIT),
        (1414.0, FindingKind.UNIT),
        (0.00071, FindingKind.UNIT),
    ],
)
def test_factors_are_told_apart(ratio: float, kind: FindingKind | None) -> None:
    assert slip_of(ratio) is kind


@pytest.mark.parametrize(
    ("flag", "kind", "left_out"),
    [
        (PointFlag.OVERLOAD_I, FindingKind.OVERLOAD, True),
        (PointFlag.OVERLOAD_E, FindingKind.OVERLOAD, True),
        (PointFlag.OUTSIDE_CONTOUR, FindingKind.OUTSIDE_CONTOUR, True),
        (PointFlag.UNDERLOAD, FindingKind.UNDERLOAD, False),
        (PointFlag.TIMING, FindingKind.TIMING, False),
    ],
)
def test_points_that_the_instrument_doubts_are_told_by_place(
    flag: PointFlag, kind: FindingKind, left_out: bool, reference: Maker
) -> None:
    good = reference("LIQ-P").spectrum
    flags = good.flags.copy()
    flags[[3, 40]] = int(flag)
    spectrum = replace(good, flags=flags)
    told = next(one for one in findings(spectrum) if one.kind is kind)
    assert told.points == (3, 40)
    assert told.text.startswith("2 of 71 points")
    assert int(usable(spectrum).sum()) == (69 if left_out else 71)


def test_clamped_points_of_an_overload_do_not_spoil_the_fit(reference: Maker) -> None:
    truth = reference("LIQ-P")
    z_ohm, flags = truth.z_ohm.copy(), truth.spectrum.flags.copy()
    z_ohm[50:55] *= 3.0
    flags[50:55] = int(PointFlag.OVERLOAD_I)
    result = analyse(replace(truth.spectrum, z_ohm=z_ohm, flags=flags))
    assert result.kk is not None and result.kk.passed
    assert result.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.05)


def test_points_that_are_no_numbers_are_told_and_left_out(reference: Maker) -> None:
    truth = reference("LIQ-P")
    z_ohm = truth.z_ohm.copy()
    z_ohm[7] = complex(math.nan, 0.0)
    result = analyse(replace(truth.spectrum, z_ohm=z_ohm))
    assert FindingKind.NOT_FINITE in kinds(result.findings)
    assert result.outcome is Outcome.FITTED


def test_a_drift_is_found_by_the_residuals(drifting: Maker, reference: Maker) -> None:
    frequency_Hz, z_ohm = drifting("PEO-P", 0.2)
    spectrum = Spectrum.of(frequency_Hz, z_ohm, reference("PEO-P").spectrum.head)
    assert kinds(analyse(spectrum).findings) == {FindingKind.KK_FAILED, FindingKind.DRIFT}


def test_a_spectrum_full_of_mains_pickup_is_not_fitted(reference: Maker) -> None:
    truth = reference("PEO-P")
    z_ohm = truth.z_ohm.copy()
    near_mains = (truth.spectrum.frequency_Hz > 24.0) & (truth.spectrum.frequency_Hz < 170.0)
    z_ohm[near_mains] *= 1.0 + 0.2 * np.exp(2j * np.arange(near_mains.sum()))
    result = analyse(replace(truth.spectrum, z_ohm=z_ohm))
    assert result.outcome is Outcome.REFUSED
    assert kinds(result.findings) == {FindingKind.KK_FAILED}
    assert "no cell answers like this" in result.reason


def test_a_drift_is_found_by_the_open_circuit_voltage(reference: Maker) -> None:
    good = reference("LFP-P").spectrum
    moved = replace(good.head, ocv_after_V=good.head.ocv_before_V - 0.012)
    told = [one for one in analyse(replace(good, head=moved)).findings if one.kind is FindingKind.DRIFT]
    assert "moved by 12 mV" in told[0].text


def test_inductive_points_are_those_from_the_highest_frequency_down(reference: Maker) -> None:
    spectrum = reference("LIQ-P").spectrum
    mask = inductive(spectrum)
    assert mask[: mask.sum()].all() and 5 <= mask.sum() <= 15
    assert np.array_equal(inductive(spectrum.kept(np.arange(70, -1, -1) >= 0)), mask)


def test_a_circuit_without_a_coil_is_fitted_without_the_cable(reference: Maker) -> None:
    truth = reference("LIQ-P")
    result = analyse(truth.spectrum, Circuit.read("R-(RQ)-(RQ)-W"))
    assert result.fit is not None
    assert len(result.fit.frequency_Hz) == 71 - int(inductive(truth.spectrum).sum())
    assert result.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.05)


@pytest.mark.parametrize("frequency_Hz", [math.inf, math.nan, 0.0, -10.0])
def test_a_point_without_a_real_frequency_is_told_and_left_out(frequency_Hz: float, reference: Maker) -> None:
    truth = reference("LIQ-P")
    frequencies_Hz = truth.spectrum.frequency_Hz.copy()
    frequencies_Hz[40] = frequency_Hz
    result = analyse(replace(truth.spectrum, frequency_Hz=frequencies_Hz))
    assert [one.points for one in result.findings if one.kind is FindingKind.NOT_FINITE] == [(40,)]
    assert result.outcome is Outcome.FITTED
    assert result.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.02)


def test_a_point_of_no_impedance_is_told() -> None:
    spectrum = Spectrum.of([10.0, 1.0], [0.0, 1.0 - 1.0j])
    assert [(one.kind, one.points) for one in findings(spectrum)] == [(FindingKind.NOT_FINITE, (0,))]


def test_an_overloaded_first_point_does_not_hide_the_cable(reference: Maker) -> None:
    spectrum = reference("LIQ-P").spectrum
    z_ohm = spectrum.z_ohm.copy()
    z_ohm[0] = complex(math.nan, math.nan)
    whole = inductive(spectrum)
    assert inductive(replace(spectrum, z_ohm=z_ohm)).tolist() == [False, *whole[1:].tolist()]


@pytest.mark.parametrize("column", ["e_ac_rms_V", "i_ac_rms_A", "range_A"])
def test_an_amplitude_or_range_of_nothing_at_one_point_is_passed_over(column: str, reference: Maker) -> None:
    spectrum = measured(reference("LIQ-P").spectrum)
    values = getattr(spectrum, column).copy()
    values[5] = 0.0
    changed: dict[str, Any] = {column: values}
    assert kinds(findings(replace(spectrum, **changed))) == set()


def test_touching_leads_have_neither_a_wrong_sign_nor_a_wrong_size() -> None:
    frequency_Hz = np.geomspace(1e6, 0.1, 71)
    for R_ohm in (1e-3, 0.05, 0.3):
        z_ohm = R_ohm + 2j * math.pi * frequency_Hz * 0.4e-6
        for area_cm2 in (math.nan, 0.785398):
            spectrum = Spectrum.of(frequency_Hz, z_ohm, SpectrumHead(area_cm2=area_cm2))
            assert kinds(findings(spectrum)) == set()
