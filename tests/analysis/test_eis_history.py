"""A cell over its cycles: arcs that keep their names, shorts without a fit, spectra that cannot be fitted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eis.cell import Outcome, analyse
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.history import analyse_all, histories
from labctl.analysis.eis.short import short_of
from labctl.analysis.eis.validity import FindingKind
from labctl.model.spectrum import Spectrum, SpectrumHead

FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
Maker = Callable[..., Any]


@pytest.mark.parametrize("cell", ["LIQ-P", "LIQ-Z", "PEO-P", "LFP-P"])
def test_a_shorted_cell_is_told_as_shorted_and_not_fitted(cell: str, reference: Maker) -> None:
    truth = reference(cell, 200.0, noise=0.003, shorted=True)
    result = analyse(truth.spectrum)
    assert result.outcome is Outcome.SHORTED
    assert result.fit is None and result.bulk is None and result.ct is None
    assert result.short is not None
    assert result.short.R_ohm == pytest.approx((5.0 if cell.startswith("LIQ") else 8.0) / 0.785398, rel=0.01)
    assert result.short.inductance_H == pytest.approx(0.4e-6, rel=0.05)
    assert result.reason.startswith("shorted: ") and result.reason.endswith("0.4 uH, without any arc")


def test_points_that_the_mains_and_the_bandwidth_spoil_do_not_hide_a_short(reference: Maker) -> None:
    truth = reference("LIQ-P", 200.0, noise=0.003, shorted=True)
    spoilt_ohm = truth.z_ohm / (1.0 + 1j * FREQUENCY_Hz / 1e6)
    near_mains = (FREQUENCY_Hz > 24.0) & (FREQUENCY_Hz < 170.0)
    spoilt_ohm[near_mains] *= 1.0 + 0.2 * np.exp(1j * np.arange(near_mains.sum()))
    result = analyse(replace(truth.spectrum, z_ohm=spoilt_ohm))
    assert result.outcome is Outcome.SHORTED
    assert result.short is not None and result.short.R_ohm == pytest.approx(6.37, rel=0.02)


@pytest.mark.parametrize("cell", ["LIQ-P", "LIQ-Z", "PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z"])
def test_no_living_cell_looks_shorted(cell: str, reference: Maker) -> None:
    for area_cm2 in (0.785398, math.nan):
        assert short_of(FREQUENCY_Hz, reference(cell).z_ohm, area_cm2) is None


def test_a_resistor_of_many_ohm_cm2_is_no_shorted_cell() -> None:
    z_ohm = 100.0 + 2j * math.pi * FREQUENCY_Hz * 4e-7
    assert short_of(FREQUENCY_Hz, z_ohm, 0.785398) is None
    assert short_of(FREQUENCY_Hz, z_ohm) is not None  # of unknown area: no arc is all there is to say


def test_leads_that_touch_are_a_short_and_no_slip_of_the_sign() -> None:
    z_ohm = 1e-3 + 2j * math.pi * FREQUENCY_Hz * 0.3e-6
    result = analyse(Spectrum.of(FREQUENCY_Hz, z_ohm))
    assert result.outcome is Outcome.SHORTED
    assert {one.kind for one in result.findings} == {FindingKind.INDUCTIVE}


def test_a_sweep_that_ends_above_the_arcs_cannot_tell_a_short(reference: Maker) -> None:
    high = FREQUENCY_Hz > 1e5
    assert short_of(FREQUENCY_Hz[high], reference("LIQ-P").z_ohm[high], 0.785398) is None


def test_a_history_follows_a_cell_to_its_short(reference: Maker) -> None:
    cycles = (0, 20, 50, 75, 100)
    truths = [
        reference("LIQ-P", 2.0 * cycle, noise=0.002, seed=cycle, shorted=cycle == 100, cycle=cycle)
        for cycle in cycles
    ]
    (history,) = histories(analyse_all([truth.spectrum for truth in truths]))
    assert history.cell_id == "LIQ-P"
    assert list(history.cycle) == list(cycles)
    assert history.outcome == (*[Outcome.FITTED] * 4, Outcome.SHORTED)
    assert np.isnan(history.ct.value_ohm[4]) and not history.separate[4]
    for place, truth in enumerate(truths[:4]):
        assert history.sei.value_ohm[place] == pytest.approx(truth.sei_ohm, rel=0.05)
        # after 75 cycles the film is 1,070 of 1,150 ohm
        assert history.ct.value_ohm[place] == pytest.approx(
            truth.ct_ohm, rel=0.10 if truth.sei_ohm < 500.0 else 0.15
        )
        assert history.ct.low_ohm[place] < history.ct.value_ohm[place] < history.ct.high_ohm[place]
    assert history.interfaces.value_ohm[:4] == pytest.approx(
        [one.sei_ohm + one.ct_ohm for one in truths[:4]], rel=0.02
    )


def test_cells_of_one_batch_are_kept_apart(reference: Maker) -> None:
    names = ("LIQ-P", "PEO-Z", "LIQ-P", "PEO-Z")
    spectra = [
        reference(name, age, cycle=int(age)).spectrum
        for name, age in zip(names, (0.0, 0.0, 4.0, 4.0), strict=True)
    ]
    together = analyse_all(spectra)
    for name, history in zip(("LIQ-P", "PEO-Z"), histories(together), strict=True):
        alone = histories(analyse_all([one for one in spectra if one.head.cell_id == name]))[0]
        assert history.cell_id == name
        assert np.array_equal(history.sei.value_ohm, alone.sei.value_ohm)


def test_spectra_that_name_no_cell_are_not_measured_against_each_other(reference: Maker) -> None:
    nameless = replace(reference("LIQ-P").spectrum, head=SpectrumHead())
    larger = replace(nameless, z_ohm=nameless.z_ohm * math.sqrt(2.0))
    assert [one.outcome for one in analyse_all([nameless, larger])] == [Outcome.FITTED] * 2


def test_a_fit_begins_at_the_spectrum_before_and_takes_fewer_steps(reference: Maker) -> None:
    before = analyse(reference("LIQ-Z", 40.0, noise=0.002).spectrum)
    later = reference("LIQ-Z", 44.0, noise=0.002, seed=2).spectrum
    warm, cold = analyse(later, before=before), analyse(later)
    assert warm.fit is not None and cold.fit is not None
    assert warm.fit.evaluations < cold.fit.evaluations
    assert warm.fit.values == pytest.approx(cold.fit.values, rel=1e-3)


def test_a_start_that_leads_astray_is_given_up_for_the_own_guess(reference: Maker) -> None:
    before = analyse(reference("PEO-Z", 0.0).spectrum)
    assert before.fit is not None
    astray = replace(
        before, fit=replace(before.fit, values=before.fit.values * 0.0 + 1e-3, rms=before.fit.rms)
    )
    truth = reference("PEO-Z", 4.0)
    result = analyse(truth.spectrum, before=astray)
    assert result.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.02)


@pytest.mark.parametrize("cell", ["LIQ-P", "LFP-Z"])
def test_arcs_are_named_by_their_time_constants_whatever_their_place_in_the_circuit(
    cell: str, reference: Maker
) -> None:
    spectrum = reference(cell, noise=0.002).spectrum
    result = analyse(spectrum)
    assert result.fit is not None
    swapped = result.fit.values.copy()
    swapped[2:5], swapped[5:8] = result.fit.values[5:8], result.fit.values[2:5]
    again = analyse(spectrum, before=replace(result, fit=replace(result.fit, values=swapped)))
    assert again.sei.value == pytest.approx(result.sei.value, rel=1e-3)
    assert again.separate is (cell == "LIQ-P")  # the arcs of LFP-Z are less than a decade apart


def test_other_circuits_give_what_they_have(reference: Maker) -> None:
    spectrum = reference("LIQ-P").spectrum
    one_arc = analyse(spectrum, Circuit.read("L-R-(RQ)-W"))
    assert one_arc.sei is None and one_arc.ct is None
    assert one_arc.interfaces is not None and one_arc.bulk is not None
    randles = analyse(spectrum, Circuit.read("L-R-(Q,R-W)"))
    assert randles.interfaces is None and randles.bulk is not None
    assert analyse(spectrum, Circuit.read("L-(RQ)-(RQ)")).bulk is None


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_points_are_told_and_never_raised(count: int, reference: Maker) -> None:
    spectrum = reference("LIQ-P").spectrum
    result = analyse(spectrum.kept(np.arange(71) < count))
    assert result.outcome is Outcome.REFUSED
    assert result.kk is None
    assert "cannot tell" in result.reason


def test_an_empty_batch_has_no_histories() -> None:
    assert histories(analyse_all([])) == ()


def test_a_spectrum_without_a_cycle_has_none_in_the_history(reference: Maker) -> None:
    spectrum: Spectrum = reference("LIQ-Z").spectrum
    assert np.isnan(histories(analyse_all([spectrum]))[0].cycle[0])
