"""The live check: every problem at once with its cell, offers that mend it, needs and sketch, differences of texts."""

from __future__ import annotations

import pytest

from labctl.gui.viewmodels.protocol.document import Document
from labctl.gui.viewmodels.protocol.judging import judge, path_of
from labctl.gui.viewmodels.protocol.offers import offer_for
from labctl.gui.viewmodels.protocol.revisions import Sign, changes
from labctl.gui.viewmodels.protocol.rows import Column
from labctl.gui.viewmodels.protocol.typed import Family, read_typed
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId

HEAD = "labctl: protocol/1\nname: A\nsafety: {voltage: [-5 V, 5 V]}\n"
CELL = Cell(CellId("C1"), "C1", CellKind.LFP_LI, area_cm2=1.0, active_mass_mg=10.0, one_c_mA_per_g=170.0)


@pytest.mark.parametrize(
    ("typed", "family", "value"),
    [
        ("C/20", Family.CURRENT, "C/20"), ("1 mA", Family.CURRENT, "1 mA"), ("１．５ｍＡ", Family.CURRENT, "1.5 mA"),
        ("1 mA cm-2", Family.CURRENT, "1 mA/cm^2"), ("50 µA", Family.CURRENT, "50 uA"),
        ("4.3", Family.VOLTAGE, "4.3 V"), ("−5 V", Family.VOLTAGE, "-5 V"), ("1 h 30 min", Family.TIME, "1.5 h"),
        ("25 °C", Family.TEMPERATURE, "25 degC"),
        ("80 %", Family.FRACTION, "80 %"), ("", Family.TIME, None), ("1e-3 A", Family.CURRENT, "0.001 A"),
    ],
)  # fmt: skip
def test_quantities_are_read_as_people_write_them(typed: str, family: Family, value: str | None) -> None:
    told = read_typed(typed, family, signed=True)
    assert told.ok and told.value == value


@pytest.mark.parametrize(
    ("typed", "family"),
    [("1e-3", Family.CURRENT), ("1,5 mA", Family.CURRENT), ("2", Family.TIME), ("1 MA", Family.CURRENT)],
)
def test_what_can_mean_two_things_is_asked_about(typed: str, family: Family) -> None:
    told = read_typed(typed, family)
    assert told.question and told.options and told.value is None
    for option in told.options:
        assert read_typed(option.text, family).value is not None


@pytest.mark.parametrize(
    ("steps", "problem", "holds"),
    [
        ("- charge: C/10\n", "can never end", "time: 20 h"),
        ("- charge: 1 mA\n  until: {voltage: 4 V}\n", "by voltage alone", "time: 10 h"),
        ("- charge: 1 mA\n  then_hold: 4 V\n  until: {time: 9 h}\n", "without a current end", "current: C/20"),
        ("- hold: 4 V\n  until: {current: C/20, time: 4 h}\n", "no largest current", "at_most: 1 C"),
        ("- charge: 1 mA\n  until: {capacity: 1 mAh, time: 10 min}\n", "is over before", "time: 62 min"),
        ("- charge: 1 mA\n  untl: {time: 1 h}\n", "unknown key", "until: {time: 1 h}"),
        ("- charge: ${x}\n  until: {time: 1 h}\n", "not defined", "  x: "),
        ("- rest: 1 h\n- repeat: 2\n  steps:\n  - chrge: 1 mA\n    until: {time: 1 h}\n", "unknown step",
         "- charge: 1 mA"),
        ("- rest: 1 h\n  safety: {voltage: [-6 V, 6 V]}\n", "looser than", "- rest: 1 h\n"),
        ("- charge: 1 mA\n  until: {voltage: 3 V, time: 1 h}\n- discharge: 1 mA\n  until: {voltage: 4 V, time: 1 h}\n",
         "wrong side", "- charge: 1 mA"),
    ],
)  # fmt: skip
def test_a_problem_names_its_step_and_its_offer_mends_it(steps: str, problem: str, holds: str) -> None:
    document = Document(f"{HEAD}steps:\n{steps}")
    found = next(item for item in judge(document.text).problems if problem in item.text)
    assert document.row_at(found.path) is not None
    offer = offer_for(found, document)
    assert offer is not None
    outcome = offer.make()
    assert outcome.edit is not None, outcome
    outcome.edit.redo()
    assert holds in document.text
    assert not any(problem in item.text for item in judge(document.text).problems)
    outcome.edit.undo()
    assert document.text == f"{HEAD}steps:\n{steps}"


