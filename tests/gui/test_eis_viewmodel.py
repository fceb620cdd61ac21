"""What the EIS view knows without a window: whose cell it is, what is asked, points, fits, history, acts (U08)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eis.kk import RMS_LIMIT
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.acts import Acts, ActState, Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.eis.history import CellHistory, in_order
from labctl.gui.viewmodels.eis.model import CELL_OFF, CONFIRM, EisModel, there
from labctl.gui.viewmodels.eis.points import NOTHING, Points, points_of
from labctl.gui.viewmodels.eis.readouts import COUNT, readouts
from labctl.gui.viewmodels.eis.shelf import SpectrumShelf
from labctl.gui.viewmodels.eis.stages import lanes_of, prompt_of, voltage
from labctl.gui.viewmodels.eis.words import fit_rows, interval, scale_of, span, verdict
from labctl.gui.viewmodels.figures import CellFigures
from labctl.gui.viewmodels.grid import Grid
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.predicted import Prediction
from labctl.gui.viewmodels.runcycles import CycleTable
from labctl.model.bench import Delta, LinkState
from labctl.model.handover import Stage
from labctl.model.impedance import FittedValue, KramersKronig, SpectrumFit
from labctl.model.person import Role
from labctl.model.prediction import Prediction as Predicted
from labctl.model.prediction import PredictionState
from labctl.testing import guieis
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, tell


class Desk:
    """A model on a lab of the test's own."""

    def __init__(
        self, *told: object, cycles: tuple[int, ...] = (0, 50), role: Role = Role.OPERATE, **given: Any
    ) -> None:
        self.clock = TurnedClock()
        self.lab = a_lab(self.clock, role=role)
        self.asks = guieis.asks(**given)
        self.acts = Acts(self.asks, self.clock)
        guieis.fill(self.lab, *told, cycles=cycles)
        self.model = EisModel(self.lab, self.asks, self.acts)
        self.model.choose_one()


@pytest.fixture(autouse=True)
def english() -> None:
    words.translate = lambda context, text: text


# -- whose cell it is, what a person must do ---------------------------------------------------------------------------


def test_a_station_without_potentiostat_and_spectra_has_nothing_to_show() -> None:
    lab = a_lab()
    assert not there(lab)
    tell(lab, guieis.potentiostat())
    assert there(lab)


def test_u08_the_owner_of_the_cell_is_told_in_each_stage() -> None:
    told = {}
    for stage in Stage:
        told[stage] = Desk(guieis.potentiostat(), guieis.handover(stage)).model.head().owner
    assert told[Stage.QUEUED] == told[Stage.CHECKING_BACK] == "with CH 2-37"
    assert told[Stage.CHECKING] == told[Stage.MEASURING] == "with pstat-1"
    assert told[Stage.TO_POTENTIOSTAT] == told[Stage.TO_CYCLER] == "leads are moved"


def test_u08_a_prompt_says_which_leads_go_from_where_to_where_and_which_voltage_is_expected() -> None:
    desk = Desk(guieis.potentiostat(), guieis.handover())
    there_ = prompt_of(desk.lab, guieis.handover())
    back = prompt_of(desk.lab, guieis.handover(Stage.TO_CYCLER))
    assert there_ is not None and there_.title == "Move the leads of C0137 from channel 2-37 to pstat-1"
    assert back is not None and back.title == "Move the leads of C0137 from pstat-1 to channel 2-37"
    assert there_.expected == "+0.3\u2009mV" and there_.measured == "-" and not there_.differs
    assert prompt_of(desk.lab, guieis.handover(Stage.MEASURING)) is None


def test_u08_a_voltage_that_does_not_fit_is_shown_with_both_and_is_accepted_with_a_reason_only() -> None:
    desk = Desk(guieis.potentiostat(), guieis.mismatch())
    prompt, _, _ = desk.model.prompt()
    assert (
        prompt is not None
        and prompt.differs
        and (prompt.expected, prompt.measured) == ("+0.3\u2009mV", "2.1043\u2009V")
    )
    assert desk.model.accept_why_not("  ") == "Say why it may be so; it goes into the journal."
    assert desk.model.confirm("the cell rested over night") == ""
    sent = desk.asks.of(CONFIRM)
    assert [(one.args, one.words) for one in sent] == [
        ((guieis.RUN,), {"reason": "the cell rested over night"})
    ]


