"""The compare view in its window: following, ranges, sizes, languages, what is kept (U16, U17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QWidget

from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.viewmodels.comparing import Per
from labctl.gui.views.compare.page import CompareView
from labctl.model.bench import Delta
from labctl.testing.guicompare import filled, settle, shown, titles, undo
from labctl.testing.guilab import tell
from labctl.testing.guistudy import Desk, run_of, study_desk

pytestmark = pytest.mark.usefixtures("look")
KEY = Qt.Key


@pytest.fixture
def desk() -> Desk:
    return study_desk(run_of("S1", run_id="run-S1@2", started_utc="2026-05-01T00:00:00+00:00"))


@pytest.fixture
def view(desk: Desk, session: Any, qtbot: Any) -> Iterator[CompareView]:
    made = shown(desk, session, qtbot)
    yield made
    made.hidden()
    made.compare.close()


# -- the window -------------------------------------------------------------------------------------------------------


def test_running_runs_are_followed_while_seen_and_asked_again_when_a_cycle_closes(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    news = {"run_id": "run-S3", "channel": "neware:1-3", "cycle": 60, "cell": "S3"}
    tell(desk.lab, Delta(1, "run", "run-S3", news))
    filled(view, desk, qtbot, "S3 S4")
    assert desk.followed[-1] == ("run-S3",)
    asked = len(desk.asks.of("runs.cycles"))
    desk.lab._now_s.s += 10.0
    tell(desk.lab, Delta(2, "run", "run-S3", news | {"cycle": 61}))
    assert len(desk.asks.of("runs.cycles")) == asked + 1
    tell(desk.lab, Delta(3, "run", "run-S3", None))
    settle(view, qtbot)
    assert desk.followed[-1] == () and desk.asks.of("runs.list")[-1].words == {"cell": "S3"}
    view.hidden()
    assert desk.followed[-1] == ()


def test_the_cycle_range_narrows_plots_and_overlays_and_undoes(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "F1 F3")
    view.range.setValue((5, 20))
    view.range.sliderReleased.emit()
    settle(view, qtbot)
    assert view.range_text.text() == "5 … 20" and view.compare.cycles.cycles == (5, 10, 20)
    assert max(one.x.max() for one in view.board.cards[0].panel.series) == 20
    undo(view, qtbot)
    assert view.range.value() == (1, 40)


def test_a_narrow_window_makes_the_overlay_a_tab(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot, "S1 S3")
    assert not view.board.column.isHidden()
    view.resize(1000, 600)
    qtbot.waitUntil(lambda: view.board.column.isHidden(), timeout=30_000)
    qtbot.mouseClick(view.pages.part("overlay"), Qt.MouseButton.LeftButton)
    assert not view.board.column.isHidden() and view.middle.isHidden()
    assert view.width() == 1000 and view.page.indexOf(view.tools) == 0


def test_what_is_compared_is_kept_for_the_next_start(
    view: CompareView, desk: Desk, session: Any, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "S1 F3")
    view.undo.do(view.compare.set_per(Per.AREA))
    other = shown(study_desk(), session, qtbot)
    other.restore_state(view.save_state())
    settle(other, qtbot)
    assert titles(other) == ["S1", "F3"] and other.compare.per is Per.AREA
    other.restore_state({"compare": {"members": [{"run_id": 1}], "options": {"per": "mauve", "kinds": 3}}})
    other.compare.close()


def test_another_view_opens_it_on_channels_or_cells(view: CompareView, desk: Desk, qtbot: Any) -> None:
    view.open_on(["neware:1-5", "S3"])
    settle(view, qtbot)
    assert titles(view) == ["F1", "S3"] or titles(view) == ["S3", "F1"]


def test_u17_every_control_has_a_name_in_both_languages(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot)
    languages = Languages()
    for language, word in ((Language.CHINESE, "对比"), (Language.ENGLISH, "Compare")):
        languages.put_on(language)
        QApplication.processEvents()
        view.retranslate()
        assert view.title.text() == word
        for kind in (QAbstractButton, QComboBox, QLineEdit):
            for control in view.findChildren(kind):
                if control.isVisible():
                    assert control.accessibleName() or control.toolTip(), describe(control)


def describe(control: QWidget) -> str:
    return f"{type(control).__name__} in {type(control.parent()).__name__}"


def test_commands_offer_what_the_view_can_do(view: CompareView, desk: Desk, qtbot: Any) -> None:
    assert [one.why for one in view.commands()][1:] == ["Add cells first."] * (len(view.commands()) - 1)
    filled(view, desk, qtbot, "F1")
    {one.text: one for one in view.commands()}["Charges in mAh/g"].run()
    assert view.compare.per is Per.GRAM and not any(one.why for one in view.commands())


def test_a_wheel_over_a_plot_zooms_it(view: CompareView, desk: Desk, qtbot: Any) -> None:
    from PySide6.QtGui import QWheelEvent

    filled(view, desk, qtbot, "F1 F3")
    frame = view.board.cards[0].frame
    before = frame.x_range()
    at = QPointF(frame.width() / 2, frame.height() / 2)
    event = QWheelEvent(at, frame.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(frame.viewport(), event)
    after = frame.x_range()
    assert after[1] - after[0] < before[1] - before[0]