def test_an_unused_variable_hides_no_other_problem_and_can_be_removed() -> None:
    text = f"{HEAD}variables:\n  a: 1 mA\n  b: {{default: 2 h, note: never}}\nsteps:\n- charge: ${{a}}\n"
    found = judge(text)
    assert any("'b' is never used" in item.text for item in found.problems)
    assert any("can never end" in item.text for item in found.problems)
    document = Document(text)
    unused = next(item for item in found.problems if "'b'" in item.text)
    offer = offer_for(unused, document)
    assert offer is not None
    edit = offer.make().edit
    assert edit is not None
    edit.redo()
    assert "b:" not in document.text and "  a: 1 mA\n" in document.text


def test_needs_and_absolute_values_are_those_of_the_chosen_cell() -> None:
    text = f"{HEAD}steps:\n- charge: C/10\n  until: {{voltage: 4 V, time: 20 h}}\n"
    alone, bound = judge(text), judge(text, cell=CELL)
    assert alone.needs is not None and alone.needs.time_s == pytest.approx(36_000)
    assert bound.needs is not None and bound.needs.charge_Ah == pytest.approx(1.7e-3)
    assert bound.figures[("steps", 0)].current_A == pytest.approx(1.7e-4)


def test_a_field_of_the_checker_leads_to_its_step_and_cell() -> None:
    assert path_of("steps[2].steps[0].until.time") == (("steps", 2, "steps", 0), "until")
    assert path_of("steps[1].parallel[0][2].rest") == (("steps", 1, "parallel", 0, 2), "rest")
    assert path_of("variables.x") == ((), "variables")


def test_the_sketch_has_the_loops_as_brackets_and_says_that_it_goes_on() -> None:
    pair = "".join(f"  - {word}: 1 mA\n    until: {{time: 1 h}}\n" for word in ("charge", "discharge"))
    inner = f"- repeat: 10\n  steps:\n{pair}"
    outer = "- repeat: 25\n  steps:\n" + "".join(f"  {line}\n" for line in inner.splitlines())
    found = judge(f"{HEAD}for: symmetric\nsteps:\n{outer}").sketch
    assert found is not None and found.goes_on and found.total_s == pytest.approx(500 * 3600)
    assert found.brackets[0].text == "× 25" and found.brackets[0].open and found.brackets[0].level == 1
    assert [item.text for item in found.brackets if item.level == 0][:2] == ["× 10", "× 10"]
    assert found.time_s == sorted(found.time_s)


def test_differences_name_rows_added_removed_and_changed_and_the_head() -> None:
    old = f"{HEAD}steps:\n- rest: 1 h\n- charge: 1 mA\n  until: {{time: 1 h}}\n- rest: 2 h\n"
    new = f"{HEAD.replace('5 V]', '4 V]')}steps:\n- charge: 2 mA\n  until: {{time: 1 h}}\n"
    new += "- rest: 2 h\n- rest: 3 h\n"
    found = changes(old, new)
    assert {(item.sign, item.where, item.what) for item in found} == {
        (Sign.CHANGED, "head", "Safety limits"), (Sign.REMOVED, "row 1", "REST t 1 h"), (Sign.CHANGED, "row 1", "set"),
        (Sign.ADDED, "row 3", "REST t 3 h"),
    }  # fmt: skip
    assert changes(old, old + "# a comment\n") == () and changes(old, "a: [") == ()


def test_a_cell_of_every_column_says_what_it_holds_again() -> None:
    text = (
        f"{HEAD}steps:\n- charge: C/20\n  then_hold: 4.2 V\n  until: {{current: C/50, time: 9 h, "
        "temperature: {above: 60 degC}, when: retention < 80 %}\n  record: {every: 1 s}\n"
        "  safety: {voltage: [none, 4.5 V], current: 2 mA, delay: 1 s}\n"
    )
    document = Document(text)
    for column in (Column.SET, Column.UNTIL, Column.RECORD, Column.LIMITS):
        cell = document.rows[0].cell(column)
        outcome = document.set_cell(document.rows[0], column, cell.typed + " ")
        assert outcome.edit is None and not outcome.why and not outcome.question, (column, outcome)
