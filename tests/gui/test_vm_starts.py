"""A batch is reviewed before it starts: absolute currents, OCV against the registry, only passing rows (U04, U05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.currents import Currents
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.starts import BatchStart, Verdict, Wish
from labctl.model.cell import CellKind
from labctl.model.ids import ChannelId
from labctl.model.job import Forecast, JobId, JobSpec, PlannedJob
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, cell, empty, running, tell

REVIEW = ("currents: 78.5 uA (0.1 mA/cm2, C/2)", "limits: 2.5 V to 3.9 V", "needs about 61 h")


@dataclass
class Answer:
    jobs: tuple[PlannedJob, ...]


def queue_answers(errors: dict[str, str]) -> Any:
    def submit(specs: list[JobSpec], *, dry_run: bool = False) -> Answer:
        return Answer(tuple(
            PlannedJob(spec.label, spec.cell_id, spec.channel, spec.protocol,
                       errors=(errors[spec.cell_id],) if spec.cell_id in errors else (), review=REVIEW,
                       starts=Forecast("2026-04-21T14:00:00+00:00", "", ""),
                       job_id=None if dry_run else JobId(f"j-{spec.cell_id}"))
            for spec in specs
        ))  # fmt: skip

    return submit


def a_batch(errors: dict[str, str] | None = None) -> tuple[Lab, FakeAsks, BatchStart]:
    lab = a_lab()
    lab._utc = lambda: datetime(2026, 4, 21, tzinfo=UTC)
    lab.take_cells([cell(f"C{n}", CellKind.LFP_LI, ocv_V=2.894) for n in range(1, 5)])
    tell(lab, *(empty(f"box:{n}", voltage_V=2.892) for n in range(1, 5)))
    asks = FakeAsks({"queue.submit": queue_answers(errors or {})})
    start = BatchStart(lab, Acts(asks, TurnedClock()))
    start.begin([Wish(f"box:{n}", f"C{n}", "LFP-PEO-0.5C") for n in range(1, 5)])
    return lab, asks, start


def test_u04_one_table_has_everything_and_rows_that_pass_are_ticked() -> None:
    _, asks, start = a_batch({"C3": "C3 does not fit."})
    rows = start.rows()
    one = rows[0]
    assert (one.slot, one.cell, one.ocv_measured, one.ocv_registered) == ("1", "C1", "2.892", "2.894")
    assert one.current == "78.5 uA (0.1 mA/cm2, C/2)" and one.limits == "2.5 V to 3.9 V"
    assert one.verdict is Verdict.PASS and one.ticked and one.starts.endswith(":00")
    assert (rows[2].verdict, rows[2].told, rows[2].ticked) == (Verdict.REFUSED, "C3 does not fit.", False)
    assert start.ticked() == (0, 1, 3) and start.label() == "Start 3"
    assert asks.asked[0].words == {"dry_run": True}


def test_u05_a_row_whose_ocv_is_another_cells_cannot_be_ticked() -> None:
    lab, _, start = a_batch()
    tell(lab, empty("box:2", voltage_V=0.002))
    row = start.rows()[1]
    assert row.ocv_off and not row.ticked and row.told == "OCV 0.002 V, registered 2.894 V: another cell?"
    assert start.tick(1, True) == row.told and start.ticked() == (0, 2, 3)


def test_u05_another_cell_in_the_slot_a_running_one_and_an_old_reading_are_refused() -> None:
    lab, _, start = a_batch()
    tell(lab, empty("box:1", voltage_V=2.892, cell_id="C9", cell_name="C9"), running("box:2", "C2"),
         empty("box:3", voltage_V=2.892, tripped="V above"))  # fmt: skip
    told = [row.told for row in start.rows()]
    assert told[0] == "C9 is in the slot, not C1." and told[1] == "2 is running." and "trip" in told[2]
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    assert start.rows()[3].told == "The OCV is not read now." and "does not answer" in start.start_why_not()


@pytest.mark.parametrize(
    ("stagger_s", "fine"),
    [(0.0, True), (3600.0, True), (3601.0, False), (-1.0, False), (float("nan"), False)],
)
def test_u04_the_pause_between_two_starts_is_0_to_3600_s(stagger_s: float, fine: bool) -> None:
    _, _, start = a_batch()
    assert (start.set_stagger(stagger_s) == "") is fine
    assert start.stagger_s == (stagger_s if fine else 0.0)


def test_u04_the_start_loads_releases_and_queues_together_with_the_pause() -> None:
    lab, asks, start = a_batch()
    tell(lab, empty("box:1", voltage_V=2.892, cell_id="C1", ready=True))
    asks.answers.update({"channels.load": None, "channels.set_ready": None})
    start.set_stagger(300.0)
    start.tick(3, False)
    assert start.label() == "Start 3, 5\u2009min apart"
    assert start.start() == ""
    assert [(question.verb, question.args) for question in asks.asked[1:5]] == [
        ("channels.load", ("box:2", "C2")), ("channels.set_ready", ("box:2", True)),
        ("channels.load", ("box:3", "C3")), ("channels.set_ready", ("box:3", True)),
    ]  # fmt: skip
    specs = asks.of("queue.submit")[-1].args[0]
    assert [(spec.cell_id, spec.channel, spec.stagger_s) for spec in specs] == [
        ("C1", ChannelId("box:1"), 300.0), ("C2", ChannelId("box:2"), 300.0), ("C3", ChannelId("box:3"), 300.0),
    ]  # fmt: skip
    assert [row.told for row in start.rows()] == [
        "queued as j-C1",
        "queued as j-C2",
        "queued as j-C3",
        "passes",
    ]
    assert start.ticked() == () and start.start_why_not() == "No row passes."


def test_a_row_that_cannot_be_loaded_is_left_out_and_says_why() -> None:
    _, asks, start = a_batch()
    asks.answers["channels.set_ready"] = None
    asks.answers["channels.load"] = lambda channel, cell_id: (
        Trouble("C2 was not loaded.", "It sits in box:9.") if cell_id == "C2" else None
    )
    start.start()
    assert [row.verdict for row in start.rows()] == [
        Verdict.QUEUED,
        Verdict.FAILED,
        Verdict.QUEUED,
        Verdict.QUEUED,
    ]
    assert "box:9" in start.rows()[1].told and len(asks.of("queue.submit")[-1].args[0]) == 3


def test_r4_while_it_is_sent_nothing_can_be_sent_twice_and_a_refusal_is_in_every_row() -> None:
    _, asks, start = a_batch()
    start.start()
    assert start.start_why_not() == "being started" and len(asks.of("channels.load")) == 4
    assert {row.verdict for row in start.rows()} == {Verdict.SENDING}
    asks.answers["channels.set_ready"] = None
    del asks.answers["queue.submit"]
    for question in asks.of("channels.load"):
        question.then(None)
    asks.of("queue.submit")[-1].failed(Trouble("Nothing was queued.", "Stop all is active."))
    assert {row.told for row in start.rows()} == {"Nothing was queued. Stop all is active."}


def test_r4_the_check_itself_can_fail_and_an_old_answer_is_not_believed() -> None:
    _, asks, start = a_batch()
    asks.answers["queue.submit"] = Trouble("No pre-flight.", "The station is busy.")
    start.check()
    assert start.rows()[0].told == "No pre-flight. The station is busy."
    del asks.answers["queue.submit"]
    start.set_protocol([0], "OTHER")
    old = asks.asked[-1]
    assert start.rows()[0].verdict is Verdict.CHECKING
    start.set_protocol([0], "THIRD")
    old.then(Answer(()))
    assert start.rows()[0].verdict is Verdict.CHECKING


def test_u03_set_currents_follow_from_the_protocol_text_and_the_cell() -> None:
    text = """
