"""Which pictures are taken of the window: a scene is a view brought to the front and something shown in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.gui.window import MainWindow


def _nothing(window: MainWindow) -> None:
    """Leave things as they are."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture's name, what it shows, how it is brought up (again after each change of look) and put away."""

    name: str
    told: str
    show: Callable[[MainWindow], None]
    leave: Callable[[MainWindow], None] = _nothing


def _view(view_id: str) -> Callable[[MainWindow], None]:
    return lambda window: window.go(view_id)


def _busiest(window: MainWindow) -> str:
    """Return the channel with the most cycles behind it: the first of them."""
    assert window.desk is not None
    channels = window.desk.lab.channels
    return str(max(channels, key=lambda channel: channels[channel].cycle))


def _channel(window: MainWindow) -> None:
    window.go("channel", _busiest(window))


def _palette(window: MainWindow) -> None:
    window.go("station")
    window.palette_popup.open()


def _palette_away(window: MainWindow) -> None:
    window.palette_popup.hide()


SCENES = (
    Scene("station", "channel grid", _view("station")),
    Scene("channel", "live voltage of the channel with the most cycles", _channel),
    Scene("compare", "groups of cells", _view("compare")),
    Scene("protocol", "protocol editor", _view("protocol")),
    Scene("queue", "queue and calendar", _view("queue")),
    Scene("cells", "cells registry", _view("cells")),
    Scene("start", "batch start review", _view("start")),
    Scene("alarms", "alarms and events", _view("alarms")),
    Scene("reports", "figure for a paper", _view("reports")),
    Scene("recovery", "recovery after a restart", _view("recovery")),
    Scene("frames", "raw frames", _view("frames")),
    Scene("settings", "settings", _view("settings")),
    Scene("firstrun", "first run", _view("firstrun")),
    Scene("palette", "command palette over the station", _palette, _palette_away),
)
