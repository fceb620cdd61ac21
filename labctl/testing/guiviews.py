"""One view of the window on a lab of the test's own: what it asks, says and opens is written down."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from labctl.gui.parts.view import Context, View, ViewSpec
from labctl.gui.session import Session
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.acts import Acts
from labctl.gui.viewmodels.lab import Lab
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab


class SyncBridge:
    """What a view takes of the bridge beside asking: work is done at once."""

    address = "http://127.0.0.1:7421"

    def __init__(self) -> None:
        self.followed: dict[object, tuple[str, ...]] = {}

    def work(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Any], None] | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        """Compute now; an error of the user's file goes to ``failed`` as the bridge tells it."""
        from labctl.errors import LabctlError
        from labctl.gui.troubles import trouble_of

        try:
            answer = function()
        except LabctlError as error:
            if failed is not None:
                failed(trouble_of("work", error))
            return
        then(answer)

    def follow(self, owner: object, run_ids: Any) -> None:
        """Note which runs are followed."""
        self.followed[owner] = tuple(run_ids)


@dataclass
class ViewBench:
    """A context for one view. ``gone`` are the views that it opened, ``said`` its toasts."""

    session: Session
    lab: Lab = field(default_factory=a_lab)
    asks: FakeAsks = field(default_factory=FakeAsks)
    gone: list[tuple[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    troubles: list[Any] = field(default_factory=list)
    bridge: SyncBridge = field(default_factory=SyncBridge)

    def __post_init__(self) -> None:
        from labctl.gui.i18n import translating

        words.translate = translating.tr
        self.clock = TurnedClock()
        self.acts = Acts(self.asks, self.clock)
        bridge: Any = self.bridge
        self.context = Context(
            self.lab,
            self.asks,
            self.acts,
            bridge,
            self.session,
            self._go,
            self.said.append,
            self.troubles.append,
        )

    def _go(self, view_id: str, target: Any) -> None:
        self.gone.append((view_id, target))

    def open(self, view_id: str, qtbot: Any, size: tuple[int, int] = (1500, 900)) -> Any:
        """Return the view, shown and with the keyboard's attention."""
        spec: ViewSpec = importlib.import_module(f"labctl.gui.views.{view_id}").VIEW
        view: View = spec.make(self.context)
        view.retranslate()
        qtbot.addWidget(view)
        view.resize(*size)
        with qtbot.waitActive(view, timeout=30_000):
            view.show()
            view.activateWindow()
        view.shown()
        return view


def press(keys: str, widget: QWidget | None = None) -> None:
    """Press keys (``Ctrl+D``, ``Return``, ``Tab``) where the keyboard is, or on a widget."""
    names = keys.split("+")
    modifiers = Qt.KeyboardModifier.NoModifier
    for name in names[:-1]:
        modifiers |= {
            "Ctrl": Qt.KeyboardModifier.ControlModifier, "Shift": Qt.KeyboardModifier.ShiftModifier,
            "Alt": Qt.KeyboardModifier.AltModifier,
        }[name]  # fmt: skip
    target = widget or QApplication.focusWidget()
    assert target is not None, "nothing has the keyboard"
    key = getattr(Qt.Key, f"Key_{names[-1]}")
    QTest.keyClick(target, key, modifiers)
    QApplication.processEvents()  # editors commit a turn of the loop later


def type_text(text: str, widget: QWidget | None = None) -> None:
    """Type a text where the keyboard is; what an input method would commit goes in whole."""
    from PySide6.QtGui import QInputMethodEvent

    target = widget or QApplication.focusWidget()
    assert target is not None, "nothing has the keyboard"
    if text.isascii():
        QTest.keyClicks(target, text)
        return
    event = QInputMethodEvent("", [])
    event.setCommitString(text)
    QApplication.sendEvent(target, event)


def tab_to(widget: QWidget, limit: int = 60) -> None:
    """Press Tab until a widget has the keyboard. Raises: AssertionError where it is never reached."""
    for _ in range(limit):
        if QApplication.focusWidget() is widget:
            return
        press("Tab")
    raise AssertionError(f"{widget.accessibleName() or widget} is not reached with Tab")