def test_a_confirmation_is_refused_where_nobody_is_asked_and_a_reason_where_nothing_differs() -> None:
    desk = Desk(guieis.potentiostat(), guieis.handover(Stage.MEASURING))
    assert desk.model.confirm() == "Nobody is asked to move leads now." and desk.asks.of(CONFIRM) == []
    asked = Desk(guieis.potentiostat(), guieis.handover())
    assert asked.model.accept_why_not("because") == "There is no difference to accept."


def test_of_several_prompts_the_oldest_is_in_front_and_the_next_shows_its_cell() -> None:
    other = replace(guieis.handover(), run_id="run-9", cell_id="C0009", cell_name="C0009", place=2,
                    since_utc="2026-04-21T01:41:00+00:00")  # fmt: skip
    desk = Desk(guieis.potentiostat(), guieis.handover(), other)
    first, place, count = desk.model.prompt()
    assert first is not None and (first.run_id, place, count) == (guieis.RUN, 1, 2)
    desk.model.next_prompt()
    second, place, _ = desk.model.prompt()
    assert second is not None and (second.run_id, place) == ("run-9", 2) and desk.model.cell_id == "C0009"


def test_the_queue_tells_who_has_each_potentiostat_who_waits_and_that_one_does_not_answer() -> None:
    desk = Desk(
        guieis.measuring(), guieis.handover(Stage.MEASURING), guieis.waiting(139, 3), guieis.waiting(138, 2)
    )
    lane = lanes_of(desk.lab)[0]
    assert lane.word == "point 41 of 71" and [row.cell for row in lane.rows] == ["C0137", "C0138", "C0139"]
    assert [row.word for row in lane.rows] == ["is measured", "waits", "waits"] and not lane.needs_person
    tell(desk.lab, replace(guieis.potentiostat(), link=LinkState.UNKNOWN, text="no answer since 01:40"))
    lost = lanes_of(desk.lab)[0]
    assert (lost.word, lost.told) == ("does not answer", "no answer since 01:40")


def test_the_newest_word_of_a_handover_counts_and_one_that_is_over_is_gone() -> None:
    desk = Desk(guieis.potentiostat(), guieis.handover())
    assert desk.model.handover is not None
    tell(desk.lab, Delta(9, "handover", guieis.RUN, None))
    assert desk.model.handover is None and desk.model.prompt()[0] is None


@pytest.mark.parametrize(("stage", "fact"), [
    (Stage.QUEUED, "waits: pstat-1"), (Stage.TO_POTENTIOSTAT, "move leads"), (Stage.MEASURING, "→ pstat-1"),
    (Stage.CHECKING_BACK, "← pstat-1"),
])  # fmt: skip
def test_u08_the_tile_of_a_cell_on_its_way_says_who_has_it_and_that_leads_wait(
    stage: Stage, fact: str
) -> None:
    desk = Desk(guieis.potentiostat())
    grid = Grid(desk.lab, CellFigures(desk.lab, desk.asks))
    changed: list[str] = []
    grid.watch(lambda change: changed.extend(change.tiles))
    tell(desk.lab, guieis.handover(stage))
    tile = grid.tile(guieis.CHANNEL)
    assert (tile.word, tile.fact) == ("EIS", fact) and guieis.CHANNEL in changed


def test_voltages_are_told_to_a_tenth_of_a_millivolt() -> None:
    assert (voltage(-0.00031), voltage(3.41239), voltage(math.nan)) == ("−0.3\u2009mV", "3.4124\u2009V", "-")


# -- acts --------------------------------------------------------------------------------------------------------------


def test_stop_is_offered_while_the_cell_may_be_on_and_off_is_only_believed_when_read_back() -> None:
    off = Desk(guieis.potentiostat(), guieis.handover(Stage.CHECKING))
    assert "is off, as read back" in off.model.cell_off_why_not()
    unknown = Desk(guieis.potentiostat(cell_on=None), guieis.handover(Stage.CHECKING))
    assert unknown.model.cell_off_why_not() == "" and unknown.model.cell_off_question() is None
    running = Desk(guieis.measuring(), guieis.handover(Stage.MEASURING))
    asked = running.model.cell_off_question()
    assert asked is not None and asked.safe_label == "Let it measure" and "41 points" in asked.effect
    assert running.model.cell_off() == "" and running.asks.of(CELL_OFF)[0].args == ("pstat-1",)


