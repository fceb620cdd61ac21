"""The table of a cell's way: what follows what, what is allowed where, which voltages are those of one cell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.engine.machines.handover import AT_THE_CYCLER, FOLLOWING, Handover, difference, stage_again
from labctl.errors import InvariantError
from labctl.model.handover import OWNED_BY_POTENTIOSTAT, Stage, Via


def test_every_stage_leads_back_to_the_cycler() -> None:
    home = set(AT_THE_CYCLER)
    while more := {stage for stage in Stage if stage not in home and FOLLOWING[stage] & home}:
        home |= more
    assert home == set(Stage)


@given(st.lists(st.sampled_from(list(Stage)), max_size=12))
def test_a_cell_is_measured_in_one_stage_only_and_given_back_only_at_its_cycler(wishes: list[Stage]) -> None:
    machine = Handover()
    for wish in wishes:
        if wish in FOLLOWING[machine.stage]:
            machine.to(wish)
        else:
            with pytest.raises(InvariantError, match="I07"):
                machine.to(wish)
        if machine.stage is Stage.MEASURING:
            machine.allow_measuring()
            assert machine.stage in OWNED_BY_POTENTIOSTAT
        else:
            with pytest.raises(InvariantError, match="I08"):
                machine.allow_measuring()
    if machine.stage in AT_THE_CYCLER:
        machine.give_back()
        with pytest.raises(InvariantError):
            machine.allow_measuring()
    else:
        with pytest.raises(InvariantError, match="I07"):
            machine.give_back()
    assert machine.is_back == (machine.stage in AT_THE_CYCLER)


@pytest.mark.parametrize(
    ("expected_V", "measured_V", "fits"),
    [
        (3.3, 3.319, True), (3.3, 3.36, True), (3.3, 3.37, False), (0.0, 0.019, True), (0.0, 0.021, False),
        (-0.5, 0.5, False), (3.3, math.nan, False), (math.nan, 3.3, False),
    ],
)  # fmt: skip
def test_voltages_agree_within_the_larger_of_two_tolerances(
    expected_V: float, measured_V: float, fits: bool
) -> None:
    assert (difference(expected_V, measured_V, 0.02, 0.02) == "") is fits


def test_after_a_crash_nothing_is_driven_before_the_leads_have_been_looked_at_again() -> None:
    for via in Via:
        for stage in Stage:
            again = stage_again(stage, via)
            assert again is not Stage.MEASURING
            assert again in (stage, Stage.CHECKING, Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER)
    assert stage_again(Stage.MEASURING, Via.OPERATOR) is Stage.CHECKING
    assert stage_again(Stage.MEASURING, Via.MULTIPLEXER) is Stage.TO_POTENTIOSTAT
