"""Acts on a channel by keys: pause, go on, stop, note, change; what is off says why (U21, R2, R5, R6, R13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from labctl.gui.parts.confirm import Confirm
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.plotchoice import Tab
from labctl.gui.views.channel.dialogs import AddCycles, AskText, Revise
from labctl.testing.guichannel import CHANNEL, RUN, Page
from labctl.testing.guilab import running, tell
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


def test_f6_pauses_at_the_step_end_and_shows_how_it_stands(page: Page) -> None:
    press("F6", page.view.plots.time.main)
    (asked,) = page.asks.of("runs.pause_at_step_end")
    assert asked.args == (RUN,)
    buttons = {button.text(): button for button in page.view.findChildren(QPushButton)}
    assert buttons["Pause at step end"].phase.value == "sending"  # type: ignore[attr-defined]
    asked.then("the device pauses before its step 3")
    assert buttons["Pause at step end"].phase.value == "confirmed"  # type: ignore[attr-defined]


def test_r6_an_act_that_is_not_confirmed_stays_until_it_is_seen(page: Page, qtbot: QtBot) -> None:
    press("F6", page.view)
    page.asks.of("runs.pause_at_step_end")[0].failed(Trouble("No answer.", "late", kind=TroubleKind.DEADLINE))
    button = next(one for one in page.view.findChildren(QPushButton) if one.text() == "Pause at step end")
    assert button.phase.value == "trouble"  # type: ignore[attr-defined]
    click(qtbot, button)
    assert "not confirmed" in page.bench.troubles[0].what and button.phase.value == "idle"  # type: ignore[attr-defined]


def test_r2_a_stop_asks_first_and_enter_lets_the_run_go_on(page: Page) -> None:
    press("Ctrl+F8", page.view)
    dialog = page.shown(Confirm)
    press("Return", dialog)
    assert page.asks.of("runs.stop") == []
    with page.qtbot.waitActive(page.view, timeout=30_000):
        page.view.activateWindow()
    press("Ctrl+F8", page.view)
    dialog = page.shown(Confirm)
    dialog.act.click()
    assert page.asks.of("runs.stop")[0].args == (RUN,)


def test_a_note_is_typed_and_sent(page: Page, qtbot: QtBot) -> None:
    click(qtbot, page.view.actions_.note)
    dialog = page.shown(AskText)
    assert not dialog.act.isEnabled()
    type_text("chamber door opened", dialog.field)
    press("Return", dialog.field)
    assert page.asks.of("runs.note")[0].args == (RUN, "chamber door opened")


def test_a_snapshot_is_a_picture_on_the_clipboard_and_a_note_in_the_run(page: Page, qtbot: QtBot) -> None:
    click(qtbot, page.view.actions_.snapshot)
    assert not QGuiApplication.clipboard().pixmap().isNull()
    assert "Voltage 3.7000 V" in page.asks.of("runs.note")[0].args[1]


def test_u21_what_is_rarer_is_in_the_menu_and_says_why_it_is_off(page: Page) -> None:
    entries = {action.text().partition("\t")[0]: action for action in page.view.actions_.menu().actions()}
    assert entries["Jump to next step..."].isEnabled() and entries["Add cycles…"].isEnabled()
    assert not entries["Take cell out"].isEnabled() and "running" in entries["Take cell out"].toolTip()


def test_cycles_are_added_and_a_protocol_changed_with_a_reason(page: Page) -> None:
    page.view.actions_.ask_cycles()
    dialog = page.shown(AddCycles)
    dialog.count.setValue(25)
    press("Return", dialog.reason)
    assert page.asks.of("runs.add_cycles")[0].args == (RUN, 25)
    page.view.actions_.ask_revision()
    revise = page.shown(Revise)
    assert not revise.act.isEnabled() and "changed" in revise.act.toolTip()
    revise.text.setPlainText("labctl: protocol/1\nname: other\n")
    type_text("lower cutoff", revise.reason)
    revise.act.click()
    (asked,) = page.asks.of("runs.revise")
    assert (
        asked.args == (RUN, "labctl: protocol/1\nname: other\n") and asked.words["reason"] == "lower cutoff"
    )


def test_a_paused_run_offers_to_go_on(page: Page) -> None:
    tell(page.lab, running(CHANNEL, "C0001", state="paused", **page.words))
    shown = {button.text() for button in page.view.bar.findChildren(QPushButton) if not button.isHidden()}
    assert "Continue" in shown and "Pause at step end" not in shown
    press("Ctrl+F6", page.view)
    assert page.asks.of("runs.resume")[0].args == (RUN,)


def test_r5_on_a_channel_without_a_run_acts_say_why_not(page: Page, qtbot: QtBot) -> None:
    press("Alt+Down", page.view)
    assert page.view.title.text() == "1-2"
    assert "Nothing runs" in page.view.actions_.note.toolTip() and page.view.bar.note
    press("F6", page.view)
    assert page.asks.of("runs.pause_at_step_end") == [] and page.bench.said[-1]
    click(qtbot, page.view.chips.before)
    assert page.view.title.text() == "1-1  C0001"


def test_r13_without_a_link_nothing_is_sent(page: Page) -> None:
    page.lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    press("F6", page.view)
    assert page.asks.of("runs.pause_at_step_end") == []
    assert "does not answer" in page.view.bar.note


def test_in_a_narrow_window_the_right_column_is_a_tab(page: Page, qtbot: QtBot) -> None:
    page.view.resize(1180, 760)
    qtbot.waitUntil(lambda: page.view.side.narrow)
    assert not page.view.steps.isVisible() and page.view.plots.isVisible()
    click(qtbot, page.view.side.parts.part("side"))
    assert page.view.steps.isVisible() and not page.view.plots.isVisible()


def test_what_is_chosen_is_kept_for_the_person(page: Page, session: Session, qtbot: Any) -> None:
    page.view.undo.do(page.view.models.choice.show_tab(Tab.DQDV))
    state = page.view.save_state()
    other = Page(session, qtbot)
    other.view.restore_state(state)
    assert other.view.models.choice.now.tab is Tab.DQDV
    other.view.restore_state({"plots": {"tab": "what", "axes": 3}, "channel": 7})
    assert other.view.models.choice.now.tab is Tab.VOLTAGE
    other.view.hidden()


def test_the_palette_offers_plots_acts_and_channels(page: Page) -> None:
    commands = {command.text: command for command in page.view.commands()}
    assert {"Pause at step end", "Stop", "Plot dQ/dV", "Show 1-2", "Export the plot"} <= set(commands)
    commands["Plot dQ/dV"].run()
    assert page.view.models.choice.now.tab is Tab.DQDV
