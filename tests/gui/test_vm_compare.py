"""Pristine and coated cells side by side: one colour a group, units switched without loading again (U07, U19)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.compare import Compare, GroupBy, Per
from labctl.gui.viewmodels.comparetable import columns_of, life_rows, rows_of
from labctl.gui.viewmodels.comparing import group_word
from labctl.gui.viewmodels.edits import EditStack
from labctl.model.cell import CellKind
from labctl.model.ids import ChannelId, RunId
from labctl.model.run import RunSummary
from labctl.testing.guilab import FakeAsks, a_lab, cell

CYCLES = {
    "cycle": [1, 2], "first_sequence": [1, 11], "last_sequence": [10, 20], "retention": [1.0, 0.62],
    "coulombic_efficiency": [0.9, 0.997], "polarisation_volt": [0.1, 0.12], "discharging_capacity_ah": [1e-4, 8e-5],
}  # fmt: skip
ROWS = {
    "sequence": np.arange(1, 6), "voltage_volt": np.linspace(3.0, 3.8, 5), "step_type": np.ones(5),
    "step_count": np.ones(5), "step_capacity_ah": np.linspace(0.0, 1e-4, 5), "quality": np.zeros(5),
}  # fmt: skip


def a_run(cell_id: str, **words: object) -> RunSummary:
    return RunSummary(RunId(f"r-{cell_id}"), cell_id, cell_id, ChannelId("a:1-1"), "P5", "ended", **words)  # type: ignore[arg-type]


def a_comparison() -> tuple[FakeAsks, Compare, EditStack]:
    lab = a_lab()
    lab.take_cells([
        cell("P1", CellKind.LFP_LI, active_mass_mg=0.9, area_cm2=0.785), cell("P2", CellKind.LFP_LI, area_cm2=0.785),
        cell("Z1", CellKind.LFP_LI, active_mass_mg=0.8, area_cm2=0.785, coating="Zn", batch="B"),
    ])  # fmt: skip
    asks = FakeAsks({"runs.cycles": CYCLES, "runs.records": ROWS})
    compare, stack = Compare(lab, asks), EditStack()
    stack.do(compare.add([a_run("P1"), a_run("Z1"), a_run("P2", outcome="short", test_time_s=576_000.0)]))
    return asks, compare, stack


def test_u07_a_group_has_one_colour_and_its_cells_their_own_dash() -> None:
    _, compare, _ = a_comparison()
    assert compare.groups == ("pristine", "Zn-coated")
    assert [(line.title, line.group, line.colour, line.dash) for line in compare.lines()] == [
        ("P1", "pristine", 1, 0), ("P2", "pristine", 1, 1), ("Z1", "Zn-coated", 0, 0),
    ]  # fmt: skip
    assert [line.note.replace("\u2009", " ") for line in compare.lines()] == [
        "62 % at 2",
        "short 6 d 16 h",
        "62 % at 2",
    ]


def test_what_a_lost_link_kept_back_is_asked_for_again_when_it_is_back() -> None:
    lab = a_lab()
    asks = FakeAsks(
        {"runs.cycles": Trouble("No cycles.", "the station does not answer"), "runs.records": ROWS}
    )
    compare, stack = Compare(lab, asks), EditStack()
    stack.do(compare.add([a_run("P1"), a_run("Z1")]))
    assert set(compare.troubles) == {"r-P1", "r-Z1"}
    asks.answers["runs.cycles"] = CYCLES
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    assert set(compare.troubles) == {"r-P1", "r-Z1"}
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, 0.0)))
    assert not compare.troubles and compare.last_cycle == 2


def test_u07_units_are_switched_without_loading_again_and_a_missing_mass_is_told() -> None:
    asks, compare, stack = a_comparison()
    stack.do(compare.set_cycles("1,2")[0])
    compare.curves()
    curves = compare.curves()
    asked = len(asks.asked)
    assert (
        len(curves) == 6 and curves[0].factor == 1e3 and {curve.cycle_share for curve in curves} == {0.0, 1.0}
    )
    stack.do(compare.set_per(Per.GRAM))
    curves = compare.curves()
    assert {curve.line.title for curve in curves} == {"P1", "Z1"}
    assert curves[0].factor * curves[0].half.capacity_Ah[-1] == pytest.approx(0.1 / 0.9e-3)
    assert [line.why_not for line in compare.lines()] == ["", "no active mass is registered", ""]
    assert compare.by_cycle("r-P1", "discharging_capacity_ah")[1][0] == pytest.approx(0.1 / 0.9e-3)
    stack.undo()
    assert compare.per is Per.RAW and len(asks.asked) == asked
    assert compare.by_cycle("r-P1", "coulombic_efficiency")[1] == [90.0, pytest.approx(99.7)]
    assert compare.by_cycle("r-P1", "nothing") == ((), ())


def test_u19_moving_naming_hiding_and_removing_undo() -> None:
    _, compare, stack = a_comparison()
    stack.do(compare.change(["r-P1"], group="Zn-coated", name="best"))
    assert [line.title for line in compare.lines() if line.group == "Zn-coated"] == ["best", "Z1"]
    stack.do(compare.change(["r-P1"], hidden=True))
    stack.do(compare.remove(["r-Z1"]))
    assert [member.run_id for member in compare.members] == ["r-P1", "r-P2"]
    for _ in range(3):
        stack.undo()
    assert compare.groups == ("pristine", "Zn-coated") and not any(line.hidden for line in compare.lines())
    assert compare.change(["r-P1"], hidden=False) is None and compare.add([a_run("P1")]) is None


def test_hidden_runs_are_not_drawn_and_bad_cycle_lists_change_nothing() -> None:
    _, compare, stack = a_comparison()
    stack.do(compare.change(["r-P1", "r-P2"], hidden=True))
    compare.curves()
    assert {curve.line.title for curve in compare.curves()} == {"Z1"}
    edit, problem = compare.set_cycles("x")
    assert edit is None and problem and compare.options.cycles == "1,2,5,10:100:10"


def test_lives_are_told_by_group_and_a_run_that_cannot_be_read_says_why() -> None:
    asks, compare, stack = a_comparison()
    assert life_rows(compare) == (("P5", ("62.0 %", "62.0 %")),)
    rows = {
        row.title: dict(zip((c.key for c in columns_of(compare)), row.texts, strict=True))
        for row in rows_of(compare)
    }
    assert (
        rows["pristine, n = 2"]["kept"] == "62.0 ± 0.0"
        and rows["Z1"]["ce"] == "99.70"
        and rows["P1"]["over"] == "120"
    )
    asks.answers["runs.cycles"] = Trouble("No cycles.", "damaged")
    stack.do(compare.add([a_run("Q1")], GroupBy.PROTOCOL))
    assert compare.troubles["r-Q1"].why == "damaged" and compare.groups[-1] == "P5"
    trace = compare.trace("r-P1")
    assert compare.trace("r-P1") is trace
    stack.do(compare.remove(["r-P1"]))
    assert compare.trace("r-Z1") is not trace and math.isnan(compare.factor(compare.members[0])[0]) is False
    compare.close()


def test_u17_groups_are_called_in_the_window_s_language_and_kept_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, compare, stack = a_comparison()
    chinese = {"pristine": "原始锂", "{film}-coated": "{film} 包覆"}
    monkeypatch.setattr(words, "translate", lambda context, text: chinese.get(text, text))
    assert [group_word(group) for group in (*compare.groups, "my best")] == ["原始锂", "Zn 包覆", "my best"]
    assert (
        compare.group_named(" Zn 包覆 ") == "Zn-coated" and compare.rename_group("pristine", "原始锂") is None
    )
    stack.do(compare.rename_group("pristine", "bare"))
    assert compare.groups == ("bare", "Zn-coated") and group_word("-coated") == "-coated"


def test_a_cycle_that_goes_on_is_not_drawn_by_cycle() -> None:
    asks, _, _ = a_comparison()
    asks.answers["runs.cycles"] = {**CYCLES, "complete": [True, False]}
    compare, stack = Compare(a_lab(), asks), EditStack()
    stack.do(compare.add([a_run("P1")]))
    for column in ("polarisation_volt", "coulombic_efficiency", "discharging_capacity_ah"):
        values = compare.by_cycle("r-P1", column)[1]
        assert math.isfinite(values[0]) and math.isnan(values[1])
