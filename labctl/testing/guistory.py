"""The whole window on a real station, as a person has it: for the user stories (docs/gui-stories.md).

``with whole_window(station, session, qtbot) as desk_of:`` opens what ``labctl gui`` opens, waits for the link, and
gives a ``Person``: keys, texts, the view in front, the dialog that is open, what the station itself says.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from labctl.gui.app import Plan, build
from labctl.gui.desk import Desk
from labctl.gui.i18n.translating import Languages
from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.stopall import stop_all
from labctl.gui.session import Session
from labctl.gui.window import MainWindow
from labctl.testing.guiviews import type_text

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.gui.parts.confirm import Confirm
    from labctl.gui.parts.view import ViewSpec
    from labctl.gui.viewmodels.lab import Lab
    from labctl.testing.stationrun import StationRun

WAIT_MS = 90_000
"""What a loaded computer may take; a wait ends as soon as what it waits for is so."""
SIZE = (1600, 1000)
TABS, CHOICES = 150, 12


@dataclass
class Person:
    """Somebody in front of the window."""

    window: MainWindow
    station: StationRun
    qtbot: Any

    @property
    def lab(self) -> Lab:
        """Return what the window knows of the station."""
        assert self.window.desk is not None
        return self.window.desk.lab

    @property
    def view(self) -> Any:
        """Return the view in front."""
        return self.window.front

    @property
    def trouble(self) -> str:
        """Return what the window complains of; empty where it does not."""
        bar = self.window.trouble
        return "" if bar.isHidden() else bar.accessibleName()

    def another(self, name: str) -> Station:
        """Return a client of somebody else on the same station; to be closed."""
        from labctl.api.client import connect

        return connect(data=self.station.data, start=False, person=name)

    def wait(self, until: Callable[[], object], timeout_ms: int = WAIT_MS) -> None:
        """Wait until something is so."""
        self.qtbot.waitUntil(lambda: bool(until()), timeout=timeout_ms)

    def in_front(self, view_id: str) -> Any:
        """Wait until a view is in front and return it."""
        self.wait(lambda: self.view is not None and self.view.spec.id == view_id)
        return self.view

    def press(self, keys: str, times: int = 1) -> None:
        """Press keys, as the key map writes them, where the keyboard is; a dialog that is open has it."""
        combination = QKeySequence(keys)[0]  # type: ignore[index]  # the stubs leave it out
        for _ in range(times):
            target = QApplication.focusWidget() or QApplication.activeWindow() or self.window
            QTest.keyClick(target, combination.key(), combination.keyboardModifiers())
            QApplication.processEvents()

    def write(self, text: str) -> None:
        """Type where the keyboard is, instead of what stands there."""
        self.press("Ctrl+A")
        type_text(text)
        QApplication.processEvents()

    def paste(self, text: str) -> None:
        """Paste what another program has copied."""
        QGuiApplication.clipboard().setText(text)
        self.press("Ctrl+V")

    def tab_to(self, widget: QWidget) -> None:
        """Press Tab until a widget has the keyboard. Raises: AssertionError where it is never reached."""
        for _ in range(TABS):
            if QApplication.focusWidget() is widget:
                return
            self.press("Tab")
        raise AssertionError(f"{widget.accessibleName() or widget} is not reached with Tab")

    def push(self, button: QWidget) -> None:
        """Go to a button with Tab and press Space."""
        self.tab_to(button)
        self.press("Space")

    def choose(self, choices: Any, key: str) -> None:
        """Choose in a segment or a choice box with Tab and the arrows. Raises: AssertionError where it is not there."""
        boxed = isinstance(choices, ChoiceBox)
        self.tab_to(choices if boxed else choices.part(choices.key))
        if boxed:
            self.press("Home")
        for keys in ["Down"] * CHOICES if boxed else ["Right"] * CHOICES + ["Left"] * CHOICES:
            if choices.key == key:
                return
            self.press(keys)
        raise AssertionError(f"{key} is none of {choices.accessibleName()}")

    def activate(self) -> None:
        """Give the main window the keyboard, as a window manager does when a dialog has gone."""
        with self.qtbot.waitActive(self.window, timeout=WAIT_MS):
            self.window.activateWindow()
        QApplication.processEvents()  # who had the keyboard before gets it back a turn of the loop later

    def dialog(self, kind: type[QWidget]) -> Any:
        """Wait for a dialog of this kind and return it."""
        self.wait(lambda: self.shown(kind))
        return self.shown(kind)[0]

    def shown(self, kind: type[QWidget]) -> list[QWidget]:
        """Return the windows of this kind that are open."""
        return [top for top in QApplication.topLevelWidgets() if isinstance(top, kind) and top.isVisible()]

    def select(self, table: Any, place: Callable[[], int]) -> None:
        """Select a row with the arrows, wherever it moves meanwhile. Raises: AssertionError where it is not reached."""
        self.tab_to(table)
        self.press("Ctrl+Home")
        for _ in range(2 * table.model().rowCount() + 1):
            if table.currentIndex().row() == place():
                return
            self.press("Down" if table.currentIndex().row() < place() else "Up")
        raise AssertionError(f"row {place()} is not reached with the arrows")

    def command(self, text: str) -> None:
        """Find a command in the palette (Ctrl+K) and do the first one that is found."""
        self.press("Ctrl+K")
        self.wait(self.window.palette_popup.isVisible)
        type_text(text, self.window.palette_popup.field)
        QApplication.processEvents()
        QTest.keyClick(self.window.palette_popup.field, Qt.Key.Key_Return)
        QApplication.processEvents()

    def loaded(self) -> list[str]:
        """Return the channels that hold a cell, in order."""
        return [name for name, status in sorted(self.lab.channels.items()) if status.cell_id]

    def idle(self) -> list[str]:
        """Return the channels whose cell waits for a start, in order."""
        return [name for name in self.loaded() if self.lab.channels[name].state not in ("running", "paused")
                and not any(job.state in ("waiting", "starting", "running", "held") for job in self.lab.jobs.values()
                            if job.spec.cell_id == self.lab.channels[name].cell_id)]  # fmt: skip

    def start(self, *channels: str, **variables: str) -> list[str]:
        """Have a script start a long test on each of these; returns the runs once rows come in."""
        wishes = [long_test(self.lab.channels[channel].cell_id, **variables) for channel in channels]
        for wish in wishes:
            self.station.client.queue.submit([wish])
        self.wait(lambda: all(self.lab.channels[name].state == "running" and self.lab.channels[name].rows > 3
                              for name in channels))  # fmt: skip
        return [str(self.lab.channels[name].run_id) for name in channels]


def long_test(cell_id: str | None, **variables: str) -> dict[str, Any]:
    """Return the wish of a test that outlasts every story.

    It is gentle: on a bench that runs as fast as it can, a cell at the study's current is dead in half a minute.
    """
    gentle = {"current": "0.1 mA/cm^2", "capacity": "0.1 mAh/cm^2"}
    told = {"cycles": "100000", "opening_rest": "1 min", **gentle, **variables}
    return {"cell_id": cell_id, "protocol": "p1-li-li-1mA", "variables": told}


def answer(person: Person, question: Confirm, reason: str = "looked at it") -> None:
    """Answer a question of R2 by keys: type the word and the reason that it asks for, then press what acts."""
    for field, text in ((question.typed, question._question.typed), (question.reason, reason)):
        if field.isVisible():
            person.tab_to(field)
            person.write(text)
    person.push(question.act)


@contextmanager
def whole_window(
    data: Path,
    session: Session,
    qtbot: Any,
    *,
    person: str = "chen",
    url: str | None = None,
    token: str | None = None,
    size: tuple[int, int] = SIZE,
) -> Iterator[MainWindow]:
    """Open the window of ``labctl gui`` on the station of a data root; closed again after.

    With ``url`` and ``token`` it is the window of the person to whom the token was given.
    """

    async def connect(start: bool) -> Any:
        from labctl.api.client.aio.connecting import connect_async

        if token is not None:
            return await connect_async(url=url, token=token, start=False)
        return await connect_async(None, data, start=False, person=person)

    window = build(Plan(connect), session)
    window.resize(*size)
    with qtbot.waitActive(window, timeout=WAIT_MS):
        window.activateWindow()
    qtbot.waitUntil(lambda: window.desk is not None, timeout=WAIT_MS)
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        stop_all().show(Phase.IDLE)
        gc.collect()  # what the window left is found here, not in the test that happens to come next


@contextmanager
def window_with(station: StationRun, session: Session, qtbot: Any, *views: ViewSpec) -> Iterator[MainWindow]:
    """Open a window with a few views on a station, linked and active; closed again after."""

    async def connect(start: bool) -> Any:
        from labctl.api.client.aio.connecting import connect_async

        return await connect_async(data=station.data, start=False)

    made = MainWindow(session, Languages())
    desk = Desk(connect, made)
    made.attach(desk)
    made.show_views(views)
    made.resize(*SIZE)
    with qtbot.waitActive(made, timeout=WAIT_MS):
        made.show()
        made.activateWindow()
    desk.start()
    count = len(station.client.channels.list())
    qtbot.waitUntil(
        lambda: desk.lab.link.live and len(desk.lab.channels) == count and bool(desk.lab.cells),
        timeout=WAIT_MS,
    )
    try:
        yield made
    finally:
        made.close()
        made.deleteLater()
        stop_all().show(Phase.IDLE)


@contextmanager
def at_the_window(station: StationRun, session: Session, qtbot: Any, **words: Any) -> Iterator[Person]:
    """Open the window on a station and wait until it shows each channel and cell."""
    with whole_window(station.data, session, qtbot, **words) as window:
        person = Person(window, station, qtbot)
        count = len(station.client.channels.list())
        person.wait(
            lambda: person.lab.link.live and len(person.lab.channels) == count and person.lab.cells
            and person.lab.station is not None
        )  # fmt: skip
        yield person


def large_bench(folder: Path) -> Path:
    """Write the file of a bench with 128 channels in two testers, each with a cell; returns its path."""
    lines = ["labctl: bench/1", "name: hundred", "seed: 7", "instruments:"]
    for number in (1, 2):
        units = ", ".join(f"{{unit: {unit}, model: 5V10mA, channels: 8}}" for unit in range(1, 9))
        lines.append(
            f"  - {{name: neware-{number}, kind: neware-bts, devid: {32 + number}, devtype: 27, "
            f"profile: calibrated, units: [{units}]}}"
        )
    lines += ["chambers:", "  - {name: room-25, air_degC: 25, setpoint_degC: 25, on: true}", "cells:"]
    slots = [f"neware-{n}:{unit}-{slot}" for n in (1, 2) for unit in range(1, 9) for slot in range(1, 9)]
    lines += [
        f'  - {{cell_id: C{number:04}, name: cell-{number}, slot: "{slot}", variant: LIQ-P, chamber: room-25}}'
        for number, slot in enumerate(slots, 1)
    ]
    path = folder / "hundred.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
