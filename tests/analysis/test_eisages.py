"""The figure of cells by age: one scale for all, both axes alike, every age in the legend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labctl.analysis.eisages import ages
from labctl.analysis.eisfigures import Drawn
from labctl.errors import UserInputError

Maker = Callable[..., Any]
AGES = (0, 50, 75)


def drawn(reference: Maker, name: str) -> list[Drawn]:
    """Return a cell at three ages."""
    return [Drawn(str(age), reference(name, 2.0 * age, cycle=age).spectrum) for age in AGES]


def test_all_panels_of_a_row_have_one_scale_on_both_axes(reference: Maker) -> None:
    figure = ages({"pristine": drawn(reference, "LIQ-P"), "coated": drawn(reference, "LIQ-Z")})
    width, height = figure.get_size_inches()
    limits = [(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes]
    assert limits[0] == limits[1] and limits[2] == limits[3] and limits[0] != limits[2]
    for axes in figure.axes:
        x, y, box = axes.get_xlim(), axes.get_ylim(), axes.get_position()
        per_inch = (x[1] - x[0]) / (box.width * width), (y[1] - y[0]) / (box.height * height)
        assert per_inch[0] == pytest.approx(per_inch[1])


def test_the_legend_names_each_age_once_and_the_fit(reference: Maker) -> None:
    figure = ages({"pristine": drawn(reference, "LIQ-P"), "coated": drawn(reference, "LIQ-Z")})
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["fresh", "50 cycles", "75 cycles", "fit"]


def test_the_upper_row_shows_every_point(reference: Maker) -> None:
    series = drawn(reference, "LIQ-P")
    figure = ages({"pristine": series})
    (left, right), (low, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    for one in series:
        assert left <= one.spectrum.z_re_ohm.min() and one.spectrum.z_re_ohm.max() <= right
        assert low <= (-one.spectrum.z_im_ohm).min() and (-one.spectrum.z_im_ohm).max() <= high


@pytest.mark.parametrize("columns", [{}, {"pristine": []}])
def test_a_cell_without_a_spectrum_cannot_be_drawn(columns: dict[str, list[Drawn]]) -> None:
    with pytest.raises(UserInputError, match="needs a spectrum"):
        ages(columns)
