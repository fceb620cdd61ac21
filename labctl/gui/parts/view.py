"""What a view is to the window: a page with a head and an action bar, made when it is first opened.

A view is a folder ``labctl/gui/views/<id>/`` whose ``__init__`` says ``VIEW = ViewSpec(...)`` and imports its widgets
only in ``make``: the rail is drawn before numpy and pyqtgraph are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEvent, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.parts.actionbar import ActionBar
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.tight import TightRow
from labctl.gui.parts.undo import Undo
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.commands import Command

if TYPE_CHECKING:
    from labctl.gui.qt_bridge import Bridge
    from labctl.gui.session import Session
    from labctl.gui.viewmodels.acts import Acts, Asks
    from labctl.gui.viewmodels.lab import Lab


@dataclass(frozen=True, slots=True)
class LookActs:
    """What a view may ask of the window's look; each choice is kept per user by the window."""

    set_theme: Callable[[Any], None]
    set_language: Callable[[Any], None]
    set_scale: Callable[[float], None]
    language: Callable[[], str]
    reset_layout: Callable[[], None]


@dataclass(slots=True)
class Context:
    """What the window gives to each view. ``shared`` holds view-models that several views look at (selection).

    ``go(view id, object)`` opens a view on something; ``say`` tells of done work; ``trouble`` of what went wrong.
    """

    lab: Lab
    asks: Asks
    acts: Acts
    bridge: Bridge
    session: Session
    go: Callable[[str, Any], None]
    say: Callable[[str], None]
    trouble: Callable[[Any], None]
    shared: dict[str, Any] = field(default_factory=dict)
    look: LookActs | None = None

    def share(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is shared under a name; made by who asks first."""
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view before it exists. ``title`` is English, translated in context ``views``; ``key`` is 1 to 9 for Ctrl+1..9.

    ``order`` is its place in the rail; ``help`` its page in the docs; ``rail`` False = opened by others only. ``there``
    tells whether a station has what the view is about: without it the view has no place in rail and palette.
    """

    id: str
    title: str
    icon: str
    order: int
    make: Callable[[Context], View]
    key: int | None = None
    help: str = ""
    rail: bool = True
    there: Callable[[Lab], bool] | None = None

    @property
    def name(self) -> str:
        """Return the title in the window's language; each view marks its own: ``mark("views", "Station")``."""
        return QCoreApplication.translate("views", self.title)


class Page(QWidget):
    """The room between head and bar. It asks for its smallest height only, not for the one that suits its width: with
    that every page of a stack, seen or not, would have its say, and head and bar would scroll away with the page.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def hasHeightForWidth(self) -> bool:
        """Tell that no height follows from the width."""
        return False


class View(QWidget):
    """Base of every view: ``head`` (56 px: title, chips left, acts right), ``page`` below, ``bar`` at the bottom."""

    title_changed = Signal(str)

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__()
        self.context, self.spec = context, spec
        self.undo = Undo(self)
        self.title = Label("", Role.TITLE)
        self.subtitle = ElidedLabel("", tone="muted")
        self.head_left, self.head_right = Row(gap=8), Row(gap=8)
        self.head: QWidget = TightRow()
        fix_size(self.head, height=56)
        head = Row(self.head, margins=(16, 0, 16, 0), gap=12)
        head.addWidget(self.title)
        head.addLayout(self.head_left)
        head.addWidget(self.subtitle, 1)
        head.addLayout(self.head_right)
        area = Page()
        self.page = Column(area, margins=(16, 0, 16, 8), gap=8)
        self.bar = ActionBar()
        outer = Column(self, gap=0)
        outer.addWidget(self.head)
        outer.addWidget(area, 1)
        outer.addWidget(self.bar)
        self._undo_actions = self.undo.actions()
        for action in self._undo_actions:
            self.addAction(action)

    # -- what a view answers ----------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew in the window's language; called after the view is made and at each switch."""
        self.title.setText(self.spec.name)

    def shown(self) -> None:
        """Begin to follow what changes: the view is seen now."""

    def hidden(self) -> None:
        """Stop work that nobody sees (plots paused when hidden)."""

    def open_on(self, target: Any) -> None:
        """Show an object: a channel, a run, an alarm's moment."""

    def commands(self) -> list[Command]:
        """Return what the palette offers while this view is in front."""
        return []

    def search(self) -> None:
        """Put the keyboard into the view's filter (Ctrl+F, /); without one the palette opens."""

    def save_state(self) -> dict[str, Any]:
        """Return what is kept per user: column widths, chosen segments. Plain JSON."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what ``save_state`` gave, perhaps from an older version: unknown words are left out."""

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()


__all__ = ["Command", "Context", "LookActs", "View", "ViewSpec"]
