"""The plots of a channel: each a choice away, cycles on a list, curves hidden and named, undone, exported (U19, R9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from labctl.gui.session import Session
from labctl.gui.viewmodels import timeline
from labctl.gui.viewmodels.plotchoice import Axis, Tab
from labctl.gui.views.channel.dialogs import Export
from labctl.testing.guichannel import Page
from labctl.testing.guiviews import press, type_text

pytestmark = pytest.mark.usefixtures("look")


@pytest.fixture
def page(session: Session, qtbot: Any) -> Iterator[Page]:
    made = Page(session, qtbot)
    yield made
    made.view.hidden()
    made.view.close()


def click(qtbot: Any, widget: Any, at: QPoint | None = None) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())


def test_each_plot_is_one_choice_away_and_ctrl_z_goes_back(page: Page, qtbot: QtBot) -> None:
    tabs, choice = page.view.plots.tabs, page.view.models.choice
    for tab in (Tab.CURRENT, Tab.SWEEPS, Tab.CYCLES, Tab.DQDV, Tab.OVERLAY):
        click(qtbot, tabs.part(tab.value))
        assert choice.now.tab is tab and page.view.plots.pages.currentWidget().isVisible()
    press("Ctrl+Z", page.view)
    assert choice.now.tab is Tab.DQDV and tabs.key == "dQ/dV"
    press("Ctrl+Y", page.view)
    assert choice.now.tab is Tab.OVERLAY


def test_capacity_on_x_leads_from_voltage_over_time_to_voltage_over_charge(page: Page) -> None:
    page.view.undo.do(page.view.models.choice.show_axis(Axis.PER_AREA))
    assert page.view.models.choice.now.tab is Tab.SWEEPS
    assert page.view.plots.sweeps.frame.sheet.x_field.title() == "capacity / mAh cm⁻²"
    page.view.undo.do(page.view.models.choice.show_axis(Axis.CYCLE))
    assert page.view.models.choice.now.tab is Tab.VOLTAGE
    assert page.view.plots.time.main.sheet.x_field.title() == "cycle number"
    assert page.view.plots.time.measured()[-1] == pytest.approx(12.5, abs=0.02)


def test_the_axis_of_currents_takes_the_unit_of_the_program_as_soon_as_that_is_known(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sheet = page.view.models.timeline, page.view.plots.time.main.sheet
    page.view.undo.do(page.view.models.choice.show_tab(Tab.CURRENT))
    for greatest_A, title in ((0.0, "current / mA"), (78e-6, "current / µA")):
        monkeypatch.setattr(timeline, "greatest_current_A", lambda program, known=greatest_A: known)
        model.refresh()
        assert sheet.y_field.title() == title


def test_r9_a_list_of_cycles_is_overlaid_with_swatches(page: Page, qtbot: QtBot) -> None:
    main, sweeps = page.view.plots.time.main, page.view.plots.sweeps
    main.setFocus()
    press("V", main)
    assert page.view.models.choice.now.tab is Tab.OVERLAY and sweeps.list.hasFocus()
    type_text("1,3,5:9:2", sweeps.list)
    press("Return", sweeps.list)
    qtbot.waitUntil(lambda: len(sweeps.frame.layers) == 10)
    assert [name for name, _ in sweeps.swatches._shown] == ["1", "3", "5", "7", "9"]
    colours = [colour for _, colour in sweeps.swatches._shown]
    assert len(set(colours)) == 5
    press("Ctrl+Z", page.view)
    assert page.view.models.choice.now.cycles == ""


def test_a_list_that_cannot_be_read_is_marked_and_nothing_changes(page: Page) -> None:
    page.view.undo.do(page.view.models.choice.show_tab(Tab.OVERLAY))
    field = page.view.plots.sweeps.list
    field.setFocus()
    type_text("3-5", field)
    press("Return", field)
    assert field.property("problem") == "true" and "3-5" in field.toolTip()
    assert page.view.models.choice.now.cycles == ""


def test_curves_are_hidden_pinned_and_named_and_that_is_undone(page: Page, qtbot: QtBot) -> None:
    view, choice = page.view, page.view.models.choice
    view.undo.do(choice.show_tab(Tab.SWEEPS))
    qtbot.waitUntil(lambda: len(view.plots.sweeps.frame.layers) >= 5)
    entries = view.plots._entries()
    assert [entry.key for entry in entries] == ["10", "11", "12"]
    view.plots._change("10", "hidden", True)
    assert all(layer.name != "cycle 10" for layer in view.plots.sweeps.frame.layers)
    view.plots._change("2", "pinned", True)
    assert [entry.key for entry in view.plots._entries()] == ["2", "10", "11", "12"]
    view.plots._change("11", "name", "after EIS")
    assert any(layer.name == "cycle after EIS" for layer in view.plots.sweeps.frame.layers)
    for _ in range(3):
        press("Ctrl+Z", view)
    assert [entry.key for entry in view.plots._entries()] == ["10", "11", "12"] and not choice.curve(
        "10"
    ).hidden


def test_the_slider_of_cycles_makes_a_list(page: Page, qtbot: QtBot) -> None:
    page.view.undo.do(page.view.models.choice.show_tab(Tab.OVERLAY))
    page.view.plots.sweeps.slider.setValue((1, 12))
    qtbot.waitUntil(lambda: page.view.models.choice.now.cycles == "1:11:2,12")


def test_log_axes_by_key_and_by_button_are_one_choice(page: Page, qtbot: QtBot) -> None:
    main = page.view.plots.time.main
    press("L", main)
    assert page.view.models.choice.now.log_y and page.view.plots.log_y.isChecked()
    click(qtbot, page.view.plots.log_y)
    assert not main.sheet.log_y and not page.view.models.choice.now.log_y


def test_r10_the_menu_of_a_plot_copies_image_vector_and_data(page: Page) -> None:
    menu = page.view.plots._menus[0].made()
    texts = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert texts[:4] == ["Copy image", "Copy vector", "Copy data", "Export…"]
    for action in menu.actions()[:3]:
        action.trigger()
    assert QGuiApplication.clipboard().text().startswith("measured: test time / s")


def test_ctrl_e_exports_what_is_shown_with_its_data(page: Page, tmp_path: Path) -> None:
    press("Ctrl+E", page.view.plots.time.main)
    dialog = page.shown(Export)
    dialog.path.setText(str(tmp_path / "figure"))
    press("Return", dialog.path)
    assert sorted(path.name for path in tmp_path.glob("figure*")) == ["figure.csv", "figure.svg"]
    assert page.bench.said == ["Written: figure.svg, figure.csv"]


def test_an_export_into_nowhere_says_what_and_what_next(page: Page, tmp_path: Path) -> None:
    press("Ctrl+E", page.view)
    dialog = page.shown(Export)
    dialog.path.setText(str(tmp_path / "no" / "figure"))
    press("Return", dialog.path)
    assert page.bench.troubles[0].what == "The figure was not written."