def test_a_spectrum_is_skipped_with_a_reason_and_not_while_the_cell_comes_back() -> None:
    desk = Desk(guieis.measuring(), guieis.handover(Stage.MEASURING))
    assert desk.model.skip_question().reason_needed and desk.model.skip("cable") == ""
    assert desk.asks.of("handovers.skip")[0].words == {"reason": "cable"}
    back = Desk(guieis.potentiostat(), guieis.handover(Stage.CHECKING_BACK))
    assert back.model.skip_why_not() == "The cell is on its way back already."


def test_a_viewer_and_a_window_without_link_are_told_why_nothing_can_be_done() -> None:
    viewer = Desk(guieis.potentiostat(), guieis.handover(), role=Role.VIEW)
    assert "operator" in viewer.model.confirm() and viewer.asks.of(CONFIRM) == []
    lost = Desk(guieis.measuring(), guieis.handover(Stage.MEASURING))
    lost.lab.apply(Batch(link=LinkNews(LinkPhase.LOST, 1.0)))
    assert all("does not answer" in why for why in (lost.model.skip_why_not(), lost.model.cell_off_why_not()))


def test_an_act_that_the_station_refuses_is_kept_until_a_person_has_seen_it() -> None:
    refusal = Trouble("Not confirmed.", "Nothing is asked.", kind=TroubleKind.REFUSED)
    desk = Desk(guieis.potentiostat(), guieis.handover(), handovers__confirm=refusal)
    desk.model.confirm()
    act = desk.model.standing(CONFIRM)
    assert act is not None and act.state is ActState.REFUSED and "Nothing is asked." in act.text
    desk.model.put_away(CONFIRM)
    assert desk.model.standing(CONFIRM) is None


# -- the sweep that runs -----------------------------------------------------------------------------------------------


def test_the_points_of_a_sweep_are_asked_for_as_they_come_and_not_more_often() -> None:
    got = [40]
    desk = Desk(guieis.measuring(40), guieis.handover(Stage.MEASURING),
                potentiostats__spectrum=lambda name: guieis.live_table(got[0]))  # fmt: skip
    assert len(desk.model.live.points) == 40
    desk.model.tick()
    got[0] = 44
    tell(desk.lab, guieis.measuring(44))
    assert len(desk.model.live.points) == 40, "two questions are half a second apart"
    desk.clock.s += 1.0
    desk.model.tick()
    assert len(desk.model.live.points) == 44 and len(desk.asks.of("potentiostats.spectrum")) == 2
    tell(desk.lab, guieis.potentiostat())
    assert desk.model.live.points is NOTHING and not desk.model.live.running


def test_the_validity_of_a_sweep_is_told_while_it_runs() -> None:
    desk = Desk(guieis.measuring(), guieis.handover(Stage.MEASURING))
    test = desk.model.live.test()
    assert test is not None and test.passed and test.rms < 0.002 and len(test.frequency_Hz) == 41
    assert verdict(test, live=True) == "valid so far"
    few = Desk(guieis.measuring(3), guieis.handover(Stage.MEASURING),
               potentiostats__spectrum=lambda name: guieis.live_table(3))  # fmt: skip
    assert few.model.live.test() is None and verdict(None) == "too few points for a test"


def test_the_figures_follow_the_sweep_and_then_the_spectrum_and_stay_as_many() -> None:
    live = readouts(Desk(guieis.measuring(), guieis.handover(Stage.MEASURING)).model)
    stored = readouts(Desk(guieis.potentiostat()).model)
    assert len(live) == len(stored) == COUNT
    assert (live[0].value, live[0].unit, live[6].value) == ("41", "of 71", "on")
    assert (stored[4].title, stored[4].value, stored[4].unit) == ("R_b", "6.368", "Ω")
    assert stored[5].value == "270.3" and stored[6].under == "valid"
    assert readouts(Desk(cycles=()).model) == ()


# -- points, fits, history ---------------------------------------------------------------------------------------------


