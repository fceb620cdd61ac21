"""Lives by each criterion, on half-cycle tables written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from labctl.analysis.cycles import cycles, half_cycles
from labctl.analysis.life import (
    LifeCriterion,
    life_by_polarisation,
    life_by_retention,
    life_by_short,
    life_by_voltage_limit,
    lives,
)
from labctl.model.cell import CellKind
from labctl.model.record import RecordBlock
from labctl.testing.rowbuilder import RowBuilder, facts_of

SYMMETRIC = facts_of(CellKind.SYMMETRIC)


def dying(levels_V: list[float]) -> RecordBlock:
    """Return a Li|Li run: 6 h rest, then one half-cycle of 1 h at 1 mA (1 cm2) per level."""
    run = RowBuilder().rest(21600.0)
    for place, level_V in enumerate(levels_V):
        (run.discharge if place % 2 else run.charge)(3600.0, 1e-3, -level_V if place % 2 else level_V)
    return run.block()


def test_a_short_dates_from_the_first_half_cycle_of_its_series_without_the_opening_rest() -> None:
    half = half_cycles(dying([0.1, 0.1, 0.005, 0.1, *[0.005] * 6]), SYMMETRIC)
    life = life_by_short(half)
    assert (life.life_h, life.reached, life.cycle) == (4.0, True, 3)


def test_four_shorted_half_cycles_are_no_short() -> None:
    life = life_by_short(half_cycles(dying([0.1] * 4 + [0.005] * 4), SYMMETRIC))
    assert not life.reached
    assert life.life_h == 8.0  # survived so far


def test_the_first_row_of_a_half_cycle_under_way_is_not_judged() -> None:
    block = dying([0.1] * 2 + [0.005] * 4 + [0.005])
    one_row = block.rows(0, len(block) - 360)  # the fifth has just begun
    assert not life_by_short(half_cycles(one_row, SYMMETRIC, ended=False)).reached
    assert life_by_short(half_cycles(block, SYMMETRIC, ended=False)).reached


def test_an_absolute_voltage_is_no_criterion_for_a_short() -> None:
    """A healthy cell at a tenth of the current shows 1 mV here and is not shorted."""
    run = RowBuilder().rest(3600.0)
    for _ in range(3):
        run.charge(3600.0, 5e-6, 1e-3).discharge(3600.0, 5e-6, -1e-3)  # 200 ohm cm2
    assert not life_by_short(half_cycles(run.block(), SYMMETRIC)).reached


def test_polarisation_dates_from_the_end_of_the_half_cycle_that_showed_it() -> None:
    life = life_by_polarisation(half_cycles(dying([0.5, 0.9, 1.1, 0.2]), SYMMETRIC))
    assert (life.life_h, life.reached, life.cycle) == (3.0, True, 2)


def test_the_voltage_limit_ends_the_life_with_the_run() -> None:
    half = half_cycles(dying([0.5, 4.9, 4.99]), SYMMETRIC, ended=False)
    assert life_by_voltage_limit(half, protected=True).life_h == 3.0
    assert not life_by_voltage_limit(half, protected=False).reached


@pytest.mark.parametrize(("reference", "cycle", "life_h"), [("first", 4, 9.0), ("max", 3, 6.0)])
def test_life_by_retention_depends_on_the_reference_cycle(reference: str, cycle: int, life_h: float) -> None:
    run = RowBuilder().rest(3600.0, 3.4)
    for discharged_mAh in (1.0, 1.4, 1.1, 0.7):  # of the maximum: 71 %, 100 %, 79 %, 50 %
        run.charge(7200.0, 1e-3, 3.5).discharge(3600.0, discharged_mAh * 1e-3, 3.4)
    facts = facts_of(CellKind.LFP_LI)
    half, table = half_cycles(run.block(), facts), cycles(run.block(), facts, reference=reference)
    if reference == "max":  # the first cycle lies below already
        assert life_by_retention(half, table).cycle == 1
        table = {name: column[1:] for name, column in table.items()}
    life = life_by_retention(half, table)
    assert (life.cycle, life.life_h) == (cycle, life_h)


def test_a_run_that_met_nothing_tells_how_long_it_survived() -> None:
    half = half_cycles(dying([0.1] * 4), SYMMETRIC)
    table = cycles(dying([0.1] * 4), SYMMETRIC)
    found = lives(half, table)
    assert set(found) == set(LifeCriterion)
    assert all(not life.reached and life.life_h == 4.0 for life in found.values())


def test_a_run_without_current_has_no_life_yet() -> None:
    block = RowBuilder().rest(3600.0).block()
    found = lives(half_cycles(block, SYMMETRIC), cycles(block, SYMMETRIC), protected=True)
    assert all(not life.reached and life.life_h == 0.0 for life in found.values())
    assert np.isfinite([life.life_h for life in found.values()]).all()
