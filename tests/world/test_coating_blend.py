"""The film's thickness links a sputter run to a cell: cell-models.md 3.3; overrides of single parameters."""

from __future__ import annotations

import math

import pytest
from labctl_simulators.world.cell import Cell, CellSpec
from labctl_simulators.world.variants import (
    VARIANTS,
    blend,
    coated_fraction,
    variant_with_film,
    with_overrides,
)

from labctl.errors import UserInputError


@pytest.mark.parametrize(("film_nm", "theta"), [(0.0, 0.0), (75.0, 0.061), (750.0, 0.998)])
def test_thickness_becomes_the_coated_fraction(film_nm: float, theta: float) -> None:
    assert coated_fraction(film_nm) == pytest.approx(theta, abs=5e-4)


def test_no_film_is_pristine_and_a_thick_one_is_coated() -> None:
    for family in ("LIQ", "PEO", "LTO", "LFP"):
        bare, thick = variant_with_film(family, 0.0), variant_with_film(f"{family}-Z", 1e6)
        assert with_overrides(bare, {"name": f"{family}-P"}) == VARIANTS[f"{family}-P"]
        assert with_overrides(thick, {"name": f"{family}-Z"}) == VARIANTS[f"{family}-Z"]


def test_resistances_times_and_lives_go_geometrically_and_the_rest_linearly() -> None:
    film_nm = 300.0 * math.sqrt(math.log(2.0))  # theta = 0.5
    mixed = blend(VARIANTS["LIQ-P"], VARIANTS["LIQ-Z"], film_nm)
    assert mixed.sei.resistance_ohm_cm2 == pytest.approx(math.sqrt(75 * 52))
    assert mixed.sei.tau_s == pytest.approx(math.sqrt(1.6e-3 * 0.9e-3))
    assert mixed.electrolyte_life_mAh_cm2 == pytest.approx(math.sqrt(165 * 760))
    assert mixed.short_mAh_cm2 == pytest.approx(math.sqrt(160 * 680))
    assert mixed.sei.n == pytest.approx(0.84)
    assert mixed.sei.slope_per_mAh_cm2 == pytest.approx(0.0025)
    assert mixed.sei.depletion_power == pytest.approx(0.75)
    assert mixed.plating.nucleation_V == pytest.approx(0.0275)
    # terms with different scales are different terms, each from 0
    assert {scale: amount for amount, scale in mixed.sei.terms} == pytest.approx({4.0: -0.225, 6.0: -0.15})


def test_infinite_stays_infinite() -> None:
    mixed = variant_with_film("PEO-P", 300.0)
    assert math.isinf(mixed.electrolyte_life_mAh_cm2)


@pytest.mark.parametrize(("film_nm", "expected"), [(100.0, (20.0, 6.0, 0.35)), (600.0, (-1.0, 0.01, 0.25))])
def test_the_leaks_onset_rise_and_scatter_switch_at_half(film_nm: float, expected: tuple[float, ...]) -> None:
    leak = variant_with_film("LFP-P", film_nm).leak
    assert (leak.onset_cycle, leak.rise_cycles, leak.sigma) == expected
    theta = coated_fraction(film_nm)
    assert leak.fraction == pytest.approx(0.12774 ** (1 - theta) * 0.00125**theta)


def test_75_nm_make_a_practically_uncoated_electrode() -> None:
    life_mAh_cm2 = variant_with_film("LIQ-P", 75.0).short_mAh_cm2
    assert 160.0 < life_mAh_cm2 < 176.0


def test_a_cell_takes_its_film_and_its_overrides() -> None:
    cell = Cell(CellSpec("c", "LIQ-P", film_nm=750.0, overrides={"short_mAh_cm2": 33.0, "sei.tau_s": 1e-3}))
    assert cell.short_mAh_cm2 == 33.0
    assert cell.variant.sei.tau_s == 1e-3
    assert cell.variant.plating.nucleation_V == pytest.approx(0.01, abs=1e-3)


@pytest.mark.parametrize(
    ("overrides", "match"),
    [
        ({"sei.colour": 1.0}, "resistance_ohm_cm2"),
        ({"colour": 1.0}, "known|here are"),
        ({"sei.tau_s": "long"}, "cannot be"),
        ({"short_mAh_cm2": math.nan}, "NaN"),
        ({"short_mAh_cm2.x": 1.0}, "no parts"),
        ({"sei.terms": 3}, "cannot be"),
    ],
)
def test_a_wrong_override_is_refused_with_the_known_names(overrides: dict[str, object], match: str) -> None:
    with pytest.raises(UserInputError, match=match):
        CellSpec("c", "LIQ-P", overrides=overrides).resolved()


@pytest.mark.parametrize(
    "spec", [CellSpec("c", "NMC-P"), CellSpec("c", "NMC", film_nm=3.0), CellSpec("c", "LIQ-P", 0.0)]
)
def test_an_impossible_cell_is_refused(spec: CellSpec) -> None:
    with pytest.raises(UserInputError):
        spec.resolved()
