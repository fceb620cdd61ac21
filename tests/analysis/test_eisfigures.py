"""Impedance figures: one scale on both axes, -Z'' up, decades named, ageing as a ramp; numbers as they are."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labctl.analysis.eisfigures import (
    Drawn,
    bode,
    by_cycle,
    decade_points,
    frequency_text,
    kk_residuals,
    nyquist,
)
from labctl.analysis.figurestyle import save
from labctl.errors import UserInputError
from labctl.model.spectrum import Spectrum, SpectrumHead


def cell(scale: float = 1.0, **head: object) -> Spectrum:
    """Return R-(RC) from 1 MHz to 0.1 Hz with a cable."""
    frequency_Hz = np.geomspace(1e6, 0.1, 71)
    s = 2j * np.pi * frequency_Hz
    z_ohm = scale * (4e-7 * s + 6.4 + 134.0 / (1.0 + s * 2e-3))
    return Spectrum.of(frequency_Hz, z_ohm, SpectrumHead(**head))  # type: ignore[arg-type] # names of a head's fields


def ohm_per_mm(figure: object) -> tuple[float, float]:
    axes = figure.axes[0]
    box = axes.get_window_extent()
    return np.ptp(axes.get_xlim()) / box.width, np.ptp(axes.get_ylim()) / box.height


@pytest.mark.parametrize("width_mm", [85.0, 170.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_a_nyquist_figure_has_one_scale_on_both_axes_at_any_size(width_mm: float, scale: float) -> None:
    series = [Drawn("a", cell(scale)), Drawn("b", cell(0.5 * scale))]
    across, up = ohm_per_mm(nyquist(series, width_mm=width_mm, title="both"))
    assert across == pytest.approx(up, rel=1e-9)


def test_minus_z_imaginary_points_up_and_every_point_lies_inside_the_axes() -> None:
    spectrum = cell()
    axes = nyquist([Drawn("a", spectrum)]).axes[0]
    curve = next(line for line in axes.lines if line.get_label() == "a")
    np.testing.assert_array_equal(curve.get_xdata(), spectrum.z_re_ohm)
    np.testing.assert_array_equal(curve.get_ydata(), -spectrum.z_im_ohm)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left <= 0.0 < spectrum.z_re_ohm.max() < right
    assert low < (-spectrum.z_im_ohm).min() < (-spectrum.z_im_ohm).max() < high


def test_decades_are_named_at_their_points_and_no_two_names_overlap() -> None:
    figure = nyquist([Drawn("a", cell())])
    figure.canvas.draw()
    names = figure.axes[0].texts
    assert {"100 mHz", "100 Hz"} <= {name.get_text() for name in names}
    boxes = [name.get_window_extent() for name in names]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert figure.axes[0].get_window_extent().x1 > box.x1


def test_only_points_near_a_decade_stand_for_it() -> None:
    assert decade_points(np.array([1.1e5, 3e4, 9.5e3, 20.0])) == {0: 1e5, 2: 1e4}
    assert [frequency_text(value) for value in (1e6, 1e5, 1e3, 10.0, 0.1, 1e-4)] == [
        "1 MHz", "100 kHz", "1 kHz", "10 Hz", "100 mHz", "100 µHz",
    ]  # fmt: skip


def test_cycles_of_different_cells_are_no_ageing_series() -> None:
    spectra = [cell(1.0, cycle=1), cell(1.0, cycle=2)]
    assert by_cycle([Drawn("", one) for one in spectra])
    spectra[1] = replace(spectra[1], head=replace(spectra[1].head, cell_id="another"))
    assert not by_cycle([Drawn("", one) for one in spectra])


def test_an_ageing_series_is_drawn_by_cycle_from_dark_to_light() -> None:
    cycles = (75, 0, 20)
    axes = nyquist([Drawn(f"cycle {n}", cell(1.0 + n / 50.0, cycle=n)) for n in cycles]).axes[0]
    curves = [line for line in axes.lines if line.get_label().startswith("cycle")]
    assert [line.get_label() for line in curves] == ["cycle 0", "cycle 20", "cycle 75"]
    lightness = [float(np.dot(line.get_color(), (0.3, 0.6, 0.1))) for line in curves]
    assert lightness == sorted(lightness)


def test_a_long_series_names_eight_spectra_the_first_and_the_last_among_them() -> None:
    figure = nyquist([Drawn(f"cycle {n}", cell(1.0 + n, cycle=n)) for n in range(20)])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert (len(names), names[0], names[-1]) == (8, "cycle 0", "cycle 19")


def test_per_area_multiplies_by_the_area_and_needs_to_know_it() -> None:
    axes = nyquist([Drawn("a", cell(area_cm2=0.785))], per_area=True).axes[0]
    curve = next(line for line in axes.lines if line.get_label() == "a")
    np.testing.assert_allclose(curve.get_xdata(), 0.785 * cell().z_re_ohm)
    assert "cm" in axes.get_xlabel()
    with pytest.raises(UserInputError, match="area of a is not known"):
        nyquist([Drawn("a", cell())], per_area=True)


@pytest.mark.parametrize(("scale", "unit"), [(1e-3, "mΩ"), (1.0, "Ω"), (1e3, "kΩ"), (1e6, "MΩ")])
def test_large_and_small_impedances_are_numbered_in_their_own_unit(scale: float, unit: str) -> None:
    axes = nyquist([Drawn("a", cell(scale))]).axes[0]
    assert axes.get_xlabel() == f"$Z'$ / {unit}"


def test_a_bode_figure_shows_size_and_negated_phase_with_the_fit_as_a_line() -> None:
    spectrum = cell()
    fitted = Drawn("a", spectrum, spectrum.frequency_Hz, 1.01 * spectrum.z_ohm)
    above, below = bode([fitted]).axes
    points, line = above.lines
    np.testing.assert_allclose(points.get_ydata(), np.abs(spectrum.z_ohm))
    np.testing.assert_allclose(line.get_ydata(), 1.01 * np.abs(spectrum.z_ohm))
    np.testing.assert_allclose(below.lines[0].get_ydata(), -np.angle(spectrum.z_ohm, deg=True))
    assert (points.get_linestyle(), line.get_linestyle()) == ("None", "-")


def test_residuals_are_in_percent_of_z() -> None:
    axes = kk_residuals(np.array([1e3, 1e2]), np.array([0.002 - 0.001j, -0.003j]), note="rms 0.2 %").axes[0]
    by_label = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_allclose(by_label["$Z'$"], [0.2, 0.0])
    np.testing.assert_allclose(by_label["$Z''$"], [-0.1, -0.3])


def test_points_without_an_impedance_are_not_drawn_and_none_at_all_is_told() -> None:
    spectrum = cell()
    spectrum.z_ohm[5] = complex(math.nan, 0.0)
    axes = nyquist([Drawn("a", spectrum)]).axes[0]
    assert len(next(line for line in axes.lines if line.get_label() == "a").get_xdata()) == 70
    with pytest.raises(UserInputError, match="no point with an impedance"):
        nyquist([Drawn("a", spectrum.kept(np.arange(71) == 5))])
    with pytest.raises(UserInputError, match="no point with an impedance"):
        bode([Drawn("a", Spectrum.of([1.0], [0.0]))])


def test_a_saved_figure_has_the_journals_width_its_text_as_text_and_the_same_bytes_twice(
    tmp_path: Path,
) -> None:
    files = [save(nyquist([Drawn("a", cell())]), tmp_path / f"{name}.svg") for name in ("one", "two")]
    text = files[0].read_text(encoding="utf-8")
    assert files[0].read_bytes() == files[1].read_bytes()
    width_pt = float(re.search(r'width="([0-9.]+)pt"', text)[1])  # type: ignore[index] # there is one
    assert width_pt == pytest.approx(85.0 / 25.4 * 72.0, abs=0.01)
    assert "100 mHz" in text
