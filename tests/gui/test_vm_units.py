"""One choice of units reaches every number, axis and column; without one each is shown as it is usual (U07, R7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labctl.gui.viewmodels.comparing import Per, charge_scale, current_scale, per_word
from labctl.gui.viewmodels.gridtable import COLUMNS
from labctl.gui.viewmodels.plotchoice import Axis
from labctl.gui.viewmodels.sweeps import charge_unit
from labctl.gui.viewmodels.text import FieldUnits, quantity, shared
from labctl.gui.viewmodels.units import FIELDS, STEPS, USUAL, ChosenUnits, units
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId

CHOICE = {"current": "µA", "capacity": "Ah", "charge_per_mass": "Ah/g", "charge_per_area": "µAh/cm²"}
CELL = Cell(CellId("C1"), "C1", CellKind.OTHER, area_cm2=2.0, active_mass_mg=10.0, nominal_capacity_mAh=1.0)


@pytest.fixture
def chosen() -> Iterator[None]:
    units.choose(CHOICE)
    yield
    units.choose({})


def test_without_a_choice_a_number_takes_the_unit_of_its_size_and_a_column_the_usual_one() -> None:
    assert quantity(1.5e-6, "A") == "1.500\u2009µA" and quantity(1.5, "A") == "1.500\u2009A"
    assert str(shared(1.5e-6, "A")) == "0.001500\u2009mA"
    assert charge_scale(Per.GRAM).axis == "mAh g⁻¹" and current_scale(Per.AREA).axis == "mA cm⁻²"


def test_a_choice_goes_before_the_size_of_a_number_and_before_what_a_field_kept(chosen: None) -> None:
    field = FieldUnits({"channel.current": "mA"})
    assert field.show("channel.current", 1e-3, "A").unit == "µA" and quantity(1.0, "A").endswith("µA")
    units.choose({})
    assert field.show("channel.current", 1e-3, "A").unit == "mA"


def test_axes_columns_and_the_word_of_the_choice_say_the_chosen_unit_with_the_numbers_to_it(
    chosen: None,
) -> None:
    assert [charge_scale(per).axis for per in Per] == ["Ah", "Ah g⁻¹", "µAh cm⁻²"]
    assert per_word(Per.AREA) == "µAh/cm²" and current_scale(Per.RAW).name == "µA"
    assert [column.told for column in COLUMNS if column.base] == ["current µA", "Q Ah/g"]
    per_gram, per_area = charge_unit(Axis.PER_GRAM, CELL), charge_unit(Axis.PER_AREA, CELL)
    assert (per_gram.name, per_gram.factor) == ("Ah g⁻¹", pytest.approx(100.0))
    assert (per_area.name, per_area.factor) == ("µAh cm⁻²", pytest.approx(5e5))
    assert shared(0.01234, "Ah/g").number == "0.01234"


def test_a_column_keeps_what_it_resolves_in_every_unit() -> None:
    made = ChosenUnits()
    found = {}
    for name in ("", "Ah", "mAh", "µAh", "nAh"):
        made.choose({"capacity": name})
        found[name] = made.scale("Ah").decimals(1e-7)
    assert found == {"": 4, "Ah": 7, "mAh": 4, "µAh": 1, "nAh": 0}


def test_a_kept_unit_that_is_none_of_its_kind_is_taken_as_automatic() -> None:
    made = ChosenUnits()
    made.choose({"current": "furlong", "capacity": "µA"})
    assert made.of("A") == made.of("Ah") == ""


def test_what_can_be_chosen_and_what_is_usual_are_units_of_their_base() -> None:
    for base in FIELDS.values():
        assert USUAL[base] in [name for _, name in STEPS[base]]
