"""Settings hold at once, can be undone, and are kept; people, notifications and keys are reached by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from labctl.gui.hearing import sounds_of
from labctl.gui.keeping import SessionKeep, settings_of
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.view import LookActs
from labctl.gui.parts.why import why
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase, Me
from labctl.gui.viewmodels.facts import key_rows
from labctl.gui.viewmodels.palette import KEYS
from labctl.gui.viewmodels.settings import Settings
from labctl.model.person import Person, Role
from labctl.testing.guibench import INFO
from labctl.testing.guilab import box, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")


PEOPLE = tuple(
    Person(name, role, "2026-04-20T00:00:00+00:00")
    for name, role in (("chen", Role.ADMIN), ("li", Role.OPERATE))
)


class Token:
    """What the station gives for a new person."""

    token = "lab_secret"


@pytest.fixture
def bench(session: Any) -> ViewBench:
    made = ViewBench(session)
    made.lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, made.clock(), me=Me("chen", Role.ADMIN))))
    made.lab.take_info(INFO)
    tell(made.lab, box("neware", 16))
    made.asks.answers.update({
        "people.list": [PEOPLE[0], PEOPLE[1]],
        "people.add": Token(), "people.revoke": PEOPLE[1],
        "notify.status": {"people": [{"name": "chen", "paths": ["ntfys"], "language": "zh", "last": "sent"}],
                          "quiet_hours": "22:00-07:00", "alive_at": "08:00"},
        "notify.test": "chen: sent by ntfys",
    })  # fmt: skip
    return made


@pytest.fixture
def asked() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def view(bench: ViewBench, asked: list[tuple[str, Any]], qtbot: Any) -> Any:
    def note(name: str) -> Any:
        return lambda *value: asked.append((name, *value))

    bench.context.look = LookActs(note("theme"), note("language"), note("scale"), lambda: "en", note("reset"))
    return bench.open("settings", qtbot)


def turn(view: Any, page: str) -> None:
    tab_to(view.pages.part(view.pages.key))
    view.pages.part(page).setFocus()
    press("Space")
    assert view.pages.key == page


def test_theme_language_and_size_hold_at_once_and_can_be_undone(
    view: Any, asked: list[Any], bench: ViewBench
) -> None:
    view.look.theme.part("dark").setFocus()
    press("Space")
    assert asked[-1] == ("theme", ThemeName.DARK) and bench.session.theme is ThemeName.DARK
    press("Ctrl+Z")
    assert asked[-1] == ("theme", ThemeName.LIGHT) and bench.session.theme is ThemeName.LIGHT
    view.look.language.part("zh_CN").setFocus()
    press("Space")
    assert asked[-1][0] == "language"
    tab_to(view.look.scale)
    press("Right")
    assert asked[-1] == ("scale", 1.1) and view.look.percent.text() == "110 %"
    press("End")
    assert asked[-1] == ("scale", 2.0)
    press("Home")
    assert asked[-1] == ("scale", 0.8)


def test_motion_sound_times_and_units_are_kept_for_the_next_window(view: Any, bench: ViewBench) -> None:
    tab_to(view.look.motion)
    press("Space")
    view.look.times.part("utc").setFocus()
    press("Space")
    tab_to(view.look.units["current"])
    press("Down")
    kept = Settings(SessionKeep(bench.session)).now
    assert (kept.motion, kept.utc_times) == (False, True) and kept.units == {"current": "A"}
    assert settings_of(bench.context).now == kept
    press("Ctrl+Z")
    assert settings_of(bench.context).now.units == {}


def test_sound_is_one_switch_here_and_in_the_status_bar_and_can_be_undone(
    view: Any, bench: ViewBench
) -> None:
    sounds = sounds_of(bench.context)
    sounds.set_muted(True)
    assert not view.look.sound.isChecked()
    tab_to(view.look.sound)
    press("Space")
    assert not sounds.muted and bench.session.get("sound/muted") is False
    press("Ctrl+Z")
    assert sounds.muted and not view.look.sound.isChecked()


def test_what_was_chosen_in_the_status_bar_is_shown_when_the_page_is_seen_again(
    view: Any, bench: ViewBench
) -> None:
    bench.session.theme, bench.session.scale = ThemeName.CONTRAST, 1.5
    view.shown()
    assert view.look.theme.key == "contrast" and view.look.percent.text() == "150 %"


def test_the_layout_is_reset_from_here(view: Any, asked: list[Any], bench: ViewBench) -> None:
    tab_to(view.look.reset)
    press("Space")
    assert asked == [("reset",)] and bench.said


def test_the_station_says_what_it_is_and_its_instruments(view: Any) -> None:
    turn(view, "station")
    pairs = [(name.text(), value.text()) for name, value in view.station._pairs]
    assert ("Name", "Station A") in pairs and ("Address", "http://127.0.0.1:7421") in pairs
    assert ("You", "chen, administrator") in pairs
    assert [field.text for field in view.station.model.rows[0]][:2] == ["neware", "live"]


def test_a_person_gets_a_token_that_is_shown_once_and_copied(view: Any, bench: ViewBench) -> None:
    turn(view, "people")
    page = view.people_page
    assert "A name is needed" in why(page.add)
    tab_to(page.name)
    type_text("王芳")
    press("Return")
    assert bench.asks.of("people.add")[0].args[0] == "王芳"
    assert page.token_card.isVisible() and page.token.text() == "lab_secret"
    tab_to(page.copy)
    press("Space")
    assert QGuiApplication.clipboard().text() == "lab_secret"
    tab_to(page.forget)
    press("Space")
    assert not page.token_card.isVisible() and page.token.text() == ""


def test_taking_access_away_is_confirmed_with_the_name(view: Any, bench: ViewBench, qtbot: Any) -> None:
    turn(view, "people")
    page = view.people_page
    tab_to(page.table)
    press("Down")
    tab_to(page.revoke)
    press("Space")
    dialog = next(found for found in QApplication.topLevelWidgets() if isinstance(found, Confirm))
    assert "li" in dialog.windowTitle() and not bench.asks.of("people.revoke")
    press("Escape", dialog)
    assert not bench.asks.of("people.revoke"), "backing out changes nothing"
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=30_000)


def test_who_may_not_see_to_people_is_told_why(view: Any, bench: ViewBench) -> None:
    bench.lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, bench.clock(), me=Me("li", Role.OPERATE))))
    turn(view, "people")
    view.people_page.name.setText("somebody")
    assert "administrator" in why(view.people_page.add) and "li" in view.people_page.reason.text()


def test_a_test_message_says_what_became_of_it(view: Any, bench: ViewBench) -> None:
    turn(view, "notify")
    page = view.night_page
    assert (
        "Quiet hours 22:00-07:00." in page.told.text() and "CRITICAL is never held back" in page.told.text()
    )
    tab_to(page.test)
    press("Space")
    assert page.result.text() == "chen: sent by ntfys" and bench.asks.of("notify.test")


def test_a_station_that_tells_nobody_says_so_and_the_test_is_off(view: Any, bench: ViewBench) -> None:
    bench.asks.answers["notify.status"] = {"people": []}
    turn(view, "notify")
    assert "Nobody is told" in view.night_page.told.text() and "Nobody is named" in why(view.night_page.test)


def test_the_keyboard_map_lists_every_key_and_is_searched(view: Any) -> None:
    assert len(key_rows()) == len(KEYS) - 8, "the nine views are one line"
    view.search()
    assert view.pages.key == "keys" and QApplication.focusWidget() is view.keys.search
    type_text("stop all")
    assert [field.text for field in view.keys.model.rows[0]][:2] == ["Ctrl+Shift+F12", "Stop all outputs"]
    type_text("xyz")
    assert view.keys.card.note.text() == "no key fits"


def test_the_page_is_opened_by_others_and_kept(view: Any) -> None:
    view.open_on("notify")
    assert view.save_state() == {"page": "notify"}
    view.restore_state({"page": "nonsense"})
    assert view.pages.key == "notify"
