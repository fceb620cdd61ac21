"""One window on one station under random hands: opened, acted on, settled, judged, closed. See ``guirandom``."""

from __future__ import annotations

import faulthandler
import gc
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QDialog, QWidget
from shiboken6 import isValid

from labctl.clock import link_now_s
from labctl.gui.app import Plan, build
from labctl.gui.i18n.translating import Language
from labctl.gui.loading import modules
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.docks import Dock
from labctl.gui.parts.stopall import CHORD, stop_all
from labctl.gui.session import Session
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.acts import Act
from labctl.gui.viewmodels.palette import KEYS
from labctl.gui.window import MainWindow
from labctl.testing.guideeds import Operator, is_told
from labctl.testing.guilaboratory import Laboratory
from labctl.testing.guipages import Hands

READY_S, SETTLE_S, ENDS_S = 60.0, 60.0, 8.0
TRAIL = 12
RESTART_EVERY = 4
"""In one example of so many the station is killed."""
MEND_AFTER = 12
"""So many actions later a disturbed link is mended: most of what is done is done with one."""
ANSWER_MS, ANSWER_TICKS, LEAVE_TICKS = 25, 8, 40
HANG_S = 150
"""A loop that nothing ends is told with all stacks."""


class Trial:
    """One example: ``open``, ``do`` many times with ``look`` after each, ``close``."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        lab.examples += 1
        self.chance = Random(f"{lab.seed} {lab.examples}")
        self.hands = Hands(self.chance, lab.folder / "files")
        self.window: MainWindow | None = None
        self.restarted = lab.examples % RESTART_EVERY != 0
        self.trail: list[str] = []
        self.number = 0
        self._disturbed = 0
        self._stopped_unseen = 0
        self._beat = self._seen_beat = self._ticks = 0
        self._answerer = QTimer()
        self._answerer.timeout.connect(self._answer)

    # -- life --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the window and wait until it knows the station."""
        if self.lab.over:
            return
        self.lab.prepare()
        self._open_window()
        self._shown.desk.stopped.connect(self._stopped)  # type: ignore[union-attr]  # it is there once it is open
        self._until(self._knows, READY_S, "the window does not get to know its station")
        # Before a view's code is loaded behind the window's back, opening it first takes longer than a turn may.
        wanted = modules()
        self._until(lambda: all(name in sys.modules for name in wanted), READY_S, "views are not loaded")
        self.lab.app.longest.clear()  # how long a start takes has its own measurement
        self._answerer.start(ANSWER_MS)

    def _open_window(self) -> None:
        session = Session(
            self.lab.folder / "gui.ini"
        )  # of one person: each window opens as the last was left
        session.language = Language.ENGLISH
        self.window = build(Plan(self.lab.connect), session)
        self._until(lambda: self.window is not None and self.window.desk is not None, READY_S, "no desk")
        assert self.window.desk is not None
        self.window.desk.acts.watch(self._count)

    def _knows(self) -> bool:
        desk = self.window.desk if self.window is not None else None
        return desk is not None and desk.lab.link.live and bool(desk.lab.channels) and bool(desk.lab.cells)

    def _count(self, act: Any) -> None:
        if act.over:
            key = f"{act.verb} {act.state}"
            self.lab.acts[key] = self.lab.acts.get(key, 0) + 1
            QTimer.singleShot(
                0, self._answerer, lambda: self._tell_of(act)
            )  # once all who watch have been told

    def _tell_of(self, act: Act) -> None:
        window = self.window
        if window is not None and not window.closed and not is_told(window, act):
            self._defect(f"not told: {act.verb} {act.state}", f"{act.subject}: {act.text}")

    def _stopped(self, answer: Any) -> None:
        banner = self.window.stop_banner if self.window is not None else None
        if banner is None or banner.reports is None or not banner.reports.isVisible():
            self._stopped_unseen += 1

    def turn(self, ms: int = 2) -> None:
        """Let the window live for a moment."""
        self._beat += 1
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()

    def _until(self, good: Any, within_s: float, otherwise: str) -> bool:
        until_s = link_now_s() + within_s
        while not good():
            if link_now_s() > until_s:
                self._defect(otherwise, otherwise)
                return False
            self.turn(30)
        return True

    def _answer(self) -> None:
        """Answer what waits in a loop of its own, so that the hands come free again."""
        if self._beat != self._seen_beat:
            self._seen_beat, self._ticks = self._beat, 0
            return
        self._ticks += 1
        if self._ticks >= ANSWER_TICKS:
            try:
                self.hands.answer(leave=self._ticks > LEAVE_TICKS)
            except Exception as error:
                self.lab.complaints.take(error, "answer")

    # -- acting ------------------------------------------------------------------------------------------------------

    def kind(self, kinds: Sequence[str], seed: int) -> str:
        """Return what is done next."""
        return Random(f"{self.lab.seed} {self.lab.examples} {self.number} {seed}").choice(kinds)

    def do(self, kind: str, seed: int) -> None:
        """Do one thing."""
        if self.lab.over or self.window is None:
            return
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        self.lab.actions += 1
        self.number += 1
        self.chance.seed(f"{self.lab.seed} {self.lab.examples} {self.number} {seed}")
        self.hands.did = kind
        try:
            if (self.lab.cut or self.lab.frozen) and self.number > self._disturbed + MEND_AFTER:
                self.lab.mend()
            act = getattr(self, f"_{kind}", None) or getattr(self.hands, kind)
            act()
            self.turn()
        except Exception as error:
            self.lab.complaints.take(error, "action")
        self.trail.append(f"{self.number} {self.hands.did}")
        faulthandler.cancel_dump_traceback_later()

    def look(self) -> None:
        """Note what broke or took long since the last look."""
        for text in self.lab.complaints.found:
            if "guipages.py" in text and "already deleted" in text and "labctl/gui/" not in text:
                continue  # what was pointed at went away by itself: the hands' own miss
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            places = [line for line in lines if line.startswith("File")]
            self._defect(f"{places[-1] if places else ''} {lines[-1]}"[:300], text)
        self.lab.complaints.found.clear()
        for turn in self.lab.app.over(self.lab.busy_max_s):
            who = " < ".join(turn.why.splitlines()[-1].split(" < ")[:4]) if turn.why else turn.name
            text = f"{turn.busy_s:.3f} s {turn.kind} {turn.name}\n{turn.why}"
            self._defect(f"busy: {turn.kind} {turn.name} in {who}", text)
        self.lab.app.longest.clear()

    def _defect(self, kind: str, text: str) -> None:
        trail = "\n  ".join([*self.trail[-TRAIL:], f"{self.number} {self.hands.did}"])
        self.lab.defect(kind, f"{text}\nexample {self.lab.examples}, after\n  {trail}")

    @property
    def _shown(self) -> MainWindow:
        assert self.window is not None
        return self.window

    def _mapped(self) -> None:
        self.hands.press(self.chance.choice(self.chance.choice(KEYS).keys))

    def _go(self) -> None:
        views = sorted(self._shown._specs)
        view = self.chance.choice(views)
        entry = self._shown.rail._entries.get(view)
        if entry is not None and self.chance.random() < 0.5:
            self.hands.did = f"rail {view}"
            entry.click()
            return
        view, target = self._goal(view)
        self.hands.did = f"go {view} {str(target)[:40]}"
        with self.lab.app.as_event(self.hands.did):
            self._shown.go(view, target)

    def _goal(self, view: str) -> tuple[str, Any]:
        """Return a view and what it may be opened on, as other views do it."""
        desk = self._shown.desk
        if desk is None or self.chance.random() < 0.3:
            return view, None
        channels, cells = sorted(desk.lab.channels), sorted(desk.lab.cells)
        if not channels or not cells:
            return view, None
        few = self.chance.sample(channels, min(4, len(channels)))
        goals: list[tuple[str, Any]] = [
            ("channel", few[0]), ("station", few), ("start", few), ("cells", {"cell": self.chance.choice(cells)}),
            ("cells", {"slots": few}), ("start", {"cells": self.chance.sample(cells, 2)}), ("settings", "notify"),
        ]  # fmt: skip
        return self.chance.choice(goals)

    def _command(self) -> None:
        self.hands.press("Ctrl+K")
        self.turn()
        commands = self._shown.commands()
        text = self.chance.choice(commands).text[: self.chance.randint(2, 14)]
        popup = self._shown.palette_popup
        if popup.isVisible() and text.isascii():
            self.hands.press("Ctrl+A")
            self.hands.type(text)
            self.hands.press("Return")
        self.hands.did = f"command {text!r}"

    def _dock(self) -> None:
        window = self._shown
        view, way = self.chance.choice(sorted(window._specs)), self.chance.randrange(7)
        self.hands.did = f"dock way {way} {view}"
        if window.docks is None:
            return
        floating = [top for top in QApplication.topLevelWidgets() if isinstance(top, Dock)]
        with self.lab.app.as_event(self.hands.did):
            if way == 0:
                window.rail.beside_wanted.emit(view)
            elif way == 1:
                window.rail.window_wanted.emit(view)
            elif way in (2, 3) and floating:
                self.chance.choice(floating).close()
            elif way == 4:
                window.docks.close_view(view)
            elif way == 5:
                window._save_named() if len(window.session.layouts()) < 4 else window._take_layout("1")
            else:
                window.reset_layout()

    def _look(self) -> None:
        way = self.chance.random()
        if way < 0.6:
            self.hands.resize()
            return
        with self.lab.app.as_event("look"):
            if way < 0.7:
                self.hands.did = "theme"
                self._shown.set_theme(self.chance.choice(list(ThemeName)))
            elif way < 0.8:
                self.hands.did = "language"
                self._shown.set_language(self.chance.choice(list(Language)))
            else:
                scale = self.chance.choice((1.0, 1.0, 1.25, 1.5, 2.0))
                self.hands.did = f"scale {scale}"
                self._shown.set_scale(scale)

    def _wait(self) -> None:
        for _ in range(self.chance.choice((1, 1, 1, 3, 8))):
            self.turn(self.chance.randint(5, 60))

    def _stop(self) -> None:
        if self.chance.random() < 0.25:
            self.hands.press(CHORD)
            return
        banner = self._shown.stop_banner
        if banner is None or banner.isHidden():
            return
        self.hands.did = "release"
        button = banner.button("release")
        if not button.isEnabled():
            return
        button.click()
        self.turn()
        for top in QApplication.topLevelWidgets():
            if isinstance(top, Confirm) and top.isVisible():
                top.typed.setText("release")
                top.reason.setText("at random")
                top.act.click()

    def _operator(self) -> Operator:
        return Operator(self._shown, self.chance, self.turn)

    def _deed(self) -> None:
        self.hands.did = self._operator().deed()

    def _start(self) -> None:
        self.hands.did = self._operator().start()

    def _link(self) -> None:
        way = self.chance.random()
        if self.lab.cut or self.lab.frozen:
            self.hands.did = "mend"
            self.lab.mend()
        elif way < 0.4:
            self.hands.did, self._disturbed = "cut", self.number
            self.lab.cut = True
        elif way < 0.8:
            self.hands.did, self._disturbed = "freeze", self.number
            self.lab.freeze()

    def _restart(self) -> None:
        if self.restarted:
            self._wait()
            return
        self.restarted = True
        self.hands.did = "restart the station"
        self.lab.restart()

    # -- judging -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Settle, judge what is shown, close the window, and look what is left."""
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            if self.window is not None and not self.lab.over:
                self.lab.mend()
                if self.window.isVisible():
                    self._put_away()
                    self._until(self._settled, SETTLE_S, "acts are not over a minute after the last action")
                    self._judge()
                self.look()
            self._close_window()
            gc.collect()
            self.lab.rss_MB.append(resident_MB())
        finally:
            self._answerer.stop()
            faulthandler.cancel_dump_traceback_later()
        sys.stderr.write(
            f"example {self.lab.examples}: {self.lab.actions} actions, {self.lab.rss_MB[-1]:.0f} MB\n"
        )

    def _put_away(self) -> None:
        for _ in range(20):
            one = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if one is None:
                return
            one.reject() if isinstance(one, QDialog) else one.close()
            self.turn(20)

    def _settled(self) -> bool:
        desk = self._shown.desk
        assert desk is not None
        return self._knows() and not desk.acts.pending and stop_all().phase is not Phase.SENDING

    def _judge(self) -> None:
        """Look at the screen: no act hangs, Stop all is told, everything has a name."""
        window = self._shown
        assert window.desk is not None and window.stop_banner is not None
        self.turn(100)
        if window.desk.lab.stop_all.active and window.stop_banner.isHidden():
            self._defect("the latch of Stop all is not shown", str(window.desk.lab.stop_all)[:500])
        if self._stopped_unseen:
            self._defect("the report of Stop all was not shown", f"{self._stopped_unseen} times")
        for top in QApplication.topLevelWidgets():
            for one in top.findChildren(QWidget):
                if isinstance(one, Button) and one.phase is Phase.SENDING:
                    self._defect(f"a button still says sending: {one.text()}", one.objectName())
                if one.isVisible() and one.focusPolicy() != Qt.FocusPolicy.NoFocus and not named(one):
                    path = f"{type(one).__name__} {one.objectName()!r} in {parents(one)}"
                    self._defect(f"no accessible name: {path}", path)

    def _close_window(self) -> None:
        """Close the window with all that belongs to it, and look what is left of it."""
        window, self.window = self.window, None
        if window is None:
            return
        window.close()
        self.turn(50)
        until_s = link_now_s() + ENDS_S
        while (left := labctl_threads()) and link_now_s() < until_s:
            self.turn(50)
        if left:
            self._defect(f"threads stay: {left}", str(left))
        window.deleteLater()
        self.turn(50)
        if isValid(window):
            self._defect("the window stays", str(window))
        for top in QApplication.topLevelWidgets():
            if top.isVisible():
                self._defect(f"a window stays open: {type(top).__name__} {top.objectName()}", parents(top))
        self.look()


def labctl_threads() -> list[str]:
    """Return the window's threads that live."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("labctl-")]


def named(widget: QWidget) -> bool:
    """Tell whether a screen reader has a name for it."""
    around = widget.parentWidget()
    if isinstance(around, QAbstractScrollArea) and around.viewport() is widget:
        widget = around  # a viewport is no control of its own
    told = QAccessible.queryAccessibleInterface(widget)
    return bool(widget.accessibleName() or (told is not None and told.text(QAccessible.Text.Name)))


def parents(widget: QWidget) -> str:
    """Return where a widget stands."""
    names: list[str] = []
    one = widget.parentWidget()
    while one is not None and len(names) < 5:
        names.append(f"{type(one).__name__} {one.objectName()}".strip())
        one = one.parentWidget()
    return " < ".join(names)


def resident_MB() -> float:
    """Return the memory that this process holds; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    return round(int(found[1]) / 1024.0, 1) if found else 0.0