def test_points_without_an_impedance_are_not_drawn_and_decades_are_named() -> None:
    nan = math.nan
    points = Points.of((1e3, 100.0, 10.0, 0.0), (1.0, nan, 3.0, 4.0), (-1.0, -2.0, -3.0, -4.0))
    assert points.frequency_Hz.tolist() == [1e3, 10.0] and points.minus_phase_deg.tolist() == [45.0, 45.0]
    assert list(points.decades().values()) == ["10 Hz", "1 kHz"] and points.lowest == 3 - 3j
    assert points_of(None) is NOTHING and math.isnan(NOTHING.lowest.real) and NOTHING.decades() == {}


def test_fits_are_asked_one_at_a_time_the_newest_wish_first_and_a_failure_is_told_once() -> None:
    asks = FakeAsks()
    shelf = SpectrumShelf(asks)
    for name in ("a", "b", "c"):
        assert shelf.fit(name) is None
    assert [one.args for one in asks.of("spectra.fit")] == [("a",)]
    asks.asked[0].failed(Trouble("No.", "It broke."))
    assert [one.args for one in asks.of("spectra.fit")] == [("a",), ("c",)]
    assert shelf.fit("a") is None and shelf.trouble("a") == "No. It broke."
    asks.asked[1].then(SpectrumFit("c", "fitted"))
    assert len(asks.of("spectra.fit")) == 3 and shelf.fit("c") == SpectrumFit("c", "fitted")


def test_a_history_is_in_the_order_of_the_cells_life_on_a_ramp_by_cycle() -> None:
    entries = [guieis.entry(cycle) for cycle in (50, 0, 10)]
    assert [one.cycle for one in in_order(entries)] == [0, 10, 50]
    history = Desk(cycles=(0, 10, 50)).model.history
    assert list(history.shares().values()) == [0.0, 0.2, 1.0]
    assert [row.name for row in history.rows()] == ["fresh", "cycle 10", "cycle 50"]


def test_of_a_long_history_eight_are_drawn_and_a_person_may_show_and_hide() -> None:
    lab = a_lab()
    many = [replace(guieis.entry(0), spectrum_id=f"x{n}", cycle=n) for n in range(40)]
    lab.take_spectra(many)
    history = CellHistory(lab, SpectrumShelf(FakeAsks()))
    history.show(guieis.CELL)
    assert sum(row.shown for row in history.rows()) == 8
    history.show_spectrum("x5", True)
    history.show_spectrum("x39", False)
    shown = [row.spectrum_id for row in history.rows() if row.shown]
    assert "x5" in shown and "x39" not in shown and len(shown) == 8


def test_the_chosen_spectrum_is_drawn_above_the_others_with_its_circuit() -> None:
    model = Desk(guieis.potentiostat(), cycles=(0, 10, 50)).model
    edit = model.choose("run-137-e2")
    assert edit is not None
    edit.redo()
    drawn = model.history.drawn(fitted=True)
    assert [one.name for one in drawn] == ["fresh", "cycle 50", "cycle 10"] and drawn[-1].chosen
    assert len(drawn[-1].fitted) > 71 and len(drawn[0].fitted) == 0
    assert model.history.before is not None and model.history.before.cycle == 0
    edit.undo()
    assert model.history.current is not None and model.history.current.cycle == 50
    assert model.choose("run-137-e6") is None


def test_the_trend_has_film_and_charge_transfer_over_the_cycles_with_intervals() -> None:
    tracks = {one.name: one for one in Desk(cycles=(0, 50)).model.history.tracks()}
    assert list(tracks) == ["R_SEI", "R_ct", "R_b"]
    for name, truth in (("R_SEI", guieis.R_SEI_OHM), ("R_ct", guieis.R_CT_OHM)):
        track = tracks[name]
        assert np.allclose(track.value_ohm, [truth[0], truth[50]], rtol=0.05)
        assert bool(np.all((track.low_ohm < track.value_ohm) & (track.value_ohm < track.high_ohm)))


def test_what_may_not_be_believed_has_no_place_in_the_trend() -> None:
    value = FittedValue("R_SEI", 100.0, 90.0, 110.0, "ohm")
    fit = SpectrumFit("run-137-e1", "fitted", resistances=(value, replace(value, name="R_b")), separate=False)
    assert [one.name for one in Desk(cycles=(0,), spectra__fit=fit).model.history.tracks()] == ["R_b"]


