"""What a spectrum says beside what the bench knows: limits by age, shorts, and which switching-on belongs to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labctl.analysis.eis.cell import CellImpedance, analyse
from labctl.analysis.eis.truth import QUANTITIES, Truth, judge, truth_for, truths_of

Maker = Callable[..., Any]
EPOCH_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def fresh_cell(reference: Maker) -> tuple[CellImpedance, Truth]:
    """Return a fresh cell's result and its truth."""
    made = reference("LIQ-P", cycle=0)
    return analyse(made.spectrum), Truth("LIQ-P", 0.0, False, made.bulk_ohm, made.sei_ohm, made.ct_ohm)


def test_a_fresh_cell_is_held_to_five_percent_in_bulk_and_sum_and_to_fifteen_in_each_arc(
    reference: Maker,
) -> None:
    judged = judge(*fresh_cell(reference), fresh=True)
    assert judged.ok and not judged.problem
    assert [line.quantity for line in judged.lines] == list(QUANTITIES)
    assert [line.limit for line in judged.lines] == [0.05, 0.15, 0.15, 0.05]


@pytest.mark.parametrize(
    ("factor", "quantity"),
    [({"bulk_ohm": 0.93}, "R_b"), ({"ct_ohm": 0.8}, "R_ct"), ({"sei_ohm": 1.25}, "R_SEI")],
)
def test_a_value_beyond_its_limit_is_told_with_how_far_it_is_off(
    factor: dict[str, float], quantity: str, reference: Maker
) -> None:
    result, truth = fresh_cell(reference)
    other = replace(truth, **{name: getattr(truth, name) * by for name, by in factor.items()})
    judged = judge(result, other, fresh=True)
    assert not judged.ok
    assert f"{quantity} is " in judged.problem and "% off" in judged.problem


def test_bulk_and_sum_of_an_aged_cell_are_compared_and_held_to_nothing(reference: Maker) -> None:
    result, truth = fresh_cell(reference)
    judged = judge(result, replace(truth, bulk_ohm=0.5 * truth.bulk_ohm), fresh=False)
    assert judged.ok
    assert judged.lines[0].off > 0.9 and math.isnan(judged.lines[0].limit)


def test_a_shorted_cell_must_be_told_as_shorted_and_a_living_one_must_not(reference: Maker) -> None:
    living, truth = fresh_cell(reference)
    dead = analyse(reference("LIQ-P", 200.0, shorted=True).spectrum)
    shorted = replace(truth, shorted=True)
    assert judge(dead, shorted, fresh=False).ok
    assert "reported as fitted" in judge(living, shorted, fresh=False).problem
    assert "shorted" in judge(dead, truth, fresh=False).problem


def test_a_spectrum_belongs_to_the_switching_on_of_its_own_cell_nearest_in_time(reference: Maker) -> None:
    spectrum = reference("LIQ-P").spectrum
    spectrum = replace(spectrum, head=replace(spectrum.head, taken_utc="2026-01-01T00:40:02+00:00"))
    elements = {"bulk": 6.4, "sei": 95.0, "ct": 38.0, "warburg": 15.0}
    acts = [
        {"what": "cell_off", "plant_s": 0.0},
        {"what": "cell_on", "plant_s": 100.0, "cell": "LIQ-P", "shorted": False, "elements_ohm": elements},
        {"what": "cell_on", "plant_s": 2402.7, "cell": "LIQ-P", "shorted": True, "elements_ohm": elements},
        {"what": "cell_on", "plant_s": 2403.0, "cell": "C0002", "shorted": False, "elements_ohm": elements},
        {"what": "cell_on", "plant_s": 2404.0},
    ]
    truths = truths_of(acts)
    assert len(truths) == 3
    found = truth_for(spectrum, truths, EPOCH_S)
    assert found is not None and found.shorted and found.plant_s == 2402.7
    assert found.ohm("R_SEI + R_ct") == pytest.approx(133.0)
    assert truth_for(spectrum, truths, EPOCH_S + 1e5) is None


def test_without_a_truth_nothing_is_taken_for_right(reference: Maker) -> None:
    result, _ = fresh_cell(reference)
    assert not judge(result, None, fresh=True).ok
