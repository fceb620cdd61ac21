"""U17: every view of the whole window, both languages, 100 to 200 %: nothing is cut, numbers and units stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QWidget

from labctl.clock import link_now_s
from labctl.gui.i18n.translating import Language
from labctl.gui.parts.buttons import Button, Tight
from labctl.gui.parts.labels import ElidedLabel
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.views.registry import find_views
from labctl.testing.guistory import Person, at_the_window
from labctl.testing.stationrun import running_station

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
SCALES = {Language.ENGLISH: (1.0, 1.5, 2.0), Language.CHINESE: (1.0, 2.0)}
LEEWAY_PX = 2
SETTLED_MS = 60
LAID_OUT_WITHIN_S = 30.0
HAN = re.compile("[\u4e00-\u9fff]")
FIGURE = re.compile(r"[−-]?\d+\.\d+[ \u2009]?(?:V|mV|mA|µA|Ah|mAh)\b")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    with running_station(tmp_path_factory.mktemp("languages")) as found:
        yield found


def cut(page: QWidget) -> list[str]:
    """Return what is seen in a page and has less room than its words need, or hangs over the page's right edge."""
    found = []
    for one in page.findChildren(QWidget):
        if not isinstance(one, QAbstractButton | QComboBox | QLabel) or isinstance(one, ElidedLabel):
            continue
        if (
            not one.isVisible()
            or one.visibleRegion().isEmpty()
            or (isinstance(one, QLabel) and one.wordWrap())
        ):
            continue
        text = one.text() if isinstance(one, QAbstractButton | QLabel) else one.currentText()
        if isinstance(one, Button):
            needed = one.width_as(one.tight)  # where room is short it drops its keys or its word, whole
        else:
            needed = one.minimumSizeHint().width() if isinstance(one, QComboBox) else one.sizeHint().width()
        needed = min(needed, one.maximumWidth())
        over = one.mapTo(page, QPoint(one.width(), 0)).x() - page.width()
        if text and (one.width() + LEEWAY_PX < needed or over > LEEWAY_PX):
            found.append(
                f"{type(one).__name__} {text!r}: {one.width()} of {needed} px, {max(0, over)} px beyond"
            )
    return found


def stays_cut(person: Person, page: QWidget) -> list[str]:
    """Return what is cut once the page is laid out: bars take turns of the loop where words have come or grown."""
    until_s = link_now_s() + LAID_OUT_WITHIN_S
    while (found := cut(page)) and link_now_s() < until_s:
        person.qtbot.wait(SETTLED_MS)
    return found


def show_all(person: Person) -> Iterator[tuple[str, QWidget]]:
    for spec in find_views():
        person.window.go(spec.id)
        person.wait(lambda: not person.view.visibleRegion().isEmpty())
        person.qtbot.wait(SETTLED_MS)
        assert person.view is not None and person.view.spec.id == spec.id
        yield spec.id, person.view


def test_u17_no_view_cuts_a_text_in_either_language_at_any_scale(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot, size=(1920, 1080)) as person:
        person.start(person.idle()[-1])
        faults: list[str] = []
        for language, scales in SCALES.items():
            person.window.set_language(language)
            for scale in scales:
                person.window.set_scale(scale)
                person.wait(lambda: not theme().changing)
                for view_id, view in show_all(person):
                    faults += [
                        f"{view_id} {language.value} {scale}: {text}" for text in stays_cut(person, view)
                    ]
                    if scale == 1.0:
                        faults += [
                            f"{view_id} {language.value}: {one.text()} is an icon only"
                            for one in view.findChildren(Button)
                            if one.isVisible() and one.tight is Tight.ICON
                        ]
        person.window.set_language(Language.ENGLISH)
        assert faults == [], "\n".join(faults)


def test_u17_language_is_switched_without_a_restart_and_units_and_numbers_stay(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = person.in_front("station")
        idle = person.idle()[0]
        person.wait(lambda: not view.grid.tile(idle).muted)
        word = view.grid.tile(idle).word
        person.command("中文")
        person.wait(lambda: view.first.search.accessibleName() == "电池、批次、状态")
        chinese, told = view.grid.tile(idle), view.grid.hover(idle)
        person.window.set_language(Language.ENGLISH)
        view.retranslate()  # at once: nothing newer has come between the two readings
        english, hover = view.grid.tile(idle), view.grid.hover(idle)
        assert len(re.findall(HAN, told)) > len(re.findall(HAN, hover))
        assert (chinese.value, chinese.unit) == (english.value, english.unit)
        assert FIGURE.findall(told) and FIGURE.findall(told) == FIGURE.findall(hover)
        person.window.set_language(Language.CHINESE)
        person.wait(lambda: view.first.search.accessibleName() == "电池、批次、状态")
        for view_id, shown in show_all(person):
            assert re.search(HAN, "".join(one.accessibleName() for one in shown.findChildren(QWidget))), (
                view_id
            )
        person.press("Ctrl+1")
        person.window.set_language(Language.ENGLISH)
        person.wait(lambda: view.grid.tile(idle).word == word)
        theme().put_on(ThemeName.LIGHT, 1.0)
        QApplication.processEvents()