labctl: protocol/1
name: p
for: lfp_li
steps:
  - rest: 1 h
  - repeat: 3
    steps:
      - discharge: 0.5C
        until: {voltage: 2.5 V}
"""
    currents = Currents(lambda: {"p": text, "broken": "]"})
    made = cell("C1", CellKind.LFP_LI, active_mass_mg=0.924, one_c_mA_per_g=170.0)
    assert currents.of("p", made) == pytest.approx(78.54e-6)
    assert currents.of("p", cell("C2")) is None and currents.of("broken", made) is None
    assert currents.of("nowhere", made) is None


def waiting_to_load() -> tuple[FakeAsks, BatchStart]:
    """Return a start that was pressed, whose cells are being loaded: the test answers."""
    lab, asks, start = a_batch()
    tell(lab, *(empty(f"box:{n}", voltage_V=2.892) for n in range(1, 5)))
    for _ in range(3):
        start.tick(len(start.ticked()) - 1, False)
    assert start.start() == ""
    return asks, start


def test_what_is_queued_is_what_was_accepted_though_the_review_changes_while_cells_are_loaded() -> None:
    asks, start = waiting_to_load()
    start.set_protocol([0], "another")
    start.set_stagger(600.0)
    asks.of("channels.load")[0].then("loaded")
    asks.of("channels.set_ready")[0].then("ready")
    sent = [question for question in asks.of("queue.submit") if not question.words.get("dry_run")]
    assert [(spec.protocol, spec.stagger_s) for spec in sent[0].args[0]] == [("LFP-PEO-0.5C", 0.0)]
    assert start.rows()[0].verdict is Verdict.QUEUED


def test_r6_the_answer_to_an_earlier_start_marks_no_row_of_the_next_review_as_queued() -> None:
    asks, start = waiting_to_load()
    start.begin([Wish("box:2", "C2", "LFP-PEO-0.5C"), Wish("box:3", "C3", "LFP-PEO-0.5C")])
    assert start.start() == ""
    asks.of("channels.load")[0].then("loaded")  # of the first start: it goes on, for itself
    asks.of("channels.set_ready")[0].then("ready")
    sent = [question for question in asks.of("queue.submit") if not question.words.get("dry_run")]
    assert [[spec.cell_id for spec in question.args[0]] for question in sent] == [["C1"]]
    assert [row.verdict for row in start.rows()] == [Verdict.SENDING, Verdict.SENDING]


def test_a_start_that_nobody_answered_is_not_ticked_to_be_sent_a_second_time() -> None:
    _, asks, start = a_batch()
    lost = Trouble("No answer yet", "the station is silent", kind=TroubleKind.DEADLINE)
    asks.answers.update({"channels.load": "loaded", "channels.set_ready": "ready", "queue.submit": lost})
    assert start.start() == ""
    assert all(row.verdict is Verdict.FAILED and not row.ticked for row in start.rows())
    assert start.start_why_not() != ""
