"""The parts: each has a name for screen readers, shows its states, and says why it is off."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from labctl.gui.parts.actionbar import ActionBar
from labctl.gui.parts.buttons import Button, Phase, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.confirm import Confirm, confirm, confirm_or_do
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import ChoiceBox, SearchField, mark_problem
from labctl.gui.parts.focus import FocusRing
from labctl.gui.parts.palette import CommandPalette
from labctl.gui.parts.readout import Readout
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.stopall import StopAllButton, stop_all
from labctl.gui.parts.table import QUESTION_ROLE, RAW_ROLE, Table
from labctl.gui.parts.toasts import Toasts
from labctl.gui.parts.trouble import TroubleBar
from labctl.gui.parts.undo import Undo
from labctl.gui.parts.view import Command
from labctl.gui.parts.why import set_why, why
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.commands import Palette
from labctl.gui.viewmodels.confirming import Confirmation
from labctl.gui.viewmodels.edits import Edit

pytestmark = pytest.mark.usefixtures("look")


def picture(widget: QWidget) -> bytes:
    image = widget.grab().toImage()
    return bytes(image.constBits())


def test_a_button_is_wide_enough_for_its_words_at_every_scale(look: Any, qtbot: Any) -> None:
    button = Button("Pause at step end", icon="pause", keys="F6")
    qtbot.addWidget(button)
    widths = []
    for scale in (1.0, 1.5, 2.0):
        look.put_on(ThemeName.LIGHT, scale)
        widths.append(button.sizeHint().width())
        assert button.sizeHint().height() == round(32 * scale)
    assert widths == sorted(widths) and widths[-1] > 1.7 * widths[0]
    assert button.accessibleName() == "Pause at step end" and "F6" in button.toolTip()


def test_an_act_shows_sending_then_confirmed_and_then_its_name_again(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labctl.gui.parts import buttons

    monkeypatch.setattr(buttons, "CONFIRMED_MS", 30)
    button = Button("Stop", icon="stop", act=True)
    qtbot.addWidget(button)
    width = button.sizeHint().width()
    rest = picture(button)
    button.show_phase(Phase.SENDING)
    assert button.sizeHint().width() == width and picture(button) != rest
    button.show_phase(Phase.CONFIRMED, "confirmed 0.6 s")
    assert button.accessibleDescription() == "confirmed 0.6 s"
    qtbot.waitUntil(lambda: button.phase is Phase.IDLE, timeout=30_000)


def test_trouble_stays_on_the_button(qtbot: Any) -> None:
    button = Button("Stop", act=True)
    qtbot.addWidget(button)
    button.show_phase(Phase.TROUBLE, "not confirmed")
    qtbot.wait(60)
    assert button.phase is Phase.TROUBLE


@pytest.mark.parametrize("rank", Rank)
def test_each_rank_looks_different_when_off(qtbot: Any, rank: Rank) -> None:
    button = Button("Start", rank=rank)
    qtbot.addWidget(button)
    on = picture(button)
    set_why(button, "4 of 4 are running")
    assert picture(button) != on
    assert (why(button), button.toolTip(), button.statusTip()) == ("4 of 4 are running",) * 3
    set_why(button, "")
    assert button.isEnabled() and why(button) == "" and button.toolTip() == ""


def test_the_action_bar_says_in_words_why_an_act_is_off(qtbot: Any) -> None:
    bar = ActionBar()
    qtbot.addWidget(bar)
    start = bar.add(Button("Start"))
    bar.say("first cycle ends at 14:20")
    assert bar.note == "first cycle ends at 14:20"
    bar.set_why(start, "Start is off: 4 of 4 are running")
    assert bar.note == "Start is off: 4 of 4 are running" and not start.isEnabled()
    bar.set_why(start, "")
    assert bar.note == "first cycle ends at 14:20" and start.isEnabled()


def test_a_segment_tells_only_what_a_person_chose_and_obeys_arrow_keys(qtbot: Any) -> None:
    segment = Segment(
        "filter", [Choice("all", "All", "128"), Choice("free", "Free", "12"), Choice("x", "X", why="no")]
    )
    qtbot.addWidget(segment)
    with qtbot.waitActive(segment, timeout=30_000):
        segment.show()
        segment.activateWindow()
    heard: list[str] = []
    segment.chosen.connect(heard.append)
    segment.choose("free")
    assert heard == [] and segment.key == "free"
    qtbot.mouseClick(segment.part("all"), Qt.MouseButton.LeftButton)
    assert heard == ["all"]
    segment.part("all").setFocus()
    qtbot.keyClick(segment.part("all"), Qt.Key.Key_Right)
    assert segment.key == "free"
    assert segment.part("all").accessibleName() == "All 128" and why(segment.part("x")) == "no"
    segment.show_choices([Choice("all", "Alle", "9"), Choice("free", "Frei"), Choice("x", "X")])
    assert segment.key == "free" and segment.part("all").accessibleName() == "Alle 9"
    segment.show_choices([Choice("a", "A"), Choice("b", "B")])
    assert segment.key == "a"


def test_a_choice_box_keeps_its_key_through_another_language(qtbot: Any) -> None:
    box = ChoiceBox("Sort")
    qtbot.addWidget(box)
    heard: list[str] = []
    box.chosen.connect(heard.append)
    box.show_choices([("slot", "slot"), ("age", "age")])
    box.choose("age")
    box.set_name("排序")
    box.show_choices([("slot", "位置"), ("age", "时间")])
    assert box.key == "age" and heard == [] and box.accessibleName() == "排序"
    box.show()
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.key == "slot" and heard == ["slot"]


def test_escape_empties_a_search_field(qtbot: Any) -> None:
    field = SearchField("filter cells", keys="/")
    qtbot.addWidget(field)
    qtbot.keyClicks(field, "C00")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "" and field.accessibleName() == "filter cells"


def test_a_question_on_a_field_is_said_and_taken_back(qtbot: Any) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    mark_problem(field, "10 x the median")
    assert field.accessibleDescription() == "10 x the median" and field.property("problem") == "true"
    mark_problem(field, "")
    assert field.property("problem") == "false"


def test_labels_show_what_people_typed_as_plain_text(qtbot: Any) -> None:
    from labctl.gui.parts.labels import ElidedLabel, Label

    for label in (Label("<b>C0021</b>"), ElidedLabel("<b>C0021</b>")):
        qtbot.addWidget(label)
        assert label.textFormat() is Qt.TextFormat.PlainText and label.text() == "<b>C0021</b>"


def table(qtbot: Any) -> Table:
    found = Table("limits")
    model = QStandardItemModel(2, 3)
    model.setHorizontalHeaderLabels(["cell", "mass / mg", "note"])
    for row, (cell, mass, note) in enumerate((("C1", "12.4", "a\tb"), ("C2", "−0.1", "=1+1"))):
        for column, text in enumerate((cell, mass, note)):
            model.setItem(row, column, QStandardItem(text))
    model.item(1, 1).setData("-0.1", RAW_ROLE)
    model.item(1, 1).setData(True, QUESTION_ROLE)
    found.setModel(model)
    qtbot.addWidget(found)
    return found


def test_a_table_copies_its_selected_rows_as_tab_separated_text_with_a_head(qtbot: Any) -> None:
    found = table(qtbot)
    assert found.as_text() == "cell\tmass / mg\tnote\nC1\t12.4\ta b\nC2\t-0.1\t'=1+1\n"
    found.selectRow(1)
    found.setColumnHidden(2, True)
    found.setFocus()
    qtbot.keyClick(found, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "cell\tmass / mg\nC2\t-0.1\n"


def test_enter_opens_the_row_under_the_keyboard(qtbot: Any) -> None:
    found = table(qtbot)
    opened: list[int] = []
    found.opened.connect(lambda index: opened.append(index.row()))
    found.setCurrentIndex(found.model().index(1, 0))
    qtbot.keyClick(found, Qt.Key.Key_Return)
    assert opened == [1] and found.verticalHeader().defaultSectionSize() == 32


def test_the_ring_follows_the_keyboard_and_leaves_the_mouse_alone(qtbot: Any, qapp: Any) -> None:
    window = QWidget()
    window.resize(400, 200)
    column = QVBoxLayout(window)
    one, two = Button("one"), Button("two")
    column.addWidget(one)
    column.addWidget(two)
    ring = FocusRing(window)
    qtbot.addWidget(window)
    with qtbot.waitActive(window, timeout=30_000):
        window.show()
        window.activateWindow()
    two.setFocus()
    one.setFocus(Qt.FocusReason.TabFocusReason)
    assert ring.isVisible() and ring.geometry().contains(one.geometry())
    assert ring.geometry().width() == one.width() + 8
    two.setFocus(Qt.FocusReason.TabFocusReason)
    assert ring.geometry().contains(two.geometry())
    two.hide()
    assert not ring.isVisible() or not ring.geometry().contains(two.geometry())


QUESTION = Confirmation(
    "Stop 6 running cells?",
    ("1-01 C1", "1-02 C2"),
    "The output goes off now.",
    "Stop 6",
    "Let run",
    "6",
    "Type 6",
    True,
)


def test_the_safe_answer_is_the_default_and_a_number_must_be_typed(qtbot: Any) -> None:
    answers: list[tuple[str, str]] = []
    dialog = Confirm(QUESTION, lambda reason, word: answers.append((reason, word)))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.safe.isDefault() and why(dialog.act) == "Type 6"
    qtbot.keyClicks(dialog.typed, "6")
    assert "journal" in why(dialog.act)
    qtbot.keyClicks(dialog.reason, "shift over")
    assert why(dialog.act) == ""
    qtbot.mouseClick(dialog.act, Qt.MouseButton.LeftButton)
    assert answers == [("shift over", "6")]


def test_backing_out_of_a_question_does_nothing(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    answers: list[Any] = []
    dialog = confirm(QUESTION, lambda *told: answers.append(told), window)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.wait(10)
    assert answers == []
    assert confirm_or_do(None, lambda *told: answers.append(told), window) is None and answers == [("", "")]


def test_a_dialog_obeys_the_chord_of_stop_all(qtbot: Any) -> None:
    pressed: list[int] = []
    stop_all().connect_to(lambda: pressed.append(1))
    dialog = Confirm(QUESTION, lambda reason, word: None)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.stop_chord.activated.emit()
    assert pressed == [1] and stop_all().phase is Phase.SENDING
    stop_all().show(Phase.IDLE)


def test_stop_all_without_a_station_says_so(qtbot: Any) -> None:
    stop_all().connect_to(lambda: None)
    stop_all().disconnect_from(stop_all()._send)  # type: ignore[arg-type]
    button = StopAllButton()
    qtbot.addWidget(button)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert stop_all().phase is Phase.TROUBLE and "instruments" in stop_all().told
    assert button.sizeHint().height() >= 44
    stop_all().show(Phase.IDLE)


def test_toasts_pass_by_themselves_and_are_three_at_most(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from labctl.gui.parts import toasts

    monkeypatch.setattr(toasts, "SHOWN_MS", 80)
    window = QWidget()
    window.resize(800, 400)
    qtbot.addWidget(window)
    window.show()
    found = Toasts(window)
    for number in range(5):
        found.say(f"saved {number}")
    assert found.texts == ("saved 2", "saved 3", "saved 4")
    qtbot.waitUntil(lambda: found.texts == (), timeout=30_000)


def test_a_trouble_stays_until_it_is_dismissed_and_can_be_copied(qtbot: Any) -> None:
    bar = TroubleBar()
    qtbot.addWidget(bar)
    bar.say(Trouble("Not done: stop", "no answer", "look again"))
    bar.say(Trouble("Not done: save", "disk full", "make room", "details here"))
    assert bar.more.text() == "and 1 more" and not bar.isHidden()
    qtbot.mouseClick(bar.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Not done: save\ndisk full\nmake room\ndetails here"
    qtbot.mouseClick(bar.fold, Qt.MouseButton.LeftButton)
    assert not bar.details.isHidden()
    qtbot.mouseClick(bar.away, Qt.MouseButton.LeftButton)
    assert bar.what.text() == "Not done: stop"
    qtbot.mouseClick(bar.away, Qt.MouseButton.LeftButton)
    assert bar.isHidden()


def test_two_hundred_edits_can_be_undone_and_done_again(qapp: Any) -> None:
    values: list[int] = []
    undo = Undo()
    for number in range(250):
        undo.do(Edit(f"edit {number}", lambda number=number: values.append(number), values.pop))  # type: ignore[arg-type]
    undo.do(None)
    for _ in range(250):
        undo.undo()
    assert values == []
    undo.redo()
    assert values == [0] and undo.undoText() == "edit 0"


def test_the_palette_finds_runs_and_says_why_not(qtbot: Any) -> None:
    done: list[str] = []
    commands = [
        Command("Stop all outputs", lambda: done.append("stop"), "Ctrl+Shift+F12"),
        Command("Station", lambda: done.append("station"), "Ctrl+1", "Go to"),
        Command("Start", lambda: done.append("start"), why="nothing is selected"),
    ]
    window = QWidget()
    window.resize(1200, 800)
    qtbot.addWidget(window)
    window.show()
    palette = CommandPalette(window, lambda: commands)
    palette.open()
    assert palette.texts == ["Stop all outputs", "Station", "Start"]
    qtbot.keyClicks(palette.field, "sta")
    assert palette.texts[0] == "Station" or palette.texts[0] == "Start"
    palette.field.setText("start")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == [] and palette.isVisible()
    palette.field.setText("go stat")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == ["station"] and not palette.isVisible()


@pytest.mark.parametrize(
    ("query", "text", "fits"),
    [
        ("", "x", True),
        ("sao", "Stop all outputs", True),
        ("out stop", "Stop all outputs", True),
        ("zz", "Stop", False),
    ],
)
def test_a_query_fits_in_any_order(query: str, text: str, fits: bool) -> None:
    assert bool(Palette().find(query, [Command(text, lambda: None)])) is fits


def test_cards_readouts_chips_and_empty_views_have_names(qtbot: Any) -> None:
    card, readout, empty = Card("Limits", "tightest layer shown"), Readout("Voltage"), Empty(ghosts=True)
    chip = Chip("CC-DIS", "step 3 / 4", glyph="discharge", token="discharge")
    readout.show_value("3.3393", "V", "GOOD", stale=True)
    empty.say("No instruments yet", "Nothing is driven.")
    for widget in (card, readout, chip, empty):
        qtbot.addWidget(widget)
    names = [widget.accessibleName() for widget in (card, readout, chip, empty)]
    assert names == [
        "Limits",
        "Voltage 3.3393 V GOOD",
        "CC-DIS step 3 / 4",
        "No instruments yet. Nothing is driven.",
    ]
    first, second = empty.add_button(Button("Open")), empty.add_button(Button("Find"))
    assert (first._rank, second._rank) == (Rank.PRIMARY, Rank.NORMAL)
