"""An empty station says what is missing and what the safe next step is; testing an instrument drives nothing."""

from __future__ import annotations

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.firstrun import FirstRun
from labctl.gui.viewmodels.lab import Lab
from labctl.model.bench import LinkState, StationInfo, StopAll
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, box, cell, running, tell


def an_empty_station() -> tuple[Lab, FakeAsks, FirstRun]:
    lab = a_lab()
    latch = StopAll(False)
    lab.take_info(
        StationInfo("A", "1", "e", 1, "", False, "real", "", "", True, latch, 412_000_000_000, "ok", 0, 0, 0)
    )
    asks = FakeAsks({"protocols.list": ["p1", "p2"], "notify.status": {"people": [], "timezone": "UTC"}})
    first = FirstRun(lab, Acts(asks, TurnedClock()))
    first.refresh()
    return lab, asks, first


def test_an_empty_station_names_its_next_step() -> None:
    _, _, first = an_empty_station()
    steps = first.steps()
    assert first.needed and first.progress() == "2 of 6"
    assert [step.title for step in steps if step.now] == ["Instruments"]
    assert (steps[0].told, steps[0].done) == ("412\u2009GB free", True)
    assert (steps[1].told, steps[3].told, steps[4].told) == ("none", "2 ready-made ones", "nobody; optional")


def test_the_path_goes_on_to_the_first_run() -> None:
    lab, _, first = an_empty_station()
    tell(lab, box("neware", 8))
    assert not first.needed and [step.title for step in first.steps() if step.now] == ["Cells"]
    lab.take_cells([cell("C1")])
    assert [step.title for step in first.steps() if step.now] == ["First run"]
    tell(lab, running("neware:1-1", "C1"))
    assert not any(step.now for step in first.steps()) and first.progress() == "5 of 6"


def test_instruments_are_tested_one_by_one_and_say_what_they_are() -> None:
    lab, asks, first = an_empty_station()
    tell(lab, box("a", 8, LinkState.OPENING), box("b", 8))
    first.test("a")
    first.test("a")
    first.test("nowhere")
    assert len(asks.of("instruments.ping")) == 1 and first.instruments()[0].asked
    asks.of("instruments.ping")[0].then("CT-4008, 8 channels")
    assert (first.instruments()[0].told, first.instruments()[0].good) == ("CT-4008, 8 channels", True)
    asks.answers["instruments.ping"] = Trouble("b does not answer.", "time is over", "Check the cable.")
    first.test("b")
    assert not first.instruments()[1].good and "Check the cable." in first.instruments()[1].told


def test_r4_what_cannot_be_had_is_not_known_yet() -> None:
    lab = a_lab()
    asks = FakeAsks({"protocols.list": Trouble("no", "no"), "notify.status": Trouble("no", "no")})
    first = FirstRun(lab, Acts(asks, TurnedClock()))
    first.refresh()
    assert [step.told for step in first.steps()][3:5] == ["not known yet", "not known yet"]