def test_a_spectrum_that_was_shorted_broken_off_or_is_not_valid_says_so_in_its_line() -> None:
    bad = KramersKronig(False, True, 0.02, 0.9, 9, (1.0,), (0.02,), (0.0,))
    fits = {
        "shorted": SpectrumFit("x", "shorted", "12 ohm behind a cable"), "drift": SpectrumFit("x", "fitted", kk=bad),
        "refused": SpectrumFit("x", "not fitted", "sign"),
    }  # fmt: skip
    rows = {name: Desk(cycles=(0,), spectra__fit=fit).model.history.rows()[0] for name, fit in fits.items()}
    told = {name: (row.verdict, row.bad) for name, row in rows.items()}
    assert told == {
        "shorted": ("shorted", True),
        "drift": ("not valid", True),
        "refused": ("not fitted", True),
    }
    lab = a_lab()
    lab.take_spectra([guieis.entry(0, outcome="broken off", points=30)])
    history = CellHistory(lab, SpectrumShelf(guieis.asks()))
    history.show(guieis.CELL)
    assert (
        history.rows()[0].verdict == "broken off"
        and verdict(bad) == "not valid: the cell drifted during the sweep"
    )


def test_the_fit_table_compares_each_value_with_the_spectrum_before() -> None:
    now, before = guieis.fit_of("run-137-e6"), guieis.fit_of("run-137-e1")
    assert isinstance(now, SpectrumFit) and isinstance(before, SpectrumFit)
    rows = {row.name: row for row in fit_rows(now, before)}
    assert list(rows)[:4] == ["R_b", "R_SEI", "R_ct", "R_SEI + R_ct"]
    sei = rows["R_SEI"]
    assert (sei.value, sei.unit, sei.before) == ("219.8", "Ω", "95.55") and sei.change == "+130.1"
    assert rows["L1"].unit == "nH" and rows["Q1"].unit == "Ω⁻¹ sⁿ" and "R1" not in rows, (
        "R1 is R_b: told once"
    )
    assert fit_rows(SpectrumFit("x", "shorted"), before) == () == fit_rows(None, None)


def test_a_value_that_is_not_resolved_says_so_instead_of_a_figure() -> None:
    loose = FittedValue("W1", 3.2, 0.1, math.nan, "ohm s^-1/2", resolved=False)
    row = fit_rows(SpectrumFit("x", "fitted", parameters=(loose,)), None)[0]
    assert (row.value, row.interval, row.muted, row.unit) == ("not resolved", "-", True, "Ω s^−½")
    assert interval(replace(loose, resolved=True)) == "0.1000 … ∞"


def test_units_take_the_prefix_that_leaves_three_figures_before_the_point() -> None:
    assert [scale_of(value, "ohm").unit for value in (0.012, 6.4, 999.96, 23e3, 4e6)] == [
        "mΩ",
        "Ω",
        "kΩ",
        "kΩ",
        "MΩ",
    ]
    assert span(1e6, 0.1) == "1\u2009MHz … 100\u2009mHz" and RMS_LIMIT == 0.006


def test_the_lab_keeps_spectra_over_a_lost_link_and_forgets_potentiostats_with_the_snapshot() -> None:
    lab: Lab = Desk(guieis.potentiostat(), guieis.handover()).lab
    lab.apply(Batch(reset=True))
    assert lab.potentiostats == {} and lab.handovers == {} and len(lab.spectra) == 2


def test_a_prediction_that_closes_no_cycle_is_drawn_by_its_rows() -> None:
    columns = {
        "cycle": (0.0, 0.0),
        "test_time_s": (0.0, 60.0),
        "voltage_V": (3.4, 3.4),
        "capacity_Ah": (0.0, 0.0),
    }
    rest = Predicted(
        PredictionState.READY, twin="lfp-li", columns=columns, cycles={"cycle": (), "start_time_second": ()}
    )
    model = Prediction(a_lab(), FakeAsks({"runs.predicted": rest}))
    model.show("run-1")
    drawn = model.aligned(CycleTable())
    assert drawn is not None and drawn[0][:2].tolist() == [0.0, 60.0] and drawn[1][0] == 3.4
