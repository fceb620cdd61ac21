"""One channel in detail: every number with unit, quality and age; where the program is, how near a limit (U22)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase, RowsOf
from labctl.gui.viewmodels.channel import ChannelModel
from labctl.gui.viewmodels.figures import CellFigures
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.programlines import program_lines
from labctl.model.cell import CellKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import Forecast
from labctl.model.latest import LatestCycle
from labctl.model.run import RunDetail, RunRevision, RunSummary
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, cell, empty, running, tell

PROGRAM: dict[str, Any] = {
    "limits": {"voltage_min_V": 2.5, "voltage_max_V": 3.9, "current_max_A": 1e-4, "temperature_max_degC": 65.0},
    "flow": [
        {"kind": "segment", "index": 1, "body": [
            {"kind": "step", "step_id": 1, "mode": "rest", "end_time_s": 21600.0},
            {"kind": "loop", "count": 500, "body": [
                {"kind": "step", "step_id": 2, "mode": "cc_charge", "current_A": 78.5e-6, "end_voltage_V": 3.8,
                 "end_time_s": 14400.0},
                {"kind": "step", "step_id": 3, "mode": "cc_discharge", "current_A": -78.5e-6, "end_voltage_V": 3.0,
                 "end_time_s": 14400.0, "limits": {"current_max_A": 9e-5}, "sentence": "discharge"},
            ]},
        ]},
        {"kind": "host_repeat", "until": "retention < 80 %", "at_most": 3, "body": []},
    ],
}  # fmt: skip


def a_detail(run_id: str) -> RunDetail:
    summary = RunSummary(RunId(run_id), "C0063", "C0063", ChannelId("neware:1-23"), "LFP-PEO-0.5C", "running")
    revision = RunRevision(4, 1, "LFP-PEO-0.5C", "a91f77", "chen", "", "")
    return RunDetail(summary, {"program": PROGRAM}, ("rest 6 h",), (revision,), (), "")


AT_STEP_3 = {"step_number": 3, "steps": 3, "step_kind": "CC-DIS", "step_time_s": 2304.0}


def a_channel(**words: Any) -> tuple[Lab, FakeAsks, ChannelModel]:
    lab = a_lab()
    lab._utc = lambda: datetime(2026, 4, 21, 1, 42, tzinfo=UTC)
    lab.take_cells([cell("C0063", CellKind.LFP_LI, active_mass_mg=0.924, area_cm2=0.7853, one_c_mA_per_g=170.0,
                         coating="Li-Zn", electrolyte="PEO")])  # fmt: skip
    ends = Forecast("2026-05-12T04:40:00+00:00", "", "")
    tell(lab, running("neware:1-23", "C0063", voltage_V=3.3393, current_A=-78.53e-6, temperature_degC=60.02, cycle=318,
                      ends=ends, **{**AT_STEP_3, **words}))  # fmt: skip
    asks = FakeAsks({
        "runs.get": a_detail,
        "runs.latest_cycles": [LatestCycle(
            RunId("run-neware-1-23"), ChannelId("neware:1-23"), CellId("C0063"), 317, coulombic_efficiency=0.9974,
            retention=0.812, discharging_capacity_mAh_per_g=124.5, first_discharging_capacity_mAh_per_g=153.2)],
    })  # fmt: skip
    model = ChannelModel(lab, Acts(asks, TurnedClock()), CellFigures(lab, asks))
    model.show("neware:1-23")
    rows = {"sequence": np.array([7, 8]), "step_id": np.array([2, 3]), "step_type": np.array([1, 2]),
            "step_time_second": np.array([0.0, 2304.0]), "step_capacity_ah": np.array([0.0, 50.63e-6]),
            "quality": np.array([0, 0])}  # fmt: skip
    lab.apply(Batch(rows=(RowsOf("run-neware-1-23", rows),)))
    return lab, asks, model


def plain(text: str) -> str:
    return text.replace("\u2009", " ")


def test_the_read_outs_have_value_unit_and_what_stands_under_them() -> None:
    _, _, model = a_channel()
    found = {item.id: (item.value, item.unit, plain(item.under)) for item in model.readouts()}
    assert found == {
        "voltage": ("3.3393", "V", "GOOD · 0.0 s"),
        "current": ("−78.53", "µA", "−0.1000 mA/cm² · C/2.00"),
        "charge": ("54.8", "mAh/g", "50.63 µAh"),
        "cycle": ("124.5", "mAh/g", "81.2 % · #1 153.2"),
        "efficiency": ("99.74", "%", "last complete cycle"),
        "temperature": ("60.02", "°C", ""),
        "step_time": ("00:38:24", "", "of 4 h"),
        "finish": ("05-12 04:40", "", "in 21 d 3 h"),
    }
    assert not any(item.muted for item in model.readouts())


def test_the_head_names_channel_cell_protocol_revision_and_step() -> None:
    _, _, model = a_channel()
    head = model.head()
    assert (head.label, head.cell, head.protocol, head.revision) == (
        "1-23",
        "C0063",
        "LFP-0.5C",
        "rev 4  #a91f",
    )
    assert head.facts == "Li-Zn | PEO · 0.9240 mg · 0.7853 cm²"
    assert (head.step, head.cycle, head.glyph) == ("CC-DIS step 3 / 3", "cycle 318 / 500", "discharge")


def test_the_steps_say_what_is_done_now_and_next() -> None:
    _, _, model = a_channel()
    steps = model.steps()
    assert [(step.line.name, step.state) for step in steps] == [
        ("REST", "done"), ("LOOP × 500", "done"), ("CC-CHG", "done"), ("CC-DIS", "now"), ("REPEAT", "next"),
    ]  # fmt: skip
    assert plain(steps[2].line.set_text) == "+78.50 µA" and plain(steps[2].line.until) == "V ≥ 3.800 V · 4 h"
    assert plain(steps[3].line.until) == "V ≤ 3.000 V · 4 h" and steps[3].line.depth == 1
    assert plain(steps[4].line.until) == "retention < 80 % · at most 3 times"


def test_limits_show_their_room_and_mark_the_tightest() -> None:
    _, _, model = a_channel()
    limits = {limit.name: limit for limit in model.limits()}
    assert list(limits) == ["V max", "V min", "|I| max", "T max", "step time"]
    assert limits["|I| max"].layer == "L5" and plain(limits["|I| max"].limit) == "90.00 µA"
    assert limits["V max"].layer == "L4" and limits["V max"].used == (3.3393 - 2.5) / (3.9 - 2.5)
    assert [name for name, limit in limits.items() if limit.tightest] == ["T max"]


def test_u22_without_news_the_numbers_are_muted_and_say_so() -> None:
    lab, _, model = a_channel()
    told: list[int] = []
    model.watch(lambda: told.append(1))
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    voltage = model.readouts()[0]
    assert voltage.muted and voltage.under.startswith("STALE") and told


def test_r7_the_current_keeps_its_unit() -> None:
    lab, _, model = a_channel()
    model.readouts()
    tell(lab, running("neware:1-23", "C0063", current_A=1.2e-3))
    assert (model.readouts()[1].value, model.readouts()[1].unit) == ("+1200", "µA")


def test_another_run_in_the_channel_is_another_program() -> None:
    lab, asks, model = a_channel()
    tell(lab, running("neware:1-23", "C0064", run_id="run-2"))
    assert asks.of("runs.get")[-1].args == ("run-2",)
    model.refresh()
    assert len(asks.of("runs.get")) == 3


def test_r4_a_program_that_cannot_be_had_leaves_the_numbers() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"))
    asks = FakeAsks({"runs.get": Trouble("No program.", "no answer")})
    model = ChannelModel(lab, Acts(asks, TurnedClock()), CellFigures(lab, asks))
    model.show("neware:1-1")
    assert (
        model.trouble is not None
        and model.steps() == ()
        and model.limits() == ()
        and len(model.readouts()) == 8
    )
    model.show("nowhere")
    assert model.readouts() == () and "no such channel" in model.head().facts


def test_u21_the_menu_offers_what_cycler_users_expect_and_says_why_not() -> None:
    lab, asks, model = a_channel()
    buttons = model.buttons()
    assert buttons["runs.pause_at_step_end"] == "" and buttons["runs.stop"] == "" and buttons["runs.resume"]
    assert model.act("runs.resume") == buttons["runs.resume"] and asks.of("runs.resume") == []
    assert model.act("runs.pause_at_step_end", reason="EIS") == ""
    assert model.act("runs.note", "door opened") == ""
    assert asks.asked[-2].args == ("run-neware-1-23",) and asks.asked[-2].words == {"reason": "EIS"}
    assert asks.asked[-1].args == ("run-neware-1-23", "door opened")
    tell(lab, empty("neware:1-23"))
    assert model.buttons()["channels.load"] == "" and model.act("queue.submit") == "No cell is in 1-23."
    assert model.act("channels.load", "C0063") == "" and asks.asked[-1].args == ("neware:1-23", "C0063")


def test_programs_of_unknown_shape_are_no_lines() -> None:
    assert program_lines({}) == () and program_lines({"flow": [{"kind": "dance"}]}) == ()
    (one,) = program_lines({"flow": [{"kind": "step", "mode": "cp_charge"}]})
    assert one.name == "CP-CHARGE" and math.isnan(one.end_time_s)
