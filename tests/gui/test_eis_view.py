"""The EIS view by keyboard and mouse on a lab of the test's own: prompts, stop, skip, history, plots (U08)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QTableView, QWidget

from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.why import why
from labctl.gui.plots.equal import NamedPoints
from labctl.gui.plots.figure import FigureStyle
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.sheet import equalised, places_of
from labctl.gui.plots.xy import XYCurve
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import BESIDE_THE_RAMP, ThemeName
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.eis.sending import SEND
from labctl.gui.views.channel.eisdialog import SendDialog
from labctl.gui.views.eis.view import EisView
from labctl.model.bench import Delta
from labctl.model.handover import Stage
from labctl.testing import guieis
from labctl.testing.guichannel import RUN as CHANNEL_RUN
from labctl.testing.guichannel import Page
from labctl.testing.guilab import a_lab, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")
NOW = datetime(2026, 4, 21, 1, 42, tzinfo=UTC)


def opened(
    session: Session, qtbot: Any, *told: object, cycles: tuple[int, ...] = (0, 50), **given: Any
) -> tuple[EisView, ViewBench]:
    lab = a_lab()
    lab._utc = lambda: NOW
    bench = ViewBench(session, lab=lab, asks=guieis.asks(**given))
    guieis.fill(lab, *told, cycles=cycles)
    view: EisView = bench.open("eis", qtbot)
    settle(view)
    return view, bench


def settle(view: EisView) -> None:
    QApplication.processEvents()
    view.refresh()


def dialog() -> Confirm:
    found = [top for top in QApplication.topLevelWidgets() if isinstance(top, Confirm) and top.isVisible()]
    assert len(found) == 1
    return found[0]


def sent(bench: ViewBench, verb: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return [(question.args, question.words) for question in bench.asks.of(verb)]


# -- prompts -----------------------------------------------------------------------------------------------------------


def test_u08_a_prompt_is_confirmed_with_a_key_and_goes_away_when_the_station_says_so(
    session: Session, qtbot: Any
) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat(), guieis.handover())
    assert (
        view.prompt.isVisible()
        and view.prompt.title.text() == "Move the leads of C0137 from channel 2-37 to pstat-1"
    )
    assert "3\u2009min" in view.prompt.since.text() and not view.prompt.reason.isVisible()
    press("Ctrl+Return", view)
    assert sent(bench, "handovers.confirm") == [((guieis.RUN,), {"reason": ""})]
    assert view.prompt.isVisible(), "shown as it was until the station tells of another stage (R6)"
    tell(bench.lab, guieis.handover(Stage.MEASURING), guieis.measuring())
    settle(view)
    assert not view.prompt.isVisible() and view.owner.accessibleName() == "with pstat-1 2-37 is measured"


def test_u08_a_voltage_that_differs_is_accepted_by_keyboard_with_a_reason(
    session: Session, qtbot: Any
) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat(), guieis.mismatch())
    assert "2.1040 V apart" in view.prompt.trouble.text()
    assert (view.prompt.expected.accessibleName(), view.prompt.measured.accessibleName()) == (
        "expected OCV +0.3 mV at channel 2-37", "measured OCV 2.1043 V at pstat-1",
    )  # fmt: skip
    assert why(view.prompt.accept) == "Say why it may be so; it goes into the journal."
    tab_to(view.prompt.reason)
    type_text("another cell was meant")
    tab_to(view.prompt.accept)
    press("Space")
    assert sent(bench, "handovers.confirm") == [((guieis.RUN,), {"reason": "another cell was meant"})]


def test_u08_a_refused_confirmation_stays_on_the_button_and_can_be_tried_again(
    session: Session, qtbot: Any
) -> None:
    refusal = Trouble("Not confirmed.", "Nothing is asked.", kind=TroubleKind.REFUSED)
    view, bench = opened(session, qtbot, guieis.potentiostat(), guieis.handover(), handovers__confirm=refusal)
    qtbot.mouseClick(view.prompt.confirm, Qt.MouseButton.LeftButton)
    settle(view)
    assert (
        view.prompt.confirm.phase.value == "trouble" and "Nothing is asked." in view.prompt.confirm.toolTip()
    )
    qtbot.mouseClick(view.prompt.confirm, Qt.MouseButton.LeftButton)
    assert len(sent(bench, "handovers.confirm")) == 2


def test_keys_without_a_prompt_say_why_nothing_happens(session: Session, qtbot: Any) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat())
    press("Ctrl+Return", view)
    press("Ctrl+F8", view)
    assert bench.said == ["Nobody is asked to move leads now.", "This cell is at no potentiostat."]
    assert sent(bench, "handovers.confirm") == [] == sent(bench, "potentiostats.cell_off")


def test_of_two_prompts_one_is_in_front_and_the_button_shows_the_other(session: Session, qtbot: Any) -> None:
    other = guieis.handover(
        run_id="run-9", cell_id="C0009", cell_name="C0009", since_utc="2026-04-21T01:41:00+00:00"
    )
    view, _ = opened(session, qtbot, guieis.potentiostat(), guieis.handover(), other)
    assert view.prompt.count.text() == "1 of 2"
    view.prompt.count.click()
    assert "C0009" in view.prompt.title.text() and view.model.cell_id == "C0009"


# -- the sweep ---------------------------------------------------------------------------------------------------------


def curves(frame: PlotFrame) -> list[XYCurve]:
    return [layer for layer in frame.layers if isinstance(layer, XYCurve)]


def test_u08_a_sweep_grows_in_the_plots_outside_of_the_ramp(session: Session, qtbot: Any) -> None:
    got = [40]
    view, bench = opened(session, qtbot, guieis.measuring(40), guieis.handover(Stage.MEASURING),
                         potentiostats__spectrum=lambda name: guieis.live_table(got[0]))  # fmt: skip
    live = curves(view.nyquist.plot)[-1]
    assert len(live.x) == 40 and live.colour == BESIDE_THE_RAMP
    assert all(curve.colour != BESIDE_THE_RAMP for curve in curves(view.nyquist.plot)[:-1])
    got[0] = 44
    view.model.live._asked_s = float("-inf")
    tell(bench.lab, guieis.measuring(44))
    settle(view)
    assert len(curves(view.nyquist.plot)[-1].x) == 44
    assert view.figures[0].accessibleName().startswith("point 44 of 71")
    assert view.residuals.note.text() == "valid so far"


def test_u08_stopping_a_sweep_asks_first_and_sends_cell_off(session: Session, qtbot: Any) -> None:
    view, bench = opened(session, qtbot, guieis.measuring(), guieis.handover(Stage.MEASURING))
    press("Ctrl+F8", view)
    asked = dialog()
    assert asked.safe.isDefault() and sent(bench, "potentiostats.cell_off") == []
    asked.act.click()
    settle(view)
    assert sent(bench, "potentiostats.cell_off") == [(("pstat-1",), {})]
    assert view.stop.phase.value == "confirmed"


def test_r6_a_cell_off_that_nobody_confirms_stays_as_trouble_until_it_is_seen(
    session: Session, qtbot: Any
) -> None:
    late = Trouble("No answer.", "The potentiostat does not answer.", kind=TroubleKind.DEADLINE)
    view, bench = opened(session, qtbot, guieis.potentiostat(cell_on=None), guieis.handover(Stage.CHECKING),
                         potentiostats__cell_off=late)  # fmt: skip
    press("Ctrl+F8", view)
    settle(view)
    assert view.stop.phase.value == "trouble" and "does not answer" in view.stop.toolTip()
    qtbot.mouseClick(view.stop, Qt.MouseButton.LeftButton)
    assert "does not answer" in bench.troubles[0].why and view.stop.phase.value == "idle"


def test_u08_a_spectrum_is_skipped_with_a_reason(session: Session, qtbot: Any) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat(), guieis.handover())
    qtbot.mouseClick(view.skip, Qt.MouseButton.LeftButton)
    asked = dialog()
    assert not asked.act.isEnabled()
    type_text("no free lead", asked.reason)
    asked.act.click()
    assert sent(bench, "handovers.skip") == [((guieis.RUN,), {"reason": "no free lead"})]


# -- the queue, the history, the fit -----------------------------------------------------------------------------------


def test_the_queue_shows_who_has_the_potentiostat_and_a_line_shows_its_cell(
    session: Session, qtbot: Any
) -> None:
    view, _ = opened(
        session, qtbot, guieis.measuring(), guieis.handover(Stage.MEASURING), guieis.waiting(138, 2)
    )
    lines = [line.split("\t") for line in view.queue.table.as_text().splitlines()]
    assert lines[1] == ["pstat-1", "C0137  2-37", "point 41 of 71"]
    view.queue.table.clearSelection()
    assert view.queue.table.as_text().splitlines()[2].split("\t") == ["", "C0138  2-38", "2  waits"]
    view.queue.table.setCurrentIndex(view.queue.table.rows.index(1, 1))
    press("Return", view.queue.table)
    settle(view)
    assert view.model.cell_id == "C0138" and "no spectrum of this cell" in view.history.nothing.text()


def test_a_spectrum_of_the_history_is_looked_at_shown_and_hidden_by_keys_and_undone(
    session: Session, qtbot: Any
) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat(), cycles=(0, 10, 50))
    table = view.history.table
    table.setFocus()
    press("Home", table)
    press("Up", table)
    press("Up", table)
    settle(view)
    assert view.fit.title.text() == "Fit: fresh" and view.nyquist.drawn[-1].name == "fresh"
    press("Down", table)
    press("Space", table)
    settle(view)
    assert [one.name for one in view.nyquist.drawn] == [
        "fresh",
        "cycle 50",
    ] or view.fit.title.text() == "Fit: cycle 10"
    press("Ctrl+Z", view)
    settle(view)
    assert "cycle 10" in [one.name for one in view.nyquist.drawn]


def test_the_eye_is_pressed_with_the_mouse(session: Session, qtbot: Any) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat(), cycles=(0, 10, 50))
    table = view.history.table
    qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(table.rows.index(0, 0)).center()
    )
    settle(view)
    assert [one.name for one in view.nyquist.drawn] == ["cycle 10", "cycle 50"]


def test_the_fit_is_shown_or_left_out_and_a_circuit_of_ones_own_is_fitted(
    session: Session, qtbot: Any
) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat())
    assert any(curve.predicted for curve in curves(view.nyquist.plot))
    view.nyquist.what.part("data").click()
    settle(view)
    assert not any(curve.predicted for curve in curves(view.nyquist.plot))
    view.fit.circuit.setFocus()
    type_text("L-R-(RQ)-W")
    press("Return", view.fit.circuit)
    assert sent(bench, "spectra.fit")[-1][1] == {"circuit": "L-R-(RQ)-W"}
    view.fit.circuit.selectAll()
    type_text("Q-Q", view.fit.circuit)
    press("Return", view.fit.circuit)
    settle(view)
    assert "cannot be read" in view.fit.nothing.text() and "cannot be read" in view.fit.circuit.toolTip()


def test_a_shorted_cell_has_no_fit_but_a_sentence(session: Session, qtbot: Any) -> None:
    from labctl.model.impedance import SpectrumFit

    short = SpectrumFit("x", "shorted", "12 ohm behind 0.3 uH of cable")
    view, _ = opened(session, qtbot, guieis.potentiostat(), cycles=(0,), spectra__fit=short)
    assert (
        view.fit.nothing.text() == "shorted: 12 ohm behind 0.3 uH of cable" and not view.fit.table.isVisible()
    )


# -- plots -------------------------------------------------------------------------------------------------------------


def scales(frame: PlotFrame) -> tuple[float, float]:
    (x_0, x_1), (y_0, y_1) = frame.box.viewRange()
    return (x_1 - x_0) / frame.places.plot.width(), (y_1 - y_0) / frame.places.plot.height()


def test_nyquist_keeps_one_scale_whatever_a_person_does_to_it(session: Session, qtbot: Any) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat())
    frame = view.nyquist.plot
    acts: tuple[Callable[[], object], ...] = (
        lambda: None, lambda: press("Plus", frame), lambda: press("L", frame), lambda: press("X", frame),
        lambda: frame.box.scaleBy((0.5, None)), lambda: view.resize(1300, 800), lambda: press("F", frame),
    )  # fmt: skip
    for act in acts:
        act()
        QApplication.processEvents()
        assert (
            np.ptp(scales(frame)) < 1e-6 * scales(frame)[0]
            and not frame.sheet.log_x
            and not frame.sheet.log_y
        )
    assert frame.sheet.x_range[0] < 0 < frame.sheet.x_range[1], "the origin is shown"


def test_a_nyquist_figure_on_paper_of_any_shape_has_one_scale_and_shows_all(
    session: Session, qtbot: Any
) -> None:
    from PySide6.QtCore import QRectF

    view, _ = opened(session, qtbot, guieis.potentiostat())
    frame = view.nyquist.plot
    for width, height in ((800.0, 200.0), (300.0, 900.0)):
        plot = places_of(QRectF(0, 0, width, height), frame.sheet, frame.look).plot
        made = equalised(frame.sheet, plot)
        x, y = made.x_range, made.y_range
        assert (x[1] - x[0]) / plot.width() == pytest.approx((y[1] - y[0]) / plot.height())
        assert x[0] <= frame.sheet.x_range[0] and y[1] >= frame.sheet.y_range[1]


def test_decades_are_named_beside_the_spectrum_that_is_looked_at(session: Session, qtbot: Any) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat())
    named = [layer for layer in view.nyquist.plot.layers if isinstance(layer, NamedPoints)]
    assert len(named) == 1
    assert list(named[0].names.values())[:3] == ["100 mHz", "1 Hz", "10 Hz"]


def test_bode_plots_share_their_frequencies_and_new_points_do_not_move_what_a_person_chose(
    session: Session, qtbot: Any
) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat())
    size, phase = view.bode.frames()
    size.box.zoom(0.5)
    assert np.allclose(size.x_range(), phase.x_range())
    before = size.x_range()
    settle(view)
    assert np.allclose(size.x_range(), before)
    press("F", size)
    assert size.x_range()[1] > 9e5


def test_r10_plots_are_copied_as_data_and_exported_with_nyquist_and_bode(
    session: Session, qtbot: Any, tmp_path: Path
) -> None:
    view, bench = opened(session, qtbot, guieis.potentiostat())
    menu = view.nyquist._menus[0].made()
    actions = {action.text().partition("\t")[0]: action for action in menu.actions()}
    assert "Logarithmic x" not in actions and {"Copy image", "Copy vector", "Copy data"} <= actions.keys()
    actions["Copy data"].trigger()
    head = QGuiApplication.clipboard().text().splitlines()[0]
    assert "fresh: Z′ / Ω" in head and "cycle 50: −Z″ / Ω" in head
    view.export(tmp_path / "c0137.csv", FigureStyle())
    head = (tmp_path / "c0137.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "cycle 50: |Z| / Ω" in head and "cycle 50: −phase / °" in head
    assert bench.said == ["Written: c0137.csv"]


# -- the whole view ----------------------------------------------------------------------------------------------------


def test_without_potentiostat_and_spectra_the_view_says_what_brings_it_to_life(
    session: Session, qtbot: Any
) -> None:
    bench = ViewBench(session, asks=guieis.asks())
    view: EisView = bench.open("eis", qtbot)
    assert view.empty.isVisible() and "no potentiostat and no spectrum" in view.empty.accessibleName()
    assert why(view.export_button) == "No spectrum is drawn."


def test_every_control_has_a_name_and_the_view_speaks_chinese_in_the_dark_at_twice_the_size(
    session: Session, qtbot: Any
) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat(), guieis.mismatch(), guieis.waiting(138, 2))
    Languages().put_on(Language.CHINESE)
    theme().put_on(ThemeName.DARK, 2.0)
    QApplication.processEvents()
    settle(view)
    nameless = [
        type(one).__name__ for one in view.findChildren(QWidget)
        if isinstance(one, (QAbstractButton, QLineEdit, QTableView, PlotFrame)) and one.isVisible()
        and not one.accessibleName() and not (isinstance(one, QAbstractButton) and one.text())
        and one.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]  # fmt: skip
    assert nameless == [] and view.grab().width() > 0
    assert view.prompt.title.text() == "把 C0137 的线从 通道 2-37 移到 pstat-1"


def test_the_palette_offers_the_acts_and_the_cells_with_reasons_against(session: Session, qtbot: Any) -> None:
    view, _ = opened(session, qtbot, guieis.potentiostat(), guieis.waiting(138, 2))
    commands = {command.text: command for command in view.commands()}
    assert commands["Leads are moved"].why == "Nobody is asked to move leads now."
    commands["Show C0137"].run()
    assert view.model.cell_id == "C0137"


def test_a_view_that_is_hidden_asks_for_no_points(session: Session, qtbot: Any) -> None:
    view, bench = opened(session, qtbot, guieis.measuring(), guieis.handover(Stage.MEASURING))
    view.hidden()
    assert not view._tick.isActive()
    drawn = view.nyquist.drawn
    tell(bench.lab, Delta(7, "spectrum", "run-137-e1", None))
    assert "run-137-e1" in bench.lab.spectra, "the station tells of the newest only: an older one is not gone"
    QApplication.processEvents()
    assert view.nyquist.drawn is drawn


# -- send to EIS -------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(session: Session, qtbot: Any) -> Any:
    made = Page(session, qtbot)
    yield made
    made.view.hidden()
    made.view.close()


def test_u08_send_to_eis_is_offered_where_a_potentiostat_takes_the_channel_only(page: Page) -> None:
    acts = page.view.actions_
    assert not acts.eis.isVisible()
    tell(page.lab, guieis.potentiostat(channels=("neware:9-9",)))
    page.view.refresh()
    assert acts.eis.isVisible() and why(acts.eis) == "No potentiostat takes the cell of 1-1."
    tell(page.lab, guieis.potentiostat(), guieis.handover(run_id=CHANNEL_RUN))
    page.view.refresh()
    assert acts.eis.text() == "Show in EIS"
    acts.eis.click()
    assert page.bench.gone == [("eis", CHANNEL_RUN)], "a cell that is on its way is shown where it is"


def test_u08_a_spectrum_out_of_turn_is_checked_while_it_is_typed_and_sent_with_enter(
    page: Page, qtbot: Any
) -> None:
    tell(page.lab, guieis.potentiostat())
    page.view.refresh()
    qtbot.mouseClick(page.view.actions_.eis, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    asked: SendDialog = page.shown(SendDialog)
    assert asked.told.text() == "71 points" and asked.fields["f_end"].text() == "100\u2009mHz"
    for name, text, problem in (("f_start", "5 MHz", "pstat-1 reaches from 10"), ("f_end", "2 MHz", "reaches"),
                                ("amplitude", "1 V", "no small signal"), ("per_decade", "2.5", "whole number"),
                                ("f_end", "", "missing")):  # fmt: skip
        before = asked.fields[name].text()
        asked.fields[name].setText(text)
        assert problem in asked.told.text() and not asked.act.isEnabled(), name
        asked.fields[name].setText(before)
    asked.fields["f_end"].setText("1 Hz")
    asked.fields["reason"].setText("after the short")
    press("Return", asked)
    (question,) = page.asks.of(SEND)
    assert question.args == (CHANNEL_RUN, 1e6, 1.0)
    assert question.words == {
        "points_per_decade": 10,
        "amplitude_rms_V": 0.01,
        "on": "pstat-1",
        "reason": "after the short",
    }
    question.then("a spectrum is taken when the present device test is over")
    assert page.bench.said[-1] == "A spectrum is taken when the tester's present part is over."
