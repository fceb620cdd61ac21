"""A text is reported as a whole: every problem with its field, every step with its absolute values."""

from __future__ import annotations

import math

import pytest

from labctl.protocol.library import list_protocols
from labctl.protocol.report import path_at, report_text
from labctl.protocol.yamlfile import load_yaml
from labctl.testing.queuebench import SHORT, symmetric


def test_several_broken_steps_are_all_told_with_field_line_and_fix() -> None:
    text = (
        SHORT.replace("10 min", "10 mni")
        .replace("- discharge", "- disharge")
        .replace("- charge: 1 mA", "- charge: 1 V")
    )
    said = report_text(text, "x")
    assert not said.ok and said.protocol is None
    told = [(problem.path, problem.line) for problem in said.problems]
    assert told == [
        ("steps[0].rest", 9), ("steps[1].steps[0].charge", 12), ("steps[1].steps[1].disharge", 14),
    ]  # fmt: skip
    assert "Did you mean 'min'?" in said.problems[0].fix
    assert [step.kind for step in said.steps] == ["repeat"], "what could be read"


def test_steps_come_in_the_order_of_the_text_with_absolute_currents_of_the_cell() -> None:
    said = report_text(SHORT, "x", cell=symmetric(1))
    assert said.ok
    assert [(step.kind, step.depth, step.path) for step in said.steps] == [
        ("rest", 0, "steps[0]"), ("repeat", 0, "steps[1]"), ("charge", 1, "steps[1].steps[0]"),
        ("discharge", 1, "steps[1].steps[1]"),
    ]  # fmt: skip
    charge = said.steps[2]
    assert charge.current == "1 mA/cm^2" and charge.current_A == pytest.approx(math.pi / 4e3)
    assert math.isnan(said.steps[0].current_A)
    assert charge.sentence == "Charge at 1 mA/cm^2 for 30 min."


def test_what_the_cell_does_not_tell_is_a_problem_of_the_step_that_needs_it() -> None:
    said = report_text(SHORT, "x", cell=symmetric(1, diameter_mm=None))
    assert not said.ok and said.protocol is not None
    assert said.problems[0].path == "steps[1].steps[0]"
    assert "electrode area of cell C0001" in said.problems[0].problem


def test_warnings_come_behind_errors_and_do_not_make_the_text_unusable() -> None:
    text = SHORT.replace("until: {time: 30 min}", "until: {voltage: 0.5 V}", 1)
    said = report_text(text, "x")
    assert said.ok and [problem.is_error for problem in said.problems] == [False]
    assert said.problems[0].fix.startswith("Add a 'time'")


@pytest.mark.parametrize(
    "text", ["", "steps: [", "- 1", "labctl: protocol/1\nname: x\nsteps: []\n", "labctl: bench/1"]
)
def test_a_text_that_is_no_protocol_is_reported_and_never_raised(text: str) -> None:
    said = report_text(text, "x")
    assert not said.ok and said.steps == () and said.problems[0].problem


def test_every_ready_made_protocol_is_reported_without_a_problem() -> None:
    for entry in list_protocols():
        said = report_text(entry.path.read_text(encoding="utf-8"), entry.name)
        assert said.ok and said.steps, entry.name
        assert not [problem for problem in said.problems if problem.is_error]


def test_a_place_between_fields_belongs_to_the_field_before_it() -> None:
    root = load_yaml(SHORT, "x")
    assert path_at(root, 1, 1) == "labctl"
