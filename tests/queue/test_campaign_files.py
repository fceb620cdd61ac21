"""Campaign files: what they become, and where a slip is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.errors import LabctlError, UserFileError
from labctl.model.ids import ChannelId
from labctl.model.job import After, AfterWhen, JobSpec
from labctl.protocol.yamlfile import load_yaml, to_plain
from labctl.station.campaign import expand_campaign
from labctl.station.campaignschema import json_schema, schema_text
from labctl.testing.queuebench import symmetric

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "queue.md").read_text(encoding="utf-8")
BATCH = [symmetric(number, batch="B17") for number in (9, 10)]
SMALL = """\
labctl: campaign/1
name: Small
cells: [C0001, C0002]
steps:
  - step: cycling
    protocol: p1-li-li-1mA
"""


def example() -> str:
    """Return the campaign of the documentation."""
    found = re.search(r"```yaml\n(labctl: campaign/1\n.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def expanded(text: str, files: dict[str, str] | None = None) -> dict[str, JobSpec]:
    """Return the jobs of a campaign by label."""
    specs = expand_campaign(text, "test.yaml", files or {}, BATCH)
    assert len({spec.label for spec in specs}) == len(specs)
    return {spec.label: spec for spec in specs}


def test_example_of_the_documentation_becomes_what_it_says() -> None:
    jobs = expanded(example(), {"my-protocol.yaml": "labctl: protocol/1\n"})
    assert len(jobs) == 5 + 5 + 4 + 5
    formation = jobs["C0003/formation"]
    assert formation.channel == ChannelId("neware:1-3") and formation.variables == {"opening_rest": "6 h"}
    assert formation.stagger_s == 30.0 and (formation.retry.times, formation.retry.pause_s) == (1, 600.0)
    assert formation.campaign == "Zn coating, pristine against coated" and formation.after == ()
    cycling = jobs["C0009/cycling"]
    assert cycling.after == (After("C0009/formation"),) and cycling.priority == 5
    assert jobs["C0009/rates/cold"].after == (After("C0009/cycling"),)
    assert jobs["C0009/rates/warm"].after == (After("C0009/rates/cold"),)
    assert jobs["C0009/rates/warm"].variables == {"chamber": "60 degC"}
    reference = jobs["C0001/reference"]
    assert reference.protocol_text == "labctl: protocol/1\n" and reference.hold
    cells = ("C0001", "C0002", "C0003", "C0009", "C0010")
    assert reference.after == tuple(After(f"{cell}/cycling", AfterWhen.ANY) for cell in cells)


def test_order_by_cell_and_repeats_keep_each_cell_in_its_steps() -> None:
    text = SMALL.replace(
        "steps:", "order: by cell\nsteps:\n  - {step: formation, protocol: formation, repeat: 2}"
    )
    jobs = expanded(text)
    assert list(jobs) == [
        f"{cell}/{step}" for cell in ("C0001", "C0002") for step in ("formation/1", "formation/2", "cycling")
    ]
    assert jobs["C0002/formation/2"].after == (After("C0002/formation/1"),)
    assert jobs["C0002/cycling"].after == (After("C0002/formation/2"),)


def test_step_that_says_none_waits_for_nothing_and_two_protocols_follow_each_other() -> None:
    text = SMALL + "  - {step: rates, protocol: [rate-test, gitt], cells: C0002, after: none}\n"
    jobs = expanded(text)
    assert jobs["C0002/rates/rate-test"].after == ()
    assert jobs["C0002/rates/gitt"].after == (After("C0002/rates/rate-test"),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "campaign/1",
            "protocol/1",
            "test.yaml:1:9: this is 'protocol/1', not a campaign. Write campaign/1.",
        ),
        (
            "step: cycling",
            "stepp: cycling",
            "test.yaml:5:5: unknown key 'stepp' in a step. Did you mean 'step'?",
        ),
        (
            "protocol: p1",
            "cells: coated\n    protocol: p1",
            "test.yaml:6:12: there is no group or cell 'coated' here.",
        ),
        ("protocol: p1", "after: formation\n    protocol: p1", "6:12: there is no earlier step 'formation'."),
        (
            "protocol: p1",
            "stagger: 30\n    protocol: p1",
            "test.yaml:6:14: stagger '30' is no time. Write for example",
        ),
        ("protocol: p1", "priority: high\n    protocol: p1", "priority 'high' is no whole number."),
        ("protocol: p1", "repeat: 0\n    protocol: p1", "repeat 0 cannot be. Write a number from 1 to 1000."),
        ("protocol: p1", "not_before: soon\n    protocol: p1", "not_before 'soon' is no moment."),
        ("protocol: p1-li-li-1mA", "protocol: mine.yaml", "6:15: there is no protocol file 'mine.yaml'."),
        ("C0001, C0002", "C0001, C0001", "test.yaml:3:8: cell C0001 stands twice."),
        ("C0001, C0002", "C0001, ../etc", "'../etc' is no cell id."),
        ("[C0001, C0002]", "[{batch: B99}]", "no cell is registered in batch 'B99'. Batches: B17."),
        ("[C0001, C0002]", "[{cell: C0001, channel: 1-1}]", "'1-1' is no channel. Write instrument:place"),
        ("[C0001, C0002]", "{a: [C0001], b: [C0001]}", "cell C0001 is in two groups."),
        ("[C0001, C0002]", "{all: [C0001]}", "'all' means every group."),
        ("steps:", "hold: maybe\nsteps:", "hold 'maybe' is unknown. Write true or false."),
        ("steps:", "order: random\nsteps:", "order 'random' is unknown."),
        (
            "- step: cycling",
            "- step: cycling\n    repeat: 1000\n    conditions: [{}, {}, {}]",
            "makes more than 5000 jobs.",
        ),
    ],
)
def test_slip_is_told_with_its_place_and_what_would_be_right(old: str, new: str, said: str) -> None:
    assert old in SMALL
    with pytest.raises(UserFileError) as caught:
        expanded(SMALL.replace(old, new))
    assert said in str(caught.value)


@settings(deadline=None)
@given(st.text(alphabet="{}[]:,-abcC01 \n'\"&*!|>%@~", max_size=200))
def test_any_text_is_a_campaign_or_is_refused_in_words(text: str) -> None:
    for candidate in (text, SMALL + text, f"labctl: campaign/1\nname: x\ncells: [C1]\nsteps:\n{text}"):
        try:
            expand_campaign(candidate, "test.yaml", {}, BATCH)
        except LabctlError as error:
            assert str(error)


def test_published_schema_is_current_and_knows_the_example() -> None:
    path = ROOT / "docs" / "schemas" / "campaign-1.json"
    assert path.read_text(encoding="utf-8") == schema_text(), (
        f"write labctl.station.campaignschema.schema_text() to {path.relative_to(ROOT)}"
    )
    jsonschema.Draft202012Validator.check_schema(json_schema())
    check = jsonschema.Draft202012Validator(json_schema())
    for text in (example(), SMALL):
        assert [error.message for error in check.iter_errors(to_plain(load_yaml(text, "x")))] == []


@pytest.mark.parametrize(
    "change", [{"stepz": 1}, {"steps": []}, {"order": "by moon"}, {"labctl": "campaign/2"}]
)
def test_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    document = {**to_plain(load_yaml(SMALL, "x")), **change}
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(document))
    with pytest.raises(UserFileError):
        expand_campaign(json.dumps(document), "test.yaml", {}, BATCH)
